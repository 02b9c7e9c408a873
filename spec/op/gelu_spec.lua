-- x * Phi(x), exact or by tanh, and the forms of com.microsoft.
local t = require "support.op_cases" (_ENV)
local f64, f16, i32 = t.f64, t.f16, t.i32

t.cases("Gelu", {
  {
    "computes f32",
    inputs = { { -10, -1, -0.1, 0, 0.5, 1, 10 } },
    outputs = { { 0, -0.1586553, -0.04601721, 0, 0.3457312, 0.8413448, 10 } },
  },
  {
    "takes approximate = tanh",
    attrs = { approximate = "tanh" }, inputs = { { -10, -1, -0.1, 0, 0.5, 1, 10 } },
    outputs = { { 0, -0.158808, -0.04601725, 0, 0.345714, 0.841192, 10 } },
  },
  {
    "computes f64",
    inputs = { f64 { -1, 2 } },
    outputs = { f64 { -0.1586552539315, 1.954499736104 } },
  },
  {
    "computes f64 by tanh",
    attrs = { approximate = "tanh" }, inputs = { f64 { -1, 2 } },
    outputs = { f64 { -0.1588080093917, 1.954597694088 } },
  },
  { "computes f16", inputs = { f16 { { -1, 2 } } }, outputs = { f16 { { -0.15869, 1.9541 } } } },
  {
    "refuses an unknown approximation",
    attrs = { approximate = "sine" }, inputs = { { 1 } },
    error = "approximate: expected 'none' or 'tanh', got 'sine'",
  },
  { "refuses integers", inputs = { i32 { 1 } }, error = "i32" },
})

t.cases("com.microsoft:Gelu", {
  {
    "is the exact one",
    inputs = { { -1, 0.5, 2 } },
    outputs = { { -0.1586553, 0.3457312, 1.9545 } },
  },
})

t.cases("com.microsoft:QuickGelu", {
  {
    "has alpha 1.702",
    inputs = { { -1, 0.5, 2 } },
    outputs = { { -0.1542042, 0.3503884, 1.935659 } },
  },
  {
    "takes alpha",
    attrs = { alpha = 0.5 }, inputs = { { -1, 0.5, 2 } },
    outputs = { { -0.3775407, 0.2810883, 1.462117 } },
  },
})

t.cases("com.microsoft:BiasGelu", {
  {
    "adds a bias along the last axis",
    inputs = { { { -1, 0.5 }, { 2, 3 } }, { 1, -1 } },
    outputs = { { { 0, -0.1542688 }, { 2.99595, 1.9545 } } },
  },
})

t.cases("com.microsoft:FastGelu", {
  {
    "is the one by tanh",
    inputs = { { -1, 0.5, 2 } },
    outputs = { { -0.158808, 0.345714, 1.954598 } },
  },
  {
    "takes a bias",
    inputs = { { { -1, 0.5 }, { 2, 3 } }, { 1, -1 } },
    outputs = { { { 0, -0.154286 }, { 2.996363, 1.954598 } } },
  },
})
