-- The specification's formulas; ends of the range as IEEE 754 and C have them.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i32, nan, inf = t.f64, t.f32, t.f16, t.bf16, t.i32, t.nan, t.inf

t.cases("Exp", {
  {
    "computes f32, from nothing to infinity",
    inputs = { { -inf, -104, -1, 0, 1, 2.5, 88.5, 89, nan } },
    outputs = { { 0, 0, 0.3678794, 1, 2.718282, 12.18249, 2.723088e+38, inf, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 0, 1, 700 } },
    outputs = { f64 { 0.3678794411714, 1, 2.718281828459, 1.014232054735e+304 } },
  },
  {
    "computes f16",
    inputs = { f16 { { -1, 0.5 }, { 3, 12 } } },
    outputs = { f16 { { 0.36792, 1.6484 }, { 20.078, inf } } },
  },
  {
    "computes bf16",
    inputs = { bf16 { -2, 0.5, 4 } },
    outputs = { bf16 { 0.13574, 1.6484, 54.5 } },
  },
  { "takes a scalar", inputs = { 1 }, outputs = { 2.718282 } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { 0, 1 } },
    outputs = { { 1, 2.718282 } },
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("Log", {
  {
    "computes f32, to the ends",
    inputs = { { 0, 0.001, 1, 2.7182817, 1e+30, inf, -1, nan } },
    outputs = { { -inf, -6.907755, 0, 1, 69.07755, inf, nan, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.5, 1, 10 } },
    outputs = { f64 { -0.6931471805599, 0, 2.302585092994 } },
  },
  {
    "computes f16",
    inputs = { f16 { 0.5, 1, 1000 } },
    outputs = { f16 { -0.69336, 0, 6.9062 } },
  },
  { "takes a subnormal", inputs = { { 1e-40 } }, outputs = { { -92.10341 } } },
  { "takes an empty tensor", inputs = { {} }, outputs = { {} } },
})

t.cases("Sqrt", {
  {
    "computes f32",
    inputs = { { 0, 0.25, 2, 4, inf, -1, nan } },
    outputs = { { 0, 0.5, 1.414214, 2, inf, nan, nan } },
  },
  {
    "keeps minus zero",
    inputs = { { -0.0 } },
    outputs = { { 0 } }, check = function(got) assert.equal(-math.huge, 1 / got[1]:get(1)) end,
  },
  {
    "computes f64",
    inputs = { f64 { 2, 1e-300 } },
    outputs = { f64 { 1.414213562373, 1e-150 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 2 }, { 10 } } },
    outputs = { f16 { { 1.4141 }, { 3.1621 } } },
  },
})

t.cases("Reciprocal", {
  { "computes f32", inputs = { { 0.5, -4, 3, inf } }, outputs = { { 2, -0.25, 0.3333333, 0 } } },
  { "divides by zero", inputs = { { 0, -0.0 } }, outputs = { { inf, -inf } } },
  {
    "computes f64",
    inputs = { f64 { 3, -7 } },
    outputs = { f64 { 0.3333333333333, -0.1428571428571 } },
  },
  { "computes f16", inputs = { f16 { 3, -7 } }, outputs = { f16 { 0.33325, -0.14282 } } },
})

t.cases("Erf", {
  {
    "computes f32",
    inputs = { { -inf, -3, -1, -0.1, 0, 0.5, 1, 2, 4, nan } },
    outputs = {
      { -1, -0.9999779, -0.8427008, -0.1124629, 0, 0.5204999, 0.8427008, 0.9953223, 1, nan },
    },
  },
  {
    "computes f64",
    inputs = { f64 { -0.5, 1e-09, 2 } },
    outputs = { f64 { -0.520499877813, 1.128379167096e-09, 0.995322265019 } },
  },
  {
    "computes f16",
    inputs = { f16 { -0.5, 1, 2 } },
    outputs = { f16 { -0.52051, 0.84277, 0.99512 } },
  },
})
