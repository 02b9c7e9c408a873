-- The sign of the divisor, or with fmod that of the dividend.
local t = require "support.op_cases" (_ENV)
local f64, f16, i64, i32, i8, u8 = t.f64, t.f16, t.i64, t.i32, t.i8, t.u8

t.cases("Mod", {
  {
    "takes the sign of the divisor",
    inputs = { i32 { -4, 7, 5, 4, -7, 8 }, i32 { 2, -3, 8, -2, 3, 5 } },
    outputs = { i32 { 0, -2, 5, 0, 2, 3 } },
  },
  {
    "takes the sign of the dividend with fmod",
    attrs = { fmod = 1 }, inputs = { i64 { -4, 7, 5, 4, -7, 8 }, i64 { 2, -3, 8, -2, 3, 5 } },
    outputs = { i64 { 0, 1, 5, 0, -1, 3 } },
  },
  {
    "computes f32 with fmod",
    attrs = { fmod = 1 }, inputs = { { -4.3, 7.2, 5 }, { 2.1, -3.4, 8 } },
    outputs = { { -0.1000004, 0.3999996, 5 } },
  },
  {
    "computes f64 with fmod",
    attrs = { fmod = 1 }, inputs = { f64 { -4.5, 7.5 }, f64 { 2, -2 } },
    outputs = { f64 { -0.5, 1.5 } },
  },
  {
    "computes f16 with fmod",
    attrs = { fmod = 1 }, inputs = { f16 { -4.5, 7.5 }, f16 { 2, -2 } },
    outputs = { f16 { -0.5, 1.5 } },
  },
  { "computes u8", inputs = { u8 { 200, 7 }, u8 { 7, 10 } }, outputs = { u8 { 4, 7 } } },
  { "computes i8", inputs = { i8 { -128, 100 }, i8 { 7, -7 } }, outputs = { i8 { 5, -5 } } },
  {
    "broadcasts",
    inputs = { i32 { { 7 }, { 9 } }, i32 { 2, 5, 10 } },
    outputs = { i32 { { 1, 2, 7 }, { 1, 4, 9 } } },
  },
  { "ran at opset 10", opset = 10, inputs = { i32 { -7 }, i32 { 3 } }, outputs = { i32 { 2 } } },
  {
    "gives anything but a crash for i64 by zero",
    inputs = { i64 { 1, math.mininteger }, i64 { 0, -1 } },
    check = function(got) assert.equal(2, got[1].count) end,
  },
  {
    "refuses shapes that don't meet",
    attrs = { fmod = 1 }, inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast",
  },
})
