-- Pools and convolutions; a p that was a float.
local attr = require("perigee").attr
local t = require "support.op_cases"
local f32, i64, count = t.f32, t.i64, t.count

return {
  {
    "AveragePool", { 1 }, "leaves the padding out",
    attrs = { kernel_shape = { 3, 3 }, pads = { 1, 1, 1, 1 }, strides = { 2, 2 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 3.5, 5, 9.5, 11 } },
  },
  {
    "AveragePool", { 7, 10, 11, 19 },
    attrs = { kernel_shape = { 3, 3 }, pads = { 1, 1, 1, 1 }, strides = { 2, 2 }, count_include_pad
    = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 1.5555556, 3.3333333, 6.3333335, 11 } },
  },
  {
    "AveragePool", { 10, 11 },
    attrs = { kernel_shape = { 3, 3 }, strides = { 2, 2 }, ceil_mode = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 6, 7.5, 12, 13.5 } },
  },
  {
    "AveragePool", { 1 },
    attrs = { kernel_shape = { 2, 2 }, auto_pad = "SAME_UPPER" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 3.5, 4.5, 5.5, 6, 7.5, 8.5, 9.5, 10, 11.5, 12.5, 13.5,
    14, 13.5, 14.5, 15.5, 16 } },
  },
  {
    "MaxPool", { 1 },
    attrs = { kernel_shape = { 2, 2 }, auto_pad = "SAME_LOWER" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
  },
  {
    "MaxPool", { 8 },
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 }, storage_order = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 6, 8, 14, 16 }, i64 { shape = { 1, 1, 2, 2 }, 5, 13,
    7, 15 } },
  },
  {
    "MaxPool", { 10, 11, 12 },
    attrs = { kernel_shape = { 2, 2 }, dilations = { 2, 2 }, strides = { 2, 2 }, ceil_mode = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 11 } },
  },
  {
    "LpPool", { 1 },
    attrs = { kernel_shape = { 2, 2 }, p = attr.float(1.0) },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 14, 18, 22, 30, 34, 38, 46, 50, 54 } },
  },
  {
    "LpPool", { 1 }, "takes any p",
    attrs = { kernel_shape = { 2, 1 }, p = attr.float(1.5) },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 3, 4 }, 5.2938662, 6.7470112, 8.2546625, 9.7890434, 11.338612,
    12.897651, 14.462997, 16.032759, 17.605724, 19.181099, 20.758326, 22.337004 } },
  },
  {
    "LpPool", { 1 }, "has p 2 by default",
    attrs = { kernel_shape = { 1, 2 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 4, 3 }, 2.236068, 3.6055512, 5, 7.8102498, 9.2195444,
    10.630146, 13.453624, 14.866069, 16.27882, 19.104973, 20.518284, 21.931713 } },
  },
  {
    "LpPool", { 2, 11 },
    attrs = { kernel_shape = { 2, 2 }, p = 3 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 3, 3 }, 7.0472989, 8.4061184, 9.8166599, 12.74452, 14.244022,
    15.759423, 18.823858, 20.368183, 21.918432 } },
  },
  {
    "LpPool", { 18 },
    attrs = { kernel_shape = { 2, 2 }, p = 1, ceil_mode = 1, strides = { 3, 3 } },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, 14, 12, 27, 16 } },
  },
  {
    "GlobalLpPool", { 1 }, "takes any p",
    attrs = { p = attr.float(2.5) },
    inputs = { count({ 1, 1, 4, 4 }, "f32", -1, -1) },
    outputs = { f32 { shape = { 1, 1, 1, 1 }, 30.663225 } },
  },
  {
    "GlobalLpPool", { 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 1, 1 }, 38.678158 } },
  },
  {
    "GlobalLpPool", { 2 },
    attrs = { p = 1 },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1) },
    outputs = { f32 { shape = { 1, 1, 1, 1 }, 136 } },
  },
  {
    "ConvTranspose", { 1 },
    attrs = { strides = { 2, 2 }, output_shape = { 6, 6 } },
    inputs = { count { 1, 1, 3, 3 }, f32 { shape = { 1, 1, 2, 2 }, 1 } },
    outputs = { f32 { shape = { 1, 1, 6, 6 }, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5,
    3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 6, 6, 7, 7, 8, 8 } },
  },
  {
    "ConvTranspose", { 1 },
    attrs = { auto_pad = "SAME_UPPER", strides = { 2, 2 } },
    inputs = { count { 1, 1, 2, 2 }, count { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 0, 0, 0, 1, 0, 0, 2, 3, 0, 2, 0, 3, 4, 6, 6, 9 } },
  },
  {
    "ConvTranspose", { 11 },
    attrs = { strides = { 2, 2 }, output_padding = { 1, 1 } },
    inputs = { count { 1, 1, 2, 2 }, count { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 5, 5 }, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0, 0, 2, 0, 3, 0, 4, 6, 6,
    9, 0, 0, 0, 0, 0, 0 } },
  },
  {
    "Conv", { 1, 11 },
    attrs = { auto_pad = "SAME_LOWER" },
    inputs = { count({ 1, 1, 4, 4 }, "f32", 1), count { 1, 1, 2, 2 } },
    outputs = { f32 { shape = { 1, 1, 4, 4 }, 3, 8, 13, 18, 16, 30, 36, 42, 32, 54, 60, 66, 48, 78,
    84, 90 } },
  },
}
