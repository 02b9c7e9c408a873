--- One function a layer type: (net, layer) adds the nodes. Defaults are those of caffe.proto.
local fail = require "perigee.convert.fail"
local params = require "perigee.convert.caffe.params"
local tensor = require "perigee.tensor"

local first = params.first

local M = {}

--- Sizes for height and width: NAME_h and NAME_w, or one NAME for both, or one an axis.
local function pair(p, name, default)
  local list = p[name] or p[name .. "_size"]
  local h = first(p[name .. "_h"], list and list[1] or default)
  local w = first(p[name .. "_w"], list and (list[2] or list[1]) or default)
  return { h, w }
end

--- The blob, which must be there.
local function weight(net, layer, i, shape)
  return net.weights(layer.name, i, shape)
    or fail.format("layer %s (%s): the weights lack its blob %d", layer.name, layer.type, i)
end

local function axis_of(p, rank, default)
  local axis = first(p.axis, default)
  if axis < -rank or axis > rank then fail.format("axis %d of %d", axis, rank) end
  return axis < 0 and axis + rank or axis
end

--- A vector along one axis, ready to broadcast.
local function along(net, vector, axis, rank)
  local shape = {}
  for i = 1, rank - axis do shape[i] = 1 end
  if #shape == 0 then shape[1] = 1 end
  local sizes = vector.shape
  for i, n in ipairs(sizes) do shape[i] = n end
  return net.b:constant(vector:reshape(shape))
end

-- ---- products ---------------------------------------------------------------------------------

