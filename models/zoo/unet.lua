--- U-Net: https://arxiv.org/abs/1505.04597, figure 1, at 256 with padded convolutions.
local Net = require "zoo.net"

local WIDTHS = { 64, 128, 256, 512 }

local function double(net, x, width)
  x = net:conv(x, width, 3, { act = "relu" })
  return net:conv(x, width, 3, { act = "relu" })
end

local function unet(seed)
  local net = Net.new("unet_256", seed)
  local x = net:input("image", { 1, 3, 256, 256 })
  local kept = {}
  for i, width in ipairs(WIDTHS) do
    kept[i] = double(net, x, width)
    x = net:max_pool(kept[i], 2, 2)
  end
  x = double(net, x, 1024)
  for i = #WIDTHS, 1, -1 do
    x = double(net, net:concat { kept[i], net:upconv(x, WIDTHS[i]) }, WIDTHS[i])
  end
  net:output(net:conv(x, 2, 1), "mask")
  return net.graph
end

return { unet_256 = unet }
