--- Operators that move values, and those that compute sizes.
local tensor = require "perigee.tensor"

local M = {}

function M.Const(c, p) return c:constant(c:blob(p)) end
M.TrainableParam = M.Const

function M.Identity(c, _, x)
  local outs = {}
  for i, value in ipairs(x) do outs[i] = c:op("Identity", { value }) end
  return outs
end

function M.Dropout(c, _, x)
  return { c:op("Identity", { x[1] }), c:cast(c:op("Equal", { x[1], x[1] }), "i32") }
end
function M.Copy(c, _, x) return c:op("Identity", { x[1] }) end

-- ---- layouts ----------------------------------------------------------------------------------

--- NHWC and the others have their axes in another order; NCHW and NC4HW4 differ inside only.
function M.ConvertTensor(c, p, x)
  local rank = c:rank(x[1])
  local from, to = p.source == 1, p.dest == 1
  if from == to or rank < 3 then return c:op("Identity", { x[1] }) end
  local perm = { 0 }
  if from then
    perm[2] = rank - 1
    for i = 1, rank - 2 do perm[#perm + 1] = i end
  else
    for i = 2, rank - 1 do perm[#perm + 1] = i end
    perm[#perm + 1] = 1
  end
  return c:transpose(x[1], perm)
end

-- ---- shapes -----------------------------------------------------------------------------------

function M.Reshape(c, p, x)
  if x[2] then return c:op("Reshape", { x[1], c:as_i64(x[2]) }) end
  return c:op("Reshape", { x[1], c:i64(p.dims or {}) })
end

function M.Flatten(c, p, x)
  local rank = c:rank(x[1])
  local axis, last = p.axis or 1, p.endAxis or 0
  if axis < 0 then axis = axis + rank end
  if last < 0 then last = last + rank end
  if last == 0 then return c:op("Flatten", { x[1] }, { axis = axis }) end
  local list = {}
  for i = 1, axis do list[i] = 0 end
  list[axis + 1] = -1
  local y = c:op("Shape", { x[1] }, { start = last + 1 })
  if last == rank - 1 then return c:reshape(x[1], list) end
  return c:op("Reshape", { x[1],
    c:op("Concat", { c:op("Shape", { x[1] }, { start = 0, ["end"] = axis }), c:i64 { -1 }, y },
      { axis = 0 }) })
end

local function axes_of(c, p, x)
  if x[2] then return c:as_i64(x[2]) end
  return #(p.squeezeDims or {}) > 0 and c:i64(p.squeezeDims) or nil
end

function M.Squeeze(c, p, x) return c:op("Squeeze", { x[1], axes_of(c, p, x) }) end
function M.Unsqueeze(c, p, x) return c:op("Unsqueeze", { x[1], axes_of(c, p, x) or c:i64 { 0 } }) end

function M.ExpandDims(c, p, x)
  return c:op("Unsqueeze", { x[1], x[2] and c:op("Reshape", { c:as_i64(x[2]), c:i64 { 1 } })
    or c:i64 { p.axis } })
end

function M.Permute(c, p, x)
  local dims, rank = p.dims, c:rank(x[1])
  if #dims > 0 then return c:transpose(x[1], dims) end
  for i = 1, rank do dims[i] = rank - i end
  return c:transpose(x[1], dims)
end

function M.Transpose(c, _, x)
  local perm = c:list(x[2])
  if not perm then return c:unsupported "by a computed order" end
  return c:transpose(x[1], perm)
end

function M.Shape(c, p, x)
  local attrs = {}
  if p.hasStart then attrs.start = p.start end
  if p.hasEnd then attrs["end"] = p["end"] end
  local shape = c:shape(x[1])
  local is_known = true
  for _, d in ipairs(shape) do is_known = is_known and math.type(d) == "integer" end
  if is_known then -- sizes that are known stay so
    local first, last, n = attrs.start or 0, attrs["end"] or #shape, #shape
    if first < 0 then first = first + n end
    if last < 0 then last = last + n end
    local list = table.move(shape, math.max(first, 0) + 1, math.min(last, n), 1, {})
    return c:constant(#list > 0 and tensor.new(list, "i32") or tensor.zeros({ 0 }, "i32"))
  end
  return c:cast(c:op("Shape", { x[1] }, attrs), "i32")
end

function M.Rank(c, _, x) return c:constant(c:rank(x[1]), "i32") end
function M.Size(c, _, x) return c:cast(c:op("Size", { x[1] }), "i32") end

function M.Fill(c, _, x)
  return c:op("Expand", { c:op("Reshape", { x[2], c:i64 { 1 } }), c:as_i64(x[1]) })
end

function M.BroadcastTo(c, _, x) return c:op("Expand", { x[1], c:as_i64(x[2]) }) end

function M.ZerosLike(c, _, x)
  local zero = c:constant(0, c:dtype(x[1]))
  return c:op("Expand", { zero, c:op("Shape", { x[1] }) })
end

function M.EyeLike(c, _, x)
  local k = x[2] and c:list(x[2])
  if x[2] and not k then return c:unsupported "at a computed diagonal" end
  return c:op("EyeLike", { x[1] }, { k = k and k[1] or 0 })
end

local function scalar(c, x) return c:op("Reshape", { x, c:constant(tensor.zeros({ 0 }, "i64")) }) end

function M.Range(c, _, x)
  local first, last = c:alike(x[1], x[2])
  local step = c:cast(x[3], c:dtype(first))
  return c:op("Range", { scalar(c, first), scalar(c, last), scalar(c, step) })
end

function M.LinSpace(c, _, x)
  local n = c:list(x[3])
  if not n then return c:unsupported "of a computed length" end
  local steps = {}
  for i = 1, n[1] do steps[i] = n[1] > 1 and (i - 1) / (n[1] - 1) or 0 end
  local span = c:op("Sub", { scalar(c, x[2]), scalar(c, x[1]) })
  return c:add(c:mul(span, c:constant(tensor.new(steps, "f32"))), scalar(c, x[1]))
end

function M.OneHot(c, p, x)
  local values = c:op("Concat", { c:op("Reshape", { x[4], c:i64 { 1 } }),
    c:op("Reshape", { x[3], c:i64 { 1 } }) }, { axis = 0 })
  return c:op("OneHot", { x[1], c:op("Reshape", { x[2], c:i64 { 1 } }), values },
    { axis = p.axis or -1 })
end

-- ---- joining and cutting ----------------------------------------------------------------------

local function all_alike(c, x)
  local dtype = c:dtype(x[1])
  for _, value in ipairs(x) do
    if c:dtype(value) == "f32" then dtype = "f32" end
  end
  local out = {}
  for i, value in ipairs(x) do out[i] = c:cast(value, dtype) end
  return out
end

function M.Concat(c, p, x)
  local axis, rank = p.axis or 0, c:rank(x[1])
  local parts = {}
  for _, value in ipairs(all_alike(c, x)) do
    local shape = c:shape(value)
    local is_empty = #shape ~= rank and #shape == 1 and shape[1] == 0 -- MNN skips these
    if not is_empty then parts[#parts + 1] = value end
  end
  return c:op("Concat", parts, { axis = axis })
end

function M.Pack(c, p, x)
  local parts, axis = {}, p.axis or 0
  for i, value in ipairs(all_alike(c, x)) do
    parts[i] = c:op("Unsqueeze", { value, c:i64 { axis } })
  end
  return c:op("Concat", parts, { axis = axis })
end

function M.Unpack(c, p, x, op)
  local n, axis = #op.outputIndexes, c:axis(x[1], p.axis or 0)
  local outs = n == 1 and { x[1] } or { c:op("Split", { x[1] }, { axis = axis, num_outputs = n }, n) }
  for i, y in ipairs(outs) do outs[i] = c:op("Squeeze", { y, c:i64 { axis } }) end
  return outs
end

--- TensorFlow's and ONNX's form tells sizes (or how many), Caffe's tells points.
function M.Slice(c, p, x, op)
  local n, axis, points = #op.outputIndexes, c:axis(x[1], p.axis), p.slicePoints
  local size = c:shape(x[1])[axis + 1]
  local sizes = {}
  if p.sourceType ~= 0 and #points > 1 then
    local sum, open = 0, nil
    for i, s in ipairs(points) do
      sizes[i] = s
      if s < 0 then open = i else sum = sum + s end
    end
    if open and math.type(size) == "integer" then sizes[open] = size - sum end
  elseif p.sourceType == 0 and #points > 0 and math.type(size) == "integer" then
    local at = 0
    for i, point in ipairs(points) do
      sizes[i] = point - at
      at = point
    end
    sizes[#points + 1] = size - at
  end
  if #sizes == n and n > 0 then
    return { c:op("Split", { x[1], c:i64(sizes) }, { axis = axis }, n) }
  end
  if n == 1 and #sizes == 0 then return c:op("Identity", { x[1] }) end
  if #sizes > n then -- the file drops some of them
    local all = { c:op("Split", { x[1], c:i64(sizes) }, { axis = axis }, #sizes) }
    return all
  end
  local parts = #points == 1 and points[1] > 0 and points[1] or n
  return { c:op("Split", { x[1] }, { axis = axis, num_outputs = parts }, math.max(parts, n)) }
end

--- begin and size, -1 for the rest.
function M.SliceTf(c, _, x)
  local begin, size = c:list(x[2]), c:list(x[3])
  local axes = {}
  for i = 1, c:rank(x[1]) do axes[i] = i - 1 end
  if begin and size then
    local ends = {}
    for i, s in ipairs(size) do
      ends[i] = s == -1 and math.maxinteger or begin[i] + s
      if s ~= -1 and begin[i] < 0 and ends[i] >= 0 then ends[i] = math.maxinteger end
    end
    return c:op("Slice", { x[1], c:i64(begin), c:i64(ends), c:i64(axes) })
  end
  local first, count = c:as_i64(x[2]), c:as_i64(x[3])
  local is_rest = c:op("Less", { count, c:i64 { 0 } })
  local last = c:op("Where", { is_rest, c:i64 { math.maxinteger }, c:add(first, count) })
  return c:op("Slice", { x[1], first, last, c:i64(axes) })
end

--- ONNX's form: starts, ends and then axes and steps.
local function onnx_slice(c, x)
  local inputs = { x[1] }
  for i = 2, #x do inputs[i] = x[i] ~= "" and c:as_i64(x[i]) or "" end
  return c:op("Slice", inputs)
end

local function bit(mask, i) return mask >> i & 1 == 1 end

--- TensorFlow's form with its masks.
function M.StridedSlice(c, p, x)
  if p.fromType == 1 then return onnx_slice(c, x) end
  local first, last, step = c:list(x[2]), c:list(x[3]), x[4] and c:list(x[4])
  if not (first and last) then
    local masks = p.beginMask | p.endMask | p.ellipsisMask | p.newAxisMask | p.shrinkAxisMask
    if masks ~= 0 then return c:unsupported "by computed bounds and masks" end
    local n = c:shape(x[2])[1]
    if math.type(n) ~= "integer" then return c:unsupported "of a free number of axes" end
    local all = {}
    for i = 1, n do all[i] = i - 1 end
    return c:op("Slice", { x[1], c:as_i64(x[2]), c:as_i64(x[3]), c:i64(all),
      x[4] and c:as_i64(x[4]) or nil })
  end
  local starts, ends, steps, axes, drop, new = {}, {}, {}, {}, {}, {}
  local axis, rank, n_new = 0, c:rank(x[1]), 0
  for i = 0, #first - 1 do
    if bit(p.newAxisMask, i) then n_new = n_new + 1 end
  end
  for i = 0, #first - 1 do
    local s = step and step[i + 1] or 1
    if bit(p.ellipsisMask, i) then
      axis = rank - (#first - i - 1 - n_new)
    elseif bit(p.newAxisMask, i) then
      new[#new + 1] = axis + #new - #drop
    else
      local shrinks = bit(p.shrinkAxisMask, i)
      local a, z = first[i + 1], last[i + 1]
      if bit(p.beginMask, i) and not shrinks then a = s > 0 and 0 or -1 end
      if bit(p.endMask, i) then z = s > 0 and math.maxinteger or math.mininteger end
      if shrinks then
        z, s = a == -1 and math.maxinteger or a + 1, 1
        drop[#drop + 1] = axis
      end
      axes[#axes + 1], starts[#starts + 1], ends[#ends + 1], steps[#steps + 1] = axis, a, z, s
      axis = axis + 1
    end
  end
  local y = x[1]
  if #axes > 0 then
    y = c:op("Slice", { y, c:i64(starts), c:i64(ends), c:i64(axes), c:i64(steps) })
  end
  if #drop > 0 then y = c:op("Squeeze", { y, c:i64(drop) }) end
  if #new > 0 then y = c:op("Unsqueeze", { y, c:i64(new) }) end
  return y
end

function M.Crop(c, p, x)
  local axis, rank = p.axis, c:rank(x[1])
  local starts, axes, sizes = {}, {}, {}
  for i = axis, rank - 1 do
    axes[#axes + 1] = i
    starts[#starts + 1] = p.offset[#p.offset == 1 and 1 or i - axis + 1] or 0
    sizes[#sizes + 1] = i
  end
  local like = c:op("Gather", { c:op("Shape", { x[2] }), c:i64(sizes) })
  return c:op("Slice", { x[1], c:i64(starts), c:add(like, c:i64(starts)), c:i64(axes) })
end

function M.Tile(c, _, x) return c:op("Tile", { x[1], c:as_i64(x[2]) }) end

function M.Reverse(c, _, x)
  local axes = c:list(x[2])
  if not axes then return c:unsupported "of a computed axis" end
  local starts, ends, steps = {}, {}, {}
  for i = 1, #axes do starts[i], ends[i], steps[i] = -1, math.mininteger, -1 end
  return c:op("Slice", { x[1], c:i64(starts), c:i64(ends), c:i64(axes), c:i64(steps) })
end

function M.ReverseSequence(c, p, x)
  return c:op("ReverseSequence", { x[1], c:as_i64(x[2]) },
    { batch_axis = p.batchDim, time_axis = p.seqDim })
end

-- ---- by index -----------------------------------------------------------------------------------

function M.GatherV2(c, p, x)
  local axis = p.axis or 0
  if x[3] then
    local list = c:list(x[3])
    if not list then return c:unsupported "along a computed axis" end
    axis = list[1]
  end
  return c:op("Gather", { x[1], x[2] }, { axis = axis })
end

function M.Gather(c, p, x) return c:op("Gather", { x[1], x[2] }, { axis = p.axis or 0 }) end

function M.GatherND(c, p, x)
  return c:op("GatherND", { x[1], c:cast(x[2], "i64") }, { batch_dims = p.axis or 0 })
end

function M.GatherElements(c, _, x)
  local axis = x[3] and c:list(x[3]) or { 0 }
  if not axis then return c:unsupported "along a computed axis" end
  return c:op("GatherElements", { x[1], x[2] }, { axis = axis[1] })
end

local reductions = { [0] = "add", [2] = "mul", [8] = "min", [9] = "max" }

function M.ScatterNd(c, p, x)
  local reduction = reductions[p.opType or -1] or "none"
  if x[4] then
    return c:op("ScatterND", { x[4], c:cast(x[1], "i64"), x[2] }, { reduction = reduction })
  end
  local zero = c:op("Expand", { c:constant(0, c:dtype(x[2])), c:as_i64(x[3]) })
  return c:op("ScatterND", { zero, c:cast(x[1], "i64"), x[2] }, { reduction = "add" })
end

function M.ScatterElements(c, p, x)
  local axis = x[4] and c:list(x[4]) or { 0 }
  if not axis then return c:unsupported "along a computed axis" end
  return c:op("ScatterElements", { x[1], x[2], x[3] },
    { axis = axis[1], reduction = reductions[p.opType or -1] or "none" })
end

--- The places of what isn't 0, a row each.
function M.Where(c, _, x)
  local places = c:op("NonZero", { x[1] })
  return c:cast(c:transpose(places, { 1, 0 }), "i32")
end

-- ---- pictures -----------------------------------------------------------------------------------

local pad_modes = { [0] = "constant", "reflect", false, "edge" }

--- Pads are pairs: before and behind of each axis.
function M.Padding(c, p, x)
  local mode = pad_modes[p.mode or 0]
  if not mode then return c:unsupported "with the border repeated backwards" end
  local rank, list = c:rank(x[1]), c:list(x[2])
  local pads
  if list then
    local out = {}
    for i = 1, rank do out[i], out[rank + i] = list[2 * i - 1] or 0, list[2 * i] or 0 end
    pads = c:i64(out)
  else
    local pairs_of = c:op("Reshape", { c:as_i64(x[2]), c:i64 { rank, 2 } })
    pads = c:op("Reshape", { c:transpose(pairs_of, { 1, 0 }), c:i64 { -1 } })
  end
  local value = x[3] and x[3] ~= "" and mode == "constant"
    and scalar(c, c:cast(x[3], c:dtype(x[1]))) or nil
  return c:op("Pad", { x[1], pads, value }, { mode = mode })
end

function M.DepthToSpace(c, p, x)
  return c:op("DepthToSpace", { x[1] }, { blocksize = p.blockSize, mode = p.mode == 1 and "CRD" or "DCR" })
end
function M.SpaceToDepth(c, p, x)
  return c:op("SpaceToDepth", { x[1] }, { blocksize = p.blockSize })
end

--- Coordinate modes by number.
local coordinates = {
  "align_corners", "half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn",
}

function M.Interp(c, p, x)
  local kind = p.resizeType
  local attrs = { mode = (kind == 1 or kind == 4) and "nearest" or kind == 3 and "cubic" or "linear" }
  attrs.coordinate_transformation_mode = coordinates[p.ctm]
    or p.alignCorners and "align_corners" or p.halfPixelCenters and "half_pixel" or "asymmetric"
  if kind == 1 then attrs.nearest_mode = "floor" end
  if kind == 3 then attrs.cubic_coeff_a = p.cubicCoeffA end
  local rank = c:rank(x[1])
  if x[2] then
    if c:dtype(x[2]) == "f32" then return c:op("Resize", { x[1], "", x[2] }, attrs) end
    local sizes = c:as_i64(x[2])
    if c:shape(x[2])[1] ~= rank then -- TensorFlow's: height and width
      sizes = c:op("Concat", { c:op("Shape", { x[1] }, { start = 0, ["end"] = 2 }), sizes },
        { axis = 0 })
    end
    return c:op("Resize", { x[1], "", "", sizes }, attrs)
  end
  local sizes, scales = { p.outputHeight, p.outputWidth }, { 1, 1, p.heightScale, p.widthScale }
  if rank == 5 then
    table.insert(sizes, 1, p.outputDepth)
    table.insert(scales, 3, p.depthScale)
  end
  local has_sizes = true
  for _, s in ipairs(sizes) do has_sizes = has_sizes and s > 0 end
  if has_sizes then
    local all = c:op("Concat", { c:op("Shape", { x[1] }, { start = 0, ["end"] = 2 }), c:i64(sizes) },
      { axis = 0 })
    return c:op("Resize", { x[1], "", "", all }, attrs)
  end
  return c:op("Resize", { x[1], "", c:constant(tensor.new(scales, "f32")) }, attrs)
end

function M.GridSample(c, p, x)
  local padding = ({ [0] = "zeros", "border", "reflection" })[p.paddingMode]
  if not padding or p.backward then return c:unsupported "of this kind" end
  return c:op("GridSample", { x[1], x[2] }, { mode = p.mode == 1 and "nearest" or "linear",
    padding_mode = padding, align_corners = p.alignCorners and 1 or 0 })
end

function M.ROIAlign(c, p, x)
  local batch = x[3] and c:cast(x[3], "i64")
  if not batch then return c:unsupported "with regions of five numbers" end
  return c:op("RoiAlign", { x[1], x[2], batch }, { output_height = p.pooledHeight,
    output_width = p.pooledWidth, spatial_scale = p.spatialScale,
    sampling_ratio = math.max(p.samplingRatio, 0), mode = p.poolType == 0 and "max" or "avg",
    coordinate_transformation_mode = p.aligned and "half_pixel" or "output_half_pixel" })
end

function M.ROIPooling(c, p, x)
  return c:op("MaxRoiPool", { x[1], x[2] },
    { pooled_shape = { p.pooledHeight, p.pooledWidth }, spatial_scale = p.spatialScale })
end

--- One class: boxes [n, 4], scores [n], at most so many, overlap, least score; indices [k].
function M.NonMaxSuppressionV2(c, _, x)
  local function one(value) return value and value ~= "" and c:op("Reshape", { value, c:i64 { 1 } }) or "" end
  local boxes = c:op("Reshape", { x[1], c:i64 { 1, -1, 4 } })
  local scores = c:op("Reshape", { x[2], c:i64 { 1, 1, -1 } })
  local most = x[3] and c:op("Reshape", { c:as_i64(x[3]), c:i64 { 1 } }) or ""
  local chosen = c:op("NonMaxSuppression", { boxes, scores, most, one(x[4]), one(x[5]) })
  return c:cast(c:op("Gather", { chosen, c:constant(2, "i64") }, { axis = 1 }), "i32")
end

function M.RandomUniform(c, p, x)
  local shape = c:list(x[1])
  if not shape then return c:unsupported "of a computed shape" end
  return c:op("RandomUniform", {}, { shape = shape, low = p.low, high = p.high, seed = p.seed + 0.0 })
end

return M
