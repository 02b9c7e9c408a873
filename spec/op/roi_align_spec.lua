-- Means of points sampled in each cell of a grid over regions.
local t = require "support.op_cases" (_ENV)
local f64, i64, count = t.f64, t.i64, t.count

t.cases("RoiAlign", {
  {
    "averages a region",
    attrs = { output_height = 2, output_width = 2, sampling_ratio = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 3, 3 } }, i64 { 0 } },
    outputs = { { { { { 1.5625, 3 }, { 7.3125, 8.75 } } } } },
  },
  {
    "takes the largest with mode max",
    attrs = { output_height = 2, output_width = 2, sampling_ratio = 2, mode = "max" },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 3, 3 } }, i64 { 0 } },
    outputs = { { { { { 2.5, 3.28125 }, { 7, 7.65625 } } } } },
  },
  {
    "chooses the samples by the size of the cells",
    attrs = { output_height = 1, output_width = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 4, 4 } }, i64 { 0 } },
    outputs = { { { { { 6.5, 8.5 } } } } },
  },
  {
    "takes spatial_scale",
    attrs = { spatial_scale = 0.5, sampling_ratio = 1 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 6, 6 } }, i64 { 0 } },
    outputs = { { { { { 5 } } } } },
  },
  {
    "has no half pixel with output_half_pixel",
    attrs = { coordinate_transformation_mode = "output_half_pixel", sampling_ratio = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0.5, 0.5, 2, 2 } }, i64 { 0 } },
    outputs = { { { { { 6.25 } } } } },
  },
  {
    "takes regions of several images",
    attrs = { sampling_ratio = 1 },
    inputs = { count { 2, 1, 2, 2 }, { { 0, 0, 1, 1 }, { 0, 0, 2, 2 } }, i64 { 1, 0 } },
    outputs = { { { { { 4 } } }, { { { 1.5 } } } } },
  },
  {
    "has nothing outside",
    attrs = { sampling_ratio = 1 },
    inputs = { count { 1, 1, 4, 4 }, { { -9, -9, -5, -5 } }, i64 { 0 } },
    outputs = { { { { { 0 } } } } },
  },
  {
    "computes f64",
    attrs = { sampling_ratio = 2 },
    inputs = { count({ 1, 1, 4, 4 }, "f64"), f64 { { 0, 0, 3, 3 } }, i64 { 0 } },
    outputs = { f64 { { { { 5 } } } } },
  },
  {
    "had no half pixel at opset 10",
    opset = 10, attrs = { sampling_ratio = 2 },
    inputs = { count { 1, 1, 4, 4 }, { { 0.5, 0.5, 2, 2 } }, i64 { 0 } },
    outputs = { { { { { 6.25 } } } } },
  },
  {
    "refuses an image that is not there",
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 1, 1 } }, i64 { 1 } },
    error = "batch_indices%[0%]",
  },
  {
    "refuses a size of 0",
    attrs = { output_height = -1 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 1, 1 } }, i64 { 0 } }, error = "output_height",
  },
  {
    "refuses regions of another width",
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 1 } }, i64 { 0 } }, error = "rois",
  },
})
