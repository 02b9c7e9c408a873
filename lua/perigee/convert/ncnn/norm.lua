--- Normalisations, and scales and slopes by channel.
local M = {}

function M.BatchNorm(c, L)
  local n, eps = L.params:int(0, 0), L.params:float(1, 0)
  local slope, mean = c:weight(c:load({ n }, 1, "scale")), c:weight(c:load({ n }, 1))
  local variance, bias = c:weight(c:load({ n }, 1, "scale")), c:weight(c:load({ n }, 1))
  return c:op("BatchNormalization", { L.x[1], slope, bias, mean, variance }, { epsilon = eps })
end

function M.Bias(c, L)
  return c:add(L.x[1], c:per_channel(c:load({ L.params:int(0, 0) }, 1), L.x[1]))
end

--- The scale is the file's, or (-233) the second input.
function M.Scale(c, L)
  local p, x = L.params, L.x[1]
  local n = p:int(0, 0)
  local y
  if n == -233 then
    if not L.x[2] then c:fail "its scale should be an input" end
    local scale, rank = L.x[2], c:rank(x)
    if c:rank(scale) ~= rank then
      local ones = { 1, -1 }
      for i = 2, rank do ones[i + 1] = 1 end
      scale = c:reshape(scale, ones)
    end
    y = c:mul(x, scale)
    n = c:shape(x)[1]
  else
    y = c:mul(x, c:per_channel(c:load({ n }, 1, "scale"), x))
  end
  if p:int(1, 0) == 0 then return y end
  if math.type(n) ~= "integer" then c:fail "a bias for a free number of channels" end
  return c:add(y, c:per_channel(c:load({ n }, 1), y))
end

function M.PReLU(c, L)
  local n = L.params:int(0, 0)
  local slope = c:load({ n }, 1)
  if n == 1 then return c:op("PRelu", { L.x[1], c:weight(slope) }) end
  return c:op("PRelu", { L.x[1], c:per_channel(slope, L.x[1]) })
end

function M.LRN(c, L)
  local p, x = L.params, L.x[1]
  local size, alpha, beta, bias = p:int(1, 5), p:float(2, 1), p:float(3, 0.75), p:float(4, 1)
  if size <= 0 then c:fail("a window of %d", size) end
  if p:int(0, 0) == 0 then
    return c:op("LRN", { x }, { size = size, alpha = alpha, beta = beta, bias = bias })
  end
  local before = size // 2
  local mean = c:op("AveragePool", { c:mul(x, x) }, { kernel_shape = { size, size },
    pads = { before, before, size - 1 - before, size - 1 - before }, count_include_pad = 1 })
  local sum = c:shifted(c:scaled(mean, alpha), bias)
  return c:mul(x, c:op("Pow", { sum, c:f32(-beta) }))
end

-- ---- by mean and variance ---------------------------------------------------------------------

--- (x - mean) / sqrt(var + eps) over axes, or with `outside` / (sqrt(var) + eps).
local function standardised(c, x, axes, eps, outside)
  local over = c:i64(axes)
  local centred = c:op("Sub", { x, c:op("ReduceMean", { x, over }) })
  if not eps then return centred end
  local variance = c:op("ReduceMean", { c:mul(centred, centred), over })
  local deviation = outside and c:shifted(c:op("Sqrt", { variance }), eps)
    or c:op("Sqrt", { c:shifted(variance, eps) })
  return c:op("Div", { centred, deviation })
end

