--- Operators on the elements of one input.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"

local M = {}

local function unary(build, real)
  return function(s, node)
    local t, out = s:need(node, 1), s:out_t(node)
    local layout, x = quant.together(s, node, 1)
    if not t.is_quantized then
      s:set(node, 1, build(s.b, x[1], node, t, s), layout)
    elseif t.dtype == "i8" or t.dtype == "u8" then
      s:set(node, 1, quant.lookup(s, x[1], t, fixed.real_table(t, out, real), out.dtype), layout)
    else
      quant.through_reals(s, node, 1, function(y) return build(s.b, y, node, t, s) end)
    end
  end
end

local function direct(type)
  return function(b, x) return b:op(type, { x }) end
end

local function sigmoid(x) return 1 / fixed.f32(1 + fixed.f32(math.exp(-x))) end
local function tanh(x)
  if x > 20 then return 1 end
  if x < -20 then return -1 end
  local e = math.exp(2 * x)
  if math.abs(x) < 1e-3 then return x - x * x * x / 3 end
  return (e - 1) / (e + 1)
end

M.FLOOR = unary(direct "Floor", math.floor)
M.CEIL = unary(direct "Ceil", math.ceil)
M.ROUND = unary(direct "Round", fixed.round)
M.SIN = unary(direct "Sin", math.sin)
M.COS = unary(direct "Cos", math.cos)
M.SIGN = unary(direct "Sign", function(x) return x > 0 and 1 or x < 0 and -1 or 0 end)
M.NEG = unary(direct "Neg", function(x) return -x end)

local function square(b, x) return b:op("Mul", { x, x }) end
M.SQUARE = unary(square, function(x) return x * x end)

function M.LOGICAL_NOT(s, node) s:set(node, 1, s.b:op("Not", { s:x(node, 1) })) end

function M.ZEROS_LIKE(s, node)
  local t, x = s:need(node, 1), s:x(node, 1)
  s:set(node, 1, s.b:op("Expand", { s.b:constant(0, t.dtype), s.b:op("Shape", { x }) }))
end

-- ---- tables that the kernels make in f32 ------------------------------------------------------

--- Of 16 bits: 513 points, linear in between.
local function lut16(f, saturate)
  return function(s, node)
    local t, out = s:need(node, 1), s:out_t(node)
    local lut = fixed.lut16_of(t, out, f, saturate)
    s:set(node, 1, quant.lookup(s, s:x(node, 1), t,
      fixed.table(t, function(q) return fixed.lut16_at(lut, q) end), "i16"))
  end
end

local function tabled(name, build, real, f16)
  local by_8_bits = unary(build, real)
  local by_16_bits = f16 or lut16(real)
  M[name] = function(s, node)
    local t = s:need(node, 1)
    local is_16 = t.is_quantized and t.dtype == "i16"
    return (is_16 and by_16_bits or by_8_bits)(s, node)
  end
end

tabled("EXP", direct "Exp", math.exp)
tabled("LOGISTIC", direct "Sigmoid", sigmoid, function(s, node)
  local t = s:need(node, 1)
  s:set(node, 1, quant.lookup(s, s:x(node, 1), t, fixed.logistic16(t.scale), "i16"))
end)
tabled("TANH", direct "Tanh", tanh, function(s, node)
  local t = s:need(node, 1)
  s:set(node, 1, quant.lookup(s, s:x(node, 1), t, fixed.tanh16(t.scale), "i16"))
end)
tabled("ELU", direct "Elu", function(x) return x < 0 and math.exp(x) - 1 or x end)

-- Abramowitz and Stegun 7.1.5 for small, a continued fraction for large arguments
local function erf(x)
  local a = math.abs(x)
  if a > 6 then return x > 0 and 1 or -1 end
  local sum, term, n = a, a, 0
  repeat
    n = n + 1
    term = -term * a * a / n
    local add = term / (2 * n + 1)
    sum = sum + add
  until math.abs(add) < 1e-18 * math.abs(sum) or n > 500
  sum = sum * 2 / math.sqrt(math.pi)
  return x < 0 and -sum or sum
