-- Keys to values, with a default for what is unknown.
local t = require "support.op_cases" (_ENV)
local i64, i16, string, with, nan = t.i64, t.i16, t.string, t.with, t.nan

local cats = { cats_strings = { "a", "b" }, cats_int64s = { 5, 6 } }

t.cases("ai.onnx.ml:LabelEncoder", {
  {
    "maps strings to integers",
    attrs = { keys_strings = { "a", "b" }, values_int64s = { 5, 6 }, default_int64 = 9 },
    inputs = { { "a", "b", "z" } },
    outputs = { i64 { 5, 6, 9 } },
  },
  {
    "maps integers to strings",
    attrs = { keys_int64s = { 1, 2 }, values_strings = { "one", "two" } },
    inputs = { i64 { { 1 }, { 3 } } },
    outputs = { { { "one" }, { "_Unused" } } },
  },
  {
    "maps floats to floats, NaN as well",
    attrs = { keys_floats = { 1.5, nan }, values_floats = { 10.0, 20.0 }, default_float = -1.0 },
    inputs = { { 1.5, nan, 0 } },
    outputs = { { 10, 20, -1 } },
  },
  {
    "maps integers to floats",
    attrs = { keys_int64s = { 7 }, values_floats = { 0.5 } }, inputs = { i64 { 7 } },
    outputs = { { 0.5 } },
  },
  {
    "maps strings to strings",
    attrs = { keys_strings = { "b" }, values_strings = { "B" }, default_string = "?" },
    inputs = { { "b", "c" } },
    outputs = { { "B", "?" } },
  },
  {
    "takes tensors since version 4",
    attrs = {
      keys_tensor = string { "a", "b" }, values_tensor = i16 { 1, 2 },
      default_tensor = i16 { 42 },
    },
    inputs = { { "a", "c" } },
    outputs = { i16 { 1, 42 } },
  },
  {
    "took classes in order at version 1",
    opset = 1, attrs = { classes_strings = { "a", "b" }, default_int64 = -7 },
    inputs = { { "b", "z" } },
    outputs = { i64 { 1, -7 } },
  },
  {
    "took positions to strings at version 1",
    opset = 1, attrs = { classes_strings = { "a", "b" }, default_string = "?" },
    inputs = { i64 { 0, 5 } },
    outputs = { { "a", "?" } },
  },
  {
    "refuses other counts of values",
    attrs = { keys_strings = { "a", "b" }, values_int64s = { 5 } }, inputs = { { "a" } },
    error = "as many values as keys",
  },
  {
    "refuses keys of another type",
    attrs = { keys_strings = { "a" }, values_int64s = { 5 } }, inputs = { i64 { 1 } },
    error = "expected string",
  },
})

t.cases("ai.onnx.ml:CategoryMapper", {
  {
    "maps strings to integers",
    attrs = with(cats, { default_int64 = -3 }), inputs = { { "b", "z" } },
    outputs = { i64 { 6, -3 } },
  },
  {
    "maps integers to strings",
    attrs = with(cats, { default_string = "?" }), inputs = { i64 { 5, 7 } },
    outputs = { { "a", "?" } },
  },
  {
    "refuses other counts",
    attrs = { cats_strings = { "a", "b" }, cats_int64s = { 5 } }, inputs = { { "a" } },
    error = "as many of each",
  },
})
