--- Tensors: n-dimensional arrays of one element type.
---
--- Axes and indices count from 1, negative ones from the end. Every operation is one call of the C
--- engine on whole tensors. `*` and `/` are element-wise; `a:matmul(b)` is the matrix product.
--- Numbers become f32 unless an element type is given. `a == b` is identity: compare elements with
--- `a:eq(b)`, whole tensors with `a:allclose(b)`.
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local options = require "perigee.util.options"

---@class perigee.tensor
local M = {}

local methods = core.tensor_meta.__methods
local is_tensor = core.is_tensor
local eval = core.eval

---@alias perigee.dtype string element type: "f32", "i64", "u8", "bool", "string", ...

-- ---- element types ----------------------------------------------------------------------------

local bits = core.dtypes()
local is_float = { f64 = true, f32 = true, f16 = true, bf16 = true }

local function kind(dtype)
  if is_float[dtype] or dtype:find("^f%d") then return 3 end
  if dtype:find("^[iu]%d") then return 2 end
  return dtype == "bool" and 1 or 0
end

--- The type that two operands meet in: floats over integers over booleans, then the wider.
local function promote(a, b)
  if a == b then return a end
  local ka, kb = kind(a), kind(b)
  if ka ~= kb then return ka > kb and a or b end
  if bits[a] ~= bits[b] then return bits[a] > bits[b] and a or b end
  if ka == 3 then return "f32" end -- f16 with bf16
  return a:sub(1, 1) == "i" and a or b -- signed over unsigned
end

--- A number next to a tensor takes its type; a fraction next to integers makes both f32.
local function number_dtype(value, other)
  if type(value) == "boolean" then return other.dtype end
  if kind(other.dtype) == 3 or math.type(value) == "integer" then
    return other.dtype == "bool" and (math.type(value) == "integer" and "i64" or "f32")
      or other.dtype
  end
  return value == math.floor(value) and other.dtype or "f32"
end

local function operand(value, other, what)
  if is_tensor(value) then return value end
  local t = type(value)
  if t == "number" or t == "boolean" then
    return core.tensor_from(value, number_dtype(value, other))
  elseif t == "string" and other.dtype == "string" then
    return core.tensor_from(value)
  end
  blame("%s: expected a tensor or a number, got a %s", what, t)
end

local function pair(a, b, what)
  a, b = operand(a, b, what), operand(b, a, what)
  local ta, tb = a.dtype, b.dtype
  if ta ~= tb then
    local meet = promote(ta, tb)
    if ta ~= meet then a = a:cast(meet) end
    if tb ~= meet then b = b:cast(meet) end
  end
  return a, b
end

local function binary(op)
  return function(a, b)
    local x, y = pair(a, b, op:lower())
    return eval(op, { x, y })
  end
end

local function as_float(t) return kind(t.dtype) == 3 and t or t:cast "f32" end

-- ---- making -----------------------------------------------------------------------------------

--- From a number, boolean, string, nested table, or another tensor.
---@param value any
---@param dtype perigee.dtype? default f32 for numbers, bool, string
---@return perigee.Tensor
function M.new(value, dtype) return core.tensor_from(value, dtype) end

---@param shape integer[]
---@param dtype perigee.dtype? default "f32"
---@return perigee.Tensor
function M.zeros(shape, dtype) return core.tensor_new(dtype or "f32", shape) end

---@param shape integer[]
---@param value number
---@param dtype perigee.dtype? default "f32"
---@return perigee.Tensor
function M.full(shape, value, dtype)
  return core.tensor_new(dtype or "f32", shape):copy_from(value)
end

---@param shape integer[]
---@param dtype perigee.dtype?
---@return perigee.Tensor
function M.ones(shape, dtype) return M.full(shape, 1, dtype) end

--- first, first + step, ... up to and including last, as Lua's `for` counts.
---@param first number
---@param last number
---@param step number? default 1
---@param dtype perigee.dtype? default "f32"
---@return perigee.Tensor
function M.range(first, last, step, dtype)
  if type(first) ~= "number" or type(last) ~= "number" then
    blame("range: expected first and last, got %s and %s", tostring(first), tostring(last))
  end
  return core.tensor_range(first, last, step, dtype)
end

