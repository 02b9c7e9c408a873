-- Convolution at positions moved by offsets and weighted by a mask.
local t = require "support.op_cases" (_ENV)
local f64, f32, count = t.f64, t.f32, t.count

t.cases("DeformConv", {
  {
    "is a convolution with offsets of 0",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } }, f32 { shape = { 1, 8, 2, 2 }, 0 },
    },
    outputs = { { { { { 8, 12 }, { 20, 24 } } } } },
  },
  {
    "samples between pixels",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } },
      f32 {
        shape = { 1, 8, 2, 2 }, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        -0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      },
    },
    outputs = { { { { { 8.75, 12 }, { 20, 24 } } } } },
  },
  {
    "takes 0 from outside",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } },
      f32 {
        shape = { 1, 8, 2, 2 }, -5, -5, -5, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      },
    },
    outputs = { { { { { 8, 11 }, { 17, 20 } } } } },
  },
  {
    "adds a bias",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } },
      f32 {
        shape = { 1, 8, 2, 2 }, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        -0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      },
      { 10 },
    },
    outputs = { { { { { 18.75, 22 }, { 30, 34 } } } } },
  },
  {
    "weighs by a mask",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } },
      f32 {
        shape = { 1, 8, 2, 2 }, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        -0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      },
      false, f32 { shape = { 1, 4, 2, 2 }, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 },
    },
    outputs = { { { { { 8, 12 }, { 20, 16 } } } } },
  },
  {
    "takes pads and strides",
    attrs = { pads = { 1, 1, 0, 0 }, strides = { 2, 2 } },
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } }, f32 { shape = { 1, 8, 2, 2 }, 0 },
      { 0 },
    },
    outputs = { { { { { 0, 3 }, { 9, 24 } } } } },
  },
  {
    "takes dilations",
    attrs = { dilations = { 2, 2 } },
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } }, count({ 1, 8, 1, 1 }, "f32", 0, 0.25),
    },
    outputs = { { { { { 1.125 } } } } },
  },
  {
    "takes groups and groups of offsets",
    attrs = { group = 2, offset_group = 2 },
    inputs = {
      count { 1, 2, 2, 2 }, { { { { 1, 1 }, { 1, 1 } } }, { { { 2, 0 }, { 0, 2 } } } },
      f32 {
        shape = { 1, 16, 1, 1 }, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, -0.0, -0.25, -0.5, -0.75,
        -1, -1.25, -1.5, -1.75,
      },
    },
    outputs = { { { { { 0.75 } }, { { 7 } } } } },
  },
  {
    "computes f64",
    inputs = {
      count({ 1, 1, 3, 3 }, "f64"), f64 { { { { 1, 1 }, { 1, 1 } } } },
      f64 {
        shape = { 1, 8, 2, 2 }, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        -0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      },
    },
    outputs = { f64 { { { { 8.75, 12 }, { 20, 24 } } } } },
  },
  {
    "refuses offsets that don't fit",
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } }, f32 { shape = { 1, 4, 2, 2 }, 0 },
    },
    error = "offset",
  },
  {
    "refuses groups of offsets that don't divide",
    attrs = { offset_group = 2 },
    inputs = {
      count { 1, 1, 3, 3 }, { { { { 1, 1 }, { 1, 1 } } } }, f32 { shape = { 1, 8, 2, 2 }, 0 },
    },
    error = "offset_group",
  },
})
