-- The same value, whatever its type.
local t = require "support.op_cases" (_ENV)
local f32, i64, u4, seq, nan = t.f32, t.i64, t.u4, t.seq, t.nan

t.cases("Identity", {
  { "copies f32", inputs = { { 1, nan } }, outputs = { { 1, nan } } },
  { "copies strings", inputs = { { "a", "b" } }, outputs = { { "a", "b" } } },
  { "copies u4", inputs = { u4 { 1, 15 } }, outputs = { u4 { 1, 15 } } },
  {
    "copies i64",
    inputs = { i64 { { 1152921504606846976 } } },
    outputs = { i64 { { 1152921504606846976 } } },
  },
  { "copies a scalar", inputs = { true }, outputs = { true } },
  {
    "copies an empty tensor",
    inputs = { f32 { shape = { 3, 0 } } },
    outputs = { f32 { shape = { 3, 0 } } },
  },
  {
    "copies a sequence since opset 14",
    inputs = { seq({ 1 }, { 2, 3 }) },
    outputs = { seq({ 1 }, { 2, 3 }) },
  },
  { "ran at opset 1", opset = 1, inputs = { { 1 } }, outputs = { { 1 } } },
})