--- n numbers from first to last, both included.
---@param first number
---@param last number
---@param n integer
---@return perigee.Tensor
function M.linspace(first, last, n)
  if n == 1 then return M.new { first } end
  return core.map("a + i * d", { "i", "a", "d" }, {
    core.tensor_range(0, n - 1, 1, "f64"), M.new({ first }, "f64"),
    M.new({ (last - first) / (n - 1) }, "f64"),
  }, "f32")
end

--- Uniform in [low, high); the same numbers for a seed on every machine.
---@param shape integer[]
---@param opts? { seed?: integer, low?: number, high?: number, dtype?: perigee.dtype }
---@return perigee.Tensor
function M.random(shape, opts)
  local o = options.check(opts, { seed = 0, low = 0, high = 1, dtype = "f32" })
  return core.tensor_random("uniform", shape, o.seed, o.low, o.high, o.dtype)
end

--- Normally distributed.
---@param shape integer[]
---@param opts? { seed?: integer, mean?: number, deviation?: number, dtype?: perigee.dtype }
---@return perigee.Tensor
function M.randn(shape, opts)
  local o = options.check(opts, { seed = 0, mean = 0, deviation = 1, dtype = "f32" })
  return core.tensor_random("normal", shape, o.seed, o.mean, o.deviation, o.dtype)
end

--- From raw little-endian elements in row-major order.
---@param bytes string
---@param dtype perigee.dtype
---@param shape integer[]
---@return perigee.Tensor
function M.frombytes(bytes, dtype, shape) return core.tensor_frombytes(bytes, dtype, shape) end

--- Reads a NumPy file.
---@param path string
---@return perigee.Tensor? tensor
---@return string? message
---@return string? code
function M.npy(path) return core.npy_read(path) end

--- Joins tensors along an axis that exists.
---@param list perigee.Tensor[]
---@param axis integer? default 1
---@return perigee.Tensor
function M.concat(list, axis)
  local n = 1
  axis = axis or 1
  while list[n + 1] do n = n + 1 end
  return (eval("Concat", list, { axis = axis > 0 and axis - 1 or axis }))
end

--- Joins tensors of one shape along a new axis.
---@param list perigee.Tensor[]
---@param axis integer? default 1
---@return perigee.Tensor
function M.stack(list, axis)
  axis = axis or 1
  local rows = {}
  for i, t in ipairs(list) do rows[i] = t:unsqueeze(axis) end
  return M.concat(rows, axis)
end

--- a where condition is true, else b; all broadcast.
---@param condition perigee.Tensor
---@param a perigee.Tensor|number
---@param b perigee.Tensor|number
---@return perigee.Tensor
function M.where(condition, a, b)
  if not is_tensor(a) and not is_tensor(b) then a = M.new(a) end
  a, b = pair(a, b, "where")
  return (eval("Where", { condition, a, b }))
end

---@param value any
---@return boolean
function M.is_tensor(value) return is_tensor(value) end

-- ---- arithmetic -------------------------------------------------------------------------------

local add, sub, mul = binary "Add", binary "Sub", binary "Mul"
local divide = binary "Div"

local function div(a, b)
  local x, y = pair(a, b, "div")
  return divide(as_float(x), as_float(y))
end

local function floordiv(a, b)
  local q = div(a, b):floor()
  local x, y = pair(a, b, "floordiv")
  return kind(x.dtype) == 2 and kind(y.dtype) == 2 and q:cast(x.dtype) or q
end

local function mod(a, b)
  local x, y = pair(a, b, "mod")
  if kind(x.dtype) ~= 3 then return (eval("Mod", { x, y })) end
  return x - y * (x / y):floor() -- Lua's: the sign of the divisor
end

local function pow(a, b)
  local x, y = pair(a, b, "pow")
  return (eval("Pow", { x, y }))
end

local meta = core.tensor_meta
meta.__add, meta.__sub, meta.__mul, meta.__div = add, sub, mul, div
meta.__idiv, meta.__mod, meta.__pow = floordiv, mod, pow
meta.__unm = function(a) return (eval("Neg", { a })) end

--- `t[i] = value` writes one index of the first axis: a number, a table or a tensor, broadcast.
function meta:__newindex(key, value)
  if math.type(key) ~= "integer" then
    blame("a tensor's elements are written by integer index, not by '%s'", tostring(key))
  end
  self:select(1, key):copy_from(value)
end

methods.add, methods.sub, methods.mul, methods.div, methods.mod, methods.pow =
  add, sub, mul, div, mod, pow
