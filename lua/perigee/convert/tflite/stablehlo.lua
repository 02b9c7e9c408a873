--- StableHLO's operators where TensorFlow Lite has a kernel for them, composites by their
--- decomposition, and the window operators that came with them.
local binary = require "perigee.convert.tflite.binary"
local control = require "perigee.convert.tflite.control"
local quant = require "perigee.convert.tflite.quant"
local unary = require "perigee.convert.tflite.unary"

local M = {
  STABLEHLO_ADD = binary.ADD, STABLEHLO_MULTIPLY = binary.MUL, STABLEHLO_SUBTRACT = binary.SUB,
  STABLEHLO_DIVIDE = binary.DIV, STABLEHLO_MAXIMUM = binary.MAXIMUM,
  STABLEHLO_MINIMUM = binary.MINIMUM, STABLEHLO_POWER = binary.POW,
  STABLEHLO_LOGISTIC = unary.LOGISTIC, STABLEHLO_TANH = unary.TANH, STABLEHLO_ABS = unary.ABS,
  STABLEHLO_EXPONENTIAL = unary.EXP, STABLEHLO_LOG = unary.LOG, STABLEHLO_FLOOR = unary.FLOOR,
  STABLEHLO_COSINE = unary.COS, STABLEHLO_RSQRT = unary.RSQRT, STABLEHLO_NEGATE = unary.NEG,
  STABLEHLO_CONVERT = unary.CAST, STABLEHLO_WHILE = control.WHILE,
}

function M.STABLEHLO_CBRT(s, node)
  local b, x = s.b, s:x(node, 1)
  local root = b:op("Pow", { b:op("Abs", { x }), b:constant(1 / 3, "f32") })
  s:set(node, 1, b:op("Mul", { b:op("Sign", { x }), root }))
end

function M.STABLEHLO_RESHAPE(s, node)
  s:set(node, 1, s.b:reshape(s:x(node, 1), s:out_t(node).shape))
end

function M.STABLEHLO_TRANSPOSE(s, node)
  s:set(node, 1, s.b:transpose(s:x(node, 1), node.o.permutation))
end

function M.STABLEHLO_CONCATENATE(s, node)
  local list = {}
  for i = 1, #node.inputs do list[i] = s:x(node, i) end
  s:set(node, 1, s.b:op("Concat", list, { axis = node.o.dimension }))
end

function M.STABLEHLO_SELECT(s, node)
  s:set(node, 1, s.b:op("Where", { s:x(node, 1), s:x(node, 2), s:x(node, 3) }))
end

function M.STABLEHLO_CLAMP(s, node)
  local b = s.b
  s:set(node, 1, b:op("Min", { b:op("Max", { s:x(node, 2), s:x(node, 1) }), s:x(node, 3) }))
end

local function logical(boolean, bitwise)
  return function(s, node)
    local t = s:need(node, 1)
    s:set(node, 1, s.b:op(t.dtype == "bool" and boolean or bitwise, { s:x(node, 1), s:x(node, 2) }))
  end
end

M.STABLEHLO_AND, M.STABLEHLO_OR = logical("And", "BitwiseAnd"), logical("Or", "BitwiseOr")

function M.STABLEHLO_SHIFT_LEFT(s, node)
  s:set(node, 1, s.b:op("BitShift", { s:x(node, 1), s:x(node, 2) }, { direction = "LEFT" }))
end

function M.STABLEHLO_REMAINDER(s, node)
  s:set(node, 1, s.b:op("Mod", { s:x(node, 1), s:x(node, 2) }, { fmod = 1 }))
end

local comparisons = { [0] = "Equal", "NotEqual", "GreaterOrEqual", "Greater", "LessOrEqual",
  "Less" }

function M.STABLEHLO_COMPARE(s, node)
  local type = comparisons[node.o.comparison_direction]
  if not type then s:bad("comparison %d", node.o.comparison_direction) end
  local x = { s:x(node, 1), s:x(node, 2) }
  s:set(node, 1, type == "NotEqual" and s.b:op("Not", { s.b:op("Equal", x) }) or s.b:op(type, x))
end

function M.STABLEHLO_SLICE(s, node)
  local o, axes = node.o, {}
  for i = 1, #o.start_indices do axes[i] = i - 1 end
  s:set(node, 1, s.b:slice(s:x(node, 1), axes, o.start_indices, o.limit_indices, o.strides))
end

