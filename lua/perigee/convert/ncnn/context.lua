--- From ncnn's layers to a graph: which value a blob is, how many dimensions it has, and what every
--- layer's converter needs. Blobs are known by their ONNX names, [1, ...] where ncnn has [...].
local fail = require "perigee.convert.fail"
local marks = require "perigee.convert.ncnn.marks"
local ranks = require "perigee.convert.ncnn.ranks"

local M = {}
local Context = {}
Context.__index = Context

--- Converters by a layer's type: function(context, layer) -> names of its outputs. layer.x are the
--- names of its inputs.
local converters = {}
for _, part in ipairs { "conv", "math", "shape", "norm", "recurrent", "attention", "sample",
  "detect", "signal" } do
  for kind, convert in pairs(require("perigee.convert.ncnn." .. part)) do converters[kind] = convert end
end

--- Layers that hand on what they are given.
local passes = {
  Split = true, Noop = true, Packing = true, DeepCopy = true, Cast = true, Dropout = true,
}

--- free_rank: how many dimensions an input gets that nothing tells of; nil: it stays open
function M.new(b, layers, store, opts, free_rank)
  return setmetatable({ b = b, g = b.graph, layers = layers, store = store, opts = opts,
    free_rank = free_rank, values = {}, int8 = {}, dim_of = {} }, Context)
end

-- ---- nodes ------------------------------------------------------------------------------------

--- A node whose outputs' types are told at once.
function Context:op(type, inputs, attrs, outputs)
  local names = { self.b:op(type, inputs, attrs, outputs) }
  local node = self.g:value(names[1]).producer
  local ok, message = node:infer()
  if not ok then fail.format("layer '%s' (%s): %s", self.layer.name, self.layer.type, message) end
  return table.unpack(names)
end

function Context:constant(value, dtype) return self.b:constant(value, dtype) end
function Context:i64(list) return self.b:constant(list, "i64") end
function Context:f32(x) return self.b:constant(x, "f32") end

--- A weight of the file as f32: what is stored in another type is cast by the graph.
function Context:weight(t)
  local name = self.b:constant(t, nil, self.layer.name .. ".weight")
  if t.dtype == "f32" then return name end
  return self:op("Cast", { name }, { to = 1 })
end

--- The next blob of the weight file.
function Context:load(shape, kind, hint)
  self.store.where = ("layer '%s'"):format(self.layer.name)
  return (self.store:load(shape, kind, hint))
end

--- The same in f32, for what is computed with here.
function Context:load_f32(shape, kind, hint)
  local t = self:load(shape, kind, hint)
  return t.dtype == "f32" and t or t:cast "f32"
end

function Context:fail(message, ...)
  fail.format("layer '%s' (%s): %s", self.layer.name, self.layer.type, message:format(...))
end

--- Notes that this layer can't be converted. Its outputs stay unknown.
function Context:unsupported(what, instead)
  self.b:unsupported(("%s %s"):format(self.layer.type, what),
    ("layer '%s'"):format(self.layer.name), instead)
  self.gave_up = true
  return {}
end

-- ---- sizes ------------------------------------------------------------------------------------

