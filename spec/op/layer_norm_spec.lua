-- Normalisation of the last axes, and the forms of com.microsoft.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("LayerNormalization", {
  {
    "normalizes the last axis",
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { -1.069041, -0.5345206, 0.6681509 }, { -0.3396829, -2.038097, 0.6793658 } } },
  },
  {
    "adds a bias",
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 }, { 0, 1, -1 } },
    outputs = { { { -1.069041, 0.4654794, -0.3318491 }, { -0.3396829, -1.038097, -0.3206342 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 1 },
    inputs = { count { 2, 2, 2 }, { { 1, 2 }, { 3, 4 } }, { { 0, 1 }, { 0, 1 } } },
    outputs = {
      f32 {
        shape = { 2, 2, 2 }, -1.341635, 0.1055763, 1.341635, 6.366542, -1.341635, 0.1055763,
        1.341635, 6.366542,
      },
    },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { count { 2, 2, 2 }, { { 1, 2 }, { 3, 4 } } },
    outputs = {
      f32 {
        shape = { 2, 2, 2 }, -1.341635, -0.8944237, 1.341635, 5.366542, -1.341635, -0.8944237,
        1.341635, 5.366542,
      },
    },
  },
  {
    "takes epsilon",
    attrs = { epsilon = 0.5 }, inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { -0.929981, -0.4649904, 0.5812382 }, { -0.3302891, -1.981735, 0.6605783 } } },
  },
  {
    "gives mean and inverse deviation",
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 }, { 0, 1, -1 } },
    outputs = {
      { { -1.069041, 0.4654794, -0.3318491 }, { -0.3396829, -1.038097, -0.3206342 } },
      { { 2.333333 }, { 1 } }, { { 0.8017811 }, { 0.3396829 } },
    },
  },
  {
    "computes f16 with f32 in between",
    inputs = { f16 { { 1, 2, 4 }, { 0, -2, 5 } }, f16 { 1, 2, 0.5 } },
    outputs = { f16 { { -1.0693, -0.53467, 0.66797 }, { -0.3396, -2.0391, 0.6792 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2, 4 }, { 0, -2, 5 } }, f64 { 1, 2, 0.5 } },
    outputs = {
      f64 {
        { -1.06904153145, -0.5345207657252, 0.6681509571565 },
        { -0.3396829142725, -2.038097485635, 0.6793658285451 },
      },
    },
  },
  {
    "keeps precision far from zero",
    inputs = { { { 10000, 10001, 10002 } }, { 1, 1, 1 } },
    outputs = { { { -1.224736, 0, 1.224736 } } }, atol = 0.0001,
  },
  {
    "takes an empty batch",
    inputs = { f32 { shape = { 0, 3 } }, { 1, 2, 0.5 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "refuses a scale that doesn't fit",
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2 } },
    error = "f32 %[2%] doesn't go into f32 %[2,3%]",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    error = "got 2",
  },
})

t.cases("RMSNormalization", {
  {
    "divides by the root of the mean square",
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { 0.3779642, 1.511857, 0.7559284 }, { 0, -1.286534, 0.804084 } } },
  },
  {
    "takes epsilon",
    attrs = { epsilon = 0.5 }, inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { 0.3651484, 1.460593, 0.7302967 }, { 0, -1.2545, 0.7840626 } } },
  },
  {
    "takes an axis",
    attrs = { axis = -2 }, inputs = { { { { 1, 2 }, { 3, 4 } } }, { { 1, 2 }, { 3, 4 } } },
    outputs = { { { { 0.3651481, 1.460593 }, { 3.286333, 5.84237 } } } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2, 4 }, { 0, -2, 5 } }, f16 { 1, 2, 0.5 } },
    outputs = { f16 { { 0.37793, 1.5117, 0.75586 }, { 0, -1.2861, 0.8042 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2, 4 }, { 0, -2, 5 } }, f64 { 1, 2, 0.5 } },
    outputs = {
      f64 {
        { 0.3779642030349, 1.51185681214, 0.7559284060698 },
        { 0, -1.286534376357, 0.8040839852229 },
      },
    },
  },
})

-- The name in models of ONNX Runtime.
t.cases("SimplifiedLayerNormalization", {
  {
    "is RMSNormalization",
    opset = 1, attrs = { epsilon = 0.25 },
    inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { 0.3713907, 1.485563, 0.7427813 }, { 0, -1.270215, 0.7938842 } } },
  },
})

t.cases("com.microsoft:SimplifiedLayerNormalization", {
  {
    "is RMSNormalization",
    attrs = { epsilon = 0.25 }, inputs = { { { 1, 2, 4 }, { 0, -2, 5 } }, { 1, 2, 0.5 } },
    outputs = { { { 0.3713907, 1.485563, 0.7427813 }, { 0, -1.270215, 0.7938842 } } },
  },
})

t.cases("com.microsoft:SkipLayerNormalization", {
  {
    "adds the skip input, normalizes",
    inputs = {
      { { { 1, 2, 4 }, { 0, -2, 5 } } }, { { { 1, 1, 0 }, { 2, 0, -1 } } }, { 1, 2, 0.5 },
      { 0, 1, -1 },
    },
    outputs = {
      f32 { shape = { 1, 2, 3 }, -1.224745, 1, -0.3876276, 0.2672612, -1.672612, -0.4654776 },
    },
  },
  {
    "adds a bias, gives the sum",
    attrs = { epsilon = 0.5 },
    inputs = {
      { { { 1, 2, 4 }, { 0, -2, 5 } } }, { { { 1, 1, 0 }, { 2, 0, -1 } } }, { 1, 2, 0.5 },
      { 0, 1, -1 }, { 1, 2, 3 },
    },
    outputs = {
      f32 { shape = { 1, 2, 3 }, -1.123903, 1, -0.4380485, -0.1128665, -1.257331, -0.3792341 },
      false, false, { { { 3, 5, 7 }, { 3, 0, 7 } } },
    },
  },
})

t.cases("com.microsoft:SkipSimplifiedLayerNormalization", {
  {
    "adds the skip input, divides by the root of the mean square",
    inputs = {
      { { { 1, 2, 4 }, { 0, -2, 5 } } }, { { { 1, 1, 0 }, { 2, 0, -1 } } }, { 1, 2, 0.5 },
    },
    outputs = {
      f32 {
        shape = { 1, 2, 3 }, 0.6432675, 1.929803, 0.6432675, 0.7071068, -1.414214, 0.7071068,
      },
      false, false, { { { 2, 3, 4 }, { 2, -2, 4 } } },
    },
  },
})

require "support.contrib" (_ENV).cases("com.microsoft:SkipLayerNormalization")
require "support.contrib" (_ENV).cases("com.microsoft:SkipSimplifiedLayerNormalization")
