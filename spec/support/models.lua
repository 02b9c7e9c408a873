-- Small models for specs, built through the graph API, and the same functions in plain Lua, so that
-- expected values come from the definition of the operators.
local pg = require "perigee"

local M = {}

--- A repeatable sequence of numbers in [-1, 1), apart from the engine's own generator.
function M.numbers(n, seed)
  local state, out = seed or 1, {}
  for i = 1, n do
    state = (state * 1103515245 + 12345) % 2147483648
    out[i] = math.floor(state / 65536) % 256 / 128 - 1
  end
  return out
end

local function tensor_of(shape, seed)
  local n = 1
  for _, d in ipairs(shape) do n = n * d end
  return pg.tensor(M.numbers(n, seed)):reshape(shape)
end

--- x f32 [N,4] -> y f32 [N,2]: Gemm, Relu, MatMul, Softmax. The middle values are called
--- hidden, active and scores.
function M.mlp()
  local g = pg.graph()
  g:set_name "mlp"
  g:add_input("x", "f32", { "N", 4 })
  g:add_constant("w1", tensor_of({ 4, 3 }, 1))
  g:add_constant("b1", tensor_of({ 3 }, 2))
  g:add_constant("w2", tensor_of({ 3, 2 }, 3))
  g:add("Gemm", { "x", "w1", "b1" }, { "hidden" }, nil, { name = "first" })
  g:add("Relu", { "hidden" }, { "active" }, nil, { name = "relu" })
  g:add("MatMul", { "active", "w2" }, { "scores" }, nil, { name = "second" })
  g:add("Softmax", { "scores" }, { "y" }, { axis = -1 }, { name = "softmax" })
  g:add_output "y"
  return g
end

local function matmul(a, b, bias)
  local out = {}
  for i, row in ipairs(a) do
    out[i] = {}
    for j = 1, #b[1] do
      local sum = bias and bias[j] or 0
      for k = 1, #b do sum = sum + row[k] * b[k][j] end
      out[i][j] = sum
    end
  end
  return out
end

local function rows(list, width)
  local out = {}
  for i = 1, #list // width do out[i] = { table.unpack(list, (i - 1) * width + 1, i * width) } end
  return out
end

--- What M.mlp computes, by name.
function M.mlp_reference(x)
  local r = {}
  r.hidden = matmul(x, rows(M.numbers(12, 1), 3), M.numbers(3, 2))
  r.active = {}
  for i, row in ipairs(r.hidden) do
    r.active[i] = {}
    for j, v in ipairs(row) do r.active[i][j] = math.max(v, 0) end
  end
  r.scores = matmul(r.active, rows(M.numbers(6, 3), 2))
  r.y = {}
  for i, row in ipairs(r.scores) do
    local sum, y = 0, {}
    for _, v in ipairs(row) do sum = sum + math.exp(v) end
    for j, v in ipairs(row) do y[j] = math.exp(v) / sum end
    r.y[i] = y
  end
  return r
end

--- image f32 [1,2,9,9] -> y f32 [1,3]: Conv (padded), BatchNormalization, Relu, MaxPool, Conv (grouped),
--- a residual Add, GlobalAveragePool, Flatten, Gemm.
function M.cnn()
  local g = pg.graph()
  g:set_name "cnn"
  g:add_input("image", "f32", { 1, 2, 9, 9 })
  g:add_constant("k1", tensor_of({ 4, 2, 3, 3 }, 11))
  g:add_constant("scale", tensor_of({ 4 }, 12))
  g:add_constant("shift", tensor_of({ 4 }, 13))
  g:add_constant("mean", tensor_of({ 4 }, 14))
  g:add_constant("variance", tensor_of({ 4 }, 15) + 1.5)
  g:add_constant("k2", tensor_of({ 4, 1, 3, 3 }, 16))
  g:add_constant("w", tensor_of({ 4, 3 }, 17))
  g:add("Conv", { "image", "k1" }, { "c1" }, { pads = { 1, 1, 1, 1 } }, { name = "conv1" })
  g:add("BatchNormalization", { "c1", "scale", "shift", "mean", "variance" }, { "n1" },
    { epsilon = 1e-5 }, { name = "norm" })
  g:add("Relu", { "n1" }, { "r1" }, nil, { name = "relu" })
  g:add("MaxPool", { "r1" }, { "p1" }, { kernel_shape = { 2, 2 }, strides = { 2, 2 } },
    { name = "pool" })
  g:add("Conv", { "p1", "k2" }, { "c2" }, { pads = { 1, 1, 1, 1 }, group = 4 }, { name = "conv2" })
  g:add("Add", { "c2", "p1" }, { "sum" }, nil, { name = "add" })
  g:add("GlobalAveragePool", { "sum" }, { "mean_of_planes" }, nil, { name = "mean" })
  g:add("Flatten", { "mean_of_planes" }, { "flat" }, { axis = 1 }, { name = "flatten" })
  g:add("Gemm", { "flat", "w" }, { "y" }, nil, { name = "last" })
  g:add_output "y"
  return g
end

local function conv(x, k, height, width, group)
  local out, per = {}, #x // group
  for o, filter in ipairs(k) do
    local first = (o - 1) // (#k // group) * per
    out[o] = {}
    for i = 1, height do
      out[o][i] = {}
      for j = 1, width do
        local sum = 0
        for c = 1, per do
          for u = 1, 3 do
            for v = 1, 3 do
              local row = x[first + c][i + u - 2]
              sum = sum + (row and row[j + v - 2] or 0) * filter[c][u][v]
            end
          end
        end
        out[o][i][j] = sum
      end
    end
  end
  return out
end

local function nested(shape, seed) return tensor_of(shape, seed):totable() end

--- What M.cnn computes of image[1], a table [2][9][9].
function M.cnn_reference(image)
  local c1 = conv(image, nested({ 4, 2, 3, 3 }, 11), 9, 9, 1)
  local scale, shift = M.numbers(4, 12), M.numbers(4, 13)
  local mean, variance = M.numbers(4, 14), M.numbers(4, 15)
  local p1 = {}
  for c = 1, 4 do
    local function normal(i, j)
      local v = (c1[c][i][j] - mean[c]) / math.sqrt(variance[c] + 1.5 + 1e-5) * scale[c] + shift[c]
      return math.max(v, 0)
    end
    p1[c] = {}
    for i = 1, 4 do
      p1[c][i] = {}
      for j = 1, 4 do
        p1[c][i][j] = math.max(normal(2 * i - 1, 2 * j - 1), normal(2 * i - 1, 2 * j),
          normal(2 * i, 2 * j - 1), normal(2 * i, 2 * j))
      end
    end
  end
  local c2, flat = conv(p1, nested({ 4, 1, 3, 3 }, 16), 4, 4, 4), {}
  for c = 1, 4 do
    local sum = 0
    for i = 1, 4 do
      for j = 1, 4 do sum = sum + c2[c][i][j] + p1[c][i][j] end
    end
    flat[c] = sum / 16
  end
  return matmul({ flat }, rows(M.numbers(12, 17), 3))
end

--- x f32 [2,3] -> y = x + 1: the smallest one.
function M.tiny()
  local g = pg.graph()
  g:set_name "tiny"
  g:add_input("x", "f32", { 2, 3 })
  g:add_constant("one", { 1 })
  g:add("Add", { "x", "one" }, { "y" }, nil, { name = "plus" })
  g:add_output "y"
  return g
end

return M
