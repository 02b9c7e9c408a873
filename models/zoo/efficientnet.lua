--- EfficientNet-B0: https://arxiv.org/abs/1905.11946, table 1.
local Net = require "zoo.net"

local STAGES = { -- kernel, expansion, outputs, repeats, stride of the first
  { 3, 1, 16, 1, 1 }, { 3, 6, 24, 2, 2 }, { 5, 6, 40, 2, 2 }, { 3, 6, 80, 3, 2 },
  { 5, 6, 112, 3, 1 }, { 5, 6, 192, 4, 2 }, { 3, 6, 320, 1, 1 },
}

local function block(net, x, kernel, expansion, outputs, stride)
  local inputs, y = net.channels[x], x
  if expansion > 1 then y = net:conv(y, inputs * expansion, 1, { act = "swish" }) end
  y = net:depthwise(y, kernel, { stride = stride, act = "swish" })
  y = net:squeeze_excite(y, math.max(1, inputs // 4), "swish", "sigmoid")
  y = net:conv(y, outputs, 1, { gain = 1 })
  return stride == 1 and inputs == outputs and net:add(y, x) or y
end

local function efficientnet(seed)
  local net = Net.new("efficientnet_b0", seed)
  local x = net:input("image", { 1, 3, 224, 224 })
  x = net:conv(x, 32, 3, { stride = 2, act = "swish" })
  for _, s in ipairs(STAGES) do
    for i = 1, s[4] do x = block(net, x, s[1], s[2], s[3], i == 1 and s[5] or 1) end
  end
  net:output(net:classifier(net:conv(x, 1280, 1, { act = "swish" })), "scores")
  return net.graph
end

return { efficientnet_b0 = efficientnet }
