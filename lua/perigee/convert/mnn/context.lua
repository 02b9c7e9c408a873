--- From MNN's operators to a graph. A value is known by its index in the file's list of tensors.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local fold = require "perigee.convert.mnn.fold"
local tensor = require "perigee.tensor"
local types = require "perigee.convert.mnn.types"

local M = {}
local Context = {}
Context.__index = Context

local NHWC = 1
M.NHWC = NHWC

--- MNN's numbers of element types, as far as its runtime keeps them: whole numbers are i32.
M.dtypes = { [0] = "f32", "f32", "f32", "i32", "u8", "i32", "i8", [9] = "i32", [10] = "i32",
  [19] = "f32" }

local converters

local function all_converters()
  if not converters then
    converters = {}
    for _, part in ipairs { "conv", "math", "shape", "flow" } do
      for kind, f in pairs(require("perigee.convert.mnn." .. part)) do converters[kind] = f end
    end
  end
  return converters
end

-- ---- nodes ------------------------------------------------------------------------------------

function Context:op(type, inputs, attrs, outputs)
  local folded = fold.constants(self, type, inputs, attrs, outputs)
  if folded then return folded end
  local names = { self.b:op(type, inputs, attrs, outputs) }
  local node
  for _, name in ipairs(names) do
    local info = self.g:value(name)
    if info then node = info.producer break end
  end
  local ok, message = node:infer()
  if not ok then fail.format("operator '%s' (%s): %s", self.name, self.type, message) end
  return table.unpack(names)
end

function Context:constant(value, dtype) return self.b:constant(value, dtype) end
function Context:i64(list) return self.b:constant(list, "i64") end
function Context:f32(x) return self.b:constant(x, "f32") end

function Context:fail(message, ...)
  fail.format("operator '%s' (%s): %s", self.name, self.type, message:format(...))
end

function Context:unsupported(what, instead)
  self.b:unsupported(("%s %s"):format(self.type, what or ""), ("'%s'"):format(self.name), instead)
  self.gave_up = true
  return {}
end

-- ---- values -----------------------------------------------------------------------------------

--- What is known of a value; bodies see those of the graphs around them.
function Context:info(x)
  local g = self.g
  while g do
    local info = g:value(x)
    if info then return info end
    g = g:parent()
  end
  self:fail("there is no value '%s'", x)
end

function Context:dtype(x) return self:info(x).dtype or "f32" end
function Context:shape(x)
  local shape = self:info(x).shape
  if not shape then self:fail("the rank of '%s' is unknown", x) end
  return shape
end
function Context:rank(x) return #self:shape(x) end

function Context:axis(x, axis)
  local rank = self:rank(x)
  if axis < -rank or axis >= math.max(rank, 1) then self:fail("axis %d of %d", axis, rank) end
  return axis < 0 and axis + rank or axis
end

--- The content of a value that the file tells, as a tensor; nil where a run computes it.
function Context:content(x)
  return x and x ~= "" and self:info(x).constant or nil
end

function Context:list(x)
  local t = self:content(x)
  if not t then return nil end
  local flat = t:reshape(t.count)
  local list = {}
  for i = 1, t.count do
    local v = flat:get(i)
    list[i] = math.tointeger(v) or v
  end
  return list
end

--- A list of sizes, indices or axes as an i64 input.
function Context:as_i64(x)
  local list = self:list(x)
  if list then return self:i64(list) end
  return self:cast(x, "i64")
end

local codes = { f32 = 1, u8 = 2, i8 = 3, i32 = 6, i64 = 7, bool = 9 }

function Context:cast(x, dtype)
  if self:dtype(x) == dtype then return x end
  return self:op("Cast", { x }, { to = codes[dtype] })
end

function Context:bool(x) return self:cast(x, "bool") end

--- What ONNX gives as bool or i64 is i32 in MNN.
function Context:int(x)
  local dtype = self:dtype(x)
  return (dtype == "bool" or dtype == "i64") and self:cast(x, "i32") or x
end

--- Both of one type: a whole number beside a float becomes one.
function Context:alike(a, b)
  local da, db = self:dtype(a), self:dtype(b)
  if da == db then return a, b end
  local to = (da == "f32" or db == "f32") and "f32" or "i32"
  return self:cast(a, to), self:cast(b, to)
end

function Context:reshape(x, list) return self:op("Reshape", { x, self:i64(list) }) end
function Context:transpose(x, perm) return self:op("Transpose", { x }, { perm = perm }) end
function Context:mul(a, b) return self:op("Mul", { a, b }) end
function Context:add(a, b) return self:op("Add", { a, b }) end

--- A constant of the file (a Blob), where the weights beside are `external`.
function Context:blob(blob)
  local dims = {}
  for i, d in ipairs(blob.dims) do
    if d < 0 then self:fail("a constant of size %d", d) end
    dims[i] = d
  end
  local kind, data = blob.dataType
  local at = blob.external
  if #at >= 2 then
    local dtype = kind == 3 and "i32" or kind == 6 and "i8" or kind == 4 and "u8"
      or kind == 19 and "f16" or "f32"
    data = self.external():tensor(dtype, dims, at[1])
  elseif kind == 3 or kind == 10 then
    data = blob.int32s
  elseif kind == 6 then
    data = blob.int8s
  elseif kind == 4 then
    data = blob.uint8s
  elseif kind == 9 then
    data = blob.int64s or blob.int32s
  elseif kind == 19 and blob.uint8s then
    data = blob.uint8s:bitcast "f16"
  else
    data = blob.float32s
  end
  local n = 1
  for _, d in ipairs(dims) do n = n * d end
  if not data then
    if n ~= 0 then self:fail("a constant without content") end
    data = tensor.zeros({ 0 }, M.dtypes[kind] or "f32")
  end
  if data.count ~= n then self:fail("a constant of %d elements, expected %d", data.count, n) end
  data = data:reshape(dims)
  if data.dtype == "i64" then data = data:cast "i32" end
  if data.dtype == "f16" then data = data:cast "f32" end
  return data
