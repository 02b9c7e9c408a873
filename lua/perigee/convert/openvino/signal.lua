--- Fourier transforms; random numbers.
local M = {}

--- One axis of a signal whose last axis holds real and imaginary part.
local function transform(c, x, axis, size, inverse, one_sided)
  return c:op("DFT", { x, size and c:constant(size, "i64") or "", c:constant(axis, "i64") },
    { inverse = inverse and 1 or 0, onesided = one_sided and 1 or 0 })
end

local function axes_and_sizes(c, L, rank)
  local axes = c:need_numbers(L, 2, "axes")
  if not axes then return end
  for i, axis in ipairs(axes) do axes[i] = c:axis(L, axis, rank) end
  local sizes = L.x[3] and c:need_numbers(L, 3, "sizes") or {}
  if not sizes then return end
  for i = 1, #axes do
    if sizes[i] == -1 then sizes[i] = nil end
  end
  return axes, sizes
end

local function complex(inverse)
  return function(c, L)
    local axes, sizes = axes_and_sizes(c, L, c:rank(L, 1) - 1)
    if not axes then return end
    local x = c:x(L, 1)
    for i, axis in ipairs(axes) do x = transform(c, x, axis, sizes[i], inverse) end
    return x
  end
end
M.DFT, M.IDFT = complex(false), complex(true)

--- Of real numbers: the last of the axes keeps its first half.
function M.RDFT(c, L)
  local rank = c:rank(L, 1)
  local axes, sizes = axes_and_sizes(c, L, rank)
  if not axes then return end
  local x, n = c:unsqueeze(c:x(L, 1), { rank }), #axes
  x = transform(c, x, axes[n], sizes[n], false, true)
  for i = n - 1, 1, -1 do x = transform(c, x, axes[i], sizes[i], false) end
  return x
end

--- Back to real numbers: the last of the axes is completed by its mirror.
function M.IRDFT(c, L)
  local axes, sizes = axes_and_sizes(c, L, c:rank(L, 1) - 1)
  if not axes then return end
  local x, n = c:x(L, 1), #axes
  local rank = c:rank(L, 1)
  for i = 1, n - 1 do x = transform(c, x, axes[i], sizes[i], true) end
  local axis, size = axes[n], sizes[n]
  if not size then
    local half = c:dims(L, 1)[axis + 1]
    if half < 1 then return c:unsupported(L, "to a free size", "a given signal_size") end
    size = 2 * (half - 1)
  end
  if size < 1 or size > 1 << 28 then c:fail(L, "a signal of %d", size) end
  -- x, then its conjugate backwards without the first (and the middle of an even size).
  local kept = size // 2 + 1
  local half = c:dims(L, 1)[axis + 1]
  if half == -1 then return c:unsupported(L, "from a free size") end
  if half > kept then
    x = c:slice(x, { axis }, { 0 }, { kept })
  elseif half < kept then
    local pads = {}
    for i = 1, 2 * rank do pads[i] = 0 end
    pads[rank + axis + 1] = kept - half
    x = c:op("Pad", { x, c:i64(pads) })
  end
  local first = size - kept
  if first > 0 then
    local back = c:slice(x, { axis }, { first }, { 0 }, { -1 })
    back = c:op("Mul", { back, c:constant({ 1, -1 }, c:type_of(L, 1)) })
    x = c:op("Concat", { x, back }, { axis = axis })
  end
  local y = transform(c, x, axis, nil, true)
  return c:squeeze(c:slice(y, { rank - 1 }, { 0 }, { 1 }), { rank - 1 })
end

--- signal, window, frame size, step: frames first or bins first.
function M.STFT(c, L)
  local size, step = c:need_numbers(L, 3, "frame_size"), c:need_numbers(L, 4, "frame_step")
  if not size or not step then return end
  local rank = c:rank(L, 1)
  local x, window, width = c:x(L, 1), c:x(L, 2), c:dims(L, 2)[1]
  if width < 0 then return c:unsupported(L, "with a window of free size") end
  local missing = size[1] - width
  if missing < 0 then c:fail(L, "a window of %d in a frame of %d", width, size[1]) end
  if missing > 0 then
    window = c:op("Pad", { window, c:i64 { missing // 2, missing - missing // 2 } })
  end
  local y = c:op("STFT", { c:unsqueeze(x, rank == 1 and { 0, 2 } or { 2 }), c:constant(step[1], "i64"), window })
  if c:bool(L, "transpose_frames", false) then y = c:transpose(y, { 0, 2, 1, 3 }) end
  return rank == 1 and c:squeeze(y, { 0 }) or y
end

--- Random numbers differ from OpenVINO's; only their distribution is the same.
function M.RandomUniform(c, L)
  local dtype = c:dtype(L, "output_type")
  if not dtype:find "f" then
    return c:unsupported(L, "of whole numbers, which are other ones here")
  end
  local zero = c:op("Expand", { c:constant(0, dtype), c:as_i64(L, 1) })
  local u = c:op("RandomUniformLike", { zero }, { low = 0, high = 1, seed = c:float(L, "op_seed", 0) })
  local width = c:op("Sub", { c:x(L, 3), c:x(L, 2) })
  return c:op("Add", { (c:op("Mul", { u, width })), c:x(L, 2) })
end

return M
