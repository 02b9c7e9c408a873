-- Blocks in columns, summed back into an image.
local t = require "support.op_cases" (_ENV)
local f64, f32, i64, count = t.f64, t.f32, t.i64, t.count

t.cases("Col2Im", {
  {
    "puts blocks side by side",
    attrs = { strides = { 2, 2 } },
    inputs = { count({ 1, 4, 2 }, "f32", 1), i64 { 2, 4 }, i64 { 2, 2 } },
    outputs = { { { { { 1, 3, 2, 4 }, { 5, 7, 6, 8 } } } } },
  },
  {
    "sums blocks that overlap",
    inputs = { f32 { shape = { 1, 4, 4 }, 1 }, i64 { 3, 3 }, i64 { 2, 2 } },
    outputs = { { { { { 1, 2, 1 }, { 2, 4, 2 }, { 1, 2, 1 } } } } },
  },
  {
    "takes strides",
    attrs = { strides = { 1, 3 } },
    inputs = { { { { 1, 2 }, { 3, 4 } } }, i64 { 1, 5 }, i64 { 1, 2 } },
    outputs = { { { { { 1, 3, 0, 2, 4 } } } } },
  },
  {
    "takes pads",
    attrs = { pads = { 1, 1, 1, 1 } },
    inputs = { f32 { shape = { 1, 9, 4 }, 1 }, i64 { 2, 2 }, i64 { 3, 3 } },
    outputs = { { { { { 4, 4 }, { 4, 4 } } } } },
  },
  {
    "takes dilations",
    attrs = { dilations = { 1, 2 } },
    inputs = { { { { 1 }, { 2 } } }, i64 { 1, 3 }, i64 { 1, 2 } },
    outputs = { { { { { 1, 0, 2 } } } } },
  },
  {
    "takes channels and batches",
    inputs = { count { 2, 4, 1 }, i64 { 1, 2 }, i64 { 1, 2 } },
    outputs = { count { 2, 2, 1, 2 } },
  },
  {
    "takes one axis",
    inputs = { { { { 1, 2, 3 }, { 4, 5, 6 } } }, i64 { 4 }, i64 { 2 } },
    outputs = { { { { 1, 6, 8, 6 } } } },
  },
  {
    "takes three axes",
    inputs = { { { { 0 }, { 1 } } }, i64 { 1, 1, 2 }, i64 { 1, 1, 2 } },
    outputs = { { { { { { 0, 1 } } } } } },
  },
  {
    "computes f64",
    inputs = { f64 { { { 0 }, { 1 } } }, i64 { 1, 2 }, i64 { 1, 2 } },
    outputs = { f64 { { { { 0, 1 } } } } },
  },
  {
    "refuses columns that don't fit",
    inputs = { { { { 0, 1 }, { 2, 3 }, { 4, 5 } } }, i64 { 2, 4 }, i64 { 2, 2 } },
    error = "multiple of 4",
  },
  {
    "refuses sizes below 1",
    inputs = { count { 1, 4, 2 }, i64 { 2, 0 }, i64 { 2, 2 } }, error = "at least 1",
  },
})
