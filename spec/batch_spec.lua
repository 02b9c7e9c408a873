-- perigee batch: results, failures, resuming after kills, shards, trouble.
local batch = require "perigee.batch"
local core = require "perigee.core"
local json = require "dkjson"
local pg = require "perigee"
local process = require "support.process"
local temp = require "support.temp"

local N = 40
local dir, script, data
setup(function()
  dir = temp.dir()
  data = dir .. "/data"
  os.execute("mkdir " .. data)
  for i = 1, N do
    assert(pg.tensor.random({ 8 + i % 3 }, { seed = i }):save(("%s/%02d.npy"):format(data, i)))
  end
  temp.write(data .. "/17.npy", "no array")
  script = dir .. "/job.lua"
  temp.write(script, [[
    return {
      setup = function(ctx) return ctx.options.factor or 1 end,
      run = function(item, ctx, factor)
        if ctx.options.slow then
          local stop = os.clock() + ctx.options.slow
          while os.clock() < stop do end
        end
        if ctx.options.die == item.name:match "[^/]*$" then os.exit(3) end
        local t = item:tensor()
        assert(t:save(ctx:path(item, ".npy")))
        return { sum = t:sum():item() * factor, count = t.count }
      end,
    }
  ]])
end)
teardown(function() temp.remove(dir) end)

local function run(out, opts)
  return batch.run(script, assert(batch.items.collect { data }), dir .. "/" .. out, opts)
end

