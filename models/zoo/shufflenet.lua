--- ShuffleNet V2, 1x: https://arxiv.org/abs/1807.11164, table 5 and figure 3 (c), (d).
local Net = require "zoo.net"

local function shuffle(net, x, size)
  local c = net.channels[x]
  local y = net:reshape(x, { 1, 2, c // 2, size, size })
  y = net:reshape(net:transpose(y, { 0, 2, 1, 3, 4 }), { 1, c, size, size })
  net.channels[y] = c
  return y
end

local function branch(net, x, width, stride)
  local y = net:conv(x, width, 1, { act = "relu" })
  y = net:depthwise(y, 3, { stride = stride, gain = 1 })
  return net:conv(y, width, 1, { act = "relu" })
end

local function down(net, x, width)
  local side = net:depthwise(x, 3, { stride = 2, gain = 1 })
  side = net:conv(side, width // 2, 1, { act = "relu" })
  return net:concat { side, branch(net, x, width // 2, 2) }
end

local function keep(net, x, width)
  local kept, rest = net:halves(x)
  return net:concat { kept, branch(net, rest, width // 2, 1) }
end

local STAGES = { { 116, 4 }, { 232, 8 }, { 464, 4 } } -- width, units

local function shufflenet(seed)
  local net = Net.new("shufflenet_v2_x1_0", seed)
  local x = net:input("image", { 1, 3, 224, 224 })
  x = net:max_pool(net:conv(x, 24, 3, { stride = 2, act = "relu" }), 3, 2, 1)
  local size = 56
  for _, stage in ipairs(STAGES) do
    size = size // 2
    for unit = 1, stage[2] do
      x = shuffle(net, (unit == 1 and down or keep)(net, x, stage[1]), size)
    end
  end
  net:output(net:classifier(net:conv(x, 1024, 1, { act = "relu" })), "scores")
  return net.graph
end

return { shufflenet_v2_x1_0 = shufflenet }
