--- Matrix products and what is made of them: Gemm, MatMul, Einsum, attention, Embed.
local tensor = require "perigee.tensor"

local M = {}

-- ---- block-quantised weights ------------------------------------------------------------------

--- Weights of 4, 6 or 8 bits in blocks along K, packed from the lowest bit, two's complement.
--- quantize_term is bits * 100 + 10 where inputs have scales + the block's size (32, 64, 128).
local function unpacked(t, n_rows, k, bits)
  if bits == 8 then return t:cast "f32" end
  local bytes = t:bitcast("u8"):cast "i64" -- [N, packed]
  if bits == 4 then
    local low = bytes % 16
    local high = (bytes - low) // 16
    local both = tensor.stack({ low, high }, 3)
      :reshape(n_rows, 2 * bytes.shape[2]):slice(2, 1, k):contiguous()
    return (both - both:gt(7):cast "i64" * 16):cast "f32"
  end
  -- 6 bits: 4 values in 3 bytes
  local n = (k + 3) // 4 * 4
  local missing = n * 6 // 8 - bytes.shape[2]
  if missing > 0 then bytes = tensor.concat({ bytes, tensor.zeros({ n_rows, missing }, "i64") }, 2) end
  local three = bytes:reshape(n_rows, n // 4, 3)
  local a, b, d = three:select(3, 1), three:select(3, 2), three:select(3, 3)
  local word = a + b * 256 + d * 65536
  local parts = {}
  for i = 0, 3 do
    local rest = word % (1 << (6 * (i + 1)))
    parts[i + 1] = (rest - word % (1 << (6 * i))) // (1 << (6 * i))
  end
  local all = tensor.stack(parts, 3):reshape(n_rows, n):slice(2, 1, k):contiguous()
  return (all - all:gt(31):cast "i64" * 64):cast "f32"
end

-- ---- Gemm -------------------------------------------------------------------------------------

--- A matrix as ncnn's Gemm sees it: rows are the height, or the channels of three dimensions.
local function matrix(c, x)
  local rank = c:rank(x)
  if rank == 1 then return x end
  if rank == 2 then return c:squeeze(x, { 0 }) end
  if rank == 3 then return c:reshape(x, { c:size(x, "c"), -1 }) end
  c:fail "a matrix of four dimensions"
end

--- Rows as whole numbers of -127 to 127 and what brings each back.
local function dynamic_int8(c, a)
  local most = c:op("ReduceMax", { c:op("Abs", { a }), c:i64 { 1 } })
  local scale = c:op("Div", { c:f32(127), most })
  scale = c:op("Where", { c:op("Equal", { most, c:f32(0) }), c:f32(1), scale })
  return c:to_int8(c:mul(a, scale)), c:op("Reciprocal", { scale })
end

local function constant_c(c, p, m, n)
  local kind = p:int(10, 0)
  local shape = ({ [0] = { 1 }, { m, 1 }, { m, 1 }, { m, n }, { 1, n } })[kind]
  return shape and c:load(shape, 0) or nil
end

--- A vector as long as the rows are many lies along them, ncnn's way; else along the columns.
local function dynamic_c(c, x, y)
  local rank, shape = c:rank(x), c:shape(x)
  if rank == 1 then
    local rows, columns = table.unpack(c.g:value(y).shape)
    if shape[1] ~= 1 and shape[1] == rows and shape[1] ~= columns then
      return c:transpose(x, { 1, 0 })
    end
    return x
  end
  return c:squeeze(x, { 0 })
end

function M.Gemm(c, L)
  local p = L.params
  local m, n, k = p:int(7, 0), p:int(8, 0), p:int(9, 0)
  local trans_a, trans_b, term = p:int(2, 0), p:int(3, 0), p:int(18, 0)
  local alpha, beta = p:float(0, 1), p:float(1, 1)
  local next_input = 0
  local function operand()
    next_input = next_input + 1
    if not L.x[next_input] then c:fail "an operand is missing" end
    return matrix(c, L.x[next_input])
  end
  local weights, is_block = {}, term >= 400
  local hint = term ~= 0 and "i8" or nil
  if p:int(4, 0) == 1 then weights.a = c:load(trans_a == 0 and { m, k } or { k, m }, 0, hint) end
  if p:int(5, 0) == 1 then
    local bits = is_block and term // 100 or 8
    local columns = is_block and (k * bits + 7) // 8 or k
    weights.b = c:load(trans_b == 0 and { k, n } or { n, columns }, 0, hint)
  end
  if p:int(6, 0) == 1 then weights.c = constant_c(c, p, m, n) end
  local scale_a, scale_b
  if is_block then return M.block_gemm(c, L, weights) end
  if term ~= 0 then
    if weights.a then scale_a = c:load({ m }, 1, "scale") end
    if weights.b then scale_b = c:load({ 1 }, 1, "scale") end
  end
  local a = weights.a and c:weight(weights.a) or operand()
  local b = weights.b and c:weight(weights.b) or operand()
  local descale
  if term ~= 0 then
    if trans_a ~= 0 then a, trans_a = c:transpose(a, { 1, 0 }), 0 end
    if weights.a then
      descale = c:weight((1 / scale_a):reshape(m, 1))
    else
      a, descale = dynamic_int8(c, a)
    end
    if scale_b then
      descale = c:scaled(descale, 1 / scale_b:get(1))
    else -- one scale for the whole
      local most = c:op("ReduceMax", { c:op("Abs", { b }) }, { keepdims = 0 })
      b = c:to_int8(c:mul(b, c:op("Div", { c:f32(127), most })))
      descale = c:mul(descale, c:scaled(most, 1 / 127))
    end
  end
  local y = c:op("Gemm", { a, b }, { transA = trans_a, transB = trans_b })
  if descale then y = c:mul(y, descale) end
  local addend = weights.c and c:weight(weights.c)
  if not addend and p:int(6, 0) ~= 1 and L.x[next_input + 1] then
    addend = dynamic_c(c, L.x[next_input + 1], y)
  end
  if addend then y = c:add(y, c:scaled(addend, beta)) end
  y = c:scaled(y, alpha)
  if p:int(14, 0) ~= 0 then y = c:transpose(y, { 1, 0 }) end
  return c:unsqueeze(y, p:int(11, 0) ~= 0 and { 0, 2 } or { 0 })
end

--- Weights in blocks with a scale each, quantised for size only: the product is in floats.
function M.block_gemm(c, L, weights)
  local p = L.params
  local n, k, term = p:int(8, 0), p:int(9, 0), p:int(18, 0)
  local bits = term // 100
  local size = 32 << math.min(term % 10, 2)
  local t = unpacked(weights.b, n, k, bits)
  if not t or weights.a or p:int(2, 0) ~= 0 or p:int(3, 0) ~= 1 then
    return c:unsupported(("with quantize_term %d"):format(term), "weights in f16")
  end
  local n_blocks = (k + size - 1) // size
  local scales = c:load({ n, n_blocks }, 1, "scale")
  local wide = scales:reshape(n, n_blocks, 1):expand({ n, n_blocks, size }):contiguous()
    :reshape(n, n_blocks * size):slice(2, 1, k):contiguous()
  local b = t / wide
  if term % 100 // 10 == 1 then b = b * c:load({ k }, 1, "scale"):reshape(1, k) end
  local y = c:op("Gemm", { matrix(c, L.x[1]), c:weight(b) }, { transB = 1 })
  local addend = weights.c and c:weight(weights.c)
    or L.x[2] and dynamic_c(c, L.x[2], y)
  if addend then y = c:add(y, c:scaled(addend, p:float(1, 1))) end
  return c:unsqueeze(c:scaled(y, p:float(0, 1)), { 0 })
end

-- ---- MatMul -----------------------------------------------------------------------------------

local function swap_last(c, x)
  local perm, rank = {}, c:rank(x)
  for i = 0, rank do perm[i + 1] = i end
  perm[rank], perm[rank + 1] = rank, rank - 1
  return c:transpose(x, perm)
end

function M.MatMul(c, L)
  local a, b = L.x[1], L.x[2]
  if not b then c:fail "expected two inputs" end
  local trans = L.params:int(0, 0) ~= 0
  local ra, rb = c:rank(a), c:rank(b)
  if ra == 1 then a = c:unsqueeze(a, { 1 }) end
  if rb == 1 then b = c:unsqueeze(b, { 2 }) elseif trans then b = swap_last(c, b) end
  local wide = math.max(c:rank(a), c:rank(b))
  local function lift(x) -- the batch of 1 stays in front
    local axes = {}
    for i = 1, wide - c:rank(x) do axes[i] = i end
    return #axes > 0 and c:unsqueeze(x, axes) or x
  end
  local y = c:op("MatMul", { lift(a), lift(b) })
  local drop = {}
  if ra == 1 then drop[#drop + 1] = wide - 1 end
  if rb == 1 then drop[#drop + 1] = wide end
  if #drop == 2 and wide == 2 then drop = { 2 } end -- ncnn has no scalars
  return #drop > 0 and c:squeeze(y, drop) or y
end

function M.Einsum(c, L)
  local letters, inputs = {}, {}
  for i, code in ipairs(L.params:ints(0)) do
    if code < 0 or code > 127 then c:fail("letter %d", code) end
    letters[i] = string.char(code)
  end
  local equation = table.concat(letters)
  for i, x in ipairs(L.x) do inputs[i] = c:squeeze(x, { 0 }) end
  local y = c:op("Einsum", inputs, { equation = equation })
  local rank = #(c.g:value(y).shape or {})
  return c:unsqueeze(y, rank == 0 and { 0, 1 } or { 0 })
end

-- ---- attention --------------------------------------------------------------------------------

--- softmax(q k' scale + mask) v; heads first. `groups`: how many heads share one key.
local function attend(c, q, k, v, scale, mask)
  local scores = c:op("MatMul", { c:scaled(q, scale), swap_last(c, k) })
  if mask then scores = c:add(scores, mask) end
  return c:op("MatMul", { c:op("Softmax", { scores }, { axis = -1 }), v })
end

local function mask_of(c, mask) return c:rank(mask) == 2 and c:unsqueeze(mask, { 1 }) or mask end

--- Heads of keys and values repeated for the queries that share them.
local function repeated(c, x, times)
  if times == 1 then return x end
  local heads, h, w = c:size(x, "c"), c:size(x, "h"), c:size(x, "w")
  local wide = c:op("Expand", { c:unsqueeze(x, { 2 }), c:size_list { 1, heads, times, h, w } })
  return c:reshape(wide, { 1, heads * times, h, w })
end

function M.SDPA(c, L)
  local p, x = L.params, L.x
  local q, k, v = x[1], x[2], x[3]
  if not v then c:fail "expected three inputs" end
  local has_mask, has_cache = p:int(5, 0) ~= 0, p:int(7, 0) ~= 0
  if p:int(18, 0) ~= 0 then return c:unsupported("in int8", "floats") end
  local outs_k, outs_v
  if has_cache then
    local at = has_mask and 5 or 4
    if x[at + 1] then
      k = c:op("Concat", { x[at], k }, { axis = 2 })
      v = c:op("Concat", { x[at + 1], v }, { axis = 2 })
    end
    outs_k, outs_v = k, v
  end
  local width, heads, groups = c:size(q, "w"), c:size(q, "c"), c:size(k, "c")
  local times = 1 -- heads that nobody tells of have a key each
  if type(heads) == "number" and type(groups) == "number" then
    if heads % groups ~= 0 then c:fail("%d heads for %d keys", heads, groups) end
    times = heads // groups
  end
  local scale = p:float(6, 0)
  if scale == 0 and type(width) == "number" then
    scale = 1 / math.sqrt(width)
  elseif scale == 0 then
    q, scale = c:op("Div", { q, c:op("Sqrt", { c:op("Cast", { width }, { to = 1 }) }) }), 1
  end
  local y = attend(c, q, repeated(c, k, times), repeated(c, v, times), scale,
    has_mask and mask_of(c, x[4]) or nil)
  return { y, outs_k and c:op("Identity", { outs_k }), outs_v and c:op("Identity", { outs_v }) }
end

local function projection(c, n_out, n_in, hint)
  local w = c:load({ n_out, n_in }, 0, hint)
  return { w = w, b = c:load({ n_out }, 1) }
end

--- x w' + b; int8 weights are computed in whole numbers, rows of x with a scale each.
local function project(c, x, part)
  local flat = c:squeeze(x, { 0 })
  if part.scale and part.w.dtype == "i8" then
    local q, back = dynamic_int8(c, flat)
    local y = c:op("Gemm", { q, c:weight(part.w) }, { transB = 1 })
    y = c:mul(c:mul(y, back), c:weight(1 / part.scale))
    return c:unsqueeze(c:add(y, c:weight(part.b)), { 0 })
  end
  local y = c:op("Gemm", { flat, c:weight(part.w), c:weight(part.b) }, { transB = 1 })
  return c:unsqueeze(y, { 0 })
end

--- Which inputs are query, key, value, mask and caches, by how many there are.
local function roles(c, L, has_mask, has_cache)
  local x, n = L.x, #L.x
  local own = n - (has_mask and 1 or 0) - (has_cache and 2 or 0)
  if own < 1 or own > 3 then c:fail("%d inputs", n) end
  local r = { q = x[1], k = x[own >= 2 and 2 or 1], v = x[own == 3 and 3 or own == 2 and 2 or 1] }
  if has_mask then r.mask = x[own + 1] end
  if has_cache then r.past_k, r.past_v = x[n - 1], x[n] end
  r.is_self = own == 1
  return r
end

function M.MultiHeadAttention(c, L)
  local p = L.params
  local dim, heads, count, term = p:int(0, 0), p:int(1, 1), p:int(2, 0), p:int(18, 0)
  if dim <= 0 or heads <= 0 or dim % heads ~= 0 or count % dim ~= 0 then
    c:fail("%d weights for %d heads of %d", count, heads, dim)
  end
  if term >= 400 then return c:unsupported(("with quantize_term %d"):format(term), "f16 weights") end
  local hint, qdim = term ~= 0 and "i8" or nil, count // dim
  local q, k = projection(c, dim, qdim, hint), projection(c, dim, p:int(3, dim), hint)
  local v, out = projection(c, dim, p:int(4, dim), hint), projection(c, qdim, dim, hint)
  if term ~= 0 then
    for _, part in ipairs { q, k, v } do part.scale = c:load({ dim }, 1, "scale") end
    out.scale = c:load({ 1 }, 1, "scale")
  end
  local has_cache = p:int(7, 0) ~= 0
  local r = roles(c, L, p:int(5, 0) ~= 0, has_cache)
  local width = dim // heads
  local function split(x) -- [1, T, dim] to [1, heads, T, width]
    return c:transpose(c:reshape(x, { 1, -1, heads, width }), { 0, 2, 1, 3 })
  end
  local key, value = project(c, r.k, k), project(c, r.v, v)
  local outs_k, outs_v
  if has_cache then -- caches are [dim, T]
    if not r.is_self then return c:unsupported("with a cache across sequences", "one without") end
    key = c:op("Concat", { swap_last(c, r.past_k), key }, { axis = 1 })
    value = c:op("Concat", { swap_last(c, r.past_v), value }, { axis = 1 })
    outs_k, outs_v = swap_last(c, key), swap_last(c, value)
  end
  local scale = p:float(6, 1 / math.sqrt(width))
  local y = attend(c, split(project(c, r.q, q)), split(key), split(value), scale,
    r.mask and mask_of(c, r.mask) or nil)
  local merged = c:reshape(c:transpose(y, { 0, 2, 1, 3 }), { 1, -1, dim })
  return { project(c, merged, out), outs_k, outs_v }
end

--- Pairs turned by cos and sin: halves of the width, or neighbours.
function M.RotaryEmbed(c, L)
  local x, cos, sin = L.x[1], L.x[2], L.x[3]
  if not sin then c:fail "expected three inputs" end
  local heads, h, w = c:size(x, "c"), c:size(x, "h"), c:size(x, "w")
  if type(w) ~= "number" or type(heads) ~= "number" then c:fail "a free width" end
  local interleaved = L.params:int(0, 0) ~= 0
  local split = interleaved and { 1, heads, h, w // 2, 2 } or { 1, heads, h, 2, w // 2 }
  local axis = interleaved and 4 or 3
  local parts = c:reshape(x, split)
  local a, b = c:op("Split", { parts }, { axis = axis, num_outputs = 2 }, 2)
  local function cache(t) -- [1, T, w/2], also given with a leading 1
    if c:rank(t) == 2 then t = c:unsqueeze(t, { 1 }) end
    t = c:slice(t, { 3 }, { 0 }, { w // 2 })
    return c:unsqueeze(t, { interleaved and 4 or 3 })
  end
  cos, sin = cache(cos), cache(sin)
  local first = c:op("Sub", { c:mul(a, cos), c:mul(b, sin) })
  local second = c:add(c:mul(a, sin), c:mul(b, cos))
  return c:reshape(c:op("Concat", { first, second }, { axis = axis }), { 1, heads, h, w })
end

function M.Embed(c, L)
  local p, x = L.params, L.x[1]
  local n_out, rows, count, term = p:int(0, 0), p:int(1, 0), p:int(3, 0), p:int(18, 0)
  if n_out <= 0 or rows * n_out ~= count then
    c:fail("%d weights for %d rows of %d", count, rows, n_out)
  end
  local weight = c:load({ rows, n_out }, 0, term ~= 0 and "i8" or nil)
  local bias = p:int(2, 0) ~= 0 and c:load({ n_out }, 1) or nil
  local scale = term ~= 0 and c:load({ 1 }, 1, "scale") or nil
  if c.g:value(x).dtype == "f32" then x = c:op("Cast", { x }, { to = 7 }) end
  local most = c:constant(rows - 1, c.g:value(x).dtype)
  x = c:op("Clip", { x, c:constant(0, c.g:value(x).dtype), most })
  local y = c:op("Gather", { c:weight(weight), c:reshape(x, { 1, -1 }) }, { axis = 0 })
  if scale then y = c:scaled(y, 1 / scale:get(1)) end
  return bias and c:add(y, c:weight(bias)) or y
end

return {
  Gemm = M.Gemm, MatMul = M.MatMul, Einsum = M.Einsum, SDPA = M.SDPA,
  MultiHeadAttention = M.MultiHeadAttention, RotaryEmbed = M.RotaryEmbed, Embed = M.Embed,
}
