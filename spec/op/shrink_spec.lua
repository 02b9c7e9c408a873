-- 0 within lambd of zero; else moved by bias towards it.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i32 = t.f64, t.f32, t.f16, t.i32

t.cases("Shrink", {
  {
    "is hard with bias 0",
    inputs = { { -2, -0.5, 0, 0.5, 2 } },
    outputs = { { -2, 0, 0, 0, 2 } },
  },
  {
    "takes lambd",
    attrs = { lambd = 1.5 }, inputs = { { -2, -1.5, -1, 1, 1.5, 2 } },
    outputs = { { -2, 0, 0, 0, 0, 2 } },
  },
  {
    "is soft with bias lambd",
    attrs = { lambd = 1.5, bias = 1.5 }, inputs = { { -2, -1.5, -1, 1, 1.5, 2 } },
    outputs = { { -0.5, 0, 0, 0, 0, 0.5 } },
  },
  {
    "computes f64",
    attrs = { lambd = 0.5, bias = 0.25 }, inputs = { f64 { -2, 0.25, 2 } },
    outputs = { f64 { -1.75, 0, 1.75 } },
  },
  {
    "computes f16",
    attrs = { bias = 0.25 }, inputs = { f16 { -2, 0.25, 2 } },
    outputs = { f16 { -1.75, 0, 1.75 } },
  },
  {
    "computes i32",
    attrs = { lambd = 1.0, bias = 1.0 }, inputs = { i32 { -3, -1, 0, 1, 3 } },
    outputs = { i32 { -2, 0, 0, 0, 2 } },
  },
  {
    "keeps an empty shape",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
})
