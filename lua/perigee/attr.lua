--- Attributes whose kind a plain Lua value can't tell: of operators that perigee doesn't know,
--- empty
--- lists, references inside functions.
---
---     local attr = pg.attr
---     g:add("Mystery", { "x" }, { "y" }, { scales = attr.floats { 1, 2 }, kind = attr.type
--- "seq(f32)" })
---     body:add("Gemm", { "a", "b" }, { "c" }, { alpha = attr.ref("float", "alpha") })
local core = require "perigee.core"
local blame = require "perigee.util.blame"

local M = {}

local kinds = {
  float = true, int = true, string = true, tensor = true, graph = true, floats = true, ints = true,
  strings = true, tensors = true, graphs = true, sparse = true, sparses = true, type = true,
  types = true,
}

for kind in pairs(kinds) do
  M[kind] = function(value) return setmetatable({ kind = kind, value = value }, core.attr_meta) end
end

--- Inside a function: the value of the attribute `name` of the call.
---@param kind string "float", "int", "string", "tensor", "floats" ...
---@param name string
---@return table
function M.ref(kind, name)
  if not kinds[kind] then blame("attr.ref: no kind '%s'", tostring(kind)) end
  if type(name) ~= "string" then blame("attr.ref: expected a name, got a %s", type(name)) end
  return setmetatable({ kind = kind, ref = name }, core.attr_meta)
end

return M
