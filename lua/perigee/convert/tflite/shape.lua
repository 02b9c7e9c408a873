--- Operators that move elements: shapes, joins, splits, padding.
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = {}

local function i64_of(s, node, i)
  local t = s:need(node, i)
  local list = s:ints(node, i)
  if list then
    for k, v in ipairs(list) do list[k] = math.tointeger(v) end
    return s.b:i64(list), list
  end
  local x = s:x(node, i)
  return t.dtype == "i64" and x or quant.cast(s, x, "i64"), nil
end
M.i64_of = i64_of

function M.axis(s, axis, rank)
  if axis < -rank or axis >= rank then s:bad("axis %d of rank %d", axis, rank) end
  return axis < 0 and axis + rank or axis
end

function M.RESHAPE(s, node)
  local b, out = s.b, s:out_t(node)
  local shape, list
  if s:t(node, 2) then
    shape, list = i64_of(s, node, 2)
  else
    list = node.o.new_shape
    if type(list) ~= "table" then list = out.shape end
    shape = b:i64(list)
  end
  -- see signal.lua
  if out.dtype == "c64" then shape = b:op("Concat", { shape, b:i64 { 2 } }, { axis = 0 }) end
  -- An old writer's [0] for a scalar.
  if list and #list == 1 and list[1] == 0 and out.rank == 0 then shape = b:i64 {} end
  s:set(node, 1, b:op("Reshape", { s:x(node, 1), shape }, { allowzero = list and #list > 0
    and table.concat(list, " "):find "%f[%-%d]0%f[^%d]" and not table.concat(list, " "):find "%-1"
      and 1 or 0 }))
end

function M.SQUEEZE(s, node)
  local dims = node.o.squeeze_dims
  local t = s:need(node, 1)
  if type(dims) ~= "table" or #dims == 0 then
    return s:set(node, 1, s.b:op("Squeeze", { s:x(node, 1) }))
  end
  local axes = {}
  for i, axis in ipairs(dims) do axes[i] = M.axis(s, axis, t.rank) end
  s:set(node, 1, s.b:op("Squeeze", { s:x(node, 1), s.b:i64(axes) }))
end

function M.EXPAND_DIMS(s, node)
  local axis, list = i64_of(s, node, 2)
  if list then
    axis = s.b:i64 { M.axis(s, list[1] or 0, s:need(node, 1).rank + 1) }
  else
    axis = s.b:reshape(axis, { 1 })
  end
  s:set(node, 1, s.b:op("Unsqueeze", { s:x(node, 1), axis }))
end

function M.TRANSPOSE(s, node)
  local perm = s:ints(node, 2)
  if not perm then return s:unsupported("TRANSPOSE with a permutation that is not constant") end
  local t = s:need(node, 1)
  if #perm ~= t.rank then s:bad("a permutation of %d axes for rank %d", #perm, t.rank) end
  for i, axis in ipairs(perm) do perm[i] = M.axis(s, axis, t.rank) end
  s:set(node, 1, s.b:transpose(s:x(node, 1), perm))
end

-- ---- joins and splits
-- -----------------------------------------------------------------------------

--- An input of CONCATENATION or PACK in the scale of the output.
local function rescaled(s, x, t, out)
  if not t.is_quantized or not out.is_quantized then return x end
  if t.scale == out.scale and t.zero == out.zero then return x end
  local low, high = out:limits()
  if t.dtype == "u8" or t.dtype == "i8" then
    -- ConcatenationWithScaling: in f32.
    local inverse = fixed.f32(1 / out.scale)
    local scale = fixed.f32(t.scale * inverse)
    local bias = fixed.f32(-t.zero * scale)
    local list = fixed.table(t, function(q)
      local y = fixed.round(fixed.f32(fixed.f32(q * scale) + bias)) + out.zero
      return fixed.clamp(y, low, high)
    end)
    return quant.lookup(s, x, t, list, out.dtype)
  end
  return quant.rescale_by(s, x, t.scale / out.scale,
    { in_zero = t.zero, zero = out.zero, low = low, high = high, to = out.dtype })
