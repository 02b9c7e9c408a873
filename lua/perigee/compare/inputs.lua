--- Inputs for a proof: files that the user gives, or numbers from a seed that suit what they are
--- for.
local core = require "perigee.core"
local lfs_ok, lfs = pcall(require, "lfs")
local tensor = require "perigee.tensor"
local value_file = require "perigee.util.value_file"

local M = { read = value_file.read }

-- ---- from files ---------------------------------------------------------------------------------

--- PREFIX_0.pb or .npy, PREFIX_1... of a folder, as many as there are up to `most`.
---@return table<integer, string> paths by position from 1
function M.numbered(folder, prefix, most)
  local found = {}
  for i = 1, most do
    for _, ending in ipairs { "pb", "npy" } do
      local path = ("%s/%s_%d.%s"):format(folder, prefix, i - 1, ending)
      if lfs_ok and lfs.attributes(path, "mode") == "file" then found[i] = found[i] or path end
    end
  end
  return found
end

-- ---- from a seed --------------------------------------------------------------------------------

--- How many rows a table has that the value picks from: indices must not be beyond.
local function rows_picked_by(graph, name)
  for node in graph:nodes() do
    local ins = node.inputs
    if node.type == "Gather" and ins[2] == name then
      local data = graph:value(ins[1])
      local axis = (node.attrs.axis or 0) + 1
      local n = data and data.shape and data.shape[axis]
      if math.type(n) == "integer" then return n end
    elseif (node.type == "Cast" or node.type == "Identity") and ins[1] == name then
      local n = rows_picked_by(graph, node.outputs[1])
      if n then return n end
    end
  end
end

local ranges = { u8 = { 0, 256 }, i8 = { -128, 128 }, bool = { 0, 2 } }

--- A tensor for an input: floats from -1 to 1, bytes over their whole range, indices within the
--- table that they pick from, other integers 0 and 1.
---@param graph perigee.Graph
---@param spec perigee.ValueInfo
---@param seed integer
---@param sizes table<string, integer> of free dimensions, by name
---@return perigee.Tensor
function M.random(graph, spec, seed, sizes)
  local shape = {}
  for i, n in ipairs(spec.shape or {}) do
    shape[i] = math.type(n) == "integer" and n or sizes[n] or 1
  end
  local dtype = spec.dtype or "f32"
  if dtype == "string" then return core.tensor_new("string", shape) end
  local low, high = -1, 1
  if ranges[dtype] then
    low, high = table.unpack(ranges[dtype])
  elseif dtype:find "^[iu]%d" then
    low, high = 0, rows_picked_by(graph, spec.name) or 2
  end
  return tensor.random(shape, { seed = seed, low = low, high = high, dtype = dtype })
end

--- All inputs of a graph: those given (by name), the rest from a seed.
---@param graph perigee.Graph
---@param given table<string, perigee.Tensor>
---@param seed integer
---@param sizes table<string, integer>
---@return table<string, perigee.Tensor> inputs
---@return table<string, string> sources by name: "given", or "seed N"
function M.complete(graph, given, seed, sizes)
  local inputs, sources = {}, {}
  for i, spec in ipairs(graph:input_list()) do
    local value = given[spec.name]
    inputs[spec.name] = value ~= nil and value or M.random(graph, spec, seed + i, sizes)
    sources[spec.name] = value ~= nil and "given" or ("seed %d"):format(seed + i)
  end
  return inputs, sources
end

return M
