--- From operations to a graph: tensors that are known only by name, type and shape, constants that
--- are computed at once, scopes for the bodies of If and Loop, and views that see what is written
--- into the tensors they are views of.
local core = require "perigee.core"
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"

local M = {}

---@class perigee.convert.TS.Tensor
---@field dtype string
---@field shape (integer|false)[]? false: unknown size; nil: unknown rank
---@field const perigee.Tensor? known content
---@field scalar string? "int", "float", "bool": a number of Python's, not a tensor
local Tensor = {}
Tensor.__index = Tensor

function M.is(x) return getmetatable(x) == Tensor end

local Emitter = {}
Emitter.__index = Emitter
M.Emitter = Emitter

--- Constants up to this many elements are computed with while converting.
local MOST_FOLDED = 1 << 16
--- A loop over constants must not unroll without end.
local MOST_NODES = 200000
--- Both branches of a condition on data are built: each level doubles the work.
local MOST_BODIES = 6

function M.init(self, graph)
  self.main = { graph = graph, depth = 0, known = {} }
  self.scope, self.taken, self.n_nodes = self.main, {}, 0
  return self
end

-- ---- tensors -----------------------------------------------------------------------------------

function Emitter:new(fields)
  fields.scope = self.scope
  return setmetatable(fields, Tensor)
end

--- A constant.
---@param value any perigee.Tensor, number or table
---@param dtype? string
---@param wish? string a name
function Emitter:constant(value, dtype, wish)
  local t = core.is_tensor(value) and value or tensor.new(value, dtype)
  local made = self:new { dtype = t.dtype, shape = t.shape, const = t, wish = wish }
  made.scope = self.main
  return made
end

function Emitter:unique(wish)
  local name = wish
  while self.taken[name] do
    local n = (self.taken[wish] or 1) + 1
    self.taken[wish] = n
    name = ("%s_%d"):format(wish, n)
  end
  self.taken[name] = 1
  return name
end

local function copy(to, from)
  for _, key in ipairs { "name", "dtype", "shape", "const", "wish", "scope", "root", "scalar" } do
    to[key] = from[key]
  end
end

--- The same value as a tensor of its own: what is written into one isn't seen by the other.
function Emitter:alias(t)
  self:fresh(t)
  local made = self:new {}
  copy(made, t)
  return made
end

--- A view is made again when what it is a view of was written into.
function Emitter:fresh(t)
  if t.base and t.seen ~= t.base.version then
    self:fresh(t.base)
    copy(t, t.make(t.base))
    t.seen = t.base.version
  end
  return t
end

--- The content when it is known.
function Emitter:content(t) return self:fresh(t).const end

local MOST_SHARED = 64

--- The name of a tensor's value in the graph; constants are added when they are first needed.
function Emitter:name(t)
  self:fresh(t)
  if t.name then return t.name end
  local const = t.const
  if const.count <= MOST_SHARED and not t.wish then
    local key = ("%s[%s]%s"):format(const.dtype, table.concat(const.shape, ","), const:bytes())
    t.name = self.main.known[key]
    if t.name then return t.name end
    t.name = self:unique "const"
    self.main.known[key] = t.name
  else
    t.name = self:unique(t.wish or "const")
  end
  if not const:is_contiguous() then const = const:contiguous() end
  self.main.graph:add_constant(t.name, const)
  return t.name
end

--- ---- views and writing ------------------------------------------------------------------------

--- make(base) as a view of base.
function Emitter.view(_, base, make)
  local t = make(base)
  if t == base then return t end
  t.base, t.make, t.seen = base, make, base.version
  return t
end

--- All of base with what lies under the view replaced.
function Emitter:write_below(base, make, new)
  local n = self:numel(base)
  local shape = self:shape_of(base)
  local all = self:op("Range", { self:int_tensor(0), n, self:int_tensor(1) })
  local places = make(self:op("Reshape", { all, shape }))
  local flat = self:constant({ -1 }, "i64")
  local out = self:op("ScatterElements", {
    self:op("Reshape", { base, flat }), self:op("Reshape", { places, flat }),
    self:op("Reshape", { new, flat }),
  }, { axis = 0 })
  return self:op("Reshape", { out, shape })
