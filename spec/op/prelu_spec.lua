-- Below zero times a slope that broadcasts onto the input, one way only.
local t = require "support.op_cases" (_ENV)
local f64, f16, i32, u32 = t.f64, t.f16, t.i32, t.u32

t.cases("PRelu", {
  {
    "computes f32",
    inputs = { { { -1, 2 }, { -3, 4 } }, { { 0.5, 0.5 }, { 2, 2 } } },
    outputs = { { { -0.5, 2 }, { -6, 4 } } },
  },
  {
    "takes a slope for each channel",
    inputs = { { { { -4, -3, -2 }, { -1, 0, 1 } } }, { { 0.5 }, { 2 } } },
    outputs = { { { { -2, -1.5, -1 }, { -2, 0, 1 } } } },
  },
  { "takes a scalar slope", inputs = { { -2, 3 }, 0.25 }, outputs = { { -0.5, 3 } } },
  { "computes f16", inputs = { f16 { -2, 3 }, f16 { 0.5 } }, outputs = { f16 { -1, 3 } } },
  { "computes f64", inputs = { f64 { -2, 3 }, f64 { 0.5 } }, outputs = { f64 { -1, 3 } } },
  { "computes i32", inputs = { i32 { -2, 3 }, i32 { 5 } }, outputs = { i32 { -10, 3 } } },
  { "leaves unsigned numbers", inputs = { u32 { 2, 3 }, u32 { 5 } }, outputs = { u32 { 2, 3 } } },
  {
    "put the slope on the channels before opset 7",
    opset = 6, inputs = { { { { -4, -3, -2 }, { -1, 0, 1 } } }, { 0.5, 2 } },
    outputs = { { { { -2, -1.5, -1 }, { -2, 0, 1 } } } },
  },
  { "refuses a slope that is larger", inputs = { { -1, 2 }, { { 1 }, { 2 } } }, error = "slope" },
})
