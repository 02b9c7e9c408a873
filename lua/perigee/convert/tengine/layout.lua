--- How a .tmfile is laid out: structs of 4-byte numbers that point at each other by offsets from the
--- file's beginning. https://github.com/OAID/Tengine/wiki, tm2_format.h
local fail = require "perigee.convert.fail"

local M = {}

local MOST = 1 << 20

--- Version 2, and a root that lies in the file and leads to one subgraph at least.
function M.is_header(bytes)
  if bytes:u16(0) ~= 2 or bytes:u16(2) > 16 then return false end
  local root = bytes:u32(8)
  if root < 12 or root + 16 > #bytes then return false end
  local list = bytes:u32(root + 8)
  if list + 8 > #bytes or bytes:u32(list) == 0 or bytes:u32(list) > 64 then return false end
  return bytes:u32(list + 4) + 40 <= #bytes
end

--- A vector of numbers; offset 0 is none.
local function vector(bytes, at, method)
  local list = {}
  if at == 0 then return list end
  local n = bytes:u32(at)
  if n > MOST or n * 4 > #bytes then fail.format("a vector of %d at %d", n, at) end
  for i = 1, n do list[i] = bytes[method or "u32"](bytes, at + 4 * i) end
  return list
end

local function text(bytes, at)
  if at == 0 then return "" end
  local n = bytes:u32(at)
  if n > 4096 then fail.format("a name of %d letters at %d", n, at) end
  return (bytes:string(bytes:u32(at + 4), n):gsub("%z.*", ""))
end

local dtypes = { [0] = "f32", "f16", "i8", "u8", "i32", "i16" }

local function read_quants(bytes, at)
  local list = {}
  for i, q in ipairs(vector(bytes, at)) do
    list[i] = { zero = bytes:i32(q), scale = bytes:f32(q + 4) }
  end
  return list
end

local function read_tensor(bytes, at)
  return { buffer = bytes:u32(at + 4), dims = vector(bytes, bytes:u32(at + 8), "i32"),
    name = text(bytes, bytes:u32(at + 12)), quants = read_quants(bytes, bytes:u32(at + 16)),
    kind = bytes:i32(at + 24), dtype = dtypes[bytes:i32(at + 28)] or "f32" }
end

--- A node's parameters: fields by their place, from 0, read when they are asked for.
local function params(bytes, at)
  local p = { at = at }
  function p.i(k) return at ~= 0 and bytes:i32(at + 4 * k) or 0 end
  function p.f(k) return at ~= 0 and bytes:f32(at + 4 * k) or 0 end
  function p.flag(k, byte) return at ~= 0 and bytes:u8(at + 4 * k + (byte or 0)) ~= 0 end
  function p.ints(k) return at ~= 0 and vector(bytes, bytes:u32(at + 4 * k), "i32") or {} end
  function p.floats(k) return at ~= 0 and vector(bytes, bytes:u32(at + 4 * k), "f32") or {} end
  return p
end

local function read_node(bytes, at)
  local op = bytes:u32(at + 12)
  return { inputs = vector(bytes, bytes:u32(at + 4)), outputs = vector(bytes, bytes:u32(at + 8)),
    name = text(bytes, bytes:u32(at + 16)), type = bytes:u32(op + 4),
    param = params(bytes, bytes:u32(op + 8)) }
end

--- The first subgraph.
function M.read(bytes)
  local root = bytes:u32(8)
  local subgraphs = vector(bytes, bytes:u32(root + 8))
  if #subgraphs ~= 1 then fail.format("%d subgraphs, expected one", #subgraphs) end
  local at = subgraphs[1]
  local model = { bytes = bytes, graph_layout = bytes:i32(at + 4),
    inputs = vector(bytes, bytes:u32(at + 12)), outputs = vector(bytes, bytes:u32(at + 16)),
    nodes = {}, tensors = {}, buffers = vector(bytes, bytes:u32(at + 28)) }
  for i, place in ipairs(vector(bytes, bytes:u32(at + 20))) do model.nodes[i] = read_node(bytes, place) end
  for i, place in ipairs(vector(bytes, bytes:u32(at + 24))) do
    model.tensors[i] = read_tensor(bytes, place)
  end
  return model
end

--- A tensor's content, quantised ones scaled back; nil where the file has none.
function M.content(model, t)
  local CONST = 2
  local buffer = model.buffers[t.buffer + 1]
  if t.kind ~= CONST or not buffer then return nil end
  local size, at = model.bytes:u32(buffer), model.bytes:u32(buffer + 4)
  local dims, n = {}, 1
  for i, d in ipairs(t.dims) do
    if d < 0 then fail.format("tensor '%s': size %d", t.name, d) end
    dims[i], n = d, n * d
  end
  local width = ({ f32 = 4, f16 = 2, i8 = 1, u8 = 1, i32 = 4, i16 = 2 })[t.dtype]
  if n * width > size then
    fail.format("tensor '%s': %d bytes, expected %d", t.name, size, n * width)
  end
  local data = model.bytes:tensor(t.dtype, dims, at)
  if #t.quants == 0 or t.dtype == "f32" then
    return t.dtype == "f16" and data:cast "f32" or data
  end
  if #t.quants == 1 then return (data:cast "f32" - t.quants[1].zero) * t.quants[1].scale end
  if #t.quants ~= dims[1] then fail.format("tensor '%s': %d scales", t.name, #t.quants) end
  local tensor, scales, shape = require "perigee.tensor", {}, { #t.quants }
  for i, q in ipairs(t.quants) do scales[i] = q.scale end
  for i = 2, #dims do shape[i] = 1 end
  return data:cast "f32" * tensor.new(scales, "f32"):reshape(shape)
end

return M
