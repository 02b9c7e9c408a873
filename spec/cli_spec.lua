-- The command, run as a process: what it prints, where, and how it ends.
local json = require "dkjson"
local lfs = require "lfs"
local pg = require "perigee"
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"
local T = pg.tensor

local dir, tiny, mlp
setup(function()
  dir = temp.dir()
  tiny, mlp = dir .. "/tiny.onnx", dir .. "/mlp.onnx"
  assert(models.tiny():save(tiny))
  assert(models.mlp():save(mlp))
end)
teardown(function() temp.remove(dir) end)

local function run(...)
  local status, out, err = process.perigee(...)
  return status, out, err
end

--- Ends with 0 and says nothing on stderr.
local function good(...)
  local status, out, err = run(...)
  assert.equal("", err)
  assert.equal(0, status)
  return out
end

--- Ends badly with one line on stderr and nothing on stdout.
local function bad(status, pattern, ...)
  local got, out, err = run(...)
  assert.equal(status, got, err)
  assert.equal("", out)
  assert.matches(pattern, err, 1, true)
  assert.is_nil(err:find "traceback")
  assert.is_nil(err:find "%.lua:%d+:") -- our own lines are no user's business
end

describe("perigee", function()
  it("tells its version, its commands, the help of each", function()
    assert.equal("perigee " .. pg.version .. "\n", good "--version")
    local out = good "--help"
    for _, name in ipairs {
      "info", "run", "convert", "extract", "merge", "inline", "text", "bench", "conformance", "repl",
    } do
      assert.matches("\n  " .. name .. " ", out, 1, true)
      local help = good(name, "--help")
      assert.matches("Usage: perigee " .. name, help, 1, true)
    end
    assert.equal(out, good "help")
  end)

  it("ends with 2 on wrong usage", function()
    bad(2, "usage: perigee COMMAND")
    bad(2, "no command 'frobnicate'", "frobnicate")
    for _, case in ipairs {
      { "run" }, { "run", "--wrong", tiny }, { "info", tiny, "second" }, { "bench" },
      { "run", tiny, "--threads", "many" },
      { "bench", tiny, "--seconds", "soon" },
    } do
      bad(2, "--help tells more", table.unpack(case))
    end
  end)

  it("ends with 1 when it fails, with the reason", function()
    bad(1, dir .. "/none.onnx: No such file or directory", "info", dir .. "/none.onnx")
    bad(1, dir .. "/none.onnx: No such file or directory", "run", dir .. "/none.onnx")
    bad(1, dir .. "/none.onnx: No such file or directory", "bench", dir .. "/none.onnx")
    bad(1, "directory", "info", dir)
    bad(1, "not a directory", "conformance", tiny)
    bad(1, "no model.onnx below", "conformance", dir)
    local text = temp.write(dir .. "/text.onnx", "hello")
    bad(1, text .. ":", "info", text)
  end)

  it("notices that nobody takes its output", function()
    local status, _, err = process.shell(("%s lua/bin/perigee info %s >&-"):format(process.interpreter, tiny))
    assert.equal(1, status)
    assert.matches("standard output", err, 1, true)
    status = process.shell(("%s lua/bin/perigee info --operators >/dev/full"):format(process.interpreter))
    assert.equal(1, status)
  end)
end)

describe("perigee info", function()
  it("shows inputs, outputs, operators", function()
    local out = good("info", mlp)
    for _, text in ipairs { "Graph mlp", "x", "f32 [N,4]", "f32 [N,2]", "Gemm 1", "Softmax 1", "runs" } do
      assert.matches(text, out, 1, true)
    end
    assert.matches("MatMul(%active, %w2)", good("info", mlp, "--nodes"), 1, true)
  end)

  it("prints one JSON object", function()
    local d = json.decode(good("info", mlp, "--json"))
    assert.equal("mlp", d.name)
    assert.equal(4, d.nodes)
    assert.equal(21, d.parameters)
    assert.same({ name = "x", dtype = "f32", shape = { "N", 4 } }, setmetatable(d.inputs[1], nil))
    assert.is_nil(d.problem)
  end)

  it("says what is unsupported", function()
    local out = good("info", "spec/data/missing.onnx")
    assert.matches("Frobnicate", out, 1, true)
    assert.matches("Defenestrate", out, 1, true)
    assert.matches("does not run", out, 1, true)
    assert.matches("Defenestrate", json.decode(good("info", "spec/data/missing.onnx", "--json")).problem, 1, true)
  end)

  it("lists what this build knows", function()
    local names = {}
    for _, op in ipairs(json.decode(good("info", "--operators", "--json"))) do names[op.name] = op end
    assert.is_true(names.Conv ~= nil and names.If ~= nil and names.TreeEnsembleClassifier ~= nil)
    assert.matches("Conv", good("info", "--operators"), 1, true)
  end)
end)

