-- Maps are Lua tables; as inputs they come from ZipMap, see spec/data/op.
local t = require "support.op_cases" (_ENV)

t.cases("ai.onnx.ml:ZipMap", {
})
