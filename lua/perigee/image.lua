--- Pictures: read, change, draw on, give to networks.
---
---     local x = image.read("cat.jpg"):rgb():resize { width = 224, height = 224 }:tensor { scale = 1 / 255 }
---
--- Methods return new images and can be chained; those that draw change the image and return it.
--- Coordinates are 0-based pixels, x to the right and y down, as boxes from networks are. Colours are
--- "#rrggbb", "#rrggbbaa", a name ("red"), a grey value, or a table { r, g, b[, a] } in the image's
--- units: 0 to 255 for u8, 0 to 1 for f32. In hsv and ycbcr images a table is taken as it is.
local core = require "perigee.core"
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

local function check(value, level)
  if getmetatable(value) ~= meta then
    error(("expected an image, got a %s"):format(type(value)), (level or 2) + 1)
  end
  return value
end

local function required(o, name, what)
  if o[name] == nil then error(("%s: '%s' is missing"):format(what, name), 3) end
  return o[name]
end

-- ---- making, reading, writing -----------------------------------------------------------------------

--- An image on a tensor's memory: what is drawn shows in both.
---@param pixels perigee.Tensor u8 or f32 [H,W,1 to 4]
---@param mode? perigee.ImageMode default by the number of channels
---@return perigee.Image
function M.wrap(pixels, mode)
  local shape = core.is_tensor(pixels) and pixels.shape
  if not shape or #shape ~= 3 or not channel_modes[shape[3]] then
    error("expected a tensor [H,W,1 to 4]", 2)
  end
  mode = mode or channel_modes[shape[3]]
  if mode_channels[mode] ~= shape[3] then
    error(("mode '%s' does not have %d channels"):format(tostring(mode), shape[3]), 2)
  end
  return wrap(pixels:contiguous(), mode)
end

--- A blank image.
---@param opts { width: integer, height: integer, mode?: perigee.ImageMode, dtype?: "u8"|"f32", fill?: perigee.Color }
---@return perigee.Image
function M.new(opts)
  local o = options.check(opts, {
    width = none, height = none, mode = "rgb", dtype = "u8", fill = none,
  })
  local channels = mode_channels[o.mode] or error("unknown mode '" .. tostring(o.mode) .. "'", 2)
  local height, width = required(o, "height", "new"), required(o, "width", "new")
  local self = wrap(core.tensor_new(o.dtype, { height, width, channels }), o.mode)
  if o.fill then
    self:rectangle { x = 0, y = 0, width = width, height = height, color = o.fill, fill = true }
  end
  return self
end

local function read_options(opts) return options.check(opts, { deep = false }, 3).deep end

--- Reads PNG or JPEG, whatever the name ends in.
---@param path string
---@param opts? { deep?: boolean } deep: 16-bit PNG stays u16; convert it with :u8() or :f32()
---@return perigee.Image? image
---@return string? message
---@return string? code "io", "format", "unsupported"
function M.read(path, opts)
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
  local picture = displayed[self.mode] and self:rgb() or self
  return core.image_write(picture.pixels, path, o.quality)
end

-- ---- colours ----------------------------------------------------------------------------------------

local names = {
  black = "#000000", white = "#ffffff", gray = "#808080", red = "#ff0000", green = "#00c000",
  blue = "#0000ff", yellow = "#ffff00", cyan = "#00ffff", magenta = "#ff00ff", orange = "#ff8000",
}

