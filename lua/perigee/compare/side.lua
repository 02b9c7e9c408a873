--- The two sides of a comparison: something that computes named values of a model from inputs. A
--- side has `label`, `engine` (what it computes with, as text), `graph` (for its structure, may be
--- nil) and fetch(names), which gives the values by name; what is no tensor is left out.
local core = require "perigee.core"
local json = require "dkjson"
local text = require "perigee.util.text"

local M = {}

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or "./"

-- ---- perigee in this process --------------------------------------------------------------------

local Local = {}
Local.__index = Local

--- A session lives for one set of values: what it packs and plans for them goes with it.
function Local:fetch(names)
  local session <close>, message, code = self.graph:session {
    threads = self.threads, optimize = self.optimize,
  }
  if not session then return nil, message, code end
  local ok, out, problem, kind = pcall(session.run, session, self.inputs, names)
  if not ok then return nil, tostring(out):gsub("^[^\n:]+:%d+: ", ""), "invalid" end
  if not out then return nil, problem, kind end
  local values = {}
  for _, name in ipairs(names) do
    if core.is_tensor(out[name]) then values[name] = out[name] end
  end
  return values
end

function Local.close() end

-- ---- perigee in a process of its own
-- --------------------------------------------------------------

local Child = {}
Child.__index = Child

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  assert(file:close())
end

local function temporary_folder()
  local path = os.tmpname()
  os.remove(path)
  assert(require "lfs".mkdir(path))
  return path
end

local function remove_folder(path)
  for name in require "lfs".dir(path) do
    if name ~= "." and name ~= ".." then os.remove(path .. "/" .. name) end
  end
  os.remove(path)
end

