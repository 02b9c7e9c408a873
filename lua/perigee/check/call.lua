--- Types through the functions of a model: a function states none, so its nodes are looked at once
--- for each list of types that it is called with.
local operators = require "perigee.check.operator"
local schema = require "perigee.check.schema"

local M = {}

--- Beyond this many different calls of one function nothing new is to be expected.
local MOST_CALLS = 100

--- The operator that a node of the function means, without a word where there is none.
local function operator_of(called, node)
  local domain = operators.plain_domain(node.domain)
  for _, import in ipairs(called.opset_import or {}) do
    if operators.plain_domain(import.domain) == domain then
      return schema.find(domain, node.op_type or "", import.version or 0)
    end
  end
end

local function walk(ctx, label, called, known)
  for i, node in ipairs(called.node or {}) do
    local at = {
      graph = label, operator = node.op_type or "?",
      node = node.name and node.name ~= "" and node.name or ("#%d"):format(i - 1),
    }
    local inner = ctx.functions[operators.function_key(node.domain, node.op_type, node.overload)]
    local operator = not inner and operator_of(called, node)
    local function type_of(name) return known[name] end
    local found = inner and M.types(ctx, inner, node, type_of)
      or operator and not operator.deprecated and operators.check_types(ctx, at, node, operator,
        type_of)
      or {}
    for k, name in ipairs(node.output or {}) do
      if name ~= "" then known[name] = found[k] end
    end
  end
end

--- The types of what a call gives; what can't be inside is reported.
---@param called table the FunctionProto
---@param node table that calls
---@param type_of fun(name: string): string?
---@return table<integer, string>
function M.types(ctx, called, node, type_of)
  local calls = ctx.calls[called] or { n = 0 }
  ctx.calls[called] = calls
  local known, key = {}, {}
  for i, name in ipairs(called.input or {}) do
    local given = node.input and node.input[i]
    known[name] = given and given ~= "" and type_of(given) or nil
    key[i] = known[name] or "?"
  end
  local text = table.concat(key, " ")
  if calls[text] or calls.n >= MOST_CALLS then return calls[text] or {} end
  local outputs = {}
  calls[text], calls.n = outputs, calls.n + 1 -- now already: a function may call itself
  walk(ctx, operators.function_label(called), called, known)
  for i, name in ipairs(called.output or {}) do outputs[i] = known[name] end
  return outputs
end

return M
