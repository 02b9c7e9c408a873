-- The reference pictures in spec/data/image, which spec/support/make_image_reference.py wrote.
require "perigee.tensor"
local core = require "perigee.core"
local temp = require "support.temp"

local M = { dir = "spec/data/image", cases = dofile "spec/data/image/cases.lua" }

local values = {}

--- The pixels of a case: a tensor [H,W,C].
function M.pixels(case)
  local all = values[case.dtype]
  if not all then
    all = assert(core.npy_read(("%s/values_%s.npy"):format(M.dir, case.dtype)))
    values[case.dtype] = all
  end
  local n = 1
  for _, d in ipairs(case.shape) do n = n * d end
  return all:slice(1, case.at, case.at + n - 1):reshape(case.shape)
end

--- The picture that the others were made from: its first `channels` channels.
function M.source(channels)
  return M.pixels(M.cases.source[1]):slice(3, 1, channels or 4):contiguous()
end

--- A file of the references.
function M.path(name) return M.dir .. "/" .. name end
function M.bytes(name) return temp.read(M.path(name)) end

--- The largest difference of two tensors of numbers, infinite when their shapes differ.
function M.distance(a, b)
  if table.concat(a.shape, ",") ~= table.concat(b.shape, ",") then return math.huge end
  return (a:cast "f64" - b:cast "f64"):abs():max():item()
end

return M
