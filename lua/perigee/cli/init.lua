--- The command: `perigee SUBCOMMAND ...`. A subcommand is one file beside this one that returns
--- { summary, configure(parser), run(args) }; run returns true, or nil, a message and a code.
--- Exit status: 0 done, 1 failed, 2 usage (code "usage"). An interrupt ends the process at once.
local M = {}

local names = {
  "info", "infer", "run", "batch", "check", "convert", "extract", "merge", "inline", "text",
  "bench", "conformance", "compare", "bisect", "repl",
}

local function load(name)
  for _, known in ipairs(names) do
    if known == name then return require("perigee.cli." .. name) end
  end
end

local function usage(out)
  out:write "usage: perigee COMMAND [OPTION...]\n\n"
  for _, name in ipairs(names) do
    out:write(("  %-12s %s\n"):format(name, load(name).summary))
  end
  out:write "\nperigee COMMAND --help tells more; perigee --version prints the version.\n"
end

local function complain(message)
  io.stdout:flush()
  io.stderr:write("perigee: ", tostring(message), "\n")
end

local function tell_more(name)
  io.stderr:write(("perigee %s --help tells more.\n"):format(name))
end

local function parse(name, command, arguments)
  local parser = require "argparse"("perigee " .. name, command.summary)
  parser:usage_max_width(100):help_max_width(100)
  command.configure(parser)
  return parser:pparse(arguments)
end

--- Notes the first failure of a write to standard output: what follows may succeed again. Returns a
--- function that flushes and tells.
local function watch_output()
  local failure
  local function note(ok, message)
    if not ok then failure = failure or message end
    return ok, message
  end
  io.write = function(...) return note(io.stdout:write(...)) end -- luacheck: ignore 122
  return function()
    note(io.stdout:flush())
    return failure
  end
end

--- The modules of others that the command is made with.
local function missing_module()
  for _, name in ipairs { "argparse", "lfs", "dkjson" } do
    if not pcall(require, name) then
      local rock = name == "lfs" and "luafilesystem" or name
      local package = name == "lfs" and "lua-filesystem" or "lua-" .. name
      return ("the command needs the Lua module '%s' (rock %s, Debian's %s)")
        :format(name, rock, package)
    end
  end
end

--- Runs the command line; returns the exit status.
---@param arguments string[] without the program's name
---@return integer status
function M.main(arguments)
  local name = arguments[1]
  if name == "--version" then
    io.write("perigee ", require("perigee.core").version, "\n")
    return 0
  elseif name == nil or name == "--help" or name == "-h" or name == "help" then
    usage(name and io.stdout or io.stderr)
    return name and 0 or 2
  end
  local missing = missing_module()
  if missing then
    complain(missing)
    return 1
  end
  local command = load(name)
  if not command then
    complain(("no command '%s'"):format(name))
    usage(io.stderr)
    return 2
  end
  local ok, args = parse(name, command, table.move(arguments, 2, #arguments, 1, {}))
  if not ok then
    complain(args)
    tell_more(name)
    return 2
  end
  local end_output = watch_output()
  if name ~= "repl" then require("perigee.core").default_interrupt() end
  local done, result, message, code = xpcall(command.run, function(problem)
    return os.getenv "PERIGEE_TRACEBACK" and debug.traceback(problem, 2) or problem
  end, args)
  if not done then
    -- Misuse of the library: its message already says what; the position is ours, not the user's.
    message = tostring(result):gsub("^[^\n:]+:%d+: ", "")
  end
  if done and result then
    local failure = end_output()
    if not failure then return 0 end
    message = "standard output: " .. failure
  end
  complain(message or "failed")
  if code ~= "usage" then return 1 end
  tell_more(name)
  return 2
end

return M
