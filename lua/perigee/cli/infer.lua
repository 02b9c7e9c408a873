--- perigee infer MODEL: the type of every value, by names where sizes have no numbers yet.
local pg = require "perigee"
local text = require "perigee.util.text"

local M = { summary = "tell the type and shape of every value" }

function M.configure(parser)
  parser:argument("model", "The model's file.")
  parser:option("-o --output", "Write the model there, with the types of all values.")
  parser:option("--shape", "INPUT=1,3,H,W: the shape of an input; ? keeps a dimension."):count "*"
  parser:option("--dim", "NAME=N: what a named dimension stands for."):count "*"
  parser:flag("--strict", "A declared type that contradicts is an error.")
  parser:flag("--json", "Print one JSON object.")
end

local function read_dims(list)
  local dims = {}
  for _, item in ipairs(list) do
    local name, n = item:match "^(.+)=(%d+)$"
    n = math.tointeger(tonumber(n))
    if not n then return nil, ("--dim %s: expected NAME=N"):format(item) end
    dims[name] = n
  end
  return dims
end

local function read_shapes(list)
  local shapes = {}
  for _, item in ipairs(list) do
    local name, dims = item:match "^(.+)=([^=]*)$"
    if not name then return nil, ("--shape %s: expected INPUT=1,3,H,W"):format(item) end
    local shape = {}
    for dim in dims:gmatch "[^,]+" do
      dim = dim:match "^%s*(.-)%s*$"
      shape[#shape + 1] = dim:match "^%d+$" and math.tointeger(tonumber(dim)) or dim
    end
    shapes[name] = shape
  end
  return shapes
end

--- The outputs of every node, in order.
local function list_values(g)
  local list = {}
  for node in g:nodes() do
    for _, name in ipairs(node.outputs) do
      if name and name ~= "" then
        local value = g:value(name)
        list[#list + 1] = {
          node = node.name, operator = node.type, name = name,
          type = value.type, dtype = value.dtype, shape = value.shape,
        }
      end
    end
  end
  return list
end

local function array(t) return setmetatable(t or {}, { __jsontype = "array" }) end -- [] when empty

local function print_json(g, values, contradictions)
  for _, list in ipairs { values, g:input_list(), g:output_list() } do
    for _, spec in ipairs(list) do spec.shape = spec.shape and array(spec.shape) end
  end
  io.write(require("dkjson").encode {
    inputs = array(g:input_list()), outputs = array(g:output_list()),
    values = array(values), contradictions = array(contradictions),
  }, "\n")
end

local function print_text(g, values, contradictions)
  local rows = {}
  for _, spec in ipairs(g:input_list()) do
    rows[#rows + 1] = { "input", "", spec.name, text.type(spec) }
  end
  for _, value in ipairs(values) do
    rows[#rows + 1] = { value.operator, value.node, value.name, text.type(value) }
  end
  for _, spec in ipairs(g:output_list()) do
    rows[#rows + 1] = { "output", "", spec.name, text.type(spec) }
  end
  io.write(text.columns(rows), "\n")
  for _, c in ipairs(contradictions) do
    io.write(("%s: declared %s, inferred %s\n"):format(c.name, c.declared, c.inferred))
  end
end

function M.run(args)
  local dims, problem = read_dims(args.dim)
  if not dims then return nil, problem, "usage" end
  local shapes, trouble = read_shapes(args.shape)
  if not shapes then return nil, trouble, "usage" end
  local g, message, code = pg.load(args.model)
  if not g then return nil, message, code end
  local ok, contradictions, kind = g:infer { strict = args.strict, dims = dims, shapes = shapes }
  if not ok then return nil, contradictions, kind end
  local values = list_values(g)
  if args.json then
    print_json(g, values, contradictions)
  else
    print_text(g, values, contradictions)
  end
  if not args.output then return true end
  return g:save(args.output)
end

return M
