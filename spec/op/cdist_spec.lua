-- Distances between the rows of two matrices.
local t = require "support.op_cases" (_ENV)
local f64 = t.f64

t.cases("com.microsoft:CDist", {
  {
    "gives squares",
    inputs = { { { 0, 0 }, { 1, 2 }, { -1, 1 } }, { { 3, 4 }, { 1, 2 } } },
    outputs = { { { 25, 5 }, { 8, 0 }, { 25, 5 } } },
  },
  {
    "gives distances",
    attrs = { metric = "euclidean" },
    inputs = { { { 0, 0 }, { 3, 0 } }, { { 3, 4 } } },
    outputs = { { { 5 }, { 4 } } },
  },
  {
    "keeps the digits of near rows",
    attrs = { metric = "euclidean" },
    inputs = { { { 4096.5 } }, { { 4096.25 }, { 4096.5 } } },
    outputs = { { { 0.25, 0 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1e-9 } }, f64 { { 3e-9 } } },
    outputs = { f64 { { 4e-18 } } },
    atol = 0,
  },
  {
    "refuses rows of other lengths",
    inputs = { { { 1, 2 } }, { { 1, 2, 3 } } },
    error = "B: expected 2 columns, as A, got 3",
  },
  {
    "refuses other metrics",
    attrs = { metric = "cosine" },
    inputs = { { { 1, 2 } }, { { 1, 2 } } },
    error = "metric: expected euclidean or sqeuclidean",
  },
})
