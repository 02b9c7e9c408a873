-- And, Or, Xor of booleans and, bit by bit, of integers.
local t = require "support.op_cases" (_ENV)
local i64, i32, u16, u8, bool = t.i64, t.i32, t.u16, t.u8, t.bool

t.cases("And", {
  {
    "has its truth table",
    inputs = { { true, true, false, false }, { true, false, true, false } },
    outputs = { { true, false, false, false } },
  },
  {
    "broadcasts",
    inputs = { { { true }, { false } }, { true, false, true } },
    outputs = { { { true, false, true }, { false, false, false } } },
  },
  { "takes an empty tensor", inputs = { bool {}, true }, outputs = { bool {} } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 },
    inputs = { { { true, false }, { true, false } }, { true, false } },
    outputs = { { { true, false }, { false, false } } },
  },
  { "refuses numbers", inputs = { { 1 }, { 1 } }, error = "f32" },
})

t.cases("Or", {
  {
    "has its truth table",
    inputs = { { true, true, false, false }, { true, false, true, false } },
    outputs = { { true, true, true, false } },
  },
  {
    "broadcasts",
    inputs = { { { true }, { false } }, { true, false, true } },
    outputs = { { { true, true, true }, { true, false, true } } },
  },
  { "takes an empty tensor", inputs = { bool {}, true }, outputs = { bool {} } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 },
    inputs = { { { true, false }, { true, false } }, { true, false } },
    outputs = { { { true, true }, { true, false } } },
  },
  { "refuses numbers", inputs = { { 1 }, { 1 } }, error = "f32" },
})

t.cases("Xor", {
  {
    "has its truth table",
    inputs = { { true, true, false, false }, { true, false, true, false } },
    outputs = { { false, true, true, false } },
  },
  {
    "broadcasts",
    inputs = { { { true }, { false } }, { true, false, true } },
    outputs = { { { false, true, false }, { true, false, true } } },
  },
  { "takes an empty tensor", inputs = { bool {}, true }, outputs = { bool {} } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 },
    inputs = { { { true, false }, { true, false } }, { true, false } },
    outputs = { { { false, true }, { true, false } } },
  },
  { "refuses numbers", inputs = { { 1 }, { 1 } }, error = "f32" },
})

t.cases("BitwiseAnd", {
  {
    "combines u8",
    inputs = { u8 { 12, 255, 0 }, u8 { 10, 15, 7 } },
    outputs = { u8 { 8, 15, 0 } },
  },
  { "combines i32", inputs = { i32 { -1, 12 }, i32 { 7, -4 } }, outputs = { i32 { 7, 12 } } },
  {
    "combines i64",
    inputs = { i64 { 1099511627777 }, i64 { 1099511627778 } },
    outputs = { i64 { 1099511627776 } },
  },
  {
    "broadcasts",
    inputs = { u16 { { 1 }, { 2 } }, u16 { 1, 2, 3 } },
    outputs = { u16 { { 1, 0, 1 }, { 0, 2, 2 } } },
  },
  { "refuses floats", inputs = { { 1 }, { 1 } }, error = "f32" },
})

t.cases("BitwiseOr", {
  {
    "combines u8",
    inputs = { u8 { 12, 255, 0 }, u8 { 10, 15, 7 } },
    outputs = { u8 { 14, 255, 7 } },
  },
  { "combines i32", inputs = { i32 { -1, 12 }, i32 { 7, -4 } }, outputs = { i32 { -1, -4 } } },
  {
    "combines i64",
    inputs = { i64 { 1099511627777 }, i64 { 1099511627778 } },
    outputs = { i64 { 1099511627779 } },
  },
  {
    "broadcasts",
    inputs = { u16 { { 1 }, { 2 } }, u16 { 1, 2, 3 } },
    outputs = { u16 { { 1, 3, 3 }, { 3, 2, 3 } } },
  },
  { "refuses floats", inputs = { { 1 }, { 1 } }, error = "f32" },
})

t.cases("BitwiseXor", {
  {
    "combines u8",
    inputs = { u8 { 12, 255, 0 }, u8 { 10, 15, 7 } },
    outputs = { u8 { 6, 240, 7 } },
  },
  { "combines i32", inputs = { i32 { -1, 12 }, i32 { 7, -4 } }, outputs = { i32 { -8, -16 } } },
  {
    "combines i64",
    inputs = { i64 { 1099511627777 }, i64 { 1099511627778 } },
    outputs = { i64 { 3 } },
  },
  {
    "broadcasts",
    inputs = { u16 { { 1 }, { 2 } }, u16 { 1, 2, 3 } },
    outputs = { u16 { { 0, 3, 2 }, { 3, 0, 1 } } },
  },
  { "refuses floats", inputs = { { 1 }, { 1 } }, error = "f32" },
})
