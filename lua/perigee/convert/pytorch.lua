--- PyTorch's checkpoints: named tensors, which need a graph to be poured into (lua/perigee/pour.lua).
--- TorchScript archives, which hold a graph, are torchscript.lua's.
local archive = require "perigee.convert.pytorch.archive"
local fail = require "perigee.convert.fail"
local named = require "perigee.convert.pytorch.named"
local zip = require "perigee.convert.zip"

local M = { name = "PyTorch" }

function M.detect(bytes)
  if archive.is_old(bytes) then return true end
  if not bytes or not zip.is(bytes) then return false end
  local members = fail.guard(zip.open, bytes)
  return members ~= nil and archive.prefix(members, "data.pkl") ~= nil
end

--- The value of a checkpoint and what makes tensors of its records.
---@param bytes perigee.Bytes
---@return any value
---@return fun(record: table): perigee.Tensor
function M.open(bytes)
  if archive.is_old(bytes) then return archive.read_old(bytes) end
  local a = archive.open(bytes)
  return a:pickle("data.pkl", "data"), function(record) return a:tensor(record) end
end

--- Calls take(name, tensor, quantizer) with every tensor in order; quantizer is nil or
--- { scale, zero_point, axis }, whose members are numbers or tensors.
---@param bytes perigee.Bytes
---@param key? string of the part that holds the weights
---@param take fun(name: string, tensor: perigee.Tensor, quantizer: table?)
function M.each(bytes, key, take)
  local value, tensor = M.open(bytes)
  local function plain(x)
    return type(x) == "table" and x.kind == "tensor" and tensor(x) or x
  end
  named.each(value, key, function(name, record)
    local q = record.quantizer
    take(name, tensor(record), q and {
      scale = plain(q.scale), zero_point = plain(q.zero_point), axis = q.axis,
    })
  end)
end

function M.read()
  fail.unsupported { {
    what = "a checkpoint: named tensors without a graph",
    instead = "pg.tensors reads them, and graph:pour puts them into a graph of the same topology",
  } }
end

return M
