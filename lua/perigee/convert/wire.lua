--- Protobuf messages (https://protobuf.dev/programming-guides/encoding) by tables of facts:
---
---     local schema = {
---       Net = { [1] = { "name", "string" }, [2] = { "layer", "Layer", many = true } },
---       Layer = { [1] = { "size", "int", many = true }, [5] = { "data", "float", many = true } },
---     }
---     local net = wire.decode(bytes, schema, "Net")
---
--- Kinds: "int" (also enums and bool as numbers), "sint" (zigzag), "bool", "float", "double",
--- "fixed32", "fixed64", "string", "bytes" (a slice of the file, not a copy), the name of another
--- message, or { key kind, value kind } for a map. `many` gives an array. Numbers with `tensor =
--- true` are kept as one tensor (f32, f64, i64), without a copy where the file has them packed and
--- aligned. What the schema doesn't know is skipped.
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"

local M = {}

local MOST_DEPTH = 100

--- Kind -> wire type (0 varint, 1 eight bytes, 5 four bytes; 2: a size and bytes) and a reader.
local scalar = {
  int = { 0, function(bits) return bits end },
  sint = { 0, function(bits) return (bits >> 1) ~ -(bits & 1) end },
  bool = { 0, function(bits) return bits ~= 0 end },
  float = { 5, function(bits) return (string.unpack("<f", string.pack("<I4", bits))) end },
  fixed32 = { 5, function(bits) return bits end },
  double = { 1, function(bits) return (string.unpack("<d", string.pack("<i8", bits))) end },
  fixed64 = { 1, function(bits) return bits end },
}

local width = { float = 4, fixed32 = 4, double = 8, fixed64 = 8 }
local dtype = { float = "f32", double = "f64", fixed32 = "u32", fixed64 = "i64", int = "i64" }

local function packed_tensor(bytes, kind, at, size)
  local w = width[kind]
  if not w then return (assert(bytes:varints(at, size))) end
  if size % w ~= 0 then fail.format("%d bytes of packed numbers of %d each", size, w) end
  return (assert(bytes:tensor(dtype[kind], { size // w }, at)))
end

local message

local function map_entry(bytes, schema, kinds, at, size, depth)
  local entry = message(bytes, schema, {
    [1] = { "key", kinds[1] }, [2] = { "value", kinds[2] },
  }, at, at + size, depth)
  return entry.key, entry.value
end

local function put_packed(out, bytes, def, at, size)
  local name, kind = def[1], def[2]
  local numbers = packed_tensor(bytes, kind, at, size)
  if def.tensor then
    local chunks = out[name] or {}
    chunks[#chunks + 1] = numbers
    out[name] = chunks
    return
  end
  local list, read = out[name] or {}, scalar[kind][2]
  local is_raw = kind == "sint" or kind == "bool"
  for _, x in ipairs(numbers:totable()) do
    if is_raw then x = read(x) end
    list[#list + 1] = x
  end
  out[name] = list
end

--- One field's value.
local function value_of(bytes, schema, def, wire_type, bits, size, depth)
  local kind = def[2]
  local s = scalar[kind]
  if s then
    if wire_type ~= s[1] then
      fail.format("field %s: wire type %d where %d belongs", def[1], wire_type, s[1])
    end
    return s[2](bits)
  end
  if wire_type ~= 2 then
    fail.format("field %s: wire type %d where 2 belongs", def[1], wire_type)
  end
  if kind == "string" then return bytes:string(bits, size) end
  if kind == "bytes" then return bytes:slice(bits, size) end
  return message(bytes, schema, schema[kind], bits, bits + size, depth + 1)
end

local function put(out, bytes, schema, def, wire_type, bits, size, depth)
  local name, kind = def[1], def[2]
  if type(kind) == "table" then
    if wire_type ~= 2 then fail.format("field %s: wire type %d", name, wire_type) end
    local map = out[name] or {}
    local key, value = map_entry(bytes, schema, kind, bits, size, depth + 1)
    if key ~= nil then map[key] = value end
    out[name] = map
  elseif wire_type == 2 and scalar[kind] then
    put_packed(out, bytes, def, bits, size)
  elseif def.tensor then
    local loose = out[name] or {}
    local last = loose[#loose]
    if type(last) ~= "table" then
      last = {}
      loose[#loose + 1] = last
    end
    last[#last + 1] = value_of(bytes, schema, def, wire_type, bits, size, depth)
    out[name] = loose
  elseif def.many then
    local list = out[name] or {}
    list[#list + 1] = value_of(bytes, schema, def, wire_type, bits, size, depth)
    out[name] = list
  else
    out[name] = value_of(bytes, schema, def, wire_type, bits, size, depth)
  end
end

--- Chunks of numbers, packed ones as tensors and loose ones as tables, as one tensor.
local function joined(chunks, kind)
  for i, chunk in ipairs(chunks) do
    if type(chunk) == "table" then chunks[i] = tensor.new(chunk, dtype[kind]) end
  end
  return #chunks == 1 and chunks[1] or tensor.concat(chunks)
end

--- The fields of one message between two places.
function message(bytes, schema, fields, at, stop, depth)
  if depth > MOST_DEPTH then fail.format("messages nested deeper than %d", MOST_DEPTH) end
  local out = {}
  while at < stop do
    local number, wire_type, bits, after, size = bytes:field(at)
    if after > stop then fail.format("a field at %d runs over the end of its message", at) end
    local def = fields[number]
    if def then put(out, bytes, schema, def, wire_type, bits, size, depth) end
    at = after
  end
  for _, def in pairs(fields) do
    local name = def[1]
    if def.tensor and out[name] then
      out[name] = joined(out[name], def[2])
    elseif (def.many or type(def[2]) == "table") and not out[name] then
      out[name] = {}
    end
  end
  return out
end

--- The message `name` of the schema from all of `bytes`. Absent fields are nil, absent arrays and
--- maps are empty tables.
---@param bytes perigee.Bytes
---@param schema table<string, table<integer, table>>
---@param name string
---@return table
function M.decode(bytes, schema, name)
  return message(bytes, schema, schema[name], 0, #bytes, 1)
end

return M
