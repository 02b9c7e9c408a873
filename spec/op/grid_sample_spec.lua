-- Sampling at positions from -1 to 1, the second number along the first axis.
local t = require "support.op_cases" (_ENV)
local f64, f32, count, nan, inf = t.f64, t.f32, t.count, t.nan, t.inf

t.cases("GridSample", {
  {
    "samples linearly",
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f32 { shape = { 1, 2, 2, 2 }, 0, 0, -1, -1, 0.5, 1, 2, -0.3 },
    },
    outputs = { { { { { 2.5, 0 }, { 2.375, 0 } } } } },
  },
  {
    "takes corners at -1 and 1 with align_corners",
    attrs = { align_corners = 1 },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f32 { shape = { 1, 2, 2, 2 }, 0, 0, -1, -1, 0.5, 1, 2, -0.3 },
    },
    outputs = { { { { { 2.5, 0 }, { 4.5, 0 } } } } },
  },
  {
    "takes the nearest",
    attrs = { mode = "nearest" },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f32 { shape = { 1, 2, 2, 2 }, 0.1, 0.2, -0.9, -0.8, 0.5, 0.7, 1.5, -0.3 },
    },
    outputs = { { { { { 4, 0 }, { 5, 0 } } } } },
  },
  {
    "samples by cubics",
    attrs = { mode = "cubic" },
    inputs = {
      count { 1, 1, 4, 4 },
      f32 { shape = { 1, 2, 2, 2 }, 0.1, 0.2, -0.9, -0.8, 0.5, 0.7, 1.5, -0.3 },
    },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 9.114004, -0.2764124, 16.64278, -0.6046172 } },
  },
  {
    "samples by cubics with align_corners",
    attrs = { mode = "cubic", align_corners = 1 },
    inputs = {
      count { 1, 1, 4, 4 },
      f32 { shape = { 1, 2, 2, 2 }, 0.1, 0.2, -0.9, -0.8, 0.5, 0.7, 1.5, -0.3 },
    },
    outputs = { { { { { 8.623876, 1.128188 }, { 14.88464, 1.685775 } } } } },
  },
  {
    "repeats the border",
    attrs = { padding_mode = "border" },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } }, { { { { -3, 0 }, { 1.4, 1.2 }, { 0, 5 } } } },
    },
    outputs = { { { { { 1.5, 5, 4 } } } } },
  },
  {
    "reflects at the border",
    attrs = { padding_mode = "reflection" },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } }, { { { { -3, 0 }, { 1.4, 1.2 }, { 0, 5 } } } },
    },
    outputs = { { { { { 3.5, 4.9, 4 } } } } },
  },
  {
    "reflects at the corners with align_corners",
    attrs = { padding_mode = "reflection", align_corners = 1 },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } }, { { { { -3, 0 }, { 1.4, 1.2 }, { 0, 5 } } } },
    },
    outputs = { { { { { 3.5, 4.3, 4 } } } } },
  },
  {
    "takes three axes since opset 20",
    inputs = { count { 1, 1, 2, 2, 2 }, { { { { { 0, 0, 0 }, { 0.5, -0.5, 0.3 } } } } } },
    outputs = { { { { { { 3.5, 4.2 } } } } } },
  },
  {
    "takes channels and batches",
    inputs = { count { 2, 2, 1, 2 }, { { { { 0, 0 } } }, { { { 1, 0 } } } } },
    outputs = { f32 { shape = { 2, 2, 1, 1 }, 0.5, 2.5, 2.5, 3.5 } },
  },
  {
    "computes f64",
    inputs = {
      f64 { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f64 { shape = { 1, 2, 2, 2 }, 0, 0, -1, -1, 0.5, 1, 2, -0.30000001192092896 },
    },
    outputs = { f64 { { { { 2.5, 0 }, { 2.375, 0 } } } } },
  },
  {
    "called the modes otherwise at opset 16",
    opset = 16, attrs = { mode = "bilinear" },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f32 { shape = { 1, 2, 2, 2 }, 0, 0, -1, -1, 0.5, 1, 2, -0.3 },
    },
    outputs = { { { { { 2.5, 0 }, { 2.375, 0 } } } } },
  },
  {
    "called cubic bicubic at opset 16",
    opset = 16, attrs = { mode = "bicubic" },
    inputs = {
      count { 1, 1, 4, 4 },
      f32 { shape = { 1, 2, 2, 2 }, 0.1, 0.2, -0.9, -0.8, 0.5, 0.7, 1.5, -0.3 },
    },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 9.114004, -0.2764124, 16.64278, -0.6046172 } },
  },
  {
    "takes NaN without harm",
    attrs = { mode = "nearest" },
    inputs = { { { { { 0, 1, 2 }, { 3, 4, 5 } } } }, { { { { nan, 0 }, { inf, -inf } } } } },
    check = function(got) assert.equal(2, got[1].count) end,
  },
  {
    "refuses an unknown mode",
    attrs = { mode = "sinc" },
    inputs = {
      { { { { 0, 1, 2 }, { 3, 4, 5 } } } },
      f32 { shape = { 1, 2, 2, 2 }, 0, 0, -1, -1, 0.5, 1, 2, -0.3 },
    },
    error = "'sinc' is unknown",
  },
  {
    "refuses coordinates of another count",
    inputs = { { { { { 0, 1, 2 }, { 3, 4, 5 } } } }, { { { { 0, 0, 0 } } } } },
    error = "grid: expected 2 coordinates",
  },
  {
    "samples by cubics over three axes",
    attrs = { mode = "cubic" },
    inputs = { count { 1, 1, 2, 2, 2 }, { { { { { 0, 0, 0 }, { 0.5, -0.5, 0.3 } } } } } },
    outputs = { { { { { { 5.860962, 4.8 } } } } } },
  },
})
