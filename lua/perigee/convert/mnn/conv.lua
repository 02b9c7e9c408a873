--- Convolutions of all kinds, inner products, matrix products, pooling.
local tensor = require "perigee.tensor"
local weights = require "perigee.convert.mnn.weights"

local M = {}

local CAFFE, VALID, SAME = 0, 1, 2

--- pads = { before..., behind... } or auto_pad. mode: padMode of convolutions, padType of pools.
local function pad_attrs(p, mode, n, attrs)
  if mode == SAME then
    attrs.auto_pad = "SAME_UPPER"
  elseif mode == VALID then
    attrs.auto_pad = "VALID"
  elseif #(p.pads or {}) == 2 * n then
    attrs.pads = p.pads
  elseif n == 2 then
    attrs.pads = { p.padY, p.padX, p.padY, p.padX }
  else
    attrs.pads = {}
    for i = 1, 2 * n do attrs.pads[i] = (p.pads or {})[(i - 1) % n + 1] or 0 end
  end
  return attrs
end

local function common_of(c, p)
  local common = p.common
  if not common then c:fail "no sizes" end
  return common
end

local function attrs_2d(c, k)
  for _, field in ipairs { "kernelX", "kernelY", "strideX", "strideY", "dilateX", "dilateY", "group" } do
    if k[field] <= 0 then c:fail("%s is %d", field, k[field]) end
  end
  return pad_attrs(k, k.padMode, 2, { kernel_shape = { k.kernelY, k.kernelX }, strides = { k.strideY, k.strideX },
    dilations = { k.dilateY, k.dilateX } })
end

local function activated(c, y, k)
  if k.relu6 then return c:op("Clip", { y, c:f32(0), c:f32(6) }) end
  return k.relu and c:op("Relu", { y }) or y
end

--- [N, C, L] for what MNN computes in two dimensions, and back.
local function lifted(c, x)
  return c:rank(x) == 3 and c:op("Unsqueeze", { x, c:i64 { 3 } }) or x
end

local function convolution(is_depthwise)
  return function(c, p, x)
    local k = common_of(c, p)
    local attrs = attrs_2d(c, k)
    local n_out, rank = k.outputCount, c:rank(x[1])
    local data = lifted(c, x[1])
    local area = k.kernelX * k.kernelY
    local weight, bias = weights.of(p, c.external)
    local inputs = { data }
    if weight then
      if n_out <= 0 or weight.count % (n_out * area) ~= 0 then
        c:fail("%d weights for %d outputs of a window of %d", weight.count, n_out, area)
      end
      local per_group = weight.count // (n_out * area)
      local channels = c:shape(data)[2]
      attrs.group = is_depthwise and n_out or k.group
      if is_depthwise and per_group ~= 1 then attrs.group = k.group end
      if math.type(channels) == "integer" and channels % per_group == 0 then
        attrs.group = channels // per_group
      end
      inputs[2] = c:constant(weight:reshape(n_out, per_group, k.kernelY, k.kernelX))
      inputs[3] = bias and c:constant(bias) or nil
    else
      if not x[2] then c:fail "no weights" end
      inputs[2] = lifted(c, x[2])
      inputs[3] = x[3] and x[3] ~= "" and c:op("Reshape", { x[3], c:i64 { -1 } }) or nil
      local shape, channels = c:shape(inputs[2]), c:shape(data)[2]
      attrs.group = is_depthwise and shape[1] or k.group
      if math.type(channels) == "integer" and math.type(shape[2]) == "integer" then
        attrs.group = channels // math.max(shape[2], 1)
      end
      attrs.kernel_shape = nil
    end
    if math.type(attrs.group) ~= "integer" then c:fail "a free number of groups" end
    local y = activated(c, c:op("Conv", inputs, attrs), k)
    return rank == 3 and c:op("Squeeze", { y, c:i64 { 3 } }) or y
  end
end

