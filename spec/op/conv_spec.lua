-- Correlation over any number of axes. Layout [N,C,...]; weights [M,C/group,...].
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("Conv", {
  {
    "slides over two axes",
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, -5 } },
  },
  {
    "adds a bias for each output",
    inputs = { count { 1, 1, 3, 3 }, { { { { 1 } } }, { { { 2 } } } }, { 10, 20 } },
    outputs = {
      f32 {
        shape = { 1, 2, 3, 3 }, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32,
        34, 36,
      },
    },
  },
  {
    "pads",
    attrs = { pads = { 1, 1, 1, 1 } },
    inputs = { count({ 1, 1, 3, 3 }, "f32", 1), f32 { shape = { 1, 1, 3, 3 }, 1 } },
    outputs = { { { { { 12, 21, 16 }, { 27, 45, 33 }, { 24, 39, 28 } } } } },
  },
  {
    "pads unevenly",
    attrs = { pads = { 0, 1, 1, 0 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } }, { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { { { { { 4, 10 }, { 3, 7 } } } } },
  },
  {
    "takes strides",
    attrs = { strides = { 2, 2 } },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { { { { { 10, 18 }, { 42, 50 } } } } },
  },
  {
    "takes strides of different lengths",
    attrs = { strides = { 1, 2 } },
    inputs = { count { 1, 1, 5, 5 }, f32 { shape = { 1, 1, 3, 3 }, 1 } },
    outputs = { { { { { 54, 72 }, { 99, 117 }, { 144, 162 } } } } },
  },
  {
    "takes dilations",
    attrs = { dilations = { 2, 3 } },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } },
    outputs = { { { { { -11 }, { -11 } } } } },
  },
  {
    "takes the kernel's shape",
    attrs = { kernel_shape = { 2, 2 } },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, -5 } },
  },
  {
    "pads by SAME_UPPER",
    attrs = { auto_pad = "SAME_UPPER", strides = { 1, 1 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = {
      f32 {
        shape = { 1, 1, 4, 4 }, 14, 18, 22, 12, 30, 34, 38, 20, 46, 50, 54, 28, 27, 29, 31, 16,
      },
    },
  },
  {
    "pads by SAME_LOWER",
    attrs = { auto_pad = "SAME_LOWER", strides = { 1, 1 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = {
      f32 { shape = { 1, 1, 4, 4 }, 1, 3, 5, 7, 6, 14, 18, 22, 14, 30, 34, 38, 22, 46, 50, 54 },
    },
  },
  {
    "pads by VALID",
    attrs = { auto_pad = "VALID", strides = { 2, 2 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { { { { { 14, 22 }, { 46, 54 } } } } },
  },
  {
    "sums channels",
    inputs = { count { 1, 2, 2, 2 }, { { { { 1 } }, { { 10 } } } } },
    outputs = { { { { { 40, 51 }, { 62, 73 } } } } },
  },
  {
    "takes groups",
    attrs = { group = 2 },
    inputs = { count { 1, 4, 1, 2 }, { { { { 1 } }, { { 2 } } }, { { { 3 } }, { { 4 } } } } },
    outputs = { { { { { 4, 7 } }, { { 36, 43 } } } } },
  },
  {
    "is depthwise with a group a channel",
    attrs = { group = 2 },
    inputs = {
      count { 1, 2, 3, 3 },
      f32 { shape = { 2, 1, 3, 3 }, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2 },
    },
    outputs = { { { { { 36 } }, { { 234 } } } } },
  },
  {
    "takes batches",
    inputs = { count { 2, 1, 2, 2 }, { { { { 2 } } } } },
    outputs = { count({ 2, 1, 2, 2 }, "f32", 0, 2) },
  },
  {
    "slides over one axis",
    attrs = { pads = { 1, 1 } }, inputs = { { { { 0, 1, 2, 3, 4 } } }, { { { 1, 2, 1 } } } },
    outputs = { { { { 1, 4, 8, 12, 11 } } } },
  },
  {
    "slides over three axes",
    inputs = { count { 1, 1, 2, 2, 2 }, f32 { shape = { 1, 1, 2, 2, 2 }, 1 } },
    outputs = { { { { { { 28 } } } } } },
  },
  {
    "slides over many channels",
    inputs = { count { 1, 16, 2, 2 }, f32 { shape = { 2, 16, 1, 1 }, 1 } },
    outputs = { f32 { shape = { 1, 2, 2, 2 }, 480, 496, 512, 528, 480, 496, 512, 528 } },
  },
  {
    "computes f16",
    inputs = { count({ 1, 1, 4, 4 }, "f16"), f16 { { { { 1, 0 }, { 0, -1 } } } } },
    outputs = { f16 { shape = { 1, 1, 3, 3 }, -5 } },
  },
  {
    "computes f64",
    attrs = { strides = { 2, 2 } },
    inputs = { count({ 1, 1, 4, 4 }, "f64"), f64 { { { { 1, 0 }, { 0, -1 } } } }, f64 { 0.5 } },
    outputs = { f64 { { { { -4.5, -4.5 }, { -4.5, -4.5 } } } } },
  },
  {
    "takes an empty batch",
    inputs = { f32 { shape = { 0, 1, 3, 3 } }, f32 { shape = { 1, 1, 3, 3 }, 1 } },
    outputs = { f32 { shape = { 0, 1, 1, 1 } } },
  },
  {
    "ran at opset 1",
    opset = 1, inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, -5 } },
  },
  {
    "refuses channels that don't fit",
    inputs = { count { 1, 2, 3, 3 }, f32 { shape = { 1, 1, 3, 3 }, 1 } }, error = "channels",
  },
  {
    "refuses a group that doesn't divide",
    attrs = { group = 0 }, inputs = { count { 1, 2, 3, 3 }, f32 { shape = { 1, 1, 3, 3 }, 1 } },
    error = "group: expected at least 1, got 0",
  },
  {
    "refuses weights of another rank",
    inputs = { count { 1, 1, 4, 4 }, { { { 1 } } } }, error = "weights: expected rank 4",
  },
  {
    "refuses a bias of another length",
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } }, { 1, 2 } },
    error = "bias: expected %[1%]",
  },
  {
    "refuses negative strides",
    attrs = { strides = { 0, 1 } },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } }, error = "strides",
  },
  {
    "refuses an unknown auto_pad",
    attrs = { auto_pad = "SAME" },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } }, error = "auto_pad",
  },
})

