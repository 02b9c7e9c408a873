-- The exponent may have another type; the result has that of the base.
local t = require "support.op_cases" (_ENV)
local f64, f16, i64, i32, nan, inf = t.f64, t.f16, t.i64, t.i32, t.nan, t.inf

t.cases("Pow", {
  {
    "computes f32",
    inputs = { { 1, 2, 3, 0, 4 }, { 4, 0.5, -2, 0, 1 } },
    outputs = { { 1, 1.414214, 0.1111111, 1, 4 } },
  },
  {
    "broadcasts",
    inputs = { { { 1 }, { 2 } }, { 0, 1, 3 } },
    outputs = { { { 1, 1, 1 }, { 1, 2, 8 } } },
  },
  {
    "takes integer exponents",
    inputs = { { 1.5, -2 }, i64 { 2, 3 } },
    outputs = { { 2.25, -8 } },
  },
  {
    "takes float exponents of integers",
    inputs = { i32 { 1, 2, 3 }, { 4, 2, 2 } },
    outputs = { i32 { 1, 4, 9 } },
  },
  { "computes i64", inputs = { i64 { 3, -2 }, i64 { 3, 5 } }, outputs = { i64 { 27, -32 } } },
  { "computes f64", inputs = { f64 { 2, 9 }, f64 { 10, 0.5 } }, outputs = { f64 { 1024, 3 } } },
  { "computes f16", inputs = { f16 { 2, 9 }, f16 { 3, 0.5 } }, outputs = { f16 { 8, 3 } } },
  {
    "gives NaN for fractional powers of negatives",
    inputs = { { -1, -8 }, { 0.5, 3 } },
    outputs = { { nan, -512 } },
  },
  {
    "has its special cases",
    inputs = { { 0, inf, nan, 1 }, { -1, -1, 0, nan } },
    outputs = { { inf, 0, 1, 1 } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 2, 3 }, { 2, 2 } }, outputs = { { 4, 9 } } },
  {
    "took an axis before opset 7",
    opset = 1, attrs = { broadcast = 1, axis = 0 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 1, 2 } },
    outputs = { { { 1, 2 }, { 9, 16 } } },
  },
  { "refuses strings", inputs = { { "a" }, { 1 } }, error = "string" },
})
