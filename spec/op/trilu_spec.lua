-- Triangles of matrices, and ones on diagonals.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, i32, count = t.f32, t.f16, t.i64, t.i32, t.count

t.cases("Trilu", {
  {
    "keeps the upper triangle",
    inputs = { count({ 3, 4 }, "f32", 1) },
    outputs = { { { 1, 2, 3, 4 }, { 0, 6, 7, 8 }, { 0, 0, 11, 12 } } },
  },
  {
    "keeps the lower triangle",
    attrs = { upper = 0 }, inputs = { count({ 3, 4 }, "f32", 1) },
    outputs = { { { 1, 0, 0, 0 }, { 5, 6, 0, 0 }, { 9, 10, 11, 0 } } },
  },
  {
    "takes a diagonal above",
    inputs = { count({ 3, 4 }, "f32", 1), i64(1) },
    outputs = { { { 0, 2, 3, 4 }, { 0, 0, 7, 8 }, { 0, 0, 0, 12 } } },
  },
  {
    "takes a diagonal below",
    attrs = { upper = 0 }, inputs = { count({ 3, 4 }, "f32", 1), i64(-1) },
    outputs = { { { 0, 0, 0, 0 }, { 5, 0, 0, 0 }, { 9, 10, 0, 0 } } },
  },
  {
    "takes a diagonal out of range",
    inputs = { count({ 3, 4 }, "f32", 1), i64(9) },
    outputs = { f32 { shape = { 3, 4 }, 0 } },
  },
  {
    "takes one below out of range",
    inputs = { count({ 3, 4 }, "f32", 1), i64(-9) },
    outputs = { count({ 3, 4 }, "f32", 1) },
  },
  {
    "takes batches of i64",
    inputs = { count({ 2, 2, 2 }, "i64", 1) },
    outputs = { i64 { { { 1, 2 }, { 0, 4 } }, { { 5, 6 }, { 0, 8 } } } },
  },
  {
    "takes booleans",
    attrs = { upper = 0 }, inputs = { { { true, true }, { true, true } } },
    outputs = { { { true, false }, { true, true } } },
  },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  { "refuses a vector", inputs = { { 1, 2 } }, error = "rank" },
})

t.cases("EyeLike", {
  {
    "puts ones on the diagonal",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 1, 0, 0 }, { 0, 1, 0 } } },
  },
  {
    "takes another diagonal",
    attrs = { k = 1 }, inputs = { count { 3, 3 } },
    outputs = { { { 0, 1, 0 }, { 0, 0, 1 }, { 0, 0, 0 } } },
  },
  {
    "takes one below",
    attrs = { k = -1 }, inputs = { i32 { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { i32 { { 0, 0 }, { 1, 0 }, { 0, 1 } } },
  },
  {
    "takes a type",
    attrs = { dtype = 7 }, inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { i64 { { 1, 0 }, { 0, 1 } } },
  },
  {
    "takes f16",
    attrs = { dtype = 10 }, inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { f16 { { 1, 0 }, { 0, 1 } } },
  },
  {
    "ran at opset 9",
    opset = 9, inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { { { 1, 0 }, { 0, 1 } } },
  },
  { "refuses a vector", inputs = { { 1, 2 } }, error = "rank" },
})