function M.STABLEHLO_BROADCAST_IN_DIM(s, node)
  local out, t, b = s:out_t(node), s:need(node, 1), s.b
  local dims = s:ints(node, 2) or node.o.broadcast_dimensions
  local form = {}
  for i = 1, out.rank do form[i] = 1 end
  for i, axis in ipairs(dims) do form[axis + 1] = t.shape[i] end
  s:set(node, 1, b:op("Expand", { b:reshape(s:x(node, 1), form), b:i64(out.shape) }))
end

function M.STABLEHLO_IOTA(s, node)
  local out, b = s:out_t(node), s.b
  local axis = node.o.iota_dimension
  local form = {}
  for i = 1, out.rank do form[i] = i - 1 == axis and -1 or 1 end
  local range = b:op("Range", { b:constant(0, "i64"), b:constant(out.shape[axis + 1], "i64"),
    b:constant(1, "i64") })
  local y = b:op("Expand", { b:reshape(range, form), b:i64(out.shape) })
  s:set(node, 1, quant.cast(s, y, out.dtype))
end

--- Negative paddings cut; interior ones go between the elements.
function M.STABLEHLO_PAD(s, node)
  local o, b, t = node.o, s.b, s:need(node, 1)
  local x, value = s:x(node, 1), b:reshape(s:x(node, 2), {})
  for axis, inside in ipairs(o.interior_padding) do
    if inside > 0 then x = M.spread(s, x, t.rank, axis - 1, inside + 1, value) end
  end
  local pads = table.move(o.edge_padding_high, 1, t.rank, t.rank + 1,
    { table.unpack(o.edge_padding_low) })
  s:set(node, 1, b:op("Pad", { x, b:i64(pads), value }))
end

--- `by` - 1 values between neighbours along an axis.
function M.spread(s, x, rank, axis, by, value)
  local b = s.b
  local pads = {}
  for i = 1, 2 * (rank + 1) do pads[i] = 0 end
  pads[rank + 1 + axis + 2] = by - 1
  local y = b:op("Pad", { b:op("Unsqueeze", { x, b:i64 { axis + 1 } }), b:i64(pads), value })
  -- [.., n, by, ..] -> [.., n * by, ..], without what is behind the last.
  local shape = b:op("Shape", { x })
  local n = b:op("Mul", { b:slice(shape, { 0 }, { axis }, { axis + 1 }), b:i64 { by } })
  local parts = {}
  if axis > 0 then parts[#parts + 1] = b:slice(shape, { 0 }, { 0 }, { axis }) end
  parts[#parts + 1] = n
  if axis + 1 < rank then parts[#parts + 1] = b:slice(shape, { 0 }, { axis + 1 }, { rank }) end
  y = b:op("Reshape", { y, b:op("Concat", parts, { axis = 0 }) })
  return b:slice(y, { axis }, { 0 }, { -(by - 1) })
end

function M.DILATE(s, node)
  local t, by = s:need(node, 1), s:ints(node, 2)
  if not by then return s:unsupported "DILATE by what is not constant" end
  local x, value = s:x(node, 1), s.b:reshape(s:x(node, 3), {})
  for axis, factor in ipairs(by) do
    if factor < 1 then s:bad("a factor of %d", factor) end
    if factor > 1 then x = M.spread(s, x, t.rank, axis - 1, factor, value) end
  end
  s:set(node, 1, x)
end

--- Clamped starts, one input for each axis.
function M.STABLEHLO_DYNAMIC_SLICE(s, node)
  local b, t, sizes = s.b, s:need(node, 1), node.o.slice_sizes
  local starts, axes = {}, {}
  for i = 1, t.rank do
    starts[i] = b:reshape(quant.cast(s, s:x(node, 1 + i), "i64"), { 1 })
    axes[i] = i - 1
  end
  local start = b:op("Concat", starts, { axis = 0 })
  local room = b:op("Sub", { b:op("Shape", { s:x(node, 1) }), b:i64(sizes) })
  start = b:op("Max", { b:op("Min", { start, room }), b:constant(0, "i64") })
  s:set(node, 1, b:op("Slice", { s:x(node, 1), start, b:op("Add", { start, b:i64(sizes) }),
    b:i64(axes) }))
end

function M.STABLEHLO_COMPOSITE(s, node)
  local inputs = {}
  for i = 1, #node.inputs do inputs[i] = s:x(node, i) end
  local outputs = s.model:inline(node.o.decomposition_subgraph_index, s.b, s.depth + 1, inputs)
  for i = 1, #node.outputs do s:set(node, i, outputs[i]) end
end


return M
