--- Tengine's operators by number, with their parameters by place (tm2_format.h).
local M = { names = {}, converters = {} }

local function define(number, name, f)
  M.names[number], M.converters[number] = name, f
end

local function unary(type)
  return function(c, x) return c:op(type, { x[1] }) end
end

for number, pair in pairs {
  [21] = { "ReLu6" }, [33] = { "Logistic", "Sigmoid" }, [36] = { "Tanh", "Tanh" },
  [37] = { "Sigmoid", "Sigmoid" }, [68] = { "Absval", "Abs" }, [83] = { "Ceil", "Ceil" },
  [85] = { "Round", "Round" }, [97] = { "Mish", "Mish" }, [102] = { "Softplus", "Softplus" },
  [103] = { "Reciprocal", "Reciprocal" }, [106] = { "Gelu", "Gelu" },
} do
  define(number, pair[1], pair[2] and unary(pair[2]))
end

M.converters[21] = function(c, x) return c:op("Clip", { x[1], c:f32(0), c:f32(6) }) end

local function same(c, x) return c:op("Identity", { x[1] }) end
define(8, "Dropout", same)
define(62, "Noop", same)
define(0, "Accuracy", same)

--- -1 none, 0 ReLU, 1 to [-1, 1], 6 to [0, 6].
local function activated(c, y, kind)
  if kind < 0 then return y end
  if kind == 0 then return c:op("Relu", { y }) end
  return c:op("Clip", { y, c:f32(kind == 1 and -1 or 0), c:f32(kind) })
end

-- ---- windows ----------------------------------------------------------------------------------

define(5, "Convolution", function(c, x, p)
  local attrs = { kernel_shape = { p.i(0), p.i(1) }, strides = { p.i(2), p.i(3) },
    dilations = { p.i(4), p.i(5) }, group = p.i(8), pads = { p.i(10), p.i(11), p.i(12), p.i(13) } }
  local weight = c:shape(x[2])
  if #weight == 3 then -- one dimension
    attrs.kernel_shape, attrs.strides, attrs.dilations = { p.i(0) }, { p.i(2) }, { p.i(4) }
    attrs.pads = { p.i(10), p.i(12) }
  end
  if p.i(10) < 0 then attrs.pads, attrs.auto_pad = nil, "SAME_UPPER" end
  return activated(c, c:op("Conv", { x[1], x[2], x[3] }, attrs), p.i(9))
end)

define(6, "Deconvolution", function(c, x, p)
  local y = c:op("ConvTranspose", { x[1], x[2], x[3] }, { kernel_shape = { p.i(1), p.i(2) },
    strides = { p.i(3), p.i(4) }, pads = { p.i(6), p.i(5), p.i(8), p.i(7) },
    dilations = { p.i(9), p.i(10) }, group = p.i(11), output_padding = { p.i(13), p.i(14) } })
  return activated(c, y, p.i(12))
end)

define(16, "Pooling", function(c, x, p)
  local is_max = p.i(0) == 0
  if p.i(5) ~= 0 then return c:op(is_max and "GlobalMaxPool" or "GlobalAveragePool", { x[1] }) end
  local attrs = { kernel_shape = { p.i(1), p.i(2) }, strides = { p.i(3), p.i(4) },
    pads = { p.i(7), p.i(8), p.i(9), p.i(10) }, ceil_mode = p.i(6) ~= 0 and 1 or 0 }
  if p.i(7) < 0 then attrs.pads, attrs.auto_pad = nil, "SAME_UPPER" end
  if not is_max then attrs.count_include_pad = p.i(6) ~= 0 and 1 or 0 end
  return c:op(is_max and "MaxPool" or "AveragePool", { x[1] }, attrs)
end)

-- ---- matrices ---------------------------------------------------------------------------------

define(11, "FullyConnected", function(c, x)
  local flat = #c:shape(x[1]) == 2 and x[1] or c:op("Flatten", { x[1] }, { axis = 1 })
  return c:op("Gemm", { flat, x[2], x[3] }, { transB = 1 })
end)

define(31, "Gemm", function(c, x, p)
  return c:op("Gemm", { x[1], x[2], x[3] },
    { alpha = p.f(0), beta = p.f(1), transA = p.i(2), transB = p.i(3) })
end)

define(91, "MatMul", function(c, x)
  local y = c:op("MatMul", { x[1], x[2] })
  return x[3] and c:op("Add", { y, x[3] }) or y
end)

