-- Add, Sub, Mul, Div with broadcasting; integers wrap, their quotients are cut towards zero.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i64, i32, i8 = t.f64, t.f32, t.f16, t.bf16, t.i64, t.i32, t.i8
local u8, count, nan, inf = t.u8, t.count, t.nan, t.inf

t.cases("Add", {
  {
    "computes f32",
    inputs = { { 1.5, -2, 0, 8 }, { 0.5, 4, -3, 2 } },
    outputs = { { 2, 2, -3, 10 } },
  },
  {
    "broadcasts both ways",
    inputs = { { { 1 }, { 2 }, { 4 } }, { 1, 2, -4 } },
    outputs = { { { 2, 3, -3 }, { 3, 4, -2 }, { 5, 6, 0 } } },
  },
  {
    "takes a scalar",
    inputs = { { { 1, 2 }, { 3, 4 } }, 2 },
    outputs = { { { 3, 4 }, { 5, 6 } } },
  },
  {
    "wraps i32",
    inputs = { i32 { 2147483647, -2147483648 }, i32 { 2, 3 } },
    outputs = { i32 { -2147483647, -2147483645 } },
  },
  { "wraps u8 and i8", inputs = { u8 { 200, 3 }, u8 { 100, 5 } }, outputs = { u8 { 44, 8 } } },
  {
    "computes i64 exactly",
    inputs = { i64 { 9007199254740993, 5 }, i64 { 2, -3 } },
    outputs = { i64 { 9007199254740995, 2 } },
  },
  {
    "computes f16, rounded once",
    inputs = { f16 { 1, 2048 }, f16 { 3, 2 } },
    outputs = { f16 { 4, 2050 } }, rtol = 0, atol = 0,
  },
  {
    "computes bf16",
    inputs = { bf16 { 1, 256 }, bf16 { 3, 2 } },
    outputs = { bf16 { 4, 258 } }, rtol = 0, atol = 0,
  },
  {
    "computes f64",
    inputs = { f64 { 0.1, 1e+300 }, f64 { 0.2, 10 } },
    outputs = { f64 { 0.3, 1e+300 } },
  },
  {
    "broadcasts with an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, { 1, 2, 3 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  -- Opset 6 laid the second input on the axes of the first from `axis` on.
  {
    "took an axis before opset 7",
    opset = 6, attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 2, 3, 5, 6, 9, 10, 8, 9, 11, 12, 15, 16 } },
  },
  {
    "aligned the ends without an axis before opset 7",
    opset = 6, attrs = { broadcast = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, { 1, 2, 4 } },
    outputs = { { { 2, 4, 7 }, { 5, 7, 10 } } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, i64 { 1 } }, error = "i64" },
})

t.cases("Sub", {
  {
    "computes f32",
    inputs = { { 1.5, -2, 0, 8 }, { 0.5, 4, -3, 2 } },
    outputs = { { 1, -6, 3, 6 } },
  },
  {
    "broadcasts both ways",
    inputs = { { { 1 }, { 2 }, { 4 } }, { 1, 2, -4 } },
    outputs = { { { 0, -1, 5 }, { 1, 0, 6 }, { 3, 2, 8 } } },
  },
  {
    "takes a scalar",
    inputs = { { { 1, 2 }, { 3, 4 } }, 2 },
    outputs = { { { -1, 0 }, { 1, 2 } } },
  },
  {
    "wraps i32",
    inputs = { i32 { 2147483647, -2147483648 }, i32 { 2, 3 } },
    outputs = { i32 { 2147483645, 2147483645 } },
  },
  { "wraps u8 and i8", inputs = { u8 { 200, 3 }, u8 { 100, 5 } }, outputs = { u8 { 100, 254 } } },
  {
    "computes i64 exactly",
    inputs = { i64 { 9007199254740993, 5 }, i64 { 2, -3 } },
    outputs = { i64 { 9007199254740991, 8 } },
  },
  {
    "computes f16, rounded once",
    inputs = { f16 { 1, 2048 }, f16 { 3, 2 } },
    outputs = { f16 { -2, 2046 } }, rtol = 0, atol = 0,
  },
  {
    "computes bf16",
    inputs = { bf16 { 1, 256 }, bf16 { 3, 2 } },
    outputs = { bf16 { -2, 254 } }, rtol = 0, atol = 0,
  },
  {
    "computes f64",
    inputs = { f64 { 0.1, 1e+300 }, f64 { 0.2, 10 } },
    outputs = { f64 { -0.1, 1e+300 } },
  },
  {
    "broadcasts with an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, { 1, 2, 3 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "took an axis before opset 7",
    opset = 6, attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0, 1, 1, 2, 1, 2, 6, 7, 7, 8, 7, 8 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, i64 { 1 } }, error = "i64" },
})

