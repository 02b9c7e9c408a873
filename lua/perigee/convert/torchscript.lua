--- TorchScript archives (torch.jit.save) as graphs: code/ holds the program as text, data.pkl the
--- modules with their weights, constants.pkl the tensors of the text, traced_inputs.pkl what the
--- program was traced with. A program says nothing of its inputs' types and shapes: they come from
--- the trace, from the caller (opts.inputs), or are found by what the program does with them.
local core = require "perigee.core"
local archive = require "perigee.convert.pytorch.archive"
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local graph = require "perigee.graph"
local machine = require "perigee.convert.torchscript.machine"
local tensor = require "perigee.tensor"
local zip = require "perigee.convert.zip"

local M = { name = "TorchScript" }

function M.detect(bytes)
  if not bytes or not zip.is(bytes) then return false end
  local members = fail.guard(zip.open, bytes)
  local at = members and archive.prefix(members, "data.pkl")
  return at ~= nil and members.entries[at .. "constants.pkl"] ~= nil
end

local none = machine.none

-- ---- the archive -------------------------------------------------------------------------------

--- What the machine reads code, tensors and constants with.
local function source_of(a)
  local constants
  return {
    read = function(path)
      local member = a:member("code/" .. path)
      return member and member:string()
    end,
    tensor = function(record) return a:tensor(record) end,
    constant = function(i)
      constants = constants or a:pickle("constants.pkl", "constants")
      return constants[i + 1]
    end,
    by_id = function() fail.format "a tensor by its number" end,
  }
end

--- { dtype =, shape = } of the traced inputs, in order.
local function traced(a)
  if not a:member "traced_inputs.pkl" then return end
  local value = fail.guard(a.pickle, a, "traced_inputs.pkl", "traced_inputs")
  local inputs = type(value) == "table" and value.map and value.map.forward
  return inputs or nil
end

-- ---- inputs ------------------------------------------------------------------------------------

local MOST_TRIES = 24

local function type_text(node)
  if not node then return "Tensor" end
  if node.kind == "name" then return node.name end
  if node.kind == "item" then return type_text(node.object), node.index end
  return node.name or "?"
end

--- An input (or several, where the parameter is a list or tuple) as the machine's value.
local Border = {}
Border.__index = Border

function Border:tensor(name, spec, scalar)
  spec = spec or {}
  local guess = self.guesses[name] or {}
  local shape = spec.shape or guess.shape
  local dtype = spec.dtype or guess.dtype or "f32"
  local declared, known = nil, nil
  if shape then
    declared, known = {}, {}
    for i, n in ipairs(shape) do
      declared[i], known[i] = n, math.type(n) == "integer" and n or false
      if known[i] and known[i] < 0 then
        declared[i], known[i] = "?", false
      end
    end
  end
  self.c.taken[name] = 1
  self.graph:add_input(name, dtype, declared)
  local t = self.c:new { name = name, dtype = dtype, shape = known, scalar = scalar }
  t.root = {
    name = name, is_typed = spec.dtype ~= nil or guess.dtype ~= nil,
    rank = not spec.shape and guess.shape and not guess.is_sure and #guess.shape or nil,
  }
  return t
end

--- What an input is when nobody gives it: what the file has, else zeros.
function Border:default(name, dtype, shape, value)
  for _, n in ipairs(shape or { "?" }) do
    if math.type(n) ~= "integer" then return end
  end
  if not value or table.concat(value.shape, ",") ~= table.concat(shape, ",") then
    value = tensor.zeros(shape, dtype)
  end
  self.graph:add_constant(name, value)
end

local numbers = { int = "i64", float = "f64", bool = "bool" }

