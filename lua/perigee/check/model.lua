--- Rules for models: versions, operator sets, functions, training information.
local graphs = require "perigee.check.graph"
local operators = require "perigee.check.operator"
local attributes = require "perigee.check.attribute"
local schema = require "perigee.check.schema"
local shown = require("perigee.check.report").shown

local M = {}

--- IR versions that are known, and the newest version of each operator set.
local NEWEST_IR = 14
local newest = {
  [""] = 28, ["ai.onnx.ml"] = 5, ["ai.onnx.preview"] = 1, ["ai.onnx.preview.training"] = 1,
}

--- Imports as { [domain] = version }: of several for a domain the highest counts.
local function read_imports(ctx, at, imports)
  local opsets = {}
  for _, import in ipairs(imports or {}) do
    local domain, version = operators.plain_domain(import.domain), import.version or 0
    local title = operators.domain_name(domain)
    if opsets[domain] then
      ctx.report:warning("opset", at, "operator set '%s' is imported twice", shown(title))
    end
    if version < 1 or newest[domain] and version > newest[domain] then
      ctx.report:error("opset", at, "version %d of operator set '%s': known are 1 to %d", version,
        shown(title), newest[domain] or version)
    end
    opsets[domain] = math.max(opsets[domain] or 0, version)
    if import.domain == "ai.onnx" then opsets["ai.onnx"] = version end -- nodes may say so, too
  end
  return opsets
end

local function check_header(ctx, model)
  local ir, at = model.ir_version or 0, {}
  if ir < 1 then
    ctx.report:error("ir-version", at, "the model states no IR version")
  elseif ir > NEWEST_IR then
    ctx.report:error("ir-version", at, "IR version %d: known are 1 to %d", ir, NEWEST_IR)
  end
  if ir >= 3 and not model.opset_import then
    ctx.report:error("opset", at,
      "the model imports no operator set, which IR version %d asks for", ir)
  elseif ir >= 1 and ir < 3 and model.opset_import then
    ctx.report:error("opset", at,
      "operator sets are imported since IR version 3, the model has %d", ir)
  end
  graphs.check_metadata(ctx, at, model.metadata_props)
  ctx.opsets = read_imports(ctx, at, model.opset_import)
  if not model.opset_import then ctx.opsets[""] = 1 end
  local features = {
    { 7, model.training_info, "training information" }, { 8, model.functions, "functions" },
    { 11, model.configuration, "device configurations" },
  }
  for _, feature in ipairs(features) do
    if feature[2] and ir > 0 and ir < feature[1] then
      ctx.report:error("ir-version", at, "%s need IR version %d, the model has %d", feature[3],
        feature[1], ir)
    end
  end
end

-- ---- functions ----------------------------------------------------------------------------------

local function index_functions(ctx, model)
  for _, f in ipairs(model.functions or {}) do
    local key = operators.function_key(f.domain, f.name, f.overload)
    if ctx.functions[key] then
      ctx.report:error("function", { value = f.name }, "function '%s' is there twice",
        operators.function_name(f))
    end
    ctx.functions[key] = f
    local declared = {}
    for _, name in ipairs(f.attribute or {}) do declared[name] = { name = name } end
    for _, a in ipairs(f.attribute_proto or {}) do
      declared[a.name or ""] = { name = a.name, kind = a.type }
    end
    ctx.call_attributes[f] = declared
  end
end

--- Functions that the nodes call, those in subgraphs too.
local function calls_of(ctx, nodes, found)
  for _, node in ipairs(nodes or {}) do
    local called = ctx.functions[operators.function_key(node.domain, node.op_type, node.overload)]
    if called then found[called] = true end
    for _, a in ipairs(node.attribute or {}) do
      if a.g then calls_of(ctx, a.g.node, found) end
      for _, g in ipairs(a.graphs or {}) do calls_of(ctx, g.node, found) end
    end
  end
  return found
end

