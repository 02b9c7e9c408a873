-- Limits are inputs since opset 11, attributes before.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i8, u8, nan = t.f64, t.f32, t.f16, t.i64, t.i8, t.u8, t.nan

t.cases("Clip", {
  { "limits both sides", inputs = { { -2, 0.5, 3 }, -1, 1 }, outputs = { { -1, 0.5, 1 } } },
  { "limits below only", inputs = { { -2, 0.5, 3 }, -1 }, outputs = { { -1, 0.5, 3 } } },
  { "limits above only", inputs = { { -2, 0.5, 3 }, false, 1 }, outputs = { { -2, 0.5, 1 } } },
  { "copies without limits", inputs = { { -2, 0.5, 3 } }, outputs = { { -2, 0.5, 3 } } },
  {
    "lets max win when min is above it",
    inputs = { { 1, 5, 9 }, 6, 4 },
    outputs = { { 4, 4, 4 } },
  },
  {
    "limits i64",
    inputs = { i64 { -5, 0, 1152921504606846976 }, i64(-1), i64(9007199254740993) },
    outputs = { i64 { -1, 0, 9007199254740993 } },
  },
  {
    "limits u8",
    inputs = { u8 { 0, 100, 255 }, u8(10), u8(200) },
    outputs = { u8 { 10, 100, 200 } },
  },
  {
    "limits i8",
    inputs = { i8 { { -128 }, { 127 } }, i8(-10), i8(20) },
    outputs = { i8 { { -10 }, { 20 } } },
  },
  {
    "limits f16",
    inputs = { f16 { -2, 0.5, 3 }, f16(-1), f16(1) },
    outputs = { f16 { -1, 0.5, 1 } },
  },
  {
    "limits f64",
    inputs = { f64 { -2, 0.5, 3 }, f64(-1.5), f64(2.5) },
    outputs = { f64 { -1.5, 0.5, 2.5 } },
  },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, -1, 1 },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  { "keeps NaN", inputs = { { nan, 2 }, -1, 1 }, outputs = { { nan, 1 } } },
  {
    "had its limits as attributes before opset 11",
    opset = 6, attrs = { min = -1.0, max = 1.0 }, inputs = { { -2, 0.5, 3 } },
    outputs = { { -1, 0.5, 1 } },
  },
  {
    "could have one attribute only",
    opset = 6, attrs = { max = 1.0 }, inputs = { { -2, 0.5, 3 } },
    outputs = { { -2, 0.5, 1 } },
  },
  {
    "refuses a vector as a limit",
    inputs = { { 1 }, { 1, 2 } }, error = "input 1: expected one f32, got f32 %[2%]",
  },
  { "refuses a limit of another type", inputs = { { 1 }, i64(0) }, error = "input 1: expected" },
})
