--- Normalisations and attention.
local tensor = require "perigee.tensor"

local M = {}

local function add_epsilon(c, L, x, eps, mode)
  local e = c:like(L, 1, eps)
  return mode == "max" and c:op("Max", { x, e }) or c:op("Add", { x, e })
end

--- Version 1 takes gamma and beta first, version 5 the data first.
function M.BatchNormInference(c, L)
  local x, gamma, beta = c:x(L, 1), c:x(L, 2), c:x(L, 3)
  if L.opset < 5 then x, gamma, beta = c:x(L, 3), c:x(L, 1), c:x(L, 2) end
  return c:op("BatchNormalization", { x, gamma, beta, c:x(L, 4), c:x(L, 5) },
    { epsilon = c:float(L, "epsilon") })
end

--- (x - mean) / (sqrt(variance) + eps), or / sqrt(variance + eps).
local function mean_variance(c, L, axes, scales, eps, mode)
  local x, list = c:x(L, 1), c:i64(axes)
  local keep = { keepdims = 1, noop_with_empty_axes = #axes == 0 and 1 or nil }
  local d = c:op("Sub", { x, (c:op("ReduceMean", { x, list }, keep)) })
  if not scales then return d end
  local variance = c:op("ReduceMean", { (c:op("Mul", { d, d })), list }, keep)
  local e = c:like(L, 1, eps)
  local deviation
  if mode == "outside_sqrt" then
    deviation = c:op("Add", { (c:op("Sqrt", { variance })), e })
  else
    deviation = c:op("Sqrt", { (c:op("Add", { variance, e })) })
  end
  return c:op("Div", { d, deviation })
end

--- Version 1 tells its axes by attributes, version 6 by an input.
function M.MVN(c, L)
  local eps, scales = c:float(L, "eps", 1e-9), c:bool(L, "normalize_variance", true)
  local rank, axes = c:rank(L, 1), {}
  if L.opset >= 6 then
    local list = c:need_numbers(L, 2, "axes")
    if not list then return end
    for i, axis in ipairs(list) do axes[i] = c:axis(L, axis, rank) end
    local mode, tail = c:word(L, "eps_mode", "inside_sqrt"), true
    table.sort(axes)
    for i, axis in ipairs(axes) do tail = tail and axis == rank - #axes + i - 1 end
    local sizes = {}
    for i, axis in ipairs(axes) do sizes[i] = c:dims(L, 1)[axis + 1] end
    if scales and mode == "inside_sqrt" and tail and #axes > 0 and c:count(sizes)
      and c:type_of(L, 1) == "f32" and c:count(sizes) <= 1 << 16 then
      return c:op("LayerNormalization", { c:x(L, 1), c:constant(tensor.ones(sizes)) },
        { axis = axes[1], epsilon = eps })
    end
    return mean_variance(c, L, axes, scales, eps, mode)
  end
  axes = c:ints(L, "reduction_axes", {})
  if #axes == 0 then
    for axis = c:bool(L, "across_channels", false) and 1 or 2, rank - 1 do axes[#axes + 1] = axis end
  end
  return mean_variance(c, L, axes, scales, eps, "outside_sqrt")
end

function M.NormalizeL2(c, L)
  local axes, x = c:need_numbers(L, 2, "axes"), c:x(L, 1)
  if not axes then return end
  local squares = c:op("Mul", { x, x })
  if #axes > 0 then
    for i, axis in ipairs(axes) do axes[i] = c:axis(L, axis, c:rank(L, 1)) end
    squares = c:op("ReduceSum", { squares, c:i64(axes) }, { keepdims = 1 })
  end
  local sum = add_epsilon(c, L, squares, c:float(L, "eps"), c:word(L, "eps_mode"))
  return c:op("Div", { x, (c:op("Sqrt", { sum })) })
end

--- Along the channels as ONNX's; along other axes as a mean of squares over a window.
function M.LRN(c, L)
  local axes = L.x[2] and c:need_numbers(L, 2, "axes") or { 1 }
  if not axes then return end
  local size, rank, x = c:int(L, "size"), c:rank(L, 1), c:x(L, 1)
  local attrs = { alpha = c:float(L, "alpha"), beta = c:float(L, "beta"), bias = c:float(L, "bias"), size = size }
  for i, axis in ipairs(axes) do axes[i] = c:axis(L, axis, rank) end
  if #axes == 1 and axes[1] == 1 and rank >= 3 then return c:op("LRN", { x }, attrs) end
  if size < 1 or size > 1 << 16 then c:fail(L, "size %d", size) end
  -- Sums over windows of all axes, the last ones made by AveragePool, which wants them last.
  local kernel, pads = {}, {}
  local y = c:op("Mul", { x, x })
  local chosen = {}
  for _, axis in ipairs(axes) do chosen[axis] = true end
  for axis = 0, rank - 1 do
    local before = (size - 1) // 2
    kernel[axis + 1] = chosen[axis] and size or 1
    pads[axis + 1] = chosen[axis] and before or 0
    pads[rank + axis + 1] = chosen[axis] and size - 1 - before or 0
  end
  y = c:op("AveragePool", { c:unsqueeze(y, { 0, 1 }) },
    { kernel_shape = kernel, pads = pads, count_include_pad = 1 })
  y = c:squeeze(y, { 0, 1 })
  y = c:op("Add", { (c:op("Mul", { y, c:like(L, 1, attrs.alpha) })), c:like(L, 1, attrs.bias) })
  return c:op("Div", { x, (c:op("Pow", { y, c:like(L, 1, attrs.beta) })) })
end

function M.GroupNormalization(c, L)
  return c:op("GroupNormalization", { c:x(L, 1), c:x(L, 2), c:x(L, 3) },
    { num_groups = c:int(L, "num_groups"), epsilon = c:float(L, "epsilon") })
end

--- x / sqrt(mean(x^2) + eps), times a scale where there is one.
function M.RMS(c, L)
  local x = c:x(L, 1)
  local mean = c:op("ReduceMean", { (c:op("Mul", { x, x })), c:i64 { -1 } }, { keepdims = 1 })
  local root = c:op("Sqrt", { (c:op("Add", { mean, c:like(L, 1, c:float(L, "epsilon", 1e-5)) })) })
  local y = c:op("Div", { x, root })
  return L.x[2] and c:op("Mul", { y, L.x[2] }) or y
end

--- Global response: x / sqrt(sum over channels of x^2 + bias).
function M.GRN(c, L)
  local x = c:x(L, 1)
  local sum = c:op("ReduceSum", { (c:op("Mul", { x, x })), c:i64 { 1 } }, { keepdims = 1 })
  local root = c:op("Sqrt", { (c:op("Add", { sum, c:like(L, 1, c:float(L, "bias")) })) })
  return c:op("Div", { x, root })
end

--- query, key, value, mask, scale, sink: softmax(q k^T scale + mask) v.
function M.ScaledDotProductAttention(c, L)
  local q, k, v = c:x(L, 1), c:x(L, 2), c:x(L, 3)
  local rank, dtype = c:rank(L, 2), c:type_of(L, 1)
  local perm = {}
  for i = 1, rank do perm[i] = i - 1 end
  if rank < 2 then c:fail(L, "keys of %d axes", rank) end
  perm[rank - 1], perm[rank] = rank - 1, rank - 2
  local scale
  if L.x[5] then
    scale = L.x[5]
    if c:rank(L, 5) > 0 then scale = c:reshape(scale, {}) end
  else
    local width = c:op("Cast", { (c:slice(c:shape_of(q), { 0 }, { -1 }, { math.maxinteger })) }, { to = dtype })
    scale = c:op("Reciprocal", { (c:op("Sqrt", { width })) })
  end
  if L.x[6] then return c:unsupported(L, "with a sink") end
  local scores = c:op("MatMul", { (c:op("Mul", { q, scale })), c:transpose(k, perm) })
  local causal = c:bool(L, "causal", false)
  if causal then
    local shape = c:shape_of(scores)
    local tail = c:slice(shape, { 0 }, { -2 }, { math.maxinteger })
    local ones = c:op("Expand", { c:constant(1, "u8"), tail })
    local upper = c:op("Cast", { (c:op("Trilu", { ones, c:constant(1, "i64") }, { upper = 1 })) }, { to = "bool" })
    scores = c:op("Where", { upper, c:constant(-math.huge, dtype), scores })
  elseif L.x[4] and c:type_of(L, 4) == "bool" then
    scores = c:op("Where", { L.x[4], scores, c:constant(-math.huge, dtype) })
  elseif L.x[4] then
    scores = c:op("Add", { scores, L.x[4] })
  end
  return c:op("MatMul", { (c:op("Softmax", { scores }, { axis = -1 })), v })
end

return M
