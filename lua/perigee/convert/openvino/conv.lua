--- Convolutions, their transposes, and those at moved places.
--- Convolutions, their transposes, and those at moved places.
local tensor = require "perigee.tensor"

local M = {}

local auto_pads = { same_upper = "SAME_UPPER", same_lower = "SAME_LOWER", valid = "VALID" }

--- Strides, dilations, padding.
local function window(c, L, n)
  local ones = {}
  for i = 1, n do ones[i] = 1 end
  local attrs = { strides = c:ints(L, "strides", ones), dilations = c:ints(L, "dilations", ones) }
  local auto = auto_pads[c:word(L, "auto_pad", "explicit")]
  if auto then
    attrs.auto_pad = auto
  else
    local pads, ends = c:ints(L, "pads_begin", {}), c:ints(L, "pads_end", {})
    for i = 1, n do pads[i] = pads[i] or 0 end
    for i = 1, n do pads[n + i] = ends[i] or 0 end
    attrs.pads = pads
  end
  return attrs
end

--- A filter [G, O/G, I/G, k...] as [O, I/G, k...]; `keep` axes behind the first two of it.
local function merged(c, L)
  local dims = c:dims(L, 2)
  if #dims < 4 then c:fail(L, "a filter of %d axes", #dims) end
  local t = c:known(L, 2)
  local shape = { dims[1] >= 0 and dims[2] >= 0 and dims[1] * dims[2] or -1 }
  for i = 3, #dims do shape[i - 1] = dims[i] end
  if not c:count(shape) then c:fail(L, "a filter of free sizes") end
  if t then return c:constant(t:reshape(shape)) end
  return c:reshape(c:x(L, 2), shape)
end

function M.Convolution(c, L)
  return c:op("Conv", { c:x(L, 1), c:x(L, 2) }, window(c, L, c:rank(L, 2) - 2))
end

function M.GroupConvolution(c, L)
  local attrs = window(c, L, c:rank(L, 2) - 3)
  attrs.group = c:dims(L, 2)[1]
  if attrs.group < 1 then c:fail(L, "%d groups", attrs.group) end
  return c:op("Conv", { c:x(L, 1), merged(c, L) }, attrs)
end

