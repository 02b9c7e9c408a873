--- A builder of networks: graph:add with the habits of exporters. Methods take names of values and
--- return the name of the result. Weights are normally distributed as He et al. (2015,
--- https://arxiv.org/abs/1502.01852, eq. 10) propose, from a seed: the same file on every machine.
local pg = require "perigee"

local Net = {}
Net.__index = Net

--- The newest operator set that all engines which perigee is measured against read.
local OPSET = 17

---@param name string
---@param seed? integer
function Net.new(name, seed)
  local g = pg.graph()
  g:set_name(name)
  g:set_opset(OPSET)
  seed = (seed or 0) * 1000003 -- far from the next network's
  return setmetatable({ graph = g, channels = {}, seed = seed, n_weights = 0 }, Net)
end

--- An input; axis 2 counts its channels.
function Net:input(name, shape, dtype)
  self.graph:add_input(name, dtype or "f32", shape)
  self.channels[name] = shape[2]
  return name
end

function Net:output(value, name)
  self.graph:rename(value, name)
  self.graph:add_output(name)
end

--- Any node with one output.
function Net:op(type, inputs, attrs, channels)
  local node = self.graph:add(type, inputs, { "" }, attrs)
  local out = node.outputs[1]
  self.channels[out] = channels or self.channels[inputs[1]]
  return out
end

function Net:constant(value, dtype) return self.graph:add_constant(nil, value, dtype) end

--- Weights with `fan_in` terms a sum; gain 2 keeps the variance through a relu, 1 without.
function Net:weight(shape, fan_in, gain)
  self.n_weights = self.n_weights + 1
  return self:constant(pg.tensor.randn(shape, {
    seed = self.seed + self.n_weights, deviation = ((gain or 2) / fan_in) ^ 0.5,
  }))
end

--- Small numbers around `mean`, as biases and scales of trained normalisations are.
function Net:vector(n, mean)
  self.n_weights = self.n_weights + 1
  return self:constant(pg.tensor.randn({ n }, {
    seed = self.seed + self.n_weights, mean = mean or 0, deviation = 0.05,
  }))
end

-- ---- element-wise -----------------------------------------------------------------------------

local activation = {}
function activation.relu(net, x) return net:op("Relu", { x }) end
function activation.relu6(net, x)
  return net:op("Clip", { x, net:constant(0.0, "f32"), net:constant(6.0, "f32") })
end
function activation.leaky(net, x) return net:op("LeakyRelu", { x }, { alpha = 0.1 }) end
function activation.sigmoid(net, x) return net:op("Sigmoid", { x }) end
function activation.hard_sigmoid(net, x) return net:op("HardSigmoid", { x }, { alpha = 1 / 6 }) end
function activation.hard_swish(net, x) return net:op("HardSwish", { x }) end
function activation.swish(net, x) return net:op("Mul", { x, net:op("Sigmoid", { x }) }) end
function activation.softmax(net, x) return net:op("Softmax", { x }, { axis = -1 }) end
--- x / 2 * (1 + erf(x / sqrt 2)), in the steps that exporters write below opset 20.
function activation.gelu(net, x)
  local e = net:op("Erf", { net:op("Div", { x, net:constant(2 ^ 0.5, "f32") }) })
  local sum = net:op("Add", { e, net:constant(1.0, "f32") })
  return net:op("Mul", { net:op("Mul", { x, sum }), net:constant(0.5, "f32") })
end

function Net:act(kind, x)
  if not kind then return x end
  return activation[kind](self, x)
end

function Net:add(a, b) return self:op("Add", { a, b }) end
function Net:mul(a, b) return self:op("Mul", { a, b }) end

-- ---- images: [1, channels, height, width] -----------------------------------------------------

---@param o? { stride?: integer, pad?: integer, groups?: integer, act?: string, gain?: number }
function Net:conv(x, outputs, size, o)
  o = o or {}
  local groups = o.groups or 1
  local inputs = self.channels[x] // groups
  local pad, stride = o.pad or size // 2, o.stride or 1
  local w = self:weight({ outputs, inputs, size, size }, inputs * size * size, o.gain)
  local y = self:op("Conv", { x, w, self:vector(outputs) }, {
    kernel_shape = { size, size }, strides = { stride, stride }, group = groups,
    pads = { pad, pad, pad, pad }, dilations = { 1, 1 },
  }, outputs)
  return self:act(o.act, y)
end

--- One filter a channel.
function Net:depthwise(x, size, o)
  local c = self.channels[x]
  o.groups = c
  return self:conv(x, c, size, o)
end

function Net:upconv(x, outputs)
  local inputs = self.channels[x]
  local w = self:weight({ inputs, outputs, 2, 2 }, inputs, 1)
  return self:op("ConvTranspose", { x, w, self:vector(outputs) },
    { kernel_shape = { 2, 2 }, strides = { 2, 2 } }, outputs)
end

function Net:batch_norm(x)
  local c = self.channels[x]
  local variance = self:constant(pg.tensor.full({ c }, 1.1))
  return self:op("BatchNormalization",
    { x, self:vector(c, 1), self:vector(c), self:vector(c), variance }, { epsilon = 1e-5 })
end

local function pool(type)
  return function(self, x, size, stride, pad, ceil)
    pad = pad or 0
    return self:op(type, { x }, {
      kernel_shape = { size, size }, strides = { stride, stride }, pads = { pad, pad, pad, pad },
      ceil_mode = ceil and 1 or 0,
    })
  end
end
Net.max_pool, Net.average_pool = pool "MaxPool", pool "AveragePool"

function Net:global_pool(x) return self:op("GlobalAveragePool", { x }) end

--- Upsampling by 2, nearest.
function Net:upsample(x)
  local scales = self:constant({ 1, 1, 2, 2 }, "f32")
  return self:op("Resize", { x, "", scales }, {
    mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric",
  })
end

function Net:concat(list)
  local channels = 0
  for _, x in ipairs(list) do channels = channels + self.channels[x] end
  return self:op("Concat", list, { axis = 1 }, channels)
end

--- Two halves of the channels.
function Net:halves(x)
  local half = self.channels[x] // 2
  local sizes = self:constant({ half, half }, "i64")
  local outputs = self.graph:add("Split", { x, sizes }, { "", "" }, { axis = 1 }).outputs
  self.channels[outputs[1]], self.channels[outputs[2]] = half, half
  return outputs[1], outputs[2]
end

--- Squeeze and excitation (https://arxiv.org/abs/1709.01507).
function Net:squeeze_excite(x, inner, act, gate)
  local c = self.channels[x]
  local s = self:conv(self:global_pool(x), inner, 1, { act = act })
  return self:mul(x, self:conv(s, c, 1, { act = gate, gain = 1 }))
end

--- The end of a classifier: pooled, flat, 1,000 scores.
function Net:classifier(x, classes)
  local flat = self:op("Flatten", { self:global_pool(x) }, { axis = 1 })
  return self:gemm(flat, classes or 1000)
end

-- ---- products ---------------------------------------------------------------------------------

--- [1, channels] x [channels, outputs], the weights stored the other way round as torch does.
function Net:gemm(x, outputs, act)
  local inputs = self.channels[x]
  local w = self:weight({ outputs, inputs }, inputs)
  return self:act(act, self:op("Gemm", { x, w, self:vector(outputs) }, { transB = 1 }, outputs))
end

--- [..., inputs] x [inputs, outputs] and a bias.
function Net:linear(x, inputs, outputs, o)
  local y = self:op("MatMul", { x, self:weight({ inputs, outputs }, inputs, o and o.gain or 1) })
  if not (o and o.bias == false) then y = self:add(self:vector(outputs), y) end
  return self:act(o and o.act, y)
end

function Net:layer_norm(x, n)
  return self:op("LayerNormalization", { x, self:vector(n, 1), self:vector(n) },
    { axis = -1, epsilon = 1e-5 })
end

function Net:reshape(x, shape) return self:op("Reshape", { x, self:constant(shape, "i64") }) end
function Net:transpose(x, perm) return self:op("Transpose", { x }, { perm = perm }) end

return Net
