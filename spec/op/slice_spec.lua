-- Starts, ends, axes and steps, limited to the axis; attributes before opset 10.
local t = require "support.op_cases" (_ENV)
local i64, i32, u8, u4, count = t.i64, t.i32, t.u8, t.u4, t.count

t.cases("Slice", {
  {
    "cuts axes",
    inputs = { count { 4, 3 }, i64 { 1, 0 }, i64 { 3, 2 }, i64 { 0, 1 } },
    outputs = { { { 3, 4 }, { 6, 7 } } },
  },
  {
    "takes axes from the first on",
    inputs = { count { 4, 3 }, i64 { 2 }, i64 { 4 } },
    outputs = { { { 6, 7, 8 }, { 9, 10, 11 } } },
  },
  {
    "counts from the end",
    inputs = { { 0, 1, 2, 3, 4, 5 }, i64 { -3 }, i64 { -1 } },
    outputs = { { 3, 4 } },
  },
  {
    "limits ends",
    inputs = { { 0, 1, 2, 3 }, i64 { 1 }, i64 { 1000 } },
    outputs = { { 1, 2, 3 } },
  },
  {
    "takes a negative axis",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 1 }, i64 { 3 }, i64 { -1 } },
    outputs = { { { 1, 2 }, { 4, 5 } } },
  },
  {
    "takes steps",
    inputs = { { 0, 1, 2, 3, 4, 5, 6 }, i64 { 1 }, i64 { 7 }, i64 { 0 }, i64 { 2 } },
    outputs = { { 1, 3, 5 } },
  },
  {
    "runs backwards",
    inputs = { { 0, 1, 2, 3, 4 }, i64 { 3 }, i64 { 0 }, i64 { 0 }, i64 { -1 } },
    outputs = { { 3, 2, 1 } },
  },
  {
    "runs backwards past the first",
    inputs = { { 0, 1, 2, 3, 4 }, i64 { -1 }, i64 { math.mininteger }, i64 { 0 }, i64 { -2 } },
    outputs = { { 4, 2, 0 } },
  },
  {
    "takes i32 numbers",
    inputs = { { 0, 1, 2, 3 }, i32 { 1 }, i32 { 3 }, i32 { 0 }, i32 { 1 } },
    outputs = { { 1, 2 } },
  },
  {
    "gives nothing when start is past end",
    inputs = { { 0, 1, 2, 3 }, i64 { 3 }, i64 { 1 } },
    outputs = { {} },
  },
  {
    "cuts u8",
    inputs = { u8 { { 1, 2, 3 } }, i64 { 1 }, i64 { 3 }, i64 { 1 } },
    outputs = { u8 { { 2, 3 } } },
  },
  {
    "cuts strings",
    inputs = { { "a", "b", "c" }, i64 { 1 }, i64 { 3 } },
    outputs = { { "b", "c" } },
  },
  {
    "cuts inside of bytes of u4",
    inputs = { u4 { 1, 2, 3, 4 }, i64 { 1 }, i64 { 4 } },
    outputs = { u4 { 2, 3, 4 } },
  },
  {
    "took attributes before opset 10",
    opset = 1, attrs = { starts = { 1, 0 }, ends = { 3, 2 }, axes = { 0, 1 } },
    inputs = { count { 4, 3 } },
    outputs = { { { 3, 4 }, { 6, 7 } } },
  },
  {
    "could leave the axes out",
    opset = 1, attrs = { starts = { 1 }, ends = { -1 } }, inputs = { { 0, 1, 2, 3 } },
    outputs = { { 1, 2 } },
  },
  {
    "refuses step 0",
    inputs = { { 0, 1, 2, 3 }, i64 { 0 }, i64 { 4 }, i64 { 0 }, i64 { 0 } },
    error = "steps: 0 for axis 0",
  },
  {
    "refuses an axis twice",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { 0, 0 }, i64 { 1, 1 }, i64 { 0, -2 } },
    error = "axis 0 occurs twice",
  },
  {
    "refuses an axis out of range",
    inputs = { { 0, 1, 2, 3 }, i64 { 0 }, i64 { 1 }, i64 { 1 } }, error = "got 1",
  },
  {
    "refuses lists of other lengths",
    inputs = { { 0, 1, 2, 3 }, i64 { 0, 1 }, i64 { 4 } }, error = "as many of each",
  },
})
