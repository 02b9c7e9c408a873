--- ncnn's weight files: blobs one behind the other, in the order in which the layers ask for them.
--- A blob of kind 0 begins with a word that tells how it is stored; one of kind 1 is bare f32.
local tensor = require "perigee.tensor"
local fail = require "perigee.convert.fail"

local M = {}

local F16, INT8, F32 = 0x01306B47, 0x000D4B38, 0x0002C056
M.tags = { f16 = F16, i8 = INT8, f32 = 0 }

local function shape_text(shape) return table.concat(shape, "x") end

local function count_of(shape, where)
  local n = 1
  for _, d in ipairs(shape) do
    if d <= 0 or d > 1 << 31 or n * d > 1 << 40 then
      fail.format("%s: a weight of %s", where, shape_text(shape))
    end
    n = n * d
  end
  return n
end

-- ---- from a file ------------------------------------------------------------------------------

local File = {}
File.__index = File

local function by_table(self, n, shape)
  local bytes, levels = self.bytes, {}
  if self.at + 1024 + n > #bytes then fail.format("a table's weights run over the end") end
  for i = 0, 255 do levels[i + 1] = bytes:f32(self.at + 4 * i) end
  local index = bytes:tensor("u8", shape, self.at + 1024):cast "i64"
  self.at = self.at + 1024 + (n + 3) // 4 * 4
  return tensor.new(levels, "f32"):gather(index + 1):reshape(shape)
end

--- The next blob as a tensor: f32, f16 or i8, on the file's memory where that can be.
---@param shape integer[]
---@param kind integer 0: with a word before it; 1: bare f32
function File:load(shape, kind)
  local n = count_of(shape, self.where)
  local dtype, size = "f32", 4 * n
  if kind == 0 then
    local tag = self.bytes:u32(self.at)
    self.at = self.at + 4
    if tag == F16 then
      dtype, size = "f16", (2 * n + 3) // 4 * 4
    elseif tag == INT8 then
      dtype, size = "i8", (n + 3) // 4 * 4
    elseif tag ~= F32 and tag ~= 0 then
      return by_table(self, n, shape)
    end
  end
  local at = self.at
  self.at = at + size
  return (self.bytes:tensor(dtype, shape, at))
end

--- What is stored as int8 without telling so, or in another odd way.
function File:raw(dtype, shape, size)
  local at = self.at
  self.at = at + size
  return (self.bytes:tensor(dtype, shape, at))
end

---@param bytes perigee.Bytes
function M.file(bytes) return setmetatable({ bytes = bytes, at = 0, where = "" }, File) end

-- ---- made up ----------------------------------------------------------------------------------

local Seeded = {}
Seeded.__index = Seeded

--- Weights that keep values of a network in a sane range: uniform, scaled by what flows into one
--- number; `hint` "scale": near 1; "i8": whole numbers; "weight scale", "input scale": theirs.
function Seeded:load(shape, kind, hint)
  local n = count_of(shape, self.where)
  self.seed = self.seed + 1
  local t
  if hint == "i8" then
    self.fan = math.max(1, n // shape[1])
    t = tensor.random(shape, { seed = self.seed, low = -127, high = 127 }):cast "i8"
  elseif hint == "input scale" then -- of values to about 4
    t = tensor.random(shape, { seed = self.seed, low = 30, high = 32 })
  elseif hint == "weight scale" then
    local one = 127 * math.sqrt((self.fan or 1) / 3)
    t = tensor.random(shape, { seed = self.seed, low = one, high = 1.2 * one })
  elseif hint == "scale" then
    t = tensor.random(shape, { seed = self.seed, low = 0.5, high = 1.5 })
  elseif kind == 1 then
    t = tensor.random(shape, { seed = self.seed, low = -0.1, high = 0.1 })
  else
    local fan = math.max(1, n // shape[1])
    local bound = math.sqrt(3 / fan)
    t = tensor.random(shape, { seed = self.seed, low = -bound, high = bound })
  end
  if self.keep then self.keep(t, kind) end
  return t
end

--- Weights from a seed: what a structure file without weights is tried with.
---@param seed integer
---@param keep? fun(t: perigee.Tensor, kind: integer) is given each blob, to be written
function M.seeded(seed, keep)
  return setmetatable({ seed = seed, keep = keep, where = "" }, Seeded)
end

--- A blob's bytes as a file has them.
---@param t perigee.Tensor f32, f16 or i8
---@param kind integer
function M.blob(t, kind)
  local bytes = t:contiguous():bytes()
  local tag = kind == 0 and string.pack("<I4", M.tags[t.dtype]) or ""
  return tag .. bytes .. ("\0"):rep(-#bytes % 4)
end

return M
