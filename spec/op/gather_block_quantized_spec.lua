-- Rows of quantised tables.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:GatherBlockQuantized")

local t = require "support.op_cases" (_ENV)
t.cases("com.microsoft:GatherBlockQuantized", {
  {
    "takes i4 and zeros for an index out of range",
    attrs = { block_size = 16 },
    inputs = { t.i4 { shape = { 2, 16 }, -3 }, t.i64 { 1, 7, -3 }, t.f32 { { 0.5 }, { 0.25 } } },
    outputs = { t.f32 { { -0.75, -0.75, -0.75, -0.75, -0.75, -0.75, -0.75, -0.75, -0.75, -0.75,
      -0.75, -0.75, -0.75, -0.75, -0.75, -0.75 }, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } } },
  },
  {
    "refuses scales that don't fit", attrs = { block_size = 16 },
    inputs = { t.i4 { shape = { 2, 32 }, 1 }, t.i64 { 1 }, t.f32 { { 0.5 }, { 0.25 } } }, error = "scales",
  },
})
