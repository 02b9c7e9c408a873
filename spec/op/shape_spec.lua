-- What is known of a tensor without looking at its elements.
local t = require "support.op_cases" (_ENV)
local i64, string, count = t.i64, t.string, t.count

t.cases("Shape", {
  { "gives i64", inputs = { count { 2, 3, 4 } }, outputs = { i64 { 2, 3, 4 } } },
  { "gives nothing for a scalar", inputs = { 5 }, outputs = { i64 {} } },
  {
    "takes start",
    attrs = { start = 1 }, inputs = { count { 2, 3, 4 } },
    outputs = { i64 { 3, 4 } },
  },
  {
    "takes negative start",
    attrs = { start = -1 }, inputs = { count { 2, 3, 4 } },
    outputs = { i64 { 4 } },
  },
  {
    "takes end",
    attrs = { ["end"] = -1 }, inputs = { count { 2, 3, 4 } },
    outputs = { i64 { 2, 3 } },
  },
  {
    "takes both",
    attrs = { start = 1, ["end"] = 2 }, inputs = { count { 2, 3, 4 } },
    outputs = { i64 { 3 } },
  },
  {
    "limits them to the rank",
    attrs = { start = -9, ["end"] = 9 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { i64 { 2, 3 } },
  },
  {
    "gives nothing when start is past end",
    attrs = { start = 2, ["end"] = 1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { i64 {} },
  },
  {
    "takes strings and empty tensors",
    inputs = { string { shape = { 0, 2 } } },
    outputs = { i64 { 0, 2 } },
  },
  {
    "ran at opset 1",
    opset = 1, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { i64 { 2, 3 } },
  },
})

t.cases("Size", {
  { "counts", inputs = { count { 2, 3, 4 } }, outputs = { i64(24) } },
  { "counts one scalar", inputs = { 5 }, outputs = { i64(1) } },
  { "counts nothing", inputs = { i64 { shape = { 3, 0 } } }, outputs = { i64(0) } },
  { "counts strings", inputs = { { "a", "b" } }, outputs = { i64(2) } },
})
