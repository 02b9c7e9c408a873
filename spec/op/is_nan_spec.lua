-- Tests for what is not a number or not finite.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i32, bool = t.f64, t.f32, t.f16, t.bf16, t.i32, t.bool
local f8e4m3fn, nan, inf = t.f8e4m3fn, t.nan, t.inf

t.cases("IsNaN", {
  {
    "finds NaN in f32",
    inputs = { { nan, 1, inf, -inf, 0 } },
    outputs = { { true, false, false, false, false } },
  },
  {
    "finds NaN in f64",
    inputs = { f64 { { nan }, { 1 } } },
    outputs = { { { true }, { false } } },
  },
  { "finds NaN in f16", inputs = { f16 { nan, inf, 1 } }, outputs = { { true, false, false } } },
  {
    "finds NaN in bf16",
    inputs = { bf16 { nan, inf, 1 } },
    outputs = { { true, false, false } },
  },
  { "finds NaN in f8e4m3fn", inputs = { f8e4m3fn { nan, 1 } }, outputs = { { true, false } } },
  { "ran at opset 9", opset = 9, inputs = { { nan, 1 } }, outputs = { { true, false } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { bool { shape = { 0, 2 } } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("IsInf", {
  {
    "finds both infinities",
    inputs = { { nan, 1, inf, -inf, 0 } },
    outputs = { { false, false, true, true, false } },
  },
  {
    "finds the positive one only",
    attrs = { detect_negative = 0 }, inputs = { { nan, 1, inf, -inf } },
    outputs = { { false, false, true, false } },
  },
  {
    "finds the negative one only",
    attrs = { detect_positive = 0 }, inputs = { { nan, 1, inf, -inf } },
    outputs = { { false, false, false, true } },
  },
  {
    "finds none when asked for none",
    attrs = { detect_positive = 0, detect_negative = 0 }, inputs = { { nan, 1, inf, -inf } },
    outputs = { { false, false, false, false } },
  },
  { "looks into f64", inputs = { f64 { 1e+308, -inf } }, outputs = { { false, true } } },
  {
    "looks into f16 since opset 20",
    inputs = { f16 { 65504, inf } },
    outputs = { { false, true } },
  },
  { "ran at opset 10", opset = 10, inputs = { { inf, 1 } }, outputs = { { true, false } } },
})
