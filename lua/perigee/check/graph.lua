--- Rules for graphs: names, order, what is declared of values, and the nodes in them.
local attributes = require "perigee.check.attribute"
local calls = require "perigee.check.call"
local operators = require "perigee.check.operator"
local shown = require("perigee.check.report").shown
local subgraphs = require "perigee.check.subgraph"
local tensor = require "perigee.check.tensor"
local types = require "perigee.check.types"
local values = require "perigee.check.values"

local M = {}

--- The order and the names of one graph, with those of the graphs around it.
---@class perigee.check.Scope
---@field outer perigee.check.Scope?
---@field label string? of the graph, nil: the main one
---@field values table<string, { kind: string, type: string?, shape: table? }> defined so far
---@field makers table<string, integer> value name -> position of the node that makes it
---@field declared table<string, table> value name -> its TypeProto in value_info or output

local function find(scope, name)
  while scope do
    if scope.values[name] then return scope.values[name] end
    scope = scope.outer
  end
end

local function has_outside(scope, name) return scope.outer and find(scope.outer, name) ~= nil end

-- ---- declarations -------------------------------------------------------------------------------

local function check_metadata(ctx, at, entries)
  local seen = {}
  for _, entry in ipairs(entries or {}) do
    local key = entry.key or ""
    if seen[key] then
      ctx.report:error("metadata", at, "metadata give '%s' twice", shown(key))
    end
    seen[key] = true
  end
end
M.check_metadata = check_metadata

--- A ValueInfoProto's type by itself.
local function check_declaration(ctx, at, value)
  check_metadata(ctx, at, value.metadata_props)
  if not types.is_given(value.type) then return end
  types.faults(value.type, function(message) ctx.report:error("declaration", at, "%s", message) end)
  local needed, reason = types.ir_version(value.type)
  if ctx.ir > 0 and needed > ctx.ir then
    ctx.report:error("ir-version", at, "%s: needs IR version %d, the model has %d", reason, needed,
      ctx.ir)
  end
end

--- What the main graph's inputs and outputs must say: type and rank.
local function check_is_complete(ctx, at, value)
  local message = value.type
  if not types.is_given(message) then
    return ctx.report:error("declaration", at, "it has no type")
  end
  local t = message.tensor_type or message.sparse_tensor_type
  if t and not t.shape then
    ctx.report:error("declaration", at,
      "it has no shape: of a model's inputs and outputs at least the rank must be declared")
  end
end

local function place(scope, kind, name)
  return { graph = scope.label, value = name, what = ("%s '%s'"):format(kind, shown(name)) }
end

local function read_inputs(ctx, scope, graph)
  for i, value in ipairs(graph.input or {}) do
    local name = value.name or ""
    local at = place(scope, "input", name)
    if name == "" then
      ctx.report:error("name", at, "number %d has no name", i - 1)
    elseif scope.values[name] then
      ctx.report:error("ssa", at, "it is there twice")
    elseif has_outside(scope, name) then
      ctx.report:warning("shadow", at, "it hides a value of the graph around it")
    end
    check_declaration(ctx, at, value)
    if not scope.outer then check_is_complete(ctx, at, value) end
    scope.values[name] = {
      kind = "input", type = types.text(value.type), shape = types.shape(value.type),
    }
  end
end

local function contradict(ctx, at, declared, element, shape)
  if element and declared.type and declared.type ~= element then
    ctx.report:error("type", at, "declared as %s, but it is %s", declared.type, element)
  elseif not types.compatible(declared.shape, shape) then
    ctx.report:error("shape", at, "declared as %s, but it is %s", types.shape_text(declared.shape),
      types.shape_text(shape))
  end
end

--- One initialiser under its name.
local function define_constant(ctx, scope, at, element, shape, seen)
  local name = at.value
  local known = scope.values[name]
  if name == "" then return ctx.report:error("name", at, "it has no name") end
  if seen[name] then
    ctx.report:error("ssa", at, "it is there twice")
  elseif known then
    contradict(ctx, at, known, element, shape)
  elseif ctx.ir > 0 and ctx.ir < 4 then
    ctx.report:error("ir-version", at,
      "it is no input of the graph, which IR version %d asks for (4 doesn't)", ctx.ir)
  elseif has_outside(scope, name) then
    ctx.report:warning("shadow", at, "it hides a value of the graph around it")
  end
  seen[name] = true
  scope.values[name] = { kind = "initialiser", type = element, shape = shape }
end

