-- Boxes in order of score, without those that overlap a better one.
local t = require "support.op_cases" (_ENV)
local f32, i64 = t.f32, t.i64

t.cases("NonMaxSuppression", {
  {
    "keeps the best of each cluster",
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } }, i64(3), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 3 }, { 0, 0, 0 }, { 0, 0, 5 } } },
  },
  {
    "takes a score threshold",
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } }, i64(3), 0.5, 0.4,
    },
    outputs = { i64 { { 0, 0, 3 }, { 0, 0, 0 } } },
  },
  {
    "takes the most by class",
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } }, i64(1), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 3 } } },
  },
  {
    "takes centres with center_point_box",
    attrs = { center_point_box = 1 },
    inputs = {
      f32 { shape = { 1, 3, 4 }, 0.5, 0.5, 1, 1, 0.5, 0.6, 1, 1, 0.5, 10.5, 1, 1 },
      { { { 0.5, 0.9, 0.7 } } }, i64(3), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 1 }, { 0, 0, 2 } } },
  },
  {
    "takes corners in any order",
    inputs = {
      { { { 1, 1, 0, 0 }, { 0, 0.1, 1, 1.1 } } }, { { { 0.9, 0.75 } } }, i64(3), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 0 } } },
  },
  {
    "runs for each class and batch",
    inputs = {
      f32 { shape = { 2, 2, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 0, 1, 1, 0, 0.1, 1, 1.1 },
      f32 { shape = { 2, 2, 2 }, 0.9, 0.8, 0.1, 0.2, 0.3, 0.4, 0.6, 0.5 }, i64(2), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 0 }, { 0, 1, 1 }, { 1, 0, 1 }, { 1, 1, 0 } } },
  },
  {
    "keeps the first of equal boxes",
    inputs = { { { { 0, 0, 1, 1 }, { 0, 0, 1, 1 } } }, { { { 0.9, 0.9 } } }, i64(3), 0.5, 0 },
    outputs = { i64 { { 0, 0, 0 } } },
  },
  {
    "selects nothing by default",
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } },
    },
    outputs = { i64 { shape = { 0, 3 } } },
  },
  -- Suppression is for an overlap greater than the threshold.
  {
    "keeps boxes that touch the threshold",
    inputs = { { { { 0, 0, 1, 1 }, { 0, 0, 0.5, 1 } } }, { { { 0.9, 0.8 } } }, i64(3), 0.5 },
    outputs = { i64 { { 0, 0, 0 }, { 0, 0, 1 } } },
  },
  {
    "ran at opset 10",
    opset = 10,
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } }, i64(3), 0.5, 0,
    },
    outputs = { i64 { { 0, 0, 3 }, { 0, 0, 0 }, { 0, 0, 5 } } },
  },
  {
    "refuses boxes of another shape",
    inputs = {
      {
        { 0, 0, 1, 1 }, { 0, 0.1, 1, 1.1 }, { 0, -0.1, 1, 0.9 }, { 0, 10, 1, 11 },
        { 0, 10.1, 1, 11.1 }, { 0, 100, 1, 101 },
      },
      { { { 0.9, 0.75, 0.6, 0.95, 0.5, 0.3 } } }, i64(3),
    },
    error = "boxes",
  },
  {
    "refuses scores for another count of boxes",
    inputs = {
      f32 {
        shape = { 1, 6, 4 }, 0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1,
        1, 11.1, 0, 100, 1, 101,
      },
      { { { 0.9, 0.75 } } }, i64(3),
    },
    error = "scores",
  },
})
