-- The middle of an axis, or zeros around it.
local t = require "support.op_cases" (_ENV)
local i64, u8, count = t.i64, t.u8, t.count

t.cases("CenterCropPad", {
  { "crops", inputs = { count { 4, 4 }, i64 { 2, 2 } }, outputs = { { { 5, 6 }, { 9, 10 } } } },
  {
    "pads",
    inputs = { { { 1, 2 }, { 3, 4 } }, i64 { 4, 3 } },
    outputs = { { { 0, 0, 0 }, { 1, 2, 0 }, { 3, 4, 0 }, { 0, 0, 0 } } },
  },
  {
    "does both, with the odd element at the end",
    inputs = { count({ 5, 2 }, "f32", 1), i64 { 2, 5 } },
    outputs = { { { 0, 3, 4, 0, 0 }, { 0, 5, 6, 0, 0 } } },
  },
  {
    "takes axes",
    attrs = { axes = { 1 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 1 } },
    outputs = { { { 1 }, { 4 } } },
  },
  {
    "takes negative axes",
    attrs = { axes = { -1, -2 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { 5, 4 } },
    outputs = { { { 0, 0, 0, 0, 0 }, { 0, 0, 1, 2, 0 }, { 0, 3, 4, 5, 0 }, { 0, 0, 0, 0, 0 } } },
  },
  { "crops u8", inputs = { u8 { 0, 1, 2, 3, 4 }, i64 { 3 } }, outputs = { u8 { 1, 2, 3 } } },
  { "pads strings", inputs = { { "a" }, i64 { 3 } }, outputs = { { "", "a", "" } } },
  {
    "keeps",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { 2, 2 } },
    outputs = { { { 0, 1 }, { 2, 3 } } },
  },
  {
    "refuses another count",
    inputs = { { { 0, 1 }, { 2, 3 } }, i64 { 2 } }, error = "shape: expected 2 sizes, got 1",
  },
  { "refuses negative sizes", inputs = { { 0, 1 }, i64 { -1 } }, error = "shape%[0%]" },
})
