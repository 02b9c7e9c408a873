--- ONNX's messages as Lua tables, to and from protobuf's wire format: fields by name, lists for
--- repeated ones. For what the text form and tools look at; models are read by the engine.
local M = {}

-- A field is "NUMBER NAME:TYPE": i varint, f and d floats, s text or bytes, or a message's name;
-- then
-- * repeated, + repeated and packed.
local texts = {
  Entry = "1 key:s  2 value:s",
  Opset = "1 domain:s  2 version:i",
  Tensor = "1 dims:i*  2 data_type:i  4 float_data:f+  5 int32_data:i+  6 string_data:s*  "
    .. "7 int64_data:i+  8 name:s  9 raw_data:s  10 double_data:d+  11 uint64_data:i+  "
    .. "12 doc_string:s  13 external_data:Entry*  14 data_location:i",
  Sparse = "1 values:Tensor  2 indices:Tensor  3 dims:i*",
  Dim = "1 dim_value:i  2 dim_param:s",
  Shape = "1 dim:Dim*",
  TensorType = "1 elem_type:i  2 shape:Shape",
  ElementType = "1 elem_type:Type",
  MapType = "1 key_type:i  2 value_type:Type",
  OpaqueType = "1 domain:s  2 name:s",
  Type = "1 tensor_type:TensorType  4 sequence_type:ElementType  5 map_type:MapType  "
    .. "7 opaque_type:OpaqueType  8 sparse_tensor_type:TensorType  "
    .. "9 optional_type:ElementType",
  Value = "1 name:s  2 type:Type  3 doc_string:s",
  Attribute = "1 name:s  2 f:f  3 i:i  4 s:s  5 t:Tensor  6 g:Graph  7 floats:f*  8 ints:i*  "
    .. "9 strings:s*  10 tensors:Tensor*  11 graphs:Graph*  13 doc_string:s  "
    .. "14 tp:Type  15 type_protos:Type*  20 type:i  21 ref_attr_name:s  "
    .. "22 sparse_tensor:Sparse  23 sparse_tensors:Sparse*",
  Node = "1 input:s*  2 output:s*  3 name:s  4 op_type:s  5 attribute:Attribute*  "
    .. "6 doc_string:s  7 domain:s  8 overload:s",
  Graph = "1 node:Node*  2 name:s  5 initializer:Tensor*  10 doc_string:s  "
    .. "11 input:Value*  12 output:Value*  13 value_info:Value*",
  Function = "1 name:s  4 input:s*  5 output:s*  6 attribute:s*  7 node:Node*  "
    .. "8 doc_string:s  9 opset_import:Opset*  10 domain:s  "
    .. "11 attribute_proto:Attribute*  12 value_info:Value*  13 overload:s",
  Model = "1 ir_version:i  2 producer_name:s  3 producer_version:s  4 domain:s  "
    .. "5 model_version:i  6 doc_string:s  7 graph:Graph  8 opset_import:Opset*  "
    .. "14 metadata_props:Entry*  25 functions:Function*",
}

local messages = {}
for message, text in pairs(texts) do
  local fields = {}
  for number, name, kind, mark in text:gmatch "(%d+) ([%w_]+):(%w+)([*+]?)" do
    fields[#fields + 1] = { number = tonumber(number), name = name, kind = kind,
      is_list = mark ~= "", is_packed = mark == "+" }
  end
  for i = 1, #fields do fields[-fields[i].number] = fields[i] end -- found by number from below 0
  messages[message] = fields
end

local wires = { i = 0, f = 5, d = 1 } -- else 2: a length and as many bytes

-- ---- writing ------------------------------------------------------------------------------------

local function varint(n)
  if n >= 0 and n < 0x80 then return string.char(n) end
  local bytes = {}
  repeat
    local low = n & 0x7f
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local encode

