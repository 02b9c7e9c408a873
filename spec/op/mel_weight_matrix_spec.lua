-- Triangles on the mel scale.
local t = require "support.op_cases" (_ENV)
local f64, i64, i32 = t.f64, t.i64, t.i32

t.cases("MelWeightMatrix", {
  {
    "gives a column for each band",
    inputs = { i64(4), i64(8), i64(8000), 0, 4000 },
    outputs = {
      { { 1, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
    },
  },
  {
    "takes output_datatype",
    attrs = { output_datatype = 11 }, inputs = { i64(2), i64(8), i64(8000), 100, 3000 },
    outputs = { f64 { { 1, 0 }, { 0, 1 }, { 0, 0 }, { 0, 0 }, { 0, 0 } } },
  },
  {
    "takes i32 numbers",
    inputs = { i32(2), i32(16), i32(16000), 20, 8000 },
    outputs = {
      {
        { 1, 0 }, { 0, 1 }, { 0, 0.6666667 }, { 0, 0.3333333 }, { 0, 0 }, { 0, 0 }, { 0, 0 },
        { 0, 0 }, { 0, 0 },
      },
    },
  },
  {
    "refuses negative counts",
    inputs = { i64(-1), i64(8), i64(8000), 0, 4000 }, error = "num_mel_bins %-1",
  },
})
