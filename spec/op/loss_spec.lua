-- Losses of classification, with weights and an index that doesn't count.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i32 = t.f64, t.f32, t.f16, t.i64, t.i32

t.cases("NegativeLogLikelihoodLoss", {
  {
    "takes the mean",
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    outputs = { 1.375 },
  },
  {
    "takes the sum",
    attrs = { reduction = "sum" },
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    outputs = { 2.75 },
  },
  {
    "keeps each with none",
    attrs = { reduction = "none" },
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    outputs = { { 0.125, 2.625 } },
  },
  {
    "weighs classes",
    inputs = {
      { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 }, { 1, 2, 0.5 },
    },
    outputs = { 1.791667 },
  },
  {
    "leaves out ignore_index",
    attrs = { ignore_index = 0 },
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    outputs = { 0.125 },
  },
  {
    "takes an ignore_index that is no class",
    attrs = { ignore_index = -1, reduction = "none" },
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { -1, 1 } },
    outputs = { { 0, 0.625 } },
  },
  {
    "takes more axes",
    attrs = { reduction = "none" },
    inputs = {
      f32 { shape = { 1, 3, 2 }, -0.5, -2.625, -0.75, -1.875, -1.875, -1.125 }, i64 { { 1, 2 } },
    },
    outputs = { { { 0.75, 1.125 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i32 { 2, 0 } },
    outputs = { f64(1.375) },
  },
  {
    "ran at opset 12",
    opset = 12,
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    outputs = { 1.375 },
  },
  {
    "refuses a class out of range",
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 3, 0 } },
    error = "3",
  },
  {
    "refuses an unknown reduction",
    attrs = { reduction = "max" },
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 2, 0 } },
    error = "reduction",
  },
  {
    "refuses targets that don't fit",
    inputs = { { { -0.875, -1.25, -0.125 }, { -2.625, -0.625, -1.875 } }, i64 { 1, 1, 1 } },
    error = "target",
  },
})

t.cases("SoftmaxCrossEntropyLoss", {
  {
    "takes the mean, gives log probabilities",
    inputs = { { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 } },
    outputs = {
      0.8454018, { { -2.36153, -4.48653, -0.1115301 }, { -1.579273, -0.5792735, -1.454273 } },
    },
  },
  {
    "takes the sum",
    attrs = { reduction = "sum" },
    inputs = { { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 } },
    outputs = { 1.690804 },
  },
  {
    "keeps each with none",
    attrs = { reduction = "none" },
    inputs = { { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 } },
    outputs = { { 0.1115301, 1.579273 } },
  },
  {
    "weighs classes, leaves out ignore_index",
    attrs = { ignore_index = 0 },
    inputs = {
      { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 }, { 1, 2, 0.5 },
    },
    outputs = { 0.1115301 },
  },
  {
    "takes more axes",
    inputs = {
      f32 { shape = { 1, 3, 2 }, -0.5, -2.625, -0.75, -1.875, -1.875, -1.125 }, i64 { { 1, 2 } },
    },
    outputs = { 0.7434096 },
  },
  {
    "computes f16",
    inputs = { f16 { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 } },
    outputs = { f16(0.84521) },
  },
  {
    "ran at opset 12",
    opset = 12, inputs = { { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { 2, 0 } },
    outputs = { 0.8454018 },
  },
  {
    "refuses a class out of range",
    inputs = { { { -0.5, -2.625, 1.75 }, { -1.25, -0.25, -1.125 } }, i64 { -1, 0 } },
    error = "%-1",
  },
})
