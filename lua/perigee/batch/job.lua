--- What is done with each item: a model's default treatment, or a script's.
---
--- A script is a Lua file that returns a function (item, ctx) -> table, or
--- { setup = function(ctx) -> state, run = function(item, ctx, state) -> table }. The table is the
--- item's line of results. ctx.options holds what `--set NAME=VALUE` gave; ctx:path(item, ending)
--- names a file for what belongs to the item (a picture, an array).
local core = require "perigee.core"
local value_file = require "perigee.util.value_file"

local M = {}

-- ---- an item, as a script sees it -------------------------------------------------------------

local Item = {}
Item.__index = Item

--- The file's content, or the text.
function Item:bytes()
  if self.text then return self.text end
  local file, message = io.open(self.path, "rb")
  if not file then error(message, 0) end
  local text = file:read "a"
  file:close()
  return text
end

local function must(value, message)
  if value == nil then error(message, 0) end
  return value
end

function Item:image() return must(require("perigee.image").read(self.path)) end

---@return perigee.Tensor samples f32 [channels, samples]
---@return integer rate
function Item:audio()
  local samples, rate = core.wav_read(self.path)
  return must(samples, rate), rate
end

function Item:tensor() return must(core.npy_read(self.path)) end

function M.item(fields) return setmetatable(fields, Item) end

-- ---- the default treatment of a model ---------------------------------------------------------

--- Scores as the best few; small outputs as numbers; large ones as an array in a file.
local function describe(name, value, item, ctx)
  local MOST_NUMBERS = 64
  local shape = value.shape
  local is_scores = #shape <= 2 and value.count == (shape[#shape] or 1) and value.count > 1
  local labels = ctx.session.labels
  if is_scores and (labels or value.count > MOST_NUMBERS) and value.dtype == "f32" then
    local post = require "perigee.post"
    local list = {}
    for i, best in ipairs(post.topk(value:reshape(-1), ctx.options.top or 5, labels)) do
      list[i] = { index = best.index, score = best.score, label = best.label }
    end
    return { top = list }
  elseif value.count <= MOST_NUMBERS and not ctx.options.npy then
    return value:totable()
  end
  local path = ctx:path(item, ("_%s.npy"):format(name:gsub("[^%w_.-]", "_")))
  must(core.npy_write(value, path))
  return { file = path:match "[^/]*$", shape = shape, dtype = value.dtype }
end

local function model_job(path)
  return {
    setup = function(ctx)
      local graph = must(require("perigee.graph").load(path))
      ctx.session = must(graph:session { threads = 1 })
      graph:close()
      if #ctx.session:input_list() ~= 1 then
        error(path .. ": has several inputs; write a script that says what goes where", 0)
      end
      return ctx.session
    end,
    run = function(item, ctx, session)
      local spec = session:input_list()[1]
      if not item.path then error(item.name .. ": a line of text wants a script", 0) end
      local value = must(value_file.read(item.path, spec, ctx.options))
      local outputs = must(session { [spec.name] = value })
      local result = {}
      for _, output in ipairs(session:output_list()) do
        result[output.name] = describe(output.name, outputs[output.name], item, ctx)
      end
      return result
    end,
  }
end

-- ---- jobs -------------------------------------------------------------------------------------

local function script_job(path)
  local chunk, message = loadfile(path)
  if not chunk then return nil, message end
  local ok, job = pcall(chunk)
  if not ok then return nil, tostring(job) end
  if type(job) == "function" then job = { run = job } end
  if type(job) ~= "table" or type(job.run) ~= "function" then
    return nil, path .. ": expected to return a function, or a table with `run`"
  end
  return job
end

---@param path string a model, or a script ending in .lua
---@return table? job
---@return string? message
function M.load(path)
  if path:find "%.lua$" then return script_job(path) end
  return model_job(path)
end

--- Where an item's own files go: its name with everything odd replaced and, as two names may come
--- to the same, the beginning of a hash.
local function context(folder, options)
  return {
    options = options,
    folder = folder,
    path = function(self, item, ending)
      local stem = item.name:gsub("%.[^./]*$", ""):gsub("^.*/", ""):gsub("[^%w_.-]", "_")
      return ("%s/%s-%s%s"):format(self.folder, stem, core.sha256(item.name):sub(1, 8), ending)
    end,
  }
end
M.context = context

return M
