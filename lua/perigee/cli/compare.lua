--- perigee compare A [B]: a proof that two models, or two ways to compute one, are the same.
local lfs = require "lfs"
local size = require "perigee.cli.size"
local text = require "perigee.util.text"

local M = { summary = "prove that two models compute the same, or name the node that doesn't" }

function M.configure(parser)
  parser:argument("models", "A and B, in any formats; A alone with --isa, --threads, "
    .. "--no-optimize, --vs or --stored: one model computed in two ways."):args "0-2"
  parser:option("-i --input", "NAME=FILE or POSITION=FILE (0-based) of npy, pb, png, jpg, wav; or "
    .. "a folder of input_N.npy or .pb. Others are filled from the seed.")
    :count "*":argname "<input>"
  parser:option("--weights", "Second file of a two-file format: A's, and a second time B's.")
    :count "*"
  parser:option("--seed", "For inputs that are not given."):convert(math.tointeger):default "0"
  size.configure(parser)
  parser:option("--threads", "N for both sides, or N,M."):argname "<n>"
  parser:option("--isa", "scalar, avx2, avx512 for both sides, or two with a comma.")
    :argname "<isa>"
  parser:flag("--no-optimize", "The second side runs the graph as it stands.")
  parser:option("--vs", "The second side is another engine: onnxruntime.")
  parser:option("--stored", "The second side are outputs: a folder of output_N.npy or .pb.")
  parser:option("--rtol", "Tolerance relative to the element (default: by element type).")
    :convert(tonumber)
  parser:option("--atol", "And relative to the largest element of the value."):convert(tonumber)
  parser:flag("--outputs", "Only the outputs, no values in between.")
  parser:option("--certificate", "File for the proof: models, inputs, tolerances, results.")
  parser:option("--check", "Do what a certificate says again; tells whether it still holds.")
  parser:flag("-v --verbose", "A line for each value.")
  parser:flag("--json", "Print a JSON object.")
end

-- ---- options
-- --------------------------------------------------------------------------------------

