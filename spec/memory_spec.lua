-- What the allocator sees: failures without leaks, runs without allocations, memory the collector knows.
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"
local testing = require "perigee.testing"

local dir
setup(function()
  dir = temp.dir()
  assert(models.mlp():save(dir .. "/mlp.onnx"))
  assert(models.cnn():save(dir .. "/cnn.onnx"))
end)
teardown(function() temp.remove(dir) end)

local OCR = "models/ocr/ocr.onnx"

describe("an allocator that fails", function()
  -- The larger model is tried at some of its allocations only.
  for _, case in ipairs {
    { "mlp.onnx", 1 }, { "cnn.onnx", 1 }, { "branch.onnx", 1, "spec/data" }, { "loop.onnx", 1, "spec/data" },
    { "function.onnx", 1, "spec/data" }, { "old.onnx", 1, "spec/data" }, { "picked.onnx", 1, "spec/data" },
  } do
    it("at any allocation of loading and running " .. case[1] .. " gives nomem and leaks nothing", function()
      local path = (case[3] or dir) .. "/" .. case[1]
      local made, leaked, wrong = testing.alloc_failures(path, case[2])
      assert.is_true(made > 20)
      assert.equal(0, leaked)
      assert.equal(0, wrong)
    end)
  end

  it("at some allocations of the OCR model gives nomem and leaks nothing #once", function()
    local made, leaked, wrong = testing.alloc_failures(OCR, process.is_sanitized and 401 or 97)
    assert.is_true(made > 100)
    assert.equal(0, leaked)
    assert.equal(0, wrong)
  end)
end)

describe("the second run", function()
  for _, name in ipairs { "mlp.onnx", "cnn.onnx", OCR } do
    for _, how in ipairs { "into", "fresh" } do
      it(("of %s allocates nothing (%s)"):format(name, how), function()
        local path = name == OCR and OCR or dir .. "/" .. name
        local during, started, live = testing.second_run(path, 1, how)
        assert.equal(0, during)
        assert.equal(0, started) -- and one thread starts none
        assert.equal(0, live)
      end)
    end
  end

  it("starts threads only when asked for", function()
    local _, started = testing.second_run(OCR, 3, "fresh")
    assert.equal(2, started)
  end)
end)

describe("the collector", function()
  it("sees tensors: 4,000 temporaries of 1 MiB peak below 100 MiB #timing", function()
    local status, out, err = process.lua [[
      local pg = require "perigee"
      local core = require "perigee.core"
      local t = pg.tensor.ones { 512, 512 }
      for _ = 1, 4000 do t = t + 1 end
      assert(t:get(1, 1) == 4001)
      print(core.peak_bytes())
    ]]
    assert.equal(0, status, err)
    assert.is_true(tonumber(out) < 100 << 20, out .. " bytes")
  end)

  it("sees the outputs of sessions #timing", function()
    local status, out, err = process.lua [[
      local pg = require "perigee"
      local g = pg.graph()
      g:add_input("x", "f32", { 512, 512 })
      g:add("Relu", { "x" }, { "y" })
      g:add_output "y"
      local s, x = g:session { threads = 1 }, pg.tensor.ones { 512, 512 }
      for _ = 1, 1000 do s { x = x } end
      print(require "perigee.core".peak_bytes())
    ]]
    assert.equal(0, status, err)
    assert.is_true(tonumber(out) < 100 << 20, out .. " bytes")
  end)
end)