-- ---- of two -----------------------------------------------------------------------------------

local function two(type) return function(c, x) return c:op(type, { x[1], x[2] }) end end
local function one(type) return function(c, x) return c:op(type, { x[1] }) end end

--- Eltwise's kinds; scalars are inputs of one number.
local elements = {
  [0] = two "Mul", two "Mul", two "Add", two "Add", two "Sub", two "Sub", two "Max",
  function(c, x) return c:op("Reciprocal", { c:op("Sqrt", { x[1] }) }) end,
  two "Min", false, two "Div", one "Log", one "Exp", one "Sqrt", one "Floor",
  function(c, x) return c:op("Mul", { x[1], x[1] }) end,
  two "Pow",
  function(c, x, p) -- (shift + scale x) ^ power
    local y = c:op("Add", { c:op("Mul", { x[1], c:f32(p.f(4)) }), c:f32(p.f(2)) })
    return c:op("Pow", { y, c:f32(p.f(3)) })
  end,
}

define(9, "Eltwise", function(c, x, p)
  local f = elements[p.i(0)]
  return f and f(c, x, p) or c:unsupported(("of kind %d"):format(p.i(0)))
end)

define(46, "Maximum", function(c, x) return c:op("Max", x) end)
define(47, "Minimum", function(c, x) return c:op("Min", x) end)
define(49, "Addn", function(c, x) return c:op("Sum", x) end)
define(74, "BroadMul", two "Mul")
define(84, "SquaredDifference", function(c, x)
  local d = c:op("Sub", { x[1], x[2] })
  return c:op("Mul", { d, d })
end)

