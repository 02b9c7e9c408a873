-- If: models with subgraphs come from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)

describe("If", function()
  it("runs one branch; shapes differ between them", function()
    t.model("if_shapes", { flag = true, x = { 1, 2 } }, { y = { 1, 2 }, n = t.i64 { 2 } })
  end)

  it("runs an If within the other, with x from outside of both", function()
    t.model("if_shapes", { flag = false, x = { 1, 2 } },
      { y = { 1, 2, 1, 2 }, n = t.i64 { 4 } })
  end)

  it("takes an empty tensor through", function()
    t.model("if_shapes", { flag = false, x = t.f32 {} }, { y = t.f32 {}, n = t.i64 { 0 } })
  end)

  it("refuses a condition of two elements", function()
    t.model_error("if_shapes", { flag = { true, false }, x = { 1 } }, "flag")
  end)

  it("refuses a branch with too few outputs", function()
    t.model_error("if_outputs", { flag = true, x = { 1 } },
      "then_branch: expected a graph of no inputs and 2 outputs, got 0 and 1")
  end)
end)
