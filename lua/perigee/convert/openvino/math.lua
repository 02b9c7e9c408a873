--- Element by element: arithmetic, comparisons, logic, activations; MatMul, Einsum, Softmax.
local types = require "perigee.convert.openvino.types"

local M = {}

-- ---- of two -----------------------------------------------------------------------------------

--- The second input where it is laid along an axis of the first ("pdpd" broadcasting): sizes of
--- one behind it.
local function along_axis(c, L, b)
  local axis = c:int(L, "axis", -1)
  local rank_a, rank_b = c:rank(L, 1), c:rank(L, 2)
  if axis == -1 then axis = rank_a - rank_b end
  local behind = rank_a - axis - rank_b
  if axis < 0 or behind < 0 then c:fail(L, "axis %d for %d of %d axes", axis, rank_b, rank_a) end
  local axes = {}
  for i = 1, behind do axes[i] = rank_b + i - 1 end
  return #axes > 0 and c:unsqueeze(b, axes) or b
end

local function pair(c, L)
  local a, b = c:x(L, 1), c:x(L, 2)
  if c:word(L, "auto_broadcast", "numpy") == "pdpd" then b = along_axis(c, L, b) end
  return a, b
end

local function binary(type, attrs)
  return function(c, L)
    local a, b = pair(c, L)
    return c:op(type, { a, b }, attrs)
  end
end

for ours, theirs in pairs {
  Add = "Add", Subtract = "Sub", Multiply = "Mul", Maximum = "Max", Minimum = "Min",
  Equal = "Equal", Greater = "Greater", GreaterEqual = "GreaterOrEqual", Less = "Less",
  LessEqual = "LessOrEqual", LogicalAnd = "And", LogicalOr = "Or", LogicalXor = "Xor",
} do
  M[ours] = binary(theirs)
end
M.BitwiseLeftShift = binary("BitShift", { direction = "LEFT" })
M.BitwiseRightShift = binary("BitShift", { direction = "RIGHT" })

--- A type that may be bool, whose bits are its truth.
local function bitwise(bits, logic)
  return function(c, L)
    local a, b = pair(c, L)
    return c:op(c:type_of(L, 1) == "bool" and logic or bits, { a, b })
  end
end
M.BitwiseAnd = bitwise("BitwiseAnd", "And")
M.BitwiseOr = bitwise("BitwiseOr", "Or")
M.BitwiseXor = bitwise("BitwiseXor", "Xor")
function M.BitwiseNot(c, L)
  return c:op(c:type_of(L, 1) == "bool" and "Not" or "BitwiseNot", { c:x(L, 1) })
end

function M.NotEqual(c, L)
  local a, b = pair(c, L)
  return c:op("Not", { (c:op("Equal", { a, b })) })
end

M.Mod = binary("Mod", { fmod = 1 })

function M.FloorMod(c, L)
  local a, b = pair(c, L)
  if not types.is_float[c:type_of(L, 1)] then return c:op("Mod", { a, b }, { fmod = 0 }) end
  local floor = c:op("Floor", { (c:op("Div", { a, b })) })
  return c:op("Sub", { a, (c:op("Mul", { floor, b })) })
end

--- Of whole numbers towards zero, as OpenVINO runs it, whatever m_pythondiv says.
M.Divide = binary "Div"
M.Power = binary "Pow"

function M.SquaredDifference(c, L)
  local a, b = pair(c, L)
  local d = c:op("Sub", { a, b })
  return c:op("Mul", { d, d })
end

function M.Select(c, L)
  return c:op("Where", { c:x(L, 1), c:x(L, 2), c:x(L, 3) })
end

-- ---- of one -----------------------------------------------------------------------------------

for ours, theirs in pairs {
  Abs = "Abs", Acos = "Acos", Acosh = "Acosh", Asin = "Asin", Asinh = "Asinh", Atan = "Atan",
  Atanh = "Atanh", Ceiling = "Ceil", Cos = "Cos", Cosh = "Cosh", Erf = "Erf", Exp = "Exp",
  Floor = "Floor", Log = "Log", LogicalNot = "Not", Mish = "Mish", Negative = "Neg",
  ReLU = "Relu", Sigmoid = "Sigmoid", Sign = "Sign", Sin = "Sin", Sinh = "Sinh",
  SoftPlus = "Softplus", SoftSign = "Softsign", Sqrt = "Sqrt", Tan = "Tan", Tanh = "Tanh",
  HSwish = "HardSwish", IsNaN = "IsNaN",
} do
  M[ours] = function(c, L) return c:op(theirs, { c:x(L, 1) }) end
end

function M.Round(c, L)
  local x = c:x(L, 1)
  if not types.is_float[c:type_of(L, 1)] then return c:op("Identity", { x }) end
  if c:word(L, "mode", "half_to_even") == "half_to_even" then return c:op("Round", { x }) end
  -- Halves away from zero: a fraction as large as a half goes on.
  local size, half = c:op("Abs", { x }), c:like(L, 1, 0.5)
  local floor = c:op("Floor", { size })
  local up = c:op("GreaterOrEqual", { (c:op("Sub", { size, floor })), half })
  up = c:op("Cast", { up }, { to = c:type_of(L, 1) })
  return c:op("Mul", { (c:op("Add", { floor, up })), (c:op("Sign", { x })) })
end

function M.Elu(c, L) return c:op("Elu", { c:x(L, 1) }, { alpha = c:float(L, "alpha") }) end

function M.HSigmoid(c, L)
  return c:op("HardSigmoid", { c:x(L, 1) }, { alpha = 1 / 6, beta = 0.5 })
end

