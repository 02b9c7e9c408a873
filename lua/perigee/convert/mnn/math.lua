--- Functions of each element, of two values, sums over axes, normalisations, recurrent layers.
local tensor = require "perigee.tensor"

local M = {}

-- ---- of one -----------------------------------------------------------------------------------

local function unary(type)
  return function(c, x) return c:op(type, { x }) end
end

local function gelu(approximate)
  return function(c, x) return c:op("Gelu", { x }, { approximate = approximate }) end
end

--- UnaryOp's kinds.
local unaries = {
  [0] = unary "Abs", unary "Neg", unary "Floor", unary "Ceil",
  function(c, x) return c:mul(x, x) end,
  unary "Sqrt",
  function(c, x) return c:op("Reciprocal", { c:op("Sqrt", { x }) }) end,
  unary "Exp", unary "Log", unary "Sin", unary "Cos", unary "Tan", unary "Asin", unary "Acos",
  unary "Atan", unary "Reciprocal",
  function(c, x) return c:op("Log", { c:add(x, c:f32(1)) }) end,
  unary "Softplus", unary "Acosh", unary "Sinh", unary "Asinh", unary "Atanh", unary "Sign",
  unary "Round", unary "Cosh", unary "Erf",
  function(c, x) return c:op("Sub", { c:f32(1), c:op("Erf", { x }) }) end,
  false,
  function(c, x) return c:op("Sub", { c:op("Exp", { x }), c:f32(1) }) end,
  unary "Sigmoid", unary "Tanh", unary "HardSwish", gelu "tanh", gelu "none",
  function(c, x) return c:mul(x, c:op("Sigmoid", { x })) end,
}

function M.UnaryOp(c, p, x)
  local f = unaries[p.opType]
  if not f then return c:unsupported(("of kind %d"):format(p.opType or -1)) end
  return f(c, x[1])
end

for layer, type in pairs {
  AbsVal = "Abs", Sigmoid = "Sigmoid", TanH = "Tanh", Exp = "Exp", Log = "Log", Bnll = "Softplus",
} do
  M[layer] = function(c, _, x) return c:op(type, { x[1] }) end
end

function M.ReLU(c, p, x)
  if (p.slope or 0) == 0 then return c:op("Relu", { x[1] }) end
  return c:op("LeakyRelu", { x[1] }, { alpha = p.slope })
end

function M.ReLU6(c, p, x)
  return c:op("Clip", { x[1], c:f32(p.minValue or 0), c:f32(p.maxValue or 6) })
end

function M.PReLU(c, p, x)
  local slope = p.slope
  if not slope then c:fail "no slopes" end
  local shape = { slope.count }
  for i = 2, c:rank(x[1]) - 1 do shape[i] = 1 end
  return c:op("PRelu", { x[1], c:constant(slope:reshape(slope.count == 1 and { 1 } or shape)) })
end

function M.ELU(c, p, x) return c:op("Elu", { x[1] }, { alpha = p.alpha }) end
function M.Selu(c, p, x)
  return c:op("Selu", { x[1] }, { alpha = p.alpha, gamma = p.scale })
end

function M.Softmax(c, p, x) return c:op("Softmax", { x[1] }, { axis = c:axis(x[1], p.axis or -1) }) end


function M.Cast(c, p, x)
  local to = ({ [1] = "f32", [3] = "i32", [4] = "u8", [6] = "i8", [9] = "i32" })[p.dstT]
  if p.dstT == 10 then return c:cast(c:bool(x[1]), "i32") end
  if not to then return c:unsupported(("to type %s"):format(tostring(p.dstT))) end
  return c:op("Cast", { x[1] }, { to = ({ f32 = 1, i32 = 6, u8 = 2, i8 = 3 })[to] })
end

function M.CastLike(c, _, x)
  local to = ({ f32 = 1, i32 = 6, u8 = 2, i8 = 3 })[c:dtype(x[2])] or 1
  return c:op("Cast", { x[1] }, { to = to })
end

-- ---- of two -----------------------------------------------------------------------------------

local function binary(type)
  return function(c, a, b) return c:op(type, { a, b }) end
