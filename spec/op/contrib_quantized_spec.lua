-- Compositions on quantized tensors: scales off, compute, scales on.
local t = require "support.op_cases" (_ENV)
local i32, i8, u8, count = t.i32, t.i8, t.u8, t.count

t.cases("com.microsoft:QLinearAdd", {
  {
    "computes u8",
    inputs = {
      u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), u8 { { 5, 6 }, { 7, 8 } }, 0.25, u8(4), 0.5,
      u8(16),
    },
    outputs = { u8 { { 18, 29 }, { 40, 50 } } },
  },
  {
    "broadcasts",
    inputs = { u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), u8 { 5, 6 }, 0.25, u8(4), 0.5, u8(16) },
    outputs = { u8 { { 18, 29 }, { 38, 49 } } },
  },
  {
    "computes i8",
    inputs = { i8 { -9, 20 }, 0.5, i8(3), i8 { 5, -6 }, 0.25, i8(-2), 0.25, i8(1) },
    outputs = { i8 { -16, 31 } },
  },
  {
    "saturates",
    inputs = { u8 { 255 }, 1, u8(0), u8 { 255 }, 1, u8(0), 1, u8(0) },
    outputs = { u8 { 255 } },
  },
  {
    "refuses mixed types",
    inputs = { u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), { 1 }, 0.25, u8(4), 0.5, u8(16) },
    error = "f32",
  },
})

t.cases("com.microsoft:QLinearMul", {
  {
    "computes u8",
    inputs = {
      u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), u8 { { 5, 6 }, { 7, 8 } }, 0.25, u8(4), 0.5,
      u8(16),
    },
    outputs = { u8 { { 16, 22 }, { 32, 48 } } },
  },
  {
    "broadcasts",
    inputs = { u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), u8 { 5, 6 }, 0.25, u8(4), 0.5, u8(16) },
    outputs = { u8 { { 16, 22 }, { 22, 32 } } },
  },
  {
    "computes i8",
    inputs = { i8 { -9, 20 }, 0.5, i8(3), i8 { 5, -6 }, 0.25, i8(-2), 0.25, i8(1) },
    outputs = { i8 { -41, -33 } },
  },
  {
    "saturates",
    inputs = { u8 { 255 }, 1, u8(0), u8 { 255 }, 1, u8(0), 1, u8(0) },
    outputs = { u8 { 255 } },
  },
  {
    "refuses mixed types",
    inputs = { u8 { { 10, 20 }, { 30, 40 } }, 0.5, u8(8), { 1 }, 0.25, u8(4), 0.5, u8(16) },
    error = "f32",
  },
})

t.cases("com.microsoft:QLinearLeakyRelu", {
  {
    "takes alpha",
    attrs = { alpha = 0.25 }, inputs = { u8 { 0, 100, 128, 200 }, 0.5, u8(128), 0.5, u8(128) },
    outputs = { u8 { 96, 121, 128, 200 } },
  },
  {
    "has alpha 0.01",
    inputs = { u8 { 0, 100, 128, 200 }, 0.5, u8(128), 0.25, u8(10) },
    outputs = { u8 { 7, 9, 10, 154 } },
  },
})

t.cases("com.microsoft:QLinearSigmoid", {
  {
    "computes u8",
    inputs = { u8 { 0, 100, 128, 200 }, 0.0625, u8(128), 0.00390625, u8(0) },
    outputs = { u8 { 0, 38, 128, 253 } },
  },
  {
    "computes i8",
    inputs = { i8 { -128, 0, 50 }, 0.0625, i8(0), 0.00390625, i8(-128) },
    outputs = { i8 { -128, 0, 117 } },
  },
})

t.cases("com.microsoft:QLinearSoftmax", {
  {
    "runs along the last axis",
    attrs = { axis = -1, opset = 13 },
    inputs = { u8 { { 1, 2, 3 }, { 5, 5, 9 } }, 0.5, u8(0), 0.00390625, u8(0) },
    outputs = { u8 { { 48, 79, 130 }, { 27, 27, 201 } } },
  },
  {
    "runs along an axis",
    attrs = { axis = 0, opset = 13 },
    inputs = { u8 { { 1, 2, 3 }, { 5, 5, 9 } }, 0.5, u8(0), 0.00390625, u8(0) },
    outputs = { u8 { { 31, 47, 12 }, { 225, 209, 244 } } },
  },
  {
    "runs over all axes from axis 1 on as before opset 13",
    attrs = { axis = 1, opset = 11 },
    inputs = { u8 { { { 0, 1 }, { 2, 3 } } }, 0.5, u8(0), 0.00390625, u8(0) },
    outputs = { u8 { { { 26, 43 }, { 71, 116 } } } },
  },
})

t.cases("com.microsoft:QLinearConcat", {
  {
    "brings parts to one scale",
    attrs = { axis = 1 },
    inputs = { 0.5, u8(10), u8 { { 20 } }, 0.25, u8(4), u8 { { 30 } }, 1, u8(20) },
    outputs = { u8 { { 18, 30 } } },
  },
  {
    "takes one part",
    attrs = { axis = 0 }, inputs = { 0.5, u8(0), u8 { 4 }, 0.25, u8(0) },
    outputs = { u8 { 2 } },
  },
  {
    "refuses a part without a zero point",
    attrs = { axis = 0 }, inputs = { 0.5, u8(0), u8 { 4 }, 0.25 }, error = "",
  },
})

