--- Which value of one graph is which of another: by name, by place in the structure, by content.
local core = require "perigee.core"

local M = {}

--- One value of a graph, in topological order.
---@class perigee.compare.Value
---@field name string
---@field node perigee.Node? that makes it; nil: an input
---@field output integer which of its outputs
---@field is_output boolean of the graph
---@field is_input boolean

---@class perigee.compare.Pair
---@field a perigee.compare.Value
---@field b perigee.compare.Value
---@field how "name"|"place"|"structure"|"content"
---@field is_weak boolean? only a guess: a difference says that it was wrong

--- The inputs of a graph and what its nodes make, in order of execution.
---@param graph perigee.Graph
---@return perigee.compare.Value[]
function M.values(graph)
  local list, is_output = {}, {}
  for _, spec in ipairs(graph:output_list()) do is_output[spec.name] = true end
  for _, spec in ipairs(graph:input_list()) do
    list[#list + 1] = {
      name = spec.name, is_input = true, is_output = is_output[spec.name] or false,
    }
  end
  for node in graph:nodes() do
    local inputs = node.inputs
    for i, name in ipairs(node.outputs) do
      if name ~= "" then
        list[#list + 1] = {
          name = name, node = node, type = node.type, inputs = inputs, output = i,
          is_output = is_output[name] or false, is_input = false,
        }
      end
    end
  end
  return list
end

local Matching = {}
Matching.__index = Matching

function Matching:join(a, b, how, is_weak)
  if self.of_a[a.name] or self.of_b[b.name] then return end
  local pair = { a = a, b = b, how = how, is_weak = is_weak or nil }
  self.of_a[a.name], self.of_b[b.name] = pair, pair
end

local function by_name(list)
  local out = {}
  for _, v in ipairs(list) do out[v.name] = v end
  return out
end

local function names_of(specs)
  local out = {}
  for i, spec in ipairs(specs) do out[i] = spec.name end
  return out
end

--- Inputs and outputs: by name, and the rest by position.
function Matching:border(names_a, names_b)
  local all_a, all_b = by_name(self.a), by_name(self.b)
  local rest_a, rest_b, is_there = {}, {}, {}
  for _, name in ipairs(names_b) do is_there[name] = true end
  for _, name in ipairs(names_a) do
    if is_there[name] and all_a[name] and all_b[name] then
      self:join(all_a[name], all_b[name], "name")
      is_there[name] = nil
    else
      rest_a[#rest_a + 1] = name
    end
  end
  for _, name in ipairs(names_b) do
    if is_there[name] then rest_b[#rest_b + 1] = name end
  end
  if #rest_a ~= #rest_b then return end
  for i, name in ipairs(rest_a) do
    if all_a[name] and all_b[rest_b[i]] then
      self:join(all_a[name], all_b[rest_b[i]], "place")
    end
  end
end

--- Formats that number their values give the same names to different ones: then the operators
--- differ.
function Matching:names()
  local all = by_name(self.a)
  for _, b in ipairs(self.b) do
    local a = all[b.name]
    if a and a.is_input == b.is_input then self:join(a, b, "name", a.type ~= b.type) end
  end
end

--- The node's operator and its inputs as names of the first graph; nil when one has no partner.
local function key_of(v, known, rename)
  local parts = { v.type, tostring(v.output) }
  for i, name in ipairs(v.inputs) do
    local here = name == "" and "" or known[name] and rename(name) or not known[name] and "#"
    if not here then return nil end
    parts[i + 2] = here
  end
  return table.concat(parts, "\0")
end

--- Nodes of the same operator on the same inputs make the same values.
function Matching:structure()
  local known_a, known_b, waiting = by_name(self.a), by_name(self.b), {}
  for _, v in ipairs(self.a) do
    if v.node and not self.of_a[v.name] then
      local key = key_of(v, known_a, function(name) return name end)
      waiting[key] = waiting[key] or {}
      table.insert(waiting[key], v)
    end
  end
  local function rename(name) return self.of_b[name] and self.of_b[name].a.name end
  for _, v in ipairs(self.b) do
    local key = v.node and not self.of_b[v.name] and key_of(v, known_b, rename)
    local queue = key and waiting[key]
    if queue and queue[1] then self:join(table.remove(queue, 1), v, "structure") end
  end
end

local function close(x, y, size) return math.abs(x - y) <= 1e-4 * size + 1e-30 end

local function summarize(value)
  if not core.is_tensor(value) or value.dtype == "string" or value.dtype:find "^c" then
    return nil
  end
  local count, sum, squares, low, high, special = core.summary(value)
  if count < 2 or special > 0 or low >= high then return nil end -- says too little
  return { count = count, sum = sum, squares = squares, low = low, high = high }
end

local function alike(x, y)
  local size = math.sqrt(x.squares)
  local top = math.max(math.abs(x.low), math.abs(x.high))
  return x.count == y.count and close(x.squares, y.squares, x.squares)
    and close(x.low, y.low, top) and close(x.high, y.high, top)
    and close(x.sum, y.sum, size * math.sqrt(x.count))
end

--- What is left on both sides, by what it holds: sums and extremes don't ask for the order of axes.
---@param each_a fun(values: table, visit: fun(v: table, tensor: any)): true?, string?, string?
---@param each_b fun(values: table, visit: fun(v: table, tensor: any)): true?, string?, string?
---@return true? ok
---@return string? message
---@return string? code
function Matching:content(each_a, each_b)
  local function left(list, of)
    local out = {}
    for _, v in ipairs(list) do
      if v.node and not of[v.name] then out[#out + 1] = v end
    end
    return out
  end
  local rest_a, rest_b = left(self.a, self.of_a), left(self.b, self.of_b)
  if #rest_a == 0 or #rest_b == 0 then return true end
  local function summaries(rest, each)
    local out = {}
    local ok, message, code = each(rest, function(v, value) out[v.name] = summarize(value) end)
    if not ok then return nil, message, code end
    return out
  end
  local of_a, message, code = summaries(rest_a, each_a)
  if not of_a then return nil, message, code end
  local of_b
  of_b, message, code = summaries(rest_b, each_b)
  if not of_b then return nil, message, code end
  local by_count = {}
  for _, v in ipairs(rest_a) do
    local s = of_a[v.name]
    if s then
      by_count[s.count] = by_count[s.count] or {}
      table.insert(by_count[s.count], v)
    end
  end
  for _, b in ipairs(rest_b) do
    local s = of_b[b.name]
    for i, a in ipairs(s and by_count[s.count] or {}) do
      if alike(of_a[a.name], s) then
        self:join(a, b, "content", true)
        table.remove(by_count[s.count], i)
        break
      end
    end
  end
  return true
end

--- The pairs in the first graph's order.
---@return perigee.compare.Pair[]
function Matching:pairs()
  local list = {}
  for _, v in ipairs(self.a) do
    if self.of_a[v.name] then list[#list + 1] = self.of_a[v.name] end
  end
  return list
end

--- Pairs by border, names and structure; content comes on top where values can be had.
---@param a perigee.Graph
---@param b perigee.Graph
function M.new(a, b)
  local self = setmetatable({
    a = M.values(a), b = M.values(b), of_a = {}, of_b = {},
  }, Matching)
  self:border(names_of(a:input_list()), names_of(b:input_list()))
  self:border(names_of(a:output_list()), names_of(b:output_list()))
  self:names()
  self:structure()
  return self
end

return M
