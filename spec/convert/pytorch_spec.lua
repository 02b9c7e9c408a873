-- Checkpoints, safetensors and TorchScript: what can be made here, and real ones from beside the checkout.
local lfs = require "lfs"
local pg = require "perigee"
local T = pg.tensor

local real = "../shared/real-models"

local function scratch(name) return os.tmpname() .. name end

describe("named tensors", function()
  it("survive safetensors", function()
    local path = scratch ".safetensors"
    assert(pg.save_tensors(path, { ["a.weight"] = T { { 1, 2 }, { 3, 4 } }, b = T({ 1, 2, 3 }, "i64"),
      c = T({ 1.5 }, "bf16"), d = T({ true, false }, "bool") }))
    local back = assert(pg.tensors(path))
    assert.equal(4, #back)
    assert.same({ { 1, 2 }, { 3, 4 } }, back:get "a.weight":totable())
    assert.same({ 1, 2, 3 }, back:get "b":totable())
    assert.equal("bf16", back:get "c".dtype)
    assert.same({ true, false }, back:get "d":totable())
    os.remove(path)
  end)

  it("of mutated safetensors are an error or tensors, never a crash", function()
    local path = scratch ".safetensors"
    assert(pg.save_tensors(path, { w = T.zeros { 4, 5 }, b = T.zeros { 5 } }))
    local file = assert(io.open(path, "rb"))
    local good = file:read "a"
    file:close()
    math.randomseed(7)
    for _ = 1, 300 do
      local at = math.random(#good)
      local bad = good:sub(1, at - 1) .. string.char(math.random(0, 255)) .. good:sub(at + 1)
      if math.random(4) == 1 then bad = bad:sub(1, math.random(#bad)) end
      file = assert(io.open(path, "wb"))
      file:write(bad)
      file:close()
      local back, message = pg.tensors(path)
      assert.is_true(back ~= nil or type(message) == "string")
    end
    os.remove(path)
  end)

  it("refuse a header that is larger than the file", function()
    local path = scratch ".safetensors"
    local file = assert(io.open(path, "wb"))
    file:write(string.pack("<I8", 1 << 40), "{}        ")
    file:close()
    local back, message = pg.tensors(path)
    assert.is_nil(back)
    assert.is_string(message)
    os.remove(path)
  end)
end)

describe("pouring", function()
  local function linear(w, b)
    local g = pg.graph()
    g:add_input("x", "f32", { 1, 2 })
    g:add_constant("w", w)
    g:add_constant("b", b)
    g:add("MatMul", { "x", "w" }, { "y" })
    g:add("Add", { "y", "b" }, { "z" })
    g:add_output "z"
    return g
  end

  it("matches by name, transposes, and tells what is left", function()
    local g = linear(T.zeros { 2, 3 }, T.zeros { 3 })
    local report = g:pour { ["module.fc.weight"] = T { { 1, 2 }, { 3, 4 }, { 5, 6 } }, ["module.b"] = T { 1, 1, 1 },
      spare = T.zeros { 9 } }
    assert.same({}, report.unmatched)
    assert.same({ "spare" }, report.unused)
    assert.same({ { 4, 8, 12 } }, (g:session {} { x = { { 1, 1 } } }).z:totable())
  end)
end)

-- Written by spec/data/convert/make_pytorch.py: archives, inputs, PyTorch's own outputs.
describe("TorchScript archives", function()
  local folder = "spec/data/convert/pytorch/"
  for file in lfs.dir(folder) do
    local name = file:match "^(.*)%.pt$"
    if name then
      it(name .. " gives what PyTorch gives", function()
        local session = assert(pg.load(folder .. file)):session { threads = 1 }
        local inputs = {}
        for i, spec in ipairs(session:input_list()) do
          inputs[spec.name] = assert(T.npy(("%s%s.in%d.npy"):format(folder, name, i - 1)))
        end
        local out, i = assert(session(inputs)), 0
        for want in function() return (T.npy(("%s%s.out%d.npy"):format(folder, name, i))) end do
          i = i + 1
          assert.equal(want.dtype, out[i].dtype)
          local same, where = out[i]:allclose(want, 1e-4, 1e-5)
          assert.is_true(same, where)
        end
        assert.is_true(i > 0)
      end)
    end
  end
end)

if not lfs.attributes(real, "mode") then
  print "pytorch_spec: real models skipped, there is no ../shared/real-models"
  return
end

describe("real models of PyTorch", function()
  it("face-slim-320's checkpoint pours into each of its exports", function()
    local dir = real .. "/face-slim-320/"
    local weights = assert(pg.tensors(dir .. "weights.pth"))
    for _, name in ipairs { "raw-heads", "simplified" } do
      local original, poured = assert(pg.load(dir .. name .. ".onnx")), assert(pg.load(dir .. name .. ".onnx"))
      local report = poured:pour(weights)
      assert.is_true(#report.matched > 60)
      local input = original:input_list()[1].name
      local x = T.random({ 1, 3, 240, 320 }, { seed = 3, low = -1, high = 1 })
      local a, b = original:session {} { [input] = x }, poured:session {} { [input] = x }
      for i = 1, #original:output_list() do
        local same, where = b[i]:allclose(a[i], 1e-4, 1e-4)
        assert.is_true(same, where)
      end
    end
  end)

  it("silero's archive agrees with its ONNX", function()
    local dir = real .. "/silero-vad-16k/"
    local jit = assert(pg.load(dir .. "silero_vad.jit", nil, { inputs = { sr = 16000, x = { 1, 512 } } }))
    local a, b = jit:session {}, assert(pg.load(dir .. "model.onnx")):session {}
    local context, state, other = T.zeros { 1, 64 }, T.zeros { 2, 1, 128 }, T.zeros { 2, 1, 128 }
    for chunk = 1, 5 do
      local x = T.random({ 1, 512 }, { seed = chunk, low = -0.5, high = 0.5 })
      local got = a { x = x, context = context, state = state }
      local whole = require("perigee.core").eval("Concat", { context, x }, { axis = 1 })
      local want = b { input = whole, state = other, sr = T(16000, "i64") }
      assert.is_true(got.output:allclose(want[1], 1e-4, 1e-5))
      context, state, other = x:slice(2, -64, -1):clone(), got.state_out, want[2]
    end
  end)
end)
