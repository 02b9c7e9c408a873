-- N-grams counted in sequences, with gaps up to max_skip_count.
local t = require "support.op_cases" (_ENV)
local i64, i32 = t.i64, t.i32

t.cases("TfIdfVectorizer", {
  {
    "counts pairs",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 0,
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 1, 1, 1 } },
  },
  {
    "counts pairs with gaps",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 5,
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 1, 3, 1 } },
  },
  {
    "counts single ones and pairs",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 1,
      max_gram_length = 2, max_skip_count = 5,
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 3, 1, 0, 1, 3, 1 } },
  },
  {
    "runs for each row",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 5,
    },
    inputs = { i32 { { 1, 1, 3, 3, 3, 7 }, { 8, 6, 7, 5, 6, 8 } } },
    outputs = { { { 0, 0, 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 1, 1, 1 } } },
  },
  {
    "says whether it occurs with IDF",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "IDF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 5, weights = { 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0 },
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 5, 6, 7 } },
  },
  {
    "weighs counts with TFIDF",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TFIDF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 5, weights = { 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0 },
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } },
    outputs = { { 0, 0, 0, 0, 5, 18, 7 } },
  },
  {
    "counts i64",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 0,
    },
    inputs = { i64 { 5, 6, 5, 6 } },
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
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "BM25", min_gram_length = 2,
      max_gram_length = 2, max_skip_count = 0,
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } }, error = "mode",
  },
  {
    "refuses lengths the wrong way round",
    attrs = {
      ngram_counts = { 0, 4 }, ngram_indexes = { 0, 1, 2, 3, 4, 5, 6 },
      pool_int64s = { 2, 3, 5, 4, 5, 6, 7, 8, 6, 7 }, mode = "TF", min_gram_length = 3,
      max_gram_length = 2, max_skip_count = 0,
    },
    inputs = { i32 { 1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8 } }, error = "gram_length",
  },
})
