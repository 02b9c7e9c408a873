--- TensorFlow Lite: .tflite files of any version of the schema, as TensorFlow 2.21 writes them.
---
--- Quantised operators are converted to the reference kernels' own integer arithmetic, to the bit:
--- standard integer operators, tables, and perigee.tflite's Rescale (c/op/tflite_rescale.c) where a
--- sum goes back to 8 or 16 bits. Channels stay last at the border, inside they come first where
--- convolutions and pools want it.
---
--- Options: `signature`, the name of the signature to read, whose names the inputs and outputs then
--- have; `custom`, { Name = function(scope, node) ... end } for operators of one's own (see
--- tflite/custom.lua for how they are written); `states`, which makes the noise estimate of a speech
--- front end an input and an output more. Else a graph is one call: states start as the file has them.
local flatbuffer = require "perigee.convert.flatbuffer"

local M = { name = "TensorFlow Lite" }

--- Every .tflite file has the identifier; only very old ones lack it, and then the name tells.
function M.detect(bytes, path)
  if not bytes then return false end
  return flatbuffer.identifier(bytes) == "TFL3"
    or (path ~= nil and path:find "%.tflite$" ~= nil and #bytes > 8 and bytes:u32(0) < #bytes - 4)
end

function M.read(source)
  return require("perigee.convert.tflite.model").read(source)
end

return M