local comparisons = { [0] = "Equal", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual" }
define(78, "Comparison", function(c, x, p)
  local type = comparisons[p.i(0)]
  if not type then return c:unsupported(("of kind %d"):format(p.i(0))) end
  local y = c:op(type, { x[1], x[2] })
  if p.i(0) == 1 then y = c:op("Not", { y }) end
  return c:op("Cast", { y }, { to = 1 })
end)

local unaries = {
  [0] = "Abs", "Neg", "Floor", "Ceil", false, "Sqrt", false, "Exp", "Log", "Sin", "Cos", "Tan",
  "Asin", "Acos", "Atan", "Reciprocal", "Tanh",
}
define(59, "Unary", function(c, x, p)
  local kind = p.i(0)
  if kind == 4 then return c:op("Mul", { x[1], x[1] }) end
  if kind == 6 then return c:op("Reciprocal", { c:op("Sqrt", { x[1] }) }) end
  return unaries[kind] and c:op(unaries[kind], { x[1] }) or c:unsupported(("of kind %d"):format(kind))
end)

-- ---- activations and norms ----------------------------------------------------------------------

define(20, "ReLu", function(c, x, p)
  local slope = p.f(0)
  if slope == 0 then return c:op("Relu", { x[1] }) end
  return c:op("LeakyRelu", { x[1] }, { alpha = slope })
end)

--- A vector of the channels, as broadcasting wants it.
local function along(c, v, x)
  local shape = { -1 }
  for i = 2, #c:shape(x) - 1 do shape[i] = 1 end
  return c:op("Reshape", { v, c:i64(shape) })
end

define(17, "PReLU", function(c, x) return c:op("PRelu", { x[1], along(c, x[2], x[1]) }) end)
define(63, "Threshold", function(c, x, p)
  return c:op("Cast", { c:op("Greater", { x[1], c:f32(p.f(0)) }) }, { to = 1 })
end)
define(64, "Hardsigmoid", function(c, x, p)
  return c:op("HardSigmoid", { x[1] }, { alpha = p.f(0), beta = p.f(1) })
end)
define(70, "HardSwish", function(c, x, p)
  local gate = c:op("HardSigmoid", { x[1] }, { alpha = p.f(0), beta = p.f(1) })
  return c:op("Mul", { x[1], gate })
end)
define(72, "Selu", function(c, x, p) return c:op("Selu", { x[1] }, { alpha = p.f(0), gamma = p.f(1) }) end)
define(73, "Elu", function(c, x, p) return c:op("Elu", { x[1] }, { alpha = p.f(0) }) end)
define(87, "Clip", function(c, x, p) return c:op("Clip", { x[1], c:f32(p.f(1)), c:f32(p.f(0)) }) end)
define(100, "ReLU1", function(c, x) return c:op("Clip", { x[1], c:f32(-1), c:f32(1) }) end)
define(28, "Softmax", function(c, x, p) return c:op("Softmax", { x[1] }, { axis = p.i(0) }) end)
define(99, "LogSoftmax", function(c, x, p) return c:op("LogSoftmax", { x[1] }, { axis = p.i(0) }) end)

--- gamma, beta, mean, variance; Caffe's flavour has neither gamma nor beta, and a factor.
define(1, "BatchNormalization", function(c, x, p)
  local eps = p.f(1)
  if p.i(2) ~= 0 or not x[5] then
    local mean, variance = x[#x - 1], x[#x]
    local factor = p.f(0) ~= 0 and 1 / p.f(0) or 0
    local m = along(c, c:op("Mul", { mean, c:f32(factor) }), x[1])
    local v = along(c, c:op("Mul", { variance, c:f32(factor) }), x[1])
    local deviation = c:op("Sqrt", { c:op("Add", { v, c:f32(eps) }) })
    return c:op("Div", { c:op("Sub", { x[1], m }), deviation })
  end
  return c:op("BatchNormalization", { x[1], x[2], x[3], x[4], x[5] }, { epsilon = eps })
end)

define(26, "Scale", function(c, x)
  local y = c:op("Mul", { x[1], along(c, x[2], x[1]) })
  return x[3] and c:op("Add", { y, along(c, x[3], x[1]) }) or y
end)
define(61, "Bias", function(c, x) return c:op("Add", { x[1], along(c, x[2], x[1]) }) end)
define(66, "InstanceNorm", function(c, x, p)
  return c:op("InstanceNormalization", { x[1], x[2], x[3] }, { epsilon = p.f(0) })
end)
define(107, "LayerNorm", function(c, x, p)
  return c:op("LayerNormalization", { x[1], x[2], x[3] }, { axis = -1, epsilon = p.f(0) })
end)
define(13, "LRN", function(c, x, p)
  if p.i(3) ~= 0 then return c:unsupported "within channels" end
  return c:op("LRN", { x[1] }, { size = p.i(0), alpha = p.f(1), beta = p.f(2), bias = p.f(4) })
end)

-- ---- shapes -----------------------------------------------------------------------------------

define(3, "Concat", function(c, x, p) return c:op("Concat", x, { axis = p.i(0) }) end)

define(10, "Flatten", function(c, x, p)
  local axis, last, rank = p.i(0), p.i(1), #c:shape(x[1])
  if last < 0 then last = last + rank end
  if axis == 1 and last >= rank - 1 then return c:op("Flatten", { x[1] }, { axis = 1 }) end
  local list = {}
  for i = 1, axis do list[i] = 0 end
  list[#list + 1] = -1
  if last < rank - 1 then return c:unsupported "in the middle" end
  return c:op("Reshape", { x[1], c:i64(list) })
end)

define(23, "Reshape", function(c, x, p)
  local list = p.ints(2)
  if #list == 0 and x[2] then
    local t = c:content(x[2])
    if not t then return c:op("Reshape", { x[1], c:op("Cast", { x[2] }, { to = 7 }) }) end
    local flat = t:reshape(t.count)
    for i = 1, t.count do list[i] = math.tointeger(flat:get(i)) or -1 end
  end
  return c:op("Reshape", { x[1], c:i64(list) })
end)

define(15, "Permute", function(c, x, p)
  local perm = { p.i(1), p.i(2), p.i(3), p.i(4) }
  return c:op("Transpose", { x[1] }, { perm = table.move(perm, 1, #c:shape(x[1]), 1, {}) })
end)
define(77, "Transpose", function(c, x, p) return c:op("Transpose", { x[1] }, { perm = p.ints(0) }) end)

define(50, "SwapAxis", function(c, x, p)
  local perm = {}
  for i = 1, #c:shape(x[1]) do perm[i] = i - 1 end
  local a, b = p.i(0), p.i(1)
  if not perm[a + 1] or not perm[b + 1] then c:fail("axes %d and %d", a, b) end
  perm[a + 1], perm[b + 1] = b, a
  return c:op("Transpose", { x[1] }, { perm = perm })
end)

define(38, "Squeeze", function(c, x, p)
  local axes, rank = {}, #c:shape(x[1])
  for i = 0, 3 do
    if p.i(i) ~= 0 and i < rank and c:shape(x[1])[i + 1] == 1 then axes[#axes + 1] = i end
  end
  if #axes == 0 then return same(c, x) end
  return c:op("Squeeze", { x[1], c:i64(axes) })
end)
define(88, "Unsqueeze", function(c, x, p) return c:op("Unsqueeze", { x[1], c:i64(p.ints(0)) }) end)
define(60, "Expanddims", function(c, x, p) return c:op("Unsqueeze", { x[1], c:i64 { p.i(0) } }) end)

define(27, "Slice", function(c, x, p, node)
  local axis, n = p.i(0), #node.outputs
  if p.i(6) ~= 0 then
    local step = p.i(9)
    return c:op("Slice", { x[1], c:i64 { p.i(7) }, c:i64 { p.i(8) }, c:i64 { axis },
      c:i64 { step ~= 0 and step or 1 } })
  end
  if p.i(4) ~= 0 then
    local points, size = p.ints(1), c:shape(x[1])[axis + 1]
    local sizes, at = {}, 0
    for i, point in ipairs(points) do
      sizes[i] = point - at
      at = point
    end
    if math.type(size) ~= "integer" then return c:unsupported "of a free size" end
    sizes[#sizes + 1] = size - at
    return { c:op("Split", { x[1], c:i64(sizes) }, { axis = axis }, n) }
  end
  local begins, sizes, ends, axes = p.ints(2), p.ints(3), {}, {}
  if p.i(5) ~= 0 then
    return c:op("Slice", { x[1], c:i64 { p.i(7) }, c:i64 { p.i(8) }, c:i64 { axis } })
  end
  for i, begin in ipairs(begins) do
    ends[i], axes[i] = sizes[i] == -1 and math.maxinteger or begin + (sizes[i] or 0), i - 1
  end
  return c:op("Slice", { x[1], c:i64(begins), c:i64(ends), c:i64(axes) })
end)

define(29, "Split", function(c, x, p, node)
  local n, sizes = #node.outputs, p.ints(3)
  if p.flag(2, 0) then
    local outs = {}
    for i = 1, n do outs[i] = same(c, x) end
    return outs
  end
  if #sizes == n then return { c:op("Split", { x[1], c:i64(sizes) }, { axis = p.i(0) }, n) } end
  return { c:op("Split", { x[1] }, { axis = p.i(0), num_outputs = n }, n) }
end)

define(41, "StridedSlice", function(c, x, p)
  local starts, ends, steps, axes = {}, {}, {}, {}
  for i = 0, math.min(4, #c:shape(x[1])) - 1 do
    local last = p.i(3 * i + 1)
    starts[i + 1], steps[i + 1], axes[i + 1] = p.i(3 * i), math.max(p.i(3 * i + 2), 1), i
    ends[i + 1] = last == 0 and math.maxinteger or last
  end
  return c:op("Slice", { x[1], c:i64(starts), c:i64(ends), c:i64(axes), c:i64(steps) })
end)

define(40, "Pad", function(c, x, p)
  local mode = ({ [0] = "constant", "edge", "reflect" })[p.i(8)]
  local pads, rank = {}, #c:shape(x[1])
  for i = 1, rank do pads[i], pads[rank + i] = p.i(2 * i - 2), p.i(2 * i - 1) end
  if not mode or rank > 4 then return c:unsupported "of this kind" end
  return c:op("Pad", { x[1], c:i64(pads), c:f32(p.f(9)) }, { mode = mode })
end)

define(76, "Gather", function(c, x, p) return c:op("Gather", { x[1], x[2] }, { axis = p.i(0) }) end)
define(94, "Shape", function(c, x)
  return c:op("Cast", { c:op("Shape", { x[1] }) }, { to = 6 })
end)
define(92, "Expand", function(c, x, p) return c:op("Expand", { x[1], c:i64(p.ints(0)) }) end)
define(96, "Tile", function(c, x, p) return c:op("Tile", { x[1], c:i64(p.ints(2)) }) end)
define(86, "ZerosLike", function(c, x) return c:op("Mul", { x[1], c:f32(0) }) end)

-- ---- sums -------------------------------------------------------------------------------------

local reductions = {
  [0] = "ReduceSum", "ReduceMean", "ReduceL1", "ReduceSumSquare", "ReduceMax", "ReduceMin",
  "ReduceProd", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
}
define(45, "Reduction", function(c, x, p)
  local type, axes = reductions[p.i(4)], {}
  for i = 0, 3 do
    if p.i(i) >= 0 and p.i(i) < #c:shape(x[1]) then axes[#axes + 1] = p.i(i) end
  end
  if not type then return c:unsupported(("of kind %d"):format(p.i(4))) end
  return c:op(type, { x[1], #axes > 0 and c:i64(axes) or nil }, { keepdims = p.i(5) ~= 0 and 1 or 0 })
end)
define(89, "ReduceL2", function(c, x, p)
  return c:op("ReduceL2", { x[1], c:i64 { p.i(0) } }, { keepdims = p.i(1) ~= 0 and 1 or 0 })
end)
define(90, "Mean", function(c, x) return c:op("Mean", x) end)
local function arg(type)
  return function(c, x, p)
    local y = c:op(type, { x[1] }, { axis = p.i(0), keepdims = p.i(1) ~= 0 and 1 or 0 })
    return c:op("Cast", { y }, { to = 6 })
  end
end
define(42, "ArgMax", arg "ArgMax")
define(43, "ArgMin", arg "ArgMin")

-- ---- pictures ---------------------------------------------------------------------------------

local function resized(c, x, mode, scales)
  return c:op("Resize", { x[1], "", c:constant(scales, "f32") }, { mode = mode,
    coordinate_transformation_mode = mode == "nearest" and "asymmetric" or "half_pixel",
    nearest_mode = mode == "nearest" and "floor" or nil })
end
define(51, "Upsample", function(c, x, p) return resized(c, x, "nearest", { 1, 1, p.f(0), p.f(0) }) end)
define(71, "Interp", function(c, x, p)
  local mode = ({ "nearest", "linear", "cubic" })[p.i(0)]
  if not mode then return c:unsupported(("of kind %d"):format(p.i(0))) end
  local shape, h, w = c:shape(x[1]), p.i(4), p.i(3)
  if h > 0 and w > 0 and math.type(shape[3]) == "integer" and math.type(shape[4]) == "integer" then
    return resized(c, x, mode, { 1, 1, h / shape[3], w / shape[4] })
  end
  return resized(c, x, mode, { 1, 1, p.f(2), p.f(1) })
end)

define(55, "ShuffleChannel", function(c, x, p)
  local s, group = c:shape(x[1]), p.i(0)
  if math.type(s[2]) ~= "integer" or group <= 0 or s[2] % group ~= 0 then
    c:fail("%s channels in %d groups", tostring(s[2]), group)
  end
  local split = c:op("Reshape", { x[1], c:i64 { 0, group, s[2] // group, -1 } })
  local turned = c:op("Transpose", { split }, { perm = { 0, 2, 1, 3 } })
  return c:op("Reshape", { turned, c:op("Shape", { x[1] }) })
end)
define(79, "SpaceToDepth", function(c, x, p)
  return c:op("SpaceToDepth", { x[1] }, { blocksize = p.i(0) })
end)
define(80, "DepthToSpace", function(c, x, p)
  return c:op("DepthToSpace", { x[1] }, { blocksize = p.i(0) })
end)
define(57, "Roialign", function(c, x, p)
  return c:op("RoiAlign", { x[1], c:op("Reshape", { x[2], c:i64 { -1, 4 } }), c:i64 { 0 } },
    { output_width = p.i(0), output_height = p.i(1), spatial_scale = p.f(2),
      coordinate_transformation_mode = "output_half_pixel" })
end)

-- the names of those that have no converter, for the list of what is unsupported
for number, name in pairs {
  [2] = "Resize", [7] = "DetectionOutput", [14] = "Normalize", [18] = "PriorBox", [19] = "Region",
  [22] = "Reorg", [24] = "ROIPooling", [25] = "RPN", [30] = "DetectionPostProcess",
  [32] = "Generic", [34] = "LSTM", [35] = "RNN", [39] = "Fused.BNScaleReLu", [44] = "TopKV2",
  [48] = "GRU", [52] = "SpaceToBatchND", [53] = "BatchToSpaceND", [54] = "Resize", [56] = "Crop",
  [58] = "Psroipooling", [65] = "Embedding", [67] = "MVN", [69] = "Cast", [75] = "Logical",
  [81] = "Reverse", [82] = "SparseToDense", [93] = "Scatter", [95] = "Where", [98] = "L2Pool",
  [101] = "L2Normalization", [105] = "SpatialTransformer",
} do
  M.names[number] = M.names[number] or name
end

return M
