-- Inference on its own: shapes that a graph computes, by names where sizes have no numbers.
local lfs = require "lfs"
local pg = require "perigee"
local process = require "support.process"
local temp = require "support.temp"

local function i64(...) return pg.tensor({ ... }, "i64") end
local function scalar(n, dtype) return pg.tensor({ n }, dtype or "i64"):reshape {} end

--- A graph of one input x with these dims and a chain of nodes: { type, inputs, outputs, attrs }. Inputs that
--- are tables or numbers become constants.
local function build(dims, nodes, dtype)
  local g, n = pg.graph(), 0
  g:add_input("x", dtype or "f32", dims)
  for _, node in ipairs(nodes) do
    local inputs = {}
    for i, input in ipairs(node[2]) do
      if type(input) ~= "string" then
        n = n + 1
        local name = "constant" .. n
        g:add_constant(name, type(input) == "table" and i64(table.unpack(input)) or
          type(input) == "number" and scalar(input) or input)
        input = name
      end
      inputs[i] = input
    end
    g:add(node[1], inputs, node[3], node[4])
  end
  local last = nodes[#nodes][3]
  g:add_output(last[#last])
  return g
end

--- The shape of the value y, as text.
local function shape(g, opts)
  assert(g:infer(opts))
  local value = g:value "y"
  return value.shape and table.concat(value.shape, ",") or "?"
end

local function check(cases)
  for i, case in ipairs(cases) do
    it(("%d: %s"):format(i, case[1]), function() assert.equal(case[4], shape(build(case[2], case[3], case[5]))) end)
  end
end

--- Nodes that end in y = ConstantOfShape of `name`.
local function fill(name, ...)
  local nodes = { ... }
  nodes[#nodes + 1] = { "ConstantOfShape", { name }, { "y" } }
  return nodes
end

local shape_of_x = { "Shape", { "x" }, { "s" } }
local function at(i, name) return { "Gather", { "s", i }, { name }, { axis = 0 } } end

describe("contents of shapes", function()
  check {
    { "Shape, ConstantOfShape", { "N", 3 }, fill("s", shape_of_x), "N,3" },
    { "Shape of a range of axes", { "N", "C", "H" },
      fill("s", { "Shape", { "x" }, { "s" }, { start = 1, ["end"] = -1 } }), "C" },
    { "Size", { "N", "C", 2 }, fill("u", { "Size", { "x" }, { "s" } }, { "Unsqueeze", { "s", { 0 } }, { "u" } }),
      "2*C*N" },
    { "Gather, Concat", { "N", 3, "H" },
      fill("c", shape_of_x, at({ 2 }, "h"), at({ 0 }, "n"), { "Concat", { "h", { 7 }, "n" }, { "c" }, { axis = 0 } }),
      "H,7,N" },
    { "GatherElements", { "N", "C" }, fill("g", shape_of_x, { "GatherElements", { "s", { 1, 0, 1 } }, { "g" } }),
      "C,N,C" },
    { "Slice", { "N", "C", "H", "W" }, fill("p", shape_of_x, { "Slice", { "s", { 3 }, { 0 }, { 0 }, { -2 } },
      { "p" } }), "W,C" },
    { "Split", { "N", "C", "H" }, fill("b", shape_of_x, { "Split", { "s", { 1, 2 } }, { "a", "b" } }), "C,H" },
    { "Squeeze, Unsqueeze, Reshape", { "N" },
      fill("r", shape_of_x, { "Squeeze", { "s" }, { "q" } }, { "Unsqueeze", { "q", { 0 } }, { "u" } },
        { "Reshape", { "u", { -1 } }, { "r" } }), "N" },
    { "Transpose and Reshape of a table", { "N", "C", "H", "W" },
      fill("f", shape_of_x, { "Reshape", { "s", { 2, 2 } }, { "r" } }, { "Transpose", { "r" }, { "t" } },
        { "Reshape", { "t", { -1 } }, { "f" } }), "N,H,C,W" },
    { "Expand, Tile", { "N" }, fill("t", shape_of_x, { "Expand", { "s", { 2 } }, { "e" } },
      { "Tile", { "e", { 2 } }, { "t" } }), "N,N,N,N" },
    { "ScatterElements", { "N", 4 }, fill("t", shape_of_x, { "ScatterElements", { "s", { 1 }, { 9 } }, { "t" } }),
      "N,9" },
    { "Pad with zeros", { "N" }, fill("t", shape_of_x, { "Pad", { "s", { 0, 1 } }, { "t" } }), "N,0" },
    { "Cast there and back", { "N" }, fill("b", shape_of_x, { "Cast", { "s" }, { "a" }, { to = 1 } },
      { "Cast", { "a" }, { "b" }, { to = 7 } }), "N" },
    { "an unknown part leaves the others known", { "N", "M" },
      fill("c", shape_of_x, { "ReduceMax", { "x" }, { "m" }, { keepdims = 0 } }, { "Cast", { "m" },
        { "i" }, { to = 7 } },
        { "Unsqueeze", { "i", { 0 } }, { "u" } }, { "Concat", { "s", "u" }, { "c" }, { axis = 0 } }), "N,M,unk_0" },
  }
end)

local function compute(name, ...)
  return fill("r", shape_of_x, at({ 0 }, "n"), at({ 1 }, "m"), { name, { ... }, { "r" } })
end

describe("arithmetic on sizes", function()
  local NM = { "N", "M" }
  check {
    { "Add", NM, compute("Add", "n", "m"), "M+N" },
    { "Add of a number", NM, compute("Add", "n", { 1 }), "N+1" },
    { "Sub", NM, compute("Sub", "n", { 2 }), "N-2" },
    { "Mul", NM, compute("Mul", "n", "m"), "M*N" },
    { "Mul with itself", NM, compute("Mul", "n", "n"), "N*N" },
    { "Div that is exact", { "4*N", 3 }, compute("Div", "n", { 2 }), "2*N" },
    { "Div that is not", NM, compute("Div", "n", { 2 }), "floor(N/2)" },
    { "Div by a name", NM, compute("Div", "n", "m"), "floor(N/M)" },
    { "Mod", NM, compute("Mod", "n", { 4 }), "N-4*floor(N/4)" },
    { "Max", NM, compute("Max", "n", { 0 }), "N" },
    { "Max of two names", NM, compute("Max", "n", "m"), "max(M,N)" },
    { "Min", NM, compute("Min", "n", { 5 }), "min(5,N)" },
    { "Neg", NM, fill("r", shape_of_x, at({ 0 }, "n"), { "Neg", { "n" }, { "a" } }, { "Neg", { "a" }, { "r" } }), "N" },
    { "like terms join", NM, fill("r", shape_of_x, at({ 0 }, "n"), { "Add", { "n", "n" }, { "a" } },
      { "Sub", { "a", "n" }, { "r" } }), "N" },
    { "ReduceProd", NM, fill("u", shape_of_x, { "ReduceProd", { "s" }, { "u" } }), "M*N" },
    { "ReduceSum", NM, fill("u", shape_of_x, { "ReduceSum", { "s" }, { "u" } }), "M+N" },
    { "Where, Equal: a size is never -1", NM,
      fill("w", shape_of_x, { "Equal", { "s", { -1, -1 } }, { "e" } }, { "Where", { "e", { 1, 1 }, "s" }, { "w" } }),
        "N,M" },
    { "Where, Equal with numbers", { "N", 4 },
      fill("w", shape_of_x, at({ 1 }, "m"), { "Equal", { "m", { 4 } }, { "e" } }, { "Where", { "e", "s", { 1, 1 } },
        { "w" } }),
      "N,4" },
    { "floats: a half, rounded down", NM,
      fill("r", shape_of_x, { "Cast", { "s" }, { "f" }, { to = 1 } }, { "Mul", { "f", pg.tensor { 0.5, 2 } }, { "h" } },
        { "Floor", { "h" }, { "d" } }, { "Cast", { "d" }, { "r" }, { to = 7 } }), "floor(N/2),2*M" },
    { "floats: rounded up", { "N" },
      fill("r", shape_of_x, { "Cast", { "s" }, { "f" }, { to = 1 } }, { "Div", { "f", pg.tensor { 4 } }, { "h" } },
        { "Ceil", { "h" }, { "d" } }, { "Cast", { "d" }, { "r" }, { to = 7 } }), "floor((N+3)/4)" },
  }
end)

describe("operators that are told a shape", function()
  check {
    { "Reshape: -1 of names", { "N", "C", "H", "W" }, { shape_of_x, at({ 0 }, "n"),
      { "Concat", { "n", { -1 } }, { "c" }, { axis = 0 } }, { "Reshape", { "x", "c" }, { "y" } } }, "N,C*H*W" },
    { "Reshape: names over numbers", { "N", "T", 32 }, { shape_of_x, { "Slice", { "s", { 0 }, { 2 } }, { "nt" } },
      { "Concat", { "nt", { 4, -1 } }, { "c" }, { axis = 0 } }, { "Reshape", { "x", "c" }, { "y" } } }, "N,T,4,8" },
    { "Reshape: all into one", { "N", "T", 32 }, { { "Reshape", { "x", { -1 } }, { "y" } } }, "32*N*T" },
    { "Reshape: a part that is exact", { "N", 6 }, { { "Reshape", { "x", { -1, 3 } }, { "y" } } }, "2*N,3" },
    { "Reshape: a part that must be", { "N" }, { { "Reshape", { "x", { -1, 3 } }, { "y" } } }, "floor(N/3),3" },
    { "Reshape: a sum divides", { "N", 3 }, { { "Concat", { "x", pg.tensor.zeros { 1, 3 } }, { "c" }, { axis = 0 } },
      { "Reshape", { "c", { -1 } }, { "f" } }, { "Shape", { "c" }, { "s" } }, at({ 0 }, "n"),
      { "Concat", { "n", { -1 } }, { "t" }, { axis = 0 } }, { "Reshape", { "f", "t" }, { "y" } } }, "N+1,3" },
    { "Reshape: 0 copies", { "N", "C", 4 }, { { "Reshape", { "x", { 0, -1 } }, { "y" } } }, "N,4*C" },
    { "Flatten", { "N", "C", "H" }, { { "Flatten", { "x" }, { "y" } } }, "N,C*H" },
    { "Expand", { "N", 1 }, { shape_of_x, at({ 0 }, "n"), { "Concat", { { 1 }, "n" }, { "c" }, { axis = 0 } },
      { "Expand", { "x", "c" }, { "y" } } }, "N,N" },
    { "Tile", { "N", 3 }, { shape_of_x, { "Tile", { "x", "s" }, { "y" } } }, "N*N,9" },
    { "Slice of an axis with a name", { "N", 3 }, { { "Slice", { "x", { 1 }, { -1 }, { 0 } }, { "y" } } }, "N-2,3" },
    { "Slice to a number", { "N" }, { { "Slice", { "x", { 0 }, { 5 } }, { "y" } } }, "min(5,N)" },
    { "Slice to a name", { "N", 64 }, { shape_of_x, at({ 0 }, "n"), { "Slice", { "x", { 0 }, "n", { 1 } }, { "y" } } },
      "N,min(64,N)" },
    { "Slice with a step", { "N" }, { { "Slice", { "x", { 0 }, { 9223372036854775807 }, { 0 }, { 2 } }, { "y" } } },
      "floor((N+1)/2)" },
    { "Slice backwards", { "N" }, { { "Slice", { "x", { -1 }, { -9223372036854775807 }, { 0 }, { -1 } }, { "y" } } },
      "N" },
    { "Range", { "N" }, { shape_of_x, { "Squeeze", { "s" }, { "n" } }, { "Range", { 0, "n", 1 }, { "y" } } }, "N" },
    { "Range with a step", { "N" }, { shape_of_x, { "Squeeze", { "s" }, { "n" } }, { "Range", { 1, "n", 2 },
      { "y" } } },
      "floor(N/2)" },
    { "Concat", { "N", 3 }, { { "Concat", { "x", "x", pg.tensor.zeros { 2, 3 } }, { "y" }, { axis = 0 } } },
      "2*N+2,3" },
    { "Split", { "N", 6 }, { { "Split", { "x" }, { "a", "y" }, { axis = 1, num_outputs = 2 } } }, "N,3" },
    { "Split of a name", { "N" }, { { "Split", { "x" }, { "a", "y" }, { num_outputs = 2 } } }, "N-floor((N+1)/2)" },
    { "Pad", { "N", 3 }, { { "Pad", { "x", { 1, 0, 2, 0 } }, { "y" } } }, "N+3,3" },
    { "Pad by a name", { "N" }, { shape_of_x, { "Concat", { { 0 }, "s" }, { "p" }, { axis = 0 } },
      { "Pad", { "x", "p" }, { "y" } } }, "2*N" },
    { "Resize by sizes", { "N", 3, "H", "W" }, { shape_of_x, { "Slice", { "s", { 0 }, { 2 } }, { "a" } },
      { "Slice", { "s", { 2 }, { 4 } }, { "b" } }, { "Mul", { "b", { 2 } }, { "c" } },
      { "Concat", { "a", "c" }, { "d" }, { axis = 0 } }, { "Resize", { "x", "", "", "d" }, { "y" } } }, "N,3,2*H,2*W" },
    { "Resize by scales", { "N", "W" }, { { "Resize", { "x", "", pg.tensor { 1, 0.5 } }, { "y" } } }, "N,floor(W/2)" },
    { "TopK", { "N", "M" }, { shape_of_x, at({ 0 }, "n"), { "TopK", { "x", "n" }, { "y", "i" }, { axis = 1 } },
      { "Identity", { "y" }, { "z" } } }, "N,N" },
    { "CenterCropPad", { "N", 8 }, { shape_of_x, at({ 0 }, "n"),
      { "CenterCropPad", { "x", "n" }, { "y" }, { axes = { 1 } } } }, "N,N" },
    { "Conv with strides, twice", { "N", 3, "H", "W" }, {
      { "Conv", { "x", pg.tensor.zeros { 4, 3, 3, 3 } }, { "a" }, { strides = { 2, 2 }, pads = { 1, 1, 1, 1 } } },
      { "Conv", { "a", pg.tensor.zeros { 5, 4, 3, 3 } }, { "y" }, { strides = { 2, 2 }, pads = { 1, 1, 1, 1 } } } },
      "N,5,floor((H+3)/4),floor((W+3)/4)" },
    { "Conv with auto_pad", { "N", 3, "H" }, { { "Conv", { "x", pg.tensor.zeros { 4, 3, 3 } }, { "y" },
      { strides = { 2 }, auto_pad = "SAME_UPPER" } } }, "N,4,floor((H+1)/2)" },
    { "MaxPool with ceil_mode", { "N", 3, "H" }, { { "MaxPool", { "x" }, { "y" },
      { strides = { 2 }, kernel_shape = { 3 }, pads = { 1, 1 }, ceil_mode = 1 } } }, "N,3,floor(H/2)+1" },
    { "ConvTranspose", { "N", 3, "H" }, { { "ConvTranspose", { "x", pg.tensor.zeros { 3, 4, 4 } }, { "y" },
      { strides = { 2 }, pads = { 1, 1 } } } }, "N,4,2*H" },
    { "DepthToSpace", { "N", "C", "H", "W" }, { { "DepthToSpace", { "x" }, { "y" }, { blocksize = 2 } } },
      "N,floor(C/4),2*H,2*W" },
  }
end)

describe("broadcasting", function()
  local function join(a, b)
    local g = pg.graph()
    g:add_input("a", "f32", { a })
    g:add_input("b", "f32", { b })
    g:add("Add", { "a", "b" }, { "y" })
    g:add_output "y"
    return shape(g)
  end
  it("of names", function()
    assert.equal("N", join("N", 1))
    assert.equal("N", join("N", "N"))
    assert.equal("4", join("N", 4))
    assert.equal("unk_0", join("N", "M"))
    assert.equal("N+1", join("N+1", "1+N"))
    assert.equal("batch size", join("batch size", "batch size"))
  end)
end)

describe("sizes that depend on data", function()
  it("get names, which stay", function()
    local g = build({ 4, 5 }, { { "NonZero", { "x" }, { "a" } }, { "Cast", { "a" }, { "b" }, { to = 1 } },
      { "Relu", { "b" }, { "c" } }, { "Concat", { "c", "b" }, { "y" }, { axis = 1 } } })
    assert.equal("2,2*unk_0", shape(g))
    assert.same({ 2, "unk_0" }, g:value("c").shape)
  end)
  it("don't get a name that the file has", function()
    local g = build({ "unk_6" }, { { "NonZero", { "x" }, { "y" } } })
    assert.equal("1,unk_7", shape(g))
  end)
  it("take the name that the file has for them", function()
    local g = build({ 4 }, { { "NonZero", { "x" }, { "a" } }, { "Neg", { "a" }, { "y" } } })
    g:set_type("y", "i64", { 1, "hits" })
    assert.equal("1,hits", shape(g))
    assert.same({ 1, "hits" }, g:value("a").shape)
  end)
  it("stay unknown beyond all bounds", function()
    local dims, nodes = {}, { { "Concat", {}, { "y" }, { axis = 0 } } }
    local g = pg.graph()
    for i = 1, 40 do
      dims[i] = "a_name_of_some_length_" .. i
      g:add_input("x" .. i, "f32", { dims[i] })
      nodes[1][2][i] = "x" .. i
    end
    g:add("Concat", nodes[1][2], { "y" }, { axis = 0 })
    g:add_output "y"
    assert.equal("unk_0", shape(g))
  end)
end)

describe("control flow", function()
  local function branch(name, out) return function(b)
    b:add(name, { "x" }, { out })
    b:add_output(out)
  end end
  --- y = x or x flattened, by whether axis 1 of x has so many elements.
  local function choose(dims, n)
    local g = pg.graph()
    g:add_input("x", "f32", dims)
    g:add("Shape", { "x" }, { "s" })
    g:add_constant("axis", scalar(1))
    g:add_constant("n", scalar(n))
    g:add("Gather", { "s", "axis" }, { "c" })
    g:add("Equal", { "c", "n" }, { "is" })
    g:add("If", { "is" }, { "y" }, { then_branch = branch("Identity", "t"), else_branch = branch("Flatten", "e") })
    g:add_output "y"
    return shape(g)
  end
  it("takes the branch that is known", function()
    assert.equal("N,3,4", choose({ "N", 3, 4 }, 3))
    assert.equal("N,12", choose({ "N", 3, 4 }, 5))
    assert.equal("N,4*C", choose({ "N", "C", 4 }, -1))
  end)
  it("tells what holds for both branches", function()
    assert.equal("?", choose({ "N", "C", 4 }, 3))
    assert.equal("N,C", choose({ "N", "C" }, 3))
  end)

  --- y and z of a loop that runs n times over the carried value x.
  local function loop(n, next_x, result)
    local g = pg.graph()
    g:add_input("x", "f32", { "N", 3 })
    g:add("Shape", { "x" }, { "s" })
    g:add_constant("axis", scalar(0))
    g:add("Gather", { "s", "axis" }, { "N" })
    g:add_constant("four", scalar(4))
    g:add_constant("yes", true, "bool")
    g:add("Loop", { n, "yes", "x" }, { "z", "y" }, { body = function(b)
      b:add_input("i", "i64", {})
      b:add_input("go", "bool", {})
      b:add_input "carried"
      b:add("Identity", { "go" }, { "still" })
      b:add(next_x[1], next_x[2], { "next" }, next_x[3])
      b:add(result, { "carried" }, { "made" })
      for _, name in ipairs { "still", "next", "made" } do b:add_output(name) end
    end })
    g:add_output "z"
    g:add_output "y"
    local y = shape(g)
    return y, table.concat(g:value "z".shape, ",")
  end
  it("counts the iterations of a loop", function()
    local y, z = loop("four", { "Relu", { "carried" } }, "Neg")
    assert.equal("4,N,3", y)
    assert.equal("N,3", z)
    assert.equal("N,N,3", (loop("N", { "Relu", { "carried" } }, "Neg")))
  end)
  it("forgets the size of what grows", function()
    local _, z = loop("four", { "Concat", { "carried", "x" }, { axis = 0 } }, "Size")
    assert.matches("^unk_%d+,3$", z)
  end)
end)

describe("sequences", function()
  check {
    { "of one shape", { "N", 3 }, { { "SequenceConstruct", { "x", "x" }, { "q" } },
      { "SequenceAt", { "q", 0 }, { "y" } } }, "N,3" },
    { "of two shapes", { "N", 3 }, { { "SequenceConstruct", { "x", pg.tensor.zeros { 2, 3 } }, { "q" } },
      { "SequenceAt", { "q", 0 }, { "y" } } }, "unk_0,3" },
    { "that begin empty", { "N", 3 }, { { "SequenceEmpty", {}, { "e" } }, { "SequenceInsert", { "e", "x" }, { "q" } },
      { "SequenceErase", { "q" }, { "r" } }, { "SequenceAt", { "r", 0 }, { "y" } } }, "N,3" },
    { "of pieces", { "N", 6 }, { { "SplitToSequence", { "x", 2 }, { "q" }, { axis = 1 } },
      { "SequenceAt", { "q", 0 }, { "y" } } }, "N,2" },
    { "of rows", { "N", 6 }, { { "SplitToSequence", { "x" }, { "q" }, { axis = 0, keepdims = 0 } },
      { "SequenceAt", { "q", 0 }, { "y" } } }, "6" },
    { "side by side", { "N", 6 }, { { "SequenceConstruct", { "x", "x" }, { "q" } },
      { "ConcatFromSequence", { "q" }, { "y" }, { axis = 1, new_axis = 1 } } }, "N,unk_0,6" },
  }
end)

describe("infer", function()
  local function model()
    return build({ "N", 3, "H" }, { { "Relu", { "x" }, { "a" } }, { "Flatten", { "a" }, { "y" } } })
  end
  it("puts numbers in place of names", function()
    assert.equal("4,3*H", shape(model(), { dims = { N = 4 } }))
    assert.equal("4,96", shape(model(), { dims = { N = 4, H = 32 } }))
  end)
  it("gives inputs other shapes", function()
    assert.equal("2,15", shape(model(), { shapes = { x = { 2, "?", 5 } } }))
    assert.equal("B,4*H", shape(model(), { shapes = { x = { "B", 4, "?" } } }))
  end)
  it("says what can't be bound", function()
    local _, message = model():infer { dims = { Z = 1 } }
    assert.equal("no dimension 'Z'", message)
    _, message = model():infer { shapes = { z = { 1 } } }
    assert.equal("no input 'z'", message)
    _, message = model():infer { shapes = { x = { 1 } } }
    assert.equal("input 'x': expected rank 3, got 1", message)
    _, message = model():infer { dims = { N = 1 }, shapes = { x = { 2, 3, 4 } } }
    assert.equal("dimension 'N': 1 and 2", message)
    assert.has_error(function() model():infer { dim = {} } end)
    assert.has_error(function() model():infer { dims = { N = "four" } } end)
    assert.has_error(function() model():infer { shapes = { x = 1 } } end)
  end)
  it("reports what contradicts, or fails when strict", function()
    local g = model()
    g:set_type("y", "f32", { 7, 7, 7 })
    local _, contradictions = assert(g:infer())
    assert.same({ { name = "y", declared = "f32 [7,7,7]", inferred = "f32 [N,3*H]" } }, contradictions)
    g = model()
    g:set_type("y", "f32", { 7, 7, 7 })
    local ok, message, code = g:infer { strict = true }
    assert.is_nil(ok)
    assert.equal("value 'y': declared f32 [7,7,7], inferred f32 [N,3*H]", message)
    assert.equal("invalid", code)
  end)
  it("leaves operators alone that this build doesn't have", function()
    local g = pg.graph()
    g:add_input("x", "f32", { "N" })
    g:add("Relu", { "x" }, { "a" })
    g:add("Wonder", { "a" }, { "y" }, nil, { domain = "some.where" })
    g:add_output "y"
    assert.equal("?", shape(g))
    assert.same({ "N" }, g:value("a").shape)
  end)
end)

describe("the command infer", function()
  local dir, path
  setup(function()
    dir = temp.dir()
    path = dir .. "/model.onnx"
    local g = build({ "N", 3, "H" }, { { "Relu", { "x" }, { "a" } }, { "Flatten", { "a" }, { "y" } } })
    assert(g:save(path))
  end)
  teardown(function() temp.remove(dir) end)

  local function run(...) return process.perigee("infer", path, ...) end

  it("prints every value", function()
    local status, out = run()
    assert.equal(0, status)
    assert.matches("Flatten +%S* +y +f32 %[N,3%*H%]", out)
  end)
  it("writes the types into a model", function()
    local status = run("--dim", "N=2", "--shape", "x=?,?,8", "-o", dir .. "/typed.onnx")
    assert.equal(0, status)
    local g = assert(pg.load(dir .. "/typed.onnx"))
    assert.same({ 2, 3, 8 }, g:value("a").shape)
    assert.same({ 2, 24 }, g:output_list()[1].shape)
  end)
  it("prints JSON", function()
    local status, out = run "--json"
    assert.equal(0, status)
    local d = require("dkjson").decode(out)
    assert.same({ "N", "3*H" }, d.outputs[1].shape)
    assert.equal("Relu", d.values[1].operator)
    assert.same({}, d.contradictions)
  end)
  it("has usage errors", function()
    assert.equal(2, (run("--dim", "N")))
    assert.equal(2, (run("--shape", "x")))
    assert.equal(1, (run("--dim", "Z=1")))
  end)
end)

local shared = "../shared"
if not lfs.attributes(shared .. "/onnx-backend", "mode") then
  print "infer_spec: ONNX's own models are skipped, there is no ../shared/onnx-backend"
  return
end

describe("ONNX's own models", function()
  --- What the file declares of outputs must be inferred, or, where it depends on data, not contradicted.
  local function compare(path)
    local g = assert(pg.load(path))
    local ok, contradictions, code = g:infer()
    if not ok then return code ~= "unsupported" and path .. ": " .. contradictions or nil end
    local first = contradictions[1]
    if first then return ("%s: %s declared %s, inferred %s"):format(path, first.name, first.declared,
      first.inferred) end
  end

  for _, kind in ipairs { "node", "simple", "light", "pytorch-operator", "pytorch-converted" } do
    it(kind .. " agree with what they declare", function()
      local problems = {}
      for name in lfs.dir(("%s/onnx-backend/%s"):format(shared, kind)) do
        local path = ("%s/onnx-backend/%s/%s/model.onnx"):format(shared, kind, name)
        if lfs.attributes(path, "mode") == "file" then problems[#problems + 1] = compare(path) end
      end
      assert.same({}, problems)
    end)
  end
end)
