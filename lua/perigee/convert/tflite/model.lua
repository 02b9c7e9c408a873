--- From a decoded file to a graph: subgraphs, signatures, and which converter takes which operator.
local builder = require "perigee.convert.builder"
local core = require "perigee.core"
local fail = require "perigee.convert.fail"
local flatbuffer = require "perigee.convert.flatbuffer"
local schema = require "perigee.convert.tflite.schema"
local Scope = require "perigee.convert.tflite.scope"

local M = {}

--- Subgraphs may call each other in circles.
local MOST_DEPTH = 24

local families = {
  "unary", "binary", "conv", "dense", "pool", "softmax", "shape", "slice", "reduce", "resize",
  "index", "control", "state", "recurrent", "signal", "stablehlo", "custom", "audio",
}

local converters
local function converter_table()
  if converters then return converters end
  converters = { custom = {} }
  for _, family in ipairs(families) do
    local module = require("perigee.convert.tflite." .. family)
    for name, f in pairs(module.custom or {}) do converters.custom[name] = f end
    for name, f in pairs(module) do
      if name:find "^%u" then converters[name] = f end -- the rest are helpers
    end
  end
  return converters
end

local Model = {}
Model.__index = Model

--- What an operator is called, and its converter.
function Model:operator(index)
  local code = self.file.operator_codes[index + 1]
  if not code then fail.format("operator code %d: there are %d", index,
    #self.file.operator_codes) end
  local number = math.max(code.builtin_code, code.deprecated_builtin_code)
  local name = schema.operators[number]
  if not name then return ("builtin operator %d"):format(number), nil, code.version end
  if name ~= "CUSTOM" then return name, self.converters[name], code.version end
  local custom = code.custom_code or "?"
  local f = self.opts.custom and self.opts.custom[custom] or self.converters.custom[custom]
  return custom, f, code.version, true
end

local function options_of(op)
  return op.builtin_options or op.builtin_options2
end

--- An absent table of options stands for its defaults.
local no_options = setmetatable({}, {
  __index = function(_, key)
    if key:find "_factor$" or key == "beta" then return 1 end
    if key:find "^is_" or key:find "^keep_" or key:find "_corners$" or key:find "_centers$"
      or key:find "^asymmetric" or key:find "major$" or key:find "mask$" == nil
      and (key == "offset" or key == "adj_x" or key == "adj_y" or key == "merge_outputs"
        or key == "approximate" or key == "exclusive" or key == "reverse") then
      return false
    end
    return 0
  end,
})

local function flex_advice(name)
  if name:find "^Flex" then return "convert without SELECT_TF_OPS: it is TensorFlow's own kernel"
    end
  return "give its converter: opts.custom = { [\"" .. name
    .. "\"] = function(scope, node) ... end }"
end

local function check_indices(list, n, what)
  for _, index in ipairs(list) do
    if index < -1 or index >= n then
      fail.format("%s: tensor %d of %d", what, index, n)
    end
  end
end

--- Runs a converter. One that stumbles over an operator whose parts contradict each other (options
--- of another operator, a rank that can't be) says so, and where.
local function guarded(f, scope, node)
  local ok, problem = xpcall(f, function(problem)
    if getmetatable(problem) == core.failure_meta
      or type(problem) ~= "string" then return problem end
    return { text = problem }
  end, scope, node)
  if ok then return end
  if getmetatable(problem) == core.failure_meta then error(problem, 0) end
  fail.format("%s (%s): malformed: %s", node.place, node.type,
    type(problem) == "table" and problem.text or "?")
end

--- Converts the operators of a subgraph into a scope whose inputs have values.
function Model:run(scope)
  for i, op in ipairs(scope.file.operators) do
    local name, f, version, is_custom = self:operator(op.opcode_index)
    local place = ("operator %d of subgraph %d"):format(i - 1, scope.index)
    check_indices(op.inputs, #scope.tensors, place)
    check_indices(op.outputs, #scope.tensors, place)
    local node = {
      type = name, inputs = op.inputs, outputs = op.outputs, o = options_of(op) or no_options,
      version = version, place = place, custom = op.custom_options,
      intermediates = op.intermediates,
    }
    scope:begin(node)
    if f then
      guarded(f, scope, node)
    else
      scope:unsupported(is_custom and "custom operator " .. name or name,
        is_custom and flex_advice(name) or nil)
    end
    scope:finish_node(node)
  end
end

--- A scope for subgraph `index` in builder b.
---@param index integer from 0
---@param b perigee.convert.Builder
---@param depth integer
function Model:scope(index, b, depth)
  if depth > MOST_DEPTH then fail.format("subgraphs call each other deeper than %d", MOST_DEPTH) end
  local file = self.file.subgraphs[index + 1]
  if not file then fail.format("subgraph %d: there are %d", index, #self.file.subgraphs) end
  local scope = Scope.new(self, file, index, b, depth)
  check_indices(file.inputs, #scope.tensors, "inputs of subgraph " .. index)
  check_indices(file.outputs, #scope.tensors, "outputs of subgraph " .. index)
  return scope
end

--- Tensors by which the operators of subgraph `index` are run on values of other scope.
---@return string[] names of the values of its outputs
function Model:inline(index, b, depth, inputs)
  local scope = self:scope(index, b, depth)
  if #inputs < #scope.file.inputs then
    fail.format("subgraph %d takes %d inputs, gets %d", index, #scope.file.inputs, #inputs)
  end
  for i, tensor in ipairs(scope.file.inputs) do scope:give(tensor, inputs[i]) end
  self:run(scope)
  local outputs = {}
  for i, tensor in ipairs(scope.file.outputs) do outputs[i] = scope:value(tensor) end
  return outputs, scope
end

-- ---- the border ---------------------------------------------------------------------------------

local function find_signature(model, name)
  local keys = {}
  for i, signature in ipairs(model.signature_defs) do
    if signature.signature_key == name then return signature end
    keys[i] = signature.signature_key or "?"
  end
  fail.format("no signature '%s' (there are: %s)", name, table.concat(keys, ", "))
end

local function names_of(maps)
  local names = {}
  for _, map in ipairs(maps) do names[map.tensor_index] = map.name end
  return names
end

local function border_shape(tensor, i)
  local dims = {}
  for axis, size in ipairs(tensor.shape) do
    dims[axis] = size >= 0 and size or ("dim_%s_%d"):format(i, axis - 1)
  end
  return dims
end

local function note_signatures(file, g)
  for _, signature in ipairs(file.signature_defs) do
    local parts = {}
    for _, side in ipairs { "inputs", "outputs" } do
      for _, map in ipairs(signature[side]) do
        local sub = file.subgraphs[signature.subgraph_index + 1]
        local tensor = sub and sub.tensors[map.tensor_index + 1]
        parts[#parts + 1] = ("%s %s=%s"):format(side, map.name or "?", tensor and tensor.name
          or "?")
      end
    end
    g:set_metadata("signature." .. (signature.signature_key or ""), table.concat(parts, "; "))
  end
end

--- Reserves the names of the border, so that nothing inside takes them.
local function border_names(scope, b, given)
  local names = {}
  for side, list in ipairs { scope.file.inputs, scope.file.outputs } do
    for _, index in ipairs(list) do
      local tensor = scope.tensors[index + 1]
      if not tensor then fail.format("the border names tensor %d", index) end
      local name = given and given[side][index] or tensor.name
      if not names[index] then names[index] = b:unique(name) end
    end
  end
  scope.names = names
end

--- What the file says of an output. Sizes of what has them at run time only are not to be trusted:
--- writers leave such tensors without a shape.
local function declare(scope, b, index, value)
  local tensor = scope.tensors[index + 1]
  local info = b.graph:value(value)
  if info.constant or info.is_input then return end
  local dims = tensor.rank > 0 and border_shape(tensor, "out_" .. index) or nil
  for i, size in ipairs(dims or {}) do
    if size == 0 then return end
    if type(size) == "string" then dims[i] = "?" end
  end
  if dims then b.graph:set_type(value, tensor:border_dtype(), dims) end
end

local function add_outputs(scope, b)
  local used = {}
  for _, index in ipairs(scope.file.outputs) do
    local value = scope:value(index)
    local name = scope.names[index]
    if used[name] or (value ~= name and b.taken[name] and scope.made[name]) then
      name = b:unique(name)
    end
    if value ~= name then value = b:identity(value, name) end
    used[name] = true
    declare(scope, b, index, value)
    b:output(value)
  end
end

function M.read(source)
  local file = flatbuffer.decode(source.bytes, schema.tables, "Model")
  if #file.subgraphs == 0 then fail.format("no subgraphs") end
  local model = setmetatable(
    { file = file, bytes = source.bytes, opts = source.opts, converters = converter_table(),
      variables = {}, tables = {} }, Model)
  local index, given = 0, nil
  if source.opts.signature then
    local signature = find_signature(file, source.opts.signature)
    index = signature.subgraph_index
    given = { names_of(signature.inputs), names_of(signature.outputs) }
  end
  local b = builder.new "tflite"
  local scope = model:scope(index, b, 1)
  if scope.file.name and scope.file.name ~= "" then b.graph:set_name(scope.file.name) end
  border_names(scope, b, given)
  for i, tensor_index in ipairs(scope.file.inputs) do
    local tensor = scope.tensors[tensor_index + 1]
    local name = scope.names[tensor_index]
    if scope.made[name] then fail.format("input %d is named twice", tensor_index) end
    b:input(name, tensor:border_dtype(), border_shape(tensor, i))
    scope:give(tensor_index, name)
  end
  model:run(scope)
  if #b.missing == 0 then
    add_outputs(scope, b)
    for _, state in ipairs(model.states or {}) do b:output(b:identity(scope:value(state))) end
  end
  note_signatures(file, b.graph)
  return b:finish()
end

return M
