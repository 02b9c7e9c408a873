--- Graphs: networks as read from a file or built by hand.
---
---     local g = assert(pg.load "model.onnx")
---     for node in g:nodes() do print(node.type, node.name) end
---     print(g:value("conv1_out").shape)
---     g:save "copy.onnx"
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local options = require "perigee.util.options"
require "perigee.session"

local M = {}
local methods = core.graph_meta.__methods

--- Reads a model from ONNX's text form (onnx/docs/Syntax.md).
---@param text string
---@param path? string beside which external data is looked for
---@return perigee.Graph? graph
---@return string? message begins with LINE:COLUMN
---@return string? code "format"
function M.load_text(text, path)
  if type(text) ~= "string" then blame("load_text: expected a string, got a %s", type(text)) end
  local model, problem = require("perigee.onnx.parser").parse(text)
  if not model then return nil, problem, "format" end
  return core.load_bytes(require("perigee.onnx.message").encode("Model", model), path)
end

local function load_text_file(path)
  local file, problem = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  if not text then return nil, problem or path .. ": can't be read", "io" end
  local graph, message, code = M.load_text(text, path)
  if graph then return graph end
  local separator = message:find "^%d+:%d+:" and ":" or ": " -- FILE:LINE:COLUMN as editors know it
  return nil, path .. separator .. message, code
end

--- Whether a file of this name holds (or shall hold) the text form.
---@param path string
---@return boolean
function M.is_text_path(path) return path:find "%.onnxte?xt$" ~= nil end

--- Loads a model of any format that perigee.convert knows, found from the content: ONNX, its text
--- form (by its name, .onnxtxt), ncnn, TensorFlow Lite ...
---@param path string of a two-file format its structure file, of a SavedModel the folder
---@param weights? string the second file of a two-file format; default: beside it, of the same stem
---@param opts? table of the format's reader
---@return perigee.Graph? graph
---@return string? message
---@return string? code "io", "format", "unsupported", "nomem"
function M.load(path, weights, opts)
  if type(path) ~= "string" then
    blame("load: expected a path, got a %s", type(path))
  end
  if M.is_text_path(path) then return load_text_file(path) end
  local graph, message, code = require("perigee.convert").load(path, weights, opts)
  if graph or message then return graph, message, code end
  return core.load(path)
end

--- Loads a model from a string of bytes.
---@param bytes string
---@return perigee.Graph? graph
---@return string? message
---@return string? code
function M.load_bytes(bytes)
  if type(bytes) ~= "string" then
    blame("load_bytes: expected a string, got a %s", type(bytes))
  end
  local graph, message, code = require("perigee.convert").load_bytes(bytes)
  if graph or message then return graph, message, code end
  return core.load_bytes(bytes)
end

--- An empty graph at the newest opset.
---@return perigee.Graph
function M.new() return core.graph_new() end

