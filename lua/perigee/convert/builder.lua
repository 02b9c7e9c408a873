--- What readers of formats build graphs with: graph:add with fresh names, constants made once, and
--- a list of everything that can't be converted, so that all of it is told at once.
---
---     local b = builder.new "net"
---     b:input("data", "f32", { 1, 3, 224, 224 })
---     local y = b:op("Conv", { "data", b:constant(w) }, { kernel_shape = { 3, 3 } }, "conv1")
---     b:output(y)
---     return b:finish()
local fail = require "perigee.convert.fail"
local graph = require "perigee.graph"
local tensor = require "perigee.tensor"

local Builder = {}
Builder.__index = Builder

local M = {}

---@param name? string of the graph
---@param g? perigee.Graph to build into (a body); default a new one
function M.new(name, g)
  local new = g or graph.new()
  if name then new:set_name(name) end
  return setmetatable({ graph = new, taken = {}, known = {}, missing = {} }, Builder)
end

--- A name that nothing has yet: `wish`, or `wish_2`, `wish_3` ... Names of the file's own values
--- should be asked for first.
function Builder:unique(wish)
  local name, n = wish, 1
  while self.taken[name] do
    n = n + 1
    name = ("%s_%d"):format(wish, n)
  end
  self.taken[name] = true
  return name
end

local MOST_RANK = 8 -- of the engine's tensors

function Builder:input(name, dtype, shape)
  if shape and #shape > MOST_RANK then
    fail.format("input '%s' has %d dimensions, at most %d go", name, #shape, MOST_RANK)
  end
  self.taken[name] = true
  return self.graph:add_input(name, dtype, shape)
end

function Builder:output(name) return self.graph:add_output(name) end

--- A constant. Small ones of the same content and type are made once.
---@param value any a tensor, a number or a table
---@param dtype? perigee.dtype
---@param name? string a wish
---@return string name
function Builder:constant(value, dtype, name)
  local t = type(value) == "userdata" and value or tensor.new(value, dtype)
  if dtype and t.dtype ~= dtype then t = t:cast(dtype) end
  local SMALL, key = 16, nil
  if t.count <= SMALL and t.dtype ~= "string" and not name then
    key = ("%s[%s]%s"):format(t.dtype, table.concat(t.shape, ","), t:bytes())
    if self.known[key] then return self.known[key] end
  end
  local made = self.graph:add_constant(self:unique(name or "const"), t)
  if key then self.known[key] = made end
  return made
end

--- A node.
---@param type string
---@param inputs string[]
---@param attrs? table
---@param outputs? string|string[]|integer a name, names, or how many fresh ones; default 1
---@param opts? { name?: string, domain?: string }
---@return string ... the names of its outputs
function Builder:op(type, inputs, attrs, outputs, opts)
  local names = {}
  if math.type(outputs) == "integer" or outputs == nil then
    for i = 1, outputs or 1 do names[i] = self:unique(type:lower()) end
  elseif _G.type(outputs) == "string" then
    names[1] = outputs
  else
    names = outputs
  end
  for _, name in ipairs(names) do self.taken[name] = true end
  self.graph:add(type, inputs, names, attrs, opts)
  return table.unpack(names)
end

-- ---- what nearly every format needs -----------------------------------------------------------

function Builder:i64(list) return self:constant(list, "i64") end

function Builder:reshape(x, shape, name)
  return self:op("Reshape", { x, self:i64(shape) }, nil, name)
end

function Builder:transpose(x, perm, name)
  return self:op("Transpose", { x }, { perm = perm }, name)
end

function Builder:identity(x, name) return self:op("Identity", { x }, nil, name) end

function Builder:clip(x, low, high, name)
  return self:op("Clip", {
    x, low and self:constant(low, "f32") or "", high and self:constant(high, "f32") or "",
  }, nil, name)
end

--- x[first:last:step] along axes counted from 0, ends excluded, as ONNX counts.
function Builder:slice(x, axes, starts, ends, steps, name)
  return self:op("Slice", {
    x, self:i64(starts), self:i64(ends), self:i64(axes), steps and self:i64(steps) or nil,
  }, nil, name)
end

-- ---- what can't be converted ------------------------------------------------------------------

--- Notes something that perigee can't run; finish() tells all of it.
---@param what string
---@param where? string its place in the file
---@param instead? string the nearest rewrite
function Builder:unsupported(what, where, instead)
  self.missing[#self.missing + 1] = { what = what, where = where, instead = instead }
end

--- The graph, or a Failure that lists what was unsupported.
---@return perigee.Graph
function Builder:finish()
  if #self.missing > 0 then fail.unsupported(self.missing) end
  return self.graph
end

return M
