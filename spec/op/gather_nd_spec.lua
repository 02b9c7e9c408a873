-- Slices by tuples of indices.
local t = require "support.op_cases" (_ENV)
local i64, u8, count = t.i64, t.u8, t.count

t.cases("GatherND", {
  {
    "takes elements by full tuples",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { { 0, 0 }, { 1, 1 } } },
    outputs = { { 0, 3 } },
  },
  {
    "takes rows by short tuples",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { { 1 }, { 0 } } },
    outputs = { { { 2, 3 }, { 0, 1 } } },
  },
  {
    "takes tuples of any rank",
    inputs = { count { 2, 2, 2 }, i64 { { { 0, 1 } }, { { 1, 0 } } } },
    outputs = { { { { 2, 3 } }, { { 4, 5 } } } },
  },
  { "counts from the end", inputs = { { 0, 1, 2 }, i64 { { -1 } } }, outputs = { { 2 } } },
  {
    "takes batches",
    attrs = { batch_dims = 1 }, inputs = { count { 2, 2, 2 }, i64 { { 1 }, { 0 } } },
    outputs = { { { 2, 3 }, { 4, 5 } } },
  },
  { "takes u8 data", inputs = { u8 { { 1, 2 } }, i64 { { 0, 1 } } }, outputs = { u8 { 2 } } },
  { "takes strings", inputs = { { "a", "b" }, i64 { { 1 } } }, outputs = { { "b" } } },
  {
    "takes no tuple at all",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { shape = { 0, 2 } } },
    outputs = { {} },
  },
  {
    "ran at opset 11",
    opset = 11, inputs = { { { 0, 1 }, { 2, 3 } }, i64 { { 1, 0 } } },
    outputs = { { 2 } },
  },
  {
    "refuses an index out of range",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { { 0, 2 } } }, error = "2",
  },
  {
    "refuses tuples that are too long",
    inputs = { { 0, 1 }, i64 { { 0, 0 } } }, error = "tuples of",
  },
  {
    "refuses too many batches",
    attrs = { batch_dims = 1 }, inputs = { { 0, 1 }, i64 { { 0 } } }, error = "batch_dims 1",
  },
})
