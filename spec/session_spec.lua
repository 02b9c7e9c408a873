-- Sessions: describing, binding, running, values on demand, slices, plans, memory.
local pg = require "perigee"
local core = require "perigee.core"
local models = require "support.models"
local temp = require "support.temp"
local T = pg.tensor

--- The error of a call, without position.
local function problem(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return (message:gsub("^[^ ]+:%d+: ", ""))
end

local function near(expected, got, bound)
  for i, row in ipairs(expected) do
    if type(row) == "table" then near(row, got[i], bound) else assert.near(row, got[i], bound or 1e-5) end
  end
end

local x = { { 1, -2, 3, 0.5 }, { -1, 0.25, 2, -3 }, { 0, 0, 1, 1 } }

describe("describing", function()
  it("lists inputs and outputs with names of free dimensions", function()
    local s = models.mlp():session { threads = 1 }
    assert.same({ { name = "x", dtype = "f32", shape = { "N", 4 } } }, s:input_list())
    assert.same({ { name = "y", dtype = "f32", shape = { "N", 2 } } }, s:output_list())
    local seen = {}
    for name, spec in s:inputs() do seen[name] = spec.dtype end
    for name, spec in s:outputs() do seen[name] = spec.shape end
    assert.same({ x = "f32", y = { "N", 2 } }, seen)
    assert.equal("Session  x f32 [N,4] -> y f32 [N,2]", tostring(s))
  end)

  it("leaves out inputs that have a default", function()
    local s = assert(pg.load "spec/data/old.onnx"):session { threads = 1 }
    assert.equal("x", s:input_list()[1].name)
    assert.equal(1, #s:input_list())
    assert.same({ 1, 1, 1 }, s({ x = { { 1, 1, 1 } }, w = { 1, 1, 1 } }).y:totable()) -- yet they may be given
    assert.same({ 2, 3, 4 }, s({ x = { { 1, 1, 1 } } }).y:totable())
  end)

  it("rejects unknown options", function()
    local g = models.tiny()
    assert.matches("unknown option 'thread' (known: optimize, threads)",
      problem(g.session, g, { thread = 1 }), 1, true)
    assert.matches("threads", problem(g.session, g, { threads = 0 }), 1, true)
  end)

  it("says all that a model needs and nobody has", function()
    local s, message, code = assert(pg.load "spec/data/missing.onnx"):session()
    assert.is_nil(s)
    assert.equal("unsupported", code)
    assert.matches("Frobnicate", message, 1, true)
    assert.matches("Defenestrate", message, 1, true)
  end)
end)

describe("running", function()
  it("computes what the operators say", function()
    local out = models.mlp():session { threads = 1 } { x = x }
    near(models.mlp_reference(x).y, out.y:totable())
    assert.equal(out.y, out[1]) -- by name and by position
    local image = T.random({ 1, 2, 9, 9 }, { seed = 4, low = -1 })
    for _, optimize in ipairs { true, false } do
      local y = models.cnn():session { threads = 1, optimize = optimize } { image = image }.y
      near(models.cnn_reference(image:totable()[1]), y:totable(), 2e-5)
    end
  end)

  it("takes tensors, tables, numbers, by name or position", function()
    local s = models.tiny():session { threads = 1 }
    local expected = { { 2, 3, 4 }, { 5, 6, 7 } }
    local rows = { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same(expected, s({ x = rows }).y:totable())
    assert.same(expected, s({ T(rows) }).y:totable())
    assert.same(expected, s:run({ x = T.range(1, 6):reshape(2, 3) })[1]:totable())
    assert.same(expected, s({ x = T { { 1, 4 }, { 2, 5 }, { 3, 6 } }:transpose() }).y:totable()) -- a view
    local l = assert(pg.load "spec/data/branch.onnx"):session { threads = 1 }
    assert.same({ 4, 5 }, l({ flag = true, x = { 1, 2 } }).y:totable())
    assert.same({ 3, 6 }, l({ flag = false, x = { 1, 2 } }).y:totable())
  end)

  it("says exactly what is wrong with an input", function()
    local g = pg.graph()
    g:add_input("data", "f32", { 1, 3, 224, 224 })
    g:add("Relu", { "data" }, { "y" })
    g:add_output "y"
    local s = g:session { threads = 1 }
    for _, case in ipairs {
      { "input 'data': expected f32 [1,3,224,224], got f32 [1,224,224,3]", { data = T.zeros { 1, 224, 224, 3 } } },
      { "input 'data': expected f32 [1,3,224,224], got u8 [1,3,224,224]",
        { data = T.zeros({ 1, 3, 224, 224 }, "u8") } },
      { "input 'data': expected f32 [1,3,224,224], got f32 [3,224,224]", { data = T.zeros { 3, 224, 224 } } },
    } do
      assert.equal(case[1], problem(s, case[2]))
    end
    assert.matches("no input 'dat'", problem(s, { dat = T(1) }), 1, true)
    assert.matches("'data'", problem(s, { dat = T(1) }), 1, true) -- names what there is
    assert.matches("input 'data'", problem(s, {}), 1, true)
    assert.matches("input 2: the model has 1 inputs", problem(s, { T.zeros { 1, 3, 224, 224 }, T(1) }), 1, true)
    assert.matches("input 'data' is a closed tensor", problem(function()
      local t = T(1)
      t:close()
      s { data = t }
    end), 1, true)
    local m = models.mlp():session { threads = 1 }
    assert.equal("input 'x': expected f32 [N,4], got f32 [2,5]", problem(m, { x = T.zeros { 2, 5 } }))
  end)

  it("says which output there is not", function()
    local s = models.tiny():session { threads = 1 }
    assert.matches("nothing_like_it", problem(s.run, s, { x = T.zeros { 2, 3 } }, { "nothing_like_it" }), 1, true)
  end)

  it("says which node can't take its inputs together", function()
    local g = pg.graph()
    g:add_input("a", "f32", { "N" })
    g:add_input("b", "f32", { "N" })
    g:add("Add", { "a", "b" }, { "c" }, nil, { name = "sum" })
    g:add_output "c"
    local s = g:session { threads = 1 }
    assert.same({ 3, 3 }, s({ a = { 1, 2 }, b = { 2, 1 } }).c:totable())
    local message = problem(s, { a = { 1, 2 }, b = { 1, 2, 3 } })
    assert.matches("node 'sum' (Add): f32 [2] and f32 [3]", message, 1, true)
  end)

  it("gives nil, message, code when data is bad", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 3 })
    g:add_input("i", "i64", { 1 })
    g:add("Gather", { "x", "i" }, { "y" })
    g:add_output "y"
    local s = g:session { threads = 1 }
    assert.same({ 3 }, s({ x = { 1, 2, 3 }, i = { 2 } }).y:totable())
    local ok, out, message = pcall(s, { x = { 1, 2, 3 }, i = { 99 } })
    assert.matches("99", ok and message or out, 1, true)
    assert.same({ 3 }, s({ x = { 1, 2, 3 }, i = { -1 } }).y:totable()) -- and goes on afterwards
  end)
end)

describe("any value on demand", function()
  local reference = models.mlp_reference(x)

  it("is given by name", function()
    for _, optimize in ipairs { true, false } do
      local s = models.mlp():session { threads = 1, optimize = optimize }
      for _, name in ipairs { "hidden", "active", "scores", "y" } do
        local out = s:run({ x = x }, { name })
        near(reference[name], out[name]:totable())
        assert.equal(out[name], out[1])
        assert.is_nil(out[2])
      end
      local out = s:run({ x = x }, { "y", "hidden" })
      near(reference.hidden, out[2]:totable())
      near(reference.y, out[1]:totable())
    end
  end)

  it("may be an input or a weight", function()
    local out = models.mlp():session { threads = 1 }:run({ x = x }, { "x", "w1" })
    assert.same(x, out.x:totable())
    assert.same({ 4, 3 }, out.w1.shape)
    near(models.numbers(12, 1), out.w1:flatten():totable())
  end)

  it("gives what fusing hides", function()
    local image = T.random({ 1, 2, 9, 9 }, { seed = 4, low = -1 })
    local fused, plain = models.cnn():session { threads = 1 }, models.cnn():session { threads = 1, optimize = false }
    for _, name in ipairs { "c1", "n1", "r1", "p1", "c2", "sum", "flat", "y" } do
      local a, b = fused:run({ image = image }, { name }), plain:run({ image = image }, { name })
      assert.is_true(a[name]:allclose(b[name], 1e-5, 1e-5), name)
    end
  end)

  it("computes only what it needs", function()
    local g = pg.graph()
    g:add_input("a", "f32", { 2 })
    g:add_input("b", "f32", { 2 })
    g:add("Exp", { "a" }, { "left" }, nil, { name = "left" })
    g:add("Log", { "b" }, { "right" }, nil, { name = "right" })
    g:add("Add", { "left", "right" }, { "both" }, nil, { name = "both" })
    g:add_output "both"
    local s = g:session { threads = 1 }
    assert.same({ 1, 1 }, s:run({ a = { 0, 0 } }, { "left" }).left:totable()) -- without b
    assert.same({}, s:run({}, {}))
    assert.matches("'b'", problem(s.run, s, { a = { 0, 0 } }, { "right" }), 1, true)
    local steps, out = s:profile { a = { 0, 0 }, b = { 1, 1 } }
    assert.same({ 1, 1 }, out.both:totable())
    local seen = {}
    for i, row in ipairs(steps) do
      seen[i] = row.type
      assert.is_true(row.ms >= 0)
    end
    table.sort(seen)
    assert.same({ "Add", "Exp", "Log" }, seen)
  end)

  it("does not touch the session's other results", function()
    local s = models.mlp():session { threads = 1 }
    local before = s({ x = x }).y:bytes()
    s:run({ x = x }, { "hidden" })
    assert.equal(before, s({ x = x }).y:bytes())
  end)
end)

describe("outputs", function()
  it("are written into given tensors", function()
    local s = models.tiny():session { threads = 1 }
    local into = T.zeros { 2, 3 }
    local out = s:run({ x = T.ones { 2, 3 } }, { y = into })
    assert.equal(into, out.y)
    assert.same({ { 2, 2, 2 }, { 2, 2, 2 } }, into:totable())
    s:run({ x = T.zeros { 2, 3 } }, { y = into })
    assert.same({ { 1, 1, 1 }, { 1, 1, 1 } }, into:totable())
    assert.matches("output 'y': expected f32 [2,3], got f32 [3,2]",
      problem(s.run, s, { x = T.ones { 2, 3 } }, { y = T.zeros { 3, 2 } }), 1, true)
    assert.matches("output 'y': expected f32 [2,3], got i32 [2,3]",
      problem(s.run, s, { x = T.ones { 2, 3 } }, { y = T.zeros({ 2, 3 }, "i32") }), 1, true)
    assert.matches("output 'y' is a read-only tensor", problem(s.run, s, { x = T.ones { 2, 3 } },
      { y = models.mlp():value("w1").constant }), 1, true)
  end)

  it("may be written over the input", function()
    local s = models.tiny():session { threads = 1 }
    local t = T.ones { 2, 3 }
    s:run({ x = t }, { y = t })
    assert.same({ { 2, 2, 2 }, { 2, 2, 2 } }, t:totable())
  end)

  it("survive later runs, and the session's end", function()
    local s = models.mlp():session { threads = 1 }
    local first = s({ x = x }).y
    local bytes = first:bytes()
    local second = s({ x = { { 9, 9, 9, 9 } } }).y
    assert.equal(bytes, first:bytes())
    s:close()
    s:close()
    collectgarbage()
    assert.equal(bytes, first:bytes())
    assert.same({ 1, 2 }, second.shape)
    assert.matches("session is closed", problem(s, { x = x }), 1, true)
    assert.equal("Session (closed)", tostring(s))
  end)

  it("outlive the graph", function()
    local g = models.mlp()
    local s = g:session { threads = 1 }
    g:close()
    collectgarbage()
    near(models.mlp_reference(x).y, s({ x = x }).y:totable())
  end)

  it("never share memory with inputs, and inputs never change", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 4 })
    g:add("Identity", { "x" }, { "same" })
    g:add("Relu", { "x" }, { "a" })
    g:add("Neg", { "a" }, { "b" })
    g:add("Reshape", { "x", g:add_constant(nil, { 2, 2 }, "i64") }, { "c" })
    g:add("Sqrt", { "c" }, { "d" })
    for _, name in ipairs { "same", "a", "b", "c", "d" } do g:add_output(name) end
    for _, optimize in ipairs { true, false } do
      local s = g:session { threads = 1, optimize = optimize }
      local t = T { 4, 1, 9, 0 }
      local out = s { x = t }
      assert.same({ 4, 1, 9, 0 }, t:totable())
      assert.same({ -4, -1, -9, 0 }, out.b:totable())
      assert.same({ { 2, 1 }, { 3, 0 } }, out.d:totable())
      assert.same({ 4, 1, 9, 0 }, out.a:totable())
      for _, name in ipairs { "same", "a", "c" } do
        out[name]:fill(7)
        assert.same({ 4, 1, 9, 0 }, t:totable(), name .. " is the input's memory")
      end
      assert.same({ { 2, 1 }, { 3, 0 } }, out.d:totable())
    end
  end)

  it("keep values that are used again after an in-place candidate", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 3 })
    g:add("Abs", { "x" }, { "a" })
    g:add("Sqrt", { "a" }, { "b" }) -- must not overwrite a
    g:add("Sub", { "a", "b" }, { "c" })
    g:add("Mul", { "a", "c" }, { "d" })
    g:add_output "d"
    local s = g:session { threads = 1 }
    for _ = 1, 2 do assert.same({ 8, 54, 0 }, s({ x = { 4, -9, 1 } }).d:totable()) end
  end)
