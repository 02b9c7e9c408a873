--- Which operator a node names, and whether its inputs, outputs and types are what that one takes.
local core = require "perigee.core"
local schema = require "perigee.check.schema"
local shown = require("perigee.check.report").shown
local types = require "perigee.check.types"

local M = {}

--- Operators of early exporters that never were in a released operator set.
local experimental = {
  ATen = true, Affine = true, ConstantFill = true, Crop = true, DynamicSlice = true, GRUUnit = true,
  GivenTensorFill = true, ImageScaler = true, ParametricSoftplus = true, Scale = true,
  ScaledTanh = true,
}

---@param domain string?
---@return string "" for ONNX's own
function M.plain_domain(domain) return domain == "ai.onnx" and "" or domain or "" end

--- For messages.
function M.domain_name(domain) return domain == "" and "ai.onnx" or domain end

-- ---- operators of this build beyond the standard ------------------------------------------------

local own -- domain \0 name -> something like a perigee.schema.Operator

local function parameters(least, most)
  local list = {}
  for i = 1, math.min(most, 64) do
    list[i] = { name = tostring(i - 1), option = i > least and "optional" or "single" }
  end
  return list
end

local function from_descriptor(op)
  local attributes = {}
  for _, a in ipairs(op.attributes) do
    attributes[a.name] = { name = a.name, kind = a.kind, required = a.required }
  end
  return {
    name = op.name, domain = op.domain, since = op.since[1], is_own = true, types = {},
    attributes = attributes, least_in = op.inputs[1], most_in = op.inputs[2] or math.huge,
    least_out = op.outputs[1], most_out = op.outputs[2] or math.huge,
    inputs = parameters(op.inputs[1], op.inputs[2] or 0),
    outputs = parameters(op.outputs[1], op.outputs[2] or 0),
  }
end

local function own_operator(domain, name)
  if not own then
    own = {}
    for _, op in ipairs(core.operators()) do
      local is_standard = schema.has_domain(op.domain)
      if not is_standard then own[op.domain .. "\0" .. op.name] = from_descriptor(op) end
    end
  end
  return own[domain .. "\0" .. name]
end

-- ---- which one ----------------------------------------------------------------------------------

--- What the node names: a perigee.schema.Operator, a function of the model, or nil after saying
--- why.
---@return table? operator
---@return table? called function
function M.find(ctx, at, node)
  local domain, name = M.plain_domain(node.domain), node.op_type
  local opset = ctx.opsets[domain]
  if not opset then
    ctx.report:error("opset", at, "operator set '%s' isn't imported", shown(M.domain_name(domain)))
  elseif node.domain == "ai.onnx" and not ctx.opsets["ai.onnx"] then
    ctx.report:error("opset", at,
      "operator set 'ai.onnx' isn't imported under this name, but as ''")
  end
  local called = ctx.functions[M.function_key(domain, name, node.overload)]
  if called then return nil, called end
  if not schema.has_domain(domain) then
    local operator = own_operator(domain, name)
    if not operator then
      ctx.report:warning("operator", at,
        "unknown operator %s of the domain '%s': it can't be checked", shown(name), shown(domain))
    end
    return operator
  end
  local operator = opset and schema.find(domain, name, opset)
  if operator then return operator end
  local versions = schema.versions(domain, name)
  if not versions then
    local severity = domain == "" and experimental[name] and "warning" or "error"
    ctx.report:add(severity, "operator", at, "%s has no operator %s", M.domain_name(domain),
      shown(name))
  elseif opset then
    ctx.report:error("opset", at, "%s exists since version %d of %s, but version %d is imported",
      name,
      versions[1].since, M.domain_name(domain), opset)
  end
end

---@return string
function M.function_key(domain, name, overload)
  return table.concat({ M.plain_domain(domain), name or "", overload or "" }, "\0")
end

--- "F", "D.F" or "D.F:OVERLOAD" of a FunctionProto.
---@return string
function M.function_name(f)
  local domain = M.plain_domain(f.domain)
  local name = domain == "" and f.name or ("%s.%s"):format(domain, f.name)
  return shown(f.overload and f.overload ~= "" and name .. ":" .. f.overload or name or "")
end

---@return string
function M.function_label(f) return ("function '%s'"):format(M.function_name(f)) end

-- ---- arity --------------------------------------------------------------------------------------

local function range(least, most)
  if least == most then return ("%d"):format(least) end
  if most == math.huge then return ("at least %d"):format(least) end
  return ("%d to %d"):format(least, most)
end

