-- BlockedMaxPool, BlockedAveragePool, BlockedGlobalAveragePool: pools between blocked values, against
-- the plain operators.
local blocked = require "support.blocked"
local pg = require "perigee"

local function between(channels, h, w, type, attrs, extra)
  local g = blocked.graph({ x = { 2, 5, h, w } }, { "y" }, function(g)
    g:add_constant("w", blocked.random({ channels, 5, 1, 1 }, 2))
    if extra then g:add_constant("extra", extra) end
    g:add("Conv", { "x", "w" }, { "a" })
    g:add(type, extra and { "a", "extra" } or { "a" }, { "y" }, attrs)
  end)
  return g, { x = blocked.random({ 2, 5, h, w }, 1) }
end

local windows = {
  { kernel_shape = { 2, 2 }, strides = { 2, 2 } },
  { kernel_shape = { 3, 3 }, strides = { 2, 2 }, pads = { 1, 1, 1, 1 } },
  { kernel_shape = { 3, 3 }, pads = { 1, 1, 1, 1 } },
  { kernel_shape = { 3, 2 }, strides = { 2, 3 }, pads = { 0, 1, 1, 0 }, ceil_mode = 1 },
  { kernel_shape = { 2, 2 }, dilations = { 2, 3 } },
  { kernel_shape = { 3, 3 }, auto_pad = "SAME_UPPER", strides = { 2, 2 } },
}

describe("BlockedMaxPool", function()
  for i, attrs in ipairs(windows) do
    it("does window " .. i, function()
      local counts = blocked.agree(between(19, 11, 14, "MaxPool", attrs))
      assert.equal(1, counts.BlockedMaxPool)
    end)
  end
end)

describe("BlockedAveragePool", function()
  for i, attrs in ipairs(windows) do
    for pad = 0, 1 do
      it(("does window %d, padding counted %d"):format(i, pad), function()
        attrs.count_include_pad = pad
        local counts = blocked.agree(between(33, 11, 14, "AveragePool", attrs))
        assert.equal(1, counts.BlockedAveragePool)
        attrs.count_include_pad = nil
      end)
    end
  end
end)

describe("BlockedGlobalAveragePool", function()
  it("takes GlobalAveragePool", function()
    local counts = blocked.agree(between(21, 7, 9, "GlobalAveragePool"))
    assert.equal(1, counts.BlockedGlobalAveragePool)
  end)
  it("takes ReduceMean over the image", function()
    for _, axes in ipairs { { 2, 3 }, { -1, -2 } } do
      local counts = blocked.agree(between(21, 7, 9, "ReduceMean", { keepdims = 1 }, pg.tensor(axes, "i64")))
      assert.equal(1, counts.BlockedGlobalAveragePool)
    end
  end)
  it("leaves other means", function()
    for _, axes in ipairs { { 1, 2 }, { 3 } } do
      local counts = blocked.agree(between(21, 7, 9, "ReduceMean", { keepdims = 1 }, pg.tensor(axes, "i64")))
      assert.is_nil(counts.BlockedGlobalAveragePool)
    end
  end)
end)
