-- Floats to small integers and back: by tensor, by axis, by blocks.
local t = require "support.op_cases" (_ENV)
local f16, i32, i16, i8, u16, u8, i4 = t.f16, t.i32, t.i16, t.i8, t.u16, t.u8, t.i4
local u4, f8e4m3fn, count, nan = t.u4, t.f8e4m3fn, t.count, t.nan

t.cases("QuantizeLinear", {
  {
    "quantizes to u8",
    inputs = { { 0, 2, 3, 1000, -254, -1000 }, 2, u8(128) },
    outputs = { u8 { 128, 129, 130, 255, 1, 0 } },
  },
  {
    "rounds halves to even",
    inputs = { { 0.5, 1.5, 2.5, -0.5, -1.5 }, 1, i8(0) },
    outputs = { i8 { 0, 2, 2, 0, -2 } },
  },
  {
    "quantizes to u8 without a zero point",
    inputs = { { 0, 1, 300 }, 2 },
    outputs = { u8 { 0, 0, 150 } },
  },
  {
    "quantizes each channel",
    attrs = { axis = 1 }, inputs = { { { { 1, 2 }, { 3, 4 } } }, { 0.5, 2 }, u8 { 10, 20 } },
    outputs = { u8 { { { 12, 14 }, { 22, 22 } } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 0.5, 2 }, i8 { 0, 1 } },
    outputs = { i8 { { 2, 2 }, { 6, 3 } } },
  },
  {
    "quantizes blocks",
    attrs = { axis = 1, block_size = 2 },
    inputs = { count { 2, 4 }, { { 0.5, 1 }, { 2, 4 } }, u8 { { 0, 1 }, { 2, 3 } } },
    outputs = { u8 { { 0, 2, 3, 4 }, { 4, 4, 5, 5 } } },
  },
  {
    "quantizes to i16",
    inputs = { { -40000, 0.5, 40000 }, 1, i16(0) },
    outputs = { i16 { -32768, 0, 32767 } },
  },
  {
    "quantizes to u16",
    inputs = { { 0, 1, 70000 }, 1, u16(5) },
    outputs = { u16 { 5, 6, 65535 } },
  },
  {
    "quantizes to i4",
    inputs = { { -9, -8, 3.4, 9 }, 1, i4(0) },
    outputs = { i4 { -8, -8, 3, 7 } },
  },
  { "quantizes to u4", inputs = { { -1, 3.5, 20 }, 1, u4(1) }, outputs = { u4 { 0, 5, 15 } } },
  -- 100 lies halfway between 96 and 104: to even.
  {
    "quantizes to f8e4m3fn",
    inputs = { { 0.3, 100, 1000 }, 1, f8e4m3fn(0) },
    outputs = { f8e4m3fn { 0.3125, 96, 448 } },
  },
  {
    "doesn't saturate f8e4m3fn with saturate 0",
    attrs = { saturate = 0 }, inputs = { { 1000 }, 1, f8e4m3fn(0) },
    outputs = { f8e4m3fn { nan } },
  },
  {
    "takes output_dtype",
    attrs = { output_dtype = 3 }, inputs = { { -200, 3 }, 1 },
    outputs = { i8 { -128, 3 } },
  },
  { "takes f16", inputs = { f16 { 1, 2, 3 }, f16(0.5), u8(1) }, outputs = { u8 { 3, 5, 7 } } },
  {
    "ran at opset 10",
    opset = 10, inputs = { { 0, 2, 3 }, 2, u8(128) },
    outputs = { u8 { 128, 129, 130 } },
  },
  {
    "refuses scales that don't fit",
    attrs = { axis = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, { 1, 2, 3 }, u8 { 0, 0, 0 } },
    error = "scale",
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 1, 2 } }, { 1, 2 } }, error = "2",
  },
  {
    "refuses a zero point of another shape",
    attrs = { axis = 1 }, inputs = { { { 1, 2 } }, { 1, 2 }, u8(0) }, error = "zero point",
  },
})

t.cases("DequantizeLinear", {
  {
    "takes u8",
    inputs = { u8 { 0, 3, 128, 255 }, 2, u8(128) },
    outputs = { { -256, -250, 0, 254 } },
  },
  {
    "takes i8 without a zero point",
    inputs = { i8 { -128, 5 }, 0.5 },
    outputs = { { -64, 2.5 } },
  },
  { "takes i32", inputs = { i32 { -5, 1000 }, 0.25 }, outputs = { { -1.25, 250 } } },
  {
    "takes each channel",
    attrs = { axis = 0 }, inputs = { u8 { { 1, 2 }, { 3, 4 } }, { 0.5, 2 }, u8 { 1, 0 } },
    outputs = { { { 0, 0.5 }, { 6, 8 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { u8 { { 1, 2 }, { 3, 4 } }, { 0.5, 2 } },
    outputs = { { { 0.5, 1 }, { 6, 8 } } },
  },
  {
    "takes blocks",
    attrs = { axis = 1, block_size = 2 },
    inputs = { count({ 2, 4 }, "u8"), { { 0.5, 1 }, { 2, 4 } }, u8 { { 0, 1 }, { 2, 3 } } },
    outputs = { { { 0, 0.5, 1, 2 }, { 4, 6, 12, 16 } } },
  },
  { "takes i4", inputs = { i4 { -8, 7 }, 0.5, i4(1) }, outputs = { { -4.5, 3 } } },
  { "takes u16", inputs = { u16 { 65535, 1 }, 1, u16(1) }, outputs = { { 65534, 0 } } },
  { "takes f8e4m3fn", inputs = { f8e4m3fn { 0.3125, 448 }, 2 }, outputs = { { 0.625, 896 } } },
  {
    "gives f16 by an f16 scale",
    inputs = { u8 { 3, 5 }, f16(0.5), u8(1) },
    outputs = { f16 { 1, 2 } },
  },
  { "ran at opset 10", opset = 10, inputs = { u8 { 3 }, 2, u8(1) }, outputs = { { 4 } } },
  {
    "refuses scales that don't fit",
    attrs = { axis = 1 }, inputs = { u8 { { 1, 2 }, { 3, 4 } }, { 1, 2, 3 } }, error = "scale",
  },
  { "refuses floats", inputs = { { 1 }, 1 }, error = "f32" },
})

t.cases("DynamicQuantizeLinear", {
  {
    "covers the range",
    inputs = { { 0, 2, -3, -2.5, 1.34, 0.5 } },
    outputs = { u8 { 153, 255, 0, 26, 221, 179 }, 0.01960784, u8(153) },
  },
  {
    "covers 0 when all is positive",
    inputs = { { 1, 2.1, 1.3, 2.5, 3.34, 4 } },
    outputs = { u8 { 64, 134, 83, 159, 213, 255 }, 0.01568628, u8(0) },
  },
  {
    "covers 0 when all is negative",
    inputs = { { -1, -2, -4 } },
    outputs = { u8 { 191, 128, 0 }, 0.01568628, u8(255) },
  },
  { "gives zeros for zeros", inputs = { { 0, 0 } }, outputs = { u8 { 0, 0 }, false, u8(0) } },
  {
    "takes a matrix",
    inputs = { { { 1, 2 }, { -3, 4 } } },
    outputs = { u8 { { 145, 182 }, { 0, 255 } }, 0.02745098, u8(109) },
  },
  { "refuses integers", inputs = { i32 { 1 } }, n_outputs = 3, error = "i32" },
})
