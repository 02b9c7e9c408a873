-- Scan: models with subgraphs come from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)

describe("Scan", function()
  local start, rows = { 100, 200 }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }

  it("goes along rows and, backwards, columns; puts sums in front of each other", function()
    t.model("scan_sum", { start = start, rows = rows, columns = { { 1, 2, 3 }, { 10, 20, 30 } } }, {
      total = { 109, 212 },
      sums = { { 109, 212 }, { 104, 206 }, { 101, 202 } },
      products = { { 3, 6, 5 }, { 60, 80, 60 } },
    })
  end)

  it("takes nothing to go along", function()
    t.model("scan_sum", {
      start = start, rows = t.f32 { shape = { 0, 2 } }, columns = t.f32 { shape = { 2, 0 } },
    }, {
      total = start, sums = t.f32 { shape = { 0, 2 } }, products = t.f32 { shape = { 2, 0 } },
    })
  end)

  it("refuses inputs of different lengths", function()
    t.model_error("scan_sum", { start = start, rows = rows, columns = { { 1, 2 }, { 10, 20 } } },
      "expected")
  end)

  it("had batches and lengths at opset 8", function()
    t.model("scan_batched",
      { lengths = t.i64 { 2, 3 }, start = { 10, 20 }, x = { { 1, 2, 3 }, { 4, 5, 6 } } },
      { total = { 13, 35 }, y = { { 11, 13, 0 }, { 24, 29, 35 } } })
  end)

  it("refuses lengths beyond the input", function()
    t.model_error("scan_batched",
      { lengths = t.i64 { 2, 4 }, start = { 10, 20 }, x = { { 1, 2, 3 }, { 4, 5, 6 } } },
      "sequence_lens: expected 0 to 3, got 4")
  end)
end)
