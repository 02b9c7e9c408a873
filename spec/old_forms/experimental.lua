-- What opsets 1 to 9 called experimental and the standard dropped.
local t = require "support.op_cases"
local f32, i64, count = t.f32, t.i64, t.count

return {
  {
    "Affine", { 1 },
    attrs = { alpha = 2.0, beta = 1.0 },
    inputs = { { -1.5, 0, 0.5, 2 } },
    outputs = { { -2, 1, 2, 5 } },
  },
  {
    "Scale", { 1 },
    attrs = { scale = 3.0 },
    inputs = { { -1.5, 0, 0.5, 2 } },
    outputs = { { -4.5, 0, 1.5, 6 } },
  },
  {
    "ParametricSoftplus", { 1 },
    attrs = { alpha = 2.0, beta = 0.5 },
    inputs = { { -1.5, 0, 0.5, 2 } },
    outputs = { { 0.77374196, 1.3862944, 1.6518791, 2.6265235 } },
  },
  {
    "ScaledTanh", { 1 },
    attrs = { alpha = 2.0, beta = 0.5 },
    inputs = { { -1.5, 0, 0.5, 2 } },
    outputs = { { -1.270298, 0, 0.48983732, 1.5231884 } },
  },
  {
    "ImageScaler", { 1 },
    attrs = { bias = { 1.0, -1.0 }, scale = 2.0 },
    inputs = { count { 1, 2, 4, 4 } },
    outputs = { f32 { shape = { 1, 2, 4, 4 }, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29,
    31, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61 } },
  },
  {
    "Crop", { 1 },
    attrs = { border = { 1, 0, 2, 1 } },
    inputs = { count { 1, 2, 4, 4 } },
    outputs = { f32 { shape = { 1, 2, 3, 1 }, 1, 5, 9, 17, 21, 25 } },
  },
  {
    "Crop", { 1 },
    attrs = { border = { 1, 1, 0, 0 }, scale = { 2, 3 } },
    inputs = { count { 1, 2, 4, 4 } },
    outputs = { f32 { shape = { 1, 2, 2, 3 }, 5, 6, 7, 9, 10, 11, 21, 22, 23, 25, 26, 27 } },
  },
  {
    "DynamicSlice", { 1 },
    inputs = { count { 2, 6 }, i64 { 0, 1 }, i64 { 2, -1 }, i64 { 0, 1 } },
    outputs = { { { 1, 2, 3, 4 }, { 7, 8, 9, 10 } } },
  },
  {
    "DynamicSlice", { 1 }, "takes the first axes",
    inputs = { count { 2, 6 }, i64 { 1 }, i64 { 1000 } },
    outputs = { count({ 1, 6 }, "f32", 6) },
  },
  {
    "ConstantFill", { 1 },
    attrs = { shape = { 2, 3 }, value = 1.5 },
    outputs = { f32 { shape = { 2, 3 }, 1.5 } },
  },
  {
    "ConstantFill", { 1 },
    attrs = { dtype = 7, value = 4.0, extra_shape = { 1 } },
    inputs = { { 0, 1 } },
    outputs = { i64 { { 4 }, { 4 } } },
  },
  {
    "ConstantFill", { 1 },
    attrs = { input_as_shape = 1 },
    inputs = { i64 { 1, 2 } },
    outputs = { { { 0, 0 } } },
  },
  {
    "GivenTensorFill", { 1 },
    attrs = { shape = { 2, 2 }, values = { 1.0, 2.0, 3.0, 4.0 } },
    outputs = { count({ 2, 2 }, "f32", 1) },
  },
}
