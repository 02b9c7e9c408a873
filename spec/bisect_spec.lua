-- Bisection: planted errors shrink to at most three nodes, and the report shows them.
local pg = require "perigee"
local core = require "perigee.core"
local json = require "dkjson"
local planted = require "support.planted"
local process = require "support.process"
local temp = require "support.temp"

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

local function nodes_of(graph)
  local types = {}
  for node in graph:nodes() do types[#types + 1] = node.type end
  return types
end

--- 20 nodes on two branches; the one called `name` is of the type that a predicate looks for.
local function chain(odd)
  local g = pg.graph()
  g:add_input("x", "f32", { 2, 6 })
  local last, side = "x", "x"
  for i = 1, 10 do
    last = g:add(i == odd and "Sigmoid" or "Neg", { last }, { "a" .. i }).outputs[1]
    side = g:add("Relu", { side }, { "b" .. i }).outputs[1]
  end
  g:add("Add", { last, side }, { "y" })
  g:add_output "y"
  return g
end

local function holds(graph, type)
  for node in graph:nodes() do
    if node.type == type then return true end
  end
  return false
end

describe("bisect", function()
  it("shrinks planted errors to the wrong node", function()
    planted.each(function(name, kind, good, bad, value)
      local what = name .. ", " .. kind
      local found = assert(pg.bisect.between(good, bad))
      assert.is_true(found.nodes <= 3, what)
      assert.is_not_nil(found.graph:value(value), what)
      assert.is_not_nil(found.other, what)
      assert.equal("different", assert(pg.compare(found.graph, found.other, { inputs = found.inputs })).verdict, what)
    end)
  end)

  it("finds a node without a hint, wherever it is", function()
    for _, odd in ipairs { 1, 4, 10 } do
      local found = assert(pg.bisect(chain(odd), function(part, inputs)
        assert(part:session()(inputs))
        return holds(part, "Sigmoid")
      end))
      assert.same({ "Sigmoid" }, nodes_of(found.graph))
      assert.same({ 1, 1 }, select(2, next(found.inputs)).shape) -- as small as it gets
      assert.is_true(found.tests < 60)
    end
  end)

  it("keeps what belongs together", function()
    local found = assert(pg.bisect(chain(4), function(part)
      return holds(part, "Sigmoid") and holds(part, "Relu")
    end))
    assert.is_true(found.nodes >= 2 and found.nodes <= 9)
    assert.is_true(holds(found.graph, "Sigmoid") and holds(found.graph, "Relu"))
  end)

  it("gives the part the values that the whole computes there", function()
    local g = chain(4)
    local x = pg.tensor.random { 2, 6 }
    local found = assert(pg.bisect(g, function(part) return holds(part, "Sigmoid") end,
      { inputs = { x = x }, shrink = false }))
    local name, value = next(found.inputs)
    assert.equal("a3", name)
    assert.is_true(value:allclose(x * -1))
  end)

  it("says when there is nothing to find", function()
    local found, message = pg.bisect(chain(4), function() return false end)
    assert.is_nil(found)
    assert.equal("the whole model doesn't show it", message)
    local code
    found, message, code = pg.bisect.between(chain(4), chain(4))
    assert.is_nil(found)
    assert.equal("same", code)
    assert.matches("nothing to bisect", message, 1, true)
  end)

  it("writes a report that runs", function()
    local good, bad = chain(4), chain(4)
    for node in bad:nodes() do
      if node.type == "Sigmoid" then
        bad:add("Tanh", { "a3" }, { "other" }, nil, { before = node })
      elseif node.inputs[1] == "a4" then
        node:set_input(1, "other")
      end
    end
    local found = assert(pg.bisect.between(good, bad))
    assert(pg.bisect.write(found, dir .. "/report"))
    local again = assert(pg.load(dir .. "/report/model.onnx"))
    local x = assert(core.pb_read(dir .. "/report/test_data_set_0/input_0.pb"))
    local y = assert(core.pb_read(dir .. "/report/test_data_set_0/output_0.pb"))
    local name = again:input_list()[1].name
    assert.is_false((again:session() { [name] = x }[1]:allclose(y)))
    local reference = assert(pg.load(dir .. "/report/reference.onnx"))
    assert.is_true((reference:session() { [reference:input_list()[1].name] = x }[1]:allclose(y)))
  end)
end)

describe("perigee bisect", function()
  local function perigee(words) return process.shell(process.interpreter .. " lua/bin/perigee " .. words) end

  it("shrinks a difference", function()
    local good = planted.build "mnist_cnn"
    local bad = assert(good:clone())
    planted.kinds.padding(bad)
    assert(good:save(dir .. "/good.onnx"))
    assert(bad:save(dir .. "/bad.onnx"))
    local status, out = perigee(("bisect %s/good.onnx %s/bad.onnx -o %s/found --json"):format(dir, dir, dir))
    assert.equal(0, status)
    local result = json.decode(out)
    assert.equal(1, #result.nodes)
    assert.equal("Conv", result.nodes[1].type)
    assert.matches("attribute pads", result.reasons[1], 1, true)
    status, out = perigee("conformance " .. dir .. "/found")
    assert.equal(1, status)
    assert.matches("0 passed, 1 failed", out, 1, true)
    assert.equal(1, (perigee(("bisect %s/good.onnx %s/good.onnx"):format(dir, dir))))
  end)

  it("shrinks what a command fails for, and what a Lua file tells", function()
    assert(chain(7):save(dir .. "/chain.onnx"))
    temp.write(dir .. "/fails.sh", 'if grep -q Sigmoid "$1/model.onnx"; then kill -9 $$; fi\n')
    local words = ("bisect %s/chain.onnx -o %s/small --json "):format(dir, dir)
    local status, out = perigee(words .. "--command 'sh " .. dir .. "/fails.sh'")
    assert.equal(0, status)
    assert.same("Sigmoid", json.decode(out).nodes[1].type)
    temp.write(dir .. "/test.lua", [[return function(graph)
      for node in graph:nodes() do if node.type == "Sigmoid" then return true end end
    end]])
    status, out = perigee(words .. "--test " .. dir .. "/test.lua")
    assert.equal(0, status)
    assert.equal(1, #json.decode(out).nodes)
    local _, _, problem = perigee(words .. "--crash")
    assert.matches("the whole model doesn't show it", problem, 1, true)
  end)

  it("tells misuse", function()
    assert.equal(0, (perigee "bisect --help"))
    assert.equal(2, (perigee("bisect " .. dir .. "/chain.onnx")))
    assert.equal(2, (perigee("bisect " .. dir .. "/chain.onnx --crash --command x")))
    assert.equal(1, (perigee "bisect nothere.onnx --crash"))
  end)
end)
