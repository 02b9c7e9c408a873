-- Elements of the second or third input as the first says.
local t = require "support.op_cases" (_ENV)
local f16, i64, u8, bool, nan = t.f16, t.i64, t.u8, t.bool, t.nan

t.cases("Where", {
  {
    "chooses",
    inputs = { { true, false, true }, { 1, 2, 3 }, { 10, 20, 30 } },
    outputs = { { 1, 20, 3 } },
  },
  {
    "broadcasts all three",
    inputs = { { { true }, { false } }, { 1, 2, 3 }, { { { 10 } } } },
    outputs = { { { { 1, 2, 3 }, { 10, 10, 10 } } } },
  },
  { "takes scalars", inputs = { { true, false }, 1, 0 }, outputs = { { 1, 0 } } },
  {
    "chooses i64",
    inputs = { { true, false }, i64 { 1152921504606846976, 1 }, i64 { 0, -1 } },
    outputs = { i64 { 1152921504606846976, -1 } },
  },
  {
    "chooses u8",
    inputs = { { { true, false } }, u8 { 1, 2 }, u8 { 3, 4 } },
    outputs = { u8 { { 1, 4 } } },
  },
  {
    "chooses strings",
    inputs = { { true, false }, { "a", "b" }, { "c", "d" } },
    outputs = { { "a", "d" } },
  },
  {
    "chooses booleans",
    inputs = { { true, false }, { false, false }, true },
    outputs = { { false, true } },
  },
  { "chooses f16", inputs = { { false }, f16 { 1 }, f16 { 2 } }, outputs = { f16 { 2 } } },
  {
    "keeps NaN on the other side out",
    inputs = { { true }, { 1 }, { nan } },
    outputs = { { 1 } },
  },
  { "takes an empty tensor", inputs = { bool {}, { 1 }, { 2 } }, outputs = { {} } },
  {
    "ran at opset 9",
    opset = 9, inputs = { { true, false }, { 1, 2 }, { 3, 4 } },
    outputs = { { 1, 4 } },
  },
  { "refuses a condition that is no bool", inputs = { { 1 }, { 1 }, { 2 } }, error = "input 0" },
  { "refuses mixed types", inputs = { { true }, { 1 }, i64 { 2 } }, error = "i64" },
  {
    "refuses shapes that don't meet",
    inputs = { { true, true }, { 1, 2, 3 }, { 1 } }, error = "broadcast",
  },
})
