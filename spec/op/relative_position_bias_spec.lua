-- Biases by distance.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:RelativePositionBias")
