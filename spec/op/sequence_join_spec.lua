-- Sequences to tensors and back.
local t = require "support.op_cases" (_ENV)
local i64, seq = t.i64, t.seq

t.cases("ConcatFromSequence", {
  {
    "joins along an axis",
    attrs = { axis = 0 }, inputs = { seq({ 1, 2 }, { 3 }) },
    outputs = { { 1, 2, 3 } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { seq({ { 1 } }, { { 2 } }) },
    outputs = { { { 1, 2 } } },
  },
  {
    "stacks along a new axis",
    attrs = { axis = 0, new_axis = 1 }, inputs = { seq({ 1, 2 }, { 3, 4 }) },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "stacks along a last axis",
    attrs = { axis = -1, new_axis = 1 }, inputs = { seq(i64 { 1, 2 }, i64 { 3, 4 }) },
    outputs = { i64 { { 1, 3 }, { 2, 4 } } },
  },
  {
    "joins strings",
    attrs = { axis = 0 }, inputs = { seq({ "a" }, { "b" }) },
    outputs = { { "a", "b" } },
  },
  {
    "refuses other sizes",
    attrs = { axis = 0 }, inputs = { seq({ { 1, 2 } }, { { 1 } }) }, error = "element 1",
  },
  {
    "refuses to stack other shapes",
    attrs = { axis = 0, new_axis = 1 }, inputs = { seq({ 1, 2 }, { 1 }) }, error = "element 1",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { seq({ 1 }) }, error = "got 1",
  },
  { "refuses an empty sequence", attrs = { axis = 0 }, inputs = { seq() }, error = "empty" },
})

t.cases("SplitToSequence", {
  {
    "takes single slices",
    inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { seq({ { 0, 1 } }, { { 2, 3 } }) },
  },
  {
    "drops the axis with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { seq({ 0, 1 }, { 2, 3 }) },
  },
  {
    "takes a length, the last part is shorter",
    inputs = { { 0, 1, 2, 3, 4 }, i64(2) },
    outputs = { seq({ 0, 1 }, { 2, 3 }, { 4 }) },
  },
  { "takes lengths", inputs = { { 0, 1, 2 }, i64 { 1, 2 } }, outputs = { seq({ 0 }, { 1, 2 }) } },
  {
    "takes an axis",
    attrs = { axis = 1 }, inputs = { { { 0, 1 }, { 2, 3 } } },
    outputs = { seq({ { 0 }, { 2 } }, { { 1 }, { 3 } }) },
  },
  {
    "takes a negative axis and strings",
    attrs = { axis = -1, keepdims = 0 }, inputs = { { { "a", "b" } } },
    outputs = { seq({ "a" }, { "b" }) },
  },
  {
    "keeps the axis when lengths are given",
    attrs = { keepdims = 0 }, inputs = { { 0, 1 }, i64 { 1, 1 } },
    outputs = { seq({ 0 }, { 1 }) },
  },
  {
    "ran at opset 11",
    opset = 11, inputs = { { 0, 1 }, i64(1) },
    outputs = { seq({ 0 }, { 1 }) },
  },
  {
    "refuses lengths that don't add up",
    inputs = { { 0, 1, 2 }, i64 { 1, 1 } }, error = "add up",
  },
  { "refuses a length of 0", inputs = { { 0, 1, 2 }, i64(0) }, error = "0" },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 0, 1, 2 } }, error = "got 1",
  },
})
