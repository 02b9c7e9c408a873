-- Whole strings against a pattern of RE2's kind.
local t = require "support.op_cases" (_ENV)
local bool, string = t.bool, t.string

t.cases("RegexFullMatch", {
  {
    "matches whole strings",
    attrs = { pattern = "www\\.[\\w.-]+\\.\\bcom\\b" },
    inputs = { { "www.google.com", "www.facebook.com", "www.bbc.co.uk" } },
    outputs = { { true, true, false } },
  },
  {
    "matches a matrix",
    attrs = { pattern = "(\\W|^)[\\w.\\-]{0,25}@(yahoo|gmail)\\.com(\\W|$)" },
    inputs = { { { "account@gmail.com", "not email" } } },
    outputs = { { { true, false } } },
  },
  {
    "matches not only a part",
    attrs = { pattern = "ab" }, inputs = { { "ab", "abc" } },
    outputs = { { true, false } },
  },
  {
    "matches alternatives",
    attrs = { pattern = "cat|dog" }, inputs = { { "cat", "dog", "cow" } },
    outputs = { { true, true, false } },
  },
  {
    "counts repetitions",
    attrs = { pattern = "a{2,3}" }, inputs = { { "a", "aa", "aaaa" } },
    outputs = { { false, true, false } },
  },
  {
    "takes classes and their complements",
    attrs = { pattern = "[^0-9]\\d" }, inputs = { { "x1", "xy", "1" } },
    outputs = { { true, false, false } },
  },
  {
    "ignores case with (?i)",
    attrs = { pattern = "(?i)hello" }, inputs = { { "HeLLo" } },
    outputs = { { true } },
  },
  {
    "takes UTF-8 letters as one",
    attrs = { pattern = "." }, inputs = { { "é", "éé" } },
    outputs = { { true, false } },
  },
  {
    "matches the empty string",
    attrs = { pattern = "a*" }, inputs = { { "" } },
    outputs = { { true } },
  },
  {
    "doesn't blow up",
    attrs = { pattern = "(a*)*b" }, inputs = { { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
    outputs = { { false } },
  },
  {
    "takes an empty tensor",
    attrs = { pattern = "a" }, inputs = { string { shape = { 0, 2 } } },
    outputs = { bool { shape = { 0, 2 } } },
  },
  {
    "refuses patterns that are none",
    attrs = { pattern = "(a" }, inputs = { { "a" } }, error = "pattern",
  },
  {
    "refuses references back",
    attrs = { pattern = "(a)\\1" }, inputs = { { "a" } }, error = "pattern",
  },
  { "refuses numbers", attrs = { pattern = "a" }, inputs = { { 1 } }, error = "f32" },
})
