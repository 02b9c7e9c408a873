--- Ten thousand files: one job over many items on all cores. Workers are processes; the
--- coordinator hands out items and looks after the workers, the journals remember what is finished.
--- A second run does what is missing or changed; a kill at any moment costs the items that were
--- being worked on.
---
--- FOLDER/results.jsonl   a line an item, in the order of the inputs: the same bytes whether the
---                        run was interrupted or not, and on one machine or many
--- FOLDER/failures.jsonl  the items that failed, with the reason
--- FOLDER/manifest.json   the job, its hash, the items' hashes
--- FOLDER/files/          what belongs to single items
--- FOLDER/.perigee/       the journals
local core = require "perigee.core"
local items_module = require "perigee.batch.items"
local journal = require "perigee.batch.journal"
local json = require "dkjson"
local lfs = require "lfs"
local options = require "perigee.util.options"
local text = require "perigee.util.text"

local M = {}

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or "./"

--- Everything that decides a result but the item itself.
local function job_hash(path, settings)
  local content, message = core.sha256_file(path)
  if not content then return nil, message end
  local keys, parts = {}, { core.version, content }
  for key in pairs(settings) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = key .. "=" .. json.encode(settings[key])
  end
  return core.sha256(table.concat(parts, "\n"))
end

local function make_folder(path)
  path = path:match "^(.-)/*$"
  local mode = lfs.attributes(path, "mode")
  if mode == "directory" then return true end
  if mode then return nil, path .. ": not a directory" end
  local parent = path:match "^(.+)/[^/]+/?$"
  if parent and not lfs.attributes(parent, "mode") then
    local ok, message = make_folder(parent)
    if not ok then return nil, message end
  end
  local ok, message = lfs.mkdir(path)
  if not ok then return nil, ("%s: %s"):format(path, message) end
  return true
end

-- ---- what is left to do -----------------------------------------------------------------------

local function hash_of(item)
  if item.text then return core.sha256(item.text) end
  return core.sha256_file(item.path)
end