local function parse_hex(text, unit)
  local digits = (names[text] or text):match "^#(%x+)$"
  if not digits or (#digits ~= 6 and #digits ~= 8) then
    error(("'%s' is no colour (expected '#rrggbb', '#rrggbbaa' or a name)"):format(text), 0)
  end
  local out = {}
  for pair in digits:gmatch "%x%x" do out[#out + 1] = tonumber(pair, 16) * unit / 255 end
  return out
end

--- One value for each of the image's channels, and alpha from 0 to 1.
local function channel_values(self, color)
  local unit = self.pixels.dtype == "f32" and 1 or 255
  local c = color
  if type(c) == "string" then c = parse_hex(c, unit) end
  if type(c) == "number" then c = { c, c, c } end
  if type(c) ~= "table" then error("a colour is a string, a number or a table", 0) end
  if #c == 1 then c = { c[1], c[1], c[1] } end
  if #c == 2 then c = { c[1], c[1], c[1], c[2] } end
  if #c < 3 or #c > 4 then error("a colour has 1 to 4 values", 0) end
  local alpha = c[4] or unit
  if self.mode == "bgr" then
    c = { c[3], c[2], c[1] }
  elseif self.channels < 3 then
    local gray = c[1] * 0.299 + c[2] * 0.587 + c[3] * 0.114
    c = self.channels == 2 and { gray, alpha } or { gray }
  elseif type(color) == "string" and (self.mode == "hsv" or self.mode == "ycbcr") then
    local pixel = core.tensor_from({ { c } }, "f32")
    if unit == 255 then pixel = core.image_cast(core.tensor_from({ { { c[1] / 255, c[2] / 255,
      c[3] / 255 } } }, "f32"), "u8") end
    c = core.image_color(pixel, "rgb", self.mode):reshape(-1):totable()
  else
    c = { c[1], c[2], c[3], self.channels == 4 and alpha or nil }
  end
  return c, alpha / unit
end

--- Raises where the user called: `level` counts from here.
local function color_of(self, color, otherwise)
  if color == nil then
    if otherwise == nil then return { 0, 0, 0, 0 }, 1 end
    color = otherwise
  end
  local ok, values, alpha = pcall(channel_values, self, color)
  if not ok then error(values, 3) end
  return values, alpha
end

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
  local over = color_of(self, o.over)
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

-- ---- geometry ---------------------------------------------------------------------------------------

--- A rectangle of it, which must lie inside.
---@param opts { x?: integer, y?: integer, width?: integer, height?: integer } default: from 0, 0 to the far corner
---@return perigee.Image
function Image:crop(opts)
  local o = options.check(opts, { x = 0, y = 0, width = none, height = none })
  local width, height = o.width or self.width - o.x, o.height or self.height - o.y
  return wrap(core.image_crop(self.pixels, o.x, o.y, width, height), self.mode)
end

local function scaled(n, by, from) return math.max(1, math.floor(n * by / from + 0.5)) end

--- A side that is not given keeps the aspect ratio.
---@param opts { width?: integer, height?: integer, filter?: perigee.Filter }
---@return perigee.Image
function Image:resize(opts)
  local o = options.check(opts, { width = none, height = none, filter = "pil-bilinear" })
  local width, height = o.width, o.height
  if not width and not height then error("resize: expected a width, a height or both", 2) end
  width = width or scaled(self.width, height, self.height)
  height = height or scaled(self.height, width, self.width)
  return wrap(core.image_resize(self.pixels, height, width, o.filter), self.mode)
end

--- Room around it.
---@param opts { left?: integer, top?: integer, right?: integer, bottom?: integer, all?: integer, border?: "constant"|"edge"|"reflect", fill?: perigee.Color }
---@return perigee.Image
function Image:pad(opts)
  local o = options.check(opts, {
    left = none, top = none, right = none, bottom = none, all = 0, border = "constant", fill = none,
  })
  local fill = color_of(self, o.fill)
  return wrap(core.image_pad(self.pixels, o.left or o.all, o.top or o.all, o.right or o.all,
    o.bottom or o.all, o.border, fill), self.mode)
end

--- As large as fits into width by height, in the middle, with a colour around. A point (x, y) of the
--- image went to (x * scale + placement.x, y * scale + placement.y).
---@param opts { width: integer, height: integer, fill?: perigee.Color, filter?: perigee.Filter }
---@return perigee.Image image
---@return { scale: number, x: integer, y: integer } placement
function Image:letterbox(opts)
  local o = options.check(opts, {
    width = none, height = none, fill = none, filter = "pil-bilinear",
  })
  local width, height = required(o, "width", "letterbox"), required(o, "height", "letterbox")
  local pixels, scale, x, y = core.image_letterbox(self.pixels, height, width, o.filter,
    (color_of(self, o.fill)))
  return wrap(pixels, self.mode), { scale = scale, x = x, y = y }
end

---@param direction "horizontal"|"vertical" horizontal: left and right change places
---@return perigee.Image
function Image:flip(direction)
  if direction ~= "horizontal" and direction ~= "vertical" then
    error("flip: expected 'horizontal' or 'vertical'", 2)
  end
  return wrap(core.image_flip(self.pixels, direction == "horizontal"), self.mode)
end

--- About the centre, counter-clockwise. Multiples of 90 only move pixels where the size allows it.
---@param degrees number
---@param opts? { expand?: boolean, filter?: "bilinear"|"nearest", fill?: perigee.Color } expand: the result holds all of it
---@return perigee.Image
function Image:rotate(degrees, opts)
  local o = options.check(opts, { expand = false, filter = "bilinear", fill = none })
  if o.filter ~= "bilinear" and o.filter ~= "nearest" then
    error("rotate: expected the filter 'bilinear' or 'nearest'", 2)
  end
  return wrap(core.image_rotate(self.pixels, degrees, o.expand, o.filter == "nearest",
    (color_of(self, o.fill))), self.mode)
end

-- ---- into networks and back -------------------------------------------------------------------------

local unbatched = { NCHW = "CHW", NHWC = "HWC" }

--- (x * scale - mean[c]) / std[c], where x is a pixel as it is stored.
---@param opts? { scale?: number, mean?: number|number[], std?: number|number[], layout?: "NCHW"|"NHWC"|"CHW"|"HWC"|"HW", dtype?: perigee.dtype, batch?: boolean } default f32 [1,C,H,W]; integer types are rounded and limited
---@return perigee.Tensor
function Image:tensor(opts)
  local o = options.check(opts, {
    scale = 1, mean = none, std = none, layout = "NCHW", dtype = "f32", batch = true,
  })
  local layout = not o.batch and unbatched[o.layout] or o.layout
  return core.image_to_tensor(self.pixels, o.scale, o.mean, o.std, layout, o.dtype)
end

--- The way back, with the options that `tensor` got: (x * std[c] + mean[c]) / scale, rounded and
--- limited for u8. Of NCHW and NHWC a tensor without the batch axis or [H,W] is taken too.
---@param t perigee.Tensor
---@param opts? { scale?: number, mean?: number|number[], std?: number|number[], layout?: string, dtype?: "u8"|"f32", mode?: perigee.ImageMode }
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
--- Sides that are free keep the picture's, or its aspect ratio.
---@param picture perigee.Image
---@param spec perigee.ValueInfo { name, dtype, shape } with names or "?" for free dimensions
---@param opts? { scale?: number, mean?: number|number[], std?: number|number[] } scale: default makes floats 0 to 1, integers 0 to 255
---@return perigee.Tensor? tensor
---@return string? message
---@return string? code
function M.fit(picture, spec, opts)
  local o = options.check(opts, { scale = none, mean = none, std = none })
  check(picture)
  local shape, dtype = spec.shape, spec.dtype or "f32"
  local is_float = float_types[dtype]
  local described = ("%s [%s]"):format(dtype, shape and table.concat(shape, ",") or "...")
  if not is_float and not dtype:find "^[iu]%d+$" then
    return nil, ("input '%s': an image can't become %s"):format(spec.name, described), "unsupported"
  end
  local layout, channels, height, width = read_shape(shape, picture)
  local method = layout and channel_method[channels == 2 and 1 or channels]
  if not method then
    return nil, ("input '%s': %s is no shape of an image"):format(spec.name, described), "unsupported"
  end
  local batch = #layout == 4 and shape and shape[1]
  if math.type(batch) == "integer" and batch > 1 then
    return nil, ("input '%s': expected a batch of %d, got one image"):format(spec.name, batch),
      "unsupported"
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

-- ---- drawing ----------------------------------------------------------------------------------------

--- Covers pixels x to x + width - 1; `box` gives x1, y1, x2, y2 instead, as networks do.
---@param opts { x?: number, y?: number, width?: number, height?: number, box?: number[], color?: perigee.Color, thickness?: number, fill?: boolean } thickness: inwards, default 1
---@return perigee.Image
function Image:rectangle(opts)
  local o = options.check(opts, {
    x = none, y = none, width = none, height = none, box = none, color = none, thickness = 1,
    fill = false,
  })
  local color, alpha = color_of(self, o.color, "red")
  local x, y, width, height = o.x, o.y, o.width, o.height
  if o.box then
    x, y = o.box[1], o.box[2]
    width, height = o.box[3] - x, o.box[4] - y
  elseif not (x and y and width and height) then
    error("rectangle: expected x, y, width and height, or box", 2)
  end
  core.image_rectangle(self.pixels, x, y, width, height, color, alpha, o.fill and 0 or o.thickness)
  return self
end

--- From pixel centre to pixel centre.
---@param opts { x1: number, y1: number, x2: number, y2: number, color?: perigee.Color, thickness?: number, antialias?: boolean }
---@return perigee.Image
function Image:line(opts)
  local o = options.check(opts, {
    x1 = none, y1 = none, x2 = none, y2 = none, color = none, thickness = 1, antialias = true,
  })
  local color, alpha = color_of(self, o.color, "red")
  core.image_line(self.pixels, required(o, "x1", "line"), required(o, "y1", "line"),
    required(o, "x2", "line"), required(o, "y2", "line"), color, alpha, o.thickness, o.antialias)
  return self
end

--- About a pixel's centre.
---@param opts { x: number, y: number, radius: number, color?: perigee.Color, thickness?: number, fill?: boolean, antialias?: boolean }
---@return perigee.Image
function Image:circle(opts)
  local o = options.check(opts, {
    x = none, y = none, radius = none, color = none, thickness = 1, fill = false, antialias = true,
  })
  local color, alpha = color_of(self, o.color, "red")
  core.image_circle(self.pixels, required(o, "x", "circle"), required(o, "y", "circle"),
    required(o, "radius", "circle"), color, alpha, o.fill and 0 or o.thickness, o.antialias)
  return self
end

--- A dot.
---@param opts { x: number, y: number, radius?: number, color?: perigee.Color }
---@return perigee.Image
function Image:point(opts)
  local o = options.check(opts, { x = none, y = none, radius = 2, color = none })
  return self:circle {
    x = required(o, "x", "point"), y = required(o, "y", "point"), radius = o.radius,
    color = o.color, fill = true,
  }
end

--- In the built-in font of 6 by 10 pixels a character (printable ASCII; the rest shows as a box).
--- x, y: the top left corner.
---@param opts { x: number, y: number, text: string, color?: perigee.Color, scale?: integer, background?: perigee.Color }
---@return perigee.Image
function Image:text(opts)
  local o = options.check(opts, {
    x = 0, y = 0, text = none, color = none, scale = 1, background = none,
  })
  local text = tostring(required(o, "text", "text"))
  local color, alpha = color_of(self, o.color, "red")
  if o.background then
    local width, height = core.image_text_size(text, o.scale)
    self:rectangle {
      x = o.x - o.scale, y = o.y - o.scale, width = width + o.scale, height = height + o.scale,
      color = o.background, fill = true,
    }
  end
  core.image_text(self.pixels, o.x, o.y, text, o.scale, color, alpha)
  return self
end

--- Width and height in pixels of what `text` would draw.
---@param text string
---@param scale? integer
---@return integer width
---@return integer height
function M.text_size(text, scale) return core.image_text_size(text, scale) end

-- ---- looking ----------------------------------------------------------------------------------------

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
