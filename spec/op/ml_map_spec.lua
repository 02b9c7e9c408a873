-- ZipMap, CastMap, DictVectorizer: maps are Lua tables.
local t = require "support.op_cases" (_ENV)

local function gives(want)
  return function(got) assert.same(want, got[1]) end
end

t.cases("ai.onnx.ml:ZipMap", {
  {
    "makes maps from strings",
    attrs = { classlabels_strings = { "a", "b" } }, inputs = { { { 1, 0.5 }, { 3, 4 } } },
    check = gives { { a = 1, b = 0.5 }, { a = 3, b = 4 } },
  },
  {
    "makes maps from integers",
    attrs = { classlabels_int64s = { 10, 20 } }, inputs = { { { 1, 0.5 } } },
    check = gives { { [10] = 1, [20] = 0.5 } },
  },
  {
    "takes a vector for a row",
    attrs = { classlabels_int64s = { 7 } }, inputs = { { 0.25 } }, check = gives { { [7] = 0.25 } },
  },
  {
    "refuses another count of columns",
    attrs = { classlabels_int64s = { 10, 20 } }, inputs = { { { 1, 2, 3 } } }, error = "3",
  },
  { "needs labels", inputs = { { { 1, 2 } } }, error = "class labels" },
})

describe("ai.onnx.ml:CastMap", function()
  it("puts numbers in the order of keys, or at the places of keys", function()
    t.model("cast_map", { x = { [4] = 2.5, [0] = 1.0 } },
      { dense = { { 1, 2.5 } }, sparse = t.i64 { { 1, 0, 0, 0, 2 } } })
  end)
end)

describe("ai.onnx.ml:DictVectorizer", function()
  it("puts numbers in the order of a vocabulary, zeros for what is missing", function()
    t.model("dict_vectorizer", { x = { a = 1.5, b = 3.0, nobody = 9.0 } }, { y = { 1.5, 0, 3, 0 } })
  end)
end)
