--- perigee bisect A [B]: the smallest part of a model that shows a difference, a crash, anything.
local command = require "perigee.cli.compare"
local size = require "perigee.cli.size"

local M = { summary = "shrink a difference or a crash to the smallest part that shows it" }

function M.configure(parser)
  parser:argument("models", "A and B, in any formats; A alone with --isa, --threads, "
    .. "--no-optimize, --vs, --crash, --test or --command."):args "1-2"
  parser:option("-o --output", "Folder for what is found, as an ONNX test: model.onnx and inputs.")
    :argname "<dir>":default "bisect"
  parser:flag("--crash", "Searched is a crash of perigee (in a process of its own).")
  parser:option("--test", "Searched is what a Lua file's function(graph, inputs) returns true for.")
  parser:option("--command", "Searched is what a command fails for; it gets an ONNX test folder.")
  parser:option("-i --input", "As for perigee compare."):count "*":argname "<input>"
  parser:option("--weights", "Second file of a two-file format: A's, and a second time B's.")
    :count "*"
  parser:option("--seed", "For inputs that are not given."):convert(math.tointeger):default "0"
  size.configure(parser)
  parser:option("--threads", "N, or N,M."):argname "<n>"
  parser:option("--isa", "scalar, avx2, avx512, or two with a comma."):argname "<isa>"
  parser:flag("--no-optimize", "The second side runs the graph as it stands.")
  parser:option("--vs", "The second side is another engine: onnxruntime.")
  parser:option("--rtol", "Tolerance relative to the element."):convert(tonumber)
  parser:option("--atol", "And relative to the largest element of the value."):convert(tonumber)
  parser:flag("--no-shrink", "Leave the sizes of values as they are.")
  parser:flag("--json", "Print a JSON object.")
end

local function load_test(path)
  local chunk, message = loadfile(path)
  if not chunk then return nil, message, "io" end
  local test = chunk()
  if type(test) ~= "function" then
    return nil, ("%s: expected it to return a function, got a %s"):format(path, type(test)), "usage"
  end
  return test
end

--- The predicate for what is searched in one model; nil for a difference.
local function predicate_of(args, options)
  local bisect = require "perigee.bisect"
  local n = (args.crash and 1 or 0) + (args.test and 1 or 0) + (args.command and 1 or 0)
  if n > 1 then return nil, "one of --crash, --test, --command", "usage" end
  if n == 1 and args.models[2] then
    return nil, "--crash, --test and --command take one model", "usage"
  end
  if args.crash then return bisect.crashes { isa = options.isa, threads = options.threads } end
  if args.test then return load_test(args.test) end
  return args.command and bisect.fails(args.command) or nil
end

local function progress(nodes, tests)
  io.stderr:write(("\r%d nodes after %d tests \27[K"):format(nodes, tests))
end

local function search(args, job, predicate)
  local bisect = require "perigee.bisect"
  local options = { shrink = not args.no_shrink }
  if os.execute "test -t 2" then options.progress = progress end
  local inputs, message, code = command.inputs_of(job)
  if not inputs then return nil, message, code end
  options.inputs = inputs
  if predicate then
    local graph
    graph, message, code = require "perigee".load(job.a[1], job.a[2])
    if not graph then return nil, message, code end
    options.seed, options.sizes = job.options.seed, job.options.sizes
    return bisect.run(graph, predicate, options)
  end
  for key, value in pairs(job.options) do options[key] = value end
  return bisect.between(job.a, job.b, options)
end

local function nodes_of(graph)
  local list = {}
  for node in graph:nodes() do
    list[#list + 1] = { name = node.name ~= "" and node.name or node.outputs[1], type = node.type }
  end
  return list
end

function M.run(args)
  local options, message, code = command.options_of(args)
  if not options then return nil, message, code end
  local predicate
  predicate, message, code = predicate_of(args, options)
  if message then return nil, message, code end
  local job
  job, message, code = command.job_of(args, predicate ~= nil)
  if not job then return nil, message, code end
  local found
  found, message, code = search(args, job, predicate)
  if os.execute "test -t 2" then io.stderr:write "\n" end
  if not found then return nil, message, code end
  local ok
  ok, message, code = require "perigee.bisect".write(found, args.output)
  if not ok then return nil, message, code end
  local nodes = nodes_of(found.other or found.graph)
  if args.json then
    io.write(require "dkjson".encode {
      output = args.output, nodes = nodes, tests = found.tests,
      reasons = found.report and found.report.first and found.report.first.reasons,
    }, "\n")
    return true
  end
  local names = {}
  for i, node in ipairs(nodes) do names[i] = ("%s (%s)"):format(node.name, node.type) end
  io.write(("%d node%s after %d tests: %s\n"):format(#nodes, #nodes == 1 and "" or "s", found.tests,
    table.concat(names, ", ")))
  local first = found.report and found.report.first
  for _, reason in ipairs(first and first.reasons or {}) do
    io.write("  ", reason, "\n")
  end
  io.write(args.output, "/model.onnx and its inputs show it\n")
  return true
end

return M
