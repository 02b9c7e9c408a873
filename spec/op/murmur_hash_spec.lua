-- MurmurHash3 of strings and numbers; the values are scikit-learn's.
local t = require "support.op_cases" (_ENV)
local i32, u32, string = t.i32, t.u32, t.string

t.cases("com.microsoft:MurmurHash3", {
  {
    "hashes strings of any length",
    inputs = { { "", "a", "test", "Hello, world!" } },
    outputs = { u32 { 0, 1009084850, 3127628307, 3224780355 } },
  },
  {
    "gives signed numbers",
    attrs = { positive = 0 },
    inputs = { { { "", "a" }, { "test", "Hello, world!" } } },
    outputs = { i32 { { 0, 1009084850 }, { -1167338989, -1070186941 } } },
  },
  {
    "begins with a seed",
    attrs = { positive = 0, seed = 7 },
    inputs = { { "", "a", "test", "Hello, world!" } },
    outputs = { i32 { 415870660, -304251353, 85341280, 1510248256 } },
  },
  {
    "hashes the bytes of numbers",
    attrs = { positive = 0 },
    inputs = { i32 { 1, -5 } },
    outputs = { i32 { -68075478, 1637461840 } },
  },
  { "hashes nothing", inputs = { string { shape = { 0 } } }, outputs = { u32 { shape = { 0 } } } },
})
