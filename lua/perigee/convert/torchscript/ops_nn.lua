--- Layers: convolutions, pools, normalisation, activations, attention, resizing.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local maths = require "perigee.convert.torchscript.ops_math"
local schema = require "perigee.convert.torchscript.schema"
local shapes = require "perigee.convert.torchscript.ops_shape"
local tensor = require "perigee.tensor"
local types = require "perigee.convert.torchscript.types"

local M = {}
local def = schema.adder(M)
local is_tensor, none, list = emit.is, machine.none, machine.list
local binary, reduce = maths.binary, maths.reduce
local i64 = shapes.i64

local function unsupported(c, what, instead)
  fail.unsupported { { what = what, where = c:place(), instead = instead } }
end

--- n numbers of a list that may hold only one, or of a number.
local function spread(x, n)
  if type(x) ~= "table" then x = { x } end
  local out = {}
  for i = 1, n do out[i] = x[i] or x[1] end
  return out
end

--- Runs f on x with an axis for the batch, which unbatched inputs lack.
local function batched(c, x, rank, f)
  if c:rank(x, rank) == rank then return f(x) end
  c:expect_rank(x, rank)
  local out = table.pack(f(c:op("Unsqueeze", { x, i64(c, { 0 }) })))
  for i = 1, out.n do out[i] = c:op("Squeeze", { out[i], i64(c, { 0 }) }) end
  return table.unpack(out, 1, out.n)
end

-- ---- convolutions ------------------------------------------------------------------------------

local function convolution(c, a)
  local n = #a.weight.shape - 2
  local stride, dilation = spread(a.stride, n), spread(a.dilation, n)
  local attrs = { strides = stride, dilations = dilation, group = a.groups, kernel_shape = {} }
  for i = 1, n do attrs.kernel_shape[i] = a.weight.shape[i + 2] or nil end
  if #attrs.kernel_shape < n then attrs.kernel_shape = nil end
  if type(a.padding) == "string" then
    attrs.pads = {}
    for i = 1, n do
      local all = a.padding == "same" and dilation[i] * (a.weight.shape[i + 2] - 1) or 0
      attrs.pads[i], attrs.pads[n + i] = all // 2, all - all // 2
    end
  else
    local padding = spread(a.padding, n)
    attrs.pads = table.move(padding, 1, n, n + 1, table.move(padding, 1, n, 1, {}))
  end
  if a.transposed then attrs.output_padding = spread(a.output_padding, n) end
  return batched(c, a.input, n + 2, function(x)
    return (c:op(a.transposed and "ConvTranspose" or "Conv",
      { x, a.weight, a.bias ~= none and a.bias or nil }, attrs))
  end)
end
def("_convolution convolution _convolution_mode", "input weight bias stride padding dilation "
  .. "transposed=False output_padding=[0] groups=1", function(c, a)
  if math.type(a.transposed) == "integer" then a.transposed, a.groups = false, a.transposed end
  return convolution(c, a)
end)
def("conv1d conv2d conv3d", "input weight bias=None stride=[1] padding=[0] dilation=[1] groups=1",
  convolution)
def("conv_transpose1d conv_transpose2d conv_transpose3d",
  "input weight bias=None stride=[1] padding=[0] output_padding=[0] groups=1 dilation=[1]",
  function(c, a)
    a.transposed = true
    return convolution(c, a)
  end)

-- ---- pools -------------------------------------------------------------------------------------

local function pool_attrs(a, n)
  local kernel = spread(a.kernel_size, n)
  local stride = type(a.stride) == "table" and #a.stride == 0 and kernel or a.stride == none and kernel
    or spread(a.stride, n)
  local padding = spread(a.padding, n)
  return {
    kernel_shape = kernel, strides = stride, ceil_mode = a.ceil_mode and 1 or 0,
    pads = table.move(padding, 1, n, n + 1, table.move(padding, 1, n, 1, {})),
  }
end

for n = 1, 3 do
  local MAX = "self kernel_size stride=[] padding=[0] dilation=[1] ceil_mode=False"
  local function max_pool(c, a, wants_places)
    local attrs = pool_attrs(a, n)
    attrs.dilations = spread(a.dilation, n)
    return batched(c, a.self, n + 2, function(x)
      if not wants_places then return (c:op("MaxPool", { x }, attrs)) end
      local y, places = c:op("MaxPool", { x }, attrs, 2)
      local plane = 1 -- PyTorch counts within a plane
      for i = 1, n do plane = binary(c, "mul", plane, c:size(x, i + 1)) end
      return y, binary(c, "remainder", places, plane)
    end)
  end
  def(("max_pool%dd"):format(n), MAX, max_pool)
  def(("max_pool%dd_with_indices"):format(n), MAX, function(c, a)
    return list("tuple", { max_pool(c, a, true) })
  end)
  def(("avg_pool%dd"):format(n), "self kernel_size stride=[] padding=[0] ceil_mode=False "
    .. "count_include_pad=True divisor_override=None", function(c, a)
    local attrs = pool_attrs(a, n)
    attrs.count_include_pad = a.count_include_pad and 1 or 0
    if a.divisor_override ~= none then attrs.count_include_pad = 1 end
    return batched(c, a.self, n + 2, function(x)
      local y = c:op("AveragePool", { x }, attrs)
      if a.divisor_override == none then return y end
      local area = 1
      for i = 1, n do area = area * attrs.kernel_shape[i] end
      return binary(c, "mul", y, area / a.divisor_override)
    end)
  end)
  def(("lp_pool%dd"):format(n), "self norm_type kernel_size stride=[] ceil_mode=False",
    function(c, a)
      a.padding = 0
      local attrs = pool_attrs(a, n)
      attrs.p = a.norm_type
      return (c:op("LpPool", { a.self }, attrs))
    end)