methods.eq, methods.lt, methods.gt = binary "Equal", binary "Less", binary "Greater"
methods.le, methods.ge = binary "LessOrEqual", binary "GreaterOrEqual"
methods.land, methods.lor, methods.lxor = binary "And", binary "Or", binary "Xor"
methods.maximum, methods.minimum = binary "Max", binary "Min"

function methods:ne(other) return (eval("Not", { self:eq(other) })) end

for name, op in pairs {
  abs = "Abs", neg = "Neg", sign = "Sign", lnot = "Not",
} do
  methods[name] = function(self) return (eval(op, { self })) end
end

for name, op in pairs {
  floor = "Floor", ceil = "Ceil", round = "Round", sqrt = "Sqrt", exp = "Exp", log = "Log",
  sin = "Sin", cos = "Cos", tan = "Tan", asin = "Asin", acos = "Acos", atan = "Atan",
  sinh = "Sinh", cosh = "Cosh", tanh = "Tanh", erf = "Erf", sigmoid = "Sigmoid", relu = "Relu",
  gelu = "Gelu", softplus = "Softplus", reciprocal = "Reciprocal", isnan = "IsNaN",
} do
  methods[name] = function(self) return (eval(op, { as_float(self) })) end
end

--- Limits every element to [low, high]; nil leaves a side open.
function methods:clamp(low, high)
  return (eval("Clip", {
    n = 3, self, low and core.tensor_from(low, self.dtype) or false,
    high and core.tensor_from(high, self.dtype) or false,
  }))
end

