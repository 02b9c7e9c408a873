-- Each at a few angles, at the ends of its range, and outside of it.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, nan, inf = t.f64, t.f32, t.f16, t.i64, t.nan, t.inf

t.cases("Sin", {
  {
    "computes f32",
    inputs = { { 0, 0.5, -2, 1.5707964, 100 } },
    outputs = { { 0, 0.4794255, -0.9092974, 1, -0.5063657 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.2474039592545, 0.6816387600233 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.24744 }, { 0.68164 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 0.841471 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "refuses integers", inputs = { i64 { 1 } }, error = "i64" },
})

t.cases("Cos", {
  {
    "computes f32",
    inputs = { { 0, 0.5, -2, 1.5707964, 100 } },
    outputs = { { 1, 0.8775826, -0.4161468, -4.371139e-08, 0.8623189 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.9689124217106, 0.7316888688738 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.96875 }, { 0.73145 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 0.5403023 } } },
})

t.cases("Tan", {
  {
    "computes f32",
    inputs = { { 0, 0.5, -2, 1.5 } },
    outputs = { { 0, 0.5463025, 2.18504, 14.10142 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.255341921221, 0.9315964599441 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.25537 }, { 0.93164 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 1.557408 } } },
})

t.cases("Asin", {
  {
    "computes f32",
    inputs = { { -1, -0.5, 0, 0.25, 1, 1.5 } },
    outputs = { { -1.570796, -0.5235988, 0, 0.2526802, 1.570796, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.2526802551421, 0.8480620789815 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.25269 }, { 0.84814 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 1.570796 } } },
})

t.cases("Acos", {
  {
    "computes f32",
    inputs = { { -1, -0.5, 0, 0.25, 1, 1.5 } },
    outputs = { { 3.141593, 2.094395, 1.570796, 1.318116, 0, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 1.318116071653, 0.7227342478134 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 1.3184 }, { 0.72266 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 0 } } },
})

t.cases("Atan", {
  {
    "computes f32",
    inputs = { { -inf, -1, 0, 0.5, 10000000000.0 } },
    outputs = { { -1.570796, -0.7853982, 0, 0.4636476, 1.570796 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.2449786631269, 0.6435011087933 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.245 }, { 0.64355 } } },
  },
  { "ran at opset 7", opset = 7, inputs = { { 1 } }, outputs = { { 0.7853982 } } },
})

t.cases("Sinh", {
  {
    "computes f32",
    inputs = { { -2, -0.0001, 0, 0.5, 10 } },
    outputs = { { -3.62686, -0.0001, 0, 0.5210953, 11013.23 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.2526123168082, 0.8223167319358 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.25269 }, { 0.82227 } } },
  },
  { "ran at opset 9", opset = 9, inputs = { { 1 } }, outputs = { { 1.175201 } } },
})

t.cases("Cosh", {
  {
    "computes f32",
    inputs = { { -2, 0, 0.5, 10, 100 } },
    outputs = { { 3.762196, 1, 1.127626, 11013.23, inf } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 1.03141309988, 1.294683284677 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 1.0312 }, { 1.2949 } } },
  },
  { "ran at opset 9", opset = 9, inputs = { { 1 } }, outputs = { { 1.543081 } } },
})

t.cases("Asinh", {
  {
    "computes f32",
    inputs = { { -10000000000.0, -1, 0.0001, 0, 2 } },
    outputs = { { -23.719, -0.8813736, 0.0001, 0, 1.443635 } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.2474664615473, 0.6931471805599 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.24744 }, { 0.69336 } } },
  },
  { "ran at opset 9", opset = 9, inputs = { { 1 } }, outputs = { { 0.8813736 } } },
})

t.cases("Acosh", {
  {
    "computes f32",
    inputs = { { 1, 1.5, 10, 10000000000.0, 0.5 } },
    outputs = { { 0, 0.9624236, 2.993223, 23.719, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { 1.25, 4 } },
    outputs = { f64 { 0.6931471805599, 2.063437068896 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1.25 }, { 4 } } },
    outputs = { f16 { { 0.69336 }, { 2.0625 } } },
  },
  { "ran at opset 9", opset = 9, inputs = { { 1 } }, outputs = { { 0 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "refuses integers", inputs = { i64 { 1 } }, error = "i64" },
})

t.cases("Atanh", {
  {
    "computes f32",
    inputs = { { -1, -0.5, 0.0001, 0, 0.75, 2 } },
    outputs = { { -inf, -0.5493062, 0.0001, 0, 0.972955, nan } },
  },
  {
    "computes f64",
    inputs = { f64 { 0.25, 0.75 } },
    outputs = { f64 { 0.255412811883, 0.9729550745277 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0.25 }, { 0.75 } } },
    outputs = { f16 { { 0.25537 }, { 0.97314 } } },
  },
  { "ran at opset 9", opset = 9, inputs = { { 1 } }, outputs = { { inf } } },
})
