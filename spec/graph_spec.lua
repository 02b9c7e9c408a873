-- Graphs: loading, looking, editing, saving, building by hand.
local pg = require "perigee"
local models = require "support.models"
local temp = require "support.temp"

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

local function problem(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return message
end

local function types(g)
  local out = {}
  for node in g:nodes() do out[#out + 1] = node.type end
  return out
end

describe("looking at a graph", function()
  local g = models.mlp()

  it("iterates nodes in order, inputs, outputs, constants", function()
    assert.same({ "Gemm", "Relu", "MatMul", "Softmax" }, types(g))
    local inputs = {}
    for name, spec in g:inputs() do inputs[name] = spec end
    assert.same({ x = { name = "x", dtype = "f32", shape = { "N", 4 } } }, inputs)
    local outputs = {}
    for name in g:outputs() do outputs[#outputs + 1] = name end
    assert.same({ "y" }, outputs)
    local shapes = {}
    for name, t in g:constants() do shapes[name] = t.shape end
    assert.same({ w1 = { 4, 3 }, b1 = { 3 }, w2 = { 3, 2 } }, shapes)
  end)

  it("finds nodes by name and position", function()
    assert.equal("MatMul", g:node("second").type)
    assert.equal("Gemm", g:node(1).type)
    assert.equal("Softmax", g:node(-1).type)
    assert.is_nil(g:node "nobody")
    assert.is_nil(g:node(5))
    assert.is_nil(g:node(0))
    assert.equal(g:node(1), g:node "first") -- one handle a node
  end)

  it("shows nodes", function()
    local node = g:node "first"
    assert.same({ "x", "w1", "b1" }, node.inputs)
    assert.same({ "hidden" }, node.outputs)
    assert.equal("", node.domain)
    assert.same({ axis = -1 }, g:node("softmax").attrs)
    assert.equal("Node first (Gemm)", tostring(node))
    assert.is_nil(node.nothing)
  end)

  it("finds values with their maker and users", function()
    local v = g:value "active"
    assert.equal(g:node "relu", v.producer)
    assert.same({ g:node "second" }, v.consumers)
    assert.is_false(v.is_input)
    assert.is_false(v.is_output)
    assert.is_true(g:value("y").is_output)
    assert.is_true(g:value("x").is_input)
    assert.same({ 3 }, g:value("b1").constant.shape)
    assert.is_nil(g:value "nothing")
  end)

  it("infers types and shapes", function()
    local h = models.cnn()
    assert.is_true(h:infer())
    assert.same({ 1, 4, 9, 9 }, h:value("c1").shape)
    assert.same({ 1, 4, 4, 4 }, h:value("p1").shape)
    assert.same({ 1, 3 }, h:value("y").shape)
    assert.equal("f32", h:value("y").dtype)
    local m = models.mlp()
    assert.is_true(m:infer())
    assert.same({ "N", 2 }, m:value("y").shape)
  end)

  it("prints a line, and everything with text", function()
    assert.matches("^Graph mlp  opset %d+  4 nodes  21 parameters  x f32 %[N,4%] %-> y", tostring(g))
    assert.is_nil(tostring(g):find "\n")
    for _, name in ipairs { "hidden", "w2", "Softmax", "axis" } do assert.matches(name, g:text(), 1, true) end
  end)
end)

describe("editing", function()
  it("kills the handles of nodes that are removed", function()
    local g = models.tiny()
    local node = g:add("Relu", { "y" }, { "extra" }, nil, { name = "late" })
    g:remove(node)
    assert.equal("Node (removed)", tostring(node))
    for _, use in ipairs {
      function() return node.type end, function() return node.inputs end, function() return node:set {} end,
      function() g:remove(node) end, function() return node:set_input(1, "x") end,
    } do
      assert.matches("node was removed from its graph", problem(use), 1, true)
    end
    assert.is_nil(g:node "late")
  end)

  it("kills handles when the graph is closed, and keeps it alive until then", function()
    local node = models.tiny():node "plus"
    collectgarbage()
    collectgarbage()
    assert.equal("Add", node.type)
    local g = models.tiny()
    node = g:node(1)
    g:close()
    g:close()
    assert.equal("Graph (closed)", tostring(g))
    assert.matches("removed", problem(function() return node.type end), 1, true)
    assert.matches("graph is closed", problem(function() return g:node_list() end), 1, true)
  end)

  it("kills handles when passes may have freed nodes", function()
    local g = models.cnn()
    local node = g:node "conv1"
    assert.is_true(g:optimize())
    assert.matches("removed", problem(function() return node.type end), 1, true)
  end)

  it("removes only what nobody uses", function()
    local g = models.mlp()
    assert.matches("node 'relu' is still used: replace its output 'active' first",
      problem(g.remove, g, g:node "relu"), 1, true)
    g:replace("active", "hidden")
    g:remove(g:node "relu")
    assert.same({ "Gemm", "MatMul", "Softmax" }, types(g))
    assert.same({ "hidden", "w2" }, g:node("second").inputs)
    local out = g:session { threads = 1 }({ x = { { 1, 2, 3, 4 } } }, { "scores", "hidden" })
    local h = out.hidden:totable()[1]
    local w = models.numbers(6, 3)
    assert.near(h[1] * w[1] + h[2] * w[3] + h[3] * w[5], out.scores:get(1, 1), 1e-5)
  end)

  it("can go on while nodes are iterated", function()
    local g = models.mlp()
    for node in g:nodes() do
      if node.type == "Relu" then
        g:replace("active", "hidden")
        g:remove(node)
      end
    end
    assert.same({ "Gemm", "MatMul", "Softmax" }, types(g))
  end)

  it("renames, rewires, sets attributes", function()
    local g = models.mlp()
    g:rename("hidden", "first_layer")
    assert.same({ "first_layer" }, g:node("first").outputs)
    assert.same({ "first_layer" }, g:node("relu").inputs)
    g:node("second"):set_input(1, "first_layer")
    assert.same({ "first_layer", "w2" }, g:node("second").inputs)
    g:node("first"):set { alpha = 0.5, transB = 0 }
    assert.same({ alpha = 0.5, transB = 0 }, g:node("first").attrs)
    g:node("first"):unset "transB"
    assert.same({ alpha = 0.5 }, g:node("first").attrs)
  end)

  it("inserts a node before another", function()
    local g = models.mlp()
    local tap = g:add("Tanh", { "hidden" }, { "squashed" }, nil, { before = g:node "relu" })
    g:node("relu"):set_input(1, "squashed")
    assert.same({ "Gemm", "Tanh", "Relu", "MatMul", "Softmax" }, types(g))
    assert.equal(tap, g:node(2))
    assert.is_true(g:verify())
  end)

  it("says what is wrong", function()
    local g = models.mlp()
    for _, case in ipairs {
      { "no value 'gone' in the graph", function() g:add("Relu", { "gone" }, { "z" }) end },
      { "value 'hidden' is made elsewhere", function() g:add("Relu", { "x" }, { "hidden" }) end },
      { "no value 'gone' in the graph", function() g:add_output "gone" end },
      { "no value 'gone' in the graph", function() g:rename("gone", "z") end },
      { "no value 'gone' in the graph", function() g:replace("x", "gone") end },
      { "no value 'gone' in the graph", function() g:node(1):set_input(1, "gone") end },
      { "input out of range", function() g:node(1):set_input(9, "x") end },
      { "unknown option 'nam' (known: name, domain, before, overload, doc)",
        function() g:add("Relu", { "x" }, { "z" }, nil, { nam = "a" }) end },
      { "unknown element type 'float'", function() g:add_input("z", "float", {}) end },
      { "a dimension is negative", function() g:add_input("zz", "f32", { -1 }) end },
    } do
      assert.matches(case[1], problem(case[2]), 1, true)
    end
    assert.has_error(function() g:add_input("x", "f32", {}) end)
    assert.has_error(function() g:rename("x", "hidden") end)
    assert.has_error(function() g:node(1):set { axis = print } end)
  end)

  it("makes weights read-only", function()
    local g = models.tiny()
    local t = g:value("one").constant
    assert.matches("read-only", problem(t.set, t, 1, 5), 1, true)
    assert.matches("read-only", problem(t.copy_from, t, 5), 1, true)
    t:clone():set(1, 5)
    assert.equal(1, g:value("one").constant[1])
  end)

  it("refuses a graph that can't be", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 2 })
    g:add("Relu", { "x" }, { "y" })
    g:add("Relu", { "y" }, { "z" })
    g:add_output "z"
    g:node(1):set_input(1, "z") -- a cycle
    local ok, message, code = g:verify()
    if ok then ok, message, code = g:session() end
    assert.is_nil(ok)
    assert.is_string(message)
    assert.equal("invalid", code)
  end)
end)

describe("metadata", function()
  it("is read, set, removed", function()
    local g = models.tiny()
    assert.same({}, g:metadata())
    g:set_metadata("author", "nobody")
    g:set_metadata("empty", "")
    assert.same({ author = "nobody", empty = "" }, g:metadata())
    g:set_metadata("author", nil)
    assert.same({ empty = "" }, g:metadata())
    g:set_name "named"
    assert.equal("named", g:info().name)
  end)

  it("tells what the file says", function()
    local info = assert(pg.load "spec/data/unknown.onnx"):info()
    assert.equal("unknown", info.name)
    assert.equal("a graph", info.doc)
    assert.equal("maker", info.producer)
    assert.equal("1.5", info.producer_version)
    assert.equal(10, info.ir_version)
    assert.same({ ["ai.onnx"] = 21 }, info.opsets)
    assert.same({ labels = '["cat","dog"]', author = "nobody" }, info.metadata)
  end)

  it("gives sessions their labels", function()
    local s = assert(pg.load "spec/data/unknown.onnx"):session { threads = 1 }
    assert.same({ "cat", "dog" }, s.labels)
    assert.is_nil(models.tiny():session { threads = 1 }.labels)
  end)
end)

describe("saving", function()
  it("keeps everything: a round trip computes the same", function()
    for name, make in pairs { mlp = models.mlp, cnn = models.cnn, tiny = models.tiny } do
      local g, path = make(), ("%s/%s.onnx"):format(dir, name)
      assert.is_true(g:save(path))
      local h = assert(pg.load(path))
      assert.equal(g:text(), h:text())
      local x = {}
      for key, spec in g:inputs() do
        for i, d in ipairs(spec.shape) do if type(d) == "string" then spec.shape[i] = 3 end end
        x[key] = pg.tensor.random(spec.shape, { seed = 5, low = -1 })
      end
      local a, b = g:session { threads = 1 }(x), h:session { threads = 1 }(x)
      assert.equal(a[1]:bytes(), b[1]:bytes())
    end
  end)

  it("keeps unknown fields, metadata and documentation", function()
    local path = dir .. "/unknown.onnx"
    local g = assert(pg.load "spec/data/unknown.onnx")
    assert.is_true(g:save(path))
    local bytes = temp.read(path)
    for _, text in ipairs {
      "in the node", "in the graph", "in the model", "says why", "a graph", "a model", "maker", "nobody",
    } do
      assert.matches(text, bytes, 1, true)
    end
    assert.same(g:info(), assert(pg.load(path)):info())
  end)

  it("keeps subgraphs and functions", function()
    for _, name in ipairs { "branch", "loop", "function" } do
      local path = ("%s/%s.onnx"):format(dir, name)
      local g = assert(pg.load("spec/data/" .. name .. ".onnx"))
      assert.is_true(g:save(path))
      assert.equal(g:text(), assert(pg.load(path)):text())
    end
    local out = assert(pg.load(dir .. "/loop.onnx")):session { threads = 1 } { n = 3, x = { 1, 2 } }
    assert.same({ 3, 6 }, out.total:totable())
  end)

  it("tells the types of outputs that nobody declared", function()
    local g = pg.graph()
    g:add_input("x", "f32", { "N", 4 })
    g:add("Relu", { "x" }, { "y" })
    g:add_output "y"
    assert.is_true(g:save(dir .. "/undeclared.onnx"))
    local y = assert(pg.load(dir .. "/undeclared.onnx")):output_list()[1]
    assert.same({ "f32", { "N", 4 } }, { y.dtype, y.shape })
  end)

  it("can put large tensors beside the file", function()
    local path = dir .. "/external.onnx"
    local g = models.mlp()
    assert.is_true(g:save(path, 16))
    assert.is_true(#temp.read(path .. ".data") >= (12 + 6) * 4)
    local x = { { 1, 2, 3, 4 } }
    local a, b = g:session()({ x = x }).y, assert(pg.load(path)):session()({ x = x }).y
    assert.equal(a:bytes(), b:bytes())
  end)

  it("replaces a file only once the new one is complete", function()
    local path = dir .. "/kept.onnx"
    temp.write(path, "old")
    assert.is_true(models.tiny():save(path))
    assert.is_not_nil(pg.load(path))
    for name in require "lfs".dir(dir) do assert.is_nil(name:find "%.tmp") end
  end)

  it("loads from a string of bytes", function()
    local path = dir .. "/bytes.onnx"
    assert(models.tiny():save(path))
    local g = assert(pg.load_bytes(temp.read(path)))
    collectgarbage()
    assert.same({ { 2, 3, 4 }, { 5, 6, 7 } }, g:session()({ x = { { 1, 2, 3 }, { 4, 5, 6 } } }).y:totable())
  end)

  it("clones deeply", function()
    local g = models.tiny()
    local h = assert(g:clone())
    h:rename("y", "z")
    assert.is_not_nil(g:value "y")
    assert.is_nil(g:value "z")
  end)
end)

describe("rewriting", function()
  it("brings old operators to their newest form", function()
    local g = assert(pg.load "spec/data/old.onnx")
    assert.same({ "Clip", "Squeeze", "Mul" }, types(g))
    assert.is_true(g:canonical())
    assert.same({}, g:node(1).attrs) -- Clip's bounds became inputs
    assert.equal(3, #g:node(1).inputs)
    local out = g:session { threads = 1 } { x = { { -3, 0.5, 9 } } }
    assert.same({ -2, 1.5, 4 }, out.y:totable())
  end)

  it("inlines functions", function()
    local g = assert(pg.load "spec/data/function.onnx")
    assert.same({ "Twice" }, g:info().functions)
    assert.is_true(g:canonical())
    assert.same({ "Add", "Add" }, types(g))
    assert.same({ 4, 8, 12 }, g:session()({ x = { 1, 2, 3 } }).y:totable())
  end)

  it("folds, fuses and drops what is not needed, without another result", function()
    local g = models.cnn()
    local x = pg.tensor.random({ 1, 2, 9, 9 }, { seed = 9, low = -1 })
    local before = g:session { optimize = false, threads = 1 } { image = x }.y
    assert.is_true(g:optimize())
    assert.is_true(g:info().n_nodes < 9, "BatchNormalization and Relu stay apart from Conv")
    assert.is_true(before:allclose(g:session { threads = 1 } { image = x }.y, 1e-5, 1e-5))
  end)

  it("sorts nodes that stand in the wrong order", function()
    local g = models.mlp()
    local late = g:add("Neg", { "y" }, { "negated" })
    g:node("first"):set_input(1, "x")
    assert.is_true(g:sort())
    assert.equal(late, g:node(-1))
  end)
end)
