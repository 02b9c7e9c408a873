-- Pooling over all axes but batch and channel.
local t = require "support.op_cases" (_ENV)
local f64, f16, count = t.f64, t.f16, t.count

t.cases("GlobalAveragePool", {
  {
    "takes the mean",
    inputs = { count { 1, 2, 2, 2 } },
    outputs = { { { { { 1.5 } }, { { 5.5 } } } } },
  },
  {
    "takes one axis",
    inputs = { { { { 0, 1, 2 } }, { { 3, 4, 5 } } } },
    outputs = { { { { 1 } }, { { 4 } } } },
  },
  {
    "takes three axes",
    inputs = { count { 1, 1, 2, 2, 2 } },
    outputs = { { { { { { 3.5 } } } } } },
  },
  {
    "computes f16",
    inputs = { f16 { { { { 0, 1 }, { 2, 3 } } } } },
    outputs = { f16 { { { { 1.5 } } } } },
  },
  {
    "computes f64",
    inputs = { f64 { { { { 0, 1 }, { 2, 3 } } } } },
    outputs = { f64 { { { { 1.5 } } } } },
  },
  {
    "sums f16 in more than f16",
    inputs = { f16 { shape = { 1, 1, 64, 64 }, 1 } },
    outputs = { f16 { { { { 1 } } } } },
  },
  { "refuses a vector", inputs = { { 1, 2 } }, error = "rank 1" },
})

t.cases("GlobalMaxPool", {
  {
    "takes the largest",
    inputs = { count { 1, 2, 2, 2 } },
    outputs = { { { { { 3 } }, { { 7 } } } } },
  },
  {
    "takes it of negative numbers",
    inputs = { { { { -1, -2, -3 } } } },
    outputs = { { { { -1 } } } },
  },
  {
    "computes f16",
    inputs = { f16 { { { { 0, 1 }, { 2, 3 } } } } },
    outputs = { f16 { { { { 3 } } } } },
  },
  { "ran at opset 1", opset = 1, inputs = { { { { 0, 1, 2 } } } }, outputs = { { { { 2 } } } } },
})

t.cases("GlobalLpPool", {
  {
    "takes the 2-norm",
    inputs = { { { { 3, 4 }, { 6, 8 } } } },
    outputs = { { { { 5 }, { 10 } } } },
  },
  {
    "takes the 1-norm",
    attrs = { p = 1 }, inputs = { { { { -3, 4 } } } },
    outputs = { { { { 7 } } } },
  },
  {
    "takes the 3-norm",
    attrs = { p = 3 }, inputs = { { { { 1, -2 } } } },
    outputs = { { { { 2.080084 } } } },
  },
  { "computes f64", inputs = { f64 { { { 3, 4 } } } }, outputs = { f64 { { { 5 } } } } },
  {
    "refuses p of 0",
    attrs = { p = 0 }, inputs = { { { { 3, 4 } } } }, error = "p: expected at least 1, got 0",
  },
})
