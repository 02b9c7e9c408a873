--- Tengine: NAME.tmfile, version 2. The file is read as floats: quantised weights are scaled back.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local layout = require "perigee.convert.tengine.layout"
local ops = require "perigee.convert.tengine.ops"

local M = { name = "tengine" }

local INPUT, CONST = 12, 4 -- operator types without a computation

function M.detect(bytes, path)
  if not bytes or #bytes < 64 or not layout.is_header(bytes) then return false end
  return path == nil or path:find "%.tmfile$" ~= nil or not path:find "%.[^/.]+$"
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
  fail.format("node '%s' (%s): %s", self.node.name, self.kind, message:format(...))
end

function Context:unsupported(what)
  self.b:unsupported(("%s %s"):format(self.kind, what or ""), ("node '%s'"):format(self.node.name))
  self.gave_up = true
  return {}
end

function Context:shape(x) return self.b.graph:value(x).shape or self:fail "an unknown rank" end
function Context:constant(value, dtype) return self.b:constant(value, dtype) end
function Context:i64(list) return self.b:constant(list, "i64") end
function Context:f32(x) return self.b:constant(x, "f32") end
function Context:content(x) return self.b.graph:value(x).constant end

--- The value of a tensor: a weight of the file, or what a node has made.
local function value_of(self, id)
  local t = self.model.tensors[id + 1]
  if not t then self:fail("there is no tensor %d", id) end
  if self.values[id] then return self.values[id] end
  if self.lost[id] then return nil end
  local data = layout.content(self.model, t)
  if not data then self:fail("tensor '%s' comes from nowhere", t.name) end
  self.values[id] = self.b:constant(data, nil, t.name ~= "" and t.name or nil)
  return self.values[id]
end

local function name_outputs(self, node, results)
  for i, id in ipairs(node.outputs) do
    local t = self.model.tensors[id + 1]
    if not t then self:fail("there is no tensor %d", id) end
    if self.gave_up then
      self.lost[id] = true
    elseif results[i] then
      local g, name = self.b.graph, results[i]
      if t.name ~= "" and not self.used[t.name] and g:value(name).producer and not self.named[name] then
        g:rename(name, t.name)
        self.used[t.name], name = true, t.name
      end
      self.values[id], self.named[name] = name, true
    end
  end
end

local function convert_node(self, node)
  self.node, self.kind, self.gave_up = node, ops.names[node.type] or ("type %d"):format(node.type), false
  if node.type == CONST or node.type == INPUT then return end
  local x, is_lost = {}, false
  for i, id in ipairs(node.inputs) do
    x[i] = fail.within(("tensor %d"):format(id), value_of, self, id)
    is_lost = is_lost or x[i] == nil
  end
  local f = ops.converters[node.type]
  if is_lost then
    if not f then self:unsupported() end
    self.gave_up = true
    return name_outputs(self, node, {})
  end
  local where = ("node '%s' (%s)"):format(node.name, self.kind)
  local results = f and fail.within(where, f, self, x, node.param, node) or self:unsupported()
  name_outputs(self, node, type(results) == "string" and { results } or results)
end

local function add_input(self, id)
  local t = self.model.tensors[id + 1]
  if not t or t.name == "" then fail.format("there is no tensor %d with a name", id) end
  if self.used[t.name] then fail.format("two inputs named '%s'", t.name) end
  local shape = {}
  for i, d in ipairs(t.dims) do shape[i] = d > 0 and d or ("%s_%d"):format(t.name, i - 1) end
  local given = (self.opts.shapes or {})[t.name]
  self.b:input(t.name, t.dtype == "i32" and "i32" or "f32", given or shape)
  self.values[id], self.used[t.name] = t.name, true
end

function M.read(source)
  local model = layout.read(source.bytes)
  if model.graph_layout ~= 0 then
    fail.format("the file keeps its values as NHWC, perigee reads NCHW")
  end
  local b = builder.new(source.path and source.path:match "([^/]*)$" or "tengine")
  for _, t in ipairs(model.tensors) do b.taken[t.name] = true end
  local self = setmetatable({ b = b, model = model, values = {}, lost = {}, used = {}, named = {},
    opts = source.opts }, Context)
  for _, index in ipairs(model.inputs) do
    local node = model.nodes[index + 1] or fail.format("there is no node %d", index)
    for _, id in ipairs(node.outputs) do add_input(self, id) end
  end
  for _, node in ipairs(model.nodes) do convert_node(self, node) end
  for _, index in ipairs(model.outputs) do
    local node = model.nodes[index + 1] or fail.format("there is no node %d", index)
    for _, id in ipairs(node.outputs) do
      local value = self.values[id]
      if value and not self.b.graph:value(value).producer then
        value = b:identity(value, b:unique(value .. "_out"))
      end
      if value then b:output(value) end
    end
  end
  return b:finish()
end

return M
