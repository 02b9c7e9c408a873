-- 32-bit hashes.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:MurmurHash3")
