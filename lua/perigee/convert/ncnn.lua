--- ncnn: NAME.param (or NAME.param.bin) + NAME.bin.
---
--- ncnn's values have no batch: inputs and outputs are [C,H,W], [C,D,H,W], [H,W] or [W], as a Mat
--- presents them. Inside every value carries a leading 1, which ONNX's operators want.
--- Options: shapes = { input = { C, H, W } } for inputs without sizes; seed = a number, where there
--- is no weight file.
local builder = require "perigee.convert.builder"
local context = require "perigee.convert.ncnn.context"
local fail = require "perigee.convert.fail"
local param = require "perigee.convert.ncnn.param"
local weights = require "perigee.convert.ncnn.weights"

local M = { name = "ncnn" }

function M.detect(bytes) return bytes ~= nil and param.form(bytes) ~= nil end

local function open_weights(source)
  local opts, path = source.opts, source.path
  if not source.weights_path and path then
    local beside = path:match "^(.*)%.param%.bin$"
    if beside then
      local file = io.open(beside .. ".bin", "rb")
      if file then
        file:close()
        return weights.file(source:open(beside .. ".bin"))
      end
    end
  end
  if opts.seed and not source.weights_path then
    return weights.seeded(math.tointeger(opts.seed) or 0, opts.keep)
  end
  local is_binary = path and path:find "%.param%.bin$" and not source.weights_path
  return weights.file((source:weights(is_binary and {} or { ".bin" })))
end

--- Only a layer that has weights needs the file.
local function lazily(source)
  local store
  return setmetatable({}, {
    __index = function(_, key)
      store = store or open_weights(source)
      local value = store[key]
      if type(value) ~= "function" then return value end
      return function(_, ...) return value(store, ...) end
    end,
    __newindex = function(_, key, value)
      if store then store[key] = value end
    end,
  })
end

--- Files of pnnx don't tell their inputs' sizes, nor how many dimensions they have: what the layers
--- leave open stays open, or is tried.
local FREE_RANKS = { false, 3, 4, 2, 1 }

function M.read(source)
  local layers = param.read(source.bytes)
  if #layers == 0 then fail.format("no layers") end
  local name = source.path and source.path:match "([^/]*)$" or "ncnn"
  local first
  for _, rank in ipairs(FREE_RANKS) do
    local c = context.new(builder.new(name), layers, lazily(source), source.opts, rank or nil)
    local g, message, code = fail.guard(c.convert, c)
    if g then return g end
    if rank == 3 or code == "unsupported" or not c.has_open_input then
      first = first or { message, code }
      if code == "unsupported" or not c.has_open_input then break end
    end
  end
  fail.raise(table.unpack(first))
end

return M
