--- What PyTorch's pickles are made of besides plain data: tensors as views of storages. A record
---
---     { kind = "tensor", storage =, offset =, shape =, strides =, dtype =, quantizer = }
---
--- becomes a Tensor on the memory of the file once it is known where its storage lies.
local core = require "perigee.core"
local fail = require "perigee.convert.fail"
local pickle = require "perigee.convert.pickle"

local M = {}

--- torch.XStorage -> element type.
local storage_dtype = {
  Float = "f32", Double = "f64", Half = "f16", BFloat16 = "bf16", Long = "i64", Int = "i32",
  Short = "i16", Char = "i8", Byte = "u8", Bool = "bool", ComplexFloat = "c64",
  ComplexDouble = "c128", QInt8 = "i8", QUInt8 = "u8", QInt32 = "i32", Untyped = "u8",
}

--- torch.X, as dtypes are pickled and printed.
M.dtype_names = {
  float32 = "f32", float = "f32", float64 = "f64", double = "f64", float16 = "f16", half = "f16",
  bfloat16 = "bf16", int64 = "i64", long = "i64", int32 = "i32", int = "i32", int16 = "i16",
  short = "i16", int8 = "i8", uint8 = "u8", bool = "bool", complex64 = "c64", complex128 = "c128",
  uint16 = "u16", uint32 = "u32", uint64 = "u64", qint8 = "i8", quint8 = "u8", qint32 = "i32",
  float8_e4m3fn = "f8e4m3fn", float8_e5m2 = "f8e5m2", float8_e4m3fnuz = "f8e4m3fnuz",
  float8_e5m2fnuz = "f8e5m2fnuz", float8_e8m0fnu = "f8e8m0",
}

--- c10::ScalarType by number, as TorchScript prints dtypes (c10/core/ScalarType.h).
M.dtype_numbers = {
  [0] = "u8", "i8", "i16", "i32", "i64", "f16", "f32", "f64", nil, "c64", "c128", "bool", "i8",
  "u8", "i32", "bf16", [23] = "f8e5m2", [24] = "f8e4m3fn", [25] = "f8e5m2fnuz",
  [26] = "f8e4m3fnuz", [27] = "u16", [28] = "u32", [29] = "u64",
}

local width = core.dtypes()

local function is_list(x) return type(x) == "table" and (x.kind == "tuple" or x.kind == "list") end

local function integers(list, what)
  if not is_list(list) then fail.format("a tensor whose %s is no list", what) end
  local out = {}
  for i, n in ipairs(list) do
    if math.type(n) ~= "integer" or n < 0 then
      fail.format("a tensor whose %s holds %s", what, tostring(n))
    end
    out[i] = n
  end
  return out
end

