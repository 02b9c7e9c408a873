-- BlockedUpsample: Resize to the nearest by whole factors, between blocked values.
local blocked = require "support.blocked"
local pg = require "perigee"

local function resize(shape, scales, attrs)
  local kernel = {}
  for i = 3, #shape do kernel[i - 2] = 1 end
  local g = blocked.graph({ x = shape }, { "y" }, function(g)
    g:add_constant("w", blocked.random({ 19, shape[2], table.unpack(kernel) }, 2))
    g:add_constant("scales", pg.tensor(scales, "f32"))
    g:add("Conv", { "x", "w" }, { "a" })
    g:add("Resize", { "a", "", "scales" }, { "b" }, attrs)
    g:add("Relu", { "b" }, { "y" })
  end)
  return g, { x = blocked.random(shape, 1) }
end

local floor = { mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor" }

describe("BlockedUpsample", function()
  it("repeats pixels", function()
    for _, scales in ipairs { { 1, 1, 2, 2 }, { 1, 1, 3, 1 }, { 1, 1, 1, 4 } } do
      for _, attrs in ipairs { floor, { mode = "nearest" } } do
        local counts = blocked.agree(resize({ 2, 7, 5, 6 }, scales, attrs))
        assert.equal(1, counts.BlockedUpsample)
        assert.equal(1, counts.FromBlocked)
      end
    end
  end)

  it("repeats points of lines", function()
    local counts = blocked.agree(resize({ 2, 7, 11 }, { 1, 1, 5 }, floor))
    assert.equal(1, counts.BlockedUpsample)
  end)

  it("leaves other factors and modes", function()
    for _, c in ipairs {
      { { 1, 1, 1.5, 2 }, floor }, { { 1, 1, 0.5, 1 }, floor }, { { 1, 2, 2, 2 }, floor },
      { { 1, 1, 2, 2 }, { mode = "linear" } }, { { 1, 1, 3, 3 }, { mode = "nearest", nearest_mode = "ceil" } },
    } do
      local counts = blocked.agree(resize({ 1, 7, 6, 6 }, c[1], c[2]))
      assert.is_nil(counts.BlockedUpsample)
    end
  end)
end)
