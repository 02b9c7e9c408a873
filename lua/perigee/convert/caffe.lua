--- Caffe: NAME.prototxt + NAME.caffemodel (V1 layers too), and the layers of its SSD fork.
---
--- Blobs keep their names; of several layers that work in place on one blob, the last one's result
--- has the blob's name, those before "blob/layer". Layers of the training phase, losses and data
--- layers are passed over. Option: seed = a number, for random weights where there is no file.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local layers = require "perigee.convert.caffe.layers"
local params = require "perigee.convert.caffe.params"
local prototxt = require "perigee.convert.prototxt"
local ssd = require "perigee.convert.caffe.ssd"
local tensor = require "perigee.tensor"
local weights = require "perigee.convert.caffe.weights"

local M = { name = "caffe" }

--- A text whose first field is one of a NetParameter and that has a layer or an input.
function M.detect(bytes, path)
  if not bytes or (path and path:find "%.onnxtxt$") then return false end
  local head = bytes:string(0, math.min(#bytes, 1 << 14))
  if head:find "[%z\1-\8\14-\31]" then return false end
  if not (path and path:find "%.prototxt$") and not head:find "^%s*#*[^\n]*name%s*:" then
    return false
  end
  return head:find "layers?%s*{" ~= nil or head:find "input_shape%s*{" ~= nil
end

-- ---- layers of the test phase -----------------------------------------------------------------

local skipped = {
  Data = true, ImageData = true, HDF5Data = true, AnnotatedData = true, Accuracy = true,
  SoftmaxWithLoss = true, EuclideanLoss = true, MultiBoxLoss = true, Silence = true,
  SigmoidCrossEntropyLoss = true, HingeLoss = true, DetectionEvaluate = true, WindowData = true,
}

--- Types of V1 layers are in capitals: CONVOLUTION, INNER_PRODUCT, RELU ...
local v1_types = {
  RELU = "ReLU", LRN = "LRN", TANH = "TanH", ABSVAL = "AbsVal", BNLL = "BNLL", ARGMAX = "ArgMax",
  MVN = "MVN", PRELU = "PReLU", ELU = "ELU", HDF5_DATA = "HDF5Data",
  SOFTMAX_LOSS = "SoftmaxWithLoss",
}

local function type_of(layer, is_v1)
  local name = tostring(layer.type and layer.type[1] or "")
  if not is_v1 then return name end
  if v1_types[name] then return v1_types[name] end
  name = name:lower():gsub("^%l", string.upper):gsub("_(%l)", string.upper)
  return name
end

local function is_for_test(layer)
  local function names_phase(rules, phase)
    for _, rule in ipairs(rules or {}) do
      if type(rule) == "table" and rule.phase and rule.phase[1] == phase then return true end
    end
    return false
  end
  if names_phase(layer.include, "TRAIN") and not names_phase(layer.include, "TEST") then
    return false
  end
  return not names_phase(layer.exclude, "TEST") and not (layer.phase and layer.phase[1] == "TRAIN")
end

local function layers_of(net)
  local list = {}
  for _, layer in ipairs(net.layer or net.layers or {}) do
    if type(layer) ~= "table" then fail.format("layer: a message was expected") end
    if is_for_test(layer) then
      list[#list + 1] = {
        name = tostring(layer.name and layer.name[1] or ("layer%d"):format(#list + 1)),
        type = type_of(layer, not net.layer), bottom = layer.bottom or {}, top = layer.top or {}, fields = layer,
      }
    end
  end
  return list
end

-- ---- the net ----------------------------------------------------------------------------------

local Net = {}
Net.__index = Net

--- A parameter message of a layer: `c:params(layer, "convolution_param")`; absent ones are empty.
function Net.params(_, layer, name)
  local message = layer.fields[name] and layer.fields[name][1]
  return message and params.read(message, "layer " .. layer.name) or {}
end

--- The name of a layer's n-th result, and what a later layer will find under the blob's name.
function Net:top(layer, n)
  local blob = layer.top[n or 1]
  if blob == nil then fail.format("layer %s (%s): no output", layer.name, layer.type) end
  blob = tostring(blob)
  self.left[blob] = self.left[blob] - 1
  local name = self.left[blob] == 0 and self.b:unique(blob)
    or self.b:unique(blob .. "/" .. layer.name)
  self.at[blob] = name
  return name
end

--- The values that a layer takes.
function Net:bottoms(layer)
  local list = {}
  for i, blob in ipairs(layer.bottom) do
    list[i] = self.at[tostring(blob)]
      or fail.format("layer %s: nothing gives the blob %s", layer.name, blob)
    self.used[tostring(blob)] = true
  end
  if #list == 0 then fail.format("layer %s (%s): no input", layer.name, layer.type) end
  return list
end

--- The sizes of a value, at least so many; all are known, since Caffe's inputs have fixed sizes.
function Net:shape(value, least)
  if not value then fail.format("a layer lacks an input") end
  local g = self.b.graph
  local known = g:value(value).shape
  if not known then
    g:infer()
    known = g:value(value).shape
  end
  for _, n in ipairs(known or {}) do
    if math.type(n) ~= "integer" then known = nil end
  end
  if not known then fail.format("the shape of %s can't be told", value) end
  if #known < (least or 1) then
    fail.format("%s has %d axes, expected at least %d", value, #known, least or 1)
  end
  return known
end

function Net:input(blob, shape)
  if self.at[blob] then fail.format("the input %s is declared twice", blob) end
  self.b:input(blob, "f32", shape)
  self.at[blob], self.left[blob] = blob, (self.left[blob] or 1) - 1
end

local function check_shape(shape, blob)
  local MOST, count = 1 << 31, 1
  if not shape or #shape == 0 then fail.format("the input %s has no shape", blob) end
  for _, n in ipairs(shape) do
    if math.type(n) ~= "integer" or n < 1 or n > MOST // count then
      fail.format("the input %s has the shape [%s]", blob, table.concat(shape, ","))
    end
    count = count * n
  end
end

local function declared_inputs(net)
  local list = {}
  for i, name in ipairs(net.input or {}) do
    local shape = net.input_shape and net.input_shape[i]
    shape = shape and params.read(shape, "input_shape").dim
    if not shape and net.input_dim then
      shape = table.move(net.input_dim, 4 * i - 3, 4 * i, 1, {})
    end
    check_shape(shape, name)
    list[i] = { tostring(name), shape }
  end
  return list
end

--- A layer `Input`, or one of Caffe's data layers with declared sizes.
local function input_layer(self, layer)
  local shapes = self:params(layer, "input_param").shape or {}
  for i, blob in ipairs(layer.top) do
    local shape = (shapes[i] or shapes[1] or {}).dim
    check_shape(shape, blob)
    self:input(tostring(blob), shape)
  end
end

local function count_tops(list, inputs)
  local left = {}
  for _, input in ipairs(inputs) do left[input[1]] = 1 end
  for _, layer in ipairs(list) do
    for _, blob in ipairs(layer.top) do
      blob = tostring(blob)
      if not skipped[layer.type] then left[blob] = (left[blob] or 0) + 1 end
    end
  end
  return left
end

local function convert_layer(self, layer)
  local convert = layers[layer.type] or ssd[layer.type]
  if convert then return convert(self, layer) end
  self.b:unsupported("layer type " .. layer.type, "layer " .. layer.name)
  for i in ipairs(layer.top) do
    self.b:identity(self.b:constant(tensor.zeros { 1 }), self:top(layer, i))
  end
end

---@param source perigee.convert.Source
function M.read(source)
  local net = prototxt.parse(source.bytes:string())
  local list = layers_of(net)
  if #list == 0 then fail.format("no layers") end
  local inputs = declared_inputs(net)
  local self = setmetatable({
    b = builder.new(net.name and tostring(net.name[1]) or "caffe"), at = {}, used = {},
    left = count_tops(list, inputs), weights = weights.open(source),
    is_seeded = source.opts.seed ~= nil and not source.weights_path,
  }, Net)
  for _, input in ipairs(inputs) do self:input(input[1], input[2]) end
  for _, layer in ipairs(list) do
    if layer.type == "Input" then
      input_layer(self, layer)
    elseif not skipped[layer.type] then
      convert_layer(self, layer)
    end
  end
  local done = {}
  for _, layer in ipairs(list) do
    for _, blob in ipairs(layer.top) do
      blob = tostring(blob)
      if self.at[blob] and not self.used[blob] and not done[blob] and not skipped[layer.type] then
        done[blob] = true
        self.b:output(self.at[blob])
      end
    end
  end
  return self.b:finish()
end

return M