end

-- ---- operators --------------------------------------------------------------------------------

local function bind(self, index, value)
  self.values[index] = value
end

--- The file's name for a value that nobody has named.
local function name_value(self, index, value)
  local wish = self.names[index + 1]
  if wish and wish ~= "" and not wish:find "%z" and not self.used[wish] and not self.named[value]
    and self.g:value(value) and self.g:value(value).producer then
    self.g:rename(value, wish)
    self.used[wish] = true
    value = wish
  end
  self.named[value] = true
  bind(self, index, value)
end

local function convert_input(self, op)
  local index = op.outputIndexes[1]
  if not index then self:fail "no output" end
  local input, name = op.main or {}, self.names[index + 1] or op.name
  local shape = (self.opts.shapes or {})[name]
  if not shape then
    shape = {}
    for i, d in ipairs(input.dims or {}) do
      shape[i] = d > 0 and d or ("%s_%d"):format(name, i - 1)
    end
  end
  self.used[name] = true
  self.b:input(name, M.dtypes[input.dtype or 1] or "f32", shape)
  bind(self, index, name)
end

--- Converts one operator; its outputs are bound to their indices.
function Context:convert(op)
  self.type, self.name = types[op.type] or ("type %d"):format(op.type), op.name or "?"
  self.gave_up = false
  if self.type == "Input" then
    if not self.values[op.outputIndexes[1] or -1] then convert_input(self, op) end
    return
  end
  local f = all_converters()[self.type]
  local x = {}
  for i, index in ipairs(op.inputIndexes) do
    x[i] = index >= 0 and self.values[index] or ""
    if index >= 0 and not self.values[index] then
      if self.lost[index] then
        for _, out in ipairs(op.outputIndexes) do self.lost[out] = true end
        if not f then self:unsupported() end
        return
      end
      self:fail("its input %d comes from nowhere", index)
    end
  end
  local where = ("operator '%s' (%s)"):format(self.name, self.type)
  local results = f and fail.within(where, f, self, op.main or {}, x, op) or self:unsupported()
  if type(results) == "string" then results = { results } end
  for i, index in ipairs(op.outputIndexes) do
    if self.gave_up then
      self.lost[index] = true
    elseif results[i] then
      name_value(self, index, results[i])
    elseif i == 1 then
      self:fail "no result"
    end
  end
end

--- The tensors that are outputs: those that the file names, else those that nothing takes.
local function output_indices(net)
  local list, by_name = {}, {}
  for i, name in ipairs(net.tensorName) do by_name[name] = by_name[name] or i - 1 end
  for _, name in ipairs(net.outputName) do list[#list + 1] = by_name[name] end
  if #list > 0 then return list end
  local used = {}
  for _, op in ipairs(net.oplists) do
    for _, index in ipairs(op.inputIndexes) do used[index] = true end
  end
  for _, op in ipairs(net.oplists) do
    local kind = types[op.type]
    for _, index in ipairs(op.outputIndexes) do
      if not used[index] and kind ~= "Const" and kind ~= "Input" then list[#list + 1] = index end
    end
  end
  return list
end

local function external_opener(source)
  local bytes
  return function()
    if not bytes then
      local path = source.weights_path or source.path and source.path .. ".weight"
      if not path then fail.format("its weights are in another file") end
      bytes = source:open(path)
    end
    return bytes
  end
end

---@return perigee.Graph
function M.convert(net, source)
  local b = builder.new(source.path and source.path:match "([^/]*)$" or "mnn")
  local self = setmetatable({ b = b, g = b.graph, values = {}, lost = {}, named = {}, used = {}, net = net,
    names = net.tensorName, opts = source.opts, external = external_opener(source),
    source = net.sourceType, depth = 0 }, Context)
  for _, name in ipairs(net.tensorName) do b.taken[name] = true end -- fresh names keep off
  for _, graph in ipairs(net.subgraphs) do
    for _, name in ipairs(graph.tensors) do b.taken[name] = true end
  end
  for _, op in ipairs(net.oplists) do
    for _, index in ipairs(op.outputIndexes) do
      if index < 0 or index > 1 << 24 then fail.format("operator '%s': output %d", op.name or "?", index) end
    end
    self:convert(op)
  end
  local done = {}
  for _, index in ipairs(output_indices(net)) do
    local value, name = self.values[index], self.names[index + 1]
    if value and not done[index] then
      done[index] = true
      if not name or name == "" then name = value end
      if value ~= name and not self.used[name] then
        value = self:op("Identity", { value }, nil, name)
      elseif not self.g:value(value).producer then
        value = self:op("Identity", { value }, nil, b:unique(name .. "_out"))
      end
      b:output(value)
    end
  end
  return b:finish()
end

M.Context = Context
return M
