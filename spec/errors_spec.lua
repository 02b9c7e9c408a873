-- What goes wrong outside a program's power is nil, message, code; what a program does wrong raises.
local lfs = require "lfs"
local pg = require "perigee"
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"
local T = pg.tensor

local dir
setup(function()
  dir = temp.dir()
  assert(models.mlp():save(dir .. "/good.onnx"))
end)
teardown(function() temp.remove(dir) end)

--- nil, a message of one line that begins with the path, a code.
local function fails(code, path, ...)
  local result, message, got = ...
  assert.is_nil(result)
  assert.is_string(message)
  assert.equal(path, message:sub(1, #path))
  assert.is_nil(message:find "\n")
  assert.equal(code, got)
  return message
end

local is_root = io.open("/proc/self/status"):read "a":match "Uid:%s+(%d+)" == "0"

describe("loading", function()
  it("says that a file is missing, or a folder", function()
    assert.equal(dir .. "/none.onnx: No such file or directory",
      fails("io", dir .. "/none.onnx", pg.load(dir .. "/none.onnx")))
    assert.matches("directory", fails("io", dir, pg.load(dir)))
  end)

  if not is_root then -- who may read everything
    it("says that a file may not be read", function()
      local path = temp.write(dir .. "/secret.onnx", "x")
      assert(os.execute("chmod 000 " .. path))
      fails("io", path, pg.load(path))
    end)
  end

  it("says what is no model", function()
    for name, bytes in pairs {
      empty = "", text = "this is no model\n", zeros = ("\0"):rep(1000), png = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
      html = "<!DOCTYPE html><html></html>", ones = ("\xff"):rep(300),
    } do
      local path = temp.write(("%s/%s.onnx"):format(dir, name), bytes)
      fails("format", path, pg.load(path))
    end
  end)

  it("says that a model is cut off, wherever that is", function()
    local bytes = temp.read(dir .. "/good.onnx")
    local path = dir .. "/cut.onnx"
    local n_bad = 0
    for size = 0, #bytes - 1 do
      temp.write(path, bytes:sub(1, size))
      local g, message, code = pg.load(path)
      if not g then
        n_bad = n_bad + 1
        fails("format", path, g, message, code)
      end
    end
    -- Protobuf doesn't tell when whole fields are missing at the end.
    assert.is_true(n_bad > 0.9 * #bytes)
  end)

  it("says what is wrong with bytes", function()
    local g, message, code = pg.load_bytes "junk"
    assert.is_nil(g)
    assert.is_string(message)
    assert.equal("format", code)
  end)

  it("raises for what is no path", function()
    assert.has_error(function() pg.load(nil) end)
    assert.has_error(function() pg.load {} end)
    assert.has_error(function() pg.load_bytes(nil) end)
    local ok, message = pcall(pg.load, 42)
    assert.is_false(ok)
    assert.matches("expected a path, got a number", message, 1, true)
  end)
end)

describe("saving", function()
  it("says that a place can't be written, and leaves nothing", function()
    local g, t = models.tiny(), T { 1 }
    for _, path in ipairs { dir .. "/no/such/folder/x", "/dev/full/x" } do
      fails("io", path, g:save(path))
      fails("io", path, t:save(path))
    end
    fails("io", dir, g:save(dir))
    fails("io", dir, t:save(dir))
  end)

  it("keeps the old file when writing fails", function()
    local path = dir .. "/kept.npy"
    assert(T { 1, 2 }:save(path))
    -- A file size limit stands for a full disk.
    local status, out, err = process.shell(("ulimit -f 1; trap '' XFSZ; %s %s"):format(process.interpreter,
      temp.write(dir .. "/big.lua", ([[
        local pg = require "perigee"
        local ok, message, code = pg.tensor.zeros({ 1000000 }):save(%q)
        print(ok, code, message)
      ]]):format(path))))
    assert.equal(0, status, err)
    assert.matches("^nil%s+io%s+", out)
    assert.same({ 1, 2 }, assert(T.npy(path)):totable())
    for name in lfs.dir(dir) do assert.is_nil(name:find "kept%.npy.") end
  end)
end)

describe("misuse", function()
  it("raises, and names the thing, what was expected, what came", function()
    local s = models.mlp():session { threads = 1 }
    for _, case in ipairs {
      { "input 'x': expected f32 [N,4], got f32 [4]", function() s { x = T.zeros { 4 } } end },
      { "input 'x': expected f32 [N,4], got i64 [1,4]", function() s { x = T.zeros({ 1, 4 }, "i64") } end },
      { "no input 'X'", function() s { X = T.zeros { 1, 4 } } end },
      { "input 'x'", function() s {} end },
      { "unknown option 'thread'", function() models.mlp():session { thread = 2 } end },
      { "rows differ in length", function() s { x = { { 1, 2 }, { 3 } } } end },
      { "perigee.Session expected, got number", function() s.run(1, {}) end },
      { "perigee.Tensor expected, got number", function() T.zeros({ 1 }).totable(3) end },
    } do
      local ok, message = pcall(case[2])
      assert.is_false(ok)
      assert.matches(case[1], message, 1, true)
    end
  end)

  it("blames the line that did it", function()
    local here = "errors_spec.lua:" .. debug.getinfo(1, "l").currentline + 1
    local ok, message = pcall(function() local t = T.zeros({ 2 }, "q7") return t end)
    assert.is_false(ok)
    assert.matches(here, message, 1, true)
    here = "errors_spec.lua:" .. debug.getinfo(1, "l").currentline + 1
    ok, message = pcall(function() local t = T { 1, 2, 3 } + T { 1, 2 } return t end)
    assert.is_false(ok)
    assert.matches(here, message, 1, true)
  end)

  it("of one handle for another raises", function()
    local g, t = models.tiny(), T { 1 }
    assert.has_error(function() g.save(t, "x") end)
    assert.has_error(function() t.reshape(g, 1) end)
    assert.has_error(function() g:remove(t) end)
    assert.has_error(function() g:session().run(g, {}) end)
  end)
end)
