-- The largest, mean, or p-norm of windows; ceil_mode and padding are where runtimes differ.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, u8, count = t.f64, t.f32, t.f16, t.i64, t.u8, t.count

t.cases("MaxPool", {
  {
    "takes NaN for less than any number",
    attrs = { kernel_shape = { 2 } }, inputs = { { { { 1, t.nan, 2, t.nan, t.nan } } } },
    outputs = { { { { 1, 2, 2, -t.inf } } } },
  },
  {
    "takes the largest",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 5, 6, 7 }, { 9, 10, 11 }, { 13, 14, 15 } } } } },
  },
  {
    "takes strides",
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 5, 7 }, { 13, 15 } } } } },
  },
  {
    "takes pads, which never win",
    attrs = { kernel_shape = { 3, 3 }, pads = { 1, 1, 1, 1 } },
    inputs = { count({ 1, 1, 3, 3 }, "f32", -1, -1) },
    outputs = { { { { { -1, -1, -2 }, { -1, -1, -2 }, { -4, -4, -5 } } } } },
  },
  {
    "takes dilations",
    attrs = { kernel_shape = { 2, 2 }, dilations = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 10, 11 }, { 14, 15 } } } } },
  },
  {
    "rounds the size up in ceil_mode",
    attrs = { kernel_shape = { 2 }, strides = { 2 }, ceil_mode = 1 },
    inputs = { { { { 0, 1, 2, 3, 4 } } } },
    outputs = { { { { 1, 3, 4 } } } },
  },
  {
    "gives indices into the whole tensor",
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 } }, inputs = { count { 1, 2, 2, 4 } },
    outputs = { { { { { 5, 7 } }, { { 13, 15 } } } }, i64 { { { { 5, 7 } }, { { 13, 15 } } } } },
  },
  {
    "gives column-major indices with storage_order",
    attrs = { kernel_shape = { 2, 2 }, storage_order = 1 },
    inputs = { { { { { 0, 1, 2 }, { 3, 4, 5 } } } } },
    outputs = { { { { { 4, 5 } } } }, i64 { { { { 3, 5 } } } } },
  },
  {
    "pads by SAME_UPPER",
    attrs = { kernel_shape = { 2, 2 }, strides = { 1, 1 }, auto_pad = "SAME_UPPER" },
    inputs = { count { 1, 1, 4, 4 } },
    outputs = {
      f32 { shape = { 1, 1, 4, 4 }, 5, 6, 7, 7, 9, 10, 11, 11, 13, 14, 15, 15, 13, 14, 15, 15 },
    },
  },
  {
    "pads by SAME_LOWER",
    attrs = { kernel_shape = { 2, 2 }, strides = { 1, 1 }, auto_pad = "SAME_LOWER" },
    inputs = { count { 1, 1, 4, 4 } },
    outputs = { count { 1, 1, 4, 4 } },
  },
  {
    "pads by VALID",
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 }, auto_pad = "VALID" },
    inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 5, 7 }, { 13, 15 } } } } },
  },
  {
    "pools one axis",
    attrs = { kernel_shape = { 3 } }, inputs = { count { 1, 2, 4 } },
    outputs = { { { { 2, 3 }, { 6, 7 } } } },
  },
  {
    "pools three axes",
    attrs = { kernel_shape = { 2, 2, 2 } }, inputs = { count { 1, 1, 2, 2, 2 } },
    outputs = { { { { { { 7 } } } } } },
  },
  {
    "pools u8",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { count({ 1, 1, 3, 3 }, "u8") },
    outputs = { u8 { { { { 4, 5 }, { 7, 8 } } } } },
  },
  {
    "pools i8",
    attrs = { kernel_shape = { 2, 2 }, pads = { 1, 1, 0, 0 } },
    inputs = { count({ 1, 1, 3, 3 }, "i8", -4) },
    outputs = { count({ 1, 1, 3, 3 }, "i8", -4) },
  },
  {
    "pools f16",
    attrs = { kernel_shape = { 3, 3 } }, inputs = { count({ 1, 1, 4, 4 }, "f16") },
    outputs = { f16 { { { { 10, 11 }, { 14, 15 } } } } },
  },
  {
    "pools f64",
    attrs = { kernel_shape = { 3, 3 } }, inputs = { count({ 1, 1, 4, 4 }, "f64") },
    outputs = { f64 { { { { 10, 11 }, { 14, 15 } } } } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { kernel_shape = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 5, 6, 7 }, { 9, 10, 11 }, { 13, 14, 15 } } } } },
  },
  {
    "refuses a kernel of another rank",
    attrs = { kernel_shape = { 2 } }, inputs = { count { 1, 1, 4, 4 } }, error = "kernel_shape",
  },
  {
    "refuses a kernel of 0",
    attrs = { kernel_shape = { 0, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    error = "kernel_shape",
  },
  { "needs a kernel", inputs = { count { 1, 1, 4, 4 } }, error = "kernel_shape" },
})

