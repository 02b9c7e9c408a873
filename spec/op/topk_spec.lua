-- The extremes along an axis and where they are; of equals the first.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, u8 = t.f64, t.f32, t.f16, t.i64, t.u8

t.cases("TopK", {
  {
    "takes the largest",
    inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 2 } },
    outputs = { { { 4, 3 }, { 9, 5 } }, i64 { { 2, 0 }, { 2, 1 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 0 }, inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 1 } },
    outputs = { { { 3, 5, 9 } }, i64 { { 0, 1, 1 } } },
  },
  {
    "takes the smallest",
    attrs = { largest = 0 }, inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 2 } },
    outputs = { { { 1, 3 }, { 1, 5 } }, i64 { { 1, 0 }, { 0, 1 } } },
  },
  {
    "takes the first of equals",
    inputs = { { 2, 7, 7, 2 }, i64 { 3 } },
    outputs = { { 7, 7, 2 }, i64 { 1, 2, 0 } },
  },
  {
    "takes i64",
    inputs = { i64 { 9007199254740992, 9007199254740993 }, i64 { 1 } },
    outputs = { i64 { 9007199254740993 }, i64 { 1 } },
  },
  {
    "takes u8",
    inputs = { u8 { 3, 200, 100 }, i64 { 2 } },
    outputs = { u8 { 200, 100 }, i64 { 1, 2 } },
  },
  {
    "takes f16",
    inputs = { f16 { 3, 200, 100 }, i64 { 2 } },
    outputs = { f16 { 200, 100 }, i64 { 1, 2 } },
  },
  {
    "takes f64",
    attrs = { largest = 0 }, inputs = { f64 { 3, -1 }, i64 { 1 } },
    outputs = { f64 { -1 }, i64 { 1 } },
  },
  {
    "takes nothing",
    inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 0 } },
    outputs = { f32 { shape = { 2, 0 } }, i64 { shape = { 2, 0 } } },
  },
  {
    "takes all",
    inputs = { { 1, 3, 2 }, i64 { 3 } },
    outputs = { { 3, 2, 1 }, i64 { 1, 2, 0 } },
  },
  {
    "may leave the order open",
    attrs = { sorted = 0 }, inputs = { { 1, 3, 2 }, i64 { 1 } },
    outputs = { { 3 }, i64 { 1 } },
  },
  {
    "had k as an attribute before opset 10",
    opset = 1, attrs = { k = 2 }, inputs = { { { 3, 1, 4 }, { 1, 5, 9 } } },
    outputs = { { { 4, 3 }, { 9, 5 } }, i64 { { 2, 0 }, { 2, 1 } } },
  },
  {
    "refuses k beyond the axis",
    inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 4 } }, n_outputs = 2, error = "4",
  },
  {
    "refuses negative k",
    inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { -1 } }, n_outputs = 2, error = "%-1",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 3, 1, 4 }, { 1, 5, 9 } }, i64 { 1 } }, n_outputs = 2,
    error = "got 2",
  },
})
