--- Runs TorchScript on tensors of which only names, types and shapes are known: what doesn't depend
--- on data (modules, sizes, options, loops over constants) is computed at once, what does becomes
--- nodes. Calls are thereby inlined and conditions that are known are decided.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local parser = require "perigee.convert.torchscript.parser"
local pickle = require "perigee.convert.pickle"

local M = {}

local Machine = setmetatable({}, { __index = emit.Emitter })
Machine.__index = Machine

M.none = pickle.none
local none = pickle.none
local is_tensor = emit.is

local MOST_CALLS, MOST_STEPS = 200, 300000

--- What a branch that raises an exception ends with.
local RAISED = setmetatable({}, { __tostring = function() return "an exception" end })
M.RAISED = RAISED

---@param source table { read(path) -> string?, tensor(record), constant(i) }
function M.new(graph, source, ops)
  local self = setmetatable({
    source = source, ops = ops, files = {}, lifted = {}, depth = 0, steps = 0, path = "",
    written_attributes = {}, classes = {},
  }, Machine)
  return emit.init(self, graph)
end

function Machine:place()
  local line = self.line and (":%d"):format(self.line) or ""
  return ("%s%s%s"):format(self.path ~= "" and self.path .. " in " or "", self.file or "", line)
end

-- ---- code --------------------------------------------------------------------------------------

--- The class or function of a qualified name, and its file's definitions.
function Machine:find(name)
  local folder, last = name:match "^(.*)%.([^.]+)$"
  if not folder then return end
  local path = folder:gsub("%.", "/") .. ".py"
  if self.files[path] == nil then
    local text = self.source.read(path)
    self.files[path] = text and parser.parse(text, path) or false
  end
  return self.files[path] and self.files[path][last]
end

--- "a.b.C" of an expression of names, when it is one.
local function dotted(node)
  if node.kind == "name" then return node.name end
  if node.kind == "attribute" then
    local before = dotted(node.object)
    return before and before .. "." .. node.name
  end
end

-- ---- values ------------------------------------------------------------------------------------

local function list(kind, items)
  items.kind = kind
  return items
end
M.list = list

--- Layers of PyTorch by what rank they mostly work on.
local layer_ranks = {
  LSTM = 3, GRU = 3, RNN = 3, MultiheadAttention = 3, TransformerEncoderLayer = 3, Transformer = 3,
  TransformerEncoder = 3, TransformerDecoder = 3, TransformerDecoderLayer = 3, BatchNorm1d = 2,
  LSTMCell = 2, GRUCell = 2, RNNCell = 2, Embedding = 2, EmbeddingBag = 2, PairwiseDistance = 2,
  Linear = 2, PixelShuffle = 4, PixelUnshuffle = 4, Unfold = 4, Fold = 3, ChannelShuffle = 4,
}

local function rank_of_name(name)
  local n = name:match "(%d)d$" or name:match "(%d)d_"
  return layer_ranks[name] or n and tonumber(n) <= 3 and tonumber(n) + 2
    or ({ lstm = 3, gru = 3, rnn_tanh = 3, rnn_relu = 3, linear = 2, addmm = 2 })[name]
end

