--- Pouring named tensors into a graph of the same topology: a checkpoint into an ONNX export.
---
---     local report = assert(graph:pour(pg.tensors "weights.pth"))
---     for _, line in ipairs(report.unmatched) do print("nobody gave", line) end
---
--- Constants are matched by name (exact, then without "module." and with dots for slashes, then by
--- a suffix that only one has), then layer by layer in order by shape: transposed where the graph
--- stores the other way, with BatchNorm folded into Conv where the graph has it so, gates of
--- LSTM and GRU in ONNX's order.
local core = require "perigee.core"
local options = require "perigee.util.options"
local tensors = require "perigee.tensors"

local Pour = {}
Pour.__index = Pour

local function normal(name)
  return (name:gsub("[/:]+", "."):gsub("^module%.", ""):gsub("^model%.", ""):gsub("%.module%.", ".")
    :lower())
end

local function same_shape(a, b)
  local x, y = a.shape, b.shape
  if #x ~= #y then return false end
  for i, n in ipairs(x) do
    if n ~= y[i] then return false end
  end
  return true
end

local function is_weight(t) return t.dtype:find "^b?f%d" ~= nil end

--- Puts a tensor into the place of a constant.
function Pour:set(name, t, from, how)
  local old = self.graph:value(name).constant
  if t.dtype ~= old.dtype then t = t:cast(old.dtype) end
  local fresh = self.graph:add_constant(nil, t:contiguous())
  self.graph:replace(name, fresh)
  self.done[name], self.done[fresh] = true, true
  self.names[name] = fresh
  for _, source in ipairs(from) do self.used[source] = true end
  table.insert(self.report.matched,
    { name = name, from = #from == 1 and from[1] or table.concat(from, " + "), how = how })
end

-- ---- by name -----------------------------------------------------------------------------------

function Pour:by_name()
  local short = {}
  for name in self.source:each() do
    local key = normal(name)
    short[key] = short[key] == nil and name or false
  end
  for _, name in ipairs(self.wanted) do
    local t = self.graph:value(name).constant
    local exact = self.source:get(name)
    local how = exact and "name" or "similar name"
    local found = exact and name or short[normal(name)]
    local given = found and self.source:get(found)
    if given and same_shape(given, t) then self:set(name, given, { found }, how) end
  end
end

--- A suffix of at least two parts that one tensor alone has.
function Pour:by_suffix()
  local ends = {}
  for name in self.source:each() do
    local rest = normal(name)
    while rest and rest:find "%." do
      ends[rest] = ends[rest] == nil and name or false
      rest = rest:match "^[^.]+%.(.+)$"
    end
  end
  for _, name in ipairs(self.wanted) do
    local rest = not self.done[name] and normal(name)
    while rest and rest:find "%." do
      local found = ends[rest]
      local given = found and not self.used[found] and self.source:get(found)
      if given and same_shape(given, self.graph:value(name).constant) then
        self:set(name, given, { found }, "suffix")
        break
      end
      rest = rest:match "^[^.]+%.(.+)$"
    end
  end
end

-- ---- layer by layer ----------------------------------------------------------------------------

--- Layers of the source: { prefix, weight, bias, running_mean, running_var }, in order.
local function layers_of(source)
  local list, by_prefix = {}, {}
  for name in source:each() do
    local prefix, role = name:match "^(.*)%.([%w_]+)$"
    if prefix then
      local layer = by_prefix[prefix]
      if not layer then
        layer = { prefix = prefix }
        by_prefix[prefix], list[#list + 1] = layer, layer
      end
      layer[role] = name
    end
  end
  return list
end

--- gamma / sqrt(var + eps), and beta - mean * that.
function Pour:scale_of(bn)
  local mean, var = self.source:get(bn.running_mean), self.source:get(bn.running_var)
  local scale = (var + self.epsilon):sqrt():reciprocal()
  if bn.weight then scale = scale * self.source:get(bn.weight) end
  local shift = -(mean * scale)
  if bn.bias then shift = shift + self.source:get(bn.bias) end
  return scale, shift
end

function Pour:constant(name)
  if not name or name == "" or self.done[name] then return end
  local info = self.graph:value(name)
  return info and info.constant
end

--- A folded Conv from a layer and the BatchNorm behind it.
function Pour:fold(node, layer, bn)
  local inputs = node.inputs
  local scale, shift = self:scale_of(bn)
  local w = self.source:get(layer.weight)
  local wide = { w.shape[1] }
  for i = 2, w.rank do wide[i] = 1 end
  local from = { layer.weight, bn.running_mean, bn.running_var, bn.weight, bn.bias }
  if layer.bias then shift = shift + self.source:get(layer.bias) * scale end
  self:set(inputs[2], w * scale:reshape(wide), from, "folded BatchNorm")
  if self:constant(inputs[3]) then
    self:set(inputs[3], shift, { bn.bias or bn.running_mean }, "folded BatchNorm")
  end
end

local function is_free(self, layer) return layer.weight and not self.used[layer.weight] end

function Pour:conv(node)
  local w = self:constant(node.inputs[2])
  if not w then return end
  for i, layer in ipairs(self.layers) do
    if is_free(self, layer) and same_shape(self.source:get(layer.weight), w) then
      local bn = self.layers[i + 1]
      local is_folded = bn and bn.running_mean and not self.used[bn.running_mean]
        and self.source:get(bn.running_mean).count == w.shape[node.type == "Conv" and 1 or 2]
        and node.type == "Conv"
      if is_folded and self:constant(node.inputs[3]) then return self:fold(node, layer, bn) end
      self:set(node.inputs[2], self.source:get(layer.weight), { layer.weight }, "order")
      if layer.bias and self:constant(node.inputs[3]) then
        self:set(node.inputs[3], self.source:get(layer.bias), { layer.bias }, "order")
      end
      return
    end
  end
end

function Pour:product(node)
  local w = self:constant(node.inputs[2])
  if not w or w.rank ~= 2 then return end
  local keeps = node.type == "Gemm" and node.attrs.transB == 1
  for _, layer in ipairs(self.layers) do
    local given = is_free(self, layer) and self.source:get(layer.weight)
    if given and given.rank == 2 then
      local fitting = keeps and given or given:transpose()
      if same_shape(fitting, w) then
        self:set(node.inputs[2], fitting, { layer.weight }, keeps and "order" or "transposed")
        if layer.bias and self:constant(node.inputs[3]) then
          self:set(node.inputs[3], self.source:get(layer.bias), { layer.bias }, "order")
        end
        return
      end
    end
  end
end

--- PyTorch's gates i f g o and r z n in ONNX's order i o f c and z r h.
local orders = { LSTM = { 1, 4, 2, 3 }, GRU = { 2, 1, 3 }, RNN = { 1 } }

local function reordered(t, order)
  local n, parts = t.shape[1] // #order, {}
  for i, gate in ipairs(order) do
    parts[i] = t:slice(1, (gate - 1) * n + 1, gate * n):contiguous()
  end
  return #parts == 1 and parts[1] or (core.eval("Concat", parts, { axis = 0 }))
end

function Pour:recurrent(node)
  local w, order = self:constant(node.inputs[2]), orders[node.type]
  if not w then return end
  for _, layer in ipairs(self.layers) do
    for n = 0, 7 do
      local function role(kind, d)
        return layer[("%s_l%d%s"):format(kind, n, d == 2 and "_reverse" or "")]
      end
      local first = role("weight_ih", 1)
      if first and not self.used[first] and self.source:get(first).shape[1] == w.shape[2]
        and self.source:get(first).shape[2] == w.shape[3] then
        local function stack(kinds)
          local rows, from = {}, {}
          for d = 1, w.shape[1] do
            local parts = {}
            for _, kind in ipairs(kinds) do
              local name = role(kind, d)
              if not name then return end
              parts[#parts + 1], from[#from + 1] = reordered(self.source:get(name), order), name
            end
            local whole = #parts == 1 and parts[1] or (core.eval("Concat", parts, { axis = 0 }))
            rows[d] = whole:unsqueeze(1)
          end
          return #rows == 1 and rows[1] or (core.eval("Concat", rows, { axis = 0 })), from
        end
        for i, kinds in ipairs { { "weight_ih" }, { "weight_hh" }, { "bias_ih", "bias_hh" } } do
          local value, from = stack(kinds)
          if value and self:constant(node.inputs[i + 1]) then
            self:set(node.inputs[i + 1], value, from, "gates reordered")
          end
        end
        return
      end
    end
  end
end

function Pour:by_layer()
  self.layers = layers_of(self.source)
  for node in self.graph:nodes() do
    if node.type == "Conv" or node.type == "ConvTranspose" then self:conv(node)
    elseif node.type == "Gemm" or node.type == "MatMul" then self:product(node)
    elseif orders[node.type] then self:recurrent(node) end
  end
end

--- What is left: in order, by shape alone.
function Pour:by_shape()
  for _, name in ipairs(self.wanted) do
    local t = not self.done[name] and self.graph:value(name).constant
    for source, given in self.source:each() do
      if t and not self.used[source] and t.rank > 0 and given.dtype == t.dtype
        and same_shape(given, t) then
        self:set(name, given, { source }, "shape")
        break
      end
    end
  end
end

---@class perigee.PourReport
---@field matched { name: string, from: string, how: string }[]
---@field unmatched string[] constants of the graph that kept their content
---@field unused string[] tensors that went nowhere

---@param graph perigee.Graph
---@param source perigee.Tensors|table<string, perigee.Tensor>
---@param opts? { order?: boolean, epsilon?: number } order = false: by names alone; epsilon of
---  folded BatchNorms
---@return perigee.PourReport
return function(graph, source, opts)
  local o = options.check(opts, { order = true, epsilon = 1e-5 })
  local self = setmetatable({
    graph = graph, source = tensors.from(source), epsilon = o.epsilon, done = {}, used = {},
    names = {}, wanted = {}, report = { matched = {}, unmatched = {}, unused = {} },
  }, Pour)
  for name, t in graph:constants() do
    if is_weight(t) and #graph:value(name).consumers > 0 then table.insert(self.wanted, name) end
  end
  self:by_name()
  self:by_suffix()
  if o.order then
    self:by_layer()
    self:by_shape()
  end
  for _, name in ipairs(self.wanted) do
    if not self.done[name] then table.insert(self.report.unmatched, name) end
  end
  for name, fresh in pairs(self.names) do
    if not graph:value(name) then graph:rename(fresh, name) end
  end
  for name in self.source:each() do
    if not self.used[name] then table.insert(self.report.unused, name) end
  end
  return self.report
end
