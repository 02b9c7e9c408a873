--- Subgraphs: IF, WHILE, CALL, and bodies that are run once.
local builder = require "perigee.convert.builder"

local M = {}

--- A graph inside the one that is being built; names are unique across both.
local function inner(s, name)
  local b = builder.new(nil, s.b.graph:subgraph(s.b:unique(name)))
  b.taken, b.missing = s.b.taken, s.b.missing
  return b
end

local function inputs_of(s, node, first)
  local list = {}
  for i = first, #node.inputs do list[#list + 1] = s:x(node, i)
    or s:bad("input %d is missing", i - 1) end
  return list
end

--- Results of a body must be values of its own.
local function own(b, names)
  for _, name in ipairs(names) do b:output(b:identity(name)) end
end

function M.CALL(s, node)
  local outputs = s.model:inline(node.o.subgraph, s.b, s.depth + 1, inputs_of(s, node, 1))
  for i = 1, #node.outputs do s:set(node, i, outputs[i]) end
end

local function scalar_test(s, x, rank)
  return rank == 0 and x or s.b:reshape(x, {})
end

function M.IF(s, node)
  local o, inputs, bodies = node.o, inputs_of(s, node, 2), {}
  for i, index in ipairs { o.then_subgraph_index, o.else_subgraph_index } do
    local b = inner(s, i == 1 and "then" or "else")
    local outputs = s.model:inline(index, b, s.depth + 1, inputs)
    if #outputs ~= #node.outputs then s:bad("subgraph %d gives %d values", index, #outputs) end
    own(b, outputs)
    bodies[i] = b.graph
  end
  local test = scalar_test(s, s:x(node, 1), s:need(node, 1).rank)
  local results = { s.b:op("If", { test }, { then_branch = bodies[1], else_branch = bodies[2] },
    #node.outputs) }
  for i = 1, #node.outputs do s:set(node, i, results[i]) end
end

--- The condition on some values, as a scalar.
local function condition(s, index, b, inputs)
  local outputs, scope = s.model:inline(index, b, s.depth + 1, inputs)
  if #outputs < 1 then s:bad("subgraph %d gives no condition", index) end
  local t = scope.tensors[scope.file.outputs[1] + 1]
  return t.rank == 0 and outputs[1] or b:reshape(outputs[1], {})
end

--- Runs cond first, then the body as long as it holds.
function M.WHILE(s, node)
  local o, inputs, n = node.o, inputs_of(s, node, 1), #node.inputs
  if #node.outputs ~= n then s:bad("%d values in, %d out", n, #node.outputs) end
  local start = condition(s, o.cond_subgraph_index, s.b, inputs)
  local b = inner(s, "while")
  b:input(b:unique "iteration", "i64", {})
  local flag = b:input(b:unique "goes_on", "bool", {})
  local carried = {}
  local body = s.model.file.subgraphs[o.body_subgraph_index + 1]
  for i = 1, n do
    local t = s:need(node, i)
    local dims = nil
    local inside = body and body.tensors[(body.inputs[i] or -1) + 1]
    if inside and #inside.shape_signature == 0 and #inside.shape > 0
      and #inside.shape == t.rank then dims = nil end
    carried[i] = b:input(b:unique(t.name), t.dtype, dims)
  end
  local outputs = s.model:inline(o.body_subgraph_index, b, s.depth + 1, carried)
  if #outputs ~= n then s:bad("subgraph %d gives %d values", o.body_subgraph_index, #outputs) end
  local again = condition(s, o.cond_subgraph_index, b, outputs)
  own(b, { again == flag and b:identity(again) or again })
  own(b, outputs)
  local list = { "", start }
  table.move(inputs, 1, n, 3, list)
  local results = { s.b:op("Loop", list, { body = b.graph }, n) }
  for i = 1, n do s:set(node, i, results[i]) end
end

--- Initialisers of variables and tables: what they assign is known from then on.
function M.CALL_ONCE(s, node)
  s.model:inline(node.o.init_subgraph_index, s.b, s.depth + 1, {})
end

return M
