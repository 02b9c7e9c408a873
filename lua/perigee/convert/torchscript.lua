--- TorchScript archives as graphs.
local M = { name = "TorchScript" }
function M.detect() return false end
return M
