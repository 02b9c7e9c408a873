--- Operators on the elements of two inputs.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"

local M = {}

local f32 = fixed.f32

local function real_or_integer(s, node, type)
  local layout, x = quant.together(s, node, 2)
  local out = s:out_t(node)
  local y = s.b:op(type, x)
  local activation = node.o.fused_activation_function or 0
  if out.is_integer or out.dtype == "i64" then
    y = quant.activate_integer(s, y, activation, out.dtype)
  else
    y = quant.activate(s, y, activation)
  end
  s:set(node, 1, y, layout)
end

local function log2_of_power(scale)
  for e = -64, 64 do
    if 2.0 ^ e == scale then return e end
  end
end

--- Sums of 16 bits where all scales are powers of two and one input has the output's.
local function sum_of_powers(s, node, type)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  local low, high = quant.range(s, node.o.fused_activation_function or 0, out)
  local layout, x = quant.together(s, node, 2)
  for i, t in ipairs { a, b } do
    local shift = log2_of_power(t.scale) - log2_of_power(out.scale)
    local l, h = -1 << 31, (1 << 31) - 1
    --- 2^30 * 2^(shift + 1 - 31): exact, then the rounded shift.
    x[i] = quant.rescale(s, x[i], { multiplier = 1 << 30, shift = shift + 1, low = l, high = h,
      to = "i32" })
  end
  local sum = s.b:op(type, x)
  local y = s.b:op("Clip", { sum, s.b:constant(low, "i32"), s.b:constant(high, "i32") })
  s:set(node, 1, quant.cast(s, y, "i16"), layout)
end

local function is_by_powers(node, a, b, out)
  if out.dtype ~= "i16" or node.o.pot_scale_int16 == false then return false end
  local la, lb, lo = log2_of_power(a.scale), log2_of_power(b.scale), log2_of_power(out.scale)
  return la and lb and lo and (la == lo or lb == lo) and la <= lo and lb <= lo
end

local function quantized_sum(s, node, type)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  if is_by_powers(node, a, b, out) then return sum_of_powers(s, node, type) end
  local left = out.dtype == "i16" and 15 or 20
  local twice = 2 * math.max(a.scale, b.scale)
  local low, high = quant.range(s, node.o.fused_activation_function or 0, out)
  local layout, x = quant.together(s, node, 2)
  for i, t in ipairs { a, b } do
    x[i] = quant.rescale_by(s, x[i], t.scale / twice, { in_zero = t.zero, left = left,
      low = -1 << 31, high = (1 << 31) - 1, to = "i32" })
  end
  s:set(node, 1, quant.rescale_by(s, s.b:op(type, x), twice / f32((1 << left) * out.scale),
    { zero = out.zero, low = low, high = high, to = out.dtype }), layout)
end

local function sum(type)
  return function(s, node)
    if s:out_t(node).is_quantized and s:out_t(node).dtype ~= "i32" then
      return quantized_sum(s, node, type)
    end
    real_or_integer(s, node, type)
  end
end

M.ADD, M.SUB = sum "Add", sum "Sub"

--- x - zero as i32
local function without_zero(s, x, t)
  local y = quant.cast(s, x, "i32")
  if t.zero == 0 then return y end
  return s.b:op("Sub", { y, s.b:constant(t.zero, "i32") })
end

function M.MUL(s, node)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  if not out.is_quantized or out.dtype == "i32" and not a.is_quantized then
    return real_or_integer(s, node, "Mul")
  end
  local low, high = quant.range(s, node.o.fused_activation_function or 0, out)
  local layout, x = quant.together(s, node, 2)
  local product = s.b:op("Mul", { without_zero(s, x[1], a), without_zero(s, x[2], b) })
  local factor = f32(f32(a.scale * b.scale) / out.scale)
  s:set(node, 1, quant.rescale_by(s, product, factor,
    { zero = out.zero, low = low, high = high, to = out.dtype }), layout)
end

