--- PyTorch's rules of what element type an operation has (c10/core/ScalarType.h, "type promotion").
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local storage = require "perigee.convert.pytorch.storage"

local M = {}

local is_tensor, none = emit.is, machine.none

local width = {
  bool = 1, u8 = 8, i8 = 8, u16 = 16, i16 = 16, u32 = 32, i32 = 32, u64 = 64, i64 = 64, f16 = 16,
  bf16 = 16, f32 = 32, f64 = 64, c64 = 64, c128 = 128,
}

--- 0 bool, 1 integer, 2 float, 3 complex
function M.category(dtype)
  if dtype == "bool" then return 0 end
  local first = dtype:sub(1, 1)
  if first == "i" or first == "u" then return 1 end
  return first == "c" and 3 or 2
end
local category = M.category

function M.is_float(t) return category(t.dtype) >= 2 end

local signed = { u8 = "i16", u16 = "i32", u32 = "i64", u64 = "i64" }

--- The type that two types meet in.
function M.promote(a, b)
  if a == b then return a end
  local ca, cb = category(a), category(b)
  if ca ~= cb then return ca > cb and a or b end
  if ca == 2 and width[a] == width[b] then return "f32" end
  if ca == 1 and a:sub(1, 1) ~= b:sub(1, 1) then
    local u, i = a, b
    if a:sub(1, 1) == "i" then u, i = b, a end
    return width[i] > width[u] and i or signed[u]
  end
  return width[a] >= width[b] and a or b
end

local DEFAULT = "f32"

--- The type of an operation on tensors and numbers: tensors with axes say it, others only when
--- they are of a higher kind.
function M.result(...)
  local best = {}
  for i = 1, select("#", ...) do
    local x = select(i, ...)
    local level, dtype
    if is_tensor(x) and not x.scalar then
      level = (not x.shape or #x.shape > 0) and 1 or 2
      dtype = x.dtype
    elseif x ~= none and x ~= nil then
      level = 3
      local kind = is_tensor(x) and x.scalar or math.type(x) or type(x)
      dtype = (kind == "integer" or kind == "int") and "i64" or kind == "float" and DEFAULT
        or "bool"
    end
    if level then best[level] = best[level] and M.promote(best[level], dtype) or dtype end
  end
  local out
  for level = 1, 3 do
    local dtype = best[level]
    if dtype and (not out or category(dtype) > category(out)) then
      out = out and category(dtype) == 2 and level == 3 and DEFAULT or dtype
    end
  end
  return out
end

--- A value as tensor of a type.
function M.as(c, x, dtype)
  if is_tensor(x) then return c:cast(x, dtype) end
  return c:scalar(x, dtype)
end

local numbers = {}
for number, dtype in pairs(storage.dtype_numbers) do
  if not (number >= 12 and number <= 14) then numbers[dtype] = number end
end

--- The number by which TorchScript knows an element type, and back.
function M.number_of(dtype) return numbers[dtype] end

function M.of_number(c, n)
  if n == none or n == nil then return nil end
  return storage.dtype_numbers[n]
    or fail.format("%s: an unknown element type: %s", c:place(), tostring(n))
end

--- What floating-point functions make of integers.
function M.float(c, t)
  return M.is_float(t) and t or c:cast(t, DEFAULT)
end

return M