end
M.max_pool1d_with_indices = M.max_pool1d_with_indices

--- Where the windows of adaptive pooling begin and end (aten/src/ATen/native/AdaptivePooling.h).
local function window(i, size, out) return i * size // out, ((i + 1) * size + out - 1) // out end

--- A matrix [out, size] that averages, from a size that only the graph knows.
local function average_matrix(c, size, out)
  if not is_tensor(size) then
    local rows = {}
    for i = 0, out - 1 do
      local from, to = window(i, size, out)
      rows[i + 1] = {}
      for k = 0, size - 1 do rows[i + 1][k + 1] = k >= from and k < to and 1 / (to - from) or 0 end
    end
    return c:constant(rows, "f32")
  end
  local function integer(x) return is_tensor(x) and x or c:constant(x, "i64") end
  local i = c:reshape(c:op("Range", { integer(0), integer(out), integer(1) }), { -1, 1 })
  local k = c:op("Range", { integer(0), size, integer(1) })
  local from = binary(c, "floordiv", binary(c, "mul", i, size), out)
  local to = binary(c, "floordiv", binary(c, "sub",
    binary(c, "add", binary(c, "mul", binary(c, "add", i, 1), size), out), 1), out)
  local inside = c:op("And", { c:op("GreaterOrEqual", { k, from }), c:op("Less", { k, to }) })
  return (c:op("Div", { c:cast(inside, "f32"), c:cast(c:op("Sub", { to, from }), "f32") }))
end

--- The sizes to pool to, None standing for the input's.
local function adaptive_sizes(c, x, sizes, n)
  local out, are_one = {}, true
  for i, s in ipairs(spread(sizes, n)) do
    out[i] = s == none and c:size(x, i + 1) or s
    are_one = are_one and out[i] == 1
  end
  return out, are_one
end

--- Attributes of a pool with equal windows, where all sizes divide.
local function equal_windows(c, x, out, n)
  local kernel = {}
  for i = 1, n do
    local size = c:size(x, i + 1)
    if is_tensor(size) or is_tensor(out[i]) or size % out[i] ~= 0 then return end
    kernel[i] = size // out[i]
  end
  return { kernel_shape = kernel, strides = kernel }
end

for n = 1, 3 do
  def(("adaptive_avg_pool%dd _adaptive_avg_pool%dd"):format(n, n), "self output_size",
    function(c, a)
      return batched(c, a.self, n + 2, function(x)
        local out, are_one = adaptive_sizes(c, x, a.output_size, n)
        if are_one then return (c:op("GlobalAveragePool", { x })) end
        local attrs = equal_windows(c, x, out, n)
        if attrs then return (c:op("AveragePool", { x }, attrs)) end
        local letters = ("xyz"):sub(1, n)
        for i = 1, n do
          local matrix = c:cast(average_matrix(c, c:size(x, i + 1), out[i]), x.dtype)
          local letter = letters:sub(i, i)
          x = c:op("Einsum", { x, matrix }, {
            equation = ("nc%s,o%s->nc%s"):format(letters, letter, (letters:gsub(letter, "o"))),
          })
        end
        return x
      end)
    end)
  local function adaptive_max(c, a)
    return batched(c, a.self, n + 2, function(x)
      local out, are_one = adaptive_sizes(c, x, a.output_size, n)
      if are_one and not a.wants_places then return (c:op("GlobalMaxPool", { x })) end
      local attrs = equal_windows(c, x, out, n)
      if attrs and a.wants_places then
        local y, places = c:op("MaxPool", { x }, attrs, 2)
        local plane = 1
        for i = 1, n do plane = binary(c, "mul", plane, c:size(x, i + 1)) end
        return y, binary(c, "remainder", places, plane)
      end
      if attrs then return (c:op("MaxPool", { x }, attrs)) end
      if a.wants_places then unsupported(c, "indices of adaptive pooling with unequal windows") end
      for i = 1, n do
        local size, pieces = c:size(x, i + 1), {}
        for k = 0, out[i] - 1 do
          local from, to
          if is_tensor(size) then
            from = binary(c, "floordiv", binary(c, "mul", size, k), out[i])
            to = binary(c, "floordiv",
              binary(c, "add", binary(c, "mul", size, k + 1), out[i] - 1), out[i])
          else
            from, to = window(k, size, out[i])
          end
          pieces[k + 1] = reduce(c, "ReduceMax", shapes.slice(c, x, i + 1, from, to, 1), { i + 1 }, true)
        end
        x = #pieces == 1 and pieces[1] or c:op("Concat", pieces, { axis = i + 1 })
      end
      return x
    end)
  end
  -- with indices in ATen; nn.functional throws them away
  def(("adaptive_max_pool%dd"):format(n), "self output_size", function(c, a)
    local out = list("tuple", {})
    local ok, y, places = pcall(adaptive_max, c,
      { self = a.self, output_size = a.output_size, wants_places = true })
    if not ok then y, places = adaptive_max(c, a), false end
    out[1], out[2] = y, places or y
    return out
  end)
