--- Resizing, sampling at places, regions of interest, patches.
local tensor = require "perigee.tensor"

local M = {}

local modes = { nearest = "nearest", linear = "linear", linear_onnx = "linear", cubic = "cubic",
  bilinear_pillow = "linear", bicubic_pillow = "cubic", area = "linear" }

local coordinates = { half_pixel = "half_pixel", asymmetric = "asymmetric",
  align_corners = "align_corners", pytorch_half_pixel = "pytorch_half_pixel",
  tf_half_pixel_for_nn = "tf_half_pixel_for_nn" }

--- Padding before resizing, where there is any.
local function padded(c, L)
  local first, last, n = c:ints(L, "pads_begin", {}), c:ints(L, "pads_end", {}), c:rank(L, 1)
  local pads, any = {}, false
  for i = 1, n do
    pads[i], pads[n + i] = first[i] or 0, last[i] or 0
    any = any or pads[i] ~= 0 or pads[n + i] ~= 0
  end
  return any and c:op("Pad", { c:x(L, 1), c:i64(pads) }) or c:x(L, 1), pads
end

--- Version 1: linear of two axes, corners aligned or not.
local function interpolate_1(c, L)
  local axes, attrs = c:ints(L, "axes"), {}
  local mode = c:word(L, "mode")
  if mode ~= "nearest" and mode ~= "linear" then return c:unsupported(L, "with mode " .. mode) end
  attrs.mode, attrs.axes = mode, axes
  attrs.coordinate_transformation_mode = c:bool(L, "align_corners", true) and "align_corners" or "asymmetric"
  if mode == "nearest" then attrs.nearest_mode = "floor" end
  return c:op("Resize", { (padded(c, L)), "", "", c:as_i64(L, 2) }, attrs)
end

--- `antialias` is left out: OpenVINO's processor backend takes no notice of it; the pillow modes always
--- widen their filters.
function M.Interpolate(c, L)
  if L.opset < 4 then return interpolate_1(c, L) end
  local mode = c:word(L, "mode")
  local by_scales = c:word(L, "shape_calculation_mode") == "scales"
  local rank = c:rank(L, 1)
  local axes_at = L.opset >= 11 and 3 or 4
  local axes
  if L.x[axes_at] then
    axes = c:need_numbers(L, axes_at, "axes")
    if not axes then return end
    for i, axis in ipairs(axes) do axes[i] = c:axis(L, axis, rank) end
  else
    axes = {}
    for i = 1, rank do axes[i] = i - 1 end
  end
  local x = padded(c, L)
  local pillow = mode:find "pillow"
  local attrs = { axes = axes, mode = modes[mode] or c:fail(L, "mode '%s'", mode) }
  local transform = c:word(L, "coordinate_transformation_mode", "half_pixel")
  attrs.coordinate_transformation_mode = coordinates[transform] or c:fail(L, "transform '%s'", transform)
  if mode == "nearest" then attrs.nearest_mode = c:word(L, "nearest_mode", "round_prefer_floor") end
  if mode == "nearest" and attrs.nearest_mode == "simple" then
    -- Down: ceiling; up: truncation.
    local known = by_scales and c:numbers(L, axes_at - 1)
    if not known then return c:unsupported(L, "with nearest_mode simple") end
    attrs.nearest_mode = known[1] < 1 and "ceil" or "floor"
  end
  if pillow then
    attrs.antialias, attrs.exclude_outside = 1, 1
    if attrs.mode == "cubic" then attrs.cubic_coeff_a = -0.5 end
  elseif mode == "cubic" then
    attrs.cubic_coeff_a = c:float(L, "cube_coeff", -0.75)
  end
  local scales, sizes = "", ""
  if L.opset >= 11 then
    if by_scales then scales = c:x(L, 2) else sizes = c:as_i64(L, 2) end
  elseif by_scales then
    scales = c:x(L, 3)
  else
    sizes = c:as_i64(L, 2)
  end
  local scale_at = L.opset >= 11 and 2 or 3
  if scales ~= "" then scales = c:cast(scales, c:type_of(L, scale_at), "f32") end
  return c:op("Resize", { x, "", scales, sizes }, attrs)
end

