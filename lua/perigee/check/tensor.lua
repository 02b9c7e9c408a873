--- Rules for tensors: data against dims, external data, sparse tensors.
local types = require "perigee.check.types"
local shown = require("perigee.check.report").shown

local M = {}

local data_fields = {
  "float_data", "int32_data", "string_data", "int64_data", "raw_data", "double_data", "uint64_data",
}

--- The product of the dims; nil when one is negative or it doesn't fit.
local function count_of(dims)
  local n = 1
  for _, d in ipairs(dims or {}) do
    if d < 0 then return nil end
    if d ~= 0 and n > math.maxinteger // d then return nil end
    n = n * d
  end
  return n
end

local function ceil_bytes(count, bits)
  if count > math.maxinteger // bits then return nil end
  return (count * bits + 7) // 8
end

--- { key = value } of external_data.
local function external_entries(ctx, at, tensor)
  local entries = {}
  for _, entry in ipairs(tensor.external_data or {}) do
    local key = entry.key or ""
    if entries[key] then
      ctx.report:error("external", at, "external data give '%s' twice", shown(key))
    end
    entries[key] = entry.value or ""
  end
  return entries
end

local function is_inside(location)
  if location:find "^[/\\]" or location:find "^%a:" then return false end
  for part in location:gmatch "[^/\\]+" do
    if part == ".." then return false end
  end
  return true
end

local function file_size(ctx, location)
  local path = (ctx.path:match "^(.*/)[^/]*$" or "") .. location
  if ctx.file_sizes[path] == nil then
    local file = io.open(path, "rb")
    local size = file and file:seek "end"
    if file then file:close() end
    ctx.file_sizes[path] = size and size < math.maxinteger and size or false
  end
  return ctx.file_sizes[path]
end

local function size_entry(ctx, at, entries, key, otherwise)
  local text = entries[key]
  if not text then return otherwise end
  local value = text:find "^%d+$" and math.tointeger(tonumber(text))
  if not value then
    ctx.report:error("external", at, "external data: %s: expected a number of bytes, got '%s'", key,
      shown(text))
  end
  return value
end

local function check_external(ctx, at, tensor, need)
  local entries = external_entries(ctx, at, tensor)
  local location = entries.location
  if not location or location == "" then
    return ctx.report:error("external", at, "external data without a location")
  end
  local offset = size_entry(ctx, at, entries, "offset", 0)
  local length = size_entry(ctx, at, entries, "length", need)
  if need and length and length ~= need then
    ctx.report:error("external", at, "its dims need %d bytes, but it has %d in '%s'", need, length,
      shown(location))
  end
  if not is_inside(location) then
    return ctx.report:error("external", at, "external data '%s' lie outside of the model's folder",
      shown(location))
  end
  if not ctx.path then return end
  local size = file_size(ctx, location)
  if not size then
    return ctx.report:error("external", at, "external data '%s': no such file", shown(location))
  end
  if offset and length and (offset > size or length > size - offset) then
    ctx.report:error("external", at, "external data '%s': %d bytes at %d, but the file has %d",
      shown(location), length, offset, size)
  end
end

