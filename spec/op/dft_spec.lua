-- Fourier transforms: the last axis holds real and imaginary parts.
local t = require "support.op_cases" (_ENV)
local f64, f32, i64, count = t.f64, t.f32, t.i64, t.count

t.cases("DFT", {
  {
    "transforms real numbers",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, false, i64(1) },
    outputs = { { { { 5, 0 }, { -2, -3 }, { 3, 0 }, { -2, 3 } } } },
  },
  {
    "transforms complex numbers back",
    attrs = { inverse = 1 },
    inputs = { { { { 5, 0 }, { -2, -3 }, { 3, 0 }, { -2, 3 } } }, false, i64(1) },
    outputs = { { { { 1, 0 }, { 2, 0 }, { 3, 0 }, { -1, 0 } } } },
  },
  {
    "gives one side of a real transform",
    attrs = { onesided = 1 }, inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, false, i64(1) },
    outputs = { { { { 5, 0 }, { -2, -3 }, { 3, 0 } } } },
  },
  {
    "takes the axis before the parts by default",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } } },
    outputs = { { { { 5, 0 }, { -2, -3 }, { 3, 0 }, { -2, 3 } } } },
  },
  {
    "takes axis 1 of two",
    inputs = { { { { { 0 }, { 1 }, { 2 } }, { { 3 }, { 4 }, { 5 } } } }, false, i64(1) },
    outputs = { f32 { shape = { 1, 2, 3, 2 }, 3, 0, 5, 0, 7, 0, -3, 0, -3, 0, -3, 0 } },
  },
  {
    "takes a negative axis",
    inputs = { { { { { 0 }, { 1 }, { 2 } }, { { 3 }, { 4 }, { 5 } } } }, false, i64(-2) },
    outputs = {
      f32 {
        shape = { 1, 2, 3, 2 }, 3, 0, -1.5, 0.8660254, -1.5, -0.8660254, 12, 0, -1.5, 0.8660254,
        -1.5, -0.8660254,
      },
    },
  },
  {
    "pads to a length",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, i64(5), i64(1) },
    outputs = {
      f32 { shape = { 1, 5, 2 }, 5, 0, 0, -4.253254, 0, 2.628656, 0, -2.628656, 0, 4.253254 },
    },
  },
  {
    "cuts to a length",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, i64(3), i64(1) },
    outputs = { { { { 6, 0 }, { -1.5, 0.8660254 }, { -1.5, -0.8660254 } } } },
  },
  {
    "takes a prime length",
    inputs = { { { { 0 }, { 1 }, { 2 }, { 3 }, { 4 }, { 5 }, { 6 } } } },
    outputs = {
      f32 {
        shape = { 1, 7, 2 }, 21, 0, -3.5, 7.267825, -3.5, 2.791157, -3.5, 0.7988521, -3.5,
        -0.7988521, -3.5, -2.791157, -3.5, -7.267825,
      },
    },
  },
  {
    "computes f64",
    inputs = { f64 { { { 1 }, { 2 }, { 3 }, { -1 } } } },
    outputs = { f64 { { { 5, 0 }, { -2, -3 }, { 3, 0 }, { -2, 3 } } } },
  },
  {
    "had the axis as an attribute at opset 17",
    opset = 17, attrs = { axis = 1, onesided = 1 },
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } } },
    outputs = { { { { 5, 0 }, { -2, -3 }, { 3, 0 } } } },
  },
  {
    "refuses the axis of the parts",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, false, i64(2) }, error = "axis",
  },
  {
    "refuses an empty length",
    inputs = { { { { 1 }, { 2 }, { 3 }, { -1 } } }, i64(0) },
    error = "dft_length: expected at least 1, got 0",
  },
})

t.cases("STFT", {
  {
    "takes frames of a length",
    inputs = { count({ 1, 8, 1 }, "f32", 1), i64(2), false, i64(4) },
    outputs = {
      f32 {
        shape = { 1, 3, 3, 2 }, 10, 0, -2, 2, -2, 0, 18, 0, -2, 2, -2, 0, 26, 0, -2, 2, -2, 0,
      },
    },
  },
  {
    "weighs by a window",
    inputs = { count({ 1, 8, 1 }, "f32", 1), i64(4), { 0.5, 1, 1, 0.5 } },
    outputs = {
      f32 { shape = { 1, 2, 3, 2 }, 7.5, 0, -2.5, 0, -0.5, 0, 19.5, 0, -4.5, -2, -0.5, 0 },
    },
  },
  {
    "gives both sides",
    attrs = { onesided = 0 },
    inputs = { count({ 1, 8, 1 }, "f32", 1), i64(4), { 0.5, 1, 1, 0.5 }, i64(4) },
    outputs = {
      f32 {
        shape = { 1, 2, 4, 2 }, 7.5, 0, -2.5, 0, -0.5, 0, -2.5, 0, 19.5, 0, -4.5, -2, -0.5, 0,
        -4.5, 2,
      },
    },
  },
  {
    "drops what fills no frame",
    inputs = { { { { 1 }, { 2 }, { 3 }, { 4 }, { 5 }, { 6 }, { 7 } } }, i64(3), false, i64(4) },
    outputs = { f32 { shape = { 1, 2, 3, 2 }, 10, 0, -2, 2, -2, 0, 22, 0, -2, 2, -2, 0 } },
  },
  {
    "refuses a step of 0",
    inputs = { count({ 1, 8, 1 }, "f32", 1), i64(0), { 0.5, 1, 1, 0.5 } }, error = "frame_step 0",
  },
})
