--- Converts the layers of a net: what every layer's function is given. One context is for one net or
--- body; a body's has its parent's builder state, so that names are unique across all of them.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local net = require "perigee.convert.openvino.net"
local tensor = require "perigee.tensor"
local types = require "perigee.convert.openvino.types"

---@class perigee.openvino.Context
local Context = {}
Context.__index = Context

local M = {}

local MOST_BODIES = 16

local layer_functions
--- type -> function(context, layer), from all files of layers.
local function functions()
  if layer_functions then return layer_functions end
  layer_functions = {}
  for _, name in ipairs { "basic", "math", "reduce", "shape", "index", "conv", "pool", "norm",
    "quant", "image", "recurrent", "control", "detect", "signal" } do
    for type, f in pairs(require("perigee.convert.openvino." .. name)) do
      layer_functions[type] = f
    end
  end
  return layer_functions
end

function Context.fail(_, L, message, ...)
  fail.format("%s (%s): " .. message, L.where, L.type, ...)
end

--- Notes that a layer, or a form of it, can't be converted. To be returned.
function Context:unsupported(L, what, instead)
  local place = self.inside and L.where .. " in " .. self.inside or L.where
  self.b:unsupported(what and L.type .. " " .. what or L.type .. " of " .. (L.version or "?"),
    place, instead)
end

-- ---- attributes -------------------------------------------------------------------------------

function Context:int(L, key, default)
  local text = L.attrs[key]
  if text == nil then
    return default or (default == nil and self:fail(L, "attribute '%s' is missing", key)) or nil
  end
  return math.tointeger(tonumber(text)) or self:fail(L, "attribute '%s' is '%s', expected an integer", key, text)
end

function Context:float(L, key, default)
  local text = L.attrs[key]
  if text == nil and default then return default end
  local known = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0, ["-nan"] = 0 / 0 }
  local value = text and (tonumber(text) or known[text])
  return value or self:fail(L, "attribute '%s' is '%s', expected a number", key, text or "missing")
end

local truths = { ["true"] = true, ["True"] = true, ["1"] = true,
  ["false"] = false, ["False"] = false, ["0"] = false }

function Context:bool(L, key, default)
  local text = L.attrs[key]
  if text == nil then return default end
  local value = truths[text]
  if value == nil then self:fail(L, "attribute '%s' is '%s', expected true or false", key, text) end
  return value
end

--- A word of a few.
function Context:word(L, key, default)
  local text = L.attrs[key]
  return text and text:lower() or default or self:fail(L, "attribute '%s' is missing", key)
end

