--- Options tables: known keys, types and defaults declared once.
local blame = require "perigee.util.blame"

local M = {}

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = tostring(k) end
  table.sort(keys)
  return keys
end

--- Checks `given` (may be nil) against `known`, a table { name = default or M.none }, and returns
--- a new table with defaults filled in. Unknown keys raise: typos are the commonest mistake. So do
--- values of another type than the default's.
---@param given table?
---@param known table
---@return table
function M.check(given, known)
  local out = {}
  for k, v in pairs(known) do
    if v ~= M.none then out[k] = v end
  end
  if given == nil then return out end
  if type(given) ~= "table" then
    blame("options: expected a table, got a %s", type(given))
  end
  for k, v in pairs(given) do
    if known[k] == nil then
      local list = table.concat(sorted_keys(known), ", ")
      blame("unknown option '%s' (known: %s)", tostring(k), list)
    end
    if known[k] ~= M.none and type(v) ~= type(known[k]) then
      blame("option '%s': expected a %s, got a %s", k, type(known[k]), type(v))
    end
    out[k] = v
  end
  return out
end

--- Stands for "no default" in a table of known options.
M.none = setmetatable({}, { __tostring = function() return "none" end })

return M
