--- Convolutions, transposed ones and inner products. Where a layer has int8 weights ncnn quantises
--- its input, counts in whole numbers and scales back; so does the graph, in f32.
local M = {}

local SAME_UPPER, SAME_LOWER = -233, -234

--- Parameter ids of a window's kernel, dilation, stride and pads, outermost dimension first.
local axes = {
  { kernel = { 1 }, dilation = { 2 }, stride = { 3 }, first = { 4 }, last = { 15 } },
  { kernel = { 11, 1 }, dilation = { 12, 2 }, stride = { 13, 3 }, first = { 14, 4 },
    last = { 16, 15 } },
  { kernel = { 21, 11, 1 }, dilation = { 22, 12, 2 }, stride = { 23, 13, 3 },
    first = { 24, 14, 4 }, last = { 17, 16, 15 } },
}

--- Sizes of a window. Heights and depths default to widths, pads behind to those before.
local function window(c, L, n)
  local p, ids = L.params, axes[n]
  local function list(which, default)
    local base, out = p:int(ids[which][n], default), {}
    for i, id in ipairs(ids[which]) do
      out[i] = p:int(id, base)
      if out[i] <= 0 then c:fail("%s %d", which, out[i]) end
    end
    return out
  end
  local w = { kernel = list("kernel", 0), dilation = list("dilation", 1), stride = list("stride", 1) }
  local left = p:int(4, 0)
  w.pads = {}
  for i, id in ipairs(ids.first) do w.pads[i] = p:int(id, left) end
  for i, id in ipairs(ids.last) do w.pads[n + i] = p:int(id, w.pads[i]) end
  w.volume = 1
  for _, k in ipairs(w.kernel) do w.volume = w.volume * k end
  return w
end
M.window = window

--- The attributes for the pads; negative ones that mean nothing else are refused.
local function pad_attrs(c, w, attrs)
  if w.pads[1] == SAME_UPPER then
    attrs.auto_pad = "SAME_UPPER"
  elseif w.pads[1] == SAME_LOWER then
    attrs.auto_pad = "SAME_LOWER"
  else
    for _, pad in ipairs(w.pads) do
      if pad < 0 then c:fail("pad %d", pad) end
    end
    attrs.pads = w.pads
  end
  return attrs
end

