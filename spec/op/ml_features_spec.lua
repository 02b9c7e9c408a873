-- Columns chosen, joined, spread out.
local t = require "support.op_cases" (_ENV)
local i64, count = t.i64, t.count

t.cases("ai.onnx.ml:ArrayFeatureExtractor", {
  {
    "takes columns",
    inputs = { count { 2, 4 }, i64 { 1, 3 } },
    outputs = { { { 1, 3 }, { 5, 7 } } },
  },
  {
    "takes them in any order, again",
    inputs = { count { 2, 4 }, i64 { { 2, 0, 2 } } },
    outputs = { { { 2, 0, 2 }, { 6, 4, 6 } } },
  },
  { "takes a vector for a row", inputs = { { 5, 6, 7 }, i64 { 2 } }, outputs = { { { 7 } } } },
  { "takes i64", inputs = { i64 { { 5, 6 } }, i64 { 1 } }, outputs = { i64 { { 6 } } } },
  { "takes strings", inputs = { { { "a", "b" } }, i64 { 1 } }, outputs = { { { "b" } } } },
  { "refuses a column that is not there", inputs = { count { 2, 4 }, i64 { 4 } }, error = "4" },
})

t.cases("ai.onnx.ml:FeatureVectorizer", {
  {
    "joins columns",
    attrs = { inputdimensions = { 2, 1 } }, inputs = { { { 1, 2 }, { 3, 4 } }, { { 5 }, { 6 } } },
    outputs = { { { 1, 2, 5 }, { 3, 4, 6 } } },
  },
  {
    "makes f32 of integers",
    attrs = { inputdimensions = { 2 } }, inputs = { i64 { { 1, 2 } } },
    outputs = { { { 1, 2 } } },
  },
  {
    "refuses other counts of rows",
    attrs = { inputdimensions = { 1, 1 } }, inputs = { { { 1 } }, { { 1 }, { 2 } } },
    error = "rows",
  },
})

t.cases("ai.onnx.ml:OneHotEncoder", {
  {
    "spreads integers",
    attrs = { cats_int64s = { 7, 5 } }, inputs = { i64 { 5, 7 } },
    outputs = { { { 0, 1 }, { 1, 0 } } },
  },
  {
    "spreads strings",
    attrs = { cats_strings = { "a", "b" } }, inputs = { { "a", "c" } },
    outputs = { { { 1, 0 }, { 0, 0 } } },
  },
  {
    "spreads floats by integers",
    attrs = { cats_int64s = { 4, 5 } }, inputs = { { 5 } },
    outputs = { { { 0, 1 } } },
  },
  {
    "adds an axis to any rank",
    attrs = { cats_int64s = { 1, 2 } }, inputs = { i64 { { 1 }, { 2 } } },
    outputs = { { { { 1, 0 } }, { { 0, 1 } } } },
  },
  {
    "refuses what is in no category with zeros 0",
    attrs = { cats_int64s = { 1, 2 }, zeros = 0 }, inputs = { i64 { 9 } },
    error = "in no category",
  },
  { "needs categories", inputs = { i64 { 9 } }, error = "cats_int64s" },
})
