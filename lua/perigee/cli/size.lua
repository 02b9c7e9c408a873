--- The option --size NAME=N of commands that fill inputs.
local M = {}

function M.configure(parser)
  parser:option("--size", "NAME=N for a free dimension of inputs that are filled (default 1).")
    :count "*"
end

--- { NAME = N } of what was given.
---@param list string[]
---@return table<string, integer>? sizes
---@return string? message
---@return string? code "usage"
function M.parse(list)
  local sizes = {}
  for _, item in ipairs(list) do
    local name, n = item:match "^(.-)=(%d+)$"
    n = math.tointeger(tonumber(n))
    if not n then return nil, ("--size %s: expected NAME=N"):format(item), "usage" end
    sizes[name] = n
  end
  return sizes
end

return M
