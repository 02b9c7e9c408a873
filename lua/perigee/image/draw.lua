--- Drawing on images, in place. Loaded by perigee.image.
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local options = require "perigee.util.options"
local color_values = require("perigee.image.color").values

local none = options.none

local function required(o, what, ...)
  for _, name in ipairs { ... } do
    if o[name] == nil then blame("%s: '%s' is missing", what, name) end
  end
end

---@param Image perigee.Image the class to extend
return function(Image)
  ---@class perigee.rectangle.options
  ---@field x? number
  ---@field y? number
  ---@field width? number
  ---@field height? number
  ---@field box? number[] x1, y1, x2, y2 instead, as networks give them
  ---@field color? perigee.Color default "red"
  ---@field thickness? number inwards; default 1
  ---@field fill? boolean

  --- Covers pixels x to x + width - 1, y to y + height - 1.
  ---@param opts perigee.rectangle.options
  ---@return perigee.Image self
  function Image:rectangle(opts)
    local o = options.check(opts, {
      x = none, y = none, width = none, height = none, box = none, color = none, thickness = 1,
      fill = false,
    })
    local values, alpha = color_values(self, o.color or "red")
    if o.box then
      o.x, o.y = o.box[1], o.box[2]
      o.width, o.height = o.box[3] - o.x, o.box[4] - o.y
    end
    required(o, "rectangle", "x", "y", "width", "height")
    core.image_rectangle(self.pixels, o.x, o.y, o.width, o.height, values, alpha,
      o.fill and 0 or o.thickness)
    return self
  end

  ---@class perigee.line.options
  ---@field x1 number
  ---@field y1 number
  ---@field x2 number
  ---@field y2 number
  ---@field color? perigee.Color default "red"
  ---@field thickness? number default 1
  ---@field antialias? boolean default true

  --- From pixel centre to pixel centre.
  ---@param opts perigee.line.options
  ---@return perigee.Image self
  function Image:line(opts)
    local o = options.check(opts, {
      x1 = none, y1 = none, x2 = none, y2 = none, color = none, thickness = 1, antialias = true,
    })
    required(o, "line", "x1", "y1", "x2", "y2")
    local values, alpha = color_values(self, o.color or "red")
    core.image_line(self.pixels, o.x1, o.y1, o.x2, o.y2, values, alpha, o.thickness, o.antialias)
    return self
  end

  ---@class perigee.circle.options
  ---@field x number
  ---@field y number
  ---@field radius number
  ---@field color? perigee.Color default "red"
  ---@field thickness? number half of it outside of the radius; default 1
  ---@field fill? boolean
  ---@field antialias? boolean default true

  --- About a pixel's centre.
  ---@param opts perigee.circle.options
  ---@return perigee.Image self
  function Image:circle(opts)
    local o = options.check(opts, {
      x = none, y = none, radius = none, color = none, thickness = 1, fill = false,
      antialias = true,
    })
    required(o, "circle", "x", "y", "radius")
    local values, alpha = color_values(self, o.color or "red")
    core.image_circle(self.pixels, o.x, o.y, o.radius, values, alpha, o.fill and 0 or o.thickness,
      o.antialias)
    return self
  end

  --- A dot of radius 2, or another.
  ---@param opts { x: number, y: number, radius?: number, color?: perigee.Color }
  ---@return perigee.Image self
  function Image:point(opts)
    local o = options.check(opts, { x = none, y = none, radius = 2, color = none })
    return self:circle { x = o.x, y = o.y, radius = o.radius, color = o.color, fill = true }
  end

  ---@class perigee.text.options
  ---@field text string
  ---@field x? number of the top left corner; default 0
  ---@field y? number
  ---@field color? perigee.Color default "red"
  ---@field scale? integer pixels a pixel of the font; default 1
  ---@field background? perigee.Color of a box behind it

  --- In the built-in font of 6 by 10 pixels a character: printable ASCII; the rest shows as a box.
  ---@param opts perigee.text.options
  ---@return perigee.Image self
  function Image:text(opts)
    local o = options.check(opts, {
      x = 0, y = 0, text = none, color = none, scale = 1, background = none,
    })
    required(o, "text", "text")
    local text, scale = tostring(o.text), o.scale
    local values, alpha = color_values(self, o.color or "red")
    if o.background then
      local width, height = core.image_text_size(text, scale)
      self:rectangle {
        x = o.x - scale, y = o.y - scale, width = width + scale, height = height + scale,
        color = o.background, fill = true,
      }
    end
    core.image_text(self.pixels, o.x, o.y, text, scale, values, alpha)
    return self
  end
end
