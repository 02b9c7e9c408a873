--- darknet: NAME.cfg + NAME.weights, every section of the published configurations up to YOLOv4.
---
--- The input is "data"; layer N of type T gives the value "N_T". Outputs are the heads (yolo, region,
--- detection) and the last layer. Heads are raw, as the last convolution gives them; with the option
--- decode = true they are rows of [x, y, w, h, objectness, classes ...] as parts of the image, [height
--- * width * anchors, 5 + classes], classes multiplied by the objectness. Option: seed = a number, for
--- random weights where there is no file.
local builder = require "perigee.convert.builder"
local fail = require "perigee.convert.fail"
local layers = require "perigee.convert.darknet.layers"
local weights = require "perigee.convert.darknet.weights"

local M = { name = "darknet" }

function M.detect(bytes)
  if not bytes then return false end
  local head = bytes:string(0, math.min(#bytes, 4096)):gsub("#[^\n]*", "")
  return head:find "^%s*%[net%]" ~= nil or head:find "^%s*%[network%]" ~= nil
end

-- ---- the configuration ------------------------------------------------------------------------

local Section = {}
Section.__index = Section

--- A number of a section; what is no number is an error in the file.
function Section:number(key, default)
  local text = self.fields[key]
  if text == nil then return default end
  local n = tonumber(text)
  if not n then fail.format("[%s] %d: %s=%s is no number", self.type, self.index, key, text) end
  return n
end

--- An integer within what sizes can be.
function Section:integer(key, default)
  local n = self:number(key, default)
  local whole = n and math.tointeger(n)
  if n and (not whole or math.abs(whole) > 1 << 24) then
    fail.format("[%s] %d: %s=%s is no size", self.type, self.index, key, tostring(n))
  end
  return whole
end

function Section:word(key, default) return self.fields[key] or default end

function Section:list(key)
  local out = {}
  for word in (self.fields[key] or ""):gmatch "[^,%s]+" do
    out[#out + 1] = tonumber(word)
      or fail.format("[%s] %d: %s: %s is no number", self.type, self.index, key, word)
  end
  return out
end

local aliases = {
  conv = "convolutional", conn = "connected", max = "maxpool", avg = "avgpool",
  soft = "softmax", lrn = "normalization", network = "net", ["local_avg"] = "local_avgpool",
}

local function parse(text)
  local sections, current = {}, nil
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    line = line:gsub("[#;].*$", ""):gsub("%s", "")
    local name = line:match "^%[(.-)%]$"
    local key, value = line:match "^([^=]+)=(.*)$"
    if name then
      current = setmetatable({ type = aliases[name] or name, index = #sections - 1, fields = {} },
        Section)
      sections[#sections + 1] = current
      current.index = #sections - 2
    elseif key then
      if not current then fail.format("%s=%s stands before the first section", key, value) end
      current.fields[key] = value
    elseif line ~= "" then
      fail.format("neither a section nor NAME=VALUE: %s", line:sub(1, 60))
    end
  end
  return sections
end

-- ---- the network ------------------------------------------------------------------------------

local Net = {}
Net.__index = Net

--- Layer by its number, or counted back from the one that asks.
function Net:layer(n, from)
  local i = n < 0 and from + n or n
  local layer = self.made[i]
  if not layer then fail.format("layer %d takes layer %d, which isn't there", from, i) end
  return layer
end

function Net.name(_, section) return ("%d_%s"):format(section.index, section.type) end

local is_head = { yolo = true, region = true, detection = true, Gaussian_yolo = true }
local passed_over = { cost = true, dropout = true }

local function convert_layer(self, section, x)
  if passed_over[section.type] then return x end
  local convert = layers[section.type]
  if not convert then
    self.b:unsupported(("section [%s]"):format(section.type), "layer " .. section.index)
    return x
  end
  local y = convert(self, section, x)
  for axis = 1, #y.shape do
    if y.shape[axis] < 1 then
      fail.format("layer %d (%s) leaves nothing: [%s]", section.index, section.type,
        table.concat(y.shape, ","))
    end
  end
  return y
end

---@param source perigee.convert.Source
function M.read(source)
  local sections = parse(source.bytes:string())
  local net = sections[1]
  if not net or net.type ~= "net" then fail.format("no [net] at the beginning") end
  local shape = { 1, net:integer("channels", 3), net:integer("height", 0), net:integer("width", 0) }
  if net.fields.inputs and not net.fields.height then shape = { 1, net:integer "inputs", 1, 1 } end
  for _, n in ipairs(shape) do
    if n < 1 or n > 1 << 14 then fail.format("[net]: an input of [%s]", table.concat(shape, ",")) end
  end
  local self = setmetatable({
    b = builder.new "darknet", made = {}, decode = source.opts.decode == true,
    weights = weights.open(source), image = shape,
  }, Net)
  local x = { name = self.b:input("data", "f32", shape), shape = shape }
  for i = 2, #sections do
    x = convert_layer(self, sections[i], x)
    self.made[sections[i].index] = x
    if is_head[sections[i].type] then self.b:output(x.name) end
  end
  if #sections == 1 then fail.format("no layers") end
  local last = sections[#sections].type
  if not is_head[last] then self.b:output(x.name) end
  return self.b:finish()
end

return M
