--- All operations that TorchScript and exported programs call, by name without "aten::".
local M = {}

for _, part in ipairs { "math", "shape", "nn", "make", "rnn" } do
  local ops = require("perigee.convert.torchscript.ops_" .. part).ops
  for name, f in pairs(ops) do M[name] = f end
end

return M
