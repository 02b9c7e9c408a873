--- Runs ONNX test folders: model.onnx with test_data_set_N/{input,output}_i.pb.
local lfs = require "lfs"
local core = require "perigee.core"
local graph = require "perigee.graph"
local options = require "perigee.util.options"

local M = {}

local function is_file(path) return lfs.attributes(path, "mode") == "file" end
local function is_dir(path) return lfs.attributes(path, "mode") == "directory" end

local function sorted_entries(dir)
  local names = {}
  for name in lfs.dir(dir) do
    if name:sub(1, 1) ~= "." then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Test folders at or below the given ones, in order.
---@param dirs string[]
---@return string[]? folders
---@return string? message
---@return string? code
function M.find(dirs)
  local found = {}
  local function walk(dir)
    if is_file(dir .. "/model.onnx") then
      found[#found + 1] = dir
      return
    end
    for _, name in ipairs(sorted_entries(dir)) do
      local path = dir .. "/" .. name
      if is_dir(path) then walk(path) end
    end
  end
  for _, dir in ipairs(dirs) do
    if not is_dir(dir) then return nil, dir .. ": not a directory", "io" end
    walk((dir:gsub("(.)/+$", "%1")))
  end
  return found
end

--- The folder's own tolerance: a file with two numbers, rtol and atol.
---@return number? rtol
---@return number|string? atol or, after a nil, a message
local function folder_tolerance(dir)
  local file = io.open(dir .. "/tolerance")
  if not file then return nil end
  local content = file:read "a" or ""
  file:close()
  local rtol, atol = content:match "^%s*(%S+)%s+(%S+)%s*$"
  rtol, atol = tonumber(rtol), tonumber(atol)
  if not (rtol and atol and rtol >= 0 and atol >= 0) then
    return nil,
      ("tolerance: expected two numbers, rtol and atol, got '%s'"):format(content:sub(1, 40))
  end
  return rtol, atol
end

local function dtype_of(value)
  while type(value) == "table" do value = value[1] end
  return value and value.dtype
end

--- Sequences and maps by their keys, all else by the core.
---@return boolean same
---@return string? difference
local function compare(actual, expected, rtol, atol)
  if type(actual) ~= "table" or type(expected) ~= "table" then
    return core.allclose(actual, expected, rtol, atol)
  end
  for key, value in pairs(expected) do
    if actual[key] == nil then return false, ("no element '%s'"):format(key) end
    local same, difference = compare(actual[key], value, rtol, atol)
    if not same then return false, ("element '%s': %s"):format(key, difference) end
  end
  for key in pairs(actual) do
    if expected[key] == nil then return false, ("element '%s': not expected"):format(key) end
  end
  return true
end

local function close_enough(actual, expected, o)
  local is_half = dtype_of(expected) == "f16" or dtype_of(expected) == "bf16"
  return compare(actual, expected, o.rtol or 1e-3, o.atol or (is_half and 1e-3 or 1e-5))
end

--- Which graph inputs the files stand for, as positions among all: those without an initialiser
--- when there are as many files as of these (old models list their weights as inputs too), else
--- all.
local function input_positions(g, dir)
  local all, required = {}, {}
  local is_required = {}
  for name in g:inputs() do is_required[name] = true end
  for i, name in ipairs(g:all_input_names()) do
    all[i] = i
    if is_required[name] then required[#required + 1] = i end
  end
  local last = ("%s/input_%d.pb"):format(dir, #required)
  return is_file(last) and all or required
end

local function read_inputs(g, dir)
  local inputs, names = {}, g:all_input_names()
  for i, position in ipairs(input_positions(g, dir)) do
    local name = names[position]
    local path = ("%s/input_%d.pb"):format(dir, i - 1)
    if is_file(path) then
      local value, message, code = core.pb_read(path, g, "input", position)
      if value == nil and message then return nil, message, code end
      inputs[name] = value
    end
  end
  return inputs
end

local function run_set(g, session, dir, o)
  local inputs, message = read_inputs(g, dir)
  if not inputs then return "error", message end
  local out, why, code = session:run(inputs)
  if not out then return code == "unsupported" and "unsupported" or "error", why end
  for i, spec in ipairs(g:output_list()) do
    local path = ("%s/output_%d.pb"):format(dir, i - 1)
    if is_file(path) then
      local expected, problem = core.pb_read(path, g, "output", i)
      if expected == nil and problem then return "error", problem end
      local same, difference = close_enough(out[spec.name], expected, o)
      if not same then return "wrong", ("output '%s': %s"):format(spec.name, difference) end
    end
  end
  return "pass", ""
end

local function run(dir, o)
  local g, message, code = graph.load(dir .. "/model.onnx")
  if not g then return code == "unsupported" and "unsupported" or "error", message end
  local session
  session, message, code = g:session { threads = o.threads, optimize = o.optimize }
  if not session then return code == "unsupported" and "unsupported" or "error", message end
  local n = 0
  for _, name in ipairs(sorted_entries(dir)) do
    if name:match "^test_data_set_%d+$" then
      n = n + 1
      local verdict, reason = run_set(g, session, dir .. "/" .. name, o)
      if verdict ~= "pass" then return verdict, name .. ": " .. reason end
    end
  end
  if n == 0 then return "error", "no test_data_set_N" end
  return "pass", ""
end

--- Runs one folder; never raises.
---@param dir string
---@param opts? { rtol?: number, atol?: number, threads?: integer, optimize?: boolean }
---@return "pass"|"wrong"|"unsupported"|"error" verdict
---@return string reason one line, "" when passed
function M.run(dir, opts)
  local o = options.check(opts, {
    rtol = options.none, atol = options.none, threads = 1, optimize = true,
  })
  local rtol, atol = folder_tolerance(dir)
  if not rtol and atol then return "error", (atol:gsub("[\r\n\t]+", " ")) end
  o.rtol, o.atol = o.rtol or rtol, o.atol or atol
  local ok, verdict, reason = pcall(run, dir, o)
  -- What a model's own data do wrong raises; the position would be this program's.
  if not ok then verdict, reason = "error", tostring(verdict):gsub("^[^\n:]+:%d+: ", "") end
  return verdict, (reason:gsub("[\r\n\t]+", " "))
end

return M
