-- The zoo's small networks are built, run, and the same twice; the large ones have the sizes that
-- their papers state.
package.path = "models/?.lua;models/?/init.lua;" .. package.path
local bench = require "perigee.bench"
local work = require "perigee.bench.work"
local zoo = require "zoo"

--- Multiply-adds and parameters in millions, from the papers or counted by hand (mlp, mnist).
local known = {
  mlp_b1 = { 0.535, 0.536 }, mnist_cnn = { 0.787, 0.006 }, squeezenet1_1 = { 349, 1.24 },
  mobilenet_v2 = { 301, 3.50 }, shufflenet_v2_x1_0 = { 146, 2.27 }, lstm2x256_t64 = { 58.7, 0.922 },
}

local function run(graph)
  local session = assert(graph:session { threads = 1 })
  return session(bench.inputs(session, 1))[1]
end

describe("zoo", function()
  for name, want in pairs(known) do
    it("builds " .. name, function()
      local graph = assert(zoo.build(name))
      local n = 0
      for _, t in graph:constants() do
        if t.dtype == "f32" then n = n + t.count end
      end
      assert.near(want[2], n / 1e6, want[2] * 0.02)
      assert.near(want[1], work.macs(graph) / 1e6, want[1] * 0.02)
    end)
  end

  it("gives the same network for a seed, another for another", function()
    local a, b = run(assert(zoo.build "mnist_cnn")), run(assert(zoo.build "mnist_cnn"))
    assert.is_true(a:allclose(b, 0, 0))
    assert.is_false(a:allclose(run(assert(zoo.build("mnist_cnn", { seed = 1 }))), 1e-3, 1e-3))
  end)

  it("runs single layers and small networks to finite numbers", function()
    for _, name in ipairs { "conv3x3_512_7", "dw3x3s2_144_56", "mlp_b64", "gru2x256_t64" } do
      local out = run(assert(zoo.build(name)))
      assert.is_true(out:isnan():cast("i32"):sum():item() == 0, name)
      assert.is_true(out:std():item() > 1e-3, name)
    end
  end)

  it("names what it has when asked for something else", function()
    local graph, message = zoo.build "resnet51"
    assert.is_nil(graph)
    assert.matches("no network 'resnet51' .*resnet50", message)
  end)
end)
