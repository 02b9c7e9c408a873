--- Softmax and normalisations.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = {}

local f32 = fixed.f32

local function exponentials(scale, beta)
  local list = {}
  for i = 0, 255 do list[i + 1] = f32(math.exp(f32(f32(-scale * beta) * i))) end
  return list
end

local function i32(s, v) return s.b:constant(v, "i32") end

--- 1 for what is a value of `dtype`, kept whole.
local function shift_right(s, x, by, dtype)
  return s.b:op("BitShift", { x, s.b:constant(by, dtype) }, { direction = "RIGHT" })
end

--- reference_ops::SoftmaxInt16: exponentials and a reciprocal from tables of 513 points.
local function softmax16(s, x, t, out, beta)
  local b = s.b
  local factor = t.scale * beta / (10.0 / 65535.0)
  local exp = fixed.lut16(-10, 0, -1, 1, math.exp)
  local inverse = fixed.lut16(0, 1, -1, 1, function(v) return 1 / (1 + v) end)
  local function table_of(lut)
    local list = {}
    for q = -32768, 32767 do list[#list + 1] = fixed.lut16_at(lut, q) end
    return b:constant(pg_tensor.new(list, "i16"))
  end
  local wide = quant.cast(s, x, "i32")
  local greatest = b:op("ReduceMax", { wide, b:i64 { -1 } }, { keepdims = 1 })
  local distance = quant.rescale_by(s, b:op("Sub", { wide, greatest }), factor,
    { low = -1 << 31, high = (1 << 31) - 1, to = "i32" })
  distance = b:op("Add", { distance, i32(s, 32767) })
  distance = b:op("Clip", { distance, i32(s, -32768), i32(s, 32767) })
  local e = b:op("Gather", { table_of(exp), b:op("Add", { distance, i32(s, 32768) }) })
  e = quant.cast(s, e, "i32")
  local sum = b:op("ReduceSum", { e, b:i64 { -1 } }, { keepdims = 1 })
  -- The place of the highest bit: comparisons with the powers of two.
  local powers = {}
  for bit = 0, 30 do powers[bit + 1] = 1 << bit end
  local list = b:constant(pg_tensor.new(powers, "i32"))
  local above = quant.cast(s, b:op("GreaterOrEqual", { b:op("Unsqueeze", { sum, b:i64 { -1 } }),
    list }), "i32")
  local bits = b:op("ReduceSum", { above, b:i64 { -1 } }, { keepdims = 0 })
  local zeros = b:op("Sub", { i32(s, 32), bits })
  local headroom = b:op("Sub", { zeros, i32(s, 1) })
  local shifted = b:op("BitShift", { sum, headroom }, { direction = "LEFT" })
  -- ((sum << (headroom_plus_one - 1)) + (1 << 13)) >> 14, minus the one in front of the point
  local point = shift_right(s, b:op("Add", { shifted, i32(s, 1 << 13) }), 14, "i32")
  point = b:op("Sub", { point, i32(s, (1 << 16) + (1 << 15)) })
  point = b:op("Clip", { point, i32(s, -32768), i32(s, 32767) })
  local reciprocal = quant.cast(s, b:op("Gather", { table_of(inverse),
    b:op("Add", { point, i32(s, 32768) }) }), "i64")
  local product = b:op("Mul", { quant.cast(s, e, "i64"), reciprocal })
  local by = b:op("Sub", { b:constant(31, "i64"), quant.cast(s, zeros, "i64") })
  local round = b:op("BitShift", { b:constant(1, "i64"),
    b:op("Sub", { by, b:constant(1, "i64") }) },
    { direction = "LEFT" })
  local y = b:op("BitShift", { b:op("Add", { product, round }), by }, { direction = "RIGHT" })
  y = b:op("Clip", { y, b:constant(0, "i64"), b:constant(32767, "i64") })
  return quant.cast(s, y, out.dtype)
end

function M.SOFTMAX(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  local x, beta = s:x(node, 1), node.o.beta
  if not t.is_quantized then
    if beta ~= 1 then x = s.b:op("Mul", { x, s.b:constant(beta, "f32") }) end
    return s:set(node, 1, s.b:op("Softmax", { x }, { axis = -1 }))
  end
  if t.dtype == "i16" then return s:set(node, 1, softmax16(s, x, t, out, beta)) end
  s:set(node, 1, s.b:op("Softmax", { x, s.b:constant(pg_tensor.new(exponentials(t.scale, beta),
    "f32")) },
    { scale = out.scale, zero = out.zero, to = quant.number[out.dtype] }, nil,
      { domain = "perigee.tflite" }))
end

function M.LOG_SOFTMAX(s, node)
  local t = s:need(node, 1)
  if not t.is_quantized then
    return s:set(node, 1, s.b:op("LogSoftmax", { s:x(node, 1) }, { axis = -1 }))
  end
  quant.through_reals(s, node, 1, function(x) return s.b:op("LogSoftmax", { x }, { axis = -1 }) end)
end

--- reference_ops::L2Normalization: the inverse root of the sum of squares, in fixed point.
function M.L2_NORMALIZATION(s, node)
  local t, b = s:need(node, 1), s.b
  local x = s:x(node, 1)
  if not t.is_quantized then
    local norm = b:op("ReduceSum", { b:op("Mul", { x, x }), b:i64 { -1 } }, { keepdims = 1 })
    norm = b:op("Sqrt", { b:op("Max", { norm, b:constant(1e-12, "f32") }) })
    return s:set(node, 1, quant.activate(s, b:op("Div", { x, norm }),
      node.o.fused_activation_function or 0))
  end
  s:set(node, 1, b:op("L2Normalize", { x }, { in_zero = t.zero }, nil,
    { domain = "perigee.tflite" }))
end

--- The window of the kernels ends before channel c + radius.
function M.LOCAL_RESPONSE_NORMALIZATION(s, node)
  local o, b, t = node.o, s.b, s:need(node, 1)
  local x, radius = s:x(node, 1), o.radius
  if radius < 1 or radius > 1 << 16 then s:bad("radius %d", radius) end
  local depth = t.shape[t.rank]
  local squares = b:reshape(b:op("Mul", { x, x }), { -1, 1, depth })
  local sums = b:op("AveragePool", { squares },
    { kernel_shape = { 2 * radius }, strides = { 1 }, pads = { radius, radius - 1 },
      count_include_pad = 1 })
  sums = b:op("Mul", { b:op("Reshape", { sums, b:op("Shape", { x }) }),
    b:constant(2 * radius * o.alpha, "f32") })
  local base = b:op("Add", { sums, b:constant(o.bias, "f32") })
  s:set(node, 1, b:op("Mul", { x, b:op("Pow", { base, b:constant(-o.beta, "f32") }) }))
end

return M
