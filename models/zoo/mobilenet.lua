--- The three MobileNets: https://arxiv.org/abs/1704.04861 table 1, https://arxiv.org/abs/1801.04381
--- table 2, https://arxiv.org/abs/1905.02244 table 1.
local Net = require "zoo.net"

local function image(net) return net:input("image", { 1, 3, 224, 224 }) end

-- ---- V1 ---------------------------------------------------------------------------------------

local V1 = { -- outputs, stride of the depthwise layer
  { 64, 1 }, { 128, 2 }, { 128, 1 }, { 256, 2 }, { 256, 1 }, { 512, 2 }, { 512, 1 }, { 512, 1 },
  { 512, 1 }, { 512, 1 }, { 512, 1 }, { 1024, 2 }, { 1024, 1 },
}

local function v1(seed)
  local net = Net.new("mobilenet_v1", seed)
  local x = net:conv(image(net), 32, 3, { stride = 2, act = "relu" })
  for _, layer in ipairs(V1) do
    x = net:depthwise(x, 3, { stride = layer[2], act = "relu" })
    x = net:conv(x, layer[1], 1, { act = "relu" })
  end
  net:output(net:classifier(x), "scores")
  return net.graph
end

-- ---- V2 ---------------------------------------------------------------------------------------

local V2 = { -- expansion, outputs, repeats, stride of the first
  { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 },
  { 6, 160, 3, 2 }, { 6, 320, 1, 1 },
}

local function v2_block(net, x, expansion, outputs, stride)
  local inputs, y = net.channels[x], x
  if expansion > 1 then y = net:conv(y, inputs * expansion, 1, { act = "relu6" }) end
  y = net:depthwise(y, 3, { stride = stride, act = "relu6" })
  y = net:conv(y, outputs, 1, { gain = 1 })
  return stride == 1 and inputs == outputs and net:add(x, y) or y
end

local function v2(seed)
  local net = Net.new("mobilenet_v2", seed)
  local x = net:conv(image(net), 32, 3, { stride = 2, act = "relu6" })
  for _, row in ipairs(V2) do
    for i = 1, row[3] do x = v2_block(net, x, row[1], row[2], i == 1 and row[4] or 1) end
  end
  x = net:conv(x, 1280, 1, { act = "relu6" })
  net:output(net:classifier(x), "scores")
  return net.graph
end

-- ---- V3-large ---------------------------------------------------------------------------------

local V3 = { -- kernel, expanded width, outputs, squeeze and excite, activation, stride
  { 3, 16, 16, false, "relu", 1 }, { 3, 64, 24, false, "relu", 2 },
  { 3, 72, 24, false, "relu", 1 },
  { 5, 72, 40, true, "relu", 2 }, { 5, 120, 40, true, "relu", 1 }, { 5, 120, 40, true, "relu", 1 },
  { 3, 240, 80, false, "hard_swish", 2 }, { 3, 200, 80, false, "hard_swish", 1 },
  { 3, 184, 80, false, "hard_swish", 1 }, { 3, 184, 80, false, "hard_swish", 1 },
  { 3, 480, 112, true, "hard_swish", 1 }, { 3, 672, 112, true, "hard_swish", 1 },
  { 5, 672, 160, true, "hard_swish", 2 }, { 5, 960, 160, true, "hard_swish", 1 },
  { 5, 960, 160, true, "hard_swish", 1 },
}

--- The nearest multiple of 8, never more than a tenth below.
local function by_8(n)
  local rounded = math.max(8, (n + 4) // 8 * 8)
  return math.tointeger(rounded < 0.9 * n and rounded + 8 or rounded)
end

local function v3_block(net, x, kernel, width, outputs, excite, act, stride)
  local inputs, y = net.channels[x], x
  if width ~= inputs then y = net:conv(y, width, 1, { act = act }) end
  y = net:depthwise(y, kernel, { stride = stride, act = act })
  if excite then y = net:squeeze_excite(y, by_8(width // 4), "relu", "hard_sigmoid") end
  y = net:conv(y, outputs, 1, { gain = 1 })
  return stride == 1 and inputs == outputs and net:add(x, y) or y
end

local function v3(seed)
  local net = Net.new("mobilenet_v3_large", seed)
  local x = net:conv(image(net), 16, 3, { stride = 2, act = "hard_swish" })
  for _, row in ipairs(V3) do x = v3_block(net, x, table.unpack(row)) end
  x = net:global_pool(net:conv(x, 960, 1, { act = "hard_swish" }))
  x = net:gemm(net:op("Flatten", { x }, { axis = 1 }), 1280, "hard_swish")
  net:output(net:gemm(x, 1000), "scores")
  return net.graph
end

return { mobilenet_v1 = v1, mobilenet_v2 = v2, mobilenet_v3_large = v3 }