--- A function of two 8-bit numbers as a table of 65,536.
local function lookup2(s, node, f)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  local layout, x = quant.together(s, node, 2)
  local la, lb, list = a:limits(), b:limits(), {}
  for qa = la, la + 255 do
    for qb = lb, lb + 255 do list[#list + 1] = f(qa, qb) end
  end
  local i = quant.cast(s, x[1], "i32")
  local j = quant.cast(s, x[2], "i32")
  local at = s.b:op("Add", { s.b:op("Mul", { i, s.b:constant(256, "i32") }), j })
  at = s.b:op("Sub", { at, s.b:constant(la * 256 + lb, "i32") })
  local table_name = s.b:constant(list, out.dtype)
  s:set(node, 1, s.b:op("Gather", { table_name, at }, { axis = 0 }), layout)
end

--- reference_ops::DivElementwise
local function divide(a, b, out, low, high)
  local multiplier, shift = fixed.multiplier(f32(f32(a.scale / b.scale) / out.scale))
  if multiplier == 0 then shift = 0 end
  return function(qa, qb)
    local x, y = qa - a.zero, qb - b.zero
    if y == 0 then return high end
    if y < 0 then x, y = -x, -y end
    local inverse, recip_shift = fixed.reciprocal(y, 31)
    local headroom = fixed.leading_zeros(x < 0 and ~x & 0xffffffff or x) - 1
    local quotient = fixed.high_mul(fixed.wrap32(x << headroom), inverse)
    local total = shift - recip_shift - headroom
    local z = fixed.high_mul(quotient, multiplier)
    if total < -31 then z = 0 else z = fixed.round_shift(z, math.max(-total, 0)) end
    return fixed.clamp(z + out.zero, low, high)
  end
end

function M.DIV(s, node)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  if not out.is_quantized then return real_or_integer(s, node, "Div") end
  local low, high = quant.range(s, node.o.fused_activation_function or 0, out)
  lookup2(s, node, divide(a, b, out, low, high))
end

--- Numbers as they are, quantised or not: both inputs and the output have one scale.
local function plain(type)
  return function(s, node)
    local layout, x = quant.together(s, node, 2)
    s:set(node, 1, s.b:op(type, x), layout)
  end
end

M.MAXIMUM, M.MINIMUM = plain "Max", plain "Min"
M.LOGICAL_OR, M.LOGICAL_AND = plain "Or", plain "And"
M.BITWISE_XOR = plain "BitwiseXor"

function M.RIGHT_SHIFT(s, node)
  s:set(node, 1, s.b:op("BitShift", { s:x(node, 1), s:x(node, 2) }, { direction = "RIGHT" }))
end

function M.POW(s, node)
  local t = s:need(node, 1)
  if t.is_quantized then
    return quant.through_reals(s, node, 2, function(x, y) return s.b:op("Pow", { x, y }) end)
  end
  plain "Pow" (s, node)
end

function M.SQUARED_DIFFERENCE(s, node)
  local a, b, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  local layout, x = quant.together(s, node, 2)
  if not out.is_quantized then
    local d = s.b:op("Sub", x)
    return s:set(node, 1, s.b:op("Mul", { d, d }), layout)
  end
  local LEFT = 7
  local twice = 2 * math.max(a.scale, b.scale)
  for i, t in ipairs { a, b } do
    x[i] = quant.rescale_by(s, x[i], t.scale / twice, { in_zero = t.zero, left = LEFT,
      low = -1 << 31, high = (1 << 31) - 1, to = "i32" })
  end
  local low, high = out:limits()
  local d = s.b:op("Sub", x)
  s:set(node, 1, quant.rescale_by(s, s.b:op("Mul", { d, d }),
    twice * twice / f32((1 << 2 * LEFT) * out.scale),
    { zero = out.zero, low = low, high = high, to = out.dtype }), layout)
end

--- a - floor(a / b) * b and floor(a / b), whatever the signs.
function M.FLOOR_DIV(s, node)
  local t, b = s:need(node, 1), s.b
  local x, y = s:x(node, 1), s:x(node, 2)
  if not t.is_integer and t.dtype ~= "i64" then
    return s:set(node, 1, b:op("Floor", { b:op("Div", { x, y }) }))
  end
  local rest = b:op("Mod", { x, y })
  s:set(node, 1, b:op("Div", { b:op("Sub", { x, rest }), y }))
end

function M.FLOOR_MOD(s, node)
  local t, b = s:need(node, 1), s.b
  local x, y = s:x(node, 1), s:x(node, 2)
  if t.is_integer or t.dtype == "i64" then return s:set(node, 1, b:op("Mod", { x, y })) end
  local rest = b:op("Mod", { x, y }, { fmod = 1 })
  local zero = b:constant(0, t.dtype)
  local differs = b:op("Xor", { b:op("Less", { rest, zero }), b:op("Less", { y, zero }) })
  local wanted = b:op("And", { differs, b:op("Not", { b:op("Equal", { rest, zero }) }) })
  s:set(node, 1, b:op("Where", { wanted, b:op("Add", { rest, y }), rest }))
end

--- The angle of a point in all four quarters.
function M.ATAN2(s, node)
  local t, b = s:need(node, 1), s.b
  local y, x = s:x(node, 1), s:x(node, 2)
  local function c(v) return b:constant(v, t.dtype) end
  local zero = c(0)
  local angle = b:op("Atan", { b:op("Div", { y, x }) })
  local turn = b:op("Where", { b:op("Less", { y, zero }), c(-math.pi), c(math.pi) })
  local left = b:op("Where", { b:op("Less", { x, zero }), b:op("Add", { angle, turn }), angle })
  local up = b:op("Mul", { b:op("Sign", { y }), c(math.pi / 2) })
  s:set(node, 1, b:op("Where", { b:op("Equal", { x, zero }), up, left }))
end

function M.PRELU(s, node)
  local t, alpha, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  local layout, x
  if s:is_first(node, 1) and alpha.rank == 3 and t.rank == 4 then
    layout = "first"
    x = { s:x(node, 1, "first"), s.b:transpose(s:x(node, 2), { 2, 0, 1 }) }
  else
    x = { s:x(node, 1), s:x(node, 2) }
  end
  if not out.is_quantized then return s:set(node, 1, s.b:op("PRelu", x), layout) end
  local low, high = out:limits()
  local o = { zero = out.zero, low = low, high = high, to = out.dtype }
  local value, slope = without_zero(s, x[1], t), without_zero(s, x[2], alpha)
  local above = quant.rescale_by(s, value, f32(t.scale / out.scale), o)
  local below = quant.rescale_by(s, s.b:op("Mul", { value, slope }),
    f32(f32(t.scale * alpha.scale) / out.scale), o)
  local test = s.b:op("GreaterOrEqual", { value, s.b:constant(0, "i32") })
  s:set(node, 1, s.b:op("Where", { test, above, below }), layout)
end

function M.ADD_N(s, node)
  local x = {}
  for i = 1, #node.inputs do x[i] = s:x(node, i) end
  local y = x[1]
  for i = 2, #x do y = s.b:op("Add", { y, x[i] }) end
  if #x == 1 then y = s.b:identity(y) end
  s:set(node, 1, y)
end

-- ---- comparisons
-- ----------------------------------------------------------------------------------

local function comparison(type)
  return function(s, node)
    local a, b = s:need(node, 1), s:need(node, 2)
    local layout, x = quant.together(s, node, 2)
    if a.is_quantized and (a.dtype == "i8" or a.dtype == "u8") then
      for i, t in ipairs { a, b } do
        x[i] = quant.rescale_by(s, x[i], t.scale, { in_zero = t.zero, left = 8,
          low = -1 << 31, high = (1 << 31) - 1, to = "i32" })
      end
    end
    local y = type == "NotEqual" and s.b:op("Not", { s.b:op("Equal", x) }) or s.b:op(type, x)
    s:set(node, 1, y, layout)
  end
end

M.LESS, M.GREATER, M.EQUAL = comparison "Less", comparison "Greater", comparison "Equal"
M.LESS_EQUAL, M.GREATER_EQUAL = comparison "LessOrEqual", comparison "GreaterOrEqual"
M.NOT_EQUAL = comparison "NotEqual"

return M
