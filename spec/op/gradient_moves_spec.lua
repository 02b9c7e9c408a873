-- SumTo undoes broadcasting; the rules are in gradient_spec.lua.
local t = require "support.op_cases" (_ENV)

t.cases("perigee:SumTo", {
  {
    "sums rows and columns",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, t.f32 { { 0 }, { 0 } } }, outputs = { t.f32 { { 6 }, { 15 } } },
  },
  { "drops axes", inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, { 0, 0, 0 } }, outputs = { { 5, 7, 9 } } },
  { "leaves what fits", inputs = { { 1, 2 }, { 0, 0 } }, outputs = { { 1, 2 } } },
  { "refuses what doesn't", inputs = { { 1, 2, 3 }, { 0, 0 } }, error = "operand's shape" },
})