end

function M.CONCATENATION(s, node)
  local out = s:out_t(node)
  local axis = M.axis(s, node.o.axis, math.max(out.rank, 1))
  local n = #node.inputs
  local layout
  local is_first = out.rank == 4
  for i = 1, n do is_first = is_first and s:is_first(node, i) end
  local x = {}
  for i = 1, n do
    local t = s:need(node, i)
    x[i] = rescaled(s, s:x(node, i, is_first and "first" or nil), t, out)
  end
  if is_first then
    layout = "first"
    axis = ({ [0] = 0, 2, 3, 1 })[axis]
  end
  local y = s.b:op("Concat", x, { axis = axis })
  if out.is_quantized then
    local low, high = quant.range(s, node.o.fused_activation_function or 0, out)
    local least, most = out:limits()
    if low > least or high < most then
      y = s.b:op("Clip", { y, s.b:constant(low, out.dtype), s.b:constant(high, out.dtype) })
    end
  elseif out.dtype == "f32" then
    y = quant.activate(s, y, node.o.fused_activation_function or 0)
  end
  s:set(node, 1, y, layout)
end

function M.PACK(s, node)
  local b, out = s.b, s:out_t(node)
  local axis = M.axis(s, node.o.axis, out.rank)
  local x = {}
  for i = 1, #node.inputs do x[i] = b:op("Unsqueeze", { s:x(node, i), b:i64 { axis } }) end
  s:set(node, 1, b:op("Concat", x, { axis = axis }))
end

function M.UNPACK(s, node)
  local t, b, n = s:need(node, 1), s.b, #node.outputs
  local axis = M.axis(s, node.o.axis, t.rank)
  local parts = { b:op("Split", { s:x(node, 1) }, { axis = axis, num_outputs = n }, n) }
  for i = 1, n do s:set(node, i, b:op("Squeeze", { parts[i], b:i64 { axis } })) end
end

local function set_parts(s, node, parts)
  for i = 1, #node.outputs do s:set(node, i, parts[i]) end
end

function M.SPLIT(s, node)
  local axis = s:ints(node, 1)
  if not axis then return s:unsupported "SPLIT along an axis that is not constant" end
  local t, n = s:need(node, 2), #node.outputs
  set_parts(s, node, { s.b:op("Split", { s:x(node, 2) },
    { axis = M.axis(s, axis[1], t.rank), num_outputs = n }, n) })
end

function M.SPLIT_V(s, node)
  local axis, sizes = s:ints(node, 3), s:ints(node, 2)
  if not axis or not sizes then return s:unsupported "SPLIT_V with sizes that are not constant" end
  local t, n = s:need(node, 1), #node.outputs
  local at = M.axis(s, axis[1], t.rank)
  local rest, missing = t.shape[at + 1], nil
  for i, size in ipairs(sizes) do
    if size < 0 then missing = i else rest = rest - size end
  end
  if missing then sizes[missing] = rest end
  if #sizes ~= n then s:bad("%d sizes for %d outputs", #sizes, n) end
  set_parts(s, node, { s.b:op("Split", { s:x(node, 1), s.b:i64(sizes) }, { axis = at }, n) })
end

function M.TILE(s, node)
  s:set(node, 1, s.b:op("Tile", { s:x(node, 1), (i64_of(s, node, 2)) }))
end

-- ---- padding
-- ----------------------------------------------------------------------------------------

