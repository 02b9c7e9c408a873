-- Caffe: layers and small nets against what OpenCV computes (spec/data/convert/make_caffe.py), V1
-- layers, bad files, a real network.
local core = require "perigee.core"
local lfs = require "lfs"
local mutate = require "support.mutate"
local pg = require "perigee"
local temp = require "support.temp"

local folder = "spec/data/convert/caffe/"

local function names()
  local list = {}
  for file in lfs.dir(folder) do list[#list + 1] = file:match "^(.*)%.prototxt$" end
  table.sort(list)
  return list
end

--- The last output, as OpenCV's forward gives it.
local function run(graph, x)
  local session = assert(graph:session { threads = 1 })
  return session { x = x }[#session:output_list()]
end

--- Detections by score: Caffe lists them by class, OpenCV by score.
local function by_score(t)
  local rows = t:reshape(-1, 7)
  local _, order = rows:slice(2, 3, 3):contiguous():reshape(-1):topk(rows.shape[1])
  return rows:gather(order, 1)
end

describe("Caffe", function()
  for _, name in ipairs(names()) do
    it("computes " .. name, function()
      local got = run(assert(pg.load(folder .. name .. ".prototxt")),
        assert(pg.tensor.npy(folder .. name .. ".in.npy")))
      local want = assert(pg.tensor.npy(folder .. name .. ".out.npy"))
      if name == "ssd" then got, want = by_score(got), by_score(want) end
      assert.equal(want.count, got.count)
      local same, why = got:reshape(-1):allclose(want:reshape(-1), 1e-4, 1e-5)
      assert.is_true(same, why)
    end)
  end

  it("keeps the names of blobs, and of work in place the last", function()
    local g = assert(pg.load(folder .. "in_place.prototxt"))
    assert.equal("x", g:input_list()[1].name)
    assert.same({ 1, 6, 9, 11 }, g:input_list()[1].shape)
    assert.equal("d", g:output_list()[1].name)
    assert.is_table(g:value "c")
    assert.is_table(g:value "c/c")
    assert.equal("Relu", g:value("c").producer.type)
  end)

  it("reads V1 layers, inputs of four sizes, and leaves training out", function()
    local g = assert(pg.load_bytes [[
      name: "old" input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
      layers { name: "d" type: DATA top: "other" include { phase: TRAIN } }
      layers { name: "r" type: RELU bottom: "data" top: "data" }
      layers { name: "p" type: POOLING bottom: "data" top: "p"
        pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
      layers { name: "l" type: SOFTMAX_LOSS bottom: "p" bottom: "label" top: "loss" }
    ]])
    assert.equal("data", g:input_list()[1].name)
    assert.equal("p", g:output_list()[1].name)
    assert.equal(1, #g:output_list())
    local out = assert(g:session()) { data = pg.tensor.full({ 1, 2, 4, 4 }, -1) }
    assert.equal(0, out.p:abs():max():item())
  end)

  it("takes seeded weights where there are none", function()
    local dir = temp.dir()
    temp.write(dir .. "/net.prototxt", temp.read(folder .. "conv.prototxt"))
    local g, message, code = pg.load(dir .. "/net.prototxt")
    assert.is_nil(g)
    assert.equal("format", code)
    assert.matches("net.caffemodel", message, 1, true)
    local x = pg.tensor.randn { 1, 6, 9, 11 }
    local a = run(assert(pg.load(dir .. "/net.prototxt", nil, { seed = 1 })), x)
    local b = run(assert(pg.load(dir .. "/net.prototxt", nil, { seed = 1 })), x)
    assert.is_true(a:allclose(b, 0, 0))
    assert.is_true(a:std():item() > 0.01)
    temp.remove(dir)
  end)

  it("names all layers that it doesn't know, and where weights don't fit", function()
    local g, message, code = pg.load_bytes [[
      name: "n" input: "x" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }
      layer { name: "a" type: "Python" bottom: "x" top: "a" }
      layer { name: "b" type: "SPP" bottom: "a" top: "b" }
    ]]
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.matches("Python (layer a)", message, 1, true)
    assert.matches("SPP (layer b)", message, 1, true)
    g, message = pg.load(folder .. "fc.prototxt", folder .. "conv.caffemodel")
    assert.is_nil(g)
    assert.matches("layer y: blob 1 has 216 numbers, expected [5,594]", message, 1, true)
  end)

  it("refuses damaged files with a message", function()
    local text, dir = temp.read(folder .. "ssd.prototxt"), temp.dir()
    temp.write(dir .. "/m.caffemodel", temp.read(folder .. "ssd.caffemodel"))
    local function load_text(bytes)
      temp.write(dir .. "/m.prototxt", bytes)
      return pg.load(dir .. "/m.prototxt")
    end
    assert.is_true(mutate.run(300, 1, { text }, load_text) > 50)
    temp.write(dir .. "/m.prototxt", text)
    local function load_weights(bytes)
      temp.write(dir .. "/m.caffemodel", bytes)
      return pg.load(dir .. "/m.prototxt")
    end
    assert.is_true(mutate.run(300, 2, { temp.read(folder .. "ssd.caffemodel") }, load_weights) > 50)
    temp.remove(dir)
    local g, message = pg.load_bytes('name: "x" ' .. ("layer {"):rep(100000))
    assert.is_nil(g)
    assert.matches("nested deeper", message)
  end)

  it("agrees with the same network in ONNX", function()
    local shared = "../shared/real-models/face-slim-320/"
    if not lfs.attributes(shared, "mode") then
      print "caffe_spec: one case skipped, there is no ../shared/real-models"
      return
    end
    local caffe = assert(assert(pg.load(shared .. "model.prototxt")):session())
    local onnx = assert(assert(pg.load(shared .. "raw-heads.onnx")):session())
    for i = 0, 3 do
      local x = core.pb_read(("%stest_data_set_%d/input_0.pb"):format(shared, i))
      local a, b = caffe { x }, onnx { x }
      assert.is_true(a.boxes:allclose(b.boxes, 0, 1e-4))
      assert.is_true(a.scores:allclose(b.scores, 0, 1e-4))
    end
  end)
end)