local function read_constants(ctx, scope, graph)
  local seen = {}
  for _, t in ipairs(graph.initializer or {}) do
    local at = place(scope, "initialiser", t.name or "")
    local element, shape = tensor.check(ctx, at, t)
    define_constant(ctx, scope, at, element, shape, seen)
  end
  for _, sparse in ipairs(graph.sparse_initializer or {}) do
    local at = place(scope, "sparse initialiser", sparse.values and sparse.values.name or "")
    local element, shape = tensor.check_sparse(ctx, at, sparse)
    if ctx.ir > 0 and ctx.ir < 6 then
      ctx.report:error("ir-version", at, "it needs IR version 6, the model has %d", ctx.ir)
    end
    define_constant(ctx, scope, at, element, shape, seen)
  end
end

local function read_value_infos(ctx, scope, graph)
  local seen = {}
  for i, value in ipairs(graph.value_info or {}) do
    local name = value.name or ""
    local at = place(scope, "value_info", name)
    if name == "" then
      ctx.report:error("name", at, "number %d has no name", i - 1)
    elseif seen[name] then
      ctx.report:warning("duplicate", at, "it is there twice")
    end
    seen[name] = true
    check_declaration(ctx, at, value)
    scope.declared[name] = value
  end
end

-- ---- nodes --------------------------------------------------------------------------------------

