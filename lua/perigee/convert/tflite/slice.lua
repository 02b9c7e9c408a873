--- Parts of a tensor.
local shape = require "perigee.convert.tflite.shape"

local M = {}

function M.SLICE(s, node)
  local b = s.b
  local begin, begins = shape.i64_of(s, node, 2)
  local size, sizes = shape.i64_of(s, node, 3)
  local rank = s:need(node, 1).rank
  local axes = {}
  for i = 1, rank do axes[i] = i - 1 end
  if begins and sizes then
    local ends = {}
    if #begins ~= rank or #sizes ~= rank then s:bad("a slice of %d axes for rank %d", #begins,
      rank) end
    for i = 1, rank do ends[i] = sizes[i] < 0 and math.maxinteger or begins[i] + sizes[i] end
    return s:set(node, 1, b:slice(s:x(node, 1), axes, begins, ends))
  end
  local finish = b:op("Where", { b:op("Less", { size, b:constant(0, "i64") }),
    b:constant(math.maxinteger, "i64"), b:op("Add", { begin, size }) })
  s:set(node, 1, b:op("Slice", { s:x(node, 1), begin, finish, b:i64(axes) }))
end

local function bit(mask, i) return mask & (1 << i) ~= 0 end

--- What each position of begin, end and stride means, by TensorFlow's masks: the axis of the
--- input, or a new one, or one that goes.
local function plan(s, o, n, rank)
  local new_axes = 0
  for i = 0, n - 1 do
    if bit(o.new_axis_mask, i) and not bit(o.ellipsis_mask, i) then new_axes = new_axes + 1 end
  end
  local steps, axis, has_ellipsis = {}, 0, false
  for i = 0, n - 1 do
    if bit(o.ellipsis_mask, i) and not has_ellipsis then
      has_ellipsis = true
      axis = axis + rank - (n - 1 - new_axes)
    elseif bit(o.new_axis_mask, i) then
      steps[#steps + 1] = { position = i, is_new = true, axis = axis }
    else
      if axis >= rank then s:bad("a slice of more than %d axes", rank) end
      steps[#steps + 1] = { position = i, axis = axis, shrinks = bit(o.shrink_axis_mask, i) }
      axis = axis + 1
    end
  end
  return steps
end

local function element(s, x, i) return s.b:slice(x, { 0 }, { i }, { i + 1 }) end

--- Where axes go in and out: those that shrink, and new ones in the places of the result.
local function reshape_axes(s, y, steps, rank)
  local gone, by_axis = {}, {}
  for _, step in ipairs(steps) do
    by_axis[step.axis] = by_axis[step.axis] or {}
    table.insert(by_axis[step.axis], step)
    if step.shrinks then gone[#gone + 1] = step.axis end
  end
  if #gone > 0 then y = s.b:op("Squeeze", { y, s.b:i64(gone) }) end
  local new, at = {}, 0
  for axis = 0, rank do
    local stays = axis < rank
    for _, step in ipairs(by_axis[axis] or {}) do
      if step.is_new then
        new[#new + 1] = at
        at = at + 1
      elseif step.shrinks then
        stays = false
      end
    end
    if stays then at = at + 1 end
  end
  return #new > 0 and s.b:op("Unsqueeze", { y, s.b:i64(new) }) or y
end

function M.STRIDED_SLICE(s, node)
  local b, o, t = s.b, node.o, s:need(node, 1)
  local x = s:x(node, 1)
  local begin, begins = shape.i64_of(s, node, 2)
  local finish, ends = shape.i64_of(s, node, 3)
  local _, strides = shape.i64_of(s, node, 4)
  if not strides then return s:unsupported "STRIDED_SLICE with strides that are not constant" end
  local steps = plan(s, o, #strides, t.rank)
  local axes, from, to, by, is_constant = {}, {}, {}, {}, begins ~= nil and ends ~= nil
  local from_values, to_values = {}, {}
  for _, step in ipairs(steps) do
    if not step.is_new then
      local i, p = #axes + 1, step.position
      local stride = strides[p + 1]
      if stride == 0 then s:bad "a stride of 0" end
      axes[i], by[i] = step.axis, stride
      if is_constant then
        local first, last = begins[p + 1], ends[p + 1]
        if o.offset == true then last = first + last end
        if bit(o.begin_mask, p) then first = stride > 0 and 0 or math.maxinteger end
        if bit(o.end_mask, p) then last = stride > 0 and math.maxinteger or math.mininteger end
        if step.shrinks then
          if bit(o.begin_mask, p) then first = begins[p + 1] end
          by[i], last = 1, first == -1 and math.maxinteger or first + 1
        elseif stride < 0 and not bit(o.end_mask, p) and t.shape[step.axis + 1] >= 0
          and last < -t.shape[step.axis + 1] then
          last = math.mininteger
        end
        from[i], to[i] = first, last
      else
        local first, last = element(s, begin, p), element(s, finish, p)
        if o.offset == true then last = b:op("Add", { first, last }) end
        if step.shrinks then
          by[i] = 1
          local behind = b:op("Add", { first, b:i64 { 1 } })
          last = b:op("Where", { b:op("Equal", { behind, b:i64 { 0 } }), b:i64 { math.maxinteger },
            behind })
        else
          if bit(o.begin_mask, p) then first = b:i64 { stride > 0 and 0 or math.maxinteger } end
          if bit(o.end_mask, p) then last = b:i64 { stride > 0 and math.maxinteger
            or math.mininteger } end
        end
        from_values[i], to_values[i] = first, last
      end
    end
  end
  local y = x
  if #axes > 0 then
    if is_constant then
      y = b:slice(x, axes, from, to, by)
    else
      y = b:op("Slice", { x, b:op("Concat", from_values, { axis = 0 }),
        b:op("Concat", to_values, { axis = 0 }), b:i64(axes), b:i64(by) })
    end
  end
  y = reshape_axes(s, y, steps, t.rank)
  s:set(node, 1, y == x and b:identity(x) or y)
end

--- Writes `update` at a place, which is brought inside.
function M.DYNAMIC_UPDATE_SLICE(s, node)
  local b, t = s.b, s:need(node, 1)
  local x, update = s:x(node, 1), s:x(node, 2)
  local start = shape.i64_of(s, node, 3)
  local x_shape, u_shape = b:op("Shape", { x }), b:op("Shape", { update })
  local room = b:op("Sub", { x_shape, u_shape })
  start = b:op("Max", { b:op("Min", { start, room }), b:constant(0, "i64") })
  local grid -- [u..., rank]: the place of each element
  if t.rank == 0 then return s:set(node, 1, b:identity(update)) end
  local parts = {}
  for axis = 0, t.rank - 1 do
    local size = b:reshape(b:slice(u_shape, { 0 }, { axis }, { axis + 1 }), {})
    local range = b:op("Range", { b:constant(0, "i64"), size, b:constant(1, "i64") })
    range = b:op("Add", { range, b:slice(start, { 0 }, { axis }, { axis + 1 }) })
    local form = {}
    for i = 1, t.rank do form[i] = i - 1 == axis and -1 or 1 end
    range = b:op("Expand", { b:reshape(range, form), u_shape })
    parts[axis + 1] = b:op("Unsqueeze", { range, b:i64 { -1 } })
  end
  grid = b:op("Concat", parts, { axis = -1 })
  s:set(node, 1, b:op("ScatterND", { x, grid, update }))
end

return M
