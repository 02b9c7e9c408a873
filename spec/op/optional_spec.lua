-- Values that may be absent; those of a type and nothing in them come from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)
local i64, seq = t.i64, t.seq

t.cases("Optional", {
  { "holds a tensor", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  { "holds a sequence", inputs = { seq({ 1 }) }, outputs = { seq({ 1 }) } },
})

t.cases("OptionalGetElement", {
  { "takes a tensor for itself", inputs = { { 1, 2 } }, outputs = { { 1, 2 } } },
  { "takes a sequence for itself", inputs = { seq(i64 { 1 }) }, outputs = { seq(i64 { 1 }) } },
})

t.cases("OptionalHasElement", {
  { "is true for a tensor", inputs = { { 1, 2 } }, outputs = { true } },
  { "is true for a sequence", inputs = { seq({ 1 }) }, outputs = { true } },
  { "is false for an absent input", inputs = { false }, outputs = { false } },
  { "is false for no input", outputs = { false } },
})

describe("an optional with nothing in it", function()
  it("has no element", function() t.model("optional", {}, { has = false }) end)

  it("can't give one", function() t.model_error("optional_get", {}, "has no element") end)
end)
