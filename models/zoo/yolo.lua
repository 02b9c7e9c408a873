--- YOLOv4-tiny at 416: https://arxiv.org/abs/2011.08036; raw heads, 80 classes.
local Net = require "zoo.net"

local HEAD = 3 * (5 + 80) -- anchors, box and objectness and classes

local function conv(net, x, width, size, stride)
  return net:conv(x, width, size, { stride = stride, act = "leaky" })
end

--- A cross-stage partial block; returns its result and the value that the second head takes.
local function partial(net, x, width)
  local first = conv(net, x, width, 3)
  local _, half = net:halves(first)
  local a = conv(net, half, width // 2, 3)
  local b = conv(net, a, width // 2, 3)
  local merged = conv(net, net:concat { b, a }, width, 1)
  return net:max_pool(net:concat { first, merged }, 2, 2), merged
end

local function yolov4_tiny(seed)
  local net = Net.new("yolov4_tiny", seed)
  local x = net:input("image", { 1, 3, 416, 416 })
  x = conv(net, conv(net, x, 32, 3, 2), 64, 3, 2)
  local fine
  for _, width in ipairs { 64, 128, 256 } do x, fine = partial(net, x, width) end
  x = conv(net, conv(net, x, 512, 3), 256, 1)
  local coarse = net:conv(conv(net, x, 512, 3), HEAD, 1)
  local up = net:upsample(conv(net, x, 128, 1))
  fine = net:conv(conv(net, net:concat { up, fine }, 256, 3), HEAD, 1)
  net:output(coarse, "coarse")
  net:output(fine, "fine")
  return net.graph
end

return { yolov4_tiny = yolov4_tiny }
