-- max(0, x).
local t = require "support.op_cases" (_ENV)
local f32, f16, bf16, i64, i32, i8, u8 = t.f32, t.f16, t.bf16, t.i64, t.i32, t.i8, t.u8
local inf = t.inf

t.cases("Relu", {
  {
    "computes f32",
    inputs = { { { -1.5, 0, 2 }, { -inf, inf, 1e-30 } } },
    outputs = { { { 0, 0, 2 }, { 0, inf, 1e-30 } } },
  },
  { "computes i32", inputs = { i32 { -3, 0, 3 } }, outputs = { i32 { 0, 0, 3 } } },
  { "computes i8", inputs = { i8 { -128, -1, 127 } }, outputs = { i8 { 0, 0, 127 } } },
  {
    "computes i64",
    inputs = { i64 { -4611686018427387904, 4611686018427387904 } },
    outputs = { i64 { 0, 4611686018427387904 } },
  },
  { "computes f16", inputs = { f16 { -1, 0.5 } }, outputs = { f16 { 0, 0.5 } } },
  { "computes bf16", inputs = { bf16 { -1, 0.5 } }, outputs = { bf16 { 0, 0.5 } } },
  { "takes a scalar", inputs = { -3 }, outputs = { 0 } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 2, 0, 3 } } },
    outputs = { f32 { shape = { 2, 0, 3 } } },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0 } }, inputs = { { -1, 1 } },
    outputs = { { 0, 1 } },
  },
  { "refuses unsigned numbers", inputs = { u8 { 1 } }, error = "u8" },
})
