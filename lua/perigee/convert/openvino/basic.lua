--- Inputs, outputs, constants, element types, and variables.
local tensor = require "perigee.tensor"
local types = require "perigee.convert.openvino.types"

local M = {}

local MOST_DIMS = 64

-- ---- inputs and outputs -----------------------------------------------------------------------

--- "?,3,8": "?", "-1" and ranges "1..8" are free; "..." is any rank.
local function parse_shape(c, L)
  local text = L.attrs.shape
  if not text or text:find("...", 1, true) then return nil end
  local dims = {}
  for item in text:gmatch "[^,%s%[%]]+" do
    local size = math.tointeger(tonumber(item))
    if size == -1 or item == "?" or item:find("..", 1, true) then
      size = "?"
    elseif not size or size < 0 then
      c:fail(L, "shape '%s'", text)
    end
    dims[#dims + 1] = size
    if #dims > MOST_DIMS then c:fail(L, "a shape of more than %d sizes", MOST_DIMS) end
  end
  return dims
end

function M.Parameter(c, L)
  local out = L.outputs[1] or c:fail(L, "it has no output")
  local given = c.given and c.given[L.id]
  if given then return given end
  if c.given then c:fail(L, "nothing is given to this parameter of a body") end
  c.b:input(out.wish, c:dtype(L, "element_type"), parse_shape(c, L))
  return out.wish
end

function M.Result(c, L)
  L.result = c:x(L, 1)
end

-- ---- constants --------------------------------------------------------------------------------

--- Strings: their number, then where each begins and the last ends, as u32, then their bytes.
local function strings(c, L, data, dims)
  local n, list = data:u32(0), {}
  if n ~= c:count(dims) then c:fail(L, "%d strings for a shape of others", n) end
  if 8 + 4 * n > #data then c:fail(L, "%d strings in %d bytes", n, #data) end
  local base = 8 + 4 * n
  for i = 1, n do
    local from, to = data:u32(4 * i), data:u32(4 * i + 4)
    if to < from then c:fail(L, "string %d ends before it begins", i) end
    list[i] = data:string(base + from, to - from)
  end
  return tensor.new(list, "string"):reshape(table.unpack(dims))
end

--- Single bits, the first the highest.
local function bits(data, count)
  local list = {}
  for i = 0, count - 1 do list[i + 1] = data:u8(i // 8) >> (7 - i % 8) & 1 end
  return tensor.new(list, "u8")
end

local function normal_floats(data, count)
  local list = {}
  for i = 0, count - 1 do
    local byte = data:u8(i // 2)
    list[i + 1] = types.nf4[1 + (i % 2 == 0 and byte & 15 or byte >> 4)]
  end
  return tensor.new(list, "f32")
end

local function constant(c, L)
  local dims = c:ints(L, "shape", {})
  local offset, size = c:int(L, "offset"), c:int(L, "size")
  local bytes, dtype = c.weights(), c:dtype(L, "element_type")
  if offset < 0 or size < 0 or offset > #bytes or size > #bytes - offset then
    c:fail(L, "bytes %d to %d of a weights file of %d", offset, offset + size, #bytes)
  end
  for _, n in ipairs(dims) do
    if n < 0 or n > 1 << 40 then c:fail(L, "shape '%s'", L.attrs.shape) end
  end
  local data, count = bytes:slice(offset, size), c:count(dims)
  local element = L.attrs.element_type
  if element == "string" then return strings(c, L, data, dims) end
  if element == "u1" or element == "nf4" then
    if count > size * 8 then c:fail(L, "%d elements in %d bytes", count, size) end
    return (element == "u1" and bits or normal_floats)(data, count):reshape(dims)
  end
  return data:tensor(dtype, dims)
end

function M.Const(c, L)
  local out, t = L.outputs[1] or c:fail(L, "it has no output"), constant(c, L)
  local name = c.b.graph:add_constant(out.wish, t)
  c.contents[name] = t
  return name
end

-- ---- element types ----------------------------------------------------------------------------

--- Floats go to integers towards zero, to boolean by being other than zero, as Cast does.
local function convert(c, L, to)
  local x, from = c:x(L, 1), c:type_of(L, 1)
  if from == to then return x end
  local y = c:op("Cast", { x }, { to = to })
  local t = c:known(L, 1)
  if t and t.count <= 4096 and t.dtype ~= "string" and to ~= "string" then
    c.contents[y] = t:cast(to)
  end
  return y
end

function M.Convert(c, L) return convert(c, L, c:dtype(L, "destination_type")) end

function M.ConvertLike(c, L)
  return c:op("CastLike", { c:x(L, 1), c:x(L, 2) })
end

--- Both to one type; the writer has resolved which.
function M.ConvertPromoteTypes(c, L)
  local to = L.outputs[1] and L.outputs[1].dtype or c:fail(L, "its outputs have no type")
  return c:cast(c:x(L, 1), c:type_of(L, 1), to), c:cast(c:x(L, 2), c:type_of(L, 2), to)
end

function M.Identity(c, L) return c:op("Identity", { c:x(L, 1) }) end

-- ---- variables --------------------------------------------------------------------------------

--- A variable is what it is at the start of every run: what ReadValue is given, else zeros. Nothing
--- is kept from run to run; what Assign would keep is not computed unless it is needed elsewhere.
function M.ReadValue(c, L)
  if L.x[1] then return c:op("Identity", { L.x[1] }) end
  local dims = {}
  for i, size in ipairs(L.outputs[1] and L.outputs[1].dims or {}) do dims[i] = math.max(size, 0) end
  return c:op("Identity", { c:constant(tensor.zeros(dims, L.outputs[1].dtype)) })
end

function M.Assign(c, L) return c:x(L, 1) end

return M
