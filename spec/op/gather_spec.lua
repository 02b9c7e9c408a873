-- Slices by index, negative ones from the end.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, i32, u8, count = t.f32, t.f16, t.i64, t.i32, t.u8, t.count

t.cases("Gather", {
  {
    "takes rows",
    inputs = { { { 0, 1 }, { 2, 3 }, { 4, 5 } }, i64 { 2, 0 } },
    outputs = { { { 4, 5 }, { 0, 1 } } },
  },
  {
    "takes columns",
    attrs = { axis = 1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { { 2 }, { 0 } } },
    outputs = { { { { 2 }, { 0 } }, { { 5 }, { 3 } } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 0, 2 } },
    outputs = { { { 0, 2 }, { 3, 5 } } },
  },
  { "counts from the end", inputs = { { 0, 1, 2, 3 }, i64 { -1, -4 } }, outputs = { { 3, 0 } } },
  {
    "drops the axis for a scalar",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64(1) },
    outputs = { { 3, 4, 5 } },
  },
  { "takes i32 indices", inputs = { { 0, 1, 2 }, i32 { 1, 1 } }, outputs = { { 1, 1 } } },
  { "takes u8 data", inputs = { u8 { 5, 6, 7 }, i64 { 2, 1 } }, outputs = { u8 { 7, 6 } } },
  { "takes f16 data", inputs = { f16 { 5, 6, 7 }, i64 { 2, 1 } }, outputs = { f16 { 7, 6 } } },
  { "takes strings", inputs = { { "a", "b" }, i64 { 1, 0 } }, outputs = { { "b", "a" } } },
  {
    "takes no index at all",
    inputs = { { { 0, 1 }, { 2, 3 }, { 4, 5 } }, i64 {} },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "takes whole rows of a matrix",
    inputs = { count { 2, 2, 2 }, i64 { 1, 1, 0 } },
    outputs = { f32 { shape = { 3, 2, 2 }, 4, 5, 6, 7, 4, 5, 6, 7, 0, 1, 2, 3 } },
  },
  { "ran at opset 1", opset = 1, inputs = { { 0, 1, 2 }, i64 { 1 } }, outputs = { { 1 } } },
  { "refuses an index out of range", inputs = { { 0, 1, 2 }, i64 { 3 } }, error = "3" },
  { "refuses an index below the range", inputs = { { 0, 1, 2 }, i64 { -4 } }, error = "%-4" },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 0, 1, 2 }, i64 { 0 } }, error = "got 1",
  },
  { "refuses float indices", inputs = { { 0, 1, 2 }, { 1 } }, error = "f32" },
})
