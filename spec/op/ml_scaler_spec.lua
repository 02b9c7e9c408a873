-- Scaling, norms, thresholds and missing values.
local t = require "support.op_cases" (_ENV)
local f64, i64, nan = t.f64, t.i64, t.nan

t.cases("ai.onnx.ml:Scaler", {
  {
    "takes offsets and scales",
    attrs = { offset = { 1.0, 2.0 }, scale = { 2.0, 0.5 } }, inputs = { { { 1, 2 }, { 3, 4 } } },
    outputs = { { { 0, 0 }, { 4, 1 } } },
  },
  {
    "takes one for all",
    attrs = { offset = { 1.0 }, scale = { 2.0 } }, inputs = { { { 1, 2 }, { 3, 4 } } },
    outputs = { { { 0, 2 }, { 4, 6 } } },
  },
  {
    "takes integers",
    attrs = { offset = { 0.5 }, scale = { 1.0 } }, inputs = { i64 { { 1, 2 } } },
    outputs = { { { 0.5, 1.5 } } },
  },
  {
    "takes f64",
    attrs = { offset = { 0.5 }, scale = { 1.0 } }, inputs = { f64 { { 1, 2 } } },
    outputs = { { { 0.5, 1.5 } } },
  },
  {
    "refuses another count",
    attrs = { offset = { 1.0, 2.0, 3.0 }, scale = { 1.0 } }, inputs = { { { 1, 2 }, { 3, 4 } } },
    error = "offset: expected 1 or 2",
  },
})

t.cases("ai.onnx.ml:Normalizer", {
  -- By the largest, not by the largest magnitude: the sign turns for negative rows.
  {
    "divides by the largest with MAX",
    attrs = { norm = "MAX" }, inputs = { { { 1, 2, 4 }, { -4, -2, -1 } } },
    outputs = { { { 0.25, 0.5, 1 }, { 4, 2, 1 } } },
  },
  {
    "divides by the sum of magnitudes with L1",
    attrs = { norm = "L1" }, inputs = { { { 1, -3 } } },
    outputs = { { { 0.25, -0.75 } } },
  },
  {
    "divides by the root of squares with L2",
    attrs = { norm = "L2" }, inputs = { { { 3, 4 } } },
    outputs = { { { 0.6, 0.8 } } },
  },
  {
    "leaves zeros with L2",
    attrs = { norm = "L2" }, inputs = { { { 0, 0 } } },
    outputs = { { { 0, 0 } } },
  },
  {
    "takes integers",
    attrs = { norm = "L2" }, inputs = { i64 { { 3, 4 } } },
    outputs = { { { 0.6, 0.8 } } },
  },
  {
    "refuses an unknown norm",
    attrs = { norm = "L3" }, inputs = { { { 3, 4 } } }, error = "norm: expected MAX, L1 or L2",
  },
})

t.cases("ai.onnx.ml:Binarizer", {
  { "tells what is above 0", inputs = { { { -1, 0, 0.5 } } }, outputs = { { { 0, 0, 1 } } } },
  {
    "takes a threshold",
    attrs = { threshold = 1.0 }, inputs = { { { -1, 1, 2 } } },
    outputs = { { { 0, 0, 1 } } },
  },
  {
    "takes i64",
    attrs = { threshold = 1.0 }, inputs = { i64 { 3, -3 } },
    outputs = { i64 { 1, 0 } },
  },
})

t.cases("ai.onnx.ml:Imputer", {
  {
    "replaces NaN",
    attrs = { imputed_value_floats = { 7.0, 8.0 }, replaced_value_float = nan },
    inputs = { { { 1, nan }, { nan, 4 } } },
    outputs = { { { 1, 8 }, { 7, 4 } } },
  },
  {
    "replaces a number by one for all",
    attrs = { imputed_value_floats = { 9.0 }, replaced_value_float = 0.0 },
    inputs = { { { 0, 2 } } },
    outputs = { { { 9, 2 } } },
  },
  {
    "replaces integers",
    attrs = { imputed_value_int64s = { 3 }, replaced_value_int64 = -1 },
    inputs = { i64 { { -1, 5 } } },
    outputs = { i64 { { 3, 5 } } },
  },
  {
    "refuses another count",
    attrs = { imputed_value_floats = { 1.0, 2.0, 3.0 } }, inputs = { { { 1, 2 } } },
    error = "expected 1 or 2",
  },
})
