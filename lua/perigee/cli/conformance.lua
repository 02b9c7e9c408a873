--- perigee conformance DIR...: the tests run in a worker process, so that nothing a model does ends
--- the run; a worker that dies or hangs costs one test, the next worker goes on behind it.
local core = require "perigee.core"
local text = require "perigee.util.text"

local M = { summary = "run ONNX test folders (model.onnx, test_data_set_N)" }

local BATCH = 200 -- tests a worker

function M.configure(parser)
  parser:argument("dirs", "Folders; test folders are looked for below them."):args "*"
  parser:flag("--tsv", "A line a test: name, pass|wrong|unsupported|error, reason.")
  parser:flag("--json", "The same as one JSON array.")
  parser:option("--rtol", "Relative tolerance."):convert(tonumber)
  parser:option("--atol", "Absolute tolerance."):convert(tonumber)
  parser:option("--threads", "Threads a run."):convert(math.tointeger):default "1"
  parser:option("--timeout", "Seconds for a test that hangs."):convert(math.tointeger):default "300"
  parser:flag("--no-optimize", "Run the graphs as they stand.")
  parser:option("--worker", "(internal)"):hidden(true)
end

local function read_list(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

--- Inside a worker: a line a test, how it ended; the order is that of the list.
local function work(args)
  local conformance = require "perigee.conformance"
  for _, dir in ipairs(read_list(args.worker)) do
    local started = core.clock()
    local verdict, reason = conformance.run(dir, {
      rtol = args.rtol, atol = args.atol, threads = args.threads, optimize = not args.no_optimize,
    })
    io.write(("%s\t%.6f\t%s\n"):format(verdict, core.clock() - started, reason))
    io.flush()
    collectgarbage()
  end
  return true
end

local function worker_command(args, list_file)
  local parts = {
    "timeout --foreground -k 5", tostring(args.timeout), text.program(), "conformance --worker",
    text.quote(list_file), "--threads", tostring(args.threads),
  }
  if args.rtol then parts[#parts + 1] = "--rtol " .. args.rtol end
  if args.atol then parts[#parts + 1] = "--atol " .. args.atol end
  if args.no_optimize then parts[#parts + 1] = "--no-optimize" end
  parts[#parts + 1] = "2>/dev/null"
  return table.concat(parts, " ")
end

--- Runs folders first..last in one worker; returns the index behind the last one that was answered.
local function run_batch(args, folders, first, last, report)
  local list_file = os.tmpname()
  local file = assert(io.open(list_file, "w"))
  file:write(table.concat(folders, "\n", first, last), "\n")
  file:close()
  local pipe = assert(io.popen(worker_command(args, list_file)))
  local i = first
  for line in pipe:lines() do
    local verdict, seconds, reason = line:match "^(%a+)\t([%d.]+)\t(.*)$"
    if verdict then
      report(folders[i], verdict, reason, tonumber(seconds))
      i = i + 1
    end
  end
  local _, how, code = pipe:close()
  os.remove(list_file)
  -- Out of time after some answers: the next worker gives this test the whole time.
  if i <= last and (code ~= 124 or i == first) then
    local reason = ("the process ended with %s %s"):format(how or "exit", tostring(code))
    if code == 124 then reason = ("no answer within %d s"):format(args.timeout) end
    report(folders[i], "error", reason, 0)
    i = i + 1
  end
  return i
end

local function base_name(path) return path:match "([^/]+)/*$" end

local function print_text(r)
  if r.verdict ~= "pass" then io.write(("%-12s %s: %s\n"):format(r.verdict, r.name, r.reason)) end
end

local function print_tsv(r) io.write(r.name, "\t", r.verdict, "\t", r.reason, "\n") end

function M.run(args)
  if args.worker then return work(args) end
  if #args.dirs == 0 then return nil, "name at least one folder", "usage" end
  local folders, message = require("perigee.conformance").find(args.dirs)
  if not folders then return nil, message end
  if #folders == 0 then return nil, "no model.onnx below " .. table.concat(args.dirs, ", ") end
  local results, n_passed = {}, 0
  local show = args.json and function() end or args.tsv and print_tsv or print_text
  local function report(dir, verdict, reason, seconds)
    local r = { name = base_name(dir), verdict = verdict, reason = reason, seconds = seconds }
    results[#results + 1] = r
    if verdict == "pass" then n_passed = n_passed + 1 end
    show(r)
  end
  local i = 1
  while i <= #folders do
    i = run_batch(args, folders, i, math.min(i + BATCH - 1, #folders), report)
  end
  if args.json then
    io.write(require("dkjson").encode(results), "\n")
  else
    io.write(("%d passed, %d failed\n"):format(n_passed, #folders - n_passed))
  end
  if n_passed < #folders then
    return nil, ("%d of %d failed"):format(#folders - n_passed, #folders)
  end
  return true
end

return M
