--- perigee run MODEL: on images, npy, pb, wav files, or on inputs filled from a seed.
local core = require "perigee.core"
local lfs = require "lfs"
local graph = require "perigee.graph"
local size = require "perigee.cli.size"
local value_file = require "perigee.util.value_file"

local M = { summary = "run a model on images, npy, pb or wav files" }

function M.configure(parser)
  parser:argument("model", "The model's file.")
  parser:option("-i --input", "NAME=FILE or POSITION=FILE (0-based)."):count "*":argname "<input>"
  parser:option("-o --output", "Folder for output_0.npy, output_1.npy, ..."):argname "<dir>"
  parser:option("--want", "Name of a value to compute instead of the outputs."):count "*"
  parser:option("--threads", "Threads (default: all cores)."):convert(math.tointeger)
  parser:option("--seed", "For inputs that are not given."):convert(math.tointeger):default "0"
  size.configure(parser)
  parser:option("--scale", "Multiplies pixels (default 1/255 for float inputs)."):convert(tonumber)
  parser:option("--mean", "Subtracted from scaled pixels: one number, or one a channel: R,G,B.")
  parser:option("--std", "Divides pixels after that.")
  parser:flag("--no-optimize", "Run the graph as it stands.")
  parser:flag("--json", "Print a JSON object of outputs with shape and data.")
end

local function numbers(list, name)
  if not list then return nil end
  local out = {}
  for item in list:gmatch "[^,]+" do
    out[#out + 1] = tonumber(item) or error(("--%s: '%s' is no number"):format(name, item), 0)
  end
  return out
end

local function find_input(specs, key)
  local i = math.tointeger(tonumber(key))
  if i and specs[i + 1] then return specs[i + 1] end
  local names = {}
  for _, spec in ipairs(specs) do
    if spec.name == key then return spec end
    names[#names + 1] = spec.name
  end
  return nil, ("no input '%s' (the model has: %s)"):format(key, table.concat(names, ", "))
end

local function position_of(g, name)
  for i, other in ipairs(g:all_input_names()) do
    if other == name then return i end
  end
end

--- "NAME=FILE" taken apart.
local function parse_input(item, specs)
  local key, path = item:match "^([^=]+)=(.+)$"
  if not key then
    return nil, ("-i %s: expected NAME=FILE or POSITION=FILE"):format(item), "usage"
  end
  local spec, message = find_input(specs, key)
  if not spec then return nil, ("-i %s: %s"):format(item, message) end
  return spec, path
end

--- The inputs by name, and the descriptions of those that were filled.
local function gather_inputs(g, session, args)
  local bench = require "perigee.bench"
  local specs, inputs, is_given = session:input_list(), {}, {}
  for _, item in ipairs(args.input) do
    local spec, path, code = parse_input(item, specs)
    if not spec then return nil, path, code end
    if is_given[spec.name] then
      return nil, ("-i %s: input '%s' is given twice"):format(item, spec.name), "usage"
    end
    local value, problem = value_file.read(path, spec, {
      graph = g, position = position_of(g, spec.name), scale = args.scale,
      mean = numbers(args.mean, "mean"), std = numbers(args.std, "std"),
    })
    if value == nil and problem then return nil, problem end
    inputs[spec.name], is_given[spec.name] = value, true
  end
  local sizes, message, code = size.parse(args.size)
  if not sizes then return nil, message, code end
  local filled = {}
  for i, spec in ipairs(specs) do
    if not is_given[spec.name] then
      inputs[spec.name] = bench.fill(spec, args.seed + i, sizes)
      filled[#filled + 1] = spec
    end
  end
  local ok, problem = bench.check_sizes(filled, sizes)
  if not ok then return nil, "--size: " .. problem end
  return inputs, filled, sizes
end

local function save(outputs, names, dir)
  local mode = lfs.attributes(dir, "mode")
  if not mode then
    local ok, message = lfs.mkdir(dir)
    if not ok then return nil, ("%s: %s"):format(dir, message) end
  elseif mode ~= "directory" then
    return nil, dir .. ": not a directory"
  end
  for i, name in ipairs(names) do
    local value = outputs[name]
    if not core.is_tensor(value) then return nil, ("output '%s' is no tensor"):format(name) end
    local ok, message = core.npy_write(value, ("%s/output_%d.npy"):format(dir, i - 1))
    if not ok then return nil, message end
  end
  return true
end

--- Tensors as objects; sequences are arrays of them.
local function plain(value)
  if core.is_tensor(value) then
    return { dtype = value.dtype, shape = value.shape, data = value:totable() }
  end
  if type(value) ~= "table" then return value end
  local out = {}
  for k, v in pairs(value) do out[k] = plain(v) end
  return out
end

local function print_outputs(outputs, names, args)
  if args.json then
    local object = {}
    for _, name in ipairs(names) do object[name] = plain(outputs[name]) end
    io.write(require("dkjson").encode(object, { keyorder = names }), "\n")
    return
  end
  for _, name in ipairs(names) do io.write(name, "  ", tostring(outputs[name]), "\n") end
end

function M.run(args)
  local g, message = graph.load(args.model)
  if not g then return nil, message end
  local session
  session, message = g:session { threads = args.threads, optimize = not args.no_optimize }
  if not session then return nil, message end
  local inputs, filled, sizes = gather_inputs(g, session, args)
  if not inputs then return nil, filled, sizes end
  local names = args.want
  if #names == 0 then
    for i, spec in ipairs(session:output_list()) do names[i] = spec.name end
  end
  local outputs
  outputs, message = require("perigee.bench").attempt(session, inputs, filled, sizes, names)
  if not outputs then return nil, message end
  if args.output then
    local ok
    ok, message = save(outputs, names, args.output)
    if not ok then return nil, message end
    if not args.json then return true end
  end
  print_outputs(outputs, names, args)
  return true
end

return M