--- A function that is reached from itself is recursive.
local function check_recursion(ctx, model)
  local calls = {}
  for _, f in ipairs(model.functions or {}) do calls[f] = calls_of(ctx, f.node, {}) end
  for _, f in ipairs(model.functions or {}) do
    local seen, open = {}, { f }
    while #open > 0 and not seen[f] do
      for called in pairs(calls[table.remove(open)]) do
        if not seen[called] then
          seen[called] = true
          open[#open + 1] = called
        end
      end
    end
    if seen[f] then
      ctx.report:error("function", { value = f.name }, "function '%s' calls itself",
        operators.function_name(f))
    end
  end
end

local function check_list(ctx, at, names, what)
  local seen = {}
  for i, name in ipairs(names or {}) do
    if name == "" then
      ctx.report:error("name", at, "%s %d has no name", what, i - 1)
    elseif seen[name] then
      ctx.report:error("function", at, "%s '%s' is there twice", what, shown(name))
    end
    seen[name] = true
  end
end

--- A node means the same operator to the model as to the function, or inlining would change it.
local function check_versions(ctx, at, f, opsets, model_opsets)
  local told = {}
  for _, node in ipairs(f.node or {}) do
    local domain, name = operators.plain_domain(node.domain), node.op_type or ""
    local mine, theirs = opsets[domain], model_opsets[domain]
    if mine and theirs and mine ~= theirs and not told[name] then
      local a, b = schema.find(domain, name, mine), schema.find(domain, name, theirs)
      if a and b and a.since ~= b.since then
        told[name] = true
        ctx.report:error("function", at,
          "%s of version %d of '%s' differs from that of version %d, which the model imports",
            name, mine,
          operators.domain_name(domain), theirs)
      end
    end
  end
end

local function check_attribute_lists(ctx, at, f)
  local names = {}
  for _, name in ipairs(f.attribute or {}) do names[#names + 1] = name end
  for _, a in ipairs(f.attribute_proto or {}) do names[#names + 1] = a.name or "" end
  check_list(ctx, at, names, "attribute")
  if f.attribute_proto and ctx.ir > 0 and ctx.ir < 9 then
    ctx.report:error("ir-version", at,
      "attributes with defaults need IR version 9, the model has %d",
      ctx.ir)
  end
  local holder = { attribute = f.attribute_proto }
  attributes.check(ctx, at, holder, "", nil, "error", function(graph, name)
    graphs.check(ctx, graph, graphs.scope(), ("%s, graph '%s'"):format(at.graph, shown(name)))
  end)
end

local function check_function(ctx, f)
  local label = operators.function_label(f)
  local at, model_opsets = { graph = label }, ctx.opsets
  if not f.name or f.name == "" then ctx.report:error("name", at, "the function has no name") end
  if not f.domain or f.domain == "" then
    ctx.report:error("function", at, "the function has no domain")
  end
  if f.overload and f.overload ~= "" and ctx.ir > 0 and ctx.ir < 10 then
    ctx.report:error("ir-version", at, "overloads need IR version 10, the model has %d", ctx.ir)
  end
  check_list(ctx, at, f.input, "input")
  check_list(ctx, at, f.output, "output")
  ctx.function_attributes = {}
  check_attribute_lists(ctx, at, f)
  for name, a in pairs(ctx.call_attributes[f]) do ctx.function_attributes[name] = a.kind or true end
  if not f.opset_import then
    ctx.report:error("opset", at, "the function imports no operator set")
  end
  ctx.opsets = read_imports(ctx, at, f.opset_import)
  check_versions(ctx, at, f, ctx.opsets, model_opsets)
  local scope = graphs.scope(nil, label)
  for _, name in ipairs(f.input or {}) do scope.values[name] = { kind = "input" } end
  for _, value in ipairs(f.value_info or {}) do scope.declared[value.name or ""] = value end
  graphs.check_nodes(ctx, scope, f.node or {})
  for _, name in ipairs(f.output or {}) do
    if name ~= "" and not scope.values[name] then
      ctx.report:error("dangling", at, "output '%s': nothing makes it", shown(name))
    end
  end
  graphs.check_metadata(ctx, at, f.metadata_props)
  ctx.opsets, ctx.function_attributes = model_opsets, nil
end

-- ---- models -------------------------------------------------------------------------------------

--- Checks a ModelProto.
---@param model table as wire.lua reads it
---@param o { source: table, path: string?, report: table } path: beside which external data lie
function M.check(model, o)
  local ctx = {
    report = o.report, source = o.source, path = o.path, ir = model.ir_version or 0, functions = {},
    call_attributes = {}, calls = {}, file_sizes = {}, n_cycle_searches = 0,
  }
  check_header(ctx, model)
  index_functions(ctx, model)
  check_recursion(ctx, model)
  local scope
  if model.graph then
    scope = graphs.check(ctx, model.graph)
  else
    ctx.report:error("name", {}, "the model has no graph")
  end
  for _, f in ipairs(model.functions or {}) do check_function(ctx, f) end
  for i, info in ipairs(model.training_info or {}) do
    local label = ("training information %d"):format(i - 1)
    if info.initialization then graphs.check(ctx, info.initialization, nil, label) end
    if info.algorithm then graphs.check(ctx, info.algorithm, scope, label) end
  end
end

return M
