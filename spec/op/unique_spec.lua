-- Each value once: sorted or in order of appearance, with positions and counts.
local t = require "support.op_cases" (_ENV)
local i64, u8 = t.i64, t.u8

t.cases("Unique", {
  {
    "sorts",
    inputs = { { 2, 1, 1, 3, 4, 3 } },
    outputs = {
      { 1, 2, 3, 4 }, i64 { 1, 0, 3, 4 }, i64 { 1, 0, 0, 2, 3, 2 }, i64 { 2, 1, 2, 1 },
    },
  },
  {
    "keeps the order with sorted 0",
    attrs = { sorted = 0 }, inputs = { { 2, 1, 1, 3, 4, 3 } },
    outputs = {
      { 2, 1, 3, 4 }, i64 { 0, 1, 3, 4 }, i64 { 0, 1, 1, 2, 3, 2 }, i64 { 1, 2, 2, 1 },
    },
  },
  {
    "takes rows",
    attrs = { axis = 0 }, inputs = { { { 1, 0, 0 }, { 1, 0, 0 }, { 2, 3, 4 } } },
    outputs = { { { 1, 0, 0 }, { 2, 3, 4 } }, i64 { 0, 2 }, i64 { 0, 0, 1 }, i64 { 2, 1 } },
  },
  {
    "takes columns",
    attrs = { axis = 1 }, inputs = { { { 1, 2, 1 }, { 0, 3, 0 } } },
    outputs = { { { 1, 2 }, { 0, 3 } }, i64 { 0, 1 }, i64 { 0, 1, 0 }, i64 { 2, 1 } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -1, sorted = 0 }, inputs = { { { 1, 2, 1 }, { 0, 3, 0 } } },
    outputs = { { { 1, 2 }, { 0, 3 } }, i64 { 0, 1 }, i64 { 0, 1, 0 }, i64 { 2, 1 } },
  },
  {
    "flattens without an axis",
    inputs = { i64 { { 3, 1 }, { 1, 2 } } },
    outputs = { i64 { 1, 2, 3 }, i64 { 1, 3, 0 }, i64 { 2, 0, 0, 1 }, i64 { 2, 1, 1 } },
  },
  {
    "takes strings",
    inputs = { { "b", "a", "b" } },
    outputs = { { "a", "b" }, i64 { 1, 0 }, i64 { 1, 0, 1 }, i64 { 1, 2 } },
  },
  {
    "takes u8",
    inputs = { u8 { 5, 5 } },
    outputs = { u8 { 5 }, i64 { 0 }, i64 { 0, 0 }, i64 { 2 } },
  },
  { "takes an empty tensor", inputs = { {} }, outputs = { {}, i64 {}, i64 {}, i64 {} } },
  {
    "refuses an axis out of range",
    attrs = { axis = 1 }, inputs = { { 2, 1, 1, 3, 4, 3 } }, error = "got 1",
  },
})
