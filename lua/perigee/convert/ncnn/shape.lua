--- Layers that move values without changing them.
local expression = require "perigee.convert.ncnn.expression"
local tensor = require "perigee.tensor"

local M = {}

local LAST = math.maxinteger
local REST = -233 -- "the rest", or "as it is"

-- ---- reshaping --------------------------------------------------------------------------------

function M.Flatten(c, L) return c:op("Flatten", { L.x[1] }, { axis = 1 }) end

local function static_target(p)
  local w, h, d, depth = p:int(0, REST), p:int(1, REST), p:int(11, REST), p:int(2, REST)
  if w == REST then return nil end
  if h == REST then return { w } end
  if depth == REST then return { h, w } end
  if d == REST then return { depth, h, w } end
  return { depth, d, h, w }
end

--- With a batch axis (parameters 12 and 13) sizes are counted with the batch in its place.
local function reshape_batched(c, L, target)
  local p, x = L.params, L.x[1]
  local from, to = p:int(12, 233), p:int(13, 233)
  local rank = c:rank(x)
  if from == 233 then
    x = c:squeeze(x, { 0 })
  else
    if from < 0 then from = from + rank + 1 end
    local perm = {}
    for i = 1, rank do perm[i] = i end
    table.insert(perm, from + 1, 0)
    if from ~= 0 then x = c:transpose(x, perm) end
  end
  local y = c:reshape(x, target)
  if to == 233 then return c:unsqueeze(y, { 0 }) end
  if to < 0 then to = to + #target end
  if to == 0 then return c:op("Identity", { y }) end
  local perm = { to }
  for i = 0, #target - 1 do perm[#perm + 1] = i ~= to and i or nil end
  return c:transpose(y, perm)
end

