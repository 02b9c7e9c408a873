-- BlockedShuffle: channel shuffles, and the halves that they are cut into, between blocked values.
local blocked = require "support.blocked"
local pg = require "perigee"

--- Two convolutions of c channels each, shuffled, and split if asked for.
local function shuffle(c, h, w, is_split)
  local outputs = is_split and { "y", "z" } or { "y" }
  local g = blocked.graph({ x = { 2, 5, h, w } }, outputs, function(g)
    g:add_constant("v", blocked.random({ c, 5, 1, 1 }, 2))
    g:add_constant("w", blocked.random({ c, 5, 1, 1 }, 3))
    g:add_constant("two", pg.tensor({ 2, 2, c, h, w }, "i64"))
    g:add_constant("one", pg.tensor({ 2, 2 * c, h, w }, "i64"))
    g:add("Conv", { "x", "v" }, { "a" })
    g:add("Conv", { "x", "w" }, { "b" })
    g:add("Concat", { "a", "b" }, { "ab" }, { axis = 1 })
    g:add("Reshape", { "ab", "two" }, { "r" })
    g:add("Transpose", { "r" }, { "t" }, { perm = { 0, 2, 1, 3, 4 } })
    g:add("Reshape", { "t", "one" }, { "s" })
    if is_split then
      g:add("Split", { "s" }, { "left", "right" }, { axis = 1, num_outputs = 2 })
      g:add("Relu", { "left" }, { "y" })
      g:add("Relu", { "right" }, { "z" })
    else
      g:add("Relu", { "s" }, { "y" })
    end
  end)
  return g, { x = blocked.random({ 2, 5, h, w }, 1) }
end

describe("BlockedShuffle", function()
  it("takes a channel of each in turn", function()
    for _, c in ipairs { 16, 24, 29, 58 } do
      for _, is_split in ipairs { true, false } do
        local counts = blocked.agree(shuffle(c, 5, 7, is_split))
        assert.equal(1, counts.BlockedShuffle)
        assert.is_nil(counts.Transpose)
      end
    end
  end)

  it("serves images of more pixels than a task", function()
    blocked.agree(shuffle(18, 31, 37, true))
  end)
end)