t.cases("AveragePool", {
  {
    "takes the mean",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 2.5, 3.5, 4.5, 6.5, 7.5, 8.5, 10.5, 11.5, 12.5 } },
  },
  {
    "leaves pads out of the mean",
    attrs = { kernel_shape = { 2, 2 }, pads = { 1, 1, 1, 1 } },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1, 1.5, 2 }, { 2, 2.5, 3 }, { 3, 3.5, 4 } } } } },
  },
  {
    "counts pads with count_include_pad",
    attrs = { kernel_shape = { 2, 2 }, pads = { 1, 1, 1, 1 }, count_include_pad = 1 },
    inputs = { { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 0.25, 0.75, 0.5, 1, 2.5, 1.5, 0.75, 1.75, 1 } },
  },
  {
    "takes strides",
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 2.5, 4.5 }, { 10.5, 12.5 } } } } },
  },
  {
    "takes dilations since opset 19",
    attrs = { kernel_shape = { 2, 2 }, dilations = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = { { { { { 5, 6 }, { 9, 10 } } } } },
  },
  {
    "rounds the size up in ceil_mode",
    attrs = { kernel_shape = { 2 }, strides = { 2 }, ceil_mode = 1 },
    inputs = { { { { 0, 1, 2, 3, 4 } } } },
    outputs = { { { { 0.5, 2.5, 4 } } } },
  },
  {
    "counts pads but not what is past them",
    attrs = {
      kernel_shape = { 3 }, strides = { 2 }, pads = { 1, 0 }, ceil_mode = 1,
      count_include_pad = 1,
    },
    inputs = { { { { 1, 2, 3, 4, 5 } } } },
    outputs = { { { { 1, 3, 4.5 } } } },
  },
  {
    "pads by SAME_UPPER",
    attrs = { kernel_shape = { 2, 2 }, auto_pad = "SAME_UPPER" },
    inputs = { count { 1, 1, 3, 3 } },
    outputs = { { { { { 2, 3, 3.5 }, { 5, 6, 6.5 }, { 6.5, 7.5, 8 } } } } },
  },
  {
    "pads by SAME_LOWER",
    attrs = { kernel_shape = { 2, 2 }, auto_pad = "SAME_LOWER" },
    inputs = { count { 1, 1, 3, 3 } },
    outputs = { { { { { 0, 0.5, 1.5 }, { 1.5, 2, 3 }, { 4.5, 5, 6 } } } } },
  },
  {
    "pools one axis",
    attrs = { kernel_shape = { 2 } }, inputs = { { { { 0, 1, 2, 3 } } } },
    outputs = { { { { 0.5, 1.5, 2.5 } } } },
  },
  {
    "pools three axes",
    attrs = { kernel_shape = { 2, 1, 2 } }, inputs = { count { 1, 1, 2, 2, 2 } },
    outputs = { { { { { { 2.5 }, { 4.5 } } } } } },
  },
  {
    "pools f16",
    attrs = { kernel_shape = { 3, 3 } }, inputs = { count({ 1, 1, 4, 4 }, "f16") },
    outputs = { f16 { { { { 5, 6 }, { 9, 10 } } } } },
  },
  {
    "pools f64",
    attrs = { kernel_shape = { 3, 3 } }, inputs = { count({ 1, 1, 4, 4 }, "f64") },
    outputs = { f64 { { { { 5, 6 }, { 9, 10 } } } } },
  },
  {
    "ran at opset 7",
    opset = 7, attrs = { kernel_shape = { 2, 2 }, pads = { 1, 1, 1, 1 }, count_include_pad = 1 },
    inputs = { count { 1, 1, 4, 4 } },
    outputs = {
      f32 {
        shape = { 1, 1, 5, 5 }, 0, 0.25, 0.75, 1.25, 0.75, 1, 2.5, 3.5, 4.5, 2.5, 3, 6.5, 7.5,
        8.5, 4.5, 5, 10.5, 11.5, 12.5, 6.5, 3, 6.25, 6.75, 7.25, 3.75,
      },
    },
  },
  {
    "refuses integers",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { count({ 1, 1, 4, 4 }, "i32") }, error = "i32",
  },
})

