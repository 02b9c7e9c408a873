--- Spectra, complex numbers, random numbers.
local quant = require "perigee.convert.tflite.quant"

local M = {}

--- Complex values are kept as f32 with a last axis of 2, as ONNX has them: they never leave the
--- graph. DFT over rows for the real input, then over columns.
function M.RFFT2D(s, node)
  local b, t = s.b, s:need(node, 1)
  local size = s:ints(node, 2)
  if not size or #size ~= 2 then return s:unsupported "RFFT2D of a length that is not constant" end
  local rank = t.rank
  local x = s:x(node, 1)
  -- Cut or filled with zeros to the length of the transform.
  local pads, axes = {}, {}
  for i = 1, 2 do
    local have = t.shape[rank - 2 + i]
    if have < 0 or size[i] < 1 then return s:unsupported "RFFT2D of unknown size" end
    axes[i] = rank - 3 + i
    pads[i], pads[2 + i] = 0, size[i] - have
  end
  if pads[3] ~= 0 or pads[4] ~= 0 then
    x = b:op("Pad", { x, b:i64(pads), b:constant(0.0, "f32"), b:i64(axes) })
  end
  x = b:op("Unsqueeze", { x, b:i64 { rank } })
  local y = b:op("DFT", { x, "", b:constant(rank - 1, "i64") }, { onesided = 1 })
  if size[1] > 1 then y = b:op("DFT", { y, "", b:constant(rank - 2, "i64") }) end
  s:set(node, 1, y)
end

local function part(index)
  return function(s, node)
    s:set(node, 1, s.b:op("Gather", { s:x(node, 1), s.b:constant(index, "i64") }, { axis = -1 }))
  end
end

M.REAL, M.IMAG = part(0), part(1)

function M.COMPLEX_ABS(s, node)
  local b, x = s.b, s:x(node, 1)
  s:set(node, 1, b:op("ReduceL2", { x, b:i64 { -1 } }, { keepdims = 0 }))
end

-- ---- random
-- ---------------------------------------------------------------------------------------

--- Numbers of the same distribution; those of the file's own runtime come from a generator of its
--- own.
local function random(type, attrs)
  return function(s, node)
    local b, out, o = s.b, s:out_t(node), node.o
    local size = s:x(node, 1)
    if s:need(node, 1).dtype ~= "i64" then size = quant.cast(s, size, "i64") end
    local like = b:op("Expand", { b:constant(0.0, "f32"), size })
    local all = { dtype = quant.number[out.dtype], seed = (o.seed ~= 0 and o.seed
      or o.seed2) + 0.0 }
    for k, v in pairs(attrs) do all[k] = v end
    s:set(node, 1, b:op(type, { like }, all))
  end
end

M.RANDOM_STANDARD_NORMAL = random("RandomNormalLike", { mean = 0.0, scale = 1.0 })
M.RANDOM_UNIFORM = random("RandomUniformLike", { low = 0.0, high = 1.0 })

function M.MULTINOMIAL(s, node)
  local out, n = s:out_t(node), s:ints(node, 2)
  if not n then return s:unsupported "MULTINOMIAL of an unknown number of samples" end
  local x = s:x(node, 1)
  s:set(node, 1, s.b:op("Multinomial", { x }, { dtype = quant.number[out.dtype], sample_size = n[1],
    seed = (node.o.seed ~= 0 and node.o.seed or node.o.seed2) + 0.0 }))
end

return M
