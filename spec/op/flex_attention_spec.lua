-- FlexAttention: the model with its subgraphs comes from spec/support/make_op_models.py.
local t = require "support.op_cases" (_ENV)

t.cases("ai.onnx.preview:FlexAttention", {
  {
    "is plain attention without subgraphs",
    inputs = { { { { { 1, 0 }, { 0, 1 } } } }, { { { { 1, 0 }, { 0, 1 } } } },
      { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1.6604769, 2.6604769 }, { 2.3395231, 3.3395231 } } } } },
  },
  {
    "takes a scale",
    attrs = { scale = 1.0 },
    inputs = { { { { { 1, 0 }, { 0, 1 } } } }, { { { { 1, 0 }, { 0, 1 } } } },
      { { { { 1, 2 }, { 3, 4 } } } } },
    outputs = { { { { { 1.5378828, 2.5378828 }, { 2.4621172, 3.4621172 } } } } },
  },
  {
    "shares keys between heads of queries",
    inputs = { { { { { 1 } }, { { 0 } } } }, { { { { 1 }, { 0 } } } }, { { { { 1 }, { 3 } } } } },
    outputs = { { { { { 1.5378828 } }, { { 2 } } } } },
  },
  {
    "refuses tensors of rank 3",
    inputs = { { { { 1 } } }, { { { 1 } } }, { { { 1 } } } }, error = "expected",
  },
})

describe("ai.onnx.preview:FlexAttention", function()
  it("passes scores and probabilities through subgraphs", function()
    t.model("flex_attention", {
      q = { { { { 1, 0 }, { 0, 1 } } } }, k = { { { { 1, 0 }, { 0, 1 } } } },
      v = { { { { 1, 2 }, { 3, 4 } } } }, mask = { { 0, -t.inf }, { 0, 0 } },
    }, {
      y = { { { { 0.5, 1 }, { 1.2310586, 1.7310586 } } } },
      plain = { { { { 1.6604769, 2.6604769 }, { 2.3395231, 3.3395231 } } } },
    })
  end)
end)
