--- What only the engine can tell: the shapes that follow.
local shown = require("perigee.check.report").shown

local M = {}

--- A message of the engine's inference, which begins with the node.
local function refuse(report, message)
  local node, operator, rest = message:match "^node '([^']*)' %(([^)]*)%): (.*)$"
  local at = node and { node = node ~= "" and node or nil, operator = operator } or {}
  if node == "" then rest = operator .. ": " .. rest end
  report:error("inference", at, "%s", shown(rest or message, 300))
end

--- What the engine's inference says of a graph: the first node that can't be, or all declared types
--- that contradict the inferred ones.
---@param graph perigee.Graph its types change
function M.check(report, graph)
  local ok, result, code = graph:infer()
  if not ok then
    -- What this build can't do is no fault of the model.
    local is_fault = code ~= "unsupported" and code ~= "nomem"
    if is_fault and report.n_errors == 0 then refuse(report, result) end
    return
  end
  local told = {} -- of element types the rules have spoken
  for _, finding in ipairs(report.findings) do
    if finding.rule == "type" and finding.value then told[finding.value] = true end
  end
  for _, c in ipairs(result) do
    if not told[c.name] then
      report:error("shape", { value = c.name }, "'%s': declared as %s, but it comes out as %s",
        shown(c.name), shown(c.declared, 200), shown(c.inferred, 200))
    end
  end
end

return M
