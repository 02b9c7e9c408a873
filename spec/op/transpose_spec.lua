-- Axes in another order.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, u8, u4, count = t.f32, t.f16, t.i64, t.u8, t.u4, t.count

t.cases("Transpose", {
  {
    "turns the order around",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } } },
  },
  {
    "turns the order of three axes around",
    inputs = { { { { 0, 1, 2 } }, { { 3, 4, 5 } } } },
    outputs = { { { { 0, 3 } }, { { 1, 4 } }, { { 2, 5 } } } },
  },
  {
    "takes perm",
    attrs = { perm = { 1, 0, 2 } }, inputs = { count { 2, 3, 2 } },
    outputs = { f32 { shape = { 3, 2, 2 }, 0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11 } },
  },
  {
    "swaps the last two",
    attrs = { perm = { 0, 2, 1 } }, inputs = { count { 2, 2, 3 } },
    outputs = { f32 { shape = { 2, 3, 2 }, 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11 } },
  },
  {
    "moves the first axis last",
    attrs = { perm = { 1, 2, 0 } }, inputs = { count { 2, 3, 2 } },
    outputs = { f32 { shape = { 3, 2, 2 }, 0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11 } },
  },
  {
    "keeps with the identity",
    attrs = { perm = { 0, 1 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
  },
  {
    "moves u8",
    attrs = { perm = { 1, 0 } }, inputs = { count({ 3, 4 }, "u8") },
    outputs = { u8 { { 0, 4, 8 }, { 1, 5, 9 }, { 2, 6, 10 }, { 3, 7, 11 } } },
  },
  {
    "moves i64",
    inputs = { count({ 3, 3 }, "i64") },
    outputs = { i64 { { 0, 3, 6 }, { 1, 4, 7 }, { 2, 5, 8 } } },
  },
  {
    "moves f16",
    inputs = { count({ 3, 3 }, "f16") },
    outputs = { f16 { { 0, 3, 6 }, { 1, 4, 7 }, { 2, 5, 8 } } },
  },
  {
    "moves strings",
    inputs = { { { "a", "b" }, { "c", "d" } } },
    outputs = { { { "a", "c" }, { "b", "d" } } },
  },
  {
    "packs u4 anew",
    inputs = { u4 { { 1, 2, 3 }, { 4, 5, 6 } } },
    outputs = { u4 { { 1, 4 }, { 2, 5 }, { 3, 6 } } },
  },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 3, 0 } } },
  },
  { "takes a scalar", inputs = { 5 }, outputs = { 5 } },
  {
    "handles odd tails of blocks",
    inputs = { count { 5, 9 } },
    outputs = {
      {
        { 0, 9, 18, 27, 36 }, { 1, 10, 19, 28, 37 }, { 2, 11, 20, 29, 38 }, { 3, 12, 21, 30, 39 },
        { 4, 13, 22, 31, 40 }, { 5, 14, 23, 32, 41 }, { 6, 15, 24, 33, 42 },
        { 7, 16, 25, 34, 43 }, { 8, 17, 26, 35, 44 },
      },
    },
  },
  {
    "refuses an axis twice",
    attrs = { perm = { 0, 0 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "axis 0 occurs twice",
  },
  {
    "refuses another count",
    attrs = { perm = { 0 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "perm: expected 2 axes",
  },
  {
    "refuses an axis out of range",
    attrs = { perm = { 0, 2 } }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } }, error = "2",
  },
})
