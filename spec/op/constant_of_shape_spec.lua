-- One element everywhere; f32 zero by default.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, i32, u8, u4, bool = t.f32, t.f16, t.i64, t.i32, t.u8, t.u4, t.bool

t.cases("ConstantOfShape", {
  { "gives zeros", inputs = { i64 { 2, 3 } }, outputs = { f32 { shape = { 2, 3 }, 0 } } },
  {
    "takes a value",
    attrs = { value = f32 { 7 } }, inputs = { i64 { 2 } },
    outputs = { { 7, 7 } },
  },
  {
    "takes the type of the value",
    attrs = { value = i32 { 5 } }, inputs = { i64 { 3 } },
    outputs = { i32 { 5, 5, 5 } },
  },
  {
    "takes booleans",
    attrs = { value = bool { true } }, inputs = { i64 { 2 } },
    outputs = { { true, true } },
  },
  {
    "takes f16",
    attrs = { value = f16 { 0.5 } }, inputs = { i64 { 1, 2 } },
    outputs = { f16 { { 0.5, 0.5 } } },
  },
  { "gives a scalar", attrs = { value = i64 { 9 } }, inputs = { i64 {} }, outputs = { i64(9) } },
  { "gives nothing", inputs = { i64 { 0, 2 } }, outputs = { f32 { shape = { 0, 2 } } } },
  {
    "takes u4",
    attrs = { value = u4 { 9 } }, inputs = { i64 { 3 } },
    outputs = { u4 { 9, 9, 9 } },
  },
  {
    "ran at opset 9",
    opset = 9, attrs = { value = u8 { 3 } }, inputs = { i64 { 2 } },
    outputs = { u8 { 3, 3 } },
  },
  { "refuses negative sizes", inputs = { i64 { 2, -1 } }, error = "expected a size, got %-1" },
  {
    "refuses two elements",
    attrs = { value = f32 { 1, 2 } }, inputs = { i64 { 2 } },
    error = "value: expected one element, got 2",
  },
})
