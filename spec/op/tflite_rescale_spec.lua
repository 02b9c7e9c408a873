-- TensorFlow Lite's fixed-point arithmetic. Expected values by hand from gemmlowp's definitions: a
-- multiplier of 2^30 and a shift of s stand for 2^(s - 1).
local t = require "support.op_cases" (_ENV)
local i8, u8, i32, i64 = t.i8, t.u8, t.i32, t.i64

local I8, U8, I32 = 3, 2, 6
local half = 1 << 30

t.cases("perigee.tflite:Rescale", {
  {
    "rounds the product half up",
    attrs = { low = -100, high = 100, to = I32 },
    inputs = { i32 { 3, -3, 5, -5 }, i32 { half }, i32 { 0 } },
    outputs = { i32 { 2, -1, 3, -2 } },
  },
  {
    "then the quotient half away from zero",
    attrs = { low = -100, high = 100, to = I32 },
    inputs = { i32 { 3, -3, 5, -5, 2, -2 }, i32 { half }, i32 { -1 } },
    outputs = { i32 { 1, -1, 2, -1, 1, -1 } },
  },
  {
    "rounds once, half up, when told",
    attrs = { low = -100, high = 100, to = I32, rounding = "single" },
    inputs = { i64 { 3, -3, 2, -2, 5, -5 }, i32 { half }, i32 { -1 } },
    outputs = { i32 { 1, -1, 1, 0, 1, -1 } },
  },
  {
    "takes sums of 64 bits with 15 bits of the multiplier",
    attrs = { low = -2147483648, high = 2147483647, to = I32, rounding = "wide" },
    inputs = { i64 { 3, -3, 1 << 31, -(1 << 31) }, i32 { half + 1 }, i32 { 0 } },
    outputs = { i32 { 2, -1, 1 << 30, -(1 << 30) } },
  },
  {
    "keeps all bits of the multiplier of long sums",
    attrs = { low = -2147483648, high = 2147483647, to = I32, rounding = "single" },
    inputs = { i64 { 1 << 40, -(1 << 40), (1 << 40) + (1 << 10) }, i32 { half }, i32 { -10 } },
    outputs = { i32 { 1 << 29, -(1 << 29), (1 << 29) + 1 } },
  },
  {
    "adds zero points and a bias, and clamps",
    attrs = { axis = 0, in_zero = 1, zero = 10, low = 0, high = 20, to = U8 },
    inputs = { i32 { { 5, 1 }, { 50, -50 } }, i32 { half, half }, i32 { 1, 2 }, i64 { 2, -1 } },
    outputs = { u8 { { 16, 12 }, { 20, 0 } } },
  },
  {
    "counts channels along an axis inside",
    attrs = { axis = 1, low = -128, high = 127, to = I8 },
    inputs = { i32 { { { 2, 4 }, { 6, 8 } } }, i32 { half, half }, i32 { 0, 1 } },
    outputs = { i8 { { { 1, 2 }, { 6, 8 } } } },
  },
  {
    "shifts 8-bit numbers to the left first",
    attrs = { in_zero = -1, left = 20, low = -2147483648, high = 2147483647, to = I32 },
    inputs = { i8 { 0, -2 }, i32 { half }, i32 { 0 } },
    outputs = { i32 { 1 << 19, -(1 << 19) } },
  },
  {
    "refuses a multiplier for each of other than the channels",
    attrs = { axis = 0, low = 0, high = 1, to = I8 },
    inputs = { i32 { 1, 2, 3 }, i32 { half, half }, i32 { 0, 0 } },
    error = "multiplier",
  },
  {
    "refuses shifts beyond the word",
    attrs = { low = 0, high = 1, to = I8 },
    inputs = { i32 { 1 }, i32 { half }, i32 { 40 } },
    error = "out of range",
  },
})

local table_of_2 = {} -- 2^-i, exact in f32
for i = 0, 255 do table_of_2[i + 1] = i < 100 and 2.0 ^ -i or 0.0 end

t.cases("perigee.tflite:Softmax", {
  {
    "takes exponentials from a table by the distance to the greatest",
    attrs = { scale = 1 / 256, zero = -128, to = I8 },
    inputs = { i8 { { 5, 4, 4 }, { -128, 127, -128 } }, table_of_2 },
    outputs = { i8 { { 0, -64, -64 }, { -128, 127, -128 } } },
  },
  {
    "gives unsigned numbers",
    attrs = { scale = 1 / 256, zero = 0, to = U8 },
    inputs = { u8 { { 7, 6, 6 } }, table_of_2 },
    outputs = { u8 { { 128, 64, 64 } } },
  },
  {
    "refuses another table",
    attrs = { scale = 1 / 256, zero = 0, to = U8 },
    inputs = { u8 { { 7, 6, 6 } }, { 1.0, 0.5 } },
    error = "256",
  },
})
