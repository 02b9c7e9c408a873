--- What exporters write as many nodes and sessions run as one: the same answers, in fewer steps.
local pg = require "perigee"
local T = pg.tensor

local BATCH, HEADS, SIZE = 2, 3, 4

--- softmax(scale q k' + mask) v over heads that lie behind the tokens.
--- style: "two" transposes of k, "one", or q and k "scaled" before their product.
--- mask: nil, "keys" [B,1,1,S], "full" [B,H,L,S].
local function attention(style, mask, is_dynamic)
  local b, l, s = BATCH, 5, 7
  if is_dynamic then b, l, s = "B", "L", "S" end
  local g = pg.graph()
  g:add_input("q", "f32", { b, l, HEADS * SIZE })
  g:add_input("k", "f32", { b, s, HEADS * SIZE })
  g:add_input("v", "f32", { b, s, HEADS * SIZE })
  g:add_constant("split", { 0, -1, HEADS, SIZE }, "i64")
  g:add_constant("joined", { 0, -1, HEADS * SIZE }, "i64")
  g:add_constant("number", T.full({}, 0.7))
  for _, name in ipairs { "q", "k", "v" } do
    local turn = name == "k" and style ~= "two" and { 0, 2, 3, 1 } or { 0, 2, 1, 3 }
    g:add("Reshape", { name, "split" }, { name .. "4" })
    g:add("Transpose", { name .. "4" }, { name .. "h" }, { perm = turn })
  end
  local q, k = "qh", "kh"
  if style == "two" then
    g:add("Transpose", { "kh" }, { "kt" }, { perm = { 0, 1, 3, 2 } })
    k = "kt"
  elseif style == "scaled" then
    g:add("Mul", { "qh", "number" }, { "qs" })
    g:add("Mul", { "kh", "number" }, { "ks" })
    q, k = "qs", "ks"
  end
  g:add("MatMul", { q, k }, { "scores" })
  local scores = "scores"
  if style ~= "scaled" then
    g:add("Div", { scores, "number" }, { "divided" })
    scores = "divided"
  end
  if mask then
    g:add_input("mask", "f32", mask == "keys" and { b, 1, 1, s } or { b, HEADS, l, s })
    g:add("Add", { scores, "mask" }, { "masked" })
    scores = "masked"
  end
  g:add("Softmax", { scores }, { "weights" }, { axis = -1 })
  g:add("MatMul", { "weights", "vh" }, { "heads" })
  g:add("Transpose", { "heads" }, { "tokens" }, { perm = { 0, 2, 1, 3 } })
  g:add("Reshape", { "tokens", "joined" }, { "y" })
  g:add_output "y"
  return g
end

local function inputs_of(mask)
  local function random(seed, ...) return T.random({ ... }, { seed = seed, low = -1 }) end
  local inputs = {
    q = random(1, BATCH, 5, HEADS * SIZE), k = random(2, BATCH, 7, HEADS * SIZE),
    v = random(3, BATCH, 7, HEADS * SIZE),
  }
  if mask == "full" then inputs.mask = random(4, BATCH, HEADS, 5, 7) end
  if mask == "keys" then
    inputs.mask = T.zeros { BATCH, 1, 1, 7 }
    inputs.mask:set(1, 1, 1, 2, -math.huge)
    for i = 1, 7 do inputs.mask:set(2, 1, 1, i, -math.huge) end -- nothing is seen: NaN
  end
  return inputs
end

local function steps_of(session, inputs)
  local types = {}
  for _, row in ipairs(session:profile(inputs)) do types[#types + 1] = row.type end
  return types
end

local function same(a, b)
  a, b = a:flatten():totable(), b:flatten():totable()
  for i = 1, #a do
    local is_same = math.abs(a[i] - b[i]) < 1e-5 or (a[i] ~= a[i] and b[i] ~= b[i])
    assert.is_true(is_same, ("element %d: %g and %g"):format(i, a[i], b[i]))
  end
end

describe("attention in steps", function()
  for _, is_dynamic in ipairs { false, true } do
    for _, style in ipairs { "two", "one", "scaled" } do
      for _, mask in ipairs { "none", "keys", "full" } do
        it(("becomes one: %s, mask %s%s"):format(style, mask, is_dynamic and ", dynamic" or ""), function()
          local g = attention(style, mask ~= "none" and mask or nil, is_dynamic)
          local inputs = inputs_of(mask)
          local fused = g:session { threads = 1 }
          same(g:session { threads = 1, optimize = false }(inputs).y, fused(inputs).y)
          assert.same({ "Attend" }, steps_of(fused, inputs))
        end)
      end
    end
  end

  it("stays as it is when its weights are wanted", function()
    local g = attention("one", nil, false)
    g:add_output "weights"
    local inputs = inputs_of "none"
    local s = g:session { threads = 1 }
    local plain = g:session { threads = 1, optimize = false }(inputs)
    same(plain.weights, s(inputs).weights)
    same(plain.y, s(inputs).y)
  end)
end)

--- (x - mean) / sqrt(variance + epsilon) gain + bias, and without the mean: is_rms.
local function norm(is_rms, style, with_bias)
  local g = pg.graph()
  g:add_input("x", "f32", { "B", 3, 10 })
  g:add_constant("axes", { -1 }, "i64")
  g:add_constant("two", T.full({}, 2))
  g:add_constant("one", T.full({}, 1))
  g:add_constant("epsilon", T.full({}, 1e-2))
  g:add_constant("gain", T.random({ 10 }, { seed = 5, low = -1 }))
  g:add_constant("bias", T.random({ 10 }, { seed = 6, low = -1 }))
  local x = "x"
  if not is_rms then
    g:add("ReduceMean", { "x", "axes" }, { "mean" })
    g:add("Sub", { "x", "mean" }, { "d" })
    x = "d"
  end
  if style == "mul" then
    g:add("Mul", { x, x }, { "square" })
  else
    g:add("Pow", { x, "two" }, { "square" })
  end
  g:add("ReduceMean", { "square", "axes" }, { "variance" })
  g:add("Add", { "variance", "epsilon" }, { "sum" })
  g:add("Sqrt", { "sum" }, { "root" })
  if style == "div" then
    g:add("Div", { x, "root" }, { "n" })
  else
    g:add(style == "mul" and "Reciprocal" or "Div", style == "mul" and { "root" } or { "one", "root" }, { "r" })
    g:add("Mul", { x, "r" }, { "n" })
  end
  g:add("Mul", { "gain", "n" }, { with_bias and "scaled" or "y" })
  if with_bias then g:add("Add", { "scaled", "bias" }, { "y" }) end
  g:add_output "y"
  return g
end

describe("normalisation in steps", function()
  local inputs = { x = T.random({ 2, 3, 10 }, { seed = 7, low = -3, high = 5 }) }
  for _, is_rms in ipairs { false, true } do
    for _, style in ipairs { "div", "mul", "inverse" } do
      for _, with_bias in ipairs { false, true } do
        local expected = { is_rms and "RMSNormalization" or "LayerNormalization" }
        if is_rms and with_bias then expected[2] = "Add" end
        it(("becomes %s: %s%s"):format(expected[1], style, with_bias and ", bias" or ""), function()
          local g = norm(is_rms, style, with_bias)
          local fused = g:session { threads = 1 }
          same(g:session { threads = 1, optimize = false }(inputs).y, fused(inputs).y)
          assert.same(expected, steps_of(fused, inputs))
        end)
      end
    end
  end
end)

--- x/2 (1 + Tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
local function gelu(cube, order)
  local g = pg.graph()
  g:add_input("x", "f32", { "B", 9 })
  for name, value in pairs { a = 0.044715, b = (2 / math.pi) ^ 0.5, one = 1, half = 0.5, three = 3 } do
    g:add_constant(name, T.full({}, value))
  end
  if cube == "Pow" then
    g:add("Pow", { "x", "three" }, { "cube" })
  else
    g:add("Mul", { "x", "x" }, { "square" })
    g:add("Mul", { "square", "x" }, { "cube" })
  end
  g:add("Mul", { "a", "cube" }, { "small" })
  g:add("Add", { "x", "small" }, { "sum" })
  g:add("Mul", { "sum", "b" }, { "inner" })
  g:add("Tanh", { "inner" }, { "t" })
  g:add("Add", { "t", "one" }, { "u" })
  if order == "half first" then
    g:add("Mul", { "x", "half" }, { "h" })
    g:add("Mul", { "h", "u" }, { "y" })
  else
    g:add("Mul", { "x", "u" }, { "h" })
    g:add("Mul", { "half", "h" }, { "y" })
  end
  g:add_output "y"
  return g
end

describe("Gelu by Tanh in steps", function()
  for _, cube in ipairs { "Pow", "Mul" } do
    for _, order in ipairs { "half first", "half last" } do
      it(("becomes one: %s, %s"):format(cube, order), function()
        local g, inputs = gelu(cube, order), { x = T.random({ 4, 9 }, { seed = 8, low = -4, high = 4 }) }
        local fused = g:session { threads = 1 }
        same(g:session { threads = 1, optimize = false }(inputs).y, fused(inputs).y)
        assert.same({ "Gelu" }, steps_of(fused, inputs))
      end)
    end
  end
end)

describe("a product with what follows it", function()
  for _, act in ipairs { "Gelu", "GeluTanh", "Sigmoid", "Tanh", "Swish", "Relu" } do
    it(("is one step: bias, %s"):format(act), function()
      local g = pg.graph()
      g:add_input("x", "f32", { "N", 7 })
      g:add_constant("w", T.random({ 7, 37 }, { seed = 9, low = -1 }))
      g:add_constant("b", T.random({ 37 }, { seed = 10, low = -1 }))
      g:add("MatMul", { "x", "w" }, { "p" })
      g:add("Add", { "p", "b" }, { "s" })
      local attrs = act == "GeluTanh" and { approximate = "tanh" } or nil
      g:add(act == "GeluTanh" and "Gelu" or act, { "s" }, { "y" }, attrs)
      g:add_output "y"
      local inputs = { x = T.random({ 19, 7 }, { seed = 11, low = -3, high = 3 }) }
      local fused = g:session { threads = 1 }
      same(g:session { threads = 1, optimize = false }(inputs).y, fused(inputs).y)
      assert.same({ "Linear" }, steps_of(fused, inputs))
    end)
  end
end)

describe("attention whose sizes aren't known", function()
  it("is left in peace, and so are the key's transposes", function()
    local g = pg.graph()
    for _, name in ipairs { "q", "k", "v" } do g:add_input(name, "f32", { "?", "?", "?", "?" }) end
    g:add("Transpose", { "k" }, { "heads" }, { perm = { 0, 2, 1, 3 } })
    g:add("Transpose", { "heads" }, { "turned" }, { perm = { 0, 1, 3, 2 } })
    g:add("MatMul", { "q", "turned" }, { "scores" })
    g:add("Softmax", { "scores" }, { "weights" })
    g:add("MatMul", { "weights", "v" }, { "y" })
    g:add_output "y"
    local x = {
      q = pg.tensor.randn({ 1, 2, 3, 4 }, { seed = 1 }), k = pg.tensor.randn({ 1, 5, 2, 4 }, { seed = 2 }),
      v = pg.tensor.randn({ 1, 2, 5, 4 }, { seed = 3 }),
    }
    local got = assert(g:session { threads = 1 })(x).y
    local want = assert(g:session { threads = 1, optimize = false })(x).y
    assert.is_true(got:allclose(want, 1e-5, 1e-6))
  end)
end)