end
def("max_unpool2d", "self indices output_size", function(c, a)
  return batched(c, a.self, 4, function(x)
    local indices = c:rank(a.indices) == 4 and a.indices
      or c:op("Unsqueeze", { a.indices, i64(c, { 0 }) })
    local n, ch = c:size(x, 0), c:size(x, 1)
    local area = a.output_size[1] * a.output_size[2]
    local zeros = c:op("Expand", { c:scalar(0, x.dtype), c:vector { n, ch, area } })
    local y = c:op("ScatterElements", { zeros, c:reshape(indices, { n, ch, -1 }),
      c:reshape(x, { n, ch, -1 }) }, { axis = 2 })
    return c:reshape(y, { n, ch, a.output_size[1], a.output_size[2] })
  end)
end)

-- ---- normalisation -----------------------------------------------------------------------------

local function filled(c, value, size, dtype)
  if is_tensor(size) then
    return (c:op("Expand", { c:scalar(value, dtype), c:vector { size } }))
  end
  return c:constant(tensor.full({ size }, value, dtype))
end

local function or_filled(c, x, value, size, dtype)
  return x ~= none and x ~= nil and x or filled(c, value, size, dtype)
end

--- By the batch's own mean and variance over `axes`.
local function normalised(c, x, axes, eps)
  local mean = reduce(c, "ReduceMean", x, axes, true)
  local off = c:op("Sub", { x, mean })
  local var = reduce(c, "ReduceMean", c:op("Mul", { off, off }), axes, true)
  return (c:op("Div", { off, c:op("Sqrt", { binary(c, "add", var, eps) }) }))
end

