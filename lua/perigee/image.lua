--- Pictures: read, change, draw on, give to networks.
---
---     local x = image.read("cat.jpg"):rgb():resize { width = 224 }:tensor { scale = 1 / 255 }
---
--- Methods return new images and can be chained; those that draw (perigee.image.draw) change the
--- image and return it. Coordinates are 0-based pixels, x to the right and y down, as boxes from
--- networks are. Colours are "#rrggbb", "#rrggbbaa", a name ("red"), a grey value, or a table
--- { r, g, b[, a] } in the image's units: 0 to 255 for u8, 0 to 1 for f32; in hsv and ycbcr images
--- a table is taken as it is.
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local color_values = require("perigee.image.color").values
local options = require "perigee.util.options"

---@alias perigee.ImageMode "gray"|"graya"|"rgb"|"rgba"|"bgr"|"hsv"|"ycbcr"
---@alias perigee.Color string|number|number[]
---@alias perigee.Filter string "bilinear" (Pillow's, as "pil-bilinear"), "cv-linear", "area", ...

---@class perigee.Image
---@field pixels perigee.Tensor [height, width, channels]; u8, f32, or u16 from a deep read
---@field width integer
---@field height integer
---@field channels integer
---@field mode perigee.ImageMode
local Image = {}
local meta = { __name = "perigee.Image", __index = Image }

---@class perigee.image
local M = {}

local none = options.none
local mode_channels = { gray = 1, graya = 2, rgb = 3, rgba = 4, bgr = 3, hsv = 3, ycbcr = 3 }
local channel_modes = { "gray", "graya", "rgb", "rgba" }

---@return perigee.Image
local function wrap(pixels, mode)
  local shape = pixels.shape
  return setmetatable({
    pixels = pixels, height = shape[1], width = shape[2], channels = shape[3], mode = mode,
  }, meta)
end

-- ---- making, reading, writing -------------------------------------------------------------------

--- An image on a tensor's memory: what is drawn shows in both.
---@param pixels perigee.Tensor u8 or f32 [H,W,1 to 4]
---@param mode? perigee.ImageMode default by the number of channels
---@return perigee.Image
function M.wrap(pixels, mode)
  local shape = core.is_tensor(pixels) and pixels.shape
  if not shape or #shape ~= 3 or not channel_modes[shape[3]] then
    blame("expected a tensor [H,W,1 to 4]")
  end
  mode = mode or channel_modes[shape[3]]
  if mode_channels[mode] ~= shape[3] then
    blame("mode '%s' does not have %d channels", tostring(mode), shape[3])
  end
  return wrap(pixels:contiguous(), mode)
end

---@class perigee.new_image.options
---@field width integer
---@field height integer
---@field mode? perigee.ImageMode default "rgb"
---@field dtype? "u8"|"f32" default "u8"
---@field fill? perigee.Color default zeros

--- A blank image.
---@param opts perigee.new_image.options
---@return perigee.Image
function M.new(opts)
  local o = options.check(opts, {
    width = none, height = none, mode = "rgb", dtype = "u8", fill = none,
  })
  local channels = mode_channels[o.mode] or blame("unknown mode '%s'", o.mode)
  if not o.width or not o.height then blame("an image needs a width and a height") end
  if o.dtype ~= "u8" and o.dtype ~= "f32" then blame("an image is u8 or f32, not %s", o.dtype) end
  local self = wrap(core.tensor_new(o.dtype, { o.height, o.width, channels }), o.mode)
  if o.fill then
    self:rectangle { x = 0, y = 0, width = o.width, height = o.height, color = o.fill, fill = true }
  end
  return self
end

local function read_options(opts) return options.check(opts, { deep = false }).deep end

--- Reads PNG, JPEG, BMP, PNM, WebP, TIFF or JPEG 2000, whatever the name ends in. The last three
--- need their library (libwebp, libtiff, libopenjp2): code "unsupported" where it is missing.
---@param path string
---@param opts? { deep?: boolean } 16 bits of PNG and PNM stay u16; :u8() and :f32() convert them
---@return perigee.Image? image
---@return string? message
---@return string? code "io", "format", "unsupported"
function M.read(path, opts)
  if type(path) ~= "string" then blame("read: expected a path, got a %s", type(path)) end
  local pixels, message, code = core.image_read(path, read_options(opts))
  if not pixels then return nil, message, code end
  return wrap(pixels, channel_modes[pixels.shape[3]])
end

--- The same from a string of the file's bytes.
---@param bytes string
---@param opts? { deep?: boolean }
---@return perigee.Image? image
---@return string? message
---@return string? code
function M.decode(bytes, opts)
  local pixels, message, code = core.image_decode(bytes, read_options(opts))
  if not pixels then return nil, message, code end
  return wrap(pixels, channel_modes[pixels.shape[3]])
end

local displayed = { bgr = "rgb", hsv = "rgb", ycbcr = "rgb" } -- what files hold instead

--- Writes PNG or JPEG by the name's ending.
---@param path string
---@param opts? { quality?: integer } of JPEG, 1 to 100, default 90
---@return true? ok
---@return string? message
---@return string? code
function Image:save(path, opts)
  local o = options.check(opts, { quality = 90 })
  if type(path) ~= "string" then blame("save: expected a path, got a %s", type(path)) end
  if math.type(o.quality) ~= "integer" or o.quality < 1 or o.quality > 100 then
    blame("save: quality: expected an integer from 1 to 100, got %s", o.quality)
  end
  local picture = displayed[self.mode] and self:rgb() or self
  return core.image_write(picture.pixels, path, o.quality)
end

-- ---- colours ------------------------------------------------------------------------------------

local function to_mode(self, mode, convention)
  if self.mode == mode then return wrap(self.pixels:clone(), mode) end
  return wrap(core.image_color(self.pixels, self.mode, mode, convention), mode)
end

--- Grey, by the weights of ITU-R BT.601; alpha is dropped.
---@param opts? { convention?: "pil"|"cv" } whose rounding
---@return perigee.Image
function Image:gray(opts)
  return to_mode(self, "gray", options.check(opts, { convention = "pil" }).convention)
end

--- Red, green, blue. Alpha is dropped, or composed over a colour.
---@param opts? { over?: perigee.Color }
---@return perigee.Image
function Image:rgb(opts)
  local o = options.check(opts, { over = none })
  if o.over == nil or self.channels % 2 == 1 then return to_mode(self, "rgb") end
  local over = color_values(self, o.over)
  local flat = wrap(core.image_compose(self.pixels, over), self.channels == 2 and "gray" or "rgb")
  return flat.mode == "rgb" and flat or to_mode(flat, "rgb")
end

---@return perigee.Image
function Image:rgba() return to_mode(self, "rgba") end

--- Blue first, as OpenCV has it.
---@return perigee.Image
function Image:bgr() return to_mode(self, "bgr") end

--- Hue, saturation, value; the hue's circle is 0 to 255 (f32: 0 to 1), as Pillow's.
---@return perigee.Image
function Image:hsv() return to_mode(self, "hsv") end

--- JPEG's luminance and chrominance, full range.
---@return perigee.Image
function Image:ycbcr() return to_mode(self, "ycbcr") end

--- Bytes, 0 to 255: from f32 rounded and limited.
---@return perigee.Image
function Image:u8() return wrap(core.image_cast(self.pixels, "u8"), self.mode) end

--- Floats, 0 to 1.
---@return perigee.Image
function Image:f32() return wrap(core.image_cast(self.pixels, "f32"), self.mode) end

---@return perigee.Image
function Image:clone() return wrap(self.pixels:clone(), self.mode) end

-- ---- geometry -----------------------------------------------------------------------------------

--- A rectangle of it, which must lie inside; by default from 0, 0 to the far corner.
---@param opts { x?: integer, y?: integer, width?: integer, height?: integer }
---@return perigee.Image
function Image:crop(opts)
  local o = options.check(opts, { x = 0, y = 0, width = none, height = none })
  local width, height = o.width or self.width - o.x, o.height or self.height - o.y
  return wrap(core.image_crop(self.pixels, o.x, o.y, width, height), self.mode)
end

--- A side as an integer: 10.0 is one, 10.5 is none.
local function side(what, n)
  return math.tointeger(n)
    or blame("%s: expected a side in whole pixels, got %s", what, tostring(n))
end

local function scaled(n, by, from) return math.max(1, math.floor(n * by / from + 0.5)) end

--- A side that is not given keeps the aspect ratio.
---@param opts { width?: integer, height?: integer, filter?: perigee.Filter }
---@return perigee.Image
function Image:resize(opts)
  local o = options.check(opts, { width = none, height = none, filter = "pil-bilinear" })
  local width = o.width and side("resize", o.width)
  local height = o.height and side("resize", o.height)
  if not width and not height then blame("resize: expected a width, a height or both") end
  width = width or scaled(self.width, height, self.height)
  height = height or scaled(self.height, width, self.width)
  return wrap(core.image_resize(self.pixels, height, width, o.filter), self.mode)
end

---@class perigee.pad.options
---@field all? integer on every side; default 0
---@field left? integer
---@field top? integer
---@field right? integer
---@field bottom? integer
---@field border? "constant"|"edge"|"reflect" default "constant"
---@field fill? perigee.Color default zeros

--- Room around it.
---@param opts perigee.pad.options
---@return perigee.Image
function Image:pad(opts)
  local o = options.check(opts, {
    left = none, top = none, right = none, bottom = none, all = 0, border = "constant", fill = none,
  })
  local fill = color_values(self, o.fill)
  return wrap(core.image_pad(self.pixels, o.left or o.all, o.top or o.all, o.right or o.all,
    o.bottom or o.all, o.border, fill), self.mode)
end

---@class perigee.letterbox.options
---@field width integer
---@field height integer
---@field fill? perigee.Color default zeros
---@field filter? perigee.Filter default "pil-bilinear"

--- As large as fits into width by height, in the middle, with a colour around. A point (x, y) of
--- the image went to (x * scale + placement.x, y * scale + placement.y).
---@param opts perigee.letterbox.options
---@return perigee.Image image
---@return { scale: number, x: integer, y: integer } placement
function Image:letterbox(opts)
  local o = options.check(opts, {
    width = none, height = none, fill = none, filter = "pil-bilinear",
  })
  if not o.width or not o.height then blame("letterbox: expected a width and a height") end
  local width, height = side("letterbox", o.width), side("letterbox", o.height)
  local pixels, scale, x, y = core.image_letterbox(self.pixels, height, width, o.filter,
    (color_values(self, o.fill)))
  return wrap(pixels, self.mode), { scale = scale, x = x, y = y }
end

---@param direction "horizontal"|"vertical" horizontal: left and right change places
---@return perigee.Image
function Image:flip(direction)
  if direction ~= "horizontal" and direction ~= "vertical" then
    blame("flip: expected 'horizontal' or 'vertical', got '%s'", tostring(direction))
  end
  return wrap(core.image_flip(self.pixels, direction == "horizontal"), self.mode)
end

---@class perigee.rotate.options
---@field expand? boolean the result grows to hold all of it; default false: it keeps the size
---@field filter? "bilinear"|"nearest" default "bilinear"
---@field fill? perigee.Color default zeros

--- About the centre, counter-clockwise. Quarter turns only move pixels where the size allows it.
---@param degrees number
---@param opts? perigee.rotate.options
---@return perigee.Image
function Image:rotate(degrees, opts)
  local o = options.check(opts, { expand = false, filter = "bilinear", fill = none })
  if type(degrees) ~= "number" then
    blame("rotate: expected degrees, a number, got a %s", type(degrees))
  end
  if o.filter ~= "bilinear" and o.filter ~= "nearest" then
    blame("rotate: expected the filter 'bilinear' or 'nearest', got '%s'", o.filter)
  end
  return wrap(core.image_rotate(self.pixels, degrees, o.expand, o.filter == "nearest",
    (color_values(self, o.fill))), self.mode)
end

-- ---- into networks and back ---------------------------------------------------------------------

local unbatched = { NCHW = "CHW", NHWC = "HWC" }

---@class perigee.normal.options
---@field scale? number default 1
---@field mean? number|number[] one, or one a channel; default 0
---@field std? number|number[] default 1
---@field layout? "NCHW"|"NHWC"|"CHW"|"HWC"|"HW" default "NCHW"
---@field dtype? perigee.dtype of the result; integers are rounded and limited
---@field batch? boolean false drops the N of the layout; default true

--- Checks a mean or std: a number, or a table with one for all channels or one a channel.
local function each(name, value, channels)
  if type(value) ~= "table" then return value end
  if #value == 1 then return value[1] end
  if #value ~= channels then
    blame("tensor: %s: expected %d numbers, one a channel, got %d", name, channels, #value)
  end
  return value
end

--- (x * scale - mean[c]) / std[c], where x is a pixel as it is stored; f32 [1,C,H,W] by default.
---@param opts? perigee.normal.options
---@return perigee.Tensor
function Image:tensor(opts)
  local o = options.check(opts, {
    scale = 1, mean = none, std = none, layout = "NCHW", dtype = "f32", batch = true,
  })
  local layout = not o.batch and unbatched[o.layout] or o.layout
  return core.image_to_tensor(self.pixels, o.scale, each("mean", o.mean, self.channels),
    each("std", o.std, self.channels), layout, o.dtype)
end

--- The way back, with the options that `tensor` got: (x * std[c] + mean[c]) / scale, rounded and
--- limited for u8. Of NCHW and NHWC a tensor without the batch axis or [H,W] is taken too.
---@param t perigee.Tensor
---@param opts? perigee.normal.options dtype: default "u8"; and `mode`, an ImageMode
---@return perigee.Image
function M.from_tensor(t, opts)
  local o = options.check(opts, {
    scale = 1, mean = none, std = none, layout = "NCHW", dtype = "u8", mode = none,
  })
  local layout, rank = o.layout, t.rank
  if rank == 3 then layout = unbatched[layout] or layout end
  if rank == 2 then layout = "HW" end
  return M.wrap(core.image_from_tensor(t, o.scale, o.mean, o.std, layout, o.dtype), o.mode)
end

local function is_channels(n) return n == 1 or n == 3 or n == 4 end

--- The layout of a declared shape, its channels, height and width (nil where free).
local function read_shape(shape, picture)
  local function size(n) return math.type(n) == "integer" and n > 0 and n or nil end
  local own = picture.channels
  local rank = shape and #shape or 4
  if rank == 2 then return "HW", 1, size(shape[1]), size(shape[2]) end
  if rank ~= 3 and rank ~= 4 then return nil end
  if not shape then return "NCHW", own end
  local first, last = shape[rank - 2], shape[rank]
  if is_channels(first) or (not size(first) and not is_channels(last)) then
    return rank == 4 and "NCHW" or "CHW", size(first) or own, size(shape[rank - 1]), size(last)
  elseif is_channels(last) then
    return rank == 4 and "NHWC" or "HWC", last, size(first), size(shape[rank - 1])
  end
end

local channel_method = { [1] = "gray", [3] = "rgb", [4] = "rgba" }
local float_types = { f16 = true, bf16 = true, f32 = true, f64 = true }

--- Makes of a picture what a model's input takes, by its declaration: channels, size, layout, type.
--- Sides that are free keep the picture's, or its aspect ratio. By default floats get 0 to 1,
--- integers 0 to 255.
---@param picture perigee.Image
---@param spec perigee.ValueInfo { name, dtype, shape } with names or "?" for free dimensions
---@param opts? { scale?: number, mean?: number|number[], std?: number|number[] }
---@return perigee.Tensor? tensor
---@return string? message
---@return string? code
function M.fit(picture, spec, opts)
  local o = options.check(opts, { scale = none, mean = none, std = none })
  if getmetatable(picture) ~= meta then blame("fit: expected an image, got a %s", type(picture)) end
  local shape, dtype = spec.shape, spec.dtype or "f32"
  local is_float = float_types[dtype]
  local described = ("%s [%s]"):format(dtype, shape and table.concat(shape, ",") or "...")
  local function refuse(message)
    return nil, ("input '%s': %s"):format(spec.name, message), "unsupported"
  end
  if not is_float and not dtype:find "^[iu]%d+$" then
    return refuse("an image can't become " .. described)
  end
  local layout, channels, height, width = read_shape(shape, picture)
  local method = layout and channel_method[channels == 2 and 1 or channels]
  if not method then return refuse(described .. " is no shape of an image") end
  local batch = #layout == 4 and shape and shape[1]
  if math.type(batch) == "integer" and batch > 1 then
    return refuse(("expected a batch of %d, got one image"):format(batch))
  end
  local fitted = picture[method](picture)
  if fitted.pixels.dtype == "u16" then fitted = fitted:f32() end
  if height or width then
    fitted = fitted:resize { width = width, height = height, filter = "bilinear" }
  end
  local full = fitted.pixels.dtype == "f32" and 1 or 255
  return fitted:tensor {
    scale = o.scale or (is_float and 1 or 255) / full, mean = o.mean, std = o.std, layout = layout,
    dtype = dtype,
  }
end

-- ---- drawing and looking ------------------------------------------------------------------------

require "perigee.image.draw"(Image)

--- Width and height in pixels of what `text` would draw.
---@param text string
---@param scale? integer
---@return integer width
---@return integer height
function M.text_size(text, scale) return core.image_text_size(text, scale) end

--- The image as a string for terminals with 24-bit colour: two pixels a character.
---@param opts? { width?: integer } at most so many characters, default 80
---@return string
function Image:preview(opts)
  local o = options.check(opts, { width = 80 })
  local small = self.pixels.dtype == "u8" and self or self:u8()
  if small.width > o.width then small = small:resize { width = o.width, filter = "pil-box" } end
  return core.image_preview(small:rgb { over = "black" }.pixels)
end

function meta:__tostring()
  return ("Image %dx%d %s %s"):format(self.width, self.height, self.mode, self.pixels.dtype)
end

return M