end)

describe("slices", function()
  it("run step by step to the same answer", function()
    local s = models.cnn():session { threads = 1 }
    local image = T.random({ 1, 2, 9, 9 }, { seed = 4 })
    local whole = s({ image = image }).y:bytes()
    assert.equal(s, s:start { image = image })
    local steps = 0
    local done
    repeat
      steps, done = steps + 1, s:step(0)
      assert.is_boolean(done)
    until done or steps == 100
    local out = s:finish()
    assert.equal(whole, out.y:bytes())
    assert.is_true(steps > 1)
  end)

  it("finish what is left", function()
    local s = models.mlp():session { threads = 1 }
    s:start({ x = x }, { "scores" })
    while not s:step(1000) do end
    near(models.mlp_reference(x).scores, s:finish().scores:totable())
  end)

  it("keep to the order of calls", function()
    local s = models.tiny():session { threads = 1 }
    local input = { x = T.zeros { 2, 3 } }
    assert.matches("call start first", problem(s.step, s), 1, true)
    assert.matches("call start first", problem(s.finish, s), 1, true)
    s:start(input)
    assert.matches("a run is in progress: finish it first", problem(s, input), 1, true)
    assert.matches("a run is in progress: finish it first", problem(s.start, s, input), 1, true)
    while not s:step() do end
    assert.equal(1, s:finish().y:get(1, 1))
    assert.equal(1, s(input).y:get(1, 1))
  end)

  it("keep their inputs alive", function()
    local s = models.mlp():session { threads = 1 }
    s:start { x = T(x) }
    collectgarbage()
    collectgarbage()
    while not s:step(0) do collectgarbage() end
    near(models.mlp_reference(x).y, s:finish().y:totable())
  end)

  it("end when cancelled, and the session goes on", function()
    local s = models.mlp():session { threads = 1 }
    s:start { x = x }
    s:cancel()
    local done, message, code = s:step(1000)
    assert.is_nil(done)
    assert.is_string(message)
    assert.equal("cancelled", code)
    near(models.mlp_reference(x).y, s({ x = x }).y:totable())
  end)
end)

