--- perigee bench MODEL...: each model in a process of its own, so that memory is its own too.
local size = require "perigee.cli.size"
local text = require "perigee.util.text"

local M = { summary = "measure latency, throughput and memory" }

function M.configure(parser)
  parser:argument("models", "The models' files."):args "+"
  parser:option("--threads", "Threads a run (default: all cores)."):convert(math.tointeger)
  parser:option("--seconds", "Time for each model."):convert(tonumber):default "2"
  parser:option("--seed", "For the inputs."):convert(math.tointeger):default "0"
  size.configure(parser)
  parser:flag("--json", "Print a JSON array of objects.")
end

--- The same command in a child process for one model; its JSON decoded, or nil when the child has
--- said what failed.
local function in_child(args, model)
  local parts = { text.program(), "bench --json", text.quote(model) }
  if args.threads then parts[#parts + 1] = "--threads " .. args.threads end
  parts[#parts + 1] = ("--seconds %g --seed %d"):format(args.seconds, args.seed)
  for _, item in ipairs(args.size) do parts[#parts + 1] = "--size " .. text.quote(item) end
  local pipe = assert(io.popen(table.concat(parts, " ")))
  local output = pipe:read "a"
  if not pipe:close() then return nil end
  return require("dkjson").decode(output)[1]
end

local function print_text(results)
  local rows = {
    { "model", "threads", "median ms", "min", "p90", "p99", "runs/s", "load ms", "peak" },
  }
  for _, r in ipairs(results) do
    rows[#rows + 1] = {
      r.model, tostring(r.threads), ("%.3f"):format(r.median_ms), ("%.3f"):format(r.min_ms),
      ("%.3f"):format(r.p90_ms), ("%.3f"):format(r.p99_ms), ("%.1f"):format(1e3 / r.mean_ms),
      ("%.1f"):format(r.load_ms), text.bytes(r.peak_bytes),
    }
  end
  local right = {}
  for i = 2, 9 do right[i] = true end
  io.write(text.columns(rows, { right = right }), "\n")
end

function M.run(args)
  local sizes, message, code = size.parse(args.size)
  if not sizes then return nil, message, code end
  local results, n = setmetatable({}, { __jsontype = "array" }), #args.models
  for _, model in ipairs(args.models) do
    local result
    if n == 1 then
      result, message = require("perigee.bench").run(model, {
        threads = args.threads, seconds = args.seconds, seed = args.seed, sizes = sizes,
      })
      if not result then return nil, message end
    else
      result = in_child(args, model) -- one that fails doesn't keep the others from being measured
    end
    results[#results + 1] = result
  end
  if args.json then io.write(require("dkjson").encode(results), "\n") else print_text(results) end
  if #results < n then return nil, ("%d of %d models failed"):format(n - #results, n) end
  return true
end

return M
