require "perigee.tensor"
local core = require "perigee.core"
local mutate = require "support.mutate"
local reference = require "support.image_reference"
local temp = require "support.temp"

local function chunk_at(bytes, name) return bytes:find(name, 9, true) - 4 end

--- Sets `n` bytes at `at` (1-based).
local function put(bytes, at, new) return bytes:sub(1, at - 1) .. new .. bytes:sub(at + #new) end

local function refused(bytes, pattern, code)
  local t, message, got = core.image_decode(bytes)
  assert.is_nil(t)
  assert.matches(pattern, message)
  assert.equal(code or "format", got)
end

describe("png", function()
  for _, case in ipairs(reference.cases.png) do
    it("reads " .. case.file .. (case.deep and " deep" or ""), function()
      local t = assert(core.image_read(reference.path(case.file), case.deep))
      assert.equal(case.dtype, t.dtype)
      assert.equal(0, reference.distance(t, reference.pixels(case)))
    end)
  end

  it("writes and reads back 8 and 16 bits of 1 to 4 channels", function()
    local dir = temp.dir()
    for _, dtype in ipairs { "u8", "u16" } do
      for channels = 1, 4 do
        for _, size in ipairs { { 1, 1 }, { 3, 5 }, { 64, 33 }, { 1, 300 } } do
          local t = core.tensor_random("uniform", { size[1], size[2], channels }, channels, 0,
            dtype == "u8" and 256 or 65536, dtype)
          assert.is_true(core.image_write(t, dir .. "/x.png"))
          local back = assert(core.image_read(dir .. "/x.png", true))
          assert.equal(dtype, back.dtype)
          assert.equal(0, reference.distance(back, t))
        end
      end
    end
    temp.remove(dir)
  end)

  it("rounds 16 bits to 8", function()
    local dir = temp.dir()
    local list, want = {}, {}
    for i = 0, 65535, 13 do
      list[#list + 1] = i
      want[#want + 1] = (i * 255 + 32767) // 65535
    end
    core.image_write(core.tensor_from(list, "u16"):reshape(#list, 1, 1), dir .. "/x.png")
    local t = assert(core.image_read(dir .. "/x.png"))
    assert.same(want, t:reshape(-1):totable())
    temp.remove(dir)
  end)

  it("writes a transposed view", function()
    local dir = temp.dir()
    local t = reference.source(3):permute(2, 1, 3)
    assert.is_true(core.image_write(t, dir .. "/x.png"))
    assert.equal(0, reference.distance(assert(core.image_read(dir .. "/x.png")), t))
    temp.remove(dir)
  end)

  it("refuses a file cut off anywhere", function()
    local bytes = reference.bytes "rgb8.png"
    for n = 1, #bytes - 1 do
      local t, message, code = core.image_decode(bytes:sub(1, n))
      assert.is_nil(t)
      assert.is_string(message)
      assert.equal("format", code)
    end
    refused(bytes:sub(1, 100), "^png: premature end$")
  end)

  it("refuses wrong checksums, of transparency too", function()
    local bytes = reference.bytes "rgb8_key.png"
    for _, name in ipairs { "IHDR", "tRNS", "IDAT" } do
      local at = chunk_at(bytes, name)
      local crc = at + 8 + string.unpack(">I4", bytes, at)
      refused(put(bytes, crc, string.char(bytes:byte(crc) ~ 1)), "^png: .*CRC error")
    end
  end)

  it("refuses more pixels than the file can hold, without taking memory for them", function()
    local bytes = reference.bytes "gray8.png"
    local head = chunk_at(bytes, "IHDR")
    local function sized(width, height)
      return mutate.mend_png(put(bytes, head + 8, string.pack(">I4I4", width, height)))
    end
    assert.truthy(core.image_decode(sized(13, 11)))
    refused(sized(16000, 16000), "16000 x 16000 pixels in %d+ bytes")
    refused(sized(0x7fffffff, 1), "png: ")
    refused(sized(1 << 24, 1 << 24), "png: ")
    refused(sized(0, 11), "png: ")
    refused(sized(13, 12), "png: ")
  end)

  it("refuses what is no image", function()
    refused("\x89PNG", "not a PNG file")
    refused("\x89PNG\r\n\x1a\n", "premature end")
    local dir = temp.dir()
    local function raises(t) assert.has_error(function() core.image_write(t, dir .. "/x.png") end) end
    raises(core.tensor_new("u8", { 2, 2, 5 }))
    raises(core.tensor_new("i64", { 2, 2, 3 }))
    raises(core.tensor_new("u8", { 0, 2, 3 }))
    raises(core.tensor_new("u8", { 2 }))
    assert.is_nil(io.open(dir .. "/x.png"))
    temp.remove(dir)
  end)

  it("gives pixels or a reason for every damaged file #once", function()
    local seeds = {}
    for _, name in ipairs {
      "gray1.png", "gray16_interlaced.png", "palette2_alpha.png", "palette8.png", "rgb8_key.png",
      "rgba16.png", "graya8_interlaced.png", "filters.png",
    } do
      seeds[#seeds + 1] = reference.bytes(name)
    end
    -- Checksums stop nearly all damage at once: half of the cases carry right ones.
    local broken = mutate.run(1000, 11, seeds, core.image_decode)
    local mended = mutate.run(1000, 12, seeds, function(bytes)
      return core.image_decode(mutate.mend_png(bytes))
    end)
    assert.is_true(broken > 500)
    assert.is_true(mended > 100 and mended < 1000)
  end)
end)
