--- TNN: NAME.tnnproto + NAME.tnnmodel.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local layers = require "perigee.convert.tnn.layers"
local model = require "perigee.convert.tnn.model"

local M = { name = "tnn" }

function M.detect(bytes)
  if not bytes then return false end
  local head = bytes:string(0, math.min(#bytes, 64))
  return head:find '^%s*"?%s*%d+%s+%d+%s+%d+%s+42066247[72]%d%s*,' ~= nil
end

local Context = {}
Context.__index = Context

function Context:op(type, inputs, attrs, outputs)
  local names = { self.b:op(type, inputs, attrs, outputs) }
  local ok, message = self.b.graph:value(names[1]).producer:infer()
  if not ok then self:fail("%s", message) end
  return table.unpack(names)
end

function Context:fail(message, ...)
  fail.format("layer '%s' (%s): %s", self.layer.name, self.layer.type, message:format(...))
end

function Context:unsupported(what)
  self.b:unsupported(("%s %s"):format(self.layer.type, what or ""),
    ("layer '%s'"):format(self.layer.name))
  self.gave_up = true
  return {}
end

function Context:shape(x) return self.b.graph:value(x).shape or self:fail "an unknown rank" end
function Context:constant(value, dtype) return self.b:constant(value, dtype) end
function Context:i64(list) return self.b:constant(list, "i64") end
function Context:f32(x) return self.b:constant(x, "f32") end

--- The i-th weight of the layer; raises where it isn't there.
function Context:weight(i, is_optional)
  local t = (self.weights[self.layer.name] or {})[i]
  if not t and not is_optional then self:fail "its weights are missing" end
  return t or nil
end

--- The i-th parameter, from 1.
function Context:int(i, default)
  return math.tointeger(tonumber(self.layer.params[i])) or default
    or self:fail("parameter %d is missing", i)
end

function Context:float(i, default)
  return tonumber(self.layer.params[i]) or default or self:fail("parameter %d is missing", i)
end

--- A list that begins with its length; what stands behind it.
function Context:list(i)
  local n, out = self:int(i, 0), {}
  if n < 0 or n > #self.layer.params then self:fail("a list of %d", n) end
  for k = 1, n do out[k] = self:int(i + k) end
  return out, i + n + 1
end

local function convert_layer(self, layer)
  self.layer, self.gave_up = layer, false
  local x, f = {}, layers[layer.type]
  for i, name in ipairs(layer.ins) do
    if not self.values[name] and self.constants[name] then
      self.values[name] = self.b:constant(self.constants[name])
    end
    x[i] = self.values[name]
    if self.lost[name] then self.gave_up = true end
    if not x[i] and not self.lost[name] then self:fail("its input '%s' comes from nowhere", name) end
  end
  local results = {}
  if not self.gave_up then
    local where = ("layer '%s' (%s)"):format(layer.name, layer.type)
    results = f and fail.within(where, f, self, x, layer) or self:unsupported()
  elseif not f then
    self:unsupported()
  end
  if type(results) == "string" then results = { results } end
  for i, name in ipairs(layer.outs) do
    local value = results[i]
    if self.gave_up then
      self.lost[name] = true
    elseif not value then
      self:fail("%d outputs, expected at most %d", #layer.outs, #results)
    else
      local info = self.b.graph:value(value)
      if info.producer and not self.named[value] and not self.used[name] then
        self.b.graph:rename(value, name)
        value = name
      end
      self.used[name], self.named[value], self.values[name] = true, true, value
    end
  end
end

function M.read(source)
  local structure = model.structure(source.bytes:string())
  local weights, constants = model.weights((source:weights { ".tnnmodel" }))
  local b = builder.new(source.path and source.path:match "([^/]*)$" or "tnn")
  local self = setmetatable({ b = b, weights = weights, constants = constants, values = {},
    lost = {}, used = {}, named = {} }, Context)
  for _, layer in ipairs(structure.layers) do
    for _, name in ipairs(layer.outs) do b.taken[name] = true end
  end
  for _, input in ipairs(structure.inputs) do
    local shape = {}
    for i, d in ipairs(input.shape) do shape[i] = d > 0 and d or ("%s_%d"):format(input.name, i - 1) end
    b:input(input.name, input.dtype == "i32" and "i32" or "f32", shape)
    self.values[input.name], self.used[input.name] = input.name, true
  end
  for _, layer in ipairs(structure.layers) do convert_layer(self, layer) end
  for _, name in ipairs(structure.outputs) do
    local value = self.values[name]
    if not value and not self.lost[name] then fail.format("output '%s' comes from nowhere", name) end
    if value then
      if value ~= name then value = b:identity(value, self.used[name] and b:unique(name .. "_out") or name) end
      b:output(value)
    end
  end
  return b:finish()
end

return M
