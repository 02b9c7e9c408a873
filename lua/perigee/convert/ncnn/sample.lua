--- Pooling, resizing, sampling at places, regions of interest.
local tensor = require "perigee.tensor"

local M = {}

-- ---- pooling ----------------------------------------------------------------------------------

--- Parameter ids by axis, outermost first, for 1, 2 and 3 dimensions.
local ids = {
  { kernel = { 1 }, stride = { 2 }, first = { 3 }, last = { 14 }, out = { 8 } },
  { kernel = { 11, 1 }, stride = { 12, 2 }, first = { 13, 3 }, last = { 15, 14 }, out = { 18, 8 } },
  { kernel = { 21, 11, 1 }, stride = { 22, 12, 2 }, first = { 23, 13, 3 }, last = { 16, 15, 14 },
    out = { 28, 18, 8 } },
}

local function global_pool(c, x, n, is_max)
  local axes = {}
  for i = 1, n do axes[i] = 1 + i end
  return c:op(is_max and "ReduceMax" or "ReduceMean", { x, c:i64(axes) }, { keepdims = 0 })
end

--- One axis cut into `out` windows from floor(i n / out) to ceil((i + 1) n / out).
local function adaptive_axis(c, x, axis, n, out, is_max)
  if n == out then return x end
  if is_max then
    local parts = {}
    for i = 0, out - 1 do
      local part = c:slice(x, { axis }, { n * i // out }, { (n * (i + 1) + out - 1) // out })
      parts[i + 1] = c:op("ReduceMax", { part, c:i64 { axis } })
    end
    return #parts == 1 and parts[1] or c:op("Concat", parts, { axis = axis })
  end
  local means = tensor.zeros { n, out }
  for i = 0, out - 1 do
    local first, last = n * i // out, (n * (i + 1) + out - 1) // out
    for j = first + 1, last do means:set(j, i + 1, 1 / (last - first)) end
  end
  local rank = c:rank(x)
  local perm = {}
  for i = 0, rank do perm[i + 1] = i end
  perm[axis + 1], perm[rank + 1] = rank, axis
  local y = axis == rank and x or c:transpose(x, perm)
  y = c:op("MatMul", { y, c:constant(means) })
  return axis == rank and y or c:transpose(y, perm)
end

local function adaptive(c, L, n, is_max)
  local p, x = L.params, L.x[1]
  local base, wanted, all_one = p:int(8, 0), {}, true
  for i, id in ipairs(ids[n].out) do
    wanted[i] = p:int(id, base)
    all_one = all_one and wanted[i] == 1
  end
  if all_one then
    local axes = {}
    for i = 1, n do axes[i] = 1 + i end
    return c:op(is_max and "ReduceMax" or "ReduceMean", { x, c:i64(axes) })
  end
  local sizes = c:sizes(x)
  if not sizes then return c:unsupported("to a size from a free one", "fixed input sizes") end
  local y = x
  for i = 1, n do
    local out = wanted[i] == -233 and sizes[1 + i] or wanted[i]
    if out <= 0 or out > 1 << 16 then c:fail("an output of %d", out) end
    y = adaptive_axis(c, y, 1 + i, sizes[1 + i], out, is_max)
  end
  return y == x and c:op("Identity", { x }) or y
end

--- Pads for one axis. Full padding adds so much behind that the last window is whole.
local function axis_pads(mode, size, kernel, stride, first, last)
  if mode == 0 then
    local tail = (size + first + last - kernel) % stride
    return first, last + (tail ~= 0 and stride - tail or 0)
  elseif mode == 1 then
    return first, last
  end
  local total = math.max(0, kernel + (size - 1) // stride * stride - size)
  if mode == 2 then return total // 2, total - total // 2 end
  return total - total // 2, total // 2
end

local function pooling(n)
  return function(c, L)
    local p, x = L.params, L.x[1]
    local is_max = p:int(0, 0) == 0
    if p:int(4, 0) ~= 0 then return global_pool(c, x, n, is_max) end
    if p:int(7, 0) ~= 0 then return adaptive(c, L, n, is_max) end
    local mode, left = p:int(5, 0), p:int(3, 0)
    local kernel, stride, pads, sizes = {}, {}, {}, c:shape(x)
    local attrs = { kernel_shape = kernel, strides = stride, pads = pads }
    for i = 1, n do
      kernel[i] = p:int(ids[n].kernel[i], p:int(1, 0))
      stride[i] = p:int(ids[n].stride[i], p:int(2, 1))
      if kernel[i] <= 0 or stride[i] <= 0 then
        c:fail("a window of %d with stride %d", kernel[i], stride[i])
      end
      local before = p:int(ids[n].first[i], left)
      local behind = p:int(ids[n].last[i], before)
      local size = sizes[1 + i]
      if math.type(size) == "integer" then
        pads[i], pads[n + i] = axis_pads(mode, size, kernel[i], stride[i], before, behind)
      elseif mode == 0 then
        pads[i], pads[n + i], attrs.ceil_mode = before, behind, 1
      elseif mode == 1 then
        pads[i], pads[n + i] = before, behind
      else
        attrs.auto_pad = mode == 2 and "SAME_UPPER" or "SAME_LOWER"
      end
    end
    if attrs.auto_pad then attrs.pads = nil end
    return M.windowed(c, x, n, is_max, attrs, p:int(6, 0) ~= 0 or mode >= 2)
  end
end

--- ONNX wants pads smaller than the window; where ncnn has larger ones, a Pad comes first.
function M.windowed(c, x, n, is_max, attrs, counts_pads)
  local is_wide = false
  for i, pad in ipairs(attrs.pads or {}) do
    if pad < 0 then c:fail("pad %d", pad) end
    is_wide = is_wide or pad >= attrs.kernel_shape[(i - 1) % n + 1]
  end
  local y
  if is_wide and (is_max or counts_pads) then
    local pads = { 0, 0 }
    for i = 1, n do pads[2 + i], pads[4 + n + i] = attrs.pads[i], attrs.pads[n + i] end
    pads[3 + n], pads[4 + n] = 0, 0
    x = c:op("Pad", { x, c:i64(pads), c:f32(is_max and -3.4028234663852886e38 or 0) })
    attrs.pads = nil
  end
  if is_max then
    y = c:op("MaxPool", { x }, attrs)
    c.int8[y] = c.int8[x]
  else
    attrs.count_include_pad = counts_pads and 1 or 0
    y = c:op("AveragePool", { x }, attrs)
  end
  return y
end

function M.SPP(c, L)
  local x, is_max, parts = L.x[1], L.params:int(0, 0) == 0, {}
  local sizes = c:sizes(x)
  if not sizes then return c:unsupported("of free sizes", "fixed input sizes") end
  local height = L.params:int(1, 1)
  if height < 1 or height > 12 then c:fail("a pyramid of %d", height) end
  for level = 0, height - 1 do
    local bins = 1 << level
    local kernel, pads, stride = {}, {}, {}
    for i = 1, 2 do
      local k = (sizes[1 + i] + bins - 1) // bins
      local total = k * bins - sizes[1 + i]
      kernel[i], stride[i] = k, k
      pads[i], pads[2 + i] = (total + 1) // 2, total - (total + 1) // 2
    end
    local y = M.windowed(c, x, 2, is_max, { kernel_shape = kernel, strides = stride, pads = pads },
      false)
    parts[level + 1] = c:op("Flatten", { y }, { axis = 1 })
  end
  return c:op("Concat", parts, { axis = 1 })
end

function M.StatisticsPooling(c, L)
  local x = L.x[1]
  local axes = {}
  for i = 2, c:rank(x) do axes[#axes + 1] = i end
  local over = c:i64(axes)
  local mean = c:op("ReduceMean", { x, over })
  local flat = c:op("Flatten", { mean }, { axis = 1 })
  if L.params:int(0, 0) == 0 then return flat end
  local centred = c:op("Sub", { x, mean })
  local deviation = c:op("Sqrt", { c:op("ReduceMean", { c:mul(centred, centred), over }) })
  return c:op("Concat", { flat, c:op("Flatten", { deviation }, { axis = 1 }) }, { axis = 1 })
end

-- ---- resizing ---------------------------------------------------------------------------------

local kinds = { "nearest", "linear", "cubic" }

--- The target as sizes: what the layer says, what another value is large, or scales.
local function target(c, L)
  local p, x = L.params, L.x[1]
  local text = p:text(9)
  if text then
    local list = require("perigee.convert.ncnn.expression").list(c, text, L.x)
    return list[2] or c:size(x, "h"), list[1]
  end
  if L.x[2] then return c:size(L.x[2], "h"), c:size(L.x[2], "w") end
  local h, w = p:int(3, 0), p:int(4, 0)
  local function scaled(letter, given, scale)
    if given > 0 then return given end
    local size = c:size(x, letter)
    return type(size) == "number" and math.floor(size * scale) or nil
  end
  if c:rank(x) == 1 then return math.max(h, 1), math.max(w, 1) end
  return scaled("h", h, p:float(1, 1)), scaled("w", w, p:float(2, 1))
end

function M.Interp(c, L)
  local p, x = L.params, L.x[1]
  local rank, kind = c:rank(x), kinds[p:int(0, 0)]
  local h, w = target(c, L)
  if rank == 1 then -- each number fills a picture
    local lifted = c:unsqueeze(x, { 2, 3 })
    return c:op("Expand", { lifted, c:size_list { 1, c:size(x, "w"), h, w } })
  end
  if not kind then return c:unsupported(("of kind %d"):format(p:int(0, 0))) end
  local attrs = { mode = kind, cubic_coeff_a = -0.75,
    coordinate_transformation_mode = p:int(6, 0) ~= 0 and "align_corners" or "half_pixel" }
  if kind == "nearest" then
    attrs.coordinate_transformation_mode, attrs.nearest_mode = "asymmetric", "floor"
  end
  attrs.cubic_coeff_a = kind == "cubic" and -0.75 or nil
  if rank == 2 then
    if not w then return c:op("Resize", { x, "", c:constant({ 1, 1, p:float(2, 1) }, "f32") }, attrs) end
    return c:op("Resize", { x, "", "", c:size_list { 1, c:size(x, "h"), w } }, attrs)
  end
  if h and w then
    local list = c:size_list { 1, c:size(x, "c"), h, w }
    return c:op("Resize", { x, "", "", list }, attrs)
  end
  local scales = { 1, 1, p:float(1, 1), p:float(2, 1) }
  return c:op("Resize", { x, "", c:constant(scales, "f32") }, attrs)
end

local paddings = { "zeros", "border", "reflection" }

function M.GridSample(c, L)
  local p, x, grid = L.params, L.x[1], L.x[2]
  if not grid then c:fail "expected two inputs" end
  local mode, padding = kinds[p:int(0, 1) == 1 and 2 or p:int(0, 1) == 2 and 1 or 3],
    paddings[p:int(1, 1)]
  if not padding then return c:unsupported(("with padding %d"):format(p:int(1, 1))) end
  if p:int(3, 0) ~= 0 then
    grid = c:transpose(grid, c:rank(grid) == 3 and { 0, 2, 3, 1 } or { 0, 2, 3, 4, 1 })
  end
  return c:op("GridSample", { x, grid },
    { mode = mode, padding_mode = padding, align_corners = p:int(2, 0) })
end

-- ---- regions ----------------------------------------------------------------------------------

--- One region, [x1, y1, x2, y2], as [1, 4] with a batch index of 0.
local function region(c, roi) return c:reshape(roi, { 1, 4 }) end

function M.ROIPooling(c, L)
  local p = L.params
  local rois = c:op("Concat", { c:constant({ { 0 } }, "f32"), region(c, L.x[2]) }, { axis = 1 })
  return c:op("MaxRoiPool", { L.x[1], rois },
    { pooled_shape = { p:int(1, 0), p:int(0, 0) }, spatial_scale = p:float(2, 1) })
end

function M.ROIAlign(c, L)
  local p = L.params
  return c:op("RoiAlign", { L.x[1], region(c, L.x[2]), c:i64 { 0 } }, { output_width = p:int(0, 0),
    output_height = p:int(1, 0), spatial_scale = p:float(2, 1), sampling_ratio = p:int(3, 0),
    coordinate_transformation_mode = p:int(4, 0) ~= 0 and "half_pixel" or "output_half_pixel" })
end

--- Means of bins, each of its own channel. Sums over [first, last) come from prefix sums, as bins
--- depend on the region.
function M.PSROIPooling(c, L)
  local p, x = L.params, L.x[1]
  local pw, ph, scale, dim = p:int(0, 7), p:int(1, 7), p:float(2, 0.0625), p:int(3, 0)
  local sizes = c:sizes(x)
  if not sizes or sizes[1] ~= dim * pw * ph or dim <= 0 then
    c:fail("%d outputs of %dx%d bins need %d channels", dim, ph, pw, dim * ph * pw)
  end
  local roi = region(c, L.x[2])
  local x1, y1, x2, y2 = c:op("Split", { roi }, { axis = 1, num_outputs = 4 }, 4)
  local function half_up(v) return c:op("Floor", { c:shifted(v, 0.5) }) end
  local function span(first, last, bins, size)
    local start = c:scaled(half_up(first), scale)
    local stop = c:scaled(c:shifted(half_up(last), 1), scale)
    local length = c:op("Max", { c:op("Sub", { stop, start }), c:f32(0.1) })
    local steps, bin = tensor.zeros { bins, 1 }, c:scaled(length, 1 / bins)
    for i = 1, bins do steps:set(i, 1, i - 1) end
    local function bound(offset, rounding)
      local at = c:add(c:mul(c:constant(steps + offset), bin), start)
      return c:op("Clip", { c:op(rounding, { at }), c:f32(0), c:f32(size) })
    end
    local low, high = bound(0, "Floor"), bound(1, "Ceil") -- [bins, 1]
    local index = tensor.zeros { 1, size }
    for i = 1, size do index:set(1, i, i - 1) end
    local at = c:constant(index)
    local inside = c:op("And", { c:op("GreaterOrEqual", { at, low }), c:op("Less", { at, high }) })
    return c:op("Cast", { inside }, { to = 1 })
  end
  local rows, columns = span(y1, y2, ph, sizes[2]), span(x1, x2, pw, sizes[3])
  local bins = c:reshape(x, { dim, ph, pw, sizes[2], sizes[3] })
  local sum = c:op("Einsum", { bins, rows, columns }, { equation = "dijhw,ih,jw->dij" })
  local area = c:mul(c:op("ReduceSum", { rows, c:i64 { 1 } }),
    c:transpose(c:op("ReduceSum", { columns, c:i64 { 1 } }), { 1, 0 }))
  local mean = c:op("Div", { sum, c:op("Max", { area, c:f32(1) }) })
  return c:unsqueeze(mean, { 0 })
end

return {
  Pooling = pooling(2), Pooling1D = pooling(1), Pooling3D = pooling(3), SPP = M.SPP,
  StatisticsPooling = M.StatisticsPooling, Interp = M.Interp, GridSample = M.GridSample,
  ROIPooling = M.ROIPooling, ROIAlign = M.ROIAlign, PSROIPooling = M.PSROIPooling,
}
