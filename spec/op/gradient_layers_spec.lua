-- Slopes of convolutions, pools and the loss by themselves; gradient_spec.lua has the chains.
local t = require "support.op_cases" (_ENV)
local f32 = t.f32

local x, w = f32 { { { 1, 2, 3, 4 } } }, f32 { { { 1, 10 } } }
t.cases("perigee:ConvSlopeX", {
  { "gives to what was read", inputs = { f32 { { { 1, 2, 3 } } }, x, w }, outputs = { f32 { { { 1, 12, 23, 30 } } } } },
  { "refuses another size", inputs = { f32 { { { 1, 2 } } }, x, w }, error = "doesn't fit" },
})
t.cases("perigee:ConvSlopeW", {
  { "sums products", inputs = { f32 { { { 1, 2, 3 } } }, x, w }, outputs = { f32 { { { 14, 20 } } } } },
})
t.cases("perigee:AveragePoolSlope", {
  {
    "shares", attrs = { kernel_shape = { 2 }, strides = { 2 } }, inputs = { f32 { { { 2, 4 } } }, x },
    outputs = { f32 { { { 1, 1, 2, 2 } } } },
  },
  {
    "refuses another size", attrs = { kernel_shape = { 2 } }, inputs = { f32 { { { 2, 4 } } }, x },
    error = "doesn't fit",
  },
})
t.cases("perigee:LossSlope", {
  { "is at the targets", inputs = { 2.0, f32 { { 1, 2 }, { 3, 4 } }, t.i64 { 1, 0 } },
    outputs = { f32 { { 0, -1 }, { -1, 0 } } } },
  { "refuses a class too many", inputs = { 2.0, f32 { { 1, 2 } }, t.i64 { 2 } }, error = "target" },
})
