--- Where overhead counts: a perceptron with two hidden layers, and a digit reader.
local Net = require "zoo.net"

local function mlp(name, batch)
  return function(seed)
    local net = Net.new(name, seed)
    local x = net:input("x", { batch, 784 })
    x = net:gemm(net:gemm(x, 512, "relu"), 256, "relu")
    net:output(net:gemm(x, 10), "scores")
    return net.graph
  end
end

local function mnist_cnn(seed)
  local net = Net.new("mnist_cnn", seed)
  local x = net:input("image", { 1, 1, 28, 28 })
  x = net:max_pool(net:conv(x, 8, 5, { act = "relu" }), 2, 2)
  x = net:max_pool(net:conv(x, 16, 5, { act = "relu" }), 3, 3)
  x = net:op("Flatten", { x }, { axis = 1 }, 16 * 4 * 4)
  net:output(net:gemm(x, 10), "scores")
  return net.graph
end

return { mlp_b1 = mlp("mlp_b1", 1), mlp_b64 = mlp("mlp_b64", 64), mnist_cnn = mnist_cnn }
