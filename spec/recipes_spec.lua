-- Every recipe runs as a user would run it, in a process of its own, on what ships with the project. #once
local pg = require "perigee"

local environment = 'LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/?.so;;" '

local function run(command)
  local pipe = assert(io.popen(environment .. "lua5.4 recipes/" .. command .. " 2>&1"))
  local output = pipe:read "a"
  local ok = pipe:close()
  return output, ok
end

describe("recipes #once", function()
  it("read_text reads the samples and annotates them", function()
    local sheet = os.tmpname() .. ".png"
    local output, ok = run("read_text.lua models/ocr/samples/* --annotate " .. sheet)
    assert.is_true(ok, output)
    local n, right = 0, 0
    for row in io.lines "models/ocr/samples/labels.tsv" do
      local file, text = row:match "^([^\t]*)\t(.*)$"
      n = n + 1
      for line in output:gmatch "[^\n]+" do
        if line:find(file, 1, true) and line:sub(-#text) == text then right = right + 1 end
      end
    end
    assert.is_true(n >= 12)
    assert.is_true(right >= 0.75 * n, ("%d of %d samples read without an error"):format(right, n))
    local picture = assert(pg.image.read(sheet))
    assert.is_true(picture.height > 14 * 30)
    os.remove(sheet)
  end)

  it("read_text tells its usage when no image is given", function()
    local output, ok = run "read_text.lua"
    assert.is_nil(ok)
    assert.matches("usage: read_text.lua IMAGE", output, 1, true)
  end)

  it("read_text says what is wrong with a file", function()
    local output, ok = run "read_text.lua nothere.png"
    assert.is_nil(ok)
    assert.matches("nothere.png: No such file", output)
  end)

  it("ocr_accuracy reaches what the card promises", function()
    local output, ok = run "ocr_accuracy.lua"
    assert.is_true(ok, output)
    local clean = tonumber(output:match "clean.-: ([%d.]+) %% of characters")
    local degraded = tonumber(output:match "degraded.-: ([%d.]+) %% of characters")
    assert.is_true(clean >= 97, output)
    assert.is_true(degraded >= 90, output)
  end)

  it("frame_budget finishes in slices", function()
    local output, ok = run "frame_budget.lua"
    assert.is_true(ok, output)
    assert.matches("done in %d+ frames", output)
    assert.matches("logits", output)
  end)

  it("classify prints the best classes", function()
    local g = pg.graph()
    g:add_input("data", "f32", { 1, 3, 4, 4 })
    g:add("GlobalMaxPool", { "data" }, { "peaks" })
    g:add("Flatten", { "peaks" }, { "scores" }, { axis = 1 })
    g:add_output "scores"
    local model, picture = os.tmpname(), os.tmpname() .. ".png"
    assert(g:save(model))
    assert(pg.image.new { width = 8, height = 8, fill = { 10, 200, 90 } }:save(picture))
    local output, ok = run(("classify.lua %s %s --top 1"):format(model, picture))
    os.remove(model)
    os.remove(picture)
    assert.is_true(ok, output)
    assert.matches("class 2", output) -- green
  end)
  it("convert_zoo converts a folder, goes on where it was, and says what failed", function()
    local lfs = require "lfs"
    local folder = os.tmpname()
    os.remove(folder)
    lfs.mkdir(folder)
    lfs.mkdir(folder .. "/models")
    local g = pg.graph()
    g:add_input("x", "f32", { 2, 3 })
    g:add("Relu", { "x" }, { "y" })
    g:add_output "y"
    assert(g:save(folder .. "/models/good.onnx"))
    local file = assert(io.open(folder .. "/models/bad.onnx", "wb"))
    file:write "\8\10:\255"
    file:close()
    local words = ("convert_zoo.lua %s/models %s/out 2"):format(folder, folder)
    local output, ok = run(words)
    assert.is_nil(ok)
    assert.matches("bad.onnx: ", output, 1, true)
    assert.matches("1 of 2 models converted (0 were done before)", output, 1, true)
    output = run(words)
    assert.matches("1 of 2 models converted (1 were done before)", output, 1, true)
    local report = require "dkjson".decode(assert(io.open(folder .. "/out/report.json")):read "a")
    local result = report.converted[1].result
    assert.same({ "same", "same" }, { result.onnx.verdict, result.perigee.verdict })
    assert.is_not_nil(lfs.attributes(result.perigee.certificate))
    assert.is_true(assert(pg.load(result.perigee.path)):verify())
    assert.is_not_nil(lfs.attributes(folder .. "/out/report.html"))
    os.execute("rm -r " .. folder)
  end)
end)