--- Items without a result of this job for this content; failed ones are tried again.
local function pending(items, done)
  local list = {}
  for i, item in ipairs(items) do
    local known = done[item.name]
    if not known or known.failed or known.hash ~= hash_of(item) then list[#list + 1] = i end
  end
  return list
end

--- The part of a list that a shard works on: by position, so that parts differ by one item at most.
local function shard_of(items, shard)
  if not shard then return items end
  local part = {}
  for i = shard[1], #items, shard[2] do part[#part + 1] = items[i] end
  return part
end

-- ---- workers ----------------------------------------------------------------------------------

local Crew = {}
Crew.__index = Crew

function Crew:start(number)
  local words = {
    "env", "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath, text.interpreter(),
    here .. "worker.lua", self.job, self.folder, tostring(number), self.hash, self.pipe,
    json.encode(self.settings),
  }
  for i, word in ipairs(words) do words[i] = text.quote(word) end
  -- The shell stays to tell of the worker's end, whatever it was. It holds both ends of the pipe:
  -- so it waits for nobody, also when the coordinator is gone.
  local line = ("exec 9<>%s; %s; echo exit %d $? >&9"):format(text.quote(self.pipe),
    table.concat(words, " "), number)
  self.workers[number] = { to = assert(io.popen(line, "w")) }
  self.n_running = self.n_running + 1
end

function Crew:hand_out(number)
  local worker = self.workers[number]
  local index = self.queue[self.next]
  if not index then
    worker.to:close() -- waits until it has ended
    worker.to = nil
    return
  end
  self.next = self.next + 1
  worker.index = index
  local item = self.items[index]
  worker.to:write(json.encode {
    index = index, name = item.name, path = item.path, text = item.text,
  }, "\n")
  worker.to:flush()
end

--- A worker that died over an item: the item has failed, another worker takes its place.
function Crew:mourn(number, status)
  local worker = self.workers[number]
  self.n_running = self.n_running - 1
  if worker.index then
    local item = self.items[worker.index]
    local ok, message = self.book:add {
      name = item.name, hash = hash_of(item) or "", job = self.hash,
      error = ("the worker died over it (status %s)"):format(status),
    }
    if not ok then return nil, message end
    self:finished(worker.index, false)
    worker.index = nil
    if self.queue[self.next] then self:start(number) end
  end
  return true
end

function Crew:finished(index, is_good)
  self.n_done = self.n_done + 1
  if not is_good then self.n_failed = self.n_failed + 1 end
  if self.on_item then self.on_item(self.items[index].name, is_good, self) end
end

--- One line from a worker; nil and a message when the batch can't go on.
function Crew:hear(line)
  local what, number, rest = line:match "^(%a+) (%d+) ?(.*)$"
  number = math.tointeger(tonumber(number))
  local worker = number and self.workers[number]
  if not worker then return true end
  if what == "ready" then
    self:hand_out(number)
  elseif what == "done" then
    local index, verdict = rest:match "^(%d+) (%a+)$"
    worker.index = nil
    self:finished(math.tointeger(tonumber(index)), verdict == "ok")
    self:hand_out(number)
  elseif what == "fatal" then
    return nil, rest
  elseif what == "exit" then
    return self:mourn(number, rest)
  end
  return true
end

local function work(crew, n_workers)
  crew.pipe = crew.folder .. "/.perigee/pipe"
  os.remove(crew.pipe)
  if not os.execute("mkfifo " .. text.quote(crew.pipe)) then
    return nil, crew.pipe .. ": can't be made"
  end
  local from, message = io.open(crew.pipe, "r+")
  if not from then return nil, message end
  for number = 1, n_workers do crew:start(number) end
  local ok = true
  while ok and crew.n_running > 0 do
    local line = from:read "l"
    if not line then break end
    ok, message = crew:hear(line)
  end
  for _, worker in pairs(crew.workers) do
    if worker.to then worker.to:close() end
  end
  from:close()
  os.remove(crew.pipe)
  return ok, message
end

-- ---- results ----------------------------------------------------------------------------------

--- Writes a file line by line under another name and renames it when all is there.
local function write_lines(path, lines)
  local temporary = path .. ".new"
  local file, message = io.open(temporary, "wb")
  if not file then return nil, message end
  for line in lines do
    local ok, problem = file:write(line, "\n")
    if not ok then
      file:close()
      os.remove(temporary)
      return nil, ("%s: %s"):format(path, problem)
    end
  end
  local ok, problem = file:close()
  if ok then ok, problem = os.rename(temporary, path) end
  if not ok then
    os.remove(temporary)
    return nil, ("%s: %s"):format(path, problem)
  end
  return true
end

local function csv_cell(value)
  if type(value) == "table" then value = json.encode(value) end
  value = value == nil and "" or tostring(value)
  if value:find '[",\n\r]' then value = '"' .. value:gsub('"', '""') .. '"' end
  return value
end

--- The columns of a CSV are the keys of all results, sorted.
local function csv_lines(names, done, read)
  local keys, seen = {}, {}
  for _, name in ipairs(names) do
    local result = json.decode(read(done[name])).result
    for key in pairs(type(result) == "table" and result or { value = true }) do
      if not seen[key] then
        seen[key] = true
        keys[#keys + 1] = key
      end
    end
  end
  table.sort(keys)
  return coroutine.wrap(function()
    local head = { "name" }
    for i, key in ipairs(keys) do head[i + 1] = csv_cell(key) end
    coroutine.yield(table.concat(head, ","))
    for _, name in ipairs(names) do
      local result = json.decode(read(done[name])).result
      if type(result) ~= "table" then result = { value = result } end
      local row = { csv_cell(name) }
      for i, key in ipairs(keys) do row[i + 1] = csv_cell(result[key]) end
      coroutine.yield(table.concat(row, ","))
    end
  end)
end

--- Journal lines without the job. No quote inside of a JSON string is bare, so the first place that
--- looks like the job's is it.
local function record_lines(names, done, read)
  return coroutine.wrap(function()
    for _, name in ipairs(names) do
      local before, behind = read(done[name]):match '^(.-),"job":"%x+"(,.*)$'
      coroutine.yield(before .. behind)
    end
  end)
end

--- results, failures and manifest from the journals; how many of each.
local function publish(folder, job, hash, settings, items, format)
  local done = journal.index(folder .. "/.perigee", hash)
  local read, close = journal.reader()
  local good, failed, listed = {}, {}, {}
  for _, item in ipairs(items) do
    local place = done[item.name]
    if place then
      local list = place.failed and failed or good
      list[#list + 1] = item.name
      listed[#listed + 1] = { name = item.name, hash = place.hash, ok = not place.failed }
    end
  end
  local ok, message
  if format == "csv" then
    ok, message = write_lines(folder .. "/results.csv", csv_lines(good, done, read))
  else
    ok, message = write_lines(folder .. "/results.jsonl", record_lines(good, done, read))
  end
  if ok then
    ok, message = write_lines(folder .. "/failures.jsonl",
      record_lines(failed, done, read))
  end
  close()
  if ok then
    local manifest = {
      job = job, job_hash = hash, options = settings, version = core.version,
      n_items = #items, items = setmetatable(listed, { __jsontype = "array" }),
    }
    ok, message = core.write_file(folder .. "/manifest.json", json.encode(manifest, {
      indent = true, keyorder = { "job", "job_hash", "version", "options", "n_items", "items",
        "name", "hash", "ok" },
    }) .. "\n")
  end
  if not ok then return nil, message end
  return { good = #good, failed = #failed, total = #items }
end

-- ---- the batch --------------------------------------------------------------------------------

---@class perigee.batch.options
---@field workers? integer default one a core
---@field shard? integer[] { I, N }: every Nth item from the Ith
---@field settings? table<string, any> options of the job
---@field format? string "jsonl" (default) or "csv"
---@field on_item? fun(name: string, is_good: boolean, crew: table) after each item

--- Runs a job (a model or a script) over items.
---@param job string path
---@param items table[] from perigee.batch.items
---@param folder string
---@param opts? perigee.batch.options
---@return table? report { good, failed, total, skipped }
---@return string? message
function M.run(job, items, folder, opts)
  local o = options.check(opts, {
    workers = core.cpu_count(), shard = options.none, settings = {}, format = "jsonl",
    on_item = options.none,
  })
  local hash, message = job_hash(job, o.settings)
  if not hash then return nil, message end
  items = shard_of(items, o.shard)
  for _, part in ipairs { "", "/.perigee", "/files" } do
    local ok, problem = make_folder(folder .. part)
    if not ok then return nil, problem end
  end
  local queue = pending(items, journal.index(folder .. "/.perigee", hash))
  if #queue > 0 then
    local book, problem = journal.open(folder .. "/.perigee/journal-0.jsonl")
    if not book then return nil, problem end
    local crew = setmetatable({
      job = job, folder = folder, hash = hash, settings = o.settings, items = items, queue = queue,
      next = 1, workers = {}, n_running = 0, n_done = 0, n_failed = 0, book = book,
      on_item = o.on_item,
    }, Crew)
    local ok
    ok, message = work(crew, math.min(o.workers, #queue))
    book:close()
    if not ok then return nil, message end
  end
  local report
  report, message = publish(folder, job, hash, o.settings, items, o.format)
  if not report then return nil, message end
  report.skipped = #items - #queue
  return report
end

--- Joins the journals of shards into one folder; the results come out as if one run had made them.
---@param folders string[]
---@param job string
---@param items table[] all of them, as one run would have had them
---@param folder string
---@param opts? perigee.batch.options settings and format as the shards had them
---@return table? report
---@return string? message
function M.merge(folders, job, items, folder, opts)
  local o = options.check(opts, { settings = {}, format = "jsonl" })
  local hash, message = job_hash(job, o.settings)
  if not hash then return nil, message end
  for _, part in ipairs { "", "/.perigee", "/files" } do
    local ok, problem = make_folder(folder .. part)
    if not ok then return nil, problem end
  end
  local book, problem = journal.open(folder .. "/.perigee/journal-0.jsonl")
  if not book then return nil, problem end
  for _, from in ipairs(folders) do
    local done = journal.index(from .. "/.perigee", hash)
    local read, close = journal.reader()
    for _, item in ipairs(items) do
      local place = done[item.name]
      local ok = true
      if place then ok, problem = book:add(read(place)) end
      if not ok then return nil, problem end
    end
    close()
    local copied = os.execute(("cp -R %s/files/. %s/files/"):format(text.quote(from),
      text.quote(folder)))
    if not copied then return nil, from .. "/files: can't be copied" end
  end
  book:close()
  return publish(folder, job, hash, o.settings, items, o.format)
end

M.items = items_module
return M
