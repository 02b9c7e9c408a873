-- A copy of the data with updates at indices, put there or combined.
local t = require "support.op_cases" (_ENV)
local f32, i64, i32, u8 = t.f32, t.i64, t.i32, t.u8

t.cases("ScatterElements", {
  {
    "writes along axis 0",
    inputs = {
      f32 { shape = { 3, 3 }, 0 }, i64 { { 1, 0, 2 }, { 0, 2, 1 } },
      { { 1, 1.5, 2 }, { 3, 3.5, 4 } },
    },
    outputs = { { { 3, 1.5, 0 }, { 1, 0, 4 }, { 0, 3.5, 2 } } },
  },
  {
    "writes along axis 1",
    attrs = { axis = 1 }, inputs = { { { 1, 2, 3, 4, 5 } }, i64 { { 1, 3 } }, { { 1.5, 2.5 } } },
    outputs = { { { 1, 1.5, 3, 2.5, 5 } } },
  },
  {
    "takes negative axis and indices",
    attrs = { axis = -1 }, inputs = { { { 1, 2, 3 } }, i64 { { -1 } }, { { 9 } } },
    outputs = { { { 1, 2, 9 } } },
  },
  {
    "combines by add",
    attrs = { reduction = "add" }, inputs = { { 1, 2, 3 }, i64 { 1, 1, 0 }, { 4, 5, 0.5 } },
    outputs = { { 1.5, 11, 3 } },
  },
  {
    "combines by mul",
    attrs = { reduction = "mul" }, inputs = { { 1, 2, 3 }, i64 { 1, 1, 0 }, { 4, 5, 0.5 } },
    outputs = { { 0.5, 40, 3 } },
  },
  {
    "combines by min",
    attrs = { reduction = "min" }, inputs = { { 1, 2, 3 }, i64 { 1, 1, 0 }, { 4, 5, 0.5 } },
    outputs = { { 0.5, 2, 3 } },
  },
  {
    "combines by max",
    attrs = { reduction = "max" }, inputs = { { 1, 2, 3 }, i64 { 1, 1, 0 }, { 4, 5, 0.5 } },
    outputs = { { 1, 5, 3 } },
  },
  {
    "combines i32",
    attrs = { reduction = "add" }, inputs = { i32 { 1, 2 }, i64 { 0, 0 }, i32 { 5, 6 } },
    outputs = { i32 { 12, 2 } },
  },
  {
    "combines u8",
    attrs = { reduction = "max" }, inputs = { u8 { 1, 200 }, i64 { 1 }, u8 { 100 } },
    outputs = { u8 { 1, 200 } },
  },
  { "writes strings", inputs = { { "a", "b" }, i64 { 1 }, { "c" } }, outputs = { { "a", "c" } } },
  { "writes nothing", inputs = { { 1, 2 }, i64 {}, {} }, outputs = { { 1, 2 } } },
  { "takes i32 indices", inputs = { { 1, 2 }, i32 { 1 }, { 5 } }, outputs = { { 1, 5 } } },
  {
    "ran at opset 11",
    opset = 11, inputs = { { 1, 2 }, i64 { 1 }, { 5 } },
    outputs = { { 1, 5 } },
  },
  { "refuses an index out of range", inputs = { { 1, 2 }, i64 { 2 }, { 5 } }, error = "2" },
  {
    "refuses an unknown reduction",
    attrs = { reduction = "sub" }, inputs = { { 1, 2 }, i64 { 1 }, { 5 } }, error = "got 'sub'",
  },
  {
    "refuses updates of another shape",
    inputs = { { 1, 2 }, i64 { 1 }, { 5, 6 } }, error = "updates",
  },
  {
    "refuses updates of another type",
    inputs = { { 1, 2 }, i64 { 1 }, i64 { 5 } }, error = "updates: expected f32",
  },
  {
    "refuses to add strings",
    attrs = { reduction = "add" }, inputs = { { "a" }, i64 { 0 }, { "b" } }, error = "string",
  },
})

-- The name before opset 11.
t.cases("Scatter", {
  {
    "writes along an axis",
    opset = 9, attrs = { axis = 1 },
    inputs = { { { 1, 2, 3, 4, 5 } }, i64 { { 1, 3 } }, { { 1.5, 2.5 } } },
    outputs = { { { 1, 1.5, 3, 2.5, 5 } } },
  },
})

t.cases("ScatterND", {
  {
    "writes elements by full tuples",
    inputs = { { 1, 2, 3, 4 }, i64 { { 3 }, { 1 } }, { 9, 8 } },
    outputs = { { 1, 8, 3, 9 } },
  },
  {
    "writes rows by short tuples",
    inputs = { f32 { shape = { 3, 3 }, 0 }, i64 { { 2 } }, { { 1, 2, 3 } } },
    outputs = { { { 0, 0, 0 }, { 0, 0, 0 }, { 1, 2, 3 } } },
  },
  {
    "counts from the end",
    inputs = { { 1, 2, 3 }, i64 { { -1 } }, { 9 } },
    outputs = { { 1, 2, 9 } },
  },
  {
    "combines by add",
    attrs = { reduction = "add" },
    inputs = { { 1, 2, 3 }, i64 { { 1 }, { 1 }, { 0 } }, { 4, 5, 0.5 } },
    outputs = { { 1.5, 11, 3 } },
  },
  {
    "combines by mul",
    attrs = { reduction = "mul" },
    inputs = { { 1, 2, 3 }, i64 { { 1 }, { 1 }, { 0 } }, { 4, 5, 0.5 } },
    outputs = { { 0.5, 40, 3 } },
  },
  {
    "combines by min",
    attrs = { reduction = "min" },
    inputs = { { 1, 2, 3 }, i64 { { 1 }, { 1 }, { 0 } }, { 4, 5, 0.5 } },
    outputs = { { 0.5, 2, 3 } },
  },
  {
    "combines by max",
    attrs = { reduction = "max" },
    inputs = { { 1, 2, 3 }, i64 { { 1 }, { 1 }, { 0 } }, { 4, 5, 0.5 } },
    outputs = { { 1, 5, 3 } },
  },
  {
    "writes u8",
    inputs = { u8 { { 1, 2 } }, i64 { { 0, 1 } }, u8 { 7 } },
    outputs = { u8 { { 1, 7 } } },
  },
  {
    "writes strings",
    inputs = { { "a", "b" }, i64 { { 0 } }, { "c" } },
    outputs = { { "c", "b" } },
  },
  {
    "writes nothing",
    inputs = { { 1, 2 }, i64 { shape = { 0, 1 } }, {} },
    outputs = { { 1, 2 } },
  },
  {
    "ran at opset 11",
    opset = 11, inputs = { { 1, 2 }, i64 { { 1 } }, { 5 } },
    outputs = { { 1, 5 } },
  },
  { "refuses an index out of range", inputs = { { 1, 2 }, i64 { { 2 } }, { 5 } }, error = "2" },
  {
    "refuses updates of another shape",
    inputs = { { 1, 2 }, i64 { { 1 } }, { 5, 6 } }, error = "updates",
  },
  {
    "refuses tuples that are too long",
    inputs = { { 1, 2 }, i64 { { 0, 0 } }, { 5 } }, error = "tuples of at most 1",
  },
})
