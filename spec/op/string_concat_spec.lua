-- Strings joined element by element.
local t = require "support.op_cases" (_ENV)
local string = t.string

t.cases("StringConcat", {
  {
    "joins",
    inputs = { { "abc", "def" }, { ".com", ".net" } },
    outputs = { { "abc.com", "def.net" } },
  },
  {
    "broadcasts",
    inputs = { { { "a" }, { "b" } }, { "x", "y" } },
    outputs = { { { "ax", "ay" }, { "bx", "by" } } },
  },
  { "joins empty strings", inputs = { { "" }, { "" } }, outputs = { { "" } } },
  { "joins scalars", inputs = { "cat", "s" }, outputs = { "cats" } },
  { "keeps UTF-8", inputs = { { "的" }, { "é" } }, outputs = { { "的é" } } },
  { "takes an empty tensor", inputs = { string {}, { "x" } }, outputs = { string {} } },
  { "refuses numbers", inputs = { { 1 }, { 2 } }, error = "f32" },
  {
    "refuses shapes that don't meet",
    inputs = { { "a", "b" }, { "a", "b", "c" } }, error = "broadcast",
  },
})
