--- How far one value is from another: tolerances by element type, and axes in another order.
local core = require "perigee.core"

local M = {}

--- Relative to the element, and to the largest element of the value. What different kernels, orders
--- of summation and layouts make of equal f32 numbers stays well below; a wrong weight rarely does.
local tolerances = {
  f64 = { 1e-3, 1e-4 }, f32 = { 1e-3, 1e-4 }, f16 = { 1e-2, 5e-3 }, bf16 = { 5e-2, 2e-2 },
  c64 = { 1e-3, 1e-4 }, c128 = { 1e-3, 1e-4 }, f8 = { 2e-1, 1e-1 }, quantized = { 1e-1, 1e-1 },
  integer = { 0, 0 },
}

local coarseness = { f64 = 0, f32 = 1, f16 = 2, bf16 = 3, f8 = 4, quantized = 5 }

local function class(dtype)
  if tolerances[dtype] then return dtype end
  return dtype:find "^f%d" and "f8" or "integer"
end

--- The tolerance for a value of these two types in models of this precision.
---@param a perigee.dtype
---@param b perigee.dtype
---@param precision string? "f16", "bf16", "quantized": the coarser model's
---@return number rtol
---@return number atol relative to the largest element
function M.tolerance(a, b, precision)
  local x, y = class(a), class(b)
  if x == "integer" and y == "integer" and precision ~= "quantized" then return 0, 0 end
  local worst = x
  for _, other in ipairs { y, precision } do
    if (coarseness[other] or 0) > (coarseness[worst] or -1) then worst = other end
  end
  return table.unpack(tolerances[worst])
end

--- What a graph computes in: the coarsest type of its weights, "quantized" with quantised
--- operators.
---@param graph perigee.Graph
---@return string
function M.precision(graph)
  local found = "f32"
  for node in graph:nodes() do
    if node.type:find "^QLinear" or node.type:find "Integer$" or node.type == "QuantizeLinear"
      or node.type == "DynamicQuantizeLinear" then
      return "quantized"
    end
  end
  for _, tensor in graph:constants() do
    local name = class(tensor.dtype)
    if name ~= "integer" and (coarseness[name] or 0) > coarseness[found] then found = name end
  end
  return found
end

-- ---- layouts ------------------------------------------------------------------------------------

local function same_shape(a, b)
  if #a ~= #b then return false end
  for i, n in ipairs(a) do
    if b[i] ~= n then return false end
  end
  return true
end

--- All orders of 1..n as lists; the identity first.
local function orders(n)
  local out, list, used = {}, {}, {}
  local function extend(i)
    if i > n then
      out[#out + 1] = table.move(list, 1, n, 1, {})
      return
    end
    for k = 1, n do
      if not used[k] then
        used[k], list[i] = true, k
        extend(i + 1)
        used[k] = nil
      end
    end
  end
  extend(1)
  return out
end

local function squeezed(shape)
  local out = {}
  for _, n in ipairs(shape) do
    if n ~= 1 then out[#out + 1] = n end
  end
  return out
end

--- NHWC to NCHW and back come before other orders of the axes.
local usual = { [3] = { { 1, 3, 2 } }, [4] = { { 1, 4, 2, 3 }, { 1, 3, 4, 2 } } }

--- Views of `t` that have the shape (or, squeezed, its sizes): functions that make them, with a
--- name.
local function views(t, shape)
  local own, list, seen = t.shape, {}, {}
  local function add(name, permutation, from)
    local key = table.concat(permutation, ",") .. "/" .. #from
    if seen[key] then return end
    seen[key] = true
    list[#list + 1] = {
      name = name, permutation = permutation,
      make = function(x) return x:reshape(from):permute(permutation) end,
    }
  end
  local function try(from, to)
    if #from ~= #to or #from > 5 then return end
    for _, group in ipairs { usual[#from] or {}, orders(#from) } do
      for _, p in ipairs(group) do
        local moved = {}
        for i, axis in ipairs(p) do moved[i] = from[axis] end
        if same_shape(moved, to) then add("permute " .. table.concat(p, ","), p, from) end
      end
    end
  end
  if #own == #shape then try(own, shape) end
  try(squeezed(own), squeezed(shape))
  return list
end

local function fits(shape, wanted)
  if #shape ~= #wanted then return false end
  for i, n in ipairs(wanted) do
    if math.type(n) == "integer" and shape[i] ~= n then return false end
  end
  return true
end

--- Orders of the axes of `shape` that fit `wanted`: as they are, the usual ones, any.
local function fitting(shape, wanted)
  for _, group in ipairs { usual[#shape] or {}, #shape <= 5 and orders(#shape) or {} } do
    for _, p in ipairs(group) do
      local moved = {}
      for i, axis in ipairs(p) do moved[i] = shape[axis] end
      if fits(moved, wanted) then return p, moved end
    end
  end
end

--- A tensor for an input of another declaration: axes moved, axes of one element added or left out.
---@param t perigee.Tensor
---@param shape (integer|string)[]? free sizes fit anything
---@return perigee.Tensor? tensor nil when no order of axes fits
---@return string? layout what was done; nil: nothing
function M.fit(t, shape)
  if not shape or fits(t.shape, shape) then return t end
  local permutation = fitting(t.shape, shape)
  if permutation then
    return t:permute(permutation):contiguous(), "permute " .. table.concat(permutation, ",")
  end
  local own, wanted = squeezed(t.shape), squeezed(shape)
  local p, moved = {}, own
  for i = 1, #own do p[i] = i end
  if not fits(own, wanted) then p, moved = fitting(own, wanted) end
  if not p then return nil end
  local full, k = {}, 0
  for i, n in ipairs(shape) do
    if n ~= 1 then k = k + 1 end
    full[i] = n == 1 and 1 or moved[k]
  end
  return t:reshape(own):permute(p):contiguous():reshape(full), "permute " .. table.concat(p, ",")
end

-- ---- differences --------------------------------------------------------------------------------

local function is_better(d, best) return d.beyond < best.beyond or
  (d.beyond == best.beyond and d.max_abs + d.special < best.max_abs + best.special) end

--- The measures of `b` beside `a` (the expected one), in the order of axes in which they are
--- closest.
---@param a perigee.Tensor
---@param b perigee.Tensor
---@param rtol number
---@param atol number relative to the largest element of a
---@param layout? string the order that is known to be right
---@return table? difference see core.difference; layout, where axes were moved
---@return string? message
function M.difference(a, b, rtol, atol, layout)
  if not core.is_tensor(a) or not core.is_tensor(b) then return nil, "not tensors" end
  if (a.dtype == "string") ~= (b.dtype == "string") then return nil, "strings beside numbers" end
  if a.count ~= b.count then
    return nil, ("[%s] beside [%s]"):format(table.concat(a.shape, ","), table.concat(b.shape, ","))
  end
  local best
  if same_shape(squeezed(a.shape), squeezed(b.shape)) then
    best = core.difference(a, b, rtol, atol)
    if best.beyond == 0 then return best end
  end
  for _, view in ipairs(views(b, a.shape)) do
    if not layout or layout == view.name then
      local d = core.difference(a, view.make(b), rtol, atol)
      d.layout = view.name
      if not best or is_better(d, best) then best = d end
      if d.beyond == 0 then break end
    end
  end
  if not best then
    best = core.difference(a, b, rtol, atol) -- a reshape
    best.layout = "reshape"
  end
  return best
end

return M
