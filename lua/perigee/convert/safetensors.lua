--- safetensors (https://github.com/huggingface/safetensors, "Format"): the size of a header as u64,
--- the header as JSON { name = { dtype, shape, data_offsets }, __metadata__ }, then the data.
local core = require "perigee.core"
local fail = require "perigee.convert.fail"

local M = { name = "safetensors" }

local dtypes = {
  F64 = "f64", F32 = "f32", F16 = "f16", BF16 = "bf16", I64 = "i64", I32 = "i32", I16 = "i16",
  I8 = "i8", U64 = "u64", U32 = "u32", U16 = "u16", U8 = "u8", BOOL = "bool", C64 = "c64",
  F8_E4M3 = "f8e4m3fn", F8_E5M2 = "f8e5m2", F8_E4M3FNUZ = "f8e4m3fnuz",
  F8_E5M2FNUZ = "f8e5m2fnuz", F8_E8M0 = "f8e8m0", F4 = "f4e2m1",
}
local names = {}
for name, dtype in pairs(dtypes) do names[dtype] = name end

--- The format's own limit.
local MOST_HEADER = 100000000

function M.detect(bytes, path)
  if path and path:find "%.safetensors%.index%.json$" then return true end
  if not bytes or #bytes < 10 then return false end
  local size = bytes:i64(0)
  return size >= 2 and size <= math.min(MOST_HEADER, #bytes - 8) and bytes:string(8, 1) == "{"
end

local function json(text, what)
  local ok, value, _, problem = pcall(require("dkjson").decode, text, 1, nil, nil, nil)
  if not ok or type(value) ~= "table" then
    fail.format("%s: no JSON: %s", what, tostring(ok and problem or value))
  end
  return value
end

local function sizes(list, name, what)
  local out = {}
  for i, n in ipairs(type(list) == "table" and list or fail.format("'%s' has no %s", name, what)) do
    out[i] = math.tointeger(n)
    if not out[i] or out[i] < 0 then fail.format("'%s': %s of %s", name, what, tostring(n)) end
  end
  return out
end

local function entry(name, spec, data)
  if type(spec) ~= "table" then fail.format("'%s' isn't described", name) end
  local dtype = dtypes[spec.dtype]
  if not dtype then
    fail.unsupported { { what = "element type " .. tostring(spec.dtype), where = name } }
  end
  local shape, range = sizes(spec.shape, name, "shape"), sizes(spec.data_offsets, name, "offsets")
  local from, to = range[1], range[2]
  if not to or to < from or to > #data then
    fail.format("'%s': bytes %s to %s of %d", name, from or "?", to or "?", #data)
  end
  return { name = name, from = from, tensor = data:slice(from, to - from):tensor(dtype, shape),
    size = to - from }
end

local function check_size(e)
  local bits = core.dtypes()[e.tensor.dtype]
  if (e.tensor.count * bits + 7) // 8 ~= e.size then
    fail.format("'%s': %s %s in %d bytes", e.name, e.tensor.dtype,
      table.concat(e.tensor.shape, "x"), e.size)
  end
end

--- Calls take(name, tensor) in the order of the data.
---@param bytes perigee.Bytes
---@param take fun(name: string, tensor: perigee.Tensor)
---@return table<string, string> metadata
function M.each(bytes, take)
  local size = #bytes >= 8 and bytes:i64(0) or -1
  if size < 0 or size > math.min(MOST_HEADER, #bytes - 8) then
    fail.format("a header of %d bytes in a file of %d", size, #bytes)
  end
  local header, data = json(bytes:string(8, size), "the header"), bytes:slice(8 + size)
  local list = {}
  for name, spec in pairs(header) do
    if name ~= "__metadata__" then
      list[#list + 1] = entry(tostring(name), spec, data)
      check_size(list[#list])
    end
  end
  table.sort(list, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.name < b.name
  end)
  for _, e in ipairs(list) do take(e.name, e.tensor) end
  return type(header.__metadata__) == "table" and header.__metadata__ or {}
end

--- The files of a model in several ("model.safetensors.index.json"), each once, in order.
---@param bytes perigee.Bytes
---@return string[] names of files beside it
function M.shards(bytes)
  local index = json(bytes:string(), "the index")
  local seen, list = {}, {}
  for _, file in pairs(type(index.weight_map) == "table" and index.weight_map
    or fail.format "an index without a weight_map") do
    if type(file) ~= "string" or file:find "[/\\]" or file == ".." then
      fail.format("an index that names the file %s", tostring(file))
    end
    if not seen[file] then
      seen[file], list[#list + 1] = true, file
    end
  end
  table.sort(list)
  return list
end

--- Weights without a graph.
function M.read()
  fail.unsupported { {
    what = "named tensors without a graph",
    instead = "pg.tensors reads them, and graph:pour puts them into a graph of the same topology",
  } }
end

-- ---- writing -----------------------------------------------------------------------------------

local ALIGN = 8

local function header_of(list, metadata)
  local at, parts = 0, {}
  local encode = require("dkjson").encode
  if metadata and next(metadata) then parts[1] = '"__metadata__":' .. encode(metadata) end
  for _, e in ipairs(list) do
    local t = e.tensor
    local kind = names[t.dtype]
    if not kind then
      return nil, ("'%s': safetensors has no %s"):format(e.name, t.dtype), "unsupported"
    end
    local size = (t.count * core.dtypes()[t.dtype] + 7) // 8
    parts[#parts + 1] = ('%s:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(
      encode(e.name), kind, table.concat(t.shape, ","), at, at + size)
    at = at + size
  end
  local text = "{" .. table.concat(parts, ",") .. "}"
  return text .. (" "):rep(-#text % ALIGN)
end

--- Writes the tensors { name =, tensor = } so that each lies aligned: widest elements first.
---@param path string
---@param list table[]
---@param metadata? table<string, string>
---@return true? ok
---@return string? message
---@return string? code
function M.write(path, list, metadata)
  local bits = core.dtypes()
  local order = {}
  for i, e in ipairs(list) do order[i] = { name = e.name, tensor = e.tensor, at = i } end
  table.sort(order, function(a, b)
    local wa, wb = bits[a.tensor.dtype], bits[b.tensor.dtype]
    if wa ~= wb then return wa > wb end
    return a.at < b.at
  end)
  local header, message, code = header_of(order, metadata)
  if not header then return nil, message, code end
  local draft = path .. ".part"
  local file, problem = io.open(draft, "wb")
  if not file then return nil, problem, "io" end
  local ok = file:write(string.pack("<I8", #header), header)
  for _, e in ipairs(order) do
    if not ok then break end
    ok, problem = file:write(e.tensor:bytes())
  end
  local closed, why = file:close()
  if ok and closed then closed, why = os.rename(draft, path) end
  if ok and closed then return true end
  os.remove(draft)
  return nil, ("%s: %s"):format(path, problem or why), "io"
end

return M
