--- Operators that look up, scatter, choose and sort.
local quant = require "perigee.convert.tflite.quant"
local shape = require "perigee.convert.tflite.shape"
local pg_tensor = require "perigee.tensor"

local M = {}

--- Indices as ONNX wants them.
local function indices(s, node, i)
  local t, x = s:need(node, i), s:x(node, i)
  if t.dtype == "i64" or t.dtype == "i32" then return x end
  return quant.cast(s, x, "i64")
end

local function indices64(s, node, i)
  local t, x = s:need(node, i), s:x(node, i)
  return t.dtype == "i64" and x or quant.cast(s, x, "i64")
end

function M.GATHER(s, node)
  local t, it, b, o = s:need(node, 1), s:need(node, 2), s.b, node.o
  local axis = shape.axis(s, o.axis, math.max(t.rank, 1))
  local batch = o.batch_dims or 0
  if batch < 0 then batch = batch + it.rank end
  local x, index = s:x(node, 1), indices(s, node, 2)
  if batch == 0 then
    return s:set(node, 1, b:op("Gather", { x, index }, { axis = axis }))
  end
  if batch < 0 or batch > axis or batch > it.rank then s:bad("%d batch dimensions", batch) end
  -- The gathered axis right behind the batch, then GatherND, then back.
  local perm = {}
  for i = 0, batch - 1 do perm[#perm + 1] = i end
  perm[#perm + 1] = axis
  for i = batch, t.rank - 1 do
    if i ~= axis then perm[#perm + 1] = i end
  end
  index = b:op("Unsqueeze", { indices64(s, node, 2), b:i64 { -1 } })
  local y = b:op("GatherND", { b:transpose(x, perm), index }, { batch_dims = batch })
  -- [batch, indices..., outer..., inner...] -> [batch, outer..., indices..., inner...]
  local n_index, n_outer, back = it.rank - batch, axis - batch, {}
  for i = 0, batch - 1 do back[#back + 1] = i end
  for i = 0, n_outer - 1 do back[#back + 1] = batch + n_index + i end
  for i = 0, n_index - 1 do back[#back + 1] = batch + i end
  for i = batch + n_index + n_outer, t.rank - 1 + n_index - 0 - 1 do
    if i < batch + n_index + t.rank - batch - 1 then back[#back + 1] = i end
  end
  s:set(node, 1, b:transpose(y, back))
end

function M.GATHER_ND(s, node)
  s:set(node, 1, s.b:op("GatherND", { s:x(node, 1), indices64(s, node, 2) }))
end

function M.SCATTER_ND(s, node)
  local b, out = s.b, s:out_t(node)
  local base = b:op("Expand", { b:constant(out.dtype == "bool" and false or 0, out.dtype),
    (shape.i64_of(s, node, 3)) })
  s:set(node, 1, b:op("ScatterND", { base, indices64(s, node, 1), s:x(node, 2) },
    { reduction = out.dtype == "bool" and "none" or "add" }))
end

function M.SPARSE_TO_DENSE(s, node)
  local b, t = s.b, s:need(node, 1)
  local size = shape.i64_of(s, node, 2)
  local places, values = indices64(s, node, 1), s:x(node, 3)
  if t.rank < 2 then places = b:reshape(places, { -1, 1 }) end
  local default = s:x(node, 4)
  if s:need(node, 4).rank > 0 then default = b:reshape(default, {}) end
  if s:need(node, 3).rank == 0 then
    local n = b:slice(b:op("Shape", { places }), { 0 }, { 0 }, { 1 })
    values = b:op("Expand", { values, n })
  end
  s:set(node, 1, b:op("ScatterND", { b:op("Expand", { default, size }), places, values }))
end

function M.ONE_HOT(s, node)
  local b, it = s.b, s:need(node, 1)
  local axis = node.o.axis
  local depth = quant.cast(s, s:x(node, 2), "i64")
  -- What is out of range has no hot place: ONNX would count negative ones from the end.
  local range = b:op("Range", { b:constant(0, "i64"), b:reshape(depth, {}), b:constant(1, "i64") })
  local rank = it.rank + 1
  axis = axis < 0 and axis + rank or axis
  if axis < 0 or axis >= rank then s:bad("axis %d", node.o.axis) end
  local form = {}
  for i = 1, rank do form[i] = i - 1 == axis and -1 or 1 end
  local hot = b:op("Equal", { b:op("Unsqueeze", { indices64(s, node, 1), b:i64 { axis } }),
    b:reshape(range, form) })
  s:set(node, 1, b:op("Where", { hot, s:x(node, 3), s:x(node, 4) }))
end

function M.TOPK_V2(s, node)
  local b, t = s.b, s:need(node, 1)
  local k = b:reshape(quant.cast(s, s:x(node, 2), "i64"), { 1 })
  local x = s:x(node, 1)
  local is_small = t.dtype == "i16"
  if is_small then x = quant.cast(s, x, "i32") end
  local values, places = b:op("TopK", { x, k }, { axis = -1, largest = 1, sorted = 1 }, 2)
  s:set(node, 1, is_small and quant.cast(s, values, t.dtype) or values)
  local out = s:out_t(node, 2)
  s:set(node, 2, out.dtype == "i64" and places or quant.cast(s, places, out.dtype))
end

function M.WHERE(s, node)
  local t, b, x = s:need(node, 1), s.b, s:x(node, 1)
  if t.dtype ~= "bool" then x = quant.cast(s, x, "bool") end
  local y = b:transpose(b:op("NonZero", { x }), { 1, 0 })
  local out = s:out_t(node)
  s:set(node, 1, out.dtype == "i64" and y or quant.cast(s, y, out.dtype))
end

function M.SELECT(s, node)
  local c, t, b = s:need(node, 1), s:need(node, 2), s.b
  local test = s:x(node, 1)
  if c.rank == 1 and t.rank > 1 then
    local form = { -1 }
    for i = 2, t.rank do form[i] = 1 end
    test = b:reshape(test, form)
  end
  s:set(node, 1, b:op("Where", { test, s:x(node, 2), s:x(node, 3) }))
end

function M.SELECT_V2(s, node)
  s:set(node, 1, s.b:op("Where", { s:x(node, 1), s:x(node, 2), s:x(node, 3) }))
end

function M.UNIQUE(s, node)
  local y, _, inverse = s.b:op("Unique", { s:x(node, 1) }, { sorted = 0 }, 3)
  s:set(node, 1, y)
  local out = s:out_t(node, 2)
  s:set(node, 2, out.dtype == "i64" and inverse or quant.cast(s, inverse, out.dtype))
end

--- How many boundaries are not above the number.
function M.BUCKETIZE(s, node)
  local b, t = s.b, s:need(node, 1)
  local list = node.o.boundaries
  if type(list) ~= "table" then list = {} end
  local x = t.dtype == "f32" and s:x(node, 1) or quant.cast(s, s:x(node, 1), "f32")
  if #list == 0 then
    return s:set(node, 1, quant.cast(s, b:op("Mul", { x, b:constant(0.0, "f32") }), "i32"))
  end
  local above = b:op("GreaterOrEqual", { b:op("Unsqueeze", { x, b:i64 { -1 } }),
    b:constant(pg_tensor.new(list, "f32")) })
  s:set(node, 1, b:op("ReduceSum", { quant.cast(s, above, "i32"), b:i64 { -1 } }, { keepdims = 0 }))
end

function M.EMBEDDING_LOOKUP(s, node)
  local t, out = s:need(node, 2), s:out_t(node)
  local w = s:x(node, 2)
  if t.is_integer and out.dtype == "f32" then w = quant.dequantize_weights(s, w, t) end
  s:set(node, 1, s.b:op("Gather", { w, indices(s, node, 1) }, { axis = 0 }))
end

--- Sums (or means) of rows, a bag each: ids, indices [n, k], dense shape, weights, table.
function M.EMBEDDING_LOOKUP_SPARSE(s, node)
  local b, o = s.b, node.o
  local ids, places = indices64(s, node, 1), indices64(s, node, 2)
  local size, weights, params = shape.i64_of(s, node, 3), s:x(node, 4), s:x(node, 5)
  local pt, st = s:need(node, 5), s:need(node, 2)
  local lead = (st.shape[2] or 2) - 1
  local form = { -1 }
  for i = 2, pt.rank do form[i] = 1 end
  local rows = b:op("Mul", { b:op("Gather", { params, ids }), b:reshape(weights, form) })
  local bag = b:slice(places, { 1 }, { 0 }, { lead })
  local row_shape = b:slice(b:op("Shape", { params }), { 0 }, { 1 }, { pt.rank })
  local bags = b:slice(size, { 0 }, { 0 }, { lead })
  local zero = b:op("Expand", { b:constant(0.0, "f32"), b:op("Concat", { bags, row_shape },
    { axis = 0 }) })
  local y = b:op("ScatterND", { zero, bag, rows }, { reduction = "add" })
  if o.combiner ~= 0 then
    local w = o.combiner == 2 and b:op("Mul", { weights, weights }) or weights
    local total = b:op("ScatterND", { b:op("Expand", { b:constant(0.0, "f32"), bags }), bag, w },
      { reduction = "add" })
    if o.combiner == 2 then total = b:op("Sqrt", { total }) end
    total = b:op("Where", { b:op("Equal", { total, b:constant(0.0, "f32") }),
      b:constant(1.0, "f32"), total })
    local tail = {}
    for i = 1, pt.rank - 1 do tail[i] = lead + i - 1 end
    y = b:op("Div", { y, b:op("Unsqueeze", { total, b:i64(tail) }) })
  end
  s:set(node, 1, y)
end

--- Rows of a table by their keys; keys that are not there give zeros and a 0.
function M.HASHTABLE_LOOKUP(s, node)
  local b, vt = s.b, s:need(node, 3)
  local equal = b:op("Equal", { b:op("Unsqueeze", { s:x(node, 1), b:i64 { 1 } }), s:x(node, 2) })
  local hit = quant.cast(s, equal, "i32")
  local found = b:op("ReduceMax", { hit, b:i64 { 1 } }, { keepdims = 0 })
  local place = b:op("ArgMax", { hit }, { axis = 1, keepdims = 0 })
  local rows = b:op("Gather", { s:x(node, 3), place }, { axis = 0 })
  local form = { -1 }
  for i = 2, vt.rank do form[i] = 1 end
  local test = b:reshape(quant.cast(s, found, "bool"), form)
  s:set(node, 1, b:op("Where", { test, rows, b:constant(vt.dtype == "string" and "" or 0,
    vt.dtype) }))
  s:set(node, 2, quant.cast(s, found, "u8"))
end

-- ---- segments
-- -------------------------------------------------------------------------------------

local least = { f32 = -3.4028234663852886e38, i32 = -1 << 31, i64 = math.mininteger }
local greatest = { f32 = 3.4028234663852886e38, i32 = (1 << 31) - 1, i64 = math.maxinteger }

--- Rows of x gathered into n segments.
local function segment(s, node, n, ids_at, reduction, start)
  local b, t, it = s.b, s:need(node, 1), s:need(node, ids_at)
  local tail = b:slice(b:op("Shape", { s:x(node, 1) }), { 0 }, { it.rank }, { math.maxinteger })
  local size = b:op("Concat", { n, tail }, { axis = 0 })
  local base = b:op("Expand", { b:constant(start, t.dtype), size })
  local ids = b:op("Unsqueeze", { indices64(s, node, ids_at), b:i64 { -1 } })
  s:set(node, 1, b:op("ScatterND", { base, ids, s:x(node, 1) }, { reduction = reduction }))
end

local function unsorted(reduction, starts)
  return function(s, node)
    local t = s:need(node, 1)
    local n = s.b:reshape(quant.cast(s, s:x(node, 3), "i64"), { 1 })
    local start = type(starts) == "table" and starts[t.dtype] or type(starts) == "number"
      and starts or 0
    segment(s, node, n, 2, reduction, start)
  end
end

M.UNSORTED_SEGMENT_SUM = unsorted("add", 0)
M.UNSORTED_SEGMENT_PROD = unsorted("mul", 1)
M.UNSORTED_SEGMENT_MAX = unsorted("max", least)
M.UNSORTED_SEGMENT_MIN = unsorted("min", greatest)

function M.SEGMENT_SUM(s, node)
  local b = s.b
  local ids = indices64(s, node, 2)
  local last = b:slice(ids, { 0 }, { -1 }, { math.maxinteger })
  segment(s, node, b:op("Add", { last, b:i64 { 1 } }), 2, "add", 0)
end

return M
