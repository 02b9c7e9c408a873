--- Functions of each element, of two values, and of sums over axes.
local M = {}

-- ---- of one -----------------------------------------------------------------------------------

local function unary(type)
  return function(c, x) return c:op(type, { x }) end
end

local function log_base(base)
  return function(c, x) return c:scaled(c:op("Log", { x }), 1 / math.log(base)) end
end

local function trunc(c, x)
  return c:mul(c:op("Sign", { x }), c:op("Floor", { c:op("Abs", { x }) }))
end

--- UnaryOp's kinds, from 0.
local unaries = {
  [0] = unary "Abs", unary "Neg", unary "Floor", unary "Ceil",
  function(c, x) return c:mul(x, x) end,
  unary "Sqrt",
  function(c, x) return c:op("Reciprocal", { c:op("Sqrt", { x }) }) end,
  unary "Exp", unary "Log", unary "Sin", unary "Cos", unary "Tan", unary "Asin", unary "Acos",
  unary "Atan", unary "Reciprocal", unary "Tanh", log_base(10), unary "Round", trunc, unary "Sign",
  function(c, x) return c:shifted(c:op("Exp", { x }), -1) end,
  unary "Sinh", unary "Asinh", unary "Cosh", unary "Acosh", unary "Atanh",
  function(c, x) return c:op("Log", { c:shifted(x, 1) }) end,
}

function M.UnaryOp(c, L)
  local f = unaries[L.params:int(0, 0)]
  if not f then return c:unsupported(("of kind %d"):format(L.params:int(0, 0))) end
  return f(c, L.x[1])
end

for layer, type in pairs {
  AbsVal = "Abs", Sigmoid = "Sigmoid", TanH = "Tanh", Mish = "Mish", Erf = "Erf",
  Softplus = "Softplus", BNLL = "Softplus",
} do
  M[layer] = function(c, L) return c:op(type, { L.x[1] }) end
end

local function with_alpha(type, default)
  return function(c, L)
    return c:op(type, { L.x[1] }, { alpha = L.params:float(0, default) })
  end
end
M.ELU, M.CELU = with_alpha("Elu", 0.1), with_alpha("Celu", 1)

function M.SELU(c, L)
  return c:op("Selu", { L.x[1] },
    { alpha = L.params:float(0, 1.67326324), gamma = L.params:float(1, 1.050700987) })
end

function M.ReLU(c, L)
  local slope = L.params:float(0, 0)
  local y = slope == 0 and c:op("Relu", { L.x[1] })
    or c:op("LeakyRelu", { L.x[1] }, { alpha = slope })
  c.int8[y] = slope == 0 and c.int8[L.x[1]] or nil
  return y
end

function M.GELU(c, L)
  return c:op("Gelu", { L.x[1] }, { approximate = L.params:int(0, 0) ~= 0 and "tanh" or "none" })
end

function M.Swish(c, L) return c:mul(L.x[1], c:op("Sigmoid", { L.x[1] })) end

function M.HardSigmoid(c, L)
  return c:op("HardSigmoid", { L.x[1] },
    { alpha = L.params:float(0, 0.2), beta = L.params:float(1, 0.5) })
end

function M.HardSwish(c, L)
  return c:hard_swish(L.x[1], L.params:float(0, 0.2), L.params:float(1, 0.5))
end

local MOST = 3.4028234663852886e38

function M.Clip(c, L)
  local low, high = L.params:float(0, -MOST), L.params:float(1, MOST)
  return c:op("Clip", { L.x[1], c:f32(low), c:f32(high) })
end

function M.Shrink(c, L)
  return c:op("Shrink", { L.x[1] },
    { bias = L.params:float(0, 0), lambd = L.params:float(1, 0.5) })
end

function M.Threshold(c, L)
  local over = c:op("Greater", { L.x[1], c:f32(L.params:float(0, 0)) })
  return c:op("Cast", { over }, { to = 1 })
end

--- (shift + x * scale) into `f`, of a base that -1 stands for e.
local function affine(c, L)
  return c:shifted(c:scaled(L.x[1], L.params:float(1, 1)), L.params:float(2, 0))
end

function M.Power(c, L)
  local power, y = L.params:float(0, 1), affine(c, L)
  return power == 1 and c:op("Identity", { y }) or c:op("Pow", { y, c:f32(power) })
