-- More at both ends of axes, or less; attributes before opset 11.
local t = require "support.op_cases" (_ENV)
local f16, i64, i32, u8 = t.f16, t.i64, t.i32, t.u8

t.cases("Pad", {
  {
    "pads with 0",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 0, 1, 1, 0 } },
    outputs = { { { 0, 1, 2, 3 }, { 0, 4, 5, 6 }, { 0, 0, 0, 0 } } },
  },
  {
    "pads with a value",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 0, 0, 2 }, 9 },
    outputs = { { { 9, 9, 9, 9, 9 }, { 1, 2, 3, 9, 9 }, { 4, 5, 6, 9, 9 } } },
  },
  {
    "pads by reflect",
    attrs = { mode = "reflect" }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 2, 0, 1 } },
    outputs = { { { 6, 5, 4, 5, 6, 5 }, { 3, 2, 1, 2, 3, 2 }, { 6, 5, 4, 5, 6, 5 } } },
  },
  {
    "pads by edge",
    attrs = { mode = "edge" }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 2, 0, 1 } },
    outputs = { { { 1, 1, 1, 2, 3, 3 }, { 1, 1, 1, 2, 3, 3 }, { 4, 4, 4, 5, 6, 6 } } },
  },
  {
    "pads by wrap",
    attrs = { mode = "wrap" }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 2, 0, 1 } },
    outputs = { { { 5, 6, 4, 5, 6, 4 }, { 2, 3, 1, 2, 3, 1 }, { 5, 6, 4, 5, 6, 4 } } },
  },
  {
    "cuts with negative pads",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 0, -1, 0, 0 } },
    outputs = { { { 2, 3 }, { 5, 6 } } },
  },
  {
    "cuts and pads",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { -1, 0, 0, 1 } },
    outputs = { { { 4, 5, 6, 0 } } },
  },
  {
    "takes axes",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 1 }, false, i64 { 1 } },
    outputs = { { { 0, 1, 2, 3, 0 }, { 0, 4, 5, 6, 0 } } },
  },
  {
    "takes negative axes",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 0 }, 7, i64 { -1 } },
    outputs = { { { 7, 1, 2, 3 }, { 7, 4, 5, 6 } } },
  },
  {
    "pads i64",
    inputs = { i64 { 1, 2 }, i64 { 1, 1 }, i64(5) },
    outputs = { i64 { 5, 1, 2, 5 } },
  },
  {
    "pads u8",
    inputs = { u8 { 1, 2 }, i64 { 1, 1 }, u8(255) },
    outputs = { u8 { 255, 1, 2, 255 } },
  },
  { "pads booleans", inputs = { { true }, i64 { 1, 0 }, true }, outputs = { { true, true } } },
  { "pads f16", inputs = { f16 { 1 }, i64 { 1, 1 } }, outputs = { f16 { 0, 1, 0 } } },
  { "pads strings", inputs = { { "a" }, i64 { 0, 1 }, "b" }, outputs = { { "a", "b" } } },
  { "pads an empty tensor", inputs = { {}, i64 { 1, 1 }, 4 }, outputs = { { 4, 4 } } },
  {
    "reflects i32",
    attrs = { mode = "reflect" }, inputs = { i32 { 1, 2, 3 }, i64 { 2, 2 } },
    outputs = { i32 { 3, 2, 1, 2, 3, 2, 1 } },
  },
  {
    "reflects further than the data are long",
    attrs = { mode = "reflect" }, inputs = { { 1, 2, 3 }, i64 { 4, 5 } },
    outputs = { { 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2 } },
  },
  {
    "wraps further than the data are long",
    attrs = { mode = "wrap" }, inputs = { { 1, 2, 3 }, i64 { 4, 5 } },
    outputs = { { 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2 } },
  },
  {
    "took attributes before opset 11",
    opset = 2, attrs = { pads = { 0, 1, 0, 1 }, value = 7.0 },
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } } },
    outputs = { { { 7, 1, 2, 3, 7 }, { 7, 4, 5, 6, 7 } } },
  },
  {
    "took paddings before opset 2",
    opset = 1, attrs = { paddings = { 0, 1, 0, 1 } }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } } },
    outputs = { { { 0, 1, 2, 3, 0 }, { 0, 4, 5, 6, 0 } } },
  },
  {
    "refuses another count",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 1, 1 } },
    error = "pads: expected two for each of 2 axes, got 2",
  },
  {
    "refuses to cut more than there is",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { -2, 0, -1, 0 } }, error = "pads",
  },
  {
    "refuses an unknown mode",
    attrs = { mode = "mirror" }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 0, 0, 0, 0 } },
    error = "got 'mirror'",
  },
  {
    "refuses to reflect nothing",
    attrs = { mode = "reflect" }, inputs = { {}, i64 { 1, 1 } }, error = "pads",
  },
  {
    "refuses a value of another type",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64 { 0, 0, 0, 0 }, i64(1) }, error = "i64",
  },
})
