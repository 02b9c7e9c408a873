-- Each element scatters a kernel. Weights [C,M/group,...].
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("ConvTranspose", {
  {
    "scatters over two axes",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1, 4, 4 }, { 6, 20, 16 }, { 9, 24, 16 } } } } },
  },
  {
    "adds a bias",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } }, { 0.5 } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 1.5, 4.5, 4.5, 6.5, 20.5, 16.5, 9.5, 24.5, 16.5 } },
  },
  {
    "takes strides",
    attrs = { strides = { 2, 2 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = {
      f32 { shape = { 1, 1, 4, 4 }, 1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16 },
    },
  },
  {
    "takes pads",
    attrs = { pads = { 1, 1, 1, 1 } },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 1, 3, 3 }, 1 } },
    outputs = { { { { { 8, 15, 12 }, { 21, 36, 27 }, { 20, 33, 24 } } } } },
  },
  {
    "takes dilations",
    attrs = { dilations = { 2, 2 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = {
      f32 { shape = { 1, 1, 4, 4 }, 1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16 },
    },
  },
  {
    "takes output_padding",
    attrs = { strides = { 2, 2 }, output_padding = { 1, 0 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = {
      f32 {
        shape = { 1, 1, 5, 4 }, 1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16, 0, 0, 0, 0,
      },
    },
  },
  {
    "takes several outputs",
    inputs = { { { { 0, 1 } } }, { { { 1, 1 }, { 2, 3 } } } },
    outputs = { { { { 0, 1, 1 }, { 0, 2, 3 } } } },
  },
  {
    "takes groups",
    attrs = { group = 2 },
    inputs = { { { { 0, 1 }, { 2, 3 } } }, { { { 1, 1 } }, { { 2, 3 } } } },
    outputs = { { { { 0, 1, 1 }, { 4, 12, 9 } } } },
  },
  {
    "sums channels",
    inputs = { { { { 0, 1 }, { 2, 3 } } }, { { { 1, 1 } }, { { 2, 3 } } } },
    outputs = { { { { 4, 13, 10 } } } },
  },
  {
    "pads by SAME_UPPER",
    attrs = { auto_pad = "SAME_UPPER", strides = { 2 } },
    inputs = { { { { 0, 1, 2 } } }, { { { 1, 2, 4 } } } },
    outputs = { { { { 0, 0, 1, 2, 6, 4 } } } },
  },
  {
    "pads by SAME_LOWER",
    attrs = { auto_pad = "SAME_LOWER", strides = { 2 } },
    inputs = { { { { 0, 1, 2 } } }, { { { 1, 2, 4 } } } },
    outputs = { { { { 0, 1, 2, 6, 4, 8 } } } },
  },
  {
    "scatters over three axes",
    inputs = { { { { { { 0 }, { 1 } } } } }, { { { { { 1, 1 } }, { { 1, 1 } } } } } },
    outputs = { { { { { { 0, 0 }, { 1, 1 } }, { { 0, 0 }, { 1, 1 } } } } } },
  },
  {
    "takes batches",
    inputs = { { { { 0, 1 } }, { { 2, 3 } } }, { { { 1, -1 } } } },
    outputs = { { { { 0, 1, -1 } }, { { 2, 1, -3 } } } },
  },
  {
    "computes f16",
    inputs = { f16 { { { { 1, 2 }, { 3, 4 } } } }, f16 { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { f16 { { { { 1, 4, 4 }, { 6, 20, 16 }, { 9, 24, 16 } } } } },
  },
  {
    "computes f64",
    inputs = { f64 { { { { 1, 2 }, { 3, 4 } } } }, f64 { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { f64 { { { { 1, 4, 4 }, { 6, 20, 16 }, { 9, 24, 16 } } } } },
  },
  {
    "ran at opset 1",
    opset = 1, inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1, 4, 4 }, { 6, 20, 16 }, { 9, 24, 16 } } } } },
  },
  {
    "refuses weights that don't fit",
    inputs = { count { 1, 2, 2, 2 }, { { { { 1, 2 }, { 3, 4 } } } } },
    error = "don't fit 2 channels",
  },
  {
    "refuses an output_shape of another length",
    attrs = { output_shape = { 3 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    error = "output_shape: expected 2 numbers, got 1",
  },
  {
    "refuses padding that leaves nothing",
    attrs = { pads = { 2, 2, 2, 2 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 2 }, { 3, 4 } } } } },
    error = "padding",
  },
})
