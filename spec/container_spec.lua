-- perigee's own file: what goes in comes out, damage is found, hostile files are refused.
local pg = require "perigee"
local core = require "perigee.core"
local lfs = require "lfs"
local models = require "support.models"
local mutate = require "support.mutate"
local temp = require "support.temp"

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

-- XXH64 from its specification, apart from the engine's.
local P1, P2, P3 = -7046029288634856825, -4417276706812531889, 1609587929392839161
local P4, P5 = -8796714831421723037, 2870177450012600261

local function turn(x, n) return x << n | x >> (64 - n) end
local function round(acc, v) return turn(acc + v * P2, 31) * P1 end

local function xxh64(s)
  local at, acc, n = 1, P5, #s
  if n >= 32 then
    local v = { P1 + P2, P2, 0, -P1 }
    while at + 31 <= n do
      for i = 1, 4 do v[i] = round(v[i], (("<i8"):unpack(s, at + 8 * i - 8))) end
      at = at + 32
    end
    acc = turn(v[1], 1) + turn(v[2], 7) + turn(v[3], 12) + turn(v[4], 18)
    for i = 1, 4 do acc = (acc ~ round(0, v[i])) * P1 + P4 end
  end
  acc = acc + n
  while at + 7 <= n do
    acc = turn(acc ~ round(0, (("<i8"):unpack(s, at))), 27) * P1 + P4
    at = at + 8
  end
  if at + 3 <= n then
    acc = turn(acc ~ ("<I4"):unpack(s, at) * P1, 23) * P2 + P3
    at = at + 4
  end
  for i = at, n do acc = turn(acc ~ s:byte(i) * P5, 11) * P1 end
  acc = (acc ~ acc >> 33) * P2
  acc = (acc ~ acc >> 29) * P3
  return acc ~ acc >> 32
end

local HEAD, ROW = 32, 40

