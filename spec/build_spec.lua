-- Building everything from Lua: subgraphs, functions, types, attributes of all kinds, texts.
local pg = require "perigee"
local temp = require "support.temp"
local attr = pg.attr

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

local function problem(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return message
end

local function branches()
  local g = pg.graph()
  g:add_input("x", "f32", { "N" })
  g:add_input("is_hot", "bool", {})
  return g
end

local function relu(b)
  b:add("Relu", { "x" }, { "t" })
  b:add_output "t"
end

local function neg(b)
  b:add("Neg", { "x" }, { "e" })
  b:add_output "e"
end

describe("subgraphs", function()
  it("are built by functions, and see the values around them by name", function()
    local g = branches()
    local node = g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = neg })
    g:add_output "y"
    assert.is_true(g:verify())
    assert.equal("Relu", node.attrs.then_branch:node(1).type)
    local s = g:session { threads = 1 }
    assert.same({ 1, 0 }, s({ x = { 1, -2 }, is_hot = true }).y:totable())
    assert.same({ -1, 2 }, s({ x = { 1, -2 }, is_hot = false }).y:totable())
  end)

  it("are built first and given then", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 2 })
    g:add_input("n", "i64", {})
    local body = g:subgraph "step"
    body:add_input("i", "i64", {})
    body:add_input("go", "bool", {})
    body:add_input "sum"
    body:add("Add", { "sum", "x" }, { "next" })
    body:add("Identity", { "go" }, { "still" })
    body:add_output "still"
    body:add_output "next"
    g:add_constant("yes", true, "bool")
    g:add("Loop", { "n", "yes", "x" }, { "total" }, { body = body })
    g:add_output "total"
    assert.equal(g, body:parent())
    assert.equal(body, g:node(-1).attrs.body)
    assert.equal(body, body:node(1).graph)
    assert.equal("step", body:info().name)
    assert.same({ 4, 8 }, g:session()({ x = { 1, 2 }, n = 3 }).total:totable())
    assert.is_true(g:save(dir .. "/loop.onnx"))
    assert.same({ 4, 8 }, assert(pg.load(dir .. "/loop.onnx")):session()({ x = { 1, 2 }, n = 3 }).total:totable())
  end)

  it("nest, and see through all levels", function()
    local g = branches()
    g:add("If", { "is_hot" }, { "y" }, {
      then_branch = function(b)
        b:add("If", { "is_hot" }, { "inner" }, { then_branch = relu, else_branch = neg })
        b:add_output "inner"
      end,
      else_branch = neg,
    })
    g:add_output "y"
    assert.same({ 1, 0 }, g:session()({ x = { 1, -2 }, is_hot = true }).y:totable())
  end)

  it("are not half added when something is wrong", function()
    local g = branches()
    local before = g:text()
    for _, case in ipairs {
      { "no value 'gone' in the graph", function()
        g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = function(b) b:add_output "gone" end })
      end },
      { "no value 'gone' in the graph", function()
        g:add("If", { "gone" }, { "y" }, { then_branch = relu, else_branch = neg })
      end },
      { "boom", function()
        g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = function() error "boom" end })
      end },
      { "expected a subgraph", function() g:add("If", { "is_hot" }, { "y" }, { then_branch = 1 }) end },
      { "is not a new subgraph of the node's graph", function()
        g:add("If", { "is_hot" }, { "y" }, { then_branch = pg.graph() })
      end },
    } do
      assert.matches(case[1], problem(case[2]), 1, true)
      assert.equal(before, g:text())
      assert.is_true(g:verify())
    end
    assert.is_nil(g:value "y")
    g:add("Relu", { "x" }, { "y" }) -- the name is free
  end)

  it("belong to one node", function()
    local g = branches()
    local body = g:subgraph()
    relu(body)
    assert.matches("there twice", problem(g.add, g, "Two", {}, { "y" }, { bodies = { body, body } }), 1, true)
    g:add("One", {}, { "y" }, { body = body }, { domain = "d" })
    assert.matches("not a new subgraph", problem(g.add, g, "One", {}, { "z" }, { body = body }), 1, true)
    local other = branches()
    local foreign = problem(other.add, other, "One", {}, { "z" }, { body = g:subgraph() })
    assert.matches("not a new subgraph", foreign, 1, true)
  end)

  it("let go of what they use when nobody takes them", function()
    local g = branches()
    local tap = g:add("Neg", { "x" }, { "tap" })
    local body = g:subgraph()
    body:add("Relu", { "tap" }, { "t" })
    assert.is_true(g:verify()) -- a graph in the making is no fault
    assert.matches("still used", problem(g.remove, g, tap), 1, true)
    body:close()
    g:remove(tap)
    g:add("Neg", { "x" }, { "tap" })
    do
      local forgotten = g:subgraph()
      forgotten:add("Relu", { "tap" }, { "t" })
    end
    collectgarbage()
    collectgarbage()
    g:remove(g:node(-1))
    assert.is_true(g:verify())
  end)

  it("die with their node, their attribute, their model", function()
    local g = branches()
    local node = g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = neg })
    local hot, cold = node.attrs.then_branch, node.attrs.else_branch
    local inner = cold:node(1)
    node:set { then_branch = (function() local b = g:subgraph() neg(b) return b end)() }
    assert.matches("graph is closed", problem(hot.node_list, hot), 1, true)
    assert.equal("Neg", node.attrs.then_branch:node(1).type)
    node:unset "else_branch"
    assert.matches("graph is closed", problem(cold.info, cold), 1, true)
    assert.equal("Node (removed)", tostring(inner))
    local last = node.attrs.then_branch
    g:remove(node)
    assert.equal("Graph (closed)", tostring(last))
    local again = g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = neg }).attrs.then_branch
    g:close()
    assert.matches("graph is closed", problem(again.add, again, "Relu", { "x" }, { "z" }), 1, true)
    assert.equal("Graph (closed)", tostring(again))
    again:close()
  end)

  it("keep their model alive", function()
    local body = (function()
      local g = branches()
      return g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = neg }).attrs.then_branch
    end)()
    collectgarbage()
    collectgarbage()
    assert.equal("Relu", body:node(1).type)
    assert.equal(2, #body:parent():input_list())
  end)

  it("are no whole models", function()
    local g = branches()
    local body = g:add("If", { "is_hot" }, { "y" }, { then_branch = relu, else_branch = neg }).attrs.then_branch
    for _, name in ipairs { "save", "clone", "optimize", "canonical", "bytes", "inline", "upgrade", "function_list" } do
      assert.matches("expected a whole model", problem(body[name], body, name == "save" and "x" or nil), 1, true)
    end
  end)
