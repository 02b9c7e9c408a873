--- perigee batch JOB INPUTS... -o FOLDER: a model or a script over many files.
local text = require "perigee.util.text"

local M = { summary = "run a model or a script over many files, resumable, on all cores" }

function M.configure(parser)
  parser:argument("job", "A model, or a Lua script that returns a function of an item.")
  parser:argument("inputs", "Files, folders, patterns; - for a list on standard input."):args "*"
  parser:option("-o --output", "Folder of the results."):argname "<dir>"
  parser:option("--lines", "A file whose lines are items (- for standard input).")
  parser:option("--workers", "Processes (default: one a core)."):convert(math.tointeger)
  parser:option("--shard", "I/N: every Nth item, from the Ith on.")
  parser:option("--merge", "Folders of shards to join, instead of working."):args "*"
  parser:option("--set", "NAME=VALUE, for the job; a model takes top, scale, mean, std, npy.")
    :count "*"
  parser:option("--format", "jsonl or csv."):choices { "jsonl", "csv" }:default "jsonl"
  parser:flag("--json", "Print the report as JSON.")
end

--- Numbers, true and false, lists with commas, else text.
local function value_of(word)
  if word:find "," then
    local list = {}
    for part in word:gmatch "[^,]+" do list[#list + 1] = value_of(part) end
    return list
  end
  if word == "true" or word == "false" then return word == "true" end
  return tonumber(word) or word
end

local function settings_of(list)
  local settings = {}
  for _, item in ipairs(list) do
    local name, value = item:match "^([^=]+)=(.*)$"
    if not name then return nil, ("--set %s: expected NAME=VALUE"):format(item), "usage" end
    settings[name] = value_of(value)
  end
  return settings
end

local function shard_of(given)
  if not given then return nil end
  local i, n = given:match "^(%d+)/(%d+)$"
  i, n = math.tointeger(tonumber(i)), math.tointeger(tonumber(n))
  if not i or i < 1 or i > n then
    return nil, ("--shard %s: expected I/N with I from 1 to N"):format(given), "usage"
  end
  return { i, n }
end

--- A line on the terminal that is written over: done, rate, time left, failures.
local function progress(total)
  if not os.execute "test -t 2" then return nil end
  local clock = require("perigee.core").clock
  local started, shown = clock(), 0
  return function(_, _, crew)
    local now = clock()
    if now - shown < 0.1 and crew.n_done < total then return end
    shown = now
    local rate = crew.n_done / math.max(now - started, 1e-3)
    io.stderr:write(("\r%d of %d  %.1f/s  %ds left  %d failed \27[K"):format(crew.n_done,
      #crew.queue, rate, math.ceil((#crew.queue - crew.n_done) / rate), crew.n_failed))
    if crew.n_done == #crew.queue then io.stderr:write "\n" end
  end
end

function M.run(args)
  local batch = require "perigee.batch"
  if not args.output then return nil, "-o FOLDER: where shall the results go?", "usage" end
  local settings, message, code = settings_of(args.set)
  if not settings then return nil, message, code end
  local shard
  shard, message, code = shard_of(args.shard)
  if message then return nil, message, code end
  local items
  items, message = batch.items.collect(args.inputs, args.lines)
  if not items then return nil, message end
  if #items == 0 then return nil, "no inputs", "usage" end
  local report
  if args.merge then
    report, message = batch.merge(args.merge, args.job, items, args.output,
      { settings = settings, format = args.format })
  else
    report, message = batch.run(args.job, items, args.output, {
      workers = args.workers, shard = shard, settings = settings, format = args.format,
      on_item = progress(#items),
    })
  end
  if not report then return nil, message end
  if args.json then
    io.write(require("dkjson").encode(report), "\n")
  else
    io.write(("%d of %d done, %d failed; results in %s\n"):format(report.good, report.total,
      report.failed, args.output))
  end
  if report.failed > 0 then
    return nil, ("%d of %d failed: %s"):format(report.failed, report.total,
      text.quote(args.output .. "/failures.jsonl"))
  end
  return true
end

return M
