--- XML as nested tables, through expat (lxp, Debian's lua-expat): an element is { name = "layer",
--- attrs = { id = "0" }, parent's children in order as an array, text = "..." }. Documents that
--- declare entities are refused: nothing we read needs them, and they grow without end.
local fail = require "perigee.convert.fail"

local M = {}

local MOST_DEPTH, PIECE = 256, 1 << 16

local function parser_of(root)
  local ok, lxp = pcall(require, "lxp")
  if not ok then
    fail.unsupported { { what = "XML, which needs the Lua module 'lxp' (Debian's lua-expat)" } }
  end
  local stack, problem = { root }, nil
  local parser
  local function refuse(message)
    problem = problem or message
    parser:stop()
  end
  parser = lxp.new {
    StartElement = function(_, name, attrs)
      if #stack > MOST_DEPTH then return refuse "elements nested too deeply" end
      local plain = {}
      for key, value in pairs(attrs) do
        if type(key) == "string" then plain[key] = value end
      end
      local element, parent = { name = name, attrs = plain, text = "" }, stack[#stack]
      parent[#parent + 1] = element
      stack[#stack + 1] = element
    end,
    EndElement = function() stack[#stack] = nil end,
    CharacterData = function(_, text)
      local element = stack[#stack]
      if text:find "%S" then element.text = element.text .. text end
    end,
    StartDoctypeDecl = function() refuse "a document type, which this format doesn't use" end,
  }
  return parser, function() return problem end
end

--- The root element.
---@param bytes perigee.Bytes
---@return table
function M.parse(bytes)
  local document = {}
  local parser, problem = parser_of(document)
  for at = 0, #bytes, PIECE do
    local is_last = at + PIECE > #bytes
    local ok, message, line = parser:parse(bytes:string(at, math.min(PIECE, #bytes - at)))
    if ok and is_last then ok, message, line = parser:parse() end
    if not ok then
      pcall(parser.close, parser)
      fail.format("XML, line %s: %s", line or "?", problem() or message)
    end
    if is_last then break end
  end
  pcall(parser.close, parser)
  if not document[1] then fail.format("XML without an element") end
  return document[1]
end

--- The first child of a name.
function M.child(element, name)
  for _, child in ipairs(element or {}) do
    if child.name == name then return child end
  end
end

--- All children of a name.
function M.children(element, name)
  local list = {}
  for _, child in ipairs(element or {}) do
    if child.name == name then list[#list + 1] = child end
  end
  return list
end

return M
