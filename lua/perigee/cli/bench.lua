--- perigee bench MODEL...: each model in a process of its own, so that memory is its own too.
local size = require "perigee.cli.size"
local text = require "perigee.util.text"

local M = { summary = "measure latency, throughput and memory" }

function M.configure(parser)
  parser:argument("models", "The models' files."):args "+"
  parser:option("--threads", "Threads a run (default: all cores)."):convert(math.tointeger)
  parser:option("--seconds", "Time for each model."):convert(tonumber):default "2"
  parser:option("--seed", "For the inputs."):convert(math.tointeger):default "0"
  parser:option("--vs", "Peers to measure beside, with commas: onnxruntime, openvino, "
    .. "openvino-default, ncnn, mnn, litert (make bench-deps installs them).")
  parser:option("--rounds", "With --vs: turns of each engine."):convert(math.tointeger):default "7"
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

local function rows_of(report, kind)
  local flops = 2 * report.macs
  local rows = {
    { kind == "far" and "engine (CPUs far)" or "engine", "version", "median ms", "perigee / it",
      "95 %", "GFLOP/s", "peak", "load ms", "first ms", "memory", "difference" },
  }
  for _, e in ipairs(report.engines) do
    local t = e[kind]
    if t then
      local rate = flops / t.median_ms * 1e3
      rows[#rows + 1] = {
        e.name .. (e.note and (" (%s)"):format(e.note) or ""), e.version,
        ("%.3f"):format(t.median_ms),
        ("%.2f"):format(t.ratio), ("%.2f-%.2f"):format(t.low, t.high), ("%.1f"):format(rate / 1e9),
        ("%.0f %%"):format(100 * rate / report.peak / report.threads), ("%.0f"):format(e.load_ms),
        ("%.1f"):format(e.first_ms), text.bytes(e.peak_bytes),
        e.difference and ("%.1e"):format(e.difference) or "?",
      }
    end
  end
  return rows
end

local function print_report(report)
  local plural = report.threads > 1 and "s" or ""
  io.write(("%s, %d thread%s, %s MAC, peak %.0f GFLOP/s a core\n"):format(report.model,
    report.threads, plural, text.quantity(report.macs), report.peak / 1e9))
  local right = {}
  for i = 3, 11 do right[i] = true end
  for _, kind in ipairs { "near", "far" } do
    if report.engines[1][kind] then
      io.write(text.columns(rows_of(report, kind), { right = right }), "\n")
    end
  end
  for _, failure in ipairs(report.failures) do
    io.write(("%s: %s\n"):format(failure.engine, failure.error))
  end
end

local function peers_of(list)
  local names, known = {}, require("perigee.bench.engine").peers
  for name in list:gmatch "[^,%s]+" do
    if not known[name] then return nil, ("--vs: no peer '%s'"):format(name), "usage" end
    names[#names + 1] = name
  end
  return names
end

local function compare(args, sizes)
  local peers, message, code = peers_of(args.vs)
  if not peers then return nil, message, code end
  local reports = setmetatable({}, { __jsontype = "array" })
  for _, model in ipairs(args.models) do
    local report
    report, message, code = require("perigee.bench.ruler").run(model, {
      vs = peers, threads = args.threads or 1, rounds = args.rounds, seed = args.seed,
      sizes = sizes, seconds = args.seconds / args.rounds,
    })
    if not report then return nil, message, code end
    reports[#reports + 1] = report
    if not args.json then print_report(report) end
  end
  if args.json then io.write(require("dkjson").encode(reports), "\n") end
  return true
end

function M.run(args)
  local sizes, message, code = size.parse(args.size)
  if not sizes then return nil, message, code end
  if args.vs then return compare(args, sizes) end
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
