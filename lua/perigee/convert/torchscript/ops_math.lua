--- Arithmetic, comparisons, functions of one number, reductions.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local schema = require "perigee.convert.torchscript.schema"
local tensor = require "perigee.tensor"
local types = require "perigee.convert.torchscript.types"

local M = {}
local def = schema.adder(M)
local is_tensor, none = emit.is, machine.none

-- ---- numbers of Python's -----------------------------------------------------------------------

local plain = {
  add = function(a, b) return a + b end,
  sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end,
  floordiv = function(a, b) return a // b end,
  remainder = function(a, b) return a % b end,
  fmod = function(a, b) return math.fmod(a, b) end,
  pow = function(a, b)
    if math.type(a) == "integer" and math.type(b) == "integer" and b >= 0 then
      local r = 1
      for _ = 1, b do r = r * a end
      return r
    end
    return a ^ b
  end,
  eq = function(a, b) return a == b end,
  ne = function(a, b) return a ~= b end,
  lt = function(a, b) return a < b end,
  gt = function(a, b) return a > b end,
  le = function(a, b) return a <= b end,
  ge = function(a, b) return a >= b end,
  minimum = math.min,
  maximum = math.max,
  bitwise_and = function(a, b)
    if type(a) == "boolean" then return a and b end
    return a & b
  end,
  bitwise_or = function(a, b)
    if type(a) == "boolean" then return a or b end
    return a | b
  end,
  bitwise_xor = function(a, b)
    if type(a) == "boolean" then return a ~= b end
    return a ~ b
  end,
}

local onnx = {
  add = "Add", sub = "Sub", mul = "Mul", div = "Div", pow = "Pow", eq = "Equal", lt = "Less",
  gt = "Greater", le = "LessOrEqual", ge = "GreaterOrEqual", minimum = "Min", maximum = "Max",
}
local compares = { eq = true, ne = true, lt = true, gt = true, le = true, ge = true }

local function is_number(x) return type(x) == "number" or type(x) == "boolean" end
local function is_scalar(x) return is_number(x) or is_tensor(x) and x.scalar ~= nil end

local function as_number(x)
  if type(x) == "boolean" then return x and 1 or 0 end
  return x
end

--- floor(a / b) as Python counts: of integers towards minus infinity, too.
local function floor_divide(c, a, b, dtype)
  if types.category(dtype) == 2 then return (c:op("Floor", { (c:op("Div", { a, b })) })) end
  local q = c:op("Div", { a, b })
  local r = c:op("Sub", { a, c:op("Mul", { q, b }) })
  local zero = c:scalar(0, dtype)
  local differs = c:op("Xor", { c:op("Less", { r, zero }), c:op("Less", { b, zero }) })
  local is_off = c:op("And", { differs, c:op("Not", { c:op("Equal", { r, zero }) }) })
  return (c:op("Sub", { q, c:cast(is_off, dtype) }))
end

local bitwise = {
  bitwise_and = { "And", "BitwiseAnd" }, bitwise_or = { "Or", "BitwiseOr" },
  bitwise_xor = { "Xor", "BitwiseXor" },
}

local function apply(c, name, a, b, dtype)
  if bitwise[name] then return (c:op(bitwise[name][dtype == "bool" and 1 or 2], { a, b })) end
  if name == "floordiv" then return floor_divide(c, a, b, dtype) end
  if name == "remainder" then
    if types.category(dtype) == 2 then
      return (c:op("Sub", { a, c:op("Mul", { c:op("Floor", { c:op("Div", { a, b }) }), b }) }))
    end
    return (c:op("Mod", { a, b }))
  end
  if name == "fmod" then return (c:op("Mod", { a, b }, { fmod = 1 })) end
  if name == "ne" then return (c:op("Not", { c:op("Equal", { a, b }) })) end
  if dtype == "bool" and (name == "add" or name == "maximum") then return (c:op("Or", { a, b })) end
  if dtype == "bool" and (name == "mul" or name == "minimum") then return (c:op("And", { a, b })) end
  if dtype == "bool" and onnx[name] and compares[name] and name ~= "eq" then
    a, b = c:cast(a, "i64"), c:cast(b, "i64")
  end
  return (c:op(onnx[name], { a, b }))
