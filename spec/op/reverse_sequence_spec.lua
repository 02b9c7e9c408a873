-- The first elements of each sequence turned around.
local t = require "support.op_cases" (_ENV)
local i64, u8, count = t.i64, t.u8, t.count

t.cases("ReverseSequence", {
  {
    "reverses along time",
    inputs = { count { 4, 2 }, i64 { 3, 2 } },
    outputs = { { { 4, 3 }, { 2, 1 }, { 0, 5 }, { 6, 7 } } },
  },
  {
    "takes batches first",
    attrs = { batch_axis = 0, time_axis = 1 }, inputs = { count { 2, 4 }, i64 { 2, 4 } },
    outputs = { { { 1, 0, 2, 3 }, { 7, 6, 5, 4 } } },
  },
  {
    "keeps with lengths 0 and 1",
    inputs = { count { 4, 2 }, i64 { 0, 1 } },
    outputs = { count { 4, 2 } },
  },
  {
    "carries the rest along",
    inputs = { count { 2, 2, 2 }, i64 { 2, 1 } },
    outputs = { { { { 4, 5 }, { 2, 3 } }, { { 0, 1 }, { 6, 7 } } } },
  },
  {
    "moves strings",
    inputs = { { { "a" }, { "b" } }, i64 { 2 } },
    outputs = { { { "b" }, { "a" } } },
  },
  { "moves u8", inputs = { u8 { { 1 }, { 2 } }, i64 { 2 } }, outputs = { u8 { { 2 }, { 1 } } } },
  {
    "refuses a length out of range",
    inputs = { count { 4, 2 }, i64 { 5, 1 } },
    error = "sequence_lens%[0%]: expected 0 to 4, got 5",
  },
  {
    "refuses another count of lengths",
    inputs = { count { 4, 2 }, i64 { 1 } }, error = "sequence_lens: expected 2",
  },
  {
    "refuses equal axes",
    attrs = { batch_axis = 1, time_axis = 1 }, inputs = { count { 4, 2 }, i64 { 1, 1 } },
    error = "batch_axis",
  },
})
