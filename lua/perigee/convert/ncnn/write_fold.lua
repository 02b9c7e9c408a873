--- What a graph computes from constants alone becomes constants: shapes, and weights in f16.
local graph = require "perigee.graph"

local M = {}

local function computed(g, node)
  local part <close> = graph.new()
  local has_input = false
  for _, name in ipairs(node.inputs) do
    if name ~= "" then
      local info = g:value(name)
      if not info or not info.constant then return nil end
      has_input = true
      if not part:value(name) then part:add_constant(name, info.constant) end
    end
  end
  if not has_input and node.type ~= "Constant" then return nil end
  for _, value in pairs(node.attrs) do
    if type(value) == "userdata" and getmetatable(value) == getmetatable(part) then return nil end
  end
  part:add(node.type, node.inputs, node.outputs, node.attrs, { domain = node.domain })
  for _, name in ipairs(node.outputs) do
    if name ~= "" then part:add_output(name) end
  end
  local session = part:session { threads = 1 }
  local results = session and session:run {}
  if session then session:close() end
  return results
end

--- Shape of a value whose sizes are known.
local function known_shape(g, node)
  if node.type ~= "Shape" then return nil end
  local shape = g:value(node.inputs[1]).shape
  if not shape then return nil end
  for _, d in ipairs(shape) do
    if math.type(d) ~= "integer" then return nil end
  end
  local n, first, last = #shape, node.attrs.start or 0, node.attrs["end"] or #shape
  if first < 0 then first = first + n end
  if last < 0 then last = last + n end
  local list = table.move(shape, math.max(first, 0) + 1, math.min(last, n), 1, {})
  local tensor = require "perigee.tensor"
  return { [node.outputs[1]] = #list > 0 and tensor.new(list, "i64") or tensor.zeros({ 0 }, "i64") }
end

---@param g perigee.Graph
---@return table<string, string> renamed what became of the names that went
function M.constants(g)
  g:infer()
  local outputs, all = {}, {}
  for _, spec in ipairs(g:output_list()) do outputs[spec.name] = true end
  for _, node in ipairs(g:node_list()) do
    local results = known_shape(g, node) or computed(g, node)
    local is_output = false
    for _, name in ipairs(node.outputs) do is_output = is_output or outputs[name] end
    if results and not is_output then
      for _, name in ipairs(node.outputs) do
        if name ~= "" and results[name] then
          local made = g:add_constant(nil, results[name])
          all[name] = made
          g:replace(name, made)
        end
      end
      g:remove(node)
    end
  end
  return all
end

return M
