--- perigee info MODEL: what is inside, what it needs, what is unsupported.
local pg = require "perigee"
local text = require "perigee.util.text"

local M = { summary = "show what is inside a model, what it needs, what is unsupported" }

function M.configure(parser)
  parser:argument("model", "The model's file."):args "?"
  parser:flag("--nodes", "List every node.")
  parser:flag("--operators", "List the operators that this build knows.")
  parser:flag("--json", "Print one JSON object.")
end

local function count_operators(g)
  local counts = {}
  for node in g:nodes() do
    local name = node.domain ~= "" and node.domain .. "." .. node.type or node.type
    counts[name] = (counts[name] or 0) + 1
  end
  local list = {}
  for name, n in pairs(counts) do list[#list + 1] = { name = name, n = n } end
  table.sort(list, function(a, b) return a.n > b.n or a.n == b.n and a.name < b.name end)
  return list
end

--- What a session would say: nil when the model runs.
local function problem_of(g)
  local session, message = g:session { threads = 1, optimize = false }
  if session then session:close() end
  return not session and message or nil
end

local function print_operators(args)
  local operators = require "perigee.operators"
  if args.json then
    io.write(require("dkjson").encode(operators.json()), "\n")
  else
    io.write(operators.text(), "\n")
  end
  return true
end

local function object(t) return setmetatable(t, { __jsontype = "object" }) end -- {} when empty

local function describe(g)
  local info = g:info()
  return {
    name = info.name, producer = info.producer, producer_version = info.producer_version,
    ir_version = info.ir_version, opsets = object(info.opsets), metadata = object(info.metadata),
    nodes = info.n_nodes, parameters = info.n_parameters, functions = info.functions,
    inputs = g:input_list(), outputs = g:output_list(), operators = count_operators(g),
    problem = problem_of(g),
  }
end

local function print_text(g, d, args)
  io.write(tostring(g), "\n")
  local rows = {}
  for _, spec in ipairs(d.inputs) do rows[#rows + 1] = { "  input", spec.name, text.type(spec) } end
  for _, spec in ipairs(d.outputs) do
    rows[#rows + 1] = { "  output", spec.name, text.type(spec) }
  end
  io.write(text.columns(rows), "\n")
  local opsets = {}
  for domain, version in pairs(d.opsets) do opsets[#opsets + 1] = domain .. " " .. version end
  table.sort(opsets)
  io.write(("  IR %d, opset %s"):format(d.ir_version, table.concat(opsets, ", ")))
  if d.producer then io.write(", by ", d.producer, " ", d.producer_version or "") end
  io.write("\n  operators:")
  for _, op in ipairs(d.operators) do io.write((" %s %d"):format(op.name, op.n)) end
  io.write "\n"
  local keys = {}
  for key in pairs(d.metadata) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local value = d.metadata[key]:gsub("%s+", " ")
    io.write(("  %s: %s\n"):format(key, #value > 60 and value:sub(1, 57) .. "..." or value))
  end
  if args.nodes then io.write(g:text(), "\n") end
  io.write(d.problem and "  does not run: " .. d.problem or "  runs: every operator is there", "\n")
end

function M.run(args)
  if args.operators then return print_operators(args) end
  if not args.model then return nil, "name a model", "usage" end
  local g, message = pg.load(args.model)
  if not g then return nil, message end
  g:infer()
  local d = describe(g)
  if args.json then
    io.write(require("dkjson").encode(d), "\n")
  else
    print_text(g, d, args)
  end
  return true
end

return M
