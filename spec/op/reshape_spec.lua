-- Views: the elements stay in row-major order.
local t = require "support.op_cases" (_ENV)
local f32, i64, u8, count = t.f32, t.i64, t.u8, t.count

t.cases("Reshape", {
  { "takes a shape", inputs = { count { 2, 6 }, i64 { 3, 4 } }, outputs = { count { 3, 4 } } },
  {
    "fills in -1",
    inputs = { count { 2, 6 }, i64 { 2, -1, 2 } },
    outputs = { count { 2, 3, 2 } },
  },
  {
    "copies an axis for 0",
    inputs = { count { 2, 6 }, i64 { 0, 2, 3 } },
    outputs = { count { 2, 2, 3 } },
  },
  {
    "takes 0 as a size with allowzero",
    attrs = { allowzero = 1 }, inputs = { f32 { shape = { 2, 0 } }, i64 { 0, 5 } },
    outputs = { f32 { shape = { 0, 5 } } },
  },
  { "makes a scalar", inputs = { { 7 }, i64 {} }, outputs = { 7 } },
  {
    "moves strings",
    inputs = { { "a", "b" }, i64 { 2, 1 } },
    outputs = { { { "a" }, { "b" } } },
  },
  {
    "moves u8",
    inputs = { u8 { { 1, 2 }, { 3, 4 } }, i64 { 4 } },
    outputs = { u8 { 1, 2, 3, 4 } },
  },
  {
    "keeps an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, i64 { 0, 3 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "took shape as an attribute before opset 5",
    opset = 1, attrs = { shape = { 4, -1 } }, inputs = { count { 2, 6 } },
    outputs = { count { 4, 3 } },
  },
  {
    "refuses another count",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 4 } }, error = "doesn't go into",
  },
  {
    "refuses two -1",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { -1, -1 } }, error = "shape%[1%]",
  },
  {
    "refuses 0 for an axis that is not there",
    inputs = { { 0, 1 }, i64 { 2, 1, 0 } }, error = "shape%[2%]",
  },
  { "refuses sizes below -1", inputs = { { 0, 1 }, i64 { -2 } }, error = "shape%[0%]" },
})

t.cases("Flatten", {
  { "makes a matrix at axis 1", inputs = { count { 2, 3, 2 } }, outputs = { count { 2, 6 } } },
  {
    "takes axis 0",
    attrs = { axis = 0 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0, 1, 2, 3, 4, 5 } } },
  },
  {
    "takes the rank as axis",
    attrs = { axis = 2 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0 }, { 1 }, { 2 }, { 3 }, { 4 }, { 5 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { count { 2, 3, 2 } },
    outputs = { count { 6, 2 } },
  },
  { "takes i64", inputs = { i64 { { { 1 } }, { { 2 } } } }, outputs = { i64 { { 1 }, { 2 } } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3, 2 } } },
    outputs = { f32 { shape = { 0, 6 } } },
  },
  { "makes [1,1] of a scalar", attrs = { axis = 0 }, inputs = { 5 }, outputs = { { { 5 } } } },
  {
    "refuses an axis out of range",
    attrs = { axis = 3 }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "axis: expected %-2 to 2, got 3",
  },
})
