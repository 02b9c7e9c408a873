--- Spectrograms: the Fourier transform of each frame as a convolution with its sines and cosines.
local tensor = require "perigee.tensor"

local M = {}

local function window_of(kind, n)
  local list = {}
  for i = 0, n - 1 do
    local turn = math.cos(2 * math.pi * i / n)
    list[i + 1] = kind == 1 and 0.5 * (1 - turn) or kind == 2 and 0.54 - 0.46 * turn or 1
  end
  return list
end

--- The window in the middle of n_fft places, and the root of its energy.
local function centred_window(c, p)
  local n_fft = p:int(0, 0)
  local winlen = p:int(3, n_fft)
  if n_fft <= 0 or n_fft > 8192 or winlen <= 0 or winlen > n_fft then
    c:fail("a window of %d in %d", winlen, n_fft)
  end
  local list, all, energy = window_of(p:int(4, 0), winlen), {}, 0
  for i = 1, n_fft do all[i] = 0 end
  local before = (n_fft - winlen) // 2
  for i, v in ipairs(list) do
    all[before + i] = v
    energy = energy + v * v
  end
  return all, math.sqrt(energy), n_fft
end

local modes = { [0] = "constant", "edge", "reflect" }

function M.Spectrogram(c, L)
  local p = L.params
  local window, energy, n = centred_window(c, p)
  local power, hop, norm = p:int(1, 0), p:int(2, n // 4), p:int(7, 0)
  local bins = p:int(8, 1) ~= 0 and n // 2 + 1 or n
  local x = c:unsqueeze(L.x[1], { 1 }) -- [1, 1, T]
  if p:int(5, 1) ~= 0 then
    x = c:op("Pad", { x, c:i64 { 0, 0, n // 2, 0, 0, n // 2 }, c:f32(0) },
      { mode = modes[p:int(6, 2)] or "reflect" })
  end
  local factor = norm == 1 and 1 / math.sqrt(n) or norm == 2 and 1 / energy or 1
  local real, imaginary = {}, {}
  for i = 0, bins - 1 do
    for k = 0, n - 1 do
      local angle, v = 2 * math.pi * ((i * k) % n) / n, window[k + 1] * factor
      real[#real + 1], imaginary[#imaginary + 1] = v * math.cos(angle), -v * math.sin(angle)
    end
  end
  local function transformed(list)
    local kernel = c:constant(tensor.new(list, "f32"):reshape(bins, 1, n))
    return c:op("Conv", { x, kernel }, { kernel_shape = { n }, strides = { hop } })
  end
  local re, im = transformed(real), transformed(imaginary)
  if power == 0 then
    return c:op("Concat", { c:unsqueeze(re, { 3 }), c:unsqueeze(im, { 3 }) }, { axis = 3 })
  end
  local sum = c:add(c:mul(re, re), c:mul(im, im))
  return power == 1 and c:op("Sqrt", { sum }) or sum
end

return { Spectrogram = M.Spectrogram }
