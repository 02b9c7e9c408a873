--- Types as the file states them, as texts: "f32", "seq(i64)", "optional(seq(f32))",
--- "map(i64,f32)".
local M = {}

--- TensorProto.DataType: name, bits (nil: no fixed size), the field beside raw_data, its elements
--- for one of the tensor's (a fraction where several are packed), the IR version that has it.
M.elements = {
  [1] = { "f32", 32, "float_data", 1, 1 },
  [2] = { "u8", 8, "int32_data", 1, 1 },
  [3] = { "i8", 8, "int32_data", 1, 1 },
  [4] = { "u16", 16, "int32_data", 1, 1 },
  [5] = { "i16", 16, "int32_data", 1, 1 },
  [6] = { "i32", 32, "int32_data", 1, 1 },
  [7] = { "i64", 64, "int64_data", 1, 1 },
  [8] = { "string", nil, "string_data", 1, 1 },
  [9] = { "bool", 8, "int32_data", 1, 1 },
  [10] = { "f16", 16, "int32_data", 1, 1 },
  [11] = { "f64", 64, "double_data", 1, 1 },
  [12] = { "u32", 32, "uint64_data", 1, 1 },
  [13] = { "u64", 64, "uint64_data", 1, 1 },
  [14] = { "c64", 64, "float_data", 2, 1 },
  [15] = { "c128", 128, "double_data", 2, 1 },
  [16] = { "bf16", 16, "int32_data", 1, 4 },
  [17] = { "f8e4m3fn", 8, "int32_data", 1, 9 },
  [18] = { "f8e4m3fnuz", 8, "int32_data", 1, 9 },
  [19] = { "f8e5m2", 8, "int32_data", 1, 9 },
  [20] = { "f8e5m2fnuz", 8, "int32_data", 1, 9 },
  [21] = { "u4", 4, "int32_data", 1 / 2, 10 },
  [22] = { "i4", 4, "int32_data", 1 / 2, 10 },
  [23] = { "f4e2m1", 4, "int32_data", 1 / 2, 11 },
  [24] = { "f8e8m0", 8, "int32_data", 1, 12 },
  [25] = { "u2", 2, "int32_data", 1 / 4, 13 },
  [26] = { "i2", 2, "int32_data", 1 / 4, 13 },
  [27] = { "f6e2m3", 6, "int32_data", 1, 14 },
  [28] = { "f6e3m2", 6, "int32_data", 1, 14 },
}

---@param number integer?
---@return string? name nil when the number is none of the standard's
function M.element(number)
  local element = M.elements[number]
  return element and element[1]
end

local function element_of(message)
  return M.element(message.elem_type)
end

--- The text of a TypeProto; nil when it leaves out what it needs (M.faults says what).
---@param message table?
---@return string?
function M.text(message)
  if not message then return nil end
  if message.tensor_type then return element_of(message.tensor_type) end
  if message.sparse_tensor_type then
    local element = element_of(message.sparse_tensor_type)
    return element and "sparse(" .. element .. ")"
  end
  if message.map_type then
    local key, value = M.element(message.map_type.key_type), M.text(message.map_type.value_type)
    return key and value and ("map(%s,%s)"):format(key, value)
  end
  local kind = message.sequence_type and "seq" or message.optional_type and "optional"
  local inner = kind and M.text((message.sequence_type or message.optional_type).elem_type)
  return inner and ("%s(%s)"):format(kind, inner)
end

--- The shape of a tensor type: numbers, names or "?"; nil: not declared.
---@param message table?
---@return (integer|string)[]?
function M.shape(message)
  local tensor = message and (message.tensor_type or message.sparse_tensor_type)
  if not (tensor and tensor.shape) then return nil end
  local shape = {}
  for i, dim in ipairs(tensor.shape.dim or {}) do
    shape[i] = dim.dim_value or dim.dim_param ~= "" and dim.dim_param or "?"
  end
  return shape
end

--- The least IR version for the element types and kinds in a TypeProto.
---@param message table
---@return integer version
---@return string? what needs it
function M.ir_version(message)
  local function of_element(number)
    local element = M.elements[number]
    return element and element[5] or 1, element and element[1]
  end
  if message.tensor_type then return of_element(message.tensor_type.elem_type) end
  if message.sparse_tensor_type then return 8, "sparse tensor types" end
  if message.optional_type then return 8, "optional types" end
  if message.map_type then
    return message.map_type.value_type and M.ir_version(message.map_type.value_type) or 1
  end
  local inner = message.sequence_type and message.sequence_type.elem_type
  if inner then return M.ir_version(inner) end
  return 1
end

local map_keys = {
  u8 = true, i8 = true, u16 = true, i16 = true, i32 = true, i64 = true, u32 = true, u64 = true,
  string = true,
}

local function tensor_faults(tensor, add)
  local number = tensor.elem_type
  if number == nil or number == 0 then
    add "the element type is missing"
  elseif not M.elements[number] then
    add(("%d is no element type"):format(number))
  end
  for i, dim in ipairs(tensor.shape and tensor.shape.dim or {}) do
    if dim.dim_value and dim.dim_value < 0 then
      add(("dimension %d is negative: %d"):format(i - 1, dim.dim_value))
    end
  end
end

--- Whether a TypeProto says anything; exporters write empty ones where they know nothing.
function M.is_given(message)
  return message ~= nil and next(message) ~= nil
end

--- Calls `add(text)` for each thing that is wrong in a TypeProto.
function M.faults(message, add)
  local tensor = message.tensor_type or message.sparse_tensor_type
  if tensor then return tensor_faults(tensor, add) end
  local map = message.map_type
  if map then
    local key = M.element(map.key_type)
    if not key then
      add "the map's key type is missing"
    elseif not map_keys[key] then
      add(("a map's keys can't be %s"):format(key))
    end
    if not map.value_type then return add "the map's value type is missing" end
    return M.faults(map.value_type, add)
  end
  local list = message.sequence_type or message.optional_type
  if list then
    if not list.elem_type then return add "the type of the elements is missing" end
    return M.faults(list.elem_type, add)
  end
  if not message.opaque_type then add "it is empty" end
end

--- Whether two declared shapes can be of one value; unknown sizes can be anything.
---@param a (integer|string)[]?
---@param b (integer|string)[]?
---@return boolean
function M.compatible(a, b)
  if not (a and b) then return true end
  if #a ~= #b then return false end
  for i = 1, #a do
    local is_known = math.type(a[i]) == "integer" and math.type(b[i]) == "integer"
    if is_known and a[i] ~= b[i] then return false end
  end
  return true
end

---@param shape (integer|string)[]?
---@return string
function M.shape_text(shape) return shape and "[" .. table.concat(shape, ",") .. "]" or "[...]" end

return M