function M.HardSigmoid(c, L)
  local alpha, beta = c:numbers(L, 2), c:numbers(L, 3)
  if alpha and beta and #alpha == 1 and #beta == 1 then
    return c:op("HardSigmoid", { c:x(L, 1) }, { alpha = alpha[1], beta = beta[1] })
  end
  local y = c:op("Add", { (c:op("Mul", { c:x(L, 1), c:x(L, 2) })), c:x(L, 3) })
  return c:op("Clip", { y, c:like(L, 1, 0), c:like(L, 1, 1) })
end

function M.Selu(c, L)
  local alpha, gamma = c:numbers(L, 2), c:numbers(L, 3)
  if alpha and gamma and #alpha == 1 and #gamma == 1 then
    return c:op("Selu", { c:x(L, 1) }, { alpha = alpha[1], gamma = gamma[1] })
  end
  local x, zero = c:x(L, 1), c:like(L, 1, 0)
  local below = c:op("Exp", { (c:op("Min", { x, zero })) })
  below = c:op("Sub", { (c:op("Mul", { below, c:x(L, 2) })), c:x(L, 2) })
  local y = c:op("Where", { (c:op("Greater", { x, zero })), x, below })
  return c:op("Mul", { y, c:x(L, 3) })
end

--- x sigmoid(beta x)
function M.Swish(c, L)
  local x = c:x(L, 1)
  local scaled = L.x[2] and c:op("Mul", { x, L.x[2] }) or x
  return c:op("Mul", { x, (c:op("Sigmoid", { scaled })) })
end

function M.Gelu(c, L)
  local mode = c:word(L, "approximation_mode", "erf")
  return c:op("Gelu", { c:x(L, 1) }, { approximate = mode == "tanh" and "tanh" or "none" })
end

--- One slope, or one for each channel (axis 1).
function M.PReLU(c, L)
  local slope = c:x(L, 2)
  local rank, slope_rank, n = c:rank(L, 1), c:rank(L, 2), c:count(c:dims(L, 2))
  if slope_rank == 1 and n ~= 1 and rank > 2 then
    local axes = {}
    for i = 1, rank - 2 do axes[i] = i end
    slope = c:unsqueeze(slope, axes)
  end
  return c:op("PRelu", { c:x(L, 1), slope })
end

function M.Clamp(c, L)
  local low, high, dtype = c:float(L, "min"), c:float(L, "max"), c:type_of(L, 1)
  if types.is_float[dtype] then
    return c:op("Clip", { c:x(L, 1), c:like(L, 1, low), c:like(L, 1, high) })
  end
  -- Whole numbers within the limits; limits outside of the type are none.
  local width = math.tointeger(tonumber(dtype:match "%d+"))
  local least = dtype:find "^u" and 0.0 or -2.0 ^ (width - 1)
  local most = dtype:find "^u" and 2.0 ^ width or 2.0 ^ (width - 1)
  local function limit(value, is_free)
    return is_free and "" or c:constant(math.tointeger(value), dtype)
  end
  return c:op("Clip", { c:x(L, 1), limit(math.ceil(math.max(low, least)), low <= least),
    limit(math.floor(math.min(high, most)), high >= most) })
end

function M.IsInf(c, L)
  return c:op("IsInf", { c:x(L, 1) }, {
    detect_negative = c:bool(L, "detect_negative", true) and 1 or 0,
    detect_positive = c:bool(L, "detect_positive", true) and 1 or 0 })
end

function M.IsFinite(c, L)
  local x = c:x(L, 1)
  local odd = c:op("Or", { (c:op("IsInf", { x })), (c:op("IsNaN", { x })) })
  return c:op("Not", { odd })
end

-- ---- products, softmax ------------------------------------------------------------------------

--- A matrix with its last two axes exchanged; vectors stay.
local function turned(c, L, i, key)
  local x, rank = c:x(L, i), c:rank(L, i)
  if not c:bool(L, key, false) or rank < 2 then return x end
  local t = c:known(L, i)
  if t and rank == 2 and t.count <= 4096 then return c:constant(t:permute(2, 1):contiguous()) end
  local perm = {}
  for axis = 1, rank do perm[axis] = axis - 1 end
  perm[rank - 1], perm[rank] = rank - 1, rank - 2
  return c:transpose(x, perm)
end

--- Both matrices, and one bias that may come after: Gemm would fit two axes only.
function M.MatMul(c, L)
  return c:op("MatMul", { turned(c, L, 1, "transpose_a"), turned(c, L, 2, "transpose_b") })
end

function M.Einsum(c, L)
  local inputs = {}
  for i = 1, #L.inputs do inputs[i] = c:x(L, i) end
  return c:op("Einsum", inputs, { equation = L.attrs.equation or c:fail(L, "it has no equation") })
end

local function softmax(type)
  return function(c, L)
    local axis = c:int(L, "axis", L.opset >= 5 and type == "LogSoftmax" and -1 or 1)
    return c:op(type, { c:x(L, 1) }, { axis = axis })
  end
end
M.SoftMax, M.Softmax, M.LogSoftmax = softmax "Softmax", softmax "Softmax", softmax "LogSoftmax"

--- Running sums; the axis is an input, 0 where there is none.
function M.CumSum(c, L)
  local axis = L.x[2] and c:as_i64(L, 2) or c:constant(0, "i64")
  if L.x[2] and c:rank(L, 2) > 0 then axis = c:reshape(axis, {}) end
  return c:op("CumSum", { c:x(L, 1), axis }, {
    exclusive = c:bool(L, "exclusive", false) and 1 or 0,
    reverse = c:bool(L, "reverse", false) and 1 or 0 })
end

function M.Inverse(c, L)
  local y = c.b:op("Inverse", { c:x(L, 1) }, nil, 1, { domain = "com.microsoft" })
  c.made[y] = true
  return y
end

return M
