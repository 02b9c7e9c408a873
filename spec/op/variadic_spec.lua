-- Max, Min, Sum, Mean of one input and more.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i8, u64, nan = t.f64, t.f32, t.f16, t.i64, t.i8, t.u64, t.nan
local inf = t.inf

t.cases("Max", {
  {
    "takes three inputs",
    inputs = { { 3, 2, 1 }, { 1, 4, 4 }, { 2, 5, 3 } },
    outputs = { { 3, 5, 4 } },
  },
  { "takes one input", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  {
    "broadcasts",
    inputs = { { { 1 }, { 5 } }, { 2, 3, 4 }, 0 },
    outputs = { { { 2, 3, 4 }, { 5, 5, 5 } } },
  },
  { "keeps NaN", inputs = { { nan, 1 }, { 2, nan } }, outputs = { { nan, nan } } },
  { "computes i8", inputs = { i8 { -128, 5 }, i8 { 127, -5 } }, outputs = { i8 { 127, 5 } } },
  {
    "computes u64",
    inputs = { u64 { 0x8000000000000000, 5 }, u64 { 1, 7 } },
    outputs = { u64 { 0x8000000000000000, 7 } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { i64 { 9007199254740993 } },
  },
  { "takes infinities", inputs = { { inf, -inf }, { 1, 1 } }, outputs = { { inf, 1 } } },
  { "computes f16", inputs = { f16 { 1, 2 }, f16 { 3, 0.5 } }, outputs = { f16 { 3, 2 } } },
  { "computes f64", inputs = { f64 { 1, 2 }, f64 { 3, 0.5 } }, outputs = { f64 { 3, 2 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, { 1, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0, 0 } }, inputs = { { 1, 5 }, { 2, 3 } },
    outputs = { { 2, 5 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, f64 { 1 } }, error = "f64" },
})

t.cases("Min", {
  {
    "takes three inputs",
    inputs = { { 3, 2, 1 }, { 1, 4, 4 }, { 2, 5, 3 } },
    outputs = { { 1, 2, 1 } },
  },
  { "takes one input", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  {
    "broadcasts",
    inputs = { { { 1 }, { 5 } }, { 2, 3, 4 }, 0 },
    outputs = { f32 { shape = { 2, 3 }, 0 } },
  },
  { "keeps NaN", inputs = { { nan, 1 }, { 2, nan } }, outputs = { { nan, nan } } },
  { "computes i8", inputs = { i8 { -128, 5 }, i8 { 127, -5 } }, outputs = { i8 { -128, -5 } } },
  {
    "computes u64",
    inputs = { u64 { 0x8000000000000000, 5 }, u64 { 1, 7 } },
    outputs = { u64 { 1, 5 } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993 }, i64 { 9007199254740992 } },
    outputs = { i64 { 9007199254740992 } },
  },
  { "takes infinities", inputs = { { inf, -inf }, { 1, 1 } }, outputs = { { 1, -inf } } },
  { "computes f16", inputs = { f16 { 1, 2 }, f16 { 3, 0.5 } }, outputs = { f16 { 1, 0.5 } } },
  { "computes f64", inputs = { f64 { 1, 2 }, f64 { 3, 0.5 } }, outputs = { f64 { 1, 0.5 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, { 1, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0, 0 } }, inputs = { { 1, 5 }, { 2, 3 } },
    outputs = { { 1, 3 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, f64 { 1 } }, error = "f64" },
})

t.cases("Sum", {
  {
    "takes three inputs",
    inputs = { { 3, 2, 1 }, { 1, 4, 4 }, { 2, 5, 3 } },
    outputs = { { 6, 11, 8 } },
  },
  { "takes one input", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  {
    "broadcasts",
    inputs = { { { 1 }, { 5 } }, { 2, 3, 4 }, 0 },
    outputs = { { { 3, 4, 5 }, { 7, 8, 9 } } },
  },
  { "computes f16", inputs = { f16 { 1, 2 }, f16 { 3, 0.5 } }, outputs = { f16 { 4, 2.5 } } },
  { "computes f64", inputs = { f64 { 1, 2 }, f64 { 3, 0.5 } }, outputs = { f64 { 4, 2.5 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, { 1, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0, 0 } }, inputs = { { 1, 5 }, { 2, 3 } },
    outputs = { { 3, 8 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, f64 { 1 } }, error = "f64" },
})

t.cases("Mean", {
  {
    "takes three inputs",
    inputs = { { 3, 2, 1 }, { 1, 4, 4 }, { 2, 5, 3 } },
    outputs = { { 2, 3.666667, 2.666667 } },
  },
  { "takes one input", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  {
    "broadcasts",
    inputs = { { { 1 }, { 5 } }, { 2, 3, 4 }, 0 },
    outputs = { { { 1, 1.333333, 1.666667 }, { 2.333333, 2.666667, 3 } } },
  },
  { "computes f16", inputs = { f16 { 1, 2 }, f16 { 3, 0.5 } }, outputs = { f16 { 2, 1.25 } } },
  { "computes f64", inputs = { f64 { 1, 2 }, f64 { 3, 0.5 } }, outputs = { f64 { 2, 1.25 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, { 1, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0, 0 } }, inputs = { { 1, 5 }, { 2, 3 } },
    outputs = { { 1.5, 4 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, f64 { 1 } }, error = "f64" },
})