--- ncnn's shape of a value: sizes, or names where they are free.
function Context:shape(x)
  local shape = self.g:value(x).shape
  if not shape then self:fail("the rank of its input '%s' is unknown", x) end
  return table.move(shape, 2, #shape, 1, {})
end

--- Whether it is known how many dimensions it has.
function Context:is_known(x) return self.g:value(x).shape ~= nil end

--- How many dimensions ncnn sees.
function Context:rank(x) return #self:shape(x) end

--- Sizes as numbers only, or nil.
function Context:sizes(x)
  local shape = self:shape(x)
  for _, d in ipairs(shape) do
    if math.type(d) ~= "integer" then return nil end
  end
  return shape
end

--- ncnn's names of dimensions, from the outermost.
local letters = { { "w" }, { "h", "w" }, { "c", "h", "w" }, { "c", "d", "h", "w" } }
M.letters = letters

--- The ONNX axis (with the batch) of a letter, or nil where ncnn's size is 1.
function Context:axis_of(x, letter)
  for i, l in ipairs(letters[self:rank(x)] or {}) do
    if l == letter then return i end
  end
end

--- A size by ncnn's letter: a number, or the name of an i64 [1] that the graph computes.
function Context:size(x, letter)
  local axis = self:axis_of(x, letter)
  if not axis then return 1 end
  local d = self:shape(x)[axis]
  if math.type(d) == "integer" then return d end
  local name = self:op("Shape", { x }, { start = axis, ["end"] = axis + 1 })
  self.dim_of[name] = d
  return name
end

--- A list of sizes as an i64 input: a constant, or put together by the graph.
function Context:size_list(list)
  local is_static = true
  for _, d in ipairs(list) do is_static = is_static and math.type(d) == "integer" end
  if is_static then return self:i64(list) end
  local parts = {}
  for i, d in ipairs(list) do parts[i] = math.type(d) == "integer" and self:i64 { d } or d end
  return (self:op("Concat", parts, { axis = 0 }))
end

--- ncnn's axis (from 0, or from behind) to ONNX's.
function Context:axis(x, axis)
  if not self:is_known(x) then return axis < 0 and axis or axis + 1 end
  local rank = self:rank(x)
  if axis < -rank or axis >= rank then
    self:fail("axis %d of a value of %d dimensions", axis, rank)
  end
  return axis < 0 and rank + axis + 1 or axis + 1
end

-- ---- shorthands -------------------------------------------------------------------------------

--- Sizes that the graph computes are told by the names that they have where they come from.
function Context:reshape(x, list)
  local y = self:op("Reshape", { x, self:size_list(list) })
  local shape, is_computed = {}, false
  for i, d in ipairs(list) do
    if type(d) == "string" then is_computed = true end
    shape[i] = type(d) == "string" and (self.dim_of[d] or "?") or d == -1 and "?" or d
  end
  if is_computed then self.g:set_type(y, self.g:value(y).dtype or "f32", shape) end
  return y
end
function Context:transpose(x, perm) return self:op("Transpose", { x }, { perm = perm }) end
function Context:squeeze(x, axes) return self:op("Squeeze", { x, self:i64(axes) }) end
function Context:unsqueeze(x, axes) return self:op("Unsqueeze", { x, self:i64(axes) }) end
function Context:add(a, b) return self:op("Add", { a, b }) end
function Context:mul(a, b) return self:op("Mul", { a, b }) end

function Context:scaled(x, factor)
  return factor == 1 and x or self:op("Mul", { x, self:f32(factor) })
end

function Context:shifted(x, offset)
  return offset == 0 and x or self:op("Add", { x, self:f32(offset) })
end

function Context:slice(x, axes, starts, ends, steps)
  return self:op("Slice", { x, self:size_list(starts), self:size_list(ends), self:i64(axes),
    steps and self:i64(steps) or nil })
end

--- A vector of the outermost dimension, shaped to be broadcast over x.
function Context:per_channel(t, x)
  local shape = { t.count }
  for i = 2, self:rank(x) do shape[i] = 1 end
  return self:weight(t:reshape(shape))
end

--- HardSwish of any slope.
local function hard_swish(c, x, alpha, beta)
  return c:mul(x, c:op("HardSigmoid", { x }, { alpha = alpha, beta = beta }))
end

--- What layers fuse: 1 ReLU, 2 leaky, 3 clip, 4 sigmoid, 5 mish, 6 hardswish.
function Context:activation(x, kind, params)
  if kind == 0 then return x end
  if kind == 1 then return self:op("Relu", { x }) end
  if kind == 2 then return self:op("LeakyRelu", { x }, { alpha = params[1] or 0 }) end
  if kind == 3 then
    return self:op("Clip", { x, self:f32(params[1] or 0), self:f32(params[2] or 0) })
  end
  if kind == 4 then return self:op("Sigmoid", { x }) end
  if kind == 5 then return self:op("Mish", { x }) end
  if kind == 6 then return hard_swish(self, x, params[1] or 1 / 6, params[2] or 0.5) end
  self:fail("activation %d", kind)
end
Context.hard_swish = hard_swish

--- ncnn's rounding to int8, kept as f32: halves away from zero, -127 to 127.
function Context:to_int8(x)
  local up = self:op("Floor", { self:shifted(self:op("Abs", { x }), 0.5) })
  local rounded = self:mul(self:op("Sign", { x }), up)
  return self:op("Clip", { rounded, self:f32(-127), self:f32(127) })
end

-- ---- the whole --------------------------------------------------------------------------------

--- How many channels a convolution wants, where an input doesn't tell.
local function wanted_channels(self, blob)
  for _, layer in ipairs(self.layers) do
    if layer.ins[1] == blob then
      local p = layer.params
      if passes[layer.type] and layer.type ~= "Noop" then
        local c = wanted_channels(self, layer.outs[1])
        if c then return c end
      elseif layer.type == "Convolution" then
        local kw = p:int(1, 0)
        local k = p:int(0, 0) * kw * p:int(11, kw)
        if k > 0 and p:int(19, 0) == 0 then return p:int(6, 0) // k end
      end
    end
  end
end

--- Inputs of Embed are whole numbers, as bits of a Mat.
local function is_index(self, blob, depth)
  for _, layer in ipairs(self.layers) do
    for _, name in ipairs(layer.ins) do
      if name == blob then
        if layer.type == "Embed" then return true end
        local hands_on = passes[layer.type] or layer.type == "Reshape" or layer.type == "Flatten"
        if hands_on and depth < 8 then
          for _, out in ipairs(layer.outs) do
            if is_index(self, out, depth + 1) then return true end
          end
        end
      end
    end
  end
  return false
end

local function input_shape(self, layer, name)
  local p, given = layer.params, (self.opts.shapes or {})[name]
  if given then return given end
  local w, h, d, c = p:int(0, 0), p:int(1, 0), p:int(11, 0), p:int(2, 0)
  if d > 0 then return { c, d, h, w } end
  if c > 0 then return { c, h, w } end
  if h > 0 then return { h, w } end
  if w > 0 then return { w } end
  local rank = ranks.of(self.layers, name)
  self.has_open_input = self.has_open_input or not rank
  rank = rank or self.free_rank
  if not rank then return nil end
  local shape = {}
  for i, letter in ipairs(letters[rank]) do shape[i] = ("%s_%s"):format(name, letter) end
  if rank == 3 then shape[1] = wanted_channels(self, name) or shape[1] end
  return shape
end

local function convert_input(self, layer)
  for _, name in ipairs(layer.outs) do
    local shape = input_shape(self, layer, name)
    for i, d in ipairs(shape or {}) do
      if math.type(d) == "integer" and d <= 0 then self:fail("size %d of dimension %d", d, i) end
    end
    self.b:input(name, is_index(self, name, 0) and "i32" or "f32", shape)
    self.values[name] = self:unsqueeze(name, { 0 })
  end
end

--- The blob's own name for the value that is it, where nobody has it yet.
local function name_output(self, blob, value)
  if not self.is_output[blob] and not self.named[value] then
    local info = self.g:value(value)
    if info.producer and not info.constant then
      self.g:rename(value, blob)
      self.int8[blob] = self.int8[value]
      value = blob
    end
  end
  self.named[value] = true
  self.values[blob] = value
end

local function convert_layer(self, layer)
  self.layer, self.gave_up = layer, false
  if layer.type == "Input" then return convert_input(self, layer) end
  layer.x = {}
  for i, blob in ipairs(layer.ins) do
    if self.lost[blob] then
      for _, out in ipairs(layer.outs) do self.lost[out] = true end
      if not (converters[layer.type] or passes[layer.type]) then self:unsupported "" end
      return
    end
    layer.x[i] = self.values[blob]
    if not layer.x[i] then self:fail("its input '%s' comes from nowhere", blob) end
  end
  local results
  if passes[layer.type] then
    if not layer.x[1] then self:fail "no input" end
    local x = layer.x[1]
    if layer.type == "Dropout" then x = self:scaled(x, layer.params:float(0, 1)) end
    results = {}
    for i = 1, #layer.outs do results[i] = #layer.x == #layer.outs and layer.x[i] or x end
    for i, blob in ipairs(layer.outs) do self.values[blob] = results[i] end
    if layer.type ~= "Dropout" then return end
  elseif converters[layer.type] then
    results = fail.within(("layer '%s' (%s)"):format(layer.name, layer.type),
      converters[layer.type], self, layer)
    if type(results) == "string" then results = { results } end
  else
    results = self:unsupported ""
  end
  if not self.gave_up then layer.results = results end
  for i, blob in ipairs(layer.outs) do
    if self.gave_up then
      self.lost[blob] = true
    elseif not results[i] then
      self:fail("%d outputs, expected at most %d", #layer.outs, #results)
    else
      name_output(self, blob, results[i])
    end
  end
end

--- Outputs are the blobs that no layer takes.
local function find_outputs(self)
  local used, outputs = {}, {}
  for _, layer in ipairs(self.layers) do
    for _, blob in ipairs(layer.ins) do used[blob] = true end
  end
  for _, layer in ipairs(self.layers) do
    for _, blob in ipairs(layer.outs) do
      if not used[blob] and layer.type ~= "Noop" then outputs[#outputs + 1] = blob end
    end
    if layer.type == "Noop" then -- stands for "these are outputs"
      for _, blob in ipairs(#layer.outs > 0 and layer.outs or layer.ins) do
        if not used[blob] or #layer.outs == 0 then outputs[#outputs + 1] = blob end
      end
    end
  end
  return outputs
end

--- Outputs lose the 1; one that carries a batch (by a Reshape that makes one) keeps it.
local function add_outputs(self, outputs)
  for _, blob in ipairs(outputs) do
    if not self.lost[blob] then
      local value = self.values[blob]
      local shape = self.g:value(value).shape
      if not shape or shape[1] == 1 then
        self:op("Squeeze", { value, self:i64 { 0 } }, nil, blob)
      elseif value ~= blob then
        self:op("Identity", { value }, nil, blob)
      end
      self.b:output(blob)
    end
  end
end

function Context:convert()
  self.lost, self.named, self.is_output = {}, {}, {}
  local outputs, is_made = find_outputs(self), {}
  for _, blob in ipairs(outputs) do self.is_output[blob] = true end
  for _, layer in ipairs(self.layers) do
    for _, blob in ipairs(layer.outs) do
      if is_made[blob] then fail.format("blob '%s' is made twice", blob) end
      is_made[blob], self.b.taken[blob] = true, true -- fresh names keep off
    end
  end
  for _, layer in ipairs(self.layers) do
    convert_layer(self, layer)
    if layer.results then
      local outs = {}
      for i, blob in ipairs(layer.outs) do outs[i] = self.values[blob] end
      marks.note(self.g, layer, outs)
    end
  end
  add_outputs(self, outputs)
  return self.b:finish()
end

return M
