-- Statistics within five standard errors; the same numbers for a seed.
local t = require "support.op_cases" (_ENV)
local f64, f32, i32, inf = t.f64, t.f32, t.i32, t.inf

--- Mean and deviation of all elements are near what they should be; a second run agrees.
local function near(mean, deviation, extra)
  local first = {}
  return function(got, how)
    local x = got[1]:cast "f64"
    local margin = 5 * deviation / math.sqrt(x.count)
    assert.is_true(math.abs(x:mean():item() - mean) < margin, how)
    assert.is_true(math.abs(x:std():item() - deviation) < 5 * margin, how)
    if extra then extra(x, got[1]) end
    first.x = first.x or x
    assert.is_true(x:allclose(first.x, 0, 0), how .. ": other numbers for one seed")
  end
end

t.cases("RandomNormal", {
  {
    "has mean 0 and deviation 1",
    attrs = { shape = { 40, 50 }, seed = 1.0 }, is_random = true, check = near(0, 1),
  },
  {
    "takes mean and scale",
    attrs = { shape = { 2000 }, seed = 2.0, mean = 5.0, scale = 0.5 }, is_random = true,
    check = near(5, 0.5),
  },
  {
    "takes a type",
    attrs = { shape = { 2000 }, seed = 3.0, dtype = 11 }, is_random = true,
    check = near(0, 1, function(_, raw) assert.equal("f64", raw.dtype) end),
  },
  {
    "gives f16",
    attrs = { shape = { 2000 }, seed = 3.0, dtype = 10 }, is_random = true,
    check = near(0, 1, function(_, raw) assert.equal("f16", raw.dtype) end),
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { shape = { 2000 }, seed = 4.0 }, is_random = true, check = near(0, 1),
  },
  {
    "refuses negative sizes",
    attrs = { shape = { -1 } }, error = "shape%[0%]: expected a size, got %-1",
  },
  { "refuses integers", attrs = { shape = { 1 }, dtype = 7 }, error = "dtype" },
  { "needs a shape", error = "shape" },
})

t.cases("RandomNormalLike", {
  {
    "takes the shape of its input",
    attrs = { seed = 1.0, mean = -1.0, scale = 2.0 }, inputs = { f32 { shape = { 40, 50 }, 0 } },
    is_random = true, check = near(-1, 2, function(x) assert.same({ 40, 50 }, x.shape) end),
  },
  {
    "takes a type",
    attrs = { seed = 1.0, dtype = 1 }, inputs = { i32 { shape = { 2000 }, 0 } }, is_random = true,
    check = near(0, 1, function(_, raw) assert.equal("f32", raw.dtype) end),
  },
  { "needs a type for integers", inputs = { i32 { 1 } }, error = "dtype: has to be given" },
})

t.cases("RandomUniform", {
  {
    "fills [0, 1)",
    attrs = { shape = { 2000 }, seed = 1.0 }, is_random = true,
    check = near(0.5, math.sqrt(1 / 12), function(x)
      assert.is_true(x:min():item() >= 0 and x:max():item() < 1)
    end),
  },
  {
    "takes low and high",
    attrs = { shape = { 2000 }, seed = 2.0, low = -3.0, high = 1.0 }, is_random = true,
    check = near(-1, 4 * math.sqrt(1 / 12)),
  },
  {
    "takes a type",
    attrs = { shape = { 2000 }, seed = 3.0, dtype = 11 }, is_random = true,
    check = near(0.5, math.sqrt(1 / 12), function(_, raw) assert.equal("f64", raw.dtype) end),
  },
  {
    "gives nothing for an empty shape",
    attrs = { shape = { 0, 3 }, seed = 1.0 },
    outputs = { f32 { shape = { 0, 3 } } }, is_random = true,
  },
  { "refuses an unknown type", attrs = { shape = { 1 }, dtype = 99 }, error = "99" },
})

t.cases("RandomUniformLike", {
  {
    "takes shape and type of its input",
    attrs = { seed = 1.0, low = 1.0, high = 3.0 }, inputs = { f64 { shape = { 2000 }, 0 } },
    is_random = true,
    check = near(2, 2 * math.sqrt(1 / 12), function(_, raw) assert.equal("f64", raw.dtype) end),
  },
})

t.cases("Bernoulli", {
  {
    "is 1 as often as its input says",
    attrs = { seed = 1.0 }, inputs = { f32 { shape = { 2000 }, 0.3 } }, is_random = true,
    check = near(0.3, math.sqrt(0.3 * 0.7)),
  },
  {
    "takes a type",
    attrs = { seed = 2.0, dtype = 9 }, inputs = { f32 { shape = { 2000 }, 0.5 } },
    is_random = true,
    check = near(0.5, 0.5, function(_, raw) assert.equal("bool", raw.dtype) end),
  },
  {
    "is certain at 0 and 1",
    attrs = { seed = 3.0 }, inputs = { { 0, 1, 0, 1 } },
    outputs = { { 0, 1, 0, 1 } }, is_random = true,
  },
  {
    "takes f64",
    attrs = { seed = 3.0 }, inputs = { f64 { 0, 1 } },
    outputs = { f64 { 0, 1 } }, is_random = true,
  },
})

t.cases("Multinomial", {
  {
    "chooses by log probability",
    attrs = { seed = 1.0, sample_size = 2000 }, inputs = { { { -1.3862944, -0.2876821 } } },
    is_random = true,
    check = near(
      0.75, math.sqrt(0.75 * 0.25), function(_, raw) assert.equal("i32", raw.dtype) end
    ),
  },
  {
    "takes a type",
    attrs = { seed = 2.0, sample_size = 2000, dtype = 7 }, inputs = { { { 0, 0 } } },
    is_random = true, check = near(0.5, 0.5, function(_, raw) assert.equal("i64", raw.dtype) end),
  },
  {
    "never chooses what is impossible",
    attrs = { seed = 3.0, sample_size = 4 },
    inputs = { { { -inf, 0, -inf }, { 0, -inf, -inf } } },
    outputs = { i32 { { 1, 1, 1, 1 }, { 0, 0, 0, 0 } } }, is_random = true,
  },
  {
    "refuses a sample of 0",
    attrs = { sample_size = 0 }, inputs = { { { 0, 0 } } }, error = "sample_size >= 1",
  },
  { "refuses a vector", inputs = { { 0, 0 } }, error = "expected input %[batch,classes%]" },
})
