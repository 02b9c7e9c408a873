--- How readers of formats give up: by raising a Failure, { message, code }, which perigee.convert
--- turns into nil, message, code. Any other error is a mistake in a reader and stays an error.
local core = require "perigee.core"

local M = {}

--- A bad file.
---@param message string a format
function M.format(message, ...)
  error(setmetatable({ message = message:format(...), code = "format" }, core.failure_meta))
end

--- Gives up with the message and code of a failure that was caught.
---@param message string
---@param code string
function M.raise(message, code)
  error(setmetatable({ message = message, code = code }, core.failure_meta))
end

--- What perigee can't run. All of it at once, each with its place in the file.
---@param list { what: string, where: string?, instead: string? }[]
function M.unsupported(list)
  local lines = {}
  for i, item in ipairs(list) do
    local where = item.where and (" (%s)"):format(item.where) or ""
    local instead = item.instead and ("; instead: " .. item.instead) or ""
    lines[i] = item.what .. where .. instead
  end
  local message = #lines == 1 and "unsupported: " .. lines[1]
    or ("%d unsupported:\n  %s"):format(#lines, table.concat(lines, "\n  "))
  error(setmetatable({ message = message, code = "unsupported", list = list }, core.failure_meta))
end

--- Calls f(...) and gives its results. What goes wrong inside, other than a Failure, is told as a bad
--- file at `where`: a damaged layer has fewer inputs, or other shapes, than its converter takes.
---@param where string
function M.within(where, f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local problem = results[2]
  if getmetatable(problem) == core.failure_meta then error(problem, 0) end
  M.format("%s: its inputs and parameters don't fit together (%s)", where,
    (tostring(problem):gsub("^[^:]*:%d+: ", "")))
end

--- Calls f(...): its results, or nil, message, code when it failed.
function M.guard(f, ...)
  local results = table.pack(xpcall(f, function(problem)
    if getmetatable(problem) == core.failure_meta then return problem end
    return { problem = debug.traceback(tostring(problem), 2) }
  end, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local failure = results[2]
  if getmetatable(failure) == core.failure_meta then return nil, failure.message, failure.code end
  error(failure.problem, 0)
end

return M
