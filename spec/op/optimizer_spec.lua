-- One step of training; the inputs are rate, step count, then tensors by kind.
local t = require "support.op_cases" (_ENV)
local i64 = t.i64

t.cases("ai.onnx.preview.training:Adagrad", {
  {
    "adapts the rate",
    inputs = { 0.1, i64(0), { 1, 2 }, { -0.5, 0.25 }, { 0.1, 2 } },
    outputs = { { 1.084515, 1.982592 }, { 0.35, 2.0625 } },
  },
  {
    "takes its attributes",
    attrs = { norm_coefficient = 0.5, epsilon = 0.125, decay_factor = 0.25 },
    inputs = { 0.1, i64(3), { 1, 2 }, { -0.5, 0.25 }, { 0.1, 2 } },
    outputs = { { 1, 1.964507 }, { 0.1, 3.5625 } },
  },
  {
    "takes two tensors",
    inputs = { 0.1, i64(0), { 1, 2 }, { 3 }, { -0.5, 0.25 }, { 1 }, { 0.1, 2 }, { 4 } },
    outputs = { { 1.084515, 1.982592 }, { 2.955279 }, { 0.35, 2.0625 }, { 5 } },
  },
})

t.cases("ai.onnx.preview.training:Adam", {
  {
    "moves by both moments",
    inputs = { 0.1, i64(0), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 }, { 0.1, 2 } },
    outputs = { { 0.9304822, 2.004598 }, { 0.22, -0.065 }, { 0.10015, 1.998062 } },
  },
  {
    "corrects them after the first step, takes its attributes",
    attrs = {
      alpha = 0.75, beta = 0.875, norm_coefficient = 0.5, epsilon = 0.125,
      norm_coefficient_post = 0.25,
    },
    inputs = { 0.1, i64(2), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 }, { 0.1, 2 } },
    outputs = { { 0.7056247, 1.48703 }, { 0.225, 0.2375 }, { 0.0875, 1.945312 } },
  },
})

t.cases("ai.onnx.preview.training:Momentum", {
  {
    "moves on",
    attrs = { alpha = 0.75, beta = 0.5, norm_coefficient = 0.25, mode = "standard" },
    inputs = { 0.1, i64(0), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 } },
    outputs = { { 1.0025, 1.9325 }, { -0.02499999, 0.675 } },
  },
  {
    "damps the gradient after the first step",
    attrs = { alpha = 0.75, beta = 0.5, norm_coefficient = 0.0, mode = "standard" },
    inputs = { 0.1, i64(1), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 } },
    outputs = { { 1.0025, 1.995 }, { -0.02499999, 0.05 } },
  },
  {
    "looks ahead with nesterov",
    attrs = { alpha = 0.75, beta = 0.5, norm_coefficient = 0.25, mode = "nesterov" },
    inputs = { 0.1, i64(1), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 } },
    outputs = { { 1.0175, 1.9025 }, { 0.1, 0.3 } },
  },
  {
    "refuses an unknown mode",
    attrs = { alpha = 0.75, beta = 0.5, norm_coefficient = 0.25, mode = "fast" },
    inputs = { 0.1, i64(1), { 1, 2 }, { -0.5, 0.25 }, { 0.3, -0.1 } }, n_outputs = 2,
    error = "mode",
  },
})
