-- Upsample and the coordinates of early Resize, RoiAlign and GridSample.
local t = require "support.op_cases"
local f32, i64, count = t.f32, t.i64, t.count

return {
  {
    "Upsample", { 1 },
    attrs = { height_scale = 2.0, width_scale = 3.0, mode = "nearest" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    3, 3, 3, 4, 4, 4 } },
  },
  {
    "Upsample", { 1 },
    attrs = { height_scale = 2.0, width_scale = 2.0, mode = "bilinear" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4
    } },
  },
  {
    "Upsample", { 7 },
    attrs = { scales = { 1.0, 1.0, 2.0, 3.0 } },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    3, 3, 3, 4, 4, 4 } },
  },
  {
    "Upsample", { 7 },
    attrs = { scales = { 1.0, 1.0, 2.0, 2.0 }, mode = "linear" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4
    } },
  },
  {
    "Upsample", { 7 },
    attrs = { scales = { 1.0, 1.0, 1.5, 1.5 }, mode = "nearest" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 1, 1, 2, 1, 1, 2, 3, 3, 4 } },
  },
  {
    "Upsample", { 9, 10 },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1), { 1, 1, 2, 3 } },
    outputs = { f32 { shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    3, 3, 3, 4, 4, 4 } },
  },
  {
    "Upsample", { 9 },
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1), { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4
    } },
  },
  {
    "Upsample", { 9 },
    attrs = { mode = "nearest" },
    inputs = { count { 1, 1, 1, 5 }, { 1, 1, 1, 1.7 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 0, 0, 1, 1, 2, 2, 3, 4 } },
  },
  {
    "Resize", { 10 },
    inputs = { count({ 1, 1, 2, 4 }, "f32", 1), { 1, 1, 0.60000002, 0.60000002 } },
    outputs = { f32 { shape = { 1, 1, 1, 2 }, 1, 3 } },
  },
  {
    "Resize", { 10 },
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 2, 4 }, "f32", 1), { 1, 1, 0.60000002, 0.60000002 } },
    outputs = { f32 { shape = { 1, 1, 1, 2 }, 1, 2.6666665 } },
  },
  {
    "Resize", { 10 },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1), { 1, 1, 2, 3 } },
    outputs = { f32 { shape = { 1, 1, 4, 6 }, 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
    3, 3, 3, 4, 4, 4 } },
  },
  {
    "Resize", { 10 },
    attrs = { mode = "linear" },
    inputs = { count({ 1, 1, 2, 2 }, "f32", 1), { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 1, 1.5, 2, 2, 2, 2.5, 3, 3, 3, 3.5, 4, 4, 3, 3.5, 4, 4
    } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 13 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "half_pixel", nearest_mode =
    "floor" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 1, 2, 2, 3, 3, 4 } },
  },
  {
    "Resize", { 18 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 13 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "align_corners", nearest_mode =
    "floor" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 1, 2, 2, 3, 3, 4 } },
  },
  {
    "Resize", { 18 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 13 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode =
    "floor" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 18 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 13 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "pytorch_half_pixel", nearest_mode
    = "floor" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 1, 2, 2, 3, 3, 4 } },
  },
  {
    "Resize", { 18 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1, 2, 2, 3, 3, 4, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "linear", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "linear", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "linear", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.4285715, 1.8571429, 2.2857141, 2.7142856,
    3.1428571, 3.5714285, 4 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "linear", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.4285715, 1.8571429, 2.2857141, 2.7142856,
    3.1428571, 3.5714285, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "linear", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "linear", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 0.89453125, 1.1914062, 1.6679688, 2.296875, 2.703125,
    3.3320312, 3.8085938, 4.1054688 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 0.89453125, 1.1914062, 1.6679688, 2.296875, 2.703125,
    3.3320312, 3.8085938, 4.1054688 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.341108, 1.8002908, 2.329448, 2.6705537,
    3.1997082, 3.6588926, 4 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "align_corners" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.341108, 1.8002908, 2.329448, 2.6705537,
    3.1997082, 3.6588926, 4 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "asymmetric" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 1, 1.40625, 2, 2.5, 3, 3.59375, 4, 4.09375 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), f32 { shape = { 0 } }, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 0.89453125, 1.1914062, 1.6679688, 2.296875, 2.703125,
    3.3320312, 3.8085938, 4.1054688 } },
  },
  {
    "Resize", { 13, 18 },
    attrs = { mode = "cubic", coordinate_transformation_mode = "pytorch_half_pixel" },
    inputs = { count({ 1, 1, 1, 4 }, "f32", 1), false, { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 8 }, 0.89453125, 1.1914062, 1.6679688, 2.296875, 2.703125,
    3.3320312, 3.8085938, 4.1054688 } },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "nearest", coordinate_transformation_mode = "tf_half_pixel_for_nn" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), f32 { shape = { 0 } }, f32 { shape = { 0 } }, i64 {
    1, 1, 3, 2 } },
    outputs = { count({ 1, 1, 3, 2 }, "f32", 6, 2) },
  },
  {
    "Resize", { 11 },
    attrs = { mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize",
    extrapolation_value = 10.0 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), { 0, 0, 0.40000001, 0.60000002, 1, 1, 1.2, 1.7 },
    f32 { shape = { 0 } }, i64 { 1, 1, 3, 3 } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 7.6000009, 10, 10, 12.400001, 10, 10, 10, 10, 10 } },
  },
  {
    "Resize", { 11, 13, 18 },
    attrs = { nearest_mode = "ceil" },
    inputs = { count { 1, 1, 1, 4 }, f32 { shape = { 0 } }, f32 { shape = { 0 } }, i64 { 1, 1, 1, 7
    } },
    outputs = { f32 { shape = { 1, 1, 1, 7 }, 0, 1, 1, 2, 3, 3, 3 } },
  },
  {
    "Resize", { 18 },
    attrs = { axes = { 3 }, antialias = 1, mode = "linear" },
    inputs = { count { 1, 1, 1, 6 }, false, false, i64 { 3 } },
    outputs = { f32 { shape = { 1, 1, 1, 3 }, 0.625, 2.5, 4.375 } },
  },
  {
    "RoiAlign", { 10 },
    attrs = { output_height = 2, output_width = 2, spatial_scale = 1.0, sampling_ratio = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 3, 3 } }, i64 { 0 } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 3.75, 5.25, 9.75, 11.25 } },
  },
  {
    "RoiAlign", { 16 },
    attrs = { output_height = 2, output_width = 2, sampling_ratio = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 3, 3 } }, i64 { 0 } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 1.5625, 3, 7.3125, 8.75 } },
  },
  {
    "GridSample", { 16 },
    attrs = { mode = "bilinear" },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 2, 2, 2 }, -1, -1, -0.5, 0.25, 0, 0, 1, 1.5
    } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 0, 4.375, 4, 0 } },
  },
  {
    "GridSample", { 16 },
    attrs = { mode = "nearest" },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 2, 2, 2 }, -1, -1, -0.5, 0.25, 0, 0, 1, 1.5
    } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 0, 3, 4, 0 } },
  },
  {
    "GridSample", { 16 },
    attrs = { mode = "bicubic" },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 2, 2, 2 }, -1, -1, -0.5, 0.25, 0, 0, 1, 1.5
    } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, -0.1875, 5.5170746, 4, -0.4317627 } },
  },
  {
    "GridSample", { 16 },
    attrs = { padding_mode = "border", align_corners = 1 },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 2, 2, 2 }, -1, -1, -0.5, 0.25, 0, 0, 1, 1.5
    } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 0, 4.25, 4, 8 } },
  },
  {
    "GridSample", { 20 },
    attrs = { mode = "cubic" },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 2, 2, 2 }, -1, -1, -0.5, 0.25, 0, 0, 1, 1.5
    } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, -0.1875, 5.5170746, 4, -0.4317627 } },
  },
}
