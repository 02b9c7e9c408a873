-- Strings cut into tokens: by separators, by a pattern, by code points.
local t = require "support.op_cases" (_ENV)
local string = t.string

t.cases("com.microsoft:Tokenizer", {
  {
    "takes what a pattern matches",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, tokenexp = "[a-z0-9_]+" },
    inputs = { { "the cat, the mat", "on", "" } },
    outputs = {
      { { "the", "cat", "the", "mat" }, { "on", "#", "#", "#" }, { "#", "#", "#", "#" } },
    },
  },
  {
    "takes the longest of the leftmost matches",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, tokenexp = "a|ab|b+c" },
    inputs = { { "xabbc" } },
    outputs = { { { "ab", "bc" } } },
  },
  {
    "takes no short tokens",
    attrs = { mark = 0, pad_value = "", mincharnum = 2, tokenexp = "\\w+" },
    inputs = { { "a bc def g" } },
    outputs = { { { "bc", "def" } } },
  },
  {
    "knows words by their edges",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, tokenexp = "\\b\\w\\w+\\b" },
    inputs = { { "a bc d ef" } },
    outputs = { { { "bc", "ef" } } },
  },
  {
    "splits at separators in turn",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, separators = { " ", "[.]", ",+" } },
    inputs = { { { "a b.c,,d", ".e." } } },
    outputs = { { { { "a", "b", "c", "d" }, { "e", "#", "#", "#" } } } },
  },
  {
    "takes code points for an empty separator",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, separators = { "" } },
    inputs = { { "aé語", "x" } },
    outputs = { { { "a", "é", "語" }, { "x", "#", "#" } } },
  },
  {
    "marks where rows begin and end",
    attrs = { mark = 1, pad_value = "#", mincharnum = 1, separators = { " " } },
    inputs = { { "a b", "c" } },
    outputs = { { { "\x02", "a", "b", "\x03" }, { "\x02", "c", "#", "\x03" } } },
  },
  {
    "gives rows of nothing when there are no tokens",
    attrs = { mark = 1, pad_value = "#", mincharnum = 1, separators = { " " } },
    inputs = { { " ", "" } },
    outputs = { string { shape = { 2, 0 } } },
  },
  {
    "refuses two ways at once",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, separators = { " " }, tokenexp = "a" },
    inputs = { { "a" } },
    error = "separators, tokenexp: expected one of them",
  },
  {
    "refuses an empty separator among others",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, separators = { " ", "" } },
    inputs = { { "a" } },
    error = "separators%[1%]: empty",
  },
  {
    "refuses three axes",
    attrs = { mark = 0, pad_value = "#", mincharnum = 1, separators = { " " } },
    inputs = { { { { "a" } } } },
    error = "got rank 3",
  },
})
