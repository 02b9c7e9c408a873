--- Pictures in other sizes.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = {}

local f32 = fixed.f32

--- The target size when it is known.
local function target(s, node)
  local size, out = s:ints(node, 2), s:out_t(node)
  if size and #size == 2 then return size end
  if out.rank == 4 and out.shape[2] > 0 and out.shape[3] > 0 then return { out.shape[2],
    out.shape[3] } end
end

local function sizes(s, node)
  local t, to = s:need(node, 1), target(s, node)
  if t.rank ~= 4 then s:bad("expected rank 4, got %d", t.rank) end
  if not to or t.shape[2] <= 0 or t.shape[3] <= 0 then return nil end
  for i = 1, 2 do
    if to[i] < 1 or to[i] > 1 << 20 then s:bad("a size of %d", to[i]) end
  end
  return { t.shape[2], t.shape[3] }, to
end

local function step(from, to, o)
  if o.align_corners == true and to > 1 then return f32((from - 1) / (to - 1)) end
  return f32(from / to)
end

-- ---- nearest
-- --------------------------------------------------------------------------------------

function M.RESIZE_NEAREST_NEIGHBOR(s, node)
  local from, to = sizes(s, node)
  if not from then return s:unsupported "RESIZE_NEAREST_NEIGHBOR of unknown size" end
  local o, x = node.o, s:x(node, 1)
  for i = 1, 2 do
    local scale, index = step(from[i], to[i], o), {}
    for k = 0, to[i] - 1 do
      local at = f32(f32(k + (o.half_pixel_centers == true and 0.5 or 0)) * scale)
      at = o.align_corners == true and fixed.round(at) or math.floor(at)
      index[k + 1] = math.max(0, math.min(at, from[i] - 1))
    end
    x = s.b:op("Gather", { x, s.b:constant(pg_tensor.new(index, "i64")) }, { axis = i })
  end
  s:set(node, 1, x)
end

-- ---- bilinear
-- -------------------------------------------------------------------------------------

--- For each place of the output along one axis: the two neighbours and the weight of the second, as
--- f32.
local function neighbours(from, to, o)
  local scale, low, high, weight = step(from, to, o), {}, {}, {}
  for k = 0, to - 1 do
    local at
    if o.half_pixel_centers == true then
      at = f32(f32((k + 0.5) * scale) - 0.5)
    else
      at = f32(k * scale)
    end
    local floor = math.floor(at)
    low[k + 1] = math.max(floor, 0)
    high[k + 1] = math.min(math.ceil(at), from - 1)
    weight[k + 1] = f32(at - low[k + 1])
  end
  return low, high, weight
end

--- The same with 10 bits behind the point, as integer kernels count.
local function neighbours_fixed(from, to, o)
  local scale
  if o.align_corners == true and to > 1 then
    scale = ((1 << 10) * (from - 1) + (to - 1) // 2) // (to - 1)
  else
    scale = ((1 << 10) * from + to // 2) // to
  end
  local low, high, weight = {}, {}, {}
  for k = 0, to - 1 do
    local at
    if o.half_pixel_centers == true then
      at = k * scale + scale // 2 - (1 << 9)
    else
      at = k * scale
    end
    local floor = at // 1024
    low[k + 1] = math.max(floor, 0)
    high[k + 1] = math.min((at + 1023) // 1024, from - 1)
    weight[k + 1] = at - (low[k + 1] << 10)
  end
  return low, high, weight
end

--- x along one axis: first * (one - weight) + second * weight.
local function blend(s, x, axis, low, high, weight, one, dtype)
  local b, rest = s.b, {}
  for i, w in ipairs(weight) do rest[i] = one - w end
  local form = axis == 1 and { #weight, 1, 1 } or { #weight, 1 }
  local function take(index) return b:op("Gather", { x, b:constant(pg_tensor.new(index, "i64")) },
    { axis = axis }) end
  local function factor(list) return b:constant(pg_tensor.new(list, dtype):reshape(form)) end
  return b:op("Add", { b:op("Mul", { take(low), factor(rest) }),
    b:op("Mul", { take(high), factor(weight) }) })
end

local function bilinear_integer(s, node, from, to, t)
  local b, dtype = s.b, "i64"
  local x = quant.cast(s, s:x(node, 1), dtype)
  for i = 1, 2 do
    local low, high, weight = neighbours_fixed(from[i], to[i], node.o)
    x = blend(s, x, i, low, high, weight, 1024, dtype)
  end
  -- 20 bits behind the point, rounded half away from zero.
  local half = b:constant(1 << 19, dtype)
  local sum = b:op("Add", { x, b:op("Mul", { half, b:op("Sign", { x }) }) })
  s:set(node, 1, quant.cast(s, b:op("Div", { sum, b:constant(1 << 20, dtype) }), t.dtype))
end

function M.RESIZE_BILINEAR(s, node)
  local t, o = s:need(node, 1), node.o
  local from, to = sizes(s, node)
  if not from then
    local mode = o.align_corners == true and "align_corners"
      or o.half_pixel_centers == true and "half_pixel" or "asymmetric"
    if t.is_integer then return s:unsupported "RESIZE_BILINEAR of integers of unknown size" end
    local b = s.b
    local whole = b:op("Shape", { s:x(node, 1, "first") })
    local size = quant.cast(s, s:x(node, 2), "i64")
    local all = b:op("Concat", { b:slice(whole, { 0 }, { 0 }, { 2 }), size }, { axis = 0 })
    return s:set(node, 1, b:op("Resize", { s:x(node, 1, "first"), "", "", all },
      { mode = "linear", coordinate_transformation_mode = mode }), "first")
  end
  if t.is_integer and t.dtype ~= "u8" then return bilinear_integer(s, node, from, to, t) end
  local x = s:x(node, 1)
  if t.dtype == "u8" then x = quant.cast(s, x, "f32") end
  for i = 1, 2 do
    local low, high, weight = neighbours(from[i], to[i], o)
    x = blend(s, x, i, low, high, weight, 1, "f32")
  end
  if t.dtype == "u8" then
    x = quant.cast(s, s.b:op("Floor", { s.b:op("Add", { x, s.b:constant(0.5, "f32") }) }), "u8")
  end
  s:set(node, 1, x)
end

return M
