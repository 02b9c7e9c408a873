--- Pools over windows.
local conv = require "perigee.convert.tflite.conv"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = {}

local MOST_PLACES = 1 << 22 -- of windows whose elements are counted
local MOST_ONES = 1 << 24 -- of the kernel that sums them

local function window(s, node)
  local t, o = s:need(node, 1), node.o
  if t.rank ~= 4 then s:bad("expected rank 4, got %d", t.rank) end
  for _, v in ipairs { o.filter_height, o.filter_width, o.stride_h, o.stride_w } do
    if v < 1 or v > 1 << 16 then s:bad("window: expected 1 to 65536, got %d", v) end
  end
  local attrs = conv.window(o.padding, { t.shape[2], t.shape[3] },
    { o.filter_height, o.filter_width },
    { o.stride_h, o.stride_w }, { 1, 1 })
  attrs.dilations = nil
  return attrs
end

--- How many elements of the input lie in each window: one number, or a value [1, 1, H, W].
local function counts(s, attrs, t, dtype)
  local kernel = attrs.kernel_shape
  if math.abs(t.shape[2] * t.shape[3]) > MOST_PLACES then s:bad("a picture of %d x %d", t.shape[2],
    t.shape[3]) end
  if not attrs.pads and not attrs.auto_pad then
    return s.b:constant(kernel[1] * kernel[2], dtype)
  end
  if not t:is_static() then
    local x = s.b:op("Shape", { t.scope:value(t.index) })
    local size = s.b:slice(x, { 0 }, { 1 }, { 3 })
    local shape = s.b:op("Concat", { s.b:i64 { 1, 1 }, size }, { axis = 0 })
    local ones = s.b:op("Expand", { s.b:constant(1.0, "f32"), shape })
    local y = s.b:op("Conv", { ones, s.b:constant(pg_tensor.full({ 1, 1, kernel[1], kernel[2] }, 1,
      "f32")) }, attrs)
    return quant.cast(s, y, dtype)
  end
  local function along(axis, i)
    local list, size, k, stride = {}, t.shape[axis], attrs.kernel_shape[i], attrs.strides[i]
    local first = -attrs.pads[i]
    while first + k <= size + attrs.pads[2 + i] do
      list[#list + 1] = math.min(first + k, size) - math.max(first, 0)
      first = first + stride
    end
    return list
  end
  local rows, columns, grid = along(2, 1), along(3, 2), {}
  for i, r in ipairs(rows) do
    grid[i] = {}
    for j, c in ipairs(columns) do grid[i][j] = math.max(r * c, 1) end
  end
  return s.b:constant(pg_tensor.new({ { grid } }, dtype))
end

--- acc / count, rounded half away from zero, in integers.
local function rounded_quotient(s, sum, count, dtype)
  local b = s.b
  local half = b:op("Div", { count, b:constant(2, dtype) })
  local y = b:op("Div", { b:op("Add", { b:op("Abs", { sum }), half }), count })
  return b:op("Mul", { y, b:op("Sign", { sum }) })
end

function M.AVERAGE_POOL_2D(s, node)
  local t, out, o = s:need(node, 1), s:out_t(node), node.o
  local attrs = window(s, node)
  local x = s:x(node, 1, "first")
  if not t.is_integer then
    return s:set(node, 1, quant.activate(s, s.b:op("AveragePool", { x }, attrs),
      o.fused_activation_function), "first")
  end
  local channels = t.shape[4]
  attrs.group = channels
  local shape = { channels, 1, o.filter_height, o.filter_width }
  if channels < 1 or channels * o.filter_height * o.filter_width > MOST_ONES then
    s:bad("a window of %d x %d on %d channels", o.filter_height, o.filter_width, channels)
  end
  local sum, dtype
  if t.dtype == "i16" then
    dtype = "i64"
    local ones = s.b:constant(pg_tensor.full(shape, 1, "f64"))
    sum = quant.cast(s, s.b:op("Conv", { quant.cast(s, x, "f64"), ones }, attrs), "i64")
  else
    dtype = "i32"
    sum = s.b:op("ConvInteger", { x, s.b:constant(pg_tensor.full(shape, 1, "i8")) }, attrs)
  end
  attrs.group = nil
  local y = rounded_quotient(s, sum, counts(s, attrs, t, dtype), dtype)
  local low, high = quant.range(s, o.fused_activation_function, out)
  y = s.b:op("Clip", { y, s.b:constant(low, dtype), s.b:constant(high, dtype) })
  s:set(node, 1, quant.cast(s, y, out.dtype), "first")
end

function M.MAX_POOL_2D(s, node)
  local t, out, o = s:need(node, 1), s:out_t(node), node.o
  local attrs = window(s, node)
  local x = s:x(node, 1, "first")
  if not t.is_integer then
    return s:set(node, 1, quant.activate(s, s.b:op("MaxPool", { x }, attrs),
      o.fused_activation_function), "first")
  end
  local y
  if t.dtype == "i16" then
    y = quant.cast(s, s.b:op("MaxPool", { quant.cast(s, x, "f32") }, attrs), "i16")
  else
    y = s.b:op("MaxPool", { x }, attrs)
  end
  local low, high = quant.range(s, o.fused_activation_function, out)
  local least, most = out:limits()
  if low > least or high < most then
    y = s.b:op("Clip", { y, s.b:constant(low, out.dtype), s.b:constant(high, out.dtype) })
  end
  s:set(node, 1, y, "first")
end

--- The root of the mean of squares of what lies in the picture.
function M.L2_POOL_2D(s, node)
  local x = s:x(node, 1, "first")
  local mean = s.b:op("AveragePool", { s.b:op("Mul", { x, x }) }, window(s, node))
  s:set(node, 1, quant.activate(s, s.b:op("Sqrt", { mean }), node.o.fused_activation_function),
    "first")
end

return M
