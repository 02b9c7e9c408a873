--- Which node makes a difference: its inputs agree, its output doesn't.
---
--- A wrong number in one weight may be smaller than what two engines differ by after fifty layers,
--- and grow beyond the tolerance only further down. So the first value beyond it is where the
--- search begins: of what it was computed from, the first node is blamed that, run alone on both
--- sides with the same inputs, gives different outputs.
local core = require "perigee.core"
local measure = require "perigee.compare.measure"

local M = {}

-- Of one node alone, with equal inputs. Kernels of one operator differ by less.
local ALONE_RTOL, ALONE_ATOL = 1e-4, 1e-5
local MOST_TRIES = 40

local function variable_inputs(graph, node)
  local list, seen = {}, {}
  for _, name in ipairs(node.inputs) do
    if name ~= "" and not seen[name] then
      local info = graph:value(name)
      if not (info and info.constant and not info.is_input) then list[#list + 1] = name end
      seen[name] = true
    end
  end
  return list
end

local function run_alone(graph, names, inputs, output)
  local ok, part = pcall(graph.extract, graph, { inputs = names, outputs = { output } })
  if not ok or not part then return nil end
  local session = part:session { threads = 1 }
  if not session then return nil end
  local given = {}
  for _, spec in ipairs(session:input_list()) do given[spec.name] = inputs[spec.name] end
  local done, out = pcall(session.run, session, given)
  return done and out and out[output] or nil
end

--- Both nodes on the first side's inputs; true when they differ, nil when that can't be told.
---@param pair perigee.compare.Pair with .result
---@param context table { a, b: sides, of_a, of_b: pairs by name }
function M.differs_alone(pair, context)
  local a, b = context.a.graph, context.b.graph
  local node_a, node_b = pair.a.node, pair.b.node
  if not node_a or not node_b then return nil end
  local names_a, names_b = variable_inputs(a, node_a), variable_inputs(b, node_b)
  local inputs = context.a:fetch(names_a)
  if not inputs then return nil end
  local others = {}
  for _, name in ipairs(names_b) do
    local partner = context.of_b[name]
    local value = partner and inputs[partner.a.name]
    if not value then return nil end
    local info = partner.result
    others[name] = info and info.layout
      and measure.fit(value, context.shape_of_b(partner)) or value
    if not others[name] then return nil end
  end
  local x = run_alone(a, names_a, inputs, pair.a.name)
  local y = run_alone(b, names_b, others, pair.b.name)
  if not core.is_tensor(x) or not core.is_tensor(y) then return nil end
  local rtol, atol = measure.tolerance(x.dtype, y.dtype, context.precision)
  if rtol > 0 and rtol <= 1e-3 then rtol, atol = ALONE_RTOL, ALONE_ATOL end
  local d = measure.difference(x, y, rtol, atol)
  return d == nil or d.beyond > 0
end

--- Relative to the largest element; what can't be compared is as far off as can be.
local function error_of(pair)
  local r = pair.result
  if not r or r.problem then return math.huge end
  if r.special > 0 then return math.huge end
  return r.max_abs / math.max(r.scale, 1e-30)
end

local function worst_input(pair, of_a)
  local worst, all = 0, true
  for _, name in ipairs(pair.a.inputs or {}) do
    local input = of_a[name]
    if input and input.result then
      worst = math.max(worst, error_of(input))
      all = all and input.result.is_good
    end
  end
  return worst, all
end

--- What of the two nodes isn't the same: attributes, constants.
---@return string[] lines
function M.explain(pair, context)
  local lines = {}
  local node_a, node_b = pair.a.node, pair.b.node
  if not node_a or not node_b or not context.b.graph then return lines end
  if node_a.type ~= node_b.type then
    return { ("operator %s beside %s"):format(node_a.type, node_b.type) }
  end
  local x, y, names = node_a.attrs, node_b.attrs, {}
  for key in pairs(x) do names[key] = true end
  for key in pairs(y) do names[key] = true end
  local function shown(v)
    if type(v) == "table" and not (getmetatable(v) or {}).__name then
      local parts = {}
      for i, item in ipairs(v) do parts[i] = tostring(item) end
      return "[" .. table.concat(parts, ",") .. "]"
    end
    return tostring(v)
  end
  local keys = {}
  for key in pairs(names) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local is_plain = type(x[key]) ~= "userdata" and type(y[key]) ~= "userdata"
    if is_plain and shown(x[key]) ~= shown(y[key]) then
      lines[#lines + 1] = ("attribute %s: %s beside %s"):format(key, shown(x[key]), shown(y[key]))
    end
  end
  for i, name in ipairs(node_a.inputs) do
    local other = node_b.inputs[i]
    local v = name ~= "" and context.a.graph:value(name)
    local w = other and other ~= "" and context.b.graph:value(other)
    if v and w and v.constant and w.constant then
      local d, problem = measure.difference(v.constant, w.constant, 0, 0)
      if not d or d.beyond > 0 then
        lines[#lines + 1] = ("constant '%s': %s"):format(name, problem
          or ("%d of %d elements differ, by up to %.3g (%.3g %% of the element)"):format(d.beyond,
            d.count, d.max_abs, 100 * d.max_rel))
      end
    end
  end
  return lines
end

-- A changed weight rather than one that was rounded differently; of weights of one precision.
local WEIGHT_RTOL, WEIGHT_ATOL = 1e-3, 1e-6

--- Whether the two nodes, of one operator, hold constants of one shape with other numbers: however
--- little that does to these inputs.
---@param pair perigee.compare.Pair
---@param graph_a perigee.Graph
---@param graph_b perigee.Graph
---@return boolean
function M.has_other_constants(pair, graph_a, graph_b)
  local v, w = pair.a, pair.b
  if not v.node or not w.node or v.type ~= w.type or pair.is_weak then return false end
  for i, name in ipairs(v.inputs) do
    local other = w.inputs[i]
    local x = name ~= "" and graph_a:value(name)
    local y = other and other ~= "" and graph_b:value(other)
    x, y = x and x.constant, y and y.constant
    if x and y and x.dtype == y.dtype and x.dtype ~= "string"
      and table.concat(x.shape, ",") == table.concat(y.shape, ",")
      and core.difference(x, y, WEIGHT_RTOL, WEIGHT_ATOL).beyond > 0 then
      return true
    end
  end
  return false
end

--- The pairs that `pair` was computed from, itself included, in order; also through values that
--- have no partner.
local function ancestors(pair, context)
  local wanted, out = { [pair.a.name] = true }, {}
  for i = #context.values_a, 1, -1 do
    local v = context.values_a[i]
    if wanted[v.name] then
      for _, name in ipairs(v.inputs or {}) do wanted[name] = true end
      if context.of_a[v.name] then table.insert(out, 1, context.of_a[v.name]) end
    end
  end
  return out
end

--- The node to blame for `first`, the first pair beyond its tolerance.
---@return perigee.compare.Pair culprit
---@return boolean is_proven run alone on equal inputs, it differs
function M.find(first, context)
  if first.result.is_certain then return first, true end
  if not context.can_replay then return first, false end
  local tries = 0
  for _, pair in ipairs(ancestors(first, context)) do
    local own, before = error_of(pair), worst_input(pair, context.of_a)
    local is_suspect = pair == first or (pair.a.node and own > 0 and own > 4 * before)
    if is_suspect and not pair.is_weak and tries < MOST_TRIES then
      tries = tries + 1
      if M.differs_alone(pair, context) then return pair, true end
    end
    if pair == first then break end
  end
  return first, false
end

M.worst_input = worst_input

return M
