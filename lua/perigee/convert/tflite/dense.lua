--- Matrix products.
local conv = require "perigee.convert.tflite.conv"
local fixed = require "perigee.convert.tflite.fixed"
local quant = require "perigee.convert.tflite.quant"

local M = {}

--- x as a matrix of rows of `depth`, unless it has its rank kept.
local function rows(s, x, t, depth, keep)
  if keep or (t.rank == 2 and t.shape[2] == depth) then return x end
  return s.b:reshape(x, { -1, depth })
end

local function matmul_sum(s, x, w, xt, wt)
  if xt.dtype == "i16" then
    return quant.cast(s, s.b:op("MatMul", { quant.cast(s, x, "f64"), quant.cast(s, w, "f64") }),
      "i64")
  end
  local xz, wz = conv.zero_value(s, xt), conv.zero_value(s, wt)
  return s.b:op("MatMulInteger", { x, w, xz or wz and s.b:constant(0, xt.dtype) or nil, wz })
end

--- An f32 input quantised on the fly, a row at a time.
local function hybrid_rows(s, x, t, asymmetric)
  return quant.requantize_rows(s, x, t, asymmetric)
end

function M.FULLY_CONNECTED(s, node)
  local xt, wt, out, o = s:need(node, 1), s:need(node, 2), s:out_t(node), node.o
  local activation = o.fused_activation_function
  if (o.weights_format
    or 0) ~= 0 then return s:unsupported "FULLY_CONNECTED with shuffled weights" end
  if wt.rank ~= 2 then s:bad("weights of rank %d", wt.rank) end
  local channels, depth = wt.shape[1], wt.shape[2]
  local keep = o.keep_num_dims == true and xt.rank > 0
  local x = rows(s, s:x(node, 1), xt, depth, keep)
  local rank = keep and xt.rank or 2
  local w = s:x(node, 2)
  local y
  if xt.is_quantized then
    local sum = matmul_sum(s, x, s.b:transpose(w, { 1, 0 }), xt, wt)
    local bias, bias_t = conv.bias64(s, node, 3)
    y = conv.finish_sum(s, sum, xt, wt, bias, out, { axis = rank - 1, channels = channels,
      activation = activation, bias_t = bias_t, rounding = wt.dtype == "i16" and "wide"
        or "single" })
  else
    if wt.is_integer then x = hybrid_rows(s, x, rank - 1, o.asymmetric_quantize_inputs == true) end
    w = quant.dequantize_weights(s, w, wt)
    local bias = s:x(node, 3)
    if rank == 2 then
      y = s.b:op("Gemm", { x, w, bias }, { transB = 1 })
    else
      y = s.b:op("MatMul", { x, s.b:transpose(w, { 1, 0 }) })
      if bias then y = s.b:op("Add", { y, bias }) end
    end
    y = quant.activate(s, y, activation)
  end
  s:set(node, 1, y)
end

local function exchanged(rank)
  local perm = {}
  for i = 1, rank do perm[i] = i - 1 end
  perm[rank], perm[rank - 1] = perm[rank - 1], perm[rank]
  return perm
end

function M.BATCH_MATMUL(s, node)
  local a, b, out, o = s:need(node, 1), s:need(node, 2), s:out_t(node), node.o
  if a.rank < 2 or b.rank < 2 then s:bad "expected ranks of 2 or more" end
  local x, y = s:x(node, 1), s:x(node, 2)
  if o.adj_x == true then x = s.b:transpose(x, exchanged(a.rank)) end
  if o.adj_y == true then y = s.b:transpose(y, exchanged(b.rank)) end
  if a.is_quantized then
    local sum = matmul_sum(s, x, y, a, b)
    local factor = fixed.f32(a.scale * b.scale) / out.scale
    local low, high = out:limits()
    return s:set(node, 1, quant.rescale_by(s, sum, factor,
      { zero = out.zero, low = low, high = high,
      to = out.dtype, rounding = a.dtype == "i16" and "wide" or nil }))
  end
  if a.dtype == "i8" and b.dtype == "i8" or a.dtype == "i32" then
    return s:set(node, 1, quant.cast(s, s.b:op("MatMul",
      { quant.cast(s, x, "i32"), quant.cast(s, y, "i32") }),
      out.dtype))
  end
  if b.is_quantized then
    x = hybrid_rows(s, x, a.rank - 1, o.asymmetric_quantize_inputs == true)
    y = quant.dequantize_weights(s, y, b)
  end
  s:set(node, 1, s.b:op("MatMul", { x, y }))
end

return M
