--- The fields of a layer's parameters, by kind: the text format doesn't tell a word from a number,
--- so what stands in a file is held against this table before a layer uses it.
local fail = require "perigee.convert.fail"

local M = {}

local function set(words)
  local out = {}
  for word in words:gmatch "%S+" do out[word] = true end
  return out
end

local words = set "pool operation norm_region code_type round_mode engine"
local messages = set "shape nms_param"
local flags = set [[bias_term global_pooling ceil_mode transpose channel_shared across_channels
  normalize_variance across_spatial share_location variance_encoded_in_target flip clip out_max_val
  use_global_stats]]
local reals = set [[negative_slope alpha beta power scale shift base threshold coeff k eps min max
  offset aspect_ratio min_size max_size variance step step_h step_w nms_threshold
  confidence_threshold]]

local function check_value(name, value, where)
  local kind = type(value)
  local good
  if messages[name] then
    good = kind == "table"
  elseif flags[name] then
    if kind == "number" then return value ~= 0 end
    good = kind == "boolean"
  elseif words[name] then
    good = kind == "string" or math.type(value) == "integer"
  elseif reals[name] then
    good = kind == "number"
  else
    good = math.type(value) == "integer" and math.abs(value) < 1 << 31
  end
  if not good then fail.format("%s: %s can't be '%s'", where, name, tostring(value)) end
  return value
end

local unread = set [[weight_filler bias_filler filler decay_mult lr_mult save_output_param name
  moving_average_fraction dropout_ratio resize_param kernel_size_h interp_mode]]

--- A message's fields, checked; fields that no layer reads are left out.
---@param message any
---@param where string for errors
---@return table
function M.read(message, where)
  if type(message) ~= "table" then fail.format("%s: a message was expected", where) end
  local out = {}
  for name, list in pairs(message) do
    if not unread[name] then
      local values = {}
      for i, value in ipairs(list) do
        if messages[name] then value = M.read(value, where) end
        values[i] = check_value(name, value, where)
      end
      out[name] = values
    end
  end
  return out
end

--- The first value of a field, or a default.
function M.first(list, default)
  if list == nil or list[1] == nil then return default end
  return list[1]
end

return M
