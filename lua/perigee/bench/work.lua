--- How much a network computes: multiply-adds of its products, from inferred shapes.
local M = {}

local function product(list, first, last)
  local n = 1
  for i = first or 1, last or #list do
    if math.type(list[i]) ~= "integer" then return nil end
    n = n * list[i]
  end
  return n
end

--- All but the leading axis of the weights, for each element of the output.
local function windows(inputs, outputs)
  return product(outputs[1]) * product(inputs[2], 2)
end

local function matmul(inputs, outputs)
  return product(outputs[1]) * inputs[1][#inputs[1]]
end

--- W [directions, rows, inputs] and R [directions, rows, states], once a step and sequence.
local function recurrent(inputs)
  local x = inputs[1]
  return x[1] * x[2] * (product(inputs[2]) + product(inputs[3]))
end

local count = {
  Conv = windows, ConvInteger = windows,
  ConvTranspose = function(inputs) return product(inputs[1]) * product(inputs[2], 2) end,
  QLinearConv = function(inputs, outputs) return product(outputs[1]) * product(inputs[4], 2) end,
  MatMul = matmul, MatMulInteger = matmul, QLinearMatMul = matmul,
  Gemm = function(inputs, outputs, attrs)
    local a = inputs[1]
    return product(outputs[1]) * a[(attrs.transA or 0) == 0 and 2 or 1]
  end,
  LSTM = recurrent, GRU = recurrent, RNN = recurrent,
}

--- Multiply-adds of one run, as far as shapes are known; nodes inside of bodies are not counted.
---@param graph perigee.Graph
---@param sizes? table<string, integer> of free dimensions
---@return integer
function M.macs(graph, sizes)
  local total = 0
  local function shapes(names)
    local list = {}
    for i, name in ipairs(names) do
      local value = name ~= "" and graph:value(name)
      local shape = value and value.shape
      if shape then
        local known = {}
        for axis, n in ipairs(shape) do known[axis] = sizes and sizes[n] or n end
        shape = known
      end
      list[i] = shape or false
    end
    return list
  end
  graph:infer()
  for node in graph:nodes() do
    local f = count[node.type]
    if f then
      -- A shape that isn't known makes no number.
      local ok, n = pcall(f, shapes(node.inputs), shapes(node.outputs), node.attrs)
      if ok and n then total = total + n end
    end
  end
  return math.tointeger(total) or 0
end

return M