--- Inputs as files, once for all runs.
local function write_inputs(folder, inputs)
  local names = setmetatable({}, { __jsontype = "array" })
  for name, value in pairs(inputs) do
    if not core.is_tensor(value) then return nil, ("input '%s' is no tensor"):format(name) end
    names[#names + 1] = name
    local ok, message = core.pb_write(value, ("%s/input-%d.pb"):format(folder, #names))
    if not ok then return nil, message end
  end
  return names
end

--- One run of the worker: the job goes there as a file, and so do its answers. A crash of the
--- process is an answer, too.
---@param job table see worker.lua
---@return table? answer
---@return string? message
---@return string? code
function M.work(folder, job, isa)
  write(folder .. "/job.json", json.encode(job))
  local words = {
    "env", "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath,
    "PERIGEE_ISA=" .. (isa or os.getenv "PERIGEE_ISA" or "native"), text.interpreter(),
    here .. "worker.lua", folder,
  }
  for i, word in ipairs(words) do words[i] = text.quote(word) end
  local log = text.quote(folder .. "/log")
  local _, how, number = os.execute(table.concat(words, " ") .. " >" .. log .. " 2>&1")
  local file = io.open(folder .. "/answer.json")
  local answer = file and json.decode(file:read "a")
  if file then file:close() end
  os.remove(folder .. "/answer.json")
  if answer and not answer.error then return answer end
  if answer then return nil, answer.error, answer.code or "failed" end
  -- The shell tells a signal of its child as 128 and more.
  if how == "exit" and number > 128 then how, number = "signal", number - 128 end
  return nil, ("the process ended by %s %d"):format(how, number), "crash"
end

function Child:fetch(names)
  local answer, message, code = M.work(self.folder, {
    model = self.model, weights = self.weights, threads = self.threads, optimize = self.optimize,
    inputs = self.names, want = setmetatable(names, { __jsontype = "array" }),
  }, self.isa)
  if not answer then return nil, message, code end
  self.isa_used = answer.isa
  local values = {}
  for i, name in ipairs(names) do
    if answer.has[i] then
      local path = ("%s/value-%d.pb"):format(self.folder, i)
      local value, problem, kind = core.pb_read(path)
      if value == nil then return nil, problem, kind end
      values[name] = value
      os.remove(path)
    end
  end
  return values
end

function Child:close() remove_folder(self.folder) end

-- ---- another engine
-- -------------------------------------------------------------------------------

local Peer = {}
Peer.__index = Peer

--- The model is written anew with the wanted values as its outputs.
function Peer:fetch(names)
  local engine = require "perigee.bench.engine"
  local model <close> = assert(self.graph:clone())
  local is_output = {}
  for _, spec in ipairs(model:output_list()) do is_output[spec.name] = true end
  for _, name in ipairs(names) do
    if not is_output[name] then model:add_output(name) end
  end
  model:infer() -- an output has a declared type
  local ok, message, code = model:save(self.folder .. "/model.onnx")
  if not ok then return nil, message, code end
  local running
  local path = self.folder .. "/model.onnx"
  running, message = engine.start(self.peer, path, self.folder, self.threads)
  if not running then
    if message:find "ModuleNotFound" or message:find "not found" then
      message = ("not installed for %s (%s); PERIGEE_BENCH_PYTHON names an interpreter that has it")
        :format(engine.python(), message)
      return nil, self.peer .. " is " .. message, "unsupported"
    end
    return nil, ("%s: %s"):format(self.peer, message), "failed"
  end
  running:close()
  local ready, values = running.ready, {}
  self.engine = ("%s %s"):format(self.peer, ready.version)
  for i, name in ipairs(ready.outputs) do
    local file = ("%s-%d.npy"):format(ready.files, i - 1)
    values[name] = core.npy_read(file)
    os.remove(file)
  end
  return values
end

function Peer:close() remove_folder(self.folder) end

-- ---- stored outputs
-- -------------------------------------------------------------------------------

local Stored = {}
Stored.__index = Stored

function Stored:fetch(names)
  local out = {}
  for _, name in ipairs(names) do out[name] = self.values[name] end
  return out
end

function Stored.close() end

-- ---- making them
-- ----------------------------------------------------------------------------------

--- perigee on a model.
---@param spec { path?: string, weights?: string, graph: perigee.Graph, inputs: table, threads?:
--- integer, optimize?: boolean, isa?: string }
function M.perigee(spec)
  local threads = spec.threads or core.cpu_count()
  local self = {
    graph = spec.graph, inputs = spec.inputs, threads = threads, optimize = spec.optimize ~= false,
    isa = spec.isa, label = spec.label or spec.path or "graph",
  }
  self.engine = ("perigee %s, %s, %d thread%s%s"):format(core.version,
    spec.isa or core.isa(), threads, threads == 1 and "" or "s",
    self.optimize and "" or ", not optimized")
  if not spec.isa or spec.isa == core.isa() then return setmetatable(self, Local) end
  self.folder = temporary_folder()
  local message
  self.names, message = write_inputs(self.folder, spec.inputs)
  if not self.names then
    remove_folder(self.folder)
    return nil, message, "unsupported"
  end
  -- A graph that was made or changed here goes along as perigee's own file.
  self.model, self.weights = spec.path, spec.weights
  if not self.model then
    self.model = self.folder .. "/model.perigee"
    local ok, problem, code = spec.graph:save(self.model)
    if not ok then return nil, problem, code end
  end
  return setmetatable(self, Child)
end

--- Another engine (a key of perigee.bench.engine's peers) on a graph that ONNX can say.
function M.peer(name, graph, inputs, threads)
  local self = setmetatable({
    graph = graph, inputs = inputs, peer = name, threads = threads or core.cpu_count(),
    folder = temporary_folder(), label = name, engine = name, is_foreign = true,
  }, Peer)
  local names = setmetatable({}, { __jsontype = "array" })
  for key, value in pairs(inputs) do
    names[#names + 1] = key
    local ok, message, code = core.npy_write(value, ("%s/%d.npy"):format(self.folder, #names - 1))
    if not ok then
      self:close()
      return nil, message, code
    end
  end
  write(self.folder .. "/inputs.json", json.encode(names))
  return self
end

--- Outputs that were stored, by name.
function M.stored(label, values)
  return setmetatable({
    values = values, label = label, engine = "stored", is_foreign = true,
  }, Stored)
end

M.temporary_folder, M.remove_folder, M.write_inputs = temporary_folder, remove_folder, write_inputs

return M