local function per_channel(c, x, y, weight, bias)
  local shape = { -1 }
  for _ = 3, c:rank(x) do shape[#shape + 1] = 1 end
  if weight ~= none then y = c:op("Mul", { y, c:reshape(weight, shape) }) end
  if bias ~= none then y = c:op("Add", { y, c:reshape(bias, shape) }) end
  return y
end

local function batch_norm(c, a)
  local x = a.input
  if a.training or a.running_mean == none then
    local axes = { 0 }
    for i = 2, c:rank(x) - 1 do axes[#axes + 1] = i end
    return per_channel(c, x, normalised(c, x, axes, a.eps), a.weight, a.bias)
  end
  local size, dtype = c:size(a.running_mean, 0), a.running_mean.dtype
  return (c:op("BatchNormalization", { x, or_filled(c, a.weight, 1, size, dtype),
    or_filled(c, a.bias, 0, size, dtype), a.running_mean, a.running_var }, { epsilon = a.eps }))
end
def("batch_norm _native_batch_norm_legit_no_training cudnn_batch_norm",
  "input weight bias running_mean running_var training=False momentum=0.1 eps=1e-05 cudnn=False",
  batch_norm)
def("native_batch_norm", "input weight bias running_mean running_var training momentum eps",
  function(c, a) return list("tuple", { batch_norm(c, a), none, none }) end)
def("instance_norm", "input weight bias running_mean running_var use_input_stats momentum eps cudnn",
  function(c, a)
    if not a.use_input_stats then return batch_norm(c, a) end
    local size = c:size(a.input, 1)
    return (c:op("InstanceNormalization", { a.input,
      or_filled(c, a.weight, 1, size, a.input.dtype),
      or_filled(c, a.bias, 0, size, a.input.dtype) }, { epsilon = a.eps }))
  end)

local function layer_norm(c, a)
  local n = #a.normalized_shape
  local weight = a.weight
  if weight == none then
    weight = c:op("Expand", { c:scalar(1, a.input.dtype), c:vector(a.normalized_shape) })
  end
  return (c:op("LayerNormalization", { a.input, weight, a.bias ~= none and a.bias or nil },
    { axis = -n, epsilon = a.eps }))
end
def("layer_norm", "input normalized_shape weight=None bias=None eps=1e-05 cudnn_enable=True",
  layer_norm)
def("native_layer_norm", "input normalized_shape weight bias eps", function(c, a)
  return list("tuple", { layer_norm(c, a), none, none })
end)
def("rms_norm", "input normalized_shape weight=None eps=None", function(c, a)
  local axes = {}
  for i = 1, #a.normalized_shape do axes[i] = -i end
  local eps = a.eps == none and (a.input.dtype == "f64" and 2.0 ^ -52 or 2.0 ^ -23) or a.eps
  local mean = reduce(c, "ReduceMean", c:op("Mul", { a.input, a.input }), axes, true)
  local y = c:op("Div", { a.input, c:op("Sqrt", { binary(c, "add", mean, eps) }) })
  return a.weight ~= none and (c:op("Mul", { y, a.weight })) or y
end)
def("group_norm", "input num_groups weight=None bias=None eps=1e-05 cudnn_enabled=True",
  function(c, a)
    local x = a.input
    local grouped = c:op("Reshape", { x, i64(c, { 0, a.num_groups, -1 }) })
    local y = normalised(c, grouped, { 2 }, a.eps)
    y = c:op("Reshape", { y, c:shape_of(x) })
    if x.shape then y.shape = x.shape end
    return per_channel(c, x, y, a.weight, a.bias)
  end)
def("local_response_norm", "input size alpha=0.0001 beta=0.75 k=1", function(c, a)
  return (c:op("LRN", { a.input }, { size = a.size, alpha = a.alpha, beta = a.beta, bias = a.k }))
end)

--- v * g / |v|, the norm over all axes but `dim`.
def("_weight_norm", "v g dim=0", function(c, a)
  local axes = {}
  for i = 0, c:rank(a.v) - 1 do
    if i ~= a.dim then axes[#axes + 1] = i end
  end
  local norm = reduce(c, "ReduceL2", a.v, axes, true)
  return (c:op("Mul", { a.v, c:op("Div", { a.g, norm }) }))
end)

-- ---- activations -------------------------------------------------------------------------------

for name, op in pairs { relu = "Relu", softsign = "Softsign", mish = "Mish",
  hardswish = "HardSwish" } do
  def(name, "self", function(c, a) return (c:op(op, { a.self })) end)
end
local function clip(c, x, low, high)
  return (c:op("Clip", { x, c:scalar(low, x.dtype), c:scalar(high, x.dtype) }))
end
def("relu6", "self", function(c, a) return clip(c, a.self, 0, 6) end)
def("hardtanh", "self min_val=-1 max_val=1", function(c, a)
  return clip(c, a.self, a.min_val, a.max_val)
end)
def("leaky_relu", "self negative_slope=0.01", function(c, a)
  return (c:op("LeakyRelu", { a.self }, { alpha = a.negative_slope + 0.0 }))
end)
def("rrelu rrelu_with_noise", "self lower=0.125 upper=0.3333333333333333 training=False",
  function(c, a)
    if is_tensor(a.lower) then a.lower, a.upper = a.upper, a.training end
    return (c:op("LeakyRelu", { a.self }, { alpha = (a.lower + a.upper) / 2 }))
  end)
def("prelu _prelu_kernel", "self weight", function(c, a)
  local slope, rank = a.weight, c:rank(a.self, 4)
  if rank > 2 and slope.shape and #slope.shape == 1 then
    local shape = { -1 }
    for _ = 3, rank do shape[#shape + 1] = 1 end
    slope = c:reshape(slope, shape)
  end
  return (c:op("PRelu", { a.self, slope }))
end)
def("elu", "self alpha=1 scale=1 input_scale=1", function(c, a)
  local x = a.input_scale == 1 and a.self or binary(c, "mul", a.self, a.input_scale)
  local y = c:op("Elu", { x }, { alpha = a.alpha + 0.0 })
  return a.scale == 1 and y or binary(c, "mul", y, a.scale)
end)
def("selu", "self", function(c, a) return (c:op("Selu", { a.self })) end)
def("celu", "self alpha=1", function(c, a)
  return (c:op("Celu", { a.self }, { alpha = a.alpha + 0.0 }))
end)
def("gelu", "self approximate=none", function(c, a)
  return (c:op("Gelu", { a.self }, { approximate = a.approximate }))
end)
def("silu swish", "self", function(c, a)
  return (c:op("Mul", { a.self, c:op("Sigmoid", { a.self }) }))
end)
def("hardsigmoid", "self", function(c, a)
  return (c:op("HardSigmoid", { a.self }, { alpha = 1 / 6, beta = 0.5 }))
end)
def("softplus", "self beta=1 threshold=20", function(c, a)
  local x = a.beta == 1 and a.self or binary(c, "mul", a.self, a.beta)
  local y = c:op("Softplus", { x })
  if a.beta ~= 1 then y = binary(c, "div", y, a.beta) end
  return (c:op("Where", { binary(c, "gt", x, a.threshold), a.self, y }))
end)
def("log_sigmoid", "self", function(c, a)
  return (c:op("Neg", { c:op("Softplus", { c:op("Neg", { a.self }) }) }))
end)
def("tanhshrink", "self", function(c, a)
  return (c:op("Sub", { a.self, c:op("Tanh", { a.self }) }))
end)
def("softshrink", "self lambd=0.5", function(c, a)
  return (c:op("Shrink", { a.self }, { lambd = a.lambd + 0.0, bias = a.lambd + 0.0 }))
end)
def("hardshrink", "self lambd=0.5", function(c, a)
  return (c:op("Shrink", { a.self }, { lambd = a.lambd + 0.0 }))
end)
def("threshold", "self threshold value", function(c, a)
  return (c:op("Where", { binary(c, "gt", a.self, a.threshold), a.self,
    c:scalar(a.value, a.self.dtype) }))
end)
def("glu", "self dim=-1", function(c, a)
  local x, y = c:op("Split", { a.self }, { axis = c:axis(a.self, a.dim), num_outputs = 2 }, 2)
  return (c:op("Mul", { x, c:op("Sigmoid", { y }) }))
end)
def("logit special_logit", "self eps=None", function(c, a)
  local x = a.self
  if a.eps ~= none then x = clip(c, x, a.eps, 1 - a.eps) end
  return (c:op("Log", { c:op("Div", { x, binary(c, "sub", 1, x) }) }))
end)
for name, op in pairs { softmax = "Softmax", log_softmax = "LogSoftmax", _softmax = "Softmax",
  _log_softmax = "LogSoftmax", special_softmax = "Softmax" } do
  def(name, "self dim dtype=None", function(c, a)
    local x = type(a.dtype) ~= "boolean" and types.of_number(c, a.dtype)
      and c:cast(a.self, types.of_number(c, a.dtype)) or a.self
    return (c:op(op, { types.float(c, x) }, { axis = a.dim }))
  end)
end
def("dropout feature_dropout alpha_dropout feature_alpha_dropout native_dropout", "self p=0.5 train=False",
  function(c, a)
    if a.train == true then unsupported(c, "dropout in training", "call eval() before saving") end
    return a.self
  end)

-- ---- attention ---------------------------------------------------------------------------------

local function attention(c, q, k, v, mask, scale, is_causal)
  local width = c:size(q, -1)
  local factor = scale ~= none and scale or not is_tensor(width) and width ^ -0.5
    or binary(c, "pow", width, -0.5)
  local keys = c:op("Transpose", { k }, { perm = (function()
    local perm, rank = {}, c:rank(k)
    for i = 1, rank do perm[i] = i - 1 end
    perm[rank], perm[rank - 1] = perm[rank - 1], perm[rank]
    return perm
  end)() })
  local scores = c:op("MatMul", { binary(c, "mul", q, factor), keys })
  if is_causal then
    local ones = c:op("Expand", { c:scalar(1, "i32"), c:vector { c:size(q, -2), c:size(k, -2) } })
    mask = c:cast(c:op("Trilu", { ones }, { upper = 0 }), "bool")
  end
  if mask ~= none and mask.dtype == "bool" then
    scores = c:op("Where", { mask, scores, c:scalar(-math.huge, scores.dtype) })
  elseif mask ~= none then
    scores = c:op("Add", { scores, c:cast(mask, scores.dtype) })
  end
  local weights = c:op("Softmax", { scores }, { axis = -1 })
  return c:op("MatMul", { weights, v }), weights
end

local function repeated(c, x, times)
  if times == 1 then return x end
  return shapes.ops.repeat_interleave(c, { x, times, -3 }, {})
end
def("scaled_dot_product_attention", "query key value attn_mask=None dropout_p=0.0 "
  .. "is_causal=False scale=None enable_gqa=False", function(c, a)
  local k, v = a.key, a.value
  if a.enable_gqa then
    local heads = c:size(a.query, -3)
    k = repeated(c, k, heads // c:size(k, -3))
    v = repeated(c, v, heads // c:size(v, -3))
  end
  return (attention(c, a.query, k, v, a.attn_mask, a.scale, a.is_causal))
end)

local ops_linear = maths.ops.linear

--- x [N, L, E] as heads [N, H, L, E / H].
local function heads(c, x, n)
  local split = c:op("Reshape", { x, i64(c, { 0, 0, n, -1 }) })
  return (c:op("Transpose", { split }, { perm = { 0, 2, 1, 3 } }))
end

--- A mask of nn.MultiheadAttention's fast path: true or -inf leaves out. kind 0: [L, L], 1: [N, L].
local function as_bias(c, mask, kind, dtype)
  if mask == none then return none end
  if mask.dtype == "bool" then
    mask = c:op("Where", { mask, c:scalar(-math.huge, dtype), c:scalar(0, dtype) })
  end
  if kind == 1 and c:rank(mask) == 2 then
    mask = c:op("Unsqueeze", { mask, i64(c, { 1, 2 }) })
  end
  return mask
end

local function multi_head(c, a, q, k, v)
  local parts = {}
  for i, x in ipairs { q, k, v } do
    local e = a.embed_dim
    local w = c:op("Slice", { a.qkv_weight, i64(c, { (i - 1) * e }), i64(c, { i * e }), i64(c, { 0 }) })
    local b = c:op("Slice", { a.qkv_bias, i64(c, { (i - 1) * e }), i64(c, { i * e }), i64(c, { 0 }) })
    parts[i] = heads(c, ops_linear(c, { x, w, b }, {}), a.num_head)
  end
  local y, weights = attention(c, parts[1], parts[2], parts[3],
    as_bias(c, a.mask, a.mask_type, q.dtype), none, false)
  y = c:op("Reshape", { c:op("Transpose", { y }, { perm = { 0, 2, 1, 3 } }), i64(c, { 0, 0, -1 }) })
  return ops_linear(c, { y, a.proj_weight, a.proj_bias }, {}), weights
end
def("_native_multi_head_attention", "query key value embed_dim num_head qkv_weight qkv_bias "
  .. "proj_weight proj_bias mask=None need_weights=True average_attn_weights=True mask_type=None",
  function(c, a)
    local y, weights = multi_head(c, a, a.query, a.key, a.value)
    if not a.need_weights then return list("tuple", { y, none }) end
    if a.average_attn_weights then weights = reduce(c, "ReduceMean", weights, { 1 }, false) end
    return list("tuple", { y, weights })
  end)
def("_transformer_encoder_layer_fwd", "src embed_dim num_head qkv_weight qkv_bias proj_weight "
  .. "proj_bias use_gelu norm_first eps norm_weight_1 norm_bias_1 norm_weight_2 norm_bias_2 "
  .. "ffn_weight_1 ffn_bias_1 ffn_weight_2 ffn_bias_2 mask=None mask_type=None", function(c, a)
  local function norm(x, i)
    return layer_norm(c, { input = x, normalized_shape = { a.embed_dim },
      weight = a["norm_weight_" .. i], bias = a["norm_bias_" .. i], eps = a.eps })
  end
  local function feed(x)
    local y = ops_linear(c, { x, a.ffn_weight_1, a.ffn_bias_1 }, {})
    y = c:op(a.use_gelu and "Gelu" or "Relu", { y })
    return ops_linear(c, { y, a.ffn_weight_2, a.ffn_bias_2 }, {})
  end
  local function attend(x) return (multi_head(c, a, x, x, x)) end
  local function add(x, y) return (c:op("Add", { x, y })) end
  return batched(c, a.src, 3, function(x)
    if a.norm_first then
      x = add(x, attend(norm(x, 1)))
      return add(x, feed(norm(x, 2)))
    end
    x = norm(add(x, attend(x)), 1)
    return norm(add(x, feed(x)), 2)
  end)
end)

-- ---- resizing ----------------------------------------------------------------------------------

local coordinates = {
  nearest = { "nearest", "asymmetric", "floor" },
  nearest_exact = { "nearest", "half_pixel", "round_prefer_ceil" },
  linear = { "linear", "half_pixel" }, cubic = { "cubic", "half_pixel" },
}

local function resize(c, x, n, kind, sizes, scales, align, antialias)
  local facts = coordinates[kind]
  local attrs = { mode = facts[1], coordinate_transformation_mode = facts[2], axes = {} }
  if facts[3] then attrs.nearest_mode = facts[3] end
  if align then attrs.coordinate_transformation_mode = "align_corners" end
  if kind == "cubic" then attrs.cubic_coeff_a = antialias and -0.5 or -0.75 end
  if antialias then attrs.antialias = 1 end
  for i = 1, n do attrs.axes[i] = i + 1 end
  return batched(c, x, n + 2, function(y)
    if scales and not align then
      return (c:op("Resize", { y, false, c:constant(scales, "f32"), n = 3 }, attrs))
    end
    if not sizes then
      sizes = {}
      for i = 1, n do
        local size = c:size(y, i + 1)
        sizes[i] = is_tensor(size) and c:number(c:op("Floor", { binary(c, "mul", size, scales[i]) }), "int")
          or math.floor(size * scales[i])
      end
    end
    return (c:op("Resize", { y, false, false, c:vector(sizes), n = 4 }, attrs))
  end)
end

--- Arguments are (x, sizes, [align,] scale_h, scale_w ...) or (x, sizes?, [align,] scales?).
local function resizer(n, kind, has_align, antialias)
  return function(c, args, named)
    local x = args[1]
    local sizes = args[2]
    if sizes == nil then sizes = named.output_size end
    local align = has_align and args[3]
    if has_align and align == nil then align = named.align_corners end
    local first = has_align and 4 or 3
    local scales = args[first]
    if scales == nil then scales = named.scale_factors or named.scales end
    if type(scales) == "number" or (scales == none and #args > first) then
      local all = {}
      for i = 1, n do all[i] = args[first + i - 1] end
      scales = all
    end
    if type(scales) == "table" and scales ~= none and not is_tensor(scales) then
      for i = 1, n do
        if type(scales[i]) ~= "number" then
          scales = nil
          break
        end
      end
    else
      scales = nil
    end
    if sizes == none then sizes = nil end
    if scales and sizes and not is_tensor(sizes[1]) then
      -- sizes that don't follow from the scales are what counts
      for i = 1, n do
        local from = x.shape and x.shape[#x.shape - n + i]
        if not from or math.floor(from * scales[i]) ~= sizes[i] then
          scales = nil
          break
        end
      end
    end
    return resize(c, x, n, kind, sizes, scales and #scales > 0 and scales or nil, align == true,
      antialias)
  end
end
for n = 1, 3 do
  M[("upsample_nearest%dd"):format(n)] = resizer(n, "nearest", false)
  M[("_upsample_nearest_exact%dd"):format(n)] = resizer(n, "nearest_exact", false)
end
M.upsample_linear1d = resizer(1, "linear", true)
M.upsample_bilinear2d = resizer(2, "linear", true)
M.upsample_trilinear3d = resizer(3, "linear", true)
M.upsample_bicubic2d = resizer(2, "cubic", true)
M._upsample_bilinear2d_aa = resizer(2, "linear", true, true)
M._upsample_bicubic2d_aa = resizer(2, "cubic", true, true)

def("grid_sampler grid_sampler_2d grid_sampler_3d", "input grid mode=0 padding=0 align=False",
  function(c, a)
    local modes, paddings = { [0] = "linear", "nearest", "cubic" }, { [0] = "zeros", "border", "reflection" }
    return (c:op("GridSample", { a.input, a.grid }, { mode = modes[a.mode],
      padding_mode = paddings[a.padding], align_corners = a.align and 1 or 0 }))
  end)
def("affine_grid_generator", "theta size align_corners=False", function(c, a)
  return (c:op("AffineGrid", { a.theta, c:vector(a.size) },
    { align_corners = a.align_corners and 1 or 0 }))
end)
def("pixel_shuffle", "self upscale_factor", function(c, a)
  return batched(c, a.self, 4, function(x)
    return (c:op("DepthToSpace", { x }, { blocksize = a.upscale_factor, mode = "CRD" }))
  end)
end)
def("pixel_unshuffle", "self factor", function(c, a)
  return batched(c, a.self, 4, function(x)
    local n, ch, h, w = c:size(x, 0), c:size(x, 1), c:size(x, 2), c:size(x, 3)
    local f = a.factor
    local y = c:reshape(x, { n, ch, binary(c, "floordiv", h, f), f, binary(c, "floordiv", w, f), f })
    y = c:op("Transpose", { y }, { perm = { 0, 1, 3, 5, 2, 4 } })
    return c:reshape(y, { n, binary(c, "mul", ch, f * f), binary(c, "floordiv", h, f),
      binary(c, "floordiv", w, f) })
  end)
end)
def("channel_shuffle native_channel_shuffle", "self groups", function(c, a)
  local x = a.self
  local rank = c:rank(x)
  if rank == 4 then c:expect_rank(x, 4) end
  local each = binary(c, "floordiv", c:size(x, 1), a.groups)
  local y = c:reshape(x, { c:size(x, 0), a.groups, each, -1 })
  y = c:op("Transpose", { y }, { perm = { 0, 2, 1, 3 } })
  return (c:op("Reshape", { y, c:shape_of(x) }))
end)

-- ---- padding -----------------------------------------------------------------------------------

local function pad(c, x, amounts, mode, value)
  local n = #amounts // 2
  local rank, before, after, axes = c:rank(x, math.max(n, mode == "constant" and 4 or n + 2)), {}, {}, {}
  for i = 1, n do
    axes[i] = rank - i
    before[i], after[i] = amounts[2 * i - 1], amounts[2 * i]
  end
  return (c:op("Pad", { x, c:vector(table.move(after, 1, n, n + 1, before)),
    mode == "constant" and c:scalar(value, x.dtype) or false, i64(c, axes) }, { mode = mode }))
end
def("constant_pad_nd", "self pad value=0", function(c, a)
  return pad(c, a.self, a.pad, "constant", a.value)
end)
local pad_modes = { constant = "constant", reflect = "reflect", replicate = "edge", circular = "wrap" }
def("pad", "self pad mode=constant value=None", function(c, a)
  return pad(c, a.self, a.pad, pad_modes[a.mode] or unsupported(c, "padding by " .. tostring(a.mode)),
    a.value == none and 0 or a.value)
end)
def("_pad_circular", "self pad", function(c, a) return pad(c, a.self, a.pad, "wrap") end)
def("_pad_enum", "self pad mode value=None", function(c, a)
  local modes = { [0] = "constant", "reflect", "edge", "wrap" }
  return pad(c, a.self, a.pad, modes[a.mode], a.value == none and 0 or a.value)
end)
def("reflection_pad1d reflection_pad2d reflection_pad3d", "self padding", function(c, a)
  return pad(c, a.self, a.padding, "reflect")
end)
def("replication_pad1d replication_pad2d replication_pad3d", "self padding", function(c, a)
  return pad(c, a.self, a.padding, "edge")
end)

-- ---- embeddings, columns, boxes ----------------------------------------------------------------

def("embedding", "weight indices padding_idx=-1 scale_grad=False sparse=False", function(c, a)
  c:want(a.indices, "i64")
  return (c:op("Gather", { a.weight, a.indices }, { axis = 0 }))
end)
def("embedding_bag", "weight indices offsets scale_grad=False mode=0 sparse=False weights=None "
  .. "include_last=False padding_idx=-1", function(c, a)
  local const = c:content(a.offsets)
  if not const then unsupported(c, "embedding_bag with computed offsets") end
  local offsets = const:flatten():totable()
  local n = shapes.known_size(c, a.indices, 0)
  local rows = c:op("Gather", { a.weight, a.indices }, { axis = 0 })
  if a.weights ~= none then
    rows = c:op("Mul", { rows, c:op("Unsqueeze", { a.weights, i64(c, { 1 }) }) })
  end
  if a.include_last then table.remove(offsets) end
  local bags = {}
  local how = ({ [0] = "ReduceSum", "ReduceMean", "ReduceMax" })[a.mode]
  for i, from in ipairs(offsets) do
    local part = shapes.slice(c, rows, 0, from, offsets[i + 1] or n, 1)
    bags[i] = reduce(c, how, part, { 0 }, true)
  end
  return list("tuple", { c:op("Concat", bags, { axis = 0 }), none, none, none })
end)
def("one_hot", "self num_classes=-1", function(c, a)
  if a.num_classes < 0 then unsupported(c, "one_hot without a number of classes") end
  c:want(a.self, "i64")
  return (c:op("OneHot", { a.self, i64(c, a.num_classes), i64(c, { 0, 1 }) }, { axis = -1 }))
end)
def("im2col", "self kernel_size dilation padding stride", function(c, a)
  return batched(c, a.self, 4, function(x)
    local k, d, p, s = spread(a.kernel_size, 2), spread(a.dilation, 2), spread(a.padding, 2), spread(a.stride, 2)
    if p[1] + p[2] > 0 then x = pad(c, x, { p[2], p[2], p[1], p[1] }, "constant", 0) end
    local rows = {}
    for axis = 1, 2 do
      -- [k, 1] + [1, n]: where each element of each window is
      local last = binary(c, "sub", c:size(x, axis + 1), d[axis] * (k[axis] - 1))
      local at = c:op("Range", { c:int_tensor(0), c:int_tensor(last), c:int_tensor(s[axis]) })
      local inside = {}
      for i = 1, k[axis] do inside[i] = { (i - 1) * d[axis] } end
      rows[axis] = c:op("Add", { i64(c, inside), at })
    end
    local y = c:op("Gather", { x, rows[1] }, { axis = 2 }) -- N C kh oh W
    y = c:op("Gather", { y, rows[2] }, { axis = 4 }) -- N C kh oh kw ow
    y = c:op("Transpose", { y }, { perm = { 0, 1, 2, 4, 3, 5 } })
    return c:reshape(y, { c:size(x, 0), binary(c, "mul", c:size(x, 1), k[1] * k[2]), -1 })
  end)
end)
def("col2im", "self output_size kernel_size dilation padding stride", function(c, a)
  return batched(c, a.self, 3, function(x)
    local p = spread(a.padding, 2)
    return (c:op("Col2Im", { x, c:vector(a.output_size), c:vector(spread(a.kernel_size, 2)) }, {
      dilations = spread(a.dilation, 2), strides = spread(a.stride, 2), pads = { p[1], p[2], p[1], p[2] },
    }))
  end)
end)

M["ops.torchvision.nms"] = function(c, args)
  local boxes, scores = args[1], args[2]
  local picked = c:op("NonMaxSuppression", {
    c:op("Unsqueeze", { boxes, i64(c, { 0 }) }), c:op("Unsqueeze", { scores, i64(c, { 0, 1 }) }),
    i64(c, { math.maxinteger }), c:scalar(args[3], "f32"),
  })
  return (c:op("Gather", { picked, i64(c, 2) }, { axis = 1 }))
end
M["ops.torchvision.roi_align"] = function(c, args)
  local x, rois, scale, height, width, ratio, aligned = table.unpack(args, 1, 7)
  local first = c:op("Gather", { rois, i64(c, 0) }, { axis = 1 })
  return (c:op("RoiAlign", { x, shapes.slice(c, rois, 1, 1, none, 1), c:cast(first, "i64") }, {
    spatial_scale = scale + 0.0, output_height = height, output_width = width,
    sampling_ratio = math.max(ratio, 0),
    coordinate_transformation_mode = aligned and "half_pixel" or "output_half_pixel",
  }))
end

return { ops = M, batched = batched }
