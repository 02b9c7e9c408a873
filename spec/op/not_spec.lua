-- Logical and bitwise complement.
local t = require "support.op_cases" (_ENV)
local i64, i8, u32, u8, bool = t.i64, t.i8, t.u32, t.u8, t.bool

t.cases("Not", {
  {
    "turns booleans",
    inputs = { { { true, false }, { false, false } } },
    outputs = { { { false, true }, { true, true } } },
  },
  { "takes a scalar", inputs = { true }, outputs = { false } },
  { "takes an empty tensor", inputs = { bool {} }, outputs = { bool {} } },
  { "refuses numbers", inputs = { { 1 } }, error = "f32" },
})

t.cases("BitwiseNot", {
  { "turns u8", inputs = { u8 { 0, 1, 170, 255 } }, outputs = { u8 { 255, 254, 85, 0 } } },
  { "turns i8", inputs = { i8 { 0, 1, -128 } }, outputs = { i8 { -1, -2, 127 } } },
  {
    "turns i64",
    inputs = { i64 { 0, 1099511627776 } },
    outputs = { i64 { -1, -1099511627777 } },
  },
  {
    "turns u32",
    inputs = { u32 { { 0 }, { 4294967295 } } },
    outputs = { u32 { { 4294967295 }, { 0 } } },
  },
  { "refuses floats", inputs = { { 1 } }, error = "f32" },
})
