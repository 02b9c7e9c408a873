require "perigee.tensor"
local core = require "perigee.core"
local mutate = require "support.mutate"
local reference = require "support.image_reference"
local temp = require "support.temp"

local function refused(bytes, pattern, code)
  local t, message, got = core.image_decode(bytes)
  assert.is_nil(t)
  assert.matches(pattern, message)
  assert.equal(code or "format", got)
end

--- The place of the frame header's marker.
local function frame_at(bytes)
  local at = 3
  while true do
    local marker, size = bytes:byte(at + 1), string.unpack(">I2", bytes, at + 2)
    if marker == 0xC0 or marker == 0xC2 then return at end
    at = at + 2 + size
  end
end

local function put(bytes, at, new) return bytes:sub(1, at - 1) .. new .. bytes:sub(at + #new) end

describe("jpeg", function()
  for _, case in ipairs(reference.cases.jpeg) do
    it("reads " .. case.file, function()
      local t = assert(core.image_read(reference.path(case.file)))
      -- Decoders may round differently; ours and Pillow's hardly do.
      assert.is_true(reference.distance(t, reference.pixels(case)) <= 2)
    end)
  end

  it("ignores an orientation that makes no sense", function()
    local bytes = reference.bytes "orientation6.jpg"
    local at = bytes:find("\x12\x01\x03\x00\x01\x00\x00\x00\x06", 1, true)
      or bytes:find("\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06", 1, true)
    local is_big = bytes:byte(at) == 1
    local value = at + (is_big and 9 or 8)
    for _, wrong in ipairs { 0, 9, 255 } do
      local t = assert(core.image_decode(put(bytes, value, string.char(wrong))))
      assert.same({ 19, 27, 3 }, t.shape)
    end
    assert.same({ 27, 19, 3 }, assert(core.image_decode(bytes)).shape)
    -- A directory that points outside.
    local tiff = bytes:find("Exif\0\0", 1, true) + 6
    for _, far in ipairs { "\xff\xff\xff\xff", "\x00\x00\x00\xff", "\x7f\xff\xff\xff" } do
      assert.same({ 19, 27, 3 }, assert(core.image_decode(put(bytes, tiff + 4, far))).shape)
    end
  end)

  it("reads the orientation of either byte order", function()
    local bytes = reference.bytes "rgb.jpg"
    for _, order in ipairs { "<", ">" } do
      local tiff = (order == "<" and "II*\0" or "MM\0*")
        .. string.pack(order .. "I4I2I2I2I4I2I2I4", 8, 1, 0x112, 3, 1, 6, 0, 0)
      local segment = "Exif\0\0" .. tiff
      local with = bytes:sub(1, 2) .. "\xff\xe1" .. string.pack(">I2", #segment + 2) .. segment .. bytes:sub(3)
      assert.same({ 27, 19, 3 }, assert(core.image_decode(with)).shape)
    end
  end)

  it("reads back what it wrote, nearly", function()
    local dir = temp.dir()
    for _, channels in ipairs { 1, 3 } do
      local t = core.image_resize(reference.source(channels), 150, 200, "bicubic")
      assert.is_true(core.image_write(t, dir .. "/x.jpg", 98))
      local back = assert(core.image_read(dir .. "/x.jpg"))
      assert.same(t.shape, back.shape)
      assert.is_true((back:cast "f32" - t:cast "f32"):abs():mean():item() < 4)
    end
    temp.remove(dir)
  end)

  it("refuses a file cut off anywhere", function()
    for _, name in ipairs { "rgb.jpg", "progressive.jpg", "cmyk.jpg" } do
      local bytes = reference.bytes(name)
      for n = 3, #bytes - 1, 7 do
        local t, message, code = core.image_decode(bytes:sub(1, n))
        assert.is_nil(t)
        assert.is_string(message)
        assert.equal("format", code)
      end
      refused(bytes:sub(1, #bytes - 30), "^jpeg: premature end$")
    end
  end)

  it("tolerates damage in the data, and bytes after the end", function()
    local bytes = reference.bytes "rgb.jpg"
    assert.truthy(core.image_decode(bytes .. "trailing bytes"))
    local data = bytes:find("\xff\xda", 1, true) + 40
    assert.truthy(core.image_decode(put(bytes, data, "\x12\x34")))
  end)

  it("refuses more pixels than the file can hold, without taking memory for them", function()
    local bytes = reference.bytes "rgb.jpg"
    local at = frame_at(bytes) + 5
    refused(put(bytes, at, string.pack(">I2I2", 16000, 16000)), "premature end")
    refused(put(bytes, at, string.pack(">I2I2", 65535, 65535)), "jpeg: ")
    refused(put(bytes, at, string.pack(">I2I2", 0, 100)), "jpeg: ")
  end)

  it("says what it does not do", function()
    local bytes = reference.bytes "rgb.jpg"
    refused(put(bytes, frame_at(bytes) + 1, "\xc3"), "jpeg: ", "unsupported") -- lossless
    refused(put(bytes, frame_at(bytes) + 4, "\12"), "jpeg: ", "unsupported") -- 12 bits
  end)

  it("refuses what is no image", function()
    refused("\xff\xd8", "not a JPEG file")
    refused("\xff\xd8\xff", "premature end")
    refused("\xff\xd8\xff\xd9", "jpeg: ")
    local dir = temp.dir()
    local function raises(t, quality)
      assert.has_error(function() core.image_write(t, dir .. "/x.jpg", quality) end)
    end
    raises(core.tensor_new("u8", { 2, 2, 5 }))
    raises(core.tensor_new("u8", { 2, 2, 3 }), 101)
    raises(core.tensor_new("u8", { 0, 2, 3 }))
    raises(core.tensor_new("u8", { 1, 65501, 1 }))
    assert.is_nil(io.open(dir .. "/x.jpg"))
    temp.remove(dir)
  end)

  it("gives pixels or a reason for every damaged file #once", function()
    local seeds = {}
    for _, name in ipairs { "gray.jpg", "rgb.jpg", "progressive.jpg", "cmyk.jpg", "orientation6.jpg" } do
      seeds[#seeds + 1] = reference.bytes(name)
    end
    local bad = mutate.run(2000, 13, seeds, core.image_decode)
    assert.is_true(bad > 500 and bad < 2000)
  end)
end)
