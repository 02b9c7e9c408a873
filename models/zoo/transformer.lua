--- Attention networks, in the operators that exporters write at opset 17: BERT
--- (https://arxiv.org/abs/1810.04805), ViT (https://arxiv.org/abs/2010.11929) and one block of a
--- decoder of the Llama kind (https://arxiv.org/abs/2302.13971) at one token with a cache.
local pg = require "perigee"
local Net = require "zoo.net"

--- [1, tokens, width] -> [1, heads, tokens, width / heads]
local function heads_of(net, x, tokens, heads, size)
  return net:transpose(net:reshape(x, { 1, tokens, heads, size }), { 0, 2, 1, 3 })
end

--- softmax(q k' / sqrt(size) + mask) v, back in [1, tokens, width]; k [.., tokens, size].
local function attend(net, q, k, v, mask, tokens, width, heads)
  local size = width // heads
  local scores = net:op("MatMul", { q, net:transpose(k, { 0, 1, 3, 2 }) })
  scores = net:op("Div", { scores, net:constant(size ^ 0.5, "f32") })
  if mask then scores = net:add(scores, mask) end
  local y = net:op("MatMul", { net:act("softmax", scores), v })
  return net:reshape(net:transpose(y, { 0, 2, 1, 3 }), { 1, tokens, width })
end

local function self_attention(net, x, mask, tokens, width, heads)
  local size = width // heads
  local q = heads_of(net, net:linear(x, width, width), tokens, heads, size)
  local k = heads_of(net, net:linear(x, width, width), tokens, heads, size)
  local v = heads_of(net, net:linear(x, width, width), tokens, heads, size)
  return net:linear(attend(net, q, k, v, mask, tokens, width, heads), width, width)
end

-- ---- BERT -------------------------------------------------------------------------------------

local TOKENS, WORDS = 128, 30522

--- 0 where the mask is 1, a large negative number where it is 0: [1, 1, 1, tokens].
local function additive_mask(net, mask)
  local m = net:op("Unsqueeze", { mask, net:constant({ 1, 2 }, "i64") })
  m = net:op("Cast", { m }, { to = 1 })
  m = net:op("Sub", { net:constant(1.0, "f32"), m })
  return net:mul(m, net:constant(-1e4, "f32"))
end

local function embed(net, ids, width)
  local words = net:op("Gather", { net:weight({ WORDS, width }, 1, 0.01), ids })
  local x = net:add(words, net:weight({ 1, TOKENS, width }, 1, 0.01))
  return net:layer_norm(x, width)
end

local function bert(name, layers, width, heads)
  return function(seed)
    local net = Net.new(name, seed)
    local ids = net:input("input_ids", { 1, TOKENS }, "i64")
    local mask = additive_mask(net, net:input("attention_mask", { 1, TOKENS }, "i64"))
    local x = embed(net, ids, width)
    for _ = 1, layers do
      x = net:layer_norm(net:add(self_attention(net, x, mask, TOKENS, width, heads), x), width)
      local y = net:linear(x, width, 4 * width, { act = "gelu" })
      x = net:layer_norm(net:add(net:linear(y, 4 * width, width), x), width)
    end
    net:output(x, "last_hidden_state")
    return net.graph
  end
end

-- ---- ViT --------------------------------------------------------------------------------------

local function vit_small(seed)
  local net = Net.new("vit_small", seed)
  local width, heads, patches = 384, 6, 14 * 14
  local x = net:input("image", { 1, 3, 224, 224 })
  local w = net:weight({ width, 3, 16, 16 }, 3 * 16 * 16, 1)
  x = net:op("Conv", { x, w, net:vector(width) },
    { kernel_shape = { 16, 16 }, strides = { 16, 16 } })
  x = net:transpose(net:reshape(x, { 1, width, patches }), { 0, 2, 1 })
  x = net:op("Concat", { net:weight({ 1, 1, width }, 1, 0.01), x }, { axis = 1 })
  local tokens = patches + 1
  x = net:add(x, net:weight({ 1, tokens, width }, 1, 0.01))
  for _ = 1, 12 do
    x = net:add(x, self_attention(net, net:layer_norm(x, width), nil, tokens, width, heads))
    local y = net:linear(net:layer_norm(x, width), width, 4 * width, { act = "gelu" })
    x = net:add(x, net:linear(y, 4 * width, width))
  end
  x = net:op("Gather", { net:layer_norm(x, width), net:constant(0, "i64") }, { axis = 1 }, width)
  net:output(net:gemm(x, 1000), "scores")
  return net.graph
end

-- ---- a decoder block --------------------------------------------------------------------------

local function rms_norm(net, x, n)
  local mean = net:op("ReduceMean", { net:op("Pow", { x, net:constant(2.0, "f32") }) },
    { axes = { -1 }, keepdims = 1 })
  local root = net:op("Sqrt", { net:add(mean, net:constant(1e-5, "f32")) })
  return net:mul(net:vector(n, 1), net:op("Div", { x, root }))
end

local function slice(net, x, first, last)
  return net:op("Slice", { x, net:constant({ first }, "i64"), net:constant({ last }, "i64"),
    net:constant({ -1 }, "i64") })
end

--- Rotary position: x cos + rotate_half(x) sin.
local function rotate(net, x, cos, sin, size)
  local low, high = slice(net, x, 0, size // 2), slice(net, x, size // 2, size)
  local turned = net:op("Concat", { net:op("Neg", { high }), low }, { axis = -1 })
  return net:add(net:mul(x, cos), net:mul(turned, sin))
end

local function angles(net, position, size, fn)
  local row = pg.tensor.zeros { 1, 1, 1, size }
  for i = 0, size - 1 do
    row:set(1, 1, 1, i + 1, fn(position * 10000 ^ (-2 * (i % (size // 2)) / size)))
  end
  return net:constant(row)
end

local function decoder_block(seed)
  local net = Net.new("decoder_block", seed)
  local width, heads, past, inner = 1024, 16, 512, 2816
  local size = width // heads
  local x = net:input("hidden", { 1, 1, width })
  local past_k = net:input("past_key", { 1, heads, past, size })
  local past_v = net:input("past_value", { 1, heads, past, size })
  local none = { bias = false }
  local h = rms_norm(net, x, width)
  local cos, sin = angles(net, past, size, math.cos), angles(net, past, size, math.sin)
  local q = heads_of(net, net:linear(h, width, width, none), 1, heads, size)
  local k = heads_of(net, net:linear(h, width, width, none), 1, heads, size)
  local v = heads_of(net, net:linear(h, width, width, none), 1, heads, size)
  q, k = rotate(net, q, cos, sin, size), rotate(net, k, cos, sin, size)
  k = net:op("Concat", { past_k, k }, { axis = 2 })
  v = net:op("Concat", { past_v, v }, { axis = 2 })
  local y = attend(net, q, k, v, nil, 1, width, heads)
  x = net:add(x, net:linear(y, width, width, none))
  h = rms_norm(net, x, width)
  local gate = net:linear(h, width, inner, { bias = false, act = "swish" })
  y = net:mul(gate, net:linear(h, width, inner, none))
  net:output(net:add(x, net:linear(y, inner, width, none)), "output")
  net:output(k, "key")
  net:output(v, "value")
  return net.graph
end

return {
  bert_base = bert("bert_base", 12, 768, 12),
  bert_small = bert("bert_small", 4, 512, 8),
  vit_small = vit_small,
  decoder_block = decoder_block,
}
