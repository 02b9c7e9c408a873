-- Inverses of matrices.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:Inverse")
