--- What is finished: a folder's journals, one JSON object a line, appended as items end. A line is
--- { name, hash, job, result } or { name, hash, job, error }; one torn by a crash is passed over.
--- Nothing that was written is ever rewritten while a run is on, so a kill loses nothing.
local json = require "dkjson"
local lfs = require "lfs"

local M = {}

local function files(folder)
  local names = {}
  local ok, iterate, state = pcall(lfs.dir, folder)
  if not ok then return names end
  for name in iterate, state do
    if name:find "^journal.*%.jsonl$" then names[#names + 1] = folder .. "/" .. name end
  end
  table.sort(names)
  return names
end

--- The last line of each item of a job: where it stands, not what it holds, so that ten thousand
--- results need no memory.
---@param folder string
---@param job string
---@return table<string, { file: string, at: integer, hash: string, failed: boolean }>
function M.index(folder, job)
  local found = {}
  for _, path in ipairs(files(folder)) do
    local file = assert(io.open(path, "rb"))
    local at = 0
    for line in file:lines "L" do
      local record = line:sub(-1) == "\n" and json.decode(line)
      if type(record) == "table" and record.name and record.job == job then
        local known = found[record.name]
        if not (known and not known.failed and record.error) then
          found[record.name] = {
            file = path, at = at, hash = record.hash, failed = record.error ~= nil,
          }
        end
      end
      at = at + #line
    end
    file:close()
  end
  return found
end

--- The lines of an index, read again one by one.
---@return fun(place: table): string read
---@return fun() close
function M.reader()
  local opened = {}
  local function read(place)
    local file = opened[place.file]
    if not file then
      file = assert(io.open(place.file, "rb"))
      opened[place.file] = file
    end
    file:seek("set", place.at)
    return file:read "l"
  end
  local function close()
    for _, file in pairs(opened) do file:close() end
  end
  return read, close
end

--- A journal to append to. If its last line was torn, a new one begins.
---@param path string
---@return table? journal with add(record) and close()
---@return string? message
function M.open(path)
  local file, message = io.open(path, "a+b")
  if not file then return nil, message end
  local size = file:seek "end"
  if size > 0 then
    file:seek("set", size - 1)
    local is_torn = file:read(1) ~= "\n"
    file:seek "end"
    if is_torn then file:write "\n" end
  end
  return {
    --- A record, or a line as it was read. true, or nil and a message (a full disk).
    add = function(_, record)
      local line = type(record) == "string" and record or json.encode(record, {
        keyorder = { "name", "hash", "job", "result", "error" },
      })
      local ok, problem = file:write(line, "\n")
      if ok then ok, problem = file:flush() end
      if not ok then return nil, problem end
      return true
    end,
    close = function() file:close() end,
  }
end

return M