end

function M.Exp(c, L)
  local base, y = L.params:float(0, -1), affine(c, L)
  return base == -1 and c:op("Exp", { y }) or c:op("Pow", { c:f32(base), y })
end

function M.Log(c, L)
  local base, y = L.params:float(0, -1), c:op("Log", { affine(c, L) })
  return base == -1 and y or c:scaled(y, 1 / math.log(base))
end

function M.GLU(c, L)
  local axis = c:axis(L.x[1], L.params:int(0, 0))
  local a, b = c:op("Split", { L.x[1] }, { axis = axis, num_outputs = 2 }, 2)
  return c:mul(a, c:op("Sigmoid", { b }))
end

function M.Softmax(c, L)
  local axis = L.params:int(0, 0)
  if c:is_known(L.x[1]) then axis = math.min(axis, c:rank(L.x[1]) - 1) end
  return c:op("Softmax", { L.x[1] }, { axis = c:axis(L.x[1], axis) })
end

function M.CumulativeSum(c, L)
  local axis = c:axis(L.x[1], L.params:int(0, 0))
  return c:op("CumSum", { L.x[1], c:constant(axis, "i64") })
end

-- ---- of two -----------------------------------------------------------------------------------

local function binary(type)
  return function(c, a, b) return c:op(type, { a, b }) end
end

local function swapped(f)
  return function(c, a, b) return f(c, b, a) end
end

--- atan2: atan(y / x), turned by the quadrant; right on the axes and in 0, 0.
local function atan2(c, y, x)
  local zero = c:f32(0)
  local is_left, is_low = c:op("Less", { x, zero }), c:op("Less", { y, zero })
  local turn = c:op("Where", { is_low, c:f32(-math.pi), c:f32(math.pi) })
  local angle = c:op("Atan", { c:op("Div", { y, x }) })
  local turned = c:op("Where", { is_left, c:add(angle, turn), angle })
  local none = c:op("And", { c:op("Equal", { x, zero }), c:op("Equal", { y, zero }) })
  return c:op("Where", { none, zero, turned })
end

local function logaddexp(c, a, b)
  local far = c:op("Neg", { c:op("Abs", { c:op("Sub", { a, b }) }) })
  local rest = c:op("Log", { c:shifted(c:op("Exp", { far }), 1) })
  return c:add(c:op("Max", { a, b }), rest)
end

local function fmod(c, a, b) return c:op("Mod", { a, b }, { fmod = 1 }) end
local function floor_divide(c, a, b) return c:op("Floor", { c:op("Div", { a, b }) }) end

--- IEEE's: the quotient is rounded to the nearest, halves to even, as ncnn's remainderf does.
local function remainder(c, a, b)
  return c:op("Sub", { a, c:mul(b, c:op("Round", { c:op("Div", { a, b }) })) })
end

--- BinaryOp's kinds, from 0.
local binaries = {
  [0] = binary "Add", binary "Sub", binary "Mul", binary "Div", binary "Max", binary "Min",
  binary "Pow", swapped(binary "Sub"), swapped(binary "Div"), swapped(binary "Pow"), atan2,
  swapped(atan2), fmod, swapped(fmod), logaddexp, floor_divide, swapped(floor_divide), remainder,
  swapped(remainder),
}

--- ncnn broadcasts a value of fewer dimensions by hanging ones behind its own, so that it lies
--- along the outermost; a vector that doesn't fit there lies along the innermost.
local function widen(c, a, rank, outermost)
  local shape = c:shape(a)
  local n = #shape
  if n == rank then return a end
  local is_inner = n == 1 and math.type(outermost) == "integer" and shape[1] ~= outermost
  local axes = {}
  for i = 1, rank - n do axes[i] = is_inner and i or n + i end
  return c:unsqueeze(a, axes)
end

--- Both at one rank; where that isn't known they are taken to have the same.
local function level(c, a, b)
  if not (c:is_known(a) and c:is_known(b)) then return a, b end
  local ra, rb = c:rank(a), c:rank(b)
  local rank = math.max(ra, rb)
  local wide_a = widen(c, a, rank, c:shape(b)[1])
  local wide_b = widen(c, b, rank, c:shape(a)[1])
  return wide_a, wide_b
end

