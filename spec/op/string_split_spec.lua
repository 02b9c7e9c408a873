-- Strings cut at a delimiter into rows, with their lengths.
local t = require "support.op_cases" (_ENV)
local i64, string = t.i64, t.string

t.cases("StringSplit", {
  {
    "cuts at a delimiter",
    attrs = { delimiter = "." }, inputs = { { "a.com", "b.net.org" } },
    outputs = { { { "a", "com", "" }, { "b", "net", "org" } }, i64 { 2, 3 } },
  },
  {
    "cuts at white space by default",
    inputs = { { "  a  b ", "" } },
    outputs = { { { "a", "b" }, { "", "" } }, i64 { 2, 0 } },
  },
  {
    "stops after maxsplit",
    attrs = { maxsplit = 1 }, inputs = { { "a b c" } },
    outputs = { { { "a", "b c" } }, i64 { 2 } },
  },
  {
    "keeps empty parts between delimiters",
    attrs = { delimiter = "-" }, inputs = { { "a--b" } },
    outputs = { { { "a", "", "b" } }, i64 { 3 } },
  },
  {
    "takes long delimiters",
    attrs = { delimiter = "<>" }, inputs = { { "a<>b" } },
    outputs = { { { "a", "b" } }, i64 { 2 } },
  },
  {
    "takes a matrix",
    inputs = { { { "a b" }, { "c" } } },
    outputs = { { { { "a", "b" } }, { { "c", "" } } }, i64 { { 2 }, { 1 } } },
  },
  {
    "takes an empty tensor",
    inputs = { string {} },
    outputs = { string { shape = { 0, 0 } }, i64 {} },
  },
  { "refuses numbers", inputs = { { 1 } }, n_outputs = 2, error = "f32" },
})
