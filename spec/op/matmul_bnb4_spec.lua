-- Products with weights of 4 bits on a curve.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:MatMulBnb4")
