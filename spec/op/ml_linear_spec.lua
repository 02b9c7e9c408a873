-- Linear models: products, and classes by their scores.
local t = require "support.op_cases" (_ENV)
local i64 = t.i64

t.cases("ai.onnx.ml:LinearRegressor", {
  {
    "takes coefficients",
    attrs = { coefficients = { 0.5, 2.0 }, intercepts = { 1.0 } },
    inputs = { { { 1, 2 }, { 3, -4 } } },
    outputs = { { { 5.5 }, { -5.5 } } },
  },
  {
    "takes several targets",
    attrs = { coefficients = { 0.5, 2.0, 1.0, -1.0 }, intercepts = { 1.0, 0.0 }, targets = 2 },
    inputs = { { { 1, 2 }, { 3, -4 } } },
    outputs = { { { 5.5, -1 }, { -5.5, 7 } } },
  },
  {
    "takes integers",
    attrs = { coefficients = { 0.5, 2.0 } }, inputs = { i64 { { 1, 2 } } },
    outputs = { { { 4.5 } } },
  },
  {
    "applies SOFTMAX",
    attrs = { coefficients = { 0.0, 0.0, 0.0, 1.0 }, targets = 2, post_transform = "SOFTMAX" },
    inputs = { { { 1, 2 }, { 3, -4 } } },
    outputs = { { { 0.1192029, 0.8807971 }, { 0.9820138, 0.01798621 } } },
  },
  {
    "applies LOGISTIC",
    attrs = { coefficients = { 1.0, 1.0 }, post_transform = "LOGISTIC" },
    inputs = { { { 0, 2 } } },
    outputs = { { { 0.8807971 } } },
  },
  {
    "refuses coefficients of another count",
    attrs = { coefficients = { 1.0, 2.0, 3.0 } }, inputs = { { { 1, 2 }, { 3, -4 } } },
    error = "coefficients",
  },
  {
    "refuses an unknown transform",
    attrs = { coefficients = { 1.0, 2.0 }, post_transform = "TANH" },
    inputs = { { { 1, 2 }, { 3, -4 } } }, error = "post_transform",
  },
})

t.cases("ai.onnx.ml:LinearClassifier", {
  {
    "takes the best of several classes",
    attrs = {
      coefficients = { 1.0, 0.0, 0.0, 1.0, -1.0, -1.0 }, intercepts = { 0.0, 0.0, 0.0 },
      classlabels_ints = { 10, 20, 30 },
    },
    inputs = { { { 1, 2 }, { 3, -4 }, { -2, -2 } } },
    outputs = { i64 { 20, 10, 30 }, { { 1, 2, -3 }, { 3, -4, 1 }, { -2, -2, 4 } } },
  },
  {
    "applies SOFTMAX",
    attrs = {
      coefficients = { 1.0, 0.0, 0.0, 1.0, -1.0, -1.0 }, intercepts = { 0.0, 0.0, 0.0 },
      classlabels_ints = { 0, 1, 2 }, post_transform = "SOFTMAX",
    },
    inputs = { { { 1, 2 }, { 3, -4 }, { -2, -2 } } },
    outputs = {
      i64 { 1, 0, 2 },
      {
        { 0.2676232, 0.7274751, 0.004901689 }, { 0.8800901, 0.0008025384, 0.1191073 },
        { 0.002466524, 0.002466524, 0.9950669 },
      },
    },
  },
  {
    "gives strings",
    attrs = {
      coefficients = { 1.0, 0.0, 0.0, 1.0, -1.0, -1.0 }, intercepts = { 0.0, 0.0, 0.0 },
      classlabels_strings = { "a", "b", "c" },
    },
    inputs = { { { 1, 2 } } },
    outputs = { { "b" }, { { 1, 2, -3 } } },
  },
  {
    "takes two classes by two scores",
    attrs = {
      coefficients = { 1.0, 0.0, 0.0, 1.0 }, intercepts = { 0.5, 0.0 },
      classlabels_ints = { 0, 1 }, post_transform = "LOGISTIC",
    },
    inputs = { { { 1, 2 }, { 3, -4 } } },
    outputs = { i64 { 1, 0 }, { { 0.8175745, 0.880797 }, { 0.9706877, 0.01798621 } } },
  },
  {
    "refuses labels of another count",
    attrs = {
      coefficients = { 1.0, 0.0, 0.0, 1.0, -1.0, -1.0 }, intercepts = { 0.0, 0.0, 0.0 },
      classlabels_ints = { 0, 1 },
    },
    inputs = { { { 1, 2 }, { 3, -4 }, { -2, -2 } } }, n_outputs = 2, error = "class labels",
  },
})