end

function M.GELU(s, node)
  local approximate = node.o.approximate == true
  local real = approximate
    and function(x)
      return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    end
    or function(x) return 0.5 * x * (1 + erf(x / math.sqrt(2))) end
  local t = s:need(node, 1)
  if t.is_quantized and t.dtype == "i16" then return lut16(real)(s, node) end
  unary(function(b, x)
    return b:op("Gelu", { x }, { approximate = approximate and "tanh" or "none" })
  end, real)(s, node)
end

-- ---- with conditions of their own -------------------------------------------------------------

function M.LOG(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  if not t.is_quantized then
    local layout, x = quant.together(s, node, 1)
    return s:set(node, 1, s.b:op("Log", { x[1] }), layout)
  end
  --- Numbers that are not positive give the least output.
  local least = fixed.f32(out.scale * (select(1, out:limits()) - out.zero))
  local real = function(x) return x <= 0 and least or math.log(x) end
  if t.dtype == "i16" then return lut16(real)(s, node) end
  s:set(node, 1, quant.lookup(s, s:x(node, 1), t, fixed.real_table(t, out, real), out.dtype))
end

function M.ABS(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  local layout, x = quant.together(s, node, 1)
  if not t.is_quantized then return s:set(node, 1, s.b:op("Abs", { x[1] }), layout) end
  local low, high = out:limits()
  local multiplier, shift = fixed.multiplier(fixed.f32(t.scale / out.scale))
  local list = fixed.table(t, function(q)
    local value = math.abs(q - t.zero)
    if t.scale ~= out.scale then value = fixed.scale(value, multiplier, shift) end
    return fixed.clamp(value + out.zero, low, high)
  end)
  s:set(node, 1, quant.lookup(s, x[1], t, list, out.dtype), layout)
end

--- Towards zero: the only one of the tables that isn't rounded.
function M.SQRT(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  if not t.is_quantized then return unary(direct "Sqrt", math.sqrt)(s, node) end
  if t.dtype == "i16" then return lut16(math.sqrt)(s, node) end
  local low, high = out:limits()
  local list = fixed.table(t, function(q)
    local x = fixed.f32(t.scale * math.max(q - t.zero, 0))
    return fixed.clamp(math.floor(fixed.f32(math.sqrt(x)) / out.scale) + out.zero, low, high)
  end)
  s:set(node, 1, quant.lookup(s, s:x(node, 1), t, list, out.dtype))
end

local function rsqrt(b, x) return b:op("Reciprocal", { b:op("Sqrt", { x }) }) end

function M.RSQRT(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  if not t.is_quantized then
    local layout, x = quant.together(s, node, 1)
    return s:set(node, 1, rsqrt(s.b, x[1]), layout)
  end
  if t.dtype == "i16" then
    return lut16(function(x) return x <= 0 and math.huge or 1 / math.sqrt(x) end, true)(s, node)
  end
  local low, high = out:limits()
  local SHIFT = 20
  local factor = 1 / (math.sqrt(t.scale) * out.scale)
  local multiplier, shift = fixed.multiplier(factor)
  local list = fixed.table(t, function(q)
    local value = q - t.zero
    if value <= 0 then return high end
    local inverse, exponent = fixed.inverse_sqrt(value)
    local data = fixed.scale(1, inverse, exponent + SHIFT)
    local y = fixed.scale(data, multiplier, shift - SHIFT) + out.zero
    return fixed.clamp(y, low, high)
  end)
  s:set(node, 1, quant.lookup(s, s:x(node, 1), t, list, out.dtype))
end

-- ---- rectifiers -------------------------------------------------------------------------------

local function relu(low_real, high_real, build)
  return function(s, node)
    local t, out = s:need(node, 1), s:out_t(node)
    local layout, x = quant.together(s, node, 1)
    if not t.is_quantized then return s:set(node, 1, build(s.b, x[1]), layout) end
    local low, high = out:limits()
    low = math.max(low, out.zero + fixed.round(fixed.f32(low_real / out.scale)))
    if high_real then
      high = math.min(high, out.zero + fixed.round(fixed.f32(high_real / out.scale)))
    end
    local multiplier, shift = fixed.multiplier(fixed.f32(t.scale / out.scale))
    s:set(node, 1, quant.rescale(s, x[1], { multiplier = multiplier, shift = shift,
      in_zero = t.zero, zero = out.zero, low = low, high = high, to = out.dtype }), layout)
  end
end

M.RELU = relu(0, nil, direct "Relu")
M.RELU_N1_TO_1 = relu(-1, 1, function(b, x) return b:clip(x, -1, 1) end)
M.RELU6 = relu(0, 6, function(b, x) return b:clip(x, 0, 6) end)
M.RELU_0_TO_1 = relu(0, 1, function(b, x) return b:clip(x, 0, 1) end)

function M.LEAKY_RELU(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  local layout, x = quant.together(s, node, 1)
  local alpha = node.o.alpha
  if not t.is_quantized then
    return s:set(node, 1, s.b:op("LeakyRelu", { x[1] }, { alpha = alpha }), layout)
  end
  local low, high = out:limits()
  local factor = fixed.f32(fixed.f32(t.scale * alpha) / out.scale)
  local below, below_shift = fixed.multiplier(math.abs(factor))
  local above, above_shift = fixed.multiplier(fixed.f32(t.scale / out.scale))
  local sign = factor < 0 and -1 or 1
  local list = fixed.table(t, function(q)
    local value = q - t.zero
    local y
    if value >= 0 then
      y = fixed.scale(value, above, above_shift)
    else
      y = fixed.scale(value, sign * below, below_shift)
    end
    return fixed.clamp(y + out.zero, low, high)
  end)
  s:set(node, 1, quant.lookup(s, x[1], t, list, out.dtype), layout)
end

local function half_precision(multiplier)
  if multiplier >= 0x7fffffff - 0x8000 then return 32767 end
  return (multiplier + 0x8000) >> 16
end

--- reference_ops::HardSwish: 7 extra bits, then two multiplications of 16 bits.
local function hard_swish_table(t, out)
  local low, high = out:limits()
  local hires = fixed.f32(fixed.f32(1 / 128) * t.scale)
  local m_out, e_out = fixed.multiplier(fixed.f32(hires / out.scale))
  local m_relu, e_relu = fixed.multiplier(fixed.f32(hires / fixed.f32(fixed.f32(3) / 32768)))
  m_out, m_relu = half_precision(m_out), half_precision(m_relu)
  local function saturate(x) return fixed.clamp(x, -32768, 32767) end
  return fixed.table(t, function(q)
    local x = (q - t.zero) << 7
    local preshift = fixed.high_mul16(x, m_out)
    local r = x
    if e_relu > 0 then r = saturate(r << (e_relu - 1)) end
    r = fixed.high_mul16(r, m_relu)
    if e_relu > 0 then r = saturate(r << 1) end
    if e_relu < 0 then r = fixed.round_shift(r, -e_relu) end
    r = (r + 32768) >> 1
    local y = r * preshift -- as SaturatingDoublingHighMul, without rounding
    y = y >= 0 and (y // 32768) or -((-y) // 32768)
    y = fixed.round_shift(y, -e_out) + out.zero
    return fixed.clamp(y, low, high)
  end)
end

function M.HARD_SWISH(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  local layout, x = quant.together(s, node, 1)
  if not t.is_quantized then
    return s:set(node, 1, s.b:op("HardSwish", { x[1] }), layout)
  end
  s:set(node, 1, quant.lookup(s, x[1], t, hard_swish_table(t, out), out.dtype), layout)
end

-- ---- between element types ----------------------------------------------------------------------

function M.CAST(s, node)
  local out = s:out_t(node)
  local t, x = s:need(node, 1), s:x(node, 1)
  local is_real = t.dtype == "f32" or t.dtype == "f16" or t.dtype == "f64" or t.dtype == "bf16"
  if t.dtype:find "^c"
    and not out.dtype:find "^c" then return s:unsupported "CAST of complex numbers" end
  if is_real and out.is_integer then x = quant.cast(s, x, "i64") end
  s:set(node, 1, quant.cast(s, x, out.dtype))
end

local unsigned = { [8] = "u8", [16] = "u16", [32] = "u32", [64] = "u64" }
local width = { f16 = 16, bf16 = 16, f32 = 32, f64 = 64, i64 = 64, u64 = 64, u32 = 32, i32 = 32,
  i16 = 16, u16 = 16, i8 = 8, u8 = 8, bool = 8 }

--- Between widths: words are cut into parts along a new last axis, or made of them, the low part
--- first.
function M.BITCAST(s, node)
  local t, out, b = s:need(node, 1), s:out_t(node), s.b
  local from, to = width[t.dtype], width[out.dtype]
  local x = s:x(node, 1)
  if not from or not to then return s:unsupported("BITCAST of " .. t.dtype) end
  local function as(v, dtype) return b:op("BitCast", { v }, { to = quant.number[dtype] }) end
  if from == to then return s:set(node, 1, as(x, out.dtype)) end
  x = as(x, unsigned[from])
  local parts = {}
  local wide = unsigned[math.max(from, to)]
  if from > to then
    for i = 0, from // to - 1 do
      local part = b:op("BitShift", { x, b:constant(i * to, wide) }, { direction = "RIGHT" })
      parts[i + 1] = b:op("Unsqueeze", { quant.cast(s, part, unsigned[to]), b:i64 { -1 } })
    end
    return s:set(node, 1, as(b:op("Concat", parts, { axis = -1 }), out.dtype))
  end
  local n, y = to // from, nil
  for i = 0, n - 1 do
    local part = quant.cast(s, b:op("Gather", { x, b:constant(i, "i64") }, { axis = -1 }), wide)
    part = b:op("BitShift", { part, b:constant(i * from, wide) }, { direction = "LEFT" })
    y = y and b:op("BitwiseOr", { y, part }) or part
  end
  s:set(node, 1, as(y, out.dtype))
end

function M.DEQUANTIZE(s, node)
  local t = s:need(node, 1)
  local layout, x = quant.together(s, node, 1)
  s:set(node, 1, quant.dequantize_weights(s, x[1], t), layout)
end

function M.QUANTIZE(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  local layout, x = quant.together(s, node, 1)
  if not t.is_quantized then return s:set(node, 1, quant.quantize(s, x[1], out), layout) end
  local low, high = out:limits()
  local multiplier, shift = fixed.multiplier(fixed.f32(t.scale) / out.scale)
  s:set(node, 1, quant.rescale(s, x[1], { multiplier = multiplier, shift = shift,
    in_zero = t.zero, zero = out.zero, low = low, high = high, to = out.dtype }), layout)
end

function M.FAKE_QUANT(s, node)
  local o, b = node.o, s.b
  local low = o.narrow_range and 1 or 0
  local high = (1 << math.max(o.num_bits, 1)) - 1
  local scale = fixed.f32((o.max - o.min) / (high - low))
  local zero = fixed.clamp(fixed.round(low - o.min / scale), low, high)
  local min, max = fixed.f32((low - zero) * scale), fixed.f32((high - zero) * scale)
  local x = b:op("Sub", { b:clip(s:x(node, 1), min, max), b:constant(min, "f32") })
  x = quant.round(s, b:op("Mul", { x, b:constant(fixed.f32(1 / scale), "f32") }))
  s:set(node, 1, b:op("Add", { b:op("Mul", { x, b:constant(scale, "f32") }),
    b:constant(min, "f32") }))
end

return M