function Border:value(name, node, given)
  local text, inner = type_text(node)
  if text == "Optional" then
    if given == nil or given == none then return none end
    return self:value(name, inner, given)
  end
  local is_record = type(given) == "table" and given.kind == "tensor"
  if is_record then given = { dtype = given.dtype, shape = given.shape } end
  local is_spec = type(given) == "table" and not given.kind
  if text == "Tensor" or text == "Any" and (is_record or is_spec or given == nil) then
    return self:tensor(name, is_spec and given or nil)
  end
  if given ~= nil and not is_spec and (type(given) ~= "table" or given == none) then return given end
  if numbers[text] then
    return self:tensor(name, { dtype = numbers[text], shape = {} }, text)
  end
  if (text == "List" or text == "Tuple" or text == "Dict") and given and given.kind then
    local out = { kind = text:lower(), keys = given.keys and {}, map = given.keys and {} }
    local types = inner and inner.kind == "tuple" and inner.items or { inner }
    for i, key in ipairs(given.keys or given) do
      local item = given.keys and given.map[key] or key
      local value = self:value(given.keys and tostring(key) or ("%s_%d"):format(name, i - 1),
        given.keys and types[2] or types[i] or types[1], item)
      if given.keys then
        out.keys[i], out.map[key] = key, value
      else
        out[i] = value
      end
    end
    return out
  end
  if text == "Tuple" and inner then
    local out = { kind = "tuple" }
    for i, t in ipairs(inner.kind == "tuple" and inner.items or { inner }) do
      out[i] = self:value(("%s_%d"):format(name, i - 1), t)
    end
    return out
  end
  fail.unsupported { {
    what = ("an input of type %s"):format(text), where = name,
    instead = "give it with opts.inputs." .. name,
  } }
end

-- ---- outputs -----------------------------------------------------------------------------------

--- Every tensor in a result, with a name.
local function each_output(c, value, name, take)
  if emit.is(value) then return take(name, value) end
  if type(value) == "number" or type(value) == "boolean" then
    local t = math.type(value)
    return take(name, c:constant(value, t == "integer" and "i64" or t == "float" and "f64" or "bool"))
  end
  if type(value) ~= "table" or value == none then return end
  for i, key in ipairs(value.keys or value) do
    if value.keys then
      each_output(c, value.map[key], type(key) == "string" and key or name .. "_" .. tostring(key), take)
    else
      each_output(c, key, value.fields and value.fields[i] or ("%s_%d"):format(name, i - 1), take)
    end
  end
end

local function add_output(c, g, name, t)
  local unique = c:unique(name)
  g:add("Identity", { c:name(t) }, { unique })
  g:add_output(unique)
  if not t.dtype then return end
  local shape = t.shape and {}
  for i, d in ipairs(t.shape or {}) do shape[i] = d or "?" end
  g:set_type(unique, t.dtype, shape)
end

local function add_outputs(c, g, result)
  local n = 0
  each_output(c, result, "output", function(name, t)
    n = n + 1
    add_output(c, g, name, t)
  end)
  if n == 0 then fail.format "it gives no tensor" end
end

