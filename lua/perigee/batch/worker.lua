-- One worker of a batch. Arguments: JOB FOLDER NUMBER HASH PIPE OPTIONS (JSON). Reads lines of
-- JSON { index, name, path | text }, ends each by a line in its journal and "done NUMBER INDEX
-- ok|failed" in the pipe. The end of input is its end: when the coordinator dies, nothing is left
-- running.
local core = require "perigee.core"
local job_module = require "perigee.batch.job"
local journal = require "perigee.batch.journal"
local json = require "dkjson"

require "perigee" -- all methods of tensors, whatever a script uses

local path, folder, number, job_hash, pipe_path, options = table.unpack(arg)
local pipe = assert(io.open(pipe_path, "r+")) -- never waits for somebody at the other end

local function tell(...)
  pipe:write(table.concat({ ... }, " "), "\n")
  pipe:flush()
end

local function give_up(message)
  tell("fatal", number, (tostring(message):gsub("%s+", " ")))
  os.exit(1)
end

local book, problem = journal.open(("%s/.perigee/journal-%s.jsonl"):format(folder, number))
if not book then give_up(problem) end
local job, message = job_module.load(path)
if not job then give_up(message) end
local ctx = job_module.context(folder .. "/files", json.decode(options))
local state
if job.setup then
  local ok, made = pcall(job.setup, ctx)
  if not ok then give_up(made) end
  state = made
end

local function hash_of(item)
  if item.text then return core.sha256(item.text) end
  return core.sha256_file(item.path)
end

--- Positions in scripts and our own modules are no part of what must be the same each time.
local function plain(text) return (tostring(text):gsub("^[^\n:]+:%d+: ", "")) end

--- dkjson takes a table with a field `n` for a list; a result may well have one.
local object = {
  __tojson = function(self)
    local keys, parts = {}, {}
    for key in pairs(self) do keys[#keys + 1] = tostring(key) end
    table.sort(keys)
    for i, key in ipairs(keys) do parts[i] = json.encode(key) .. ":" .. json.encode(self[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
  end,
}

--- Tables with names in them are objects, their keys in order: the same bytes each time.
local function marked(value)
  if type(value) ~= "table" then return value end
  local is_object = false
  for key, inner in pairs(value) do
    value[key] = marked(inner)
    is_object = is_object or type(key) == "string"
  end
  return is_object and setmetatable(value, object) or value
end

local function treat(fields)
  local index = fields.index
  fields.index = nil
  local item = job_module.item(fields)
  local record = { name = item.name, job = job_hash }
  local hash, unreadable = hash_of(item)
  record.hash = hash or ""
  if not hash then
    record.error = unreadable
  else
    local ok, result = pcall(job.run, item, ctx, state)
    if ok and result == nil then ok, result = false, "the script returned nothing" end
    if ok then record.result = marked(result) else record.error = plain(result) end
  end
  local written, full = book:add(record)
  if not written then give_up(full) end
  tell("done", number, index, record.error and "failed" or "ok")
end

tell("ready", number)
for line in io.lines() do treat(json.decode(line)) end
book:close()
