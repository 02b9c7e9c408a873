-- To another type: floats to integers cut towards zero, to smaller floats rounded to even.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i64, i32, i16 = t.f64, t.f32, t.f16, t.bf16, t.i64, t.i32, t.i16
local i8, u8, i4, u4, f8e4m3fn, f8e5m2 = t.i8, t.u8, t.i4, t.u4, t.f8e4m3fn, t.f8e5m2
local nan, inf = t.nan, t.inf

t.cases("Cast", {
  {
    "cuts floats towards zero",
    attrs = { to = 6 }, inputs = { { -1.9, 1.9, 100.5 } },
    outputs = { i32 { -1, 1, 100 } },
  },
  {
    "makes booleans of what is not zero",
    attrs = { to = 9 }, inputs = { { 0, -0.0, 0.1, nan } },
    outputs = { { false, false, true, true } },
  },
  {
    "makes numbers of booleans",
    attrs = { to = 1 }, inputs = { { true, false } },
    outputs = { { 1, 0 } },
  },
  {
    "widens i32 to i64",
    attrs = { to = 7 }, inputs = { i32 { -5, 5 } },
    outputs = { i64 { -5, 5 } },
  },
  {
    "wraps i64 to u8",
    attrs = { to = 2 }, inputs = { i64 { 263, -1 } },
    outputs = { u8 { 7, 255 } },
  },
  {
    "rounds f32 to f16, to even",
    attrs = { to = 10 }, inputs = { { 2049, 2051, 1000000, 1e-09 } },
    outputs = { f16 { 2048, 2052, inf, 0 } }, rtol = 0, atol = 0,
  },
  {
    "rounds f64 to f32",
    attrs = { to = 1 }, inputs = { f64 { 0.1, 1e+300 } },
    outputs = { { 0.1, inf } },
  },
  {
    "rounds f32 to bf16",
    attrs = { to = 16 }, inputs = { { 1.0039062, 3.14159 } },
    outputs = { bf16 { 1, 3.1406 } }, rtol = 0, atol = 0,
  },
  {
    "saturates f8e4m3fn",
    attrs = { to = 17 }, inputs = { { 0.3, -500, 1000, nan } },
    outputs = { f8e4m3fn { 0.3125, -448, 448, nan } },
  },
  {
    "gives NaN in f8e4m3fn when not to saturate",
    attrs = { to = 17, saturate = 0 }, inputs = { { 0.3, 1000 } },
    outputs = { f8e4m3fn { 0.3125, nan } },
  },
  {
    "saturates f8e5m2",
    attrs = { to = 19 }, inputs = { { 0.3, 1000000 } },
    outputs = { f8e5m2 { 0.3125, 57344 } },
  },
  {
    "gives infinity in f8e5m2 when not to saturate",
    attrs = { to = 19, saturate = 0 }, inputs = { { 1000000 } },
    check = function(got) assert.equal(inf, got[1]:get(1)) end,
  },
  {
    "reads numbers in strings",
    attrs = { to = 1 }, inputs = { { "3.25", "-1e3", "inf", "NaN" } },
    outputs = { { 3.25, -1000, inf, nan } },
  },
  {
    "reads integers in strings",
    attrs = { to = 7 }, inputs = { { "42", "-7" } },
    outputs = { i64 { 42, -7 } },
  },
  {
    "writes numbers to strings",
    attrs = { to = 8 }, inputs = { i64 { 42, -7 } },
    outputs = { { "42", "-7" } },
  },
  { "packs u4", attrs = { to = 21 }, inputs = { { 0, 7, 15 } }, outputs = { u4 { 0, 7, 15 } } },
  {
    "packs i4",
    attrs = { to = 22 }, inputs = { i32 { -8, 7, 3 } },
    outputs = { i4 { -8, 7, 3 } },
  },
  {
    "takes an empty tensor",
    attrs = { to = 7 }, inputs = { f32 { shape = { 0, 2 } } },
    outputs = { i64 { shape = { 0, 2 } } },
  },
  { "takes a scalar", attrs = { to = 6 }, inputs = { 2.5 }, outputs = { i32(2) } },
  {
    "ran at opset 9",
    opset = 9, attrs = { to = 11 }, inputs = { { 1.5 } },
    outputs = { f64 { 1.5 } },
  },
  { "refuses an unknown type", attrs = { to = 99 }, inputs = { { 1 } }, error = "99" },
  {
    "refuses strings that are no numbers",
    attrs = { to = 1 }, inputs = { { "one" } }, error = "one",
  },
})

t.cases("CastLike", {
  {
    "takes the type of the second input",
    inputs = { { 1.5, -1.5 }, i32 { 0 } },
    outputs = { i32 { 1, -1 } },
  },
  { "casts to f16", inputs = { { 2049 }, f16(0) }, outputs = { f16 { 2048 } } },
  { "casts to strings", inputs = { i64 { 1 }, { "x" } }, outputs = { { "1" } } },
  { "ran at opset 15", opset = 15, inputs = { { 1.5 }, i64 {} }, outputs = { i64 { 1 } } },
})

t.cases("BitCast", {
  {
    "looks at f32 as i32",
    attrs = { to = 6 }, inputs = { { 1, -2 } },
    outputs = { i32 { 1065353216, -1073741824 } },
  },
  {
    "looks at i16 as f16",
    attrs = { to = 10 }, inputs = { i16 { 15360 } },
    outputs = { f16 { 1 } },
  },
  {
    "looks at i8 as u8",
    attrs = { to = 2 }, inputs = { i8 { -1, 1 } },
    outputs = { u8 { 255, 1 } },
  },
  { "refuses another width", attrs = { to = 11 }, inputs = { { 1 } }, error = "width" },
})
