-- N-grams counted in sequences, with gaps up to max_skip_count.
local t = require "support.op_cases" (_ENV)
local i64, i32, with = t.i64, t.i32, t.with

local grams = {
  ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
  pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 2,
  max_gram_length = 2, max_skip_count = 0,
}

t.cases("TfIdfVectorizer", {
  {
    "counts pairs",
    attrs = grams, inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 1, 1, 1 } },
  },
  {
    "counts pairs with gaps",
    attrs = with(grams, { max_skip_count = 5 }),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 1, 3, 1 } },
  },
  {
    "counts single ones and pairs",
    attrs = with(grams, { min_gram_length = 1, max_skip_count = 5 }),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 3, 1, 0, 1, 3, 1 } },
  },
  {
    "runs for each row",
    attrs = with(grams, { max_skip_count = 5 }),
    inputs = { i32 { { 1, 1, 3, 3, 3, 7 }, { 8, 6, 7, 5, 6, 8 } } },
    outputs = { { { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 1, 1, 1 } } },
  },
  {
    "says whether it occurs with IDF",
    attrs = with(
      grams, { mode = "IDF", max_skip_count = 5, weights = { 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0 } }
    ),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 5, 6, 7 } },
  },
  {
    "weighs counts with TFIDF",
    attrs = with(
      grams,
      { mode = "TFIDF", max_skip_count = 5, weights = { 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0 } }
    ),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 5, 18, 7 } },
  },
  {
    "counts i64",
    attrs = grams, inputs = { i64 { 5, 6, 5, 6 } },
    outputs = { { 0, 0, 0, 0, 2, 0, 0 } },
  },
  {
    "counts strings",
    attrs = {
      mode = "TF", min_gram_length = 2, max_gram_length = 2, max_skip_count = 0,
      ngram_counts = { 0, 1 }, ngram_indexes = { 0, 1 }, pool_strings = { "a", "a", "b" },
    },
    inputs = { { "a", "b", "a", "b" } },
    outputs = { { 0, 2 } },
  },
  {
    "refuses an unknown mode",
    attrs = with(grams, { mode = "BM25" }),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } }, error = "mode",
  },
  {
    "refuses lengths the wrong way round",
    attrs = with(grams, { min_gram_length = 3 }),
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } }, error = "gram_length",
  },
})
