-- Broadcasting to a shape, which may also have ones where the input has more.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, i32 = t.f32, t.f16, t.i64, t.i32

t.cases("Expand", {
  {
    "repeats axes of size 1",
    inputs = { { { 1 }, { 2 } }, i64 { 2, 3 } },
    outputs = { { { 1, 1, 1 }, { 2, 2, 2 } } },
  },
  {
    "adds axes in front",
    inputs = { { 1, 2 }, i64 { 2, 2 } },
    outputs = { { { 1, 2 }, { 1, 2 } } },
  },
  {
    "keeps what is larger than the shape",
    inputs = { { { 1 }, { 2 }, { 3 } }, i64 { 1, 2 } },
    outputs = { { { 1, 1 }, { 2, 2 }, { 3, 3 } } },
  },
  {
    "expands a scalar",
    inputs = { i32(5), i64 { 2, 2 } },
    outputs = { i32 { { 5, 5 }, { 5, 5 } } },
  },
  { "keeps a tensor for an empty shape", inputs = { { 1, 2 }, i64 {} }, outputs = { { 1, 2 } } },
  { "expands booleans", inputs = { { true }, i64 { 3 } }, outputs = { { true, true, true } } },
  { "expands strings", inputs = { { "a" }, i64 { 2 } }, outputs = { { "a", "a" } } },
  {
    "expands f16",
    inputs = { f16 { { 1 }, { 2 } }, i64 { 2 } },
    outputs = { f16 { { 1, 1 }, { 2, 2 } } },
  },
  {
    "expands to nothing",
    inputs = { { { 1 } }, i64 { 0, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "ran at opset 8", opset = 8, inputs = { { 1 }, i64 { 2 } }, outputs = { { 1, 1 } } },
  { "refuses what doesn't broadcast", inputs = { { 1, 2 }, i64 { 3 } }, error = "broadcast" },
  { "refuses negative sizes", inputs = { { 1 }, i64 { -1 } }, error = "shape%[0%]" },
})
