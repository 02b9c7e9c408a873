-- Every test folder below spec/data/exports/NAME: optimised and as it stands, it gives what is beside
-- the model.
local lfs = require "lfs"
local conformance = require "perigee.conformance"

---@param env table the spec's, with `describe` and `it`
---@param name string
return function(env, name)
  local root = "spec/data/exports/" .. name
  local folders = assert(conformance.find { root })
  env.describe("exports of " .. name, function()
    for _, dir in ipairs(folders) do
      for _, optimize in ipairs { true, false } do
        local title = dir:match "[^/]+$" .. (optimize and "" or " as it stands")
        env.it(title .. " agrees with its maker", function()
          local verdict, reason = conformance.run(dir, { optimize = optimize })
          env.assert.equal("pass", verdict, reason)
        end)
      end
    end
    env.it("are there", function() env.assert.is_true(lfs.attributes(root, "mode") == "directory" and #folders > 0) end)
  end)
end
