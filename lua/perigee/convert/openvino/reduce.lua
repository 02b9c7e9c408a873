--- Sums, means and the like over axes; TopK; Unique; NonZero.
local M = {}

local function reduce(type)
  return function(c, L)
    local attrs = { keepdims = c:bool(L, "keep_dims", false) and 1 or 0 }
    local axes = c:numbers(L, 2)
    if axes and #axes == 0 then attrs.noop_with_empty_axes = 1 end
    local list = axes and c:i64(axes) or c:as_i64(L, 2)
    if not axes and c:rank(L, 2) == 0 then list = c:reshape(list, { 1 }) end
    return c:op(type, { c:x(L, 1), list }, attrs)
  end
end

for ours, theirs in pairs {
  ReduceSum = "ReduceSum", ReduceMean = "ReduceMean", ReduceMax = "ReduceMax",
  ReduceMin = "ReduceMin", ReduceProd = "ReduceProd", ReduceL1 = "ReduceL1",
  ReduceL2 = "ReduceL2",
} do
  M[ours] = reduce(theirs)
end

--- Of truths, as the greatest and the least of 0 and 1.
local function logical(type)
  local inner = reduce(type)
  return function(c, L)
    local dtype, x = c:type_of(L, 1), L.x[1]
    local kept = L.x
    L.x = setmetatable({ c:op("Cast", { x }, { to = "u8" }) }, { __index = kept })
    local y = inner(c, L)
    L.x = kept
    return c:op("Cast", { y }, { to = dtype })
  end
end
M.ReduceLogicalAnd, M.ReduceLogicalOr = logical "ReduceMin", logical "ReduceMax"

--- k as i64 [1].
local function count(c, L, i)
  return c:reshape(c:as_i64(L, i), { 1 })
end

function M.TopK(c, L)
  local x, axis = c:x(L, 1), c:axis(L, c:int(L, "axis", -1), c:rank(L, 1))
  local largest = c:word(L, "mode", "max") == "max" and 1 or 0
  local sort = c:word(L, "sort", "value")
  local values, places = c:op("TopK", { x, count(c, L, 2) },
    { axis = axis, largest = largest, sorted = 1 }, 2)
  if sort == "index" then
    -- In the order of their places: sort the places, then take their elements.
    places = c:op("TopK", { places, (c:slice(c:shape_of(places), { 0 }, { axis }, { axis + 1 })) },
      { axis = axis, largest = 0, sorted = 1 }, 2)
    values = c:op("GatherElements", { x, places }, { axis = axis })
  end
  local dtype = L.outputs[2] and L.outputs[2].dtype
    or c:dtype(L, "index_element_type", "i32")
  return values, L.outputs[2] and c:cast(places, "i64", dtype)
end

function M.NonZero(c, L)
  return c:cast(c:op("NonZero", { c:x(L, 1) }), "i64", c:dtype(L, "output_type", "i64"))
end

--- Values, first places, places of all among them, how often each: as ONNX, but for types.
function M.Unique(c, L)
  local axis
  if L.x[2] then
    local list = c:need_numbers(L, 2, "axis")
    if not list then return end
    axis = list[1]
  end
  local index_type = c:dtype(L, "index_element_type", "i64")
  local count_type = c:dtype(L, "count_element_type", "i64")
  local values, first, inverse, counts = c:op("Unique", { c:x(L, 1) },
    { axis = axis, sorted = c:bool(L, "sorted", true) and 1 or 0 }, 4)
  return values, c:cast(first, "i64", index_type), c:cast(inverse, "i64", index_type),
    c:cast(counts, "i64", count_type)
end

return M
