--- Several engines on one model in one interleaved run. Each is a process of its own; they take
--- turns for a fraction of a second, several rounds long, so that whatever the machine does besides
--- hits them all alike. A ratio is that of two engines' medians in the same round; what is told is
--- the median of these ratios with a bootstrap interval (Efron & Tibshirani 1993, ch. 13).
local bench = require "perigee.bench"
local core = require "perigee.core"
local engine = require "perigee.bench.engine"
local graph = require "perigee.graph"
local options = require "perigee.util.options"
local tensor = require "perigee.tensor"
local text = require "perigee.util.text"
local work = require "perigee.bench.work"

local M = {}

--- Above this a cache line goes a long way from CPU to CPU: another cache, another die.
M.FAR_NS = 90

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  return (sorted[(n + 1) // 2] + sorted[n // 2 + 1]) / 2
end

--- The middle 95 % of the medians of resampled lists; the same for the same list.
local function interval(list)
  local RESAMPLES, n = 1000, #list
  local draws = tensor.random({ RESAMPLES * n }, { seed = n, high = n, dtype = "f64" }):totable()
  local medians = {}
  for i = 1, RESAMPLES do
    local sample = {}
    for j = 1, n do sample[j] = list[math.floor(draws[(i - 1) * n + j]) + 1] end
    medians[i] = median(sample)
  end
  table.sort(medians)
  return medians[25], medians[975]
end

--- Inputs as files for all; returns nothing, or nil and a message.
local function write_inputs(folder, inputs, order)
  for i, name in ipairs(order) do
    local ok, message = inputs[name]:save(("%s/%d.npy"):format(folder, i - 1))
    if not ok then return nil, message end
  end
  local file, message = io.open(folder .. "/inputs.json", "w")
  if not file then return nil, message end
  file:write(require("dkjson").encode(setmetatable(order, { __jsontype = "array" })))
  return file:close()
end

--- The largest difference of two engines' outputs as a part of the range of the first's; nil where
--- their shapes can't be brought together.
local function difference(a, b)
  local worst = 0
  for i = 1, math.min(#a.outputs, #b.outputs) do
    local x = tensor.npy(("%s-%d.npy"):format(a.files, i - 1))
    local y = tensor.npy(("%s-%d.npy"):format(b.files, i - 1))
    if not (x and y) or x.count ~= y.count then return nil end
    x, y = x:cast "f64", y:cast "f64"
    local is_other_layout = #x.shape == 4 and #y.shape == 4 and x.shape[2] ~= y.shape[2]
    if is_other_layout then y = y:permute(1, 4, 2, 3) end
    local scale = math.max(x:abs():max():item(), 1e-30)
    local gap = (x:reshape(-1) - y:contiguous():reshape(-1)):abs():max():item() / scale
    if gap > worst or gap ~= gap then worst = gap end
  end
  return worst
end

local function temporary_folder()
  local pipe = assert(io.popen "mktemp -d")
  local folder = pipe:read "l"
  pipe:close()
  return folder
end

--- What an engine's outputs may differ by, as a part of their range: sums in another order; bf16.
local TOLERANCE, TOLERANCE_BF16 = 1e-3, 5e-2

--- nil when the engine computes what perigee computes, else what is wrong.
local function disagreement(own, one)
  local tolerance = one.name == "openvino-default" and TOLERANCE_BF16 or TOLERANCE
  one.difference = difference(own.ready, one.ready)
  if not one.difference then return "gives outputs of other shapes" end
  if one.difference <= tolerance then return nil end
  return ("its outputs differ by %.1e of their range"):format(one.difference)
end

--- Engines that run and agree, perigee first; the rest with the reason.
local function start_all(names, model, folder, o)
  local engines, failures = {}, {}
  for _, name in ipairs(names) do
    local one, message = engine.start(name, model, folder, o.threads, o.isa)
    if one then
      message = disagreement(engines[1] or one, one)
      if message then one:finish() end
    end
    if not message then
      engines[#engines + 1] = one
    else
      failures[#failures + 1] = { engine = name, error = message }
    end
  end
  return engines, failures
end

--- Rounds of turns; times[name] = { near = {...}, far = {...} } by the probe before and after.
local function take_rounds(engines, o)
  local times, is_probed = {}, o.threads > 1
  for _, one in ipairs(engines) do
    one:run(0.1) -- warm
    times[one.name] = { near = {}, far = {} }
  end
  for _ = 1, o.rounds do
    local before = is_probed and core.ping_pong() or 0
    local row = {}
    for i, one in ipairs(engines) do
      local answer, message = one:run(o.seconds)
      if not answer then return nil, ("%s: %s"):format(one.name, message) end
      row[i] = answer.median_ms
    end
    local after = is_probed and core.ping_pong() or 0
    local kind = math.max(before, after) > M.FAR_NS and "far" or "near"
    for i, one in ipairs(engines) do
      local list = times[one.name][kind]
      list[#list + 1] = row[i]
    end
  end
  return times
end

local function summarise(own, other)
  local ratios = {}
  for i, ms in ipairs(own) do ratios[i] = ms / other[i] end
  if #ratios == 0 then return nil end
  local low, high = interval(ratios)
  return {
    median_ms = median(other), ratio = median(ratios), low = low, high = high, rounds = #ratios,
  }
end

---@class perigee.ruler.options
---@field vs string[] peers
---@field threads? integer default 1
---@field rounds? integer default 7
---@field seconds? number of each turn, default 0.3
---@field seed? integer
---@field sizes? table<string, integer>
---@field isa? string PERIGEE_ISA of perigee

--- Measures perigee and its peers on a model.
---@param model string
---@param opts perigee.ruler.options
---@return table? report model, threads, macs, peak (FLOP/s of a core), engines (perigee first),
---  failures; an engine has name, version, note, load_ms, first_ms, peak_bytes, base_bytes,
---  difference, and near and far, each { median_ms, ratio (perigee's time to its), low, high }
---@return string? message
function M.run(model, opts)
  local o = options.check(opts, {
    vs = {}, threads = 1, rounds = 7, seconds = 0.3, seed = 0, sizes = options.none,
    isa = options.none,
  })
  local g, message = graph.load(model)
  if not g then return nil, message end
  local inputs, order = {}, {}
  for i, spec in ipairs(g:input_list()) do
    inputs[spec.name], order[i] = bench.fill(spec, o.seed + i, o.sizes), spec.name
  end
  local report = { model = model, threads = o.threads, macs = work.macs(g, o.sizes) }
  g:close()
  local folder = temporary_folder()
  local ok
  ok, message = write_inputs(folder, inputs, order)
  if ok then ok, message = M.measure(report, folder, o) end
  os.execute("rm -rf " .. text.quote(folder))
  if not ok then return nil, message end
  return report
end

--- Fills the report; the folder holds the inputs.
function M.measure(report, folder, o)
  local names = table.move(o.vs, 1, #o.vs, 2, { "perigee" })
  local engines, failures = start_all(names, report.model, folder, o)
  report.failures = failures
  if not engines[1] or engines[1].name ~= "perigee" then return nil, failures[1].error end
  local times, message = take_rounds(engines, o)
  if not times then return nil, message end
  report.peak = core.peak_f32()
  report.engines = {}
  for i, one in ipairs(engines) do
    local ready, t = one.ready, times[one.name]
    report.engines[i] = {
      name = one.name, version = ready.version, note = ready.note, load_ms = ready.load_ms,
      first_ms = ready.first_ms, base_bytes = ready.base_bytes,
      difference = one.difference,
      near = summarise(times.perigee.near, t.near), far = summarise(times.perigee.far, t.far),
      peak_bytes = one:finish().peak_bytes,
    }
  end
  return true
end

return M