describe("perigee run", function()
  local x
  setup(function()
    x = dir .. "/x.npy"
    assert(T { { 1, 2, 3 }, { 4, 5, 6 } }:save(x))
  end)

  it("takes inputs by name and by position, and saves outputs", function()
    for _, key in ipairs { "x", "0" } do
      local out = dir .. "/out" .. key
      assert.equal("", good("run", tiny, "-i", key .. "=" .. x, "-o", out))
      assert.same({ { 2, 3, 4 }, { 5, 6, 7 } }, assert(T.npy(out .. "/output_0.npy")):totable())
    end
    -- A folder that exists will do.
    good("run", tiny, "-i", "x=" .. x, "-o", dir .. "/outx")
  end)

  it("reads ONNX's own test data", function()
    local path = dir .. "/x.pb"
    assert(require "perigee.core".pb_write(T { { 1, 2, 3 }, { 4, 5, 6 } }, path, "x"))
    local d = json.decode(good("run", tiny, "-i", "x=" .. path, "--json"))
    assert.same({ 5, 6, 7 }, setmetatable(d.y.data[2], nil))
    assert.equal("f32", d.y.dtype)
  end)

  it("prints outputs", function()
    assert.equal("y  Tensor f32 [2,3]  min 2  mean 4.5  max 7\n[[2, 3, 4],\n [5, 6, 7]]\n",
      good("run", tiny, "-i", "x=" .. x))
  end)

  it("fills inputs from a seed", function()
    local a, b, c = good("run", mlp), good("run", mlp, "--seed", "0"), good("run", mlp, "--seed", "1")
    assert.equal(a, b)
    assert.not_equal(a, c)
    assert.equal(a, good("run", mlp, "--threads", "2"))
  end)

  it("computes any value, with and without optimising", function()
    local row = dir .. "/row.npy"
    assert(T { { 1, -2, 3, 0.5 } }:save(row))
    local expected = models.mlp_reference({ { 1, -2, 3, 0.5 } }).hidden[1]
    for _, flag in ipairs { "--json", "--no-optimize" } do
      local d = json.decode(good("run", mlp, "-i", "x=" .. row, "--want", "hidden", "--json", flag))
      for i, v in ipairs(expected) do assert.near(v, d.hidden.data[1][i], 1e-5) end
    end
  end)

  it("says what is wrong with an input", function()
    local wide = dir .. "/wide.npy"
    assert(T.zeros { 3, 3 }:save(wide))
    bad(1, "input 'x': expected f32 [2,3], got f32 [3,3]", "run", tiny, "-i", "x=" .. wide)
    bad(1, "no input 'z' (the model has: x)", "run", tiny, "-i", "z=" .. x)
    bad(2, "expected NAME=FILE", "run", tiny, "-i", "nothing")
    bad(1, "none.npy: No such file or directory", "run", tiny, "-i", "x=" .. dir .. "/none.npy")
    bad(1, "unknown kind of file", "run", tiny, "-i", "x=" .. temp.write(dir .. "/x.xyz", ""))
    bad(1, "nothing_there", "run", tiny, "--want", "nothing_there")
  end)

  it("says that a place can't be written", function()
    bad(1, dir .. "/no/such", "run", tiny, "-o", dir .. "/no/such")
    bad(1, "not a directory", "run", tiny, "-o", tiny)
    bad(1, "/proc/", "run", tiny, "-o", "/proc/nothing")
    assert.is_nil(lfs.attributes(dir .. "/no"))
  end)
end)

