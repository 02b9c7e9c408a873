-- Determinants of square matrices.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16 = t.f64, t.f32, t.f16

t.cases("Det", {
  { "computes one", inputs = { { { 1, 2 }, { 3, 4 } } }, outputs = { -2 } },
  {
    "computes batches",
    inputs = { { { { 2, 0 }, { 0, 3 } }, { { 0, 1 }, { 1, 0 } } } },
    outputs = { { 6, -1 } },
  },
  {
    "computes with a row swapped",
    inputs = { { { 0, 2, 1 }, { 1, 0, 0 }, { 3, 0, 1 } } },
    outputs = { -2 },
  },
  { "gives 0 for singular ones", inputs = { { { 1, 2 }, { 2, 4 } } }, outputs = { 0 } },
  { "computes f64", inputs = { f64 { { 4, 3 }, { 6, 3 } } }, outputs = { f64(-6) } },
  { "computes f16", inputs = { f16 { { 4, 3 }, { 6, 3 } } }, outputs = { f16(-6) } },
  { "gives 1 for empty matrices", inputs = { f32 { shape = { 0, 0 } } }, outputs = { 1 } },
  { "takes one element", inputs = { { { 5 } } }, outputs = { 5 } },
  { "ran at opset 11", opset = 11, inputs = { { { 1, 2 }, { 3, 4 } } }, outputs = { -2 } },
  {
    "refuses matrices that are not square",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } }, error = "square",
  },
  { "refuses vectors", inputs = { { 0, 1 } }, error = "square" },
})
