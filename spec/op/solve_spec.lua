-- Systems of linear equations.
local t = require "support.op_cases" (_ENV)
local f64 = t.f64

t.cases("com.microsoft:Solve", {
  {
    "solves for several right sides",
    inputs = { { { 2, 1 }, { 1, 3 } }, { { 3, 5 }, { 4, 10 } } },
    outputs = { { { 1, 1 }, { 1, 3 } } },
  },
  {
    "solves for a vector",
    inputs = { f64 { { 4, 0, 0 }, { 2, 2, 0 }, { 1, 1, 1 } }, f64 { 8, 10, 9 } },
    outputs = { f64 { 2, 3, 4 } },
  },
  {
    "exchanges rows",
    inputs = { { { 0, 1 }, { 2, 0 } }, { { 3 }, { 4 } } },
    outputs = { { { 2 }, { 3 } } },
  },
  {
    "solves with the transposed matrix",
    attrs = { transposed = 1 },
    inputs = { { { 2, 4 }, { 0, 1 } }, { 2, 5 } },
    outputs = { { 1, 1 } },
  },
  {
    "refuses what is not square",
    inputs = { { { 1, 2, 3 }, { 4, 5, 6 } }, { 1, 2 } },
    error = "A, B: expected %[N,N%]",
  },
})
