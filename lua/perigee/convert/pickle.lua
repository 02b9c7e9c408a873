--- Python's pickle streams (protocols 0 to 5; the opcodes are documented in Lib/pickletools.py) as
--- plain data. Nothing is ever called: globals become inert { global = "module.name" } tables, and
--- what REDUCE, NEWOBJ or BUILD would run becomes { call = global, args = {...}, state = ... },
--- unless the caller's allow-list knows the global and turns it into something by itself.
local fail = require "perigee.convert.fail"

local M = {}

--- A few bytes of pickle may ask for a memo or a stack of any size: both are bounded.
local MOST_STACK, MOST_TEXT = 1 << 20, 1 << 28

--- Stands for Python's None, which may be a key or an element.
M.none = setmetatable({}, { __tostring = function() return "None" end })

local Machine = {}
Machine.__index = Machine

local MARK = setmetatable({}, { __tostring = function() return "mark" end })

function Machine:push(value)
  if self.n >= MOST_STACK then fail.format("pickle: a stack of more than %d", MOST_STACK) end
  self.n = self.n + 1
  self.stack[self.n] = value
end

function Machine:pop()
  if self.n == 0 then fail.format("pickle: an empty stack at %d", self.at) end
  local value = self.stack[self.n]
  self.stack[self.n], self.n = nil, self.n - 1
  return value
end

function Machine:top()
  if self.n == 0 then fail.format("pickle: an empty stack at %d", self.at) end
  return self.stack[self.n]
end

--- What lies above the last mark, which goes.
function Machine:pop_mark()
  local list, first = {}, self.n
  while first > 0 and self.stack[first] ~= MARK do first = first - 1 end
  if first == 0 then fail.format("pickle: no mark at %d", self.at) end
  table.move(self.stack, first + 1, self.n, 1, list)
  for i = first, self.n do self.stack[i] = nil end
  self.n = first - 1
  return list
end

function Machine:take(n)
  if n < 0 or n > MOST_TEXT then fail.format("pickle: a text of %d bytes at %d", n, self.at) end
  local text = self.bytes:string(self.at, n)
  self.at = self.at + n
  return text
end

function Machine:line()
  local stop = self.bytes:find("\n", self.at)
  if not stop then fail.format("pickle: a line without end at %d", self.at) end
  local text = self:take(stop - self.at)
  self.at = stop + 1
  return text
end

--- Little-endian two's complement of any length; what doesn't fit into 64 bits becomes a float.
local function long(text)
  if #text == 0 then return 0 end
  if #text <= 8 then return (string.unpack("<i" .. #text, text)) end
  local x = 0.0
  for i = #text, 1, -1 do x = x * 256 + text:byte(i) end
  return text:byte(-1) >= 128 and x - 256.0 ^ #text or x
end

--- Tables with an order: { kind = "dict", keys = {...}, map = {...} } and lists with their kind.
local function sequence(kind, list)
  list.kind = kind
  return list
end

function M.dict() return { kind = "dict", keys = {}, map = {} } end

