-- Blocks of channels to blocks of pixels and back.
local t = require "support.op_cases" (_ENV)
local f32, i64, u8, count = t.f32, t.i64, t.u8, t.count

t.cases("DepthToSpace", {
  {
    "takes depth, column, row",
    attrs = { blocksize = 2 }, inputs = { count { 1, 8, 1, 2 } },
    outputs = {
      f32 { shape = { 1, 2, 2, 4 }, 0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15 },
    },
  },
  {
    "takes column, row, depth with CRD",
    attrs = { blocksize = 2, mode = "CRD" }, inputs = { count { 1, 8, 1, 2 } },
    outputs = {
      f32 { shape = { 1, 2, 2, 4 }, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15 },
    },
  },
  {
    "moves u8",
    attrs = { blocksize = 2 }, inputs = { u8 { { { { 0 } }, { { 1 } }, { { 2 } }, { { 3 } } } } },
    outputs = { u8 { { { { 0, 1 }, { 2, 3 } } } } },
  },
  {
    "keeps with blocksize 1",
    attrs = { blocksize = 1 }, inputs = { { { { { 0, 1 } }, { { 2, 3 } } } } },
    outputs = { { { { { 0, 1 } }, { { 2, 3 } } } } },
  },
  {
    "takes batches",
    attrs = { blocksize = 2 }, inputs = { count { 2, 4, 1, 1 } },
    outputs = { count { 2, 1, 2, 2 } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { blocksize = 2 }, inputs = { count { 1, 4, 1, 2 } },
    outputs = { { { { { 0, 2, 1, 3 }, { 4, 6, 5, 7 } } } } },
  },
  {
    "refuses channels that don't divide",
    attrs = { blocksize = 2 }, inputs = { { { { { 0 } }, { { 1 } }, { { 2 } } } } },
    error = "multiple of 4",
  },
  {
    "refuses an unknown mode",
    attrs = { blocksize = 2, mode = "RCD" },
    inputs = { { { { { 0 } }, { { 1 } }, { { 2 } }, { { 3 } } } } },
    error = "mode: expected DCR or CRD",
  },
  {
    "refuses blocksize 0",
    attrs = { blocksize = 0 }, inputs = { { { { { 0 } }, { { 1 } }, { { 2 } }, { { 3 } } } } },
    error = "blocksize: expected at least 1, got 0",
  },
  {
    "refuses a matrix",
    attrs = { blocksize = 2 }, inputs = { { { 0, 1 }, { 2, 3 } } }, error = "rank 2",
  },
})

t.cases("SpaceToDepth", {
  {
    "takes blocks apart",
    attrs = { blocksize = 2 }, inputs = { count { 1, 1, 2, 4 } },
    outputs = { f32 { shape = { 1, 4, 1, 2 }, 0, 2, 1, 3, 4, 6, 5, 7 } },
  },
  {
    "keeps channels together",
    attrs = { blocksize = 2 }, inputs = { count { 1, 2, 2, 2 } },
    outputs = { f32 { shape = { 1, 8, 1, 1 }, 0, 4, 1, 5, 2, 6, 3, 7 } },
  },
  {
    "moves i64",
    attrs = { blocksize = 2 }, inputs = { i64 { { { { 0, 1 }, { 2, 3 } } } } },
    outputs = { i64 { { { { 0 } }, { { 1 } }, { { 2 } }, { { 3 } } } } },
  },
  {
    "orders depth first with CRD since opset 28",
    attrs = { blocksize = 2, mode = "CRD" }, inputs = { count { 1, 2, 2, 2 } },
    outputs = { count { 1, 8, 1, 1 } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { blocksize = 2 }, inputs = { { { { { 0, 1 }, { 2, 3 } } } } },
    outputs = { { { { { 0 } }, { { 1 } }, { { 2 } }, { { 3 } } } } },
  },
  {
    "refuses sizes that don't divide",
    attrs = { blocksize = 2 }, inputs = { { { { { 0, 1 }, { 2, 3 }, { 4, 5 } } } } },
    error = "multiple of 2",
  },
})