end

--- a NAME b for any mixture of tensors and numbers.
local function binary(c, name, a, b)
  if is_number(a) and is_number(b) then
    if compares[name] and (name == "eq" or name == "ne") then
      if type(a) ~= type(b) then a, b = as_number(a), as_number(b) end
    elseif not bitwise[name] then
      a, b = as_number(a), as_number(b)
    end
    local ok, value = pcall(plain[name], a, b)
    if not ok then fail.format("%s: %s of %s and %s", c:place(), name, tostring(a), tostring(b)) end
    return value
  end
  local dtype = types.result(a, b)
  if is_scalar(a) and is_scalar(b) then
    if dtype == "f32" then dtype = "f64" end
    if name == "div" then dtype = "f64" end
    local out = apply(c, name, types.as(c, a, dtype), types.as(c, b, dtype), dtype)
    return c:number(out, compares[name] and "bool" or types.category(dtype) == 2 and "float"
      or dtype == "bool" and "bool" or "int")
  end
  if name == "div" and types.category(dtype) < 2 then dtype = "f32" end
  if name == "pow" and is_number(b) and types.is_float(a) then
    if b == 2 then return (c:op("Mul", { a, a })) end
    if b == 0.5 then return (c:op("Sqrt", { a })) end
  end
  return apply(c, name, types.as(c, a, dtype), types.as(c, b, dtype), dtype)
end

local function scaled(c, x, alpha)
  if alpha == 1 or alpha == nil then return x end
  return binary(c, "mul", x, alpha)
end

