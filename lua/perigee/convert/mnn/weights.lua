--- What MNN stores weights as: floats, halves, and whole numbers of 8 bits or less with a scale (and
--- a least value) for each output or block.
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"

local M = {}

--- Whole numbers of `bits` bits, packed from the highest bit on: 8 of them fill `bits` bytes, which
--- are put together to words and cut again, all at once.
local function unpack_bits(bytes, at, bits, n)
  local groups = (n + 7) // 8
  local need = (n * bits + 7) // 8
  local raw = bytes:tensor("u8", { need }, at)
  if bits == 8 then return raw:cast "i64" end
  local wide = raw:cast "i64"
  if groups * bits > need then
    wide = tensor.concat({ wide, tensor.zeros({ groups * bits - need }, "i64") }, 1)
  end
  wide = wide:reshape(groups, bits)
  local word = wide:select(2, 1):contiguous()
  for j = 2, bits do word = word * 256 + wide:select(2, j):contiguous() end
  local lanes = {}
  for k = 0, 7 do lanes[k + 1] = (word // (1 << (bits * (7 - k)))) % (1 << bits) end
  return tensor.stack(lanes, 2):reshape(groups * 8):slice(1, 1, n):contiguous()
end

local function bits_for(n)
  local bits = 0
  while 1 << bits < n do bits = bits + 1 end
  return math.max(bits, 1)
end

local MOST = 1 << 31

--- The sizes before the numbers: how many in all, and where what follows begins.
local function read_sizes(bytes, is_wide)
  local rank, n, at = bytes:u8(0), 1, 1
  if rank == 0 or rank > 4 then fail.format("quantised weights of %d dimensions", rank) end
  for _ = 1, rank do
    local d = is_wide and bytes:u32(at) or bytes:u16(at)
    at = at + (is_wide and 4 or 2)
    n = n * d
    if n > MOST then fail.format("quantised weights of more than %d", MOST) end
  end
  return n, at
end

--- The values that indices stand for, ascending.
local function read_samples(bytes, at)
  local n = bytes:u8(at)
  if n == 0 then n = 256 end
  local list = {}
  for i = 1, n do list[i] = bytes:i8(at + i) end
  table.sort(list)
  return tensor.new(list, "f32"), n, at + 1 + n
end

local function looked_up(samples, n, index)
  if index.count == 0 then return tensor.zeros { 0 } end
  if index:max():item() >= n then fail.format("an index beyond the %d values", n) end
  return samples:gather(index + 1)
end

local function dense(bytes, is_wide)
  local n, at = read_sizes(bytes, is_wide)
  local samples, n_samples, behind = read_samples(bytes, at)
  return looked_up(samples, n_samples, unpack_bits(bytes, behind, bits_for(n_samples), n))
end

--- Few that aren't zero: steps from one to the next, and which value each has.
local function sparse(bytes, is_wide)
  local n, at = read_sizes(bytes, is_wide)
  local n_set, step_bits = bytes:u32(at), bytes:u8(at + 4)
  if n_set > n or step_bits > 8 or step_bits == 0 then
    fail.format("%d sparse weights of %d, steps of %d bits", n_set, n, step_bits)
  end
  at = at + 5
  local steps = unpack_bits(bytes, at, step_bits, n_set)
  local samples, n_samples, behind = read_samples(bytes, at + (n_set * step_bits + 7) // 8)
  local values = looked_up(samples, n_samples,
    unpack_bits(bytes, behind, bits_for(n_samples), n_set))
  local out, place = tensor.zeros { n }, 0
  for i = 1, n_set do
    place = place + steps:get(i)
    if place >= n then fail.format("a sparse weight at %d of %d", place, n) end
    out:set(place + 1, values:get(i))
  end
  return out
end

local core = require "perigee.core"

--- IDSTQuan's weights as f32, flat.
local function dequantised(q, buffer, alpha)
  if q.type == 3 then
    return buffer:tensor("f16", { #buffer // 2 }):cast "f32"
  end
  local values
  if q.type == 1 then
    values = dense(buffer, q.shapeInt32)
  elseif q.type == 2 then
    values = sparse(buffer, q.shapeInt32)
  elseif q.type == 4 then
    values = buffer:tensor("i8", { #buffer }):cast "f32"
  else
    fail.format("weights of kind %d", q.type)
  end
  if not alpha or alpha.count == 0 then fail.format("quantised weights without scales") end
  local is_old = q.type == 4 and q.aMin == 0 and math.abs(q.quantScale) < 1e-6
  local is_asymmetric = q.readType ~= 0 or is_old
  local rows = is_asymmetric and alpha.count // 2 or alpha.count
  if rows == 0 or values.count % rows ~= 0 then
    fail.format("%d weights with %d scales", values.count, rows)
  end
  local scale, least = alpha:reshape(rows, 1), nil
  if is_asymmetric then
    local pairs_of = alpha:slice(1, 1, 2 * rows):contiguous():reshape(rows, 2)
    least = pairs_of:slice(2, 1, 1):contiguous()
    scale = pairs_of:slice(2, 2, 2):contiguous()
    local low = q.aMin == 0 and -128 or q.aMin
    if low < 0 then least = least - scale * low end
  end
  if not q.has_scaleInt and not is_old and q.quantScale ~= 1 then
    scale = scale * q.quantScale
    least = least and least * q.quantScale
  end
  local out = values:reshape(rows, values.count // rows) * scale
  return (least and out + least or out):reshape(values.count)
end

--- The weights and the bias of a Convolution2D (or what has the same fields), flat f32; nil where
--- they are inputs. `external` opens the file beside.
---@return perigee.Tensor? weight
---@return perigee.Tensor? bias
function M.of(conv, external)
  local q, bias, weight = conv.quanParameter, conv.bias, conv.weight
  local buffer, alpha = q and q.buffer, q and q.alpha
  local at = conv.external
  if at and #at >= 2 and at[2] > 0 and not weight and not buffer then
    local file = external()
    local offset = at[1]
    if q and q.type ~= 8 then
      buffer = file:slice(offset, at[2])
      local half = q.scaleStorage == 1
      local width = half and 2 or 4
      alpha = at[3] and at[3] > 0
        and file:tensor(half and "f16" or "f32", { at[3] // width }, offset + at[2]):cast "f32"
      bias = at[4] and at[4] > 0 and file:tensor("f32", { at[4] // 4 }, offset + at[2] + at[3])
        or bias
    else
      weight = file:tensor("f32", { at[2] // 4 }, offset)
      bias = at[3] and at[3] > 0 and file:tensor("f32", { at[3] // 4 }, offset + at[2]) or bias
    end
  elseif buffer then
    buffer = core.bytes_of(buffer:bytes())
    if q.alphaFp16 and q.scaleStorage == 1 then alpha = q.alphaFp16:bitcast("f16"):cast "f32" end
  end
  if q and q.index and q.weightSize > 0 and alpha then
    if q.index.count ~= alpha.count or q.weightSize > MOST then fail.format("sparse weights") end
    weight = tensor.zeros { q.weightSize }
    for i = 1, alpha.count do
      if q.index:get(i) >= q.weightSize then fail.format("a sparse weight out of range") end
      weight:set(q.index:get(i) + 1, alpha:get(i))
    end
  elseif buffer and #buffer > 0 then
    weight = dequantised(q, buffer, alpha)
  end
  if weight and weight.count == 0 then weight = nil end
  if bias and bias.count == 0 then bias = nil end
  return weight, bias
end

return M