function M.BinaryOp(c, L)
  local p = L.params
  local f = binaries[p:int(0, 0)]
  if not f then return c:unsupported(("of kind %d"):format(p:int(0, 0))) end
  if p:int(1, 0) ~= 0 then return f(c, L.x[1], c:f32(p:float(2, 0))) end
  if not L.x[2] then c:fail "expected two inputs" end
  return f(c, level(c, L.x[1], L.x[2]))
end

function M.Eltwise(c, L)
  local kind, coeffs = L.params:int(0, 0), L.params:floats(1)
  local y
  for i, x in ipairs(L.x) do
    if kind == 1 then x = c:scaled(x, coeffs[i] or 1) end
    if not y then
      y = x
    elseif kind == 0 then
      y = c:mul(y, x)
    elseif kind == 1 then
      y = c:add(y, x)
    else
      y = c:op("Max", { y, x })
    end
  end
  return y
end

-- ---- over axes --------------------------------------------------------------------------------

--- Reduction's kinds, from 0: ONNX has all of them.
local reductions = {
  [0] = "ReduceSum", "ReduceL1", "ReduceSumSquare", "ReduceMean", "ReduceMax", "ReduceMin",
  "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
}

function M.Reduction(c, L)
  local p, x = L.params, L.x[1]
  local type = reductions[p:int(0, 0)]
  if not type then return c:unsupported(("of kind %d"):format(p:int(0, 0))) end
  local axes, is_all = p:ints(3), p:int(1, 1) ~= 0
  if not c:is_known(x) then
    if is_all then c:fail "the rank of its input is unknown" end
    for i, axis in ipairs(axes) do axes[i] = c:axis(x, axis) end
    return c:scaled(c:op(type, { x, c:i64(axes) }, { keepdims = p:int(4, 0) }), p:float(2, 1))
  end
  local rank = c:rank(x)
  local reduced, n = {}, 0
  for i, axis in ipairs(is_all and {} or axes) do axes[i] = c:axis(x, axis) end
  if is_all or #axes == 0 then
    for i = 1, rank do axes[i] = i end
  end
  for _, axis in ipairs(axes) do
    if not reduced[axis] then reduced[axis], n = true, n + 1 end
  end
  axes = {}
  for i = 1, rank do axes[#axes + 1] = reduced[i] and i or nil end
  local keep = p:int(4, 0)
  local y = c:op(type, { x, c:i64(axes) }, { keepdims = keep })
  if keep == 0 and n == rank then y = c:unsqueeze(y, { 1 }) end -- ncnn has no scalars
  return c:scaled(y, p:float(2, 1))
end

function M.ArgMax(c, L)
  local p = L.params
  local flat = c:reshape(L.x[1], { 1, -1 })
  local values, at = c:op("TopK", { flat, c:i64 { p:int(1, 1) } }, nil, 2)
  at = c:unsqueeze(c:op("Cast", { at }, { to = 1 }), { 1 })
  if p:int(0, 0) == 0 then return at end
  return c:op("Concat", { c:unsqueeze(values, { 1 }), at }, { axis = 1 })
end

-- ---- whole numbers, kept as f32 -----------------------------------------------------------------

local function channel_scale(c, x, count, hint)
  local t = c:load({ count }, 1, hint)
  return count > 1 and c:per_channel(t, x) or c:weight(t)
end

function M.Quantize(c, L)
  local x = L.x[1]
  local y = c:to_int8(c:mul(x, channel_scale(c, x, L.params:int(0, 1), "scale")))
  c.int8[y] = true
  return y
end

function M.Dequantize(c, L)
  local p, x = L.params, L.x[1]
  local y = c:mul(x, channel_scale(c, x, p:int(0, 1), "scale"))
  return p:int(1, 0) > 0 and c:add(y, channel_scale(c, x, p:int(1, 0))) or y
end

function M.Requantize(c, L)
  local p, x = L.params, L.x[1]
  local scale_in = channel_scale(c, x, p:int(0, 1), "scale")
  local scale_out = channel_scale(c, x, p:int(1, 1), "scale")
  local y = c:mul(x, scale_in)
  if p:int(2, 0) > 0 then y = c:add(y, channel_scale(c, x, p:int(2, 0))) end
  y = c:to_int8(c:mul(c:activation(y, p:int(3, 0), p:floats(4)), scale_out))
  c.int8[y] = true
  return y
end

return M
