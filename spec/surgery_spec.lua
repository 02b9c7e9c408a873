-- Surgery on whole models: extract, merge, upgrade, inline; weights beside the file.
local pg = require "perigee"
local lfs = require "lfs"
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"
local testing = require "perigee.testing"

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

local function names(list)
  local out = {}
  for i, spec in ipairs(list) do out[i] = spec.name end
  return out
end

describe("extract", function()
  it("cuts between values, with types and without what isn't needed", function()
    local g = models.mlp()
    local part, unreached = g:extract { inputs = { "hidden" }, outputs = { "scores" } }
    assert.same({}, unreached)
    assert.same({ "Relu", "MatMul" }, types(part))
    assert.same({ "f32", { "N", 3 } }, { part:input_list()[1].dtype, part:input_list()[1].shape })
    assert.same({ "f32", { "N", 2 } }, { part:output_list()[1].dtype, part:output_list()[1].shape })
    assert.same({ "w2" }, part:constant_list())
    assert.is_true(part:verify())
    assert.equal(4, #g:node_list()) -- as it was
    local x = { { 1, 2, 3, 4 } }
    local all = g:session()({ x = x }, { "hidden", "scores" })
    assert.equal(all.scores:bytes(), part:session()({ hidden = all.hidden }).scores:bytes())
    assert.is_true(part:save(dir .. "/part.onnx"))
    assert.equal(part:text(), assert(pg.load(dir .. "/part.onnx")):text())
  end)

  it("keeps the order that is asked for, and reports what nothing needs", function()
    local g = pg.graph()
    for _, name in ipairs { "a", "b", "c" } do g:add_input(name, "f32", { 2 }) end
    g:add("Sub", { "a", "b" }, { "d" })
    g:add("Neg", { "c" }, { "e" })
    g:add_output "d"
    g:add_output "e"
    local part, unreached = g:extract { inputs = { "b", "c", "a" }, outputs = { "d" } }
    assert.same({ "c" }, unreached)
    assert.same({ "b", "a" }, names(part:input_list()))
    part = g:extract { inputs = { "c", "a", "b" }, outputs = { "e", "d" } }
    assert.same({ "e", "d" }, names(part:output_list()))
    assert.same({ "c", "a", "b" }, names(part:input_list()))
  end)

  it("keeps a node of which only one output is cut", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 4 })
    g:add("Split", { "x" }, { "a", "b" }, { num_outputs = 2 })
    g:add("Add", { "a", "b" }, { "y" })
    g:add_output "y"
    local part = assert(g:extract { inputs = { "x", "a" }, outputs = { "y" } })
    assert.same({ 13, 24 }, part:session()({ x = { 1, 2, 3, 4 }, a = { 10, 20 } }).y:totable())
    assert.is_true(part:save(dir .. "/split.onnx"))
  end)

  it("turns constants into inputs and follows captured values", function()
    local g = models.mlp()
    local part = assert(g:extract { inputs = { "active", "w2" }, outputs = { "scores" } })
    assert.same({ "active", "w2" }, names(part:input_list()))
    assert.same({}, part:constant_list())
    local h = assert(pg.load "spec/data/branch.onnx")
    local ins = names(h:input_list())
    local same = assert(h:extract { inputs = ins, outputs = names(h:output_list()) })
    assert.same(types(h), types(same))
    assert.is_true(same:verify())
  end)

  it("drops functions that nothing calls any more", function()
    local g = assert(pg.load "spec/data/function.onnx")
    g:add("Neg", { g:input_list()[1].name }, { "n" })
    g:add_output "n"
    local part = assert(g:extract { inputs = names(g:input_list()), outputs = { "n" } })
    assert.same({}, part:info().functions)
  end)

  it("says what is wrong", function()
    local g = models.mlp()
    for _, case in ipairs {
      { "no value 'gone' in the graph", { inputs = { "x" }, outputs = { "gone" } } },
      { "no value 'gone' in the graph", { inputs = { "gone" }, outputs = { "y" } } },
      { "the outputs also need the input 'x'", { inputs = {}, outputs = { "y" } } },
      { "name an output", { inputs = { "x" } } },
      { "input 'x' is named twice", { inputs = { "x", "x" }, outputs = { "y" } } },
      { "unknown option 'output'", { output = { "y" } } },
    } do
      assert.matches(case[1], problem(g.extract, g, case[2]), 1, true)
    end
    assert.equal(4, #g:node_list())
  end)
end)

