--- Protobuf messages as Lua tables, without the content of tensors.
---
--- The engine's reader stops at what it can't make a graph of. The checker has to say all that is
--- wrong, so it looks at the message itself: fields by name, lists for repeated ones. Weights are
--- never read: a tensor's content is { place, size, count }, and `source:read` fetches the few that
--- rules ask about.
local messages = require "perigee.check.messages"

local M = {}

local WINDOW = 1 << 16
local MOST_LEVELS, MOST_FIELDS = 100, 10000000

-- ---- sources of bytes ---------------------------------------------------------------------------

--- A window of bytes around a place. Of a string the window is all of it.
local Source = {}
Source.__index = Source

---@param bytes string
function M.from_bytes(bytes)
  return setmetatable({ window = bytes, first = 0, size = #bytes }, Source)
end

---@param path string
---@return table? source
---@return string? message
function M.from_file(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, message end
  local size = file:seek "end"
  if not size or size == math.maxinteger then
    file:close()
    return nil, path .. ": not a file"
  end
  return setmetatable({ window = "", first = 0, size = size, file = file }, Source)
end

--- Bytes [at, at + n) as a string; fewer at the end.
function Source:read(at, n)
  if at >= self.first and at + n <= self.first + #self.window then
    return self.window:sub(at - self.first + 1, at - self.first + n)
  end
  if not self.file then return self.window:sub(at + 1, at + n) end
  self.file:seek("set", at)
  return self.file:read(n) or ""
end

--- Moves the window so that it holds what follows `at`.
function Source:slide(at)
  if not self.file then return end
  self.file:seek("set", at)
  self.window, self.first = self.file:read(WINDOW) or "", at
end

function Source:close()
  if self.file then self.file:close() end
  self.file = nil
end

-- ---- the reader ---------------------------------------------------------------------------------

--- What is wrong with the bytes is thrown as this, and caught in M.read.
local Fault = {}

local function fail(at, format, ...)
  error(setmetatable({ message = ("byte %d: "):format(at) .. format:format(...) }, Fault), 0)
end

--- One more field, element or message: what a small file may not have without end.
local function count(state, at)
  state.n = state.n + 1
  if state.n > MOST_FIELDS then fail(at, "more than %d fields", MOST_FIELDS) end
end

--- The varint at `at` -> its value, the place behind it.
local function varint(source, at, to)
  local i = at - source.first + 1
  if i < 1 or i + 10 > #source.window then
    source:slide(at)
    i = at - source.first + 1
  end
  local window = source.window
  local byte = at < to and window:byte(i)
  if not byte then fail(at, "the message ends within a number") end
  if byte < 0x80 then return byte, at + 1 end
  local value, shift = byte & 0x7f, 7
  for k = 1, 9 do
    byte = at + k < to and window:byte(i + k)
    if not byte then fail(at, "the message ends within a number") end
    value = value | (byte & 0x7f) << shift
    if byte < 0x80 then return value, at + k + 1 end
    shift = shift + 7
  end
  fail(at, "a number of more than ten bytes")
end

local fixed_format = { f = "<f", d = "<d" }
local fixed_size = { f = 4, d = 8 }

--- A number of a kind -> its value, the place behind it.
local function read_number(source, kind, name, at, to)
  if kind == "i" then return varint(source, at, to) end
  local size = fixed_size[kind]
  if size > to - at then fail(at, "the message ends within '%s'", name) end
  return (string.unpack(fixed_format[kind], source:read(at, size))), at + size
end

--- How many varints lie in [at, to): as many as bytes without the highest bit.
local function count_varints(source, at, to)
  local n = 0
  while at < to do
    local piece = source:read(at, math.min(WINDOW, to - at))
    if piece == "" then break end
    n = n + select(2, piece:gsub("[\0-\127]", ""))
    at = at + #piece
  end
  return n
end

local function content_of(message, name)
  local content = message[name]
  if not content then
    content = { count = 0, size = 0, pieces = 0 }
    message[name] = content
  end
  return content
end

--- A tensor's content: where it lies, and how much it is.
local function note_content(source, message, field, at, to)
  local content, kind = content_of(message, field.name), field.kind
  content.place, content.size = at, content.size + (to - at)
  content.pieces = content.pieces + 1
  if kind == "i" then
    content.count = content.count + count_varints(source, at, to)
  elseif kind == "s" then
    content.count = content.count + 1
  elseif (to - at) % fixed_size[kind] == 0 then
    content.count = content.count + (to - at) // fixed_size[kind]
  else
    fail(at, "a packed list of '%s' ends within an element", field.name)
  end
end

--- Numbers in one block.
local function read_packed(state, message, field, at, to)
  if not field.is_list then fail(at, "'%s': expected a number, got bytes", field.name) end
  local list = message[field.name] or {}
  message[field.name] = list
  while at < to do
    count(state, at)
    list[#list + 1], at = read_number(state.source, field.kind, field.name, at, to)
  end
end

local function put(message, field, value)
  if not field.is_list then
    message[field.name] = value
    return
  end
  local list = message[field.name] or {}
  message[field.name] = list
  list[#list + 1] = value
end

local read_message

--- A field of bytes [at, to) into `message`.
local function read_block(state, message, field, at, to, depth)
  local kind = field.kind
  if field.is_content then
    note_content(state.source, message, field, at, to)
  elseif kind == "s" then
    put(message, field, state.source:read(at, to - at))
  elseif kind == "i" or fixed_size[kind] then
    read_packed(state, message, field, at, to)
  else
    -- Protobuf merges a singular message that comes twice.
    local into = not field.is_list and message[field.name] or {}
    put(message, field, read_message(state, kind, at, to, depth + 1, into))
  end
end

--- A field that is one number; returns the place behind it.
local function read_single(state, message, field, wire, at, to)
  local expected = wire == 0 and "i" or wire == 5 and "f" or "d"
  if field.kind ~= expected then
    fail(at, "'%s' is of another type than its field (wire type %d)", field.name, wire)
  end
  local value
  value, at = read_number(state.source, field.kind, field.name, at, to)
  if field.is_content then
    local content = content_of(message, field.name)
    content.count, content.is_loose = content.count + 1, true
  else
    put(message, field, value)
  end
  return at
end

--- Behind a number that nobody knows.
local function skip_single(source, wire, at, to)
  if wire == 0 then return select(2, varint(source, at, to)) end
  at = at + (wire == 5 and 4 or 8)
  if at > to then fail(at, "the message ends within a field") end
  return at
end

--- The content [at, to) of a block whose size begins at `at`.
local function read_size(source, field, at, to)
  local size, start = varint(source, at, to)
  if size < 0 or size > to - start then
    fail(at, "%s takes %d bytes, but only %d are left",
      field and "'" .. field.name .. "'" or "a field", size, to - start)
  end
  return start, start + size
end

function read_message(state, type_name, at, to, depth, message)
  if depth > MOST_LEVELS then fail(at, "messages nested in more than %d levels", MOST_LEVELS) end
  local fields, source = messages[type_name], state.source
  while at < to do
    count(state, at)
    local tag, start = varint(source, at, to)
    local field, wire = fields[tag >> 3], tag & 7
    if tag >> 3 == 0 then fail(at, "a field has the number 0") end
    if wire == 2 then
      local first, last = read_size(source, field, start, to)
      if field then read_block(state, message, field, first, last, depth) end
      at = last
    elseif wire ~= 0 and wire ~= 1 and wire ~= 5 then
      fail(at, "a field of wire type %d", wire)
    elseif field then
      at = read_single(state, message, field, wire, start, to)
    else
      at = skip_single(source, wire, start, to)
    end
  end
  return message
end

--- The source's bytes as a message of a type in messages.lua.
---@param source table of from_bytes or from_file; tensors' places lie in it
---@param type_name string
---@return table? message
---@return string? why
function M.read(source, type_name)
  local state = { source = source, n = 0 }
  local ok, result = pcall(read_message, state, type_name, 0, source.size, 0, {})
  if ok then return result end
  if getmetatable(result) == Fault then return nil, result.message end
  error(result, 0)
end

return M