--- [rank, 2] as ONNX has them: all before, then all behind.
local function pads_of(s, node, order)
  local list, t = s:ints(node, 2), s:need(node, 1)
  if not list then
    local x = i64_of(s, node, 2)
    return s.b:reshape(s.b:transpose(x, { 1, 0 }), { -1 })
  end
  if #list ~= 2 * t.rank then s:bad("%d paddings for rank %d", #list, t.rank) end
  local pads, rank = {}, t.rank
  for i = 1, rank do
    local axis = order and order[i] + 1 or i
    pads[i], pads[rank + i] = list[2 * axis - 1], list[2 * axis]
  end
  return s.b:i64(pads)
end

local function pad(s, node, value)
  local t = s:need(node, 1)
  local layout = t.rank == 4 and s:is_first(node, 1) and s:ints(node, 2) and "first" or nil
  local x = s:x(node, 1, layout)
  local pads = pads_of(s, node, layout and s.channels_first[4])
  if t.dtype == "i16" or t.dtype == "u16" then
    local y = s.b:op("Pad", { quant.cast(s, x, "i32"), pads, quant.cast(s, value, "i32") })
    return s:set(node, 1, quant.cast(s, y, t.dtype), layout)
  end
  s:set(node, 1, s.b:op("Pad", { x, pads, value }), layout)
end

function M.PAD(s, node)
  local t, out = s:need(node, 1), s:out_t(node)
  pad(s, node, s.b:constant(out.is_quantized and out.zero or 0, t.dtype))
end

function M.PADV2(s, node)
  local value, t = s:x(node, 3), s:need(node, 3)
  if t.rank > 0 then value = s.b:reshape(value, {}) end
  pad(s, node, value)
end

