-- Support vectors: sums of kernels.
local t = require "support.op_cases" (_ENV)
local i64, with = t.i64, t.with

local model = {
  coefficients = { 0.5, -1.0 }, support_vectors = { 1.0, 0.0, 0.0, 1.0 }, rho = { 0.25 },
  n_supports = 2,
}
local two = {
  coefficients = { 1.0, 0.5, -1.5 }, support_vectors = { 1.0, 0.0, 0.0, 1.0, 1.0, 1.0 },
  rho = { 0.25 }, vectors_per_class = { 2, 1 }, kernel_type = "LINEAR",
  kernel_params = { 0.0, 0.0, 0.0 },
}
local three = {
  coefficients = { 1.0, 0.5, -1.5, 0.75, -0.25, 2.0 },
  support_vectors = { 1.0, 0.0, 0.0, 1.0, 1.0, 1.0 }, rho = { 0.25, -0.5, 0.1 },
  vectors_per_class = { 1, 1, 1 }, kernel_type = "RBF", kernel_params = { 0.5, 0.0, 0.0 },
}

t.cases("ai.onnx.ml:SVMRegressor", {
  {
    "takes dot products with LINEAR",
    attrs = with(model, { kernel_type = "LINEAR", kernel_params = { 0.0, 0.0, 0.0 } }),
    inputs = { { { 1, 2 }, { 0.5, -1 } } },
    outputs = { { { -1.25 }, { 1.5 } } },
  },
  {
    "takes powers with POLY",
    attrs = with(model, { kernel_type = "POLY", kernel_params = { 0.5, 1.0, 2.0 } }),
    inputs = { { { 1, 2 }, { 0.5, -1 } } },
    outputs = { { { -2.625 }, { 0.78125 } } },
  },
  {
    "takes distances with RBF",
    attrs = with(model, { kernel_type = "RBF", kernel_params = { 0.5, 0.0, 0.0 } }),
    inputs = { { { 1, 2 }, { 0.5, -1 } } },
    outputs = { { { -0.05021179 }, { 0.3981977 } } },
  },
  {
    "takes tanh with SIGMOID",
    attrs = with(model, { kernel_type = "SIGMOID", kernel_params = { 0.5, 1.0, 0.0 } }),
    inputs = { { { 1, 2 }, { 0.5, -1 } } },
    outputs = { { { -0.2614535 }, { 0.2120246 } } },
  },
  {
    "gives signs with one_class",
    attrs = with(
      model, { kernel_type = "LINEAR", kernel_params = { 0.0, 0.0, 0.0 }, one_class = 1 }
    ),
    inputs = { { { 1, 2 }, { 0.5, -1 } } },
    outputs = { { { -1 }, { 1 } } },
  },
  {
    "refuses an unknown kernel",
    attrs = with(model, { kernel_type = "COSINE" }), inputs = { { { 1, 2 }, { 0.5, -1 } } },
    error = "kernel_type",
  },
  {
    "refuses another count of coefficients",
    attrs = with(model, { n_supports = 3 }), inputs = { { { 1, 2 }, { 0.5, -1 } } },
    error = "n_supports",
  },
})

t.cases("ai.onnx.ml:SVMClassifier", {
  {
    "takes the sign of two classes",
    attrs = with(two, { classlabels_ints = { 5, 6 } }), inputs = { { { 1, 2 }, { -3, -1 } } },
    outputs = { i64 { 6, 5 }, { { 2.25, -2.25 }, { -2.75, 2.75 } } },
  },
  {
    "gives strings",
    attrs = with(two, { classlabels_strings = { "a", "b" } }),
    inputs = { { { 1, 2 }, { -3, -1 } } },
    outputs = { { "b", "a" }, { { 2.25, -2.25 }, { -2.75, 2.75 } } },
  },
  {
    "gives probabilities",
    attrs = with(two, { classlabels_ints = { 0, 1 }, prob_a = { -2.0 }, prob_b = { 0.5 } }),
    inputs = { { { 1, 2 }, { -3, -1 } } },
    outputs = { i64 { 1, 0 }, { { 0.006692553, 0.9933074 }, { 0.9932635, 0.006736415 } } },
  },
  {
    "lets pairs of three classes vote",
    attrs = with(three, { classlabels_ints = { 0, 1, 2 } }),
    inputs = { { { 1, 2 }, { -3, -1 } } },
    outputs = {
      i64 { 0, 0 }, { { 0.569275, -1.308295, 1.221092 }, { 0.2509552, -0.4999155, 0.09971494 } },
    },
  },
  {
    "gives probabilities of three classes",
    attrs = with(
      three,
      {
        classlabels_ints = { 0, 1, 2 }, prob_a = { -2.0, -1.0, -1.5 },
        prob_b = { 0.5, 0.1, -0.2 },
      }
    ),
    inputs = { { { 1, 2 }, { -3, -1 } } },
    outputs = {
      i64 { 0, 0 }, { { 0.3128383, 0.4470444, 0.2401174 }, { 0.2716828, 0.3818503, 0.3464669 } },
    },
    atol = 0.0001,
  },
  {
    "refuses labels of another count",
    attrs = with(two, { classlabels_ints = { 5, 6, 7 } }), inputs = { { { 1, 2 }, { -3, -1 } } },
    n_outputs = 2, error = "vectors_per_class: expected 3 numbers, got 2",
  },
})