local function list_of(c, L, key, default, convert)
  local text, list = L.attrs[key], {}
  if text == nil then return default or c:fail(L, "attribute '%s' is missing", key) end
  for item in text:gmatch "[^,%s]+" do
    list[#list + 1] = convert(item) or c:fail(L, "attribute '%s' has an item '%s'", key, item)
  end
  return list
end

function Context:ints(L, key, default)
  return list_of(self, L, key, default, function(s) return math.tointeger(tonumber(s)) end)
end

function Context:floats(L, key, default) return list_of(self, L, key, default, tonumber) end

function Context:dtype(L, key, default)
  local text = L.attrs[key] or default
  return types.dtypes[text] or self:fail(L, "element type '%s'", text or "missing")
end

-- ---- values -----------------------------------------------------------------------------------

--- The name of an input that must be there.
function Context:x(L, i) return L.x[i] or self:fail(L, "input %d is missing", i - 1) end

--- Sizes of an input, -1 where free.
function Context:dims(L, i)
  return L.inputs[i] and L.inputs[i].dims or self:fail(L, "input %d is missing", i - 1)
end

function Context:rank(L, i) return #self:dims(L, i) end

--- The product of sizes, or nil where one is free.
function Context.count(_, dims)
  local n = 1
  for _, size in ipairs(dims) do
    if size < 0 then return nil end
    n = n * size
  end
  return n
end

function Context:type_of(L, i)
  return L.inputs[i] and L.inputs[i].dtype or self:fail(L, "input %d has no element type", i - 1)
end

--- An input's contents where they are constant.
---@return perigee.Tensor?
function Context:known(L, i)
  return L.x[i] and self.contents[L.x[i]]
end

--- The numbers of a constant input, or nil.
function Context:numbers(L, i)
  local t = self:known(L, i)
  if not t or t.count > 1 << 16 or t.dtype == "string" then return nil end
  if t.count == 0 then return {} end
  local list = t:reshape(-1):totable()
  if types.is_float[t.dtype] or t.dtype:find "^f" then return list end
  for j, v in ipairs(list) do list[j] = math.tointeger(v) or v end
  return list
end

function Context:need_numbers(L, i, what)
  local list = self:numbers(L, i)
  if not list then self:unsupported(L, ("with computed %s"):format(what), "a constant") end
  return list
end

--- An axis counted from 0.
function Context:axis(L, value, rank)
  if rank > 0 and (value < -rank or value >= rank) then
    self:fail(L, "axis %d of a value of %d axes", value, rank)
  end
  return value < 0 and value + rank or value
end

--- A node; its outputs may be renamed to what the file calls them. Element types among the
--- attributes are given by name.
function Context:op(type, inputs, attrs, n)
  for _, key in ipairs { "to", "dtype" } do
    local code = attrs and types.codes[attrs[key]]
    if code then attrs[key] = code end
  end
  local names = { self.b:op(type, inputs, attrs, n) }
  for _, name in ipairs(names) do self.made[name] = true end
  return table.unpack(names)
end

function Context:constant(value, dtype)
  local t = type(value) == "userdata" and value or tensor.new(value, dtype)
  if dtype and t.dtype ~= dtype then t = t:cast(dtype) end
  local name = self.b:constant(t)
  self.contents[name] = t
  return name
end

function Context:i64(list)
  return self:constant(#list > 0 and tensor.new(list, "i64") or tensor.zeros({ 0 }, "i64"))
end

--- A constant of the type of an input.
function Context:like(L, i, value) return self:constant(value, self:type_of(L, i)) end

function Context:reshape(x, shape) return self:op("Reshape", { x, self:i64(shape) }) end
function Context:transpose(x, perm) return self:op("Transpose", { x }, { perm = perm }) end
function Context:unsqueeze(x, axes) return self:op("Unsqueeze", { x, self:i64(axes) }) end
function Context:squeeze(x, axes) return self:op("Squeeze", { x, self:i64(axes) }) end

function Context:cast(x, from, to)
  if from == to then return x end
  return self:op("Cast", { x }, { to = to })
end

--- Indices and such as i64.
function Context:as_i64(L, i)
  local list = self:known(L, i)
  if list and list.count <= 1024 then return self:constant(list, "i64") end
  return self:cast(self:x(L, i), self:type_of(L, i), "i64")
end

--- x[first:last:step] along axes counted from 0.
function Context:slice(x, axes, starts, ends, steps)
  return self:op("Slice", { x, self:i64(starts), self:i64(ends), self:i64(axes),
    steps and self:i64(steps) or nil })
end

--- The sizes of a value as i64 [rank].
function Context:shape_of(x) return self:op("Shape", { x }) end

-- ---- nets -------------------------------------------------------------------------------------

--- A context for a body inside this one's net.
function Context:inner(wish, place)
  if self.depth >= MOST_BODIES then fail.format("bodies nested deeper than %d", MOST_BODIES) end
  local b = builder.new(nil, self.b.graph:subgraph(self.b:unique(wish)))
  b.taken, b.missing = self.b.taken, self.b.missing
  return setmetatable({ b = b, depth = self.depth + 1, made = {}, weights = self.weights,
    contents = setmetatable({}, { __index = self.contents }), inside = place,
    variables = self.variables, skip = self.skip }, Context)
end

local function name_outputs(c, L)
  for i, p in ipairs(L.outputs) do
    local wish = p.name or (#L.outputs > 1 and ("%s.%d"):format(L.name, i - 1) or L.name)
    p.wish = c.b:unique(wish)
  end
end

--- Gives what a layer made the names of the file.
local function take_results(c, L, results)
  for i, p in ipairs(L.outputs) do
    local got = results[i]
    if got and c.made[got] then
      c.b.graph:rename(got, p.wish)
      c.contents[p.wish] = c.contents[got]
      c.made[got] = nil
      got = p.wish
    end
    p.value = got or nil
  end
end

local function convert(c, L)
  for i = 1, #L.inputs do
    local from = L.from[i]
    if not from then c:fail(L, "input %d isn't connected", i - 1) end
    local value = from.layer.outputs[from.port].value
    if from.layer.is_lost then
      L.is_lost = true
    elseif not value then
      c:fail(L, "its input %d is output %d of %s, which gives no such value", i - 1, from.port - 1, from.layer.where)
    end
    L.x[i] = value
  end
  local f = functions()[L.type]
  if not f then
    L.is_lost = true
    return c:unsupported(L)
  end
  if L.is_lost then return end
  local n_missing = #c.b.missing
  local ok, message, code = fail.guard(function()
    take_results(c, L, { f(c, L) })
    return true
  end)
  if not ok then
    if code == nil then c:fail(L, "%s", message) end
    fail.raise(message:find(L.where, 1, true) and message
      or ("%s (%s): %s"):format(L.where, L.type, message), code)
  end
  L.is_lost = #c.b.missing > n_missing
end

--- Converts all layers; `given` gives values of Parameters by layer id instead of making inputs.
---@return table parsed with a value for each output port
function Context:convert_all(element, given)
  local parsed = net.parse(element)
  for _, L in ipairs(parsed.layers) do
    if L.type == "Parameter" and #L.outputs == 1 then name_outputs(self, L) end
  end
  for _, L in ipairs(parsed.layers) do
    if L.type ~= "Parameter" or #L.outputs ~= 1 then name_outputs(self, L) end
  end
  self.given = given
  self.is_main = given == nil
  for _, L in ipairs(parsed.layers) do
    if L.type == "Parameter" then convert(self, L) end
  end
  for _, L in ipairs(parsed.order) do
    if L.type ~= "Parameter" and L.type ~= "Result" then convert(self, L) end
  end
  for _, L in ipairs(parsed.layers) do
    if L.type == "Result" then convert(self, L) end
  end
  return parsed
end

--- Results of the main net, in the file's order.
local function add_outputs(c, parsed)
  local seen = {}
  for _, L in ipairs(parsed.layers) do
    local value = L.result
    if L.type == "Result" and value then
      local info = c.b.graph:value(value)
      if seen[value] or info.is_input or info.constant then
        value = c.b:identity(value, c.b:unique(L.name))
      end
      seen[value] = true
      c.b:output(value)
    end
  end
end

--- A Graph of a whole net.
---@param root table the element
---@param open fun(): perigee.Bytes the file of the constants
---@return perigee.Graph
function M.read(root, open)
  local c = setmetatable({ b = builder.new(root.attrs.name or "net"), depth = 0, made = {},
    contents = {}, variables = {} }, Context)
  local bytes
  c.weights = function()
    bytes = bytes or open()
    return bytes
  end
  local parsed = c:convert_all(root)
  if #c.b.missing == 0 then add_outputs(c, parsed) end
  return c.b:finish()
end

return M
