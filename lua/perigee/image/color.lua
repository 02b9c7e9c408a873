--- Colours as people write them, to the values of an image's channels.
local core = require "perigee.core"
local blame = require "perigee.util.blame"

local M = {}

local names = {
  black = "#000000", white = "#ffffff", gray = "#808080", red = "#ff0000", green = "#00c000",
  blue = "#0000ff", yellow = "#ffff00", cyan = "#00ffff", magenta = "#ff00ff", orange = "#ff8000",
}

local function parse_text(text, unit)
  local digits = (names[text] or text):match "^#(%x+)$"
  if not digits or (#digits ~= 6 and #digits ~= 8) then
    blame("'%s' is no colour (expected '#rrggbb', '#rrggbbaa' or a name)", text)
  end
  local out = {}
  for pair in digits:gmatch "%x%x" do out[#out + 1] = tonumber(pair, 16) * unit / 255 end
  return out
end

--- Red, green, blue and perhaps alpha in the image's units.
local function parse(color, unit)
  if type(color) == "string" then return parse_text(color, unit) end
  if type(color) == "number" then return { color, color, color } end
  local n = type(color) == "table" and #color or 0
  if n < 1 or n > 4 then
    blame("a colour is a string, a number or a table of 1 to 4 numbers, not %s", tostring(color))
  end
  if n <= 2 then return { color[1], color[1], color[1], color[2] } end
  return color
end

--- The same colour in another space.
local function convert(c, mode, unit)
  local pixel = core.tensor_from({ { { c[1] / unit, c[2] / unit, c[3] / unit } } }, "f32")
  if unit == 255 then pixel = core.image_cast(pixel, "u8") end
  return core.image_color(pixel, "rgb", mode):reshape(-1):totable()
end

--- One value for each channel of the image, and the colour's alpha from 0 to 1. nil is zero
--- everywhere, transparent where there is alpha.
---@param picture perigee.Image
---@param color perigee.Color?
---@return number[] values
---@return number alpha
function M.values(picture, color)
  if color == nil then return { 0, 0, 0, 0 }, 1 end
  local unit = picture.pixels.dtype == "f32" and 1 or 255
  local c, mode = parse(color, unit), picture.mode
  local alpha = c[4] or unit
  if mode == "bgr" then
    c = { c[3], c[2], c[1] }
  elseif mode == "gray" or mode == "graya" then
    c = { c[1] * 0.299 + c[2] * 0.587 + c[3] * 0.114, alpha }
  elseif type(color) == "string" and mode ~= "rgb" and mode ~= "rgba" then
    c = convert(c, mode, unit)
  else
    c = { c[1], c[2], c[3], alpha }
  end
  return c, alpha / unit
end

return M
