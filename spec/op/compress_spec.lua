-- Slices where a condition is true.
local t = require "support.op_cases" (_ENV)
local u8 = t.u8

t.cases("Compress", {
  {
    "takes rows",
    attrs = { axis = 0 }, inputs = { { { 0, 1 }, { 2, 3 }, { 4, 5 } }, { false, true, true } },
    outputs = { { { 2, 3 }, { 4, 5 } } },
  },
  {
    "takes columns",
    attrs = { axis = 1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { true, false, true } },
    outputs = { { { 0, 2 }, { 3, 5 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { false, true } },
    outputs = { { { 1 }, { 4 } } },
  },
  {
    "takes elements without an axis",
    inputs = { { { 0, 1 }, { 2, 3 }, { 4, 5 } }, { false, true, false, false, true } },
    outputs = { { 1, 4 } },
  },
  {
    "takes nothing",
    attrs = { axis = 0 }, inputs = { { 0, 1, 2 }, { false, false, false } },
    outputs = { {} },
  },
  {
    "takes strings",
    attrs = { axis = 0 }, inputs = { { "a", "b" }, { false, true } },
    outputs = { { "b" } },
  },
  {
    "takes u8",
    attrs = { axis = 0 }, inputs = { u8 { 1, 2, 3 }, { true, false, true } },
    outputs = { u8 { 1, 3 } },
  },
  {
    "ran at opset 9",
    opset = 9, attrs = { axis = 0 }, inputs = { { 0, 1, 2 }, { true } },
    outputs = { { 0 } },
  },
  {
    "refuses a condition that is no bool",
    attrs = { axis = 0 }, inputs = { { 0, 1, 2 }, { 1 } }, error = "bool",
  },
  {
    "refuses true past the end",
    attrs = { axis = 0 }, inputs = { { 0, 1 }, { false, false, true } }, error = "longer",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 0, 1 }, { true } }, error = "got 1",
  },
})