describe("perigee run on free dimensions", function()
  it("takes their sizes, and says which it guessed when a run fails", function()
    assert.matches("[8,2]", good("run", mlp, "--size", "N=8"), 1, true)
    bad(1, "no free dimension 'Q'", "run", mlp, "--size", "Q=8")
    bad(2, "expected NAME=N", "run", mlp, "--size", "N")
    local path = dir .. "/window.onnx"
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 1, "T" })
    g:add("MaxPool", { "x" }, { "y" }, { kernel_shape = { 4 } })
    g:add_output "y"
    assert(g:save(path))
    bad(1, "(sizes taken as 1: T)", "run", path)
    good("run", path, "--size", "T=4")
  end)

  it("takes one mean for all channels", function()
    local path, picture = dir .. "/means.onnx", dir .. "/white.png"
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 3, 2, 2 })
    g:add("GlobalAveragePool", { "x" }, { "y" })
    g:add_output "y"
    assert(g:save(path))
    assert(pg.image.new({ width = 2, height = 2, fill = { 255, 255, 255 } }):save(picture))
    local out = json.decode(good("run", path, "-i", "x=" .. picture, "--mean", "0.5", "--std", "0.25", "--json"))
    assert.same({ { { { 2 } }, { { 2 } }, { { 2 } } } }, out.y.data)
  end)
end)

