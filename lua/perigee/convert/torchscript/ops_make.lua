--- Making tensors, element types, and what printed TorchScript does with numbers, texts, lists.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local maths = require "perigee.convert.torchscript.ops_math"
local pickle = require "perigee.convert.pickle"
local schema = require "perigee.convert.torchscript.schema"
local shapes = require "perigee.convert.torchscript.ops_shape"
local tensor = require "perigee.tensor"
local types = require "perigee.convert.torchscript.types"

local M = {}
local def = schema.adder(M)
local is_tensor, none, list = emit.is, machine.none, machine.list
local binary, i64 = maths.binary, shapes.i64

-- ---- tensors -----------------------------------------------------------------------------------

local function full(c, sizes, value, dtype)
  if type(sizes) ~= "table" then sizes = { sizes } end
  if is_tensor(sizes) then sizes = { sizes } end
  return (c:op("Expand", { types.as(c, value, dtype), c:vector(sizes) }))
end

for name, value in pairs { zeros = 0, ones = 1, empty = 0, empty_permuted = 0 } do
  def(name, "size dtype=None", function(c, a)
    return full(c, a.size, value, types.of_number(c, a.dtype) or "f32")
  end)
  if name ~= "empty_permuted" then
    def(name .. "_like", "self dtype=None", function(c, a)
      local dtype = types.of_number(c, a.dtype) or a.self.dtype
      return (c:op("Expand", { c:scalar(value, dtype), c:shape_of(a.self) }))
    end)
    def("new_" .. name, "self size dtype=None", function(c, a)
      return full(c, a.size, value, types.of_number(c, a.dtype) or a.self.dtype)
    end)
  end
end
M.empty_strided = M.empty
local function type_of_value(x)
  if is_tensor(x) then return x.scalar == "float" and "f32" or x.dtype end
  local t = math.type(x)
  return t == "integer" and "i64" or t == "float" and "f32" or "bool"
end
def("full", "size value dtype=None", function(c, a)
  return full(c, a.size, a.value, types.of_number(c, a.dtype) or type_of_value(a.value))
end)
def("full_like", "self value dtype=None", function(c, a)
  local dtype = types.of_number(c, a.dtype) or a.self.dtype
  return (c:op("Expand", { types.as(c, a.value, dtype), c:shape_of(a.self) }))
end)
def("new_full", "self size value dtype=None", function(c, a)
  return full(c, a.size, a.value, types.of_number(c, a.dtype) or a.self.dtype)
end)
def("fill", "self value", function(c, a)
  return (c:op("Expand", { types.as(c, a.value, a.self.dtype), c:shape_of(a.self) }))
end)
def("zero", "self", function(c, a)
  return (c:op("Expand", { c:scalar(0, a.self.dtype), c:shape_of(a.self) }))
end)