describe("plans", function()
  it("are made for each signature of shapes, and kept", function()
    local s = models.mlp():session { threads = 1 }
    local function rows(n) return T.random({ n, 4 }, { seed = n, low = -1 }) end
    for _, n in ipairs { 1, 3, 1, 0, 17, 3 } do
      local t = rows(n)
      local out = s { x = t }
      assert.same({ n, 2 }, out.y.shape)
      near(models.mlp_reference(t:totable()).y, out.y:totable())
    end
    assert.equal(4, s:memory().n_plans)
    local memory = s:memory()
    assert.is_true(memory.weight_bytes >= 18 * 4)
    assert.is_true(memory.arena_bytes > 0)
  end)

  it("let go of weights that an operator has packed, and can have them again", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 64, 6, 6 })
    g:add_constant("w", T.random({ 64, 64, 3, 3 }, { seed = 1, low = -1, dtype = "f32" }))
    g:add("Conv", { "x", "w" }, { "c" }, { pads = { 1, 1, 1, 1 } })
    g:add("Relu", { "c" }, { "y" })
    g:add_output "y"
    local image = T.random({ 1, 64, 6, 6 }, { seed = 2, low = -1, dtype = "f32" })
    local s = g:session { threads = 2 }
    local bytes = 64 * 64 * 9 * 4
    local first, memory = s { x = image }, s:memory()
    assert.is_true(memory.packed_bytes >= bytes)
    assert.is_true(memory.weight_bytes < bytes)
    local inner = s({ x = image }, { "c" }).c
    assert.is_true(first.y:allclose(inner:map "max(x, 0)", 1e-4, 1e-3))
    local plain = g:session { threads = 1, optimize = false } { x = image }
    assert.is_true(first.y:allclose(plain.y, 1e-3, 1e-3))
  end)

  it("pack large matrices of a mapped file part by part", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 3, 30000 })
    g:add_constant("w", T.random({ 200, 30000 }, { seed = 1, low = -1, dtype = "f32" }))
    g:add("Gemm", { "x", "w" }, { "y" }, { transB = 1 })
    g:add_output "y"
    local dir = temp.dir()
    local path = dir .. "/large.onnx"
    assert(g:save(path))
    local input = T.random({ 3, 30000 }, { seed = 2, low = -1, dtype = "f32" })
    local whole = g:session { threads = 1 } { x = input }
    local parts = pg.load(path):session { threads = 1 } { x = input }
    temp.remove(dir)
    assert.is_true(parts.y:allclose(whole.y, 0, 0))
  end)

  it("lay values out by lifetime: a chain needs no more than two of them", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 1 << 16 })
    local last = "x"
    for i = 1, 40 do
      g:add(i % 2 == 0 and "Abs" or "Tanh", { last }, { "v" .. i })
      last = "v" .. i
    end
    g:add_output(last)
    local s = g:session { threads = 1, optimize = false }
    s { x = T.zeros { 1 << 16 } }
    assert.is_true(s:memory().arena_bytes <= 2 * 4 << 16)
  end)

  it("handle sizes that depend on data", function()
    local s = assert(pg.load "spec/data/picked.onnx"):session { threads = 1 }
    for _, case in ipairs {
      { { 1, -2, 3, 0 }, { 1, 3 }, { { 0, 2 } }, 4 }, { { -1 }, {}, { {} }, 0 },
      { { 5, 6 }, { 5, 6 }, { { 0, 1 } }, 11 },
    } do
      local out = s { x = case[1] }
      assert.same(case[2], out.kept:totable())
      assert.same(case[3], out.where:totable())
      assert.equal(case[4], out.sum:item())
    end
  end)

  it("run subgraphs: If and Loop", function()
    local s = assert(pg.load "spec/data/loop.onnx"):session { threads = 1 }
    local out = s { n = 4, x = { 1, 2 } }
    assert.same({ 4, 8 }, out.total:totable())
    assert.same({ { 1, 2 }, { 2, 4 }, { 3, 6 }, { 4, 8 } }, out.rows:totable())
    out = s { n = 100, x = { 1, 7 } } -- ends when a total is above 20
    assert.same({ 3, 21 }, out.total:totable())
    assert.equal(3, #out.rows)
    out = s { n = 0, x = { 1, 2 } }
    assert.same({ 0, 0 }, out.total:totable())
    assert.same({ 0, 2 }, out.rows.shape)
  end)
end)

