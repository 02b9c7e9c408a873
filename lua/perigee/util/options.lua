--- Options tables: known keys, types and defaults declared once.
local M = {}

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = tostring(k) end
  table.sort(keys)
  return keys
end

--- Checks `given` (may be nil) against `known`, a table { name = default or M.none }, and returns a
--- new table with defaults filled in. Unknown keys raise: typos are the commonest mistake.
---@param given table?
---@param known table
---@param level integer? stack level to blame, default the caller's caller
---@return table
function M.check(given, known, level)
  level = (level or 2) + 1
  local out = {}
  for k, v in pairs(known) do
    if v ~= M.none then out[k] = v end
  end
  if given == nil then return out end
  if type(given) ~= "table" then
    error(("options: expected a table, got a %s"):format(type(given)), level)
  end
  for k, v in pairs(given) do
    if known[k] == nil then
      local list = table.concat(sorted_keys(known), ", ")
      error(("unknown option '%s' (known: %s)"):format(tostring(k), list), level)
    end
    out[k] = v
  end
  return out
end

--- Stands for "no default" in a table of known options.
M.none = setmetatable({}, { __tostring = function() return "none" end })

return M