t.cases("com.microsoft:QLinearGlobalAveragePool", {
  {
    "takes the mean",
    inputs = { count({ 1, 2, 2, 2 }, "u8", 10), 0.5, u8(10), 0.25, u8(3) },
    outputs = { u8 { { { { 6 } }, { { 14 } } } } },
  },
  {
    "has channels last",
    attrs = { channels_last = 1 },
    inputs = {
      u8 { shape = { 1, 2, 2, 2 }, 10, 14, 11, 15, 12, 16, 13, 17 }, 0.5, u8(10), 0.25, u8(3),
    },
    outputs = { u8 { { { { 6, 14 } } } } }, needs_rank = true,
  },
})

t.cases("com.microsoft:QLinearAveragePool", {
  {
    "takes the mean",
    attrs = { kernel_shape = { 2, 2 } },
    inputs = { count({ 1, 1, 3, 3 }, "u8", 0, 4), 0.5, u8(4), 0.25, u8(3) },
    outputs = { u8 { { { { 11, 19 }, { 35, 43 } } } } },
  },
  {
    "counts pads with count_include_pad",
    attrs = { kernel_shape = { 2, 2 }, pads = { 1, 1, 1, 1 }, count_include_pad = 1 },
    inputs = { count({ 1, 1, 3, 3 }, "u8", 0, 4), 0.5, u8(4), 0.25, u8(30) },
    outputs = {
      u8 {
        shape = { 1, 1, 4, 4 }, 28, 28, 32, 32, 32, 38, 46, 40, 44, 62, 70, 52, 40, 52, 56, 44,
      },
    },
  },
  {
    "has channels last",
    attrs = { kernel_shape = { 2, 2 }, strides = { 1, 1 }, channels_last = 1 },
    inputs = { count({ 1, 3, 3, 1 }, "u8", 0, 4), 0.5, u8(4), 0.25, u8(3) },
    outputs = { u8 { { { { 11 }, { 19 } }, { { 35 }, { 43 } } } } },
  },
})

t.cases("com.microsoft:NhwcMaxPool", {
  {
    "takes the largest, channels last",
    attrs = { kernel_shape = { 2, 2 } },
    inputs = { u8 { { { { 1, 9 }, { 2, 8 } }, { { 3, 7 }, { 4, 6 } } } } },
    outputs = { u8 { { { { 4, 9 } } } } },
  },
  {
    "takes strides and pads",
    attrs = { kernel_shape = { 1, 2 }, strides = { 1, 2 }, pads = { 0, 1, 0, 1 } },
    inputs = { i8 { { { { -2 }, { -1 }, { 0 }, { 1 } } } } },
    outputs = { i8 { { { { -2 }, { 0 }, { 1 } } } } },
  },
  {
    "refuses a matrix",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { u8 { { 1, 2 } } }, error = "rank 3 or more",
    needs_rank = true,
  },
})

t.cases("com.microsoft:MatMulIntegerToFloat", {
  {
    "scales the product",
    inputs = { u8 { { 10, 20 } }, i8 { { 5 }, { -6 } }, 0.5, 0.25, u8(8) },
    outputs = { { { -7.75 } } },
  },
  {
    "takes a scale and zero point for each column, a bias",
    inputs = {
      u8 { { 10, 20 } }, i8 { { 5, 1 }, { -6, 2 } }, 0.5, { 0.25, 0.5 }, u8(8), i8 { 1, 2 },
      { 1, 2 },
    },
    outputs = { { { -8.5, 1.5 } } },
  },
  {
    "needs no zero points",
    inputs = { u8 { { 10, 20 } }, i8 { { 5 }, { -6 } }, 0.5, 0.25 },
    outputs = { { { -8.75 } } },
  },
})

t.cases("com.microsoft:DynamicQuantizeMatMul", {
  {
    "quantizes the input",
    inputs = { { { 0, 1, 2.55 } }, i8 { { 1 }, { 2 }, { 3 } }, 0.5 },
    outputs = { { { 4.825 } } },
  },
  {
    "takes zero points and a bias",
    inputs = {
      { { 0, 1, 2.55 } }, u8 { { 1, 1 }, { 2, 2 }, { 3, 3 } }, { 0.5, 0.25 }, u8 { 1, 2 },
      { 1, -1 },
    },
    outputs = { { { 4.05, -0.3625 } } },
  },
})

t.cases("com.microsoft:QGemm", {
  {
    "gives floats without an output scale",
    inputs = { u8 { { 10, 20 } }, 0.5, u8(8), i8 { { 5 }, { -6 } }, 0.25, i8(0) },
    outputs = { { { -7.75 } } },
  },
  {
    "adds C, scales by alpha",
    attrs = { alpha = 2.0 },
    inputs = { u8 { { 10, 20 } }, 0.5, u8(8), i8 { { 5 }, { -6 } }, 0.25, i8(0), i32 { 2 } },
    outputs = { { { -15 } } },
  },
  {
    "requantizes",
    inputs = {
      u8 { { 10, 20 } }, 0.5, u8(8), i8 { { 5 }, { -6 } }, 0.25, i8(0), i32 { 2 }, 0.5, u8(100),
    },
    outputs = { u8 { { 85 } } },
  },
  {
    "transposes both",
    attrs = { transA = 1, transB = 1 },
    inputs = { u8 { { 10 }, { 20 } }, 0.5, u8(8), i8 { { 5, -6 } }, 0.25, i8(0) },
    outputs = { { { -7.75 } } },
  },
  {
    "refuses what doesn't fit",
    inputs = { u8 { { 10, 20, 30 } }, 0.5, u8(8), i8 { { 5 }, { -6 } }, 0.25, i8(0) },
    error = "can't be multiplied",
  },
})