--- What the data fields hold against what the dims need.
local function check_data(ctx, at, tensor, element, count)
  local name, bits, own_field, each = element[1], element[2], element[3], element[4]
  local given = {}
  for _, field in ipairs(data_fields) do
    if tensor[field] then given[#given + 1] = field end
  end
  if #given > 1 then
    return ctx.report:error("tensor", at, "its data are in several fields: %s",
      table.concat(given, ", "))
  end
  local field = given[1]
  if tensor.data_location == 1 then
    if field then
      ctx.report:error("external", at, "it has external data, and %s besides", field)
    end
    return check_external(ctx, at, tensor, bits and ceil_bytes(count, bits))
  elseif not field then
    if count > 0 then
      ctx.report:error("tensor", at, "its dims need %d elements, but it has no data", count)
    end
  elseif field == "raw_data" then
    if not bits then return ctx.report:error("tensor", at, "strings can't be raw data") end
    local need = ceil_bytes(count, bits)
    if tensor.raw_data.size ~= need then
      ctx.report:error("tensor", at, "its dims need %s bytes of %s, but raw_data has %d",
        need and ("%d"):format(need) or "too many", name, tensor.raw_data.size)
    end
  elseif field ~= own_field then
    ctx.report:error("tensor", at, "%s is not where elements of type %s belong (%s)", field, name,
      own_field)
  else
    local need = math.ceil(count * each)
    local has = tensor[field].count
    if has ~= need then
      ctx.report:error("tensor", at, "its dims need %d elements in %s, but it has %d", need, field,
        has)
    end
  end
end

--- Checks a TensorProto. `at`: where it is. Returns its type and shape as far as they are sound.
---@return string? element
---@return integer[]? shape
function M.check(ctx, at, tensor)
  local element = types.elements[tensor.data_type]
  if not tensor.data_type or tensor.data_type == 0 then
    ctx.report:error("tensor", at, "it has no element type")
  elseif not element then
    ctx.report:error("tensor", at, "%d is no element type", tensor.data_type)
  elseif ctx.ir > 0 and element[5] > ctx.ir then
    ctx.report:error("ir-version", at, "elements of type %s need IR version %d, the model has %d",
      element[1], element[5], ctx.ir)
  end
  local count = count_of(tensor.dims)
  if not count then
    ctx.report:error("tensor", at, "its dims are negative or too large: [%s]",
      shown(table.concat(tensor.dims, ",")))
  elseif element then
    check_data(ctx, at, tensor, element, count)
  end
  return element and element[1], count and (tensor.dims or {})
end

-- ---- sparse -------------------------------------------------------------------------------------

--- More indices than this are only counted: they are as good as the engine finds them.
local MOST_INDICES = 1 << 20

--- The elements of a small i64 tensor whose size was checked; nil when they can't be had.
local function read_integers(ctx, tensor)
  local n = count_of(tensor.dims)
  local raw, list = tensor.raw_data, {}
  if not n or n > MOST_INDICES then return nil end
  if raw and raw.size == 8 * n then
    local bytes = ctx.source:read(raw.place, raw.size)
    for i = 1, n do list[i] = ("<i8"):unpack(bytes, 8 * i - 7) end
    return list
  end
  local content = tensor.int64_data
  if not content or content.is_loose or content.pieces ~= 1 then return n == 0 and list or nil end
  local bytes, at = ctx.source:read(content.place, content.size), 1
  for i = 1, n do
    local value, shift = 0, 0
    local byte = bytes:byte(at)
    while byte and byte >= 0x80 and shift < 63 do
      value, shift, at = value | (byte & 0x7f) << shift, shift + 7, at + 1
      byte = bytes:byte(at)
    end
    if not byte or byte >= 0x80 then return nil end
    list[i], at = value | byte << shift, at + 1
  end
  return list
end

local function check_linear(ctx, at, list, size)
  local before = -1
  for i, index in ipairs(list) do
    if index < 0 or size and index >= size then
      return ctx.report:error("sparse", at, "index %d is %d, outside of 0 to %d", i - 1, index,
        (size or 0) - 1)
    end
    if index <= before then
      return ctx.report:error("sparse", at, "index %d is %d after %d: they must ascend", i - 1,
        index, before)
    end
    before = index
  end
end

--- Coordinates [n, rank]: within the dims, in ascending order.
local function check_coordinates(ctx, at, list, dims)
  local rank = #dims
  for i = 0, #list // rank - 1 do
    local order = 0
    for d = 1, rank do
      local index = list[i * rank + d]
      if index < 0 or index >= dims[d] then
        return ctx.report:error("sparse", at, "index %d of axis %d is %d, outside of 0 to %d", i,
          d - 1, index, dims[d] - 1)
      end
      if i > 0 and order == 0 then
        local before = list[(i - 1) * rank + d]
        order = index > before and 1 or index < before and -1 or 0
      end
    end
    if i > 0 and order ~= 1 then
      return ctx.report:error("sparse", at, "index %d doesn't come after the one before", i)
    end
  end
end

local function check_indices(ctx, at, sparse, n, dims)
  local indices = sparse.indices
  if not indices then
    if n and n > 0 then ctx.report:error("sparse", at, "it has %d values but no indices", n) end
    return
  end
  local errors = ctx.report.n_errors
  local element, shape = M.check(ctx, at, indices)
  if element and element ~= "i64" then
    return ctx.report:error("sparse", at, "its indices are %s, expected i64", element)
  end
  if not (shape and n) or ctx.report.n_errors > errors then return end
  local rank = #dims
  local is_linear = #shape == 1
  if not (is_linear and shape[1] == n or #shape == 2 and shape[1] == n and shape[2] == rank) then
    return ctx.report:error("sparse", at,
      "its indices have the shape [%s], expected [%d] or [%d,%d]",
      table.concat(shape, ","), n, n, rank)
  end
  local list = indices.data_location ~= 1 and read_integers(ctx, indices)
  if not list then return end
  if is_linear then
    check_linear(ctx, at, list, count_of(dims))
  elseif rank > 0 then
    check_coordinates(ctx, at, list, dims)
  end
end

--- Checks a SparseTensorProto. Returns its type and shape as far as they are sound.
---@return string? element
---@return integer[]? shape
function M.check_sparse(ctx, at, sparse)
  local dims = sparse.dims or {}
  if #dims == 0 then ctx.report:error("sparse", at, "it has no dims") end
  for i, d in ipairs(dims) do
    if d <= 0 then ctx.report:error("sparse", at, "dimension %d is %d", i - 1, d) end
  end
  if not sparse.values then
    ctx.report:error("sparse", at, "it has no values")
    return nil, dims
  end
  local element, shape = M.check(ctx, at, sparse.values)
  if shape and #shape ~= 1 then
    ctx.report:error("sparse", at, "its values have rank %d, expected 1", #shape)
    shape = nil
  end
  check_indices(ctx, at, sparse, shape and shape[1], dims)
  return element, dims
end

return M