--- Whether the node at `from` depends on itself, by way of nodes of the same graph.
local function is_on_cycle(scope, nodes, from)
  local seen, open = {}, { from }
  while #open > 0 do
    local i = table.remove(open)
    for _, name in ipairs(nodes[i].input or {}) do
      local maker = scope.makers[name]
      if maker == from then return true end
      if maker and not seen[maker] then
        seen[maker] = true
        open[#open + 1] = maker
      end
    end
  end
  return false
end

local function check_inputs(ctx, scope, at, nodes, i)
  for k, name in ipairs(nodes[i].input or {}) do
    if name ~= "" and not find(scope, name) then
      at.value = name
      if not scope.makers[name] then
        ctx.report:error("dangling", at, "input %d: nothing makes '%s'", k - 1, shown(name))
      elseif ctx.n_cycle_searches < 100 and is_on_cycle(scope, nodes, i) then
        ctx.n_cycle_searches = ctx.n_cycle_searches + 1
        ctx.report:error("cycle", at, "input %d: '%s' depends on this node", k - 1, shown(name))
      else
        ctx.n_cycle_searches = ctx.n_cycle_searches + 1
        ctx.report:error("topology", at, "input %d: '%s' is made by a later node", k - 1,
          shown(name))
      end
    end
  end
  at.value = nil
end

local function define_output(ctx, scope, at, name, k)
  local known = scope.values[name]
  if known then
    local what = known.kind == "node" and "made by another node" or "an " .. known.kind
    ctx.report:error("ssa", at, "output %d: '%s' already is %s", k - 1, shown(name), what)
  elseif has_outside(scope, name) then
    ctx.report:error("shadow", at, "output %d: '%s' is the name of a value of the graph around it",
      k - 1, shown(name))
  end
end

--- Output k gets the type that follows from the operator, against the one that is declared.
local function conclude(ctx, scope, at, operator, name, k, found)
  local value = scope.declared[name]
  local declared = value and types.text(value.type)
  if found and declared and found ~= declared then
    ctx.report:error("type", at, "output %d: '%s' is declared as %s, but comes out as %s", k - 1,
      shown(name), declared, found)
  elseif declared and not found and operator and operator.types then
    operators.check_output(ctx, at, operator, k, declared)
  end
  scope.values[name] = {
    kind = "node", type = found or declared, shape = value and types.shape(value.type),
  }
end

local function check_call(ctx, at, node, called)
  local n_in, n_out = #(node.input or {}), #(node.output or {})
  if n_in > #(called.input or {}) then
    ctx.report:error("arity", at, "the function has %d inputs, got %d", #(called.input or {}), n_in)
  end
  if n_out > #(called.output or {}) then
    ctx.report:error("arity", at, "the function has %d outputs, got %d", #(called.output or {}),
      n_out)
  end
end

local function check_node(ctx, scope, nodes, i)
  local node = nodes[i]
  local at = {
    graph = scope.label, operator = node.op_type or "?",
    node = node.name and node.name ~= "" and node.name or ("#%d"):format(i - 1),
  }
  local operator, called
  if not node.op_type or node.op_type == "" then
    ctx.report:error("operator", at, "it names no operator")
  else
    operator, called = operators.find(ctx, at, node)
  end
  if not node.input and not node.output then
    ctx.report:error("arity", at, "it has neither inputs nor outputs")
  end
  if node.overload and node.overload ~= "" and ctx.ir > 0 and ctx.ir < 10 then
    ctx.report:error("ir-version", at, "overloads need IR version 10, the model has %d", ctx.ir)
  end
  check_metadata(ctx, at, node.metadata_props)
  check_inputs(ctx, scope, at, nodes, i)
  local declared, severity
  if operator then
    declared, severity = operator.attributes, operator.is_own and "warning" or "error"
    if operator.deprecated then
      ctx.report:error("deprecated", at, "%s is deprecated since version %d of %s", operator.name,
        operator.since, operators.domain_name(operator.domain))
    else
      operators.check_arity(ctx, at, node, operator)
      subgraphs.check(ctx, at, node, operator)
      values.check(ctx, at, node, operator)
    end
  elseif called then
    check_call(ctx, at, node, called)
    declared, severity = ctx.call_attributes[called], "error"
  end
  local title = operator and ("version %d of %s"):format(operator.since, operator.name)
    or called and "the function" or ""
  attributes.check(ctx, at, node, title, declared, severity, function(graph, name)
    local label = ("graph '%s' of node '%s'"):format(shown(name), shown(at.node))
    M.check(ctx, graph, scope, scope.label and scope.label .. ", " .. label or label)
  end)
  local function type_of(name)
    local value = find(scope, name)
    return value and value.type
  end
  local found = operator and operators.check_types(ctx, at, node, operator, type_of)
    or called and calls.types(ctx, called, node, type_of) or {}
  for k, name in ipairs(node.output or {}) do
    if name ~= "" then
      at.value = name
      define_output(ctx, scope, at, name, k)
      conclude(ctx, scope, at, operator, name, k, found[k])
    end
  end
end

--- Nodes in their order, with the names that they see and make. `names`: what the graph's nodes
--- make.
function M.check_nodes(ctx, scope, nodes)
  local names = {}
  for i, node in ipairs(nodes) do
    for _, name in ipairs(node.output or {}) do
      if name ~= "" and not scope.makers[name] then scope.makers[name] = i end
    end
    local name = node.name or ""
    if name ~= "" then
      if names[name] then
        ctx.report:warning("duplicate", { graph = scope.label, node = name,
          operator = node.op_type },
          "another node has the same name")
      end
      names[name] = true
    end
  end
  for i in ipairs(nodes) do check_node(ctx, scope, nodes, i) end
end

-- ---- graphs -------------------------------------------------------------------------------------

local function check_outputs(ctx, scope, graph)
  local seen = {}
  for i, value in ipairs(graph.output or {}) do
    local name = value.name or ""
    local at, known = place(scope, "output", name), find(scope, name)
    if name == "" then
      ctx.report:error("name", at, "number %d has no name", i - 1)
    elseif not known then
      ctx.report:error("dangling", at, "nothing makes it")
    elseif seen[name] then
      ctx.report:warning("duplicate", at, "it is there twice")
    end
    seen[name] = true
    check_declaration(ctx, at, value)
    if not scope.outer then check_is_complete(ctx, at, value) end
    if known and known.kind ~= "node" and value.type then
      local declared = { type = types.text(value.type), shape = types.shape(value.type) }
      contradict(ctx, at, declared, known.type, known.shape)
    end
  end
end

local function check_annotations(ctx, scope, graph)
  for _, annotation in ipairs(graph.quantization_annotation or {}) do
    local name = annotation.tensor_name or ""
    local at = { graph = scope.label, value = name }
    if not scope.values[name] then
      ctx.report:error("dangling", at, "quantization annotation: there is no value '%s'",
        shown(name))
    end
    for _, entry in ipairs(annotation.quant_parameter_tensor_names or {}) do
      if not scope.values[entry.value or ""] then
        ctx.report:error("dangling", at, "quantization annotation of '%s': there is no value '%s'",
          shown(name), shown(entry.value or ""))
      end
    end
  end
end

---@param outer perigee.check.Scope?
---@param label string? nil: the main graph
---@return perigee.check.Scope
function M.scope(outer, label)
  return { outer = outer, label = label, values = {}, makers = {}, declared = {} }
end

--- Checks a GraphProto; returns its scope.
---@param outer perigee.check.Scope? of the graph around it
---@param label string?
---@return perigee.check.Scope
function M.check(ctx, graph, outer, label)
  local scope = M.scope(outer, label)
  if not graph.name or graph.name == "" then
    ctx.report:error("name", { graph = label }, "the graph has no name")
  end
  read_inputs(ctx, scope, graph)
  read_constants(ctx, scope, graph)
  read_value_infos(ctx, scope, graph)
  for _, value in ipairs(graph.output or {}) do
    if value.type and value.name then
      local before = scope.declared[value.name]
      local is_sound = before and before.type and types.text(before.type) and types.text(value.type)
      if is_sound and types.text(before.type) ~= types.text(value.type) then
        ctx.report:error("type", { graph = label, value = value.name },
          "'%s' is declared as %s, and as %s", shown(value.name), types.text(before.type),
          types.text(value.type))
      end
      scope.declared[value.name] = value
    end
  end
  M.check_nodes(ctx, scope, graph.node or {})
  check_outputs(ctx, scope, graph)
  check_annotations(ctx, scope, graph)
  check_metadata(ctx, { graph = label }, graph.metadata_props)
  return scope
end

return M
