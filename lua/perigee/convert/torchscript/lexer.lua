--- The tokens of printed TorchScript: Python's, with lines and indentation as tokens.
local fail = require "perigee.convert.fail"

local M = {}

local escapes = {
  n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v", ["0"] = "\0",
  ["\\"] = "\\", ['"'] = '"', ["'"] = "'", ["\n"] = "",
}

--- The text between quotes, from `at` (the first quote) on, and where it ends.
local function string_at(text, at, line)
  local quote, out, from = text:sub(at, at), {}, at + 1
  while true do
    local stop = text:find('[\\' .. quote .. "\n]", from)
    if not stop or text:sub(stop, stop) == "\n" then
      fail.format("line %d: a text without end", line)
    end
    out[#out + 1] = text:sub(from, stop - 1)
    if text:sub(stop, stop) == quote then return table.concat(out), stop + 1 end
    local octal = text:match("^%d%d%d", stop + 1)
    local hex = text:match("^x(%x%x)", stop + 1)
    if octal then
      out[#out + 1], from = string.char(tonumber(octal, 8) % 256), stop + 4
    elseif hex then
      out[#out + 1], from = string.char(tonumber(hex, 16)), stop + 4
    else
      local c = text:sub(stop + 1, stop + 1)
      out[#out + 1], from = escapes[c] or "\\" .. c, stop + 2
    end
  end
end

local function number_at(text, at, line)
  local digits = text:match("^0[xX]%x+", at) or text:match("^%d+%.?%d*[eE][+-]?%d+", at)
    or text:match("^%d*%.?%d+[eE][+-]?%d+", at) or text:match("^%d+%.%d*", at)
    or text:match("^%.%d+", at) or text:match("^%d+", at)
  local value = tonumber(digits) or fail.format("line %d: no number: %s", line, digits)
  at = at + #digits
  if text:find("^j", at) then fail.format("line %d: a complex number", line) end
  if not digits:find "[.eExX]" then value = math.tointeger(value) or value end
  return value, at
end

local opening, closing = { ["("] = true, ["["] = true, ["{"] = true },
  { [")"] = true, ["]"] = true, ["}"] = true }

--- Lines deeper or shallower than the one before.
local function indent(tokens, levels, depth, line)
  if depth > levels[#levels] then
    levels[#levels + 1] = depth
    tokens[#tokens + 1] = { type = "indent", line = line }
  end
  while depth < levels[#levels] do
    levels[#levels] = nil
    tokens[#tokens + 1] = { type = "dedent", line = line }
  end
  if depth ~= levels[#levels] then fail.format("line %d: indented as no line before", line) end
end

--- @return table[] tokens { type = "name"|"number"|"string"|"symbol"|"line"|"indent"|"dedent"|"end" }
function M.tokens(text)
  local tokens, levels, at, line, brackets, is_fresh = {}, { 0 }, 1, 1, 0, true
  local function add(type, value) tokens[#tokens + 1] = { type = type, value = value, line = line } end
  while at <= #text do
    if is_fresh and brackets == 0 then
      local spaces = #text:match("^ *", at)
      at = at + spaces
      if not text:find("^[\n#]", at) and at <= #text then indent(tokens, levels, spaces, line) end
      is_fresh = false
    end
    local c = text:sub(at, at)
    if c == "\n" then
      if brackets == 0 and tokens[#tokens] and tokens[#tokens].type ~= "line"
        and tokens[#tokens].type ~= "dedent" then
        add "line"
      end
      at, line, is_fresh = at + 1, line + 1, brackets == 0
    elseif c:find "%s" then
      at = at + 1
    elseif c == "#" then
      at = text:find("\n", at, true) or #text + 1
    elseif c:find "[%a_]" then
      local name = text:match("^[%w_]+", at)
      add("name", name)
      at = at + #name
    elseif c:find "%d" or text:find("^%.%d", at) then
      local value
      value, at = number_at(text, at, line)
      add("number", value)
    elseif c == '"' or c == "'" then
      local value
      value, at = string_at(text, at, line)
      add("string", value)
    else
      local symbol = text:match("^%->", at) or text:match("^[=!<>]=", at) or text:match("^//", at)
        or text:match("^%*%*", at) or c
      if opening[symbol] then brackets = brackets + 1 end
      if closing[symbol] then brackets = math.max(brackets - 1, 0) end
      add("symbol", symbol)
      at = at + #symbol
    end
  end
  if tokens[#tokens] and tokens[#tokens].type ~= "line" then add "line" end
  indent(tokens, levels, 0, line)
  add "end"
  return tokens
end

return M
