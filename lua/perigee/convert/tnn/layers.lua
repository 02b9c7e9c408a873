--- TNN's layers: function(context, inputs, layer). Parameters by place, as their lines have them.
local M = {}

local function one(type) return function(c, x) return c:op(type, { x[1] }) end end

for layer, type in pairs {
  ReLU = "Relu", Sigmoid = "Sigmoid", TanH = "Tanh", Tanh = "Tanh", Abs = "Abs", Exp = "Exp",
  Log = "Log", Neg = "Neg", Sqrt = "Sqrt", Floor = "Floor", Ceil = "Ceil", Sin = "Sin", Cos = "Cos",
  Tan = "Tan", Asin = "Asin", Acos = "Acos", Atan = "Atan", Sign = "Sign", Softplus = "Softplus",
  Reciprocal = "Reciprocal", Erf = "Erf", GELU = "Gelu", Not = "Not", Mish = "Mish",
} do
  M[layer] = one(type)
end

function M.ReLU6(c, x) return c:op("Clip", { x[1], c:f32(0), c:f32(6) }) end
function M.Clip(c, x) return c:op("Clip", { x[1], c:f32(c:float(1)), c:f32(c:float(2)) }) end
function M.Elu(c, x) return c:op("Elu", { x[1] }, { alpha = c:float(1, 1) }) end
function M.Selu(c, x)
  return c:op("Selu", { x[1] }, { alpha = c:float(1, 1.67326), gamma = c:float(2, 1.0507) })
end
function M.HardSigmoid(c, x)
  return c:op("HardSigmoid", { x[1] }, { alpha = c:float(1, 0.2), beta = c:float(2, 0.5) })
