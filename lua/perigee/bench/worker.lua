-- perigee's own side of the protocol in engine.lua. Arguments: MODEL FOLDER THREADS.
local core = require "perigee.core"
local json = require "dkjson"
local pg = require "perigee"

local model, folder, threads = arg[1], arg[2], math.tointeger(tonumber(arg[3]))

local function answer(fields)
  io.write(json.encode(fields), "\n")
  io.flush()
end

--- VmHWM or VmRSS of this process, in bytes.
local function resident(field)
  for line in io.lines "/proc/self/status" do
    local kib = line:match("^" .. field .. ":%s*(%d+)")
    if kib then return math.tointeger(tonumber(kib)) * 1024 end
  end
end

local function read_inputs()
  local file = assert(io.open(folder .. "/inputs.json"))
  local names, inputs = json.decode(file:read "a"), {}
  file:close()
  for i, name in ipairs(names) do
    inputs[name] = assert(pg.tensor.npy(("%s/%d.npy"):format(folder, i - 1)))
  end
  return inputs
end

local function measure(session, inputs, seconds)
  local times, stop = {}, core.clock() + seconds
  while #times < 3 or core.clock() < stop do
    local start = core.clock()
    session:run(inputs)
    times[#times + 1] = (core.clock() - start) * 1e3
  end
  table.sort(times)
  local n = #times
  return { n = n, min_ms = times[1], median_ms = (times[(n + 1) // 2] + times[n // 2 + 1]) / 2 }
end

local inputs = read_inputs()
local base, start = resident "VmRSS", core.clock()
local graph, problem = pg.load(model)
local session
if graph then
  session, problem = graph:session { threads = threads }
  graph:close()
end
if not session then return answer { error = problem } end
local loaded = core.clock()
local outputs = session:run(inputs)
local first = core.clock()
local names = {}
local files = ("%s/perigee-%d"):format(folder, threads)
for i, spec in ipairs(session:output_list()) do
  names[i] = spec.name
  assert(outputs[i]:save(("%s-%d.npy"):format(files, i - 1)))
end
outputs = nil -- luacheck: ignore 311
answer {
  version = core.version, note = core.isa(), outputs = names, files = files,
  load_ms = (loaded - start) * 1e3, first_ms = (first - loaded) * 1e3, base_bytes = base,
}
for line in io.lines() do
  local seconds = line:match "^run (%S+)$"
  if not seconds then break end
  answer(measure(session, inputs, tonumber(seconds)))
end
answer { peak_bytes = resident "VmHWM" }
