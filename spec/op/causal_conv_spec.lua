-- Depthwise convolution over time that looks only backwards, with what it saw last as state.
local t = require "support.op_cases" (_ENV)
local f32, f16, count = t.f32, t.f16, t.count

t.cases("CausalConvWithState", {
  {
    "starts with zeros",
    inputs = { count({ 1, 2, 4 }, "f32", 1), { { { 1, 2, 3 } }, { { -1, 0, 1 } } } },
    outputs = { { { { 3, 8, 14, 20 }, { 5, 6, 2, 2 } } }, { { { 3, 4 }, { 7, 8 } } } },
  },
  {
    "adds a bias",
    inputs = { count({ 1, 2, 4 }, "f32", 1), { { { 1, 2, 3 } }, { { -1, 0, 1 } } }, { 10, 20 } },
    outputs = { { { { 13, 18, 24, 30 }, { 25, 26, 22, 22 } } }, { { { 3, 4 }, { 7, 8 } } } },
  },
  {
    "goes on from a state",
    inputs = {
      count({ 1, 2, 4 }, "f32", 1), { { { 1, 2, 3 } }, { { -1, 0, 1 } } }, false,
      { { { 7, 8 }, { 9, 10 } } },
    },
    outputs = { { { { 26, 16, 14, 20 }, { -4, -4, 2, 2 } } }, { { { 3, 4 }, { 7, 8 } } } },
  },
  {
    "takes one step",
    inputs = {
      { { { 1 }, { 5 } } }, { { { 1, 2, 3 } }, { { -1, 0, 1 } } }, false,
      { { { 7, 8 }, { 9, 10 } } },
    },
    outputs = { { { { 26 }, { -4 } } }, { { { 8, 1 }, { 10, 5 } } } },
  },
  {
    "applies silu",
    attrs = { activation = "silu" },
    inputs = { count({ 1, 2, 4 }, "f32", 0.25, 0.25), { { { 1, 2, 3 } }, { { -1, 0, 1 } } } },
    outputs = {
      f32 {
        shape = { 1, 2, 4 }, 0.509384, 1.761594, 3.397407, 4.966536, 0.9716249, 1.226362,
        0.3112297, 0.3112297,
      },
      { { { 0.75, 1 }, { 1.75, 2 } } },
    },
  },
  {
    "computes f16",
    inputs = { count({ 1, 2, 4 }, "f16", 1), f16 { { { 1, 2, 3 } }, { { -1, 0, 1 } } } },
    outputs = { f16 { { { 3, 8, 14, 20 }, { 5, 6, 2, 2 } } }, f16 { { { 3, 4 }, { 7, 8 } } } },
  },
  {
    "refuses an unknown activation",
    attrs = { activation = "relu" },
    inputs = { count({ 1, 2, 4 }, "f32", 1), { { { 1, 2, 3 } }, { { -1, 0, 1 } } } },
    n_outputs = 2, error = "activation: expected none, silu or swish",
  },
  {
    "refuses a state of another length",
    inputs = {
      count({ 1, 2, 4 }, "f32", 1), { { { 1, 2, 3 } }, { { -1, 0, 1 } } }, false,
      { { { 0, 1, 2 }, { 3, 4, 5 } } },
    },
    n_outputs = 2, error = "expected 2, got 3",
  },
})
