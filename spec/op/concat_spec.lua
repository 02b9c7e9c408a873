-- Joining along an axis that exists.
local t = require "support.op_cases" (_ENV)
local f16, i64, u4 = t.f16, t.i64, t.u4

t.cases("Concat", {
  {
    "joins rows",
    attrs = { axis = 0 }, inputs = { { { 1, 2 } }, { { 3, 4 }, { 5, 6 } } },
    outputs = { { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
  },
  {
    "joins columns",
    attrs = { axis = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, { { 5 }, { 6 } } },
    outputs = { { { 1, 2, 5 }, { 3, 4, 6 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { { { { 0, 1 }, { 2, 3 } } }, { { { 10 }, { 11 } } } },
    outputs = { { { { 0, 1, 10 }, { 2, 3, 11 } } } },
  },
  { "takes one input", attrs = { axis = 0 }, inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  {
    "takes three",
    attrs = { axis = 0 }, inputs = { i64 { 1 }, i64 { 2 }, i64 { 3 } },
    outputs = { i64 { 1, 2, 3 } },
  },
  {
    "leaves out what is empty",
    attrs = { axis = 0 }, inputs = { {}, { 1, 2 } },
    outputs = { { 1, 2 } },
  },
  {
    "joins strings",
    attrs = { axis = 0 }, inputs = { { "a" }, { "b" } },
    outputs = { { "a", "b" } },
  },
  {
    "joins booleans",
    attrs = { axis = 1 }, inputs = { { { true } }, { { false } } },
    outputs = { { { true, false } } },
  },
  {
    "joins f16",
    attrs = { axis = 0 }, inputs = { f16 { 1 }, f16 { 2 } },
    outputs = { f16 { 1, 2 } },
  },
  {
    "joins u4 inside of bytes",
    attrs = { axis = 0 }, inputs = { u4 { 1, 2, 3 }, u4 { 4, 5 } },
    outputs = { u4 { 1, 2, 3, 4, 5 } },
  },
  {
    "had axis 1 as default before opset 4",
    opset = 1, inputs = { { { 1 }, { 2 } }, { { 3 }, { 4 } } },
    outputs = { { { 1, 3 }, { 2, 4 } } },
  },
  { "needs an axis", inputs = { { 1 }, { 2 } }, error = "axis" },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 1 }, { 2 } }, error = "got 1",
  },
  {
    "refuses other sizes",
    attrs = { axis = 0 }, inputs = { { { 1, 2 } }, { { 1, 2, 3 } } }, error = "input 1: expected",
  },
  { "refuses other types", attrs = { axis = 0 }, inputs = { { 1 }, i64 { 2 } }, error = "i64" },
})
