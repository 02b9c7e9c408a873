-- Parts along an axis: even ones by count, or lengths.
local t = require "support.op_cases" (_ENV)
local i64, count = t.i64, t.count

t.cases("Split", {
  {
    "cuts evenly",
    attrs = { num_outputs = 3 }, inputs = { { 0, 1, 2, 3, 4, 5 } },
    outputs = { { 0, 1 }, { 2, 3 }, { 4, 5 } },
  },
  {
    "gives the last part the rest",
    attrs = { num_outputs = 3 }, inputs = { { 0, 1, 2, 3, 4, 5, 6 } },
    outputs = { { 0, 1, 2 }, { 3, 4, 5 }, { 6 } },
  },
  {
    "takes lengths",
    inputs = { { 0, 1, 2, 3, 4, 5 }, i64 { 1, 2, 3 } },
    outputs = { { 0 }, { 1, 2 }, { 3, 4, 5 } },
  },
  {
    "takes an axis",
    attrs = { axis = 1 }, inputs = { count { 2, 4 }, i64 { 3, 1 } },
    outputs = { { { 0, 1, 2 }, { 4, 5, 6 } }, { { 3 }, { 7 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1, num_outputs = 2 }, inputs = { count { 2, 4 } },
    outputs = { { { 0, 1 }, { 4, 5 } }, { { 2, 3 }, { 6, 7 } } },
  },
  { "takes a length of 0", inputs = { { 0, 1 }, i64 { 0, 2 } }, outputs = { {}, { 0, 1 } } },
  {
    "cuts i64",
    attrs = { num_outputs = 2 }, inputs = { i64 { 1, 2 } },
    outputs = { i64 { 1 }, i64 { 2 } },
  },
  {
    "cuts strings",
    attrs = { num_outputs = 2 }, inputs = { { "a", "b" } },
    outputs = { { "a" }, { "b" } },
  },
  {
    "counts the outputs before opset 18",
    opset = 13, inputs = { { 0, 1, 2, 3 } },
    outputs = { { 0, 1 }, { 2, 3 } },
  },
  {
    "took lengths as an attribute before opset 13",
    opset = 11, attrs = { split = { 1, 3 } }, inputs = { { 0, 1, 2, 3 } },
    outputs = { { 0 }, { 1, 2, 3 } },
  },
  {
    "refuses lengths that don't add up",
    inputs = { { 0, 1, 2, 3 }, i64 { 1, 2 } }, n_outputs = 2, error = "add up to 4",
  },
  {
    "refuses another num_outputs",
    attrs = { num_outputs = 3 }, inputs = { { 0, 1, 2, 3 } }, n_outputs = 2,
    error = "num_outputs",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 1, num_outputs = 2 }, inputs = { { 0, 1, 2, 3 } }, n_outputs = 2,
    error = "got 1",
  },
})