t.cases("com.microsoft:FusedConv", {
  {
    "applies an activation",
    attrs = { activation = "Relu" },
    inputs = { count { 1, 1, 4, 4 }, { { { { -1, -0.0 }, { -0.0, 1 } } } } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 5 } },
  },
  {
    "adds a sum before it",
    attrs = { activation = "Relu" },
    inputs = { { { { { 0, 1 } } } }, { { { { 1 } } } }, { 1 }, { { { { -5, 5 } } } } },
    outputs = { { { { { 0, 7 } } } } },
  },
  {
    "limits by Clip",
    attrs = { activation = "Clip", activation_params = { 0.5, 1.5 } },
    inputs = { { { { { 0, 1, 2 } } } }, { { { { 1 } } } } },
    outputs = { { { { { 0.5, 1, 1.5 } } } } },
  },
  {
    "takes the slope of LeakyRelu",
    attrs = { activation = "LeakyRelu", activation_params = { 0.5 } },
    inputs = { { { { { -1, 0, 1 } } } }, { { { { 1 } } } } },
    outputs = { { { { { -0.5, 0, 1 } } } } },
  },
  {
    "refuses an unknown activation",
    attrs = { activation = "Sine" },
    inputs = { count { 1, 1, 4, 4 }, { { { { 1, 0 }, { 0, -1 } } } } },
    error = "activation: 'Sine' is not known",
  },
})
