-- Runs commands as processes, with the interpreter that fits the specs' own.
local temp = require "support.temp"

local M = {}

M.is_sanitized = os.getenv "PERIGEE_SANITIZED" ~= nil
M.interpreter = M.is_sanitized and "build/san/lua" or "lua5.4"

function M.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Runs a shell command.
---@param command string
---@return integer status
---@return string stdout
---@return string stderr
function M.shell(command)
  local out, err = os.tmpname(), os.tmpname()
  local _, how, code = os.execute(("{ %s\n} >%s 2>%s </dev/null"):format(command, out, err))
  local stdout, stderr = temp.read(out), temp.read(err)
  os.remove(out)
  os.remove(err)
  return how == "exit" and code or 128 + code, stdout, stderr
end

--- Runs the command `perigee` with arguments; each is quoted.
function M.perigee(...)
  local parts = { M.interpreter, "lua/bin/perigee" }
  for _, argument in ipairs { ... } do parts[#parts + 1] = M.quote(argument) end
  return M.shell(table.concat(parts, " "))
end

--- Runs a piece of Lua with perigee in reach.
function M.lua(chunk, ...)
  local path = os.tmpname()
  temp.write(path, chunk)
  local parts = { M.interpreter, path }
  for _, argument in ipairs { ... } do parts[#parts + 1] = M.quote(argument) end
  local status, out, err = M.shell(table.concat(parts, " "))
  os.remove(path)
  return status, out, err
end

return M