local function record(storage, offset, shape, strides)
  if type(storage) ~= "table" or storage.kind ~= "storage" then
    fail.format "a tensor without a storage"
  end
  if math.type(offset) ~= "integer" or offset < 0 then
    fail.format("a tensor at element %s of its storage", tostring(offset))
  end
  local r = {
    kind = "tensor", storage = storage, offset = offset, shape = integers(shape, "shape"),
    strides = integers(strides, "strides"), dtype = storage.dtype,
  }
  if #r.shape ~= #r.strides then
    fail.format("a tensor of rank %d with %d strides", #r.shape, #r.strides)
  end
  return r
end

--- A dtype global ("torch.float16") as element type.
function M.dtype_of(global)
  local name = type(global) == "table" and global.kind == "global"
    and global.global:match "^torch%.([%w_]+)$"
  return name and M.dtype_names[name]
end

--- (torch.per_tensor_affine, scale, zero point) or (torch.per_channel_affine, scales, zero points,
--- axis); the scheme may also be its number (c10/core/QScheme.h).
local function quantizer(params)
  if not is_list(params) then fail.format "a quantised tensor without its parameters" end
  local scheme = type(params[1]) == "table" and params[1].global or params[1]
  if scheme == "torch.per_tensor_affine" or scheme == 0 then
    return { scale = params[2], zero_point = params[3] }
  end
  if params[4] == nil then fail.format("quantisation by %s", tostring(scheme)) end
  return { scale = params[2], zero_point = params[3], axis = params[4] }
end

local function from_type(make, _, args, _)
  if type(make) ~= "table" or not make.make or not is_list(args) then
    fail.format "a tensor of a type of its own"
  end
  return make.make(table.unpack(args, 1, #args))
end

local function itself(x) return x end

--- The names that a pickle may call, and what stands for their results.
M.allowed = {
  ["collections.OrderedDict"] = function() return pickle.dict() end,
  ["torch.jit._pickle.restore_type_tag"] = itself,
  ["torch.nn.parameter.Parameter"] = itself,
  ["torch._utils._rebuild_parameter"] = itself,
  ["torch._utils._rebuild_parameter_with_state"] = itself,
  ["torch._utils._rebuild_tensor"] = record,
  ["torch._utils._rebuild_tensor_v2"] = record,
  ["torch._utils._rebuild_tensor_v3"] = function(storage, offset, shape, strides, _, _, dtype)
    local r = record(storage, offset, shape, strides)
    r.dtype = M.dtype_of(dtype) or fail.format "a tensor of an unknown element type"
    return r
  end,
  ["torch._utils._rebuild_qtensor"] = function(storage, offset, shape, strides, params)
    local r = record(storage, offset, shape, strides)
    r.quantizer = quantizer(params)
    return r
  end,
  ["torch._tensor._rebuild_from_type_v2"] = from_type,
  ["torch._tensor._rebuild_from_type"] = from_type,
  ["torch.Size"] = function(list) return is_list(list) and list or nil end,
}
for _, kind in ipairs { "ints", "floats", "bools", "tensors" } do
  local call = kind == "tensors" and "build_tensorlist" or "build_" .. kind:sub(1, -2) .. "list"
  M.allowed["torch.jit._pickle." .. call] = itself
end
M.allowed["torch.jit._pickle.build_tensor_from_id"] = function(id)
  return { kind = "tensor_id", id = id }
end

--- ("storage", torch.FloatStorage, key, location, elements, view) of a persistent id.
---@param id any
---@return table storage { kind = "storage", dtype, key, count, view }
function M.storage(id)
  if not is_list(id) or id[1] ~= "storage" then
    return { kind = "persistent", id = id } -- sources of classes, in old files
  end
  local class = type(id[2]) == "table" and id[2].global or ""
  local dtype = storage_dtype[class:match "([%w]+)Storage$" or ""] or M.dtype_of(id[2])
  if not dtype then fail.format("a storage of unknown kind '%s'", class) end
  return {
    kind = "storage", dtype = dtype, key = tostring(id[3]), count = id[5],
    view = is_list(id[6]) and id[6] or nil, class = class,
  }
end

--- Expanded tensors repeat elements: a small file must not ask for all of memory.
local MOST_REPEATED = 1 << 28

local function swapped(bytes, size)
  return core.bytes_of((bytes:string():gsub(("."):rep(size), string.reverse)))
end

--- The tensor of a record.
---@param r table
---@param find fun(storage: table): perigee.Bytes? where a storage lies
---@param is_big? boolean the file's numbers are big-endian
---@return perigee.Tensor
function M.tensor(r, find, is_big)
  local storage = r.storage
  local bytes = find(storage)
  if not bytes then fail.format("the storage '%s' is missing", storage.key) end
  local size = width[r.dtype] // 8
  if is_big and size > 1 then
    storage.swapped = storage.swapped
      or swapped(bytes, r.dtype:sub(1, 1) == "c" and size // 2 or size)
    bytes = storage.swapped
  end
  local count = 1
  for _, n in ipairs(r.shape) do
    if n > 0 and count > (1 << 62) // n then fail.format "a tensor larger than memory" end
    count = count * n
  end
  if count * size > MOST_REPEATED and count > #bytes // size then
    fail.format("a tensor of %d elements on a storage of %d bytes", count, #bytes)
  end
  if r.offset > #bytes // size then
    fail.format("a tensor begins at element %d of a storage of %d bytes", r.offset, #bytes)
  end
  return bytes:tensor(r.dtype, r.shape, r.offset * size, r.strides)
end

return M
