--- Sparse constants: dense and compressed rows in any order of traversal, with blocks (the format
--- of "Format Abstraction for Sparse Tensor Algebra Compilers", Chou et al. 2018).
local fail = require "perigee.convert.fail"
local core = require "perigee.core"

local M = {}

--- Dense bytes for each byte that is there, and for free: a small file must not ask for much
--- memory.
local MOST_GROWTH, FREE = 256, 1 << 20
local width = { i8 = 1, u8 = 1, f16 = 2, i16 = 2, f32 = 4, i32 = 4 }

local function numbers(vector)
  if not vector then return {} end
  local values = vector.values
  if type(values) == "table" then return values end
  local list = {}
  for i = 1, #(values or "") do list[i] = values:u8(i - 1) end
  return list
end

--- Sizes and strides of the original axes and of the blocks: level -> stride in elements, and the
--- number of its positions.
local function levels_of(sparsity, shape, name)
  local order, map, levels = sparsity.traversal_order, sparsity.block_map, {}
  local rank = #shape
  local stride, block = {}, {}
  local n = 1
  for axis = rank, 1, -1 do stride[axis], n = n, n * shape[axis] end
  for i, axis in ipairs(map) do
    local meta
    for level, at in ipairs(order) do
      if at == rank + i - 1 then meta = sparsity.dim_metadata[level] end
    end
    if axis < 0 or axis >= rank or not meta then fail.format("tensor '%s': block map", name) end
    block[axis + 1] = meta.dense_size
  end
  for level, at in ipairs(order) do
    local axis = at < rank and at + 1 or (map[at - rank + 1] or rank) + 1
    if at < 0 or not stride[axis] then fail.format("tensor '%s': traversal order", name) end
    levels[level] = { meta = sparsity.dim_metadata[level],
      stride = stride[axis] * (at < rank and block[axis] or 1) }
    if not levels[level].meta then fail.format("tensor '%s': no dimension %d", name, level) end
  end
  return levels, n
end

---@param bytes perigee.Bytes the values that are there
---@param sparsity table SparsityParameters
---@param dtype perigee.dtype
---@param shape integer[]
---@param name string for messages
---@return perigee.Tensor
function M.densify(bytes, sparsity, dtype, shape, name)
  local w = width[dtype]
  if not w then fail.format("tensor '%s': sparse %s", name, dtype) end
  local levels, n = levels_of(sparsity, shape, name)
  if n * w > math.max(FREE, MOST_GROWTH * #bytes)
    or n < 0 then fail.format("tensor '%s': %d elements", name, n) end
  local places, count, steps = {}, 0, 0
  local function walk(level, position, offset)
    steps = steps + 1
    if steps > 4 * n + 1024 then fail.format("tensor '%s': more positions than elements", name) end
    local at = levels[level]
    if not at then
      if offset < 0 or offset >= n then fail.format("tensor '%s': a position outside", name) end
      count = count + 1
      places[offset] = count
      return
    end
    if at.meta.format == 0 then
      local size = at.meta.dense_size
      for i = 0, size - 1 do walk(level + 1, position * size + i, offset + i * at.stride) end
      return
    end
    at.segments = at.segments or numbers(at.meta.array_segments)
    at.indices = at.indices or numbers(at.meta.array_indices)
    local first, behind = at.segments[position + 1], at.segments[position + 2]
    if not first or not behind then fail.format("tensor '%s': segment %d", name, position) end
    for i = first, behind - 1 do
      local index = at.indices[i + 1]
      if not index then fail.format("tensor '%s': index %d", name, i) end
      walk(level + 1, i, offset + index * at.stride)
    end
  end
  walk(1, 0, 0)
  local text, zero, parts = bytes:string(0, count * w), ("\0"):rep(w), {}
  for offset = 0, n - 1 do
    local place = places[offset]
    parts[offset + 1] = place and text:sub((place - 1) * w + 1, place * w) or zero
  end
  return core.bytes_of(table.concat(parts)):tensor(dtype, shape, 0)
end

return M