end)

describe("functions", function()
  local function twice()
    local g = pg.graph()
    g:add_input("x", "f32", { 3 })
    local f = g:add_function("Scaled", {
      domain = "local", inputs = { "a" }, attrs = { "alpha" }, defaults = { beta = 2.5 }, doc = "alpha a + beta",
    })
    f:add("Constant", {}, { "k" }, { value_float = attr.ref("float", "alpha") })
    f:add("Constant", {}, { "b" }, { value_float = attr.ref("float", "beta") })
    f:add("Mul", { "a", "k" }, { "ka" })
    f:add("Add", { "ka", "b" }, { "y" })
    f:add_output "y"
    g:add("Scaled", { "x" }, { "y" }, { alpha = attr.float(3) }, { domain = "local" })
    g:add_output "y"
    return g
  end

  it("are created, called, read", function()
    local g = twice()
    assert.same({ 5.5, 8.5, 11.5 }, g:session()({ x = { 1, 2, 3 } }).y:totable())
    local f = g:function_list()[1]
    assert.same({ "Scaled", "local", "", "alpha a + beta" }, { f.name, f.domain, f.overload, f.doc })
    assert.same({ "alpha" }, f.attrs)
    assert.same({ beta = 2.5 }, f.defaults)
    assert.equal(4, #f.body:node_list())
    assert.same({ "Scaled" }, g:info().functions)
    assert.same({ kind = "float", ref = "alpha" }, f.body:node(1).attrs.value_float)
    assert.is_nil(f.body:parent())
    local n = 0
    for one in g:functions() do n = n + 1 assert.equal("Scaled", one.name) end
    assert.equal(1, n)
  end)

  it("survive a file, overloads and their own opsets too", function()
    local g = twice()
    local f = g:add_function("Scaled", {
      domain = "local", overload = "wide", inputs = { "a" }, opsets = { [""] = 17 },
    })
    f:add_constant("one", { 1 })
    f:add("Add", { "a", "one" }, { "y" })
    f:add_output "y"
    assert.equal(17, f:node(1).version)
    g:add("Scaled", { "y" }, { "z" }, nil, { domain = "local", overload = "wide", doc = "called" })
    g:add_output "z"
    assert.is_true(g:save(dir .. "/functions.onnx"))
    local h = assert(pg.load(dir .. "/functions.onnx"))
    assert.same({ 6.5, 9.5, 12.5 }, h:session()({ x = { 1, 2, 3 } }).z:totable())
    assert.equal("wide", h:node(-1).overload)
    assert.equal("called", h:node(-1).doc)
    assert.same({ ["ai.onnx"] = 17 }, h:function_list()[2].opsets)
    assert.equal("Constant", h:function_list()[2].body:node(1).type) -- they can't hold initialisers
  end)

  it("are refused as a whole", function()
    local g = twice()
    assert.matches("function 'Scaled' is there already",
      problem(g.add_function, g, "Scaled", { domain = "local" }), 1, true)
    assert.matches("unknown option 'input'", problem(g.add_function, g, "F", { input = {} }), 1, true)
    assert.matches("the name 'a' is used twice", problem(g.add_function, g, "F", { inputs = { "a", "a" } }), 1, true)
    assert.matches("attribute 'k' is there twice",
      problem(g.add_function, g, "F", { attrs = { "k" }, defaults = { k = 1 } }), 1, true)
    assert.equal(1, #g:function_list())
    g:remove_function("Scaled", "local")
    assert.matches("no function 'Scaled'", problem(g.remove_function, g, "Scaled", "local"), 1, true)
    local session, message, code = g:session()
    assert.is_nil(session)
    assert.matches("Scaled", message, 1, true)
    assert.equal("unsupported", code)
  end)
end)

describe("types", function()
  it("are declared as text: symbolic dims, sequences, optionals, maps", function()
    local g = pg.graph()
    for i, text in ipairs {
      "f32 [N,3]", "f16 []", "i64 [*]", "seq(f32 [N,?])", "optional(seq(string [2]))", "map(i64, f32 [*])",
      "seq(map(string, f32 []))", "sparse f32 [4,4]", "? [2]",
    } do
      g:add_input("x" .. i, text)
      local spec = g:input_list()[i]
      local shape = spec.shape and table.concat(spec.shape, ",") or "*"
      assert.equal(text, spec.type or ("%s [%s]"):format(spec.dtype or "?", shape))
    end
    assert.same({ "N", 3 }, g:input_list()[1].shape)
  end)

  it("are set, and forgotten", function()
    local g = pg.graph()
    g:add_input("x", "f32", { "N" })
    g:add("Relu", { "x" }, { "y" })
    g:set_type("y", "f32", { "N" })
    assert.same({ "N" }, g:value("y").shape)
    g:set_type("y", "seq(f32 [N])")
    assert.equal("seq(f32 [N])", g:value("y").type)
    g:set_type("y")
    assert.equal("?", g:value("y").type)
    g:add_constant("c", { 1 })
    assert.matches("a constant has its own type", problem(g.set_type, g, "c", "f32"), 1, true)
  end)

  it("say where a text goes wrong", function()
    local g = pg.graph()
    for text, expected in pairs {
      ["float [2]"] = "expected an element type at 'float [2]'", ["f32 [2"] = "expected ']' at ''",
      ["f32 [2,]"] = "expected a dimension at ']'", ["seq(f32"] = "expected ')' at ''",
      ["map(f32)"] = "expected ',' at ')'",
      ["f32 [-1]"] = "a dimension or a name", ["f32 [2] x"] = "expected the end at 'x'",
      ["f32 [99999999999999999999]"] = "a smaller dimension",
    } do
      assert.matches(expected, problem(g.add_input, g, "x", text), 1, true)
    end
    assert.matches("less nesting", problem(g.add_input, g, "x", ("seq("):rep(100) .. "f32" .. (")"):rep(100)), 1, true)
    assert.is_nil(g:value "x")
  end)

  it("of sequences and maps run", function()
    local g = pg.graph()
    g:add_input("s", "seq(f32 [2])")
    g:add_constant("at", 1, "i64")
    g:add("SequenceAt", { "s", "at" }, { "y" })
    g:add_output "y"
    assert.is_true(g:save(dir .. "/sequence.onnx"))
    local h = assert(pg.load(dir .. "/sequence.onnx"))
    assert.equal("seq(f32 [2])", h:input_list()[1].type)
    local one, two = pg.tensor { 1, 2 }, pg.tensor { 3, 4 }
    assert.same({ 3, 4 }, h:session()({ s = { one, two } }).y:totable())
  end)
end)

describe("attributes", function()
  it("of every kind are set, read, saved", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 2 })
    local t = pg.tensor { 1, 2 }
    local node = g:add("Mystery", { "x" }, { "y" }, {
      f = attr.float(2), i = 3, s = "text\0with zero", t = t, fs = attr.floats { 1, 2 }, is = { 4, 5 },
      ss = { "a", "" }, ts = { t, t }, none = attr.strings {}, type = attr.type "seq(f32 [N])",
      types = attr.types { "f32 [2]", "i64 []" },
      sparse = attr.sparse { values = { 1, 2 }, indices = { 0, 3 }, dims = { 4 } },
      sparses = attr.sparses { { values = { 1 }, indices = { { 0, 1 } }, dims = { 2, 2 } } },
    }, { domain = "d", name = "n", doc = "says why" })
    g:add_output "y"
    g:set_type("y", "f32", { 2 })
    g:set_opset(3, "d")
    assert.is_true(g:save(dir .. "/attrs.onnx"))
    for _, graph in ipairs { g, assert(pg.load(dir .. "/attrs.onnx")), assert(g:clone()) } do
      local a = graph:node(1).attrs
      assert.same({ 2.0, 3, "text\0with zero", { 1.0, 2.0 }, { 4, 5 }, { "a", "" }, {}, "seq(f32 [N])",
        { "f32 [2]", "i64 []" } }, { a.f, a.i, a.s, a.fs, a.is, a.ss, a.none, a.type, a.types })
      assert.same({ 1, 2 }, a.t:totable())
      assert.equal(2, #a.ts)
      assert.same({ { 1, 2 }, { 0, 3 }, { 4 } },
        { a.sparse.values:totable(), a.sparse.indices:totable(), a.sparse.dims:totable() })
      assert.same({ 2, 2 }, a.sparses[1].dims:totable())
      assert.equal("says why", graph:node(1).doc)
    end
    node:set { i = attr.ints { 1 } }
    assert.same({ 1 }, node.attrs.i)
  end)

  it("are checked before the graph is touched", function()
    local g = pg.graph()
    g:add_input("x", "f32", {})
    for _, case in ipairs {
      { "attribute 'a': expected a number", { a = attr.floats { "x" } } },
      { "attribute 'a': expected a tensor", { a = attr.tensor(1) } },
      { "attribute 'a': expected a type", { a = attr.type(1) } },
      { "a sparse tensor has no indices", { a = attr.sparse { values = { 1 } } } },
      { "attribute 'a': can't be a table", { a = { print } } },
      { "expected an element type", { a = attr.type "nothing" } },
    } do
      assert.matches(case[1], problem(g.add, g, "Mystery", { "x" }, { "y" }, case[2]), 1, true)
      assert.equal(0, #g:node_list())
      assert.is_nil(g:value "y")
    end
    assert.matches("no kind 'number'", problem(attr.ref, "number", "a"), 1, true)
  end)
end)

describe("texts and facts", function()
  it("are set and survive a file", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 2 })
    local node = g:add("Relu", { "x" }, { "y" })
    g:add_output "y"
    g:set_info { producer = "me", producer_version = "2", domain = "org.example", model_version = 7, ir_version = 9 }
    g:set_doc "what it is"
    g:set_doc("the answer", "y")
    node.name, node.doc = "first", "why"
    g:set_metadata("key", "value")
    assert.is_true(g:save(dir .. "/facts.onnx"))
    local h = assert(pg.load(dir .. "/facts.onnx"))
    local info = h:info()
    assert.same({ "me", "2", "org.example", 7, 9, "what it is" }, { info.producer, info.producer_version, info.domain,
      info.model_version, info.ir_version, info.doc })
    assert.equal("the answer", h:value("y").doc)
    assert.equal("why", h:node("first").doc)
    assert.same({ key = "value" }, h:metadata())
    assert.matches("node.type can't be assigned", problem(function() node.type = "Neg" end), 1, true)
    assert.matches("unknown option 'maker'", problem(g.set_info, g, { maker = "x" }), 1, true)
    local negative = problem(g.set_info, g, { producer = "you", model_version = -1 })
    assert.matches("expected an integer >= 0", negative, 1, true)
    assert.equal("me", g:info().producer)
  end)

  it("sparse initialisers become dense", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 2, 3 })
    g:add_sparse("s", { values = { 5, 7 }, indices = { { 0, 1 }, { 1, 2 } }, dims = { 2, 3 } })
    g:add_sparse("flat", { values = { 1 }, indices = { 4 }, dims = { 2, 3 } })
    assert.same({ { 0, 5, 0 }, { 0, 0, 7 } }, g:value("s").constant:totable())
    assert.same({ { 0, 0, 0 }, { 0, 1, 0 } }, g:value("flat").constant:totable())
    for _, case in ipairs {
      { "out of range", { values = { 1 }, indices = { 6 }, dims = { 2, 3 } } },
      { "out of range", { values = { 1 }, indices = { { 0, 3 } }, dims = { 2, 3 } } },
      { "expected 1 indices", { values = { 1 }, indices = { 1, 2 }, dims = { 3 } } },
      { "no indices", { values = { 1 }, dims = { 3 } } },
    } do
      assert.matches(case[1], problem(g.add_sparse, g, "t", case[2]), 1, true)
    end
  end)
end)