--- What was computed but isn't needed goes.
local function prune(g)
  local nodes = g:node_list()
  for i = #nodes, 1, -1 do
    local is_needed = false
    for _, name in ipairs(nodes[i].outputs) do
      local info = name ~= "" and g:value(name)
      is_needed = is_needed or info and (info.is_output or #info.consumers > 0)
    end
    if not is_needed then pcall(g.remove, g, nodes[i]) end
  end
end

--- Tensors that the program keeps between its calls (self.x = ...): inputs with what the file has as
--- default, and outputs.
local function state_outputs(c, g)
  local keys = {}
  for key in pairs(c.state_inputs) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local a = c.state_inputs[key]
    local value = a.object.values[a.name]
    if emit.is(value) then
      add_output(c, g, a.input .. "_out", value)
    end
  end
end

-- ---- one attempt -------------------------------------------------------------------------------

local function spec_of(inputs, name, i)
  if type(inputs) ~= "table" then return nil end
  local given = inputs[name]
  if given == nil then given = inputs[i] end
  if type(given) == "table" and not given.kind and not given.shape and not given.dtype
    and (#given > 0 or next(given) == nil) then
    given = { shape = given }
  end
  return given
end

--- Attributes that the method writes become inputs, of the types they had when it was run before.
local function bind_state(c, border, state)
  c.state_inputs = {}
  for key, known in pairs(state or {}) do
    local object, name = c.root, known.name
    local path = known.path
    for part in path:gmatch "[^.]+" do object = c:attribute(object, part) end
    local value
    if known.dtype then
      local input = key:gsub("^%.", ""):gsub("^_", "")
      local ok, before = pcall(c.attribute, c, object, name)
      local default = ok and emit.is(before) and before.const
      local shape = default and default.count > 0 and default.shape or known.shape
      value = border:tensor(input, { dtype = known.dtype, shape = shape })
      value.root = nil
      border:default(input, known.dtype, shape, default)
      c.state_inputs[key] = { object = object, name = name, input = input }
    else
      value = known.value
    end
    object.values[name] = value
  end
end

local function attempt(source, a_root, method, inputs, guesses, state, trace)
  local g = graph.new()
  local c = machine.new(g, source, require "perigee.convert.torchscript.ops")
  c.root = c:lift(a_root, "")
  if c.root.kind ~= "object" then fail.format "its data.pkl holds no module" end
  local ok, f = pcall(c.attribute, c, c.root, method)
  if not ok then f = c:attribute(c.root, method .. "__0") end -- overloaded: the first
  if f.kind ~= "method" or not f.def then fail.format("no method '%s'", method) end
  local border = setmetatable({ graph = g, c = c, guesses = guesses }, Border)
  local args = {}
  for i = 2, #f.def.parameters do
    local p = f.def.parameters[i]
    local given = spec_of(inputs, p.name, i - 1)
    if given == nil and trace then given = trace[i - 1] end
    if given == nil and p.default and not (p.type and type_text(p.type) == "Tensor") then
      args[i - 1] = c:eval(p.default, {})
    else
      args[i - 1] = border:value(p.name, p.type, given)
    end
  end
  c.root_def = f.def
  bind_state(c, border, state)
  g:set_name(f.object.class:match "[^.]+$")
  local result = c:call(f, args, {})
  c.scope = c.main
  add_outputs(c, g, result)
  state_outputs(c, g)
  prune(g)
  return g, c
end

-- ---- trying ------------------------------------------------------------------------------------

--- What the method wrote into attributes, as inputs for the next attempt.
local function state_of(c)
  local state, n = {}, 0
  for key, a in pairs(c.written_attributes) do
    local value = a.object.values[a.name]
    n = n + 1
    local known = { path = a.object.path, name = a.name }
    if emit.is(value) then
      known.dtype, known.shape = value.dtype, value.shape and {}
      for i, d in ipairs(value.shape or {}) do known.shape[i] = d or "?" end
    else
      known.value = value
    end
    state[key] = known
  end
  return n > 0 and state or nil
end

local RANKS = { 4, 3, 2, 1, 5, 0 }

local function unknown_shape(rank)
  local shape = {}
  for i = 1, rank do shape[i] = "?" end
  return shape
end

--- Another rank for the input that was guessed last, when the guess didn't fit.
local function next_guess(guesses, order)
  for i = #order, 1, -1 do
    local guess = guesses[order[i]]
    guess.tried = guess.tried or { [#guess.shape] = true }
    for _, rank in ipairs(RANKS) do
      if not guess.tried[rank] then
        guess.tried[rank], guess.shape = true, unknown_shape(rank)
        return true
      end
    end
    guess.tried = nil
  end
  return false
end

--- Tries until the guesses about inputs fit; what the first failure was when none does.
local function search(run)
  local guesses, order, first = {}, {}, nil
  for _ = 1, MOST_TRIES do
    local ok, g, c = pcall(run, guesses)
    if ok then return g, c end
    local problem, is_stuck = g, false
    if type(problem) == "table" and problem.root then
      local name = problem.root.name
      local guess = guesses[name] or {}
      guesses[name] = guess
      if problem.rank and not guess.shape then order[#order + 1] = name end
      if problem.rank and not guess.is_sure then
        guess.shape, guess.is_sure = unknown_shape(problem.rank), problem.is_sure
      end
      if problem.dtype then guess.dtype = problem.dtype end
    elseif getmetatable(problem) == core.failure_meta then
      first = first or problem
      is_stuck = problem.code == "unsupported" or not next_guess(guesses, order)
    elseif problem == machine.RAISED then
      is_stuck = not next_guess(guesses, order)
    else
      error(problem, 0)
    end
    if is_stuck then break end
  end
  if first then error(first, 0) end
  fail.format "the program raises an exception for every input tried; give the shapes of its inputs"
end

--- opts: inputs = { name = { dtype =, shape = } or a value }, by name or position; method = another
--- one than "forward"; state = false: what the program keeps between calls begins anew each time.
function M.read(source)
  local a = archive.open(source.bytes)
  local root = a:pickle("data.pkl", "data", setmetatable({}, nil))
  local opts = source.opts
  local trace = traced(a)
  local reader = source_of(a)
  local method = opts.method or "forward"
  local function run(state)
    return function(guesses)
      return attempt(reader, root, method, opts.inputs, guesses, state, trace)
    end
  end
  local g, c = search(run(nil))
  local state = opts.state ~= false and state_of(c)
  if not state then return g end
  g = search(run(state))
  return g
end

return M
