-- ToBlocked and FromBlocked, and what stays blocked between them.
local blocked = require "support.blocked"
local pg = require "perigee"

local shape = { 2, 21, 7, 9 }

local function chain(build, outputs)
  local g = blocked.graph({ x = shape }, outputs or { "y" }, function(g)
    g:add_constant("w", blocked.random({ 21, 21, 1, 1 }, 2))
    g:add("Conv", { "x", "w" }, { "a" })
    build(g)
  end)
  return g, { x = blocked.random(shape, 1) }
end

describe("ToBlocked", function()
  it("and FromBlocked stand at the ends of a chain only", function()
    local counts = blocked.agree(chain(function(g)
      g:add("Exp", { "a" }, { "b" })
      g:add("Sigmoid", { "a" }, { "c" })
      g:add("Mul", { "b", "c" }, { "d" })
      g:add("Sub", { "d", "x" }, { "e" })
      g:add("Conv", { "e", "w" }, { "y" })
    end))
    assert.equal(2, counts.BlockedConv)
    assert.equal(1, counts.ToBlocked)
    assert.equal(1, counts.FromBlocked)
  end)

  it("takes constants for each channel along", function()
    for _, dims in ipairs { { 21, 1, 1 }, { 1, 21, 1, 1 } } do
      local counts = blocked.agree(chain(function(g)
        g:add_constant("k", blocked.random(dims, 5))
        g:add("Exp", { "a" }, { "b" })
        g:add("Add", { "k", "b" }, { "c" })
        g:add("Conv", { "c", "w" }, { "y" })
      end))
      assert.equal(1, counts.FromBlocked)
    end
  end)

  it("leaves other constants plain", function()
    for _, dims in ipairs { { 7, 9 }, { 9 }, { 1, 1, 7, 1 } } do
      local counts = blocked.agree(chain(function(g)
        g:add_constant("k", blocked.random(dims, 5))
        g:add("Exp", { "a" }, { "b" })
        g:add("Add", { "b", "k" }, { "y" })
      end))
      assert.equal(1, counts.FromBlocked)
    end
  end)

  it("scales channels by what a pool gives", function()
    local counts = blocked.agree(chain(function(g)
      g:add("GlobalAveragePool", { "a" }, { "b" })
      g:add("Conv", { "b", "w" }, { "c" })
      g:add("Sigmoid", { "c" }, { "d" })
      g:add("Mul", { "a", "d" }, { "y" })
    end))
    assert.equal(1, counts.ToBlocked)
    assert.equal(1, counts.FromBlocked)
  end)

  it("leaves a mask of one channel plain", function()
    blocked.agree(chain(function(g)
      g:add_constant("one", blocked.random({ 1, 21, 1, 1 }, 5))
      g:add("Conv", { "a", "one" }, { "m" })
      g:add("Mul", { "a", "m" }, { "y" })
    end))
  end)
end)

describe("FromBlocked", function()
  it("gives values in the middle their names", function()
    blocked.agree(chain(function(g)
      g:add("Relu", { "a" }, { "b" })
      g:add("Conv", { "b", "w" }, { "y" })
    end, { "b", "y", "a" }))
  end)

  it("stands before what knows no blocks", function()
    local counts = blocked.agree(chain(function(g)
      g:add("Softmax", { "a" }, { "b" }, { axis = 1 })
      g:add("Exp", { "b" }, { "y" })
    end))
    assert.equal(1, counts.FromBlocked)
  end)

  it("is not needed between joined blocks", function()
    local g = blocked.graph({ x = { 1, 8, 6, 6 } }, { "y" }, function(g)
      g:add_constant("w", blocked.random({ 32, 8, 1, 1 }, 2))
      g:add_constant("v", blocked.random({ 20, 8, 1, 1 }, 3))
      g:add_constant("u", blocked.random({ 16, 52, 1, 1 }, 4))
      g:add("Conv", { "x", "w" }, { "a" })
      g:add("Conv", { "x", "v" }, { "b" })
      g:add("Concat", { "a", "b" }, { "c" }, { axis = 1 })
      g:add("Conv", { "c", "u" }, { "d" })
      g:add("Concat", { "b", "d" }, { "y" }, { axis = -3 })
    end)
    local counts = blocked.agree(g, { x = blocked.random({ 1, 8, 6, 6 }, 1) })
    assert.equal(2, counts.Concat)
  end)

  it("is no operator of models", function()
    local g = blocked.graph({ x = { 1, 1, 2, 2, 16 } }, { "y" }, function(g)
      g:add("FromBlocked", { "x" }, { "y" }, { channels = 9, lanes = 16 }, { domain = "perigee" })
    end)
    local s, message = g:session { threads = 1 }
    assert.is_nil(s)
    assert.matches("FromBlocked", message)
    for _, op in ipairs(pg.operators()) do assert.is_nil(op.name:find "Blocked") end
  end)
end)
