--- The signal library of TensorFlow Lite for Microcontrollers: features of speech in integers.
---
--- The spectrum is computed in f32 and rounded, where the library's fixed-point transform rounds
--- after every stage; all else is exact. The noise estimate starts at zero; with opts.states it is
--- an input and an output more, so that frames can follow each other.
local flexbuffer = require "perigee.convert.tflite.flexbuffer"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = { custom = {} }

local function i64(s, v) return s.b:constant(v, "i64") end

local function wide(s, node, i) return quant.cast(s, s:x(node, i), "i64") end

local function shift_right(s, x, by)
  if type(by) == "number" then by = i64(s, by) end
  return s.b:op("BitShift", { x, by }, { direction = "RIGHT" })
end

local function shift_left(s, x, by)
  if type(by) == "number" then by = i64(s, by) end
  return s.b:op("BitShift", { x, by }, { direction = "LEFT" })
end

--- The options of a node; those that are listed must be numbers.
local function options(s, node, names)
  local o = flexbuffer.map(node.custom)
  for _, name in ipairs(names) do
    if type(o[name]) ~= "number" then s:bad("option '%s' is missing", name) end
  end
  return o
end

--- How many bits a number has: 0 for 0.
local function bits_of(s, x)
  local b, powers = s.b, {}
  for bit = 0, 40 do powers[bit + 1] = 1 << bit end
  local list = b:constant(pg_tensor.new(powers, "i64"))
  local above = b:op("GreaterOrEqual", { b:op("Unsqueeze", { x, b:i64 { -1 } }), list })
  return b:op("ReduceSum", { quant.cast(s, above, "i64"), b:i64 { -1 } }, { keepdims = 0 })
end

M.custom.SignalWindow = function(s, node)
  local o = options(s, node, { "shift" })
  local y = shift_right(s, s.b:op("Mul", { wide(s, node, 1), wide(s, node, 2) }), o.shift)
  y = s.b:op("Clip", { y, i64(s, -32768), i64(s, 32767) })
  s:set(node, 1, quant.cast(s, y, "i16"))
end

M.custom.SignalFftAutoScale = function(s, node)
  local b, x = s.b, wide(s, node, 1)
  local most = b:op("ReduceMax", { b:op("Abs", { x }) }, { keepdims = 0 })
  local by = b:op("Max", { b:op("Sub", { i64(s, 15), bits_of(s, most) }), i64(s, 0) })
  s:set(node, 1, quant.cast(s, shift_left(s, x, by), "i16"))
  s:set(node, 2, quant.cast(s, by, "i32"))
end

--- Real and imaginary parts by turns, divided by the length.
M.custom.SignalRfft = function(s, node)
  local o, b, t = options(s, node, { "fft_length" }), s.b, s:need(node, 1)
  local length, have = o.fft_length, t.shape[t.rank] or -1
  if t.dtype ~= "i16" or have < 1 or length < have or length > 1 << 16 then
    return s:unsupported "SignalRfft of other than i16 of known size"
  end
  local x = b:reshape(quant.cast(s, s:x(node, 1), "f32"), { 1, have })
  x = b:op("Pad", { x, b:i64 { 0, 0, 0, length - have }, b:constant(0.0, "f32") })
  local y = b:op("DFT", { b:op("Unsqueeze", { x, b:i64 { 2 } }), "", b:constant(1, "i64") },
    { onesided = 1 })
  y = quant.round(s, b:op("Div", { y, b:constant(length + 0.0, "f32") }))
  s:set(node, 1, quant.cast(s, quant.cast(s, b:reshape(y, s:out_t(node).shape), "i32"), "i16"))
end

M.custom.SignalEnergy = function(s, node)
  local o, b, out = options(s, node, { "start_index", "end_index" }), s.b, s:out_t(node)
  local n = out:count()
  if n < 1 or n > 1 << 20 then s:bad("%d energies", n) end
  local x = b:reshape(wide(s, node, 1), { n, 2 })
  local y = b:op("ReduceSum", { b:op("Mul", { x, x }), b:i64 { 1 } }, { keepdims = 0 })
  local inside = {}
  for i = 0, n - 1 do inside[i + 1] = i >= o.start_index and i < o.end_index and 1 or 0 end
  y = b:op("Mul", { y, b:constant(pg_tensor.new(inside, "i64")) })
  s:set(node, 1, quant.cast(s, b:reshape(y, out.shape), out.dtype))
end

--- Triangular filters: each bin adds to its channel with a weight, to the next one with the rest.
M.custom.SignalFilterBank = function(s, node)
  local o, b = options(s, node, { "num_channels" }), s.b
  local parts = {}
  for i = 2, 6 do
    parts[i] = s:ints(node, i) or s:bad("input %d is not constant", i - 1)
  end
  local bins, n = s:need(node, 1):count(), o.num_channels
  if n < 1 or n > 4096 or bins < 1 or bins * n > 1 << 22 then s:bad("%d channels of %d bins", n,
    bins) end
  local matrix = {}
  for i = 1, bins do
    matrix[i] = {}
    for k = 1, n do matrix[i][k] = 0 end
  end
  for i = 1, n + 1 do
    local bin, from, width = parts[4][i], parts[5][i], parts[6][i]
    for j = 1, width or s:bad("channel %d has no width", i) do
      local row = matrix[bin + j] or s:bad("channel %d reaches beyond the spectrum", i)
      local weight, rest = parts[2][from + j], parts[3][from + j]
      if not weight or not rest then s:bad("channel %d has no weights", i) end
      if i > 1 then row[i - 1] = row[i - 1] + weight end
      if i <= n then row[i] = row[i] + rest end
    end
  end
  local y = b:op("MatMul", { b:reshape(wide(s, node, 1), { 1, bins }),
    b:constant(pg_tensor.new(matrix, "i64")) })
  s:set(node, 1, quant.cast(s, b:reshape(y, { n }), "u64"))