describe("merge", function()
  local function scale(k, opset)
    local g = pg.graph()
    if opset then g:set_opset(opset) end
    g:add_input("x", "f32", { 2 })
    g:add_constant("k", { k })
    g:add("Mul", { "x", "k" }, { "y" }, nil, { name = "scale" })
    g:add_output "y"
    return g
  end

  it("feeds outputs into inputs, and gives colliding names a prefix", function()
    local a, b = scale(2), scale(10)
    local m = assert(pg.merge(a, b, { map = { y = "x" } }))
    assert.same({ "x" }, names(m:input_list()))
    assert.same({ "b/y" }, names(m:output_list()))
    assert.same({ "scale", "b/scale" }, { m:node(1).name, m:node(2).name })
    assert.same({ "k", "b/k" }, m:constant_list())
    assert.same({ 20, 40 }, m:session()({ x = { 1, 2 } })[1]:totable())
    assert.same({ 1, 1 }, { #a:node_list(), #b:node_list() })
    assert.is_true(m:save(dir .. "/merged.onnx"))
  end)

  it("prefixes all names when asked to", function()
    local m = assert(pg.merge(scale(2), scale(10), { map = { y = "x" }, prefix = "second" }))
    assert.same({ "second/y" }, names(m:output_list()))
    assert.equal("second/scale", m:node(2).name)
  end)

  it("joins equal names by default, keeps what isn't joined", function()
    local a, b = scale(2), scale(3)
    a:rename("y", "mid")
    b:rename("x", "mid")
    b:add_input("other", "f32", { 2 })
    b:add("Neg", { "other" }, { "negated" })
    b:add_output "negated"
    a:add("Neg", { "x" }, { "minus" })
    a:add_output "minus"
    local m = assert(pg.merge(a, b))
    assert.same({ "x", "other" }, names(m:input_list()))
    assert.same({ "minus", "y", "negated" }, names(m:output_list()))
    assert.same({ 6, 12 }, m:session()({ x = { 1, 2 }, other = { 1, 1 } }).y:totable())
  end)

  it("side by side when nothing is joined", function()
    local m = assert(pg.merge(scale(2), scale(3), { map = {} }))
    assert.same({ "x", "b/x" }, names(m:input_list()))
    assert.same({ "y", "b/y" }, names(m:output_list()))
  end)

  it("brings the lower opset up", function()
    local a, b = scale(2, 13), scale(3, 17)
    local m = assert(pg.merge(a, b, { map = { y = "x" } }))
    assert.equal(17, m:info().opsets["ai.onnx"])
    assert.equal(13, a:info().opsets["ai.onnx"])
    m = assert(pg.merge(assert(pg.load "spec/data/old.onnx"), scale(3, 13), { map = {} }))
    assert.is_true(m:verify())
    assert.is_true(m:save(dir .. "/old_new.onnx"))
  end)

  it("keeps functions, captured values and metadata", function()
    local f = assert(pg.load "spec/data/function.onnx")
    f:set_metadata("k", "first")
    local g = assert(pg.load "spec/data/branch.onnx")
    g:set_metadata("k", "second")
    g:set_metadata("l", "also")
    local m = assert(pg.merge(f, g, { map = {} }))
    assert.same({ k = "first", l = "also" }, m:metadata())
    assert.same({ "Twice" }, m:info().functions)
    local both = assert(pg.merge(f, f, { map = { [f:output_list()[1].name] = f:input_list()[1].name } }))
    assert.same({ 16, 32, 48 }, both:session()({ [f:input_list()[1].name] = { 1, 2, 3 } })[1]:totable())
  end)

  it("says what is wrong", function()
    local a, b = scale(1), scale(2)
    assert.matches("the first model has no value 'z'", problem(pg.merge, a, b, { map = { z = "x" } }), 1, true)
    assert.matches("the second model has no input 'y'", problem(pg.merge, a, b, { map = { y = "y" } }), 1, true)
    local c = pg.graph()
    c:add_input("x", "f32", { 3 })
    c:add("Neg", { "x" }, { "y" })
    c:add_output "y"
    assert.matches("'y' is f32 [2], but 'x' takes f32 [3]", problem(pg.merge, a, c, { map = { y = "x" } }), 1, true)
  end)
end)

describe("upgrade", function()
  it("brings every operator to its newest form, without expanding any", function()
    local g = assert(pg.load "spec/data/old.onnx")
    local before = g:session()({ x = { { -3, 0.5, 9 } } }).y:totable()
    assert.is_true(g:upgrade())
    assert.same({ "Clip", "Squeeze", "Mul" }, types(g))
    assert.is_true(g:save(dir .. "/new.onnx"))
    local h = assert(pg.load(dir .. "/new.onnx"))
    assert.is_true(h:info().opsets["ai.onnx"] >= 28)
    assert.same(before, h:session()({ x = { { -3, 0.5, 9 } } }).y:totable())
  end)

  it("to an older set where no operator changed since", function()
    local g = models.mlp()
    assert.is_true(g:upgrade(14))
    assert.equal(14, g:info().opsets["ai.onnx"])
    local ok, message, code = g:upgrade(6)
    assert.is_nil(ok)
    assert.matches("which opset 6 doesn't have", message, 1, true)
    assert.equal("unsupported", code)
    assert.equal(14, g:info().opsets["ai.onnx"])
    assert.is_nil((g:upgrade(99)))
  end)

  it("keeps operators of other domains, and functions", function()
    local g = assert(pg.load_text [[
<ir_version: 8, opset_import: ["" : 9, "my" : 2]>
g (float[4] x) => (float[4] y, float[4] z) { a = my.Mystery (x) z = my.F (a) y = Clip <min = 0.0> (x) }
<domain: "my", opset_import: ["" : 9]> F (p) => (q) { q = Clip <max = 1.0> (p) }]])
    assert.is_true(g:upgrade())
    assert.same({ "Mystery", "F", "Clip" }, types(g))
    local f = g:function_list()[1]
    assert.is_true(f.opsets["ai.onnx"] >= 28)
    assert.equal("Constant", f.body:node(1).type)
    assert.same({}, f.body:node(-1).attrs)
    assert.is_true(g:save(dir .. "/kept.onnx"))
  end)

  it("inlines functions that can't follow", function()
    local g = assert(pg.load_text [[
<ir_version: 8, opset_import: ["" : 9, "my" : 1]>
g (float[3] x) => (float[3] y) { y = my.F <low = 0.0> (x) }
<domain: "my", opset_import: ["" : 9]> F <low> (p) => (q) { q = Clip <min: float = @low> (p) }]])
    assert.is_true(g:upgrade())
    assert.same({ "Clip" }, types(g))
    assert.same({ 0, 0, 2 }, g:session()({ x = { -1, 0, 2 } }).y:totable())
  end)

  it("says the batches of Scan-8 as a Scan over rows", function()
    local scan8 = [[
<ir_version: 3, opset_import: ["" : 8]>
g (%sfloat[2,2] s, float[2,3,2] x, float[2] k) => (float[2,2] f, float[2,3,2] y) {
  f, y = Scan <num_scan_inputs = 1, directions = [1], body = b (float[2] a, float[2] e) => (float[2] n, float[2] o) {
    t = Add (a, e) n = Mul (t, k) o = Identity (n) }> (%s, s, x)
}]]
    local g = assert(pg.load_text(scan8:format("", '""')))
    local values = { s = { { 0, 1 }, { 2, 3 } }, x = pg.tensor(models.numbers(12)):reshape { 2, 3, 2 }, k = { 1, 2 } }
    local before = g:session { threads = 1 }(values)
    assert.is_true(g:upgrade())
    assert.is_true(g:verify())
    assert.is_true(g:save(dir .. "/scan.onnx"))
    assert.equal(0, pg.check(dir .. "/scan.onnx").n_errors)
    local after = assert(pg.load(dir .. "/scan.onnx")):session { threads = 1 }(values)
    assert.same(before.f:totable(), after.f:totable())
    assert.same(before.y:totable(), after.y:totable())
    local h = assert(pg.load_text(scan8:format("int64[2] n, ", "n")))
    local ok, message, code = h:upgrade()
    assert.is_nil(ok)
    assert.matches("sequence_lens of opset 8 have no newer form", message, 1, true)
    assert.equal("unsupported", code)
  end)

  it("never lets what is perigee's own into a file", function()
    local g = models.mlp()
    assert.is_true(g:optimize())
    g:save(dir .. "/optimised.onnx")
    for node in g:nodes() do
      if node.domain == "perigee" then
        local ok, message, code = g:save(dir .. "/optimised.onnx")
        assert.is_nil(ok)
        assert.matches("which ONNX can't say", message, 1, true)
        assert.equal("unsupported", code)
        break
      end
    end
  end)
end)

describe("inline", function()
  it("replaces calls by nodes", function()
    local g = assert(pg.load "spec/data/function.onnx")
    assert.is_true(g:inline())
    assert.same({ "Add", "Add" }, types(g))
    assert.same({}, g:info().functions)
    assert.is_true(g:save(dir .. "/inlined.onnx"))
    assert.same({ 4, 8, 12 }, assert(pg.load(dir .. "/inlined.onnx")):session()({ x = { 1, 2, 3 } }).y:totable())
  end)

  it("brings nodes of several opsets together", function()
    local g = assert(pg.load_text [[
<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
g (float[3] x) => (float[3] y) { y = my.F (x) }
<domain: "my", opset_import: ["" : 9]> F (p) => (q) { q = Clip <min = 0.0> (p) }]])
    assert.is_true(g:inline())
    assert.is_true(g:save(dir .. "/together.onnx"))
    assert.same({ 0, 0, 2 }, assert(pg.load(dir .. "/together.onnx")):session()({ x = { -1, 0, 2 } }).y:totable())
  end)

  it("leaves the graph alone when it fails", function()
    local g = pg.graph()
    g:add_input("x", "f32", {})
    local f = g:add_function("F", { domain = "d", inputs = { "a" } })
    f:add("F", { "a" }, { "b" }, nil, { domain = "d" })
    f:add_output "b"
    g:add("F", { "x" }, { "y" }, nil, { domain = "d" })
    local node = g:node(1)
    local ok, message, code = g:inline()
    assert.is_nil(ok)
    assert.matches("function 'F' calls itself", message, 1, true)
    assert.equal("invalid", code)
    assert.equal("F", node.type)
  end)
end)

describe("weights beside the file", function()
  local function external()
    local path = dir .. "/with.onnx"
    assert(models.mlp():save(path, 16))
    return path
  end

  it("stay beside it, whatever is done", function()
    local path = external()
    local x = { { 1, 2, 3, 4 } }
    local y = models.mlp():session()({ x = x }).y:bytes()
    local g = assert(pg.load(path))
    for name, h in pairs {
      same = g, part = assert(g:extract { inputs = { "x" }, outputs = { "y" } }), clone = assert(g:clone()),
      merged = assert(pg.merge(g, g, { map = {} })),
    } do
      h:infer()
      local out = ("%s/beside_%s.onnx"):format(dir, name)
      assert.is_true(h:upgrade())
      assert.is_true(h:save(out))
      assert.is_true(lfs.attributes(out, "size") < 1000)
      assert.is_true(lfs.attributes(out .. ".data", "size") >= 72)
      local s = assert(pg.load(out)):session()
      assert.equal(y, (name == "merged" and s { x = x, ["b/x"] = x } or s { x = x }).y:bytes())
    end
    assert.is_true(g:save(dir .. "/embedded.onnx", math.maxinteger))
    assert.is_nil(lfs.attributes(dir .. "/embedded.onnx.data"))
  end)

  it("may be replaced while they are in use", function()
    local path = external()
    local g = assert(pg.load(path))
    local s = g:session()
    local y = s({ x = { { 1, 2, 3, 4 } } }).y:bytes()
    for _ = 1, 3 do
      assert.is_true(g:save(path))
      assert.equal(y, assert(pg.load(path)):session()({ x = { { 1, 2, 3, 4 } } }).y:bytes())
    end
    assert.equal(y, g:session()({ x = { { 1, 2, 3, 4 } } }).y:bytes())
    local inside = dir .. "/inside.onnx"
    assert(models.mlp():save(inside))
    local h = assert(pg.load(inside))
    assert.is_true(h:save(inside))
    assert.is_true(h:save(inside, 0))
    assert.equal(y, assert(pg.load(inside)):session()({ x = { { 1, 2, 3, 4 } } }).y:bytes())
  end)

  local function files(path)
    local out = {}
    for name in lfs.dir(path) do if name ~= "." and name ~= ".." then out[#out + 1] = name end end
    table.sort(out)
    return out
  end

  it("leave nothing behind when the disk is full or the folder closed", function()
    local g = models.cnn()
    g:add_constant("large", pg.tensor.random({ 65536 }, { seed = 1 }))
    g:add("Neg", { "large" }, { "n" })
    g:add_output "n"
    local source, full = dir .. "/large.onnx", dir .. "/full"
    assert(g:save(source))
    lfs.mkdir(full)
    for _, external_option in ipairs { "--embed", "--external=16" } do
      local command = ("trap '' XFSZ; ulimit -f 64; %s lua/bin/perigee convert %s %s/out.onnx %s")
        :format(process.interpreter, source, full, external_option)
      local status, _, err = process.shell(command)
      assert.equal(1, status)
      assert.matches("out.onnx", err, 1, true)
      assert.matches("File too large", err, 1, true)
      assert.same({}, files(full))
    end
    local ok, message, code = g:save(dir .. "/nowhere/out.onnx", 16)
    assert.is_nil(ok)
    assert.matches("nowhere/out.onnx", message, 1, true)
    assert.equal("io", code)
    temp.write(full .. "/out.onnx.data", "folder in the way follows")
    os.remove(full .. "/out.onnx.data")
    lfs.mkdir(full .. "/out.onnx.data")
    ok, message = g:save(full .. "/out.onnx", 16)
    assert.is_nil(ok)
    assert.matches("is a directory", message, 1, true)
    assert.same({ "out.onnx.data" }, files(full))
  end)

  --- A model whose weights are a hole of a file: so many rows of 1,024 floats, twice.
  local function sparse_model(name, rows)
    local path = ("%s/%s.onnxtxt"):format(dir, name)
    local half = rows * 4096
    temp.write(path, ([[<ir_version: 7, opset_import: ["" : 10]>
big (int64[n] i) => (float[n,1024] y)
<float[%d,1024] a = ["location": "%s.bin", "offset": "0", "length": "%d"],
 float[%d,1024] b = ["location": "%s.bin", "offset": "%d", "length": "%d"]>
{ p = Gather (a, i) q = Gather (b, i) s = Add (p, q) y = Clip <min = 0.0, max = 6.0> (s) }]])
      :format(rows, name, half, rows, name, half, half))
    local file = assert(io.open(("%s/%s.bin"):format(dir, name), "wb"))
    file:seek("set", 2 * half - 1)
    file:write "\0"
    file:close()
    return path
  end

  --- The peak of a process's own memory and of all it maps, in MiB.
  local function peak_of(chunk, ...)
    local status, out, err = process.lua(chunk .. [[
      for line in io.lines "/proc/self/status" do
        local key, kib = line:match "^(%w+):%s+(%d+) kB"
        if key == "VmHWM" or key == "RssAnon" then io.write(key, " ", kib // 1024, "\n") end
      end]], ...)
    assert.equal(0, status, err)
    return tonumber(out:match "VmHWM (%d+)"), tonumber(out:match "RssAnon (%d+)")
  end

  local surgery = [[
    local pg = require "perigee"
    local g = assert(pg.load(arg[1]))
    local part = assert(g:extract { inputs = { "i" }, outputs = { "s" } })
    local both = assert(pg.merge(g, g, { map = {} }))
    assert(both:inline())
    assert(g:infer())
    assert(g:upgrade())
    assert(g:save(arg[1] .. ".onnx"))
    assert(part:save(arg[1] .. ".part.onnx"))
    local h = assert(pg.load(arg[1] .. ".onnx"))
    assert(h:session { threads = 1 } { i = { 1, 5 } })
  ]]

  it("are never in memory twice", function()
    local path = sparse_model("medium", 8192) -- 64 MiB
    local peak, own = peak_of(surgery, path)
    if process.is_sanitized then return end
    assert.is_true(own < 40, ("%d MiB of its own"):format(own))
    assert.is_true(peak < 64 * 3 + 40, ("%d MiB"):format(peak)) -- the file, what was saved, slack
  end)

  it("of more than 2 GiB work, and go beside a file on their own #once", function()
    local path = sparse_model("large", 300000) -- 2.3 GiB
    local _, own = peak_of(surgery, path)
    if not process.is_sanitized then assert.is_true(own < 40, ("%d MiB of its own"):format(own)) end
    local blocks = lfs.attributes(path .. ".onnx.data", "blocks")
    assert.is_true(blocks < 100000, "zeros became holes")
    local g = assert(pg.load(path .. ".onnx"))
    local ok, message, code = g:save(dir .. "/embedded.onnx", math.maxinteger)
    assert.is_nil(ok)
    assert.matches("an ONNX file has less than 2 GiB: save it with external data", message, 1, true)
    assert.equal("unsupported", code)
  end)
end)

describe("an allocator that fails", function()
  for _, name in ipairs { "branch", "loop", "function", "old" } do
    it(("during surgery on %s.onnx gives nomem and leaks nothing"):format(name), function()
      local made, leaked, wrong = testing.surgery_failures("spec/data/" .. name .. ".onnx", 1)
      assert.is_true(made > 50)
      assert.equal(0, leaked)
      assert.equal(0, wrong)
    end)
  end
end)
