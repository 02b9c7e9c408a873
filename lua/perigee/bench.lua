--- Measuring: latency of a model on this machine.
local core = require "perigee.core"
local graph = require "perigee.graph"
local options = require "perigee.util.options"
local tensor = require "perigee.tensor"

local M = {}

--- A tensor for an input of a model, filled from a seed: uniform in [0, 1) for floats, zeros and
--- ones for the rest. Free dimensions become `size` (default 1).
---@param spec perigee.ValueInfo
---@param seed integer
---@param sizes? table<string, integer> by the dimension's name
---@return perigee.Tensor
function M.fill(spec, seed, sizes)
  local shape = {}
  for i, n in ipairs(spec.shape or {}) do
    shape[i] = math.type(n) == "integer" and n or sizes and sizes[n] or 1
  end
  local dtype = spec.dtype or "f32"
  if dtype == "string" then return core.tensor_new("string", shape) end
  local is_float = dtype:find "f%d"
  return tensor.random(shape, { seed = seed, high = is_float and 1 or 2, dtype = dtype })
end

--- Inputs for a whole session, from a seed.
---@param session perigee.Session
---@param seed? integer default 0
---@param sizes? table<string, integer>
---@return table<string, perigee.Tensor>
function M.inputs(session, seed, sizes)
  local inputs = {}
  for i, spec in ipairs(session:input_list()) do
    inputs[spec.name] = M.fill(spec, (seed or 0) + i, sizes)
  end
  return inputs
end

--- Names of the free dimensions of inputs, in order.
---@param specs perigee.ValueInfo[]
---@return string[]
function M.free_dimensions(specs)
  local names, seen = {}, {}
  for _, spec in ipairs(specs) do
    for _, n in ipairs(spec.shape or {}) do
      if type(n) == "string" and not seen[n] then
        seen[n] = true
        names[#names + 1] = n
      end
    end
  end
  return names
end

--- Sizes must be of dimensions that the inputs have.
---@param specs perigee.ValueInfo[]
---@param sizes table<string, integer>?
---@return true? ok
---@return string? message
function M.check_sizes(specs, sizes)
  local names, known = M.free_dimensions(specs), {}
  for _, name in ipairs(names) do known[name] = true end
  for name in pairs(sizes or {}) do
    if not known[name] then
      local list = #names > 0 and table.concat(names, ", ") or "none"
      return nil, ("no free dimension '%s' (the inputs have: %s)"):format(name, list)
    end
  end
  return true
end

--- Runs on inputs some of which were filled: a failure says which free dimensions were guessed.
---@param session perigee.Session
---@param inputs table<string, perigee.Tensor>
---@param filled perigee.ValueInfo[] the inputs that were filled
---@param sizes? table<string, integer>
---@param wanted? string[]
---@return table? outputs
---@return string? message
---@return string? code
function M.attempt(session, inputs, filled, sizes, wanted)
  local ok, out, message, code = pcall(session.run, session, inputs, wanted)
  if ok and out then return out end
  if not ok then message, code = tostring(out):gsub("^[^\n:]+:%d+: ", ""), "invalid" end
  local guessed = {}
  for _, name in ipairs(M.free_dimensions(filled)) do
    if not (sizes and sizes[name]) then guessed[#guessed + 1] = name end
  end
  if #guessed > 0 then
    message = ("%s (sizes taken as 1: %s)"):format(message, table.concat(guessed, ", "))
  end
  return nil, message, code
end

local function percentile(sorted, p)
  return sorted[math.max(1, math.ceil(#sorted * p))]
end

---@class perigee.bench.options
---@field threads? integer default the machine's
---@field seconds? number default 2
---@field warmup? integer runs before, default 2
---@field seed? integer for the inputs
---@field sizes? table<string, integer> of free dimensions, by name

---@class perigee.bench.result
---@field model string
---@field threads integer
---@field runs integer
---@field median_ms number
---@field min_ms number
---@field p90_ms number
---@field p99_ms number
---@field mean_ms number
---@field load_ms number
---@field peak_bytes integer of the whole process

--- Runs a model for a while.
---@param path string
---@param opts? perigee.bench.options
---@return perigee.bench.result? result
---@return string? message
---@return string? code
function M.run(path, opts)
  local o = options.check(opts, {
    threads = core.cpu_count(), seconds = 2, warmup = 2, seed = 0, sizes = options.none,
  })
  local started = core.clock()
  local g, message, code = graph.load(path)
  if not g then return nil, message, code end
  local session
  session, message, code = g:session { threads = o.threads }
  if not session then return nil, message, code end
  g:close()
  local load_ms = (core.clock() - started) * 1e3
  local specs = session:input_list()
  local ok, problem = M.check_sizes(specs, o.sizes)
  if not ok then return nil, problem, "invalid" end
  local inputs = M.inputs(session, o.seed, o.sizes)
  for _ = 1, o.warmup do
    local out
    out, message, code = M.attempt(session, inputs, specs, o.sizes)
    if not out then return nil, message, code end
  end
  local times, total = {}, 0
  while total < o.seconds or #times < 5 do
    local t = core.clock()
    session:run(inputs)
    t = core.clock() - t
    times[#times + 1], total = t * 1e3, total + t
  end
  local mean = total * 1e3 / #times
  table.sort(times)
  return {
    model = path, threads = o.threads, runs = #times, load_ms = load_ms, mean_ms = mean,
    median_ms = percentile(times, 0.5), min_ms = times[1], p90_ms = percentile(times, 0.9),
    p99_ms = percentile(times, 0.99), peak_bytes = core.peak_bytes(),
  }
end

return M