local function convolution(net, layer, is_transposed)
  local p = net:params(layer, "convolution_param")
  local x = net:bottoms(layer)
  local channels, outputs = net:shape(x[1], 4)[2], first(p.num_output, 0)
  local groups, kernel = first(p.group, 1), pair(p, "kernel")
  if layer.type == "ConvolutionDepthwise" or layer.type == "DepthwiseConvolution" then
    groups = channels
  end
  if not kernel[1] or outputs < 1 or groups < 1 or channels % groups ~= 0 then
    fail.format("layer %s: %d outputs, %d groups of %d channels", layer.name, outputs, groups,
      channels)
  end
  local pad, stride = pair(p, "pad", 0), pair(p, "stride", 1)
  local dilation = pair(p, "dilation", 1)
  local shape = is_transposed and { channels, outputs // groups, kernel[1], kernel[2] }
    or { outputs, channels // groups, kernel[1], kernel[2] }
  local inputs = { x[1], net.b:constant(weight(net, layer, 1, shape)) }
  if first(p.bias_term, true) then
    inputs[3] = net.b:constant(weight(net, layer, 2, { outputs }))
  end
  net.b:op(is_transposed and "ConvTranspose" or "Conv", inputs, {
    kernel_shape = kernel, strides = stride, dilations = dilation, group = groups,
    pads = { pad[1], pad[2], pad[1], pad[2] },
  }, net:top(layer))
end

function M.Convolution(net, layer) convolution(net, layer, false) end
M.ConvolutionDepthwise, M.DepthwiseConvolution = M.Convolution, M.Convolution
function M.Deconvolution(net, layer) convolution(net, layer, true) end

function M.InnerProduct(net, layer)
  local p = net:params(layer, "inner_product_param")
  local x = net:bottoms(layer)
  local shape = net:shape(x[1])
  local axis, outputs = axis_of(p, #shape, 1), first(p.num_output, 0)
  local depth, lead = 1, table.move(shape, 1, axis, 1, {})
  for i = axis + 1, #shape do depth = depth * shape[i] end
  local is_transposed = first(p.transpose, false)
  local w = weight(net, layer, 1, is_transposed and { depth, outputs } or { outputs, depth })
  local flat = net.b:op("Flatten", { x[1] }, { axis = axis })
  local inputs = { flat, net.b:constant(w) }
  if first(p.bias_term, true) then
    inputs[3] = net.b:constant(weight(net, layer, 2, { outputs }))
  end
  local attrs = { transB = is_transposed and 0 or 1 }
  if axis == 1 then
    net.b:op("Gemm", inputs, attrs, net:top(layer))
  else
    lead[#lead + 1] = outputs
    net.b:reshape(net.b:op("Gemm", inputs, attrs), lead, net:top(layer))
  end
end

function M.Embed(net, layer)
  local p = net:params(layer, "embed_param")
  local x = net:bottoms(layer)
  local outputs, rows = first(p.num_output, 0), first(p.input_dim, 0)
  local index = net.b:op("Cast", { x[1] }, { to = "i64" })
  local w = net.b:constant(weight(net, layer, 1, { rows, outputs }))
  local y = net.b:op("Gather", { w, index })
  if first(p.bias_term, true) then
    y = net.b:op("Add", { y, net.b:constant(weight(net, layer, 2, { outputs })) })
  end
  net.b:identity(y, net:top(layer))
end

-- ---- pooling ----------------------------------------------------------------------------------

local pool_types = { MAX = "Max", AVE = "Average", [0] = "Max", [1] = "Average" }

--- Caffe rounds the number of windows up, drops those that would begin in the padding, and averages
--- over the window with its padding, but not over what hangs over that.
function M.Pooling(net, layer)
  local p = net:params(layer, "pooling_param")
  local x = net:bottoms(layer)
  local kind = pool_types[first(p.pool, "MAX")]
  if not kind or #layer.top > 1 then
    net.b:unsupported(kind and "pooling with a mask" or "stochastic pooling",
      "layer " .. layer.name)
    kind = "Max"
  end
  if first(p.global_pooling, false) then
    return net.b:op("Global" .. kind .. "Pool", { x[1] }, nil, net:top(layer))
  end
  local kernel, stride, pad = pair(p, "kernel"), pair(p, "stride", 1), pair(p, "pad", 0)
  if not kernel[1] then fail.format("layer %s: no kernel_size", layer.name) end
  local mode = first(p.round_mode, "CEIL")
  net.b:op(kind .. "Pool", { x[1] }, {
    kernel_shape = kernel, strides = stride, pads = { pad[1], pad[2], pad[1], pad[2] },
    ceil_mode = (mode == "FLOOR" or mode == 1 or first(p.ceil_mode, true) == false) and 0 or 1,
    count_include_pad = kind == "Average" and 1 or nil,
  }, net:top(layer))
end

-- ---- element-wise -----------------------------------------------------------------------------

local function unary(type, attrs)
  return function(net, layer) net.b:op(type, net:bottoms(layer), attrs, net:top(layer)) end
end

M.Sigmoid, M.TanH, M.AbsVal, M.BNLL = unary "Sigmoid", unary "Tanh", unary "Abs", unary "Softplus"

function M.ReLU(net, layer)
  local slope = first(net:params(layer, "relu_param").negative_slope, 0)
  local x = net:bottoms(layer)
  if slope == 0 then return net.b:op("Relu", x, nil, net:top(layer)) end
  net.b:op("LeakyRelu", x, { alpha = slope + 0.0 }, net:top(layer))
end

function M.ReLU6(net, layer) net.b:clip(net:bottoms(layer)[1], 0.0, 6.0, net:top(layer)) end

function M.Clip(net, layer)
  local p = net:params(layer, "clip_param")
  net.b:clip(net:bottoms(layer)[1], first(p.min), first(p.max), net:top(layer))
end

function M.ELU(net, layer)
  net.b:op("Elu", net:bottoms(layer),
    { alpha = first(net:params(layer, "elu_param").alpha, 1) + 0.0 }, net:top(layer))
end

function M.Swish(net, layer)
  net.b:op("Swish", net:bottoms(layer),
    { alpha = first(net:params(layer, "swish_param").beta, 1) + 0.0 }, net:top(layer))
end

function M.PReLU(net, layer)
  local p = net:params(layer, "prelu_param")
  local x = net:bottoms(layer)
  local shape = net:shape(x[1], 2)
  local n = first(p.channel_shared, false) and 1 or shape[2]
  local slope = weight(net, layer, 1, { n })
  net.b:op("PRelu", { x[1], along(net, slope, 1, #shape) }, nil, net:top(layer))
end

--- (shift + scale x) ^ power
function M.Power(net, layer)
  local p, b = net:params(layer, "power_param"), net.b
  local y = net:bottoms(layer)[1]
  local power, scale, shift = first(p.power, 1), first(p.scale, 1), first(p.shift, 0)
  if scale ~= 1 then y = b:op("Mul", { y, b:constant(scale, "f32") }) end
  if shift ~= 0 then y = b:op("Add", { y, b:constant(shift, "f32") }) end
  if power ~= 1 then y = b:op("Pow", { y, b:constant(power, "f32") }) end
  b:identity(y, net:top(layer))
end

--- base ^ (shift + scale x); base -1 stands for e.
function M.Exp(net, layer)
  local p, b = net:params(layer, "exp_param"), net.b
  local base = first(p.base, -1)
  local factor = base == -1 and 1 or math.log(base)
  local y = net:bottoms(layer)[1]
  y = b:op("Mul", { y, b:constant(first(p.scale, 1) * factor, "f32") })
  y = b:op("Add", { y, b:constant(first(p.shift, 0) * factor, "f32") })
  b:op("Exp", { y }, nil, net:top(layer))
end

--- log(shift + scale x) to a base
function M.Log(net, layer)
  local p, b = net:params(layer, "log_param"), net.b
  local base = first(p.base, -1)
  local y = b:op("Mul", { net:bottoms(layer)[1], b:constant(first(p.scale, 1), "f32") })
  y = b:op("Log", { b:op("Add", { y, b:constant(first(p.shift, 0), "f32") }) })
  b:op("Mul", { y, b:constant(base == -1 and 1 or 1 / math.log(base), "f32") }, nil,
    net:top(layer))
end

function M.Threshold(net, layer)
  local limit = first(net:params(layer, "threshold_param").threshold, 0)
  local y = net.b:op("Greater", { net:bottoms(layer)[1], net.b:constant(limit, "f32") })
  net.b:op("Cast", { y }, { to = "f32" }, net:top(layer))
end

local eltwise = { PROD = "Mul", SUM = "Sum", MAX = "Max", [0] = "Mul", [1] = "Sum", [2] = "Max" }

function M.Eltwise(net, layer)
  local p, b = net:params(layer, "eltwise_param"), net.b
  local type = eltwise[first(p.operation, "SUM")]
  local x = net:bottoms(layer)
  if type == "Sum" and p.coeff then
    for i, c in ipairs(p.coeff) do
      if c ~= 1 and x[i] then x[i] = b:op("Mul", { x[i], b:constant(c, "f32") }) end
    end
  end
  if type ~= "Mul" then return b:op(type, x, nil, net:top(layer)) end
  local y = x[1]
  for i = 2, #x - 1 do y = b:op("Mul", { y, x[i] }) end
  b:op("Mul", { y, x[#x] }, nil, net:top(layer))
end

-- ---- normalisation ----------------------------------------------------------------------------

--- Mean, variance and a factor that both are divided by; Scale follows as a layer of its own.
function M.BatchNorm(net, layer)
  local p, b = net:params(layer, "batch_norm_param"), net.b
  local x = net:bottoms(layer)
  local n = net:shape(x[1], 2)[2]
  local mean, variance = weight(net, layer, 1, { n }), weight(net, layer, 2, { n })
  local factor = weight(net, layer, 3, { 1 }):get(1)
  if factor ~= 0 and factor ~= 1 then mean, variance = mean / factor, variance / factor end
  if net.is_seeded then variance = variance:abs() + 1 end
  b:op("BatchNormalization", {
    x[1], b:constant(tensor.ones { n }), b:constant(tensor.zeros { n }), b:constant(mean),
    b:constant(variance),
  }, { epsilon = first(p.eps, 1e-5) + 0.0 }, net:top(layer))
end

--- x * scale + bias along axes from `axis`; the scale may be a second bottom.
function M.Scale(net, layer)
  local p, b = net:params(layer, "scale_param"), net.b
  local x = net:bottoms(layer)
  local shape = net:shape(x[1])
  local axis, n_axes = axis_of(p, #shape, 1), first(p.num_axes, 1)
  if n_axes == -1 then n_axes = #shape - axis end
  local sizes = table.move(shape, axis + 1, axis + n_axes, 1, {})
  if #sizes == 0 then sizes[1] = 1 end
  local scale, i
  if x[2] then
    local wide = net:shape(x[2])
    for k = #wide + 1, #shape - axis do wide[k] = 1 end
    scale, i = b:reshape(x[2], wide), 1
  else
    scale, i = along(net, weight(net, layer, 1, sizes), axis, #shape), 2
  end
  if not first(p.bias_term, false) then
    return b:op("Mul", { x[1], scale }, nil, net:top(layer))
  end
  local bias = along(net, weight(net, layer, i, sizes), axis, #shape)
  b:op("Add", { b:op("Mul", { x[1], scale }), bias }, nil, net:top(layer))
end

function M.Bias(net, layer)
  local p, b = net:params(layer, "bias_param"), net.b
  local x = net:bottoms(layer)
  local shape = net:shape(x[1])
  local axis, n_axes = axis_of(p, #shape, 1), first(p.num_axes, 1)
  if n_axes == -1 then n_axes = #shape - axis end
  local sizes = table.move(shape, axis + 1, axis + n_axes, 1, {})
  local bias = x[2] or along(net, weight(net, layer, 1, sizes), axis, #shape)
  b:op("Add", { x[1], bias }, nil, net:top(layer))
end

--- Across channels as ONNX has it; within a channel over a window, padding counted.
function M.LRN(net, layer)
  local p, b = net:params(layer, "lrn_param"), net.b
  local x = net:bottoms(layer)
  local size, alpha = first(p.local_size, 5), first(p.alpha, 1) + 0.0
  local beta, bias = first(p.beta, 0.75) + 0.0, first(p.k, 1) + 0.0
  local region = first(p.norm_region, "ACROSS_CHANNELS")
  if region == "ACROSS_CHANNELS" or region == 0 then
    return b:op("LRN", { x[1] }, { size = size, alpha = alpha, beta = beta, bias = bias },
      net:top(layer))
  end
  local pad = (size - 1) // 2
  local mean = b:op("AveragePool", { b:op("Mul", { x[1], x[1] }) }, {
    kernel_shape = { size, size }, pads = { pad, pad, pad, pad }, strides = { 1, 1 },
    count_include_pad = 1,
  })
  local scaled = b:op("Mul", { mean, b:constant(alpha, "f32") })
  local sum = b:op("Add", { scaled, b:constant(1.0, "f32") })
  b:op("Mul", { x[1], b:op("Pow", { sum, b:constant(-beta, "f32") }) }, nil, net:top(layer))
end

--- Mean and, if asked for, variance of one; over a channel, or over all channels.
function M.MVN(net, layer)
  local p, b = net:params(layer, "mvn_param"), net.b
  local x = net:bottoms(layer)[1]
  local axes = b:i64(first(p.across_channels, false) and { 1, 2, 3 } or { 2, 3 })
  local centred = b:op("Sub", { x, b:op("ReduceMean", { x, axes }) })
  if not first(p.normalize_variance, true) then return b:identity(centred, net:top(layer)) end
  local variance = b:op("ReduceMean", { b:op("Mul", { centred, centred }), axes })
  local deviation = b:op("Add", { b:op("Sqrt", { variance }),
    b:constant(first(p.eps, 1e-9), "f32") })
  b:op("Div", { centred, deviation }, nil, net:top(layer))
end

function M.Softmax(net, layer)
  local axis = first(net:params(layer, "softmax_param").axis, 1)
  net.b:op("Softmax", { net:bottoms(layer)[1] }, { axis = axis }, net:top(layer))
end

-- ---- shapes -----------------------------------------------------------------------------------

function M.Dropout(net, layer) net.b:identity(net:bottoms(layer)[1], net:top(layer)) end

function M.Split(net, layer)
  local x = net:bottoms(layer)[1]
  for i in ipairs(layer.top) do net.b:identity(x, net:top(layer, i)) end
end

function M.Concat(net, layer)
  local p = net:params(layer, "concat_param")
  net.b:op("Concat", net:bottoms(layer), { axis = first(p.axis, first(p.concat_dim, 1)) },
    net:top(layer))
end

function M.Slice(net, layer)
  local p, b = net:params(layer, "slice_param"), net.b
  local x = net:bottoms(layer)[1]
  local shape = net:shape(x)
  local axis = axis_of({ axis = p.axis or p.slice_dim }, #shape, 1)
  if axis >= #shape then fail.format("layer %s: axis %d of %d", layer.name, axis, #shape) end
  local size, sizes, at = shape[axis + 1], {}, 0
  for i = 1, #layer.top do
    local stop = p.slice_point and (p.slice_point[i] or size) or size * i // #layer.top
    sizes[i], at = stop - at, stop
    if sizes[i] < 0 then fail.format("layer %s: slice points out of order", layer.name) end
  end
  local tops = {}
  for i in ipairs(layer.top) do tops[i] = net:top(layer, i) end
  b:op("Split", { x, b:i64(sizes) }, { axis = axis }, tops)
end

function M.Flatten(net, layer)
  local p = net:params(layer, "flatten_param")
  local x = net:bottoms(layer)[1]
  local shape = net:shape(x)
  local from, to = axis_of(p, #shape, 1), first(p.end_axis, -1) % #shape
  local out, n = table.move(shape, 1, from, 1, {}), 1
  for i = from + 1, to + 1 do n = n * shape[i] end
  out[#out + 1] = n
  table.move(shape, to + 2, #shape, #out + 1, out)
  net.b:reshape(x, out, net:top(layer))
end

function M.Reshape(net, layer)
  local p = net:params(layer, "reshape_param")
  local x = net:bottoms(layer)[1]
  local shape = net:shape(x)
  local dims = p.shape and p.shape[1].dim or {}
  local axis, n_axes = axis_of(p, #shape, 0), first(p.num_axes, -1)
  if n_axes == -1 then n_axes = #shape - axis end
  local out = table.move(shape, 1, axis, 1, {})
  for i, n in ipairs(dims) do out[#out + 1] = n == 0 and (shape[axis + i] or 1) or n end
  table.move(shape, axis + n_axes + 1, #shape, #out + 1, out)
  net.b:reshape(x, out, net:top(layer))
end

function M.Permute(net, layer)
  local order, seen = {}, {}
  for i, axis in ipairs(net:params(layer, "permute_param").order or {}) do
    order[i], seen[axis] = axis, true
  end
  local x = net:bottoms(layer)[1]
  for axis = 0, #net:shape(x) - 1 do
    if not seen[axis] then order[#order + 1] = axis end
  end
  net.b:transpose(x, order, net:top(layer))
end

--- The first bottom cut to the size of the second from `axis` on.
function M.Crop(net, layer)
  local p = net:params(layer, "crop_param")
  local x = net:bottoms(layer)
  local from, like = net:shape(x[1]), net:shape(x[2])
  local axis, axes, starts, ends = axis_of(p, #from, 2), {}, {}, {}
  for i = axis, #from - 1 do
    local offset = p.offset and (p.offset[i - axis + 1] or p.offset[1]) or 0
    axes[#axes + 1], starts[#starts + 1] = i, offset
    ends[#ends + 1] = offset + like[i + 1]
  end
  net.b:slice(x[1], axes, starts, ends, nil, net:top(layer))
end

function M.Tile(net, layer)
  local p = net:params(layer, "tile_param")
  local x = net:bottoms(layer)[1]
  local repeats, rank = {}, #net:shape(x)
  for i = 1, rank do repeats[i] = 1 end
  repeats[axis_of(p, rank, 1) + 1] = first(p.tiles, 1)
  net.b:op("Tile", { x, net.b:i64(repeats) }, nil, net:top(layer))
end

function M.ShuffleChannel(net, layer)
  local x = net:bottoms(layer)[1]
  local s, groups = net:shape(x, 4), first(net:params(layer, "shuffle_channel_param").group, 1)
  local y = net.b:reshape(x, { s[1], groups, s[2] // groups, s[3], s[4] })
  net.b:reshape(net.b:transpose(y, { 0, 2, 1, 3, 4 }), s, net:top(layer))
end

local reductions = { SUM = "ReduceSum", ASUM = "ReduceL1", SUMSQ = "ReduceSumSquare",
  MEAN = "ReduceMean", [1] = "ReduceSum", [2] = "ReduceL1", [3] = "ReduceSumSquare",
  [4] = "ReduceMean" }

function M.Reduction(net, layer)
  local p, b = net:params(layer, "reduction_param"), net.b
  local x = net:bottoms(layer)[1]
  local axes, rank = {}, #net:shape(x)
  for i = axis_of(p, rank, 0), rank - 1 do axes[#axes + 1] = i end
  local y = b:op(reductions[first(p.operation, "SUM")], { x, b:i64(axes) }, { keepdims = 0 })
  b:op("Mul", { y, b:constant(first(p.coeff, 1), "f32") }, nil, net:top(layer))
end

--- Positions of the largest; with an axis along it, without over all but the batch.
function M.ArgMax(net, layer)
  local p, b = net:params(layer, "argmax_param"), net.b
  local x = net:bottoms(layer)[1]
  local k, wants_values = first(p.top_k, 1), first(p.out_max_val, false)
  local axis = first(p.axis)
  local from = axis and x or b:op("Flatten", { x }, { axis = 1 })
  local values, index = b:op("TopK", { from, b:i64 { k } }, { axis = axis or 1 }, 2)
  index = b:op("Cast", { index }, { to = "f32" })
  if axis then return b:identity(wants_values and values or index, net:top(layer)) end
  local n = net:shape(x)[1]
  if not wants_values then return b:reshape(index, { n, 1, k }, net:top(layer)) end
  local both = b:op("Concat", { b:reshape(index, { n, 1, k }), b:reshape(values, { n, 1, k }) },
    { axis = 1 })
  b:identity(both, net:top(layer))
end

--- Bilinear with corners aligned, to a size or by factors.
function M.Interp(net, layer)
  local p, b = net:params(layer, "interp_param"), net.b
  local x = net:bottoms(layer)
  local s = net:shape(x[1], 4)
  local grow, shrink = first(p.zoom_factor, 1), first(p.shrink_factor, 1)
  local function size(n, given, like)
    if like then return like end
    if given and given ~= 0 then return given end
    n = (n - 1) // shrink + 1
    return n + (n - 1) * (grow - 1)
  end
  local like = x[2] and net:shape(x[2]) or {}
  local sizes = { s[1], s[2], size(s[3], first(p.height), like[3]),
    size(s[4], first(p.width), like[4]) }
  b:op("Resize", { x[1], "", "", b:i64(sizes) },
    { mode = "linear", coordinate_transformation_mode = "align_corners" }, net:top(layer))
end

function M.Upsample(net, layer)
  local p, b = net:params(layer, "upsample_param"), net.b
  local scale = first(p.scale, 2) + 0.0
  b:op("Resize", { net:bottoms(layer)[1], "", b:constant({ 1.0, 1.0, scale, scale }, "f32") }, {
    mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric",
  }, net:top(layer))
end

return M