local function joined(a, b)
  local out = { kind = a.kind }
  for _, list in ipairs { a, b } do
    for _, item in ipairs(list) do out[#out + 1] = item end
  end
  return out
end

def("add", "self other alpha=1", function(c, a)
  local x, y = a.self, a.other
  if type(x) == "string" then return x .. tostring(y) end
  if type(x) == "table" and x.kind then return joined(x, y) end
  return binary(c, "add", x, scaled(c, y, a.alpha))
end)
def("sub subtract", "self other alpha=1", function(c, a)
  return binary(c, "sub", a.self, scaled(c, a.other, a.alpha))
end)
def("rsub", "self other alpha=1", function(c, a)
  return binary(c, "sub", a.other, scaled(c, a.self, a.alpha))
end)
def("mul multiply", "self other", function(c, a)
  local x, n = a.self, a.other
  if type(x) == "number" and type(n) == "table" and n.kind then x, n = n, x end
  if type(x) == "table" and x.kind == "list" then
    local out = { kind = "list" }
    for _ = 1, math.min(n, 1 << 16) do
      for _, item in ipairs(x) do out[#out + 1] = item end
    end
    return out
  end
  return binary(c, "mul", x, n)
end)
local function divide(c, a)
  local mode = a.rounding_mode
  if mode == "floor" then return binary(c, "floordiv", a.self, a.other) end
  if mode == "trunc" then
    local dtype = types.result(a.self, a.other)
    if types.category(dtype) < 2 then
      return (c:op("Div", { types.as(c, a.self, dtype), types.as(c, a.other, dtype) }))
    end
    local q = binary(c, "div", a.self, a.other)
    return (c:op("Mul", { c:op("Sign", { q }), c:op("Floor", { c:op("Abs", { q }) }) }))
  end
  return binary(c, "div", a.self, a.other)
end
def("div divide true_divide", "self other rounding_mode=None", divide)
for name, op in pairs {
  floordiv = "floordiv", floor_divide = "floordiv", remainder = "remainder", fmod = "fmod",
  eq = "eq", ne = "ne", lt = "lt", gt = "gt", le = "le", ge = "ge", minimum = "minimum",
  maximum = "maximum", bitwise_and = "bitwise_and", bitwise_or = "bitwise_or",
  bitwise_xor = "bitwise_xor", __and__ = "bitwise_and", __or__ = "bitwise_or",
  __xor__ = "bitwise_xor", not_equal = "ne", greater = "gt", less = "lt", greater_equal = "ge",
  less_equal = "le", fmin = "minimum", fmax = "maximum",
} do
  def(name, "self other", function(c, a) return binary(c, op, a.self, a.other) end)
end

--- Equality also of texts, lists, None.
local function equals(c, a, b)
  if is_number(a) and is_number(b) or is_tensor(a) or is_tensor(b) then
    if a == none or b == none then return false end
    return binary(c, "eq", a, b)
  end
  if type(a) == "table" and type(b) == "table" and a.kind and b.kind and not a.keys then
    if #a ~= #b then return false end
    local all = true
    for i = 1, #a do
      local same = equals(c, a[i], b[i])
      if same == false then return false end
      all = all == true and same or same == true and all or binary(c, "bitwise_and", all, same)
    end
    return all
  end
  return a == b
end
def("eq", "self other", function(c, a) return equals(c, a.self, a.other) end)
def("ne", "self other", function(c, a)
  local same = equals(c, a.self, a.other)
  if type(same) == "boolean" then return not same end
  if same.scalar then return c:number(c:op("Not", { same }), "bool") end
  return (c:op("Not", { same }))
end)

def("pow", "self exponent", function(c, a) return binary(c, "pow", a.self, a.exponent) end)
def("square", "self", function(c, a) return binary(c, "mul", a.self, a.self) end)
def("addcmul", "self tensor1 tensor2 value=1", function(c, a)
  return binary(c, "add", a.self, scaled(c, binary(c, "mul", a.tensor1, a.tensor2), a.value))
end)
def("addcdiv", "self tensor1 tensor2 value=1", function(c, a)
  return binary(c, "add", a.self, scaled(c, binary(c, "div", a.tensor1, a.tensor2), a.value))
end)
def("lerp", "self end weight", function(c, a)
  return binary(c, "add", a.self, binary(c, "mul", a.weight, binary(c, "sub", a["end"], a.self)))
end)
for name, op in pairs { __lshift__ = "LEFT", __rshift__ = "RIGHT", bitwise_left_shift = "LEFT",
  bitwise_right_shift = "RIGHT" } do
  def(name, "self other", function(c, a)
    if is_number(a.self) then return op == "LEFT" and a.self << a.other or a.self >> a.other end
    local factor = is_number(a.other) and 1 << a.other
      or c:op("Pow", { c:scalar(2, a.self.dtype), types.as(c, a.other, a.self.dtype) })
    return binary(c, op == "LEFT" and "mul" or "floordiv", a.self, factor)
  end)
end
for name, op in pairs { logical_and = "And", logical_or = "Or", logical_xor = "Xor" } do
  def(name, "self other", function(c, a)
    return (c:op(op, { c:cast(a.self, "bool"), c:cast(a.other, "bool") }))
  end)
end
def("logical_not", "self", function(c, a) return (c:op("Not", { c:cast(a.self, "bool") })) end)
def("bitwise_not", "self", function(c, a)
  if is_number(a.self) then return ~a.self end
  return (c:op(a.self.dtype == "bool" and "Not" or "BitwiseNot", { a.self }))
end)
def("atan2 arctan2", "self other", function(c, a)
  local dtype = types.result(a.self, a.other)
  local y, x = types.as(c, a.self, dtype), types.as(c, a.other, dtype)
  local function k(v) return c:scalar(v, dtype) end
  local base = c:op("Atan", { c:op("Div", { y, x }) })
  local shift = c:op("Where", { c:op("Less", { y, k(0) }), k(-math.pi), k(math.pi) })
  local left = c:op("Less", { x, k(0) })
  local turned = c:op("Where", { left, c:op("Add", { base, shift }), base })
  local is_origin = c:op("And", { c:op("Equal", { x, k(0) }), c:op("Equal", { y, k(0) }) })
  return (c:op("Where", { is_origin, k(0), turned }))
end)
def("hypot", "self other", function(c, a)
  return (c:op("Sqrt", { binary(c, "add", binary(c, "mul", a.self, a.self),
    binary(c, "mul", a.other, a.other)) }))
end)

-- ---- functions of one number -------------------------------------------------------------------

local plain_unary = {
  sqrt = math.sqrt, exp = math.exp, log = math.log, sin = math.sin, cos = math.cos, tan = math.tan,
  floor = math.floor, ceil = math.ceil, abs = math.abs, neg = function(x) return -x end,
  tanh = function(x) return (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1) end,
}
local float_unary = {
  sqrt = "Sqrt", exp = "Exp", log = "Log", sin = "Sin", cos = "Cos", tan = "Tan", asin = "Asin",
  acos = "Acos", atan = "Atan", sinh = "Sinh", cosh = "Cosh", tanh = "Tanh", asinh = "Asinh",
  acosh = "Acosh", atanh = "Atanh", erf = "Erf", sigmoid = "Sigmoid", reciprocal = "Reciprocal",
  arcsin = "Asin", arccos = "Acos", arctan = "Atan", special_expit = "Sigmoid",
}
for name, op in pairs(float_unary) do
  def(name, "self", function(c, a)
    if is_number(a.self) then return plain_unary[name](as_number(a.self)) end
    local out = c:op(op, { types.float(c, a.self) })
    return a.self.scalar and c:number(out, "float") or out
  end)
end
for name, op in pairs { neg = "Neg", negative = "Neg", abs = "Abs", absolute = "Abs",
  sign = "Sign", sgn = "Sign" } do
  def(name, "self", function(c, a)
    if is_number(a.self) then return plain_unary[name](as_number(a.self)) end
    local out = c:op(op, { a.self })
    return a.self.scalar and c:number(out, a.self.scalar) or out
  end)
end
for name, op in pairs { floor = "Floor", ceil = "Ceil", round = "Round" } do
  def(name, "self decimals=0", function(c, a)
    if is_number(a.self) then
      if name ~= "round" then return plain_unary[name](a.self) end
      local r = math.floor(a.self + 0.5)
      return r
    end
    if not types.is_float(a.self) then return a.self end
    local x = a.self
    if a.decimals ~= 0 then x = binary(c, "mul", x, 10.0 ^ a.decimals) end
    local out = c:op(op, { x })
    if a.decimals ~= 0 then out = binary(c, "div", out, 10.0 ^ a.decimals) end
    return a.self.scalar and c:number(out, "int") or out
  end)
end
def("trunc fix", "self", function(c, a)
  if not types.is_float(a.self) then return a.self end
  return (c:op("Mul", { c:op("Sign", { a.self }), c:op("Floor", { c:op("Abs", { a.self }) }) }))
end)
def("frac", "self", function(c, a)
  return binary(c, "sub", a.self, M.trunc(c, { a.self }, {}))
end)
def("rsqrt", "self", function(c, a)
  return (c:op("Reciprocal", { c:op("Sqrt", { types.float(c, a.self) }) }))
end)
def("exp2", "self", function(c, a) return binary(c, "pow", 2.0, a.self) end)
def("expm1", "self", function(c, a)
  return binary(c, "sub", c:op("Exp", { types.float(c, a.self) }), 1)
end)
def("log2", "self", function(c, a)
  return binary(c, "div", c:op("Log", { types.float(c, a.self) }), math.log(2))
end)
def("log10", "self", function(c, a)
  return binary(c, "div", c:op("Log", { types.float(c, a.self) }), math.log(10))
end)
def("log1p", "self", function(c, a)
  if is_number(a.self) then return math.log(1 + a.self) end
  return (c:op("Log", { binary(c, "add", types.float(c, a.self), 1) }))
end)
def("erfc special_erfc", "self", function(c, a)
  return binary(c, "sub", 1, c:op("Erf", { types.float(c, a.self) }))
end)
def("isnan", "self", function(c, a)
  if not types.is_float(a.self) then return (c:op("Not", { c:op("Equal", { a.self, a.self }) })) end
  return (c:op("IsNaN", { a.self }))
end)
def("isinf", "self", function(c, a) return (c:op("IsInf", { a.self })) end)
def("isfinite", "self", function(c, a)
  return (c:op("Not", { c:op("Or", { c:op("IsInf", { a.self }), c:op("IsNaN", { a.self }) }) }))
end)
def("nan_to_num", "self nan=None posinf=None neginf=None", function(c, a)
  local x = a.self
  local function k(v) return c:scalar(v, x.dtype) end
  local big = 3.4028234663852886e38
  local y = c:op("Where", { c:op("IsNaN", { x }), k(a.nan == none and 0 or a.nan), x })
  y = c:op("Where", { c:op("Equal", { y, k(math.huge) }), k(a.posinf == none and big or a.posinf), y })
  return (c:op("Where", { c:op("Equal", { y, k(-math.huge) }),
    k(a.neginf == none and -big or a.neginf), y }))
end)

def("clamp clip", "self min=None max=None", function(c, a)
  local x = a.self
  local parts = { x }
  if a.min ~= none then parts[#parts + 1] = a.min end
  if a.max ~= none then parts[#parts + 1] = a.max end
  local dtype = types.result(table.unpack(parts))
  x = c:cast(x, dtype)
  local function is_wide(v) return is_tensor(v) and not (v.shape and #v.shape == 0) end
  if is_wide(a.min) or is_wide(a.max) then
    if a.min ~= none then x = c:op("Max", { x, types.as(c, a.min, dtype) }) end
    if a.max ~= none then x = c:op("Min", { x, types.as(c, a.max, dtype) }) end
    return x
  end
  return (c:op("Clip", { x, a.min ~= none and types.as(c, a.min, dtype) or false,
    a.max ~= none and types.as(c, a.max, dtype) or false, n = 3 }))
end)
def("clamp_min", "self min", function(c, a) return M.clamp(c, { a.self, a.min }, {}) end)
def("clamp_max", "self max", function(c, a) return M.clamp(c, { a.self, none, a.max }, {}) end)
def("where", "condition self=None other=None", function(c, a)
  local test = c:cast(a.condition, "bool")
  if a.self == none then
    local out = { kind = "tuple" }
    local all = c:op("NonZero", { test })
    for i = 0, c:rank(test) - 1 do
      out[i + 1] = c:op("Gather", { all, c:constant(i, "i64") }, { axis = 0 })
    end
    return out
  end
  local dtype = types.result(a.self, a.other)
  return (c:op("Where", { test, types.as(c, a.self, dtype), types.as(c, a.other, dtype) }))
end)
def("masked_fill", "self mask value", function(c, a)
  return (c:op("Where", { c:cast(a.mask, "bool"), types.as(c, a.value, a.self.dtype), a.self }))
end)

-- ---- reductions --------------------------------------------------------------------------------

--- Axes as a list; nil for all.
local function axes_of(c, t, dim)
  if dim == none or dim == nil then return nil end
  local list = type(dim) == "table" and dim or { dim }
  if #list == 0 then return nil end
  local out = {}
  for i, d in ipairs(list) do out[i] = c:axis(t, d) end
  return out
end

local function reduce(c, op, t, axes, keep)
  if t.shape and #t.shape == 0 then axes = nil end
  return (c:op(op, { t, axes and c:constant(axes, "i64") or false, n = 2 },
    { keepdims = keep and 1 or 0 }))
end

for name, op in pairs { sum = "ReduceSum", mean = "ReduceMean", prod = "ReduceProd",
  nansum = "ReduceSum" } do
  def(name, "self dim=None keepdim=False dtype=None", function(c, a)
    local x, dim, keep, dtype = a.self, a.dim, a.keepdim, a.dtype
    if name ~= "nansum" and math.type(a.dim) == "integer" and a.n_args == 2
      and a.keepdim == false and name ~= "prod" then
      dim, dtype = none, a.dim -- sum(x, dtype=)
    end
    local wanted = types.of_number(c, dtype)
      or (name ~= "mean" and types.category(x.dtype) < 2 and "i64") or x.dtype
    return reduce(c, op, c:cast(x, wanted), axes_of(c, x, dim), keep)
  end)
end
--- torch.sum(list of ints)
local sum_tensor = M.sum
M.sum = function(c, args, named)
  if is_tensor(args[1]) then return sum_tensor(c, args, named) end
  local total = 0
  for _, x in ipairs(args[1]) do total = binary(c, "add", total, x) end
  return total
end

for name, op in pairs { amax = "ReduceMax", amin = "ReduceMin" } do
  def(name, "self dim=[] keepdim=False", function(c, a)
    return reduce(c, op, a.self, axes_of(c, a.self, a.dim), a.keepdim)
  end)
end
def("logsumexp", "self dim keepdim=False", function(c, a)
  return reduce(c, "ReduceLogSumExp", types.float(c, a.self), axes_of(c, a.self, a.dim), a.keepdim)
end)
for name, op in pairs { all = "ReduceMin", any = "ReduceMax" } do
  local tensors = function(c, a)
    local x = c:cast(c:cast(a.self, "bool"), "i32")
    return c:cast(reduce(c, op, x, axes_of(c, a.self, a.dim), a.keepdim), "bool")
  end
  def(name, "self dim=None keepdim=False", tensors)
  local of_tensor = M[name]
  M[name] = function(c, args, named)
    if is_tensor(args[1]) then return of_tensor(c, args, named) end
    for _, x in ipairs(args[1]) do
      if machine.is_true(c, x) ~= (name == "all") then return name == "any" end
    end
    return name == "all"
  end
end

--- max(x), max(x, dim), max(x, y), of numbers and lists.
for name, facts in pairs { max = { "ReduceMax", "ArgMax", "maximum" },
  min = { "ReduceMin", "ArgMin", "minimum" } } do
  def(name, "self other=None keepdim=False", function(c, a)
    local x, other = a.self, a.other
    if a.dim ~= nil then other = a.dim end
    if type(x) == "table" and x.kind then
      local best = x[1]
      for i = 2, #x do best = binary(c, facts[3], best, x[i]) end
      return best
    end
    if other == none then return reduce(c, facts[1], x, nil, false) end
    local is_dim = a.dim ~= nil or (math.type(other) == "integer" and is_tensor(x) and not x.scalar)
    if not is_dim then return binary(c, facts[3], x, other) end
    if x.shape and #x.shape == 0 then
      return machine.list("tuple", { x, c:constant(0, "i64") })
    end
    local axis = c:axis(x, other)
    return machine.list("tuple", {
      reduce(c, facts[1], x, { axis }, a.keepdim),
      (c:op(facts[2], { x }, { axis = axis, keepdims = a.keepdim and 1 or 0 })),
    })
  end)
  def("arg" .. name, "self dim=None keepdim=False", function(c, a)
    local x, axis, keep = a.self, a.dim, a.keepdim
    if axis == none then
      x, axis, keep = c:reshape(x, { -1 }), 0, false
    end
    if x.dtype == "bool" then x = c:cast(x, "i32") end
    return (c:op(facts[2], { x }, { axis = c:axis(x, axis), keepdims = keep and 1 or 0 }))
  end)
end

--- var and std: of a sample unless told otherwise.
local function variance(c, a, takes_mean)
  local x = types.float(c, a.self)
  local dim, correction = a.dim, a.correction
  if type(dim) == "boolean" then dim, a.unbiased = none, dim end
  if type(a.unbiased) == "boolean" then correction = a.unbiased and 1 or 0 end
  if math.type(a.unbiased) == "integer" then correction = a.unbiased end
  if correction == nil or correction == none then correction = 1 end
  local axes = axes_of(c, x, dim)
  local mean = reduce(c, "ReduceMean", x, axes, true)
  local off = c:op("Sub", { x, mean })
  local squares = c:op("Mul", { off, off })
  local out
  if correction == 0 then
    out = reduce(c, "ReduceMean", squares, axes, a.keepdim)
  else
    local n = 1
    local all = axes or {}
    if not axes then
      for i = 0, c:rank(x) - 1 do all[i + 1] = i end
    end
    for _, axis in ipairs(all) do n = binary(c, "mul", n, c:size(x, axis)) end
    out = binary(c, "div", reduce(c, "ReduceSum", squares, axes, a.keepdim),
      binary(c, "sub", n, correction))
  end
  if not takes_mean then return out end
  return out, reduce(c, "ReduceMean", x, axes, a.keepdim)
end
local VAR = "self dim=None unbiased=None keepdim=False correction=None"
def("var", VAR, function(c, a) return (variance(c, a)) end)
def("std", VAR, function(c, a) return (c:op("Sqrt", { (variance(c, a)) })) end)
def("var_mean", VAR, function(c, a) return machine.list("tuple", { variance(c, a, true) }) end)
def("std_mean", VAR, function(c, a)
  local v, mean = variance(c, a, true)
  return machine.list("tuple", { (c:op("Sqrt", { v })), mean })
end)

local function norm(c, x, p, axes, keep)
  if p == none or p == "fro" or p == 2 then return reduce(c, "ReduceL2", x, axes, keep) end
  if p == 1 then return reduce(c, "ReduceL1", x, axes, keep) end
  local size = c:op("Abs", { x })
  if p == math.huge then return reduce(c, "ReduceMax", size, axes, keep) end
  if p == -math.huge then return reduce(c, "ReduceMin", size, axes, keep) end
  if p == 0 then
    return reduce(c, "ReduceSum", c:cast(binary(c, "ne", x, 0), x.dtype), axes, keep)
  end
  local total = reduce(c, "ReduceSum", binary(c, "pow", size, p + 0.0), axes, keep)
  return binary(c, "pow", total, 1.0 / p)
end
def("norm", "self p=2 dim=None keepdim=False", function(c, a)
  return norm(c, a.self, a.p, axes_of(c, a.self, a.dim), a.keepdim)
end)
def("frobenius_norm", "self dim=None keepdim=False", function(c, a)
  return norm(c, a.self, 2, axes_of(c, a.self, a.dim), a.keepdim)
end)
def("linalg_vector_norm", "self ord=2 dim=None keepdim=False dtype=None", function(c, a)
  return norm(c, a.self, a.ord, axes_of(c, a.self, a.dim), a.keepdim)
end)
def("linalg_norm", "self ord=None dim=None keepdim=False dtype=None", function(c, a)
  return norm(c, a.self, a.ord, axes_of(c, a.self, a.dim), a.keepdim)
end)
def("cumsum", "self dim dtype=None", function(c, a)
  local x = types.category(a.self.dtype) < 2 and c:cast(a.self, "i64") or a.self
  return (c:op("CumSum", { x, c:constant(c:axis(x, a.dim), "i64") }))
end)
def("dist", "self other p=2", function(c, a)
  return norm(c, binary(c, "sub", a.self, a.other), a.p, nil, false)
end)
def("cosine_similarity", "x1 x2 dim=1 eps=1e-08", function(c, a)
  local axes = { c:axis(a.x1, a.dim) }
  local dot = reduce(c, "ReduceSum", binary(c, "mul", a.x1, a.x2), axes, false)
  local function length(x)
    return M.clamp(c, { reduce(c, "ReduceL2", x, axes, false), a.eps }, {})
  end
  return binary(c, "div", dot, binary(c, "mul", length(a.x1), length(a.x2)))
end)
def("pairwise_distance", "x1 x2 p=2 eps=1e-06 keepdim=False", function(c, a)
  local off = binary(c, "add", binary(c, "sub", a.x1, a.x2), a.eps)
  return norm(c, off, a.p, { c:rank(off) - 1 }, a.keepdim)
end)
def("cdist", "x1 x2 p=2 compute_mode=None", function(c, a)
  local one, two = c:rank(a.x1, 2) - 1, c:rank(a.x2, 2) - 2
  local x = c:op("Unsqueeze", { a.x1, c:constant({ one }, "i64") })
  local y = c:op("Unsqueeze", { a.x2, c:constant({ two }, "i64") })
  local off = c:op("Sub", { x, y })
  return norm(c, off, a.p, { c:rank(off) - 1 }, false)
end)

-- ---- products ----------------------------------------------------------------------------------

local function matmul(c, a, b) return (c:op("MatMul", { a, b })) end
def("matmul mm bmm mv dot __matmul__ inner vdot", "self other", function(c, a)
  return matmul(c, a.self, a.other)
end)
for name, first in pairs { addmm = "mat1", baddbmm = "batch1", addbmm = "batch1", addmv = "mat" } do
  def(name, ("self %s other beta=1 alpha=1"):format(first), function(c, a)
    local product = scaled(c, matmul(c, a[first], a.other or a.mat2 or a.batch2 or a.vec), a.alpha)
    if name == "addbmm" then product = reduce(c, "ReduceSum", product, { 0 }, false) end
    if a.beta == 0 then return product end
    return binary(c, "add", product, scaled(c, a.self, a.beta))
  end)
end
local addmm = M.addmm
M.addmm = function(c, args, named)
  local m1, m2 = args[2] or named.mat1, args[3] or named.mat2
  local beta, alpha = args[4] or named.beta or 1, args[5] or named.alpha or 1
  if is_tensor(beta) or is_tensor(alpha) or not types.is_float(m1) then
    return addmm(c, args, named)
  end
  return (c:op("Gemm", { m1, m2, args[1] }, { alpha = alpha + 0.0, beta = beta + 0.0 }))
end
def("outer ger", "self other", function(c, a)
  return (c:op("Mul", { c:op("Unsqueeze", { a.self, c:constant({ 1 }, "i64") }), a.other }))
end)
def("einsum", "equation tensors path=None", function(c, a)
  local inputs = table.move(a.tensors, 1, #a.tensors, 1, {})
  return (c:op("Einsum", inputs, { equation = a.equation }))
end)
def("trace", "self", function(c, a)
  return (c:op("Einsum", { a.self }, { equation = "ii" }))
end)
def("linear", "input weight bias=None", function(c, a)
  local x, w = a.input, a.weight
  local rank = x.shape and #x.shape
  if rank == 2 and w.shape and #w.shape == 2 and types.is_float(x) then
    return (c:op("Gemm", { x, w, a.bias ~= none and a.bias or nil }, { transB = 1 }))
  end
  if w.shape and #w.shape == 1 then return matmul(c, x, w) end
  local y = matmul(c, x, c:op("Transpose", { w }, { perm = { 1, 0 } }))
  return a.bias ~= none and (c:op("Add", { y, a.bias })) or y
end)
def("bilinear", "input1 input2 weight bias=None", function(c, a)
  local y = c:op("Einsum", { a.input1, a.weight, a.input2 }, { equation = "...i,kij,...j->...k" })
  return a.bias ~= none and (c:op("Add", { y, a.bias })) or y
end)
def("cross linalg_cross", "self other dim=-1", function(c, a)
  local axis = c:axis(a.self, a.dim == none and -1 or a.dim)
  local function turned(x, order) return (c:op("Gather", { x, c:constant(order, "i64") }, { axis = axis })) end
  return binary(c, "sub",
    binary(c, "mul", turned(a.self, { 1, 2, 0 }), turned(a.other, { 2, 0, 1 })),
    binary(c, "mul", turned(a.self, { 2, 0, 1 }), turned(a.other, { 1, 2, 0 })))
end)
def("logaddexp", "self other", function(c, a)
  local m = binary(c, "maximum", a.self, a.other)
  local d = c:op("Neg", { c:op("Abs", { binary(c, "sub", a.self, a.other) }) })
  return binary(c, "add", m, c:op("Log", { binary(c, "add", c:op("Exp", { d }), 1) }))
end)
def("xlogy", "self other", function(c, a)
  local y = binary(c, "mul", a.self, c:op("Log", { types.float(c, a.other) }))
  return (c:op("Where", { binary(c, "eq", a.self, 0), c:constant(tensor.new(0, y.dtype)), y }))
end)

return { ops = M, binary = binary, reduce = reduce, axes_of = axes_of }