local function encode_value(kind, value)
  if kind == "i" then return varint(value) end
  if kind == "f" then return string.pack("<f", value) end
  if kind == "d" then return string.pack("<d", value) end
  local bytes = kind == "s" and value or encode(kind, value)
  return varint(#bytes) .. bytes
end

--- A message as bytes. Fields that the type doesn't know are not written.
---@param kind string a name such as "Model"
---@param message table
---@return string bytes
function encode(kind, message)
  local out = {}
  for _, field in ipairs(messages[kind]) do
    local value = message[field.name]
    if value == nil then -- luacheck: ignore 542
    elseif field.is_packed then
      local parts = {}
      for i = 1, #value do parts[i] = encode_value(field.kind, value[i]) end
      local bytes = table.concat(parts)
      if bytes ~= "" then
        out[#out + 1] = varint(field.number << 3 | 2) .. varint(#bytes) .. bytes
      end
    else
      local tag = varint(field.number << 3 | (wires[field.kind] or 2))
      for _, one in ipairs(field.is_list and value or { value }) do
        out[#out + 1] = tag .. encode_value(field.kind, one)
      end
    end
  end
  return table.concat(out)
end
M.encode = encode

-- ---- reading ------------------------------------------------------------------------------------

local MOST_LEVELS = 200

local function read_varint(bytes, at)
  local value, shift = 0, 0
  repeat
    local byte = bytes:byte(at)
    if not byte or shift > 63 then error("a number ends early", 0) end
    value = value | (byte & 0x7f) << shift
    shift, at = shift + 7, at + 1
  until byte < 0x80
  return value, at
end

local function read_number(kind, bytes, at)
  if kind == "i" then return read_varint(bytes, at) end
  return string.unpack(kind == "f" and "<f" or "<d", bytes, at)
end

local decode

--- What a field of `size` bytes holds goes into the message.
local function read_block(message, field, bytes, depth)
  local name, kind = field.name, field.kind
  if wires[kind] then
    local list, at = message[name] or {}, 1
    while at <= #bytes do list[#list + 1], at = read_number(kind, bytes, at) end
    message[name] = list
    return
  end
  local value = kind == "s" and bytes or decode(kind, bytes, depth + 1)
  if not field.is_list then
    message[name] = value
    return
  end
  local list = message[name] or {}
  list[#list + 1] = value
  message[name] = list
end

local function skip(bytes, at, wire)
  if wire == 0 then return select(2, read_varint(bytes, at)) end
  if wire == 1 then return at + 8 end
  if wire == 5 then return at + 4 end
  error(("a field of wire type %d"):format(wire), 0)
end

function decode(kind, bytes, depth)
  if depth > MOST_LEVELS then error("messages are nested too deeply", 0) end
  local fields, message, at = messages[kind], {}, 1
  while at <= #bytes do
    local tag
    tag, at = read_varint(bytes, at)
    local field, wire = fields[-(tag >> 3)], tag & 7
    if wire == 2 then
      local size
      size, at = read_varint(bytes, at)
      if size < 0 or size > #bytes - at + 1 then error("a field is longer than its message", 0) end
      if field then read_block(message, field, bytes:sub(at, at + size - 1), depth) end
      at = at + size
    elseif field and wires[field.kind] == wire then
      local value
      value, at = read_number(field.kind, bytes, at)
      if field.is_list then
        local list = message[field.name] or {}
        list[#list + 1] = value
        message[field.name] = list
      else
        message[field.name] = value
      end
    else
      at = skip(bytes, at, wire)
    end
  end
  return message
end

--- Bytes as a message; raises on bytes that are none. Repeated fields that are absent are nil.
---@param kind string
---@param bytes string
---@return table message
function M.decode(kind, bytes) return decode(kind, bytes, 0) end

-- ---- names of the text form (onnx/docs/Syntax.md) -----------------------------------------------

--- TensorProto.DataType by name.
M.types = {
  float = 1, uint8 = 2, int8 = 3, uint16 = 4, int16 = 5, int32 = 6, int64 = 7, string = 8,
  bool = 9, float16 = 10, double = 11, uint32 = 12, uint64 = 13, complex64 = 14, complex128 = 15,
  bfloat16 = 16, float8e4m3fn = 17, float8e4m3fnuz = 18, float8e5m2 = 19, float8e5m2fnuz = 20,
  uint4 = 21, int4 = 22,
  float4e2m1 = 23, float8e8m0 = 24, uint2 = 25, int2 = 26,
}

--- AttributeProto.AttributeType by name.
M.kinds = {
  float = 1, int = 2, string = 3, tensor = 4, graph = 5, floats = 6, ints = 7, strings = 8,
  tensors = 9, graphs = 10, sparse_tensor = 11, sparse_tensors = 12, type_proto = 13,
  type_protos = 14,
}

--- Where an attribute of each kind keeps its value.
M.places = {
  "f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor",
  "sparse_tensors", "tp", "type_protos",
}

return M