local function each(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- Iterates the nodes in order of execution; safe against edits on the way.
---@return fun(): perigee.Node?
function methods:nodes() return each(self:node_list()) end

--- Iterates inputs without a default: `for name, spec in graph:inputs()`.
---@return fun(): string?, perigee.ValueInfo?
function methods:inputs()
  local next_spec = each(self:input_list())
  return function()
    local spec = next_spec()
    if spec then return spec.name, spec end
  end
end

---@return fun(): string?, perigee.ValueInfo?
function methods:outputs()
  local next_spec = each(self:output_list())
  return function()
    local spec = next_spec()
    if spec then return spec.name, spec end
  end
end

--- Iterates the initialisers: `for name, tensor in graph:constants()`.
---@return fun(): string?, perigee.Tensor?
function methods:constants()
  local next_name = each(self:constant_list())
  return function()
    local name = next_name()
    if name then return name, self:value(name).constant end
  end
end

--- metadata_props as a fresh table.
---@return table<string, string>
function methods:metadata() return self:info().metadata end

local listing = methods.text

--- A line for the graph and one for each node, for people; with form "onnx" the whole model in
--- ONNX's
--- text form, which `load_text` reads.
---@param form? "onnx"
---@return string? text
---@return string? message
---@return string? code
function methods:text(form)
  if form ~= "onnx" then return listing(self, form) end
  local bytes, message, code = self:bytes()
  if not bytes then return nil, message, code end
  local text, problem = require("perigee.onnx.printer")
    .print(require("perigee.onnx.message").decode("Model", bytes))
  if not text then return nil, problem, "unsupported" end
  return text
end

local save, bytes_of = methods.save, methods.bytes

--- A file must say what its outputs are: types that nobody declared are inferred.
local function declare_outputs(graph)
  for _, spec in ipairs(graph:output_list()) do
    if spec.type == "?" then return graph:infer() end
  end
end

--- The model as the bytes of an ONNX file, all weights in it.
---@return string? bytes
---@return string? message
---@return string? code
function methods:bytes()
  declare_outputs(self)
  return bytes_of(self)
end

--- Writes an ONNX file, its text form where the name ends in .onnxtxt, ncnn's pair where in .param.
--- The file that the
--- graph came
--- from may be replaced. What came from files beside the model goes into one beside the new one.
---@param path string
---@param external_threshold? integer tensors of at least so many bytes go to PATH.data
---@return true? ok
---@return string? message
---@return string? code
function methods:save(path, external_threshold)
  if type(path) == "string" and M.is_text_path(path) then
    local text, message, code = self:text "onnx"
    if not text then return nil, message, code end
    return core.write_file(path, text)
  end
  if type(path) == "string" and path:find "%.param$" then
    return require("perigee.convert.ncnn.write").save(self, path)
  end
  declare_outputs(self)
  return save(self, path, external_threshold)
end

-- ---- building -----------------------------------------------------------------------------------

local add = methods.add

--- Adds a node. An attribute that is a function builds a subgraph: it is called with the empty
--- graph,
--- whose nodes see the values of this one by name.
---
---     g:add("If", { "is_hot" }, { "y" }, {
---       then_branch = function(b) b:add("Relu", { "x" }, { "t" }) b:add_output "t" end,
---       else_branch = function(b) b:add("Neg", { "x" }, { "e" }) b:add_output "e" end,
---     })
---@param type string
---@param inputs string[] "" omits one
---@param outputs string[] "" makes a fresh name
---@param attrs? table
---@param opts? perigee.NodeOptions
---@return perigee.Node
function methods:add(type, inputs, outputs, attrs, opts)
  if _G.type(attrs) ~= "table" then return add(self, type, inputs, outputs, attrs, opts) end
  local built, made = {}, {}
  local ok, result = pcall(function()
    for name, value in next, attrs do
      if _G.type(value) == "function" then
        local body = self:subgraph(name)
        made[#made + 1] = body
        value(body)
        value = body
      end
      built[name] = value
    end
    return add(self, type, inputs, outputs, built, opts)
  end)
  if ok then return result end
  for i = #made, 1, -1 do made[i]:close() end
  error(result, 0)
end

--- Adds an initialiser from its elements that are not zero; it becomes a dense one.
---@param name string? nil for a fresh one
---@param sparse { values: any, indices: any, dims: integer[] }
--- indices count from 0, as ONNX has them: a number an element for the flattened tensor, or a row
---@return string name
function methods:add_sparse(name, sparse)
  options.check(sparse, { values = options.none, indices = options.none, dims = options.none })
  local tensor = require "perigee.tensor"
  local function given(key, dtype)
    if sparse[key] == nil then blame("add_sparse: no %s", key) end
    return core.is_tensor(sparse[key]) and sparse[key] or tensor(sparse[key], dtype)
  end
  local values, indices = given("values"), given("indices", "i64")
  local dense = tensor.zeros(sparse.dims, values.dtype)
  local rank, n = #dense.shape, values.count
  if values.rank ~= 1 then blame("add_sparse: values are a list, got rank %d", values.rank) end
  local is_flat = indices.rank == 1
  if not (is_flat and indices.count == n
      or indices.rank == 2 and indices.shape[1] == n and indices.shape[2] == rank) then
    blame("add_sparse: expected %d indices, or as many rows of %d", n, rank)
  end
  local flat = dense:reshape(-1)
  for i = 1, n do
    local at = is_flat and indices:get(i) or 0
    for axis = 1, is_flat and 0 or rank do
      local k, size = indices:get(i, axis), dense.shape[axis]
      if k < 0 or k >= size then blame("add_sparse: index %d is out of range", k) end
      at = at * size + k
    end
    if at < 0 or at >= flat.count then blame("add_sparse: index %d is out of range", at) end
    flat:set(at + 1, values:get(i))
  end
  return self:add_constant(name, dense)
end

--- Iterates the functions: { name, domain, overload, doc, attrs, defaults, opsets, body }.
---@return fun(): table?
function methods:functions() return each(self:function_list()) end

--- Puts named tensors (a checkpoint) into the constants of this graph, in place: see perigee.pour.
---@param tensors perigee.Tensors|table<string, perigee.Tensor>
---@param opts? { order?: boolean, epsilon?: number }
---@return perigee.PourReport
function methods:pour(tensors, opts) return require "perigee.pour"(self, tensors, opts) end

-- ---- surgery ------------------------------------------------------------------------------------

local extract = methods.extract

--- What lies between named values, as a graph of its own; weights are shared. Inputs that the
--- outputs
--- don't need are left out and named in the second result.
---@param opts { inputs: string[], outputs: string[] }
---@return perigee.Graph? part
---@return string[]|string unreached or what went wrong
---@return string? code
function methods:extract(opts)
  local ends = options.check(opts, { inputs = {}, outputs = {} })
  local typed <close> = assert(self:clone())
  typed:infer() -- the new inputs need types; what can't be inferred stays open
  return extract(typed, ends.inputs, ends.outputs)
end

local merge = methods.merge
methods.merge = nil

--- Copies of both at the same operator sets: the lower is brought up, to the other's where that
--- can be.
local function at_one(a, b)
  a, b = assert(a:clone()), assert(b:clone())
  local va, vb = a:info().opsets, b:info().opsets
  local function differ()
    for domain, version in pairs(a:info().opsets) do
      local other = b:info().opsets[domain]
      if other and other ~= version then return true end
    end
  end
  if not differ() then return a, b end
  local oa, ob = va["ai.onnx"] or 1, vb["ai.onnx"] or 1
  local lower, higher = a, math.max(oa, ob)
  if ob < oa then lower = b end
  if oa ~= ob and lower:upgrade(higher) and not differ() then return a, b end
  local ok, message, code = a:upgrade()
  if ok then ok, message, code = b:upgrade() end
  if not ok then return nil, message, code end
  return a, b
end

--- Functions of the same name keep apart only when one model has none of them.
local function free_functions(a, b)
  local known = {}
  local function key(f) return ("%s\0%s\0%s"):format(f.domain, f.name, f.overload) end
  for f in a:functions() do known[key(f)] = true end
  for f in b:functions() do
    if known[key(f)] then return b:inline() end
  end
  return true
end

--- One model from two: outputs of the first feed inputs of the second. Neither is changed.
---@param a perigee.Graph
---@param b perigee.Graph
---@param opts? { map?: table<string, string>, prefix?: string }
--- map: output of a = input of b (default: equal names);
--- prefix: before every name of b (default: "b", only where names collide)
---@return perigee.Graph? merged
---@return string? message
---@return string? code
function M.merge(a, b, opts)
  local o = options.check(opts, { map = options.none, prefix = options.none })
  if o.map ~= nil and type(o.map) ~= "table" then blame("option 'map': expected a table") end
  local x, y, code = at_one(a, b)
  if not x then return nil, y, code end
  local first <close> = x
  local second <close> = y
  local ok, message
  ok, message, code = free_functions(first, second)
  if not ok then return nil, message, code end
  first:infer() -- joints are checked against what is known
  local map = o.map
  if not map then
    map = {}
    local wanted = {}
    for name in second:inputs() do wanted[name] = true end
    for name in first:outputs() do
      if wanted[name] then map[name] = name end
    end
  end
  local froms, tos = {}, {}
  for from in pairs(map) do froms[#froms + 1] = from end
  table.sort(froms)
  for i, from in ipairs(froms) do tos[i] = map[from] end
  return merge(first, second, froms, tos, o.prefix or "b", o.prefix ~= nil)
end

--- Makes the graph executable.
---@param opts? { threads?: integer, optimize?: boolean } threads: default the machine's
---@return perigee.Session? session
---@return string? message
---@return string? code
function methods:session(opts)
  options.check(opts, { threads = options.none, optimize = true })
  local session, message, code = core.session(self, opts)
  if not session then return nil, message, code end
  return session:remember_labels(self:metadata().labels)
end

return M
