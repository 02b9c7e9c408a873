-- Axes of size 1, taken away and put in.
local t = require "support.op_cases" (_ENV)
local f32, i64 = t.f32, t.i64

t.cases("Squeeze", {
  { "takes all axes of size 1", inputs = { { { { 0 }, { 1 } } } }, outputs = { { 0, 1 } } },
  {
    "takes the given axes",
    inputs = { { { { 0 }, { 1 } } }, i64 { 0 } },
    outputs = { { { 0 }, { 1 } } },
  },
  {
    "takes negative axes",
    inputs = { { { { 0 }, { 1 } } }, i64 { -1 } },
    outputs = { { { 0, 1 } } },
  },
  {
    "takes them in any order",
    inputs = { { { { 0 }, { 1 } } }, i64 { 2, 0 } },
    outputs = { { 0, 1 } },
  },
  { "moves strings", inputs = { { { "a" } } }, outputs = { "a" } },
  { "takes an empty tensor", inputs = { f32 { shape = { 1, 0 } } }, outputs = { {} } },
  {
    "took axes as an attribute before opset 13",
    opset = 11, attrs = { axes = { 2 } }, inputs = { { { { 0 }, { 1 } } } },
    outputs = { { { 0, 1 } } },
  },
  {
    "refuses an axis of another size",
    inputs = { { { 0 }, { 1 } }, i64 { 0 } }, error = "axis 0 has 2 elements, not 1",
  },
  { "refuses an axis out of range", inputs = { { { 0, 1 } }, i64 { 2 } }, error = "got 2" },
})

t.cases("Unsqueeze", {
  {
    "puts an axis in",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 1 } },
    outputs = { { { { 0, 1, 2 } }, { { 3, 4, 5 } } } },
  },
  {
    "puts several in, by their place in the result",
    inputs = { { 0, 1 }, i64 { 0, 2 } },
    outputs = { { { { 0 }, { 1 } } } },
  },
  { "takes negative axes", inputs = { { 0, 1 }, i64 { -1 } }, outputs = { { { 0 }, { 1 } } } },
  {
    "takes them in any order",
    inputs = { { 0, 1 }, i64 { 2, 0 } },
    outputs = { { { { 0 }, { 1 } } } },
  },
  { "takes a scalar", inputs = { 5, i64 { 0 } }, outputs = { { 5 } } },
  { "moves booleans", inputs = { { true }, i64 { 0 } }, outputs = { { { true } } } },
  {
    "took axes as an attribute before opset 13",
    opset = 11, attrs = { axes = { 0 } }, inputs = { { 0, 1 } },
    outputs = { { { 0, 1 } } },
  },
  { "refuses an axis twice", inputs = { { 0, 1 }, i64 { 1, -2 } }, error = "axis 1" },
  { "refuses an axis out of range", inputs = { { 0, 1 }, i64 { 2 } }, error = "got 2" },
})
