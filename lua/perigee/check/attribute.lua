--- Rules for attributes: their content against their kind, and against what the operator declares.
local schema = require "perigee.check.schema"
local shown = require("perigee.check.report").shown
local tensor = require "perigee.check.tensor"
local types = require "perigee.check.types"

local M = {}

--- AttributeProto's value fields, by the number of the kind.
local fields = {
  "f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor",
  "sparse_tensors", "tp", "type_protos",
}

local function kind_name(kind) return schema.kind_names[kind] or ("kind %d"):format(kind) end

--- The kind: stated, or in IR version 1 told from the field in use. nil: it can't be told.
local function kind_of(ctx, at, attribute, used)
  local kind = attribute.type
  if kind and kind ~= 0 then
    if fields[kind] then return kind end
    ctx.report:error("attribute", at, "%d is no kind of attribute", kind)
    return nil
  end
  if ctx.ir ~= 1 then ctx.report:error("attribute", at, "it doesn't state its kind") end
  return #used == 1 and used[1] or nil
end

local function check_reference(ctx, at, attribute, used)
  local name = attribute.ref_attr_name
  if #used > 0 then
    ctx.report:error("attribute", at, "it has a value, and refers to the function's '%s' besides",
      shown(name))
  end
  local declared = ctx.function_attributes
  if not declared then
    ctx.report:error("attribute", at, "it refers to an attribute '%s', but is in no function",
      shown(name))
  elseif declared[name] == nil then
    ctx.report:error("function", at, "it refers to '%s', which the function doesn't declare",
      shown(name))
  elseif declared[name] ~= true and attribute.type and declared[name] ~= attribute.type then
    ctx.report:error("function", at, "it is a %s, but the function's '%s' is a %s",
      kind_name(attribute.type), shown(name), kind_name(declared[name]))
  end
end

--- Checks what hangs below an attribute: tensors, types. Graphs are the caller's, by `on_graph`.
local function check_content(ctx, at, attribute, on_graph)
  for _, t in ipairs(attribute.tensors or {}) do tensor.check(ctx, at, t) end
  for _, t in ipairs(attribute.sparse_tensors or {}) do tensor.check_sparse(ctx, at, t) end
  if attribute.t then tensor.check(ctx, at, attribute.t) end
  if attribute.sparse_tensor then tensor.check_sparse(ctx, at, attribute.sparse_tensor) end
  if (attribute.sparse_tensor or attribute.sparse_tensors) and ctx.ir > 0 and ctx.ir < 6 then
    ctx.report:error("ir-version", at, "sparse tensors need IR version 6, the model has %d", ctx.ir)
  end
  local function type_fault(message) ctx.report:error("type", at, "its type: %s", message) end
  if attribute.tp then types.faults(attribute.tp, type_fault) end
  for _, t in ipairs(attribute.type_protos or {}) do types.faults(t, type_fault) end
  if attribute.g then on_graph(attribute.g, attribute.name) end
  for i, g in ipairs(attribute.graphs or {}) do
    on_graph(g, ("%s[%d]"):format(attribute.name, i - 1))
  end
end

--- Checks one attribute by itself; returns its kind.
local function check_one(ctx, at, attribute, on_graph)
  local used = {}
  for kind, field in ipairs(fields) do
    if attribute[field] ~= nil then used[#used + 1] = kind end
  end
  local kind = kind_of(ctx, at, attribute, used)
  if attribute.ref_attr_name and attribute.ref_attr_name ~= "" then
    check_reference(ctx, at, attribute, used)
    return kind
  end
  if #used > 1 then
    local names = {}
    for i, k in ipairs(used) do names[i] = kind_name(k) end
    ctx.report:error("attribute", at, "it has several values: %s", table.concat(names, ", "))
  elseif kind and used[1] and used[1] ~= kind then
    ctx.report:error("attribute", at, "it is said to be a %s, but has a %s", kind_name(kind),
      kind_name(used[1]))
  elseif kind and not used[1] and (kind == 4 or kind == 5 or kind == 11 or kind == 13) then
    ctx.report:error("attribute", at, "it is said to be a %s, but has none", kind_name(kind))
  end
  check_content(ctx, at, attribute, on_graph)
  return kind
end

--- Against the declarations { [name] = { kind, required } }. severity: how sure these are.
local function check_declared(ctx, at, where, declared, kinds, severity)
  for name, kind in pairs(kinds) do
    local known = declared[name]
    at.value = name
    if not known then
      if name:sub(1, 2) ~= "__" then -- names that runtimes add for themselves
        ctx.report:add(severity, "attribute", at, "%s has no attribute '%s'", where, shown(name))
      end
    elseif kind and known.kind and kind ~= known.kind then
      ctx.report:error("attribute", at, "attribute '%s': expected a %s, got a %s", shown(name),
        kind_name(known.kind), kind_name(kind))
    end
  end
  for name, known in pairs(declared) do
    if known.required and kinds[name] == nil then
      at.value = name
      ctx.report:error("attribute", at, "%s needs the attribute '%s'", where, name)
    end
  end
  at.value = nil
end

--- Checks all attributes of a node. `declared` nil: nobody knows what the operator has.
---@param at table where the node is
---@param where string the operator and its version, for messages
---@param severity "error"|"warning" of attributes that are not declared
---@param on_graph fun(graph: table, name: string)
function M.check(ctx, at, node, where, declared, severity, on_graph)
  local kinds = {}
  for i, attribute in ipairs(node.attribute or {}) do
    local name = attribute.name
    local here = {
      graph = at.graph, node = at.node, operator = at.operator, value = name,
      what = ("attribute '%s'"):format(shown(name or "")),
    }
    if not name or name == "" then
      ctx.report:error("attribute", here, "number %d has no name", i - 1)
      name = nil
    elseif kinds[name] ~= nil then
      ctx.report:error("attribute", here, "it is there twice")
    end
    local kind = check_one(ctx, here, attribute, on_graph)
    if name then kinds[name] = kind or false end
  end
  if declared then check_declared(ctx, at, where, declared, kinds, severity) end
end

return M
