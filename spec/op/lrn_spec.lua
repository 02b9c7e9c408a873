-- Division by the sum of squares of neighbouring channels.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("LRN", {
  {
    "takes neighbours on both sides",
    attrs = { size = 3 }, inputs = { count({ 1, 5, 1, 2 }, "f32", 1) },
    outputs = {
      f32 {
        shape = { 1, 5, 1, 2 }, 0.9997501, 1.999001, 2.997378, 3.994409, 4.98965, 5.982659,
        6.972997, 7.960232, 8.97086, 9.959195,
      },
    },
  },
  {
    "takes alpha, beta and bias",
    attrs = { size = 3, alpha = 0.5, beta = 0.5, bias = 2.0 },
    inputs = { count({ 1, 5, 1, 2 }, "f32", 1) },
    outputs = {
      f32 {
        shape = { 1, 5, 1, 2 }, 0.5222329, 0.8660254, 1.071884, 1.188177, 1.256562, 1.299038,
        1.326831, 1.345853, 1.85001, 1.846372,
      },
    },
  },
  {
    "takes more after than before for an even size",
    attrs = { size = 2, alpha = 1.0 }, inputs = { count({ 1, 5, 1, 2 }, "f32", 1) },
    outputs = {
      f32 {
        shape = { 1, 5, 1, 2 }, 0.2608474, 0.33112, 0.3432945, 0.3377047, 0.3266873, 0.3143936,
        0.3023013, 0.2909253, 0.5504355, 0.5239893,
      },
    },
  },
  {
    "takes one channel",
    attrs = { size = 1, alpha = 1.0 }, inputs = { count({ 1, 5, 1, 2 }, "f32", 1) },
    outputs = {
      f32 {
        shape = { 1, 5, 1, 2 }, 0.5946035, 0.5981395, 0.5334838, 0.4777749, 0.4342502, 0.3999447,
        0.3722807, 0.349466, 0.3302799, 0.3138766,
      },
    },
  },
  {
    "takes more than there are",
    attrs = { size = 11, alpha = 1.0 }, inputs = { count({ 1, 5, 1, 2 }, "f32", 1) },
    outputs = {
      f32 {
        shape = { 1, 5, 1, 2 }, 0.125, 0.2038757, 0.375, 0.4077514, 0.625, 0.6116272, 0.875,
        0.8155029, 1.125, 1.019379,
      },
    },
  },
  {
    "computes f64",
    attrs = { size = 3, alpha = 1.0 }, inputs = { count({ 1, 5, 1, 2 }, "f64", 1) },
    outputs = {
      f64 {
        shape = { 1, 5, 1, 2 }, 0.3329533790702, 0.4340852806959, 0.4468116603639, 0.428313658299,
        0.4035869426404, 0.3796050404161, 0.3580520510292, 0.3390852507424, 0.5238352500868,
        0.4906859102763,
      },
    },
  },
  {
    "computes f16",
    attrs = { size = 3, alpha = 1.0 }, inputs = { count({ 1, 5, 1, 2 }, "f16", 1) },
    outputs = {
      f16 {
        shape = { 1, 5, 1, 2 }, 0.33301, 0.43408, 0.44678, 0.42822, 0.40356, 0.37964, 0.35815,
        0.33911, 0.52393, 0.49072,
      },
    },
  },
  {
    "refuses size 0",
    attrs = { size = 0 }, inputs = { count({ 1, 5, 1, 2 }, "f32", 1) }, error = "size",
  },
  { "needs a size", inputs = { count({ 1, 5, 1, 2 }, "f32", 1) }, error = "size" },
})
