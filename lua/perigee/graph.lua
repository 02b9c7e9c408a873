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

--- Loads a model; the format is found from the content.
---@param path string
---@return perigee.Graph? graph
---@return string? message
---@return string? code "io", "format", "unsupported", "nomem"
function M.load(path)
  if type(path) ~= "string" then
    blame("load: expected a path, got a %s", type(path))
  end
  return core.load(path)
end

--- Loads a model from a string of bytes.
---@param bytes string
---@return perigee.Graph? graph
---@return string? message
---@return string? code
function M.load_bytes(bytes) return core.load_bytes(bytes) end

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

local save = methods.save

--- Writes an ONNX file. It must say what the outputs are: types that nobody declared are inferred.
---@param path string
---@param external_threshold? integer tensors of at least so many bytes go to PATH.data
---@return true? ok
---@return string? message
---@return string? code
function methods:save(path, external_threshold)
  for _, spec in ipairs(self:output_list()) do
    if spec.type == "?" then
      self:infer()
      break
    end
  end
  return save(self, path, external_threshold)
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
