-- Comparisons give bool; NaN equals nothing and is on no side of anything.
local t = require "support.op_cases" (_ENV)
local f16, i64, u8, bool, nan, inf = t.f16, t.i64, t.u8, t.bool, t.nan, t.inf

t.cases("Equal", {
  {
    "compares f32",
    inputs = { { 1, 2, 3, -0.0, inf }, { 1, 3, 2, 0, inf } },
    outputs = { { true, false, false, true, true } },
  },
  {
    "is false for NaN",
    inputs = { { nan, nan, 1 }, { nan, 1, nan } },
    outputs = { { false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { true, false, false }, { false, true, false } } },
  },
  {
    "compares i64 beyond 2^53",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { { false } },
  },
  { "compares u8", inputs = { u8 { 200 }, u8 { 100 } }, outputs = { { false } } },
  { "compares f16", inputs = { f16 { 1, 2 }, f16 { 1, 3 } }, outputs = { { true, false } } },
  { "takes an empty tensor", inputs = { {}, { 1 } }, outputs = { bool {} } },
  {
    "compares booleans",
    inputs = { { true, false }, { true, true } },
    outputs = { { true, false } },
  },
  {
    "compares strings since opset 19",
    inputs = { { "a", "b", "" }, { "a", "B", "" } },
    outputs = { { true, false, true } },
  },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 1, 4 } },
    outputs = { { { true, false }, { false, true } } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
})

t.cases("Less", {
  {
    "compares f32",
    inputs = { { 1, 2, 3, -0.0, inf }, { 1, 3, 2, 0, inf } },
    outputs = { { false, true, false, false, false } },
  },
  {
    "is false for NaN",
    inputs = { { nan, nan, 1 }, { nan, 1, nan } },
    outputs = { { false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { false, true, true }, { false, false, true } } },
  },
  {
    "compares i64 beyond 2^53",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { { false } },
  },
  { "compares u8", inputs = { u8 { 200 }, u8 { 100 } }, outputs = { { false } } },
  { "compares f16", inputs = { f16 { 1, 2 }, f16 { 1, 3 } }, outputs = { { false, true } } },
  { "takes an empty tensor", inputs = { {}, { 1 } }, outputs = { bool {} } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 1, 4 } },
    outputs = { { { false, false }, { true, false } } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
})

t.cases("Greater", {
  {
    "compares f32",
    inputs = { { 1, 2, 3, -0.0, inf }, { 1, 3, 2, 0, inf } },
    outputs = { { false, false, true, false, false } },
  },
  {
    "is false for NaN",
    inputs = { { nan, nan, 1 }, { nan, 1, nan } },
    outputs = { { false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { false, false, false }, { true, false, false } } },
  },
  {
    "compares i64 beyond 2^53",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { { true } },
  },
  { "compares u8", inputs = { u8 { 200 }, u8 { 100 } }, outputs = { { true } } },
  { "compares f16", inputs = { f16 { 1, 2 }, f16 { 1, 3 } }, outputs = { { false, false } } },
  { "takes an empty tensor", inputs = { {}, { 1 } }, outputs = { bool {} } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 1, 4 } },
    outputs = { { { false, true }, { false, false } } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
})

t.cases("LessOrEqual", {
  {
    "compares f32",
    inputs = { { 1, 2, 3, -0.0, inf }, { 1, 3, 2, 0, inf } },
    outputs = { { true, true, false, true, true } },
  },
  {
    "is false for NaN",
    inputs = { { nan, nan, 1 }, { nan, 1, nan } },
    outputs = { { false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { true, true, true }, { false, true, true } } },
  },
  {
    "compares i64 beyond 2^53",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { { false } },
  },
  { "compares u8", inputs = { u8 { 200 }, u8 { 100 } }, outputs = { { false } } },
  { "compares f16", inputs = { f16 { 1, 2 }, f16 { 1, 3 } }, outputs = { { true, true } } },
  { "takes an empty tensor", inputs = { {}, { 1 } }, outputs = { bool {} } },
  {
    "ran at opset 12",
    opset = 12, inputs = { { 1, 2 }, { 2, 2 } },
    outputs = { { true, true } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
})

t.cases("GreaterOrEqual", {
  {
    "compares f32",
    inputs = { { 1, 2, 3, -0.0, inf }, { 1, 3, 2, 0, inf } },
    outputs = { { true, false, true, true, true } },
  },
  {
    "is false for NaN",
    inputs = { { nan, nan, 1 }, { nan, 1, nan } },
    outputs = { { false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { true, false, false }, { true, true, false } } },
  },
  {
    "compares i64 beyond 2^53",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { { true } },
  },
  { "compares u8", inputs = { u8 { 200 }, u8 { 100 } }, outputs = { { true } } },
  { "compares f16", inputs = { f16 { 1, 2 }, f16 { 1, 3 } }, outputs = { { true, false } } },
  { "takes an empty tensor", inputs = { {}, { 1 } }, outputs = { bool {} } },
  {
    "ran at opset 12",
    opset = 12, inputs = { { 1, 2 }, { 2, 2 } },
    outputs = { { false, true } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
})
