--- Views, parts of tensors, joining, indexing.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local maths = require "perigee.convert.torchscript.ops_math"
local schema = require "perigee.convert.torchscript.schema"
local types = require "perigee.convert.torchscript.types"

local M = {}
local def = schema.adder(M)
local is_tensor, none, list = emit.is, machine.none, machine.list
local binary, axes_of = maths.binary, maths.axes_of

local LAST = math.maxinteger

local function i64(c, x)
  if is_tensor(x) then return c:cast(x, "i64") end
  return c:constant(x, "i64")
end

--- ---- views ------------------------------------------------------------------------------------

local function reshape(c, x, sizes)
  return c:view(x, function(base) return c:reshape(base, sizes) end)
end

def("view reshape _reshape_alias _unsafe_view", "self size", function(c, a)
  if type(a.size) ~= "table" then return a.self end
  return reshape(c, a.self, a.size)
end)
M.view_as = function(c, args) return M.view(c, { args[1], M.size(c, { args[2] }, {}) }, {}) end
M.reshape_as = M.view_as
def("flatten", "self start_dim=0 end_dim=-1", function(c, a)
  local x = a.self
  if a.start_dim == 1 and a.end_dim == -1 and not x.shape then
    return c:view(x, function(base) return (c:op("Reshape", { base, i64(c, { 0, -1 }) })) end)
  end
  local rank = c:rank(x, 4)
  if rank == 0 then return reshape(c, x, { 1 }) end
  local from, to = c:axis(x, a.start_dim), c:axis(x, a.end_dim)
  if from == to then return x end
  local sizes, n_open = {}, 0
  for i = 0, from - 1 do sizes[#sizes + 1] = c:size(x, i) end
  local product = 1
  for i = from, to do
    local n = x.shape[i + 1]
    product = product and n and product * n
  end
  sizes[#sizes + 1] = product or -1
  for i = to + 1, rank - 1 do sizes[#sizes + 1] = c:size(x, i) end
  for _, n in ipairs(sizes) do n_open = n_open + (is_tensor(n) and 1 or 0) end
  if not product and from == 0 and to == rank - 1 then sizes = { -1 } end
  if product and n_open == 0 then sizes[from + 1] = product end
  return reshape(c, x, sizes)
end)
def("unflatten", "self dim sizes", function(c, a)
  local axis, sizes = c:axis(a.self, a.dim), {}
  for i = 0, c:rank(a.self) - 1 do
    if i == axis then
      for _, n in ipairs(a.sizes) do sizes[#sizes + 1] = n end
    else
      sizes[#sizes + 1] = c:size(a.self, i)
    end
  end
  return reshape(c, a.self, sizes)
end)

local function permute(c, x, perm)
  return c:view(x, function(base) return (c:op("Transpose", { base }, { perm = perm })) end)
end
def("permute", "self dims", function(c, a)
  local perm = {}
  for i, d in ipairs(a.dims) do perm[i] = d < 0 and d + #a.dims or d end
  return permute(c, a.self, perm)
end)
def("transpose swapaxes swapdims", "self dim0 dim1", function(c, a)
  local rank = c:rank(a.self, math.max(a.dim0, a.dim1, 2) + 1)
  local perm = {}
  for i = 1, rank do perm[i] = i - 1 end
  local p, q = c:axis(a.self, a.dim0) + 1, c:axis(a.self, a.dim1) + 1
  perm[p], perm[q] = perm[q], perm[p]
  return permute(c, a.self, perm)
end)
def("t numpy_T", "self", function(c, a)
  if c:rank(a.self, 2) < 2 then return a.self end
  return permute(c, a.self, { 1, 0 })
end)
M.T = M.t
def("mT adjoint", "self", function(c, a) return M.transpose(c, { a.self, -2, -1 }, {}) end)
def("movedim moveaxis", "self source destination", function(c, a)
  local from = type(a.source) == "table" and a.source or { a.source }
  local to = type(a.destination) == "table" and a.destination or { a.destination }
  local rank, perm, used = c:rank(a.self), {}, {}
  for i = 1, #from do
    local f, t = c:axis(a.self, from[i]), c:axis(a.self, to[i])
    perm[t + 1], used[f] = f, true
  end
  local next_free = 0
  for i = 1, rank do
    if not perm[i] then
      while used[next_free] do next_free = next_free + 1 end
      perm[i], next_free = next_free, next_free + 1
    end
  end
  return permute(c, a.self, perm)
end)
def("unsqueeze", "self dim", function(c, a)
  local axis = a.dim < 0 and a.dim or a.dim
  return c:view(a.self, function(base)
    return (c:op("Unsqueeze", { base, i64(c, { axis }) }))
  end)
end)
def("squeeze", "self dim=None", function(c, a)
  local x = a.self
  local axes = axes_of(c, x, a.dim)
  local rank = c:rank(x)
  local chosen = {}
  if rank == 0 then return x end
  if axes then
    for _, axis in ipairs(axes) do
      if x.shape[axis + 1] == 1 or not x.shape[axis + 1] then chosen[#chosen + 1] = axis end
    end
  else
    for i, n in ipairs(x.shape) do
      if n == 1 then chosen[#chosen + 1] = i - 1 end
    end
  end
  if #chosen == 0 then return x end
  return c:view(x, function(base) return (c:op("Squeeze", { base, i64(c, chosen) })) end)
end)

local function expand(c, x, sizes)
  local rank, list_of = c:rank(x), {}
  for i, n in ipairs(sizes) do
    list_of[i] = n
    if n == -1 then list_of[i] = i > #sizes - rank and (x.shape[i - #sizes + rank] or 1) or 1 end
  end
  return c:view(x, function(base) return (c:op("Expand", { base, c:vector(list_of) })) end)
end
def("expand broadcast_to", "self size implicit=False", function(c, a)
  return expand(c, a.self, a.size)
end)
def("expand_as", "self other", function(c, a)
  return (c:op("Expand", { a.self, c:shape_of(a.other) }))
end)
def("broadcast_tensors", "tensors", function(c, a)
  local shapes, out = {}, { kind = "list" }
  for i, t in ipairs(a.tensors) do
    shapes[i] = c:op("Expand", { c:scalar(1, "i64"), c:shape_of(t) })
  end
  local all = shapes[1]
  for i = 2, #shapes do all = c:op("Mul", { all, shapes[i] }) end
  for i, t in ipairs(a.tensors) do out[i] = c:op("Expand", { t, c:shape_of(all) }) end
  return out
end)

-- ---- parts -------------------------------------------------------------------------------------

def("select", "self dim index", function(c, a)
  return c:view(a.self, function(base)
    return (c:op("Gather", { base, i64(c, a.index) }, { axis = a.dim < 0 and c:axis(base, a.dim) or a.dim }))
  end)
end)

local function slice(c, x, dim, from, to, step)
  if from == none then from = 0 end
  if to == none then to = LAST end
  if from == 0 and to == LAST and step == 1 then
    return c:view(x, function(base) return c:alias(base) end)
  end
  local one = { 1 }
  local function vector(n) return is_tensor(n) and c:vector { n } or c:constant({ n }, "i64") end
  return c:view(x, function(base)
    return (c:op("Slice", { base, vector(from), vector(to), c:constant({ dim }, "i64"),
      c:constant(step == 1 and one or { step }, "i64") }))
  end)
end
def("slice", "self dim=0 start=None end=None step=1", function(c, a)
  if not is_tensor(a.self) then
    local x = a.self
    local n, from, to = #x, a.dim, a.start
    -- of a list: slice(list, start, end, step)
    local step = a["end"] == none and 1 or a["end"]
    from = from == none and 0 or from < 0 and math.max(from + n, 0) or from
    to = to == none and n or to < 0 and to + n or math.min(to, n)
    if type(x) == "string" then return x:sub(from + 1, to) end
    local out = { kind = x.kind }
    for i = from, to - 1, step do out[#out + 1] = x[i + 1] end
    return out
  end
  return slice(c, a.self, a.dim, a.start, a["end"], a.step == none and 1 or a.step)
end)
def("narrow", "self dim start length", function(c, a)
  local start = is_tensor(a.start) and c:number(a.start, "int") or a.start
  return slice(c, a.self, a.dim, start, binary(c, "add", start, a.length), 1)
end)
def("diagonal", "self offset=0 dim1=0 dim2=1", function(c, a)
  local rank = c:rank(a.self)
  local p, q = c:axis(a.self, a.dim1), c:axis(a.self, a.dim2)
  local perm = {}
  for i = 0, rank - 1 do
    if i ~= p and i ~= q then perm[#perm + 1] = i end
  end
  perm[#perm + 1], perm[#perm + 2] = p, q
  local x = permute(c, a.self, perm)
  local h, w = c:size(x, rank - 2), c:size(x, rank - 1)
  if is_tensor(h) or is_tensor(w) then
    fail.unsupported { { what = "diagonal of a size that isn't known", where = c:place() } }
  end
  local places = {}
  for i = 0, h - 1 do
    if i + a.offset >= 0 and i + a.offset < w then places[#places + 1] = i * w + i + a.offset end
  end
  local sizes = {}
  for i = 1, rank - 2 do sizes[i] = c:size(x, i - 1) end
  sizes[#sizes + 1] = h * w
  return (c:op("Gather", { c:reshape(x, sizes), i64(c, places) }, { axis = rank - 2 }))
end)

--- Parts along an axis as views.
local function parts(c, x, axis, sizes)
  local out, at = { kind = "list" }, 0
  for i, n in ipairs(sizes) do
    out[i] = slice(c, x, axis, at, at + n, 1)
    at = at + n
  end
  return out
end
local function known_size(c, x, axis)
  local n = c:size(x, axis)
  if is_tensor(n) then
    fail.unsupported { { what = "a number of parts that depends on sizes", where = c:place(),
      instead = "give the shapes of inputs" } }
  end
  return n
end
def("split split_with_sizes unsafe_split unsafe_split_with_sizes", "self split_size dim=0",
  function(c, a)
    local axis = c:axis(a.self, a.dim)
    if type(a.split_size) == "table" then return parts(c, a.self, axis, a.split_size) end
    local total, sizes = known_size(c, a.self, axis), {}
    for at = 0, total - 1, a.split_size do
      sizes[#sizes + 1] = math.min(a.split_size, total - at)
    end
    return parts(c, a.self, axis, sizes)
  end)
def("chunk unsafe_chunk", "self chunks dim=0", function(c, a)
  local axis = c:axis(a.self, a.dim)
  if not a.self.shape or not a.self.shape[axis + 1] then
    -- parts of a size that is told by the graph
    local total = c:size(a.self, axis)
    local each = binary(c, "floordiv", binary(c, "add", total, a.chunks - 1), a.chunks)
    local out = { kind = "list" }
    for i = 0, a.chunks - 1 do
      out[i + 1] = slice(c, a.self, axis, binary(c, "mul", each, i), binary(c, "mul", each, i + 1), 1)
    end
    return out
  end
  local total, sizes = known_size(c, a.self, axis), {}
  local each = (total + a.chunks - 1) // a.chunks
  for at = 0, total - 1, math.max(each, 1) do sizes[#sizes + 1] = math.min(each, total - at) end
  return parts(c, a.self, axis, sizes)
end)
def("tensor_split", "self sections dim=0", function(c, a)
  local axis = c:axis(a.self, a.dim)
  local total, sizes = known_size(c, a.self, axis), {}
  if type(a.sections) == "table" then
    local at = 0
    for _, stop in ipairs(a.sections) do
      sizes[#sizes + 1] = math.min(stop, total) - at
      at = math.min(stop, total)
    end
    sizes[#sizes + 1] = total - at
  else
    for i = 0, a.sections - 1 do
      sizes[i + 1] = total // a.sections + (i < total % a.sections and 1 or 0)
    end
  end
  return parts(c, a.self, axis, sizes)
end)
def("unbind", "self dim=0", function(c, a)
  local axis, out = c:axis(a.self, a.dim), { kind = "list" }
  for i = 0, known_size(c, a.self, axis) - 1 do
    out[i + 1] = M.select(c, { a.self, axis, i }, {})
  end
  return out
end)
def("unfold", "self dimension size step", function(c, a)
  local axis = c:axis(a.self, a.dimension)
  local n = known_size(c, a.self, axis)
  local rows = {}
  for at = 0, n - a.size, a.step do
    local row = {}
    for i = 1, a.size do row[i] = at + i - 1 end
    rows[#rows + 1] = row
  end
  local y = c:op("Gather", { a.self, i64(c, rows) }, { axis = axis })
  local rank, perm = c:rank(a.self), {}
  for i = 0, rank do
    if i ~= axis + 1 then perm[#perm + 1] = i end
  end
  perm[#perm + 1] = axis + 1
  return (c:op("Transpose", { y }, { perm = perm }))
end)

-- ---- joining -----------------------------------------------------------------------------------

local function same_type(c, tensors)
  local dtype = types.result(table.unpack(tensors))
  local out = {}
  for i, t in ipairs(tensors) do out[i] = types.as(c, t, dtype) end
  return out
end

def("cat concat concatenate", "tensors dim=0", function(c, a)
  local inputs = {}
  for _, t in ipairs(same_type(c, a.tensors)) do
    local is_old_empty = t.shape and #t.shape == 1 and t.shape[1] == 0
    if not is_old_empty or #a.tensors == 1 then inputs[#inputs + 1] = t end
  end
  if #inputs == 0 then return a.tensors[1] end
  return (c:op("Concat", inputs, { axis = c:axis(inputs[1], a.dim, 4) }))
end)
def("stack", "tensors dim=0", function(c, a)
  local inputs = same_type(c, a.tensors)
  local axis = a.dim < 0 and a.dim + c:rank(inputs[1]) + 1 or a.dim
  for i, t in ipairs(inputs) do
    inputs[i] = c:op("Unsqueeze", { t, i64(c, { axis }) })
  end
  return (c:op("Concat", inputs, { axis = axis }))
end)
for name, axis in pairs { hstack = 1, vstack = 0, dstack = 2, column_stack = 1 } do
  def(name, "tensors", function(c, a)
    local wanted, inputs = axis + 1, { kind = "list" }
    for i, t in ipairs(a.tensors) do
      local rank = c:rank(t)
      if name == "vstack" and rank == 1 then t = M.unsqueeze(c, { t, 0 }, {}) end
      if name == "column_stack" and rank == 1 then t = M.unsqueeze(c, { t, 1 }, {}) end
      inputs[i] = t
    end
    local dim = name == "hstack" and c:rank(inputs[1]) == 1 and 0 or axis
    return wanted and M.cat(c, { inputs, dim }, {})
  end)
end
def("repeat", "self repeats", function(c, a)
  local x, rank = a.self, c:rank(a.self)
  if #a.repeats > rank then
    local axes = {}
    for i = 1, #a.repeats - rank do axes[i] = i - 1 end
    x = c:op("Unsqueeze", { x, i64(c, axes) })
  end
  return (c:op("Tile", { x, c:vector(a.repeats) }))
end)
def("tile", "self dims", function(c, a)
  local dims, rank = table.move(a.dims, 1, #a.dims, 1, {}), c:rank(a.self)
  while #dims < rank do table.insert(dims, 1, 1) end
  return M["repeat"](c, { a.self, dims }, {})
end)
def("repeat_interleave", "self repeats dim=None output_size=None", function(c, a)
  local x, axis = a.self, a.dim
  if axis == none then
    x, axis = c:reshape(x, { -1 }), 0
  end
  axis = c:axis(x, axis)
  local n, repeats = known_size(c, x, axis), a.repeats
  if is_tensor(repeats) then
    local const = c:content(repeats)
    if not const then
      fail.unsupported { { what = "repeat_interleave by computed numbers", where = c:place() } }
    end
    repeats = const:flatten():totable()
  end
  local places = {}
  for i = 0, n - 1 do
    local times = type(repeats) == "table" and (repeats[i + 1] or repeats[1]) or repeats
    for _ = 1, times do places[#places + 1] = i end
  end
  return (c:op("Gather", { x, i64(c, places) }, { axis = axis }))
end)
def("flip", "self dims", function(c, a)
  local axes = axes_of(c, a.self, a.dims) or {}
  if #axes == 0 then return a.self end
  local from, to, step = {}, {}, {}
  for i in ipairs(axes) do from[i], to[i], step[i] = -1, math.mininteger, -1 end
  return (c:op("Slice", { a.self, i64(c, from), i64(c, to), i64(c, axes), i64(c, step) }))
end)
def("roll", "self shifts dims=[]", function(c, a)
  local x = a.self
  local shifts = type(a.shifts) == "table" and a.shifts or { a.shifts }
  local dims = type(a.dims) == "table" and a.dims or { a.dims }
  if #dims == 0 then
    local flat = M.roll(c, { c:reshape(x, { -1 }), shifts, { 0 } }, {})
    return (c:op("Reshape", { flat, c:shape_of(x) }))
  end
  for i, shift in ipairs(shifts) do
    local axis = c:axis(x, dims[i])
    local n = c:size(x, axis)
    if not is_tensor(n) and not is_tensor(shift) then shift = n > 0 and shift % n or 0 end
    if shift ~= 0 then
      local cut = binary(c, "mul", shift, -1)
      x = c:op("Concat", { slice(c, x, axis, cut, none, 1), slice(c, x, axis, 0, cut, 1) },
        { axis = axis })
    end
  end
  return x
end)
for name, upper in pairs { tril = 0, triu = 1 } do
  def(name, "self diagonal=0", function(c, a)
    local x = a.self.dtype == "bool" and c:cast(a.self, "i32") or a.self
    return c:cast(c:op("Trilu", { x, i64(c, a.diagonal) }, { upper = upper }), a.self.dtype)
  end)
end
def("meshgrid", "tensors indexing=ij", function(c, a)
  local inputs, n = table.move(a.tensors, 1, #a.tensors, 1, {}), #a.tensors
  local is_xy = a.indexing == "xy" and n >= 2
  if is_xy then inputs[1], inputs[2] = inputs[2], inputs[1] end
  local sizes, out = {}, { kind = "list" }
  for i, t in ipairs(inputs) do
    sizes[i] = c:rank(t) == 0 and 1 or c:size(t, 0)
  end
  local shape = c:vector(sizes)
  for i, t in ipairs(inputs) do
    local wide = {}
    for k = 1, n do wide[k] = k == i and -1 or 1 end
    out[i] = c:op("Expand", { c:reshape(t, wide), shape })
  end
  if is_xy then out[1], out[2] = out[2], out[1] end
  return out
end)

-- ---- by index ----------------------------------------------------------------------------------

def("index_select", "self dim index", function(c, a)
  c:want(a.index, "i64")
  return (c:op("Gather", { a.self, c:reshape(a.index, { -1 }) }, { axis = c:axis(a.self, a.dim) }))
end)
def("gather", "self dim index sparse_grad=False", function(c, a)
  c:want(a.index, "i64")
  return (c:op("GatherElements", { a.self, a.index }, { axis = c:axis(a.self, a.dim) }))
end)
def("take_along_dim", "self index dim=None", function(c, a)
  return M.gather(c, { a.self, a.dim, a.index }, {})
end)
def("take", "self index", function(c, a)
  return (c:op("Gather", { c:reshape(a.self, { -1 }), a.index }, { axis = 0 }))
end)

local reduction = { add = "add", sum = "add", multiply = "mul", prod = "mul", amax = "max", amin = "min" }
local function scatter(c, x, dim, index, source, how)
  local values = source
  if not is_tensor(source) or source.shape and #source.shape == 0 then
    values = c:op("Expand", { types.as(c, source, x.dtype), c:shape_of(index) })
  elseif index.shape and source.shape then
    -- the source may be larger than the index
    local from, to, axes, is_larger = {}, {}, {}, false
    for i, n in ipairs(index.shape) do
      from[i], to[i], axes[i] = 0, n or LAST, i - 1
      is_larger = is_larger or n ~= source.shape[i]
    end
    if is_larger then values = c:op("Slice", { source, i64(c, from), i64(c, to), i64(c, axes) }) end
  end
  return (c:op("ScatterElements", { x, index, c:cast(values, x.dtype) },
    { axis = c:axis(x, dim), reduction = how or "none" }))
end
def("scatter", "self dim index src reduce=None", function(c, a)
  local value = a.src
  if value == nil then value = a.value end
  return scatter(c, a.self, a.dim, a.index, value, reduction[a.reduce])
end)
def("scatter_add", "self dim index src", function(c, a)
  return scatter(c, a.self, a.dim, a.index, a.src, "add")
end)
def("scatter_reduce", "self dim index src reduce include_self=True", function(c, a)
  if a.reduce == "mean" or not a.include_self then
    fail.unsupported { { what = "scatter_reduce with mean or without self", where = c:place() } }
  end
  return scatter(c, a.self, a.dim, a.index, a.src, reduction[a.reduce])
end)
def("index_add", "self dim index source alpha=1", function(c, a)
  local axis, shape = c:axis(a.self, a.dim), {}
  for i = 1, c:rank(a.self) do shape[i] = i == axis + 1 and -1 or 1 end
  local index = c:op("Expand", { c:reshape(a.index, shape), c:shape_of(a.source) })
  return scatter(c, a.self, axis, index, binary(c, "mul", a.source, a.alpha), "add")
end)

--- The parts of an index: which axes have one, bool masks as positions.
local function index_parts(c, indices)
  local out, axis = {}, 0
  for _, index in ipairs(indices) do
    if index == none or index == nil then
      axis = axis + 1
    elseif index.dtype == "bool" or index.dtype == "u8" then
      local rank = c:rank(index)
      local all = c:op("NonZero", { c:cast(index, "bool") })
      for k = 0, rank - 1 do
        out[#out + 1] = { axis = axis, index = c:op("Gather", { all, i64(c, k) }, { axis = 0 }) }
        axis = axis + 1
      end
    else
      out[#out + 1] = { axis = axis, index = c:cast(index, "i64") }
      axis = axis + 1
    end
  end
  return out
end

--- Index tensors of one shape side by side, for GatherND and ScatterND.
local function index_rows(c, found)
  if #found == 1 then
    return (c:op("Unsqueeze", { found[1].index, i64(c, { -1 }) }))
  end
  local all, rows = found[1].index, {}
  for i = 2, #found do all = c:op("Add", { all, found[i].index }) end
  local shape = c:shape_of(all)
  for i, part in ipairs(found) do
    rows[i] = c:op("Unsqueeze", { c:op("Expand", { part.index, shape }), i64(c, { -1 }) })
  end
  return (c:op("Concat", rows, { axis = -1 }))
end

--- The order that brings the indexed axes to the front.
local function to_front(rank, found)
  local perm, is_indexed = {}, {}
  for _, part in ipairs(found) do
    perm[#perm + 1], is_indexed[part.axis] = part.axis, true
  end
  for i = 0, rank - 1 do
    if not is_indexed[i] then perm[#perm + 1] = i end
  end
  return perm
end

local function is_identity(perm)
  for i, p in ipairs(perm) do
    if p ~= i - 1 then return false end
  end
  return true
end

def("index", "self indices", function(c, a)
  local x = a.self
  local found = index_parts(c, a.indices)
  if #found == 0 then return x end
  if #found == 1 then
    return (c:op("Gather", { x, found[1].index }, { axis = found[1].axis }))
  end
  local rank = c:rank(x)
  local perm = to_front(rank, found)
  local front = is_identity(perm) and x or c:op("Transpose", { x }, { perm = perm })
  local rows = index_rows(c, found)
  local y = c:op("GatherND", { front, rows })
  local is_adjacent = found[#found].axis - found[1].axis == #found - 1
  local first = found[1].axis
  if not is_adjacent or first == 0 then return y end
  -- indexed axes next to each other: the result's stay in their place
  local n_rows, back = c:rank(rows) - 1, {}
  for i = 1, first do back[i] = n_rows + i - 1 end
  for i = 0, n_rows - 1 do back[#back + 1] = i end
  for i = n_rows + first, c:rank(y) - 1 do back[#back + 1] = i end
  return (c:op("Transpose", { y }, { perm = back }))
end)

def("index_put", "self indices values accumulate=False unsafe=False", function(c, a)
  local x = a.self
  local found = index_parts(c, a.indices)
  if #found == 0 then
    return (c:op("Expand", { c:cast(a.values, x.dtype), c:shape_of(x) }))
  end
  local only = a.indices[1]
  if #a.indices == 1 and only ~= none and only.dtype == "bool" and a.values.shape
    and #a.values.shape == 0 and not a.accumulate then
    local mask, rank = only, c:rank(x)
    for _ = c:rank(only) + 1, rank do mask = c:op("Unsqueeze", { mask, i64(c, { -1 }) }) end
    return (c:op("Where", { mask, c:cast(a.values, x.dtype), x }))
  end
  local rank = c:rank(x)
  local perm = to_front(rank, found)
  local front = is_identity(perm) and x or c:op("Transpose", { x }, { perm = perm })
  local rows = index_rows(c, found)
  local n_rows = c:rank(rows) - 1
  local shape = c:op("Slice", { c:shape_of(rows), i64(c, { 0 }), i64(c, { n_rows }) })
  if rank > #found then
    local rest = c:op("Slice", { c:shape_of(front), i64(c, { #found }), i64(c, { LAST }) })
    shape = c:op("Concat", { shape, rest }, { axis = 0 })
  end
  local values = c:op("Expand", { c:cast(a.values, x.dtype), shape })
  local y = c:op("ScatterND", { front, rows, values },
    { reduction = a.accumulate and "add" or "none" })
  if is_identity(perm) then return y end
  local back = {}
  for i, p in ipairs(perm) do back[p + 1] = i - 1 end
  return (c:op("Transpose", { y }, { perm = back }))
end)
M._index_put_impl = M.index_put
def("masked_select", "self mask", function(c, a)
  return (c:op("Compress", { c:reshape(a.self, { -1 }), c:reshape(c:cast(a.mask, "bool"), { -1 }) }))
end)
def("masked_scatter", "self mask source", function(c, a)
  local rows = c:op("Transpose", { c:op("NonZero", { c:op("Expand",
    { a.mask, c:shape_of(a.self) }) }) }, { perm = { 1, 0 } })
  local n = c:op("Shape", { rows }, { start = 0, ["end"] = 1 })
  local values = c:op("Slice", { c:reshape(a.source, { -1 }), i64(c, { 0 }), n, i64(c, { 0 }) })
  return (c:op("ScatterND", { a.self, rows, values }))
end)
def("index_fill", "self dim index value", function(c, a)
  local axis, shape = c:axis(a.self, a.dim), {}
  for i = 1, c:rank(a.self) do shape[i] = c:size(a.self, i - 1) end
  shape[axis + 1] = c:size(a.index, 0)
  local wide = {}
  for i = 1, #shape do wide[i] = i == axis + 1 and -1 or 1 end
  local index = c:op("Expand", { c:reshape(a.index, wide), c:vector(shape) })
  return scatter(c, a.self, axis, index, a.value)
end)
def("nonzero argwhere", "self", function(c, a)
  return (c:op("Transpose", { c:op("NonZero", { a.self }) }, { perm = { 1, 0 } }))
end)
def("nonzero_numpy", "self", function(c, a)
  local all, out = c:op("NonZero", { a.self }), { kind = "list" }
  for i = 0, c:rank(a.self) - 1 do
    out[i + 1] = c:op("Gather", { all, i64(c, i) }, { axis = 0 })
  end
  return out
end)
def("select_scatter", "self src dim index", function(c, a)
  local x = c:alias(a.self)
  local part = M.select(c, { x, a.dim, a.index }, {})
  c:assign(part, a.src)
  return c:fresh(x)
end)
def("slice_scatter", "self src dim=0 start=None end=None step=1", function(c, a)
  local x = c:alias(a.self)
  local part = slice(c, x, a.dim, a.start, a["end"], a.step)
  c:assign(part, a.src)
  return c:fresh(x)
end)

-- ---- order -------------------------------------------------------------------------------------

def("topk", "self k dim=-1 largest=True sorted=True", function(c, a)
  local k = is_tensor(a.k) and c:vector { a.k } or i64(c, { a.k })
  return list("tuple", { c:op("TopK", { a.self, k }, { axis = c:axis(a.self, a.dim),
    largest = a.largest and 1 or 0, sorted = a.sorted and 1 or 0 }, 2) })
end)
local function sort(c, a)
  local x, dim, descending = a.self, a.dim, a.descending
  if type(dim) == "boolean" then dim, descending = a.descending, a.last end -- sort.stable
  local axis = c:axis(x, dim)
  local n = c:size(x, axis)
  local source = x.dtype == "bool" and c:cast(x, "i32") or x
  local values, places = c:op("TopK", { source, c:vector { n } },
    { axis = axis, largest = descending and 1 or 0, sorted = 1 }, 2)
  return c:cast(values, x.dtype), places
end
local function sort_arguments(c, args, named)
  local a = { self = args[1], dim = -1, descending = false }
  local rest = {}
  for i = 2, #args do
    -- sort(self, dim, descending), sort(self, stable, dim, descending)
    if not (i == 2 and (type(args[i]) == "boolean" or args[i] == none)) then
      rest[#rest + 1] = args[i]
    end
  end
  if rest[1] ~= nil then a.dim = rest[1] end
  if rest[2] ~= nil then a.descending = rest[2] end
  if named.dim ~= nil then a.dim = named.dim end
  if named.descending ~= nil then a.descending = named.descending end
  return sort(c, a)
end
function M.sort(c, args, named)
  if not is_tensor(args[1]) then
    table.sort(args[1])
    return none
  end
  return list("tuple", { sort_arguments(c, args, named) })
end
function M.argsort(c, args, named)
  local _, places = sort_arguments(c, args, named)
  return places
end
def("kthvalue", "self k dim=-1 keepdim=False", function(c, a)
  local axis = c:axis(a.self, a.dim)
  local values, places = c:op("TopK", { a.self, i64(c, { a.k }) }, { axis = axis, largest = 0 }, 2)
  local at = i64(c, a.keepdim and { a.k - 1 } or a.k - 1)
  return list("tuple", { (c:op("Gather", { values, at }, { axis = axis })),
    (c:op("Gather", { places, at }, { axis = axis })) })
end)
def("median nanmedian", "self dim=None keepdim=False", function(c, a)
  local x, dim = a.self, a.dim
  if dim == none then
    x = c:reshape(x, { -1 })
    local n = known_size(c, x, 0)
    return M.kthvalue(c, { x, (n + 1) // 2, 0 }, {})[1]
  end
  local n = known_size(c, x, c:axis(x, dim))
  return M.kthvalue(c, { x, (n + 1) // 2, dim, a.keepdim }, {})
end)

return { ops = M, slice = slice, i64 = i64, permute = permute, known_size = known_size }
