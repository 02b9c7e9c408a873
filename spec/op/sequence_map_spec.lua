-- SequenceMap: the model with its subgraph comes from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)

describe("SequenceMap", function()
  it("runs its body for each element, beside a tensor and a second sequence", function()
    t.model("sequence_map", { a = { 1, 2 }, b = { 10 }, k = { 100 } }, {
      y = t.seq({ 111, 112 }, { 111, 112 }), sizes = t.seq(t.i64 { 2 }, t.i64 { 1 }),
    })
  end)

  it("fails where its body fails", function()
    t.model_error("sequence_map", { a = { 1, 2 }, b = { 1, 2, 3 }, k = { 100 } }, "broadcast")
  end)
end)
