require "perigee.tensor"
local core = require "perigee.core"
local mutate = require "support.mutate"
local temp = require "support.temp"

--- RIFF by its description; format: 1 PCM, 3 float, 6 A-law, 7 mu-law.
local function wav(format, channels, bits, data, opts)
  opts = opts or {}
  local rate, block = opts.rate or 16000, channels * bits // 8
  local fmt = string.pack("<I2I2I4I4I2I2", opts.extensible and 0xFFFE or format, channels, rate,
    rate * block, block, bits)
  if opts.extensible then
    fmt = fmt .. string.pack("<I2I2I4I2", 22, bits, 0, format) .. "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
  end
  local body = "WAVE" .. "fmt " .. string.pack("<s4", fmt) .. (opts.before or "") .. "data"
    .. string.pack("<I4", opts.size or #data) .. data
  return "RIFF" .. string.pack("<s4", body)
end

describe("wav", function()
  local dir
  setup(function() dir = temp.dir() end)
  teardown(function() temp.remove(dir) end)

  local function read(bytes) return core.wav_read(temp.write(dir .. "/x.wav", bytes)) end
  local function refused(bytes, pattern, code)
    local t, message, got = read(bytes)
    assert.is_nil(t)
    assert.matches(pattern, message)
    assert.equal(code or "format", got)
  end
  local function close(want, bytes)
    local t = assert(read(bytes))
    assert.is_true(t:allclose(core.tensor_from(want, "f32"), 0, 1e-7))
  end

  it("reads PCM of 8, 16, 24 and 32 bits", function()
    close({ { -1, 0, 127 / 128 } }, wav(1, 1, 8, "\0\x80\xff"))
    close({ { -1, 0, 32767 / 32768 } }, wav(1, 1, 16, string.pack("<i2i2i2", -32768, 0, 32767)))
    close({ { -1, 0.5, 8388607 / 8388608 } }, wav(1, 1, 24, string.pack("<i3i3i3", -8388608, 4194304, 8388607)))
    close({ { -1, 0.5 } }, wav(1, 1, 32, string.pack("<i4i4", -2147483648, 1073741824)))
  end)

  it("reads floats", function()
    close({ { -1, 0.25, 3 } }, wav(3, 1, 32, string.pack("<fff", -1, 0.25, 3)))
    close({ { -1, 0.25 } }, wav(3, 1, 64, string.pack("<dd", -1, 0.25)))
  end)

  -- ITU-T G.711, tables 1 and 2: the ends of the range and the smallest steps.
  it("reads A-law and mu-law", function()
    close({ { 4032 / 4096, -4032 / 4096, 1 / 4096, -1 / 4096 } }, wav(6, 1, 8, "\xaa\x2a\xd5\x55"))
    close({ { 8031 / 8192, -8031 / 8192, 0, 0, 2 / 8192 } }, wav(7, 1, 8, "\x80\x00\xff\x7f\xfe"))
  end)

  it("gives channels apart, and the rate", function()
    local t, rate = read(wav(1, 2, 8, "\0\x80\0\x80\0\x80", { rate = 44100 }))
    assert.same({ 2, 3 }, t.shape)
    assert.same({ { -1, -1, -1 }, { 0, 0, 0 } }, t:totable())
    assert.equal(44100, rate)
  end)

  it("reads extensible formats, skips other chunks, takes what is there of a cut one", function()
    close({ { 0.5 } }, wav(1, 1, 16, string.pack("<i2", 16384), { extensible = true }))
    close({ { 0.5 } }, wav(3, 1, 32, string.pack("<f", 0.5), { extensible = true }))
    close({ { -1 } }, wav(1, 1, 8, "\0", { before = "LIST" .. string.pack("<s4", "odd") .. "\0" }))
    close({ { -1, 0 } }, wav(1, 1, 8, "\0\x80", { size = 0xffffffff }))
    assert.same({ 1, 0 }, assert(read(wav(1, 1, 16, ""))).shape)
  end)

  it("reads what it wrote, limited and rounded to 16 bits", function()
    local t = core.tensor_from({ { 0, 0.5, -0.5, 2, -2 }, { 1, -1, 0.1, 0 / 0, 0 } }, "f32")
    assert.is_true(core.wav_write(t, 8000, dir .. "/y.wav"))
    local back, rate = core.wav_read(dir .. "/y.wav")
    assert.equal(8000, rate)
    local want = core.tensor_from({ { 0, 0.5, -0.5, 1, -1 }, { 1, -1, 0.1, 0, 0 } }, "f32")
    assert.is_true(back:allclose(want, 0, 1e-4))
    local long = core.tensor_random("uniform", { 2, 5000 }, 3, -1, 1, "f32")
    assert.is_true(core.wav_write(long, 48000, dir .. "/y.wav"))
    assert.is_true(assert(core.wav_read(dir .. "/y.wav")):allclose(long, 0, 1e-4))
  end)

  it("refuses what is malformed or unknown", function()
    local good = wav(1, 1, 8, "\0\x80\xff")
    refused("", "not a WAV file")
    refused("RIFF\0\0\0\0WAVX", "not a WAV file")
    refused(good:sub(1, 30), "cut off")
    refused(good:sub(1, 36), "no format or no data")
    refused(wav(1, 0, 8, "\0"), "no format or no data")
    refused(wav(1, 1, 8, "\0", { rate = 0 }), "rate 0 Hz")
    refused(wav(1, 1, 12, "\0\0\0"), "format 1 with 12 bits", "unsupported")
    refused(wav(85, 1, 16, "\0\0"), "format 85", "unsupported")
  end)

  it("names the file that can't be read, and refuses to write what is no sound", function()
    local t, message, code = core.wav_read(dir .. "/none.wav")
    assert.is_nil(t)
    assert.matches("none%.wav: No such file", message)
    assert.equal("io", code)
    t, message, code = core.wav_write(core.tensor_new("f32", { 1, 5 }), 8000, dir .. "/none/y.wav")
    assert.is_nil(t)
    assert.matches("No such file", message)
    assert.equal("io", code)
    local ok, problem = pcall(core.wav_write, core.tensor_new("f32", { 5 }), 8000, dir .. "/y.wav")
    assert.is_false(ok)
    assert.matches("expected f32 %[channels,samples%], got f32 %[5%]", problem)
  end)

  it("gives samples or a reason for every damaged file #once", function()
    local bad = mutate.run(500, 15, {
      wav(1, 2, 16, ("\1\2"):rep(20)), wav(1, 1, 24, ("\1\2\3"):rep(9)), wav(3, 1, 64, ("\1"):rep(32)),
      wav(7, 1, 8, ("\1"):rep(30)), wav(1, 1, 16, ("\1\2"):rep(20), { extensible = true }),
    }, read)
    assert.is_true(bad > 100 and bad < 500)
  end)
end)
