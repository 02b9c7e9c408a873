--- Sessions: graphs made executable.
---
---     local s = graph:session { threads = 2 }
---     local out = s { image = tensor }         -- all outputs, by name and by position
---     local mid = s:run({ image = tensor }, { "conv3_out" })  -- any value of the graph
local core = require "perigee.core"
local text = require "perigee.util.text"

local methods = core.session_meta.__methods

local function each(list)
  local i = 0
  return function()
    i = i + 1
    if list[i] then return list[i].name, list[i] end
  end
end

--- `for name, spec in session:inputs()`; spec has name, dtype, shape.
---@return fun(): string?, perigee.ValueInfo?
function methods:inputs() return each(self:input_list()) end

---@return fun(): string?, perigee.ValueInfo?
function methods:outputs() return each(self:output_list()) end

-- Sessions remember the model's own labels: metadata "labels", a JSON array of strings.
local labels_of = setmetatable({}, { __mode = "k" })

--- Used by graph.session.
---@param session perigee.Session
---@param json string?
function methods.remember_labels(session, json)
  labels_of[session] = json
  return session
end

--- `session.labels`: an array of strings, or nil.
core.session_meta.__index = function(self, key)
  local method = methods[key]
  if method ~= nil or key ~= "labels" then return method end
  local labels = labels_of[self]
  if type(labels) == "string" then
    labels = require "dkjson".decode(labels)
    labels_of[self] = labels
  end
  return labels
end

local function spec_text(spec) return spec.name .. " " .. text.type(spec) end

core.session_meta.__tostring = function(self)
  local ok, inputs = pcall(self.input_list, self)
  if not ok then return "Session (closed)" end
  local parts = {}
  for _, spec in ipairs(inputs) do parts[#parts + 1] = spec_text(spec) end
  local ins = table.concat(parts, ", ")
  parts = {}
  for _, spec in ipairs(self:output_list()) do parts[#parts + 1] = spec_text(spec) end
  return ("Session  %s -> %s"):format(ins, table.concat(parts, ", "))
end

return methods
