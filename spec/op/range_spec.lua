-- From start by delta up to limit, which is left out.
local t = require "support.op_cases" (_ENV)
local f64, f16, i64, i32, i16, nan = t.f64, t.f16, t.i64, t.i32, t.i16, t.nan

t.cases("Range", {
  { "counts in f32", inputs = { 1, 5, 1.5 }, outputs = { { 1, 2.5, 4 } } },
  { "counts in i64", inputs = { i64(3), i64(9), i64(2) }, outputs = { i64 { 3, 5, 7 } } },
  { "counts down", inputs = { i32(5), i32(0), i32(-2) }, outputs = { i32 { 5, 3, 1 } } },
  {
    "counts in f64",
    inputs = { f64(0), f64(1), f64(0.25) },
    outputs = { f64 { 0, 0.25, 0.5, 0.75 } },
  },
  { "counts in i16", inputs = { i16(1), i16(4), i16(1) }, outputs = { i16 { 1, 2, 3 } } },
  { "gives nothing", inputs = { i64(5), i64(5), i64(1) }, outputs = { i64 {} } },
  { "gives nothing the wrong way", inputs = { 1, 5, -1 }, outputs = { {} } },
  {
    "counts in f16 since opset 27",
    inputs = { f16(0), f16(3), f16(1) },
    outputs = { f16 { 0, 1, 2 } },
  },
  {
    "ran at opset 11",
    opset = 11, inputs = { i64(0), i64(3), i64(1) },
    outputs = { i64 { 0, 1, 2 } },
  },
  { "refuses delta 0", inputs = { i64(0), i64(3), i64(0) }, error = "doesn't end" },
  { "refuses NaN", inputs = { 0, nan, 1 }, error = "doesn't end" },
  { "refuses mixed types", inputs = { 0, i64(3), 1 }, error = "i64" },
})
