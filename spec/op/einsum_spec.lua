-- Sums over letters, as numpy.einsum.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i64, count = t.f64, t.f32, t.f16, t.i64, t.count

t.cases("Einsum", {
  {
    "multiplies matrices",
    attrs = { equation = "ij,jk->ik" },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { { { 10, 13 }, { 28, 40 } } },
  },
  {
    "transposes",
    attrs = { equation = "ij->ji" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } } },
  },
  {
    "sums all",
    attrs = { equation = "ij->" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { 15 },
  },
  {
    "sums one axis",
    attrs = { equation = "ij->i" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { 3, 12 } },
  },
  {
    "takes a diagonal",
    attrs = { equation = "ii->i" }, inputs = { count { 3, 3 } },
    outputs = { { 0, 4, 8 } },
  },
  { "takes a trace", attrs = { equation = "ii" }, inputs = { count { 3, 3 } }, outputs = { 12 } },
  {
    "sorts letters without an arrow",
    attrs = { equation = "ba" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    outputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } } },
  },
  {
    "multiplies batches",
    attrs = { equation = "bij,bjk->bik" }, inputs = { count { 2, 2, 2 }, count { 2, 2, 2 } },
    outputs = { { { { 2, 3 }, { 6, 11 } }, { { 46, 55 }, { 66, 79 } } } },
  },
  {
    "takes an outer product",
    attrs = { equation = "i,j->ij" }, inputs = { { 1, 2 }, { 3, 4, 5 } },
    outputs = { { { 3, 4, 5 }, { 6, 8, 10 } } },
  },
  {
    "takes three inputs",
    attrs = { equation = "i,ij,j->" },
    inputs = { { 1, 2 }, { { 0, 1, 2 }, { 3, 4, 5 } }, { 1, 0, 2 } },
    outputs = { 30 },
  },
  {
    "broadcasts an ellipsis",
    attrs = { equation = "...ij,jk->...ik" },
    inputs = { { { { 0, 1, 2 } }, { { 3, 4, 5 } } }, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { { { { 10, 13 } }, { { 28, 40 } } } },
  },
  {
    "moves an ellipsis",
    attrs = { equation = "i...->...i" }, inputs = { count { 2, 3, 2 } },
    outputs = { f32 { shape = { 3, 2, 2 }, 0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11 } },
  },
  {
    "skips spaces",
    attrs = { equation = " i j , j k -> i k " },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { { { 10, 13 }, { 28, 40 } } },
  },
  {
    "tells capitals apart",
    attrs = { equation = "aA,Ab->ab" },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { { { 10, 13 }, { 28, 40 } } },
  },
  {
    "computes f64",
    attrs = { equation = "ij,jk->ik" },
    inputs = { f64 { { 0, 1, 2 }, { 3, 4, 5 } }, f64 { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { f64 { { 10, 13 }, { 28, 40 } } },
  },
  {
    "computes i64",
    attrs = { equation = "ij,jk->ik" },
    inputs = { i64 { { 0, 1, 2 }, { 3, 4, 5 } }, i64 { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { i64 { { 10, 13 }, { 28, 40 } } },
  },
  {
    "computes f16",
    attrs = { equation = "ij,jk->ik" },
    inputs = { f16 { { 0, 1, 2 }, { 3, 4, 5 } }, f16 { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { f16 { { 10, 13 }, { 28, 40 } } },
  },
  {
    "sums nothing to 0",
    attrs = { equation = "ij,jk->ik" },
    inputs = { f32 { shape = { 2, 0 } }, f32 { shape = { 0, 2 } } },
    outputs = { { { 0, 0 }, { 0, 0 } } },
  },
  {
    "refuses sizes that differ",
    attrs = { equation = "ij,jk->ik" },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1, 2 }, { 3, 4, 5 } } }, error = "sizes",
  },
  {
    "refuses another count of letters",
    attrs = { equation = "ijk->i" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "equation",
  },
  {
    "refuses a letter of nowhere",
    attrs = { equation = "ij->k" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } }, error = "equation",
  },
  {
    "refuses other signs",
    attrs = { equation = "i%->i" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } }, error = "equation",
  },
  {
    "refuses another count of inputs",
    attrs = { equation = "ij,jk->ik" }, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "equation",
  },
})
