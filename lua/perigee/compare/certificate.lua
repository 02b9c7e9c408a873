--- Certificates: what was compared, with what, and what came out, so that anybody can do it again.
local core = require "perigee.core"
local json = require "dkjson"
local lfs = require "lfs"

local M = {}

local FORMAT = "perigee certificate 1"

local function entries(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Of a file, or of all files below a folder.
local function hash(path)
  if lfs.attributes(path, "mode") ~= "directory" then return core.sha256_file(path) end
  local parts = {}
  for _, name in ipairs(entries(path)) do
    local digest, message, code = hash(path .. "/" .. name)
    if not digest then return nil, message, code end
    parts[#parts + 1] = digest .. "  " .. name
  end
  return core.sha256(table.concat(parts, "\n"))
end

--- { path, sha256 } of each file that makes a model: its own, its weights, external data beside it.
local function files_of(model)
  local files = {}
  local paths = { model[1], model[2] }
  if #paths == 1 and lfs.attributes(model[1] .. ".data", "mode") == "file" then
    paths[2] = model[1] .. ".data"
  end
  for i, path in ipairs(paths) do
    local digest, message, code = hash(path)
    if not digest then return nil, message, code end
    files[i] = { path = path, sha256 = digest }
  end
  return files
end

--- A job is what the command line said: { a = { path, weights? }, b = { ... }?, inputs = { name =
--- path }, stored = path?, options = {...} }; a report is what compare gave.
---@param path string
---@param job table
---@param report table
---@return true? ok
---@return string? message
---@return string? code
function M.write(path, job, report)
  local a, message, code = files_of(job.a)
  if not a then return nil, message, code end
  local b
  if job.b then
    b, message, code = files_of(job.b)
    if not b then return nil, message, code end
  end
  local input_files = {}
  for name, file in pairs(job.inputs) do
    input_files[name] = { path = file, sha256 = hash(file) }
  end
  local text = json.encode({
    format = FORMAT, version = report.version, verdict = report.verdict, first = report.first,
    models = { a = a, b = b, weights_a = job.a[2], weights_b = job.b and job.b[2] },
    engines = { a = report.a.engine, b = report.b.engine }, stored = job.stored,
    options = setmetatable(job.options, { __jsontype = "object" }),
    input_files = setmetatable(input_files, { __jsontype = "object" }),
    inputs = report.inputs, values = report.values, unmatched = report.unmatched,
    date = os.date "!%Y-%m-%dT%H:%M:%SZ",
  }, {
    indent = true, keyorder = {
      "format", "verdict", "date", "version", "models", "engines", "options", "first", "inputs",
      "input_files", "values",
    },
    -- What is infinite or not a number has no form in JSON.
    exception = function() return "null" end,
  })
  return core.write_file(path, text .. "\n")
end

--- The job of a certificate, and what it said.
---@return table? job
---@return table|string certificate
---@return string? code
function M.read(path)
  local file, message = io.open(path, "rb")
  if not file then return nil, message, "io" end
  local text = file:read "a"
  file:close()
  local c = json.decode(text or "")
  if type(c) ~= "table" or c.format ~= FORMAT or type(c.models) ~= "table"
    or type(c.models.a) ~= "table" or type(c.models.a[1]) ~= "table"
    or type(c.options) ~= "table" or type(c.values) ~= "table" or type(c.inputs) ~= "table" then
    return nil, ("%s: expected a '%s'"):format(path, FORMAT), "format"
  end
  local inputs = {}
  for name, given in pairs(type(c.input_files) == "table" and c.input_files or {}) do
    inputs[name] = given.path
  end
  local m = c.models
  return {
    a = { m.a[1].path, m.weights_a }, b = m.b and { m.b[1].path, m.weights_b }, inputs = inputs,
    stored = c.stored, options = c.options,
  }, c
end

--- Files that are not what they were, as lines.
---@param c table
---@return string[]
function M.changed_files(c)
  local lines = {}
  local function look(files)
    for _, f in pairs(files or {}) do
      local digest, message = hash(f.path)
      if not digest then
        lines[#lines + 1] = message
      elseif digest ~= f.sha256 then
        lines[#lines + 1] = f.path .. ": its content changed"
      end
    end
  end
  look(c.models.a)
  look(c.models.b)
  look(c.input_files)
  return lines
end

--- What a new report says otherwise than the certificate.
---@param c table
---@param report table
---@return string[] lines
function M.contradictions(c, report)
  local lines, now = {}, {}
  if c.verdict ~= report.verdict then
    lines[1] = ("the verdict was '%s', it is '%s'"):format(tostring(c.verdict), report.verdict)
  end
  for i, input in ipairs(c.inputs) do
    local other = report.inputs[i]
    if not other or other.sha256 ~= input.sha256 then
      lines[#lines + 1] = ("input '%s' is another"):format(tostring(input.name))
    end
  end
  for _, row in ipairs(report.values) do now[row.a] = row end
  for _, row in ipairs(c.values) do
    local other = now[row.a]
    if not other then
      lines[#lines + 1] = ("value '%s' was compared, it isn't any more"):format(tostring(row.a))
    elseif row.ok ~= other.ok then
      lines[#lines + 1] = ("value '%s' %s"):format(tostring(row.a),
        other.ok and "agrees now" or "doesn't agree any more")
    end
  end
  return lines
end

return M
