-- Products of quantized matrices.
local t = require "support.op_cases" (_ENV)
local i32, i8, u8 = t.i32, t.i8, t.u8

t.cases("MatMulInteger", {
  {
    "subtracts both zero points",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } }, u8(12), u8(1),
    },
    outputs = { i32 { { -23, -68 }, { -26, -80 } } },
  },
  {
    "needs no zero points",
    inputs = { u8 { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } } },
    outputs = { i32 { { 34, 97 }, { 28, 82 } } },
  },
  {
    "takes a zero point for each row",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } }, u8 { 12, 2 },
    },
    outputs = { i32 { { -38, -83 }, { 16, 52 } } },
  },
  {
    "takes a zero point for each column",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } }, u8(12), u8 { 1, 2 },
    },
    outputs = { i32 { { -23, -53 }, { -26, -62 } } },
  },
  {
    "takes u8 by i8",
    inputs = { u8 { { 11, 7, 3 }, { 10, 6, 2 } }, i8 { { 1, -4 }, { 2, 5 }, { -3, 6 } }, u8(12) },
    outputs = { i32 { { 16, -75 }, { 16, -82 } } },
  },
  {
    "takes i8 by i8",
    inputs = { i8 { { -128, 127 } }, i8 { { -128 }, { 127 } } },
    outputs = { i32 { { 32513 } } },
  },
  {
    "takes batches",
    inputs = {
      u8 { shape = { 2, 2, 3 }, 11, 7, 3, 10, 6, 2, 12, 8, 4, 11, 7, 3 },
      u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } },
    },
    outputs = { i32 { { { 34, 97 }, { 28, 82 } }, { { 40, 112 }, { 34, 97 } } } },
  },
  {
    "holds sums of 255 * 255",
    inputs = { u8 { shape = { 1, 20 }, 255 }, u8 { shape = { 20, 1 }, 255 } },
    outputs = { i32 { { 1300500 } } },
  },
  {
    "refuses what doesn't fit",
    inputs = { u8 { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 11, 7, 3 }, { 10, 6, 2 } } },
    error = "can't be multiplied",
  },
  {
    "refuses floats",
    inputs = { { { 11, 7, 3 }, { 10, 6, 2 } }, u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } } },
    error = "f32",
  },
})

t.cases("QLinearMatMul", {
  {
    "requantizes u8",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, 0.5, u8(5), u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } }, 0.25,
      u8(2), 0.5, u8(100),
    },
    outputs = { u8 { { 98, 102 }, { 98, 100 } } },
  },
  {
    "requantizes i8",
    inputs = { i8 { { -10, 20 } }, 0.5, i8(3), i8 { { 5 }, { -6 } }, 0.25, i8(0), 0.5, i8(-7) },
    outputs = { i8 { { -49 } } },
  },
  {
    "saturates",
    inputs = { u8 { { 255, 255 } }, 1, u8(0), u8 { { 255 }, { 255 } }, 1, u8(0), 1, u8(0) },
    outputs = { u8 { { 255 } } },
  },
  {
    "takes a scale for each column",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, 0.5, u8(5), u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } },
      { 0.25, 0.5 }, u8 { 2, 3 }, 0.5, u8(100),
    },
    outputs = { u8 { { 98, 102 }, { 98, 99 } } },
  },
  {
    "ran at opset 10",
    opset = 10,
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, 0.5, u8(5), u8 { { 1, 4 }, { 2, 5 }, { 3, 6 } }, 0.25,
      u8(2), 0.5, u8(100),
    },
    outputs = { u8 { { 98, 102 }, { 98, 100 } } },
  },
  {
    "refuses what doesn't fit",
    inputs = {
      u8 { { 11, 7, 3 }, { 10, 6, 2 } }, 1, u8(0), u8 { { 11, 7, 3 }, { 10, 6, 2 } }, 1, u8(0), 1,
      u8(0),
    },
    error = "can't be multiplied",
  },
})