local function parameter_of(list, i)
  local last = list[#list]
  return list[i] or last and last.option == "variadic" and last or nil
end

local function check_side(ctx, at, names, list, least, most, side)
  if #names < least or #names > most then
    ctx.report:error("arity", at, "expected %s %s%s, got %d", range(least, most), side,
      least == 1 and most == 1 and "" or "s", #names)
  end
  for i, name in ipairs(names) do
    local parameter = parameter_of(list, i)
    if name == "" and parameter and parameter.option == "single" then
      ctx.report:error("arity", at, "%s %d (%s) must be there, but its name is empty", side, i - 1,
        parameter.name)
    end
  end
end

function M.check_arity(ctx, at, node, operator)
  check_side(ctx, at, node.input or {}, operator.inputs, operator.least_in, operator.most_in,
    "input")
  check_side(ctx, at, node.output or {}, operator.outputs, operator.least_out, operator.most_out,
    "output")
end

-- ---- types --------------------------------------------------------------------------------------

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  if #list > 24 then return table.concat(list, " ", 1, 24) .. " ..." end
  return table.concat(list, " ")
end

--- Notes that `variable` stands for `found`, unless it stood for something else.
local function bind(ctx, at, operator, bound, parameter, label, found)
  local allowed = operator.types[parameter.type]
  if not allowed then
    if found ~= parameter.type then
      ctx.report:error("type", at, "%s: expected %s, got %s", label, parameter.type, found)
    end
    return
  end
  if not allowed[found] then
    ctx.report:error("type", at, "%s can't be %s in version %d of %s (%s: %s)", label, found,
      operator.since, operator.name, parameter.type, sorted(allowed))
    return
  end
  if parameter.mixed then return end
  local before = bound[parameter.type]
  if before and before.type ~= found then
    ctx.report:error("type", at, "%s is %s, but %s is %s: both are %s", label, found, before.label,
      before.type, parameter.type)
  elseif not before then
    bound[parameter.type] = { type = found, label = label }
  end
end

--- Attributes that name the element type of what comes out.
local type_attributes = { to = true, dtype = true, output_dtype = true, output_datatype = true }
--- Attributes that hold it, of Constant and ConstantOfShape.
local value_types = {
  value_float = "f32", value_floats = "f32", value_int = "i64", value_ints = "i64",
  value_string = "string", value_strings = "string",
}

--- The type of outputs as the attributes state it; nil when they don't.
local function type_from_attributes(node)
  for _, a in ipairs(node.attribute or {}) do
    if a.ref_attr_name and a.ref_attr_name ~= "" then return nil end
    if type_attributes[a.name] and a.i and a.i ~= 0 then return types.element(a.i) end
    if a.name == "value" and a.t then return types.element(a.t.data_type) end
    if a.name == "sparse_value" and a.sparse_tensor and a.sparse_tensor.values then
      return types.element(a.sparse_tensor.values.data_type)
    end
    if value_types[a.name] and node.op_type == "Constant" then return value_types[a.name] end
  end
end

--- Attributes whose number the standard takes for an element type must name one.
local function check_type_attributes(ctx, at, node, operator)
  for _, a in ipairs(node.attribute or {}) do
    local declared = type_attributes[a.name] and operator.attributes[a.name]
    local is_unset = declared and a.i == 0 and not declared.required
    if declared and a.i and a.type == 2 and not is_unset and not types.elements[a.i] then
      ctx.report:error("attribute", at, "attribute '%s': %d is no element type", a.name, a.i)
    end
  end
end

--- The type of an output that the standard alone decides; nil when it doesn't.
local function output_type(operator, parameter, bound, stated)
  local allowed = operator.types[parameter.type]
  if not allowed then return parameter.type end
  if parameter.mixed then return nil end
  if bound[parameter.type] then return bound[parameter.type].type end
  local only = next(allowed)
  if next(allowed, only) == nil then return only end
  if stated and allowed[stated] then return stated end
  if stated and allowed["seq(" .. stated .. ")"] then return "seq(" .. stated .. ")" end
  return nil, stated and not allowed[stated] and next(bound) == nil and allowed or nil
end

--- Types of inputs against the operator's type variables; the types of outputs as far as they
--- follow.
---@param type_of fun(name: string): string?
---@return table<integer, string> outputs
function M.check_types(ctx, at, node, operator, type_of)
  local bound, outputs = {}, {}
  for i, name in ipairs(node.input or {}) do
    local parameter, found = parameter_of(operator.inputs, i), name ~= "" and type_of(name)
    if parameter and parameter.type and found then
      bind(ctx, at, operator, bound, parameter,
        ("input %d (%s)"):format(i - 1, parameter.name), found)
    end
  end
  if operator.is_own then return outputs end
  check_type_attributes(ctx, at, node, operator)
  local stated = type_from_attributes(node)
  for i in ipairs(node.output or {}) do
    local parameter = parameter_of(operator.outputs, i)
    if parameter then
      local unfit
      outputs[i], unfit = output_type(operator, parameter, bound, stated)
      if unfit and i == 1 then
        ctx.report:error("type", at, "output %d (%s) can't be %s in version %d of %s (%s: %s)",
          i - 1,
          parameter.name, stated, operator.since, operator.name, parameter.type, sorted(unfit))
      end
    end
  end
  return outputs
end

--- A declared type of an output that the operator doesn't allow.
function M.check_output(ctx, at, operator, i, declared)
  local parameter = parameter_of(operator.outputs, i)
  local allowed = parameter and operator.types[parameter.type]
  if allowed and not allowed[declared] then
    ctx.report:error("type", at, "output %d (%s) can't be %s in version %d of %s (%s: %s)", i - 1,
      parameter.name, declared, operator.since, operator.name, parameter.type, sorted(allowed))
  end
end

return M
