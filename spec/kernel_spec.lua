-- Every variant of every kernel that this machine can run, against its family's definition. A new variant
-- is found by itself; a family without a check fails.
local testing = require "perigee.testing"

describe("kernels", function()
  local kernels = testing.kernels()
  local families, references = {}, {}
  for _, k in ipairs(kernels) do
    families[k.family] = (families[k.family] or 0) + 1
    if k.name:find "scalar" then references[k.family] = k.supported end
  end

  it("have a scalar variant and a check in each family", function()
    for family in pairs(families) do assert.is_true(references[family], family) end
    for _, k in ipairs(kernels) do assert.is_true(k.checked, k.family .. " has no check in c/testing") end
    assert.is_true(#kernels >= 11)
    assert.has_error(function() testing.check_kernel "nothing" end)
  end)

  for _, k in ipairs(kernels) do
    if k.supported then
      it(k.name .. " agrees with the definition", function()
        local worst = testing.check_kernel(k.name) -- raises beyond the bounds
        assert.is_true(worst <= 1)
      end)
    end
  end
end)