t.cases("Mul", {
  {
    "computes f32",
    inputs = { { 1.5, -2, 0, 8 }, { 0.5, 4, -3, 2 } },
    outputs = { { 0.75, -8, 0, 16 } },
  },
  {
    "broadcasts both ways",
    inputs = { { { 1 }, { 2 }, { 4 } }, { 1, 2, -4 } },
    outputs = { { { 1, 2, -4 }, { 2, 4, -8 }, { 4, 8, -16 } } },
  },
  {
    "takes a scalar",
    inputs = { { { 1, 2 }, { 3, 4 } }, 2 },
    outputs = { { { 2, 4 }, { 6, 8 } } },
  },
  {
    "wraps i32",
    inputs = { i32 { 2147483647, -2147483648 }, i32 { 2, 3 } },
    outputs = { i32 { -2, -2147483648 } },
  },
  { "wraps u8 and i8", inputs = { u8 { 200, 3 }, u8 { 100, 5 } }, outputs = { u8 { 32, 15 } } },
  {
    "computes i64 exactly",
    inputs = { i64 { 9007199254740993, 5 }, i64 { 2, -3 } },
    outputs = { i64 { 18014398509481986, -15 } },
  },
  {
    "computes f16, rounded once",
    inputs = { f16 { 1, 2048 }, f16 { 3, 2 } },
    outputs = { f16 { 3, 4096 } }, rtol = 0, atol = 0,
  },
  {
    "computes bf16",
    inputs = { bf16 { 1, 256 }, bf16 { 3, 2 } },
    outputs = { bf16 { 3, 512 } }, rtol = 0, atol = 0,
  },
  {
    "computes f64",
    inputs = { f64 { 0.1, 1e+300 }, f64 { 0.2, 10 } },
    outputs = { f64 { 0.02, 1e+301 } },
  },
  {
    "broadcasts with an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, { 1, 2, 3 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "took an axis before opset 7",
    opset = 6, attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 6, 8, 20, 24, 7, 8, 18, 20, 44, 48 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, i64 { 1 } }, error = "i64" },
})

t.cases("Div", {
  {
    "computes f32",
    inputs = { { 1.5, -2, 0, 8 }, { 0.5, 4, -3, 2 } },
    outputs = { { 3, -0.5, 0, 4 } },
  },
  {
    "broadcasts both ways",
    inputs = { { { 1 }, { 2 }, { 4 } }, { 1, 2, -4 } },
    outputs = { { { 1, 0.5, -0.25 }, { 2, 1, -0.5 }, { 4, 2, -1 } } },
  },
  {
    "takes a scalar",
    inputs = { { { 1, 2 }, { 3, 4 } }, 2 },
    outputs = { { { 0.5, 1 }, { 1.5, 2 } } },
  },
  {
    "cuts i32 towards zero",
    inputs = { i32 { 7, -7, 7, -7 }, i32 { 2, 2, -2, -2 } },
    outputs = { i32 { 3, -3, -3, 3 } },
  },
  {
    "divides by zero as IEEE 754",
    inputs = { { 1, -1, 0 }, { 0, 0, 0 } },
    outputs = { { inf, -inf, nan } },
  },
  { "computes u8", inputs = { u8 { 255, 7 }, u8 { 2, 8 } }, outputs = { u8 { 127, 0 } } },
  { "computes i8", inputs = { i8 { -128, 100 }, i8 { 3, -7 } }, outputs = { i8 { -42, -14 } } },
  {
    "gives anything but a crash for i32 by zero",
    inputs = { i32 { 1 }, i32 { 0 } }, check = function(got) assert.equal(1, got[1].count) end,
  },
  {
    "computes f16, rounded once",
    inputs = { f16 { 1, 2048 }, f16 { 3, 2 } },
    outputs = { f16 { 0.33325, 1024 } }, rtol = 0, atol = 0,
  },
  {
    "computes bf16",
    inputs = { bf16 { 1, 256 }, bf16 { 3, 2 } },
    outputs = { bf16 { 0.33398, 128 } }, rtol = 0, atol = 0,
  },
  {
    "computes f64",
    inputs = { f64 { 0.1, 1e+300 }, f64 { 0.2, 10 } },
    outputs = { f64 { 0.5, 1e+299 } },
  },
  {
    "broadcasts with an empty tensor",
    inputs = { f32 { shape = { 0, 3 } }, { 1, 2, 3 } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "took an axis before opset 7",
    opset = 6, attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 1.5, 2, 1.25, 1.5, 7, 8, 4.5, 5, 2.75, 3 } },
  },
  { "refuses shapes that don't meet", inputs = { { 1, 2 }, { 1, 2, 3 } }, error = "broadcast" },
  { "refuses mixed types", inputs = { { 1 }, i64 { 1 } }, error = "i64" },
})