--- Pads of another value than 0 come before the convolution.
local function apart(c, x, w, value)
  local n = #w.kernel
  if value == 0 then return x end
  local pads = { 0, 0 }
  if w.pads[1] == SAME_UPPER or w.pads[1] == SAME_LOWER then
    local sizes = c:sizes(x)
    if not sizes then c:fail "padded to the same size with another value than 0 at free sizes" end
    for i = 1, n do
      local extent = w.dilation[i] * (w.kernel[i] - 1) + 1
      local size = sizes[i + 1]
      local total = math.max(0, extent + (size - 1) // w.stride[i] * w.stride[i] - size)
      local first = w.pads[1] == SAME_UPPER and total // 2 or total - total // 2
      pads[2 + i], pads[4 + n + i] = first, total - first
    end
  else
    for i = 1, n do pads[2 + i], pads[4 + n + i] = w.pads[i], w.pads[n + i] end
  end
  pads[3 + n], pads[4 + n] = 0, 0
  for i = 1, 2 * n do w.pads[i] = 0 end
  return c:op("Pad", { x, c:i64(pads), c:f32(value) }, { mode = "constant" })
end

local function concat(...)
  local out = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #out + 1, out) end
  return out
end

--- int8 weights: scales are of the weights (one an output, or one a group), of the input, and of the
--- output where the next layer takes int8.
local function load_scales(c, term, n_out, group)
  local s = {}
  if group == nil or term % 100 == 1 then
    s.weight = c:load({ group or n_out }, 1, "weight scale")
  else
    s.weight = c:load({ 1 }, 1, "weight scale")
  end
  s.input = c:load({ 1 }, 1, "input scale")
  if term > 100 then s.output = c:load({ 1 }, 1, "input scale") end
  return s
end

local function quantised(c, x, s)
  if c.int8[x] then return x end
  return c:to_int8(c:mul(x, c:weight(s.input)))
end

--- 1 / (scale of the input * scale of each output's weights), [n_out, 1, ...]; 0 where that is 0.
local function descale(s, n_out, rank)
  local one = s.weight.count > 1 and s.weight or s.weight:expand { n_out }:contiguous()
  if one.count ~= n_out then -- one a group
    one = one:reshape(one.count, 1):expand({ one.count, n_out // one.count }):contiguous()
      :reshape(n_out)
  end
  local product = one * s.input
  local is_zero = product:eq(0):cast "f32"
  local inverse = (1 - is_zero) / (product + is_zero)
  local shape = { n_out }
  for i = 2, rank do shape[i] = 1 end
  return inverse:reshape(shape)
end

local function requantised(c, x, s)
  if not s.output then return x end
  local y = c:to_int8(c:mul(x, c:weight(s.output)))
  c.int8[y] = true
  return y
end

--- What comes behind an int8 sum: scale, bias, activation, and int8 again where the next wants it.
local function finish_int8(c, L, y, s, n_out, bias, rank)
  y = c:mul(y, c:weight(descale(s, n_out, rank)))
  if bias then y = c:add(y, c:per_channel(bias, y)) end
  y = c:activation(y, L.params:int(9, 0), L.params:floats(10))
  return requantised(c, y, s)
end

local function convolution(n, has_group)
  return function(c, L)
    local p, x = L.params, L.x[1]
    local n_out, group = p:int(0, 0), has_group and p:int(7, 1) or 1
    local term = p:int(8, 0)
    if p:int(19, 0) == 1 then return M.dynamic(c, L, n, group) end
    if c:rank(x) == 1 and n == 2 then x = c:unsqueeze(x, { 2, 3 }) end -- as an inner product
    local w = window(c, L, n)
    local count = p:int(6, 0)
    local per_out = n_out > 0 and count // n_out or 0
    if group <= 0 or n_out <= 0 or n_out % group ~= 0 or per_out * n_out ~= count
      or per_out % w.volume ~= 0 or per_out == 0 then
      c:fail("%d weights for %d outputs in %d groups of a window of %d", count, n_out, group, w.volume)
    end
    local shape = concat({ n_out, per_out // w.volume }, w.kernel)
    local weight = c:load(shape, 0, term ~= 0 and "i8" or nil)
    local bias = p:int(5, 0) ~= 0 and c:load({ n_out }, 1) or nil
    local scales = term ~= 0 and load_scales(c, term, n_out, has_group and group or nil)
    local attrs = { kernel_shape = w.kernel, strides = w.stride, dilations = w.dilation,
      group = group }
    if scales and weight.dtype == "i8" then
      local q = apart(c, quantised(c, x, scales), w, 0)
      local y = c:op("Conv", { q, c:weight(weight) }, pad_attrs(c, w, attrs))
      return finish_int8(c, L, y, scales, n_out, bias, n + 1)
    end
    x = apart(c, x, w, p:float(18, 0))
    local y = c:op("Conv", { x, c:weight(weight), bias and c:weight(bias) or nil },
      pad_attrs(c, w, attrs))
    return c:activation(y, p:int(9, 0), p:floats(10))
  end
end

--- The weights are the second input, [out, in, kernel...] without a batch; the bias the third.
function M.dynamic(c, L, n, group)
  local p, x = L.params, L.x[1]
  if not L.x[2] then c:fail "its weights should be an input" end
  local shape = c:sizes(L.x[2])
  if not shape or #shape ~= n + 2 then
    if not shape or #shape ~= n + 1 then c:fail "weights of unknown sizes" end
    -- one input channel a group: ncnn drops it
    L.x[2] = c:unsqueeze(L.x[2], { 2 })
    shape = c:sizes(L.x[2])
  end
  local w = { stride = {}, dilation = {}, kernel = table.move(shape, 3, #shape, 1, {}) }
  for i, id in ipairs(axes[n].kernel) do L.params.values[id] = w.kernel[i] end
  L.params.is_raw = L.params.is_raw or false
  w = window(c, L, n)
  x = apart(c, x, w, p:float(18, 0))
  local inputs = { x, c:squeeze(L.x[2], { 0 }) }
  if p:int(5, 0) ~= 0 and L.x[3] then inputs[3] = c:reshape(L.x[3], { -1 }) end
  local y = c:op("Conv", inputs, pad_attrs(c, w, { kernel_shape = w.kernel, strides = w.stride,
    dilations = w.dilation, group = group }))
  return c:activation(y, p:int(9, 0), p:floats(10))
end

-- ---- transposed -------------------------------------------------------------------------------

local output_ids = {
  { pad = { 18 }, size = { 20 } },
  { pad = { 19, 18 }, size = { 21, 20 } },
  { pad = { 20, 19, 18 }, size = { 27, 26, 25 } },
}

--- ncnn keeps [group, out/group, in/group, kernel]; ONNX wants [in, out/group, kernel].
local function transposed_weight(c, weight, n_out, group, kernel)
  local n_in = weight.shape[2]
  local perm, split = { 1, 3, 2 }, concat({ group, n_out // group, n_in }, kernel)
  for i = 1, #kernel do perm[3 + i] = 3 + i end
  if n_out == group and n_in == 1 then
    return c:weight(weight:reshape(concat({ group, 1 }, kernel)))
  end
  local zero_based = {}
  for i, axis in ipairs(perm) do zero_based[i] = axis - 1 end
  local turned = c:transpose(c:weight(weight:reshape(split)), zero_based)
  return c:reshape(turned, concat({ group * n_in, n_out // group }, kernel))
end

local function deconvolution(n, has_group)
  return function(c, L)
    local p, x = L.params, L.x[1]
    local n_out, group = p:int(0, 0), has_group and p:int(7, 1) or 1
    if p:int(28, 0) == 1 then return M.dynamic_transposed(c, L, n, group) end
    local w, count = window(c, L, n), p:int(6, 0)
    if group <= 0 or n_out <= 0 or n_out % group ~= 0 or count <= 0
      or count % (n_out * w.volume) ~= 0 then
      c:fail("%d weights for %d outputs", count, n_out)
    end
    local weight = c:load(concat({ n_out, count // n_out // w.volume }, w.kernel), 0)
    local bias = p:int(5, 0) ~= 0 and c:weight(c:load({ n_out }, 1)) or nil
    local attrs = { kernel_shape = w.kernel, strides = w.stride, dilations = w.dilation,
      group = group }
    local ids = output_ids[n]
    local pad, size = p:int(18, 0), p:int(ids.size[n], 0)
    attrs.output_padding = {}
    for i, id in ipairs(ids.pad) do attrs.output_padding[i] = p:int(id, pad) end
    if size > 0 and (w.pads[1] == SAME_UPPER or w.pads[1] == SAME_LOWER) then
      attrs.output_shape = {}
      for i, id in ipairs(ids.size) do attrs.output_shape[i] = p:int(id, size) end
    end
    pad_attrs(c, w, attrs)
    if attrs.auto_pad and not attrs.output_shape then -- nothing is cut
      attrs.auto_pad, attrs.pads = nil, {}
      for i = 1, 2 * n do attrs.pads[i] = 0 end
    end
    local y = c:op("ConvTranspose",
      { x, transposed_weight(c, weight, n_out, group, w.kernel), bias }, attrs)
    return c:activation(y, p:int(9, 0), p:floats(10))
  end
end

function M.dynamic_transposed(c)
  return c:unsupported("with weights as inputs", "constant weights")
end

-- ---- deformable -------------------------------------------------------------------------------

local function deformable(c, L)
  local p, w = L.params, window(c, L, 2)
  local n_out, count = p:int(0, 0), p:int(6, 0)
  if n_out <= 0 or count <= 0 or count % (n_out * w.volume) ~= 0 then
    c:fail("%d weights for %d outputs", count, n_out)
  end
  local shape = concat({ n_out, count // n_out // w.volume }, w.kernel)
  local weight = c:weight(c:load(shape, 0))
  local bias = p:int(5, 0) ~= 0 and c:weight(c:load({ n_out }, 1)) or ""
  local attrs = pad_attrs(c, w, { kernel_shape = w.kernel, strides = w.stride,
    dilations = w.dilation, group = 1, offset_group = 1 })
  local y = c:op("DeformConv", { L.x[1], weight, L.x[2], bias, L.x[3] }, attrs)
  return c:activation(y, p:int(9, 0), p:floats(10))
end

-- ---- inner products ---------------------------------------------------------------------------

local function inner_product(c, L)
  local p, x = L.params, L.x[1]
  local n_out, count, term = p:int(0, 0), p:int(2, 0), p:int(8, 0)
  if n_out <= 0 or count <= 0 or count % n_out ~= 0 then
    c:fail("%d weights for %d outputs", count, n_out)
  end
  local n_in = count // n_out
  local weight = c:load({ n_out, n_in }, 0, term ~= 0 and "i8" or nil)
  local bias = p:int(1, 0) ~= 0 and c:load({ n_out }, 1) or nil
  local scales = term ~= 0 and
    { weight = c:load({ n_out }, 1, "weight scale"), input = c:load({ 1 }, 1, "input scale") }
  local shape = c:shape(x)
  local is_rows = #shape == 2 and (shape[2] == n_in or math.type(shape[2]) ~= "integer")
  local flat = c:reshape(x, { -1, n_in })
  local y
  if scales and weight.dtype == "i8" then
    y = c:op("Gemm", { quantised(c, flat, scales), c:weight(weight) }, { transB = 1 })
    y = c:mul(y, c:weight(descale(scales, n_out, 1)))
    if bias then y = c:add(y, c:weight(bias)) end
  else
    y = c:op("Gemm", { flat, c:weight(weight), bias and c:weight(bias) or nil }, { transB = 1 })
  end
  if is_rows then y = c:unsqueeze(y, { 0 }) end
  return c:activation(y, p:int(9, 0), p:floats(10))
end

return {
  Convolution = convolution(2, false),
  Convolution1D = convolution(1, false),
  Convolution3D = convolution(3, false),
  ConvolutionDepthWise = convolution(2, true),
  ConvolutionDepthWise1D = convolution(1, true),
  ConvolutionDepthWise3D = convolution(3, true),
  Deconvolution = deconvolution(2, false),
  Deconvolution1D = deconvolution(1, false),
  Deconvolution3D = deconvolution(3, false),
  DeconvolutionDepthWise = deconvolution(2, true),
  DeconvolutionDepthWise1D = deconvolution(1, true),
  DeconvolutionDepthWise3D = deconvolution(3, true),
  DeformableConv2D = deformable,
  InnerProduct = inner_product,
}
