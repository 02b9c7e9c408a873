--- Sums, means and their kin over axes; cumulative sums; places of extremes.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"
local shape = require "perigee.convert.tflite.shape"

local M = {}

local function axes_of(s, node)
  local t = s:need(node, 1)
  local list = s:ints(node, 2)
  if not list then
    s:unsupported(node.type .. " over axes that are not constant")
    return {}
  end
  local seen, axes = {}, {}
  for _, axis in ipairs(list) do
    axis = shape.axis(s, axis, t.rank)
    if not seen[axis] then axes[#axes + 1] = axis end
    seen[axis] = true
  end
  return axes
end

local function reduce(s, x, type, axes, keep)
  if #axes == 0 then return s.b:identity(x) end
  return s.b:op(type, { x, s.b:i64(axes) }, { keepdims = keep and 1 or 0 })
end

--- How many elements go into each result; nil where that isn't known.
local function count_of(t, axes)
  local n = 1
  for _, axis in ipairs(axes) do
    if t.shape[axis + 1] < 0 then return nil end
    n = n * t.shape[axis + 1]
  end
  return n
end

--- The factor of a mean, in which the count is divided into the multiplier.
local function mean_factor(factor, n)
  local multiplier, shift = fixed.multiplier(factor)
  local by = 63 - (31 - (31 - fixed.leading_zeros(n & 0xffffffff)) + 32)
  by = math.min(math.min(by, 32), 31 + shift)
  return (multiplier << by) // n, shift - by
end

--- Sums are scaled in f32, and what doesn't fit wraps.
local function sum_in_reals(s, sum, t, out, n)
  local b, f32 = s.b, fixed.f32
  local scale = f32(t.scale / out.scale)
  local bias = f32(f32(-t.zero * scale) * n)
  local y = b:op("Mul", { quant.cast(s, sum, "f32"), b:constant(scale, "f32") })
  y = quant.round(s, b:op("Add", { y, b:constant(bias, "f32") }))
  y = b:op("Add", { quant.cast(s, y, "i32"), b:constant(out.zero, "i32") })
  return quant.cast(s, y, out.dtype)
end

local function quantized(s, node, t, axes, is_mean)
  local out, b = s:out_t(node), s.b
  local low, high = out:limits()
  local n = count_of(t, axes)
  if not n then return s:unsupported(node.type .. " of unknown size, quantised") end
  local x = quant.cast(s, s:x(node, 1), t.dtype == "i16" and "i64" or "i32")
  local sum = reduce(s, x, "ReduceSum", axes, node.o.keep_dims == true)
  local dtype = t.dtype == "i16" and "i64" or "i32"
  if not is_mean then return s:set(node, 1, sum_in_reals(s, sum, t, out, n)) end
  if t.zero ~= 0 then sum = b:op("Sub", { sum, b:constant(t.zero * n, dtype) }) end
  local multiplier, shift = mean_factor(fixed.f32(t.scale / out.scale), math.max(n, 1))
  s:set(node, 1, quant.rescale(s, sum, { multiplier = multiplier, shift = shift, zero = out.zero,
    low = low, high = high, to = out.dtype }))
end

local function sum(type, is_mean)
  return function(s, node)
    local t = s:need(node, 1)
    local axes = axes_of(s, node)
    if t.is_quantized then return quantized(s, node, t, axes, is_mean) end
    if is_mean and t.dtype ~= "f32" and #axes > 0 then
      local total = reduce(s, s:x(node, 1), "ReduceSum", axes, node.o.keep_dims == true)
      local n = count_of(t, axes)
      if not n then return s:unsupported "MEAN of integers of unknown size" end
      return s:set(node, 1, s.b:op("Div", { total, s.b:constant(n, t.dtype) }))
    end
    local keep = node.o.keep_dims == true
    if s:is_first(node, 1) and t.rank == 4 and (keep or #axes == 2) then
      local moved, is_spatial = {}, true
      for i, axis in ipairs(axes) do
        moved[i] = ({ [0] = 0, 2, 3, 1 })[axis]
        is_spatial = is_spatial and (axis == 1 or axis == 2)
      end
      if keep then return s:set(node, 1, reduce(s, s:x(node, 1, "first"), type, moved, true),
        "first") end
      if is_spatial then return s:set(node, 1, reduce(s, s:x(node, 1, "first"), type, moved,
        false)) end
    end
    s:set(node, 1, reduce(s, s:x(node, 1), type, axes, keep))
  end
end

M.SUM, M.MEAN = sum("ReduceSum", false), sum("ReduceMean", true)

local function extreme(type)
  return function(s, node)
    local t, x = s:need(node, 1), s:x(node, 1)
    local axes, keep = axes_of(s, node), node.o.keep_dims == true
    if t.dtype == "i16" then
      return s:set(node, 1, quant.cast(s, reduce(s, quant.cast(s, x, "i32"), type, axes, keep),
        "i16"))
    end
    s:set(node, 1, reduce(s, x, type, axes, keep))
  end
end

M.REDUCE_MAX, M.REDUCE_MIN = extreme "ReduceMax", extreme "ReduceMin"

--- Quantised products rescale after every multiplication, and once more at the end.
function M.REDUCE_PROD(s, node)
  local t, out, b = s:need(node, 1), s:out_t(node), s.b
  local axes, keep = axes_of(s, node), node.o.keep_dims == true
  if not t.is_quantized then
    return s:set(node, 1, reduce(s, s:x(node, 1), "ReduceProd", axes, keep))
  end
  local n = count_of(t, axes)
  if not n or n > 4096 then return s:unsupported "quantised REDUCE_PROD of unknown or great size"
    end
  -- The reduced axes come last, in their order, as one.
  local perm, is_in, kept = {}, {}, {}
  for _, axis in ipairs(axes) do is_in[axis] = true end
  for axis = 0, t.rank - 1 do
    if not is_in[axis] then
      perm[#perm + 1], kept[#kept + 1] = axis, t.shape[axis + 1]
    elseif keep then
      kept[#kept + 1] = 1
    end
  end
  local flat = #perm
  table.sort(axes)
  for _, axis in ipairs(axes) do perm[#perm + 1] = axis end
  local x = quant.cast(s, s:x(node, 1), "i64")
  if t.zero ~= 0 then x = b:op("Sub", { x, b:constant(t.zero, "i64") }) end
  x = b:transpose(x, perm)
  local wide = {}
  for i = 1, flat do wide[i] = t.shape[perm[i] + 1] end
  wide[flat + 1] = n
  x = b:reshape(x, wide)
  local multiplier, shift = fixed.multiplier(t.scale / (out.scale ^ (1 / n)))
  local o = { multiplier = multiplier, shift = shift, low = -1 << 31, high = (1 << 31) - 1,
    to = "i32",
    rounding = "wide" }
  local parts = n > 1 and { b:op("Split", { x }, { axis = flat, num_outputs = n }, n) } or { x }
  local y = parts[1]
  for i = 2, n do y = quant.rescale(s, b:op("Mul", { quant.cast(s, y, "i64"), parts[i] }), o) end
  y = quant.rescale(s, y, o)
  local low, high = out:limits()
  y = b:op("Add", { y, b:constant(out.zero, "i32") })
  y = b:op("Clip", { y, b:constant(low, "i32"), b:constant(high, "i32") })
  s:set(node, 1, b:reshape(quant.cast(s, y, out.dtype), kept))
end

local function boolean(type)
  return function(s, node)
    local axes = axes_of(s, node)
    local x = quant.cast(s, s:x(node, 1), "i32")
    s:set(node, 1, quant.cast(s, reduce(s, x, type, axes, node.o.keep_dims == true), "bool"))
  end
end

M.REDUCE_ANY, M.REDUCE_ALL = boolean "ReduceMax", boolean "ReduceMin"

local function place(type)
  return function(s, node)
    local t, out = s:need(node, 1), s:out_t(node)
    local axis = s:ints(node, 2)
    if not axis then return s:unsupported(node.type .. " along an axis that is not constant") end
    local x = s:x(node, 1)
    if t.dtype == "i16" or t.dtype == "bool" then x = quant.cast(s, x, "i32") end
    local y = s.b:op(type, { x }, { axis = shape.axis(s, axis[1], t.rank), keepdims = 0 })
    s:set(node, 1, out.dtype == "i64" and y or quant.cast(s, y, out.dtype))
  end
end

M.ARG_MAX, M.ARG_MIN = place "ArgMax", place "ArgMin"

function M.CUMSUM(s, node)
  local axis = s:x(node, 2)
  s:set(node, 1, s.b:op("CumSum", { s:x(node, 1), axis },
    { exclusive = node.o.exclusive == true and 1 or 0, reverse = node.o.reverse == true and 1
      or 0 }))
end

return M
