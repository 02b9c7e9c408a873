-- The whole tensor again and again along its axes.
local t = require "support.op_cases" (_ENV)
local i64, u8 = t.i64, t.u8

t.cases("Tile", {
  {
    "repeats along both axes",
    inputs = { { { 1, 2 }, { 3, 4 } }, i64 { 2, 2 } },
    outputs = { { { 1, 2, 1, 2 }, { 3, 4, 3, 4 }, { 1, 2, 1, 2 }, { 3, 4, 3, 4 } } },
  },
  {
    "repeats along one",
    inputs = { { { 1, 2 }, { 3, 4 } }, i64 { 1, 3 } },
    outputs = { { { 1, 2, 1, 2, 1, 2 }, { 3, 4, 3, 4, 3, 4 } } },
  },
  { "keeps with ones", inputs = { { 1, 2 }, i64 { 1 } }, outputs = { { 1, 2 } } },
  { "repeats i64", inputs = { i64 { 1, 2 }, i64 { 2 } }, outputs = { i64 { 1, 2, 1, 2 } } },
  {
    "repeats strings",
    inputs = { { "a", "b" }, i64 { 2 } },
    outputs = { { "a", "b", "a", "b" } },
  },
  {
    "repeats u8 of rank 3",
    inputs = { u8 { { { 1, 2 } }, { { 3, 4 } } }, i64 { 1, 2, 1 } },
    outputs = { u8 { { { 1, 2 }, { 1, 2 } }, { { 3, 4 }, { 3, 4 } } } },
  },
  { "repeats not at all", inputs = { { 1, 2 }, i64 { 0 } }, outputs = { {} } },
  { "keeps a scalar", inputs = { 5, i64 {} }, outputs = { 5 } },
  {
    "refuses another count of repeats",
    inputs = { { 1, 2 }, i64 { 1, 2 } }, error = "repeats: expected 1 numbers, got 2",
  },
  { "refuses negative repeats", inputs = { { 1, 2 }, i64 { -1 } }, error = "repeats%[0%]" },
})