local function deconvolution(is_depthwise)
  return function(c, p, x)
    local k = common_of(c, p)
    local attrs = attrs_2d(c, k)
    local data, rank = lifted(c, x[1]), c:rank(x[1])
    local weight, bias = weights.of(p, c.external)
    local n_out, area = k.outputCount, k.kernelX * k.kernelY
    local inputs = { data }
    attrs.group = is_depthwise and math.max(k.group, 1) or k.group
    if weight then
      if is_depthwise then attrs.group = n_out end
      local per_group = n_out // attrs.group
      if per_group <= 0 or weight.count % (per_group * area) ~= 0 then
        c:fail("%d weights for %d outputs", weight.count, n_out)
      end
      inputs[2] = c:constant(weight:reshape(weight.count // (per_group * area), per_group,
        k.kernelY, k.kernelX))
      inputs[3] = bias and c:constant(bias) or nil
    else
      inputs[2] = lifted(c, x[2])
      local shape = c:shape(inputs[2])
      if is_depthwise and math.type(shape[1]) == "integer" then attrs.group = shape[1] end
      inputs[3] = x[3] and x[3] ~= "" and not k.hasOutputShape
        and c:op("Reshape", { x[3], c:i64 { -1 } }) or nil
    end
    if #(k.outPads or {}) >= 2 then attrs.output_padding = { k.outPads[1], k.outPads[2] } end
    if k.hasOutputShape then
      local list = c:list(x[#x])
      if not list or #list ~= 4 then return c:unsupported("with a computed output shape") end
      attrs.output_shape = c.source == 1 and { list[2], list[3] } or { list[3], list[4] }
    end
    if attrs.auto_pad == "SAME_UPPER" and not attrs.output_shape then
      attrs.output_shape = nil
    end
    local y = activated(c, c:op("ConvTranspose", inputs, attrs), k)
    return rank == 3 and c:op("Squeeze", { y, c:i64 { 3 } }) or y
  end
end

M.Convolution, M.ConvolutionDepthwise = convolution(false), convolution(true)
M.Deconvolution, M.DeconvolutionDepthwise = deconvolution(false), deconvolution(true)

local function three_d(type)
  return function(c, p, x)
    local k = common_of(c, p)
    local attrs = pad_attrs(k, k.padMode, 3, { kernel_shape = k.kernels, strides = k.strides,
      dilations = k.dilates, group = k.group })
    local inputs, weight, bias = { x[1] }, weights.of(p, c.external)
    local volume = 1
    for _, d in ipairs(k.kernels) do volume = volume * d end
    if weight then
      local first = type == "Conv" and k.outputCount or k.outputCount // math.max(k.group, 1)
      if volume <= 0 or first <= 0 or weight.count % (first * volume) ~= 0 then
        c:fail("%d weights for %d outputs", weight.count, k.outputCount)
      end
      local other = weight.count // (first * volume)
      local shape = type == "Conv" and { first, other } or { other, first }
      table.move(k.kernels, 1, #k.kernels, 3, shape)
      inputs[2], inputs[3] = c:constant(weight:reshape(shape)), bias and c:constant(bias) or nil
    else
      inputs[2], inputs[3] = x[2], x[3]
    end
    if type == "ConvTranspose" and #(k.outPads or {}) == 3 then attrs.output_padding = k.outPads end
    return activated(c, c:op(type, inputs, attrs), k)
  end
end
M.Convolution3D, M.ConvTranspose3D = three_d "Conv", three_d "ConvTranspose"

function M.InnerProduct(c, p, x)
  local weight, bias = weights.of(p, c.external)
  if not weight or p.outputCount <= 0 or weight.count % p.outputCount ~= 0 then
    c:fail "no fitting weights"
  end
  local n_in = weight.count // p.outputCount
  local flat = c:op("Reshape", { x[1], c:i64 { -1, n_in } })
  local shape = p.transpose and { n_in, p.outputCount } or { p.outputCount, n_in }
  return c:op("Gemm", { flat, c:constant(weight:reshape(shape)), bias and c:constant(bias) or nil },
    { transB = p.transpose and 0 or 1 })
end

-- ---- in whole numbers ---------------------------------------------------------------------------

--- Rounded to the nearest, halves away from zero, and kept in a range; values stay f32.
local function rounded(c, x, low, high)
  local up = c:op("Floor", { c:add(c:op("Abs", { x }), c:f32(0.5)) })
  return c:op("Clip", { c:mul(c:op("Sign", { x }), up), c:f32(low), c:f32(high) })
end

local function per_channel(c, list)
  local n = type(list) == "userdata" and list.count or #list
  local t = type(list) == "userdata" and list or tensor.new(list, "f32")
  return n == 1 and c:constant(t:reshape(1)) or c:constant(t:reshape(n, 1, 1))
end

local function scales_of(c, p)
  local scale = p.tensorScale
  local n = type(scale) == "userdata" and scale.count or scale and #scale or 0
  if n == 0 then c:fail "no scale" end
  return per_channel(c, scale)
end

local function offset(p)
  return p.floatzeros and p.floatzeros.count == 1 and p.floatzeros:get(1) or p.zeroPoint or 0
end

function M.FloatToInt8(c, p, x)
  local y = c:mul(x[1], scales_of(c, p))
  local up = c:op("Floor", { c:add(c:op("Abs", { y }), c:f32(0.5)) })
  y = c:add(c:mul(c:op("Sign", { y }), up), c:f32(offset(p)))
  return c:op("Clip", { y, c:f32(p.clampMin), c:f32(p.clampMax) })
end

function M.Int8ToFloat(c, p, x)
  return c:mul(c:op("Sub", { x[1], c:f32(offset(p)) }), scales_of(c, p))
end

local function int8_convolution(is_depthwise)
  return function(c, p, x)
    local k, q = common_of(c, p), p.symmetricQuan
    if not q or not q.weight or not q.scale or not q.bias then
      return c:unsupported("without its own scales")
    end
    local attrs = attrs_2d(c, k)
    local n_out, area = k.outputCount, k.kernelX * k.kernelY
    if n_out <= 0 or q.weight.count % (n_out * area) ~= 0 then c:fail("%d weights", q.weight.count) end
    local per_group = q.weight.count // (n_out * area)
    attrs.group = is_depthwise and n_out // math.max(per_group, 1) or k.group
    local weight = c:constant(q.weight:reshape(n_out, per_group, k.kernelY, k.kernelX))
    local data = x[1]
    if q.zeroPoint ~= 0 then data = c:op("Sub", { data, c:f32(q.zeroPoint) }) end
    local y = c:op("Conv", { data, c:cast(weight, "f32"), c:constant(q.bias:cast "f32") }, attrs)
    y = c:mul(y, per_channel(c, q.scale:cast "f32"))
    if q.outputZeroPoint ~= 0 then y = c:add(y, c:f32(q.outputZeroPoint)) end
    local low = q.clampMin
    if k.relu or k.relu6 then low = math.max(low, q.outputZeroPoint) end
    return rounded(c, y, low, q.clampMax)
  end
end
M.ConvInt8, M.DepthwiseConvInt8 = int8_convolution(false), int8_convolution(true)

function M.EltwiseInt8(c, p, x)
  local function float(value, q) return c:mul(value, per_channel(c, q.scale)) end
  if not (p.inputQuan0 and p.inputQuan1 and p.outputQuan) then c:fail "no scales" end
  local y = c:add(float(x[1], p.inputQuan0), float(x[2], p.inputQuan1))
  return rounded(c, c:mul(y, per_channel(c, p.outputQuan.scale)), -127, 127)
end

-- ---- products of matrices -----------------------------------------------------------------------

local function swapped(c, x)
  local perm = {}
  for i = 1, c:rank(x) do perm[i] = i - 1 end
  local n = #perm
  if n < 2 then return x end
  perm[n - 1], perm[n] = n - 1, n - 2
  return c:transpose(x, perm)
end

local function matmul(c, x, trans_a, trans_b)
  local a, b = c:alike(x[1], x[2])
  if trans_a then a = swapped(c, a) end
  if trans_b then b = swapped(c, b) end
  local y = c:op("MatMul", { a, b })
  return x[3] and x[3] ~= "" and c:add(y, x[3]) or y
end

function M.MatMul(c, p, x) return matmul(c, x, p.transposeA, p.transposeB) end
function M.BatchMatMul(c, p, x) return matmul(c, x, p.adjX, p.adjY) end

-- ---- pooling ------------------------------------------------------------------------------------

local function pooled(c, x, p, n, attrs)
  local is_max = p.type == 0
  if p.isGlobal then return c:op(is_max and "GlobalMaxPool" or "GlobalAveragePool", { x }) end
  pad_attrs(p, p.padType, n, attrs)
  if not is_max then attrs.count_include_pad = p.countType == 1 and 1 or 0 end
  return c:op(is_max and "MaxPool" or "AveragePool", { x }, attrs)
end

function M.Pooling(c, p, x)
  local attrs = { kernel_shape = { p.kernelY, p.kernelX },
    strides = { math.max(p.strideY, 1), math.max(p.strideX, 1) } }
  if not p.isGlobal and math.min(p.kernelY, p.kernelX) <= 0 then
    c:fail "an empty window"
  end
  if p.padType == CAFFE and p.ceilModel then attrs.ceil_mode = 1 end
  local rank = c:rank(x[1])
  local y = pooled(c, lifted(c, x[1]), p, 2, attrs)
  return rank == 3 and c:op("Squeeze", { y, c:i64 { 3 } }) or y
end

function M.Pooling3D(c, p, x)
  return pooled(c, x[1], p, 3, { kernel_shape = p.kernels, strides = p.strides })
end

return M
