-- Squashing functions: values near zero, far out, and at the ends.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i32, nan, inf = t.f64, t.f32, t.f16, t.bf16, t.i32, t.nan, t.inf

t.cases("Sigmoid", {
  {
    "computes f32",
    inputs = { { -inf, -100, -5, -1, 0, 0.5, 5, 100, inf, nan } },
    outputs = {
      { 0, 3.783506e-44, 0.00669285, 0.2689414, 0.5, 0.6224594, 0.9933072, 1, 1, nan },
    },
  },
  {
    "computes f64",
    inputs = { f64 { -30, -1, 0, 1 } },
    outputs = { f64 { 9.357622968839e-14, 0.26894142137, 0.5, 0.73105857863 } },
  },
  {
    "computes f16",
    inputs = { f16 { { -2, -1 }, { 0, 3 } } },
    outputs = { f16 { { 0.1192, 0.2688 }, { 0.5, 0.95264 } } },
  },
  {
    "computes bf16",
    inputs = { bf16 { -1, 0, 2 } },
    outputs = { bf16 { 0.26953, 0.5, 0.87891 } },
  },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { 0, 1 } },
    outputs = { { 0.5, 0.7310586 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("Tanh", {
  {
    "computes f32",
    inputs = { { -inf, -10, -1, -0.0001, 0, 0.5, 10, inf, nan } },
    outputs = { { -1, -1, -0.7615942, -0.0001, 0, 0.4621172, 1, 1, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 1e-09, 2 } },
    outputs = { f64 { -0.7615941559558, 1e-09, 0.9640275800758 } },
  },
  {
    "computes f16",
    inputs = { f16 { -1, 0.099976, 2 } },
    outputs = { f16 { -0.76172, 0.09967, 0.96387 } },
  },
})

t.cases("Softplus", {
  {
    "computes f32 without overflow",
    inputs = { { -100, -1, 0, 1, 100 } },
    outputs = { { 0, 0.3132617, 0.6931472, 1.313262, 100 } },
  },
  {
    "computes f64",
    inputs = { f64 { -40, 0, 1 } },
    outputs = { f64 { 4.248354255292e-18, 0.6931471805599, 1.313261687518 } },
  },
  {
    "computes f16",
    inputs = { f16 { -1, 0, 3 } },
    outputs = { f16 { 0.31323, 0.69336, 3.0488 } },
  },
})

t.cases("Softsign", {
  {
    "computes f32",
    inputs = { { -3, -1, 0, 0.5, 1e+30 } },
    outputs = { { -0.75, -0.5, 0, 0.3333333, 1 } },
  },
  { "computes f64", inputs = { f64 { -3, 0.5 } }, outputs = { f64 { -0.75, 0.3333333333333 } } },
  { "computes f16", inputs = { f16 { -3, 0.5 } }, outputs = { f16 { -0.75, 0.33325 } } },
})

t.cases("HardSwish", {
  {
    "computes f32: x * clip(x / 6 + 1/2)",
    inputs = { { -4, -3, -1, 0, 1, 3, 4 } },
    outputs = { { 0, 0, -0.3333333, 0, 0.6666667, 3, 4 } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 2 } },
    outputs = { f64 { -0.3333333333333, 1.666666666667 } },
  },
  { "computes f16", inputs = { f16 { -1, 2 } }, outputs = { f16 { -0.33325, 1.667 } } },
  {
    "ran at opset 14",
    opset = 14, inputs = { { -1, 2 } },
    outputs = { { -0.3333333, 1.666667 } },
  },
})

t.cases("Mish", {
  {
    "computes f32: x * tanh(softplus(x))",
    inputs = { { -100, -1, 0, 1, 3, 100 } },
    outputs = { { -3.783506e-42, -0.3034015, 0, 0.8650984, 2.986535, 100 } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 2 } },
    outputs = { f64 { -0.3034014613741, 1.943958959534 } },
  },
  { "computes f16", inputs = { f16 { -1, 2 } }, outputs = { f16 { -0.30347, 1.9443 } } },
})
