--- The proof that a conversion hands over: the model as it was loaded beside the file that was
--- written.
local compare = require "perigee.compare"
local graphs = require "perigee.graph"

local M = {}

local random_operators = {
  RandomNormal = true, RandomUniform = true, RandomNormalLike = true, RandomUniformLike = true,
  Bernoulli = true, Multinomial = true,
}

--- Why nobody could compare two runs of this graph; nil when one can.
local function obstacle(graph)
  for node in graph:nodes() do
    if random_operators[node.type] and not node.attrs.seed then
      return ("node '%s' (%s) makes other random numbers each time"):format(
        node.name ~= "" and node.name or node.outputs[1], node.type)
    end
  end
end

---@class perigee.compare.Proof
---@field verdict "same"|"different"|"unproved"
---@field message string one line: what was shown, or why nothing could be
---@field report table? of perigee.compare

--- Loads what was written and compares it with the source, value by value.
---@param source perigee.Graph as it was loaded
---@param written string path
---@param opts? perigee.compare.Options
---@return perigee.compare.Proof
function M.prove(source, written, opts)
  local why = obstacle(source)
  if why then return { verdict = "unproved", message = "not proved: " .. why } end
  local copy <close>, message = graphs.load(written)
  if not copy then
    return { verdict = "different", message = "what was written can't be loaded: " .. message }
  end
  local ok, report, problem = pcall(compare.run, source, copy, opts)
  if not ok then report, problem = nil, tostring(report):gsub("^[^\n:]+:%d+: ", "") end
  if not report then return { verdict = "unproved", message = "not proved: " .. problem } end
  if report.verdict == "same" then
    return {
      verdict = "same", report = report,
      message = ("proved: %d values agree with the source"):format(#report.values),
    }
  end
  local f = report.first
  return {
    verdict = "different", report = report,
    message = ("what was written computes something else, first at node '%s' (%s), value '%s'%s")
      :format(f.node or "?", f.type or "?", f.value,
        f.reasons[1] and ": " .. f.reasons[1] or ""),
  }
end

--- Writes the proof down; the options are those that it was made with.
---@param path string
---@param source string[] path, and that of its weights
---@param written string
---@param proof perigee.compare.Proof
---@return true? ok
---@return string? message
---@return string? code
function M.certify(path, source, written, proof)
  return require "perigee.compare.certificate".write(path, {
    a = source, b = { written }, inputs = {}, options = {},
  }, proof.report)
end

return M
