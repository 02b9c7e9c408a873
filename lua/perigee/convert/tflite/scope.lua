--- One subgraph while it is converted: its tensors, and the values that they have in the graph.
---
--- A value may be there in two layouts, as the file has it and with channels first; each is made
--- from the other only when somebody asks, so that chains of convolutions hold no transposes.
local fail = require "perigee.convert.fail"
local sparse = require "perigee.convert.tflite.sparse"
local schema = require "perigee.convert.tflite.schema"
local core = require "perigee.core"
local pg_tensor = require "perigee.tensor"

local MOST_ELEMENTS = 1 << 40
local MOST_RANK = 16
local MOST_STATE = 1 << 26 -- elements of a variable

-- ---- tensors ------------------------------------------------------------------------------------

local Tensor = {}
Tensor.__index = Tensor

local limits = {
  i4 = { -8, 7 }, i8 = { -128, 127 }, u8 = { 0, 255 }, i16 = { -32768, 32767 },
  u16 = { 0, 65535 }, i32 = { -2 ^ 31 | 0, 2 ^ 31 - 1 | 0 },
}

--- What follows counts with sizes: none is negative but -1, and no product overflows.
local function check_shape(index, shape)
  local count = 1
  for _, size in ipairs(shape) do
    if size < -1 then fail.format("tensor %d: a size of %d", index, size) end
    count = count * math.max(size, 1)
    if count > MOST_ELEMENTS then fail.format("tensor %d: more than %d elements", index,
      MOST_ELEMENTS) end
  end
  if #shape > MOST_RANK then fail.format("tensor %d: rank %d", index, #shape) end
end

--- A name as the graph takes it: not empty, without zeros inside.
local function usable_name(scope, index, name)
  name = name and name:gsub("%z.*", "") or ""
  return name ~= "" and name or ("tensor_%d_%d"):format(scope.index, index)
end

local function new_tensor(scope, index, file)
  check_shape(index, file.shape)
  check_shape(index, file.shape_signature)
  local shape = #file.shape_signature > 0 and #file.shape_signature == #file.shape
    and file.shape_signature or file.shape
  local dtype = schema.dtypes[file.type]
  if not dtype then fail.format("tensor %d: element type %d", index, file.type) end
  local quantization = file.quantization or { scale = {}, zero_point = {} }
  local self = setmetatable({
    scope = scope, index = index, file = file, dtype = dtype, shape = shape, rank = #shape,
    name = usable_name(scope, index, file.name),
    scales = quantization.scale, zeros = quantization.zero_point,
    axis = quantization.quantized_dimension or 0, is_variable = file.is_variable,
  }, Tensor)
  self.scale = self.scales[1] or 0
  self.zero = self.zeros[1] or 0
  if math.abs(self.zero) > 2 ^ 31 then fail.format("tensor '%s': zero point %d", self.name,
    self.zero) end
  self.is_integer = limits[dtype] ~= nil
  self.is_quantized = self.is_integer and self.scale ~= 0 and #self.scales > 0
  return self
end

--- The least and greatest number of the element type.
function Tensor:limits() return table.unpack(limits[self.dtype]) end

--- Its element type at the border of a model.
function Tensor:border_dtype()
  local is_handle = self.dtype == "resource" or self.dtype == "variant"
  if is_handle or self.dtype == "c64" or self.dtype == "c128" then
    fail.unsupported { { what = self.dtype .. " '" .. self.name .. "' at the model's border" } }
  end
  return self.dtype
end

--- Whether all sizes are known.
function Tensor:is_static()
  for _, size in ipairs(self.shape) do
    if size < 0 then return false end
  end
  return true
end

function Tensor:count()
  local n = 1
  for _, size in ipairs(self.shape) do n = n * size end
  return n
end

--- Where its bytes lie in the file: offset (nil: a slice), size; nothing where there are none.
function Tensor:content()
  local model = self.scope.model
  local buffer = model.file.buffers[self.file.buffer + 1]
  if not buffer or self.file.buffer == 0 then return end
  if buffer.data and #buffer.data > 0 then return buffer.data end
  if buffer.offset > 1 and buffer.size > 0 then return model.bytes:slice(buffer.offset,
    buffer.size) end
end

