--- ONNX's operators as ncnn's layers: function(writer, node, attributes).
local M = {}

--- Attributes that a node may leave out.
M.defaults = {
  LeakyRelu = { alpha = 0.01 }, Elu = { alpha = 1 }, Celu = { alpha = 1 },
  Selu = { alpha = 1.6732632, gamma = 1.050701 }, HardSigmoid = { alpha = 0.2, beta = 0.5 },
  Shrink = { bias = 0, lambd = 0.5 }, Gemm = { alpha = 1, beta = 1, transA = 0, transB = 0 },
  BatchNormalization = { epsilon = 1e-5 }, InstanceNormalization = { epsilon = 1e-5 },
  LayerNormalization = { epsilon = 1e-5 }, GroupNormalization = { epsilon = 1e-5 },
  RMSNormalization = { epsilon = 1e-5 }, LRN = { alpha = 1e-4, beta = 0.75, bias = 1 },
  DepthToSpace = { mode = "DCR" }, Resize = { nearest_mode = "round_prefer_floor" },
}

-- ---- element by element -----------------------------------------------------------------------

for type, layer in pairs {
  Sigmoid = "Sigmoid", Tanh = "TanH", Mish = "Mish", Erf = "Erf", Softplus = "Softplus",
  Relu = "ReLU",
} do
  M[type] = function(w, node) w:layer(layer, { node.inputs[1] }) end
end

for type, kind in pairs {
  Abs = 0, Neg = 1, Floor = 2, Ceil = 3, Sqrt = 5, Exp = 7, Log = 8, Sin = 9, Cos = 10, Tan = 11,
  Asin = 12, Acos = 13, Atan = 14, Reciprocal = 15, Round = 18, Sign = 20, Sinh = 22, Asinh = 23,
  Cosh = 24, Acosh = 25, Atanh = 26,
} do
  M[type] = function(w, node) w:layer("UnaryOp", { node.inputs[1] }, { [0] = kind }) end
end

local function alpha_layer(layer)
  return function(w, node, a) w:layer(layer, { node.inputs[1] }, { [0] = a.alpha + 0.0 }) end
end
M.LeakyRelu, M.Elu, M.Celu = alpha_layer "ReLU", alpha_layer "ELU", alpha_layer "CELU"

function M.Selu(w, node, a)
  w:layer("SELU", { node.inputs[1] }, { [0] = a.alpha + 0.0, [1] = a.gamma + 0.0 })
end
function M.HardSigmoid(w, node, a)
  w:layer("HardSigmoid", { node.inputs[1] }, { [0] = a.alpha + 0.0, [1] = a.beta + 0.0 })
end
function M.HardSwish(w, node) w:layer("HardSwish", { node.inputs[1] }, { [0] = 1 / 6, [1] = 0.5 }) end
function M.Gelu(w, node, a)
  w:layer("GELU", { node.inputs[1] }, { [0] = a.approximate == "tanh" and 1 or 0 })
end
function M.Shrink(w, node, a)
  w:layer("Shrink", { node.inputs[1] }, { [0] = a.bias + 0.0, [1] = a.lambd + 0.0 })
end

local MOST = 3.4028234663852886e38

function M.Clip(w, node)
  local low, high = w:list(node.inputs[2]), w:list(node.inputs[3])
  if node.inputs[2] and node.inputs[2] ~= "" and not low
    or node.inputs[3] and node.inputs[3] ~= "" and not high then
    w:unsupported("bounds that are computed", "constants")
  end
  w:layer("Clip", { node.inputs[1] },
    { [0] = (low and low[1] or -MOST) + 0.0, [1] = (high and high[1] or MOST) + 0.0 })
end

function M.PRelu(w, node)
  local slope = w:constant(node.inputs[2])
  if not slope then return w:unsupported("slopes that are computed", "constants") end
  w:layer("PReLU", { node.inputs[1] }, { [0] = slope.count }, { { slope, 1 } })
end