function M.MIRROR_PAD(s, node)
  local t, b = s:need(node, 1), s.b
  local x, pads = s:x(node, 1), pads_of(s, node)
  if node.o.mode == 0 then
    return s:set(node, 1, b:op("Pad", { x, pads }, { mode = "reflect" }))
  end
  -- The edge itself is repeated: indices along each axis.
  local list = s:ints(node, 2)
  if not list or not t:is_static() then
    return s:unsupported "MIRROR_PAD (symmetric) of unknown size"
  end
  for axis = 0, t.rank - 1 do
    local before, behind, n = list[2 * axis + 1], list[2 * axis + 2], t.shape[axis + 1]
    if n > 1 << 22 then return s:unsupported "MIRROR_PAD (symmetric) of more than 4 million" end
    if before > n or behind > n or before < 0
      or behind < 0 then s:bad("padding beyond the size %d", n) end
    if before + behind > 0 then
      local index = {}
      for i = before, 1, -1 do index[#index + 1] = i - 1 end
      for i = 0, n - 1 do index[#index + 1] = i end
      for i = 1, behind do index[#index + 1] = n - i end
      x = b:op("Gather", { x, b:constant(pg_tensor.new(index, "i64")) }, { axis = axis })
    end
  end
  s:set(node, 1, x)
end

-- ---- blocks
-- -----------------------------------------------------------------------------------------

local function through_i32(s, node, type, attrs)
  s:set(node, 1, s.b:op(type, { s:x(node, 1, "first") }, attrs), "first")
end

local function check_block(s, block)
  if block < 1 then s:bad("block size %d", block) end
end

function M.DEPTH_TO_SPACE(s, node)
  check_block(s, node.o.block_size)
  through_i32(s, node, "DepthToSpace", { blocksize = node.o.block_size, mode = "DCR" })
end

--- TensorFlow's order is blocks before depth, which is ONNX's too.
function M.SPACE_TO_DEPTH(s, node)
  check_block(s, node.o.block_size)
  through_i32(s, node, "SpaceToDepth", { blocksize = node.o.block_size })
end

local function rank_blocks(s, node)
  local t, block, crops = s:need(node, 1), s:ints(node, 2), s:ints(node, 3)
  if not block or not crops then
    s:unsupported(node.type .. " with a block that is not constant")
    return
  end
  local m = #block
  if #crops ~= 2 * m or m > t.rank - 1 then s:bad "block and paddings don't fit" end
  for _, v in ipairs(block) do check_block(s, v) end
  return t, block, crops, m
end

function M.SPACE_TO_BATCH_ND(s, node)
  local t, block, pads, m = rank_blocks(s, node)
  if not t then return end
  local b, rank, out = s.b, t.rank, s:out_t(node)
  local list = {}
  for i = 1, 2 * rank do list[i] = 0 end
  for i = 1, m do list[1 + i], list[rank + 1 + i] = pads[2 * i - 1], pads[2 * i] end
  local x = s:x(node, 1)
  local zero = b:constant(out.is_quantized and out.zero or 0, t.dtype)
  x = b:op("Pad", { x, b:i64(list), zero })
  -- [N, H/b, b, W/b, c, C] -> [b, c, N, H/b, W/b, C]
  local split, perm, joined = { 0 }, {}, { -1 }
  for i = 1, m do
    local size = t.shape[1 + i]
    if size < 0 then return s:unsupported "SPACE_TO_BATCH_ND of unknown size" end
    size = (size + pads[2 * i - 1] + pads[2 * i]) // block[i]
    split[#split + 1], split[#split + 2] = size, block[i]
    perm[i] = 2 * i
    joined[1 + i] = size
  end
  perm[m + 1] = 0
  for i = 1, m do perm[#perm + 1] = 2 * i - 1 end
  for i = m + 2, rank do
    if t.shape[i] < 0 then return s:unsupported "SPACE_TO_BATCH_ND of unknown size" end
    split[#split + 1], joined[i] = t.shape[i], t.shape[i]
    perm[#perm + 1] = #split - 1
  end
  x = b:transpose(b:reshape(x, split), perm)
  s:set(node, 1, b:reshape(x, joined))
end

function M.BATCH_TO_SPACE_ND(s, node)
  local t, block, crops, m = rank_blocks(s, node)
  if not t then return end
  local b, rank, product = s.b, t.rank, 1
  for i = 2, rank do
    if t.shape[i] < 0 then return s:unsupported "BATCH_TO_SPACE_ND of unknown size" end
  end
  local split, perm, joined = {}, { m }, { -1 }
  for i = 1, m do
    split[i] = block[i]
    product = product * block[i]
  end
  split[m + 1] = t.shape[1] >= 0 and t.shape[1] // product or -1
  for i = 2, rank do split[m + i] = t.shape[i] end
  for i = 1, m do
    perm[#perm + 1], perm[#perm + 2] = m + i, i - 1
    joined[1 + i] = t.shape[1 + i] * block[i]
  end
  for i = m + 2, rank do
    perm[#perm + 1] = m + i - 1
    joined[i] = t.shape[i]
  end
  local x = b:reshape(b:transpose(b:reshape(s:x(node, 1), split), perm), joined)
  local axes, starts, ends = {}, {}, {}
  for i = 1, m do
    axes[i], starts[i], ends[i] = i, crops[2 * i - 1], joined[1 + i] - crops[2 * i]
  end
  s:set(node, 1, b:slice(x, axes, starts, ends))
end

-- ---- made from shapes
-- -----------------------------------------------------------------------------

function M.SHAPE(s, node)
  local out = s:out_t(node)
  local y = s.b:op("Shape", { s:x(node, 1) })
  s:set(node, 1, out.dtype == "i64" and y or quant.cast(s, y, out.dtype))
end

function M.RANK(s, node)
  s:set(node, 1, quant.cast(s, s.b:op("Size", { s.b:op("Shape", { s:x(node, 1) }) }), "i32"))
end

function M.FILL(s, node)
  s:set(node, 1, s.b:op("Expand", { s:x(node, 2), (i64_of(s, node, 1)) }))
end

local function scalar(s, node, i)
  local t, x = s:need(node, i), s:x(node, i)
  return t.rank == 0 and x or s.b:reshape(x, {})
end

function M.RANGE(s, node)
  s:set(node, 1, s.b:op("Range", { scalar(s, node, 1), scalar(s, node, 2), scalar(s, node, 3) }))
end

function M.BROADCAST_TO(s, node)
  s:set(node, 1, s.b:op("Expand", { s:x(node, 1), (i64_of(s, node, 2)) }))
end

--- The shape that two shapes make: that of an empty product of the two.
function M.BROADCAST_ARGS(s, node)
  local b, out = s.b, s:out_t(node)
  local function expanded(i)
    return b:op("Expand", { b:constant(false, "bool"), (i64_of(s, node, i)) })
  end
  local y = b:op("Shape", { b:op("Or", { expanded(1), expanded(2) }) })
  s:set(node, 1, out.dtype == "i64" and y or quant.cast(s, y, out.dtype))
end

function M.REVERSE_V2(s, node)
  local axes, t = s:ints(node, 2), s:need(node, 1)
  if not axes then return s:unsupported "REVERSE_V2 along an axis that is not constant" end
  local starts, ends, steps = {}, {}, {}
  for i, axis in ipairs(axes) do
    axes[i] = M.axis(s, axis, t.rank)
    starts[i], ends[i], steps[i] = -1, math.mininteger, -1
  end
  s:set(node, 1, s.b:slice(s:x(node, 1), axes, starts, ends, steps))
end

function M.REVERSE_SEQUENCE(s, node)
  local t, o, b = s:need(node, 1), node.o, s.b
  local time, batch = M.axis(s, o.seq_dim, t.rank), M.axis(s, o.batch_dim, t.rank)
  local lens = i64_of(s, node, 2)
  local x = s:x(node, 1)
  if time + batch == 1 then
    return s:set(node, 1, b:op("ReverseSequence", { x, lens },
      { batch_axis = batch, time_axis = time }))
  end
  local perm, back = { batch, time }, {}
  for axis = 0, t.rank - 1 do
    if axis ~= batch and axis ~= time then perm[#perm + 1] = axis end
  end
  for i, axis in ipairs(perm) do back[axis + 1] = i - 1 end
  local y = b:op("ReverseSequence", { b:transpose(x, perm), lens },
    { batch_axis = 0, time_axis = 1 })
  s:set(node, 1, b:transpose(y, back))
end

--- Whether row and column of the last two axes are the same, for `like`.
local function on_diagonal(s, rows, columns)
  local b = s.b
  local function range(n) return b:op("Range", { b:constant(0, "i64"), n,
    b:constant(1, "i64") }) end
  return b:op("Equal", { b:op("Unsqueeze", { range(rows), b:i64 { -1 } }), range(columns) })
end

local function size_of(s, x, axis)
  local b = s.b
  return b:reshape(b:slice(b:op("Shape", { x }), { 0 }, { axis },
    { axis == -1 and math.maxinteger or axis + 1 }), {})
end

function M.MATRIX_DIAG(s, node)
  local t, b, x = s:need(node, 1), s.b, s:x(node, 1)
  local n = size_of(s, x, -1)
  s:set(node, 1, b:op("Where", { on_diagonal(s, n, n), b:op("Unsqueeze", { x, b:i64 { -1 } }),
    b:constant(0, t.dtype) }))
end

function M.MATRIX_SET_DIAG(s, node)
  local b, t, x = s.b, s:need(node, 1), s:x(node, 1)
  local diagonal = s:x(node, 2)
  local mask = on_diagonal(s, size_of(s, x, -2), size_of(s, x, -1))
  local rows, columns = t.shape[t.rank - 1], t.shape[t.rank]
  --- Along the shorter side, so that it broadcasts over the longer.
  local axis = rows <= columns and -1 or -2
  s:set(node, 1, b:op("Where", { mask, b:op("Unsqueeze", { diagonal, b:i64 { axis } }), x }))
end

function M.DENSIFY(s, node) s:set(node, 1, s:x(node, 1)) end

return M
