--- Shapes and the order of elements.
local tensor = require "perigee.tensor"

local M = {}

--- A list of axes as i64 counted from 0 where it is known, of an input that may be a scalar.
local function axes_input(c, L, i, rank)
  local list = c:numbers(L, i)
  if list then
    local axes = {}
    for j, axis in ipairs(list) do axes[j] = c:axis(L, axis, rank) end
    return c:i64(axes)
  end
  local axes = c:as_i64(L, i)
  return c:rank(L, i) == 0 and c:reshape(axes, { 1 }) or axes
end

--- Zeros are sizes of the input with special_zero, else sizes.
function M.Reshape(c, L)
  local shape = c:as_i64(L, 2)
  if c:rank(L, 2) == 0 then shape = c:reshape(shape, { 1 }) end
  local keeps = c:bool(L, "special_zero", false)
  local list = c:numbers(L, 2)
  local has_zero = list == nil
  for _, n in ipairs(list or {}) do has_zero = has_zero or n == 0 end
  return c:op("Reshape", { c:x(L, 1), shape }, { allowzero = not keeps and has_zero and 1 or nil })
end

function M.Transpose(c, L)
  local perm = c:numbers(L, 2)
  if perm and #perm == 0 then return c:op("Transpose", { c:x(L, 1) }) end
  if perm then return c:transpose(c:x(L, 1), perm) end
  return c:unsupported(L, "with a computed order", "a constant order")
end

