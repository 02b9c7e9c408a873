-- Reductions over axes: an input since opset 18 (ReduceSum: 13), an attribute before.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, i32, i8, u8 = t.f64, t.f32, t.f16, t.i64, t.i32, t.i8, t.u8
local count, nan, inf = t.count, t.nan, t.inf

t.cases("ReduceSum", {
  { "reduces all axes", inputs = { count({ 2, 2, 2 }, "f32", 1) }, outputs = { { { { 36 } } } } },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 36 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 4, 6 } }, { { 12, 14 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 3, 7 }, { 11, 15 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 14, 22 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 3 }, { 7 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 4, 6 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { -1 }, { 7 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993, 1 }, i64 { 0 } },
    outputs = { i64 { 9007199254740994 } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { 0 }, { 0 } } },
  },
  {
    "sums many numbers with little error",
    inputs = { f32 { shape = { 100000 }, 0.1 } },
    outputs = { { 10000 } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 36 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 16, 20 } },
  },
  { "takes a scalar", inputs = { 5 }, outputs = { 5 } },
  {
    "refuses an axis out of range",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 3 } }, error = "got 3",
  },
  {
    "refuses an axis twice",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 0, -3 } }, error = "axis 0",
  },
})

t.cases("ReduceMean", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 4.5 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 4.5 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 2, 3 } }, { { 6, 7 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 1.5, 3.5 }, { 5.5, 7.5 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 3.5, 5.5 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 1.5 }, { 3.5 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 2, 3 } } },
  },
  {
    "computes i32, cut towards zero",
    inputs = { i32 { { 1, 2 }, { -3, -4 } }, i64 { 1 } },
    outputs = { i32 { { 1 }, { -3 } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 4.5 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 4, 5 } },
  },
})

t.cases("ReduceMax", {
  { "reduces all axes", inputs = { count({ 2, 2, 2 }, "f32", 1) }, outputs = { { { { 8 } } } } },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 8 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 3, 4 } }, { { 7, 8 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 2, 4 }, { 6, 8 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 6, 8 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 2 }, { 4 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 3, 4 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { 1 }, { 4 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993, 1 }, i64 { 0 } },
    outputs = { i64 { 9007199254740993 } },
  },
  { "computes u8", inputs = { u8 { 3, 200, 100 } }, outputs = { u8 { 200 } } },
  { "computes i8", inputs = { i8 { 3, -100, 100 } }, outputs = { i8 { 100 } } },
  {
    "computes booleans since opset 20",
    inputs = { { { true, false }, { true, true } }, i64 { 1 } },
    outputs = { { { true }, { true } } },
  },
  { "keeps NaN", inputs = { { 1, nan, 2 } }, outputs = { { nan } } },
  {
    "gives the end of the range for nothing",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { -inf }, { -inf } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 8 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 7, 8 } },
  },
  { "takes a scalar", inputs = { 5 }, outputs = { 5 } },
  {
    "refuses an axis out of range",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 3 } }, error = "got 3",
  },
  {
    "refuses an axis twice",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 0, -3 } }, error = "axis 0",
  },
})

t.cases("ReduceMin", {
  { "reduces all axes", inputs = { count({ 2, 2, 2 }, "f32", 1) }, outputs = { { { { 1 } } } } },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 1 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 1, 2 } }, { { 5, 6 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 1, 3 }, { 5, 7 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 1, 3 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 1 }, { 3 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 1, 2 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { -2 }, { 3 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993, 1 }, i64 { 0 } },
    outputs = { i64 { 1 } },
  },
  { "computes u8", inputs = { u8 { 3, 200, 100 } }, outputs = { u8 { 3 } } },
  { "computes i8", inputs = { i8 { 3, -100, 100 } }, outputs = { i8 { -100 } } },
  {
    "computes booleans since opset 20",
    inputs = { { { true, false }, { true, true } }, i64 { 1 } },
    outputs = { { { false }, { true } } },
  },
  { "keeps NaN", inputs = { { 1, nan, 2 } }, outputs = { { nan } } },
  {
    "gives the end of the range for nothing",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { inf }, { inf } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 1 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 1, 2 } },
  },
})

