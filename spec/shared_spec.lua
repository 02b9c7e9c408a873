-- Models that don't ship with perigee: trained networks, full topologies and ONNX's own tests, looked for
-- beside the checkout and skipped where they are missing. #once
local lfs = require "lfs"
local pg = require "perigee"
local core = require "perigee.core"
local T = pg.tensor

local shared = "../shared"
if not lfs.attributes(shared .. "/real-models", "mode") then
  print "shared_spec: skipped, there is no ../shared/real-models"
  return
end

local function models(dir)
  local list = {}
  for name in lfs.dir(dir) do
    if lfs.attributes(("%s/%s/model.onnx"):format(dir, name), "mode") == "file" then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local real = models(shared .. "/real-models")

describe("real models", function()
  it("are those that we know", function()
    assert.same({
      "face-slim-320", "lgbm_classifier_tensor", "mnist-8", "mnist-tengine", "silero-vad-16k", "super-resolution-10",
    }, real)
  end)

  for _, name in ipairs(real) do
    local dir = ("%s/real-models/%s"):format(shared, name)

    it(name .. " agrees with its expected outputs", function()
      local verdict, reason = pg.conformance.run(dir)
      assert.equal("pass", verdict, reason)
    end)

    it(name .. " gives the same bits with 1, 2 and 3 threads #once", function()
      local expected
      for _, threads in ipairs { 1, 2, 3 } do
        local g = assert(pg.load(dir .. "/model.onnx"))
        local session = assert(g:session { threads = threads })
        local bits = {}
        for set = 0, 1 do
          local inputs = {}
          for i, spec in ipairs(g:input_list()) do
            local path = ("%s/test_data_set_%d/input_%d.pb"):format(dir, set, i - 1)
            if lfs.attributes(path) then inputs[spec.name] = assert(core.pb_read(path)) end
          end
          if next(inputs) then
            local out = assert(session(inputs))
            for _, spec in ipairs(session:output_list()) do bits[#bits + 1] = out[spec.name]:bytes() end
          end
        end
        expected = expected or bits
        assert.is_true(#bits > 0)
        for i, b in ipairs(bits) do assert.is_true(b == expected[i], ("output %d, %d threads"):format(i, threads)) end
      end
    end)
  end
end)

describe("the face detector", function()
  local dir = shared .. "/real-models/face-slim-320"

  --- The anchors of its paper's code: at each cell of each map, boxes of these sizes in pixels.
  local function priors()
    local list = {}
    for _, map in ipairs {
      { 40, 30, { 10, 16, 24 } }, { 20, 15, { 32, 48 } }, { 10, 8, { 64, 96 } }, { 5, 4, { 128, 192, 256 } },
    } do
      for row = 0, map[2] - 1 do
        for column = 0, map[1] - 1 do
          for _, size in ipairs(map[3]) do
            list[#list + 1] = { (column + 0.5) / map[1], (row + 0.5) / map[2], size / 320, size / 240 }
          end
        end
      end
    end
    return T(list):clamp(0, 1)
  end

  it("gives the same answers in each of its exports", function()
    local anchors = priors()
    assert.same({ 4420, 4 }, anchors.shape)
    local sessions = {}
    for _, name in ipairs { "model", "simplified", "raw-heads" } do
      sessions[name] = assert(pg.load(("%s/%s.onnx"):format(dir, name))):session { threads = 2 }
    end
    for set = 0, 3 do
      local x = assert(core.pb_read(("%s/test_data_set_%d/input_0.pb"):format(dir, set)))
      local whole = sessions.model { x }
      for _, name in ipairs { "simplified", "raw-heads" } do
        -- These two leave decoding to the program.
        local raw = sessions[name] { x }
        assert.is_true(whole.scores:allclose(raw.scores, 1e-4, 1e-5))
        local boxes = pg.post.decode_ssd(raw.boxes:select(1, 1), anchors)
        assert.is_true(whole.boxes:select(1, 1):allclose(boxes, 1e-4, 1e-4))
        local scores = whole.scores:select(1, 1):select(2, 2)
        local faces = pg.post.nms(whole.boxes:select(1, 1), scores, { iou = 0.3, min_score = 0.7 })
        assert.is_true(faces.count > 0)
        assert.same(faces:totable(), (pg.post.nms(boxes, scores, { iou = 0.3, min_score = 0.7 })):totable())
      end
    end
  end)
end)

describe("full topologies #once", function()
  for _, name in ipairs(models(shared .. "/onnx-backend/light")) do
    it(name .. " agrees with its stored output", function()
      local verdict, reason = pg.conformance.run(("%s/onnx-backend/light/%s"):format(shared, name), { threads = 2 })
      assert.equal("pass", verdict, reason)
      collectgarbage()
    end)
  end
end)

local function run_suite(names, dir, known)
  local unexpected, n_passed = {}, 0
  for _, name in ipairs(names) do
    local verdict, reason = pg.conformance.run(dir .. "/" .. name)
    if verdict == "pass" then n_passed = n_passed + 1 end
    if verdict == "pass" and known[name] then
      unexpected[#unexpected + 1] = name .. " passes: take it off the list"
    elseif verdict ~= "pass" and not known[name] then
      unexpected[#unexpected + 1] = ("%s: %s: %s"):format(name, verdict, reason)
    end
  end
  return n_passed, table.concat(unexpected, "\n")
end

describe("ONNX's own tests", function()
  local known, n_known = {}, 0
  for line in io.lines "spec/data/conformance_known_failures.txt" do
    local name = line:match "^([^#\t]+)\t."
    if name then known[name], n_known = true, n_known + 1 end
  end

  it("of operators pass, but those on the list", function()
    local dir = shared .. "/onnx-backend/node"
    local names = models(dir)
    local n_passed, unexpected = run_suite(names, dir, known)
    assert.equal("", unexpected)
    assert.equal(#names - n_known, n_passed)
    assert.is_true(n_passed >= 1588)
  end)

  it("of exported modules pass", function()
    for _, suite in ipairs { "pytorch-converted", "pytorch-operator" } do
      local dir = ("%s/onnx-backend/%s"):format(shared, suite)
      local _, unexpected = run_suite(models(dir), dir, {})
      assert.equal("", unexpected)
    end
  end)

  it("of whole models pass", function()
    local dir = shared .. "/onnx-backend/simple"
    local _, unexpected = run_suite(models(dir), dir, {})
    assert.equal("", unexpected)
  end)
end)
