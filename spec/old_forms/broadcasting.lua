-- Broadcasting before opset 7: `broadcast` and `axis` laid the second input on the first.
local t = require "support.op_cases"
local f32, i64, i32, count = t.f32, t.i64, t.i32, t.count

return {
  {
    "Add", { 1, 6 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 2, 3, 5, 6, 9, 10, 8, 9, 11, 12, 15, 16 } },
  },
  {
    "Add", { 1, 6 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14, 17 } },
  },
  {
    "Add", { 1, 6 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17 } },
  },
  {
    "Add", { 1, 6 }, "lays two axes",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18 } },
  },
  {
    "Add", { 1, 6 }, "takes a negative axis",
    attrs = { broadcast = 1, axis = -2 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 2, 3, 5, 6, 9, 10, 8, 9, 11, 12, 15, 16 } },
  },
  {
    "Add", { 1, 6 }, "takes a scalar",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), f32(2) },
    outputs = { count({ 2, 3, 2 }, "f32", 3) },
  },
  {
    "Add", { 1, 6 }, "takes one element",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { { 2 } } },
    outputs = { count({ 2, 3, 2 }, "f32", 3) },
  },
  {
    "Add", { 1, 6 }, "takes equal shapes",
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3, 2 }, "f32", 1) },
    outputs = { count({ 2, 3, 2 }, "f32", 2, 2) },
  },
  {
    "Add", { 7, 13 }, "broadcasts both ways",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { 2, 3, 4 }, { 3, 4, 5 } } },
  },
  {
    "Sub", { 1, 6 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0, 1, 1, 2, 1, 2, 6, 7, 7, 8, 7, 8 } },
  },
  {
    "Sub", { 1, 6 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, -2, -3, 0, -1, 2, 1, 4, 3, 6, 5, 8, 7 } },
  },
  {
    "Sub", { 1, 6 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, -2, -1, 0, 1, 2, 3, 2, 3, 4, 5, 6, 7 } },
  },
  {
    "Sub", { 1, 6 }, "lays two axes",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6 } },
  },
  {
    "Sub", { 1, 6 }, "takes a negative axis",
    attrs = { broadcast = 1, axis = -2 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0, 1, 1, 2, 1, 2, 6, 7, 7, 8, 7, 8 } },
  },
  {
    "Sub", { 1, 6 }, "takes a scalar",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), f32(2) },
    outputs = { count({ 2, 3, 2 }, "f32", -1) },
  },
  {
    "Sub", { 1, 6 }, "takes one element",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { { 2 } } },
    outputs = { count({ 2, 3, 2 }, "f32", -1) },
  },
  {
    "Sub", { 1, 6 }, "takes equal shapes",
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 0 } },
  },
  {
    "Sub", { 7, 13 }, "broadcasts both ways",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { 0, -1, -2 }, { 1, 0, -1 } } },
  },
  {
    "Mul", { 1, 6 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 6, 8, 20, 24, 7, 8, 18, 20, 44, 48 } },
  },
  {
    "Mul", { 1, 6 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 3, 10, 9, 20, 15, 30, 21, 40, 27, 50, 33, 60 } },
  },
  {
    "Mul", { 1, 6 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 3, 6, 9, 12, 15, 18, 35, 40, 45, 50, 55, 60 } },
  },
  {
    "Mul", { 1, 6 }, "lays two axes",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 6, 8, 15, 18, 28, 32, 45, 50, 66, 72 } },
  },
  {
    "Mul", { 1, 6 }, "takes a negative axis",
    attrs = { broadcast = 1, axis = -2 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 6, 8, 20, 24, 7, 8, 18, 20, 44, 48 } },
  },
  {
    "Mul", { 1, 6 }, "takes a scalar",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), f32(2) },
    outputs = { count({ 2, 3, 2 }, "f32", 2, 2) },
  },
  {
    "Mul", { 1, 6 }, "takes one element",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { { 2 } } },
    outputs = { count({ 2, 3, 2 }, "f32", 2, 2) },
  },
  {
    "Mul", { 1, 6 }, "takes equal shapes",
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144 } },
  },
  {
    "Mul", { 7, 13 }, "broadcasts both ways",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { 1, 2, 3 }, { 2, 4, 6 } } },
  },
  {
    "Div", { 1, 6 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 1.5, 2, 1.25, 1.5, 7, 8, 4.5, 5, 2.75, 3 } },
  },
  {
    "Div", { 1, 6 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0.33333334, 0.40000001, 1, 0.80000001, 1.6666666, 1.2,
    2.3333333, 1.6, 3, 2, 3.6666667, 2.4000001 } },
  },
  {
    "Div", { 1, 6 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0.33333334, 0.66666669, 1, 1.3333334, 1.6666666, 2, 1.4,
    1.6, 1.8, 2, 2.2, 2.4000001 } },
  },
  {
    "Div", { 1, 6 }, "lays two axes",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 1.5, 2, 1.6666666, 2, 1.75, 2, 1.8, 2, 1.8333334, 2
    } },
  },
  {
    "Div", { 1, 6 }, "takes a negative axis",
    attrs = { broadcast = 1, axis = -2 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2, 1.5, 2, 1.25, 1.5, 7, 8, 4.5, 5, 2.75, 3 } },
  },
  {
    "Div", { 1, 6 }, "takes a scalar",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), f32(2) },
    outputs = { count({ 2, 3, 2 }, "f32", 0.5, 0.5) },
  },
  {
    "Div", { 1, 6 }, "takes one element",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1), { { 2 } } },
    outputs = { count({ 2, 3, 2 }, "f32", 0.5, 0.5) },
  },
  {
    "Div", { 1, 6 }, "takes equal shapes",
    inputs = { count({ 2, 3, 2 }, "f32", 1), count({ 2, 3, 2 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1 } },
  },
  {
    "Div", { 7, 13 }, "broadcasts both ways",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { 1, 0.5, 0.33333334 }, { 2, 1, 0.66666669 } } },
  },
  {
    "Pow", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 1.5, 4, 6.25, 81, 150.0625, 4, 4.5, 25, 30.25, 1296,
    1785.0625 } },
  },
  {
    "Pow", { 1 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 7.59375, 8, 97.65625, 27, 525.21875, 64, 1845.2812,
    125, 5032.8438, 216, 11602.906 } },
  },
  {
    "Pow", { 1 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), { 3, 5 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 3.375, 8, 15.625, 27, 42.875, 1024, 1845.2812, 3125,
    5032.8438, 7776, 11602.906 } },
  },
  {
    "Pow", { 1 }, "lays two axes",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), count({ 2, 3 }, "f32", 1) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 1.5, 4, 6.25, 27, 42.875, 256, 410.0625, 3125,
    5032.8438, 46656, 75418.891 } },
  },
  {
    "Pow", { 1 }, "takes a negative axis",
    attrs = { broadcast = 1, axis = -2 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), { 1, 2, 4 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 1.5, 4, 6.25, 81, 150.0625, 4, 4.5, 25, 30.25, 1296,
    1785.0625 } },
  },
  {
    "Pow", { 1 }, "takes a scalar",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), f32(2) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2.25, 4, 6.25, 9, 12.25, 16, 20.25, 25, 30.25, 36,
    42.25 } },
  },
  {
    "Pow", { 1 }, "takes one element",
    attrs = { broadcast = 1 },
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), { { 2 } } },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 2.25, 4, 6.25, 9, 12.25, 16, 20.25, 25, 30.25, 36,
    42.25 } },
  },
  {
    "Pow", { 1 }, "takes equal shapes",
    inputs = { count({ 2, 3, 2 }, "f32", 1, 0.5), count({ 2, 3, 2 }, "f32", 1, 0.5) },
    outputs = { f32 { shape = { 2, 3, 2 }, 1, 1.8371173, 4, 9.8821173, 27, 80.211777, 256,
    869.87396, 3125, 11803.064, 46656, 192281.19 } },
  },
  {
    "Pow", { 7, 12, 13 }, "broadcasts both ways",
    inputs = { { { 1 }, { 2 } }, { 1, 2, 3 } },
    outputs = { { { 1, 1, 1 }, { 2, 4, 8 } } },
  },
  {
    "Add", { 6 }, "adds i64",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { count({ 2, 2 }, "i64", 1), i64 { 5, 7 } },
    outputs = { i64 { { 6, 7 }, { 10, 11 } } },
  },
  {
    "Add", { 1 }, "ignores consumed_inputs",
    attrs = { consumed_inputs = { 0, 0 } },
    inputs = { { 1, 2 }, { 3, 4 } },
    outputs = { { 4, 6 } },
  },
  {
    "And", { 1 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, false }, { false, true } }, { { false, false }, { false, false } } } },
  },
  {
    "And", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, false }, { false, false } }, { { true, true }, { false, false } } } },
  },
  {
    "And", { 1 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, false }, { false, false } }, { { true, false }, { false, false } } } },
  },
  {
    "And", { 1 }, "takes equal shapes",
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, { { {
    true, false }, { false, true } }, { { true, true }, { false, false } } } },
    outputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } } },
  },
  {
    "Or", { 1 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, true }, { true, true } }, { { true, true }, { false, false } } } },
  },
  {
    "Or", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, true }, { false, true } }, { { true, true }, { false, false } } } },
  },
  {
    "Or", { 1 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { true, false }, { true, true } }, { { true, true }, { true, false } } } },
  },
  {
    "Or", { 1 }, "takes equal shapes",
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, { { {
    true, false }, { false, true } }, { { true, true }, { false, false } } } },
    outputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } } },
  },
  {
    "Xor", { 1 }, "lays b along axis 0",
    attrs = { broadcast = 1, axis = 0 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { false, true }, { true, false } }, { { true, true }, { false, false } } } },
  },
  {
    "Xor", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { false, true }, { false, true } }, { { false, false }, { false, false } } } },
  },
  {
    "Xor", { 1 }, "matches the end",
    attrs = { broadcast = 1 },
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, {
    true, false } },
    outputs = { { { { false, false }, { true, true } }, { { false, true }, { true, false } } } },
  },
  {
    "Xor", { 1 }, "takes equal shapes",
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, { { {
    true, false }, { false, true } }, { { true, true }, { false, false } } } },
    outputs = { { { { false, false }, { false, false } }, { { false, false }, { false, false } } }
    },
  },
  {
    "Greater", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count { 2, 3, 2 }, { 1, 5, 2 } },
    outputs = { { { { false, false }, { false, false }, { true, true } }, { { true, true }, { true,
    true }, { true, true } } } },
  },
  {
    "Greater", { 7, 9 }, "broadcasts",
    inputs = { count { 2, 3, 2 }, { 1, 8 } },
    outputs = { { { { false, false }, { true, false }, { true, false } }, { { true, false }, { true,
    true }, { true, true } } } },
  },
  {
    "Less", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count { 2, 3, 2 }, { 1, 5, 2 } },
    outputs = { { { { true, false }, { true, true }, { false, false } }, { { false, false }, {
    false, false }, { false, false } } } },
  },
  {
    "Less", { 7, 9 }, "broadcasts",
    inputs = { count { 2, 3, 2 }, { 1, 8 } },
    outputs = { { { { true, true }, { false, true }, { false, true } }, { { false, true }, { false,
    false }, { false, false } } } },
  },
  {
    "Equal", { 1 }, "lays b along axis 1",
    attrs = { broadcast = 1, axis = 1 },
    inputs = { count({ 2, 3, 2 }, "i32"), i32 { 0, 9, 4 } },
    outputs = { { { { true, false }, { false, false }, { true, false } }, { { false, false }, {
    false, true }, { false, false } } } },
  },
  {
    "Equal", { 1 }, "compares bools",
    inputs = { { { { true, false }, { false, true } }, { { true, true }, { false, false } } }, { { {
    false, true }, { true, false } }, { { false, false }, { true, true } } } },
    outputs = { { { { false, false }, { false, false } }, { { false, false }, { false, false } } }
    },
  },
  {
    "Equal", { 7, 11, 13 }, "broadcasts",
    inputs = { count({ 2, 3, 2 }, "i32"), i32 { 0, 9 } },
    outputs = { { { { true, false }, { false, false }, { false, false } }, { { false, false }, {
    false, true }, { false, false } } } },
  },
  {
    "PRelu", { 1, 6 }, "has a slope a channel",
    inputs = { count({ 1, 3, 2 }, "f32", -4), { 0.5, 0.25, 2 } },
    outputs = { f32 { shape = { 1, 3, 2 }, -2, -1.5, -0.5, -0.25, 0, 1 } },
  },
  {
    "PRelu", { 1, 6 }, "has one slope",
    inputs = { count({ 1, 3, 2 }, "f32", -4), { 0.5 } },
    outputs = { f32 { shape = { 1, 3, 2 }, -2, -1.5, -1, -0.5, 0, 1 } },
  },
  {
    "PRelu", { 6 }, "takes a matrix",
    inputs = { count({ 2, 3 }, "f32", -3), { 0.5, 0.25, 2 } },
    outputs = { { { -1.5, -0.5, -2 }, { 0, 1, 2 } } },
  },
  {
    "PRelu", { 7, 9 }, "matches the end",
    inputs = { count({ 1, 2, 3 }, "f32", -4), { 0.5, 0.25, 2 } },
    outputs = { f32 { shape = { 1, 2, 3 }, -2, -0.75, -4, -0.5, 0, 1 } },
  },
  {
    "Max", { 1 },
    attrs = { consumed_inputs = { 0, 0, 0 } },
    inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } },
    outputs = { { 3, 5, 2 } },
  },
  { "Max", { 6 }, inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } }, outputs = { { 3, 5, 2 } } },
  { "Max", { 8 }, "broadcasts", inputs = { { 1, 5, -2 }, { 2 } }, outputs = { { 2, 5, 2 } } },
  { "Max", { 6 }, "takes one", inputs = { { 1, 5, -2 } }, outputs = { { 1, 5, -2 } } },
  {
    "Min", { 1 },
    attrs = { consumed_inputs = { 0, 0, 0 } },
    inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } },
    outputs = { { 0, 2, -2 } },
  },
  { "Min", { 6 }, inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } }, outputs = { { 0, 2, -2 } } },
  { "Min", { 8 }, "broadcasts", inputs = { { 1, 5, -2 }, { 2 } }, outputs = { { 1, 2, -2 } } },
  { "Min", { 6 }, "takes one", inputs = { { 1, 5, -2 } }, outputs = { { 1, 5, -2 } } },
  {
    "Sum", { 1 },
    attrs = { consumed_inputs = { 0, 0, 0 } },
    inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } },
    outputs = { { 4, 11, 1 } },
  },
  { "Sum", { 6 }, inputs = { { 1, 5, -2 }, { 3, 2, 2 }, { 0, 4, 1 } }, outputs = { { 4, 11, 1 } } },
  { "Sum", { 8 }, "broadcasts", inputs = { { 1, 5, -2 }, { 2 } }, outputs = { { 3, 7, 0 } } },
  { "Sum", { 6 }, "takes one", inputs = { { 1, 5, -2 } }, outputs = { { 1, 5, -2 } } },
  { "Max", { 12 }, inputs = { i64 { 1, 5 }, i64 { 3, 2 } }, outputs = { i64 { 3, 5 } } },
  { "Min", { 12 }, inputs = { i64 { 1, 5 }, i64 { 3, 2 } }, outputs = { i64 { 1, 2 } } },
  {
    "Mean", { 1 },
    attrs = { consumed_inputs = { 0, 0 } },
    inputs = { { 1, 2 }, { 3, 6 } },
    outputs = { { 2, 4 } },
  },
  { "Mean", { 6 }, inputs = { { 1, 2 }, { 3, 6 } }, outputs = { { 2, 4 } } },
  { "Mean", { 8 }, inputs = { { 1, 2 }, { 3 } }, outputs = { { 2, 2.5 } } },
  {
    "Gemm", { 1, 6 },
    attrs = { broadcast = 1, alpha = 0.5, beta = 2.0 },
    inputs = { count { 2, 3 }, count { 3, 2 }, { 1, 2 } },
    outputs = { { { 7, 10.5 }, { 16, 24 } } },
  },
  {
    "Gemm", { 1, 6 },
    attrs = { transA = 1, transB = 1 },
    inputs = { count { 3, 2 }, count { 2, 3 }, count { 2, 2 } },
    outputs = { { { 10, 29 }, { 15, 43 } } },
  },
  {
    "Gemm", { 1, 6 },
    attrs = { broadcast = 1 },
    inputs = { count { 2, 3 }, count { 3, 2 }, { { 1 }, { 2 } } },
    outputs = { { { 11, 14 }, { 30, 42 } } },
  },
  {
    "Gemm", { 7, 9 },
    inputs = { count { 2, 3 }, count { 3, 2 }, { { 1 }, { 2 } } },
    outputs = { { { 11, 14 }, { 30, 42 } } },
  },
  {
    "Gemm", { 11 },
    inputs = { count { 2, 3 }, count { 3, 2 } },
    outputs = { { { 10, 13 }, { 28, 40 } } },
  },
}
