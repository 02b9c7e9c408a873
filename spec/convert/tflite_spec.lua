-- TensorFlow Lite: operators one by one against the outputs of TensorFlow Lite's reference kernels
-- (spec/data/convert/make_tflite.py and make_tflite_raw.py), bad files, real networks. Integers agree to
-- the bit, floats to 1e-5 of the greatest.
local core = require "perigee.core"
local lfs = require "lfs"
local mutate = require "support.mutate"
local pg = require "perigee"

local folder = "spec/data/convert/tflite/"

local function stems()
  local list = {}
  for file in lfs.dir(folder) do list[#list + 1] = file:match "^(.*)%.tflite$" end
  table.sort(list)
  return list
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function agree(got, want, where)
  assert.equal(want.dtype, got.dtype, where)
  assert.same(want.shape, got.shape, where)
  if want.count == 0 then return end
  if not want.dtype:find "^f" then return assert.is_true(got:bytes() == want:bytes(), where) end
  local distance = (got:cast "f64" - want:cast "f64"):abs():max():item()
  local greatest = math.max(1, want:cast "f64":abs():max():item())
  assert.is_true(distance <= 1e-5 * greatest, ("%s: %g apart"):format(where, distance))
end

local function check(graph, stem)
  local session = assert(graph:session { threads = 1 })
  local inputs = {}
  for i, info in ipairs(graph:input_list()) do
    inputs[info.name] = assert(pg.tensor.npy(("%s.in%d.npy"):format(stem, i - 1)))
  end
  local outputs = assert(session:run(inputs))
  for i, info in ipairs(graph:output_list()) do
    local path = ("%s.out%d.npy"):format(stem, i - 1)
    agree(outputs[info.name], assert(pg.tensor.npy(path)), path)
  end
end

describe("TensorFlow Lite", function()
  for _, stem in ipairs(stems()) do
    it("computes " .. stem, function()
      check(assert(pg.load(folder .. stem .. ".tflite")), folder .. stem)
    end)
  end

  it("survives a round trip through ONNX", function()
    for _, stem in ipairs { "conv_SAME_2.int8", "dw_mult.float", "while.float", "softmax.int8" } do
      local bytes = assert(assert(pg.load(folder .. stem .. ".tflite")):bytes())
      check(assert(pg.load_bytes(bytes)), folder .. stem)
    end
  end)

  it("keeps chains of convolutions free of transposes", function()
    local graph = assert(pg.load(folder .. "conv_SAME_2.int8.tflite"))
    local count = 0
    for node in graph:nodes() do
      local constant = graph:value(node.inputs[1] or "") and graph:value(node.inputs[1]).constant
      if node.type == "Transpose" and not constant then count = count + 1 end
    end
    assert.is_true(count <= 2, count .. " transposes")
  end)

  it("takes converters of custom operators, and tells what it can't convert", function()
    local bytes = read_file(folder .. "ssd_0.tflite")
      :gsub("TFLite_Detection_PostProcess", "My_Own_Detection_PostProcess")
    local graph, message, code = pg.load_bytes(bytes)
    assert.is_nil(graph)
    assert.equal("unsupported", code)
    assert.is_truthy(message:find("My_Own_Detection_PostProcess", 1, true))
    assert.is_truthy(message:find("operator 0 of subgraph 0", 1, true))
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local seen
    graph = assert(pg.load(path, nil, {
      custom = {
        My_Own_Detection_PostProcess = function(scope, node)
          seen = #node.inputs
          for i = 1, 4 do scope:set(node, i, scope.b:identity(scope:x(node, 1))) end
        end,
      },
    }))
    os.remove(path)
    assert.equal(3, seen)
    assert.equal(4, #graph:output_list())
  end)

  it("refuses damaged files without trouble", function()
    local seeds = {}
    for _, stem in ipairs { "conv_SAME_2.int8", "ulstm_h_norm_1", "while.float", "ss_neg.int8", "ssd_1" } do
      seeds[#seeds + 1] = read_file(folder .. stem .. ".tflite")
    end
    local refused = mutate.run(300, 7, seeds, pg.load_bytes)
    assert.is_true(refused > 50, tostring(refused))
  end)
end)

local shared = "../shared/real-models/"
if not lfs.attributes(shared .. "tflite", "mode") then
  print "tflite_spec: real models skipped, there is no ../shared/real-models"
  return
end

--- The numbers of a golden: text, separated by commas.
local function csv(path, dtype)
  local file = io.open(path)
  if not file then return end
  local list = {}
  for number in file:read "a":gmatch "[^,%s]+" do list[#list + 1] = math.tointeger(tonumber(number)) end
  file:close()
  return core.tensor_from(list, dtype)
end

local function golden_input(stem, i, dtype)
  return csv(("%s_input%d_int16.csv"):format(stem, i), dtype)
    or csv(("%s_input%d_int32.csv"):format(stem, i), dtype)
end

describe("TensorFlow Lite's goldens and networks", function()
  for group in lfs.dir(shared .. "tflite-ops") do
    if group:sub(1, 1) ~= "." then
      it("agree for " .. group, function()
        local dir = shared .. "tflite-ops/" .. group .. "/"
        for file in lfs.dir(dir) do
          local stem = file:match "^(.*)%.tflite$"
          if stem then
            local graph = assert(pg.load(dir .. file))
            local inputs = {}
            for i, info in ipairs(graph:input_list()) do
              inputs[info.name] = golden_input(dir .. stem, i - 1, info.dtype):reshape(info.shape)
            end
            local got = assert(assert(graph:session { threads = 1 }):run(inputs))[1]
            local want = csv(dir .. stem .. "_golden_int16.csv", got.dtype)
            assert.is_true(got:bytes() == want:bytes(), stem)
          end
        end
      end)
    end
  end

  it("see a person where one is", function()
    local session = assert(assert(pg.load(shared .. "tflite/person_detect.tflite")):session { threads = 1 })
    for name, class in pairs { person = 2, no_person = 1 } do
      local pixels = assert(pg.image.read(shared .. "tflite/" .. name .. ".bmp")):tensor { layout = "NHWC" }
      -- The samples' bytes are taken as they are for signed ones.
      local scores = session { input = pixels:slice(4, 1, 1):cast "u8":bitcast "i8" }[1]
      assert.equal(class, scores:flatten():argmax():item(), name)
    end
  end)

  it("hear what was said", function()
    local front = assert(pg.load(shared .. "tflite/audio_preprocessor_float.tflite", nil, { states = true }))
    local features = assert(front:session { threads = 1 })
    local speech = assert(assert(pg.load(shared .. "tflite/micro_speech_int8.tflite")):session { threads = 1 })
    local audio, noise_name = front:input_list()[1].name, front:input_list()[2].name
    for name, class in pairs { silence = 1, noise = 1, yes = 3, no = 4 } do
      local wav = read_file(("%stflite/%s_1000ms.wav"):format(shared, name))
      local first = select(2, wav:find("data....")) + 1
      local pcm = pg.tensor.frombytes(wav:sub(first, first + 31999), "i16", { 16000 })
      local noise, rows = pg.tensor.zeros({ 40 }, "u32"), {}
      for k = 0, 48 do
        local frame = pcm:slice(1, k * 320 + 1, k * 320 + 480):contiguous():reshape(1, 480)
        local out = assert(features:run { [audio] = frame, [noise_name] = noise })
        rows[k + 1], noise = out[1]:reshape(1, 40), out[2]
      end
      -- The scale of the input is 0.10171568, its zero point -128.
      local quantized = (pg.tensor.concat(rows, 1) * (1 / 0.10171568)):round():clamp(0, 255) - 128
      local scores = speech { quantized:cast("i8"):reshape(1, 1960) }[1]
      assert.equal(class, scores:flatten():argmax():item(), name)
    end
  end)
end)
