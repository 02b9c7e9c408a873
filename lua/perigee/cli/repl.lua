--- perigee repl [FILE...]: a Lua prompt with perigee loaded as `pg`.
local core = require "perigee.core"
local pg = require "perigee"

local M = { summary = "a Lua prompt with perigee loaded" }

function M.configure(parser)
  parser:argument("models", "Models to load as g (and g2, g3, ...)."):args "*"
end

local help_text = [[
pg.load "model.onnx"              a Graph: print it, g:nodes(), g:value "name", g:save "copy.onnx"
g:session { threads = 2 }         a Session: s { input = tensor } gives { output = tensor }
s:run(inputs, { "any_value" })    any value of the graph, by name
pg.tensor { { 1, 2 }, { 3, 4 } }  a Tensor: t + 1, t:matmul(t), t:softmax(), t:map "x * 2", t.shape
pg.image.read "cat.jpg"           an Image: :resize { width = 224, height = 224 }, :tensor {...}
pg.post                           top-k, NMS, CTC, boxes
help(value)                       the methods of a value; Tab completes names and fields
]]

local function keys_of(value)
  local keys, seen = {}, {}
  local function add(t)
    if type(t) ~= "table" then return end
    for k in pairs(t) do
      if type(k) == "string" and not k:find "^_" and not seen[k] then
        seen[k] = true
        keys[#keys + 1] = k
      end
    end
  end
  if type(value) == "table" then add(value) end
  local meta = debug.getmetatable(value)
  if meta then
    add(meta.__methods)
    if type(meta.__index) == "table" then add(meta.__index) end
  end
  table.sort(keys)
  return keys
end

local env = setmetatable({ pg = pg }, { __index = _G })
function env.help(value)
  if value == nil then
    io.write(help_text)
  else
    local keys = keys_of(value)
    io.write(#keys > 0 and table.concat(keys, "  ") or tostring(value), "\n")
  end
end

--- Names or fields that could follow the text before the cursor, and where in the text they begin.
---@param line string
---@return string[] found
---@return integer? first
function M.complete(line)
  local path, sep, start = line:match "([%a_][%w_%.:]*)([.:])([%w_]*)$"
  local value, prefix = env, ""
  if path then
    for name in path:gmatch "[%a_][%w_]*" do
      local ok, inner = pcall(function() return value[name] end)
      if not ok or inner == nil then return {} end
      value = inner
    end
    prefix = path .. sep
  else
    start = line:match "([%a_][%w_]*)$" or ""
  end
  local found = {}
  local names = keys_of(value)
  if value == env then table.move(keys_of(_G), 1, 200, #names + 1, names) end
  for _, key in ipairs(names) do
    if key:sub(1, #start) == start then found[#found + 1] = prefix .. key end
  end
  return found, #line - #prefix - #start + 1
end

local function reader()
  local ok, readline = pcall(require, "readline")
  if not ok then
    return function(prompt)
      io.write(prompt)
      io.flush()
      return io.read "l"
    end
  end
  local history = (os.getenv "HOME" or ".") .. "/.perigee_history"
  readline.set_options { histfile = history, keeplines = 1000 }
  readline.set_complete_function(function(line, from, to)
    local found, first = M.complete(line:sub(1, to))
    readline.set_completion_append_character "" -- readline resets it for each word
    -- readline replaces the word from `from` on, whose limits are its own.
    for i, text in ipairs(found) do
      found[i] = line:sub(from, first - 1) .. text:sub(math.max(from - first, 0) + 1)
    end
    return found
  end)
  return function(prompt) return readline.readline(prompt) end, readline
end

--- Compiles an expression or statements; says when more lines are wanted.
local function compile(text)
  local chunk, open = load("return " .. text, "=stdin", "t", env)
  if chunk then return chunk end
  local message
  chunk, message = load(text, "=stdin", "t", env)
  return chunk, message, message and (message:find "<eof>$" or open:find "<eof>$") ~= nil
end

local function is_plain(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "table" and not (meta and meta.__tostring)
end

local function show(ok, ...)
  if not ok then
    io.stderr:write(tostring((...)), "\n")
    return
  end
  local n = select("#", ...)
  if n == 0 then return end
  local parts = {}
  for i = 1, n do
    local value = select(i, ...)
    parts[i] = is_plain(value) and env.inspect(value) or tostring(value)
  end
  io.write(table.concat(parts, "\t"), "\n")
end

local ROW = 16 -- of a plain array, so many values are shown

--- An array of numbers, strings or booleans on one line; nil for any other table.
local function row(t)
  local parts = {}
  for i, v in ipairs(t) do
    if type(v) == "table" or type(v) == "userdata" then return nil end
    if i <= ROW then parts[i] = type(v) == "string" and ("%q"):format(v) or tostring(v) end
  end
  local n = #t
  for k in pairs(t) do
    if math.type(k) ~= "integer" or k < 1 or k > n then return nil end
  end
  if n > ROW then parts[ROW + 1] = ("... (%d)"):format(n) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function brief(value)
  return is_plain(value) and next(value) ~= nil and row(value) or tostring(value)
end

--- A table at the prompt: plain arrays on one line, else a line a key. What is there under a name
--- is not shown again under its position, as sessions return both.
function env.inspect(t)
  local line = next(t) ~= nil and row(t)
  if line then return line end
  local lines, names, is_named = {}, {}, {}
  for k, v in pairs(t) do
    if type(k) == "string" then
      names[#names + 1] = k
      is_named[v] = true
    end
  end
  for i, v in ipairs(t) do
    if not is_named[v] then lines[#lines + 1] = ("[%d] %s"):format(i, brief(v)) end
  end
  table.sort(names)
  for _, k in ipairs(names) do lines[#lines + 1] = ("%s = %s"):format(k, brief(t[k])) end
  return #lines == 0 and "{}" or table.concat(lines, "\n")
end

function M.run(args)
  for i, path in ipairs(args.models) do
    local g, message = pg.load(path)
    if not g then return nil, message end
    env[i == 1 and "g" or "g" .. i] = g
    io.write(tostring(g), "\n")
  end
  -- Loaded on first use: known to Tab from the start.
  for _, name in ipairs { "image", "post" } do assert(pg[name]) end
  local read, readline = reader()
  local restore_interrupt = core.interrupt_restorer()
  io.write(("perigee %s on %s, %s; help() helps, Ctrl-D ends\n"):format(
    pg.version, _VERSION, pg.isa()))
  local pending = ""
  while true do
    restore_interrupt()
    local ok, line = pcall(read, pending == "" and "> " or ">> ")
    if ok and not line then break end
    if not ok then line, pending = "", "" end -- Ctrl-C: the line is given up
    local text = pending == "" and line:gsub("^=", "return ") or pending .. "\n" .. line
    local chunk, message, is_open = compile(text)
    if is_open then
      pending = text
    else
      pending = ""
      if chunk then
        show(pcall(chunk))
      elseif text:find "%S" then
        show(false, message)
      end
    end
  end
  if readline then pcall(readline.save_history) end
  io.write "\n"
  return true
end

return M
