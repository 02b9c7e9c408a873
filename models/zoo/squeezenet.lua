--- SqueezeNet 1.1: https://arxiv.org/abs/1602.07360, with its authors' later change of the strides.
local Net = require "zoo.net"

local function fire(net, x, squeeze, expand)
  local s = net:conv(x, squeeze, 1, { act = "relu" })
  return net:concat {
    net:conv(s, expand, 1, { act = "relu" }), net:conv(s, expand, 3, { act = "relu" }),
  }
end

local function squeezenet(seed)
  local net = Net.new("squeezenet1_1", seed)
  local x = net:input("image", { 1, 3, 224, 224 })
  x = net:conv(x, 64, 3, { stride = 2, pad = 0, act = "relu" })
  x = net:max_pool(x, 3, 2, 0, true)
  x = net:max_pool(fire(net, fire(net, x, 16, 64), 16, 64), 3, 2, 0, true)
  x = net:max_pool(fire(net, fire(net, x, 32, 128), 32, 128), 3, 2, 0, true)
  for _, widths in ipairs { { 48, 192 }, { 48, 192 }, { 64, 256 }, { 64, 256 } } do
    x = fire(net, x, widths[1], widths[2])
  end
  x = net:global_pool(net:conv(x, 1000, 1, { act = "relu" }))
  net:output(net:op("Flatten", { x }, { axis = 1 }), "scores")
  return net.graph
end

return { squeezenet1_1 = squeezenet }
