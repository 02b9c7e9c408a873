--- Protobuf's text format (https://protobuf.dev/reference/protobuf/textformat-spec) as tables:
--- every field is an array of what stands there, in order: { name = { "conv1" }, layer = { {...},
--- {...} } }. Numbers are numbers, true and false booleans, names of enums and texts strings.
local fail = require "perigee.convert.fail"

local M = {}

local MOST_DEPTH = 100

local Reader = {}
Reader.__index = Reader

function Reader:fail(message, ...)
  local _, line = self.text:sub(1, self.at):gsub("\n", "")
  fail.format("line %d: %s", line + 1, message:format(...))
end

--- Past white space, comments and the separators that mean nothing.
function Reader:skip()
  local at = self.at
  repeat
    local before = at
    at = self.text:match("^[%s,;]*()", at)
    at = self.text:match("^#[^\n]*()", at) or at
  until at == before
  self.at = at
end

function Reader:take(pattern)
  local found, after = self.text:match("^(" .. pattern .. ")()", self.at)
  if found then
    self.at = after
    self:skip()
  end
  return found
end

local escape = {
  n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v", ["\\"] = "\\", ["'"] = "'",
  ['"'] = '"', ["?"] = "?",
}

local function unescape(text)
  text = text:gsub("\\(x%x%x?)", function(hex) return string.char(tonumber(hex:sub(2), 16)) end)
  text = text:gsub("\\([0-3]?[0-7]?[0-7])", function(octal)
    return octal ~= "" and string.char(tonumber(octal, 8)) or nil
  end)
  return (text:gsub("\\(.)", escape))
end

--- One or several quoted texts side by side.
function Reader:string()
  local parts = {}
  while true do
    local quote = self.text:match("^[\"']", self.at)
    if not quote then break end
    local at = self.at + 1
    while true do
      local stop = self.text:find("[\\\n" .. quote .. "]", at)
      local c = stop and self.text:sub(stop, stop)
      if not c or c == "\n" then self:fail("a text without end") end
      if c == quote then
        parts[#parts + 1] = unescape(self.text:sub(self.at + 1, stop - 1))
        self.at = stop + 1
        self:skip()
        break
      end
      at = stop + 2
    end
  end
  return #parts > 0 and table.concat(parts) or nil
end

function Reader:scalar()
  local text = self:string()
  if text then return text end
  local number = self:take "[-+]?%.?%d[%w.+-]*"
  if number then
    local value = tonumber(number) or tonumber((number:gsub("[fF]$", "")))
    if not value then self:fail("no number: %s", number) end
    return value
  end
  local word = self:take "%-?[%a_][%w_.]*"
  if not word then self:fail("a value was expected") end
  if word == "true" or word == "false" then return word == "true" end
  local special = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0, infinity = math.huge }
  return special[word:lower()] or word
end

function Reader:value(depth)
  local open = self:take "[{<]"
  if not open then return self:scalar() end
  local message = self:message(depth + 1)
  if not self:take(open == "{" and "}" or ">") then self:fail("'%s' is never closed", open) end
  return message
end

function Reader:message(depth)
  if depth > MOST_DEPTH then self:fail("messages nested deeper than %d", MOST_DEPTH) end
  local out = {}
  while true do
    local name = self:take "[%a_][%w_]*" or self:take "%[[%w_./]*%]"
    if not name then return out end
    local has_colon = self:take ":"
    if not has_colon and not self.text:find("^[{<]", self.at) then
      self:fail("':' was expected behind %s", name)
    end
    local list = out[name] or {}
    if self:take "%[" then
      while not self:take "%]" do list[#list + 1] = self:value(depth) end
    else
      list[#list + 1] = self:value(depth)
    end
    out[name] = list
  end
end

---@param text string
---@return table
function M.parse(text)
  local self = setmetatable({ text = text, at = 1 }, Reader)
  self:skip()
  local out = self:message(1)
  if self.at <= #text then self:fail("a field was expected") end
  return out
end

return M
