-- x below zero times alpha.
local t = require "support.op_cases" (_ENV)
local f64, f16, bf16, i32, inf = t.f64, t.f16, t.bf16, t.i32, t.inf

t.cases("LeakyRelu", {
  {
    "computes f32 with alpha 0.01",
    inputs = { { -100, -1, 0, 2, -inf } },
    outputs = { { -1, -0.01, 0, 2, -inf } },
  },
  {
    "takes alpha",
    attrs = { alpha = 0.25 }, inputs = { { { -2 }, { 4 } } },
    outputs = { { { -0.5 }, { 4 } } },
  },
  {
    "takes a negative alpha",
    attrs = { alpha = -1.0 }, inputs = { { -2, 4 } },
    outputs = { { 2, 4 } },
  },
  {
    "computes f64",
    attrs = { alpha = 0.5 }, inputs = { f64 { -2, 4 } },
    outputs = { f64 { -1, 4 } },
  },
  {
    "computes f16",
    attrs = { alpha = 0.5 }, inputs = { f16 { -2, 4 } },
    outputs = { f16 { -1, 4 } },
  },
  {
    "computes bf16 since opset 16",
    attrs = { alpha = 0.5 }, inputs = { bf16 { -2, 4 } },
    outputs = { bf16 { -1, 4 } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { alpha = 0.5, consumed_inputs = { 0 } }, inputs = { { -2, 1 } },
    outputs = { { -1, 1 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})
