-- ncnn's pairs, both ways. Expected values come from what the layers are defined to be.
local pg = require "perigee"
local core = require "perigee.core"
local T = pg.tensor

local function temporary(name, bytes)
  local path = os.tmpname() .. "." .. name
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

--- A pair of files of some layers; weights as bytes.
local function pair(lines, weights)
  local path = temporary("param", ("7767517\n%d %d\n%s\n"):format(#lines, #lines, table.concat(lines, "\n")))
  if weights then
    local file = assert(io.open(path:gsub("param$", "bin"), "wb"))
    file:write(weights)
    file:close()
  end
  return path
end

local function run(path, inputs, opts)
  local g = assert(pg.load(path, nil, opts))
  local session = assert(g:session())
  return assert(session:run(inputs)), g
end

local function floats(...)
  local out = {}
  for i, x in ipairs { ... } do out[i] = string.pack("<f", x) end
  return table.concat(out)
end

describe("ncnn", function()
  it("reads a convolution with f32, f16 and int8-less weights", function()
    local lines = { "Input in 0 1 in 0=2 1=2 2=1",
      "Convolution c 1 1 in out 0=1 1=1 5=1 6=1" }
    local x = T { { { 1, 2 }, { 3, 4 } } }
    for _, weight in ipairs { string.pack("<I4f", 0, 2), string.pack("<I4I2I2", 0x01306B47, 0x4000, 0) } do
      local out = run(pair(lines, weight .. floats(0.5)), { ["in"] = x })
      assert.same({ { { 2.5, 4.5 }, { 6.5, 8.5 } } }, out.out:totable())
    end
  end)

  it("computes with int8 weights as ncnn's int8 layers do", function()
    local lines = { "Input in 0 1 in 0=2 1=1 2=1",
      "Convolution c 1 1 in out 0=1 1=1 6=1 8=1" }
    -- the input times 10, rounded: 12 and -24; times the weight 3; divided by 10 * 4
    local bytes = string.pack("<I4i1", 0x000D4B38, 3) .. "\0\0\0" .. floats(4, 10)
    local out = run(pair(lines, bytes), { ["in"] = T { { { 1.23, -2.44 } } } })
    assert.is_true(out.out:allclose(T { { { 36 / 40, -72 / 40 } } }))
  end)

  it("broadcasts the smaller shape along the outermost dimension", function()
    local lines = { "Input a 0 1 a 0=2 1=1 2=3", "Input b 0 1 b 0=3", "BinaryOp s 2 1 a b out 0=0" }
    local out = run(pair(lines), { a = T.zeros { 3, 1, 2 }, b = T { 1, 2, 3 } })
    assert.same({ { { 1, 1 } }, { { 2, 2 } }, { { 3, 3 } } }, out.out:totable())
  end)

  it("pads poolings in full, as its pad mode 0 says", function()
    local lines = { "Input in 0 1 in 0=4 1=4 2=1", "Pooling p 1 1 in out 0=0 1=3 2=2 5=0" }
    local x = T.zeros { 1, 4, 4 }
    for i = 0, 15 do x:set(1, i // 4 + 1, i % 4 + 1, i) end
    local out = run(pair(lines), { ["in"] = x })
    assert.same({ { { 10, 11 }, { 14, 15 } } }, out.out:totable())
  end)

  it("permutes by number", function()
    local lines = { "Input in 0 1 in 0=2 1=3 2=4", "Permute p 1 1 in out 0=3" }
    local out = run(pair(lines), { ["in"] = T.random { 4, 3, 2 } })
    assert.same({ 3, 2, 4 }, out.out.shape)
  end)

  it("evaluates sizes that are expressions", function()
    local lines = { "Input in 0 1 in 0=4 1=6 2=2", 'Reshape r 1 1 in out 6="*(0w,0h),0c"' }
    local out = run(pair(lines), { ["in"] = T.random { 2, 6, 4 } })
    assert.same({ 2, 24 }, out.out.shape)
  end)

  it("leaves open what nothing tells, and takes shapes as an option", function()
    local path = pair { "Input in 0 1 in", "Softmax s 1 1 in out 0=1 1=1" }
    for _, shape in ipairs { { 2, 3 }, { 2, 3, 4 }, { 1, 2, 3, 4 } } do
      assert.same(shape, run(path, { ["in"] = T.random(shape) }).out.shape)
    end
    local g = assert(pg.load(path, nil, { shapes = { ["in"] = { 5, 6 } } }))
    assert.same({ 5, 6 }, g:input_list()[1].shape)
  end)

  it("reads the binary form", function()
    local function i(...) return string.pack(("<" .. ("i4"):rep(select("#", ...))), ...) end
    local bytes = i(7767517, 2, 2) .. i(16, 0, 1, 0, 0, 3, -233)
      .. i(26, 1, 1, 0, 1) .. i(0) .. floats(0.5) .. i(-233)
    local g = assert(pg.load_bytes(bytes))
    local out = assert(assert(g:session()):run { blob_0 = T { -2, 0, 4 } })
    assert.is_true(out.blob_1:allclose(T { -1, 0, 4 }))
  end)

  it("lists all layers that it doesn't know", function()
    local g, message, code = pg.load(pair { "Input in 0 1 in", "Foo a 1 1 in x", "Bar b 1 1 x out" })
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.truthy(message:find "Foo" and message:find "Bar" and message:find "layer 'b'")
  end)

  it("tells of weights that are missing or short", function()
    local lines = { "Input in 0 1 in 0=2 1=2 2=1", "Convolution c 1 1 in out 0=1 1=1 5=1 6=1" }
    local _, message = pg.load(pair(lines))
    assert.truthy(message:find "its weights are in another file", message)
    _, message = pg.load(pair(lines, "\0\0\0\0\0"))
    assert.truthy(message:find "lie outside", message)
  end)

  it("writes what it reads: the same numbers again", function()
    local lines = { "Input in 0 1 in 0=8 1=8 2=3",
      "Convolution c1 1 1 in c1 0=8 1=3 3=2 4=1 5=1 6=216 9=1",
      "Split s 1 2 c1 c1a c1b",
      "ConvolutionDepthWise c2 1 1 c1a c2 0=8 1=3 4=1 5=1 6=72 7=8",
      "BinaryOp add 2 1 c2 c1b sum 0=0",
      "Pooling p 1 1 sum p 0=1 4=1",
      "InnerProduct fc 1 1 p fc 0=5 1=1 2=40",
      "Softmax sm 1 1 fc out 0=0 1=1" }
    local path = pair(lines)
    local x = T.random({ 3, 8, 8 }, { seed = 1 })
    local first, g = run(path, { ["in"] = x }, { seed = 5 })
    local copy = os.tmpname() .. ".param"
    assert(g:save(copy))
    local second = run(copy, { ["in"] = x })
    assert.is_true(second.out:allclose(first.out, 1e-6))
  end)

  it("writes ONNX graphs and lists what ncnn doesn't have", function()
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 2, 4, 4 })
    g:add("NonZero", { "x" }, { "y" })
    g:add_output "y"
    local ok, message, code = g:save(os.tmpname() .. ".param")
    assert.is_nil(ok)
    assert.equal("unsupported", code)
    assert.truthy(message:find "NonZero")
  end)

  it("survives damaged files", function()
    local sample = ("7767517\n3 3\nInput in 0 1 in 0=4 1=4 2=1\nConvolution c 1 1 in c 0=1 1=3 4=1 6=9\n"
      .. "Reshape r 1 1 c out 0=-1 1=2\n")
    local weights = temporary("bin", string.pack("<I4", 0) .. ("\0"):rep(36))
    math.randomseed(7)
    for _ = 1, 300 do
      local bytes = { sample:byte(1, -1) }
      for _ = 1, math.random(1, 4) do bytes[math.random(16, #bytes)] = math.random(32, 126) end
      local path = temporary("param", string.char(table.unpack(bytes)))
      local g, message = pg.load(path, weights)
      assert.truthy(g or type(message) == "string")
      os.remove(path)
    end
  end)
end)

local lfs = require "lfs"
local face = "../shared/real-models/face-slim-320"
if not lfs.attributes(face, "mode") then
  print "convert/ncnn_spec: skipped the face detector, there is no ../shared/real-models"
  return
end

describe("one network as ncnn and MNN", function()
  local function heads(path, x)
    local g = assert(pg.load(path))
    local spec = g:input_list()[1]
    local input = #spec.shape == 3 and x:select(1, 1):contiguous() or x
    return assert(assert(g:session()):run { [spec.name] = input })
  end

  for _, name in ipairs { "model.param", "model.mnn" } do
    it(name .. " agrees with the ONNX within 1e-4", function()
      for i = 0, 3 do
        local x = assert(core.pb_read(("%s/test_data_set_%d/input_0.pb"):format(face, i)))
        local expected = heads(face .. "/raw-heads.onnx", x)
        local got = heads(("%s/%s"):format(face, name), x)
        for _, key in ipairs { "scores", "boxes" } do
          local a, b = expected[key]:flatten(), got[key]:flatten()
          assert.is_true((a - b):abs():max():item() < 1e-4)
        end
      end
    end)
  end
end)
