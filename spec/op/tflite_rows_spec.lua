-- What TensorFlow Lite's kernels do a row at a time. Expected values by hand.
local t = require "support.op_cases" (_ENV)
local i8, u8 = t.i8, t.u8

t.cases("perigee.tflite:RequantizeRows", {
  {
    "rounds each row to 127 steps on both sides of zero",
    attrs = { axes = 1 },
    inputs = { { { 127.0, 0.4, -0.6 }, { -254.0, 0.9, 1.1 }, { 0.0, 0.0, 0.0 } } },
    outputs = { { { 127.0, 0.0, -1.0 }, { -254.0, 0.0, 2.0 }, { 0.0, 0.0, 0.0 } } },
  },
  {
    "or to 255 between the least and the greatest",
    attrs = { axes = 1, asymmetric = 1 },
    inputs = { { { 255.0, 0.4, 100.6 }, { -100.0, 155.0, 0.4 } } },
    outputs = { { { 255.0, 0.0, 101.0 }, { -100.0, 155.0, 0.0 } } },
  },
  {
    "takes all of the leading axes for rows",
    attrs = { axes = 0 },
    inputs = { { { 127.0, 0.4 }, { 0.6, 1.4 } } },
    outputs = { { { 127.0, 0.0 }, { 1.0, 1.0 } } },
  },
  { "refuses more axes than there are", attrs = { axes = 3 }, inputs = { { { 1.0 } } }, error = "axes" },
})

t.cases("perigee.tflite:L2Normalize", {
  {
    "divides by the root of the sum of squares",
    inputs = { i8 { { 3, 4 }, { 0, 5 }, { -6, 8 } } },
    outputs = { i8 { { 77, 102 }, { 0, 127 }, { -77, 102 } } },
  },
  {
    "counts unsigned numbers from 128",
    attrs = { in_zero = 10 },
    inputs = { u8 { { 13, 14 } } },
    outputs = { u8 { { 205, 230 } } },
  },
  { "refuses a zero point outside", attrs = { in_zero = 300 }, inputs = { u8 { { 1 } } }, error = "in_zero" },
})
