--- Gathering, scattering, one-hot, embeddings, buckets.
local M = {}

function M.Gather(c, L)
  local list = c:need_numbers(L, 3, "axis")
  if not list then return end
  local rank, x, indices = c:rank(L, 1), c:x(L, 1), c:x(L, 2)
  local axis = c:axis(L, list[1] or c:fail(L, "no axis"), rank)
  local batch = c:int(L, "batch_dims", 0)
  local index_rank = c:rank(L, 2)
  if batch < 0 then batch = batch + index_rank end
  if c:type_of(L, 2) ~= "i32" then indices = c:as_i64(L, 2) end
  if batch == 0 then return c:op("Gather", { x, indices }, { axis = axis }) end
  -- With batches: bring the axis behind them, gather rows, and bring what was gathered back.
  if batch > axis or batch > index_rank then c:fail(L, "batch_dims %d of axis %d", batch, axis) end
  local n_rest, n_index = rank - batch - 1, index_rank - batch
  local front = { }
  for i = 0, batch - 1 do front[#front + 1] = i end
  front[#front + 1] = axis
  for i = batch, rank - 1 do
    if i ~= axis then front[#front + 1] = i end
  end
  if axis ~= batch then x = c:transpose(x, front) end
  -- GatherND knows no places counted from the end.
  local size = c:slice(c:shape_of(c:x(L, 1)), { 0 }, { axis }, { axis + 1 })
  indices = c:cast(indices, c:type_of(L, 2) == "i32" and "i32" or "i64", "i64")
  local wrapped = c:op("Where", { (c:op("Less", { indices, c:constant(0, "i64") })),
    (c:op("Add", { indices, size })), indices })
  local y = c:op("GatherND", { x, c:unsqueeze(wrapped, { index_rank }) }, { batch_dims = batch })
  if axis == batch then return y end
  -- y: batches, indices, axes before, axes behind
  local perm, between = {}, axis - batch
  for i = 0, batch - 1 do perm[#perm + 1] = i end
  for i = 0, between - 1 do perm[#perm + 1] = batch + n_index + i end
  for i = 0, n_index - 1 do perm[#perm + 1] = batch + i end
  for i = between, n_rest - 1 do perm[#perm + 1] = batch + n_index + i end
  return c:transpose(y, perm)
end

function M.GatherElements(c, L)
  return c:op("GatherElements", { c:x(L, 1), c:x(L, 2) }, { axis = c:int(L, "axis", 0) })
end

--- Version 5 makes one axis of the batches, version 8 leaves them.
function M.GatherND(c, L)
  local batch = c:int(L, "batch_dims", 0)
  local y = c:op("GatherND", { c:x(L, 1), c:as_i64(L, 2) }, { batch_dims = batch })
  if L.opset >= 8 or batch < 2 then return y end
  local tail, index = {}, c:dims(L, 2)
  local depth = index[#index]
  if depth < 0 then return c:unsupported(L, "with indices of free depth") end
  for i = batch + 1, #index - 1 do tail[#tail + 1] = index[i] end
  for i = batch + depth + 1, c:rank(L, 1) do tail[#tail + 1] = c:dims(L, 1)[i] end
  if not c:count(tail) then return c:unsupported(L, "with batches and free sizes") end
  table.insert(tail, 1, -1)
  return c:reshape(y, tail)
end

--- data, indices of any shape, updates, axis: whole slices are replaced.
function M.ScatterUpdate(c, L)
  local list = c:need_numbers(L, 4, "axis")
  if not list then return end
  local rank, index_rank = c:rank(L, 1), c:rank(L, 2)
  local axis = c:axis(L, list[1] or c:fail(L, "no axis"), rank)
  local perm, back = { axis }, {}
  for i = 0, rank - 1 do
    if i ~= axis then perm[#perm + 1] = i end
  end
  for i, a in ipairs(perm) do back[a + 1] = i - 1 end
  local x, updates = c:x(L, 1), c:x(L, 3)
  if axis ~= 0 then
    x = c:transpose(x, perm)
    local order = {}
    for i = 0, index_rank - 1 do order[#order + 1] = axis + i end
    for i = 0, axis - 1 do order[#order + 1] = i end
    for i = axis + index_rank, rank + index_rank - 2 do order[#order + 1] = i end
    updates = c:transpose(updates, order)
  end
  local y = c:op("ScatterND", { x, c:unsqueeze(c:as_i64(L, 2), { index_rank }), updates })
  return axis ~= 0 and c:transpose(y, back) or y
end

local reductions = { none = "none", sum = "add", sub = "sub", prod = "mul", min = "min", max = "max" }

function M.ScatterNDUpdate(c, L)
  local how = c:word(L, "reduction", "none")
  local updates = c:x(L, 3)
  if how == "sub" then
    how, updates = "sum", c:op("Neg", { updates })
  end
  return c:op("ScatterND", { c:x(L, 1), c:as_i64(L, 2), updates },
    { reduction = reductions[how] or c:fail(L, "reduction '%s'", how) })
end

function M.ScatterElementsUpdate(c, L)
  local list = c:need_numbers(L, 4, "axis")
  if not list then return end
  local how, rank = c:word(L, "reduction", "none"), c:rank(L, 1)
  local axis = c:axis(L, list[1] or c:fail(L, "no axis"), rank)
  local x, indices, updates = c:x(L, 1), c:as_i64(L, 2), c:x(L, 3)
  local attrs = { axis = axis, reduction = reductions[how] }
  if how ~= "mean" and not attrs.reduction then c:fail(L, "reduction '%s'", how) end
  if how == "none" then attrs.reduction = nil end
  if how ~= "none" and not c:bool(L, "use_init_val", true) then
    -- What is written to starts from what changes nothing.
    local neutral = { sum = 0, prod = 1, mean = 0, min = math.huge, max = -math.huge }
    local dtype = c:type_of(L, 1)
    if not dtype:find "f" and (how == "min" or how == "max") then
      return c:unsupported(L, "of whole numbers without its initial values")
    end
    local start = c:op("Expand", { c:constant(neutral[how], dtype), c:shape_of(updates) })
    x = c:op("ScatterElements", { x, indices, start }, { axis = axis })
  end
  if how ~= "mean" then return c:op("ScatterElements", { x, indices, updates }, attrs) end
  local dtype = c:type_of(L, 1)
  local sum = c:op("ScatterElements", { x, indices, updates }, { axis = axis, reduction = "add" })
  local has_start = c:bool(L, "use_init_val", true)
  local zeros = c:op("Expand", { c:constant(has_start and 1 or 0, dtype), c:shape_of(x) })
  local ones = c:op("Expand", { c:constant(1, dtype), c:shape_of(updates) })
  local n = c:op("ScatterElements", { zeros, indices, ones }, { axis = axis, reduction = "add" })
  if not has_start then n = c:op("Max", { n, c:constant(1, dtype) }) end
  if dtype:find "^i" then
    sum = c:op("Sub", { sum, (c:op("Mod", { sum, n })) })
  end
  return c:op("Div", { sum, n })
end

function M.OneHot(c, L)
  local dtype = c:type_of(L, 3)
  local values = c:op("Concat", { c:reshape(c:x(L, 4), { 1 }), (c:reshape(c:x(L, 3), { 1 })) },
    { axis = 0 })
  local known, depth = c:numbers(L, 2), c:as_i64(L, 2)
  local axis, indices = c:int(L, "axis"), c:as_i64(L, 1)
  if c:word(L, "negative_indices_mode", "ignore_negative") == "ignore_negative" then
    -- ONNX counts negative places from the end; here they are off.
    local size = known and c:constant(known[1], "i64") or depth
    indices = c:op("Where", { (c:op("Less", { indices, c:constant(0, "i64") })), size, indices })
  end
  return c:op("OneHot", { indices, depth, values }, { axis = axis }), dtype
end

function M.Bucketize(c, L)
  local dtype = c:dtype(L, "output_type", "i64")
  local right = c:bool(L, "with_right_bound", true)
  local n, x = c:dims(L, 2)[1], c:unsqueeze(c:x(L, 1), { c:rank(L, 1) })
  if n == 0 then
    return c:op("Cast", { (c:op("Mul", { c:as_i64(L, 1), c:constant(0, "i64") })) }, { to = dtype })
  end
  local from = c:type_of(L, 1)
  local buckets = c:x(L, 2)
  if from ~= c:type_of(L, 2) then
    x, buckets = c:cast(x, from, "f64"), c:cast(buckets, c:type_of(L, 2), "f64")
  end
  local above = c:op(right and "Greater" or "GreaterOrEqual", { x, buckets })
  local ones = c:op("Cast", { above }, { to = dtype })
  return c:op("ReduceSum", { ones, c:i64 { -1 } }, { keepdims = 0 })
end

--- The place where values would be put into sorted rows.
function M.SearchSorted(c, L)
  local dtype = L.outputs[1] and L.outputs[1].dtype or "i64"
  local right = c:bool(L, "right_mode", false)
  local rows, values = c:x(L, 1), c:x(L, 2)
  local rank_rows, rank_values = c:rank(L, 1), c:rank(L, 2)
  values = c:unsqueeze(values, { rank_values })
  if rank_rows > 1 then rows = c:unsqueeze(rows, { rank_rows - 1 }) end
  local below = c:op(right and "LessOrEqual" or "Less", { rows, values })
  return c:op("ReduceSum", { (c:op("Cast", { below }, { to = dtype })), c:i64 { -1 } }, { keepdims = 0 })
end

-- ---- embeddings -------------------------------------------------------------------------------

--- Sums of rows in bags that are told by a matrix of which index is in which bag.
local function bags(c, L, rows, weights, member, mean)
  local dtype, rank = c:type_of(L, 1), c:rank(L, 1)
  if weights then
    local axes = {}
    for i = 1, rank - 1 do axes[i] = i end
    rows = c:op("Mul", { rows, #axes > 0 and c:unsqueeze(weights, axes) or weights })
  end
  local flags = c:op("Cast", { member }, { to = dtype })
  local letters = ("cdefghijklm"):sub(1, rank - 1)
  local sums = c:op("Einsum", { flags, rows }, { equation = ("ab,b%s->a%s"):format(letters, letters) })
  if not mean then return sums end
  local n = c:op("ReduceSum", { flags, c:i64 { 1 } }, { keepdims = 1 })
  n = c:op("Max", { n, c:constant(1, dtype) })
  if rank > 2 then
    local axes = {}
    for i = 1, rank - 2 do axes[i] = 1 + i end
    n = c:unsqueeze(n, axes)
  end
  return c:op("Div", { sums, n })
end

--- Empty bags take the default row; without one they are zero.
local function with_default(c, L, sums, member, i)
  local row = L.x[i]
  if not row then return sums end
  local rank = c:rank(L, 1)
  local empty = c:op("ReduceMax", { (c:op("Cast", { member }, { to = "u8" })), c:i64 { 1 } }, { keepdims = 1 })
  empty = c:op("Equal", { empty, c:constant(0, "u8") })
  if rank > 2 then
    local axes = {}
    for j = 1, rank - 2 do axes[j] = 1 + j end
    empty = c:unsqueeze(empty, axes)
  end
  local index = c:as_i64(L, i)
  if c:rank(L, i) > 0 then index = c:reshape(index, {}) end
  local known = c:numbers(L, i)
  if known and known[1] == -1 then return sums end
  return c:op("Where", { empty, (c:op("Gather", { c:x(L, 1), index }, { axis = 0 })), sums })
end

--- From where each bag begins: index j is in bag i when offsets[i] <= j < offsets[i + 1].
local function offsets(c, L)
  local mean = c:word(L, "reduction", "sum") == "mean"
  local first = c:as_i64(L, 3)
  local n = c:shape_of(c:x(L, 2))
  local total = c:reshape(n, {})
  local places = c:op("Range", { c:constant(0, "i64"), total, c:constant(1, "i64") })
  local last = c:op("Concat", { c:slice(first, { 0 }, { 1 }, { math.maxinteger }), n }, { axis = 0 })
  local member = c:op("And", { (c:op("GreaterOrEqual", { places, c:unsqueeze(first, { 1 }) })),
    (c:op("Less", { places, c:unsqueeze(last, { 1 }) })) })
  local rows = c:op("Gather", { c:x(L, 1), c:as_i64(L, 2) }, { axis = 0 })
  local sums = bags(c, L, rows, L.x[5], member, mean)
  return with_default(c, L, sums, member, 4)
end
M.EmbeddingBagOffsetsSum, M.EmbeddingBagOffsets = offsets, offsets

local function packed(c, L)
  local rows = c:op("Gather", { c:x(L, 1), c:as_i64(L, 2) }, { axis = 0 })
  if L.x[3] then
    local axes = {}
    for i = 1, c:rank(L, 1) - 1 do axes[i] = 1 + i end
    rows = c:op("Mul", { rows, c:unsqueeze(L.x[3], axes) })
  end
  local mean = c:word(L, "reduction", "sum") == "mean"
  return c:op(mean and "ReduceMean" or "ReduceSum", { rows, c:i64 { 1 } }, { keepdims = 0 })
end
M.EmbeddingBagPackedSum, M.EmbeddingBagPacked = packed, packed

function M.EmbeddingSegmentsSum(c, L)
  local segments = c:as_i64(L, 3)
  local n = c:as_i64(L, 4)
  if c:rank(L, 4) > 0 then n = c:reshape(n, {}) end
  local bag = c:op("Range", { c:constant(0, "i64"), n, c:constant(1, "i64") })
  local member = c:op("Equal", { c:unsqueeze(bag, { 1 }), segments })
  local rows = c:op("Gather", { c:x(L, 1), c:as_i64(L, 2) }, { axis = 0 })
  return with_default(c, L, bags(c, L, rows, L.x[6], member, false), member, 5)
end

return M
