--- Single layers, named by kernel, stride, channels (inputs and outputs where they differ), size.
local Net = require "zoo.net"

local M = {}

local function conv(name, inputs, outputs, kernel, size, o)
  M[name] = function(seed)
    local net = Net.new(name, seed)
    local x = net:input("x", { 1, inputs, size, size })
    net:output(net:conv(x, outputs, kernel, {
      stride = o and o.stride, groups = o and o.depthwise and inputs, act = "relu",
    }), "y")
    return net.graph
  end
end

conv("conv1x1_1024_256_14", 1024, 256, 1, 14)
conv("conv1x1_256_64_56", 256, 64, 1, 56)
conv("conv1x1_64_256_56", 64, 256, 1, 56)
conv("conv3x3_64_56", 64, 64, 3, 56)
conv("conv3x3_128_28", 128, 128, 3, 28)
conv("conv3x3_256_14", 256, 256, 3, 14)
conv("conv3x3_512_7", 512, 512, 3, 7)
conv("conv3x3s2_128_56", 128, 128, 3, 56, { stride = 2 })
conv("conv5x5_32_112", 32, 32, 5, 112)
conv("conv7x7s2_3_64_224", 3, 64, 7, 224, { stride = 2 })
conv("dw3x3_144_56", 144, 144, 3, 56, { depthwise = true })
conv("dw3x3s2_144_56", 144, 144, 3, 56, { depthwise = true, stride = 2 })

local function matmul(name, rows, depth, columns, is_dynamic)
  M[name] = function(seed)
    local net = Net.new(name, seed)
    local a = net:input("a", { rows, depth })
    local b = is_dynamic and net:input("b", { depth, columns })
      or net:weight({ depth, columns }, depth, 1)
    net:output(net:op("MatMul", { a, b }), "y")
    return net.graph
  end
end

matmul("matmul1024_const", 1024, 1024, 1024)
matmul("matmul1024_dyn", 1024, 1024, 1024, true)
matmul("gemv_4096", 1, 4096, 4096)

return M