function M.GridSample(c, L)
  local names = { bilinear = "linear", nearest = "nearest", bicubic = "cubic" }
  local mode = c:word(L, "mode", "bilinear")
  return c:op("GridSample", { c:x(L, 1), c:cast(c:x(L, 2), c:type_of(L, 2), c:type_of(L, 1)) }, {
    mode = names[mode] or c:fail(L, "mode '%s'", mode), padding_mode = c:word(L, "padding_mode", "zeros"),
    align_corners = c:bool(L, "align_corners", false) and 1 or 0 })
end

function M.ROIAlign(c, L)
  local aligned = c:word(L, "aligned_mode", "asymmetric")
  if aligned == "half_pixel" then return c:unsupported(L, "with aligned_mode half_pixel", "half_pixel_for_nn") end
  if c:word(L, "mode", "avg") == "max" then
    -- OpenVINO takes the greatest of weighted corners and 0, ONNX of interpolated values.
    return c:unsupported(L, "with mode max", "mode avg")
  end
  return c:op("RoiAlign", { c:x(L, 1), c:x(L, 2), c:as_i64(L, 3) }, {
    mode = c:word(L, "mode", "avg"), output_height = c:int(L, "pooled_h"), output_width = c:int(L, "pooled_w"),
    sampling_ratio = c:int(L, "sampling_ratio"), spatial_scale = c:float(L, "spatial_scale"),
    coordinate_transformation_mode = aligned == "asymmetric" and "output_half_pixel" or "half_pixel" })
end

--- Greatest of each bin of a region in pixels: ONNX's MaxRoiPool.
function M.ROIPooling(c, L)
  local size = c:ints(L, "pooled_size", c:ints(L, "output_size", {}))
  local h, w = size[1] or c:int(L, "pooled_h"), size[2] or c:int(L, "pooled_w")
  local scale = c:float(L, "spatial_scale")
  if c:word(L, "method", "max") == "max" then
    return c:op("MaxRoiPool", { c:x(L, 1), c:x(L, 2) }, { pooled_shape = { h, w }, spatial_scale = scale })
  end
  return c:unsupported(L, "with method bilinear", "ROIAlign")
end

