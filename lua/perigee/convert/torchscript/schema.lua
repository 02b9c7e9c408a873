--- How operations take their arguments: "self dim=None keepdim=False" names them in order and says
--- what stands for those that are left out.
local machine = require "perigee.convert.torchscript.machine"

local M = {}

local words = { None = machine.none, True = true, False = false }

local function default_of(text)
  if words[text] ~= nil then return function() return words[text] end end
  if text:sub(1, 1) == "[" then
    local inside = text:match "^%[(.*)%]$"
    return function()
      local list = { kind = "list" }
      for item in inside:gmatch "[^;]+" do list[#list + 1] = math.tointeger(tonumber(item)) end
      return list
    end
  end
  local number = tonumber(text)
  if number then return function() return number end end
  return function() return text end
end

local function parse(schema)
  local parameters = {}
  for word in schema:gmatch "%S+" do
    local name, default = word:match "^([%w_]+)=(.*)$"
    parameters[#parameters + 1] = { name = name or word, default = default and default_of(default) }
  end
  return parameters
end

--- Adds f(c, a) to a table of operations under one or several names.
---@param ops table
---@param names string
---@param schema string
---@param f fun(c: table, a: table): any
function M.add(ops, names, schema, f)
  local parameters = parse(schema)
  local function call(c, args, named)
    local a = {}
    for i, parameter in ipairs(parameters) do
      local value = args[i]
      if value == nil then value = named[parameter.name] end
      if value == nil and parameter.default then value = parameter.default() end
      a[parameter.name] = value
    end
    a.n_args = #args
    for key, value in pairs(named) do
      if a[key] == nil then a[key] = value end
    end
    return f(c, a)
  end
  for name in names:gmatch "%S+" do ops[name] = call end
end

--- A function that adds to one table.
function M.adder(ops)
  return function(names, schema, f) return M.add(ops, names, schema, f) end
end

return M
