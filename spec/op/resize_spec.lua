-- Scales or sizes; the reference evaluator's numbers.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, u8, count = t.f64, t.f32, t.f16, t.i64, t.u8, t.count

t.cases("Resize", {
  {
    "takes the nearest by scales",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 1, 1, 2, 3 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4,
        4, 4,
      },
    },
  },
  {
    "takes the nearest by sizes",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, false, i64 { 1, 1, 3, 4 } },
    outputs = { { { { { 1, 1, 2, 2 }, { 1, 1, 2, 2 }, { 3, 3, 4, 4 } } } } },
  },
  {
    "takes the nearest down",
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, { 1, 1, 0.6, 0.6 } },
    outputs = { { { { { 1, 3 }, { 9, 11 } } } } },
  },
  {
    "rounds by round_prefer_ceil",
    attrs = { nearest_mode = "round_prefer_ceil" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, false, i64 { 1, 1, 1, 5 } },
    outputs = { { { { { 3, 3, 4, 4, 4 } } } } },
  },
  {
    "rounds by floor",
    attrs = { nearest_mode = "floor" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, false, i64 { 1, 1, 1, 5 } },
    outputs = { { { { { 1, 1, 1, 1, 2 } } } } },
  },
  {
    "rounds by ceil",
    attrs = { nearest_mode = "ceil" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, false, i64 { 1, 1, 1, 5 } },
    outputs = { { { { { 3, 4, 4, 4, 4 } } } } },
  },
  {
    "interpolates linearly up",
    attrs = { mode = "linear" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 1, 1, 2, 2 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 4 }, 1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3,
        3.25, 3.75, 4,
      },
    },
  },
  {
    "interpolates linearly down",
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, { 1, 1, 0.6, 0.6 } },
    outputs = { { { { { 2.666667, 4.333333 }, { 9.333333, 11 } } } } },
  },
  {
    "interpolates by cubics",
    attrs = { mode = "cubic" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 6, 6 } },
    outputs = {
      f32 {
        shape = { 1, 1, 6, 6 }, 0.5659727, 1.059028, 1.865743, 2.439816, 3.246529, 3.739587,
        2.538196, 3.03125, 3.837965, 4.412038, 5.21875, 5.711808, 5.765054, 6.258108, 7.064825,
        7.638898, 8.445609, 8.938668, 8.061346, 8.554399, 9.361116, 9.935189, 10.7419, 11.23496,
        11.2882, 11.78125, 12.58797, 13.16204, 13.96875, 14.46181, 13.26043, 13.75348, 14.5602,
        15.13427, 15.94098, 16.43404,
      },
    },
  },
  {
    "takes cubic_coeff_a",
    attrs = { mode = "cubic", cubic_coeff_a = -0.5 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 6 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 6 }, 0.9421299, 1.4375, 2.166666, 2.833334, 3.5625, 4.05787, 4.94213,
        5.4375, 6.166667, 6.833334, 7.5625, 8.057871, 8.94213, 9.4375, 10.16667, 10.83333,
        11.5625, 12.05787, 12.94213, 13.4375, 14.16667, 14.83333, 15.5625, 16.05787,
      },
    },
  },
  {
    "leaves the outside out with exclude_outside",
    attrs = { mode = "cubic", exclude_outside = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 6 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 6 }, 0.8986486, 1.371429, 2.212964, 2.787036, 3.628572, 4.101351,
        4.898649, 5.371428, 6.212964, 6.787036, 7.628572, 8.101352, 8.898648, 9.371428, 10.21296,
        10.78704, 11.62857, 12.10135, 12.89865, 13.37143, 14.21296, 14.78704, 15.62857, 16.10135,
      },
    },
  },
  {
    "filters with antialias",
    attrs = { mode = "linear", antialias = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, { 1, 1, 0.6, 0.6 } },
    outputs = { { { { { 2.875, 4.5 }, { 9.375, 11 } } } } },
  },
  {
    "filters cubics with antialias",
    attrs = { mode = "cubic", antialias = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, { 1, 1, 0.6, 0.6 } },
    outputs = { { { { { 2.51807, 4.285886 }, { 9.589335, 11.35715 } } } } },
  },
  {
    "places by asymmetric",
    attrs = { mode = "linear", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 3 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 3 }, 1, 2.333333, 3.666667, 5, 6.333333, 7.666667, 9, 10.33333,
        11.66667, 13, 14.33333, 15.66667,
      },
    },
  },
  {
    "places by align_corners",
    attrs = { mode = "linear", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 3 } },
    outputs = { f32 { shape = { 1, 1, 4, 3 }, 1, 2.5, 4, 5, 6.5, 8, 9, 10.5, 12, 13, 14.5, 16 } },
  },
  {
    "places by pytorch_half_pixel",
    attrs = { mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 3 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 3 }, 1.166667, 2.5, 3.833333, 5.166667, 6.5, 7.833333, 9.166667, 10.5,
        11.83333, 13.16667, 14.5, 15.83333,
      },
    },
  },
  {
    "places by half_pixel_symmetric",
    attrs = { mode = "linear", coordinate_transformation_mode = "half_pixel_symmetric" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 4, 3 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 3 }, 1.166667, 2.5, 3.833333, 5.166667, 6.5, 7.833333, 9.166667, 10.5,
        11.83333, 13.16667, 14.5, 15.83333,
      },
    },
  },
  {
    "puts one sample at 0 with pytorch_half_pixel",
    attrs = { mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 1, 1, 1, 1 } },
    outputs = { { { { { 1 } } } } },
  },
  {
    "crops with tf_crop_and_resize",
    attrs = {
      mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize",
      extrapolation_value = 9.0,
    },
    inputs = {
      count({ 1, 1, 4, 4 }, "f32", 1), { 0, 0, 0.25, 0.5, 1, 1, 0.75, 1.5 }, false,
      i64 { 1, 1, 3, 3 },
    },
    outputs = { { { { { 5.5, 7, 9 }, { 8.5, 10, 9 }, { 11.5, 13, 9 } } } } },
  },
  {
    "takes axes",
    attrs = { axes = { 2, 3 }, mode = "linear" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, { 0.5, 2 } },
    outputs = {
      f32 {
        shape = { 1, 1, 2, 8 }, 3, 3.25, 3.75, 4.25, 4.75, 5.25, 5.75, 6, 11, 11.25, 11.75, 12.25,
        12.75, 13.25, 13.75, 14,
      },
    },
  },
  {
    "keeps the ratio, not larger",
    attrs = { axes = { 2, 3 }, keep_aspect_ratio_policy = "not_larger" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 7, 8 } },
    outputs = {
      f32 {
        shape = { 1, 1, 7, 7 }, 1, 1, 2, 2, 3, 4, 4, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 5,
        5, 6, 6, 7, 8, 8, 9, 9, 10, 10, 11, 12, 12, 13, 13, 14, 14, 15, 16, 16, 13, 13, 14, 14,
        15, 16, 16,
      },
    },
  },
  {
    "keeps the ratio, not smaller",
    attrs = { axes = { 2, 3 }, keep_aspect_ratio_policy = "not_smaller" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), false, false, i64 { 3, 8 } },
    outputs = {
      f32 {
        shape = { 1, 1, 8, 8 }, 1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
        8, 8, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 9, 9, 10, 10, 11, 11, 12, 12,
        13, 13, 14, 14, 15, 15, 16, 16, 13, 13, 14, 14, 15, 15, 16, 16,
      },
    },
  },
  {
    "resizes one axis of three",
    attrs = { mode = "linear" },
    inputs = { { { { 0, 1 }, { 2, 3 }, { 4, 5 } } }, false, { 1, 2, 1 } },
    outputs = { f32 { shape = { 1, 6, 2 }, 0, 1, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5, 4.5, 4, 5 } },
  },
  {
    "resizes three axes",
    attrs = { mode = "linear" }, inputs = { count { 1, 1, 2, 2, 2 }, false, { 1, 1, 2, 1, 2 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 2, 4 }, 0, 0.25, 0.75, 1, 2, 2.25, 2.75, 3, 1, 1.25, 1.75, 2, 3, 3.25,
        3.75, 4, 3, 3.25, 3.75, 4, 5, 5.25, 5.75, 6, 4, 4.25, 4.75, 5, 6, 6.25, 6.75, 7,
      },
    },
  },
  {
    "resizes u8",
    inputs = { count({ 1, 1, 4, 4 }, "u8", 10, 10), false, { 1, 1, 2, 1 } },
    outputs = {
      u8 {
        shape = { 1, 1, 8, 4 }, 10, 20, 30, 40, 10, 20, 30, 40, 50, 60, 70, 80, 50, 60, 70, 80,
        90, 100, 110, 120, 90, 100, 110, 120, 130, 140, 150, 160, 130, 140, 150, 160,
      },
    },
  },
  {
    "resizes f16",
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 4, 4 }, "f16", 1), false, { 1, 1, 0.5, 0.5 } },
    outputs = { f16 { { { { 3.5, 5.5 }, { 11.5, 13.5 } } } } },
  },
  {
    "resizes f64",
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 4, 4 }, "f64", 1), false, { 1, 1, 0.5, 0.5 } },
    outputs = { f64 { { { { 3.5, 5.5 }, { 11.5, 13.5 } } } } },
  },
  {
    "took scales alone at opset 10",
    opset = 10, attrs = { mode = "nearest" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4 } },
  },
  {
    "was linear from the corner at opset 10",
    opset = 10, attrs = { mode = "linear" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { 1, 1, 2, 2 } },
    outputs = {
      f32 { shape = { 1, 1, 4, 4 }, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4 },
    },
  },
  {
    "refuses both scales and sizes",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 1, 1, 2, 2 }, i64 { 1, 1, 4, 4 } },
    error = "either scales or sizes",
  },
  {
    "refuses scales of another count",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 2, 2 } },
    error = "scales: expected 4 floats",
  },
  {
    "refuses negative scales",
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 1, 1, -1, 1 } },
    error = "scales: expected positive numbers, got %-1",
  },
  {
    "refuses an unknown mode",
    attrs = { mode = "lanczos" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, false, { 1, 1, 2, 2 } },
    error = "mode: 'lanczos' is unknown",
  },
})

-- The name before opset 10.
t.cases("Upsample", {
  {
    "takes scales",
    opset = 9, inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { 1, 1, 2, 3 } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4,
        4, 4,
      },
    },
  },
  {
    "took scales as an attribute before opset 9",
    opset = 7, attrs = { scales = { 1.0, 1.0, 2.0, 2.0 }, mode = "nearest" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4 } },
  },
  {
    "is linear from the corner",
    opset = 9, attrs = { mode = "linear" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { 1, 1, 1, 2 } },
    outputs = { { { { { 1, 1.5, 2, 2 }, { 3, 3.5, 4, 4 } } } } },
  },
  {
    "took two scales at opset 1",
    opset = 1, attrs = { height_scale = 2.0, width_scale = 1.0, mode = "bilinear" },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 3, 4 } } } } },
  },
})
