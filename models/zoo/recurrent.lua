--- Two layers of LSTM or GRU: 64 steps of 128 inputs, 256 states.
local Net = require "zoo.net"

local STEPS, INPUTS, STATES = 64, 128, 256

local function recurrent(name, type, gates)
  local function layer(net, x, inputs)
    local rows = gates * STATES
    local y = net:op(type, {
      x, net:weight({ 1, rows, inputs }, inputs, 1), net:weight({ 1, rows, STATES }, STATES, 1),
      net:reshape(net:vector(2 * rows), { 1, 2 * rows }),
    }, { hidden_size = STATES, linear_before_reset = type == "GRU" and 1 or nil })
    return net:op("Squeeze", { y, net:constant({ 1 }, "i64") })
  end
  return function(seed)
    local net = Net.new(name, seed)
    local x = net:input("sequence", { STEPS, 1, INPUTS })
    net:output(layer(net, layer(net, x, INPUTS), STATES), "states")
    return net.graph
  end
end

return {
  lstm2x256_t64 = recurrent("lstm2x256_t64", "LSTM", 4),
  gru2x256_t64 = recurrent("gru2x256_t64", "GRU", 3),
}