t.cases("ReduceProd", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 40320 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 40320 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 3, 8 } }, { { 35, 48 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 2, 12 }, { 30, 56 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 60, 672 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 2 }, { 12 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 3, 8 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { -2 }, { 12 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993, 1 }, i64 { 0 } },
    outputs = { i64 { 9007199254740993 } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { 1 }, { 1 } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 40320 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 105, 384 } },
  },
})

t.cases("ReduceL1", {
  { "reduces all axes", inputs = { count({ 2, 2, 2 }, "f32", 1) }, outputs = { { { { 36 } } } } },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 36 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 4, 6 } }, { { 12, 14 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 3, 7 }, { 11, 15 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 14, 22 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 3 }, { 7 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 4, 6 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { 3 }, { 7 } } },
  },
  {
    "computes i64",
    inputs = { i64 { 9007199254740993, 1 }, i64 { 0 } },
    outputs = { i64 { 9007199254740994 } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { 0 }, { 0 } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 36 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 16, 20 } },
  },
})

t.cases("ReduceL2", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 14.28286 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 14.28286 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 3.162278, 4.472136 } }, { { 8.602325, 10 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 2.236068, 5 }, { 7.81025, 10.63015 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 8.124039, 11.74734 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 2.2363 }, { 5 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 3.162277660168, 4.472135955 } } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { 0 }, { 0 } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 14.28286 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 9.165152, 10.95445 } },
  },
})

t.cases("ReduceSumSquare", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 204 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 204 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 10, 20 } }, { { 74, 100 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 5, 25 }, { 61, 113 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 66, 138 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 5 }, { 25 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 10, 20 } } },
  },
  {
    "computes i32",
    inputs = { i32 { { 1, -2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { i32 { { 5 }, { 25 } } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { 0 }, { 0 } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 4 }, { 9, 16 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 204 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 84, 120 } },
  },
})

t.cases("ReduceLogSum", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 3.583519 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 3.583519 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 1.386294, 1.791759 } }, { { 2.484907, 2.639057 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 1.098612, 1.94591 }, { 2.397895, 2.70805 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 2.639057, 3.091043 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 1.0986 }, { 1.9463 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 1.38629436112, 1.791759469228 } } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { -inf }, { -inf } } },
  },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 0, 0.6931472 }, { 1.098612, 1.386294 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 3.583519 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 2.772589, 2.995732 } },
  },
})

t.cases("ReduceLogSumExp", {
  {
    "reduces all axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { { { 8.45834 } } } },
  },
  {
    "drops them with keepdims 0",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { 8.45834 },
  },
  {
    "takes axes",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 1 } },
    outputs = { { { { 3.126928, 4.126928 } }, { { 7.126928, 8.126928 } } } },
  },
  {
    "takes a negative axis",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { -1 } },
    outputs = { { { 2.313262, 4.313262 }, { 6.313262, 8.313262 } } },
  },
  {
    "takes two axes",
    attrs = { keepdims = 0 }, inputs = { count({ 2, 2, 2 }, "f32", 1), i64 { 2, 0 } },
    outputs = { { 6.331412, 8.331411 } },
  },
  {
    "computes f16",
    inputs = { f16 { { 1, 2 }, { 3, 4 } }, i64 { 1 } },
    outputs = { f16 { { 2.3125 }, { 4.3125 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2 }, { 3, 4 } }, i64 { 0 } },
    outputs = { f64 { { 3.126928011043, 4.126928011043 } } },
  },
  {
    "reduces nothing to its neutral element",
    inputs = { f32 { shape = { 2, 0 } }, i64 { 1 } },
    outputs = { { { -inf }, { -inf } } },
  },
  { "doesn't overflow", inputs = { { 1000, 1000 } }, outputs = { { 1000.693 } } },
  {
    "reduces nothing for empty axes with noop_with_empty_axes",
    attrs = { noop_with_empty_axes = 1 }, inputs = { { { 1, 2 }, { 3, 4 } }, i64 {} },
    outputs = { { { 1, 2 }, { 3, 4 } } },
  },
  {
    "reduces all for empty axes without it",
    inputs = { count({ 2, 2, 2 }, "f32", 1), i64 {} },
    outputs = { { { { 8.45834 } } } },
  },
  {
    "took axes as an attribute before",
    opset = 11, attrs = { axes = { 0, 1 }, keepdims = 0 },
    inputs = { count({ 2, 2, 2 }, "f32", 1) },
    outputs = { { 7.145078, 8.145078 } },
  },
})
