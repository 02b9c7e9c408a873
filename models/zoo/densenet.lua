--- DenseNet-121: https://arxiv.org/abs/1608.06993, table 1. The normalisation before a layer reads
--- a concatenation and stays; the one between its two convolutions is folded, as exporters do.
local Net = require "zoo.net"

local GROWTH = 32

local function layer(net, x)
  local y = net:act("relu", net:batch_norm(x))
  y = net:conv(y, 4 * GROWTH, 1, { act = "relu" })
  return net:concat { x, net:conv(y, GROWTH, 3) }
end

local function densenet(seed)
  local net = Net.new("densenet121", seed)
  local x = net:input("image", { 1, 3, 224, 224 })
  x = net:max_pool(net:conv(x, 64, 7, { stride = 2, act = "relu" }), 3, 2, 1)
  for block, depth in ipairs { 6, 12, 24, 16 } do
    for _ = 1, depth do x = layer(net, x) end
    x = net:act("relu", net:batch_norm(x))
    if block < 4 then x = net:average_pool(net:conv(x, net.channels[x] // 2, 1), 2, 2) end
  end
  net:output(net:classifier(x), "scores")
  return net.graph
end

return { densenet121 = densenet }
