-- clip(alpha * x + beta) to [0, 1].
local t = require "support.op_cases" (_ENV)
local f64, f16, bf16, i32 = t.f64, t.f16, t.bf16, t.i32

t.cases("HardSigmoid", {
  {
    "computes f32 with alpha 0.2, beta 0.5",
    inputs = { { -3, -2.5, -1, 0, 1, 2.5, 3 } },
    outputs = { { 0, 0, 0.3, 0.5, 0.7, 1, 1 } },
  },
  {
    "takes alpha and beta",
    attrs = { alpha = 0.5, beta = 0.25 }, inputs = { { -1, 0, 0.5, 1 } },
    outputs = { { 0, 0.25, 0.5, 0.75 } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 1 } },
    outputs = { f64 { 0.2999999970198, 0.7000000029802 } },
  },
  { "computes f16", inputs = { f16 { -1, 1 } }, outputs = { f16 { 0.30005, 0.7002 } } },
  { "computes bf16", inputs = { bf16 { -1, 1 } }, outputs = { bf16 { 0.30078, 0.69922 } } },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { alpha = 0.5, consumed_inputs = { 0 } }, inputs = { { -1, 1 } },
    outputs = { { 0, 1 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})