--- Strings: i32 count, count + 1 offsets, bytes.
local function strings(bytes, shape, name)
  local n = bytes:i32(0)
  if n < 0 or n > #bytes // 4 then fail.format("tensor '%s': %d strings", name, n) end
  local list = {}
  for i = 1, n do
    local first, behind = bytes:i32(4 * i), bytes:i32(4 * i + 4)
    list[i] = bytes:string(first, math.max(behind - first, 0))
  end
  if n == 0 then return end
  return pg_tensor.new(list, "string"):reshape(shape)
end

--- Two numbers a byte, the low half first, as int8: what the kernels unpack.
local function nibbles(bytes, shape, count)
  local text, list = bytes:string(0, (count + 1) // 2), {}
  for i = 1, #text do
    local byte = text:byte(i)
    local low, high = byte & 15, byte >> 4
    list[#list + 1] = string.char((low ~ 8) - 8 & 255, (high ~ 8) - 8 & 255)
  end
  return core.bytes_of(table.concat(list)):tensor("i8", shape, 0)
end

local width = { bool = 1, i8 = 1, u8 = 1, i16 = 2, u16 = 2, f16 = 2, bf16 = 2, i32 = 4, u32 = 4,
  f32 = 4, i64 = 8, u64 = 8, f64 = 8, c64 = 8, c128 = 16 }

local function read_content(self, bytes)
  local shape, count = self.file.shape, 1
  for _, size in ipairs(shape) do
    if size < 0 then fail.format("tensor '%s': a constant of unknown size", self.name) end
    count = count * size
  end
  if self.dtype == "string" then return strings(bytes, shape, self.name) end
  if self.file.sparsity then return sparse.densify(bytes, self.file.sparsity, self.dtype, shape,
    self.name) end
  if self.dtype == "i4" then
    self.dtype = "i8"
    return nibbles(bytes, shape, count)
  end
  local w = width[self.dtype]
  if not w then fail.format("tensor '%s': a constant of %s", self.name, self.dtype) end
  if count * w > #bytes then
    fail.format("tensor '%s': %d bytes for %d elements of %s", self.name, #bytes, count, self.dtype)
  end
  return (assert(bytes:tensor(self.dtype, shape, 0)))
end

--- Its content when it is a constant.
---@return perigee.Tensor?
function Tensor:constant()
  if self.content_known == nil then
    self.content_known = false
    local bytes = not self.is_variable and self:content()
    if bytes then
      self.content_known = read_content(self, bytes)
    elseif self.rank > 0 and self:is_static() and self:count() == 0 and width[self.dtype] then
      self.content_known = core.bytes_of(""):tensor(self.dtype, self.shape, 0)
    end
  end
  return self.content_known or nil
end

--- The numbers of a small constant as a flat list.
---@return number[]?
function Tensor:list()
  local t = self:constant()
  if not t then return end
  if t.count > 65536 then fail.format("tensor '%s': %d numbers where few are expected", self.name,
    t.count) end
  return t:reshape { t.count }:totable()
end

-- ---- scopes -------------------------------------------------------------------------------------

local Scope = {}
Scope.__index = Scope

function Scope.new(model, file, index, b, depth)
  local self = setmetatable({
    model = model, file = file, index = index, b = b, depth = depth, tensors = {},
    values = {}, names = {}, made = {},
  }, Scope)
  for i, tensor in ipairs(file.tensors) do self.tensors[i] = new_tensor(self, i - 1, tensor) end
  return self
end

function Scope:begin(node) self.node = node end

--- Everything that an operator gives has a value, even where it could not be converted.
function Scope:finish_node(node)
  for _, index in ipairs(node.outputs) do
    if index >= 0 and not self.values[index] then self:give(index, self.b:i64 {}) end
  end
end

function Scope:unsupported(what, instead)
  local tensor = self.node.outputs[1] and self.tensors[self.node.outputs[1] + 1]
  local where = self.node.place .. (tensor and (", '%s'"):format(tensor.name) or "")
  self.b:unsupported(what, where, instead)
end

--- A malformed operator.
function Scope:bad(message, ...)
  local given = table.pack(...)
  for i = 1, given.n do given[i] = tostring(given[i]) end
  message = message:gsub("%%d", "%%s"):format(table.unpack(given, 1, given.n))
  fail.format("%s (%s): %s", self.node.place, self.node.type, message)
end

--- The tensor of input i (from 1) of a node; nil where it is omitted.
function Scope:t(node, i)
  local index = node.inputs[i]
  return index and index >= 0 and self.tensors[index + 1] or nil
end

--- The same where it must be there.
function Scope:need(node, i)
  return self:t(node, i) or self:bad("input %d is missing", i - 1)
end

function Scope:out_t(node, i)
  local index = node.outputs[i or 1]
  if not index or index < 0 then self:bad("output %d is missing", (i or 1) - 1) end
  return self.tensors[index + 1]
end

local first = { [3] = { 0, 2, 1 }, [4] = { 0, 3, 1, 2 }, [5] = { 0, 4, 1, 2, 3 } }
local last = { [3] = { 0, 2, 1 }, [4] = { 0, 2, 3, 1 }, [5] = { 0, 2, 3, 4, 1 } }
Scope.channels_first, Scope.channels_last = first, last

local function make_constant(self, tensor)
  local content = tensor:constant()
  if content then return self.b:constant(content, nil, tensor.name) end
  if tensor.is_variable then
    local value = tensor.is_quantized and tensor.dtype == "i8" and tensor.zero or 0
    if not tensor:is_static() or tensor:count() > MOST_STATE then
      fail.format("variable '%s': unknown or excessive size", tensor.name)
    end
    return self.b:constant(pg_tensor.full(tensor.shape, value, tensor.dtype), nil, tensor.name)
  end
  fail.format("tensor '%s' is used before anything gives it", tensor.name)
end

--- The value of a tensor by its index, channels last as in the file, or channels first.
---@param layout? "first"
function Scope:value(index, layout)
  local tensor = self.tensors[index + 1]
  if not tensor then fail.format("tensor %d: there are %d", index, #self.tensors) end
  local v = self.values[index]
  if not v then
    v = { last = make_constant(self, tensor) }
    self.values[index] = v
  end
  layout = layout or "last"
  if not v[layout] then
    local from = layout == "last" and "first" or "last"
    local perm = (layout == "last" and last or first)[v.rank or tensor.rank]
    if not perm then self:bad("rank %d where channels are", tensor.rank) end
    local wish = layout == "last" and self:wish(index) or nil
    v[layout] = self.b:transpose(v[from], perm, wish)
    if wish then self.made[wish] = true end
  end
  return v[layout]
end

--- The value of input i; nil where it is omitted.
function Scope:x(node, i, layout)
  local index = node.inputs[i]
  if not index or index < 0 then return nil end
  return self:value(index, layout)
end

--- Whether the value of input i is there with channels first only.
function Scope:is_first(node, i)
  local v = node.inputs[i] and self.values[node.inputs[i]]
  return v ~= nil and v.first ~= nil and v.last == nil
end

--- The name that a tensor's value should have.
function Scope:wish(index)
  if not self.names[index] then
    self.names[index] = self.b:unique(self.tensors[index + 1].name)
  end
  return self.names[index]
end

--- Says what value a tensor has.
function Scope:give(index, name, layout)
  local v = { [layout or "last"] = name }
  self.values[index] = v
  self.made[name] = true
end

--- The value of output i of a node. One that was just made takes the tensor's name.
function Scope:set(node, i, name, layout)
  local index = node.outputs[i]
  if not index or index < 0 then return end
  if layout == "first" then
    self:give(index, name, layout)
    return
  end
  if not self.made[name] and not self.b.graph:value(name).constant then
    local wish = self:wish(index)
    if not self.made[wish] and name ~= wish and not self.b.graph:value(wish) then
      self.b.graph:rename(name, wish)
      name = wish
    end
  end
  self:give(index, name)
end

--- The numbers of input i when it is constant.
function Scope:ints(node, i)
  local t = self:t(node, i)
  return t and self:constant_of(node, i) and t:list() or nil
end

function Scope:constant_of(node, i)
  local t = self:t(node, i)
  if not t or self.values[t.index] and self.values[t.index].is_variable then return nil end
  local v = self.values[t.index]
  if v and v.last and self.made[v.last] and not t:content() then return nil end
  return t:constant()
end

return Scope