local function set(d, key, value)
  if type(d) ~= "table" or d.kind ~= "dict" then return end -- an object's own items: not ours
  if key == nil or key ~= key then fail.format("pickle: a key that can't be one") end
  if d.map[key] == nil then d.keys[#d.keys + 1] = key end
  d.map[key] = value
end

function Machine:global(module, name)
  local path = module .. "." .. name
  return { kind = "global", global = path, make = self.allowed[path] }
end

local function call(global, args)
  if type(global) == "table" and global.make then
    local value = global.make(table.unpack(args, 1, #args))
    if value == nil then fail.format("pickle: %s with arguments it doesn't take", global.global) end
    return value
  end
  return { kind = "call", call = global, args = args }
end

function Machine:remember(key, value)
  self.memo[key] = value
end

function Machine:recall(key)
  local value = self.memo[key]
  if value == nil then fail.format("pickle: nothing was remembered as %s", key) end
  return value
end

local op = {}

-- ---- framing ----
op["\x80"] = function(m) m.at = m.at + 1 end -- PROTO
op["\x95"] = function(m) m.at = m.at + 8 end -- FRAME
op["("] = function(m) m:push(MARK) end
op["0"] = function(m) m:pop() end
op["1"] = function(m) m:pop_mark() end
op["2"] = function(m) m:push(m:top()) end

-- ---- values ----
op["N"] = function(m) m:push(M.none) end
op["\x88"] = function(m) m:push(true) end
op["\x89"] = function(m) m:push(false) end
op["I"] = function(m)
  local text = m:line()
  if text == "00" or text == "01" then return m:push(text == "01") end
  m:push(math.tointeger(tonumber(text)) or fail.format("pickle: no integer: %s", text))
end
op["L"] = function(m)
  local text = m:line():gsub("L$", "")
  m:push(tonumber(text) or fail.format("pickle: no integer: %s", text))
end
op["F"] = function(m) m:push(tonumber(m:line()) or 0 / 0) end
op["G"] = function(m) m:push((string.unpack(">d", m:take(8)))) end
op["J"] = function(m) m:push((string.unpack("<i4", m:take(4)))) end
op["K"] = function(m) m:push(m:take(1):byte()) end
op["M"] = function(m) m:push((string.unpack("<I2", m:take(2)))) end
op["\x8a"] = function(m) m:push(long(m:take(m:take(1):byte()))) end
op["\x8b"] = function(m) m:push(long(m:take((string.unpack("<i4", m:take(4)))))) end
op["S"] = function(m) m:push((m:line():gsub("^['\"]", ""):gsub("['\"]$", ""))) end
op["V"] = function(m) m:push(m:line()) end

for code, size in pairs {
  ["U"] = "<I1", ["T"] = "<i4", ["X"] = "<I4", ["\x8c"] = "<I1", ["\x8d"] = "<i8", ["C"] = "<I1",
  ["B"] = "<I4", ["\x8e"] = "<i8", ["\x96"] = "<i8",
} do
  local n = string.packsize(size)
  op[code] = function(m) m:push(m:take((string.unpack(size, m:take(n))))) end
end

-- ---- containers ----
op[")"] = function(m) m:push(sequence("tuple", {})) end
op["]"] = function(m) m:push(sequence("list", {})) end
op["}"] = function(m) m:push(M.dict()) end
op["\x8f"] = function(m) m:push(sequence("set", {})) end
op["t"] = function(m) m:push(sequence("tuple", m:pop_mark())) end
op["l"] = function(m) m:push(sequence("list", m:pop_mark())) end
op["\x91"] = function(m) m:push(sequence("set", m:pop_mark())) end
op["d"] = function(m)
  local items, d = m:pop_mark(), M.dict()
  for i = 1, #items - 1, 2 do set(d, items[i], items[i + 1]) end
  m:push(d)
end
op["\x85"] = function(m) m:push(sequence("tuple", { m:pop() })) end
op["\x86"] = function(m)
  local b, a = m:pop(), m:pop()
  m:push(sequence("tuple", { a, b }))
end
op["\x87"] = function(m)
  local c, b, a = m:pop(), m:pop(), m:pop()
  m:push(sequence("tuple", { a, b, c }))
end
local function append(m, items)
  local list = m:top()
  if type(list) ~= "table" then fail.format("pickle: appending to no list at %d", m.at) end
  for _, item in ipairs(items) do list[#list + 1] = item end
end
op["a"] = function(m)
  local item = m:pop()
  append(m, { item })
end
op["e"] = function(m) append(m, m:pop_mark()) end
op["\x90"] = op["e"]
op["s"] = function(m)
  local value, key = m:pop(), m:pop()
  set(m:top(), key, value)
end
op["u"] = function(m)
  local items = m:pop_mark()
  for i = 1, #items - 1, 2 do set(m:top(), items[i], items[i + 1]) end
end

-- ---- memory ----
op["p"] = function(m) m:remember(tonumber(m:line()), m:top()) end
op["q"] = function(m) m:remember(m:take(1):byte(), m:top()) end
op["r"] = function(m) m:remember((string.unpack("<I4", m:take(4))), m:top()) end
op["\x94"] = function(m)
  m.n_memo = m.n_memo + 1
  m:remember(m.n_memo - 1, m:top())
end
op["g"] = function(m) m:push(m:recall(tonumber(m:line()))) end
op["h"] = function(m) m:push(m:recall(m:take(1):byte())) end
op["j"] = function(m) m:push(m:recall((string.unpack("<I4", m:take(4))))) end

-- ---- objects: never run ----
op["c"] = function(m)
  local module = m:line()
  m:push(m:global(module, m:line()))
end
op["\x93"] = function(m)
  local name, module = m:pop(), m:pop()
  m:push(m:global(tostring(module), tostring(name)))
end
op["R"] = function(m)
  local args, global = m:pop(), m:pop()
  m:push(call(global, type(args) == "table" and args or {}))
end
op["\x81"] = op["R"]
op["\x92"] = function(m)
  local _, args, global = m:pop(), m:pop(), m:pop()
  m:push(call(global, type(args) == "table" and args or {}))
end
op["b"] = function(m)
  local state, object = m:pop(), m:top()
  if type(object) == "table" then object.state = state end
end
op["o"] = function(m)
  local items = m:pop_mark()
  local global = table.remove(items, 1)
  m:push(call(global, items))
end
op["i"] = function(m)
  local module = m:line()
  local global = m:global(module, m:line())
  m:push(call(global, m:pop_mark()))
end
op["P"] = function(m) m:push(m.persistent(m:line())) end
op["Q"] = function(m) m:push(m.persistent(m:pop())) end

--- Reads one pickle.
---
--- Lists, tuples and sets are arrays with a field `kind`; dicts are { kind = "dict", keys = {in
--- order}, map = {} }; None is M.none; texts and bytes are strings.
---@param bytes perigee.Bytes
---@param opts? { at?: integer, allowed?: table<string, function>, persistent?: function } allowed:
---  "module.name" -> a function of the arguments, whose value takes the object's place
---@return any value
---@return integer at behind the pickle
function M.read(bytes, opts)
  local m = setmetatable({
    bytes = bytes, at = opts and opts.at or 0, stack = {}, n = 0, memo = {}, n_memo = 0,
    allowed = opts and opts.allowed or {},
    persistent = opts and opts.persistent
      or function(id) return { kind = "persistent", id = id } end,
  }, Machine)
  while true do
    local code = m:take(1)
    if code == "." then return m:pop(), m.at end
    local run = op[code]
    if not run then fail.format("pickle: unknown opcode 0x%02x at %d", code:byte(), m.at - 1) end
    run(m)
  end
end

return M
