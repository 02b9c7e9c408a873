-- x above alpha, else 0.
local t = require "support.op_cases" (_ENV)
local f64, f16, i32, inf = t.f64, t.f16, t.i32, t.inf

t.cases("ThresholdedRelu", {
  {
    "computes f32 with alpha 1",
    inputs = { { -1, 0.5, 1, 1.25, inf } },
    outputs = { { 0, 0, 0, 1.25, inf } },
  },
  {
    "takes alpha",
    attrs = { alpha = 2.0 }, inputs = { { { -1, 0.5 }, { 2, 2.5 } } },
    outputs = { { { 0, 0 }, { 0, 2.5 } } },
  },
  {
    "takes a negative alpha",
    attrs = { alpha = -1.0 }, inputs = { { -2, -0.5, 1 } },
    outputs = { { 0, -0.5, 1 } },
  },
  { "computes f64", inputs = { f64 { 0.5, 2 } }, outputs = { f64 { 0, 2 } } },
  { "computes f16", inputs = { f16 { 0.5, 2 } }, outputs = { f16 { 0, 2 } } },
  {
    "ran at opset 10",
    opset = 10, attrs = { alpha = 0.25 }, inputs = { { 0.5, 2 } },
    outputs = { { 0.5, 2 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})
