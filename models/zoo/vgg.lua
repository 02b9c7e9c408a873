--- Very Deep Convolutional Networks, https://arxiv.org/abs/1409.1556, configuration D.
local Net = require "zoo.net"

local STAGES = { { 64, 2 }, { 128, 2 }, { 256, 3 }, { 512, 3 }, { 512, 3 } } -- width, depth

local function vgg16(seed)
  local net = Net.new("vgg16", seed)
  local x = net:input("image", { 1, 3, 224, 224 })
  for _, stage in ipairs(STAGES) do
    for _ = 1, stage[2] do x = net:conv(x, stage[1], 3, { act = "relu" }) end
    x = net:max_pool(x, 2, 2)
  end
  x = net:op("Flatten", { x }, { axis = 1 }, 512 * 7 * 7)
  x = net:gemm(net:gemm(x, 4096, "relu"), 4096, "relu")
  net:output(net:gemm(x, 1000), "scores")
  return net.graph
end

return { vgg16 = vgg16 }
