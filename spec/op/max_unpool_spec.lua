-- Elements back where MaxPool found them, zeros elsewhere.
local t = require "support.op_cases" (_ENV)
local f64, f32, i64 = t.f64, t.f32, t.i64

t.cases("MaxUnpool", {
  {
    "puts elements back",
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 } },
    inputs = { { { { { 5, 6 }, { 7, 8 } } } }, i64 { { { { 5, 7 }, { 13, 15 } } } } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 7, 0, 8 } },
  },
  {
    "takes an output shape",
    attrs = { kernel_shape = { 1, 2 }, strides = { 1, 2 } },
    inputs = { { { { { 5, 6 } } } }, i64 { { { { 0, 3 } } } }, i64 { 1, 1, 2, 4 } },
    outputs = { { { { { 5, 0, 0, 6 }, { 0, 0, 0, 0 } } } } },
  },
  {
    "takes channels",
    attrs = { kernel_shape = { 2 }, strides = { 2 } },
    inputs = { { { { 1 }, { 2 } } }, i64 { { { 1 }, { 2 } } } },
    outputs = { { { { 0, 1 }, { 2, 0 } } } },
  },
  {
    "takes pads",
    attrs = { kernel_shape = { 2 }, strides = { 2 }, pads = { 1, 1 } },
    inputs = { { { { 1, 2 } } }, i64 { { { 0, 1 } } } },
    outputs = { { { { 1, 2 } } } },
  },
  {
    "computes f64",
    attrs = { kernel_shape = { 2 } }, inputs = { f64 { { { 5 } } }, i64 { { { 1 } } } },
    outputs = { f64 { { { 0, 5 } } } },
  },
  {
    "ran at opset 9",
    opset = 9, attrs = { kernel_shape = { 2 } }, inputs = { { { { 5 } } }, i64 { { { 0 } } } },
    outputs = { { { { 5, 0 } } } },
  },
  {
    "refuses an index out of range",
    attrs = { kernel_shape = { 2 } }, inputs = { { { { 5 } } }, i64 { { { 2 } } } }, error = "2",
  },
  {
    "refuses indices of another shape",
    attrs = { kernel_shape = { 2 } }, inputs = { { { { 5 } } }, i64 { { { 0, 1 } } } },
    error = "indices",
  },
})
