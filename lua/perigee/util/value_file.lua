--- Values for inputs of models from files, by their ending: arrays, protobuf, pictures, sound.
local core = require "perigee.core"

local M = {}

--- Kinds of files by their ending; batches search folders for all of these but protobuf.
M.kinds = {
  png = "image", jpg = "image", jpeg = "image", bmp = "image", pnm = "image", pgm = "image",
  ppm = "image", webp = "image", tif = "image", tiff = "image", wav = "audio", npy = "tensor",
  pb = "protobuf",
}

---@param path string
---@return string? kind "image", "audio", "tensor", "protobuf"; nil for other files
function M.kind(path)
  local ending = path:match "%.([^./]+)$"
  return ending and M.kinds[ending:lower()]
end

local read = {}

--- The declared shape, if any, decides the size and the order of axes.
function read.image(path, spec, opts)
  local image = require "perigee.image"
  local picture, message, code = image.read(path)
  if not picture then return nil, message, code end
  return image.fit(picture, spec, { scale = opts.scale, mean = opts.mean, std = opts.std })
end

--- f32 [channels, samples], or [samples] for an input of rank 1.
function read.audio(path, spec)
  local samples, message, code = core.wav_read(path)
  if not samples then return nil, message, code end
  return (spec.shape and #spec.shape == 1) and samples:reshape(-1) or samples
end

function read.tensor(path) return core.npy_read(path) end

function read.protobuf(path, _, opts)
  if opts.graph then return core.pb_read(path, opts.graph, "input", opts.position) end
  return core.pb_read(path)
end

---@class perigee.value_file.options
---@field graph? perigee.Graph whose declaration says what a protobuf file holds
---@field position? integer of the input in it, from 1
---@field scale? number of pixels
---@field mean? number[] of scaled pixels, by channel
---@field std? number[] they are divided by, by channel

---@param path string
---@param spec perigee.ValueInfo of the input that it is for
---@param opts? perigee.value_file.options
---@return any? value
---@return string? message
---@return string? code "usage" for a file that we can't read at all
function M.read(path, spec, opts)
  local kind = M.kind(path)
  if not kind then
    return nil, path .. ": unknown kind of file (known: npy, pb, wav, pictures)", "usage"
  end
  return read[kind](path, spec, opts or {})
end

return M
