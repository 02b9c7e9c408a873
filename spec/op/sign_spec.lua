-- Abs, Neg, Sign: integers wrap at their ends.
local t = require "support.op_cases" (_ENV)
local f64, f16, i64, i32, i8, u64, u8 = t.f64, t.f16, t.i64, t.i32, t.i8, t.u64, t.u8
local nan, inf = t.nan, t.inf

t.cases("Abs", {
  {
    "computes f32",
    inputs = { { -1.5, 0, 2, -inf, nan } },
    outputs = { { 1.5, 0, 2, inf, nan } },
  },
  {
    "computes i8; the least has no opposite",
    inputs = { i8 { -127, -5, 0, 5 } },
    outputs = { i8 { 127, 5, 0, 5 } },
  },
  {
    "computes i64",
    inputs = { i64 { -9007199254740993, 7 } },
    outputs = { i64 { 9007199254740993, 7 } },
  },
  { "leaves u8", inputs = { u8 { 0, 200, 255 } }, outputs = { u8 { 0, 200, 255 } } },
  { "computes f16", inputs = { f16 { -2.5, 1 } }, outputs = { f16 { 2.5, 1 } } },
  {
    "takes an empty tensor",
    inputs = { i32 { shape = { 0, 3 } } },
    outputs = { i32 { shape = { 0, 3 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { -1, 1 } },
    outputs = { { 1, 1 } },
  },
  { "refuses booleans", inputs = { { true } }, error = "bool" },
})

t.cases("Neg", {
  { "computes f32", inputs = { { -1.5, 0.5, inf } }, outputs = { { 1.5, -0.5, -inf } } },
  {
    "computes i32",
    inputs = { i32 { { -1, 2 }, { 3, -4 } } },
    outputs = { i32 { { 1, -2 }, { -3, 4 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993 } },
    outputs = { i64 { -9007199254740993 } },
  },
  { "computes f64", inputs = { f64 { -2.5 } }, outputs = { f64 { 2.5 } } },
  { "refuses unsigned numbers", inputs = { u8 { 1 } }, error = "u8" },
})

t.cases("Sign", {
  { "computes f32", inputs = { { -2, -0.0, 0, 3, -inf } }, outputs = { { -1, 0, 0, 1, -1 } } },
  { "keeps NaN", inputs = { { nan } }, outputs = { { nan } } },
  { "computes i8", inputs = { i8 { -128, 0, 127 } }, outputs = { i8 { -1, 0, 1 } } },
  { "computes u64", inputs = { u64 { 0, 0x8000000000000000 } }, outputs = { u64 { 0, 1 } } },
  { "computes f16", inputs = { f16 { -2, 0, 2 } }, outputs = { f16 { -1, 0, 1 } } },
  { "ran at opset 9", opset = 9, inputs = { i32 { -5, 0, 5 } }, outputs = { i32 { -1, 0, 1 } } },
})
