-- Sampling positions of an affine map, for GridSample.
local t = require "support.op_cases" (_ENV)
local f64, f32, i64 = t.f64, t.f32, t.i64

t.cases("AffineGrid", {
  {
    "makes positions between the corners",
    inputs = { { { { 1, 0, 0.5 }, { 0, 2, -0.5 } } }, i64 { 1, 1, 2, 3 } },
    outputs = {
      f32 {
        shape = { 1, 2, 3, 2 }, -0.1666667, -1.5, 0.5, -1.5, 1.166667, -1.5, -0.1666667, 0.5, 0.5,
        0.5, 1.166667, 0.5,
      },
    },
  },
  {
    "puts positions on the corners with align_corners",
    attrs = { align_corners = 1 },
    inputs = { { { { 1, 0, 0.5 }, { 0, 2, -0.5 } } }, i64 { 1, 1, 2, 3 } },
    outputs = {
      f32 {
        shape = { 1, 2, 3, 2 }, -0.5, -2.5, 0.5, -2.5, 1.5, -2.5, -0.5, 1.5, 0.5, 1.5, 1.5, 1.5,
      },
    },
  },
  {
    "takes three axes",
    inputs = { { { { 1, 0, 0, 0 }, { 0, 1, 0, 0.5 }, { 0, 0, 2, 0 } } }, i64 { 1, 1, 2, 1, 2 } },
    outputs = {
      f32 { shape = { 1, 2, 1, 2, 3 }, -0.5, 0.5, -1, 0.5, 0.5, -1, -0.5, 0.5, 1, 0.5, 0.5, 1 },
    },
  },
  {
    "takes batches",
    inputs = {
      f32 { shape = { 2, 2, 3 }, 1, 0, 0.5, 0, 2, -0.5, -1, -0.0, -0.5, -0.0, -2, 0.5 },
      i64 { 2, 1, 1, 2 },
    },
    outputs = { f32 { shape = { 2, 1, 2, 2 }, 0, -0.5, 1, -0.5, 0, 0.5, -1, 0.5 } },
  },
  {
    "computes f64",
    inputs = { f64 { { { 1, 0, 0.5 }, { 0, 2, -0.5 } } }, i64 { 1, 1, 1, 2 } },
    outputs = { f64 { { { { 0, -0.5 }, { 1, -0.5 } } } } },
  },
  {
    "refuses theta of another shape",
    inputs = { { { { 0, 1 }, { 2, 3 } } }, i64 { 1, 1, 2, 3 } }, error = "theta: expected",
  },
  {
    "refuses sizes of another length",
    inputs = { { { { 1, 0, 0.5 }, { 0, 2, -0.5 } } }, i64 { 2, 3 } }, error = "size: expected",
  },
})
