-- Proofs of equality: planted errors are found at their node; what is the same is told to be the same.
local pg = require "perigee"
local core = require "perigee.core"
local json = require "dkjson"
local models = require "support.models"
local planted = require "support.planted"
local process = require "support.process"
local temp = require "support.temp"

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

--- A convolution, its activation, a reduction: in NCHW.
local function nchw(prefix)
  local g = pg.graph()
  local function name(s) return prefix .. s end
  g:add_input("image", "f32", { 1, 3, 8, 6 })
  g:add_constant(name "w", pg.tensor.randn({ 5, 3, 3, 3 }, { seed = 1 }))
  g:add("Conv", { "image", name "w" }, { name "conv" }, { pads = { 1, 1, 1, 1 } }, { name = "first" })
  g:add("Relu", { name "conv" }, { name "relu" })
  g:add("Sigmoid", { name "relu" }, { name "map" })
  g:add_output(name "map")
  return g
end

--- The same with the channels last outside and inside.
local function nhwc(factor)
  local g = pg.graph()
  g:add_input("in", "f32", { 1, 8, 6, 3 })
  local w = pg.tensor.randn({ 5, 3, 3, 3 }, { seed = 1 })
  g:add_constant("w", factor and w * factor or w)
  g:add("Transpose", { "in" }, { "t0" }, { perm = { 0, 3, 1, 2 } })
  g:add("Conv", { "t0", "w" }, { "t1" }, { pads = { 1, 1, 1, 1 } })
  g:add("Transpose", { "t1" }, { "t2" }, { perm = { 0, 2, 3, 1 } })
  g:add("Relu", { "t2" }, { "t3" })
  g:add("Sigmoid", { "t3" }, { "out" })
  g:add_output "out"
  return g
end

describe("difference", function()
  it("measures what people ask for", function()
    local d = core.difference(pg.tensor { 1, -2, 4, 0 }, pg.tensor { 1, -2.5, 4, 0.25 }, 0.1, 0.05)
    assert.equal(4, d.count)
    assert.equal(0.5, d.max_abs)
    assert.equal(0.75 / 4, d.mean_abs)
    assert.equal(0.25, d.max_rel)
    assert.equal(2, d.worst)
    assert.equal(4, d.scale)
    assert.equal(2, d.beyond) -- 0.5 > 0.2 + 0.2, 0.25 > 0.2
    local dot, a, b = 1 + 5 + 16, 1 + 4 + 16, 1 + 6.25 + 16 + 0.0625
    assert.is_true(math.abs(d.cosine - dot / math.sqrt(a * b)) < 1e-12)
    local one = pg.tensor.new(1, "f32")
    local next_one = pg.tensor.frombytes("\1\0\x80\x3f", "f32", {})
    assert.equal(1, core.difference(one, next_one).max_ulp)
    assert.equal(2, core.difference(pg.tensor.new(0, "f32"), pg.tensor.frombytes("\2\0\0\x80", "f32", {})).max_ulp)
    assert.equal(1, core.difference(pg.tensor.new(1, "f16"), pg.tensor.new(1.0009765625, "f32")).max_ulp)
  end)

  it("knows what are no numbers, strings, and large integers", function()
    local inf, nan = math.huge, 0 / 0
    local d = core.difference(pg.tensor { inf, nan, 1, inf }, pg.tensor { inf, nan, nan, -inf })
    assert.same({ 2, 2, 0 }, { d.special, d.beyond, d.max_abs })
    assert.equal(1, core.difference(pg.tensor { "a", "b" }, pg.tensor { "a", "c" }).beyond)
    local big = pg.tensor({ (1 << 60) + 1 }, "i64")
    assert.equal(1, core.difference(big, pg.tensor({ 1 << 60 }, "i64")).beyond)
    assert.is_false((pcall(core.difference, pg.tensor { 1 }, pg.tensor { 1, 2 })))
    assert.is_false((pcall(core.difference, pg.tensor { 1 }, pg.tensor { "1" })))
  end)
end)