end
function M.HardSwish(c, x)
  local gate = c:op("HardSigmoid", { x[#x] }, { alpha = c:float(1), beta = c:float(2) })
  return c:op("Mul", { x[1], gate })
end
function M.Swish(c, x) return c:op("Mul", { x[1], c:op("Sigmoid", { x[1] }) }) end
function M.Rsqrt(c, x) return c:op("Reciprocal", { c:op("Sqrt", { x[1] }) }) end
function M.Dropout(c, x) return c:op("Identity", { x[1] }) end
M.Identity = M.Dropout

function M.Power(c, x)
  local y = c:op("Add", { c:op("Mul", { x[1], c:f32(c:float(2, 1)) }), c:f32(c:float(3, 0)) })
  return c:op("Pow", { y, c:f32(c:float(1, 1)) })
end
M.Pow = M.Power

-- ---- windows ----------------------------------------------------------------------------------

local function activated(c, y, kind)
  if kind == 1 then return c:op("Relu", { y }) end
  if kind == 2 then return c:op("Clip", { y, c:f32(0), c:f32(6) }) end
  return y
end

local SAME, VALID = 0, 1

--- -1: the pads that stand there.
local function pads(attrs, kind, h, w)
  if kind == SAME then
    attrs.auto_pad = "SAME_UPPER"
  elseif kind == VALID then
    attrs.auto_pad = "VALID"
  else
    attrs.pads = { h, w, h, w }
  end
  return attrs
end

--- group, in, out, kernel h w, stride h w, pad h w, bias, pad type, dilation h w, activation
local function convolution(type)
  return function(c, x)
    local group, n_out = c:int(1), c:int(3)
    local kernel = { c:int(4), c:int(5) }
    local weight, bias = c:weight(1), c:weight(2, true)
    local area = kernel[1] * kernel[2]
    local per_group = math.max(1, n_out // math.max(group, 1) * area)
    local rows = type == "Conv" and n_out or weight.count // per_group
    if rows <= 0 or area <= 0 or weight.count % (rows * area) ~= 0 then
      c:fail("%d weights for %d outputs", weight.count, n_out)
    end
    local attrs = pads({ kernel_shape = kernel, strides = { c:int(6), c:int(7) },
      dilations = { c:int(12, 1), c:int(13, 1) }, group = group }, c:int(11, -1), c:int(8), c:int(9))
    local w = c:constant(weight:reshape(rows, weight.count // (rows * area), kernel[1], kernel[2]))
    return activated(c, c:op(type, { x[1], w, bias and c:constant(bias:reshape(bias.count)) or nil }, attrs),
      c:int(14, 0))
  end
end
M.Convolution, M.Deconvolution = convolution "Conv", convolution "ConvTranspose"
M.ConvolutionDepthwise, M.DeconvolutionDepthwise = M.Convolution, M.Deconvolution

--- type, kernel h w, stride h w, pad h w, kernel indices, pad type, ceil, adaptive, output h w
function M.Pooling(c, x)
  local is_max = c:int(1) == 0
  local kernel = { c:int(2), c:int(3) }
  if c:int(12, 0) ~= 0 and (c:int(13, 0) ~= 1 or c:int(14, 0) ~= 1) then
    return c:unsupported "to a given size"
  end
  if kernel[1] == 0 and kernel[2] == 0 or c:int(12, 0) ~= 0 then
    return c:op(is_max and "GlobalMaxPool" or "GlobalAveragePool", { x[1] })
  end
  local attrs = pads({ kernel_shape = kernel, strides = { c:int(4), c:int(5) },
    ceil_mode = c:int(11, 0) ~= 0 and 1 or 0 }, c:int(10, -1), c:int(6), c:int(7))
  return c:op(is_max and "MaxPool" or "AveragePool", { x[1] }, attrs)
end

function M.InnerProduct(c, x)
  local n_out, axis, weight, bias = c:int(1), c:int(4, 1), c:weight(1), c:weight(2, true)
  if n_out <= 0 or weight.count % n_out ~= 0 then c:fail("%d weights for %d outputs", weight.count, n_out) end
  local flat = c:op("Flatten", { x[1] }, { axis = axis })
  local shape = c:int(3, 0) ~= 0 and { weight.count // n_out, n_out } or { n_out, weight.count // n_out }
  local y = c:op("Gemm", { flat, c:constant(weight:reshape(shape)),
    bias and c:constant(bias:reshape(bias.count)) or nil }, { transB = c:int(3, 0) ~= 0 and 0 or 1 })
  local axes = {}
  for i = axis + 1, #c:shape(x[1]) - 1 do axes[#axes + 1] = i end
  return #axes > 0 and c:op("Unsqueeze", { y, c:i64(axes) }) or y
end

-- ---- by channel -------------------------------------------------------------------------------

local function along(c, t, x)
  local shape = { t.count }
  for i = 2, #c:shape(x) - 1 do shape[i] = 1 end
  return c:constant(t:reshape(t.count == 1 and { 1 } or shape))
end

function M.BatchNormCxx(c, x)
  local scale, bias = c:weight(1), c:weight(2, true)
  local y = c:op("Mul", { x[1], along(c, scale, x[1]) })
  return bias and c:op("Add", { y, along(c, bias, x[1]) }) or y
end
M.BatchNorm, M.Scale = M.BatchNormCxx, M.BatchNormCxx

function M.InstBatchNormCxx(c, x)
  local scale, bias = c:weight(1), c:weight(2)
  return c:op("InstanceNormalization", { x[1], c:constant(scale:reshape(scale.count)),
    c:constant(bias:reshape(bias.count)) }, { epsilon = c:float(2, 1e-5) })
end
M.InstanceNorm = M.InstBatchNormCxx

function M.PReLU(c, x) return c:op("PRelu", { x[1], along(c, c:weight(1), x[1]) }) end

function M.LRN(c, x)
  return c:op("LRN", { x[1] },
    { alpha = c:float(1), beta = c:float(2), bias = c:float(3), size = c:int(4) })
end

function M.LayerNorm(c, x)
  return c:op("LayerNormalization", { x[1], x[2], x[3] },
    { axis = -c:int(1), epsilon = c:float(2, 1e-5) })
end

-- ---- of two -----------------------------------------------------------------------------------

--- With a weight in place of one input: the parameter tells of which; a vector lies along channels.
local function binary(type)
  return function(c, x)
    if #x > 1 then
      local y = x[1]
      for i = 2, #x do y = c:op(type, { y, x[i] }) end
      return y
    end
    local t = c:weight(1)
    local rank = #c:shape(x[1])
    local other = (t.rank == 1 and t.count > 1 and rank > 1) and along(c, t, x[1]) or c:constant(t)
    if c:int(1, 1) == 0 then return c:op(type, { other, x[1] }) end
    return c:op(type, { x[1], other })
  end
end
M.Add, M.Sub, M.Mul, M.Div = binary "Add", binary "Sub", binary "Mul", binary "Div"
M.Maximum, M.Minimum, M.MatMul = binary "Max", binary "Min", binary "MatMul"
M.Eltwise = M.Add

-- ---- shapes -----------------------------------------------------------------------------------

function M.Const(c) return c:op("Identity", { c:constant(c:weight(1)) }) end
function M.Concat(c, x) return c:op("Concat", x, { axis = c:int(1, 1) }) end
function M.Softmax(c, x) return c:op("Softmax", { x[1] }, { axis = c:int(1, 1) }) end
M.SoftmaxCaffe = M.Softmax
function M.LogSoftmax(c, x) return c:op("LogSoftmax", { x[1] }, { axis = c:int(1, 1) }) end
function M.Flatten(c, x) return c:op("Flatten", { x[1] }, { axis = c:int(1, 1) }) end
function M.Squeeze(c, x) return c:op("Squeeze", { x[1], c:i64((c:list(1))) }) end
function M.Unsqueeze(c, x) return c:op("Unsqueeze", { x[1], c:i64((c:list(1))) }) end
function M.Permute(c, x) return c:op("Transpose", { x[1] }, { perm = (c:list(1)) }) end

function M.Reshape(c, x)
  local list, behind = c:list(3)
  if c:int(behind, 0) ~= 0 then return c:unsupported "of TensorFlow's order" end
  return c:op("Reshape", { x[1], c:i64(list) })
end

function M.Splitv(c, x, layer)
  local sizes = c:list(2)
  return { c:op("Split", { x[1], c:i64(sizes) }, { axis = c:int(1) }, #layer.outs) }
end
M.SplitV = M.Splitv

--- Bounds stand from the outermost axis on; an end of 0 is the whole.
function M.StridedSlice(c, x)
  local starts, at = c:list(1)
  local ends, then_at = c:list(at)
  local steps, axes = c:list(then_at), {}
  for i, last in ipairs(ends) do
    axes[i] = i - 1
    if last == 0 then ends[i] = math.maxinteger end
  end
  return c:op("Slice", { x[1], c:i64(starts), c:i64(ends), c:i64(axes), c:i64(steps) })
end

--- two counts, top, bottom, left, right, channels before and behind, type, value
function M.Pad(c, x)
  local mode = ({ [0] = "constant", "reflect", "edge" })[c:int(9, 0)]
  if not mode or #c:shape(x[1]) ~= 4 then return c:unsupported "of this kind" end
  local list = { 0, c:int(7, 0), c:int(3), c:int(5), 0, c:int(8, 0), c:int(4), c:int(6) }
  return c:op("Pad", { x[1], c:i64(list), c:f32(c:float(10, 0)) }, { mode = mode })
end

--- mode (1 nearest, 2 bilinear, 3 cubic), scale h w, align corners, height, width
function M.Upsample(c, x)
  local mode = ({ "nearest", "linear", "cubic" })[c:int(1)]
  if not mode then return c:unsupported(("of kind %d"):format(c:int(1))) end
  local aligned, h, w = c:int(4, 0) == 1, c:int(5, 0), c:int(6, 0)
  local attrs = { mode = mode, coordinate_transformation_mode = aligned and "align_corners"
    or mode == "nearest" and "asymmetric" or "half_pixel" }
  if mode == "nearest" then attrs.nearest_mode = "floor" end
  if h > 0 and w > 0 then
    local first = c:op("Shape", { x[1] }, { start = 0, ["end"] = 2 })
    return c:op("Resize", { x[1], "", "", c:op("Concat", { first, c:i64 { h, w } }, { axis = 0 }) }, attrs)
  end
  return c:op("Resize", { x[1], "", c:constant({ 1, 1, c:float(2), c:float(3) }, "f32") }, attrs)
end

local function reduction(type)
  return function(c, x)
    local axes = {}
    for i = 2, #c.layer.params do axes[i - 1] = c:int(i) end
    return c:op(type, { x[1], #axes > 0 and c:i64(axes) or nil }, { keepdims = c:int(1) })
  end
end
for layer, type in pairs {
  ReduceMean = "ReduceMean", ReduceSum = "ReduceSum", ReduceMax = "ReduceMax", ReduceMin = "ReduceMin",
  ReduceProd = "ReduceProd", ReduceL1 = "ReduceL1", ReduceL2 = "ReduceL2",
  ReduceLogSum = "ReduceLogSum", ReduceLogSumExp = "ReduceLogSumExp",
  ReduceSumSquare = "ReduceSumSquare",
} do
  M[layer] = reduction(type)
end

return M
