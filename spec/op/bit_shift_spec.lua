-- Left and right by the other input; the direction has no default.
local t = require "support.op_cases" (_ENV)
local i32, u64, u32, u16, u8 = t.i32, t.u64, t.u32, t.u16, t.u8

t.cases("BitShift", {
  {
    "shifts left",
    attrs = { direction = "LEFT" }, inputs = { u8 { 1, 3, 128 }, u8 { 1, 7, 1 } },
    outputs = { u8 { 2, 128, 0 } },
  },
  {
    "shifts right",
    attrs = { direction = "RIGHT" }, inputs = { u8 { 16, 255, 1 }, u8 { 2, 4, 1 } },
    outputs = { u8 { 4, 15, 0 } },
  },
  {
    "broadcasts",
    attrs = { direction = "LEFT" }, inputs = { u32 { { 1 }, { 2 } }, u32 { 0, 4 } },
    outputs = { u32 { { 1, 16 }, { 2, 32 } } },
  },
  {
    "computes u64",
    attrs = { direction = "LEFT" }, inputs = { u64 { 1, 0x8000000000000000 }, u64 { 40, 0 } },
    outputs = { u64 { 1099511627776, 0x8000000000000000 } },
  },
  {
    "computes u16",
    attrs = { direction = "RIGHT" }, inputs = { u16 { 65535 }, u16 { 8 } },
    outputs = { u16 { 255 } },
  },
  {
    "shifts signed numbers since opset 28",
    attrs = { direction = "RIGHT" }, inputs = { i32 { -8, 8 }, i32 { 1, 1 } },
    outputs = { i32 { -4, 4 } },
  },
  {
    "gives 0 for shifts of the width and more",
    attrs = { direction = "LEFT" }, inputs = { u8 { 255 }, u8 { 8 } },
    outputs = { u8 { 0 } },
  },
  {
    "ran at opset 11",
    opset = 11, attrs = { direction = "LEFT" }, inputs = { u8 { 1, 3 }, u8 { 1, 1 } },
    outputs = { u8 { 2, 6 } },
  },
  {
    "refuses an unknown direction",
    attrs = { direction = "UP" }, inputs = { u8 { 1 }, u8 { 1 } },
    error = "direction: expected LEFT or RIGHT",
  },
  { "refuses floats", attrs = { direction = "LEFT" }, inputs = { { 1 }, { 1 } }, error = "f32" },
})