describe("compare", function()
  it("finds planted errors at the right node", function()
    local n = 0
    planted.each(function(name, kind, good, bad, value)
      local what = name .. ", " .. kind
      local report = assert(pg.compare(good, bad))
      assert.equal("different", report.verdict, what)
      assert.equal(value, report.first.value, what)
      assert.is_true(report.first.is_proven, what)
      assert.is_true(report.first.inputs_agree, what)
      assert.is_true(#report.first.reasons >= 1, what)
      n = n + 1
    end)
    assert.equal(13, n)
  end)

  it("finds no errors where there are none", function()
    for _, name in ipairs(planted.networks) do
      local g = planted.build(name)
      local report = assert(pg.compare(g, assert(g:clone())))
      assert.equal("same", report.verdict, name)
      assert.same({ a = 0, b = 0 }, report.unmatched)
      assert.is_nil(report.first)
    end
  end)

  it("sees through other names and layouts", function()
    local report = assert(pg.compare(nchw "", nhwc()))
    assert.equal("same", report.verdict)
    assert.equal(3, #report.values)
    for i, row in ipairs(report.values) do
      assert.same({ ({ "conv", "relu", "map" })[i], ({ "t1", "t3", "out" })[i] },
        { row.a, i == 1 and "t1" or row.b })
    end
    assert.equal("permute 1,4,2,3", report.values[3].layout)
    report = assert(pg.compare(nchw "", nchw "other_"))
    assert.same({ "same", 3 }, { report.verdict, #report.values })
    for _, row in ipairs(report.values) do assert.equal("other_" .. row.a, row.b) end
    report = assert(pg.compare(nchw "", nhwc(1.02)))
    assert.equal("different", report.verdict)
  end)

  it("forgives names that mean something else", function()
    local g, h = pg.graph(), pg.graph()
    for _, each in ipairs { g, h } do each:add_input("x", "f32", { 4 }) end
    g:add("Neg", { "x" }, { "1" })
    g:add("Abs", { "1" }, { "2" })
    g:add_output "2"
    h:add("Neg", { "x" }, { "2" })
    h:add("Abs", { "2" }, { "1" })
    h:add_output "1"
    local report = assert(pg.compare(g, h))
    assert.equal("same", report.verdict)
  end)

  it("takes tolerances by element type, or the user's", function()
    local g = nchw ""
    local h = assert(g:clone())
    local first = h:node "first"
    first:set_input(2, h:add_constant(nil, g:value "w".constant:cast "f16":cast "f32"))
    assert.equal("different", assert(pg.compare(g, h)).verdict)
    assert.equal("same", assert(pg.compare(g, h, { rtol = 1e-2, atol = 1e-2 })).verdict)
    local half = assert(g:clone())
    half:add_constant("w16", g:value "w".constant:cast "f16")
    local cast = half:add("Cast", { "w16" }, { "w32" }, { to = 1 }, { before = half:node "first" })
    assert.equal("Cast", cast.type)
    half:node "first":set_input(2, "w32")
    assert.equal("same", assert(pg.compare(g, half)).verdict)
  end)

  it("compares levels of the machine, threads, and the graph as it stands", function()
    local g = planted.build "mnist_cnn"
    local report = assert(pg.compare(g, nil, { isa = { "scalar", core.isa() }, threads = { 1, 2 } }))
    assert.equal("same", report.verdict)
    assert.matches("scalar, 1 thread", report.a.engine, 1, true)
    report = assert(pg.compare(g, nil, { optimize = { true, false } }))
    assert.equal("same", report.verdict)
    assert.matches("not optimized", report.b.engine, 1, true)
  end)

  it("compares with stored outputs", function()
    local g = models.mlp()
    local x = pg.tensor.random { 2, 4 }
    local y = g:session() { x = x }.y
    local o = { inputs = { x = x }, stored = { y } }
    assert.equal("same", assert(pg.compare(g, nil, o)).verdict)
    o.stored = { y = y * 1.01 }
    assert.equal("different", assert(pg.compare(g, nil, o)).verdict)
  end)

  it("needs little memory: values come in portions", function()
    local g = planted.build "squeezenet1_1"
    local steps = 0
    local report = assert(pg.compare(g, assert(g:clone()), {
      memory = 8 << 20, progress = function() steps = steps + 1 end,
    }))
    assert.equal("same", report.verdict)
    assert.is_true(steps > 3)
  end)

  it("says what can't be compared", function()
    local h = pg.graph()
    h:add_input("x", "f32", { 2, 2 })
    h:add("Relu", { "x" }, { "y" })
    h:add("Neg", { "x" }, { "z" })
    h:add_output "y"
    h:add_output "z"
    local report, message, code = pg.compare(nchw "", h)
    assert.is_nil(report)
    assert.equal("unsupported", code)
    assert.matches("input 'x': expected [2,2], the first model has [1,3,8,6]", message, 1, true)
    report, message = pg.compare("nothere.onnx", h)
    assert.is_nil(report)
    assert.matches("nothere.onnx", message, 1, true)
    report, message, code = pg.compare(h, nil, { vs = "onnxruntime" })
    if not report then
      assert.equal("unsupported", code)
      assert.matches("onnxruntime is not installed", message, 1, true)
    end
  end)
end)

-- ---- the command ------------------------------------------------------------------------------------

local function perigee(words) return process.shell(process.interpreter .. " lua/bin/perigee " .. words) end

describe("perigee compare", function()
  it("prints a verdict, writes a certificate and checks it", function()
    local good, bad = nchw "", nchw ""
    bad:node "first":set { pads = { 0, 1, 2, 1 } }
    assert(good:save(dir .. "/good.onnx"))
    assert(good:save(dir .. "/good.perigee"))
    assert(bad:save(dir .. "/bad.onnx"))
    local files = (" %s/good.onnx %s/bad.onnx "):format(dir, dir)
    local status, out = perigee("compare" .. files)
    assert.equal(1, status)
    assert.matches("first at node 'first' (Conv), value 'conv'", out, 1, true)
    assert.matches("attribute pads: [1,1,1,1] beside [0,1,2,1]", out, 1, true)
    status, out = perigee(("compare %s/good.onnx %s/good.perigee --json --certificate %s/c.json")
      :format(dir, dir, dir))
    assert.equal(0, status)
    assert.equal("same", json.decode(out).verdict)
    status, out = perigee("compare --check " .. dir .. "/c.json")
    assert.equal(0, status)
    assert.matches("c.json holds", out, 1, true)
    assert(bad:save(dir .. "/good.perigee"))
    local _, problem
    status, _, problem = perigee("compare --check " .. dir .. "/c.json")
    assert.equal(1, status)
    assert.matches("good.perigee: its content changed", problem, 1, true)
    assert.matches("the verdict was 'same', it is 'different'", problem, 1, true)
  end)

  it("reads inputs and stored outputs from files", function()
    local g = models.mlp()
    assert(g:save(dir .. "/mlp.onnx"))
    local x = pg.tensor.random { 3, 4 }
    require "lfs".mkdir(dir .. "/set")
    assert(x:save(dir .. "/set/input_0.npy"))
    assert(g:session() { x = x }.y:save(dir .. "/set/output_0.npy"))
    local words = ("compare %s/mlp.onnx --stored %s/set "):format(dir, dir)
    assert.equal(0, (perigee(words .. "-i " .. dir .. "/set")))
    assert.equal(0, (perigee(words .. "-i x=" .. dir .. "/set/input_0.npy")))
    assert.equal(1, (perigee(words .. "--size N=3")))
  end)

  it("tells misuse", function()
    assert.equal(2, (perigee("compare " .. dir .. "/mlp.onnx")))
    assert.equal(2, (perigee("compare " .. dir .. "/mlp.onnx --isa sse9")))
    assert.equal(2, (perigee "compare"))
    assert.equal(1, (perigee "compare nothere.onnx nothere2.onnx"))
    assert.equal(0, (perigee "compare --help"))
    assert.equal(1, (perigee "compare --check spec/compare_spec.lua"))
  end)
end)

describe("perigee convert", function()
  it("hands over a proof", function()
    local g = nchw ""
    assert(g:save(dir .. "/source.onnx"))
    local status, out = perigee(("convert %s/source.onnx %s/out.perigee --json --certificate %s/p.json")
      :format(dir, dir, dir))
    assert.equal(0, status)
    assert.equal("same", json.decode(out).proof.verdict)
    assert.equal(0, (perigee("compare --check " .. dir .. "/p.json")))
  end)

  it("says when it can't", function()
    local g = pg.graph()
    g:add("RandomNormal", {}, { "y" }, { shape = { 4 } })
    g:add_output "y"
    assert(g:save(dir .. "/random.onnx"))
    local status, _, problem = perigee(("convert %s/random.onnx %s/random.perigee"):format(dir, dir))
    assert.equal(0, status)
    assert.matches("not proved: node 'y' (RandomNormal) makes other random numbers each time", problem, 1, true)
  end)
end)
