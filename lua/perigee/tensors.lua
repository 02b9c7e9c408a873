--- Named tensors: what checkpoints and containers of weights hold.
---
---     local weights = assert(pg.tensors "model.safetensors")
---     for name, tensor in weights:each() do print(name, tensor) end
---     print(weights:get "conv1.weight", #weights)
---     assert(pg.save_tensors("copy.safetensors", weights))
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local fail = require "perigee.convert.fail"
local options = require "perigee.util.options"

local M = {}

---@class perigee.Tensors
---@field names string[] in the file's order
---@field quantized table<string, { scale: any, zero_point: any, axis: integer? }> of quantised ones
---@field metadata table<string, string>
---@field tensors table<string, perigee.Tensor>
local Tensors = {}
Tensors.__index = Tensors

function Tensors:__len() return #self.names end

function Tensors:__tostring() return ("Tensors (%d)"):format(#self.names) end

---@param name string
---@return perigee.Tensor?
function Tensors:get(name) return self.tensors[name] end

--- Goes through them in order.
---@return fun(): string?, perigee.Tensor?
function Tensors:each()
  local i = 0
  return function()
    i = i + 1
    local name = self.names[i]
    return name, self.tensors[name]
  end
end

local function new()
  return setmetatable({ names = {}, tensors = {}, quantized = {}, metadata = {} }, Tensors)
end

local function put(self, name, tensor, quantizer)
  if not self.tensors[name] then self.names[#self.names + 1] = name end
  self.tensors[name], self.quantized[name] = tensor, quantizer
end

--- A table of tensors by name (then in the order of names), a list of { name =, tensor = }, or
--- what pg.tensors gave.
---@param source perigee.Tensors|table
---@return perigee.Tensors
function M.from(source)
  if getmetatable(source) == Tensors then return source end
  if type(source) ~= "table" then blame("expected named tensors, got a %s", type(source)) end
  local self, names = new(), {}
  for key, value in pairs(source) do
    if type(key) == "string" and core.is_tensor(value) then
      names[#names + 1] = key
    elseif not (math.type(key) == "integer" and type(value) == "table"
        and type(value.name) == "string" and core.is_tensor(value.tensor)) then
      blame("expected named tensors, got %s = %s", tostring(key), tostring(value))
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do put(self, name, source[name]) end
  for _, item in ipairs(source) do put(self, item.name, item.tensor) end
  return self
end

-- ---- reading -----------------------------------------------------------------------------------

local read = {}

function read.safetensors(self, bytes, path)
  local format = require "perigee.convert.safetensors"
  local function take(name, tensor) put(self, name, tensor) end
  if not path or not path:find "%.index%.json$" then
    self.metadata = format.each(bytes, take)
    return
  end
  for _, file in ipairs(format.shards(bytes)) do
    local part = (path:match "^(.*/)" or "") .. file
    local opened, message = core.bytes_open(part)
    if not opened then fail.format("%s", message) end
    self.metadata = format.each(opened, take)
  end
end

function read.pytorch(self, bytes, _, opts)
  require("perigee.convert.pytorch").each(bytes, opts.key, function(name, tensor, quantizer)
    put(self, name, tensor, quantizer)
  end)
end

--- NumPy's archives: a zip of .npy members.
function read.npz(self, bytes)
  local archive = require("perigee.convert.zip").open(bytes)
  for _, member in ipairs(archive.names) do
    local name = member:match "^(.*)%.npy$"
    if name then
      local tensor, message = archive:read(member):npy()
      if not tensor then fail.format("%s: %s", member, message) end
      put(self, name, tensor)
    end
  end
end

--- The constants of a model in any format.
local function read_graph(self, path)
  local graph, message, code = require("perigee.graph").load(path)
  if not graph then return nil, message, code end
  for name, tensor in graph:constants() do put(self, name, tensor) end
  return self
end

local function kind_of(bytes, path)
  if require("perigee.convert.safetensors").detect(bytes, path) then return "safetensors" end
  if path:find "%.npz$" then return "npz" end
  return require("perigee.convert.pytorch").detect(bytes) and "pytorch" or nil
end

--- The tensors of a checkpoint of PyTorch (old or new), safetensors (one file or the index of
--- several), .npz, or the constants of a model. They are slices of the
--- mapped file wherever the file's layout allows.
---@param path string
---@param opts? { key?: string } the part of a checkpoint that holds the weights: "ema.state_dict"
---@return perigee.Tensors? tensors
---@return string? message
---@return string? code
function M.load(path, opts)
  local o = options.check(opts, { key = options.none })
  if type(path) ~= "string" then blame("tensors: expected a path, got a %s", type(path)) end
  local bytes, message, code = core.bytes_open(path)
  if not bytes then return nil, message, code end
  local self = new()
  local kind = kind_of(bytes, path)
  if not kind then return read_graph(self, path) end
  local ok
  ok, message, code = fail.guard(function()
    read[kind](self, bytes, path, o)
    return true
  end)
  if not ok then return nil, ("%s: %s"):format(path, message), code end
  return self
end

--- Writes safetensors.
---@param path string
---@param tensors perigee.Tensors|table<string, perigee.Tensor>
---@return true? ok
---@return string? message
---@return string? code
function M.save(path, tensors)
  if type(path) ~= "string" then blame("save_tensors: expected a path, got a %s", type(path)) end
  local all = M.from(tensors)
  local list = {}
  for name, tensor in all:each() do list[#list + 1] = { name = name, tensor = tensor } end
  return require("perigee.convert.safetensors").write(path, list, all.metadata)
end

return M