--- The rows of a directory: { name, offset, size, checksum, flags }.
local function directory(bytes)
  local rows, n = {}, #bytes >= HEAD and ("<I4"):unpack(bytes, 13) or 0
  for i = 1, math.min(n, (#bytes - HEAD) // ROW) do
    local at = HEAD + (i - 1) * ROW + 1
    local offset, size, sum, flags = ("<i8i8i8I4"):unpack(bytes, at + 8)
    rows[i] = { bytes:sub(at, at + 7), offset, size, sum, flags }
  end
  return rows
end

--- A file of sections, each with its true checksum.
local function build(sections, version)
  local rows, body, at = {}, {}, (HEAD + #sections * ROW + 63) // 64 * 64
  local start = at
  for i, s in ipairs(sections) do
    local pad = -#s.data % 64
    rows[i] = ("<c8i8i8i8I4I4"):pack(s.name .. (" "):rep(8 - #s.name), at, #s.data,
      s.name == "data" and 0 or xxh64(s.data), s.flags or 1, 0)
    body[i] = s.data .. (i < #sections and ("\0"):rep(pad) or "")
    at = at + #body[i]
  end
  local rows_text = table.concat(rows)
  local head = ("<c8I4I4i8i8"):pack("\x89PGE\r\n\x1a\n", version or 1, #sections, at, xxh64(rows_text))
  return head .. rows_text .. ("\0"):rep(start - HEAD - #rows_text) .. table.concat(body)
end

local function sections_of(bytes)
  local out = {}
  for i, row in ipairs(directory(bytes)) do
    out[i] = { name = (row[1]:gsub(" +$", "")), data = bytes:sub(row[2] + 1, row[2] + row[3]), flags = row[5] }
  end
  return out
end

local function sample()
  local g = models.mlp()
  g:add_constant("big", pg.tensor.random({ 40, 50 }, { seed = 3 }))
  g:add_constant("odd", pg.tensor.random({ 200 }, { seed = 4, dtype = "f16" }))
  g:add("ReduceSum", { "big" }, { "total" }, { keepdims = 0 })
  g:add("Cast", { "odd" }, { "wide" }, { to = 1 })
  g:add_output "total"
  g:add_output "wide"
  g:infer()
  return g
end

local function stored()
  local path = dir .. "/sample.perigee"
  assert(sample():save(path))
  return path, read(path)
end

describe("the container", function()
  it("gives back the graph and its numbers", function()
    local path = stored()
    local g, h = sample(), assert(pg.load(path))
    assert.equal(g:text(), h:text())
    assert.equal(g:bytes(), h:bytes())
    assert.is_true(core.container_verify(path))
    local x = pg.tensor.random { 3, 4 }
    local a, b = g:session() { x = x }, h:session() { x = x }
    for _, name in ipairs { "y", "total", "wide" } do
      assert.equal(a[name]:bytes(), b[name]:bytes())
    end
  end)

  it("is found by its content, from any name and from bytes", function()
    local _, bytes = stored()
    write(dir .. "/model.onnx", bytes)
    assert.equal(sample():text(), assert(pg.load(dir .. "/model.onnx")):text())
    assert.equal(sample():text(), assert(pg.load_bytes(bytes)):text())
  end)

  it("becomes one ONNX file again", function()
    local path = stored()
    assert(assert(pg.load(path)):save(dir .. "/back.onnx"))
    assert.is_nil(lfs.attributes(dir .. "/back.onnx.data"))
    assert.equal(sample():text(), assert(pg.load(dir .. "/back.onnx")):text())
  end)

  it("lays weights on whole cache lines, without copying them", function()
    local path, bytes = stored()
    local rows = directory(bytes)
    for i, name in ipairs { "graph   ", "tensors ", "data    " } do
      assert.equal(name, rows[i][1])
      assert.equal(0, rows[i][2] % 64)
    end
    local n = rows[2][3] // 24
    assert.equal(2, n)
    for i = 0, n - 1 do
      local offset, size, sum = ("<i8i8i8"):unpack(bytes, rows[2][2] + 1 + 24 * i)
      assert.equal(0, offset % 64)
      local at = rows[3][2] + offset
      assert.equal(xxh64(bytes:sub(at + 1, at + size)), sum)
    end
    assert.equal(xxh64(bytes:sub(rows[1][2] + 1, rows[1][2] + rows[1][3])), rows[1][4])
    assert.equal(xxh64(bytes:sub(HEAD + 1, HEAD + 3 * ROW)), (("<i8"):unpack(bytes, 25)))
    assert.equal(3, #core.container_sections(path))
  end)

  it("keeps strings, bodies, functions, metadata and other types", function()
    for _, file in ipairs { "spec/data/branch.onnx" } do
      local g = assert(pg.load(file))
      assert(g:save(dir .. "/other.perigee"))
      assert.equal(g:bytes(), assert(pg.load(dir .. "/other.perigee")):bytes())
    end
    local g = pg.graph()
    g:add_constant("words", pg.tensor { "one", "", "three" })
    g:add_constant("none", pg.tensor.zeros({ 0, 4 }))
    g:add_constant("packed", pg.tensor.random({ 1001 }, { low = -8, high = 8, dtype = "i4" }))
    g:add("Constant", {}, { "inner" }, { value = pg.tensor.random { 300 } })
    for _, name in ipairs { "words", "none", "packed", "inner" } do
      g:add("Identity", { name }, { "out_" .. name })
      g:add_output("out_" .. name)
    end
    assert(g:save(dir .. "/types.perigee"))
    local h = assert(pg.load(dir .. "/types.perigee"))
    assert.equal(g:bytes(), h:bytes())
    assert.equal(g:session() {}.out_packed:bytes(), h:session() {}.out_packed:bytes())
  end)

  it("skips sections that it doesn't know, unless they are required", function()
    local _, bytes = stored()
    local list = sections_of(bytes)
    table.insert(list, 2, { name = "tuning", data = "any bytes", flags = 0 })
    write(dir .. "/more.perigee", build(list))
    assert.equal(sample():text(), assert(pg.load(dir .. "/more.perigee")):text())
    assert.is_true(core.container_verify(dir .. "/more.perigee"))
    list[2].flags = 1
    write(dir .. "/more.perigee", build(list))
    local g, message, code = pg.load(dir .. "/more.perigee")
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.matches("doesn't know its section 'tuning'", message, 1, true)
  end)

  it("says what was damaged", function()
    local path, bytes = stored()
    local rows = directory(bytes)
    local function damaged(at) return bytes:sub(1, at - 1) .. "\x55" .. bytes:sub(at + 1) end
    local function refused(text, pattern, code)
      write(dir .. "/bad.perigee", text)
      local g, message, kind = pg.load(dir .. "/bad.perigee")
      assert.is_nil(g)
      assert.equal(code or "format", kind)
      assert.matches(pattern, message, 1, true)
    end
    refused(damaged(rows[1][2] + 10), "section 'graph' was damaged")
    refused(damaged(rows[2][2] + 3), "section 'tensors' was damaged")
    refused(damaged(HEAD + 12), "its directory was damaged")
    refused(bytes:sub(1, -2), "its header says")
    refused(bytes:sub(1, 20), "it ends in its header")
    refused(build(sections_of(bytes), 2), "version 2 of the container", "unsupported")
    local list = sections_of(bytes)
    list[4] = list[1]
    refused(build(list), "two sections 'graph'")
    refused(build { list[1], list[2] }, "no section 'data'")
    refused(build { list[1], { name = "tensors", data = "abc" }, list[3] }, "section 'tensors' has 3 bytes")
    local far = ("<i8i8i8"):pack(1 << 40, 8, 0)
    refused(build { list[1], { name = "tensors", data = far }, list[3] }, "tensor 0: 8 bytes at")
    refused(build { list[1], list[2], { name = "data", data = "short" } }, "tensor 0: 8000 bytes at 0 of 5")
    -- weights are looked at when somebody asks
    write(dir .. "/bad.perigee", damaged(rows[3][2] + 100))
    assert(pg.load(dir .. "/bad.perigee"))
    local ok, message, code = core.container_verify(dir .. "/bad.perigee")
    assert.is_nil(ok)
    assert.equal("format", code)
    assert.matches("tensor 0 (8000 bytes at 0 of the data) was damaged", message, 1, true)
    assert.is_nil((core.container_verify "spec/data/branch.onnx"))
    assert.is_true(core.container_verify(path))
  end)

  it("reads no other file, whatever the structure names", function()
    local _, bytes = stored()
    local list = sections_of(bytes)
    list[1].data = list[1].data:gsub("\4data", "\4dato")
    write(dir .. "/dato", ("\0"):rep(20000))
    write(dir .. "/escape.perigee", build(list))
    local g, message, code = pg.load(dir .. "/escape.perigee")
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.matches("'dato'", message, 1, true)
  end)

  it("survives mutations, with and without true checksums", function()
    local _, bytes = stored()
    local function load(text)
      local g, message, code = pg.load_bytes(text)
      if g then g:close() end
      return g, message, code
    end
    -- A damaged beginning may be a file of another format, or none.
    local function any(text)
      local g, message, code = load(text)
      return g, message, code == "invalid" and "format" or code
    end
    assert.is_true(mutate.run(1500, 5, { bytes }, any) > 500)
    local state = 9
    local function below(n)
      state = state * 6364136223846793005 + 1442695040888963407
      return (state >> 33) % n
    end
    for i = 1, 1500 do
      local list = sections_of(bytes)
      local s = list[1 + i % 2]
      s.data = mutate.mutate(s.data, below)
      local g, message, code = load(build(list))
      if not g then
        assert.is_true(#message > 0)
        assert.is_true(code == "format" or code == "unsupported" or code == "nomem", code)
      end
    end
  end)
end)

describe("fingerprints", function()
  it("are those of FIPS 180-4", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", core.sha256 "")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", core.sha256 "abc")
    assert.equal("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      core.sha256 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      core.sha256(("a"):rep(1000000)))
    write(dir .. "/a", ("a"):rep(1000000))
    assert.equal(core.sha256(("a"):rep(1000000)), (core.sha256_file(dir .. "/a")))
  end)
end)
