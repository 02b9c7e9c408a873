-- Running sums and products.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i32 = t.f64, t.f32, t.f16, t.i64, t.i32

t.cases("CumSum", {
  {
    "runs down an axis",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(0) },
    outputs = { { { 1, 2, 3 }, { 5, 7, 9 } } },
  },
  {
    "runs along another",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 1, 3, 6 }, { 4, 9, 15 } } },
  },
  {
    "takes a negative axis",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64(-1) },
    outputs = { { { 1, 3, 6 }, { 4, 9, 15 } } },
  },
  {
    "leaves the element itself out with exclusive",
    attrs = { exclusive = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 0, 1, 3 }, { 0, 4, 9 } } },
  },
  {
    "runs backwards with reverse",
    attrs = { reverse = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 6, 5, 3 }, { 15, 11, 6 } } },
  },
  {
    "does both",
    attrs = { reverse = 1, exclusive = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 5, 3, 0 }, { 11, 6, 0 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740992, 1, 1 }, i32(0) },
    outputs = { i64 { 9007199254740992, 9007199254740993, 9007199254740994 } },
  },
  { "computes f64", inputs = { f64 { 0.5, 2 }, i32(0) }, outputs = { f64 { 0.5, 2.5 } } },
  { "computes f16", inputs = { f16 { 0.5, 2, 4 }, i32(0) }, outputs = { f16 { 0.5, 2.5, 6.5 } } },
  { "takes the axis as a list of one", inputs = { { 1, 2 }, i32 { 0 } }, outputs = { { 1, 3 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, i32(0) },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "ran at opset 11", opset = 11, inputs = { { 1, 2 }, i32(0) }, outputs = { { 1, 3 } } },
  { "refuses an axis out of range", inputs = { { 1, 2 }, i32(1) }, error = "got 1" },
})

t.cases("CumProd", {
  {
    "runs down an axis",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(0) },
    outputs = { { { 1, 2, 3 }, { 4, 10, 18 } } },
  },
  {
    "runs along another",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 1, 2, 6 }, { 4, 20, 120 } } },
  },
  {
    "takes a negative axis",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i64(-1) },
    outputs = { { { 1, 2, 6 }, { 4, 20, 120 } } },
  },
  {
    "leaves the element itself out with exclusive",
    attrs = { exclusive = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 1, 1, 2 }, { 1, 4, 20 } } },
  },
  {
    "runs backwards with reverse",
    attrs = { reverse = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 6, 6, 3 }, { 120, 30, 6 } } },
  },
  {
    "does both",
    attrs = { reverse = 1, exclusive = 1 }, inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, i32(1) },
    outputs = { { { 6, 3, 1 }, { 30, 6, 1 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740992, 1, 1 }, i32(0) },
    outputs = { i64 { 9007199254740992, 9007199254740992, 9007199254740992 } },
  },
  { "computes f64", inputs = { f64 { 0.5, 2 }, i32(0) }, outputs = { f64 { 0.5, 1 } } },
  { "computes f16", inputs = { f16 { 0.5, 2, 4 }, i32(0) }, outputs = { f16 { 0.5, 1, 4 } } },
  { "takes the axis as a list of one", inputs = { { 1, 2 }, i32 { 0 } }, outputs = { { 1, 2 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 2 } }, i32(0) },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  { "refuses an axis out of range", inputs = { { 1, 2 }, i32(1) }, error = "got 1" },
})
