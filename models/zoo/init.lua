--- The zoo: well-known architectures with seeded random weights, to measure and to test on.
---
---     package.path = "models/?.lua;models/?/init.lua;" .. package.path
---     local zoo = require "zoo"
---     local graph = zoo.build("resnet50", { seed = 1 })
---
--- Weights are not trained: shapes, sizes and times are those of the real networks, answers aren't.
local families = {
  "resnet", "vgg", "mobilenet", "squeezenet", "shufflenet", "densenet", "efficientnet", "yolo",
  "unet", "transformer", "recurrent", "small", "layers",
}

local M = { builders = {} }

for _, family in ipairs(families) do
  for name, build in pairs(require("zoo." .. family)) do M.builders[name] = build end
end

--- All names, sorted.
---@return string[]
function M.names()
  local names = {}
  for name in pairs(M.builders) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---@param name string
---@param opts? { seed?: integer }
---@return perigee.Graph? graph
---@return string? message
function M.build(name, opts)
  local build = M.builders[name]
  if not build then
    return nil, ("no network '%s' in the zoo (there are: %s)"):format(name,
      table.concat(M.names(), ", "))
  end
  return build(opts and opts.seed)
end

return M