t.cases("LpPool", {
  {
    "takes the 2-norm",
    attrs = { kernel_shape = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 } },
    outputs = {
      f32 {
        shape = { 1, 1, 3, 3 }, 6.480741, 8.124039, 9.899495, 13.63818, 15.55635, 17.49286,
        21.40093, 23.36664, 25.33772,
      },
    },
  },
  {
    "takes the 1-norm",
    attrs = { kernel_shape = { 2, 2 }, p = 1 }, inputs = { count({ 1, 1, 4, 4 }, "f32", -8) },
    outputs = { { { { { 22, 18, 14 }, { 8, 8, 8 }, { 10, 14, 18 } } } } },
  },
  {
    "takes the 3-norm",
    attrs = { kernel_shape = { 2 }, p = 3 }, inputs = { { { { -1, 0, 1, 2 } } } },
    outputs = { { { { 1, 1, 2.080084 } } } },
  },
  {
    "takes strides and pads",
    attrs = { kernel_shape = { 2 }, strides = { 2 }, pads = { 1, 1 } },
    inputs = { { { { 1, 2, 3, 4 } } } },
    outputs = { { { { 1, 3.605551, 4 } } } },
  },
  {
    "rounds the size up in ceil_mode since opset 18",
    attrs = { kernel_shape = { 2 }, strides = { 2 }, ceil_mode = 1 },
    inputs = { { { { 1, 2, 3, 4, 5 } } } },
    outputs = { { { { 2.236068, 5, 5 } } } },
  },
  {
    "takes dilations since opset 18",
    attrs = { kernel_shape = { 2 }, dilations = { 2 } }, inputs = { { { { 1, 2, 3, 4 } } } },
    outputs = { { { { 3.162278, 4.472136 } } } },
  },
  {
    "pads by SAME_UPPER",
    attrs = { kernel_shape = { 2 }, auto_pad = "SAME_UPPER" }, inputs = { { { { 1, 2, 3 } } } },
    outputs = { { { { 2.236068, 3.605551, 3 } } } },
  },
  {
    "computes f64",
    attrs = { kernel_shape = { 2 } }, inputs = { f64 { { { 1, 2, 3 } } } },
    outputs = { f64 { { { 2.2360679775, 3.605551275464 } } } },
  },
  {
    "refuses p of 0",
    attrs = { kernel_shape = { 2, 2 }, p = 0 }, inputs = { count { 1, 1, 4, 4 } },
    error = "p: expected at least 1, got 0",
  },
})
