--- Convolutions.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"

local M = {}

local SAME = 0

--- Padding before and behind of one axis.
local function same_padding(input, kernel, stride, dilation)
  local out = (input + stride - 1) // stride
  local total = math.max((out - 1) * stride + (kernel - 1) * dilation + 1 - input, 0)
  return total // 2, total - total // 2
end

--- Attributes of a window: kernel_shape, strides, dilations, pads, or auto_pad where sizes are
--- unknown.
---@param sizes integer[] of the input's spatial axes
function M.window(padding, sizes, kernel, strides, dilations)
  local attrs = { kernel_shape = kernel, strides = strides, dilations = dilations }
  if padding ~= SAME then return attrs end
  local before, behind, is_known = {}, {}, true
  for i, size in ipairs(sizes) do
    is_known = is_known and size >= 0
    before[i], behind[i] = same_padding(size, kernel[i], strides[i], dilations[i])
  end
  if not is_known then
    attrs.auto_pad = "SAME_UPPER"
    return attrs
  end
  attrs.pads = table.move(behind, 1, #behind, #before + 1, before)
  return attrs
end

local function check_positive(s, list, what)
  for _, v in ipairs(list) do
    if v < 1 then s:bad("%s: expected at least 1, got %d", what, v) end
  end
end

--- Multipliers for each output channel; one where all channels share a scale.
local function factors(x, w, out, channels)
  local multipliers, shifts = {}, {}
  for i = 1, #w.scales > 1 and channels or 1 do
    multipliers[i], shifts[i] = fixed.multiplier(x.scale * (w.scales[i] or w.scale) / out.scale)
  end
  return multipliers, shifts
end

--- A sum to the output's type: bias, factor by channel, activation.
---@param o { axis: integer, channels: integer, activation: integer, bias_t: table? }
function M.finish_sum(s, sum, x, w, bias, out, o)
  local low, high = quant.range(s, o.activation, out)
  local m, e = factors(x, w, out, o.channels)
  local is_wide = x.dtype == "i16" and not (o.bias_t and o.bias_t.dtype == "i32")
  local rounding = o.rounding or is_wide and "wide" or "double"
  if o.bias_t or #m > 1 then
    for i = 2, o.channels do m[i], e[i] = m[i] or m[1], e[i] or e[1] end
  end
  return quant.rescale(s, sum, { multiplier = m, shift = e, bias = bias, axis = o.axis,
    zero = out.zero, low = low, high = high, to = out.dtype, rounding = rounding })
end

function M.bias64(s, node, i)
  local t = s:t(node, i)
  if not t then return nil end
  local x = s:x(node, i)
  return t.dtype == "i64" and x or quant.cast(s, x, "i64"), t
end

--- The zero point of weights, a constant of their type; nil where it is none.
local function zero_value(s, t)
  if t.zero == 0 then return nil end
  return s.b:constant(t.zero, t.dtype)
end
M.zero_value = zero_value

--- Exact sums: i32 of 8 bits, i64 of 16 (through f64, whose 53 bits they don't fill).
local function integer_sum(s, x, w, xt, wt, attrs)
  if xt.dtype == "i16" then
    local y = s.b:op("Conv", { quant.cast(s, x, "f64"), quant.cast(s, w, "f64") }, attrs)
    return quant.cast(s, y, "i64")
  end
  local xz, wz = zero_value(s, xt), zero_value(s, wt)
  local inputs = { x, w, xz or wz and s.b:constant(0, xt.dtype) or nil, wz }
  return s.b:op("ConvInteger", inputs, attrs)
end
M.integer_sum = integer_sum

--- x and weights as convolutions want them, through whatever arithmetic their types mean.
local function convolve(s, node, w, channels, attrs, first_layout)
  local xt, wt, out = s:need(node, 1), s:need(node, 2), s:out_t(node)
  local activation = node.o.fused_activation_function
  local x = s:x(node, 1, "first")
  if xt.is_quantized then
    local sum = integer_sum(s, x, w, xt, wt, attrs)
    local bias, bias_t = M.bias64(s, node, 3)
    return M.finish_sum(s, sum, xt, wt, bias, out, { axis = 1, channels = channels,
      activation = activation, bias_t = bias_t })
  end
  if wt.is_integer then
    -- Hybrid: the input is quantised on the fly, one picture at a time.
    x = quant.requantize_rows(s, x, 1, #wt.scales > 1 or first_layout)
  end
  local y = s.b:op("Conv", { x, w, s:x(node, 3) }, attrs)
  return quant.activate(s, y, activation)
end

--- Weights in the order of ONNX; those of hybrid operators as f32.
local function weights(s, node, perm)
  local t = s:need(node, 2)
  local w = s:x(node, 2)
  if not s:need(node, 1).is_quantized then w = quant.dequantize_weights(s, w, t) end
  return s.b:transpose(w, perm)
end

local function spatial(t, first, n)
  local sizes = {}
  for i = 1, n do sizes[i] = t.shape[first + i - 1] or -1 end
  return sizes
end

function M.CONV_2D(s, node)
  local xt, wt, o = s:need(node, 1), s:need(node, 2), node.o
  if xt.rank ~= 4 or wt.rank ~= 4 then s:bad "expected rank 4" end
  local strides, dilations = { o.stride_h, o.stride_w },
    { o.dilation_h_factor, o.dilation_w_factor }
  check_positive(s, strides, "stride")
  check_positive(s, dilations, "dilation")
  local attrs = M.window(o.padding, spatial(xt, 2, 2), { wt.shape[2], wt.shape[3] }, strides,
    dilations)
  local depth = wt.shape[4]
  if depth < 1 or xt.shape[4] % depth ~= 0 then
    s:bad("%d channels for weights of %d", xt.shape[4], depth)
  end
  attrs.group = xt.shape[4] // depth
  s:set(node, 1, convolve(s, node, weights(s, node, { 0, 3, 1, 2 }), wt.shape[1], attrs), "first")
end

function M.DEPTHWISE_CONV_2D(s, node)
  local xt, wt, o = s:need(node, 1), s:need(node, 2), node.o
  if xt.rank ~= 4 or wt.rank ~= 4 then s:bad "expected rank 4" end
  local strides, dilations = { o.stride_h, o.stride_w },
    { o.dilation_h_factor, o.dilation_w_factor }
  check_positive(s, strides, "stride")
  check_positive(s, dilations, "dilation")
  local attrs = M.window(o.padding, spatial(xt, 2, 2), { wt.shape[2], wt.shape[3] }, strides,
    dilations)
  attrs.group = xt.shape[4]
  s:set(node, 1, convolve(s, node, weights(s, node, { 3, 0, 1, 2 }), wt.shape[4], attrs, true),
    "first")
end

function M.CONV_3D(s, node)
  local xt, wt, o = s:need(node, 1), s:need(node, 2), node.o
  if xt.rank ~= 5 or wt.rank ~= 5 then s:bad "expected rank 5" end
  local attrs = M.window(o.padding, spatial(xt, 2, 3), { wt.shape[1], wt.shape[2], wt.shape[3] },
    { o.stride_d, o.stride_h, o.stride_w },
    { o.dilation_d_factor, o.dilation_h_factor, o.dilation_w_factor })
  attrs.group = xt.shape[5] // math.max(wt.shape[4], 1)
  s:set(node, 1, convolve(s, node, weights(s, node, { 4, 3, 0, 1, 2 }), wt.shape[5], attrs),
    "first")
end

-- ---- transposed
-- -----------------------------------------------------------------------------------

--- Attributes so that sizes `to` come out of sizes `from`: what is too much is cut off (pads),
--- what is missing is added behind (output_padding).
local function transposed_window(s, padding, from, to, kernel, strides, dilations)
  local n = #from
  local attrs = { kernel_shape = kernel, strides = strides, dilations = dilations }
  local pads, extra = {}, {}
  for i = 1, n do
    if to[i] < 0 or from[i] < 0 then s:bad "transposed convolution of unknown size" end
    local before = 0
    if padding == SAME then before = same_padding(to[i], kernel[i], strides[i], dilations[i]) end
    local full = (from[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
    local behind = full - before - to[i]
    pads[i], pads[n + i], extra[i] = before, math.max(behind, 0), math.max(-behind, 0)
  end
  attrs.pads = pads
  return attrs, extra
end

--- Zeros behind, where the output is larger than what is written.
local function grow(s, y, extra, dtype)
  local pads, is_any = { 0, 0 }, false
  for _ = 1, #extra do pads[#pads + 1] = 0 end
  pads[#pads + 1], pads[#pads + 2] = 0, 0
  for _, e in ipairs(extra) do
    pads[#pads + 1] = e
    is_any = is_any or e > 0
  end
  if not is_any then return y end
  return s.b:op("Pad", { y, s.b:i64(pads), s.b:constant(0, dtype) })
end

local function transposed(s, node, n, perm, places)
  local xt, wt, out, o = s:need(node, 3), s:need(node, 2), s:out_t(node), node.o
  local rank = n + 2
  if xt.rank ~= rank or wt.rank ~= rank then s:bad("expected rank %d", rank) end
  local wanted = s:ints(node, 1)
  local to = {}
  for i = 1, n do to[i] = wanted and wanted[1 + i] or out.shape[1 + i] or -1 end
  local kernel = {}
  for i = 1, n do kernel[i] = wt.shape[places.kernel + i - 1] end
  local attrs, extra = transposed_window(s, o.padding, spatial(xt, 2, n), to, kernel,
    places.strides, places.dilations)
  local x, w = s:x(node, 3, "first"), s:x(node, 2)
  local channels = wt.shape[places.channels]
  local activation = o.fused_activation_function or 0
  if not xt.is_quantized then
    if wt.is_integer then x = quant.requantize_rows(s, x, 1, #wt.scales > 1) end
    w = s.b:transpose(quant.dequantize_weights(s, w, wt), perm)
    local y = grow(s, s.b:op("ConvTranspose", { x, w }, attrs), extra, "f32")
    local bias = s:x(node, 4)
    if bias then
      local shape = { channels }
      for i = 1, n do shape[1 + i] = 1 end
      y = s.b:op("Add", { y, s.b:reshape(bias, shape) })
    end
    return s:set(node, 1, quant.activate(s, y, activation), "first")
  end
  --- Sums in f64 are exact.
  local function exact(v, t)
    local y = quant.cast(s, v, "f64")
    return t.zero ~= 0 and s.b:op("Sub", { y, s.b:constant(t.zero + 0.0, "f64") }) or y
  end
  local sum = s.b:op("ConvTranspose", { exact(x, xt), s.b:transpose(exact(w, wt), perm) }, attrs)
  sum = quant.cast(s, grow(s, sum, extra, "f64"), "i64")
  local bias, bias_t = M.bias64(s, node, 4)
  s:set(node, 1, M.finish_sum(s, sum, xt, wt, bias, out, { axis = 1, channels = channels,
    activation = activation, bias_t = bias_t }), "first")
end

function M.TRANSPOSE_CONV(s, node)
  local o = node.o
  check_positive(s, { o.stride_h, o.stride_w }, "stride")
  transposed(s, node, 2, { 3, 0, 1, 2 },
    { kernel = 2, channels = 1, strides = { o.stride_h, o.stride_w }, dilations = { 1, 1 } })
end

function M.CONV_3D_TRANSPOSE(s, node)
  local o = node.o
  transposed(s, node, 3, { 4, 3, 0, 1, 2 }, { kernel = 1, channels = 4,
    strides = { o.stride_d, o.stride_h, o.stride_w },
    dilations = { o.dilation_d_factor, o.dilation_h_factor, o.dilation_w_factor } })
end

return M