describe("threads", function()
  it("give the same bits at any number", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 8, 40, 40 })
    g:add_constant("k", T.randn({ 24, 8, 3, 3 }, { seed = 1 }))
    g:add_constant("w", T.randn({ 24, 50 }, { seed = 2 }))
    g:add("Conv", { "x", "k" }, { "c" }, { pads = { 1, 1, 1, 1 } })
    g:add("Softmax", { "c" }, { "s" }, { axis = 1 })
    g:add("ReduceMean", { "c", g:add_constant(nil, { 2, 3 }, "i64") }, { "m" }, { keepdims = 0 })
    g:add("MatMul", { "m", "w" }, { "y" })
    for _, name in ipairs { "c", "s", "m", "y" } do g:add_output(name) end
    local input, expected = { x = T.randn({ 1, 8, 40, 40 }, { seed = 3 }) }, nil
    for _, threads in ipairs { 1, 2, 3, 7 } do
      local out = g:session { threads = threads }(input)
      local bits = { out.c:bytes(), out.s:bytes(), out.m:bytes(), out.y:bytes() }
      expected = expected or bits
      for i = 1, 4 do assert.is_true(bits[i] == expected[i], threads .. " threads") end
    end
  end)

  it("may run several sessions of one graph in turn", function()
    local g = models.mlp()
    local a, b = g:session { threads = 1 }, g:session { threads = 2 }
    assert.equal(a({ x = x }).y:bytes(), b({ x = x }).y:bytes())
    a:close()
    near(models.mlp_reference(x).y, b({ x = x }).y:totable())
  end)
end)

describe("every state", function()
  it("may open the module many times", function()
    assert.is_true(core.is_tensor(T(1)))
    package.loaded["perigee.core"] = nil
    local again = require "perigee.core"
    assert.is_true(again.is_tensor(T(1)))
    package.loaded["perigee.core"] = core
  end)
end)
