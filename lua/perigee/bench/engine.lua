--- One engine in a process of its own: started, told to run for a while, told to end. The process
--- reads commands ("run SECONDS", "end") and answers each with a line of JSON; peers/common.py is
--- the other side in Python, worker.lua perigee's own.
local lfs = require "lfs"
local text = require "perigee.util.text"

local M = {}
local Engine = {}
Engine.__index = Engine

local here = debug.getinfo(1, "S").source:match "^@(.*/)" or "./"

--- What --vs knows: a Python file under peers/ and an option for it.
M.peers = {
  onnxruntime = { "onnxruntime_peer.py" },
  openvino = { "openvino_peer.py" },
  ["openvino-default"] = { "openvino_peer.py", "default" },
  ncnn = { "ncnn_peer.py" },
  mnn = { "mnn_peer.py" },
  litert = { "litert_peer.py" },
}

--- The interpreter with the peers' packages: PERIGEE_BENCH_PYTHON, or what `make bench-deps` made.
---@return string
function M.python()
  local given = os.getenv "PERIGEE_BENCH_PYTHON"
  if given then return given end
  local cache = os.getenv "XDG_CACHE_HOME" or (os.getenv "HOME" or "") .. "/.cache"
  local made = cache .. "/perigee/bench/bin/python"
  return lfs.attributes(made, "mode") and made or "python3"
end

local function command(name, model, folder, threads, isa)
  local words, last
  if name == "perigee" then
    words = {
      "env", "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath,
      "PERIGEE_ISA=" .. (isa or os.getenv "PERIGEE_ISA" or "native"),
      text.interpreter(), here .. "worker.lua",
    }
  else
    local file, option = table.unpack(M.peers[name])
    words, last = { M.python(), here .. "peers/" .. file }, option
  end
  table.move({ model, folder, tostring(threads), last }, 1, 4, #words + 1, words)
  for i, word in ipairs(words) do words[i] = text.quote(word) end
  return table.concat(words, " ")
end

--- Starts an engine; it loads the model, runs once and says what it is and where its outputs are.
---@param name string "perigee" or a key of M.peers
---@param model string
---@param folder string inputs.json and its arrays; temporary files go there
---@param threads integer
---@param isa? string for perigee: PERIGEE_ISA
---@return table? engine with .ready, the first answer
---@return string? message
function M.start(name, model, folder, threads, isa)
  local pipe = ("%s/%s.pipe"):format(folder, (name:gsub("%W", "_")))
  if not os.execute("mkfifo " .. text.quote(pipe)) then return nil, "can't make a pipe" end
  local words = command(name, model, folder, threads, isa)
  local to = assert(io.popen(("exec %s >%s 2>%s.log"):format(words, text.quote(pipe),
    text.quote(pipe)), "w"))
  local from = assert(io.open(pipe))
  os.remove(pipe)
  local self = setmetatable({ name = name, to = to, from = from, log = pipe .. ".log" }, Engine)
  local ready, message = self:answer()
  if not ready or ready.error then
    self:close()
    return nil, ready and ready.error or message
  end
  self.ready = ready
  return self
end

function Engine:answer()
  for line in self.from:lines() do -- some libraries greet when they are loaded
    if line:sub(1, 1) == "{" then return (require("dkjson").decode(line)) end
  end
  local last = "it ended without a word"
  for said in io.lines(self.log) do
    if said:find "%S" then last = said end
  end
  return nil, last
end

function Engine:tell(line)
  self.to:write(line, "\n")
  self.to:flush()
  return self:answer()
end

--- Runs for a while: n, median_ms, min_ms.
function Engine:run(seconds) return self:tell(("run %g"):format(seconds)) end

--- Ends the process: peak_bytes.
function Engine:finish()
  local answer = self:tell "end"
  self:close()
  return answer
end

function Engine:close()
  self.from:close()
  self.to:close()
end

return M
