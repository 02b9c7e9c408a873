-- Errors planted into networks of the zoo: one weight changed by 1 %, a swapped attribute, a wrong
-- padding.
package.path = "models/?.lua;models/?/init.lua;" .. package.path
local zoo = require "zoo"

local M = {}

--- A small Transformer encoder block: attention of two heads and a perceptron, each with its skip.
function M.transformer()
  local pg = require "perigee"
  local g, width, length = pg.graph(), 32, 12
  local function weight(rows, columns, seed)
    return g:add_constant(nil, pg.tensor.randn({ rows, columns }, { seed = seed, deviation = 0.2 }))
  end
  local function op(type, inputs, attrs)
    return g:add(type, inputs, { "" }, attrs).outputs[1]
  end
  local function norm(x)
    return op("LayerNormalization", {
      x, g:add_constant(nil, pg.tensor.ones { width }),
      g:add_constant(nil, pg.tensor.zeros { width }),
    }, { axis = -1 })
  end
  local heads = g:add_constant(nil, pg.tensor({ 1, length, 2, width // 2 }, "i64"))
  local joined = g:add_constant(nil, pg.tensor({ 1, length, width }, "i64"))
  local x = g:add_input("x", "f32", { 1, length, width })
  local normed, seed = norm(x), 10
  local function project(perm)
    seed = seed + 1
    local y = op("MatMul", { normed, weight(width, width, seed) })
    return op("Transpose", { op("Reshape", { y, heads }) }, { perm = perm })
  end
  local scores = op("MatMul", { project { 0, 2, 1, 3 }, project { 0, 2, 3, 1 } })
  local scaled = op("Mul", { scores, g:add_constant(nil, pg.tensor { 0.25 }) })
  local mixed = op("MatMul", { op("Softmax", { scaled }, { axis = -1 }), project { 0, 2, 1, 3 } })
  mixed = op("Reshape", { op("Transpose", { mixed }, { perm = { 0, 2, 1, 3 } }), joined })
  local first = op("Add", { x, op("MatMul", { mixed, weight(width, width, 20) }) })
  local hidden = op("Relu", { op("MatMul", { norm(first), weight(width, 64, 21) }) })
  local second = op("Add", { first, op("MatMul", { hidden, weight(64, width, 22) }) })
  g:add("Identity", { norm(second) }, { "y" })
  g:add_output "y"
  return g
end

--- The five networks; the recurrent one and the Transformer pad nothing.
M.networks = { "mnist_cnn", "squeezenet1_1", "mobilenet_v2", "lstm2x256_t64", "transformer" }

function M.build(name)
  return name == "transformer" and M.transformer() or assert(zoo.build(name))
end

local function middle(list) return list[(#list + 1) // 2] end

local function large_constant(g, node)
  for i, name in ipairs(node.inputs) do
    local value = name ~= "" and g:value(name).constant
    if value and value.rank >= 2 and value.dtype == "f32" then return i, value end
  end
end

M.kinds = {}

--- One weight, neither the largest nor the smallest, changed by 1 %.
function M.kinds.weight(g)
  local list = {}
  for node in g:nodes() do
    if large_constant(g, node) then list[#list + 1] = node end
  end
  local node = middle(list)
  local i, value = large_constant(g, node)
  local flat = value:clone():reshape(-1)
  local at = flat.count // 3
  flat:set(at, flat:get(at) * 1.01)
  node:set_input(i, g:add_constant(nil, flat:reshape(value.shape)))
  return node
end

local swaps = {
  Conv = function(a)
    return a.group == 1 and a.kernel_shape[1] == 3 and a.strides[1] == 1 and a.pads[1] == 1
      and { dilations = { 2, 2 }, pads = { 2, 2, 2, 2 } }
  end,
  Gemm = function() return { alpha = 1.1 } end,
  LSTM = function() return { direction = "reverse" } end,
  Softmax = function() return { axis = -2 } end,
}

--- Another attribute that fits as well.
function M.kinds.attribute(g)
  local list = {}
  for node in g:nodes() do
    local new = swaps[node.type] and swaps[node.type](node.attrs)
    if new then list[#list + 1] = { node, new } end
  end
  local found = middle(list)
  return found[1]:set(found[2])
end

--- As much padding, on other sides.
function M.kinds.padding(g)
  local list = {}
  for node in g:nodes() do
    local pads = node.attrs.pads
    if pads and pads[1] > 0 then list[#list + 1] = node end
  end
  local node = middle(list)
  if not node then return nil end
  local pads = node.attrs.pads
  pads[1], pads[3] = pads[1] - 1, pads[3] + 1
  return node:set { pads = pads }
end

--- `visit(name, kind, good, bad, value)` for every network and error; value is what the wrong node
--- makes.
function M.each(visit)
  for _, name in ipairs(M.networks) do
    for _, kind in ipairs { "weight", "attribute", "padding" } do
      local good = M.build(name)
      local bad = assert(good:clone())
      local node = M.kinds[kind](bad)
      if node then visit(name, kind, good, bad, node.outputs[1]) end
    end
  end
end

return M