end

local function compared(type, negated)
  return function(c, a, b)
    local y = c:op(type, { a, b })
    return c:cast(negated and c:op("Not", { y }) or y, "i32")
  end
end

local function logical(type)
  return function(c, a, b) return c:cast(c:op(type, { c:bool(a), c:bool(b) }), "i32") end
end

local function floor_div(c, a, b)
  if c:dtype(a) == "f32" then return c:op("Floor", { c:op("Div", { a, b }) }) end
  local rest = c:op("Mod", { a, b }) -- of the divisor's sign
  return c:op("Div", { c:op("Sub", { a, rest }), b })
end

local function floor_mod(c, a, b)
  if c:dtype(a) ~= "f32" then return c:op("Mod", { a, b }) end
  return c:op("Sub", { a, c:mul(b, c:op("Floor", { c:op("Div", { a, b }) })) })
end

--- MNN's for whole numbers has the divisor's sign, for floats the dividend's.
local function mod(c, a, b)
  return c:op("Mod", { a, b }, { fmod = c:dtype(a) == "f32" and 1 or 0 })
end

--- Shifts by a power of two; what leaves 32 bits wraps around.
local function shifted(is_left)
  return function(c, a, b)
    local power_of_two = c:op("Pow", { c:constant(2, "i64"), c:cast(b, "i64") })
    local wide = c:cast(a, "i64")
    if is_left then return c:cast(c:mul(wide, power_of_two), "i32") end
    local rest = c:op("Mod", { wide, power_of_two })
    return c:cast(c:op("Div", { c:op("Sub", { wide, rest }), power_of_two }), "i32")
  end
end

local function squared_difference(c, a, b)
  local d = c:op("Sub", { a, b })
  return c:mul(d, d)
end

local function atan2(c, y, x)
  local zero = c:f32(0)
  local is_left, is_low = c:op("Less", { x, zero }), c:op("Less", { y, zero })
  local turn = c:op("Where", { is_low, c:f32(-math.pi), c:f32(math.pi) })
  local angle = c:op("Atan", { c:op("Div", { y, x }) })
  return c:op("Where", { is_left, c:add(angle, turn), angle })
end

local function power(c, a, b) return c:op("Pow", { a, b }) end

local function gated(c, a, b) return c:mul(a, c:mul(b, c:op("Sigmoid", { b }))) end

--- BinaryOp's kinds.
local binaries = {
  [0] = binary "Add", binary "Sub", binary "Mul", binary "Div", binary "Max", binary "Min", power,
  binary "Div", binary "Min", binary "Max", compared "Greater", compared "GreaterOrEqual",
  compared "Less", floor_div, squared_difference, compared "Equal", compared "LessOrEqual",
  floor_mod, [19] = mod, [20] = atan2, [21] = logical "Or", [22] = compared("Equal", true),
  [23] = binary "BitwiseAnd", [24] = binary "BitwiseOr", [25] = binary "BitwiseXor",
  [26] = logical "Xor", [27] = shifted(true), [28] = shifted(false), [29] = gated,
}

function M.BinaryOp(c, p, x)
  local f = binaries[p.opType]
  if not f or not x[2] then return c:unsupported(("of kind %d"):format(p.opType or -1)) end
  local y = f(c, c:alike(x[1], x[2]))
  if p.activationType == 1 then y = c:op("Relu", { y }) end
  return y
end

function M.Eltwise(c, p, x)
  local y = x[1]
  local coeff = p.coeff or {}
  for i = 1, #x do
    local term = x[i]
    if coeff[i] and coeff[i] ~= 1 and p.type == 1 then term = c:mul(term, c:f32(coeff[i])) end
    if i == 1 then
      y = term
    else
      y = c:op(({ [0] = "Mul", "Add", "Max", "Sub" })[p.type] or "Add", { y, term })
    end
  end
  return y
end

function M.Select(c, _, x)
  local a, b = c:alike(x[2], x[3])
  return c:op("Where", { c:bool(x[1]), a, b })
end

-- ---- over axes --------------------------------------------------------------------------------

