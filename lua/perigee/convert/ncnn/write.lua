--- Writes a graph as ncnn's NAME.param and NAME.bin.
---
--- ncnn has no batch: a leading size of 1 is dropped from every value, and so from inputs of four
--- dimensions. Shapes must be known but for heights and widths. What ncnn has no layer for is
--- listed at once, and nothing is written.
local core = require "perigee.core"
local fail = require "perigee.convert.fail"
local fold = require "perigee.convert.ncnn.write_fold"
local marks = require "perigee.convert.ncnn.marks"
local weights = require "perigee.convert.ncnn.weights"

local M = {}
local Writer = {}
Writer.__index = Writer

-- ---- values -----------------------------------------------------------------------------------

function Writer:shape(name)
  local shape = self.g:value(name).shape
  if not shape then
    self:unsupported("values of unknown rank", "infer shapes first")
    return {}
  end
  return shape
end

--- Whether the leading axis is a batch that ncnn doesn't have.
function Writer:drops(name)
  if self.kept[name] ~= nil then return not self.kept[name] end
  local shape = self.g:value(name).shape
  return shape ~= nil and #shape >= 2 and (shape[1] == 1 or type(shape[1]) == "string" and #shape >= 4)
end

--- ncnn's sizes, outermost first.
function Writer:dims(name)
  local shape = self:shape(name)
  return table.move(shape, self:drops(name) and 2 or 1, #shape, 1, {})
end

function Writer:rank(name) return #self:dims(name) end

--- An axis of ONNX's as ncnn counts; nil where it is the batch.
function Writer:axis(name, axis)
  local rank = #self:shape(name)
  if axis < 0 then axis = axis + rank end
  local at = axis - (self:drops(name) and 1 or 0)
  return at >= 0 and at or nil
end

function Writer:constant(name)
  return name and name ~= "" and self.g:value(name).constant or nil
end

--- A small constant as a list of numbers.
function Writer:list(name)
  local t = self:constant(name)
  if not t then return nil end
  local flat, list = t:reshape(t.count), {}
  for i = 1, t.count do list[i] = flat:get(i) end
  return list
end

-- ---- layers -----------------------------------------------------------------------------------

function Writer:unsupported(what, instead)
  self.missing[#self.missing + 1] = { what = what, instead = instead,
    where = ("node '%s' (%s)"):format(self.node.name ~= "" and self.node.name or self.node.outputs[1],
      self.node.type) }
end

--- The blob that a value is; constants become MemoryData.
function Writer:blob(name)
  if self.blobs[name] then return self.blobs[name] end
  local t = self:constant(name)
  if not t then
    self:unsupported(("the value '%s'"):format(name))
    return "?"
  end
  local dims, params = t.shape, {}
  while #dims > 1 and dims[1] == 1 do table.remove(dims, 1) end
  if #dims == 0 then dims = { 1 } end
  if #dims > 4 or t.count == 0 then self:unsupported(("a constant of %d dimensions"):format(#dims)) end
  for i, letter in ipairs(({ { 0 }, { 1, 0 }, { 2, 1, 0 }, { 2, 11, 1, 0 } })[#dims] or {}) do
    params[letter] = dims[i]
  end
  self.blobs[name] = self:fresh(name)
  self:emit("MemoryData", {}, { self.blobs[name] }, params, { { t, 1 } })
  return self.blobs[name]
end

local function clean(name) return (name:gsub("[%s,=]", "_")) end

function Writer:fresh(wish)
  wish = clean(wish)
  local name, n = wish, 1
  while self.taken[name] do
    n = n + 1
    name = ("%s_%d"):format(wish, n)
  end
  self.taken[name] = true
  return name
end

--- A layer on blobs. `data`: { tensor, kind } each.
function Writer:emit(type, ins, outs, params, data)
  self.layers[#self.layers + 1] = { type = type, ins = ins, outs = outs, params = params or {},
    name = self:fresh((self.node and self.node.name ~= "" and self.node.name or outs[1]) .. "_" .. type) }
  for _, item in ipairs(data or {}) do
    local t = item[1]
    if t.dtype ~= "f32" and t.dtype ~= "f16" then t = t:cast "f32" end
    if item[2] == 1 and t.dtype ~= "f32" then t = t:cast "f32" end
    self.data[#self.data + 1] = weights.blob(t, item[2])
  end
end

--- A layer of the node: blobs of the inputs named, a blob for each output.
function Writer:layer(type, inputs, params, data)
  local ins, outs = {}, {}
  for i, name in ipairs(inputs) do ins[i] = self:blob(name) end
  for i, name in ipairs(self.node.outputs) do
    outs[i] = self:fresh(name)
    self.blobs[name] = outs[i]
  end
  self:emit(type, ins, outs, params, data)
end

--- A layer that ncnn's reader took apart, as it was.
function Writer:whole(layer)
  local ins, outs = {}, {}
  for i, name in ipairs(layer.ins) do ins[i] = self:blob(self.renamed[name] or name) end
  for i, name in ipairs(layer.outs) do
    outs[i] = self:fresh(name)
    self.blobs[name] = outs[i]
  end
  self:emit(layer.type, ins, outs)
  self.layers[#self.layers].text = layer.text
end

--- A layer between: takes a blob, gives a blob.
function Writer:between(type, blob, params)
  local out = self:fresh(blob)
  self:emit(type, { blob }, { out }, params)
  return out
end

--- The output is the input.
function Writer:alias(name) self.blobs[self.node.outputs[1]] = self:blob(name) end

--- Reshape's parameters for sizes; a free one is -1, one at most.
function Writer:reshape_params(dims)
  local n_free = 0
  local list = {}
  for i, d in ipairs(dims) do
    list[i] = math.type(d) == "integer" and d or -1
    if list[i] == -1 then n_free = n_free + 1 end
  end
  if n_free > 1 or #list > 4 or #list == 0 then
    self:unsupported(("a shape of %d dimensions, %d of them free"):format(#list, n_free),
      "fixed sizes")
  end
  local params = {}
  for i, id in ipairs(({ { 0 }, { 1, 0 }, { 2, 1, 0 }, { 2, 11, 1, 0 } })[#list] or {}) do
    params[id] = list[i]
  end
  return params
end

-- ---- the whole --------------------------------------------------------------------------------

local function text_of(x)
  if type(x) == "table" then
    local out = {}
    for i, v in ipairs(x) do out[i] = text_of(v) end
    return table.concat(out, ",")
  end
  return math.type(x) == "integer" and ("%d"):format(x) or ("%.9e"):format(x)
end

local function param_words(params)
  local ids, words = {}, {}
  for id in pairs(params) do ids[#ids + 1] = id end
  table.sort(ids)
  for i, id in ipairs(ids) do
    local x = params[id]
    words[i] = type(x) == "table" and ("%d=%d,%s"):format(-23300 - id, #x, text_of(x))
      or ("%d=%s"):format(id, text_of(x))
  end
  return table.concat(words, " ")
end

--- ncnn wants a blob taken once: more takers get a Split.
local function with_splits(layers)
  local uses = {}
  for _, layer in ipairs(layers) do
    for _, blob in ipairs(layer.ins) do uses[blob] = (uses[blob] or 0) + 1 end
  end
  local out, next_copy = {}, {}
  for _, layer in ipairs(layers) do
    local ins = {}
    for i, blob in ipairs(layer.ins) do
      ins[i] = blob
      if uses[blob] > 1 then
        next_copy[blob] = (next_copy[blob] or 0) + 1
        ins[i] = ("%s_splitncnn_%d"):format(blob, next_copy[blob] - 1)
      end
    end
    out[#out + 1] = { type = layer.type, name = layer.name, ins = ins, outs = layer.outs,
      params = layer.params, text = layer.text }
    for _, blob in ipairs(layer.outs) do
      if (uses[blob] or 0) > 1 then
        local copies = {}
        for i = 1, uses[blob] do copies[i] = ("%s_splitncnn_%d"):format(blob, i - 1) end
        out[#out + 1] = { type = "Split", name = "splitncnn_" .. blob, ins = { blob },
          outs = copies, params = {} }
      end
    end
  end
  return out
end

local function to_text(layers)
  local n_blobs, lines = 0, {}
  for i, layer in ipairs(layers) do
    n_blobs = n_blobs + #layer.outs
    local words = { ("%-24s %-24s %d %d"):format(layer.type, layer.name, #layer.ins, #layer.outs) }
    table.move(layer.ins, 1, #layer.ins, 2, words)
    table.move(layer.outs, 1, #layer.outs, #words + 1, words)
    local params = layer.text or param_words(layer.params)
    if params ~= "" then words[#words + 1] = params end
    lines[i] = table.concat(words, " ")
  end
  return ("7767517\n%d %d\n%s\n"):format(#layers, n_blobs, table.concat(lines, "\n"))
end

--- Where no input has a batch, outputs that lose one keep what is left, ones too.
local function keep_outputs(self)
  for _, spec in ipairs(self.g:input_list()) do
    if not self.kept[spec.name] then return end
  end
  for _, spec in ipairs(self.g:output_list()) do
    local producer = self.g:value(spec.name).producer
    if producer and producer.type == "Squeeze" then self.kept[spec.name] = true end
  end
end

local function add_inputs(self)
  for _, spec in ipairs(self.g:input_list()) do
    local name = spec.name
    if #(spec.shape or {}) == 3 then -- what ncnn's reader makes: [C,H,W], then a batch in front
      local users = self.g:value(name).consumers
      local only = #users == 1 and users[1].type == "Unsqueeze"
      self.kept[name] = only or spec.shape[1] ~= 1
    elseif #(spec.shape or {}) <= 2 and spec.shape then
      local users = self.g:value(name).consumers
      self.kept[name] = #users == 1 and users[1].type == "Unsqueeze" or spec.shape[1] ~= 1
    end
    local params = {}
    self.node = { name = "", outputs = { name }, type = "Input" }
    local dims = self:dims(name)
    for i, id in ipairs(({ { 0 }, { 1, 0 }, { 2, 1, 0 }, { 2, 11, 1, 0 } })[#dims] or {}) do
      params[id] = math.type(dims[i]) == "integer" and dims[i] or nil
    end
    if not params[0] or #dims > 1 and not params[1] then params = {} end
    self.blobs[name] = self:fresh(name)
    self:emit("Input", {}, { self.blobs[name] }, params)
    self.layers[#self.layers].name = self.blobs[name]
  end
end

--- Another name for a blob wherever it stands.
local function rename(layers, from, to)
  for _, layer in ipairs(layers) do
    for _, list in ipairs { layer.ins, layer.outs } do
      for i, blob in ipairs(list) do
        if blob == from then list[i] = to end
      end
    end
  end
end

--- Outputs keep their names, and nothing else takes them.
local function name_outputs(self)
  for _, spec in ipairs(self.g:output_list()) do
    local blob, name = self.blobs[spec.name], clean(spec.name)
    local n_uses, is_taken = 0, false
    for _, layer in ipairs(self.layers) do
      for _, used in ipairs(layer.ins) do n_uses = n_uses + (used == blob and 1 or 0) end
      for _, out in ipairs(layer.outs) do is_taken = is_taken or out == name end
    end
    if blob and (blob ~= name or n_uses > 0) then
      self.node = { name = "", outputs = { spec.name }, type = "output" }
      if is_taken then
        local inner = self:fresh(name .. "_inner")
        rename(self.layers, name, inner)
        for value, other in pairs(self.blobs) do
          if other == name then self.blobs[value] = inner end
        end
        if blob == name then blob = inner end
      end
      self:emit("Split", { blob }, { name }, {})
    end
  end
end

---@param graph perigee.Graph
---@return string? param the text of the structure file
---@return string bin
local function convert(graph)
  local g <close> = assert(graph:clone())
  local ok, message, code = g:canonical()
  if not ok then fail.raise(message, code) end
  local wholes = marks.find(g)
  local renamed = fold.constants(g)
  g:infer()
  local self = setmetatable({ g = g, blobs = {}, taken = {}, layers = {}, data = {}, missing = {},
    kept = {}, renamed = renamed }, Writer)
  add_inputs(self)
  keep_outputs(self)
  local ops = require "perigee.convert.ncnn.write_ops"
  for node in g:nodes() do
    self.node = node
    local f, whole = ops[node.type], wholes[node.outputs[1]]
    if whole then
      if whole.is_last then self:whole(whole.layer) end
    elseif not f or node.domain ~= "" then
      self:unsupported "ncnn has no such layer"
      for _, name in ipairs(node.outputs) do self.blobs[name] = "?" end
    else
      local defaults = ops.defaults[node.type]
      f(self, node, defaults and setmetatable(node.attrs, { __index = defaults }) or node.attrs)
      for _, name in ipairs(node.outputs) do self.blobs[name] = self.blobs[name] or "?" end
    end
  end
  name_outputs(self)
  if #self.missing > 0 then fail.unsupported(self.missing) end
  return to_text(with_splits(self.layers)), table.concat(self.data)
end

--- Writes PATH (NAME.param) and NAME.bin beside it.
---@param graph perigee.Graph
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function M.save(graph, path)
  local text, data, code = fail.guard(convert, graph)
  if not text then return nil, path .. ": ncnn: " .. data, code end
  local ok, message
  ok, message, code = core.write_file(path:gsub("%.param$", "") .. ".bin", data)
  if not ok then return nil, message, code end
  return core.write_file(path, text)
end

return M
