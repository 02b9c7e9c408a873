-- x * sigmoid(alpha * x), and the gated form.
local t = require "support.op_cases" (_ENV)
local f64, f16, i32 = t.f64, t.f16, t.i32

t.cases("Swish", {
  {
    "computes f32",
    inputs = { { -100, -1, 0, 1, 3 } },
    outputs = { { -3.720447e-42, -0.2689414, 0, 0.7310586, 2.857722 } },
  },
  {
    "takes alpha",
    attrs = { alpha = 0.5 }, inputs = { { -1, 0, 2 } },
    outputs = { { -0.3775407, 0, 1.462117 } },
  },
  {
    "computes f64",
    attrs = { alpha = 2.0 }, inputs = { f64 { -1, 2 } },
    outputs = { f64 { -0.1192029220221, 1.964027580076 } },
  },
  { "computes f16", inputs = { f16 { -1, 2 } }, outputs = { f16 { -0.26904, 1.7617 } } },
  { "takes an empty tensor", inputs = { {} }, outputs = { {} } },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("SwiGLU", {
  {
    "gates the second input",
    inputs = { { -1, 0, 2 }, { 3, 4, 5 } },
    outputs = { { -0.8068243, 0, 8.807971 } },
  },
  {
    "takes alpha",
    attrs = { alpha = 2.0 }, inputs = { { { -1, 2 } }, { { 3, -5 } } },
    outputs = { { { -0.3576088, -9.820138 } } },
  },
  {
    "computes f16",
    inputs = { f16 { -1, 2 }, f16 { 3, 4 } },
    outputs = { f16 { -0.80664, 7.0469 } },
  },
  {
    "refuses to broadcast",
    inputs = { { -1, 2 }, { 3 } }, error = "input 1: expected the shape of input 0",
  },
})
