-- Positions of what is not zero, a column each.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, u8, nan = t.f32, t.f16, t.i64, t.u8, t.nan

t.cases("NonZero", {
  {
    "finds numbers",
    inputs = { { { 1, 0 }, { 3, 4 } } },
    outputs = { i64 { { 0, 1, 1 }, { 0, 0, 1 } } },
  },
  {
    "finds booleans",
    inputs = { { { true, false }, { false, true } } },
    outputs = { i64 { { 0, 1 }, { 0, 1 } } },
  },
  { "finds i64", inputs = { i64 { 0, 5, -1 } }, outputs = { i64 { { 1, 2 } } } },
  { "finds f16 and NaN", inputs = { f16 { 0, nan, -0.0, 1 } }, outputs = { i64 { { 1, 3 } } } },
  {
    "finds in three axes",
    inputs = { u8 { { { 0, 1 } }, { { 2, 0 } } } },
    outputs = { i64 { { 0, 1 }, { 0, 0 }, { 1, 0 } } },
  },
  { "finds nothing", inputs = { { 0, 0 } }, outputs = { i64 { shape = { 1, 0 } } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { i64 { shape = { 2, 0 } } },
  },
  { "takes a scalar", inputs = { 5 }, outputs = { i64 { shape = { 0, 1 } } } },
  { "ran at opset 9", opset = 9, inputs = { { 0, 1 } }, outputs = { i64 { { 1 } } } },
})
