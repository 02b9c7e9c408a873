--- What a batch works on: files, folders, patterns, lists, lines of text.
local lfs = require "lfs"
local value_file = require "perigee.util.value_file"

local M = {}

local function walk(folder, visit)
  local names = {}
  local ok, iterate, state = pcall(lfs.dir, folder)
  if not ok then return nil, iterate end
  for name in iterate, state do
    if name:sub(1, 1) ~= "." then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local path = folder .. "/" .. name
    local mode = lfs.attributes(path, "mode")
    if mode == "directory" then
      local done, message = walk(path, visit)
      if not done then return nil, message end
    elseif mode == "file" then
      visit(path)
    end
  end
  return true
end

--- A shell pattern (* ? and [...] within one level) as a Lua pattern.
local function pattern_of(glob)
  local escaped = glob:gsub("[%^%$%(%)%%%.%+%-]", "%%%0")
  return "^" .. escaped:gsub("%*", "[^/]*"):gsub("%?", "[^/]") .. "$"
end

local function glob(pattern, visit)
  local folder = pattern:match "^(.*)/[^/]*$" or "."
  while folder:find "[%*%?%[]" do folder = folder:match "^(.*)/[^/]*$" or "." end
  local wanted = pattern_of(pattern:find "/" and pattern or "./" .. pattern)
  return walk(folder, function(path)
    if path:find(wanted) then visit((path:gsub("^%./", ""))) end
  end)
end

local function read_list(file, visit)
  for line in file:lines() do
    line = line:gsub("\r$", "")
    if line ~= "" then visit(line) end
  end
end

--- Items of the command line, in order, each once: { name, path } or { name, text }.
---@param arguments string[] files, folders, patterns, "-" for a list on standard input
---@param lines string? a file whose lines are texts; "-" standard input
---@return table[]? items
---@return string? message
function M.collect(arguments, lines)
  local items, seen = {}, {}
  local function add(path)
    if seen[path] then return end
    seen[path] = true
    items[#items + 1] = { name = path, path = path }
  end
  for _, argument in ipairs(arguments) do
    local mode = lfs.attributes(argument, "mode")
    local ok, message = true, nil
    if argument == "-" then
      read_list(io.stdin, add)
    elseif mode == "directory" then
      ok, message = walk((argument:gsub("/+$", "")), function(path)
        local kind = value_file.kind(path)
        if kind and kind ~= "protobuf" then add(path) end
      end)
    elseif not mode and argument:find "[%*%?]" then
      local before = #items
      ok, message = glob(argument, add)
      if ok and #items == before then ok, message = nil, argument .. ": nothing matches" end
    else
      add(argument) -- one that isn't there fails alone, the rest goes on
    end
    if not ok then return nil, message end
  end
  if lines then
    local file, message = io.stdin, nil
    if lines ~= "-" then file, message = io.open(lines) end
    if not file then return nil, message end
    local n = 0
    for line in file:lines() do
      n = n + 1
      items[#items + 1] = { name = ("%s:%d"):format(lines, n), text = line }
    end
  end
  return items
end

return M
