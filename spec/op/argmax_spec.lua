-- Where the extreme is along an axis; the first of equals unless asked for the last.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i32, u8, count = t.f64, t.f32, t.f16, t.i64, t.i32, t.u8, t.count

t.cases("ArgMax", {
  {
    "looks along the first axis",
    inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { { 1, 0, 1 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 1 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { { 2 }, { 0 } } },
  },
  {
    "takes a negative axis, drops it",
    attrs = { axis = -1, keepdims = 0 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { 2, 0 } },
  },
  { "takes the first of equals", inputs = { { 7, 7, 7 } }, outputs = { i64 { 0 } } },
  {
    "takes the last of equals with select_last_index",
    attrs = { select_last_index = 1 }, inputs = { { 7, 7, 7 } },
    outputs = { i64 { 2 } },
  },
  { "looks at i32", inputs = { i32 { 3, -9, 9 } }, outputs = { i64 { 2 } } },
  { "looks at u8", inputs = { u8 { 3, 200, 100 } }, outputs = { i64 { 1 } } },
  { "looks at f16", inputs = { f16 { 3, -200, 100 } }, outputs = { i64 { 2 } } },
  { "looks at f64", inputs = { f64 { 3, -200, 100 } }, outputs = { i64 { 2 } } },
  {
    "looks at i64 beyond 2^53",
    inputs = { i64 { 9007199254740992, 9007199254740993 } },
    outputs = { i64 { 1 } },
  },
  {
    "takes three axes",
    attrs = { axis = 1 }, inputs = { count { 2, 2, 2 } },
    outputs = { i64 { { { 1, 1 } }, { { 1, 1 } } } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { axis = 1, keepdims = 0 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { 2, 0 } },
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } }, error = "got 2",
  },
  {
    "refuses an axis without elements",
    inputs = { f32 { shape = { 0, 2 } } }, error = "no elements",
  },
})

t.cases("ArgMin", {
  {
    "looks along the first axis",
    inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { { 0, 1, 0 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 1 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { { 1 }, { 1 } } },
  },
  {
    "takes a negative axis, drops it",
    attrs = { axis = -1, keepdims = 0 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { 1, 1 } },
  },
  { "takes the first of equals", inputs = { { 7, 7, 7 } }, outputs = { i64 { 0 } } },
  {
    "takes the last of equals with select_last_index",
    attrs = { select_last_index = 1 }, inputs = { { 7, 7, 7 } },
    outputs = { i64 { 2 } },
  },
  { "looks at i32", inputs = { i32 { 3, -9, 9 } }, outputs = { i64 { 1 } } },
  { "looks at u8", inputs = { u8 { 3, 200, 100 } }, outputs = { i64 { 0 } } },
  { "looks at f16", inputs = { f16 { 3, -200, 100 } }, outputs = { i64 { 1 } } },
  { "looks at f64", inputs = { f64 { 3, -200, 100 } }, outputs = { i64 { 1 } } },
  {
    "looks at i64 beyond 2^53",
    inputs = { i64 { 9007199254740992, 9007199254740993 } },
    outputs = { i64 { 0 } },
  },
  {
    "takes three axes",
    attrs = { axis = 1 }, inputs = { count { 2, 2, 2 } },
    outputs = { i64 { { { 0, 0 } }, { { 0, 0 } } } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { axis = 1, keepdims = 0 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } },
    outputs = { i64 { 1, 1 } },
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 2, 1, 3 }, { 5, 0, 5 } } }, error = "got 2",
  },
  {
    "refuses an axis without elements",
    inputs = { f32 { shape = { 0, 2 } } }, error = "no elements",
  },
})
