-- ONNX messages as bytes, from Lua tables with the names of the fields in perigee.check.messages: whatever
-- a spec needs, however wrong. Content of tensors is a list of numbers or strings, raw_data a string.
local messages = require "perigee.check.messages"

local M = {}

local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7f
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local encode

local function block(number, bytes) return varint(number << 3 | 2) .. varint(#bytes) .. bytes end

local function field(number, kind, value)
  if kind == "i" then return varint(number << 3) .. varint(value) end
  if kind == "f" then return varint(number << 3 | 5) .. ("<f"):pack(value) end
  if kind == "d" then return varint(number << 3 | 1) .. ("<d"):pack(value) end
  return block(number, kind == "s" and value or encode(kind, value))
end

--- Content of tensors is packed, as writers do.
local function packed(number, kind, list)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = kind == "i" and varint(value) or ("<" .. kind):pack(value)
  end
  return block(number, table.concat(parts))
end

function encode(name, message)
  local parts, numbers = {}, {}
  for number in pairs(messages[name]) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local f = messages[name][number]
    local value = message[f.name]
    if value ~= nil and f.is_content and f.kind ~= "s" then
      parts[#parts + 1] = packed(number, f.kind, value)
    elseif value ~= nil and type(value) == "table" and (f.is_list or f.is_content) then
      for _, item in ipairs(value) do parts[#parts + 1] = field(number, f.kind, item) end
    elseif value ~= nil then
      parts[#parts + 1] = field(number, f.kind, value)
    end
  end
  return table.concat(parts)
end

--- The bytes of a message.
M.encode = encode

local elements = { f32 = 1, u8 = 2, i8 = 3, i32 = 6, i64 = 7, string = 8, bool = 9, f16 = 10, f64 = 11, f8e4m3fn = 17,
  u4 = 21, f4e2m1 = 23, f8e8m0 = 24, i2 = 26 }
M.elements = elements

--- A TypeProto: dtype and a shape of numbers and names; nil: no shape.
function M.type(dtype, shape)
  local dims
  if shape then
    dims = { dim = {} }
    for i, d in ipairs(shape) do
      dims.dim[i] = type(d) == "number" and { dim_value = d } or { dim_param = d }
    end
  end
  return { tensor_type = { elem_type = elements[dtype], shape = dims } }
end

function M.value(name, dtype, shape) return { name = name, type = M.type(dtype, shape) } end

--- An f32 tensor of rank 1, or i64 where the numbers are integers.
function M.tensor(name, numbers)
  local is_float = math.type(numbers[1]) == "float"
  return {
    name = name, data_type = is_float and 1 or 7, dims = { #numbers },
    [is_float and "float_data" or "int64_data"] = numbers,
  }
end

local kinds = { i = 2, f = 1, s = 3, ints = 7, t = 4, g = 5 }

--- An attribute with its one value under the field's name: attribute("axis", "i", 1).
function M.attribute(name, key, value)
  return { name = name, type = kinds[key], [key] = value }
end

function M.node(op_type, input, output, attributes, name)
  return { op_type = op_type, input = input, output = output, attribute = attributes, name = name }
end

return M