end

--- What happens to tensors of outside while a branch is built is noted, and undone behind it.
function Emitter:note(t)
  local log = self.scope.log
  while log do
    if not log[t] then
      local saved = { version = t.version }
      copy(saved, t)
      log[t], log[#log + 1] = saved, t
    end
    log = log.outer
  end
end

function Emitter.restore(_, t, saved)
  copy(t, saved)
  t.version = saved.version
end

--- An operation in place: t becomes new, for everybody who has it or a view of it.
function Emitter:assign(t, new)
  self:fresh(t)
  self:note(t)
  if new.dtype ~= t.dtype then new = self:op("Cast", { new }, { to = t.dtype }) end
  local make, base = t.make, t.base
  copy(t, self:fresh(new))
  t.version = (t.version or 0) + 1
  if base then
    self:assign(base, self:write_below(base, make, t))
    t.base, t.make = base, make
    t.seen = base.version
  end
  return t
end

-- ---- nodes -------------------------------------------------------------------------------------

local not_folded = { RandomNormal = true, RandomUniform = true, RandomNormalLike = true,
  RandomUniformLike = true, Bernoulli = true, If = true, Loop = true, Multinomial = true }

local function fold(self, type, inputs, attrs, n)
  if not_folded[type] or self.is_unfolded then
    self.is_unfolded = false
    return
  end
  local list, total = { n = inputs.n }, 0
  for i = 1, inputs.n do
    local t = inputs[i]
    if t then
      local const = self:content(t)
      if not const then return end
      total = total + const.count
      list[i] = const
    end
  end
  if total > MOST_FOLDED then return end
  if type == "Expand" or type == "ConstantOfShape" or type == "Range" or type == "Tile" then
    local last = list[inputs.n]
    local count = 1
    for i = 1, last.count do count = count * math.max(1, math.abs(last:flatten():get(i))) end
    if type == "Range" then
      count = math.abs((list[2]:item() - list[1]:item()) / list[3]:item())
    elseif type == "Tile" then
      count = count * list[1].count
    end
    if count ~= count or count > MOST_FOLDED then return end
  end
  local results = table.pack(pcall(core.eval, type, list, attrs or {}, n))
  if not results[1] or not results[2] then return end
  for i = 1, n do results[i] = self:constant(results[i + 1]) end
  return table.unpack(results, 1, n)
end

--- TensorProto.DataType, which Cast and EyeLike name types with.
local numbers = {
  f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, bool = 9, f16 = 10, f64 = 11,
  u32 = 12, u64 = 13, c64 = 14, c128 = 15, bf16 = 16, f8e4m3fn = 17, f8e4m3fnuz = 18, f8e5m2 = 19,
  f8e5m2fnuz = 20, f8e8m0 = 24,
}

local function known_shape(info)
  local shape = info.shape
  if not shape then return nil end
  for i, n in ipairs(shape) do shape[i] = math.type(n) == "integer" and n or false end
  return shape
end

--- One node, computed at once where all inputs are known.
---@param type string
---@param inputs table tensors; false where omitted
---@param attrs? table
---@param n? integer outputs
---@return perigee.convert.TS.Tensor ...
function Emitter:op(type, inputs, attrs, n)
  n = n or 1
  inputs.n = inputs.n or #inputs
  if attrs and numbers[attrs.to] then attrs.to = numbers[attrs.to] end
  local folded = table.pack(fold(self, type, inputs, attrs, n))
  if folded[1] then return table.unpack(folded, 1, n) end
  self.n_nodes = self.n_nodes + 1
  if self.n_nodes > MOST_NODES then fail.format("a graph of more than %d nodes", MOST_NODES) end
  local names, outputs, root = {}, {}, nil
  for i = 1, inputs.n do
    names[i] = inputs[i] and self:name(inputs[i]) or ""
    root = root or inputs[i] and inputs[i].root
  end
  local prefix = self.path and self.path ~= "" and self.path .. "." or ""
  for i = 1, n do outputs[i] = self:unique(prefix .. type:lower()) end
  local ok, node = pcall(self.scope.graph.add, self.scope.graph, type, names, outputs, attrs,
    { name = outputs[1] })
  if not ok then fail.format("%s: %s: %s", self:place(), type, tostring(node)) end
  local infos, message = node:infer()
  if not infos then fail.format("%s: %s", self:place(), message) end
  for i, info in ipairs(infos) do
    outputs[i] = self:new {
      name = outputs[i], dtype = info.dtype, shape = known_shape(info), root = root,
    }
  end
  return table.unpack(outputs, 1, n)
end

-- ---- bodies ------------------------------------------------------------------------------------

--- Calls build() with all nodes going into a new body; its Graph and what build gave.
function Emitter:body(name, build)
  local outer = self.scope
  if outer.depth >= MOST_BODIES then
    fail.unsupported { { what = "conditions on data nested too deep", where = self:place(),
      instead = "give the shapes of inputs" } }
  end
  local graph = outer.graph:subgraph(name)
  self.scope = {
    graph = graph, depth = outer.depth + 1, outer = outer,
    log = { outer = outer.log },
  }
  local log = self.scope.log
  local ok, result = xpcall(build, function(problem)
    if type(problem) == "table" then return problem end
    return { trace = debug.traceback(tostring(problem), 2) }
  end, graph)
  -- what was written into stays known to the caller, who merges it
  local written = {}
  for i = #log, 1, -1 do
    local t = log[i]
    written[t] = {}
    copy(written[t], t)
    setmetatable(written[t], Tensor)
    self:restore(t, log[t])
  end
  self.scope = outer
  if not ok then
    graph:close()
    error(result.trace or result, 0)
  end
  return graph, result, written
end

--- A value as an output of the body that is being built: what comes from outside needs a node.
function Emitter:body_output(t)
  local name = self:name(t)
  if t.scope ~= self.scope or t.is_output or t.is_input then
    local made = self:op_unfolded("Identity", { t })
    t, name = made, made.name
  end
  t.is_output = true
  self.scope.graph:add_output(name)
  return t
end

function Emitter:op_unfolded(type, inputs, attrs, n)
  self.is_unfolded = true
  return self:op(type, inputs, attrs, n)
end

-- ---- numbers and shapes ------------------------------------------------------------------------

--- A number of Python's as a tensor of rank 0.
function Emitter:scalar(x, dtype)
  if M.is(x) then return self:cast(x, dtype) end
  if x == math.huge or x == -math.huge then
    if not dtype:find "^f" and not dtype:find "^bf" then
      x = x > 0 and math.maxinteger or math.mininteger
    end
  elseif type(x) == "number" and not dtype:find "^b?f" and dtype ~= "bool"
    and dtype:sub(1, 1) ~= "c" then
    x = x >= 0 and math.floor(x) or math.ceil(x)
  end
  return self:constant(tensor.new(x, dtype))
end

function Emitter:cast(t, dtype)
  if t.dtype == dtype then return t end
  return (self:op("Cast", { t }, { to = dtype }))
end

function Emitter:int_tensor(x) return M.is(x) and x or self:constant(x, "i64") end

--- A Lua number where the content is known, else the tensor marked as a number of Python's.
function Emitter:number(t, kind)
  local const = self:content(t)
  if const and const.count == 1 then
    local x = const:reshape(-1):get(1)
    if kind == "float" then return type(x) == "boolean" and (x and 1.0 or 0.0) or x + 0.0 end
    if kind == "int" and type(x) == "number" then
      return math.tointeger(x >= 0 and math.floor(x) or math.ceil(x))
    end
    if kind == "int" then return x and 1 or 0 end
    if kind == "bool" and type(x) == "number" then return x ~= 0 end
    return x
  end
  local wanted = kind == "float" and "f64" or kind == "bool" and "bool" or "i64"
  local out = self:cast(t, wanted)
  if not out.shape or #out.shape > 0 then
    out = self:op("Reshape", { out, self:constant(tensor.zeros({ 0 }, "i64")) })
  end
  if out == t then out = self:alias(t) end
  out.scalar = kind
  return out
end

--- Sizes (numbers, or tensors that hold one) as a vector.
function Emitter:vector(list)
  local all_known, parts = true, {}
  for _, x in ipairs(list) do all_known = all_known and not M.is(x) end
  if all_known then
    local plain = table.move(list, 1, #list, 1, {})
    return self:constant(#plain > 0 and tensor.new(plain, "i64") or tensor.zeros({ 0 }, "i64"))
  end
  local one = self:constant({ 1 }, "i64")
  for i, x in ipairs(list) do
    parts[i] = M.is(x) and self:op("Reshape", { self:cast(x, "i64"), one })
      or self:constant({ x }, "i64")
  end
  if #parts == 1 then return parts[1] end
  return (self:op("Concat", parts, { axis = 0 }))
end

--- The rank; an input whose rank nobody knows gets the hint, and everything begins anew.
function Emitter:rank(t, hint)
  if t.shape then return #t.shape end
  if t.root then error({ root = t.root, rank = self:likely_rank() or hint or 4 }, 0) end
  fail.format("%s: the rank of '%s' isn't known; give shapes of inputs", self:place(),
    tostring(t.name))
end

--- What a layer works on, when only a guess made its input something else.
function Emitter.expect_rank(_, t, rank)
  local root = t.root
  if root and root.rank and #t.shape == root.rank and rank ~= root.rank then
    error({ root = root, rank = rank, is_sure = true }, 0)
  end
end

--- Asks for an element type: an input whose type nobody knows gets it.
function Emitter.want(_, t, dtype)
  if t.root and t.dtype ~= dtype and not t.root.is_typed and t.name == t.root.name then
    error({ root = t.root, dtype = dtype }, 0)
  end
  return t
end

--- An axis from 0.
function Emitter:axis(t, dim, hint)
  if dim >= 0 then return dim end
  return dim + self:rank(t, hint)
end

--- A size: a number, or a tensor that holds one.
function Emitter:size(t, dim)
  local shape = t.shape
  if dim < 0 then dim = dim + self:rank(t, 1 - dim) end
  if shape and not (dim >= 0 and dim < #shape) then
    fail.format("%s: axis %d of a tensor of rank %d", self:place(), dim, #shape)
  end
  if shape and shape[dim + 1] then return shape[dim + 1] end
  local vector = self:op("Shape", { t }, { start = dim, ["end"] = dim + 1 })
  return self:number(vector, "int")
end

--- All sizes as a vector tensor.
function Emitter:shape_of(t)
  local all = t.shape ~= nil
  for _, n in ipairs(t.shape or {}) do all = all and n end
  if all then
    return self:constant(#t.shape > 0 and tensor.new(t.shape, "i64") or tensor.zeros({ 0 }, "i64"))
  end
  return (self:op("Shape", { t }))
end

--- How many elements, as a tensor.
function Emitter:numel(t)
  local n = 1
  for _, d in ipairs(t.shape or { false }) do n = n and d and n * d end
  if n then return self:constant(n, "i64") end
  return (self:op("Size", { t }))
end

--- To a shape of numbers and tensors; a single one that isn't known is told by the rest.
function Emitter:reshape(t, sizes)
  local n_unknown, at, has_rest, has_zero = 0, nil, false, false
  for i, x in ipairs(sizes) do
    if M.is(x) then
      n_unknown, at = n_unknown + 1, i
    elseif x == -1 then
      has_rest = true
    elseif x == 0 then
      has_zero = true
    end
  end
  local list = table.move(sizes, 1, #sizes, 1, {})
  if n_unknown == 1 and not has_rest and not has_zero then list[at] = -1 end
  return (self:op("Reshape", { t, self:vector(list) }, has_zero and { allowzero = 1 } or nil))
end

return M
