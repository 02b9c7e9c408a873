-- The ruler: perigee alone against itself, and peers that can't be had.
local ruler = require "perigee.bench.ruler"
local engine = require "perigee.bench.engine"
local core = require "perigee.core"
local pg = require "perigee"

local function model()
  local g = pg.graph()
  g:set_opset(17)
  g:add_input("x", "f32", { 1, 8 })
  g:add("MatMul", { "x", g:add_constant(nil, pg.tensor.ones { 8, 4 }) }, { "y" })
  g:add_output "y"
  local path = os.tmpname()
  assert(g:save(path))
  return path
end

describe("bench --vs", function()
  it("measures perigee in a process of its own", function()
    local path = model()
    local report = assert(ruler.run(path, { rounds = 3, seconds = 0.01 }))
    os.remove(path)
    local own = report.engines[1]
    assert.equal("perigee", own.name)
    assert.equal(32, report.macs)
    assert.equal(0, own.difference)
    assert.equal(1, own.near.ratio)
    assert.is_true(own.near.median_ms > 0 and own.load_ms > 0 and own.peak_bytes > own.base_bytes)
    assert.is_true(report.peak > 1e8)
  end)

  it("tells which peer is missing and measures the rest", function()
    local path, python = model(), engine.python
    engine.python = function() return "/nonexistent/python" end
    local report = assert(ruler.run(path, { vs = { "onnxruntime" }, rounds = 1, seconds = 0.01 }))
    engine.python = python
    os.remove(path)
    assert.equal(1, #report.engines)
    assert.equal("onnxruntime", report.failures[1].engine)
    assert.matches("nonexistent", report.failures[1].error)
  end)

  it("says what is wrong with a model", function()
    local report, message = ruler.run("/nonexistent.onnx", { rounds = 1 })
    assert.is_nil(report)
    assert.matches("nonexistent", message)
  end)

  it("probes the machine", function()
    assert.is_true(core.peak_f32() > 1e8)
    assert.is_true(core.read_speed(1 << 16) > 1e8)
    assert.is_true(core.cpu_count() == 1 or core.ping_pong() > 1)
  end)
end)
