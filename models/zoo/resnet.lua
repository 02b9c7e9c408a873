--- Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385, table 1, with
--- the stride on the 3x3 of a bottleneck, as everybody builds it today.
local Net = require "zoo.net"

local function shortcut(net, x, outputs, stride)
  if net.channels[x] == outputs and stride == 1 then return x end
  return net:conv(x, outputs, 1, { stride = stride, gain = 1 })
end

local function basic(net, x, width, stride)
  local y = net:conv(x, width, 3, { stride = stride, act = "relu" })
  y = net:conv(y, width, 3, { gain = 0.5 })
  return net:act("relu", net:add(y, shortcut(net, x, width, stride)))
end

local function bottleneck(net, x, width, stride)
  local y = net:conv(x, width, 1, { act = "relu" })
  y = net:conv(y, width, 3, { stride = stride, act = "relu" })
  y = net:conv(y, 4 * width, 1, { gain = 0.5 })
  return net:act("relu", net:add(y, shortcut(net, x, 4 * width, stride)))
end

local function resnet(name, block, depths)
  return function(seed)
    local net = Net.new(name, seed)
    local x = net:input("image", { 1, 3, 224, 224 })
    x = net:max_pool(net:conv(x, 64, 7, { stride = 2, act = "relu" }), 3, 2, 1)
    for stage, depth in ipairs(depths) do
      for i = 1, depth do
        x = block(net, x, 64 << (stage - 1), (stage > 1 and i == 1) and 2 or 1)
      end
    end
    net:output(net:classifier(x), "scores")
    return net.graph
  end
end

return {
  resnet18 = resnet("resnet18", basic, { 2, 2, 2, 2 }),
  resnet50 = resnet("resnet50", bottleneck, { 3, 4, 6, 3 }),
}
