-- Windows along an axis.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:UnfoldTensor")
