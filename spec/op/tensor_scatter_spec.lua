-- Updates into a cache, each batch at its own place.
local t = require "support.op_cases" (_ENV)
local f32, f16, i64, count = t.f32, t.f16, t.i64, t.count

t.cases("TensorScatter", {
  {
    "writes at the start by default",
    inputs = { f32 { shape = { 2, 1, 4, 2 }, 0 }, { { { { 1, 2 } } }, { { { 3, 4 } } } } },
    outputs = { f32 { shape = { 2, 1, 4, 2 }, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0 } },
  },
  {
    "takes a place for each batch",
    inputs = {
      f32 { shape = { 2, 1, 4, 2 }, 0 }, { { { { 1, 2 } } }, { { { 3, 4 } } } }, i64 { 1, 3 },
    },
    outputs = { f32 { shape = { 2, 1, 4, 2 }, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4 } },
  },
  {
    "goes round with mode circular",
    attrs = { mode = "circular" },
    inputs = { f32 { shape = { 2, 1, 4, 2 }, 0 }, count({ 2, 1, 2, 2 }, "f32", 1), i64 { 3, 1 } },
    outputs = { f32 { shape = { 2, 1, 4, 2 }, 3, 4, 0, 0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 0, 0 } },
  },
  {
    "takes an axis",
    attrs = { axis = 1 },
    inputs = { f32 { shape = { 1, 3, 2 }, 0 }, { { { 1, 2 } } }, i64 { 2 } },
    outputs = { { { { 0, 0 }, { 0, 0 }, { 1, 2 } } } },
  },
  {
    "computes f16",
    inputs = {
      f16 { shape = { 2, 1, 4, 2 }, 0 }, f16 { { { { 1, 2 } } }, { { { 3, 4 } } } }, i64 { 0, 2 },
    },
    outputs = { f16 { shape = { 2, 1, 4, 2 }, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0 } },
  },
  {
    "refuses a place past the end",
    inputs = {
      f32 { shape = { 2, 1, 4, 2 }, 0 }, { { { { 1, 2 } } }, { { { 3, 4 } } } }, i64 { 0, 4 },
    },
    error = "4",
  },
  {
    "refuses an unknown mode",
    attrs = { mode = "ring" },
    inputs = { f32 { shape = { 2, 1, 4, 2 }, 0 }, { { { { 1, 2 } } }, { { { 3, 4 } } } } },
    error = "mode",
  },
  {
    "refuses the batch as axis",
    attrs = { axis = 0 },
    inputs = { f32 { shape = { 2, 1, 4, 2 }, 0 }, { { { { 1, 2 } } }, { { { 3, 4 } } } } },
    error = "axis",
  },
})