local function range(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

function M.MVN(c, L)
  local p, rank = L.params, c:rank(L.x[1])
  local axes = range(p:int(1, 0) ~= 0 and 1 or 2, rank)
  return standardised(c, L.x[1], axes, p:int(0, 0) ~= 0 and p:float(2, 0.0001) or nil, true)
end

local function gamma_beta(c, x, n)
  local gamma, beta = c:load({ n }, 1, "scale"), c:load({ n }, 1)
  return c:per_channel(gamma, x), c:per_channel(beta, x)
end

function M.InstanceNorm(c, L)
  local p, x = L.params, L.x[1]
  local n, eps = p:int(0, 0), p:float(1, 0.001)
  local rank = c:rank(x)
  if p:int(2, 1) ~= 0 and rank >= 2 then
    return c:op("InstanceNormalization",
      { x, c:weight(c:load({ n }, 1, "scale")), c:weight(c:load({ n }, 1)) }, { epsilon = eps })
  end
  return standardised(c, x, range(2, math.max(rank, 2)), eps)
end

function M.GroupNorm(c, L)
  local p, x = L.params, L.x[1]
  local group, n, eps = p:int(0, 1), p:int(1, 0), p:float(2, 0.001)
  if group <= 0 or n % group ~= 0 then c:fail("%d channels in %d groups", n, group) end
  local shape = { 1, group, -1 }
  local back = { 1 }
  for i, letter in ipairs(require("perigee.convert.ncnn.context").letters[c:rank(x)]) do
    back[i + 1] = i == 1 and n or c:size(x, letter)
  end
  local y = c:reshape(standardised(c, c:reshape(x, shape), { 2 }, eps), back)
  if p:int(3, 1) == 0 then return y end
  local gamma, beta = gamma_beta(c, y, n)
  return c:add(c:mul(y, gamma), beta)
end

--- How many of the innermost dimensions are as large as the weights.
local function trailing(c, x, size)
  if not c:is_known(x) then return 1 end
  local shape, product = c:shape(x), 1
  for n = 1, #shape do
    local d = shape[#shape + 1 - n]
    if math.type(d) ~= "integer" then return n == 1 and 1 or n end
    product = product * d
    if product == size then
      return n, table.move(shape, #shape + 1 - n, #shape, 1, {})
    end
  end
  c:fail("%d weights for values of %s", size, table.concat(shape, "x"))
end

--- The innermost dimensions; a vector is one of its own.
local function layer_axes(c, x, size)
  local n, shape = trailing(c, x, size)
  return -n, shape or { size }
end

function M.LayerNorm(c, L)
  local p, x = L.params, L.x[1]
  local size, eps = p:int(0, 0), p:float(1, 0.001)
  local axis, shape = layer_axes(c, x, size)
  if p:int(2, 1) == 0 then
    return standardised(c, x, range(axis, -1), eps)
  end
  local gamma, beta = c:load({ size }, 1, "scale"), c:load({ size }, 1)
  return c:op("LayerNormalization",
    { x, c:weight(gamma:reshape(shape)), c:weight(beta:reshape(shape)) },
    { axis = axis, epsilon = eps })
end

function M.RMSNorm(c, L)
  local p, x = L.params, L.x[1]
  local size, eps = p:int(0, 0), p:float(1, 0.001)
  local axis, shape = layer_axes(c, x, size)
  if p:int(2, 1) == 0 then
    local over = c:i64(range(axis, -1))
    local mean = c:op("ReduceMean", { c:mul(x, x), over })
    return c:op("Div", { x, c:op("Sqrt", { c:shifted(mean, eps) }) })
  end
  local gamma = c:weight(c:load({ size }, 1, "scale"):reshape(shape))
  return c:op("RMSNormalization", { x, gamma }, { axis = axis, epsilon = eps })
end

--- By the Euclidean norm; eps_mode tells where eps goes: under the root (caffe), at least eps
--- (PyTorch), the sum at least eps (TensorFlow).
function M.Normalize(c, L)
  local p, x = L.params, L.x[1]
  local spatial, across = p:int(0, 0) ~= 0, p:int(4, 1) ~= 0
  local n, eps, mode = p:int(3, 0), p:float(2, 0.0001), p:int(9, 0)
  local rank = c:rank(x)
  local axes = range(across and 1 or 2, spatial and rank or 1)
  if #axes == 0 then c:fail "across nothing" end
  local sum = c:op("ReduceSumSquare", { x, c:i64(axes) })
  local norm
  if mode == 0 then
    norm = c:op("Sqrt", { c:shifted(sum, eps) })
  elseif mode == 1 then
    norm = c:op("Max", { c:op("Sqrt", { sum }), c:f32(eps) })
  else
    norm = c:op("Sqrt", { c:op("Max", { sum, c:f32(eps) }) })
  end
  local scale = c:load({ n }, 1, "scale")
  local y = c:op("Div", { x, norm })
  return c:mul(y, n == 1 and c:weight(scale) or c:per_channel(scale, x))
end

return M
