-- Lists of tensors: made, read, changed.
local t = require "support.op_cases" (_ENV)
local i64, i32, seq = t.i64, t.i32, t.seq

t.cases("SequenceConstruct", {
  { "makes a sequence", inputs = { { 1, 2 }, { 3 } }, outputs = { seq({ 1, 2 }, { 3 }) } },
  { "makes one of strings", inputs = { { "a" }, "b" }, outputs = { seq({ "a" }, "b") } },
  { "makes one of i64", inputs = { i64 { 1 } }, outputs = { seq(i64 { 1 }) } },
  { "refuses mixed types", inputs = { { 1 }, i64 { 1 } }, error = "i64" },
})

t.cases("SequenceEmpty", {
  { "has no elements", outputs = { seq() } },
  { "has none of i64", attrs = { dtype = 7 }, outputs = { seq() } },
})

t.cases("SequenceAt", {
  {
    "takes an element",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(1) },
    outputs = { { 3 } },
  },
  {
    "counts from the end",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i32(-1) },
    outputs = { { 4, 5, 6 } },
  },
  {
    "refuses a position out of range",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(3) }, error = "3",
  },
  { "refuses one below", inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(-4) }, error = "%-4" },
})

t.cases("SequenceInsert", {
  {
    "appends without a position",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), { 9 } },
    outputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }, { 9 }) },
  },
  {
    "inserts at the first position",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), { 9 }, i64(0) },
    outputs = { seq({ 9 }, { 1, 2 }, { 3 }, { 4, 5, 6 }) },
  },
  {
    "counts from the end",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), { 9 }, i64(-1) },
    outputs = { seq({ 1, 2 }, { 3 }, { 9 }, { 4, 5, 6 }) },
  },
  {
    "inserts at the end",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), { 9 }, i64(3) },
    outputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }, { 9 }) },
  },
  { "inserts into an empty one", inputs = { seq(), { 9 } }, outputs = { seq({ 9 }) } },
  {
    "refuses a position out of range",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), { 9 }, i64(4) }, error = "4",
  },
  {
    "refuses another type",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64 { 9 } }, error = "i64",
  },
})

t.cases("SequenceErase", {
  {
    "takes the last away without a position",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }) },
    outputs = { seq({ 1, 2 }, { 3 }) },
  },
  {
    "takes one away",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(0) },
    outputs = { seq({ 3 }, { 4, 5, 6 }) },
  },
  {
    "counts from the end",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(-2) },
    outputs = { seq({ 1, 2 }, { 4, 5, 6 }) },
  },
  {
    "refuses a position out of range",
    inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }), i64(3) }, error = "3",
  },
  { "refuses an empty one", inputs = { seq() }, error = "0" },
})

t.cases("SequenceLength", {
  { "counts", inputs = { seq({ 1, 2 }, { 3 }, { 4, 5, 6 }) }, outputs = { i64(3) } },
  { "counts nothing", inputs = { seq() }, outputs = { i64(0) } },
  { "refuses a tensor", inputs = { { 1 } }, error = "SequenceLength" },
})