describe("perigee bench", function()
  it("prints the fields asked for as JSON", function()
    local list = json.decode(good("bench", mlp, "--threads", "1", "--seconds", "0.05", "--json"))
    assert.equal(1, #list)
    local r = list[1]
    assert.equal(mlp, r.model)
    assert.equal(1, r.threads)
    assert.is_true(r.runs >= 5)
    assert.is_true(r.min_ms > 0 and r.min_ms <= r.median_ms and r.median_ms <= r.p90_ms)
    assert.is_true(r.load_ms > 0)
    assert.is_true(r.peak_bytes > 1 << 20)
  end)

  it("measures several models, each in a process", function()
    local list = json.decode(good("bench", mlp, tiny, "--threads", "1", "--seconds", "0.02", "--json"))
    assert.same({ mlp, tiny }, { list[1].model, list[2].model })
    local out = good("bench", mlp, "--seconds", "0.02", "--size", "N=8")
    assert.matches("median ms", out, 1, true)
    assert.matches(mlp, out, 1, true)
    bad(2, "expected NAME=N", "bench", mlp, "--size", "N")
    bad(1, "no free dimension 'Q' (the inputs have: N)", "bench", mlp, "--size", "Q=8")
  end)

  it("measures the others when one fails", function()
    local status, out, err = run("bench", mlp, dir .. "/none.onnx", tiny, "--threads", "1",
      "--seconds", "0.02", "--json")
    assert.equal(1, status)
    assert.matches("none.onnx: No such file", err, 1, true)
    assert.matches("1 of 3 models failed", err, 1, true)
    local list = json.decode(out)
    assert.same({ mlp, tiny }, { list[1].model, list[2].model })
  end)

  it("begins its processes as it was begun itself", function()
    -- The interpreter with sanitizers takes no options.
    local command = "lua5.4 -e 'local x = 1' lua/bin/perigee bench %s %s --seconds 0.02 --json"
    local status, out, err = process.shell(command:format(mlp, tiny))
    assert.equal(0, status, err)
    assert.equal(2, #json.decode(out))
  end)
end)

describe("perigee conformance", function()
  local core = require "perigee.core"
  local root

  --- A test folder with one set; y: what is expected.
  local function folder(name, graph, x, y, tolerance)
    local path = root .. "/" .. name
    assert(lfs.mkdir(path))
    assert(lfs.mkdir(path .. "/test_data_set_0"))
    local file = path .. "/model.onnx"
    if type(graph) == "string" then temp.write(file, graph) else assert(graph:save(file)) end
    assert(core.pb_write(x, path .. "/test_data_set_0/input_0.pb", "x"))
    assert(core.pb_write(y, path .. "/test_data_set_0/output_0.pb", "y"))
    if tolerance then temp.write(path .. "/tolerance", tolerance) end
  end

  setup(function()
    root = dir .. "/suite"
    assert(lfs.mkdir(root))
    local x, y = T.zeros { 2, 3 }, T.ones { 2, 3 }
    folder("a_pass", models.tiny(), x, y)
    folder("b_wrong", models.tiny(), x, y * 1.01)
    folder("c_tolerant", models.tiny(), x, y * 1.01, "0.1 0.1\n")
    folder("d_broken", "no model", x, y)
    folder("e_unsupported", temp.read "spec/data/missing.onnx", T { 1, 2 }, T { 1, 2 })
  end)

  it("prints a line a test, and a summary", function()
    local status, out = run("conformance", root, "--tsv")
    assert.equal(1, status)
    local lines = {}
    for line in out:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(6, #lines)
    assert.equal("a_pass\tpass\t", lines[1])
    assert.matches("^b_wrong\twrong\t.*output 'y'", lines[2])
    assert.equal("c_tolerant\tpass\t", lines[3])
    assert.matches("^d_broken\terror\t.", lines[4])
    assert.matches("^e_unsupported\tunsupported\t.*Frobnicate", lines[5])
    assert.equal("2 passed, 3 failed", lines[6])
  end)

  it("ends with 0 when all pass", function()
    assert.equal("1 passed, 0 failed\n", good("conformance", root .. "/a_pass"))
    assert.equal("1 passed, 0 failed\n", good("conformance", root .. "/b_wrong", "--rtol", "0.1", "--threads", "2"))
    bad(2, "name at least one folder", "conformance")
  end)

  it("takes a tolerance file for what it says, or for an error", function()
    local conformance = require "perigee.conformance"
    for _, text in ipairs { "", "0.1\n", "much little", "0.1 -1", "0.1 0.1 0.1" } do
      temp.write(root .. "/c_tolerant/tolerance", text)
      local verdict, reason = conformance.run(root .. "/c_tolerant")
      assert.equal("error", verdict)
      assert.matches("tolerance: expected two numbers, rtol and atol, got", reason, 1, true)
    end
    temp.write(root .. "/c_tolerant/tolerance", "0.1 0.1\n")
    assert.equal("wrong", (conformance.run(root .. "/c_tolerant", { rtol = 1e-6, atol = 1e-6 })))
  end)

  it("names what is wrong with a folder's data, without a position", function()
    local input = root .. "/a_pass/test_data_set_0/input_0.pb"
    local bytes = temp.read(input)
    os.remove(input)
    local verdict, reason = require("perigee.conformance").run(root .. "/a_pass")
    temp.write(input, bytes)
    assert.equal("error", verdict)
    assert.matches("^input 'x' is missing", reason)
  end)

  it("ends a test that hangs, and gives the next its own time", function()
    local path = dir .. "/hung/b_hangs"
    for _, name in ipairs { "/hung", "/hung/a_pass", "/hung/b_hangs", "/hung/c_pass" } do
      assert(lfs.mkdir(dir .. name))
      if name ~= "/hung" then assert(lfs.mkdir(dir .. name .. "/test_data_set_0")) end
    end
    for _, name in ipairs { "/hung/a_pass", "/hung/c_pass" } do
      assert(models.tiny():save(dir .. name .. "/model.onnx"))
      assert(core.pb_write(T.zeros { 2, 3 }, dir .. name .. "/test_data_set_0/input_0.pb", "x"))
    end
    temp.write(path .. "/model.onnx", temp.read "spec/data/loop.onnx")
    assert(core.pb_write(T(1 << 62, "i64"), path .. "/test_data_set_0/input_0.pb", "n"))
    assert(core.pb_write(T { 0, 0 }, path .. "/test_data_set_0/input_1.pb", "x"))
    local _, out = run("conformance", dir .. "/hung", "--tsv", "--timeout", "1")
    assert.equal("a_pass\tpass\t\nb_hangs\terror\tno answer within 1 s\nc_pass\tpass\t\n2 passed, 1 failed\n", out)
  end)

  it("prints JSON", function()
    local _, out = run("conformance", root, "--json")
    local verdicts = {}
    for i, r in ipairs(json.decode(out)) do verdicts[i] = r.verdict end
    assert.same({ "pass", "wrong", "pass", "error", "unsupported" }, verdicts)
  end)
end)

describe("perigee's surgery", function()
  local function load(name) return assert(pg.load(dir .. "/" .. name)) end

  it("extracts", function()
    local out = dir .. "/part.onnx"
    assert.equal("", good("extract", mlp, out, "-i", "hidden", "-o", "scores"))
    assert.equal(2, load("part.onnx"):info().n_nodes)
    good("extract", mlp, out, "--inputs", "hidden", "--outputs", "active,scores", "--external", "8")
    assert.is_truthy(lfs.attributes(out .. ".data"))
    bad(1, "no value 'gone' in the graph", "extract", mlp, out, "-i", "x", "-o", "gone")
    bad(1, "the outputs also need the input 'x'", "extract", mlp, out, "-o", "y")
    bad(2, "-o", "extract", mlp, out)
    bad(2, "perigee writes .onnx, .onnxtxt, .perigee and .param", "extract", mlp, dir .. "/part.h5", "-o", "y")
    bad(2, "--external or --embed, not both", "extract", mlp, out, "-o", "y", "--embed", "--external", "1")
    bad(1, "No such file", "extract", dir .. "/none.onnx", out, "-o", "y")
  end)

  it("says on stderr which inputs nothing needs, and as JSON", function()
    local status, out, err = run("extract", mlp, dir .. "/part.onnx", "-i", "x,hidden", "-o", "scores", "--json")
    assert.equal(0, status)
    assert.equal("perigee: input 'x' is not needed and was left out\n", err)
    local said = json.decode(out)
    assert.same({ "input 'x' is not needed and was left out" }, said.notes)
    assert.same({ dir .. "/part.onnx", 2, "hidden" }, { said.output, said.nodes, said.inputs[1].name })
  end)

  it("merges", function()
    local out = dir .. "/merged.onnx"
    good("merge", tiny, tiny, out, "-m", "y=x")
    assert.equal(2 * load("tiny.onnx"):info().n_nodes, load("merged.onnx"):info().n_nodes)
    good("merge", tiny, tiny, out, "-m", "y=x", "--prefix", "p")
    assert.matches("^p/", load("merged.onnx"):output_list()[1].name)
    bad(2, "--map yx: expected OUT=IN", "merge", tiny, tiny, out, "-m", "yx")
    bad(1, "the second model has no input 'z'", "merge", tiny, tiny, out, "-m", "y=z")
  end)

  it("converts to the newest operator set, and to text and back", function()
    local old = "spec/data/old.onnx"
    good("convert", old, dir .. "/new.onnx")
    assert.is_true(load("new.onnx"):info().opsets["ai.onnx"] >= 28)
    good("convert", old, dir .. "/kept.onnxtxt", "--opset", "keep")
    good("convert", dir .. "/kept.onnxtxt", dir .. "/kept.onnx", "--opset", "keep")
    assert.equal(assert(pg.load(old)):text(), load("kept.onnx"):text())
    bad(1, "which opset 6 doesn't have", "convert", mlp, dir .. "/low.onnx", "--opset", "6")
    bad(2, "--opset soon: expected newest, keep or a number", "convert", mlp, dir .. "/low.onnx", "--opset", "soon")
    bad(2, "an ONNX model has one file", "convert", mlp, tiny, dir .. "/low.onnx")
    bad(2, "requires at least 2 arguments", "convert", mlp)
    local said = json.decode(good("convert", old, dir .. "/new.onnx", "--json", "--embed"))
    assert.same({ 3, "x" }, { said.nodes, said.inputs[1].name })
  end)

  it("inlines and prints the text form", function()
    good("inline", "spec/data/function.onnx", dir .. "/inlined.onnx")
    assert.same({}, load("inlined.onnx"):info().functions)
    local text = good("text", dir .. "/inlined.onnx")
    assert.equal(text, load("inlined.onnx"):text "onnx" .. "\n")
    assert.equal(text, json.decode(good("text", dir .. "/inlined.onnx", "--json")).text .. "\n")
    temp.write(dir .. "/wrong.onnxtxt", "g (float x => () {}")
    bad(1, "wrong.onnxtxt:1:13: expected ')', got '>'", "text", dir .. "/wrong.onnxtxt")
  end)
end)

describe("perigee repl", function()
  it("evaluates, continues lines, shows errors and goes on", function()
    local script = temp.write(dir .. "/session", table.concat({
      "1 + 1", "t = pg.tensor { 1, 2 }", "t * 2", "for i = 1, 2 do", "print(i)", "end", "error 'oops'", "t:nothing()",
      "help(t)", "g.nothing", "40 + 2", "",
    }, "\n"))
    local status, out, err = process.shell(("HOME=%s %s lua/bin/perigee repl %s <%s"):format(
      dir, process.interpreter, tiny, script))
    assert.equal(0, status, err)
    for _, text in ipairs { "Graph tiny", "2\n", "[2, 4]", "1\n", "42\n", "matmul" } do
      assert.matches(text, out, 1, true)
    end
    assert.matches("oops", err, 1, true)
  end)

  it("completes names and fields", function()
    local repl = require "perigee.cli.repl"
    assert.same({ "pg.tensor", "pg.tensors" }, (repl.complete "pg.tens"))
    local names, first = repl.complete "x = f(pg.tens"
    assert.same({ "pg.tensor", "pg.tensors" }, names)
    assert.equal(7, first)
    local found = {}
    for _, text in ipairs(repl.complete "pg.tensor.") do found[text] = true end
    assert.is_true(found["pg.tensor.zeros"] and found["pg.tensor.concat"])
    assert.same({}, (repl.complete "nothing.at."))
  end)
end)
