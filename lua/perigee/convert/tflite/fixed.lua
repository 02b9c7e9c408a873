--- The reference kernels' fixed-point arithmetic, where it can be done while converting:
--- multipliers, ranges of activations, tables. Formulas: tensorflow/lite/kernels/internal and
--- gemmlowp's fixedpoint.h.
local M = {}

local pack, unpack = string.pack, string.unpack

--- Rounded to the 24 bits of a float.
function M.f32(x)
  if x ~= x or x == math.huge or x == -math.huge then return x end
  if math.abs(x) > 3.4028235677973366e38 then return x > 0 and math.huge or -math.huge end
  return (unpack("<f", pack("<f", x)))
end

--- Halves away from zero, as C's round.
function M.round(x)
  if x ~= x or x >= 2 ^ 62 or x <= -2 ^ 62 then return x > 0 and math.maxinteger
    or math.mininteger end
  local n = math.floor(math.abs(x))
  if math.abs(x) - n >= 0.5 then n = n + 1 end
  return math.tointeger(x < 0 and -n or n)
end

--- fraction in [0.5, 1), exponent
local function frexp(x)
  if x == 0 or x ~= x or x == math.huge then return x, 0 end
  local exponent = 0
  while x >= 1 do x, exponent = x / 2, exponent + 1 end
  while x < 0.5 do x, exponent = x * 2, exponent - 1 end
  return x, exponent
end

--- A factor as multiplier * 2^(shift - 31).
---@return integer multiplier
---@return integer shift
function M.multiplier(factor)
  if not (factor > 0 and factor < 2 ^ 31) then return 0, 0 end
  local q, shift = frexp(factor)
  local fixed = M.round(q * 2 ^ 31)
  if fixed == 1 << 31 then fixed, shift = fixed // 2, shift + 1 end
  if shift < -31 then return 0, 0 end
  return fixed, shift
end

local function wrap32(x) return ((x + 0x80000000) & 0xffffffff) - 0x80000000 end
M.wrap32 = wrap32

--- Divided by 2^e, rounded half away from zero.
local function round_shift(x, e)
  if e == 0 then return x end
  return (x + (1 << (e - 1)) - (x < 0 and 1 or 0)) // (1 << e)
end
M.round_shift = round_shift

--- The doubled high half of a product, rounded half up.
local function high_mul(a, b)
  if a == -0x80000000 and b == -0x80000000 then return 0x7fffffff end
  return (a * b + (1 << 30)) // (1 << 31)
end
M.high_mul = high_mul

function M.high_mul16(a, b)
  if a == -32768 and b == -32768 then return 32767 end
  return (a * b + (1 << 14)) // (1 << 15)
end

--- x times a factor.
function M.scale(x, multiplier, shift)
  local left, right = math.max(shift, 0), math.max(-shift, 0)
  return round_shift(high_mul(wrap32(x << left), multiplier), right)
end

function M.clamp(x, low, high) return math.max(low, math.min(high, x)) end

-- ---- activations
-- ------------------------------------------------------------------------------------

--- Of a quantised output: the least and the greatest number that an activation lets through; nil
--- where it is none of those that are ranges.
function M.range(activation, tensor)
  local low, high = tensor:limits()
  local function quantize(x) return tensor.zero + M.round(M.f32(x / tensor.scale)) end
  if activation == 0 then return low, high end
  if tensor.scale == 0 then return end
  if activation == 1 then return math.max(low, quantize(0)), high end
  if activation == 2 then return math.max(low, quantize(-1)), math.min(high, quantize(1)) end
  if activation == 3 then return math.max(low, quantize(0)), math.min(high, quantize(6)) end
end

-- ---- tables of 8-bit functions
-- --------------------------------------------------------------------

