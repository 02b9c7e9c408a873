--- Plain data of a checkpoint as an ordered list of named tensors.
local fail = require "perigee.convert.fail"
local pickle = require "perigee.convert.pickle"

local M = {}

--- Where training scripts put the weights among other things.
local KEYS = {
  "state_dict", "model_state_dict", "model", "net", "network", "generator", "params_ema", "params",
  "weights", "module", "ema",
}
local MOST_DEPTH = 64

local function is_dict(x) return type(x) == "table" and x.kind == "dict" end

--- What a pickled torch.nn.Module keeps in its __dict__.
local function module_state(x)
  local state = type(x) == "table" and x.kind == "call" and x.state
  return is_dict(state) and (state.map._modules or state.map._parameters) and state.map or nil
end

--- A TorchScript module: its attributes.
local function script_state(x)
  local name = type(x) == "table" and x.kind == "call" and type(x.call) == "table" and x.call.global
  return name and name:find "^__torch__" and is_dict(x.state) and x.state or nil
end

local function holds_tensor(x, depth)
  if type(x) ~= "table" or depth > 8 then return false end
  if x.kind == "tensor" or module_state(x) then return true end
  if x.kind ~= "dict" then return false end
  for _, key in ipairs(x.keys) do
    if holds_tensor(x.map[key], depth + 1) then return true end
  end
  return false
end

local Walk = {}
Walk.__index = Walk

function Walk:visit(x, path, depth)
  if type(x) ~= "table" or x == pickle.none then return end
  if depth > MOST_DEPTH then fail.format("'%s' is nested too deep", path) end
  self.n_visits = self.n_visits + 1
  if self.n_visits > 1 << 20 then fail.format "more than a million entries" end
  if x.kind == "tensor" then return self.take(path == "" and "tensor" or path, x) end
  local function below(key, value)
    self:visit(value, path == "" and tostring(key) or path .. "." .. tostring(key), depth + 1)
  end
  local state = module_state(x)
  if state then
    for _, part in ipairs { "_parameters", "_buffers", "_modules" } do
      local dict = state[part]
      for _, key in ipairs(is_dict(dict) and dict.keys or {}) do below(key, dict.map[key]) end
    end
  elseif script_state(x) then
    self:visit(script_state(x), path, depth + 1)
  elseif x.kind == "dict" then
    for _, key in ipairs(x.keys) do
      if type(key) ~= "table" then below(key, x.map[key]) end
    end
  elseif x.kind == "list" or x.kind == "tuple" then
    for i, value in ipairs(x) do below(i - 1, value) end
  end
end

--- Where the weights are: under a key that the caller names ("ema.state"), or a usual one.
local function root_of(value, key)
  if key then
    for part in key:gmatch "[^.]+" do
      value = is_dict(value) and value.map[part] or fail.format("there is no '%s' in it", key)
    end
    return value
  end
  for _ = 1, 4 do
    local below
    for _, name in ipairs(is_dict(value) and KEYS or {}) do
      local part = value.map[name]
      if type(part) == "table" and (is_dict(part) or module_state(part)) and holds_tensor(part, 0)
      then
        below = part
        break
      end
    end
    if not below then break end
    value = below
  end
  return value
end

--- Calls take(name, record) with every tensor, in the file's order.
---@param value any
---@param key? string
---@param take fun(name: string, record: table)
function M.each(value, key, take)
  setmetatable({ take = take, n_visits = 0 }, Walk):visit(root_of(value, key), "", 0)
end

return M
