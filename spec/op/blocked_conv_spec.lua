-- BlockedConv, which sessions put in place of Conv and FusedConv: odd channels, borders, strides,
-- dilations, groups, addends and activations, against the plain operators.
local blocked = require "support.blocked"

local function conv(c)
  local shape = { c.n or 1, c.inputs, c.h or 1, c.w }
  local kernel = { c.kh or c.k, c.k }
  if c.line then shape, kernel = { c.n or 1, c.inputs, c.w }, { c.k } end
  local pads = c.pads or (c.line and { c.pad or 0, c.pad or 0 } or { c.pad or 0, c.pad or 0, c.pad or 0, c.pad or 0 })
  return blocked.graph({ x = shape }, { "y" }, function(g)
    local weights = { c.outputs, c.inputs // (c.group or 1), table.unpack(kernel) }
    g:add_constant("w", blocked.random(weights, 2))
    g:add_constant("b", blocked.random({ c.outputs }, 3))
    local attrs = { kernel_shape = kernel, pads = pads, group = c.group or 1 }
    if c.stride then attrs.strides = c.line and { c.stride } or { c.stride, c.stride } end
    if c.dilation then attrs.dilations = c.line and { c.dilation } or { c.dilation, c.dilation } end
    local out = c.act and "t" or "y"
    g:add("Conv", c.no_bias and { "x", "w" } or { "x", "w", "b" }, { out }, attrs)
    if c.act then g:add(c.act, { "t" }, { "y" }, c.act_attrs) end
  end), { x = blocked.random(shape, 1) }
end

-- Tiles of 6 x 6 by Winograd are off by up to 4e-5 of the typical output, which is 8 here: see
-- c/kernel/DESIGN.md.
local cases = {
  { "one by one", inputs = 32, outputs = 32, h = 9, w = 11, k = 1 },
  { "one by one with odd channels", inputs = 19, outputs = 37, h = 7, w = 5, k = 1 },
  { "one by one with a stride", inputs = 20, outputs = 16, h = 9, w = 15, k = 1, stride = 2 },
  { "padding without a window", inputs = 16, outputs = 24, h = 4, w = 4, k = 1, pad = 1 },
  { "three by three", inputs = 24, outputs = 40, h = 13, w = 29, k = 3, pad = 1 },
  { "three by three without padding", inputs = 17, outputs = 33, h = 6, w = 8, k = 3 },
  { "three by three with a stride", inputs = 33, outputs = 48, h = 17, w = 31, k = 3, pad = 1, stride = 2 },
  { "a stride of three", inputs = 18, outputs = 20, h = 20, w = 23, k = 3, pad = 1, stride = 3 },
  { "dilation", inputs = 16, outputs = 16, h = 15, w = 18, k = 3, pad = 2, dilation = 2 },
  { "five by five", inputs = 16, outputs = 16, h = 12, w = 14, k = 5, pad = 2 },
  { "seven by seven on an image", inputs = 3, outputs = 64, h = 33, w = 41, k = 7, pad = 3, stride = 2 },
  { "three by three on an image", inputs = 3, outputs = 24, h = 16, w = 19, k = 3, pad = 1, stride = 2 },
  { "three by three on one plane", inputs = 1, outputs = 17, h = 28, w = 28, k = 3 },
  { "an image wider than strides know", inputs = 4, outputs = 16, h = 20, w = 30, k = 4, stride = 4 },
  { "a window higher than wide", inputs = 16, outputs = 16, h = 9, w = 9, kh = 3, k = 1, pads = { 1, 0, 1, 0 } },
  { "uneven padding", inputs = 16, outputs = 16, h = 9, w = 9, k = 3, pads = { 0, 1, 2, 0 } },
  { "more padding than image", inputs = 16, outputs = 16, h = 2, w = 3, k = 3, pad = 4 },
  { "a batch", n = 3, inputs = 20, outputs = 36, h = 7, w = 7, k = 3, pad = 1 },
  { "no bias", inputs = 16, outputs = 16, h = 5, w = 5, k = 3, pad = 1, no_bias = true },
  { "lines", line = true, inputs = 24, outputs = 20, w = 50, k = 3, pad = 1, stride = 2 },
  { "groups of whole blocks", inputs = 64, outputs = 32, h = 8, w = 8, k = 3, pad = 1, group = 2 },
  { "depthwise", inputs = 27, outputs = 27, h = 19, w = 21, k = 3, pad = 1, group = 27 },
  { "depthwise with a stride", inputs = 40, outputs = 40, h = 19, w = 24, k = 3, pad = 1, stride = 2, group = 40 },
  { "depthwise five by five", inputs = 16, outputs = 16, h = 14, w = 15, k = 5, pad = 2, group = 16 },
  { "depthwise five by five, stride", inputs = 16, outputs = 16, h = 15, w = 29, k = 5,
    pad = 2, stride = 2, group = 16 },
  { "depthwise of seven, dilated", inputs = 16, outputs = 16, h = 20, w = 20, k = 7,
    pad = 6, dilation = 2, group = 16 },
  { "depthwise beside the image", inputs = 16, outputs = 16, h = 3, w = 2, k = 5, pad = 4, group = 16 },
  { "many tiles", inputs = 64, outputs = 48, h = 56, w = 50, k = 3, pad = 1, act = "Relu", atol = 1e-3 },
  { "many tiles without padding", n = 2, inputs = 33, outputs = 65, h = 31, w = 33, k = 3 },
  { "few tiles of many channels", inputs = 160, outputs = 144, h = 7, w = 7, k = 3, pad = 1 },
  { "many tiles of five taps", inputs = 32, outputs = 32, h = 30, w = 41, k = 5, pad = 2, act = "LeakyRelu" },
  { "tiles with uneven padding", inputs = 40, outputs = 32, h = 30, w = 22, k = 3, pads = { 0, 2, 3, 1 } },
  { "Relu", inputs = 16, outputs = 16, h = 5, w = 5, k = 3, act = "Relu" },
  { "LeakyRelu", inputs = 16, outputs = 24, h = 5, w = 17, k = 3, act = "LeakyRelu", act_attrs = { alpha = 0.2 } },
  { "HardSwish", inputs = 16, outputs = 24, h = 5, w = 17, k = 3, act = "HardSwish" },
  { "HardSigmoid", inputs = 16, outputs = 24, h = 5, w = 17, k = 3, act = "HardSigmoid" },
  { "depthwise HardSwish", inputs = 24, outputs = 24, h = 9, w = 17, k = 3, group = 24, act = "HardSwish" },
}

describe("BlockedConv", function()
  for _, c in ipairs(cases) do
    it("does " .. c[1], function()
      local g, inputs = conv(c)
      local counts = blocked.agree(g, inputs, nil, c.atol)
      assert.equal(1, counts.BlockedConv)
      assert.is_nil(counts.Conv)
      assert.is_nil(counts.FusedConv)
    end)
  end

  it("leaves plain what it can't do", function()
    local counts = blocked.agree(conv { inputs = 12, outputs = 12, h = 6, w = 6, k = 3, group = 3 })
    assert.is_nil(counts.BlockedConv)
  end)

  it("adds what a sum adds", function()
    local g = blocked.graph({ x = { 2, 19, 9, 9 } }, { "y" }, function(g)
      g:add_constant("w", blocked.random({ 19, 19, 3, 3 }, 2))
      g:add("Conv", { "x", "w" }, { "a" }, { pads = { 1, 1, 1, 1 } })
      g:add("Conv", { "a", "w" }, { "b" }, { pads = { 1, 1, 1, 1 } })
      g:add("Add", { "b", "a" }, { "c" })
      g:add("Relu", { "c" }, { "y" })
    end)
    local counts = blocked.agree(g, { x = blocked.random({ 2, 19, 9, 9 }, 1) }, 1e-4, 1e-3)
    assert.same({ BlockedConv = 2, ToBlocked = 1, FromBlocked = 1 }, counts)
  end)

  it("takes shapes that change", function()
    local g = blocked.graph({ x = { "N", 16, "H", "W" } }, { "y" }, function(g)
      g:add_constant("w", blocked.random({ 20, 16, 3, 3 }, 2))
      g:add("Conv", { "x", "w" }, { "y" }, { pads = { 1, 1, 1, 1 } })
    end)
    for i, shape in ipairs { { 1, 16, 8, 8 }, { 2, 16, 5, 30 }, { 1, 16, 1, 1 }, { 0, 16, 4, 4 } } do
      local counts = blocked.agree(g, { x = blocked.random(shape, i) })
      assert.equal(1, counts.BlockedConv)
    end
  end)

  it("keeps infinities and NaN where they are", function()
    local pg = require "perigee"
    local x = blocked.random({ 1, 17, 5, 5 }, 1)
    local none = { 0, 0, 0, 0, 0 }
    local mask = pg.tensor { { { none, none, { 0, 0, 1, 0, 0 }, none, none } } }
    local bad = x + mask * math.huge
    local g, _ = conv { inputs = 17, outputs = 17, h = 5, w = 5, k = 1, act = "Relu" }
    local fast, plain = g:session { threads = 1 }, g:session { threads = 1, optimize = false }
    local a, b = fast { x = bad }.y, plain { x = bad }.y
    assert.is_true(a:allclose(b, 1e-4, 1e-4, true))
  end)
end)
