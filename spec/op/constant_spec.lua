-- One of several attributes is the value.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, string = t.f32, t.f16, t.i64, t.string

t.cases("Constant", {
  { "takes a tensor", attrs = { value = f32 { { 1, 2 } } }, outputs = { { { 1, 2 } } } },
  { "takes a tensor of f16", attrs = { value = f16 { 1, 2 } }, outputs = { f16 { 1, 2 } } },
  {
    "takes a tensor of strings",
    attrs = { value = string { "a", "b" } },
    outputs = { { "a", "b" } },
  },
  { "takes an int", attrs = { value_int = 5 }, outputs = { i64(5) } },
  { "takes ints", attrs = { value_ints = { 5, 6 } }, outputs = { i64 { 5, 6 } } },
  { "takes a float", attrs = { value_float = 0.5 }, outputs = { 0.5 } },
  { "takes floats", attrs = { value_floats = { 0.5, 1.5 } }, outputs = { { 0.5, 1.5 } } },
  { "takes a string", attrs = { value_string = "hello" }, outputs = { "hello" } },
  { "takes strings", attrs = { value_strings = { "a", "b" } }, outputs = { { "a", "b" } } },
  { "ran at opset 1", opset = 1, attrs = { value = i64(3) }, outputs = { i64(3) } },
  { "needs a value", error = "expected one attribute with a value" },
  { "refuses two", attrs = { value_int = 1, value_float = 0.5 }, error = "exclude each other" },
})
