-- pg.check: each rule has a model that breaks it and nothing else, and is told so; valid models pass.
local pg = require "perigee"
local lfs = require "lfs"
local dkjson = require "dkjson"
local onnx = require "support.onnx_bytes"
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"

local node, value, tensor, attribute = onnx.node, onnx.value, onnx.tensor, onnx.attribute

--- x f32 [N,4] -> first = Relu(x), y = Add(first, w) with w an initialiser of 4.
local function base()
  return {
    ir_version = 8, producer_name = "spec", opset_import = { { domain = "", version = 17 } },
    graph = {
      name = "main", input = { value("x", "f32", { "N", 4 }) }, output = { value("y", "f32", { "N", 4 }) },
      initializer = { tensor("w", { 1.0, 2.0, 3.0, 4.0 }) },
      node = { node("Relu", { "x" }, { "h" }, nil, "first"), node("Add", { "h", "w" }, { "y" }, nil, "second") },
    },
  }
end

local function findings_of(model) return pg.check.bytes(onnx.encode("Model", model)) end

local function lines(findings)
  local list = {}
  for i, finding in ipairs(findings) do list[i] = pg.check.line(finding) end
  return table.concat(list, "\n")
end

--- An If with two branches; `inner` are the nodes of the first, which makes "z".
local function with_if(m, inner, then_graph)
  local g = m.graph
  g.initializer[#g.initializer + 1] = { name = "c", data_type = 9, dims = {}, int32_data = { 1 } }
  local taken = then_graph or { name = "taken", node = inner, output = { value("z", "f32") } }
  local other = { name = "other", node = { node("Relu", { "h" }, { "o" }) }, output = { value("o", "f32") } }
  table.insert(g.node, node("If", { "c" }, { "i" },
    { attribute("then_branch", "g", taken), attribute("else_branch", "g", other) }, "choice"))
end

--- A function F(a) = Relu(a) of the domain "own", called once.
local function with_function(m)
  m.functions = { {
    name = "F", domain = "own", input = { "a" }, output = { "b" }, opset_import = { { domain = "", version = 17 } },
    node = { node("Relu", { "a" }, { "b" }) },
  } }
  m.opset_import[2] = { domain = "own", version = 1 }
  local call = node("F", { "x" }, { "called" }, nil, "call")
  call.domain = "own"
  table.insert(m.graph.node, call)
  return m.functions[1], call
end

local function sparse(m, change)
  m.graph.sparse_initializer = { {
    values = { name = "s", data_type = 1, dims = { 3 }, float_data = { 1, 2, 3 } },
    indices = { data_type = 7, dims = { 3 }, int64_data = { 1, 4, 6 } }, dims = { 2, 5 },
  } }
  change(m.graph.sparse_initializer[1])
end

local function external(m, entries)
  local w = { name = "w", data_type = 1, dims = { 4 }, data_location = 1, external_data = {} }
  for key, text in pairs(entries) do table.insert(w.external_data, { key = key, value = text }) end
  m.graph.initializer[1] = w
end

-- name, rule, what the line says, what is done to the valid model
local faults = {
  -- versions
  { "no IR version", "ir-version", "states no IR version", function(m) m.ir_version = nil end },
  { "an IR version of the future", "ir-version", "IR version 99: known are 1 to", function(m) m.ir_version = 99 end },
  { "no operator sets", "opset", "imports no operator set", function(m) m.opset_import = nil end },
  { "operator sets before IR version 3", "opset", "since IR version 3", function(m) m.ir_version = 2 end },
  { "an operator set of the future", "opset", "version 99 of operator set 'ai.onnx'",
    function(m) m.opset_import[1].version = 99 end },
  { "operator set 0", "opset", "version 0 of", function(m) m.opset_import[1].version = 0 end },
  { "a domain that isn't imported", "opset", "'ai.onnx.ml' isn't imported",
    function(m) m.graph.node[1].op_type, m.graph.node[1].domain = "Scaler", "ai.onnx.ml" end },
  { "free initialisers in IR version 3", "ir-version", "'w': it is no input", function(m) m.ir_version = 3 end },
  { "functions in IR version 7", "ir-version", "functions need IR version 8",
    function(m) with_function(m) m.ir_version = 7 end },
  { "8-bit floats in IR version 8", "ir-version", "f8e4m3fn need IR version 9", function(m)
    m.graph.initializer[2] = { name = "e", data_type = 17, dims = { 1 }, int32_data = { 1 } }
  end },
  { "4-bit integers in IR version 9", "ir-version", "u4: needs IR version 10", function(m)
    m.ir_version = 9
    m.graph.input[2] = value("q", "u4", { 2 })
  end },
  { "duplicate metadata", "metadata", "give 'k' twice",
    function(m) m.metadata_props = { { key = "k", value = "1" }, { key = "k", value = "2" } } end },
  -- operators
  { "an unknown operator", "operator", "node 'first' (Foo): ai.onnx has no operator Foo",
    function(m) m.graph.node[1].op_type = "Foo" end },
  { "a node without an operator", "operator", "names no operator", function(m) m.graph.node[1].op_type = "" end },
  { "an operator of a later operator set", "opset", "Gelu exists since version 20 of ai.onnx, but version 17",
    function(m) m.graph.node[1].op_type = "Gelu" end },
  { "a deprecated operator", "deprecated", "Upsample is deprecated since version 10",
    function(m) m.graph.node[1].op_type = "Upsample" end },
  { "too few inputs", "arity", "node 'second' (Add): expected 2 inputs, got 1",
    function(m) m.graph.node[2].input[2] = nil end },
  { "too many outputs", "arity", "expected 1 output, got 2", function(m) m.graph.node[1].output[2] = "more" end },
  { "an empty required input", "arity", "input 1 (B) must be there", function(m) m.graph.node[2].input[2] = "" end },
  { "neither inputs nor outputs", "arity", "neither inputs nor outputs",
    function(m) table.insert(m.graph.node, node("Relu", nil, nil, nil, "idle")) end },
  -- attributes
  { "an unknown attribute", "attribute", "version 14 of Relu has no attribute 'bogus'",
    function(m) m.graph.node[1].attribute = { attribute("bogus", "i", 1) } end },
  { "a missing attribute", "attribute", "version 13 of Concat needs the attribute 'axis'",
    function(m) m.graph.node[1].op_type = "Concat" end },
  { "an attribute of another kind", "attribute", "'axis': expected a int, got a float", function(m)
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { attribute("axis", "f", 1.5) }, "first")
  end },
  { "a kind that isn't the value's", "attribute", "said to be a int, but has a float", function(m)
    local a = { name = "axis", type = 2, f = 1.5 }
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { a }, "first")
  end },
  { "two values", "attribute", "several values: float, int", function(m)
    local a = { name = "axis", type = 2, i = 1, f = 1.5 }
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { a }, "first")
  end },
  { "no kind", "attribute", "doesn't state its kind", function(m)
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { { name = "axis", i = 1 } }, "first")
  end },
  { "an attribute twice", "attribute", "'axis': it is there twice", function(m)
    local a = attribute("axis", "i", 1)
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { a, a }, "first")
  end },
  { "an attribute without a name", "attribute", "number 0 has no name",
    function(m) m.graph.node[1].attribute = { { type = 2, i = 1 } } end },
  { "a text that is none of the few", "attribute", "'auto_pad': expected one of NOTSET, SAME_UPPER", function(m)
    table.insert(m.graph.node, node("MaxPool", { "x" }, { "k" },
      { attribute("kernel_shape", "ints", { 1 }), attribute("auto_pad", "s", "SAME") }))
  end },
  { "a reference outside of functions", "attribute", "is in no function", function(m)
    local a = { name = "axis", type = 2, ref_attr_name = "axis" }
    m.graph.node[1] = node("Softmax", { "x" }, { "h" }, { a }, "first")
  end },
  { "an element type that isn't one", "attribute", "'to': 99 is no element type", function(m)
    m.graph.output[1].type.tensor_type = nil
    m.graph.output[1] = value("y", "f32", { "N", 4 })
    table.insert(m.graph.node, node("Cast", { "x" }, { "k" }, { attribute("to", "i", 99) }))
  end },
  -- types
  { "two types for one variable", "type", "input 1 (B) is i64, but input 0 (A) is f32: both are T",
    function(m) m.graph.initializer[1] = tensor("w", { 1, 2, 3, 4 }) end },
  { "a type that the version doesn't allow", "type", "input 0 (X) can't be bool in version 14 of Relu", function(m)
    m.graph.input[2] = value("q", "bool", { 2 })
    table.insert(m.graph.node, node("Relu", { "q" }, { "r" }))
  end },
  { "a fixed type", "type", "input 1 (shape): expected i64, got f32",
    function(m) table.insert(m.graph.node, node("Reshape", { "x", "w" }, { "r" })) end },
  { "an output declared as another type", "type", "'y' is declared as i64, but comes out as f32",
    function(m) m.graph.output[1] = value("y", "i64", { "N", 4 }) end },
  { "an output type that can't be", "type", "can't be string", function(m)
    table.insert(m.graph.node, node("RandomNormal", {}, { "r" },
      { attribute("shape", "ints", { 2 }), attribute("dtype", "i", 8) }))
  end },
  { "a shape that can't be", "shape", "'h': declared as f32 [N,5], but it comes out as f32 [N,4]",
    function(m) m.graph.value_info = { value("h", "f32", { "N", 5 }) } end },
  { "what inference refuses", "inference", "(MatMul)", function(m)
    table.insert(m.graph.node, node("MatMul", { "x", "m" }, { "r" }, nil, "product"))
    m.graph.initializer[2] = { name = "m", data_type = 1, dims = { 3, 1 }, float_data = { 1, 2, 3 } }
  end },
  -- names and order
  { "a value made twice", "ssa", "'h' already is made by another node",
    function(m) table.insert(m.graph.node, node("Neg", { "x" }, { "h" })) end },
  { "a node that makes an input", "ssa", "'x' already is an input",
    function(m) table.insert(m.graph.node, node("Neg", { "h" }, { "x" })) end },
  { "an input twice", "ssa", "input 'x': it is there twice", function(m) m.graph.input[2] = m.graph.input[1] end },
  { "an initialiser twice", "ssa", "initialiser 'w': it is there twice",
    function(m) m.graph.initializer[2] = m.graph.initializer[1] end },
  { "a subgraph's value under an outer name", "shadow", "'h' is the name of a value of the graph around it",
    function(m)
      with_if(m, { node("Relu", { "x" }, { "h" }), node("Neg", { "h" }, { "z" }) })
    end },
  { "the wrong order", "topology", "'h' is made by a later node",
    function(m) m.graph.node[1], m.graph.node[2] = m.graph.node[2], m.graph.node[1] end },
  { "a cycle", "cycle", "'y' depends on this node",
    function(m) m.graph.node[1] = node("Add", { "x", "y" }, { "h" }, nil, "first") end },
  { "a dangling input", "dangling", "input 0: nothing makes 'nowhere'",
    function(m) m.graph.node[1].input[1] = "nowhere" end },
  { "a dangling output", "dangling", "output 'nowhere': nothing makes it",
    function(m) m.graph.output[2] = value("nowhere", "f32", { 1 }) end },
  { "a graph without a name", "name", "the graph has no name", function(m) m.graph.name = nil end },
  { "an input without a name", "name", "number 1 has no name",
    function(m) m.graph.input[2] = value("", "f32", { 1 }) end },
  { "a model without a graph", "name", "the model has no graph", function(m) m.graph = nil end },
  -- declarations
  { "an output without a type", "declaration", "output 'y': it has no type",
    function(m) m.graph.output[1].type = nil end },
  { "an input without a shape", "declaration", "input 'x': it has no shape",
    function(m) m.graph.input[1] = value("x", "f32") end },
  { "a negative size", "declaration", "dimension 1 is negative: -4",
    function(m) m.graph.input[1] = value("x", "f32", { "N", -4 }) end },
  { "no element type", "declaration", "the element type is missing",
    function(m) m.graph.input[1].type.tensor_type.elem_type = nil end },
  { "a map with float keys", "declaration", "keys can't be f32", function(m)
    m.graph.input[2] = { name = "q", type = { map_type = { key_type = 1, value_type = onnx.type("f32", {}) } } }
  end },
  -- tensors
  { "too few elements", "tensor", "need 4 elements in float_data, but it has 3",
    function(m) m.graph.initializer[1].float_data = { 1, 2, 3 } end },
  { "too few bytes", "tensor", "need 16 bytes of f32, but raw_data has 3", function(m)
    m.graph.initializer[1].float_data, m.graph.initializer[1].raw_data = nil, "abc"
  end },
  { "data in a wrong field", "tensor", "int64_data is not where elements of type f32 belong", function(m)
    m.graph.initializer[1].float_data, m.graph.initializer[1].int64_data = nil, { 1, 2, 3, 4 }
  end },
  { "data in two fields", "tensor", "in several fields: float_data, int64_data",
    function(m) m.graph.initializer[1].int64_data = { 1 } end },
  { "no data", "tensor", "but it has no data", function(m) m.graph.initializer[1].float_data = nil end },
  { "a tensor without a type", "tensor", "it has no element type",
    function(m) m.graph.initializer[1].data_type = nil end },
  { "an unknown element type", "tensor", "99 is no element type",
    function(m) m.graph.initializer[1].data_type = 99 end },
  { "dims that overflow", "tensor", "negative or too large",
    function(m) m.graph.initializer[1].dims = { 1 << 40, 1 << 40 } end },
  { "raw strings", "tensor", "strings can't be raw data", function(m)
    m.graph.initializer[2] = { name = "t", data_type = 8, dims = { 1 }, raw_data = "abcd" }
  end },
  { "an initialiser of another shape than its input", "shape", "'w': declared as [3], but it is [4]",
    function(m) m.graph.input[2] = value("w", "f32", { 3 }) end },
  { "an initialiser of another type than its input", "type", "'w': declared as i64, but it is f32",
    function(m) m.graph.input[2] = value("w", "i64", { 4 }) end },
  -- external data
  { "external data without a place", "external", "without a location", function(m) external(m, {}) end },
  { "external data elsewhere", "external", "lie outside", function(m) external(m, { location = "/etc/hostname" }) end },
  { "external data above", "external", "lie outside", function(m) external(m, { location = "a/../../b" }) end },
  { "external data of another length", "external", "need 16 bytes, but it has 5",
    function(m) external(m, { location = "w", length = "5" }) end },
  { "a bad offset", "external", "offset: expected a number of bytes, got 'x'",
    function(m) external(m, { location = "w", offset = "x" }) end },
  -- sparse
  { "an index out of range", "sparse", "index 2 is 10, outside of 0 to 9",
    function(m) sparse(m, function(s) s.indices.int64_data[3] = 10 end) end },
  { "indices that don't ascend", "sparse", "they must ascend",
    function(m) sparse(m, function(s) s.indices.int64_data[2] = 0 end) end },
  { "coordinates out of range", "sparse", "index 1 of axis 1 is 5, outside of 0 to 4", function(m)
    sparse(m, function(s) s.indices.dims, s.indices.int64_data = { 3, 2 }, { 0, 1, 0, 5, 1, 1 } end)
  end },
  { "coordinates out of order", "sparse", "index 1 doesn't come after", function(m)
    sparse(m, function(s) s.indices.dims, s.indices.int64_data = { 3, 2 }, { 1, 1, 0, 2, 1, 4 } end)
  end },
  { "indices that aren't i64", "sparse", "indices are i32", function(m)
    sparse(m, function(s) s.indices = { data_type = 6, dims = { 3 }, int32_data = { 1, 4, 6 } } end)
  end },
  { "no indices", "sparse", "3 values but no indices", function(m) sparse(m, function(s) s.indices = nil end) end },
  { "no dims", "sparse", "it has no dims", function(m) sparse(m, function(s) s.dims = nil end) end },
  { "values of rank 2", "sparse", "values have rank 2",
    function(m) sparse(m, function(s) s.values.dims = { 3, 1 } end) end },
  -- subgraphs
  { "a branch with inputs", "subgraph", "graph 'then_branch' has 1 inputs, expected 0", function(m)
    with_if(m, nil, { name = "taken", input = { value("q", "f32", {}) }, node = { node("Relu", { "h" }, { "z" }) },
      output = { value("z", "f32") } })
  end },
  { "a branch with too few outputs", "subgraph", "has 0 outputs, expected 1",
    function(m) with_if(m, nil, { name = "taken", node = { node("Relu", { "h" }, { "z" }) } }) end },
  { "a loop's body with too few inputs", "subgraph", "graph 'body' has 1 inputs, expected 3", function(m)
    local body = { name = "body", input = { value("i", "i64", {}) }, output = { value("k", "bool", {}),
      value("v", "f32", {}) }, node = { node("Cast", { "i" }, { "k" }, { attribute("to", "i", 9) }),
      node("Cast", { "i" }, { "v" }, { attribute("to", "i", 1) }) } }
    table.insert(m.graph.node, node("Loop", { "", "", "w" }, { "l" }, { attribute("body", "g", body) }))
  end },
  { "a fault inside of a branch", "operator", "graph 'then_branch' of node 'choice': node #0 (Foo)",
    function(m) with_if(m, { node("Foo", { "h" }, { "z" }) }) end },
  -- functions
  { "a function that calls itself", "function", "'own.F' calls itself", function(m)
    local f = with_function(m)
    f.opset_import[2] = { domain = "own", version = 1 }
    f.node[1].op_type, f.node[1].domain = "F", "own"
  end },
  { "a function without operator sets", "opset", "the function imports no operator set",
    function(m) with_function(m).opset_import = nil end },
  { "a function with other versions", "function", "Relu of version 6 of 'ai.onnx' differs",
    function(m) with_function(m).opset_import[1].version = 6 end },
  { "an attribute that the function doesn't declare", "function", "refers to 'axis', which the function doesn't",
    function(m)
      local f = with_function(m)
      f.node[1].op_type, f.node[1].attribute = "Softmax", { { name = "axis", type = 2, ref_attr_name = "axis" } }
    end },
  { "a function's input twice", "function", "input 'a' is there twice",
    function(m) with_function(m).input = { "a", "a" } end },
  { "a function's output that nothing makes", "dangling", "output 'nope': nothing makes it",
    function(m) with_function(m).output = { "nope" } end },
  { "a function twice", "function", "'own.F' is there twice", function(m)
    with_function(m)
    m.functions[2] = m.functions[1]
  end },
  { "a type that a node inside of a function can't take", "type",
    "function 'own.F': node #0 (Relu): input 0 (X) can't be bool", function(m)
      local _, call = with_function(m)
      m.graph.input[2] = value("q", "bool", { 2 })
      call.input[1] = "q"
    end },
  { "too many inputs to a function", "arity", "the function has 1 inputs, got 2", function(m)
    local _, call = with_function(m)
    call.input[2] = "h"
  end },
}

