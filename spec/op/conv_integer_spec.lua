-- Convolutions of quantized numbers.
local t = require "support.op_cases" (_ENV)
local i32, i8, u8, count = t.i32, t.i8, t.u8, t.count

t.cases("ConvInteger", {
  {
    "subtracts the zero point of the input",
    inputs = { count({ 1, 1, 3, 3 }, "u8", 2), u8 { { { { 1, 1 }, { 1, 1 } } } }, u8(1) },
    outputs = { i32 { { { { 12, 16 }, { 24, 28 } } } } },
  },
  {
    "pads with the zero point",
    attrs = { pads = { 1, 1, 1, 1 } },
    inputs = { count({ 1, 1, 3, 3 }, "u8", 2), u8 { { { { 1, 1 }, { 1, 1 } } } }, u8(1) },
    outputs = {
      i32 { shape = { 1, 1, 4, 4 }, 1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9 },
    },
  },
  {
    "needs no zero points",
    inputs = { count({ 1, 1, 3, 3 }, "u8", 2), u8 { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { i32 { { { { 16, 20 }, { 28, 32 } } } } },
  },
  {
    "takes a zero point for each output",
    inputs = { u8 { { { { 0, 1 } } } }, i8 { { { { 3 } } }, { { { 5 } } } }, u8(1), i8 { 1, 2 } },
    outputs = { i32 { { { { -2, 0 } }, { { -3, 0 } } } } },
  },
  {
    "takes i8",
    inputs = { count({ 1, 1, 3, 3 }, "i8", -4), i8 { { { { 1, -1 }, { 2, -2 } } } } },
    outputs = { i32 { { { { -3, -3 }, { -3, -3 } } } } },
  },
  {
    "takes strides",
    attrs = { strides = { 2, 2 } },
    inputs = { count({ 1, 1, 4, 4 }, "u8"), u8 { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { i32 { { { { 10, 18 }, { 42, 50 } } } } },
  },
  {
    "takes dilations",
    attrs = { dilations = { 2, 2 } },
    inputs = { count({ 1, 1, 3, 3 }, "u8", 2), u8 { { { { 1, 1 }, { 1, 1 } } } } },
    outputs = { i32 { { { { 24 } } } } },
  },
  {
    "takes groups",
    attrs = { group = 2 },
    inputs = { u8 { { { { 0, 1 } }, { { 2, 3 } } } }, u8 { { { { 2 } } }, { { { 3 } } } } },
    outputs = { i32 { { { { 0, 2 } }, { { 6, 9 } } } } },
  },
  {
    "refuses floats",
    inputs = { count { 1, 1, 3, 3 }, u8 { { { { 1, 1 }, { 1, 1 } } } } }, error = "f32",
  },
  {
    "refuses channels that don't fit",
    inputs = { count({ 1, 2, 3, 3 }, "u8"), u8 { { { { 1, 1 }, { 1, 1 } } } } },
    error = "channels",
  },
})

t.cases("QLinearConv", {
  {
    "requantizes",
    inputs = {
      u8 { { { { 10, 20 }, { 30, 40 } } } }, 0.5, u8(8), u8 { { { { 3 } } } }, 0.25, u8(1), 0.5,
      u8(100),
    },
    outputs = { u8 { { { { 101, 106 }, { 111, 116 } } } } },
  },
  {
    "adds an i32 bias",
    inputs = {
      u8 { { { { 10, 20 }, { 30, 40 } } } }, 0.5, u8(8), u8 { { { { 3 } } } }, 0.25, u8(1), 0.5,
      u8(100), i32 { -7 },
    },
    outputs = { u8 { { { { 99, 104 }, { 109, 114 } } } } },
  },
  {
    "takes a scale for each output",
    inputs = {
      u8 { { { { 10, 20 } } } }, 0.5, u8(8), i8 { { { { 3 } } }, { { { -5 } } } }, { 0.25, 0.5 },
      i8 { 0, 0 }, 0.5, u8(100), i32 { 4, 5 },
    },
    outputs = { u8 { { { { 102, 110 } }, { { 98, 72 } } } } },
  },
  {
    "saturates",
    inputs = {
      u8 { { { { 0, 255 } } } }, 1, u8(128), i8 { { { { 100 } } } }, 1, i8(0), 1, u8(128),
    },
    outputs = { u8 { { { { 0, 255 } } } } },
  },
  {
    "rounds halves to even",
    inputs = {
      u8 { { { { 1, 2, 3, 5 } } } }, 0.5, u8(0), u8 { { { { 1 } } } }, 1, u8(0), 1, u8(0),
    },
    outputs = { u8 { { { { 0, 1, 2, 2 } } } } },
  },
  {
    "pads with the zero point",
    attrs = { pads = { 1, 1, 1, 1 } },
    inputs = {
      u8 { { { { 10, 20 }, { 30, 40 } } } }, 0.5, u8(8), u8 { { { { 1, 1 }, { 1, 1 } } } }, 1,
      u8(0), 2, u8(5),
    },
    outputs = { u8 { { { { 5, 9, 8 }, { 11, 22, 16 }, { 11, 19, 13 } } } } },
  },
  {
    "computes i8",
    inputs = {
      i8 { { { { -10, 20 }, { 30, -40 } } } }, 0.5, i8(-2), i8 { { { { 3 } } } }, 0.25, i8(0),
      0.5, i8(-3),
    },
    outputs = { i8 { { { { -9, 13 }, { 21, -31 } } } } },
  },
  {
    "is depthwise with a group a channel",
    attrs = { group = 2 },
    inputs = {
      count({ 1, 2, 2, 2 }, "u8", 1), 1, u8(0), i8 { { { { 2 } } }, { { { -3 } } } }, 1, i8(0), 1,
      u8(100),
    },
    outputs = { u8 { shape = { 1, 2, 2, 2 }, 102, 104, 106, 108, 85, 82, 79, 76 } },
  },
  {
    "refuses channels that don't fit",
    inputs = {
      u8 { shape = { 1, 2, 2, 2 }, 1 }, 1, u8(0), u8 { { { { 1 } } } }, 1, u8(0), 1, u8(0),
    },
    error = "channels",
  },
})
