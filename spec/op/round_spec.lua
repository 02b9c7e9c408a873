-- Rounding to integers that stay floats.
local t = require "support.op_cases" (_ENV)
local f64, f16, i32, nan, inf = t.f64, t.f16, t.i32, t.nan, t.inf

t.cases("Floor", {
  {
    "rounds f32",
    inputs = { { -2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 2.6 } },
    outputs = { { -3, -2, -1, 0, 0, 1, 2, 2 } },
  },
  {
    "leaves infinities and NaN",
    inputs = { { inf, -inf, nan, 1e+30 } },
    outputs = { { inf, -inf, nan, 1e+30 } },
  },
  {
    "rounds f64",
    inputs = { f64 { -1.5, 0.5, 4503599627370497.0 } },
    outputs = { f64 { -2, 0, 4.50359962737e+15 } },
  },
  { "rounds f16", inputs = { f16 { { -1.5 }, { 2.75 } } }, outputs = { f16 { { -2 }, { 2 } } } },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { 0.5, -1.5 } },
    outputs = { { 0, -2 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("Ceil", {
  {
    "rounds f32",
    inputs = { { -2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 2.6 } },
    outputs = { { -2, -1, 0, 1, 1, 2, 3, 3 } },
  },
  {
    "leaves infinities and NaN",
    inputs = { { inf, -inf, nan, 1e+30 } },
    outputs = { { inf, -inf, nan, 1e+30 } },
  },
  {
    "rounds f64",
    inputs = { f64 { -1.5, 0.5, 4503599627370497.0 } },
    outputs = { f64 { -1, 1, 4.50359962737e+15 } },
  },
  { "rounds f16", inputs = { f16 { { -1.5 }, { 2.75 } } }, outputs = { f16 { { -1 }, { 3 } } } },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { 0.5, -1.5 } },
    outputs = { { 1, -1 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("Round", {
  {
    "rounds f32, halves to even",
    inputs = { { -2.5, -1.5, -0.5, 0.4, 0.5, 1.5, 2.5, 2.6 } },
    outputs = { { -2, -2, 0, 0, 0, 2, 2, 3 } },
  },
  {
    "leaves infinities and NaN",
    inputs = { { inf, -inf, nan, 1e+30 } },
    outputs = { { inf, -inf, nan, 1e+30 } },
  },
  {
    "rounds f64",
    inputs = { f64 { -1.5, 0.5, 4503599627370497.0 } },
    outputs = { f64 { -2, 0, 4.50359962737e+15 } },
  },
  { "rounds f16", inputs = { f16 { { -1.5 }, { 2.75 } } }, outputs = { f16 { { -2 }, { 3 } } } },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})