function M.Squeeze(c, L)
  if not L.x[2] then return c:op("Squeeze", { c:x(L, 1) }) end
  local list = c:numbers(L, 2)
  if list and #list == 0 then return c:op("Squeeze", { c:x(L, 1) }) end
  if list and not c:bool(L, "allow_axis_skip", false) then
    return c:op("Squeeze", { c:x(L, 1), axes_input(c, L, 2, c:rank(L, 1)) })
  end
  if not list then return c:op("Squeeze", { c:x(L, 1), axes_input(c, L, 2) }) end
  local axes, dims = {}, c:dims(L, 1)
  for _, axis in ipairs(list) do
    axis = c:axis(L, axis, #dims)
    if dims[axis + 1] == -1 then return c:unsupported(L, "that may skip an axis of free size") end
    if dims[axis + 1] == 1 then axes[#axes + 1] = axis end
  end
  return #axes > 0 and c:squeeze(c:x(L, 1), axes) or c:op("Identity", { c:x(L, 1) })
end

function M.Unsqueeze(c, L)
  local list = c:numbers(L, 2)
  local rank = c:rank(L, 1) + #(list or {})
  return c:op("Unsqueeze", { c:x(L, 1), axes_input(c, L, 2, rank) })
end

function M.Concat(c, L)
  local inputs = {}
  for i = 1, #L.inputs do inputs[i] = c:x(L, i) end
  return c:op("Concat", inputs, { axis = c:int(L, "axis") })
end

local function split_axis(c, L)
  local list = c:need_numbers(L, 2, "axis")
  if list and not list[1] then c:fail(L, "no axis") end
  return list and c:axis(L, list[1], c:rank(L, 1))
end

function M.Split(c, L)
  local axis, n = split_axis(c, L), c:int(L, "num_splits")
  if not axis then return end
  if n < 1 or n ~= #L.outputs then c:fail(L, "%d parts for %d outputs", n, #L.outputs) end
  return c:op("Split", { c:x(L, 1) }, { axis = axis, num_outputs = n }, n)
end

function M.VariadicSplit(c, L)
  local axis, sizes = split_axis(c, L), c:numbers(L, 3)
  if not axis then return end
  if not sizes then
    return c:op("Split", { c:x(L, 1), c:as_i64(L, 3) }, { axis = axis }, #L.outputs)
  end
  if #sizes ~= #L.outputs then c:fail(L, "%d sizes for %d outputs", #sizes, #L.outputs) end
  local rest, sum = nil, 0
  for i, size in ipairs(sizes) do
    if size == -1 then rest = i else sum = sum + size end
  end
  if not rest then
    return c:op("Split", { c:x(L, 1), c:i64(sizes) }, { axis = axis }, #sizes)
  end
  local whole = c:dims(L, 1)[axis + 1]
  if whole and whole >= sum then
    sizes[rest] = whole - sum
    return c:op("Split", { c:x(L, 1), c:i64(sizes) }, { axis = axis }, #sizes)
  end
  local total = c:slice(c:shape_of(c:x(L, 1)), { 0 }, { axis }, { axis + 1 })
  local parts = {}
  for i, size in ipairs(sizes) do
    parts[i] = i == rest and c:op("Sub", { total, c:i64 { sum } }) or c:i64 { size }
  end
  return c:op("Split", { c:x(L, 1), (c:op("Concat", parts, { axis = 0 })) }, { axis = axis }, #sizes)
end

function M.ShapeOf(c, L)
  local y = c:op("Shape", { c:x(L, 1) })
  return c:cast(y, "i64", c:dtype(L, "output_type", "i64"))
end

--- To a shape: numpy's rules, both ways, or along given axes.
function M.Broadcast(c, L)
  local mode = c:word(L, "mode", "numpy")
  local x, shape = c:x(L, 1), c:as_i64(L, 2)
  if mode == "bidirectional" or mode == "numpy" then return c:op("Expand", { x, shape }) end
  local rank = c:dims(L, 2)[1]
  if rank == -1 then return c:unsupported(L, "to an unknown rank") end
  local axes
  if mode == "explicit" then
    axes = c:need_numbers(L, 3, "axes")
    if not axes then return end
  else
    axes = {}
    local first = c:int(L, "axis", -1)
    if first == -1 then first = rank - c:rank(L, 1) end
    for i = 1, c:rank(L, 1) do axes[i] = first + i - 1 end
  end
  local taken, free = {}, {}
  for _, axis in ipairs(axes) do taken[axis] = true end
  for axis = 0, rank - 1 do
    if not taken[axis] then free[#free + 1] = axis end
  end
  -- A scalar along one axis takes that axis's place.
  if c:rank(L, 1) == 0 then return c:op("Expand", { x, shape }) end
  if #free > 0 then x = c:unsqueeze(x, free) end
  return c:op("Expand", { x, shape })
end

function M.Tile(c, L)
  local x, rank, list = c:x(L, 1), c:rank(L, 1), c:numbers(L, 2)
  local n = list and #list or c:dims(L, 2)[1]
  if n == -1 or n == rank then return c:op("Tile", { x, c:as_i64(L, 2) }) end
  if n > rank then
    local axes = {}
    for i = 1, n - rank do axes[i] = i - 1 end
    return c:op("Tile", { c:unsqueeze(x, axes), c:as_i64(L, 2) })
  end
  local ones = {}
  for i = 1, rank - n do ones[i] = 1 end
  return c:op("Tile", { x, (c:op("Concat", { c:i64(ones), c:as_i64(L, 2) }, { axis = 0 })) })
end

local function scalar(c, x, rank) return rank == 0 and x or c:reshape(x, {}) end

function M.Range(c, L)
  local dtype = L.opset >= 4 and c:dtype(L, "output_type") or c:type_of(L, 1)
  local parts = {}
  for i = 1, 3 do
    parts[i] = scalar(c, c:cast(c:x(L, i), c:type_of(L, i), dtype), c:rank(L, i))
  end
  return c:op("Range", parts)
end

-- ---- slices -----------------------------------------------------------------------------------

function M.Slice(c, L)
  local inputs = { c:x(L, 1), c:as_i64(L, 2), c:as_i64(L, 3), L.x[5] and c:as_i64(L, 5) or "",
    c:as_i64(L, 4) }
  if not L.x[5] then
    -- All axes from the first.
    local n = c:dims(L, 2)[1]
    if not n or n == -1 then return c:unsupported(L, "of an unknown number of axes") end
    local axes = {}
    for i = 1, n do axes[i] = i - 1 end
    inputs[4] = c:i64(axes)
  end
  return c:op("Slice", inputs)
end

--- Flags by entry; of begin_mask and end_mask a 1 says that the entry is ignored.
local function mask(c, L, key, n)
  local list = c:ints(L, key, {})
  local out = {}
  for i = 1, n do out[i] = list[i] == 1 end
  return out
end

local FIRST, LAST = math.mininteger, math.maxinteger

--- One entry an axis of `begin`: a slice, one index (shrink), a new axis, or the axes between
--- (ellipsis). Gives entries with the axis of the input that each is for.
local function entries(c, L, n, rank)
  local new, shrink = mask(c, L, "new_axis_mask", n), mask(c, L, "shrink_axis_mask", n)
  local ellipsis = mask(c, L, "ellipsis_mask", n)
  local begins, ends = mask(c, L, "begin_mask", n), mask(c, L, "end_mask", n)
  local used = 0
  for i = 1, n do
    if not new[i] and not ellipsis[i] then used = used + 1 end
  end
  if used > rank then c:fail(L, "%d axes sliced of %d", used, rank) end
  local list, axis, out, seen = {}, 0, 0, false
  for i = 1, n do
    if ellipsis[i] and not seen then
      seen = true
      axis, out = axis + rank - used, out + rank - used
    elseif new[i] then
      list[#list + 1] = { kind = "new", out = out }
      out = out + 1
    elseif not ellipsis[i] then
      list[#list + 1] = { kind = shrink[i] and "one" or "slice", axis = axis, at = i,
        has_begin = not begins[i], has_end = not ends[i], out = out }
      axis = axis + 1
      if not shrink[i] then out = out + 1 end
    end
  end
  return list
end

--- Starts, ends, steps of a slice where all are known.
local function known_slice(e, begin, stop, steps)
  local step = steps and steps[e.at] or 1
  local first, last = begin[e.at], stop[e.at]
  if e.kind == "one" then
    return first, first == -1 and LAST or first + 1, 1
  end
  if not e.has_begin then first = step > 0 and FIRST or LAST end
  if not e.has_end then last = step > 0 and LAST or FIRST end
  return first, last, step
end

local function computed(c, L, i, places)
  return c:op("Gather", { c:as_i64(L, i), c:i64(places) }, { axis = 0 })
end

--- With begin, end or stride computed: masked entries are replaced by the furthest.
local function computed_slice(c, L, x, list)
  local axes, places, no_begin, no_end, ones = {}, {}, {}, {}, {}
  for i, e in ipairs(list) do
    axes[i], places[i] = e.axis, e.at - 1
    no_begin[i], no_end[i], ones[i] = not e.has_begin and e.kind == "slice",
      not e.has_end and e.kind == "slice", e.kind == "one"
  end
  local steps = L.x[4] and c:numbers(L, 4)
  if L.x[4] and not steps then return c:unsupported(L, "with computed strides", "constant strides") end
  local firsts, lasts, by = {}, {}, {}
  for i, e in ipairs(list) do
    by[i] = e.kind == "one" and 1 or steps and steps[e.at] or 1
    firsts[i], lasts[i] = by[i] > 0 and FIRST or LAST, by[i] > 0 and LAST or FIRST
  end
  local function choose(flags, a, b)
    return c:op("Where", { c:constant(tensor.new(flags, "bool")), a, b })
  end
  local begin, stop = computed(c, L, 2, places), computed(c, L, 3, places)
  -- One index: up to the next, and -1 up to the end.
  local next_one = c:op("Add", { begin, c:constant(1, "i64") })
  next_one = c:op("Where", { (c:op("Equal", { next_one, c:constant(0, "i64") })),
    c:constant(LAST, "i64"), next_one })
  begin = choose(no_begin, c:i64(firsts), begin)
  stop = choose(no_end, c:i64(lasts), stop)
  stop = choose(ones, next_one, stop)
  return c:op("Slice", { x, begin, stop, c:i64(axes), c:i64(by) })
end

function M.StridedSlice(c, L)
  local begin, stop, steps = c:numbers(L, 2), c:numbers(L, 3), L.x[4] and c:numbers(L, 4)
  local n = begin and #begin or c:dims(L, 2)[1]
  if n == -1 then return c:unsupported(L, "of an unknown number of axes") end
  local all, sliced, shrunk, new = entries(c, L, n, c:rank(L, 1)), {}, {}, {}
  for _, e in ipairs(all) do
    if e.kind == "new" then new[#new + 1] = e.out else sliced[#sliced + 1] = e end
    if e.kind == "one" then shrunk[#shrunk + 1] = e.axis end
  end
  local y = c:x(L, 1)
  if #sliced > 0 and begin and stop and (steps or not L.x[4]) then
    if #stop < n or steps and #steps < n then c:fail(L, "begin, end and strides differ in length") end
    local axes, firsts, lasts, by = {}, {}, {}, {}
    for i, e in ipairs(sliced) do
      axes[i], firsts[i], lasts[i], by[i] = e.axis, known_slice(e, begin, stop, steps)
    end
    y = c:slice(y, axes, firsts, lasts, by)
  elseif #sliced > 0 then
    y = computed_slice(c, L, y, sliced)
    if not y then return end
  end
  if #shrunk > 0 then y = c:squeeze(y, shrunk) end
  if #new > 0 then y = c:unsqueeze(y, new) end
  return y == c:x(L, 1) and c:op("Identity", { y }) or y
end

-- ---- padding ----------------------------------------------------------------------------------

function M.Pad(c, L)
  local modes = { constant = "constant", edge = "edge", reflect = "reflect" }
  local mode = c:word(L, "pad_mode", "constant")
  local x = c:x(L, 1)
  local pads = c:op("Concat", { c:as_i64(L, 2), c:as_i64(L, 3) }, { axis = 0 })
  if modes[mode] then
    local value = L.x[4] and mode == "constant" and c:cast(L.x[4], c:type_of(L, 4), c:type_of(L, 1))
    return c:op("Pad", { x, pads, value or nil }, { mode = modes[mode] })
  end
  if mode ~= "symmetric" then return c:unsupported(L, "with mode " .. mode) end
  -- Symmetric: a mirror that repeats the border, axis by axis out of parts turned around.
  local before, after = c:need_numbers(L, 2, "sizes"), c:need_numbers(L, 3, "sizes")
  if not before or not after then return end
  for axis = 0, #before - 1 do
    local a, b = before[axis + 1], after[axis + 1]
    if a < 0 or b < 0 then return c:unsupported(L, "symmetric by less than nothing") end
    local parts = {}
    if a > 0 then parts[1] = c:slice(x, { axis }, { a - 1 }, { FIRST }, { -1 }) end
    parts[#parts + 1] = x
    if b > 0 then parts[#parts + 1] = c:slice(x, { axis }, { -1 }, { -b - 1 }, { -1 }) end
    x = c:op("Concat", parts, { axis = axis })
  end
  return x
end

-- ---- blocks -----------------------------------------------------------------------------------

--- Reshape, Transpose, Reshape with sizes that may be free: `shape` maps the sizes to a list in
--- which a number is a size and a table { axis, factor } or { axis, 1, divisor } one of the input.
local function reshaped(c, L, x, list)
  local dims, sizes, free = c:dims(L, 1), {}, 0
  for i, item in ipairs(list) do
    if type(item) == "number" then
      sizes[i] = item
    else
      local size = dims[item[1] + 1]
      if size == -1 then
        sizes[i], free = -1, free + 1
      else
        sizes[i] = size * (item[2] or 1) // (item[3] or 1)
      end
    end
  end
  if free <= 1 then return c:reshape(x, sizes) end
  local shape, parts = c:shape_of(c:x(L, 1)), {}
  for i, item in ipairs(list) do
    if type(item) == "number" or sizes[i] ~= -1 then
      parts[i] = c:i64 { sizes[i] }
    else
      local part = c:slice(shape, { 0 }, { item[1] }, { item[1] + 1 })
      if (item[2] or 1) ~= 1 then part = c:op("Mul", { part, c:i64 { item[2] } }) end
      if (item[3] or 1) ~= 1 then part = c:op("Div", { part, c:i64 { item[3] } }) end
      parts[i] = part
    end
  end
  return c:op("Reshape", { x, (c:op("Concat", parts, { axis = 0 })) })
end

local function block_size(c, L)
  local block = c:int(L, "block_size", 1)
  if block < 1 or block > 1 << 16 then c:fail(L, "block_size %d", block) end
  return block
end

--- Blocks of a picture of any number of axes from parts of the channels.
function M.DepthToSpace(c, L)
  local b, n = block_size(c, L), c:rank(L, 1) - 2
  local blocks_first = c:word(L, "mode", "blocks_first") == "blocks_first"
  if n < 1 then c:fail(L, "a value of %d axes", n + 2) end
  local all = b ^ n // 1 | 0
  local split, perm, last = { { 0 } }, { 0 }, { { 0 }, { 1, 1, all } }
  if not blocks_first then split[2], perm[2] = { 1, 1, all }, 1 end
  for _ = 1, n do split[#split + 1] = b end
  if blocks_first then
    split[#split + 1] = { 1, 1, all }
    perm[2] = n + 1
  end
  for i = 1, n do
    split[#split + 1] = { 1 + i }
    perm[#perm + 1] = n + 1 + i
    perm[#perm + 1] = (blocks_first and 0 or 1) + i
    last[#last + 1] = { 1 + i, b }
  end
  local y = c:transpose(reshaped(c, L, c:x(L, 1), split), perm)
  return reshaped(c, L, y, last)
end

function M.SpaceToDepth(c, L)
  local b, n = block_size(c, L), c:rank(L, 1) - 2
  local blocks_first = c:word(L, "mode", "blocks_first") == "blocks_first"
  if n < 1 then c:fail(L, "a value of %d axes", n + 2) end
  local split, last = { { 0 }, { 1 } }, { { 0 }, { 1, b ^ n // 1 | 0 } }
  local inner, outer = {}, {}
  for i = 1, n do
    split[#split + 1] = { 1 + i, 1, b }
    split[#split + 1] = b
    outer[i], inner[i] = 2 * i, 2 * i + 1
    last[#last + 1] = { 1 + i, 1, b }
  end
  local perm = { 0 }
  if not blocks_first then perm[2] = 1 end
  table.move(inner, 1, n, #perm + 1, perm)
  if blocks_first then perm[#perm + 1] = 1 end
  table.move(outer, 1, n, #perm + 1, perm)
  local y = c:transpose(reshaped(c, L, c:x(L, 1), split), perm)
  return reshaped(c, L, y, last)
end

function M.ShuffleChannels(c, L)
  local rank = c:rank(L, 1)
  local axis, group = c:axis(L, c:int(L, "axis", 1), rank), c:int(L, "group", 1)
  if group < 1 then c:fail(L, "%d groups", group) end
  local split, perm, last = {}, {}, {}
  for i = 0, rank - 1 do
    if i == axis then
      split[#split + 1] = group
      split[#split + 1] = { i, 1, group }
      perm[#perm + 1], perm[#perm + 2] = i + 1, i
    else
      split[#split + 1] = { i }
      perm[#perm + 1] = i < axis and i or i + 1
    end
    last[i + 1] = { i }
  end
  return reshaped(c, L, c:transpose(reshaped(c, L, c:x(L, 1), split), perm), last)
end

--- Sizes of blocks and margins, all constant.
local function block_inputs(c, L)
  local block = c:need_numbers(L, 2, "block_shape")
  local first, last = c:need_numbers(L, 3, "margins"), c:need_numbers(L, 4, "margins")
  if not block or not first or not last then return end
  if #block ~= c:rank(L, 1) or #first ~= #block or #last ~= #block then
    c:fail(L, "%d blocks for %d axes", #block, c:rank(L, 1))
  end
  local all = 1
  for _, b in ipairs(block) do
    if b < 1 or b > 1 << 16 then c:fail(L, "a block of %d", b) end
    all = all * b
  end
  return block, first, last, all
end

--- A reshape by sizes that are computed where any is free.
local function by_sizes(c, x, parts)
  local known = true
  for _, p in ipairs(parts) do known = known and type(p) == "number" end
  if known then return c:reshape(x, parts) end
  for i, p in ipairs(parts) do parts[i] = type(p) == "number" and c:i64 { p } or p end
  return c:op("Reshape", { x, (c:op("Concat", parts, { axis = 0 })) })
end

--- Sizes of a value: numbers where known, else pieces of its shape.
local function sizes_of(c, x, dims)
  local list, shape = {}, nil
  for i, size in ipairs(dims) do
    list[i] = size
    if size == -1 then
      shape = shape or c:shape_of(x)
      list[i] = c:slice(shape, { 0 }, { i - 1 }, { i })
    end
  end
  return list
end

local function scaled(c, size, factor, divisor)
  if type(size) == "number" then return size * factor // divisor end
  if factor ~= 1 then size = c:op("Mul", { size, c:i64 { factor } }) end
  if divisor ~= 1 then size = c:op("Div", { size, c:i64 { divisor } }) end
  return size
end

function M.BatchToSpace(c, L)
  local block, first, last, all = block_inputs(c, L)
  if not block then return end
  local x, n = c:x(L, 1), #block
  local sizes = sizes_of(c, x, c:dims(L, 1))
  -- [blocks of axes 1.., batch, sizes]: each block's part comes behind its size.
  local split, perm, joined = {}, { n - 1 }, { scaled(c, sizes[1], 1, all) }
  for i = 2, n do split[#split + 1] = block[i] end
  split[#split + 1] = joined[1]
  for i = 2, n do
    split[#split + 1] = sizes[i]
    perm[#perm + 1], perm[#perm + 2] = n + i - 2, i - 2
    joined[i] = scaled(c, sizes[i], block[i], 1)
  end
  local y = by_sizes(c, c:transpose(by_sizes(c, x, split), perm), joined)
  local axes, ends = {}, {}
  for i = 1, n do axes[i], ends[i] = i - 1, last[i] > 0 and -last[i] or LAST end
  return c:slice(y, axes, first, ends)
end

function M.SpaceToBatch(c, L)
  local block, first, last, all = block_inputs(c, L)
  if not block then return end
  local n, pads, dims = #block, {}, {}
  for i, size in ipairs(c:dims(L, 1)) do
    pads[i], pads[n + i] = first[i], last[i]
    dims[i] = size < 0 and -1 or size + first[i] + last[i]
  end
  local y = c:op("Pad", { c:x(L, 1), c:i64(pads) })
  local sizes = sizes_of(c, y, dims)
  local split, perm, joined = { sizes[1] }, {}, { scaled(c, sizes[1], all, 1) }
  for i = 2, n do
    split[#split + 1] = scaled(c, sizes[i], 1, block[i])
    split[#split + 1] = block[i]
    perm[i - 1], perm[n + i - 1] = 2 * (i - 1), 2 * (i - 1) - 1
    joined[i] = split[2 * (i - 1)]
  end
  perm[n] = 0
  return by_sizes(c, c:transpose(by_sizes(c, y, split), perm), joined)
end

function M.ReverseSequence(c, L)
  return c:op("ReverseSequence", { c:x(L, 1), c:as_i64(L, 2) }, {
    batch_axis = c:int(L, "batch_axis", 0), time_axis = c:int(L, "seq_axis", 1) })
end

--- Flips by index or by mask, of opset 1.
function M.Reverse(c, L)
  local list, axes = c:need_numbers(L, 2, "axes"), {}
  if not list then return end
  for i, v in ipairs(list) do
    if c:word(L, "mode", "index") == "index" then
      axes[i] = c:axis(L, v, c:rank(L, 1))
    elseif v ~= 0 then
      axes[#axes + 1] = i - 1
    end
  end
  local x = c:x(L, 1)
  if #axes == 0 then return c:op("Identity", { x }) end
  local firsts, lasts, steps = {}, {}, {}
  for i = 1, #axes do firsts[i], lasts[i], steps[i] = -1, FIRST, -1 end
  return c:slice(x, axes, firsts, lasts, steps)
end

--- Each axis in turn: what lies before the shift goes behind.
function M.Roll(c, L)
  local shifts, axes = c:need_numbers(L, 2, "shift"), c:need_numbers(L, 3, "axes")
  if not shifts or not axes then return end
  local x, dims = c:x(L, 1), c:dims(L, 1)
  for i, axis in ipairs(axes) do
    axis = c:axis(L, axis, #dims)
    local size, shift = dims[axis + 1], shifts[i] or shifts[1] or 0
    if size == -1 then return c:unsupported(L, "along an axis of free size") end
    shift = size > 0 and shift % size or 0
    if shift ~= 0 then
      x = c:op("Concat", { c:slice(x, { axis }, { size - shift }, { LAST }),
        (c:slice(x, { axis }, { 0 }, { size - shift })) }, { axis = axis })
    end
  end
  return x == c:x(L, 1) and c:op("Identity", { x }) or x
end

return M