for _, type in ipairs { "Identity", "Dropout" } do
  M[type] = function(w, node) w:alias(node.inputs[1]) end
end

function M.Cast(w, node, a)
  local from = w.g:value(node.inputs[1]).dtype
  if a.to == 1 and (from == "f32" or from == "f16") then return w:alias(node.inputs[1]) end
  w:unsupported("a change of the element type", "floats throughout")
end

-- ---- of two -----------------------------------------------------------------------------------

--- ncnn hangs ones behind the smaller shape, ONNX puts them in front: what differs is reshaped.
local function level(w, name, rank)
  local dims = w:rank(name)
  local t = w:constant(name)
  local list = w:dims(name)
  if t then
    list = t.shape
    while #list > 1 and list[1] == 1 do table.remove(list, 1) end
    dims = #list
  end
  if dims == rank then return w:blob(name) end
  local wide = {}
  for i = 1, rank - dims do wide[i] = 1 end
  table.move(list, 1, dims, rank - dims + 1, wide)
  if #wide > rank then
    w:unsupported("shapes of so different ranks")
    return "?"
  end
  return w:between("Reshape", w:blob(name), w:reshape_params(wide))
end

local function binary(kind, swapped)
  return function(w, node)
    local a, b = node.inputs[1], node.inputs[2]
    for i, name in ipairs { a, b } do
      local t = w:constant(name)
      if t and t.count == 1 and (i == 2 or swapped) then
        local other = i == 2 and a or b
        return w:layer("BinaryOp", { other },
          { [0] = i == 2 and kind or swapped, [1] = 1, [2] = t:reshape(1):get(1) + 0.0 })
      end
    end
    local rank = w:rank(node.outputs[1])
    local blobs = { level(w, a, rank), level(w, b, rank) }
    local out = w:fresh(node.outputs[1])
    w.blobs[node.outputs[1]] = out
    w:emit("BinaryOp", blobs, { out }, { [0] = kind })
  end
end

M.Add, M.Sub, M.Mul, M.Div = binary(0, 0), binary(1, 7), binary(2, 2), binary(3, 8)
M.Pow = binary(6, 9)

local function variadic(kind)
  local two = binary(kind, kind)
  return function(w, node, a)
    if #node.inputs == 2 then return two(w, node, a) end
    if #node.inputs == 1 then return w:alias(node.inputs[1]) end
    local rank, blob = w:rank(node.outputs[1]), nil
    for i, name in ipairs(node.inputs) do
      local next_blob = level(w, name, rank)
      if i == 1 then
        blob = next_blob
      else
        local out = w:fresh(node.outputs[1])
        w:emit("BinaryOp", { blob, next_blob }, { out }, { [0] = kind })
        blob = out
      end
    end
    w.blobs[node.outputs[1]] = blob
  end
end
M.Sum, M.Max, M.Min = variadic(0), variadic(4), variadic(5)

-- ---- convolutions -----------------------------------------------------------------------------

local ids = {
  { kernel = { 1 }, dilation = { 2 }, stride = { 3 }, first = { 4 }, last = { 15 } },
  { kernel = { 11, 1 }, dilation = { 12, 2 }, stride = { 13, 3 }, first = { 14, 4 },
    last = { 16, 15 } },
  { kernel = { 21, 11, 1 }, dilation = { 22, 12, 2 }, stride = { 23, 13, 3 },
    first = { 24, 14, 4 }, last = { 17, 16, 15 } },
}

local function window_params(w, a, kernel, params)
  local n = #kernel
  if n < 1 or n > 3 then
    w:unsupported(("a window of %d dimensions"):format(n))
    return params
  end
  local same = a.auto_pad == "SAME_UPPER" and -233 or a.auto_pad == "SAME_LOWER" and -234 or nil
  local pads = a.pads or {}
  for i = 1, n do
    params[ids[n].kernel[i]] = kernel[i]
    params[ids[n].dilation[i]] = (a.dilations or {})[i] or 1
    params[ids[n].stride[i]] = (a.strides or {})[i] or 1
    params[ids[n].first[i]] = same or pads[i] or 0
    params[ids[n].last[i]] = same or pads[n + i] or 0
  end
  return params