local reductions = {
  [0] = "ReduceSum", "ReduceL1", "ReduceSumSquare", "ReduceMean", "ReduceMax", "ReduceMin",
  "ReduceProd", "ReduceMax", "ReduceMin",
}

function M.Reduction(c, p, x)
  local type = reductions[p.operation]
  if not type then return c:unsupported(("of kind %d"):format(p.operation or -1)) end
  local axes
  if x[2] then
    axes = c:as_i64(x[2])
  elseif #p.dim > 0 then
    axes = c:i64(p.dim)
  end
  local data, dtype = x[1], c:dtype(x[1])
  if type == "ReduceMean" and dtype ~= "f32" then data = c:cast(data, "f32") end
  local y = c:op(type, { data, axes }, { keepdims = p.keepDims and 1 or 0 })
  if data ~= x[1] then y = c:cast(y, dtype) end
  return y
end

local function arg(type)
  return function(c, p, x)
    local axis = c:axis(x[1], p.axis or 0)
    if (p.outMaxVal or 0) ~= 0 or (p.topK or 0) > 1 then return c:unsupported "of several" end
    return c:cast(c:op(type, { x[1] }, { axis = axis, keepdims = 0 }), "i32")
  end
end
M.ArgMax, M.ArgMin = arg "ArgMax", arg "ArgMin"

function M.TopKV2(c, p, x)
  local axis = x[3] and c:list(x[3])
  axis = axis and axis[1] or -1
  local k = c:op("Reshape", { c:as_i64(x[2]), c:i64 { 1 } })
  local values, at = c:op("TopK", { x[1], k },
    { axis = axis, largest = p.largest == false and 0 or 1 }, 2)
  return { values, c:cast(at, "i32") }
end

function M.CumSum(c, p, x)
  return c:op("CumSum", { x[1], x[2] },
    { exclusive = p.exclusive and 1 or 0, reverse = p.reverse and 1 or 0 })
end

function M.Det(c, _, x) return c:op("Det", { x[1] }) end

function M.Moments(c, p, x)
  local axes = #p.dim > 0 and c:i64(p.dim) or nil
  local keep = { keepdims = p.keepDims and 1 or 0 }
  local mean = c:op("ReduceMean", { x[1], axes })
  local d = c:op("Sub", { x[1], mean })
  return { c:op("ReduceMean", { x[1], axes }, keep), c:op("ReduceMean", { c:mul(d, d), axes }, keep) }
end

-- ---- normalisations ---------------------------------------------------------------------------

local function along_channels(c, t, x)
  local shape = { t.count }
  for i = 2, c:rank(x) - 1 do shape[i] = 1 end
  return c:constant(t:reshape(shape))
end

