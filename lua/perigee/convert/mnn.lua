--- MNN: NAME.mnn, a FlatBuffer; large models keep their weights in NAME.mnn.weight.
---
--- Values have the shapes and the order of axes that MNN's own runtime shows: NCHW where the file
--- came from ONNX, Caffe or PyTorch, NHWC where from TensorFlow. Whole numbers are i32 everywhere,
--- as in MNN. Weights in int8 or less are used as floats; int8 layers count in whole numbers.
--- Options: shapes = { input = { ... } }.
local context = require "perigee.convert.mnn.context"
local fail = require "perigee.convert.fail"
local flatbuffer = require "perigee.convert.flatbuffer"
local schema = require "perigee.convert.mnn.schema"

local M = { name = "mnn" }

--- .mnn files have no signature: the root must be a table of a Net's fields whose list of
--- operators begins with one that has a known number.
local function looks_right(bytes)
  local size = #bytes
  if size < 64 then return false end
  local root = bytes:u32(0)
  if root < 4 or root + 4 > size then return false end
  local vtable = root - bytes:i32(root)
  if vtable < 4 or vtable + 4 > size then return false end
  local length = bytes:u16(vtable)
  local N_FIELDS, OPLISTS = 13, 3
  if length % 2 ~= 0 or length < 4 + 2 * (OPLISTS + 1) or length > 4 + 2 * N_FIELDS
    or vtable + length > size then
    return false
  end
  local offset = bytes:u16(vtable + 4 + 2 * OPLISTS)
  if offset == 0 or root + offset + 4 > size then return false end
  local list = root + offset + bytes:u32(root + offset)
  if list + 8 > size then return false end
  local n = bytes:u32(list)
  if n == 0 or n * 4 > size - list - 4 then return false end
  local op = list + 4 + bytes:u32(list + 4)
  if op + 4 > size then return false end
  local op_vtable = op - bytes:i32(op)
  if op_vtable < 4 or op_vtable + 4 > size then return false end
  local op_length = bytes:u16(op_vtable)
  return op_length >= 4 and op_length <= 4 + 2 * 8 and op_length % 2 == 0
end

function M.detect(bytes, path)
  if not bytes or flatbuffer.identifier(bytes):find "^TFL%d" then return false end
  if path and not path:find "%.mnn$" and not path:find "^[^.]*$" then return false end
  local ok, result = pcall(looks_right, bytes)
  return ok and result
end

function M.read(source)
  local net = flatbuffer.decode(source.bytes, schema, "Net")
  if #net.oplists == 0 then fail.format("no operators") end
  return context.convert(net, source)
end

return M
