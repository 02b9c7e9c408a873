-- Loop: models with subgraphs come from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)

local rows = { { 0, 2 }, { 1, 4 }, { 2, 8 } }

describe("Loop", function()
  for _, model in ipairs { "loop_for", "loop_old" } do
    local function check(n, go, limit, last, collected)
      t.model(model, { n = t.i64(n), go = go, start = 1.0, limit = limit },
        { last = last, rows = collected })
    end

    describe(model == "loop_for" and "of today" or "of opset 10", function()
      it("counts", function() check(3, true, 100.0, 8.0, rows) end)
      it("ends when the condition turns false", function() check(9, true, 8.0, 8.0, rows) end)
      it("doesn't begin when it is false", function()
        check(9, false, 8.0, 1.0, t.f32 { shape = { 0, 2 } })
      end)
      it("doesn't begin when the count is 0", function()
        check(0, true, 8.0, 1.0, t.f32 { shape = { 0, 2 } })
      end)
      it("doesn't begin when the count is negative", function()
        check(-5, true, 8.0, 1.0, t.f32 { shape = { 0, 2 } })
      end)
    end)
  end

  it("carries a sequence", function()
    t.model("loop_sequence", { n = t.i64(3), x = { 1, 2 } }, { y = { 0, 0, 1, 2, 2, 4 } })
  end)

  it("fails where its body fails: an empty sequence can't be joined", function()
    t.model_error("loop_sequence", { n = t.i64(0), x = { 1, 2 } }, "empty")
  end)
end)
