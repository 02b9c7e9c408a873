--- Checks models against the ONNX standard, and says all that is wrong.
---
---     for _, finding in ipairs(pg.check "model.onnx") do print(pg.check.line(finding)) end
---
--- DESIGN.md beside this file says how.
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local engine = require "perigee.check.engine"
local model_rules = require "perigee.check.model"
local reports = require "perigee.check.report"
local wire = require "perigee.check.wire"

local M = { line = reports.line }

local function finish(report)
  local findings = report.findings
  if report.is_cut then
    findings[#findings + 1] = {
      rule = "limit", severity = "error", message = "there is more, which isn't listed",
    }
  end
  findings.n_errors = report.n_errors
  return findings
end

--- Checks the bytes of `source`; `load` gives the graph that the engine makes of them.
local function check_source(source, path, load)
  local report = reports.new()
  local model, fault = wire.read(source, "Model")
  if not model then
    report:error("format", {}, "%s", fault)
    return finish(report)
  end
  if not (model.ir_version or model.graph or model.opset_import) then
    report:error("format", {}, "this is no ONNX model")
    return finish(report)
  end
  model_rules.check(model, { source = source, path = path, report = report })
  local graph, message, code = load()
  if graph then
    if model.graph then engine.check(report, graph) end
  elseif report.n_errors == 0 and code ~= "unsupported" and code ~= "nomem" then
    report:error("format", {}, "%s", message)
  end
  return finish(report)
end

---@return perigee.Finding[]? findings
---@return string? message
---@return string? code
local function check_file(path)
  local source, message = wire.from_file(path)
  if not source then return nil, message, "io" end
  local graph
  local findings = check_source(source, path, function()
    local why, code
    graph, why, code = core.load_shapes(path)
    return graph, why, code
  end)
  source:close()
  if graph then graph:close() end
  return findings
end

--- Checks the bytes of an ONNX file. Data that lie in other files aren't looked at.
---@param bytes string
---@return perigee.Finding[] findings
function M.bytes(bytes)
  if type(bytes) ~= "string" then blame("check.bytes: expected a string, got a %s", type(bytes)) end
  return check_source(wire.from_bytes(bytes), nil, function() return core.load_bytes(bytes) end)
end

--- Types of outputs that nobody declared are inferred, as when the graph is saved.
local function has_untyped_output(graph)
  for _, spec in ipairs(graph:output_list()) do
    if spec.type == "?" then return true end
  end
end

--- What another format than ONNX gives as a graph; nothing for ONNX and what can't be read at all.
local function load_other(path)
  if core.container_sections(path) then
    local ok, message, code = core.container_verify(path)
    if not ok then return nil, message, code end
    return core.load(path)
  end
  local graph, message, code = require("perigee.convert").load(path)
  if code ~= "io" then return graph, message, code end
end

local function check_graph(model)
  local copy, message, code = model:clone()
  if not copy then return nil, message, code end
  if has_untyped_output(copy) then copy:infer() end
  local outline
  outline, message, code = copy:outline()
  local findings = outline
    and check_source(wire.from_bytes(outline), nil, function() return copy end)
  copy:close()
  if not findings then return nil, message, code end
  return findings
end

--- Checks a graph, or the file at a path: what a graph was read from may have faults that the graph
--- has no more, and an ONNX file with faults may make no graph. Of other formats the graph is
--- checked that they give.
---@param model perigee.Graph|string
---@return perigee.Finding[]? findings with n_errors: how many are more than warnings
---@return string? message
---@return string? code
local function check(_, model)
  if type(model) == "userdata" then return check_graph(model) end
  if type(model) ~= "string" then
    blame("check: expected a graph or a path, got a %s", type(model))
  end
  local graph, message, code = load_other(model)
  if message then return nil, message, code end
  if not graph then return check_file(model) end
  local findings
  findings, message, code = check_graph(graph)
  graph:close()
  return findings, message, code
end

return setmetatable(M, { __call = check })
