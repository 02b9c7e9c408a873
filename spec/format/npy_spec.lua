require "perigee.tensor"
local core = require "perigee.core"
local mutate = require "support.mutate"
local temp = require "support.temp"

--- A file by the format's description: magic, version, length, header, data.
local function npy(descr, shape, data, opts)
  opts = opts or {}
  local header = opts.header or ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n"):format(
    descr, opts.fortran and "True" or "False", shape)
  local version = opts.version or 1
  local length = string.pack(version == 1 and "<s2" or "<s4", header)
  return "\x93NUMPY" .. string.char(version, 0) .. length .. data
end

describe("npy", function()
  local dir
  setup(function() dir = temp.dir() end)
  teardown(function() temp.remove(dir) end)

  local function read(bytes) return core.npy_read(temp.write(dir .. "/x.npy", bytes)) end
  local function refused(bytes, pattern, code)
    local t, message, got = read(bytes)
    assert.is_nil(t)
    assert.matches(pattern, message)
    assert.equal(code or "format", got)
  end

  for _, case in ipairs {
    { "<f4", "f", "f32", { 1.5, -2, 0, 1e10 } },
    { "<f8", "d", "f64", { 1.5, -2, 0, 1e300 } },
    { "<f2", "I2", "f16", { 0x3C00, 0xC000, 0x0000, 0x7C00 }, { 1, -2, 0, math.huge } },
    { "|i1", "i1", "i8", { -128, -1, 0, 127 } },
    { "<i2", "i2", "i16", { -32768, -1, 0, 32767 } },
    { "<i4", "i4", "i32", { -2147483648, -1, 0, 2147483647 } },
    { "<i8", "i8", "i64", { math.mininteger, -1, 0, math.maxinteger } },
    { "|u1", "I1", "u8", { 0, 1, 128, 255 } },
    { "<u2", "I2", "u16", { 0, 1, 32768, 65535 } },
    { "<u4", "I4", "u32", { 0, 1, 2147483648, 4294967295 } },
    { "<u8", "I8", "u64", { 0, 1, 2, 3 } },
    { "|b1", "I1", "bool", { 0, 1, 0, 7 }, { false, true, false, true } },
  } do
    it("reads " .. case[1], function()
      local data = string.pack("<" .. case[2]:rep(4), table.unpack(case[4]))
      local t = assert(read(npy(case[1], "2, 2", data)))
      assert.equal(case[3], t.dtype)
      assert.same({ 2, 2 }, t.shape)
      assert.same(case[5] or case[4], t:reshape(-1):totable())
    end)
  end

  it("reads every shape and version", function()
    assert.same({}, assert(read(npy("<i4", "", string.pack("<i4", 7)))).shape)
    assert.same({ 3 }, assert(read(npy("|u1", "3,", "\1\2\3"))).shape)
    assert.same({ 0, 4 }, assert(read(npy("|u1", "0, 4", ""))).shape)
    for version = 1, 3 do
      local t = assert(read(npy("|u1", "3,", "\1\2\3", { version = version })))
      assert.same({ 1, 2, 3 }, t:totable())
    end
    local header = '{"shape":(2,),"fortran_order":False,"descr":"|u1"}'
    assert.same({ 5, 6 }, assert(read(npy(nil, nil, "\5\6", { header = header }))):totable())
  end)

  it("reads Fortran order", function()
    local t = assert(read(npy("|u1", "2, 3", "\1\4\2\5\3\6", { fortran = true })))
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, t:totable())
  end)

  it("reads strings", function()
    assert.same({ "ab", "cde" }, assert(read(npy("|S3", "2,", "ab\0cde"))):totable())
    local wide = utf8.char(0x48, 0xe9, 0x20ac, 0x1f600)
    local data = string.pack("<I4I4I4I4", 0x48, 0xe9, 0x20ac, 0x1f600)
    assert.same({ wide }, assert(read(npy("<U4", "1,", data))):totable())
  end)

  it("reads what it wrote", function()
    for dtype, bits in pairs(core.dtypes()) do
      if bits >= 8 and not dtype:find "^c" and not dtype:find "^f8" and dtype ~= "bf16" then
        local t = core.tensor_from({ { 0, 1, 2 }, { 3, 4, 5 } }, dtype ~= "string" and dtype or "f32")
        assert.is_true(core.npy_write(t:permute(2, 1), dir .. "/y.npy"))
        local back = assert(core.npy_read(dir .. "/y.npy"))
        assert.equal(t.dtype, back.dtype)
        assert.is_true(back:allclose(t:permute(2, 1)))
      end
    end
    local words = core.tensor_from { { "one", "" }, { "three", "fo" } }
    assert.is_true(core.npy_write(words, dir .. "/y.npy"))
    assert.same(words:totable(), assert(core.npy_read(dir .. "/y.npy")):totable())
    local bytes = temp.read(dir .. "/y.npy")
    assert.equal(0, (10 + string.unpack("<I2", bytes, 9)) % 64)
  end)

  it("refuses what is malformed", function()
    refused("", "not an npy file")
    refused("\x93NUMPZ\1\0\0\0", "not an npy file")
    refused("\x93NUMPY\4\0\0\0\0\0", "version 4")
    refused(npy("<f4", "2,", "\0\0\0\0"), "expected 2 elements of 4 bytes, got 4 bytes")
    refused(npy("<f4", "4611686018427387904, 4", ""), "", "nomem")
    refused(npy("<f4", "9223372036854775807,", ""), "malformed header at 'shape'")
    refused(npy("<f4", "-1,", ""), "malformed header at 'shape'")
    refused(npy("<f4", ("1, "):rep(17), "\0\0\0\0"), "malformed header at 'shape'")
    refused(npy("", "", "", { header = "" }), "no dictionary")
    refused(npy("", "", "", { header = "{'descr': '<f4'}" }), "lacks descr or shape")
    refused(npy("", "", "", { header = "{'descr': '<f4', 'more': 1}" }), "malformed header at 'more'")
    refused(npy("<f4", "1,", "\0\0\0\0"):sub(1, 40), "header is cut off")
  end)

  it("says what it does not read", function()
    refused(npy(">f4", "1,", "\0\0\0\0"), "big%-endian", "unsupported")
    refused(npy("|O", "1,", ""), "element type '|O'", "unsupported")
    refused(npy("<M8", "1,", ("\0"):rep(8)), "element type '<M8'", "unsupported")
    refused(npy("", "", "", { header = "{'descr': [('a', '<f4')]}" }), "records", "unsupported")
  end)

  it("names the file that can't be read or written", function()
    local t, message, code = core.npy_read(dir .. "/none.npy")
    assert.is_nil(t)
    assert.matches("none%.npy: No such file", message)
    assert.equal("io", code)
    t, message, code = core.npy_write(core.tensor_new("f32", { 1 }), dir .. "/none/y.npy")
    assert.is_nil(t)
    assert.matches("No such file", message)
    assert.equal("io", code)
  end)

  it("gives a tensor or a reason for every damaged file #once", function()
    local bad = mutate.run(500, 14, {
      npy("<f4", "2, 3", ("\1"):rep(24)), npy("<i8", "2,", ("\2"):rep(16), { fortran = true }),
      npy("|S3", "2,", "ab\0cde"), npy("<U2", "2,", ("a\0\0\0"):rep(4)), npy("|b1", "4, 1, 1", "\1\2\3\4"),
    }, read)
    assert.is_true(bad > 100 and bad < 500)
  end)
end)
