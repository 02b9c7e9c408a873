-- Out of training the input itself and a mask that is all true.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16 = t.f64, t.f32, t.f16

t.cases("Dropout", {
  { "copies", inputs = { { 1, 2, 3 } }, outputs = { { 1, 2, 3 } } },
  { "gives a mask", inputs = { { 1, 2, 3 } }, outputs = { { 1, 2, 3 }, { true, true, true } } },
  { "copies with a ratio", inputs = { { 1, 2, 3 }, 0.75 }, outputs = { { 1, 2, 3 } } },
  {
    "copies when training_mode is false",
    inputs = { { { 1 }, { 2 } }, 0.75, false },
    outputs = { { { 1 }, { 2 } }, { { true }, { true } } },
  },
  {
    "copies in training with ratio 0",
    inputs = { { 1, 2 }, 0, true },
    outputs = { { 1, 2 }, { true, true } },
  },
  { "copies f16", inputs = { f16 { 1, 2 } }, outputs = { f16 { 1, 2 } } },
  { "copies f64", inputs = { f64 { { 1, 2 } }, f64(0.5) }, outputs = { f64 { { 1, 2 } } } },
  {
    "copies an empty tensor",
    inputs = { f32 { shape = { 0, 2 } } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "had ratio as an attribute before opset 12",
    opset = 10, attrs = { ratio = 0.9 }, inputs = { { 1, 2 } },
    outputs = { { 1, 2 } },
  },
  {
    "had is_test before opset 7",
    opset = 6, attrs = { ratio = 0.9, is_test = 1 }, inputs = { { 1, 2 } },
    outputs = { { 1, 2 } },
  },
  { "refuses a ratio of 1", inputs = { { 1 }, 1, true }, error = "ratio" },
  {
    "keeps about 1 - ratio of the elements in training, scaled up, by a seed",
    attrs = { seed = 7 }, inputs = { f32 { shape = { 1000 }, 1 }, 0.25, true }, is_random = true,
    outputs = { false, false },
    check = function(got)
      local kept, mask = got[1], got[2]
      assert.is_true(kept:allclose(mask:cast "f32" / 0.75))
      local share = mask:cast("f32"):mean():item()
      assert.is_true(share > 0.68 and share < 0.82)
    end,
  },
})
