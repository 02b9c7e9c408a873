-- An index for each element of the result, along one axis.
local t = require "support.op_cases" (_ENV)
local f32, i64, i32, u8, count = t.f32, t.i64, t.i32, t.u8, t.count

t.cases("GatherElements", {
  {
    "takes along axis 0",
    inputs = { count({ 3, 3 }, "f32", 1), i64 { { 1, 2, 0 }, { 2, 0, 0 } } },
    outputs = { { { 4, 8, 3 }, { 7, 2, 3 } } },
  },
  {
    "takes along axis 1",
    attrs = { axis = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 { { 0, 0 }, { 1, 0 } } },
    outputs = { { { 1, 1 }, { 4, 3 } } },
  },
  {
    "takes a negative axis, counts from the end",
    attrs = { axis = -1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { { -1 }, { -3 } } },
    outputs = { { { 2 }, { 3 } } },
  },
  { "takes i32 indices", inputs = { i64 { 5, 6 }, i32 { 1, 0 } }, outputs = { i64 { 6, 5 } } },
  { "takes u8 data", inputs = { u8 { 5, 6 }, i64 { 1, 1, 0 } }, outputs = { u8 { 6, 6, 5 } } },
  { "takes strings", inputs = { { "a", "b" }, i64 { 1 } }, outputs = { { "b" } } },
  {
    "takes no index at all",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "ran at opset 11", opset = 11, inputs = { { 0, 1, 2 }, i64 { 2 } }, outputs = { { 2 } } },
  { "refuses an index out of range", inputs = { { 0, 1 }, i64 { 2 } }, error = "2" },
  { "refuses another rank", inputs = { { { 0, 1 }, { 2, 3 } }, i64 { 0 } }, error = "rank 2" },
  {
    "refuses indices that are larger aside the axis",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { { 0, 0, 0 } } }, error = "axis 1",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 0, 1 }, i64 { 0 } }, error = "got 1",
  },
})
