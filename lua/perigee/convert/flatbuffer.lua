--- FlatBuffers (https://flatbuffers.dev/internals) by tables of facts, every offset checked:
---
---     local schema = {
---       Model = { [0] = { "version", "u32" }, { "tensors", "Tensor", many = true } },
---       Tensor = { [0] = { "shape", "i32", many = true }, { "name", "string" }, ... },
---     }
---     local model = flatbuffer.decode(bytes, schema, "Model")
---
--- Fields are numbered from 0 in the order of the schema. Kinds: bool, i8, u8, i16, u16, i32, u32,
--- i64, u64, f32, f64, "string", "bytes" (a vector of u8 as a slice of the file), the name of
--- another table, { struct = { kind, ... } }, or { union = { [type] = table name }, by = "field
--- that holds the type" }. `many` gives an array, `tensor = true` a vector of numbers as a tensor
--- without a copy. `default` stands for what the file leaves out (numbers: 0). Tables that several
--- places share are read once.
local fail = require "perigee.convert.fail"

local M = {}

--- Tables in a file may point at each other in circles, and a small file may name one table a
--- million times: both end here.
local MOST_DEPTH = 64

local width = {
  bool = 1, i8 = 1, u8 = 1, i16 = 2, u16 = 2, i32 = 4, u32 = 4, i64 = 8, u64 = 8, f32 = 4, f64 = 8,
}

local read = {}
for kind in pairs(width) do
  local method = kind == "u64" and "i64" or kind
  read[kind] = function(bytes, at) return bytes[method](bytes, at) end
end
function read.bool(bytes, at) return bytes:u8(at) ~= 0 end

local Reader = {}
Reader.__index = Reader

--- Where the offset stored at `at` points.
function Reader:follow(at) return at + self.bytes:u32(at) end

--- A vector: where its elements begin and how many there are, checked to lie in the file.
function Reader:vector(at, size)
  local start = self:follow(at)
  local n = self.bytes:u32(start)
  if n * size > #self.bytes - start - 4 then
    fail.format("a vector of %d elements at %d runs over the end", n, start)
  end
  return start + 4, n
end

function Reader:string(at)
  local start, n = self:vector(at, 1)
  return self.bytes:string(start, n)
end

function Reader:struct(at, kinds)
  local out = {}
  for i, kind in ipairs(kinds) do
    local w = width[kind]
    at = (at + w - 1) // w * w
    out[i] = read[kind](self.bytes, at)
    at = at + w
  end
  return out, at
end

local function struct_size(kinds)
  local size, most = 0, 1
  for _, kind in ipairs(kinds) do
    local w = width[kind]
    size, most = (size + w - 1) // w * w + w, math.max(most, w)
  end
  return (size + most - 1) // most * most
end

function Reader:many(at, kind, def, depth)
  if kind == "bytes" or def.tensor then
    local w = kind == "bytes" and 1 or width[kind]
    local start, n = self:vector(at, w)
    if kind == "bytes" then return self.bytes:slice(start, n) end
    return (assert(self.bytes:tensor(kind, { n }, start)))
  end
  local list = {}
  if width[kind] then
    local start, n = self:vector(at, width[kind])
    for i = 1, n do list[i] = read[kind](self.bytes, start + (i - 1) * width[kind]) end
  elseif type(kind) == "table" and kind.struct then
    local size = struct_size(kind.struct)
    local start, n = self:vector(at, size)
    for i = 1, n do list[i] = self:struct(start + (i - 1) * size, kind.struct) end
  else
    local start, n = self:vector(at, 4)
    for i = 1, n do
      local place = start + (i - 1) * 4
      list[i] = kind == "string" and self:string(place)
        or self:table(self:follow(place), kind, depth + 1)
    end
  end
  return list
end

function Reader:value(at, def, out, depth)
  local kind = def[2]
  if def.many or def.tensor or kind == "bytes" then return self:many(at, kind, def, depth) end
  if width[kind] then return read[kind](self.bytes, at) end
  if kind == "string" then return self:string(at) end
  if type(kind) == "table" and kind.struct then return (self:struct(at, kind.struct)) end
  if type(kind) == "table" then
    local name = kind.union[out[kind.by]]
    return name and self:table(self:follow(at), name, depth + 1)
  end
  return self:table(self:follow(at), kind, depth + 1)
end

--- The table that begins at `at`.
function Reader:table(at, name, depth)
  if depth > MOST_DEPTH then fail.format("tables nested deeper than %d", MOST_DEPTH) end
  local key = name .. "@" .. at
  if self.seen[key] then return self.seen[key] end
  self.budget = self.budget - 1
  if self.budget < 0 then fail.format("more tables than the file has room for") end
  local bytes = self.bytes
  local vtable = at - bytes:i32(at)
  local size, out = bytes:u16(vtable), {}
  for i = 0, self.schema[name][0] and #self.schema[name] or -1 do
    local def = self.schema[name][i]
    local slot = 4 + 2 * i
    local offset = slot + 2 <= size and bytes:u16(vtable + slot) or 0
    if offset ~= 0 then
      out[def[1]] = self:value(at + offset, def, out, depth)
    elseif def.default ~= nil then
      out[def[1]] = def.default
    elseif def.many then
      out[def[1]] = {}
    elseif width[def[2]] and not def.tensor then
      out[def[1]] = def[2] ~= "bool" and 0
    end
  end
  self.seen[key] = out
  return out
end

--- The root table of a file. A vector that is absent is an empty array, a number its default, all
--- else nil.
---@param bytes perigee.Bytes
---@param schema table<string, table>
---@param name string of the root
---@return table
function M.decode(bytes, schema, name)
  -- A table takes at least 4 bytes, and its vtable 4, which tables may share.
  local reader = setmetatable(
    { bytes = bytes, schema = schema, seen = {}, budget = #bytes // 4 }, Reader)
  return reader:table(reader:follow(0), name, 1)
end

--- The four letters behind the root's offset, or "" where there is no room for them.
---@param bytes perigee.Bytes
---@return string
function M.identifier(bytes) return #bytes >= 8 and bytes:string(4, 4) or "" end

return M
