-- ONNX's text form: read, written, refused with line and column.
local pg = require "perigee"
local temp = require "support.temp"

local dir
setup(function() dir = temp.dir() end)
teardown(function() temp.remove(dir) end)

local head = '<ir_version: 10, opset_import: ["" : 21]>\n'

local function parse(text) return assert(pg.load_text(head .. text)) end

describe("reading", function()
  it("takes the example of the specification", function()
    local g = assert(pg.load_text [[
<
  ir_version: 7,
  opset_import: [ "" : 10 ],
  producer_name: "hand", producer_version: "1", domain: "org.example", model_version: 3,
  doc_string: "says \"why\"", metadata_props: ["a": "b", "c": ""]
>
agraph (float[N, 128] X, float[128, 10] W, float[10] B) => (float[N, 10] C)
{ # comments go on to the end of the line
    T = MatMul(X, W)
    S = Add(T, B)
    C = Softmax(S)
}]])
    local info = g:info()
    assert.same({ "agraph", 7, "hand", "1", "org.example", 3 }, { info.name, info.ir_version, info.producer,
      info.producer_version, info.domain, info.model_version })
    assert.same({ { a = "b", c = "" }, { ["ai.onnx"] = 10 } }, { info.metadata, info.opsets })
    assert.same({ "N", 128 }, g:input_list()[1].shape)
    assert.equal(3, #g:node_list())
  end)

  it("takes all types", function()
    local g = parse [[g (float a, float[] b, float[?,N,"a b",3] c, seq(int64[2]) d, optional(seq(float)) e,
      map(string, float[]) f, sparse_tensor(float[2,2]) s, bfloat16[1] h, float8e4m3fn i, uint4[3] j,
      int2[1] k) => (float a) {}]]
    local found = {}
    for i, spec in ipairs(g:input_list()) do
      found[i] = spec.type or spec.dtype .. (spec.shape and "[" .. table.concat(spec.shape, ",") .. "]" or "[*]")
    end
    assert.same({ "f32[]", "f32[*]", "f32[?,N,a b,3]", "seq(i64 [2])", "optional(seq(f32 []))", "map(string, f32 [*])",
      "sparse f32 [2,2]", "bf16[1]", "f8e4m3fn[]", "u4[3]", "i2[1]" }, found)
  end)

  it("takes initialisers of all types", function()
    local g = parse [[g () => (float[2] y) <
      float[2] f = {1, -2.5e-1}, double d = {inf}, int64[3] i = {1, -9223372036854775808, 9223372036854775807},
      uint64 u = {18446744073709551615}, uint32 v = {4294967295}, int8[2] b = {-128, 127}, bool[2] t = {1, 0},
      string[2] s = {"a \" b", ""}, float16[1] h = {15360}, complex64[1] c = {1, 2}, uint4[3] q = {33, 3},
      float[0] none = {},
      float[2] y = {-inf, nan}> {}]]
    local function value(name) return g:value(name).constant:totable() end
    assert.same({ 1, -0.25 }, value "f")
    assert.equal(math.huge, value "d")
    assert.same({ 1, math.mininteger, math.maxinteger }, value "i")
    assert.equal(-1, g:value("u").constant:bitcast("i64"):item())
    assert.equal(4294967295, value "v")
    assert.same({ -128, 127 }, value "b")
    assert.same({ true, false }, value "t")
    assert.same({ 'a " b', "" }, value "s")
    assert.same({ 1 }, value "h")
    assert.same({ 1, 2, 3 }, value "q")
    assert.equal(0, g:value("none").constant.count)
    assert.is_true(value("y")[2] ~= value("y")[2])
  end)

  it("takes attributes of all kinds", function()
    local g = parse [[g (float[2] x) => (float[2] y) {
      [here] y = my.own.Mystery:wide <a = 1, b = 1.5, c: float = 1, d = "s", e = [1, 2], f: floats = [1, 2], g = ["x"],
        h: ints = [], i = float[2] {1, 2}, j: tensor = int64 named = {7}, k = float[N], l: type_proto = seq(float),
        m = -inf, n: graph = sub (float z) => (float w) { w = Relu(z) }, o: tensors = [float {1}, float {2}],
        p: graphs = [s1 () => () {}, s2 () => () {}], q: type_protos = [float, map(int64, float)]> (x, "", x)
    }]]
    local node = g:node "here"
    assert.same({ "Mystery", "my.own", "wide" }, { node.type, node.domain, node.overload })
    assert.same({ "x", "", "x" }, node.inputs)
    local a = node.attrs
    assert.same({ 1, 1.5, 1.0, "s", { 1, 2 }, { 1.0, 2.0 }, { "x" }, {} }, { a.a, a.b, a.c, a.d, a.e, a.f, a.g, a.h })
    assert.equal("float", math.type(a.c))
    assert.same({ 1, 2 }, a.i:totable())
    assert.equal(7, a.j:item())
    assert.same({ "f32 [N]", "seq(f32 [])", -math.huge, { "f32 []", "map(i64, f32 [])" } }, { a.k, a.l, a.m, a.q })
    assert.equal("Relu", a.n:node(1).type)
    assert.equal(2, a.o[2]:item())
    assert.equal("s2", a.p[2]:info().name)
  end)

  it("takes lists of names as the reference parser does", function()
    local g = parse [[g (float x) => (float y) { y = A(x, "") z, = B(,x) w = C(,) v = D() "a b", "" = E(x,) }]]
    local inputs = {}
    for node in g:nodes() do inputs[node.type] = node.inputs end
    assert.same({ A = { "x", "" }, B = { "", "x" }, C = { "" }, D = {}, E = { "x" } }, inputs)
    assert.same({ "a b", "" }, g:node(-1).outputs)
  end)

  it("takes functions, attributes before and behind the inputs, captured values", function()
    local g = assert(pg.load_text [[
<ir_version: 10, opset_import: ["" : 21, "local" : 1]>
main (float[2] x, bool c) => (float[2] y) {
  t = local.Scaled <alpha = 3.0> (x)
  y = If (c) <then_branch = a () => (float[2] u) { u = Add (t, x) }, else_branch = b () => (float[2] v) { v = Neg (t) }>
}
<domain: "local", opset_import: ["" : 21], doc_string: "alpha z + beta">
Scaled <alpha, beta: float = 2.0> (z) => (float[2] w) <float k> {
  k = Constant <value_float: float = @alpha> ()
  b = Constant <value_float: float = @beta> ()
  kz = Mul (z, k)
  w = Add (kz, b)
}]])
    local s = g:session { threads = 1 }
    assert.same({ 6, 10 }, s({ x = { 1, 2 }, c = true }).y:totable())
    assert.same({ -5, -8 }, s({ x = { 1, 2 }, c = false }).y:totable())
    assert.equal("alpha z + beta", g:function_list()[1].doc)
  end)

  it("takes default values of inputs and external data", function()
    local g = parse "g (float[2] x, float[2] k = {3, 4}) => (float[2] y) { y = Add(x, k) }"
    assert.same({ 4, 5 }, g:session()({ x = { 1, 1 } }).y:totable())
    temp.write(dir .. "/w.bin", string.pack("<ff", 5, 6))
    temp.write(dir .. "/ext.onnxtxt", head .. [[g (float[2] x) => (float[2] y)
      <float[2] k = ["location": "w.bin", "offset": "0", "length": "8"]> { y = Add(x, k) }]])
    assert.same({ 6, 7 }, assert(pg.load(dir .. "/ext.onnxtxt")):session()({ x = { 1, 1 } }).y:totable())
  end)

  it("says where it is wrong", function()
    for text, expected in pairs {
      ["g (float x) => (float y) {\n  y = Relu(x\n}"] = "3:1: expected ')', got '}'",
      ["g (float x) = (float y) {}"] = "1:14: expected '=>'",
      ["g (flot[2] x) => () {}"] = "1:8: expected ')', got '['",
      ["g () => () { y = A <a = []> () }"] = "1:27: an empty list needs a type",
      ["g () => () { y = A <a: int = 1.5> () }"] = "expected a value of type int, got one of type float",
      ["g () => () { y = A <a: what = 1> () }"] = "1:24: no type of attributes 'what'",
      ["g () => () <int64 x = {9223372036854775808}> {}"] = "9223372036854775808 is out of range",
      ["g () => () <float x = {1e39}> {}"] = "1e39 is out of range",
      ["g () => () <float[N] x = {1}> {}"] = "the shape of a tensor needs numbers",
      ["g () => () <float[] x = {1}> {}"] = "a tensor needs a shape",
      ['g () => () <string x = {"a}> {}'] = "the string has no end",
      ["<what: 1> g () => () {}"] = "1:2: unknown key 'what'",
      ["g () => () {} f"] = "expected '(', got the end",
      [""] = "1:1: expected a name, got the end",
      ["g () => () { y = A <a: ints = 1> () }"] = "a value of type ints is a list",
    } do
      local g, message, code = pg.load_text(text)
      assert.is_nil(g)
      assert.matches(expected, message, 1, true)
      assert.equal("format", code)
    end
    temp.write(dir .. "/bad.onnxtxt", "g (")
    local _, message = pg.load(dir .. "/bad.onnxtxt")
    assert.matches("bad.onnxtxt:1:4: expected a name, got the end", message, 1, true)
    assert.equal("io", select(3, pg.load(dir .. "/missing.onnxtxt")))
  end)

  it("bounds nesting", function()
    local deep = ("seq("):rep(1000) .. "float" .. (")"):rep(1000)
    assert.matches("nested in more than", select(2, pg.load_text("g (" .. deep .. " x) => () {}")), 1, true)
    local graphs = ("g () => () { y = A <a = "):rep(1000)
    assert.matches("nested in more than", select(2, pg.load_text(graphs)), 1, true)
  end)

  it("survives damage", function()
    local text = assert(pg.load "spec/data/branch.onnx"):text "onnx" .. head
      .. assert(pg.load "spec/data/function.onnx"):text "onnx"
    local mutate = require "support.mutate"
    local state = 7
    local function below(n)
      state = state * 6364136223846793005 + 1442695040888963407
      return (state >> 33) % n
    end
    for _ = 1, 2000 do
      local g, message = pg.load_text(mutate.mutate(text, below))
      assert.is_true(g ~= nil or type(message) == "string")
      if g then g:close() end
    end
  end)
end)

describe("writing", function()
  it("gives what the reference printer gives", function()
    local text = [[
<
   ir_version: 10,
   opset_import: ["" : 21, "my.own" : 1],
   producer_name: "hand",
   metadata_props: ["a": "b \"c\""]
>
g (float[N,3] x, bool c, seq(int64[2]) s, float "odd name?") => (float[N,3] y)_
   <float[3] w =  {1,-0.25,1e-07}, int64 i =  {-5}, float[] t>
{
   [first] t = Add (x, w)
   y = If (c) <then_branch: graph = a () => (float[N,3] u) {
      u = my.own.Scale:wide <by: floats = [0.1, 1e+30], to: string = "q\\"> (t, "")
   }, else_branch: graph = b () => (float[N,3] v)_
      <float k =  {2}>
{
      v = Mul (t, k)
   }>
}]]
    text = text:gsub("_\n", " \n") -- the printer leaves a space there
    assert.equal(text, assert(pg.load_text(text)):text "onnx")
  end)

  it("writes numbers in their shortest form", function()
    local g = pg.graph()
    g:add_input("x", "f32", {})
    g:add_constant("f", {
      0, -0.0, 0.1, 1 / 3, 16777216, 1e10, 123456792, 3.4028234663852886e38, 1e-45, math.huge, -(0 / 0),
    })
    g:add_constant("d", pg.tensor({ 0.1, 1 / 3, 1e22, 5e-324, 100000 }, "f64"))
    g:add("Relu", { "x" }, { "y" })
    g:add_output "y"
    local text = assert(g:text "onnx")
    assert.matches("{0,-0,0.1,0.33333334,16777216,1e+10,123456792,3.4028235e+38,1e-45,inf,nan}", text, 1, true)
    assert.matches("{0.1,0.3333333333333333,1e+22,5e-324,1e+05}", text, 1, true)
  end)

  it("comes back as it was", function()
    for _, name in ipairs { "branch", "loop", "function", "old", "unknown" } do
      local g = assert(pg.load("spec/data/" .. name .. ".onnx"))
      local text = assert(g:text "onnx")
      local h = assert(pg.load_text(text))
      assert.equal(text, h:text "onnx")
      assert.equal(g:text(), h:text())
    end
  end)

  it("goes to files by name", function()
    local g = assert(pg.load "spec/data/loop.onnx")
    assert.is_true(g:save(dir .. "/loop.onnxtxt"))
    assert.equal(g:text "onnx", temp.read(dir .. "/loop.onnxtxt"))
    assert.equal(g:text(), assert(pg.load(dir .. "/loop.onnxtxt")):text())
    local ok, message, code = g:save(dir .. "/nowhere/loop.onnxtxt")
    assert.is_nil(ok)
    assert.matches("nowhere/loop.onnxtxt", message, 1, true)
    assert.equal("io", code)
  end)

  it("refuses what the syntax has no words for", function()
    local g = pg.graph()
    g:add_input("x", "f32", {})
    g:add("aten::add", { "x" }, { "y" }, nil, { domain = "d" })
    g:add_output "y"
    local text, message, code = g:text "onnx"
    assert.is_nil(text)
    assert.equal("operator 'aten::add' has no spelling in the text form", message)
    assert.equal("unsupported", code)
  end)
end)
