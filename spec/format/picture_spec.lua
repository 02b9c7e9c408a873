-- Pictures by content: BMP, PNM, WebP, TIFF, JPEG 2000.  The files and their pixels are those of
-- spec/support/make_picture_files.py.
require "perigee.tensor"
local core = require "perigee.core"
local lfs = require "lfs"
local mutate = require "support.mutate"

local dir = "spec/data/pictures/"
local names = {}
for name in lfs.dir(dir) do
  if name:match "%.npy$" then names[#names + 1] = name:sub(1, -5) end
end
table.sort(names)

local function content(name)
  local f = assert(io.open(dir .. name, "rb"))
  local bytes = f:read "a"
  f:close()
  return bytes
end

--- The pixels, or nil where the library of this format is not on the machine.
local function read(name)
  local t, message, code = core.image_decode(content(name))
  if t then return t end
  assert.equal("unsupported", code, message)
  assert.matches("not installed", message)
  print(("picture_spec: %s skipped, %s"):format(name, message))
end

describe("pictures", function()
  it("are there", function() assert.is_true(#names > 25) end)

  for _, name in ipairs(names) do
    it("reads " .. name, function()
      local t = read(name)
      if not t then return end
      local want = assert(core.npy_read(dir .. name .. ".npy"))
      assert.same(want.shape, t.shape)
      assert.equal("u8", t.dtype)
      assert.same(want:totable(), t:totable())
    end)
  end

  it("keeps 16 bits when asked", function()
    local t = assert(core.image_decode(content "deep.pgm", true))
    assert.equal("u16", t.dtype)
  end)

  it("says what a file is not", function()
    local t, message, code = core.image_decode "GIF89a and more"
    assert.is_nil(t)
    assert.equal("format", code)
    assert.matches("neither PNG, JPEG, BMP", message)
  end)

  local bad = {
    { "BM" .. ("\0"):rep(40), "bmp: a header of 0 bytes" },
    { "BM" .. ("\255"):rep(60), "bmp: a header" },
    { "P6 0 3 255\nabc", "pnm: 0 x 3" },
    { "P6 70000 70000 255\nabc", "pnm: 70000 x 70000" },
    { "P5 100 100 255\nabc", "premature end" },
    { "P2 2 2 255\n1 2 3 x", "not a number" },
    { "P5 2 2 70000\nabcd", "out of range" },
    { "P7\nWIDTH 2\nHEIGHT 2\nDEPTH 9\nENDHDR\nabcd", "out of range" },
  }
  for _, case in ipairs(bad) do
    it("refuses: " .. case[2], function()
      local t, message, code = core.image_decode(case[1])
      assert.is_nil(t)
      assert.matches(case[2], message)
      assert.equal("format", code)
    end)
  end

  it("survives damaged files", function()
    for i, name in ipairs(names) do
      if read(name) then
        local bytes = content(name)
        mutate.run(200, i, { bytes }, core.image_decode)
        for n = 0, #bytes - 1, math.max(1, #bytes // 60) do core.image_decode(bytes:sub(1, n)) end
      end
    end
  end)
end)