--- Space to depth where the picture's parts go around: darknet's reorg.
function M.ReorgYolo(c, L)
  local s, dims = c:ints(L, "stride")[1] or 0, c:dims(L, 1)
  if s < 1 or #dims ~= 4 or not c:count { dims[2], dims[3], dims[4] } then
    return c:unsupported(L, "of free sizes")
  end
  local ch, h, w = dims[2], dims[3], dims[4]
  if ch % (s * s) ~= 0 or h % s ~= 0 or w % s ~= 0 then
    -- The addresses need whole parts.
    if ch < s * s then c:fail(L, "%d channels for a stride of %d", ch, s) end
    return c:unsupported(L, "of sizes that its stride doesn't divide")
  end
  -- Channel c2 + oc k holds, at row j and column i, the input read as [C/s^2, H s, W s] at
  -- (c2, j s + k / s, i s + k % s).
  local oc = ch // (s * s)
  local y = c:reshape(c:x(L, 1), { -1, oc, h, s, w, s })
  y = c:transpose(y, { 0, 3, 5, 1, 2, 4 })
  return c:reshape(y, { -1, ch * s * s, h // s, w // s })
end

--- darknet's last layer. With softmax, of one part: x, y, objectness through a sigmoid, classes through
--- a softmax; without: also the classes through a sigmoid.
function M.RegionYolo(c, L)
  local coords, classes = c:int(L, "coords"), c:int(L, "classes")
  local softmax, dims = c:bool(L, "do_softmax", true), c:dims(L, 1)
  local n = softmax and c:int(L, "num") or #c:ints(L, "mask", {})
  if #dims ~= 4 or not c:count { dims[2], dims[3], dims[4] } or dims[2] ~= n * (coords + classes + 1) then
    return c:unsupported(L, "of these sizes")
  end
  local x = c:reshape(c:x(L, 1), { -1, n, coords + classes + 1, dims[3], dims[4] })
  local function range(a, b) return c:slice(x, { 2 }, { a }, { b }) end
  local xy, wh = c:op("Sigmoid", { range(0, 2) }), range(2, coords)
  local object, class = c:op("Sigmoid", { range(coords, coords + 1) }), range(coords + 1, coords + classes + 1)
  class = softmax and c:op("Softmax", { class }, { axis = 2 }) or c:op("Sigmoid", { class })
  local y = c:op("Concat", { xy, wh, object, class }, { axis = 2 })
  local first, last = c:int(L, "axis", 1), c:int(L, "end_axis", 1)
  if not softmax then return c:reshape(y, { -1, dims[2], dims[3], dims[4] }) end
  -- The axes from `axis` to `end_axis` become one.
  local whole, shape, joined = { -1, dims[2], dims[3], dims[4] }, {}, 1
  if first < 0 then first = first + 4 end
  if last < 0 then last = last + 4 end
  for i = 0, 3 do
    if i < first or i > last then
      shape[#shape + 1] = whole[i + 1]
    else
      joined = whole[i + 1] == -1 and -1 or joined * whole[i + 1]
      if i == last then shape[#shape + 1] = joined end
    end
  end
  return c:reshape(y, shape)
end

--- Patches [B, sizes^2 C, rows, columns], channels last among a patch.
function M.ExtractImagePatches(c, L)
  local sizes, strides, rates = c:ints(L, "sizes"), c:ints(L, "strides"), c:ints(L, "rates")
  local channels, auto = c:dims(L, 1)[2], c:word(L, "auto_pad", "valid")
  if not channels or channels < 0 then return c:unsupported(L, "of free channels") end
  local n = (sizes[1] or 0) * (sizes[2] or 0)
  if n < 1 or n > 1 << 12 or #strides < 2 or #rates < 2 then c:fail(L, "patches of %d", n) end
  -- A depthwise convolution with one filter for each place, [C n, 1, h, w].
  local filter = tensor.zeros { n, 1, sizes[1], sizes[2] }
  for i = 0, n - 1 do filter:set(i + 1, 1, i // sizes[2] + 1, i % sizes[2] + 1, 1) end
  local all = tensor.zeros { channels * n, 1, sizes[1], sizes[2] }
  all = all:reshape(channels, n, 1, sizes[1], sizes[2])
  all:copy_from(filter)
  local names = { same_upper = "SAME_UPPER", same_lower = "SAME_LOWER", valid = "VALID" }
  local y = c:op("Conv", { c:x(L, 1), c:constant(all:reshape(channels * n, 1, sizes[1], sizes[2]), c:type_of(L, 1)) },
    { group = channels, strides = strides, dilations = rates, auto_pad = names[auto] })
  local dims = L.outputs[1].dims
  if #dims ~= 4 or dims[3] < 0 or dims[4] < 0 then return c:unsupported(L, "of free sizes") end
  y = c:transpose(c:reshape(y, { -1, channels, n, dims[3], dims[4] }), { 0, 2, 1, 3, 4 })
  return c:reshape(y, { -1, channels * n, dims[3], dims[4] })
end

function M.Col2Im(c, L)
  local dilations, strides = c:ints(L, "dilations", { 1, 1 }), c:ints(L, "strides", { 1, 1 })
  local first, last = c:ints(L, "pads_begin", { 0, 0 }), c:ints(L, "pads_end", { 0, 0 })
  return c:op("Col2Im", { c:x(L, 1), c:as_i64(L, 2), c:as_i64(L, 3) }, { dilations = dilations,
    strides = strides, pads = { first[1], first[2], last[1], last[2] } })
end

--- Indices of the identity's diagonal, shifted.
function M.Eye(c, L)
  local dtype, shift = c:dtype(L, "output_type"), c:need_numbers(L, 3, "diagonal")
  if not shift then return end
  local function one(i) return c:reshape(c:as_i64(L, i), { 1 }) end
  local shape = c:op("Concat", { one(1), (one(2)) }, { axis = 0 })
  local plain = c:op("EyeLike", { (c:op("ConstantOfShape", { shape })) }, { dtype = dtype, k = shift[1] })
  if not L.x[4] then return plain end
  local full = c:op("Concat", { c:as_i64(L, 4), shape }, { axis = 0 })
  return c:op("Expand", { plain, full })
end

return M