--- For every number of the input's type, in their order, f(number).
---@return integer[] list
function M.table(tensor, f)
  local list = {}
  local low, high = tensor:limits()
  for q = low, high do list[#list + 1] = f(q) end
  return list
end

--- What a real function does to quantised numbers: y = round(f(x) / scale) + zero, in f32.
function M.real_table(input, output, f)
  local low, high = output:limits()
  local inverse = M.f32(1 / output.scale)
  return M.table(input, function(q)
    local x = M.f32(input.scale * (q - input.zero))
    local y = M.round(M.f32(M.f32(f(x)) * inverse))
    return M.clamp(y + output.zero, low, high)
  end)
end

--- The same as kernels for 16 bits do it: 513 points, linear in between.
---@return integer[] lut
function M.lut16(input_min, input_max, output_min, output_max, f)
  local nb_steps, lut = 512, {}
  local step = (input_max - input_min) / nb_steps
  local half_step = step / 2
  local output_scaling_inv = 65536 / (output_max - output_min)
  for i = 0, nb_steps - 1 do
    local value = f(input_min + i * step)
    local mid = f(input_min + i * step + half_step)
    local next_value = f(input_min + (i + 1) * step)
    local sample = M.round(value * output_scaling_inv)
    local interpolated = M.round((next_value * output_scaling_inv
      + M.round(value * output_scaling_inv)) / 2)
    local midpoint = M.round(mid * output_scaling_inv)
    local midpoint_err = interpolated - midpoint
    local bias = M.round(midpoint_err / 2)
    lut[i] = M.clamp(sample - bias, -32768, 32767)
  end
  lut[nb_steps] = M.clamp(M.round(f(input_max) * output_scaling_inv), -32768, 32767)
  return lut
end

--- One look-up: the index in the upper 9 bits, the fraction in the lower 7.
function M.lut16_at(lut, value)
  local index = 256 + value // 128
  local offset = value & 0x7f
  local base = lut[index]
  local slope = lut[index + 1] - base
  return base + (slope * offset + 64) // 128
end

--- The table for a function between two quantised tensors of 16 bits, computed in f32.
function M.lut16_of(input, output, f)
  local f32 = M.f32
  local function g(x)
    local y = f32(f(f32(x)))
    return y
  end
  local in_min, in_max = f32(input.scale * (-32768 - input.zero)),
    f32(input.scale * (32767 - input.zero))
  local out_min = f32(output.scale * (-32768 - output.zero))
  local out_max = f32(output.scale * (32767 - output.zero))
  local step = f32(f32(in_max - in_min) / 512)
  local half = f32(step / 2)
  local inverse = f32(65536 / f32(out_max - out_min))
  local lut = {}
  local function at(x) return f32(g(x) * inverse) end
  for i = 0, 511 do
    local x = f32(in_min + f32(i * step))
    local value, next_value = at(x), at(f32(in_min + f32((i + 1) * step)))
    local middle = M.round(at(f32(x + half)))
    local sample = M.round(value)
    local between = M.round(f32(f32(next_value + sample) / 2))
    local bias = M.round(f32((between - middle) / 2))
    lut[i] = M.clamp(sample - bias, -32768, 32767)
  end
  lut[512] = M.clamp(M.round(at(in_max)), -32768, 32767)
  return lut
end

-- ---- Logistic and Tanh of 16 bits
-- -----------------------------------------------------------------

--- sigmoid(i / 24), 16 bits behind the point, as the kernels have it: up to 1 above the rounded
--- value.
local sigmoid_points = {
  [0] = 32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
  41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
  48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
  54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
  58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
  61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
  63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
  64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
  64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
  65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
  65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
  65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
  65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
  65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
  65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
  65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
  65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
  65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
  65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
  65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
}

--- The factor that brings an input to steps of 1 / (3 * 4096), and a shift to the right.
local function to_points(scale, most_left)
  local q, exponent = frexp(scale)
  local left = 12 + exponent - 1
  if q == 0.5 and left >= 0 and left <= most_left then return 3 << left, 0 end
  local multiplier, shift = scale * 4096 * 3, 0
  while multiplier <= 32767 / 2 and shift <= 30 do
    shift, multiplier = shift + 1, multiplier * 2
  end
  return math.floor(multiplier), shift
end

local function table16(scale, most_left, f)
  local multiplier, shift = to_points(scale, most_left)
  local round, points, list = shift > 0 and 1 << (shift - 1) or 0, sigmoid_points, {}
  for q = -32768, 32767 do
    list[#list + 1] = f((q * multiplier + round) // (1 << shift), points)
  end
  return list
end

--- reference_integer_ops::Logistic
function M.logistic16(scale)
  return table16(scale, 0, function(x, points)
    local a = math.abs(x)
    local at, y = a >> 9
    if at >= 255 then
      y = 0x7fff << 10
    else
      y = (points[at] << 9) + (a & 0x1ff) * (points[at + 1] - points[at])
    end
    y = x >= 0 and y + (1 << 9) or (1 << 25) - y + (1 << 9) - 1
    return y >> 10
  end)
end

--- reference_integer_ops::Tanh
function M.tanh16(scale)
  return table16(scale, 1, function(x, points)
    local a = math.abs(x)
    local at, y = a >> 8
    if at >= 255 then
      y = 0xffff << 8
    else
      y = (points[at] << 8) + (a & 0xff) * (points[at + 1] - points[at])
    end
    y = x >= 0 and y - (1 << 23) + (1 << 7) or -y + (1 << 23) + (1 << 7) - 1
    return y // (1 << 8)
  end)
end

-- ---- roots and reciprocals
-- ------------------------------------------------------------------------

local function leading_zeros(x)
  local n = 0
  for bit = 31, 0, -1 do
    if x & (1 << bit) ~= 0 then return n end
    n = n + 1
  end
  return n
end

local function saturating_shift(x, e)
  return M.clamp(x << e, -0x80000000, 0x7fffffff)
end

--- 1 / sqrt(x) as a multiplier and the exponent of two, by five of Newton's steps with 3 bits
--- before the point (GetInvSqrtQuantizedMultiplierExp).
function M.inverse_sqrt(x)
  if x <= 1 then return 0x7fffffff, 0 end
  local shift = 11
  while x >= 1 << 29 do x, shift = x // 4, shift + 1 end
  local pairs_left = (leading_zeros(x) - 1) // 2 - 1
  shift = shift - pairs_left
  x = x << (2 * pairs_left)
  local input = x >> 1
  local half_input = round_shift(input, 1)
  local y = 1 << 28
  for _ = 1, 5 do
    local cube = saturating_shift(high_mul(high_mul(y, y), y), 6)
    y = saturating_shift(wrap32(high_mul((1 << 28) + (1 << 27), y) - high_mul(half_input, cube)), 3)
  end
  y = high_mul(y, 1518500250) -- sqrt(1/2)
  if shift < 0 then y, shift = y << -shift, 0 end
  return y, -shift
end

--- 1 / (1 + x) for x in [0, 1), 31 bits behind the point (gemmlowp's three Newton steps).
local function one_over_one_plus(x)
  local half = (x + 0x7fffffff + 1) // 2
  if x + 0x7fffffff < 0 then half = -((-(x + 0x7fffffff) + 1) // 2) end
  -- 48/17, -32/17 with 2 bits before the point
  local y = wrap32(1515870810 + high_mul(half, -1010580540))
  for _ = 1, 3 do
    local product = high_mul(half, y)
    local rest = (1 << 29) - product
    y = wrap32(y + saturating_shift(high_mul(y, rest), 2))
  end
  return saturating_shift(y, 1)
end
M.one_over_one_plus = one_over_one_plus

--- 1 / x of an integer with 31 - `digits` bits behind the point: multiplier and bits above 1.
function M.reciprocal(x, digits)
  local headroom = leading_zeros(x)
  local rest = wrap32((x << headroom) - (1 << 31))
  return one_over_one_plus(rest), digits - headroom
end

M.leading_zeros = leading_zeros

return M
