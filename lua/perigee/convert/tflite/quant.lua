--- Nodes that quantised operators share, and activations. Functions take the scope first.
local fixed = require "perigee.convert.tflite.fixed"
local pg_tensor = require "perigee.tensor"

local M = {}

M.number = { f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, string = 8, bool = 9,
  f16 = 10, f64 = 11, u32 = 12, u64 = 13, c64 = 14, c128 = 15, bf16 = 16 }

local OWN = { domain = "perigee.tflite" }

function M.cast(s, x, dtype)
  return s.b:op("Cast", { x }, { to = M.number[dtype] })
end

--- perigee.tflite Rescale. o: multiplier, shift (numbers or lists), in_zero, left, zero, low, high,
--- to, bias (a value of i64), axis, rounding.
function M.rescale(s, x, o)
  local multiplier = type(o.multiplier) == "table" and o.multiplier or { o.multiplier }
  local shift = type(o.shift) == "table" and o.shift or { o.shift }
  local inputs = { x, s.b:constant(pg_tensor.new(multiplier, "i32")),
    s.b:constant(pg_tensor.new(shift, "i32")), o.bias }
  return s.b:op("Rescale", inputs, {
    axis = o.axis or -1, in_zero = o.in_zero or 0, left = o.left or 0, zero = o.zero or 0,
    low = o.low, high = o.high, to = M.number[o.to], rounding = o.rounding or "double",
  }, nil, OWN)
end

--- By one factor, between the zero points of two tensors.
function M.rescale_by(s, x, factor, o)
  o.multiplier, o.shift = fixed.multiplier(factor)
  return M.rescale(s, x, o)
end

--- list[x - low] for a value of 8 or 16 bits.
function M.lookup(s, x, input, list, dtype)
  local low = input:limits()
  local table_name = s.b:constant(pg_tensor.new(list, dtype))
  local index = M.cast(s, x, "i32")
  if low ~= 0 then index = s.b:op("Sub", { index, s.b:constant(low, "i32") }) end
  return s.b:op("Gather", { table_name, index }, { axis = 0 })
end

--- A real number of a quantised one: scale * (x - zero), per tensor.
function M.dequantize(s, x, tensor)
  local y = M.cast(s, x, "f32")
  if tensor.zero ~= 0 then y = s.b:op("Sub", { y, s.b:constant(tensor.zero + 0.0, "f32") }) end
  return s.b:op("Mul", { y, s.b:constant(tensor.scale, "f32") })
end

--- Halves away from zero, as C's round: Round takes them to even.
function M.round(s, x)
  local half = s.b:op("Add", { s.b:op("Abs", { x }), s.b:constant(0.5, "f32") })
  return s.b:op("Mul", { s.b:op("Sign", { x }), s.b:op("Floor", { half }) })
end

function M.quantize(s, x, tensor)
  local low, high = tensor:limits()
  local q = M.round(s, s.b:op("Div", { x, s.b:constant(tensor.scale, "f32") }))
  q = s.b:op("Add", { q, s.b:constant(tensor.zero + 0.0, "f32") })
  return M.cast(s, s.b:clip(q, low + 0.0, high + 0.0), tensor.dtype)
end

--- An activation behind a float operator.
function M.activate(s, x, activation)
  if activation == 0 then return x end
  if activation == 1 then return s.b:op("Relu", { x }) end
  if activation == 2 then return s.b:clip(x, -1, 1) end
  if activation == 3 then return s.b:clip(x, 0, 6) end
  if activation == 4 then return s.b:op("Tanh", { x }) end
  s:unsupported(("fused activation %d"):format(activation))
  return x
end

--- The same for integers that have no scale.
function M.activate_integer(s, x, activation, dtype)
  if activation == 0 then return x end
  local ranges = { [1] = { 0 }, [2] = { -1, 1 }, [3] = { 0, 6 } }
  local range = ranges[activation]
  if not range then
    s:unsupported(("fused activation %d of integers"):format(activation))
    return x
  end
  return s.b:op("Clip", { x, s.b:constant(range[1], dtype),
    range[2] and s.b:constant(range[2], dtype) or nil })
end

--- The range of a quantised output; an unsupported activation is noted.
function M.range(s, activation, tensor)
  local low, high = fixed.range(activation, tensor)
  if not low then
    s:unsupported(("fused activation %d of a quantised output"):format(activation))
    return tensor:limits()
  end
  return low, high
end

--- The layout in which an operator on elements is done, and its inputs there: channels first when
--- one of them is only there so and the others can follow.
function M.together(s, node, count)
  local is_first, rank = false, nil
  for i = 1, count do
    if s:is_first(node, i) then
      is_first = true
      rank = s:need(node, i).rank
    end
  end
  for i = 1, count do
    local t = s:need(node, i)
    if is_first and t.rank ~= rank and not (t.rank == 0 or t.rank == 1) then is_first = false end
  end
  local names = {}
  for i = 1, count do
    local t = s:need(node, i)
    if is_first and t.rank == rank then
      names[i] = s:x(node, i, "first")
    else
      names[i] = s:x(node, i)
      if is_first and t.rank == 1 and t.shape[1] ~= 1 then
        local shape = { t.shape[1] }
        for axis = 2, rank - 1 do shape[axis] = 1 end
        names[i] = s.b:reshape(names[i], shape)
      end
    end
  end
  return is_first and "first" or nil, names
end

--- Rows of f32 quantised to 8 bits and back, as hybrid kernels do on the fly; `axes` leading axes
--- tell the rows.
function M.requantize_rows(s, x, axes, asymmetric)
  return s.b:op("RequantizeRows", { x }, { axes = axes, asymmetric = asymmetric and 1 or 0 }, nil,
    OWN)
end

--- The weights of a hybrid operator as f32, in the file's layout.
function M.dequantize_weights(s, x, tensor)
  if tensor.dtype == "f32" then return x end
  if tensor.dtype == "f16" then return M.cast(s, x, "f32") end
  local scale = #tensor.scales > 1 and pg_tensor.new(tensor.scales, "f32") or tensor.scale
  local inputs = { x, s.b:constant(scale, "f32") }
  local zeros = tensor.zeros
  local is_zero = true
  for _, zero in ipairs(zeros) do is_zero = is_zero and zero == 0 end
  if not is_zero then
    local zero = #tensor.scales > 1 and pg_tensor.new(zeros, tensor.dtype) or tensor.zero
    inputs[3] = s.b:constant(zero, tensor.dtype)
  end
  return s.b:op("DequantizeLinear", inputs, { axis = tensor.axis })
end

--- An integer operator without an integer kernel of its own: real numbers in between, f(inputs)
--- gives the result.
function M.through_reals(s, node, count, f)
  local reals = {}
  for i = 1, count do
    local t = s:need(node, i)
    local x = s:x(node, i)
    reals[i] = t.is_quantized and M.dequantize(s, x, t) or x
  end
  local y = f(table.unpack(reals))
  local out = s:out_t(node)
  s:set(node, 1, out.is_quantized and M.quantize(s, y, out) or y)
end

return M