--- arange(end, dtype...), arange(start, end, ...), arange(start, end, step, ...): the rest of the
--- arguments is dtype, layout, device, pin_memory.
function M.arange(c, args, named)
  local numbers, dtype = {}, named.dtype
  local n = #args - 4
  if named.dtype ~= nil or n < 1 then n = math.min(#args, 3) end
  for i = 1, n do numbers[i] = args[i] end
  if dtype == nil then dtype = args[n + 1] end
  local start, stop, step = 0, numbers[1], 1
  if #numbers >= 2 then start, stop = numbers[1], numbers[2] end
  if numbers[3] ~= nil then step = numbers[3] end
  if named["end"] ~= nil then stop = named["end"] end
  if named.start ~= nil then start = named.start end
  if named.step ~= nil then step = named.step end
  local wanted = types.of_number(c, dtype)
  local natural = types.result(start, stop, step)
  if natural == "f64" then natural = "f32" end
  local counted = wanted and (types.category(wanted) == 1 and natural == "i64" and "i64"
    or wanted) or natural
  if counted == "f16" or counted == "bf16" then counted = "f32" end
  local out = c:op("Range", { types.as(c, start, counted), types.as(c, stop, counted),
    types.as(c, step, counted) })
  return c:cast(out, wanted or natural)
end
def("linspace", "start end steps dtype=None", function(c, a)
  local dtype = types.of_number(c, a.dtype) or "f32"
  local n, from, to = a.steps, a.start, a["end"]
  local out = {}
  for i = 0, n - 1 do
    out[i + 1] = i < n / 2 and from + i * ((to - from) / math.max(n - 1, 1))
      or to - (n - 1 - i) * ((to - from) / math.max(n - 1, 1))
  end
  return c:constant(tensor.new(out, dtype))
end)
def("eye", "n m=None", function(c, a)
  local dtype = types.of_number(c, a.dtype) or "f32"
  local m = math.type(a.m) == "integer" and a.m or a.n
  local zeros = full(c, { a.n, m }, 0, dtype)
  return (c:op("EyeLike", { zeros }))
end)

local function nested(c, x)
  if is_tensor(x) or type(x) ~= "table" then return x end
  local out, all = {}, true
  for i, item in ipairs(x) do
    out[i] = nested(c, item)
    all = all and not is_tensor(out[i]) and (type(out[i]) ~= "table" or out[i].plain)
  end
  out.plain = all
  return out
end
local function first_of(x)
  while type(x) == "table" and not is_tensor(x) do x = x[1] end
  return x
end
def("tensor as_tensor scalar_tensor", "data dtype=None", function(c, a)
  local dtype = types.of_number(c, a.dtype) or (first_of(a.data) ~= nil and type_of_value(first_of(a.data)))
    or "f32"
  if is_tensor(a.data) then
    local t = c:cast(a.data, dtype)
    if t.scalar then
      t = c:alias(t)
      t.scalar = nil
    end
    return t
  end
  if type(a.data) ~= "table" then return c:scalar(a.data, dtype) end
  if #a.data == 0 then return c:constant(tensor.zeros({ 0 }, dtype)) end
  local plain = nested(c, a.data)
  if plain.plain then
    local function strip(x)
      if type(x) == "table" then
        x.plain = nil
        for _, item in ipairs(x) do strip(item) end
      end
      return x
    end
    local t = tensor.new(strip(plain), dtype == "bool" and "bool" or types.category(dtype) == 1 and dtype or "f64")
    return c:constant(t:cast(dtype))
  end
  local parts = {}
  for i, item in ipairs(a.data) do
    parts[i] = c:op("Unsqueeze", { M.tensor(c, { item, a.dtype }, {}), i64(c, { 0 }) })
    parts[i] = c:cast(parts[i], dtype)
  end
  return (c:op("Concat", parts, { axis = 0 }))
end)

-- ---- element types, copies ---------------------------------------------------------------------

--- to(dtype, ...), to(device, dtype, ...), to(other, ...)
function M.to(c, args, named)
  local x = args[1]
  local dtype
  for i = 2, #args do
    local v = args[i]
    if math.type(v) == "integer" then
      dtype = types.of_number(c, v)
      break
    elseif is_tensor(v) and not v.scalar then
      dtype = v.dtype
      break
    end
  end
  if named.dtype ~= nil and named.dtype ~= none then dtype = types.of_number(c, named.dtype) end
  if not is_tensor(x) then return x end
  return dtype and c:cast(x, dtype) or x
end
M._to_copy = M.to
for name, dtype in pairs { float = "f32", double = "f64", half = "f16", long = "i64", int = "i32",
  bfloat16 = "bf16" } do
  M["prim_cast_" .. name] = function(c, args) return c:cast(args[1], dtype) end
end
def("type_as", "self other", function(c, a) return c:cast(a.self, a.other.dtype) end)
def("_cast_Float", "self", function(c, a) return c:cast(a.self, "f32") end)
def("_cast_Long", "self", function(c, a) return c:cast(a.self, "i64") end)
def("clone", "self", function(c, a)
  return c:alias(a.self)
end)
for _, name in ipairs { "contiguous", "detach", "cpu", "cuda", "requires_grad_", "alias", "data",
  "lift_fresh", "lift_fresh_copy", "_conj", "conj", "resolve_conj", "resolve_neg", "real",
  "positive", "values", "dequantize", "lift", "pin_memory", "_nested_tensor_from_mask_left_aligned",
  "result", "view_as_real_copy", "_shape_as_tensor_", "is_leaf_", "unchecked_unwrap_optional",
  "_unwrap_optional", "detach_", "refine_names", "rename", "align_to", "retain_grad_" } do
  M[name] = function(_, args) return args[1] end
end
M.values = nil
def("copy_", "self src non_blocking=False", function(c, a)
  local new = c:cast(a.src, a.self.dtype)
  return c:assign(a.self, c:op("Expand", { new, c:shape_of(a.self) }))
end)
def("copy", "self src=None", function(c, a)
  if not is_tensor(a.self) then
    return a.self.keys and M.dict(c, { a.self }, {}) or M.list(c, { a.self }, {})
  end
  return c:cast(a.src, a.self.dtype)
end)
def("set_data", "self src", function(c, a) return c:assign(a.self, a.src) end)

-- ---- about tensors -----------------------------------------------------------------------------

def("size sym_size", "self dim=None", function(c, a)
  if a.dim ~= none then return c:size(a.self, a.dim) end
  local out = { kind = "list" }
  for i = 0, c:rank(a.self) - 1 do out[i + 1] = c:size(a.self, i) end
  return out
end)
M.shape = M.size
shapes.ops.size = M.size
def("_shape_as_tensor", "self", function(c, a) return c:shape_of(a.self) end)
def("dim ndimension ndim", "self", function(c, a) return c:rank(a.self) end)
def("numel sym_numel", "self", function(c, a) return c:number(c:numel(a.self), "int") end)
def("dtype", "self", function(_, a) return types.number_of(a.self.dtype) end)
def("device", "self", function() return "cpu" end)
def("type", "self", function(_, a) return type(a.self) == "string" and a.self or "cpu" end)
def("layout", "self", function() return 0 end)
def("itemsize element_size", "self", function(c, a)
  return require("perigee.core").dtypes()[a.self.dtype] // 8 or c
end)
def("is_floating_point", "self", function(_, a) return types.category(a.self.dtype) == 2 end)
def("is_complex", "self", function(_, a) return types.category(a.self.dtype) == 3 end)
for _, name in ipairs { "is_cuda", "is_quantized", "is_sparse", "is_mkldnn", "is_mps", "is_nested",
  "requires_grad", "is_xpu", "is_scripting_", "is_grad_enabled", "is_autocast_enabled",
  "is_autocast_cpu_enabled", "is_vulkan", "is_meta", "is_mtia", "is_ipu" } do
  M[name] = function() return false end
end
M.is_contiguous = function() return true end
M.is_scripting = function() return true end
M["torch.jit.is_scripting"] = M.is_scripting
M.stride = function(c, args)
  local n, out = 1, { kind = "list" }
  for i = c:rank(args[1]), 1, -1 do
    out[i] = n
    n = binary(c, "mul", n, c:size(args[1], i - 1))
  end
  return args[2] and out[args[2] < 0 and args[2] + #out + 1 or args[2] + 1] or out
end
M.set_grad_enabled = function() return none end
M.manual_seed = M.set_grad_enabled
M._log_api_usage_once = M.set_grad_enabled
M.warn = M.set_grad_enabled
M.print = M.set_grad_enabled
M.prim_Print = M.set_grad_enabled
M._assert = M.set_grad_enabled
M._assert_async = M.set_grad_enabled
M._assert_tensor_metadata = M.set_grad_enabled
M.sym_constrain_range = M.set_grad_enabled
M.sym_constrain_range_for_size = M.set_grad_enabled
M._assert_scalar = M.set_grad_enabled
M.is_same_size = function(c, args)
  return c:call_op("eq", { M.size(c, { args[1] }, {}), M.size(c, { args[2] }, {}) }, {})
end
M.equal = function(c, args)
  return M.Bool(c, { maths.ops.all(c, { binary(c, "eq", args[1], args[2]) }, {}) })
end

-- ---- numbers -----------------------------------------------------------------------------------

local function converter(kind, plain)
  return function(c, args)
    local x = args[1]
    if is_tensor(x) then
      if kind == "int" and types.is_float(x) then x = c:cast(x, "i64") end
      return c:number(x, kind)
    end
    return plain(x)
  end
end
M.Int = converter("int", function(x)
  if type(x) == "boolean" then return x and 1 or 0 end
  x = tonumber(x)
  return math.tointeger(x >= 0 and math.floor(x) or math.ceil(x))
end)
M.Float = converter("float", function(x)
  if type(x) == "boolean" then return x and 1.0 or 0.0 end
  return (x == "inf" and math.huge) or (x == "-inf" and -math.huge)
    or (x == "nan" and 0 / 0) or tonumber(x) + 0.0
end)
M.Bool = converter("bool", function(x) return x ~= 0 and x ~= false and x ~= "" end)
M.int, M.float, M.bool = M.Int, M.Float, M.Bool
M.IntImplicit, M.FloatImplicit, M.ScalarImplicit = M.Int, M.Float, nil
local function item(c, args)
  local x = args[1]
  if not is_tensor(x) then return x end
  local category = types.category(x.dtype)
  return c:number(x, category == 2 and "float" or category == 0 and "bool" or "int")
end
M.item, M.ScalarImplicit, M._local_scalar_dense, M.Scalar = item, item, item, item
M.NumToTensor = function(c, args)
  local x = args[1]
  if is_tensor(x) then
    local t = c:alias(c:cast(x, x.scalar == "float" and "f32" or x.dtype))
    t.scalar = nil
    return t
  end
  return c:scalar(x, type_of_value(x))
end
def("__not__", "x", function(c, a)
  local truth = machine.is_true(c, a.x)
  if truth ~= nil then return not truth end
  return c:number(c:op("Not", { c:cast(a.x, "bool") }), "bool")
end)
def("__is__", "a b", function(_, a) return rawequal(a.a, a.b) end)
def("__isnot__", "a b", function(_, a) return not rawequal(a.a, a.b) end)
def("floordiv", "a b", function(c, a) return binary(c, "floordiv", a.a, a.b) end)
M.sym_int, M.sym_float = M.Int, M.Float

-- ---- lists, dicts, texts -----------------------------------------------------------------------

local function position(c, x, i)
  if is_tensor(i) then i = c:number(i, "int") end
  if math.type(i) ~= "integer" then
    fail.unsupported { { what = "an index of a list that depends on data", where = c:place() } }
  end
  local at = i < 0 and i + #x + 1 or i + 1
  if at < 1 or at > #x then fail.format("%s: index %d of %d values", c:place(), i, #x) end
  return at
end
def("__getitem__", "object index", function(c, a)
  local x = a.object
  if is_tensor(x) then return shapes.ops.select(c, { x, 0, a.index }, {}) end
  if x.kind == "dict" then
    local value = x.map[is_tensor(a.index) and c:number(a.index, "int") or a.index]
    if value == nil then fail.format("%s: no key '%s'", c:place(), tostring(a.index)) end
    return value
  end
  if type(x) == "string" then return x:sub(position(c, x, a.index), position(c, x, a.index)) end
  if x.kind == "object" then
    local method = c:attribute(x, "__getitem__")
    return c:call(method, { a.index }, {})
  end
  return x[position(c, x, a.index)]
end)
local function put(c, object, index, value)
  if object.kind == "dict" then
    if object.map[index] == nil then object.keys[#object.keys + 1] = index end
    object.map[index] = value
  else
    object[position(c, object, index)] = value
  end
  return object
end
def("_set_item", "object index value", function(c, a)
  c:touch(a.object)
  return put(c, a.object, a.index, a.value)
end)
def("len", "x", function(c, a)
  if is_tensor(a.x) then return c:size(a.x, 0) end
  if a.x.kind == "object" then return c:call(c:attribute(a.x, "__len__"), {}, {}) end
  return #(a.x.keys or a.x)
end)
def("append", "list item", function(c, a)
  c:touch(a.list)
  a.list[#a.list + 1] = a.item
  return a.list
end)
def("extend", "list items", function(c, a)
  c:touch(a.list)
  for _, x in ipairs(table.move(a.items, 1, #a.items, 1, {})) do a.list[#a.list + 1] = x end
  return none
end)
def("insert", "list at item", function(_, a)
  table.insert(a.list, a.at < 0 and math.max(a.at + #a.list, 0) + 1 or math.min(a.at, #a.list) + 1, a.item)
  return none
end)
def("pop", "list at=-1 default=None", function(c, a)
  if a.list.kind == "dict" then
    local value = a.list.map[a.at]
    a.list.map[a.at] = nil
    for i, key in ipairs(a.list.keys) do
      if key == a.at then table.remove(a.list.keys, i) break end
    end
    return value == nil and a.default or value
  end
  return table.remove(a.list, position(c, a.list, a.at))
end)
def("reverse", "list", function(_, a)
  local n = #a.list
  for i = 1, n // 2 do a.list[i], a.list[n + 1 - i] = a.list[n + 1 - i], a.list[i] end
  return none
end)
def("list tolist", "x", function(_, a)
  if type(a.x) == "table" and a.x.kind then
    return list("list", table.move(a.x, 1, #a.x, 1, {}))
  end
  return a.x
end)
M.copy_list = M.list
def("tuple", "x", function(_, a) return list("tuple", table.move(a.x, 1, #a.x, 1, {})) end)
def("__contains__", "list item", function(c, a)
  if a.list.kind == "dict" then return a.list.map[a.item] ~= nil end
  if type(a.list) == "string" then return a.list:find(a.item, 1, true) ~= nil end
  for _, x in ipairs(a.list) do
    local same = maths.ops.eq(c, { x, a.item }, {})
    if same == true then return true end
    if same ~= false then
      fail.unsupported { { what = "a search that depends on data", where = c:place() } }
    end
  end
  return false
end)
def("index_of", "list item", function(_, a)
  for i, x in ipairs(a.list) do
    if x == a.item then return i - 1 end
  end
  return -1
end)
def("keys", "dict", function(_, a) return list("list", table.move(a.dict.keys, 1, #a.dict.keys, 1, {})) end)
def("values", "dict", function(_, a)
  local out = { kind = "list" }
  for i, key in ipairs(a.dict.keys) do out[i] = a.dict.map[key] end
  return out
end)
def("items", "dict", function(_, a)
  local out = { kind = "list" }
  for i, key in ipairs(a.dict.keys) do out[i] = list("tuple", { key, a.dict.map[key] }) end
  return out
end)
def("dict", "x=None", function(_, a)
  local out = pickle.dict()
  if type(a.x) == "table" and a.x.kind == "dict" then
    for i, key in ipairs(a.x.keys) do out.keys[i], out.map[key] = key, a.x.map[key] end
  elseif type(a.x) == "table" and a.x ~= none then
    for _, pair in ipairs(a.x) do put(nil, out, pair[1], pair[2]) end
  end
  return out
end)
def("get", "dict key default=None", function(_, a)
  local value = a.dict.map[a.key]
  return value == nil and a.default or value
end)
def("setdefault", "dict key default", function(c, a)
  if a.dict.map[a.key] == nil then put(c, a.dict, a.key, a.default) end
  return a.dict.map[a.key]
end)
def("update", "dict other", function(c, a)
  for _, key in ipairs(a.other.keys) do put(c, a.dict, key, a.other.map[key]) end
  return none
end)
M.format = function(_, args)
  local i = 1
  return (tostring(args[1]):gsub("{}", function()
    i = i + 1
    return (tostring(args[i]):gsub("%%", "%%%%"))
  end))
end
M.str = function(_, args) return tostring(args[1]) end
M.RaiseException = function() error(machine.RAISED, 0) end
M.range = function(c, args)
  local n = args[1]
  if #args > 1 then
    n = list("list", {})
    for i = args[1], args[2] - 1, args[3] or 1 do n[#n + 1] = i end
    return n
  end
  return { kind = "range", n = is_tensor(n) and c:number(n, "int") or n }
end
def("__range_length", "from to step", function(c, a)
  if is_tensor(a.from) or is_tensor(a.to) or is_tensor(a.step) then
    local span = binary(c, "sub", a.to, a.from)
    return maths.ops.max(c, { binary(c, "floordiv",
      binary(c, "add", span, binary(c, "sub", a.step, 1)), a.step), 0 }, {})
  end
  if a.step > 0 then return math.max(0, (a.to - a.from + a.step - 1) // a.step) end
  return math.max(0, (a.from - a.to - a.step - 1) // -a.step)
end)
def("__derive_index", "index from step", function(c, a)
  return binary(c, "add", a.from, binary(c, "mul", a.index, a.step))
end)
M.TupleIndex = M.__getitem__
M.unpack = function(_, args) return args[1] end
for _, name in ipairs { "ceil", "floor", "sqrt", "log", "exp", "pow", "sin", "cos", "tan", "abs" } do
  M["math." .. name] = function(c, args, named)
    local out = maths.ops[name](c, args, named)
    return (name == "ceil" or name == "floor") and M.Int(c, { out }) or out
  end
end

return { ops = M }