function M.Scale(c, p, x)
  local scale, bias = p.scaleData, p.biasData
  if #(p.external or {}) >= 2 and not scale then
    local e, file = p.external, c.external()
    scale = file:tensor("f32", { e[2] // 4 }, e[1])
    bias = e[3] and e[3] > 0 and file:tensor("f32", { e[3] // 4 }, e[1] + e[2]) or bias
  end
  if not scale then c:fail "no scales" end
  local y = c:mul(x[1], along_channels(c, scale, x[1]))
  return bias and bias.count > 0 and c:add(y, along_channels(c, bias, x[1])) or y
end

function M.BatchNorm(c, p, x)
  if not (p.slopeData and p.meanData and p.varData) then c:fail "no weights" end
  local bias = p.biasData or tensor.zeros { p.slopeData.count }
  return c:op("BatchNormalization", { x[1], c:constant(p.slopeData), c:constant(bias),
    c:constant(p.meanData), c:constant(p.varData) }, { epsilon = p.epsilon })
end

function M.LRN(c, p, x)
  if p.regionType ~= 0 then return c:unsupported "within channels" end
  return c:op("LRN", { x[1] },
    { size = p.localSize, alpha = p.alpha, beta = p.beta, bias = p.bias })
end

--- Over the last dimensions, as many as there are axes; groups first cut the first of them.
function M.LayerNorm(c, p, x)
  local gamma, beta, n = p.gamma, p.beta, #p.axis
  if #(p.external or {}) >= 2 and not gamma then
    local e, file = p.external, c.external()
    gamma = file:tensor("f32", { e[2] // 4 }, e[1])
    beta = e[3] and e[3] > 0 and file:tensor("f32", { e[3] // 4 }, e[1] + e[2]) or beta
  end
  local rank = c:rank(x[1])
  if p.group > 1 then return M.GroupNorm(c, p, x) end
  local over = {}
  for i = 1, n do over[i] = rank - n + i - 1 end
  local axes = c:i64(over)
  local centred = x[1]
  if not p.useRMSNorm then
    centred = c:op("Sub", { x[1], c:op("ReduceMean", { x[1], axes }) })
  end
  local variance = c:op("ReduceMean", { c:mul(centred, centred), axes })
  local y = c:op("Div", { centred, c:op("Sqrt", { c:add(variance, c:f32(p.epsilon)) }) })
  if not gamma or gamma.count == 0 then return y end
  local shape, size = {}, 1
  for i = 1, n do
    shape[i] = c:shape(x[1])[rank - n + i]
    size = math.type(shape[i]) == "integer" and size * shape[i] or -1
  end
  if size ~= gamma.count then shape = { gamma.count } end
  y = c:mul(y, c:constant(gamma:reshape(shape)))
  return beta and beta.count > 0 and c:add(y, c:constant(beta:reshape(shape))) or y
end

function M.GroupNorm(c, p, x)
  local data, shape = x[1], c:shape(x[1])
  if x[2] then data = c:add(x[1], x[2]) end
  local split = c:op("Reshape", { data, c:i64 { 0, p.group, -1 } })
  local axes = c:i64 { 2 }
  local centred = c:op("Sub", { split, c:op("ReduceMean", { split, axes }) })
  local variance = c:op("ReduceMean", { c:mul(centred, centred), axes })
  local y = c:op("Div", { centred, c:op("Sqrt", { c:add(variance, c:f32(p.epsilon)) }) })
  y = c:op("Reshape", { y, c:op("Shape", { data }) })
  if p.gamma and p.gamma.count > 0 and p.gamma.count == shape[2] then
    y = c:mul(y, along_channels(c, p.gamma, x[1]))
    if p.beta then y = c:add(y, along_channels(c, p.beta, x[1])) end
  end
  if (p.bSwish or 0) ~= 0 then y = c:mul(y, c:op("Sigmoid", { y })) end
  return y
end

function M.InstanceNorm(c, p, x)
  if not (p.slopeData and p.biasData) then c:fail "no weights" end
  return c:op("InstanceNormalization",
    { x[1], c:constant(p.slopeData), c:constant(p.biasData) }, { epsilon = p.epsilon })
end

function M.Normalize(c, p, x)
  local sum = c:op("ReduceSumSquare", { x[1], c:i64(p.acrossSpatial ~= 0 and { 1, 2, 3 } or { 1 }) })
  local y = c:op("Div", { x[1], c:op("Sqrt", { c:add(sum, c:f32(p.eps)) }) })
  local scale = p.scale and tensor.new(p.scale, "f32")
  if not scale or scale.count == 0 then return y end
  return c:mul(y, scale.count == 1 and c:constant(scale) or along_channels(c, scale, x[1]))
end

-- ---- recurrent --------------------------------------------------------------------------------

--- X, W, R, B with h0 and c0 where given: as ONNX has them, the gates in its order, both biases
--- added up.
function M.LSTM(c, p, x)
  if not x[4] then return c:unsupported "of the old form" end
  local hidden = p.outputCount
  local directions = c:shape(x[2])[1]
  local bias = c:op("Reshape", { x[4], c:i64 { directions, -1 } })
  local count = c:shape(bias)[2]
  if count == 4 * hidden then
    bias = c:op("Concat", { bias, c:constant(tensor.zeros { directions, count }) }, { axis = 1 })
  end
  local inputs = { x[1], x[2], x[3], bias, "", x[5] or "", x[6] or "" }
  return { c:op("LSTM", inputs,
    { hidden_size = hidden, direction = directions == 2 and "bidirectional" or "forward" }, 3) }
end

return M