describe("pg.check", function()
  it("finds nothing wrong with a valid model", function() assert.same("", lines(findings_of(base()))) end)

  for _, fault in ipairs(faults) do
    it("refuses " .. fault[1], function()
      local m = base()
      fault[4](m)
      local findings = findings_of(m)
      local said = lines(findings)
      local found
      for _, finding in ipairs(findings) do
        local is_it = pg.check.line(finding):find(fault[3], 1, true)
        if is_it and finding.rule == fault[2] and finding.severity == "error" then found = finding end
      end
      assert.is_truthy(found, ("expected [%s] ... %s ..., got:\n%s"):format(fault[2], fault[3], said))
    end)
  end

  it("says all that is wrong, not the first fault", function()
    local m = base()
    m.graph.node[1].op_type = "Foo"
    m.graph.node[2].input[2] = "nowhere"
    m.graph.initializer[1].float_data = { 1 }
    m.graph.output[2] = value("nope", "f32", { 1 })
    local rules = {}
    for _, finding in ipairs(findings_of(m)) do rules[finding.rule] = true end
    assert.same({ operator = true, dangling = true, tensor = true }, rules)
  end)

  it("warns of what everybody tolerates", function()
    local m = base()
    m.graph.node[2].name = "first"
    local foreign = node("Thing", { "x" }, { "t" }, nil, "foreign")
    foreign.domain = "com.example"
    table.insert(m.graph.node, foreign)
    m.opset_import[2] = { domain = "com.example", version = 1 }
    local findings = findings_of(m)
    assert.same(0, findings.n_errors)
    assert.is_truthy(lines(findings):find "warning: node 'first' %(Add%): another node has the same name %[duplicate%]")
    assert.is_truthy(lines(findings):find("unknown operator Thing of the domain 'com.example'", 1, true))
  end)

  it("knows the operators of this build outside of the standard", function()
    local m = base()
    local gelu = node("BiasGelu", { "x" }, { "t" }, nil, "extra")
    gelu.domain = "com.microsoft"
    table.insert(m.graph.node, gelu)
    m.opset_import[2] = { domain = "com.microsoft", version = 1 }
    assert.is_truthy(lines(findings_of(m)):find("expected 2 inputs, got 1", 1, true))
  end)

  it("refuses what is no message", function()
    assert.same("format", pg.check.bytes("\x0a\xff\xff\xff\xff\x7f")[1].rule)
    assert.same("format", pg.check.bytes("")[1].rule)
    assert.same("format", pg.check.bytes("hello, world")[1].rule)
    assert.same("format", pg.check.bytes(("\x3a\x05"):rep(200))[1].rule)
  end)

  it("survives every cut and every flipped byte", function()
    local bytes = onnx.encode("Model", base())
    for i = 0, #bytes - 1 do assert.is_table(pg.check.bytes(bytes:sub(1, i))) end
    for i = 1, #bytes do
      local flipped = string.char(bytes:byte(i) ~ 0xff)
      assert.is_table(pg.check.bytes(bytes:sub(1, i - 1) .. flipped .. bytes:sub(i + 1)))
    end
  end)

  it("looks at external data beside the file", function()
    local dir = temp.dir()
    local m, path = base(), dir .. "/model.onnx"
    external(m, { location = "w.bin", offset = "8", length = "16" })
    temp.write(path, onnx.encode("Model", m))
    assert.is_truthy(lines(pg.check(path)):find("'w.bin': no such file", 1, true))
    temp.write(dir .. "/w.bin", ("\0"):rep(20))
    assert.is_truthy(lines(pg.check(path)):find("16 bytes at 8, but the file has 20", 1, true))
    temp.write(dir .. "/w.bin", ("\0"):rep(24))
    assert.same("", lines(pg.check(path)))
  end)

  it("takes weights at any address in place", function()
    local m, path = base(), temp.dir() .. "/model.onnx"
    local n = 1 << 16
    for shift = 0, 3 do -- four addresses of the data
      m.producer_name = ("p"):rep(shift)
      m.graph.initializer[2] = { name = "big", data_type = 1, dims = { n }, raw_data = ("\0"):rep(4 * n) }
      temp.write(path, onnx.encode("Model", m))
      assert.same("", lines(pg.check(path)))
    end
  end)

  it("takes graphs, without their weights", function()
    local g = models.mlp()
    assert.same("", lines(pg.check(g)))
    g:add_constant("large", pg.tensor.zeros { 1000, 1000 })
    assert.is_true(#g:outline() < 5000)
    assert.same(0, pg.check(g).n_errors)
  end)

  it("takes a function's attributes, which have no kind", function()
    local m = base()
    local f, call = with_function(m)
    f.attribute, call.attribute = { "axis" }, { attribute("axis", "i", 1) }
    f.node[1].op_type, f.node[1].attribute = "Softmax", { { name = "axis", type = 2, ref_attr_name = "axis" } }
    assert.same("", lines(findings_of(m)))
  end)

  it("needs a graph or a path", function()
    assert.has_error(function() pg.check(1) end)
    local findings, message, code = pg.check "no/such.onnx"
    assert.is_nil(findings)
    assert.is_string(message)
    assert.same("io", code)
  end)

  local shared = "../shared/onnx-backend/node"
  if lfs.attributes(shared, "mode") then
    it("accepts ONNX's own models", function()
      local bad = {}
      for name in lfs.dir(shared) do
        local path = ("%s/%s/model.onnx"):format(shared, name)
        if lfs.attributes(path, "mode") and pg.check(path).n_errors > 0 then bad[#bad + 1] = name end
      end
      assert.same({}, bad)
    end)
  end
end)

describe("perigee check", function()
  it("prints a line a fault and fails", function()
    local dir = temp.dir()
    local good, bad = base(), base()
    bad.graph.node[1].op_type = "Foo"
    temp.write(dir .. "/good.onnx", onnx.encode("Model", good))
    temp.write(dir .. "/bad.onnx", onnx.encode("Model", bad))
    local status, out = process.perigee("check", dir .. "/good.onnx")
    assert.same(0, status)
    assert.is_truthy(out:find("good.onnx: valid", 1, true))
    status, out = process.perigee("check", "--json", dir .. "/bad.onnx")
    assert.same(1, status)
    local object = dkjson.decode(out)
    assert.is_false(object.valid)
    assert.same("operator", object.findings[1].rule)
    assert.same("first", object.findings[1].node)
  end)
end)

describe("check of other formats", function()
  it("looks at the graph that they give", function()
    local findings = assert(pg.check "spec/data/convert/caffe/conv.prototxt")
    assert.equal(0, findings.n_errors)
    local path = os.tmpname() .. ".perigee"
    assert(assert(pg.load "spec/data/convert/caffe/conv.prototxt"):save(path))
    assert.equal(0, assert(pg.check(path)).n_errors)
    local file = assert(io.open(path, "r+b"))
    file:seek("set", 80)
    file:write "damaged"
    file:close()
    local damaged, message = pg.check(path)
    os.remove(path)
    assert.is_true(damaged and damaged.n_errors > 0 or type(message) == "string")
  end)

  it("says what is wrong with the file", function()
    local findings, message, code = pg.check "spec/data/convert/caffe/none.prototxt"
    assert.is_nil(findings)
    assert.equal("io", code)
    assert.matches("none.prototxt", message, 1, true)
  end)
end)
