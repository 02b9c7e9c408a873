-- com.microsoft's operators on images.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:NhwcConv")
contrib.cases("com.microsoft:NhwcFusedConv")
contrib.cases("com.microsoft:GroupNorm")
contrib.cases("com.microsoft:SkipGroupNorm")
contrib.cases("com.microsoft:ConvTransposeWithDynamicPads")
contrib.cases("com.microsoft:CropAndResize")
