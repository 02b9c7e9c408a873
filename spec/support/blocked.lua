-- Whole graphs in blocks of channels against the same graphs as they stand: what the specs of the
-- private operators share.
local pg = require "perigee"
local tensor = require "perigee.tensor"

local assert = require "luassert"

local M = {}

--- Random numbers in [-1, 1).
function M.random(shape, seed)
  return tensor.random(shape, { seed = seed, low = -1, high = 1, dtype = "f32" })
end

--- A graph of f32 image inputs: `build(g)` adds constants and nodes, ending in `outputs`.
function M.graph(inputs, outputs, build)
  local g = pg.graph()
  for name, shape in pairs(inputs) do g:add_input(name, "f32", shape) end
  build(g)
  for _, name in ipairs(outputs) do g:add_output(name) end
  return g
end

--- Runs g with and without its passes; asserts that the outputs agree; returns how often each
--- operator was run.
function M.agree(g, inputs, rtol, atol)
  local fast = assert(g:session { threads = 1 })
  local plain = assert(g:session { threads = 1, optimize = false })
  local counts = {}
  for _, step in ipairs(fast:profile(inputs)) do counts[step.type] = (counts[step.type] or 0) + 1 end
  local got, want = fast(inputs), plain(inputs)
  local two = assert(g:session { threads = 2 })(inputs)
  for _, spec in ipairs(fast:output_list()) do
    local a, b = got[spec.name], want[spec.name]
    assert.same(b.shape, a.shape)
    assert.is_true(a:allclose(b, rtol or 1e-4, atol or 2e-4), spec.name .. " differs")
    assert.is_true(a:allclose(two[spec.name], 0, 0), spec.name .. " depends on the threads")
  end
  return counts
end

return M