--- The ranks that operations in a program work on, in its order.
local function ranks_in(node, depth, found)
  if type(node) ~= "table" or depth > 60 then return found end
  if node.kind == "call" then
    for _, arg in ipairs(node.args) do ranks_in(arg, depth + 1, found) end
    local name = dotted(node.f)
    local last = name and name:match "[^.]+$"
    local rank = last and rank_of_name(last)
    if rank then
      found[#found + 1] = rank
      found.has = found.has or {}
      found.has[rank] = true
    end
    return found
  end
  for _, key in ipairs { "value", "test", "yes", "no", "body", "object" } do
    ranks_in(node[key], depth + 1, found)
  end
  for _, child in ipairs(node.items or node) do ranks_in(child, depth + 1, found) end
  return found
end

--- The first of them; of a function for any rank (F.interpolate) the commonest.
local function rank_in(node)
  local found = ranks_in(node, 0, {})
  if found.has and found.has[3] and found.has[4] and found.has[5] then return 4 end
  return found[1]
end

--- A guess at a rank: by the layers that are being run, else by the program.
function Machine:likely_rank()
  for i = #self.classes, 1, -1 do
    local found = rank_of_name(self.classes[i])
    if found then return found end
  end
  return self.root_def and rank_in(self.root_def.body) or nil
end

--- What a pickle holds as a value: tensors of records, lists that may be written into.
function Machine:lift(x, wish)
  if type(x) ~= "table" or x == none or is_tensor(x) then return x end
  local made = self.lifted[x]
  if made then return made end
  if x.kind == "tensor" then
    if x.quantizer then fail.unsupported { { what = "a quantised tensor", where = wish } } end
    made = self:constant(self.source.tensor(x), nil, wish)
    if #wish == 0 then made.wish = nil end
    if made.const.count == 0 or made.const.rank == 0 then made.wish = nil end
  elseif x.kind == "tensor_id" then
    made = self:constant(self.source.by_id(x.id))
  elseif x.kind == "list" or x.kind == "tuple" then
    made = { kind = x.kind }
    self.lifted[x] = made
    for i, item in ipairs(x) do made[i] = self:lift(item, wish .. "." .. i - 1) end
  elseif x.kind == "dict" then
    made = pickle.dict()
    self.lifted[x] = made
    for _, key in ipairs(x.keys) do
      made.keys[#made.keys + 1] = key
      made.map[key] = self:lift(x.map[key], wish .. "." .. tostring(key))
    end
  elseif x.kind == "call" and type(x.call) == "table" and x.call.global then
    made = { kind = "object", class = x.call.global, path = wish, values = {},
      state = type(x.state) == "table" and x.state.map or {} }
  else
    made = x
  end
  self.lifted[x] = made
  return made
end

--- An attribute of a module or other object.
function Machine:attribute(object, name)
  if object.kind == "object" then
    local value = object.values[name]
    if value ~= nil then return value end
    value = object.state[name]
    if value ~= nil then
      value = self:lift(value, object.path == "" and name or object.path .. "." .. name)
      object.values[name] = value
      return value
    end
    local class = self:find(object.class)
    if class then
      if class.methods and class.methods[name] then
        return { kind = "method", object = object, def = class.methods[name] }
      end
      local default = class.values and class.values[name]
      if default then return self:eval(default, {}) end
    end
    fail.format("%s: '%s' of %s is missing", self:place(), name, object.class)
  elseif object.kind == "tuple" and object.fields then
    for i, field in ipairs(object.fields) do
      if field == name then return object[i] end
    end
  end
  return { kind = "method", object = object, builtin = name }
end

function Machine:set_attribute(object, name, value)
  if object.kind ~= "object" then
    fail.format("%s: '%s' of no object is assigned", self:place(), name)
  end
  local log = self.scope.log
  while log do
    log.attributes = log.attributes or {}
    local key = object.path .. "." .. name
    if not log.attributes[key] then
      log.attributes[key] = { object = object, name = name,
        before = object.values[name] ~= nil and object.values[name] or self:attribute(object, name) }
    end
    log = log.outer
  end
  object.values[name] = value
  self.written_attributes[object.path .. "." .. name] = { object = object, name = name }
end

function M.is_true(c, x)
  if is_tensor(x) then
    local const = c:content(x)
    if not const then return nil end
    local value = const:reshape(-1):get(1)
    return value == true or (type(value) == "number" and value ~= 0)
  end
  if type(x) == "number" then return x ~= 0 end
  if type(x) == "table" and x.kind then return #(x.keys or x) > 0 end
  return x == true or (type(x) == "string" and x ~= "")
end

-- ---- expressions -------------------------------------------------------------------------------

local eval = {}

function eval.value(_, node) return node.value end
function eval.none() return none end

function eval.name(self, node, vars)
  local value = vars[node.name]
  if value == nil then
    if node.name == "CONSTANTS" then return { kind = "constants" } end
    return { kind = "global", name = node.name }
  end
  if type(value) == "table" and value.kind == "poison" then
    fail.unsupported { { what = "a value whose kind depends on data: " .. node.name,
      where = self:place() } }
  end
  return value
end

function eval.tuple(self, node, vars)
  local out = { kind = "tuple" }
  for i, item in ipairs(node.items) do out[i] = self:eval(item, vars) end
  return out
end

function eval.list(self, node, vars)
  local out = { kind = "list", scope = self.scope }
  for i, item in ipairs(node.items) do out[i] = self:eval(item, vars) end
  return out
end

function eval.dict(self, node, vars)
  local out = pickle.dict()
  for i, key in ipairs(node.keys) do
    local k = self:eval(key, vars)
    if is_tensor(k) then k = self:number(k, "int") end
    if out.map[k] == nil then out.keys[#out.keys + 1] = k end
    out.map[k] = self:eval(node.values[i], vars)
  end
  return out
end

function eval.attribute(self, node, vars)
  local name = dotted(node)
  local first = name and name:match "^[^.]+"
  if first and vars[first] == nil then
    local constant = name:match "^CONSTANTS%.c(%d+)$"
    if constant then
      local value = self.source.constant(math.tointeger(constant) + 0)
      if value == nil then fail.format("%s: no constant %s", self:place(), constant) end
      return self:lift(value, "")
    end
    return { kind = "global", name = name }
  end
  return self:attribute(self:eval(node.object, vars), node.name)
end

function eval.item(self, node, vars)
  local object = self:eval(node.object, vars)
  local index = self:eval(node.index, vars)
  return self:call_op("__getitem__", { object, index }, {})
end

function eval.operator(self, node, vars)
  local a = self:eval(node.items[1], vars)
  if node.op == "and" or node.op == "or" then
    local truth = M.is_true(self, a)
    if truth ~= nil then
      if truth == (node.op == "or") then return a end
      return self:eval(node.items[2], vars)
    end
    return self:call_op(node.op == "and" and "__and__" or "__or__",
      { a, self:eval(node.items[2], vars) }, {})
  end
  if node.op == "in" then
    return self:call_op("__contains__", { self:eval(node.items[2], vars), a }, {})
  end
  local args = { a }
  if node.items[2] then args[2] = self:eval(node.items[2], vars) end
  return self:call_op(node.op, args, {})
end

function eval.choice(self, node, vars)
  local test = M.is_true(self, self:eval(node.test, vars))
  if test == nil then
    fail.unsupported { { what = "a choice inside of an expression that depends on data",
      where = self:place() } }
  end
  return self:eval(test and node.yes or node.no, vars)
end

--- A list or dict is written into: those of outside can't be, in a body that may run any number of
--- times.
function Machine:touch(object)
  if object.scope and object.scope ~= self.scope then
    fail.unsupported { { what = "a list that is written into where it depends on data how often",
      where = self:place(), instead = "give the shapes of inputs" } }
  end
end

--- The types of annotate, isinstance ... aren't evaluated.
local typed = { annotate = true, unchecked_cast = true, uninitialized = true, isinstance = true }

function eval.call(self, node, vars)
  self.line = node.line or self.line
  local name = dotted(node.f)
  if name and typed[name] then return self:typed_call(name, node, vars) end
  local f
  if name == "getattr" then
    return self:attribute(self:eval(node.args[1], vars), self:eval(node.args[2], vars))
  end
  f = self:eval(node.f, vars)
  local args, named = {}, {}
  for i, arg in ipairs(node.args) do args[i] = self:eval(arg, vars) end
  for key, arg in pairs(node.named) do named[key] = self:eval(arg, vars) end
  return self:call(f, args, named)
end

local function type_name_of(node)
  return node.kind == "item" and dotted(node.object) or dotted(node)
end

local function is_of(x, type_name)
  local t = math.type(x)
  if type_name == "int" then return t == "integer" or is_tensor(x) and x.scalar == "int" end
  if type_name == "float" then return t == "float" or is_tensor(x) and x.scalar == "float" end
  if type_name == "bool" then return type(x) == "boolean" or is_tensor(x) and x.scalar == "bool" end
  if type_name == "str" then return type(x) == "string" end
  if type_name == "Tensor" then return is_tensor(x) and not x.scalar end
  if type_name == "NoneType" then return x == none end
  if type_name == "List" or type_name == "list" then return type(x) == "table" and x.kind == "list" end
  if type_name == "Tuple" or type_name == "tuple" then
    return type(x) == "table" and x.kind == "tuple"
  end
  if type_name == "Dict" then return type(x) == "table" and x.kind == "dict" end
  return type(x) == "table" and x.class == type_name
end

function Machine:typed_call(name, node, vars)
  if name == "annotate" or name == "unchecked_cast" then return self:eval(node.args[2], vars) end
  if name == "uninitialized" then return { kind = "uninitialized" } end
  local value, types = self:eval(node.args[1], vars), node.args[2]
  for _, t in ipairs(types.kind == "tuple" and types.items or types.kind == "list" and types.items
    or { types }) do
    if is_of(value, type_name_of(t)) then return true end
  end
  return false
end

function Machine:eval(node, vars)
  self.steps = self.steps + 1
  if self.steps > MOST_STEPS then fail.format "a program that doesn't end" end
  return eval[node.kind](self, node, vars)
end

-- ---- calls -------------------------------------------------------------------------------------

function Machine:call(f, args, named)
  if f.kind == "method" then
    if f.def then
      table.insert(args, 1, f.object)
      self.classes[#self.classes + 1] = f.object.class and f.object.class:match "[^.]+$" or ""
      local result = self:run(f.def, args, named, f.object.path)
      self.classes[#self.classes] = nil
      return result
    end
    if f.object.kind == "object" then
      fail.format("%s: no method '%s' of %s", self:place(), f.builtin, f.object.class)
    end
    table.insert(args, 1, f.object)
    return self:call_op(f.builtin, args, named)
  elseif f.kind == "global" then
    local plain = f.name:match "^torch%.([%w_]+)$" or f.name:match "^ops%.aten%.([%w_]+)$"
      or f.name:match "^ops%.prim%.([%w_]+)$"
    if plain then return self:call_op(plain, args, named) end
    if f.name:find "^__torch__%." then return self:call_defined(f.name, args, named) end
    return self:call_op(f.name, args, named)
  end
  fail.format("%s: a call of no function", self:place())
end

function Machine:call_defined(name, args, named)
  local def = self:find(name)
  if not def then
    local class = name:match "^(.*)%.__new__$"
    if class then return { kind = "object", class = class, path = "", values = {}, state = {} } end
    local owner, method = name:match "^(.*)%.([^.]+)$"
    local found = owner and self:find(owner)
    if found and found.kind == "class" and found.methods[method] then
      return self:run(found.methods[method], args, named, self.path)
    end
    fail.format("%s: '%s' is missing", self:place(), name)
  end
  if def.kind == "def" then return self:run(def, args, named, self.path) end
  local made = { kind = "tuple", fields = {} }
  for i, field in ipairs(def.fields) do
    made.fields[i] = field.name
    local value = args[i]
    if value == nil then value = named[field.name] end
    if value == nil then value = def.values[field.name] and self:eval(def.values[field.name], {}) end
    made[i] = value == nil and none or value
  end
  return made
end

--- A function with arguments: what it returns.
function Machine:run(def, args, named, path)
  if self.depth >= MOST_CALLS then fail.format("calls nested %d deep", MOST_CALLS) end
  local vars = {}
  for i, parameter in ipairs(def.parameters) do
    local value = args[i]
    if value == nil then value = named[parameter.name] end
    if value == nil and parameter.default then value = self:eval(parameter.default, {}) end
    if value == nil then
      fail.format("%s: '%s' isn't given %s", self:place(), def.name, parameter.name)
    end
    vars[parameter.name] = value
  end
  local saved_path, saved_file, saved_line = self.path, self.file, self.line
  self.path, self.file, self.depth = path or "", def.file or self.file, self.depth + 1
  local result = self:block(def.body, vars)
  self.path, self.file, self.line, self.depth = saved_path, saved_file, saved_line, self.depth - 1
  return result and result.value or none
end

--- An operation of the table. What is missing there is told with all others that are.
function Machine:call_op(name, args, named)
  local op = self.ops[name]
  if not op and name:find "[^_]_$" and self.ops[name:sub(1, -2)] then
    local out = self:call_op(name:sub(1, -2), args, named)
    if is_tensor(args[1]) and is_tensor(out) and not args[1].scalar then
      return self:assign(args[1], out)
    end
    return out
  end
  if not op then self:tell_missing(name) end
  return op(self, args, named)
end

--- All operations in the code that the table lacks.
function Machine:tell_missing(name)
  local seen, missing = {}, {}
  local function scan(node, file, line)
    if type(node) ~= "table" then return end
    line = node.line or line
    if node.kind == "call" then
      local called = dotted(node.f)
      local plain = called and (called:match "^torch%.([%w_]+)$"
        or called:match "^ops%.(.+)$" and called)
      local base = plain and plain:gsub("_$", "")
      if plain and not (self.ops[plain] or self.ops[base] or self.ops[plain:match "[^.]+$"])
        and not seen[plain] then
        seen[plain] = true
        missing[#missing + 1] = { what = plain, where = ("%s:%d"):format(file, line or 0) }
      end
    end
    for _, child in pairs(node) do scan(child, file, line) end
  end
  for file, defined in pairs(self.files) do
    for _, def in pairs(defined or {}) do scan(def, file) end
  end
  if not seen[name] then
    table.insert(missing, 1, { what = name, where = self:place() })
  end
  table.sort(missing, function(a, b) return a.where < b.where end)
  fail.unsupported(missing)
end

-- ---- statements --------------------------------------------------------------------------------

function Machine:store(target, value, vars)
  if target.kind == "name" then
    vars[target.name] = value
  elseif target.kind == "tuple" or target.kind == "list" then
    if type(value) ~= "table" or is_tensor(value) or #value ~= #target.items then
      fail.format("%s: %d values expected", self:place(), #target.items)
    end
    for i, item in ipairs(target.items) do self:store(item, value[i], vars) end
  elseif target.kind == "attribute" then
    self:set_attribute(self:eval(target.object, vars), target.name, value)
  elseif target.kind == "item" then
    self:call_op("_set_item",
      { self:eval(target.object, vars), self:eval(target.index, vars), value }, {})
  end
end

local run = {}

function run.expression(self, s, vars) self:eval(s.value, vars) end

function run.assign(self, s, vars) self:store(s.target, self:eval(s.value, vars), vars) end

function run.declare(self, s, vars)
  if s.value then self:store(s.target, self:eval(s.value, vars), vars) end
end

run["return"] = function(self, s, vars)
  return { value = s.value and self:eval(s.value, vars) or none }
end

function run.raise() error(RAISED, 0) end

function run.block(self, s, vars) return self:block(s.body, vars) end

run["if"] = function(self, s, vars)
  local test = self:eval(s.test, vars)
  local truth = M.is_true(self, test)
  if truth ~= nil then return self:block(truth and s.yes or s.no, vars) end
  return require("perigee.convert.torchscript.control").branch(self, test, s, vars)
end

run["for"] = function(self, s, vars)
  local over = self:eval(s.over, vars)
  if type(over) == "table" and over.kind == "range" then
    return require("perigee.convert.torchscript.control").loop(self, {
      trips = over.n, target = s.target, body = s.body,
    }, vars)
  end
  for _, item in ipairs(over.keys or over) do
    self:store(s.target, item, vars)
    local result = self:block(s.body, vars)
    if result then return result end
  end
end

run["while"] = function(self, s, vars)
  while true do
    local truth = M.is_true(self, self:eval(s.test, vars))
    if truth == false then return end
    if truth == nil then
      return require("perigee.convert.torchscript.control").loop(self, {
        test = s.test, body = s.body,
      }, vars)
    end
    local result = self:block(s.body, vars)
    if result then return result end
  end
end

function Machine:block(statements, vars)
  for _, s in ipairs(statements) do
    self.line = s.line or self.line
    self.steps = self.steps + 1
    if self.steps > MOST_STEPS then fail.format "a program that doesn't end" end
    local result = run[s.kind] and run[s.kind](self, s, vars)
    if result then return result end
  end
end

return M