--- An element-wise expression, compiled and run in one pass: `t:map "x * 2 + tanh(x)"`. `x` is the
--- tensor itself; more names come from `others`: `t:map("x * w + b", { w = w, b = b })`.
---@param expression string
---@param others? table<string, perigee.Tensor|number>
---@param dtype? perigee.dtype of the result
function methods:map(expression, others, dtype)
  local names, tensors = { "x" }, { self }
  for name, value in pairs(others or {}) do
    names[#names + 1] = name
    tensors[#tensors + 1] = is_tensor(value) and value or core.tensor_from(value, "f64")
  end
  if not dtype and kind(self.dtype) ~= 3 then dtype = "f32" end
  return core.map(expression, names, tensors, dtype)
end

-- ---- reductions -------------------------------------------------------------------------------

local function zero_based(axis, rank, what)
  if math.type(axis) ~= "integer" or axis == 0 or axis > rank or axis < -rank then
    blame("%s: axis %s is out of range (1 to %d)", what, tostring(axis), rank)
  end
  return axis > 0 and axis - 1 or axis
end

local function axes_tensor(axes, rank, what)
  if axes == nil then return false end
  if type(axes) == "number" then axes = { axes } end
  local list = {}
  for i, axis in ipairs(axes) do list[i] = zero_based(axis, rank, what) end
  return core.tensor_from(list, "i64")
end

local function same(t) return t end

local function reduction(op, what, prepare)
  --- axes: nil for all, an axis, or a table of axes. keep: the axes stay with size 1.
  return function(self, axes, keep)
    return (eval(op, { n = 2, prepare(self), axes_tensor(axes, self.rank, what) },
      { keepdims = keep and 1 or 0 }))
  end
end

for name, op in pairs {
  sum = "ReduceSum", prod = "ReduceProd", max = "ReduceMax", min = "ReduceMin",
  norm1 = "ReduceL1",
} do
  methods[name] = reduction(op, name, same)
end

-- Integers have no integer mean: as for division, these become f32.
for name, op in pairs { mean = "ReduceMean", norm = "ReduceL2", logsumexp = "ReduceLogSumExp" } do
  methods[name] = reduction(op, name, as_float)
end

--- Population variance.
function methods:var(axes, keep)
  local d = as_float(self) - self:mean(axes, true)
  return (d * d):mean(axes, keep)
end

function methods:std(axes, keep) return self:var(axes, keep):sqrt() end

local function arg(op, what)
  --- 1-based positions along an axis, as i64; without an axis the position in row-major order.
  return function(self, axis, keep)
    local t = self
    if axis == nil then
      t, axis = self:reshape(-1), 1
      keep = false
    end
    local i = eval(op, { t }, {
      axis = zero_based(axis, t.rank, what), keepdims = keep and 1 or 0,
    })
    return i + 1
  end
end

methods.argmax = arg("ArgMax", "argmax")
methods.argmin = arg("ArgMin", "argmin")

--- The k largest along an axis (default the last), in order.
---@return perigee.Tensor values
---@return perigee.Tensor indices 1-based, i64
function methods:topk(k, axis, smallest)
  local values, indices = eval("TopK", { self, core.tensor_from({ k }, "i64") }, {
    axis = zero_based(axis or -1, self.rank, "topk"), largest = smallest and 0 or 1,
  }, 2)
  return values, indices + 1
end

function methods:softmax(axis)
  return (eval("Softmax", { as_float(self) },
    { axis = zero_based(axis or -1, self.rank, "softmax") }))
end

function methods:log_softmax(axis)
  return (eval("LogSoftmax", { as_float(self) },
    { axis = zero_based(axis or -1, self.rank, "log_softmax") }))
end

function methods:cumsum(axis)
  local i = zero_based(axis or 1, self.rank, "cumsum")
  return (eval("CumSum", { self, core.tensor_from(i, "i64") }))
end

-- ---- shape and data ---------------------------------------------------------------------------

--- Matrix product, as numpy's matmul: batches broadcast.
function methods:matmul(other)
  local a, b = pair(self, other, "matmul")
  return (eval("MatMul", { a, b }))
end

--- A view with a new axis of size 1 at `axis`.
function methods:unsqueeze(axis)
  local shape, rank = self.shape, self.rank
  if axis < 0 then axis = rank + 2 + axis end
  if axis < 1 or axis > rank + 1 then
    blame("unsqueeze: axis %s is out of range (1 to %d)", tostring(axis), rank + 1)
  end
  table.insert(shape, axis, 1)
  return self:reshape(shape)
end

--- A view without axes of size 1: all of them, or only `axis`.
function methods:squeeze(axis)
  local shape, out = self.shape, {}
  if axis and axis < 0 then axis = self.rank + 1 + axis end
  if axis and shape[axis] ~= 1 then
    blame("squeeze: axis %s: expected size 1, got %s", tostring(axis),
      shape[axis] or "no such axis")
  end
  for i, n in ipairs(shape) do
    if n ~= 1 or (axis and i ~= axis) then out[#out + 1] = n end
  end
  return self:reshape(out)
end

--- A view with two axes swapped; by default the last two.
function methods:transpose(a, b)
  local rank = self.rank
  local perm = {}
  a = zero_based(a or -2, rank, "transpose") % rank + 1
  b = zero_based(b or -1, rank, "transpose") % rank + 1
  for i = 1, rank do perm[i] = i end
  perm[a], perm[b] = perm[b], perm[a]
  return self:permute(perm)
end

function methods:flatten() return self:reshape(-1) end

--- Elements or rows by 1-based index along an axis (default 1).
---@param indices integer[]|perigee.Tensor
function methods:gather(indices, axis)
  local i = is_tensor(indices) and indices:cast "i64" or core.tensor_from(indices, "i64")
  i = i - i:gt(0):cast "i64"
  return (eval("Gather", { self, i }, { axis = zero_based(axis or 1, self.rank, "gather") }))
end

function methods:tile(repeats)
  return (eval("Tile", { self, core.tensor_from(repeats, "i64") }))
end

--- Positions of elements that are not zero: i64 [n, rank], 1-based.
function methods:nonzero() return (eval("NonZero", { self })):transpose() + 1 end

function methods:fill(value) return self:copy_from(value) end

--- Several views at once: `t:view { {1, 10}, nil, 3 }` slices axis 1, keeps axis 2, selects in
--- axis 3.
---@param spec table per axis: nil or true keeps, an integer selects, { first, last, step } slices
function methods:view(spec)
  local t, axis = self, 1
  for i = 1, self.rank do
    local s = spec[i]
    if math.type(s) == "integer" then
      t = t:select(axis, s)
    else
      if type(s) == "table" then t = t:slice(axis, s[1], s[2], s[3]) end
      axis = axis + 1
    end
  end
  return t
end

--- Writes a NumPy file.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function methods:save(path) return core.npy_write(self, path) end

function methods:tostring(opts)
  options.check(opts, { full = false })
  if not (opts and opts.full) then return tostring(self) end
  local function text(v)
    if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v) or tostring(v) end
    local parts = {}
    for i, e in ipairs(v) do parts[i] = text(e) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  return text(self:totable())
end

return setmetatable(M, { __call = function(_, value, dtype) return M.new(value, dtype) end })
