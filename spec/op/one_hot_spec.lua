-- An axis more, with one element set.
local t = require "support.op_cases" (_ENV)
local f32, i64, i32 = t.f32, t.i64, t.i32

t.cases("OneHot", {
  {
    "adds an axis at the end",
    inputs = { i64 { 1, 0, 2 }, i64(3), { 0, 1 } },
    outputs = { { { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 0 }, inputs = { i64 { 1, 0, 2 }, i64(3), { 0, 1 } },
    outputs = { { { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { i64 { { 1, 0 } }, i64(2), { 0, 1 } },
    outputs = { { { { 0, 1 }, { 1, 0 } } } },
  },
  {
    "takes off and on values",
    inputs = { i64 { 0 }, i64(2), i32 { 7, 9 } },
    outputs = { i32 { { 9, 7 } } },
  },
  {
    "counts from the end",
    inputs = { i64 { -1, -3 }, i64(3), { 0, 1 } },
    outputs = { { { 0, 0, 1 }, { 1, 0, 0 } } },
  },
  {
    "sets nothing out of range",
    inputs = { i64 { 3, -4 }, i64(3), { 0, 1 } },
    outputs = { f32 { shape = { 2, 3 }, 0 } },
  },
  {
    "takes float indices and depth",
    inputs = { { 1, 0 }, 2, { 0, 1 } },
    outputs = { { { 0, 1 }, { 1, 0 } } },
  },
  {
    "takes depth as a list of one",
    inputs = { i64 { 1 }, i64 { 2 }, { 0, 1 } },
    outputs = { { { 0, 1 } } },
  },
  {
    "gives strings",
    inputs = { i64 { 1 }, i64(2), { "off", "on" } },
    outputs = { { { "off", "on" } } },
  },
  { "takes a scalar index", inputs = { i64(1), i64(2), { 0, 1 } }, outputs = { { 0, 1 } } },
  {
    "ran at opset 9",
    opset = 9, inputs = { i64 { 1 }, i64(2), { 0, 1 } },
    outputs = { { { 0, 1 } } },
  },
  {
    "refuses negative depth",
    inputs = { i64 { 1 }, i64(-2), { 0, 1 } }, error = "depth: expected a size, got %-2",
  },
  {
    "refuses three values",
    inputs = { i64 { 1 }, i64(2), { 0, 1, 2 } }, error = "values: expected %[off, on%], got 3",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { i64 { 1 }, i64(2), { 0, 1 } }, error = "got 2",
  },
})
