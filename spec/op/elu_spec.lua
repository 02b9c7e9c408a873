-- The specification's formulas over both signs.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, inf = t.f64, t.f32, t.f16, t.i64, t.inf

t.cases("Elu", {
  {
    "computes f32, with alpha 1",
    inputs = { { -inf, -20, -1, -0.5, 0, 0.5, 3 } },
    outputs = { { -1, -1, -0.6321205, -0.3934693, 0, 0.5, 3 } },
  },
  {
    "takes alpha",
    attrs = { alpha = 2.5 }, inputs = { { -2, -1, 0, 1 } },
    outputs = { { -2.161662, -1.580301, 0, 1 } },
  },
  {
    "computes f64",
    attrs = { alpha = 0.5 }, inputs = { f64 { -1e-10, -1, 2 } },
    outputs = { f64 { -4.99999999975e-11, -0.3160602794143, 2 } },
  },
  { "computes f16", inputs = { f16 { -1, 1, -8 } }, outputs = { f16 { -0.63232, 1, -0.99951 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 2, 0 } } },
    outputs = { f32 { shape = { 2, 0 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { alpha = 2.0, consumed_inputs = { 0 } }, inputs = { { -1, 1 } },
    outputs = { { -1.264241, 1 } },
  },
  { "refuses integers", inputs = { i64 { 1 } }, error = "i64" },
})

t.cases("Selu", {
  {
    "computes f32 with the constants of the paper",
    inputs = { { -inf, -2, -1, 0, 1, 2 } },
    outputs = { { -1.758099, -1.520167, -1.111331, 0, 1.050701, 2.101402 } },
  },
  {
    "takes alpha and gamma",
    attrs = { alpha = 2.0, gamma = 3.0 }, inputs = { { -1, 0, 1 } },
    outputs = { { -3.792723, 0, 3 } },
  },
  {
    "computes f64",
    attrs = { alpha = 2.0, gamma = 3.0 }, inputs = { f64 { -1, 1 } },
    outputs = { f64 { -3.792723352971, 3 } },
  },
  { "computes f16", inputs = { f16 { -1, 1 } }, outputs = { f16 { -1.1113, 1.0508 } } },
  {
    "had rounder constants before opset 6",
    opset = 1, inputs = { { -1, 1 } },
    outputs = { { -1.111288, 1.0507 } },
  },
})

t.cases("Celu", {
  {
    "computes f32",
    inputs = { { -inf, -2, -1, 0, 1, 2 } },
    outputs = { { -1, -0.8646647, -0.6321205, 0, 1, 2 } },
  },
  {
    "takes alpha",
    attrs = { alpha = 2.0 }, inputs = { { -2, -1, 0, 1 } },
    outputs = { { -1.264241, -0.7869387, 0, 1 } },
  },
  {
    "computes f64 since opset 28",
    inputs = { f64 { -1, 1 } },
    outputs = { f64 { -0.6321205588286, 1 } },
  },
  {
    "ran at opset 12",
    opset = 12, attrs = { alpha = 0.5 }, inputs = { { -1, 1 } },
    outputs = { { -0.4323324, 1 } },
  },
})
