-- perigee.tensor: making, looking, views, files, printing, closing.
local pg = require "perigee"
local core = require "perigee.core"
local temp = require "support.temp"
local T = pg.tensor

local integers = { "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "i4", "u4", "i2", "u2" }
local floats = { "f64", "f32", "f16", "bf16", "f8e4m3fn", "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz", "f4e2m1" }

local function same(expected, t) assert.same(expected, t:totable()) end

--- The error of a call, without position.
local function problem(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return message
end

describe("making tensors", function()
  it("takes numbers as f32, strings, booleans, nested tables", function()
    for _, case in ipairs {
      { 3, "f32", {}, 3 }, { true, "bool", {}, true }, { "text", "string", {}, "text" },
      { { 1, 2 }, "f32", { 2 }, { 1, 2 } }, { { { 1 }, { 2 } }, "f32", { 2, 1 }, { { 1 }, { 2 } } },
      { { true, false }, "bool", { 2 }, { true, false } }, { { "a", "" }, "string", { 2 }, { "a", "" } },
      { {}, "f32", { 0 }, {} }, { { {}, {} }, "f32", { 2, 0 }, { {}, {} } },
    } do
      local t = T(case[1])
      assert.equal(case[2], t.dtype)
      assert.same(case[3], t.shape)
      assert.equal(#case[3], t.rank)
      same(case[4], t)
    end
  end)

  it("keeps bytes of any value in strings", function()
    same({ "\0\255", "é" }, T { "\0\255", "é" })
  end)

  it("has every element type of ONNX", function()
    local bits = core.dtypes()
    local expected = {
      f64 = 64, f32 = 32, f16 = 16, bf16 = 16, f8e4m3fn = 8, f8e4m3fnuz = 8, f8e5m2 = 8, f8e5m2fnuz = 8,
      f8e8m0 = 8, f4e2m1 = 4, i64 = 64, i32 = 32, i16 = 16, i8 = 8, i4 = 4, i2 = 2, u64 = 64, u32 = 32,
      u16 = 16, u8 = 8, u4 = 4, u2 = 2, bool = 8, string = 0, c64 = 64, c128 = 128,
    }
    assert.same(expected, bits)
  end)

  for _, dtype in ipairs(integers) do
    it("stores the whole range of " .. dtype, function()
      local bits = math.tointeger(dtype:sub(2))
      local low = dtype:sub(1, 1) == "i" and -(1 << (bits - 1)) or 0
      local high = dtype:sub(1, 1) == "i" and (1 << (bits - 1)) - 1 or (1 << bits) - 1
      if bits == 64 then
        low, high = dtype == "i64" and math.mininteger or 0, math.maxinteger
      end
      same({ low, 0, 1, high, low }, T({ low, 0, 1, high, low }, dtype))
      assert.equal("integer", math.type(T({ 1 }, dtype)[1]))
    end)
  end

  for _, dtype in ipairs(floats) do
    it("stores numbers that " .. dtype .. " has", function()
      local t = T({ 0, 0.5, 1, 1.5, 2, 3, 4, 6, -1.5 }, dtype)
      assert.equal(dtype, t.dtype)
      same({ 0, 0.5, 1, 1.5, 2, 3, 4, 6, -1.5 }, t)
    end)
  end

  it("stores powers of two in f8e8m0, and complex numbers as pairs", function()
    same({ 0.25, 1, 1024 }, T({ 0.25, 1, 1024 }, "f8e8m0"))
    local c = T.frombytes(("<ffff"):pack(1, -2, 3, 4), "c64", { 2 })
    same({ { 1, -2 }, { 3, 4 } }, c)
    local d = T.frombytes(("<dd"):pack(0.1, -2), "c128", { 1 })
    same({ { 0.1, -2 } }, d)
  end)

  it("makes zeros, ones, full", function()
    same({ { 0, 0, 0 }, { 0, 0, 0 } }, T.zeros { 2, 3 })
    same({ 1, 1 }, T.ones({ 2 }, "i64"))
    same({ 2.5, 2.5 }, T.full({ 2 }, 2.5, "f64"))
    same({ "", "" }, T.zeros({ 2 }, "string"))
    same({ false }, T.zeros({ 1 }, "bool"))
    assert.equal(0, T.zeros({ 3, 0 }).count)
  end)

  it("counts ranges as Lua's for does", function()
    same({ 1, 2, 3 }, T.range(1, 3))
    same({ 5, 3, 1 }, T.range(5, 1, -2, "i32"))
    same({}, T.range(1, 0))
    assert.equal(11, T.range(0, 1, 0.1).count)
    same({ 0, 0.25, 0.5, 0.75, 1 }, T.linspace(0, 1, 5))
    same({ 7 }, T.linspace(7, 9, 1))
  end)

  it("takes raw bytes and gives them back", function()
    local bytes = ("<i2i2i2"):pack(1, -2, 300)
    local t = T.frombytes(bytes, "i16", { 3 })
    same({ 1, -2, 300 }, t)
    assert.equal(bytes, t:bytes())
    assert.equal("\x21\x03", T({ 1, 2, 3 }, "u4"):bytes()) -- the first element in the low bits
    assert.equal("\xe4", T({ 0, 1, 2, 3 }, "u2"):bytes())
    assert.matches("expected 6 bytes, got 5", problem(T.frombytes, bytes:sub(2), "i16", { 3 }), 1, true)
  end)

  it("refuses what is no tensor", function()
    assert.matches("rows differ in length: expected 2, got 1", problem(T, { { 1, 2 }, { 3 } }), 1, true)
    assert.matches("rows differ in depth", problem(T, { { 1 }, 2 }), 1, true)
    assert.matches("can't make a tensor of a function", problem(T, { print }), 1, true)
    assert.matches("can't make a tensor of nil", problem(T), 1, true)
    assert.matches("expected numbers", problem(T, { 1, "x" }), 1, true)
    assert.matches("unknown element type 'q7'", problem(T.zeros, { 1 }, "q7"), 1, true)
    assert.matches("dimensions must be integers >= 0", problem(T.zeros, { -1 }), 1, true)
    assert.matches("too many dimensions", problem(T.zeros, { table.unpack({}, 1, 0), 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }), 1, true)
    assert.matches("too large", problem(T.zeros, { 1 << 40, 1 << 40 }), 1, true)
    assert.matches("step is zero", problem(T.range, 1, 2, 0), 1, true)
  end)

  it("raises when memory runs out", function()
    assert.matches("out of memory: 1125899906842624 bytes", problem(T.zeros, { 1 << 48 }), 1, true)
  end)
end)

describe("random tensors", function()
  -- Philox4x32-10 (Salmon et al., SC 2011): a block is a function of its number and the seed.
  local function philox(block, seed)
    local c = { block & 0xffffffff, block >> 32, 0, 0 }
    local k0, k1 = seed & 0xffffffff, seed >> 32
    for _ = 1, 10 do
      local a, b = c[1] * 0xd2511f53, c[3] * 0xcd9e8d57
      c = { (b >> 32) ~ c[2] ~ k0, b & 0xffffffff, (a >> 32) ~ c[4] ~ k1, a & 0xffffffff }
      k0, k1 = (k0 + 0x9e3779b9) & 0xffffffff, (k1 + 0xbb67ae85) & 0xffffffff
    end
    return c
  end

  --- Two words make a number: 53 bits, divided by 2^53.
  local function reference(seed, n)
    local out = {}
    for i = 0, n - 1 do
      local c, at = philox(i // 2, seed), i % 2 * 2
      out[i + 1] = ((c[at + 1] >> 5) << 26 | c[at + 2] >> 6) * 0x1p-53
    end
    return out
  end

  it("are those of Philox4x32-10", function()
    -- The known answer of the paper's own library for counter 0 and key 0.
    assert.same({ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }, philox(0, 0))
    same(reference(0, 301), T.random({ 301 }, { dtype = "f64" }))
    same(reference(-42, 5), T.random({ 5 }, { seed = -42, dtype = "f64" }))
  end)

  it("differ by seed and agree for one", function()
    assert.same(T.randn({ 9 }, { seed = 3 }):totable(), T.randn({ 9 }, { seed = 3 }):totable())
    assert.not_same(T.randn({ 9 }, { seed = 3 }):totable(), T.randn({ 9 }, { seed = 4 }):totable())
  end)

  it("have the bounds, mean and deviation asked for", function()
    local u = T.random({ 20000 }, { seed = 1, low = -2, high = 4 })
    assert.is_true(u:min():item() >= -2 and u:max():item() < 4)
    assert.near(1, u:mean():item(), 0.05) -- five standard errors are 0.06
    local n = T.randn({ 20000 }, { seed = 1, mean = 5, deviation = 2 })
    assert.near(5, n:mean():item(), 0.07)
    assert.near(2, n:std():item(), 0.05)
  end)

  it("reject unknown options", function()
    assert.matches("unknown option 'sed' (known: dtype, high, low, seed)",
      problem(T.random, { 2 }, { sed = 1 }), 1, true)
  end)
end)

describe("looking at elements", function()
  local t = T { { 1, 2, 3 }, { 4, 5, 6 } }

  it("counts from 1, negatives from the end", function()
    assert.equal(6, t:get(2, 3))
    assert.equal(5, t:get(-1, -2))
    same({ 4, 5, 6 }, t[2])
    same({ 1, 2, 3 }, t[-2])
    assert.equal(3, t[1][-1])
    assert.equal(2, #t)
    assert.equal(6, t.count)
  end)

  it("ends ipairs", function()
    local seen = {}
    for i, v in ipairs(T { 4, 5 }) do seen[i] = v end
    assert.same({ 4, 5 }, seen)
  end)

  it("says what is out of range", function()
    assert.matches("index 4 is out of range (1 to 3)", problem(t.get, t, 1, 4), 1, true)
    assert.matches("index 0 is out of range (1 to 2)", problem(t.get, t, 0, 1), 1, true)
    assert.matches("index -3 is out of range (1 to 2)", problem(function() local _ = t[-3] end), 1, true)
    assert.matches("a scalar can't be indexed", problem(function() local _ = T(1)[1] end), 1, true)
    assert.matches("expected one element, got 6", problem(t.item, t), 1, true)
  end)

  it("writes single elements", function()
    local u = T.zeros({ 2, 2 }, "i32")
    u:set(1, -1, 7)
    u:set(2, 1, true)
    same({ { 0, 7 }, { 1, 0 } }, u)
    local s = T { "a", "b" }
    s:set(2, "longer than before")
    same({ "a", "longer than before" }, s)
  end)

  it("writes an index of the first axis by assignment", function()
    local u = T.zeros { 2, 3 }
    u[1] = { 1, 2, 3 }
    u[-1] = 7
    same({ { 1, 2, 3 }, { 7, 7, 7 } }, u)
    u[2][3] = 8
    same({ { 1, 2, 3 }, { 7, 7, 8 } }, u)
    assert.matches("index 3 is out of range", problem(function() u[3] = 1 end), 1, true)
    assert.matches("written by integer index, not by 'dtype'", problem(function() u.dtype = "f64" end), 1, true)
  end)
end)

describe("views", function()
  local function fresh() return T.range(1, 24):reshape(2, 3, 4) end

  it("slice with both ends included, negatives and steps", function()
    local t = T.range(1, 10)
    for _, case in ipairs {
      { { 1 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } }, { { 1, 3, 5 }, { 3, 4, 5 } },
      { { 1, -3 }, { 8, 9, 10 } }, { { 1, 2, -2, 3 }, { 2, 5, 8 } }, { { 1, nil, nil, -1 },
        { 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 } }, { { 1, 9, 2, -3 }, { 9, 6, 3 } }, { { 1, 5, 4 }, {} },
      { { 1, 8, 100 }, { 8, 9, 10 } }, { { -1, 1, 1 }, { 1 } }, { { 1, -100, 2 }, { 1, 2 } },
      { { 1, 11 }, {} },
    } do
      same(case[2], t:slice(table.unpack(case[1], 1, 4)))
    end
    assert.matches("step is zero", problem(t.slice, t, 1, 1, 2, 0), 1, true)
    assert.matches("axis 2 is out of range (1 to 1)", problem(t.slice, t, 2), 1, true)
  end)

  it("share memory with what they look at", function()
    local t = fresh()
    t:slice(3, 2, 3):copy_from(0)
    t:select(1, 2):set(1, 1, -1)
    t:permute(3, 1, 2):set(4, 1, 3, -2)
    t[1][1]:set(1, 99)
    same({ { { 99, 0, 0, 4 }, { 5, 0, 0, 8 }, { 9, 0, 0, -2 } },
      { { -1, 0, 0, 16 }, { 17, 0, 0, 20 }, { 21, 0, 0, 24 } } }, t)
  end)

  it("keep the memory alive after the original is closed", function()
    local t = fresh()
    local v = t:slice(1, 2, 2)
    t:close()
    collectgarbage()
    assert.equal(13, v:get(1, 1, 1))
  end)

  it("permute, transpose", function()
    local t = fresh()
    assert.same({ 4, 2, 3 }, t:permute { 3, 1, 2 }.shape)
    assert.equal(t:get(2, 3, 4), t:permute(-1, 1, 2):get(4, 2, 3))
    same({ { 1, 3 }, { 2, 4 } }, T { { 1, 2 }, { 3, 4 } }:transpose())
    assert.same({ 4, 3, 2 }, t:transpose(1, 3).shape)
    assert.is_false(t:transpose():is_contiguous())
    assert.is_true(t:transpose():contiguous():is_contiguous())
    assert.matches("an axis is named twice", problem(t.permute, t, 1, 1, 2), 1, true)
    assert.matches("expected 3 axes, got 2", problem(t.permute, t, 1, 2), 1, true)
  end)

  it("reshape, as a view where strides allow", function()
    local t = fresh()
    assert.same({ 4, 6 }, t:reshape(4, -1).shape)
    t:reshape(-1):set(24, 0)
    assert.equal(0, t:get(2, 3, 4))
    local p = T { { 1, 2 }, { 3, 4 } }:transpose()
    same({ 1, 3, 2, 4 }, p:reshape(-1)) -- a copy
    same({ 1, 3, 2, 4 }, p:flatten())
    assert.matches("can't reshape f32 [2,3,4] to f32 [5,5]", problem(t.reshape, t, 5, 5), 1, true)
    assert.matches("can't reshape f32 [2,3,4] to f32 [7,?]", problem(t.reshape, t, 7, -1), 1, true)
    assert.matches("only one dimension may be -1", problem(t.reshape, t, -1, -1), 1, true)
    same(5, T { 5 }:reshape {})
  end)

  it("squeeze, unsqueeze, expand, view", function()
    local t = T { { 1, 2, 3 } }
    assert.same({ 3 }, t:squeeze().shape)
    assert.same({ 1, 1, 3 }, t:unsqueeze(1).shape)
    assert.same({ 1, 3, 1 }, t:unsqueeze(-1).shape)
    assert.same({ 3 }, t:squeeze(1).shape)
    same({ { 1, 2, 3 }, { 1, 2, 3 } }, t:expand { 2, 3 })
    same({ 10, 11 }, fresh():view { 1, 3, { 2, 3 } })
    same({ { 1, 3 }, { 5, 7 }, { 9, 11 } }, fresh():view { 1, nil, { 1, -1, 2 } })
    assert.matches("out of range", problem(t.unsqueeze, t, 4), 1, true)
  end)

  it("squeeze refuses an axis that is longer than 1", function()
    assert.has_error(function() T.zeros { 2, 3 }:squeeze(1) end)
  end)

  it("copies: clone, contiguous, copy_from, fill", function()
    local t = T { 1, 2 }
    local c = t:clone()
    c:set(1, 9)
    assert.equal(1, t[1])
    assert.equal(t, t:contiguous())
    local m = T.zeros({ 2, 2 }, "i32")
    assert.equal(m, m:copy_from { 1.9, -1.9 }) -- broadcast and cast
    same({ { 1, -1 }, { 1, -1 } }, m)
    m:fill(4)
    same({ { 4, 4 }, { 4, 4 } }, m)
    assert.has_error(function() m:copy_from { 1, 2, 3 } end)
  end)

  it("casts with ONNX's rounding", function()
    same({ 1, 2, -1, 0 }, T { 1.5, 2.9, -1.5, 0.5 }:cast "i32")
    same({ true, false, true }, T { 0.1, 0, -2 }:cast "bool")
    same({ 65504, 1 / 0 }, T { 65504, 65520 }:cast "f16")
    same({ 1, 1.0078125 }, T { 1.00390625, 1.01 }:cast "bf16") -- half to even
    same({ 448, 448 }, T { 448, 1000 }:cast "f8e4m3fn") -- saturates
    same({ 44 }, T({ 300 }, "i32"):cast "u8")
    same({ "1.5", "-2.25" }, T { 1.5, -2.25 }:cast "string")
    same({ 0x3f800000 }, T { 1 }:bitcast "i32")
    assert.has_error(function() T { 1 }:bitcast "i64" end)
  end)
end)

describe("joining", function()
  it("concatenates and stacks", function()
    local a, b = T { { 1, 2 } }, T { { 3, 4 } }
    same({ { 1, 2 }, { 3, 4 } }, T.concat { a, b })
    same({ { 1, 2, 3, 4 } }, T.concat({ a, b }, 2))
    same({ { 1, 2, 3, 4 } }, T.concat({ a, b }, -1))
    same({ { { 1, 2 } }, { { 3, 4 } } }, T.stack { a, b })
    same({ { 1, 3 }, { 2, 4 } }, T.stack({ T { 1, 2 }, T { 3, 4 } }, 2))
    assert.has_error(function() T.concat({ a, T { 1 } }) end)
  end)

  it("gathers, tiles, finds", function()
    local t = T { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    same({ { 5, 6 }, { 1, 2 }, { 5, 6 } }, t:gather { 3, 1, -1 })
    same({ { 2 }, { 4 }, { 6 } }, t:gather({ 2 }, 2))
    same({ { 5, 6 } }, t:gather(T({ 3 }, "i32")))
    same({ 1, 2, 1, 2 }, T { 1, 2 }:tile { 2 })
    same({ { 1, 2 }, { 2, 1 } }, T { { 0, 3 }, { 4, 0 } }:nonzero())
    assert.has_error(function() t:gather { 4 } end)
  end)
end)

describe("npy files", function()
  local dir = temp.dir()
  teardown(function() temp.remove(dir) end)

  local values = { bool = { { true, false, true }, { false, false, true } } }
  for _, dtype in ipairs { "f64", "f32", "f16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool" } do
    it("round-trip " .. dtype, function()
      local path = dir .. "/" .. dtype .. ".npy"
      local t = T(values[dtype] or { { 1, 2, 3 }, { 4, 5, 100 } }, dtype)
      assert.is_true(t:save(path))
      local u = assert(T.npy(path))
      assert.equal(dtype, u.dtype)
      assert.same(t.shape, u.shape)
      assert.same(t:totable(), u:totable())
    end)
  end

  it("round-trip views, scalars, nothing", function()
    for i, t in ipairs { T { { 1, 2 }, { 3, 4 } }:transpose(), T(5), T.zeros { 0, 3 }, T { "a", "bcd" } } do
      local path = ("%s/view%d.npy"):format(dir, i)
      assert.is_true(t:save(path))
      local u = assert(T.npy(path))
      assert.same(t.shape, u.shape)
      assert.same(t:totable(), u:totable())
    end
  end)

  it("have the header that NumPy writes", function()
    local path = dir .. "/header.npy"
    assert(T({ { 1, 2 } }, "i16"):save(path))
    local bytes = temp.read(path)
    assert.equal("\x93NUMPY\1\0", bytes:sub(1, 8))
    local header = bytes:sub(11, 10 + ("<I2"):unpack(bytes, 9))
    assert.equal(0, (10 + #header) % 64)
    assert.equal("{'descr':'<i2','fortran_order':False,'shape':(1,2),}", (header:gsub("%s", "")))
    assert.equal(("<i2i2"):pack(1, 2), bytes:sub(-4))
  end)

  it("read Fortran order", function()
    local header = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }\n"
    local path = temp.write(dir .. "/fortran.npy",
      "\x93NUMPY\1\0" .. ("<s2"):pack(header) .. ("<i2i2i2i2"):pack(1, 2, 3, 4))
    same({ { 1, 3 }, { 2, 4 } }, assert(T.npy(path)))
  end)

  it("refuse big-endian files by name", function()
    local path = temp.write(dir .. "/big.npy", "\x93NUMPY\1\0" .. ("<s2"):pack(
      "{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }\n") .. "ab")
    local t, message, code = T.npy(path)
    assert.is_nil(t)
    assert.matches("big-endian type '>i2'", message, 1, true)
    assert.equal("unsupported", code)
  end)

  it("say what is wrong with a bad one", function()
    for name, bytes in pairs {
      empty = "", text = "hello", magic = "\x93NUMPY", cut = "\x93NUMPY\1\0\xff\xff{",
      short = "\x93NUMPY\1\0" .. ("<s2"):pack "{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }\n" .. "abc",
      huge = "\x93NUMPY\1\0" .. ("<s2"):pack(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }\n"),
    } do
      local path = temp.write(("%s/%s.npy"):format(dir, name), bytes)
      local t, message, code = T.npy(path)
      assert.is_nil(t)
      assert.equal(path, message:sub(1, #path))
      assert.equal("format", code)
    end
  end)
end)

describe("printing", function()
  it("shows type, shape, extremes and elements", function()
    assert.equal("Tensor f32 [2,2]  min 1  mean 2.5  max 4\n[[1, 2],\n [3, 4]]", tostring(T { { 1, 2 }, { 3, 4 } }))
    assert.equal("Tensor bool []  true", tostring(T(true)))
    assert.equal('Tensor string [1]\n["x"]', tostring(T { "x" }))
  end)

  it("is bounded, whatever the tensor", function()
    for _, t in ipairs {
      T.zeros { 1000, 1000 }, T.zeros { 100000 }, T.zeros { 100, 1, 1, 100 }, T { ("long"):rep(10000) },
      T.zeros { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 }, T.zeros({ 5, 0, 5 }), T { 0 / 0, 1 / 0, -1 / 0, 1e-30 },
    } do
      assert.is_true(#tostring(t) < 6000, #tostring(t) .. " characters")
    end
    assert.matches("[0, 0, 0, ..., 0, 0, 0]", tostring(T.zeros { 100000 }), 1, true)
  end)

  it("prints everything when asked", function()
    assert.equal("[[1.0, 2.0], [3.0, 4.0]]", T { { 1, 2 }, { 3, 4 } }:tostring { full = true })
    assert.has_error(function() T { 1 }:tostring { all = true } end)
  end)
end)

describe("closing", function()
  it("is idempotent, and the tensor says so afterwards", function()
    local t = T { 1, 2 }
    t:close()
    t:close()
    assert.equal("Tensor (closed)", tostring(t))
    for _, use in ipairs {
      function() return t[1] end, function() return t.shape end, function() return t + 1 end,
      function() return #t end, function() return t:sum() end, function() return t:totable() end,
      function() return t:reshape(-1) end, function() return t:map "x" end,
    } do
      assert.matches("closed", problem(use), 1, true)
    end
  end)

  it("happens at the end of a to-be-closed variable's block", function()
    local kept
    do
      local t <close> = T { 1 }
      kept = t
    end
    assert.equal("Tensor (closed)", tostring(kept))
  end)
end)
