-- perigee in a process of its own, for one job: FOLDER/job.json says { model, weights, threads,
-- optimize, inputs = names of input-N.pb, want = names }; answer.json says { isa, has = { true or
-- false, ... } } beside value-N.pb, or { error, code }.
local core = require "perigee.core"
local json = require "dkjson"
local pg = require "perigee"

local folder = arg[1]

local function answer(fields)
  local file = assert(io.open(folder .. "/answer.part", "w"))
  file:write(json.encode(fields))
  assert(file:close())
  assert(os.rename(folder .. "/answer.part", folder .. "/answer.json"))
end

local function work()
  local file = assert(io.open(folder .. "/job.json"))
  local job = json.decode(file:read "a")
  file:close()
  local graph, message, code = pg.load(job.model, job.weights)
  if not graph then return { error = message, code = code } end
  local session
  session, message, code = graph:session { threads = job.threads, optimize = job.optimize }
  if not session then return { error = message, code = code } end
  local inputs = {}
  for i, name in ipairs(job.inputs) do
    inputs[name] = assert(core.pb_read(("%s/input-%d.pb"):format(folder, i)))
  end
  local out
  out, message, code = session:run(inputs, job.want)
  if not out then return { error = message, code = code } end
  local has = {}
  for i, name in ipairs(job.want or {}) do
    has[i] = core.is_tensor(out[name])
    if has[i] then assert(core.pb_write(out[name], ("%s/value-%d.pb"):format(folder, i))) end
  end
  return { isa = core.isa(), has = has }
end

local ok, result = pcall(work)
answer(ok and result or { error = (tostring(result):gsub("^[^\n:]+:%d+: ", "")), code = "failed" })
