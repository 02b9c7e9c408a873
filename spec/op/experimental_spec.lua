-- The experimental operators of opsets 1 to 9, beyond what spec/old_forms/experimental.lua shows:
-- element types, defaults and what is refused.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i32, count = t.f64, t.f32, t.f16, t.i64, t.i32, t.count

t.cases("Affine", {
  { "does nothing by default", opset = 6, inputs = { { 1, -2 } }, outputs = { { 1, -2 } } },
  {
    "computes f64", opset = 1, attrs = { alpha = 0.5, beta = 1.0 }, inputs = { f64 { 1, -2 } },
    outputs = { f64 { 1.5, 0 } },
  },
})

t.cases("Scale", {
  {
    "computes f16", opset = 6, attrs = { scale = 0.5 }, inputs = { f16 { 1, -2 } },
    outputs = { f16 { 0.5, -1 } },
  },
})

t.cases("ScaledTanh", {
  {
    "computes f64", opset = 6, attrs = { alpha = 2.0, beta = 0.0 }, inputs = { f64 { 1, -2 } },
    outputs = { f64 { 0, 0 } },
  },
})

t.cases("ParametricSoftplus", {
  {
    "is alpha ln(1 + exp(beta x))", opset = 6, attrs = { alpha = 2.0, beta = 3.0 },
    inputs = { f32 { 0 } }, outputs = { f32 { 1.3862944 } },
  },
})

t.cases("ImageScaler", {
  {
    "needs no bias", opset = 6, attrs = { scale = 2.0 }, inputs = { count { 1, 1, 1, 2 } },
    outputs = { f32 { shape = { 1, 1, 1, 2 }, 0, 2 } },
  },
  {
    "refuses another number of channels", opset = 6, attrs = { bias = { 1.0, 2.0 } },
    inputs = { count { 1, 3, 1, 2 } }, error = "broadcast",
  },
})

t.cases("Crop", {
  {
    "refuses two borders", opset = 6, attrs = { border = { 1, 1 } },
    inputs = { count { 1, 1, 2, 2 } }, error = "border, scale: expected 4 and 2 numbers, got 2 and 0",
  },
  {
    "refuses negative borders", opset = 6, attrs = { border = { 0, 0, -1, 0 } },
    inputs = { count { 1, 1, 2, 2 } }, error = "no negative",
  },
})

t.cases("DynamicSlice", {
  {
    "takes i32", opset = 6, inputs = { count { 2, 3 }, i32 { 1 }, i32 { 3 }, i32 { 1 } },
    outputs = { { { 1, 2 }, { 4, 5 } } },
  },
})

t.cases("ConstantFill", {
  {
    "takes the shape of its input", opset = 6, attrs = { value = 0.5, extra_shape = { 2 } },
    inputs = { i32 { 7 } }, outputs = { { { 0.5, 0.5 } } },
  },
  { "makes a scalar of an empty shape", opset = 6, outputs = { 0.0 } },
  {
    "refuses extra axes without an input", opset = 6, attrs = { extra_shape = { 2 } },
    error = "extra_shape: expected none",
  },
})

t.cases("GivenTensorFill", {
  {
    "takes the shape from its input", opset = 6,
    attrs = { values = { 1.0, 2.0, 3.0, 4.0 }, input_as_shape = 1 }, inputs = { i64 { 2, 2 } },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "refuses another number of values", opset = 6,
    attrs = { values = { 1.0, 2.0, 3.0 }, shape = { 2, 2 } }, error = "Reshape",
  },
})