end

--- The nearest integer, through f64, whose root of 53 bits is.
M.custom.SignalFilterBankSquareRoot = function(s, node)
  local b = s.b
  local root = b:op("Sqrt", { quant.cast(s, wide(s, node, 1), "f64") })
  local y = quant.cast(s, b:op("Floor", { b:op("Add", { root, b:constant(0.5, "f64") }) }), "i64")
  s:set(node, 1, quant.cast(s, shift_right(s, y, wide(s, node, 2)), "u32"))
end

--- The noise of the frames before: zero, or with opts.states an input of its own.
local function noise_before(s, node, n)
  if not s.model.opts.states then return i64(s, 0) end
  local name = s.b:input(s.b:unique(s:out_t(node, 2).name .. "_before"), "u32", { n })
  return quant.cast(s, name, "i64")
end

M.custom.SignalFilterBankSpectralSubtraction = function(s, node)
  local o, b = options(s, node, { "smoothing", "one_minus_smoothing", "alternate_smoothing",
    "alternate_one_minus_smoothing", "smoothing_bits", "spectral_subtraction_bits",
    "min_signal_remaining", "num_channels" }), s.b
  local n, even, odd = o.num_channels, {}, {}
  if n < 1 or n > 4096 then s:bad("%d channels", n) end
  for i = 1, n do
    even[i] = i % 2 == 1 and o.smoothing or o.alternate_smoothing
    odd[i] = i % 2 == 1 and o.one_minus_smoothing or o.alternate_one_minus_smoothing
  end
  -- smoothing_bits is the precision of the estimate, spectral_subtraction_bits that of the factors.
  local x = wide(s, node, 1)
  local scaled = shift_left(s, x, o.smoothing_bits)
  local sum = b:op("Add", { b:op("Mul", { scaled, b:constant(pg_tensor.new(even, "i64")) }),
    b:op("Mul", { noise_before(s, node, n), b:constant(pg_tensor.new(odd, "i64")) }) })
  local estimate = shift_right(s, sum, o.spectral_subtraction_bits)
  local below = b:op("Min", { estimate, scaled })
  local floor = shift_right(s, b:op("Mul", { x, i64(s, o.min_signal_remaining) }),
    o.spectral_subtraction_bits)
  local rest = shift_right(s, b:op("Sub", { scaled, below }), o.smoothing_bits)
  s:set(node, 1, quant.cast(s, b:op("Max", { rest, floor }), "u32"))
  local clamps = o.clamping == true or o.clamping == 1
  s:set(node, 2, quant.cast(s, clamps and below or estimate, "u32"))
  if s.model.opts.states then
    s.model.states = s.model.states or {}
    table.insert(s.model.states, node.outputs[2])
  end
end

--- A function given by three numbers for each power of two.
local function wide_dynamic(s, x, lut)
  local b = s.b
  local function at(place) return b:op("Gather", { lut, place }) end
  local interval = bits_of(s, x)
  local base = b:op("Sub", { b:op("Mul", { interval, i64(s, 4) }), i64(s, 6) })
  base = b:op("Max", { base, i64(s, 0) })
  local function plus(k) return at(b:op("Add", { base, i64(s, k) })) end
  local up = shift_left(s, x, b:op("Max", { b:op("Sub", { i64(s, 11), interval }), i64(s, 0) }))
  local fraction = shift_right(s, up, b:op("Max", { b:op("Sub", { interval, i64(s, 11) }),
    i64(s, 0) }))
  fraction = b:op("BitwiseAnd", { fraction, i64(s, 0x3ff) })
  local y = shift_right(s, b:op("Mul", { plus(2), fraction }), 5)
  y = b:op("Mul", { b:op("Add", { y, b:op("Mul", { plus(1), i64(s, 32) }) }), fraction })
  y = b:op("Add", { shift_right(s, b:op("Add", { y, i64(s, 1 << 14) }), 15), plus(0) })
  local small = at(b:op("Min", { x, i64(s, 2) }))
  return b:op("Where", { b:op("LessOrEqual", { x, i64(s, 2) }), small, y })
end

--- Gain control by the noise, and a square root's shape for what is loud.
M.custom.SignalPCAN = function(s, node)
  local o, b = options(s, node, { "snr_shift" }), s.b
  local gain = wide_dynamic(s, wide(s, node, 2), wide(s, node, 3))
  local snr = shift_right(s, b:op("Mul", { wide(s, node, 1), gain }), o.snr_shift)
  local small = b:op("Min", { snr, i64(s, 2 << 12) })
  local quiet = shift_right(s, b:op("Mul", { small, small }), 20)
  local loud = b:op("Sub", { shift_right(s, snr, 6), i64(s, 64) })
  local is_quiet = b:op("Less", { snr, i64(s, 2 << 12) })
  s:set(node, 1, quant.cast(s, b:op("Where", { is_quiet, quiet, loud }), "u32"))
end

M.custom.SignalFilterBankLog = function(s, node)
  local o, b = options(s, node, { "output_scale", "input_correction_bits" }), s.b
  local x = shift_left(s, wide(s, node, 1), o.input_correction_bits)
  local log = b:op("Log", { quant.cast(s, b:op("Max", { x, i64(s, 1) }), "f32") })
  local y = quant.round(s, b:op("Mul", { log, b:constant(o.output_scale + 0.0, "f32") }))
  s:set(node, 1, quant.cast(s, s.b:clip(y, 0, 32767), "i16"))
end

return M