--- "2" or "2,4" as what compare takes.
local function two(word, convert, name)
  if not word then return nil end
  local list = {}
  for item in word:gmatch "[^,]+" do
    local value = convert(item)
    if value == nil then return nil, ("--%s: '%s'"):format(name, item), "usage" end
    list[#list + 1] = value
  end
  if #list < 1 or #list > 2 then
    return nil, ("--%s: one or two, with a comma"):format(name), "usage"
  end
  return #list == 1 and list[1] or list
end

local isas = { scalar = true, avx2 = true, avx512 = true, native = true }

--- The options for perigee.compare.
function M.options_of(args)
  local threads, message, code = two(args.threads, function(w)
    local n = math.tointeger(tonumber(w))
    return n and n >= 1 and n <= 1024 and n or nil
  end, "threads")
  if message then return nil, message, code end
  local isa
  isa, message, code = two(args.isa, function(w) return isas[w] and w or nil end, "isa")
  if message then return nil, message, code end
  local sizes
  sizes, message, code = size.parse(args.size)
  if not sizes then return nil, message, code end
  if args.vs and not require "perigee.bench.engine".peers[args.vs] then
    return nil, ("--vs: no engine '%s'"):format(args.vs), "usage"
  end
  return {
    seed = args.seed, sizes = next(sizes) and sizes or nil, threads = threads, isa = isa,
    optimize = args.no_optimize and { true, false } or nil, vs = args.vs, rtol = args.rtol,
    atol = args.atol, outputs_only = args.outputs or nil,
  }
end

--- What the command line asks for, as a certificate keeps it.
---@param args table
---@param is_alone? boolean one model computed in one way will do
function M.job_of(args, is_alone)
  local options, message, code = M.options_of(args)
  if not options then return nil, message, code end
  local a, b = args.models[1], args.models[2]
  if not a then return nil, "no model", "usage" end
  local n_ways = (args.threads and type(options.threads) == "table" and 1 or 0)
    + (type(options.isa) == "table" and 1 or 0) + (args.no_optimize and 1 or 0)
  if not is_alone and not b and n_ways == 0 and not args.vs and not args.stored then
    return nil, "one model: say how the other side computes (--isa, --threads, "
      .. "--no-optimize, --vs, --stored)", "usage"
  end
  if args.vs and args.stored then return nil, "--vs or --stored, not both", "usage" end
  local inputs = {}
  for _, item in ipairs(args.input) do
    local key, path = item:match "^([^=]+)=(.+)$"
    if not key and lfs.attributes(item, "mode") ~= "directory" then
      return nil, ("-i %s: expected NAME=FILE, POSITION=FILE or a folder"):format(item), "usage"
    end
    if key then
      inputs[key] = path
    else
      for i, file in pairs(require "perigee.compare.inputs".numbered(item, "input", 1000)) do
        inputs[tostring(i - 1)] = file
      end
    end
  end
  return {
    a = { a, args.weights[1] }, b = b and { b, args.weights[2] }, inputs = inputs,
    stored = args.stored, options = options,
  }
end

-- ---- doing it
-- ---------------------------------------------------------------------------------------

local function read_inputs(graph, files)
  local reader, specs, inputs = require "perigee.compare.inputs", graph:input_list(), {}
  for key, path in pairs(files) do
    local spec = specs[(math.tointeger(tonumber(key)) or -1) + 1]
    for _, other in ipairs(specs) do
      if other.name == key then spec = other end
    end
    if not spec then return nil, ("-i %s: no such input"):format(key), "usage" end
    local value, message, code = reader.read(path, spec)
    if value == nil then return nil, message, code end
    inputs[spec.name] = value
  end
  return inputs
end

local function read_stored(graph, folder)
  local reader, values, n = require "perigee.compare.inputs", {}, #graph:output_list()
  for i, path in pairs(reader.numbered(folder, "output", n)) do
    local value, message, code = reader.read(path, {})
    if value == nil then return nil, message, code end
    values[i] = value
  end
  if next(values) == nil then
    return nil, ("%s: no output_0.npy or output_0.pb"):format(folder), "io"
  end
  return values
end

--- A job's inputs by name.
---@return table<string, perigee.Tensor>? inputs
---@return string? message
---@return string? code
function M.inputs_of(job)
  local graph <close>, message, code = require "perigee".load(job.a[1], job.a[2])
  if not graph then return nil, message, code end
  return read_inputs(graph, job.inputs)
end

local function progress(done, all)
  io.stderr:write(("\rcompared %d of %d values"):format(done, all), done == all and "\n" or "")
end

--- Runs a job.
---@return table? report
---@return string? message
---@return string? code
function M.perform(job, shows_progress)
  local pg = require "perigee"
  local graph, message, code = pg.load(job.a[1], job.a[2])
  if not graph then return nil, message, code end
  local options = {}
  for key, value in pairs(job.options) do options[key] = value end
  options.inputs, message, code = read_inputs(graph, job.inputs)
  if not options.inputs then return nil, message, code end
  if job.stored then
    options.stored, message, code = read_stored(graph, job.stored)
    if not options.stored then return nil, message, code end
  end
  if shows_progress then options.progress = progress end
  graph:close()
  return require "perigee.compare".run(job.a, job.b, options)
end

-- ---- saying it
-- --------------------------------------------------------------------------------------

local function number(v)
  if v == nil then return "" end
  return v == 0 and "0" or ("%.2e"):format(v)
end

local function row_line(row)
  local pair = row.a == row.b and row.a or row.a .. " = " .. row.b
  if row.problem then return { row.ok and "" or "!", pair, row.type or "", row.problem } end
  return {
    row.ok and "" or "!", pair, row.type or "", number(row.max_abs), number(row.mean_abs),
    number(row.max_rel), ("%.9g"):format(row.cosine), ("%.3g"):format(row.max_ulp),
    row.layout or "",
  }
end

local function print_values(values)
  local rows = {
    { "", "value", "operator", "max abs", "mean abs", "max rel", "cosine", "ULP", "layout" },
  }
  for _, row in ipairs(values) do rows[#rows + 1] = row_line(row) end
  io.write(text.columns(rows, { right = { [4] = true, [5] = true, [6] = true, [8] = true } }), "\n")
end

--- The verdict in a few lines, for people.
---@return string
function M.describe(report)
  local lines, n_bad, bad = {}, 0, nil
  for _, row in ipairs(report.values) do
    if not row.ok then
      n_bad, bad = n_bad + 1, bad or row
    end
  end
  lines[1] = ("%s: %d values compared, %d beyond tolerance (without a partner: %d and %d)")
    :format(report.verdict, #report.values, n_bad, report.unmatched.a, report.unmatched.b)
  local f = report.first
  if not f then return lines[1] end
  lines[#lines + 1] = ("first at node '%s' (%s), value '%s'%s"):format(f.node or "?", f.type or "?",
    f.value, f.other ~= f.value and (" = '%s'"):format(f.other) or "")
  if f.is_proven then
    lines[#lines + 1] = "its inputs agree, its output doesn't: this node is the one"
  elseif f.inputs_agree then
    lines[#lines + 1] = "its inputs agree within their tolerance"
  end
  for _, reason in ipairs(f.reasons) do lines[#lines + 1] = "  " .. reason end
  if bad.problem then
    lines[#lines + 1] = ("  '%s': %s"):format(bad.a, bad.problem)
  else
    lines[#lines + 1] = ("  '%s': max abs %.3g, mean abs %.3g, of values up to %.3g; cosine %.9g")
      :format(bad.a, bad.max_abs, bad.mean_abs, bad.scale, bad.cosine)
  end
  return table.concat(lines, "\n")
end

local function show(report, args, extra)
  if args.json then
    for key, value in pairs(extra or {}) do report[key] = value end
    io.write(require "dkjson".encode(report, { exception = function() return "null" end }), "\n")
    return
  end
  if args.verbose then print_values(report.values) end
  for _, side in ipairs { report.a, report.b } do
    io.write(("%s (%s)\n"):format(side.label, side.engine))
  end
  io.write(M.describe(report), "\n")
end

local function check_again(args, terminal)
  local certificates = require "perigee.compare.certificate"
  local job, c, code = certificates.read(args.check)
  if not job then return nil, c, code end
  local lines = certificates.changed_files(c)
  local report, message
  report, message, code = M.perform(job, terminal)
  if not report then return nil, message, code end
  for _, line in ipairs(certificates.contradictions(c, report)) do lines[#lines + 1] = line end
  show(report, args, { holds = #lines == 0, contradictions = lines })
  if #lines > 0 then
    return nil, args.check .. " doesn't hold: " .. table.concat(lines, "; "), "different"
  end
  if not args.json then io.write(args.check, " holds\n") end
  return true
end

function M.run(args)
  local terminal = os.execute "test -t 2" == true
  if args.check then
    if #args.models > 0 then
      return nil, "--check takes its models from the certificate", "usage"
    end
    return check_again(args, terminal)
  end
  local job, message, code = M.job_of(args)
  if not job then return nil, message, code end
  local report
  report, message, code = M.perform(job, terminal)
  if not report then return nil, message, code end
  if args.certificate then
    local ok
    ok, message, code = require "perigee.compare.certificate".write(args.certificate, job, report)
    if not ok then return nil, message, code end
  end
  show(report, args)
  if report.verdict == "same" then return true end
  return nil, "the two sides differ", "different"
end

return M
