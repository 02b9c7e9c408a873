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

--- How many elements a value has, free sizes (batches) counted as one; nil when nothing is known.
local function count_of(spec)
  local n = spec.shape and 1
  for _, size in ipairs(spec.shape or {}) do
    n = n * (math.type(size) == "integer" and size or 1)
  end
  return n
end

--- Which of the second list comes to which of the first: one of as many elements, else by position.
local function place(first, second)
  local taken, out = {}, {}
  for i, spec in ipairs(first) do
    for k, other in ipairs(second) do
      if not out[i] and not taken[k] and count_of(spec) and count_of(spec) == count_of(other) then
        out[i], taken[k] = other, true
      end
    end
  end
  for i in ipairs(first) do
    for k, other in ipairs(second) do
      if not out[i] and not taken[k] then out[i], taken[k] = other, true end
    end
  end
  return out
end

--- Inputs and outputs: by name, and the rest by size and position.
function Matching:border(specs_a, specs_b)
  local all_a, all_b = by_name(self.a), by_name(self.b)
  local rest_a, rest_b, is_there = {}, {}, {}
  for _, spec in ipairs(specs_b) do is_there[spec.name] = true end
  for _, spec in ipairs(specs_a) do
    local name = spec.name
    if is_there[name] and all_a[name] and all_b[name] then
      self:join(all_a[name], all_b[name], "name")
      is_there[name] = nil
    else
      rest_a[#rest_a + 1] = spec
    end
  end
  for _, spec in ipairs(specs_b) do
    if is_there[spec.name] then rest_b[#rest_b + 1] = spec end
  end
  if #rest_a ~= #rest_b then return end
  for i, other in ipairs(place(rest_a, rest_b)) do
    local a, b = all_a[rest_a[i].name], all_b[other.name]
    if a and b then self:join(a, b, "place") end
  end
end

--- What is left, by name. Exporters number values: the same number, or another operator, says
--- little.
function Matching:names()
  local all = by_name(self.a)
  for _, b in ipairs(self.b) do
    local a = all[b.name]
    if a and a.is_input == b.is_input then
      self:join(a, b, "name", a.type ~= b.type or b.name:find "^%d+$" ~= nil)
    end
  end
end

--- The node's operator and its inputs as names of the first graph, constants by how many elements
--- they have (their axes may be in another order); nil when an input has no partner.
local function key_of(v, known, graph, rename)
  local parts = { v.type, tostring(v.output) }
  for i, name in ipairs(v.inputs) do
    local here = name
    if name ~= "" and known[name] then
      here = rename(name)
      if not here then return nil end
    elseif name ~= "" then
      local info = graph:value(name)
      here = "#" .. (info and info.constant and info.constant.count or "")
    end
    parts[i + 2] = here
  end
  return table.concat(parts, "\0")
end

local function near(x, y) return math.abs(x - y) <= 1e-2 * math.max(math.abs(x), math.abs(y)) end

--- Whether two nodes hold constants that may be the same in another order of axes.
local function same_constants(a, b, graph_a, graph_b)
  for i, name in ipairs(a.inputs) do
    local other = b.inputs[i]
    local x = name ~= "" and graph_a:value(name)
    local y = other and other ~= "" and graph_b:value(other)
    x, y = x and x.constant, y and y.constant
    if x and y and x.dtype ~= "string" and y.dtype ~= "string" then
      local count, _, squares, low, high = core.summary(x)
      local count_b, _, squares_b, low_b, high_b = core.summary(y)
      if count ~= count_b or not near(squares, squares_b) or not near(low, low_b)
        or not near(high, high_b) then
        return false
      end
    end
  end
  return true
end

--- Of several that fit, the one of the same name, else the one with the same constants (several
--- heads on one trunk); nil when that can't be told.
local function take(queue, v, graph_a, graph_b)
  for i, candidate in ipairs(queue) do
    if candidate.name == v.name then return table.remove(queue, i) end
  end
  if queue.n == 1 then return table.remove(queue) end
  for i, candidate in ipairs(queue) do
    if same_constants(candidate, v, graph_a, graph_b) then return table.remove(queue, i) end
  end
end

--- Nodes of the same operator on the same inputs make the same values.
function Matching:structure()
  local known_a, known_b, waiting = by_name(self.a), by_name(self.b), {}
  for _, v in ipairs(self.a) do
    if v.node and not self.of_a[v.name] then
      local key = key_of(v, known_a, self.graph_a, function(name) return name end)
      local queue = waiting[key] or { n = 0 }
      waiting[key] = queue
      queue.n = queue.n + 1
      queue[queue.n] = v
    end
  end
  local function rename(name) return self.of_b[name] and self.of_b[name].a.name end
  for _, v in ipairs(self.b) do
    local key = v.node and not self.of_b[v.name] and key_of(v, known_b, self.graph_b, rename)
    local queue = key and waiting[key]
    if queue and queue[1] then
      local partner = take(queue, v, self.graph_a, self.graph_b)
      if partner then
        self:join(partner, v, partner.name == v.name and "name" or "structure")
      end
    end
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
  self:structure()
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

--- Outputs with what can be told of their sizes.
local function outputs_of(graph)
  local typed <close> = assert(graph:clone())
  typed:infer()
  return typed:output_list()
end

--- Pairs by border, names and structure; content comes on top where values can be had.
---@param a perigee.Graph
---@param b perigee.Graph
function M.new(a, b)
  local self = setmetatable({
    a = M.values(a), b = M.values(b), of_a = {}, of_b = {}, graph_a = a, graph_b = b,
  }, Matching)
  self:border(a:input_list(), b:input_list())
  self:border(outputs_of(a), outputs_of(b))
  self:structure()
  self:names()
  self:structure()
  return self
end

return M