--- Padding of a transpose whose size is told, or that is to be the input's times the stride.
local function backprop(c, L, filter, kernel, group)
  local n = #kernel
  local attrs = window(c, L, n)
  attrs.group = group
  local extra = c:ints(L, "output_padding", {})
  local auto = attrs.auto_pad
  local sizes = L.x[3] and c:numbers(L, 3)
  if L.x[3] and not sizes then
    return c:unsupported(L, "of a computed size", "a constant output shape")
  end
  if sizes then
    local pads, out = {}, {}
    for i = 1, n do
      local size = c:dims(L, 1)[2 + i]
      if not size or not sizes[i] then c:fail(L, "%d sizes for %d axes", #sizes, n) end
      if size < 0 then return c:unsupported(L, "to a given size from a free one") end
      local whole = attrs.strides[i] * (size - 1) + (kernel[i] - 1) * attrs.dilations[i] + 1
        + (extra[i] or 0)
      if auto == "SAME_UPPER" or auto == "SAME_LOWER" then
        local total = math.max(whole - sizes[i], 0)
        pads[i] = auto == "SAME_LOWER" and total // 2 or total - total // 2
        pads[n + i] = total - pads[i]
      elseif auto == "VALID" then
        pads[i], pads[n + i] = 0, 0
      else
        pads[i], pads[n + i] = attrs.pads[i], attrs.pads[n + i]
      end
      out[i] = sizes[i] - (whole - (extra[i] or 0) - pads[i] - pads[n + i])
    end
    attrs.auto_pad, attrs.pads, extra = nil, pads, out
  end
  for i = 1, n do
    extra[i] = extra[i] or 0
    if extra[i] ~= 0 then attrs.output_padding = extra end
    -- More than a stride can't be said of ONNX's operator; zeros would have to be added.
    if extra[i] < 0 or extra[i] >= math.max(attrs.strides[i], attrs.dilations[i]) then
      if extra[i] ~= 0 then return c:unsupported(L, ("with output padding %d"):format(extra[i])) end
    end
  end
  if attrs.auto_pad == "SAME_UPPER" or attrs.auto_pad == "SAME_LOWER" then
    -- Without a size these mean no padding.
    attrs.auto_pad = nil
    attrs.pads = nil
  elseif attrs.auto_pad == "VALID" then
    attrs.auto_pad = nil
  end
  return c:op("ConvTranspose", { c:x(L, 1), filter }, attrs)
end

local function kernel_of(c, L, from)
  local kernel, dims = {}, c:dims(L, 2)
  for i = from, #dims do kernel[#kernel + 1] = dims[i] end
  return kernel
end

function M.ConvolutionBackpropData(c, L)
  return backprop(c, L, c:x(L, 2), kernel_of(c, L, 3))
end

function M.GroupConvolutionBackpropData(c, L)
  return backprop(c, L, merged(c, L), kernel_of(c, L, 4), c:dims(L, 2)[1])
end

--- Without bilinear_interpolation_pad a place outside of the picture gives nothing, and one between the
--- last row and the end the last row; ONNX fades to zero instead. So places are kept inside, and the
--- mask tells which were. Gives the offsets and the mask.
local function kept_inside(c, L, attrs)
  local x, off, filter = c:dims(L, 1), c:dims(L, 2), c:dims(L, 3)
  if #x ~= 4 or #off ~= 4 or #filter ~= 4 then c:fail(L, "values of other than 4 axes") end
  local h, w, kh, kw, oh, ow = x[3], x[4], filter[3], filter[4], off[3], off[4]
  if not c:count { h, w, kh, kw, oh, ow } then return nil end
  local function rows(size_out, stride, pad, list)
    for i = 0, size_out - 1 do list[i + 1] = i * stride - pad end
    return tensor.new(list, "f32")
  end
  local y = rows(oh, attrs.strides[1], attrs.pads[1], {}):reshape(1, 1, oh, 1)
  local z = rows(ow, attrs.strides[2], attrs.pads[2], {}):reshape(1, 1, 1, ow)
  local places = tensor.zeros { kh * kw, 2, oh, ow }
  for i = 0, kh * kw - 1 do
    local one = places:select(1, i + 1)
    one:select(1, 1):copy_from(y:reshape(oh, 1):add(i // kw * attrs.dilations[1]))
    one:select(1, 2):copy_from(z:reshape(1, ow):add(i % kw * attrs.dilations[2]))
  end
  local base = c:constant(places, c:type_of(L, 2))
  local groups, dtype = attrs.offset_group, c:type_of(L, 2)
  local function op(type, ...) return (c:op(type, { ... })) end
  local at = op("Add", c:reshape(c:x(L, 2), { -1, groups, kh * kw, 2, oh, ow }), base)
  local function limits(a, b) return c:constant(tensor.new({ a, b }, dtype):reshape(2, 1, 1)) end
  local inside = op("And", op("GreaterOrEqual", at, c:constant(0, dtype)), op("Less", at, limits(h, w)))
  local mask = c:op("ReduceMin", { (c:op("Cast", { inside }, { to = dtype })), c:i64 { 3 } }, { keepdims = 0 })
  mask = c:reshape(mask, { -1, groups * kh * kw, oh, ow })
  if L.x[4] then mask = op("Mul", mask, L.x[4]) end
  local moved = op("Sub", op("Min", at, limits(h - 1, w - 1)), base)
  return c:reshape(moved, { -1, groups * kh * kw * 2, oh, ow }), mask
end

--- data, offsets, filter, mask.
function M.DeformableConvolution(c, L)
  local attrs = window(c, L, 2)
  if attrs.auto_pad and attrs.auto_pad ~= "VALID" then
    return c:unsupported(L, "with auto_pad", "explicit padding")
  end
  attrs.auto_pad = nil
  attrs.group = c:int(L, "group", 1)
  attrs.offset_group = c:int(L, "deformable_group", 1)
  if not attrs.pads then attrs.pads = { 0, 0, 0, 0 } end
  local offsets, mask = c:x(L, 2), L.x[4]
  if not c:bool(L, "bilinear_interpolation_pad", false) then
    offsets, mask = kept_inside(c, L, attrs)
    if not offsets then return c:unsupported(L, "of free sizes", "bilinear_interpolation_pad") end
  end
  return c:op("DeformConv", { c:x(L, 1), c:x(L, 3), offsets, "", mask }, attrs)
end

return M
