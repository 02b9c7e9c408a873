-- BlockedAffine: BatchNormalization and whole channels scaled, between blocked values.
local blocked = require "support.blocked"
local pg = require "perigee"

local shape = { 2, 21, 7, 9 }

local function chain(build)
  local g = blocked.graph({ x = shape }, { "y" }, function(g)
    g:add_constant("w", blocked.random({ 21, 21, 1, 1 }, 2))
    g:add_constant("scale", blocked.random({ 21 }, 3))
    g:add_constant("shift", blocked.random({ 21 }, 4))
    g:add_constant("mean", blocked.random({ 21 }, 5))
    g:add_constant("variance", pg.tensor.random({ 21 }, { seed = 6, low = 0.5, high = 2, dtype = "f32" }))
    g:add("Conv", { "x", "w" }, { "a" })
    g:add("Exp", { "a" }, { "b" })
    build(g)
  end)
  return g, { x = blocked.random(shape, 1) }
end

local norm = { "b", "scale", "shift", "mean", "variance" }

describe("BlockedAffine", function()
  it("is a BatchNormalization that no convolution takes", function()
    local counts = blocked.agree(chain(function(g)
      g:add("BatchNormalization", norm, { "y" }, { epsilon = 1e-3 })
    end))
    assert.equal(1, counts.BlockedAffine)
    assert.equal(1, counts.FromBlocked)
  end)

  it("takes the Relu behind it", function()
    local counts = blocked.agree(chain(function(g)
      g:add("BatchNormalization", norm, { "c" })
      g:add("Relu", { "c" }, { "d" })
      g:add("Conv", { "d", "w" }, { "y" })
    end))
    assert.equal(1, counts.BlockedAffine)
    assert.is_nil(counts.Relu)
  end)

  it("leaves a Relu whose input is wanted elsewhere", function()
    local counts = blocked.agree(chain(function(g)
      g:add("BatchNormalization", norm, { "c" })
      g:add("Relu", { "c" }, { "d" })
      g:add("Add", { "c", "d" }, { "y" })
    end))
    assert.equal(1, counts.Relu)
  end)

  it("scales the channels of each image, from either side", function()
    for _, order in ipairs { { "b", "s" }, { "s", "b" } } do
      local counts = blocked.agree(chain(function(g)
        g:add("GlobalAveragePool", { "b" }, { "p" })
        g:add("Conv", { "p", "w" }, { "q" })
        g:add("Sigmoid", { "q" }, { "s" })
        g:add("Mul", order, { "y" })
      end))
      assert.equal(1, counts.BlockedAffine)
      assert.is_nil(counts.Sigmoid)
    end
  end)
end)
