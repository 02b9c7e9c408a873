--- The list of what a check has found.
local M = {}

---@class perigee.Finding
---@field rule string which kind of rule is broken: "arity", "ssa", "topology" ...
---@field severity "error"|"warning" warnings: what the standard asks for and everybody tolerates
---@field graph string? the subgraph or function that it is in; nil: the main graph
---@field node string? name of the node, or "#N", its position, when it has none
---@field operator string? of the node
---@field value string? name of the value, initialiser, attribute or other thing
---@field message string

local Report = {}
Report.__index = Report

--- Beyond this many the list says nothing new, and a hostile file could make it huge.
local MOST = 10000

---@return table
function M.new() return setmetatable({ findings = {}, told = {}, n_errors = 0 }, Report) end

--- `at`: { graph, node, operator, value, what }, all optional; `what` begins the message.
--- The same again, of a function that is looked at several times, isn't told again.
function Report:add(severity, rule, at, format, ...)
  local message = format:format(...)
  if at.what then message = at.what .. ": " .. message end
  local key = table.concat({ rule, at.graph or "", at.node or "", message }, "\0")
  if self.told[key] then return end
  if severity == "error" then self.n_errors = self.n_errors + 1 end
  local list = self.findings
  if #list >= MOST then
    self.is_cut = true
    return
  end
  self.told[key] = true
  list[#list + 1] = {
    rule = rule, severity = severity, graph = at.graph, node = at.node, operator = at.operator,
    value = at.value, message = message,
  }
end

function Report:error(rule, at, ...) self:add("error", rule, at, ...) end
function Report:warning(rule, at, ...) self:add("warning", rule, at, ...) end

--- A text of the file within a line: what can't be printed, and what would be too long, is not.
---@param text any
---@return string
---@param most? integer bytes, default 80
function M.shown(text, most)
  text, most = tostring(text), most or 80
  if #text > most then text = text:sub(1, most - 3) .. "..." end
  return (text:gsub("[%c]", function(c) return ("\\x%02x"):format(c:byte()) end))
end

--- One line for people.
---@param finding perigee.Finding
---@return string
function M.line(finding)
  local parts = { finding.severity, ": " }
  if finding.graph then parts[#parts + 1] = finding.graph .. ": " end
  if finding.node then
    local name = finding.node
    local quoted = name:find "^#%d+$" and name or "'" .. M.shown(name) .. "'"
    parts[#parts + 1] = ("node %s (%s): "):format(quoted, M.shown(finding.operator))
  end
  parts[#parts + 1] = finding.message
  parts[#parts + 1] = " [" .. finding.rule .. "]"
  return table.concat(parts)
end

return M
