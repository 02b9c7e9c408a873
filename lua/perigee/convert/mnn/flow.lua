--- If and While, whose bodies are subgraphs of the file, joined by the names of their values.
local M = {}

local function subgraph_of(c, name)
  for _, graph in ipairs(c.net.subgraphs) do
    if graph.name == name then return graph end
  end
  c:fail("there is no subgraph '%s'", tostring(name))
end

local MOST_DEPTH = 32

--- Converts a subgraph's operators into a body: the values of its inputs come from `given`, by
--- name. Gives the names of the values for its outputs' names.
local function convert_body(c, body, graph, given, wanted)
  if c.depth >= MOST_DEPTH then c:fail("subgraphs nested deeper than %d", MOST_DEPTH) end
  local kept = {}
  for _, field in ipairs { "g", "values", "names", "lost", "named" } do kept[field] = c[field] end
  local outer_graph, outer_type, outer_name = c.b.graph, c.type, c.name
  c.g, c.b.graph, c.depth = body, body, c.depth + 1
  c.values, c.names, c.lost, c.named = {}, graph.tensors, {}, {}
  local by_name = {}
  for i, name in ipairs(graph.tensors) do
    by_name[name] = by_name[name] or i - 1
    if given[name] then c.values[i - 1] = given[name] end
  end
  local known = c.b.known
  c.b.known = {} -- constants of the body stay in it
  for _, op in ipairs(graph.nodes) do c:convert(op) end
  local outs = {}
  for i, name in ipairs(wanted) do
    local value = by_name[name] and c.values[by_name[name]]
    if not value then
      outs[i] = false
    else
      outs[i] = c.b:op("Identity", { value })
    end
  end
  c.b.known, c.b.graph, c.depth = known, outer_graph, c.depth - 1
  for field, value in pairs(kept) do c[field] = value end
  c.type, c.name = outer_type, outer_name
  return outs
end

--- Aliases: for each input of the operator the names that it has in the subgraphs.
local function given_values(p, x, from)
  local given = {}
  for i, alias in ipairs(p.aliases_inputs or {}) do
    for _, name in ipairs(alias.data or {}) do given[name] = x[i + (from or 0)] end
  end
  return given
end

function M.If(c, p, x)
  local given, branches = given_values(p, x), {}
  local condition = c:op("Reshape", { c:bool(x[1]), c:constant(require("perigee.tensor").zeros({ 0 }, "i64")) })
  local n = #(p.aliases_outputs or {})
  for which, name in ipairs { p.then_graph, p.else_graph } do
    local graph, wanted = subgraph_of(c, name), {}
    for i, alias in ipairs(p.aliases_outputs) do
      wanted[i] = (alias.data or {})[which] or (alias.data or {})[1]
    end
    branches[which] = function(body)
      local outs = convert_body(c, body, graph, given, wanted)
      for i, out in ipairs(outs) do
        if not out then c:fail("output %d is not in subgraph '%s'", i, name) end
        body:add_output(out)
      end
    end
  end
  return { c:op("If", { condition }, { then_branch = branches[1], else_branch = branches[2] }, n) }
end

return M
