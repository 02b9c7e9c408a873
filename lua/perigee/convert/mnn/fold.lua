--- Nodes of constants are computed while the graph is made: MNN's files compute axes and sizes that
--- ONNX wants to know beforehand.
local fail = require "perigee.convert.fail"
local graph = require "perigee.graph"

local M = {}

local MOST = 1024 -- elements: sizes, not weights

--- A constant in place of a node with one output, or nil.
function M.constants(c, type, inputs, attrs, outputs)
  if outputs ~= nil or #inputs == 0 or type == "If" then return nil end
  local names, seen = {}, {}
  for i, name in ipairs(inputs) do
    if name ~= "" then
      local t = c:content(name)
      if not t or t.count > MOST then return nil end
      seen[name] = t
    end
    names[i] = name
  end
  local g <close> = graph.new()
  for name, t in pairs(seen) do g:add_constant(name, t) end
  g:add(type, names, { "folded result" }, attrs)
  g:add_output "folded result"
  local session = g:session { threads = 1 }
  local results = session and session:run {}
  if session then session:close() end
  local t = results and results["folded result"]
  if not t then
    fail.format("operator '%s' (%s): its constants don't fit together", c.name, c.type)
  end
  if t.count > MOST then return nil end
  return c:constant(t)
end

return M
