-- Stop words out, letters to one case.
local t = require "support.op_cases" (_ENV)

t.cases("StringNormalizer", {
  {
    "copies",
    inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    outputs = { { "monday", "Tuesday", "WEDNESDAY" } },
  },
  {
    "lowers",
    attrs = { case_change_action = "LOWER" }, inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    outputs = { { "monday", "tuesday", "wednesday" } },
  },
  {
    "raises",
    attrs = { case_change_action = "UPPER" }, inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    outputs = { { "MONDAY", "TUESDAY", "WEDNESDAY" } },
  },
  {
    "takes stop words out, whatever their case",
    attrs = { stopwords = { "tuesday" } }, inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    outputs = { { "monday", "WEDNESDAY" } },
  },
  {
    "minds the case with is_case_sensitive",
    attrs = { stopwords = { "tuesday" }, is_case_sensitive = 1 },
    inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    outputs = { { "monday", "Tuesday", "WEDNESDAY" } },
  },
  {
    "gives one empty string for nothing",
    attrs = { stopwords = { "a" } }, inputs = { { "a" } },
    outputs = { { "" } },
  },
  {
    "takes [1,N]",
    attrs = { stopwords = { "a" }, case_change_action = "UPPER" }, inputs = { { { "a", "b" } } },
    outputs = { { { "B" } } },
  },
  {
    "raises letters beyond ASCII",
    attrs = { case_change_action = "UPPER" }, inputs = { { "é" } },
    outputs = { { "É" } },
  },
  {
    "refuses an unknown action",
    attrs = { case_change_action = "TITLE" }, inputs = { { "monday", "Tuesday", "WEDNESDAY" } },
    error = "case_change_action",
  },
  { "refuses other shapes", inputs = { { { "a" }, { "b" } } }, error = "expected" },
})
