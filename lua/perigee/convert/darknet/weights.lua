--- The numbers of a .weights file, one layer after the other; no names, no sizes: the configuration
--- says how many each takes.
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"

local M = {}

local function count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

--- { take(shape), is_transposed }; the file is opened by the first take. With a seed there are random
--- numbers instead: take(shape, kind), kind "weights", "scale" or nil.
---@param source perigee.convert.Source
function M.open(source)
  local seed, n = source.opts.seed, 0
  if seed and not source.weights_path then
    return {
      take = function(_, shape, kind)
        n = n + 1
        local fan = math.max(count(shape) // shape[1], 1)
        local o = { seed = seed * 100003 + n, deviation = 0.1 }
        if kind == "weights" then o.deviation = (2 / fan) ^ 0.5 end
        if kind == "scale" then o.mean = 1 end
        return tensor.randn(shape, o)
      end,
    }
  end
  local self = {}
  local bytes, at
  local function open()
    bytes = source:weights { ".weights" }
    local major, minor = bytes:i32(0), bytes:i32(4)
    local has_wide_count = major * 10 + minor >= 2 and major < 1000 and minor < 1000
    at = has_wide_count and 20 or 16
    self.is_transposed = major > 1000 or minor > 1000
  end
  function self.take(_, shape)
    if not bytes then open() end
    local size = 4 * count(shape)
    if size > #bytes - at then
      fail.format("the weights end at %d, where [%s] should follow", #bytes,
        table.concat(shape, ","))
    end
    local t = assert(bytes:tensor("f32", shape, at))
    at = at + size
    return t
  end
  return self
end

return M