local function lines(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = json.decode(line) end
  return list
end

describe("batch", function()
  it("writes a line an item in their order, and keeps failures apart", function()
    local report = assert(run "plain")
    assert.same({ good = N - 1, failed = 1, total = N, skipped = 0 }, report)
    local results = lines(dir .. "/plain/results.jsonl")
    assert.equal(N - 1, #results)
    assert.matches("01.npy$", results[1].name)
    local t = assert(pg.tensor.npy(data .. "/01.npy"))
    assert.near(t:sum():item(), results[1].result.sum, 1e-5)
    assert.equal(core.sha256_file(data .. "/01.npy"), results[1].hash)
    local failures = lines(dir .. "/plain/failures.jsonl")
    assert.equal(1, #failures)
    assert.matches("17.npy: ", failures[1].error, 1, true)
    local manifest = json.decode(temp.read(dir .. "/plain/manifest.json"))
    assert.equal(N, manifest.n_items)
    assert.equal(N, #manifest.items)
  end)

  it("does only what is missing or changed in a second run", function()
    assert(run "again")
    local report = assert(run "again")
    assert.equal(N - 1, report.skipped) -- the failed one is tried again
    temp.write(data .. "/extra.npy", temp.read(data .. "/02.npy"))
    assert.equal(N - 1, assert(run "again").skipped)
    temp.write(data .. "/extra.npy", temp.read(data .. "/03.npy"))
    assert.equal(N - 1, assert(run "again").skipped)
    os.remove(data .. "/extra.npy")
    assert.equal(0, assert(run("again", { settings = { factor = 2 } })).skipped)
    assert.equal(N - 1, assert(run "again").skipped) -- the first job's results are still there
  end)

  it("gives the same bytes after kills as without", function()
    assert(run("whole", { settings = { slow = 0.004 } }))
    local command = ("%s lua/bin/perigee batch %s %s -o %s --set slow=0.004"):format(
      process.interpreter, script, data, dir .. "/killed")
    for i = 1, 6 do
      os.execute(("timeout -s KILL 0.0%d %s >/dev/null 2>&1"):format(3 + i, command))
    end
    local report = assert(run("killed", { settings = { slow = 0.004 } }))
    assert.equal(N - 1, report.good)
    for _, name in ipairs { "results.jsonl", "failures.jsonl", "manifest.json" } do
      assert.equal(temp.read(dir .. "/whole/" .. name), temp.read(dir .. "/killed/" .. name))
    end
  end)

  it("passes over a torn line of a journal", function()
    assert(run "torn")
    local path = dir .. "/torn/.perigee/journal-1.jsonl"
    local text = temp.read(path)
    temp.write(path, text:sub(1, #text - 20))
    local report = assert(run "torn")
    assert.equal(N - 1, report.good)
    assert.equal(temp.read(dir .. "/plain/results.jsonl"), temp.read(dir .. "/torn/results.jsonl"))
  end)

  it("joins shards to what one run gives", function()
    local parts = {}
    for i = 1, 3 do
      parts[i] = ("%s/shard%d"):format(dir, i)
      local report = assert(run("shard" .. i, { shard = { i, 3 } }))
      assert.is_true(report.total == N // 3 or report.total == N // 3 + 1)
    end
    local items = assert(batch.items.collect { data })
    local report = assert(batch.merge(parts, script, items, dir .. "/merged"))
    assert.same({ good = N - 1, failed = 1, total = N }, report)
    for _, name in ipairs { "results.jsonl", "failures.jsonl", "manifest.json" } do
      assert.equal(temp.read(dir .. "/plain/" .. name), temp.read(dir .. "/merged/" .. name))
    end
    local n = 0
    for name in require("lfs").dir(dir .. "/merged/files") do
      if name:find "%.npy$" then n = n + 1 end
    end
    assert.equal(N - 1, n)
  end)

  it("loses only the item over which a worker dies", function()
    local report = assert(run("dead", { settings = { die = "05.npy" } }))
    assert.equal(N - 2, report.good)
    local failures = lines(dir .. "/dead/failures.jsonl")
    assert.equal(2, #failures)
    assert.matches("05.npy$", failures[1].name)
    assert.matches("the worker died over it (status 3)", failures[1].error, 1, true)
  end)

  it("runs a model on what it takes, as JSON lines or CSV", function()
    local g = pg.graph()
    g:set_opset(17)
    g:add_input("x", "f32", { "N" })
    g:add("ReduceSum", { "x" }, { "total" }, { keepdims = 0 })
    g:add_output "total"
    local model = dir .. "/sum.onnx"
    assert(g:save(model))
    local items = assert(batch.items.collect { data .. "/0?.npy" })
    assert.equal(9, #items)
    assert(batch.run(model, items, dir .. "/model", { format = "csv" }))
    local text = temp.read(dir .. "/model/results.csv")
    assert.matches("^name,total\n", text)
    local sum = assert(pg.tensor.npy(data .. "/01.npy")):sum():item()
    assert.near(sum, tonumber(text:match "01.npy,([%d.]+)"), 1e-4)
  end)

  it("takes lines of text and lists", function()
    temp.write(dir .. "/words.txt", "one\ntwo\nthree\n")
    temp.write(dir .. "/len.lua", "return function(item) return { n = #item:bytes() } end")
    local items = assert(batch.items.collect({}, dir .. "/words.txt"))
    assert(batch.run(dir .. "/len.lua", items, dir .. "/text"))
    local results = lines(dir .. "/text/results.jsonl")
    assert.same({ 3, 3, 5 }, { results[1].result.n, results[2].result.n, results[3].result.n })
    assert.matches("words.txt:3$", results[3].name)
  end)

  it("says what is wrong", function()
    local function trouble(pattern, ...)
      local report, message = ...
      assert.is_nil(report)
      assert.matches(pattern, message)
    end
    local items = assert(batch.items.collect { data })
    trouble("no%-such%.onnx", batch.run(dir .. "/no-such.onnx", items, dir .. "/t1"))
    temp.write(dir .. "/broken.lua", "return 1 +")
    trouble("broken.lua:1", batch.run(dir .. "/broken.lua", items, dir .. "/t2"))
    temp.write(dir .. "/wrong.lua", "return 7")
    trouble("expected to return a function", batch.run(dir .. "/wrong.lua", items, dir .. "/t3"))
    trouble("not a directory", batch.run(script, items, script))
    trouble("nothing matches", batch.items.collect { dir .. "/*.nothing" })
  end)

  it("is a command", function()
    local status, out, err = process.perigee("batch", script, data, "-o", dir .. "/command")
    assert.equal(1, status)
    assert.matches("39 of 40 done, 1 failed", out, 1, true)
    assert.matches("failures.jsonl", err, 1, true)
    for _, case in ipairs {
      { "--set x", "NAME=VALUE" }, { "--shard 3/2", "I/N" }, { "--format xml", "format" },
    } do
      local a, b = case[1]:match "^(%S+) (%S+)$"
      status, out, err = process.perigee("batch", script, data, "-o", dir .. "/c2", a, b)
      assert.equal(2, status)
      assert.equal("", out)
      assert.matches(case[2], err, 1, true)
    end
    local bare, _, complaint = process.perigee("batch", script, data)
    assert.equal(2, bare)
    assert.matches("-o FOLDER", complaint, 1, true)
  end)
end)