end

local suffix = { "1D", "", "3D" }

local function tail(shape) return table.move(shape, 3, #shape, 1, {}) end

function M.Conv(w, node, a)
  local weight, bias = w:constant(node.inputs[2]), w:constant(node.inputs[3])
  if not weight or node.inputs[3] and node.inputs[3] ~= "" and not bias then
    return w:unsupported("weights that are computed", "constants")
  end
  if not w:drops(node.inputs[1]) then return w:unsupported("more than one picture") end
  local shape, group = weight.shape, a.group or 1
  local kernel = tail(shape)
  local params = window_params(w, a, kernel, { [0] = shape[1], [5] = bias and 1 or 0,
    [6] = weight.count })
  if group ~= 1 then params[7] = group end
  local data = { { weight, 0 } }
  if bias then data[2] = { bias, 1 } end
  w:layer((group == 1 and "Convolution" or "ConvolutionDepthWise") .. (suffix[#kernel] or ""),
    { node.inputs[1] }, params, data)
end

function M.ConvTranspose(w, node, a)
  local weight, bias = w:constant(node.inputs[2]), w:constant(node.inputs[3])
  if not weight then return w:unsupported("weights that are computed", "constants") end
  local shape, group = weight.shape, a.group or 1
  local kernel = tail(shape)
  local n, n_out = #kernel, shape[2] * group
  local params = window_params(w, a, kernel, { [0] = n_out, [5] = bias and 1 or 0,
    [6] = weight.count })
  local more = ({ { 18 }, { 19, 18 }, { 20, 19, 18 } })[n] or {}
  for i, id in ipairs(more) do params[id] = (a.output_padding or {})[i] or 0 end
  if a.output_shape and #a.output_shape > 0 then
    for i, id in ipairs(({ { 20 }, { 21, 20 }, { 27, 26, 25 } })[n] or {}) do
      params[id] = a.output_shape[i]
    end
    if a.auto_pad ~= "SAME_UPPER" and a.auto_pad ~= "SAME_LOWER" then
      return w:unsupported("an output shape without auto_pad")
    end
  end
  if group ~= 1 then params[7] = group end
  local split = { group, shape[1] // group, shape[2] }
  table.move(kernel, 1, n, 4, split)
  local perm = { 1, 3, 2 }
  for i = 1, n do perm[3 + i] = 3 + i end
  local turned = weight:reshape(split):permute(perm):contiguous()
  local data = { { turned:reshape(turned.count), 0 } }
  if bias then data[2] = { bias, 1 } end
  w:layer((group == 1 and "Deconvolution" or "DeconvolutionDepthWise") .. (suffix[n] or ""),
    { node.inputs[1] }, params, data)
end

-- ---- matrices ---------------------------------------------------------------------------------

--- y = x b' + c with a constant b: an inner product.
local function inner_product(w, node, weight, bias)
  local n_out = weight.shape[1]
  local data = { { weight, 0 } }
  if bias then data[2] = { bias:expand({ n_out }):contiguous(), 1 } end
  w:layer("InnerProduct", { node.inputs[1] },
    { [0] = n_out, [1] = bias and 1 or 0, [2] = weight.count }, data)
end

function M.Gemm(w, node, a)
  local b, addend = w:constant(node.inputs[2]), w:constant(node.inputs[3])
  local has_c = node.inputs[3] and node.inputs[3] ~= ""
  local is_row = not has_c or addend and (addend.rank <= 1 or addend.shape[1] == 1)
  if b and is_row and (a.transA or 0) == 0 and a.alpha == 1 and a.beta == 1 then
    local weight = a.transB ~= 0 and b or b:permute(2, 1):contiguous()
    return inner_product(w, node, weight, has_c and addend:reshape(addend.count) or nil)
  end
  local list = { node.inputs[1], node.inputs[2] }
  if has_c then list[3] = node.inputs[3] end
  w:layer("Gemm", list, { [0] = a.alpha + 0.0, [1] = a.beta + 0.0, [2] = a.transA, [3] = a.transB })
end

function M.MatMul(w, node)
  local b = w:constant(node.inputs[2])
  if b and b.rank == 2 and w:rank(node.inputs[1]) <= 2 then
    return inner_product(w, node, b:permute(2, 1):contiguous())
  end
  w:layer("MatMul", { node.inputs[1], node.inputs[2] }, { [0] = 0 })
end

-- ---- norms ------------------------------------------------------------------------------------

function M.BatchNormalization(w, node, a)
  local t = {}
  for i = 2, 5 do t[i] = w:constant(node.inputs[i]) end
  if not (t[2] and t[3] and t[4] and t[5]) then return w:unsupported("weights that are computed") end
  w:layer("BatchNorm", { node.inputs[1] }, { [0] = t[2].count, [1] = a.epsilon + 0.0 },
    { { t[2], 1 }, { t[4], 1 }, { t[5], 1 }, { t[3], 1 } })
end

function M.InstanceNormalization(w, node, a)
  local gamma, beta = w:constant(node.inputs[2]), w:constant(node.inputs[3])
  if not (gamma and beta) then return w:unsupported("weights that are computed") end
  w:layer("InstanceNorm", { node.inputs[1] }, { [0] = gamma.count, [1] = a.epsilon + 0.0, [2] = 1 },
    { { gamma, 1 }, { beta, 1 } })
end

function M.GroupNormalization(w, node, a)
  local gamma, beta = w:constant(node.inputs[2]), w:constant(node.inputs[3])
  if not (gamma and beta) then return w:unsupported("weights that are computed") end
  w:layer("GroupNorm", { node.inputs[1] }, { [0] = a.num_groups, [1] = gamma.count,
    [2] = a.epsilon + 0.0, [3] = 1 }, { { gamma, 1 }, { beta, 1 } })
end

local function trailing_norm(layer)
  return function(w, node, a)
    local gamma, beta = w:constant(node.inputs[2]), w:constant(node.inputs[3])
    if not gamma then return w:unsupported("weights that are computed") end
    local data = { { gamma, 1 } }
    if layer == "LayerNorm" then
      data[2] = { beta or require("perigee.tensor").zeros { gamma.count }, 1 }
    end
    w:layer(layer, { node.inputs[1] }, { [0] = gamma.count, [1] = a.epsilon + 0.0, [2] = 1 }, data)
  end
end
M.LayerNormalization, M.RMSNormalization = trailing_norm "LayerNorm", trailing_norm "RMSNorm"

function M.LRN(w, node, a)
  w:layer("LRN", { node.inputs[1] },
    { [0] = 0, [1] = a.size, [2] = a.alpha + 0.0, [3] = a.beta + 0.0, [4] = a.bias + 0.0 })
end

function M.Softmax(w, node, a)
  local axis = w:axis(node.inputs[1], a.axis or -1)
  if not axis then return w:unsupported("along the batch") end
  w:layer("Softmax", { node.inputs[1] }, { [0] = axis, [1] = 1 })
end

-- ---- pooling ----------------------------------------------------------------------------------

local pool_ids = {
  { kernel = { 1 }, stride = { 2 }, first = { 3 }, last = { 14 } },
  { kernel = { 11, 1 }, stride = { 12, 2 }, first = { 13, 3 }, last = { 15, 14 } },
  { kernel = { 21, 11, 1 }, stride = { 22, 12, 2 }, first = { 23, 13, 3 }, last = { 16, 15, 14 } },
}

local function pool(is_max)
  return function(w, node, a)
    local n, kernel = #a.kernel_shape, a.kernel_shape
    local map, params = pool_ids[n], { [0] = is_max and 0 or 1 }
    if not map or #node.outputs > 1 and node.outputs[2] ~= "" then return w:unsupported("of this kind") end
    for _, d in ipairs(a.dilations or {}) do
      if d ~= 1 then return w:unsupported("with a dilation") end
    end
    for i = 1, n do
      params[map.kernel[i]], params[map.stride[i]] = kernel[i], (a.strides or {})[i] or 1
      params[map.first[i]], params[map.last[i]] = (a.pads or {})[i] or 0, (a.pads or {})[n + i] or 0
    end
    local same = ({ SAME_UPPER = 2, SAME_LOWER = 3 })[a.auto_pad]
    params[5] = same or a.ceil_mode == 1 and 0 or 1
    if not is_max then params[6] = a.count_include_pad or 0 end
    w:layer("Pooling" .. (suffix[n] or ""), { node.inputs[1] }, params)
  end
end
M.MaxPool, M.AveragePool = pool(true), pool(false)

local function global(kind)
  return function(w, node)
    local rank = w:rank(node.inputs[1])
    local axes = {}
    for i = 1, rank - 1 do axes[i] = i end
    w:layer("Reduction", { node.inputs[1] }, { [0] = kind, [1] = 0, [3] = axes, [4] = 1, [5] = 1 })
  end
end
M.GlobalAveragePool, M.GlobalMaxPool = global(3), global(4)

-- ---- reductions -------------------------------------------------------------------------------

for type, kind in pairs {
  ReduceSum = 0, ReduceL1 = 7, ReduceSumSquare = 2, ReduceMean = 3, ReduceMax = 4, ReduceMin = 5,
  ReduceProd = 6, ReduceL2 = 8, ReduceLogSum = 9, ReduceLogSumExp = 10,
} do
  M[type] = function(w, node, a)
    local list, x = w:list(node.inputs[2]), node.inputs[1]
    local rank, axes = w:rank(x), {}
    if not list then
      for i = 1, rank do axes[i] = i - 1 end
    end
    for _, axis in ipairs(list or {}) do axes[#axes + 1] = w:axis(x, axis) end
    table.sort(axes)
    if #axes == 0 then return w:alias(x) end
    local all = #axes == rank
    local params = { [0] = kind, [1] = all and 1 or 0, [2] = 1.0, [4] = a.keepdims or 1, [5] = 1 }
    if not all then params[3] = axes end
    w:layer("Reduction", { x }, params)
  end
end

function M.CumSum(w, node, a)
  local axis = w:list(node.inputs[2])
  if not axis or a.exclusive == 1 or a.reverse == 1 then return w:unsupported("of this kind") end
  w:layer("CumulativeSum", { node.inputs[1] }, { [0] = w:axis(node.inputs[1], axis[1]) })
end

-- ---- shapes -----------------------------------------------------------------------------------

--- Any change of shape is a Reshape to what the output is, or nothing.
local function reshaped(w, node)
  local from, to = w:dims(node.inputs[1]), w:dims(node.outputs[1])
  if #to == 0 then to = { 1 } end
  local is_same = #from == #to
  for i, d in ipairs(from) do is_same = is_same and to[i] == d end
  if is_same then return w:alias(node.inputs[1]) end
  w:layer("Reshape", { node.inputs[1] }, w:reshape_params(to))
end
M.Reshape, M.Flatten, M.Squeeze, M.Unsqueeze = reshaped, reshaped, reshaped, reshaped

local orders = {
  [1] = { ["0"] = 0 }, [2] = { ["01"] = 0, ["10"] = 1 },
  [3] = { ["012"] = 0, ["021"] = 1, ["102"] = 2, ["120"] = 3, ["201"] = 4, ["210"] = 5 },
}
do -- four: the orders of "WHDC", innermost first, by their number
  local four = { [0] = "WHDC", "HWDC", "WDHC", "DWHC", "HDWC", "DHWC", "WHCD", "HWCD", "WCHD",
    "CWHD", "HCWD", "CHWD", "WDCH", "DWCH", "WCDH", "CWDH", "DCWH", "CDWH", "HDCW", "DHCW", "HCDW",
    "CHDW", "DCHW", "CDHW" }
  local place = { C = "0", D = "1", H = "2", W = "3" }
  orders[4] = {}
  for number = 0, 23 do
    orders[4][(four[number]:reverse():gsub(".", place))] = number
  end
end

function M.Transpose(w, node, a)
  local x, list = node.inputs[1], {}
  local rank = #w:shape(x)
  local perm = a.perm
  if not perm or #perm == 0 then
    perm = {}
    for i = 1, rank do perm[i] = rank - i end
  end
  if w:drops(x) then
    if perm[1] ~= 0 then
      -- moving ones about is a change of shape
      return w:unsupported("moves the batch", "a Reshape")
    end
    for i = 2, rank do list[i - 1] = perm[i] - 1 end
  else
    list = perm
  end
  local number = (orders[#list] or {})[table.concat(list)]
  if not number then return w:unsupported("of more than four dimensions") end
  w:layer("Permute", { x }, { [0] = number })
end

function M.Concat(w, node, a)
  local axis = w:axis(node.outputs[1], a.axis)
  if not axis then return w:unsupported("along the batch") end
  local blobs, rank = {}, w:rank(node.outputs[1])
  for i, name in ipairs(node.inputs) do blobs[i] = level(w, name, rank) end
  w.blobs[node.outputs[1]] = w:fresh(node.outputs[1])
  w:emit("Concat", blobs, { w.blobs[node.outputs[1]] }, { [0] = axis })
end

function M.Split(w, node, a)
  local axis = w:axis(node.inputs[1], a.axis or 0)
  if not axis then return w:unsupported("along the batch") end
  local sizes = {}
  for i, name in ipairs(node.outputs) do
    local d = w:dims(name)[axis + 1]
    sizes[i] = math.type(d) == "integer" and d or -233
  end
  w:layer("Slice", { node.inputs[1] }, { [0] = sizes, [1] = axis })
end

function M.Slice(w, node)
  local x = node.inputs[1]
  local starts, ends = w:list(node.inputs[2]), w:list(node.inputs[3])
  local axes, steps = w:list(node.inputs[4]), w:list(node.inputs[5])
  if not (starts and ends) then return w:unsupported("bounds that are computed", "constants") end
  local out, shape = { starts = {}, ends = {}, axes = {} }, w:shape(x)
  for i, first in ipairs(starts) do
    local axis = axes and axes[i] or i - 1
    if axis < 0 then axis = axis + #shape end
    local size, last, step = shape[axis + 1], ends[i], steps and steps[i] or 1
    local at = w:axis(x, axis)
    if step == -1 and at and first == -1 and (math.type(size) ~= "integer" or last < -size) then
      if #starts > 1 then return w:unsupported("several steps") end
      return w:layer("Flip", { x }, { [0] = { at } })
    end
    if step ~= 1 then return w:unsupported("a step") end
    if math.type(size) == "integer" then
      first = math.max(0, math.min(size, first < 0 and first + size or first))
      last = math.max(0, math.min(size, last < 0 and last + size or last))
    elseif last >= 1 << 31 then
      last = -233
    end
    if at and not (first == 0 and last == size) then
      table.insert(out.starts, first)
      table.insert(out.ends, last)
      table.insert(out.axes, at)
    end
  end
  if #out.axes == 0 then return w:alias(x) end
  w:layer("Crop", { x }, { [9] = out.starts, [10] = out.ends, [11] = out.axes })
end

function M.Tile(w, node)
  local repeats = w:list(node.inputs[2])
  if not repeats then return w:unsupported("a computed number of times") end
  if w:drops(node.inputs[1]) then
    if table.remove(repeats, 1) ~= 1 then return w:unsupported("the batch") end
  end
  w:layer("Tile", { node.inputs[1] }, { [2] = repeats })
end

--- One index cuts a slice; the axis goes.
function M.Gather(w, node, a)
  local x, index = node.inputs[1], w:list(node.inputs[2])
  local axis = w:axis(x, a.axis or 0)
  if not index or #index ~= 1 or not axis then
    return w:unsupported("by a list of indices", "Slice")
  end
  local dims = w:dims(x)
  local at = index[1]
  if at < 0 and math.type(dims[axis + 1]) == "integer" then at = at + dims[axis + 1] end
  local out = w:fresh(node.outputs[1])
  w:emit("Crop", { w:blob(x) }, { out }, { [9] = { at }, [10] = { at + 1 }, [11] = { axis } })
  w.blobs[node.outputs[1]] = w:between("Reshape", out, w:reshape_params(w:dims(node.outputs[1])))
end

local pad_types = { constant = 0, edge = 1, reflect = 2 }

function M.Pad(w, node, a)
  local x, pads, value = node.inputs[1], w:list(node.inputs[2]), w:list(node.inputs[3])
  local kind, axes = pad_types[a.mode or "constant"], w:list(node.inputs[4])
  if not pads or not kind or axes then return w:unsupported("of this kind") end
  local rank, n = w:rank(x), #pads // 2
  local skip = n - rank
  local params = { [4] = kind, [5] = (value and value[1] or 0) + 0.0 }
  local letters = ({ { "w" }, { "h", "w" }, { "o", "h", "w" }, { "c", "o", "h", "w" } })[rank]
  local at = { w = { 2, 3 }, h = { 0, 1 }, o = { 7, 8 } }
  for i = 1, n do
    local letter = letters and letters[i - skip]
    local first, last = pads[i], pads[n + i]
    if first < 0 or last < 0 or not at[letter] and (first ~= 0 or last ~= 0) then
      return w:unsupported("pads of this axis")
    end
    if at[letter] then params[at[letter][1]], params[at[letter][2]] = first, last end
  end
  w:layer("Padding", { x }, params)
end

-- ---- pictures ---------------------------------------------------------------------------------

function M.DepthToSpace(w, node, a)
  w:layer("PixelShuffle", { node.inputs[1] }, { [0] = a.blocksize, [1] = a.mode == "DCR" and 1 or 0 })
end

function M.SpaceToDepth(w, node, a)
  w:layer("Reorg", { node.inputs[1] }, { [0] = a.blocksize, [1] = 1 })
end

function M.Resize(w, node, a)
  local x, y = node.inputs[1], node.outputs[1]
  local kind = ({ nearest = 1, linear = 2, cubic = 3 })[a.mode or "nearest"]
  local mode = a.coordinate_transformation_mode or "half_pixel"
  local fits = kind == 1 and mode == "asymmetric" and a.nearest_mode == "floor"
    or kind ~= 1 and (mode == "half_pixel" or mode == "pytorch_half_pixel" or mode == "align_corners")
  local scales = w:list(node.inputs[3])
  local to = w:dims(y)
  local h, wide = to[#to - 1], to[#to]
  if kind == 1 and not fits and scales then -- whole factors are the same in every mode
    fits = true
    for _, s in ipairs(scales) do fits = fits and s == math.floor(s) end
  end
  if not fits or #to > 3 or #to < 2 then return w:unsupported("of this kind") end
  local params = { [0] = kind, [6] = mode == "align_corners" and 1 or 0 }
  if math.type(h) == "integer" and math.type(wide) == "integer" then
    params[3], params[4] = #to == 3 and h or 0, wide
  elseif scales then
    params[1], params[2] = scales[#scales - 1] + 0.0, scales[#scales] + 0.0
  else
    return w:unsupported("to a computed size")
  end
  w:layer("Interp", { x }, params)
end

function M.GridSample(w, node, a)
  w:layer("GridSample", { node.inputs[1], node.inputs[2] }, {
    [0] = ({ linear = 1, nearest = 2, cubic = 3 })[a.mode or "linear"],
    [1] = ({ zeros = 1, border = 2, reflection = 3 })[a.padding_mode or "zeros"],
    [2] = a.align_corners or 0 })
end

return M