function M.Reshape(c, L)
  local p, x = L.params, L.x[1]
  local target = static_target(p)
  local text = p:text(6)
  if text then
    local sizes = expression.list(c, text, L.x)
    target = {}
    for i, size in ipairs(sizes) do target[#sizes + 1 - i] = size end -- innermost first there
  end
  if not target then return c:op("Identity", { x }) end
  local is_batched = p:int(12, 233) ~= 233 or p:int(13, 233) ~= 233
  if is_batched then return reshape_batched(c, L, target) end
  if p:int(3, 0) == 1 and c:rank(x) == 3 then x = c:transpose(x, { 0, 2, 3, 1 }) end
  local letters = ({ { "w" }, { "h", "w" }, { "c", "h", "w" }, { "c", "d", "h", "w" } })[#target]
  if not letters then c:fail("%d dimensions", #target) end
  local list = { 1 }
  for i, size in ipairs(target) do
    list[i + 1] = size == 0 and c:size(L.x[1], letters[i]) or size
  end
  return c:reshape(x, list)
end

function M.Squeeze(c, L)
  local p, x, axes = L.params, L.x[1], {}
  local shape = c:shape(x)
  if p:has(3) then
    for i, axis in ipairs(p:ints(3)) do axes[i] = c:axis(x, axis) end
  else
    for letter, id in pairs { w = 0, h = 1, d = 11, c = 2 } do
      local axis = p:int(id, 0) ~= 0 and c:axis_of(x, letter)
      if axis then axes[#axes + 1] = axis end
    end
  end
  local kept = {}
  for _, axis in ipairs(axes) do
    if shape[axis] == 1 then kept[#kept + 1] = axis end -- others stay, as in ncnn
  end
  if #kept == #shape then table.remove(kept) end -- no scalars
  if #kept == 0 then return c:op("Identity", { x }) end
  table.sort(kept)
  return c:squeeze(x, kept)
end

function M.ExpandDims(c, L)
  local axes, rank = L.params:ints(3), c:rank(L.x[1])
  local total = rank + #axes
  for i, axis in ipairs(axes) do
    if axis < -total or axis >= total then c:fail("axis %d", axis) end
    axes[i] = axis < 0 and total + axis + 1 or axis + 1
  end
  if #axes == 0 then return c:op("Identity", { L.x[1] }) end
  table.sort(axes)
  return c:unsqueeze(L.x[1], axes)
end

--- Orders by their number: where each dimension of the output comes from, innermost first.
local orders = {
  [2] = { [0] = "WH", "HW" },
  [3] = { [0] = "WHC", "HWC", "WCH", "CWH", "HCW", "CHW" },
  [4] = { [0] = "WHDC", "HWDC", "WDHC", "DWHC", "HDWC", "DHWC", "WHCD", "HWCD", "WCHD", "CWHD",
    "HCWD", "CHWD", "WDCH", "DWCH", "WCDH", "CWDH", "DCWH", "CDWH", "HDCW", "DHCW", "HCDW", "CHDW",
    "DCHW", "CDHW" },
}

function M.Permute(c, L)
  local x, number = L.x[1], L.params:int(0, 0)
  local rank = c:rank(x)
  if rank == 1 then return c:op("Identity", { x }) end
  local order = orders[rank] and orders[rank][number]
  if not order then c:fail("order %d of %d dimensions", number, rank) end
  local perm = { 0 }
  for i = rank, 1, -1 do perm[#perm + 1] = c:axis_of(x, order:sub(i, i):lower()) end
  return c:transpose(x, perm)
end

-- ---- joining and cutting ----------------------------------------------------------------------

function M.Concat(c, L)
  return c:op("Concat", L.x, { axis = c:axis(L.x[1], L.params:int(0, 0)) })
end

--- Slices by sizes or by indices as { first, last } pairs; last LAST for the rest.
local function cuts(L, size)
  local p, n, out, at = L.params, #L.outs, {}, 0
  local slices, indices = p:ints(0), p:ints(2)
  for i = 1, n do
    local last
    if #indices > 0 then
      last = indices[i] or LAST
      if i == n then last = LAST end
      if last < 0 and size then last = last + size end
    elseif i == n and i > 1 and slices[i] == REST and not size then
      last = LAST
    elseif slices[i] == REST or slices[i] == nil then
      if not size then return nil end
      last = at + (size - at) // (n - i + 1)
    else
      last = at + slices[i]
    end
    out[i] = { at, last }
    at = last
  end
  return out
end

function M.Slice(c, L)
  local x, n = L.x[1], #L.outs
  local axis = c:axis(x, L.params:int(1, 0))
  local size = c:is_known(x) and c:shape(x)[axis] or nil
  local list = cuts(L, math.type(size) == "integer" and size or nil)
  if not list then
    return { c:op("Split", { x }, { axis = axis, num_outputs = n }, n) }
  end
  local sizes, sum = {}, 0
  for i, cut in ipairs(list) do
    local last = cut[2] == LAST and math.type(size) == "integer" and size or cut[2]
    sizes[i] = last == LAST and 0 or last - cut[1]
    sum = sum + sizes[i]
    if sizes[i] < 0 and cut[2] >= 0 then c:fail("cut %d from %d to %d", i, cut[1], last) end
  end
  if sum == size then
    return { c:op("Split", { x, c:i64(sizes) }, { axis = axis }, n) }
  end
  local outs = {}
  for i, cut in ipairs(list) do outs[i] = c:slice(x, { axis }, { cut[1] }, { cut[2] }) end
  return outs
end

--- Crop by a list of starts and ends, numbers or computed sizes.
local function crop_by_lists(c, x, starts, ends, axes)
  local from, to, at = {}, {}, {}
  for i = 1, #starts do
    local axis = axes[i] or i - 1
    if math.type(axis) ~= "integer" then c:fail "an axis that is computed" end
    at[i] = c:axis(x, axis)
    from[i] = starts[i] == REST and 0 or starts[i]
    local last = ends[i]
    to[i] = (last == REST or last == 0) and LAST or last or LAST
  end
  return c:slice(x, at, from, to)
end

local offset_ids = { w = { 0, 3, 6 }, h = { 1, 4, 7 }, d = { 13, 14, 15 }, c = { 2, 5, 8 } }

--- The size of the reference, at the offsets.
local function crop_like(c, L)
  local p, x, like = L.params, L.x[1], L.x[2]
  local starts, ends, axes = {}, {}, {}
  local rank = c:rank(x)
  for _, letter in ipairs { "c", "d", "h", "w" } do
    local axis = c:axis_of(x, letter)
    if axis and (letter ~= "c" or c:rank(like) == rank) then
      local offset = p:int(offset_ids[letter][1], 0)
      local size = c:size(like, letter)
      starts[#starts + 1], axes[#axes + 1] = offset, axis
      ends[#ends + 1] = math.type(size) == "integer" and offset + size
        or c:add(size, c:i64 { offset })
    end
  end
  return c:slice(x, axes, starts, ends)
end

function M.Crop(c, L)
  local p, x = L.params, L.x[1]
  if p:text(19) and p:text(20) then
    local axes = p:text(21) and expression.list(c, p:text(21), L.x) or {}
    return crop_by_lists(c, x, expression.list(c, p:text(19), L.x),
      expression.list(c, p:text(20), L.x), axes)
  end
  local starts, ends = p:ints(9), p:ints(10)
  if #starts > 0 and #ends > 0 then return crop_by_lists(c, x, starts, ends, p:ints(11)) end
  if p:int(0, 0) == REST then return c:unsupported "by offsets that a value holds" end
  if L.x[2] then return crop_like(c, L) end
  local from, to, axes = {}, {}, {}
  for _, letter in ipairs { "c", "d", "h", "w" } do
    local axis = c:axis_of(x, letter)
    if axis then
      local ids = offset_ids[letter]
      local first, size, behind = p:int(ids[1], 0), p:int(ids[2], 0), p:int(ids[3], 0)
      axes[#axes + 1], from[#from + 1] = axis, first
      local last = behind > 0 and -behind or LAST
      if size ~= REST then
        local total = c:shape(x)[axis]
        if behind > 0 and math.type(total) == "integer" then
          last = math.min(first + size, total - behind)
        elseif size > 0 or behind == 0 then
          last = first + size
        end
      end
      to[#to + 1] = last
    end
  end
  return c:slice(x, axes, from, to)
end

function M.Flip(c, L)
  local x, axes, starts, ends, steps = L.x[1], L.params:ints(0), {}, {}, {}
  if #axes == 0 then
    for i = 1, c:rank(x) do axes[i] = i - 1 end
  end
  for i, axis in ipairs(axes) do
    axes[i], starts[i], ends[i], steps[i] = c:axis(x, axis), -1, math.mininteger, -1
  end
  return c:slice(x, axes, starts, ends, steps)
end

function M.Tile(c, L)
  local p, x = L.params, L.x[1]
  local rank, repeats = c:rank(x), p:ints(2)
  if #repeats == 0 then
    for i = 1, rank do repeats[i] = 1 end
    repeats[c:axis(x, p:int(0, 0))] = p:int(1, 1)
  end
  for _ = rank + 1, #repeats do
    x = c:unsqueeze(x, { 1 })
  end
  rank = c:rank(x)
  for _ = #repeats + 1, rank do table.insert(repeats, 1, 1) end
  table.insert(repeats, 1, 1)
  return c:op("Tile", { x, c:i64(repeats) })
end

--- `part` written over `whole` at offsets, axis by axis: before .. written .. behind.
local function overwrite(c, whole, part, offsets, axis)
  local size, total = c:sizes(part), c:sizes(whole)
  if not size or not total then c:fail "a part of free sizes" end
  while offsets[axis] == 0 and size[axis] == total[axis] do
    axis = axis + 1
    if axis > #size then return part end
  end
  if axis > #size then return part end
  local first, last = offsets[axis], offsets[axis] + size[axis]
  local inner = c:slice(whole, { axis }, { first }, { last })
  local parts = {}
  if first > 0 then parts[1] = c:slice(whole, { axis }, { 0 }, { first }) end
  parts[#parts + 1] = overwrite(c, inner, part, offsets, axis + 1)
  if last < total[axis] then parts[#parts + 1] = c:slice(whole, { axis }, { last }, { LAST }) end
  return #parts == 1 and parts[1] or c:op("Concat", parts, { axis = axis })
end

function M.CopyTo(c, L)
  local p, whole, part = L.params, L.x[1], L.x[2]
  local rank, offsets, starts, axes = c:rank(whole), {}, p:ints(9), p:ints(11)
  for i = 1, rank do offsets[i] = 0 end
  if #starts > 0 then
    for i, start in ipairs(starts) do
      local axis = c:axis(whole, axes[i] or i - 1)
      local size = c:shape(whole)[axis]
      if start == REST then start = 0 end
      if start < 0 and math.type(size) == "integer" then start = start + size end
      offsets[axis] = start
    end
  else
    for letter, ids in pairs(offset_ids) do
      local axis = c:axis_of(whole, letter)
      if axis then offsets[axis] = p:int(ids[1], 0) end
    end
  end
  if c:rank(part) < rank then
    local ones = {}
    for i = 1, rank - c:rank(part) do ones[i] = i end
    part = c:unsqueeze(part, ones)
  end
  return c:op("Identity", { overwrite(c, whole, part, offsets, 1) })
end

-- ---- channels ---------------------------------------------------------------------------------

function M.ShuffleChannel(c, L)
  local x, group = L.x[1], L.params:int(0, 1)
  local channels = c:shape(x)[1]
  if math.type(channels) ~= "integer" or group <= 0 or channels % group ~= 0 then
    c:fail("%s channels in %d groups", tostring(channels), group)
  end
  if L.params:int(1, 0) ~= 0 then group = channels // group end
  local h, w = c:size(x, "h"), c:size(x, "w")
  local split = c:reshape(x, { 1, group, channels // group, h, w })
  return c:reshape(c:transpose(split, { 0, 2, 1, 3, 4 }), { 1, channels, h, w })
end

function M.PixelShuffle(c, L)
  return c:op("DepthToSpace", { L.x[1] },
    { blocksize = L.params:int(0, 1), mode = L.params:int(1, 0) == 0 and "CRD" or "DCR" })
end

function M.Reorg(c, L)
  local x, s = L.x[1], L.params:int(0, 1)
  if L.params:int(1, 0) == 1 then return c:op("SpaceToDepth", { x }, { blocksize = s }) end
  local size = c:sizes(x)
  if not size or s <= 0 or size[2] % s ~= 0 or size[3] % s ~= 0 then
    c:fail("a stride of %d at these sizes", s)
  end
  local split = c:reshape(x, { 1, size[1], size[2] // s, s, size[3] // s, s })
  return c:reshape(c:transpose(split, { 0, 1, 3, 5, 2, 4 }),
    { 1, size[1] * s * s, size[2] // s, size[3] // s })
end

-- ---- padding ----------------------------------------------------------------------------------

local modes = { [0] = "constant", "edge", "reflect" }

--- A border of a value for each channel, exactly: zeros outside, then the value where 0 ones came.
local function per_channel_border(c, x, pads, values)
  local sizes = c:sizes(x)
  if not sizes then return c:unsupported "by channel at free sizes" end
  local ones = c:constant(tensor.full({ 1, 1, sizes[2], sizes[3] }, 1))
  local inside = c:op("Pad", { ones, pads, c:f32(0) })
  local outside = c:op("Sub", { c:f32(1), inside })
  return c:add(c:op("Pad", { x, pads, c:f32(0) }), c:mul(outside, c:per_channel(values, x)))
end

function M.Padding(c, L)
  local p, x = L.params, L.x[1]
  local rank = c:rank(x)
  local first = { w = p:int(2, 0), h = p:int(0, 0) }
  local last = { w = p:int(3, 0), h = p:int(1, 0) }
  local outer = rank == 3 and "c" or "d"
  first[outer], last[outer] = p:int(7, 0), p:int(8, 0)
  local pads = {}
  for i = 0, rank do pads[i + 1], pads[rank + 2 + i] = 0, 0 end
  for letter in pairs(first) do
    local axis = c:axis_of(x, letter)
    if axis then pads[axis + 1], pads[rank + 2 + axis] = first[letter], last[letter] end
  end
  local mode = modes[p:int(4, 0)]
  if not mode then return c:unsupported(("of type %d"):format(p:int(4, 0))) end
  local n = p:int(6, 0)
  if n > 0 and rank == 3 then
    local values = c:load({ n }, 1)
    if mode == "constant" then return per_channel_border(c, x, c:i64(pads), values) end
  end
  return c:op("Pad", { x, c:i64(pads), c:f32(p:float(5, 0)) }, { mode = mode })
end

-- ---- windows as columns -------------------------------------------------------------------------

local conv_window = function(L)
  local p = L.params
  local kw, dw, sw, left = p:int(1, 0), p:int(2, 1), p:int(3, 1), p:int(4, 0)
  local top = p:int(14, left)
  return { p:int(11, kw), kw }, { p:int(12, dw), dw }, { p:int(13, sw), sw },
    { top, left, p:int(16, top), p:int(15, left) }
end

--- A convolution that picks one place of its window for each of its outputs.
function M.Unfold(c, L)
  local x = L.x[1]
  local kernel, dilation, stride, pads = conv_window(L)
  local channels, area = c:shape(x)[1], kernel[1] * kernel[2]
  if math.type(channels) ~= "integer" or area <= 0 or area * area * channels > 1 << 26 then
    c:fail("a window of %d over %s channels", area, tostring(channels))
  end
  local one = tensor.zeros { area, 1, kernel[1], kernel[2] }
  local flat = one:reshape(area, area)
  for i = 1, area do flat:set(i, i, 1) end
  local weight = one:reshape(1, area, 1, kernel[1], kernel[2])
    :expand({ channels, area, 1, kernel[1], kernel[2] }):contiguous()
    :reshape(channels * area, 1, kernel[1], kernel[2])
  x = L.params:float(18, 0) == 0 and x or c:op("Pad",
    { x, c:i64 { 0, 0, pads[1], pads[2], 0, 0, pads[3], pads[4] }, c:f32(L.params:float(18, 0)) })
  if L.params:float(18, 0) ~= 0 then pads = { 0, 0, 0, 0 } end
  local y = c:op("Conv", { x, c:constant(weight) }, { kernel_shape = kernel, strides = stride,
    dilations = dilation, pads = pads, group = channels })
  return c:reshape(y, { 1, channels * area, -1 })
end

function M.Fold(c, L)
  local kernel, dilation, stride, pads = conv_window(L)
  local w = L.params:int(20, 0)
  return c:op("Col2Im", { L.x[1], c:i64 { L.params:int(21, w), w }, c:i64(kernel) },
    { dilations = dilation, strides = stride, pads = pads })
end

-- ---- diagonals --------------------------------------------------------------------------------

function M.Diag(c, L)
  local x, k = L.x[1], L.params:int(0, 0)
  local sizes = c:sizes(x)
  if not sizes then c:fail "free sizes" end
  if #sizes == 1 then
    local n = sizes[1] + math.abs(k)
    local mask = tensor.zeros { sizes[1], n }
    for i = 1, sizes[1] do mask:set(i, i + math.max(k, 0), 1) end
    local placed = c:mul(c:unsqueeze(x, { 2 }), c:constant(mask)) -- each on its column
    local before = math.max(-k, 0)
    return c:op("Pad", { placed, c:i64 { 0, before, 0, 0, n - sizes[1] - before, 0 }, c:f32(0) })
  end
  local at = {}
  for i = 0, sizes[1] - 1 do
    if i + k >= 0 and i + k < sizes[2] then at[#at + 1] = i * sizes[2] + i + k end
  end
  return c:op("Gather", { c:reshape(x, { 1, -1 }), c:i64(at) }, { axis = 1 })
end

--- A constant of the file.
function M.MemoryData(c, L)
  local p = L.params
  local w, h, d, depth = p:int(0, 0), p:int(1, 0), p:int(11, 0), p:int(2, 0)
  local shape = { 1 }
  for _, size in ipairs { depth, d, h, w } do
    if size ~= 0 then shape[#shape + 1] = size end
  end
  if #shape == 1 then shape[2] = 1 end
  return c:op("Identity", { c:weight(c:load(shape, p:int(21, 1))) })
end

return M
