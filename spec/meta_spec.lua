-- Every method of the userdata stands in the file for editors, and nothing else does.
local core = require "perigee.core"
require "perigee"

local function declared(class)
  local names = {}
  for line in io.lines "lua/perigee/meta/types.lua" do
    local name = line:match("^function " .. class .. ":([%w_]+)%(")
    if name then names[name] = true end
  end
  return names
end

describe("lua/perigee/meta/types.lua", function()
  for class, meta in pairs {
    Tensor = core.tensor_meta, Graph = core.graph_meta, Node = core.node_meta,
    Session = core.session_meta,
  } do
    it("declares the methods of " .. class, function()
      local names = declared(class)
      for name in pairs(meta.__methods) do
        assert.is_true(names[name], class .. ":" .. name .. " is not declared")
      end
      for name in pairs(names) do
        assert.is_not_nil(meta.__methods[name], class .. ":" .. name .. " does not exist")
      end
    end)
  end
end)
