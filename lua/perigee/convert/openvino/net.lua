--- The XML of a net, or of the body of a layer, as plain tables.
local fail = require "perigee.convert.fail"
local types = require "perigee.convert.openvino.types"
local xml = require "perigee.convert.xml"

local M = {}

local MOST_DIMS, MOST_SIZE = 64, 1 << 48

---@class perigee.openvino.Port
---@field id string
---@field dtype string?
---@field dims integer[] -1 where free
---@field name string? the first of its names

---@class perigee.openvino.Layer
---@field id string
---@field name string
---@field type string
---@field opset integer
---@field attrs table<string, string>
---@field element table the XML, for what layers hold besides
---@field inputs perigee.openvino.Port[]
---@field outputs perigee.openvino.Port[]
---@field from table<integer, { layer: string, port: string }> by input, counted from 1
---@field x table<integer, string> names of its inputs' values, once they are converted

--- Names are separated by commas; a comma in a name follows a backslash.
local function first_name(text)
  if not text or text == "" then return nil end
  local name = text:gsub("\\,", "\0"):match "^[^,]*":gsub("%z", ",")
  return name ~= "" and name or nil
end

local function port(element, where)
  local dims = {}
  for i, dim in ipairs(xml.children(element, "dim")) do
    local size = math.tointeger(tonumber(dim.text))
    if not size or size < -1 or size > MOST_SIZE or i > MOST_DIMS then
      fail.format("%s: port %s has a dimension '%s'", where, element.attrs.id or "?", dim.text)
    end
    dims[i] = size
  end
  return { id = element.attrs.id or "", dims = dims, name = first_name(element.attrs.names),
    dtype = types.precisions[element.attrs.precision] }
end

local function ports(layer, kind, where)
  local list = {}
  for i, element in ipairs(xml.children(xml.child(layer, kind), "port")) do
    list[i] = port(element, where)
  end
  return list
end

local function layer_of(element)
  local a = element.attrs
  if not a.id or not a.type then fail.format "a layer without an id or a type" end
  local where = ("layer %s '%s'"):format(a.id, a.name or "")
  local data, attrs = xml.child(element, "data"), {}
  for key, value in pairs(data and data.attrs or {}) do attrs[key] = value end
  return { id = a.id, name = a.name or ("layer_" .. a.id), type = a.type, where = where,
    opset = tonumber((a.version or ""):match "^opset(%d+)$") or 0, version = a.version,
    attrs = attrs, element = element, from = {}, x = {},
    inputs = ports(element, "input", where), outputs = ports(element, "output", where) }
end

local function index_of(list, id)
  for i, p in ipairs(list) do
    if p.id == id then return i end
  end
end

--- Links every input to the port that gives it.
local function connect(element, by_id)
  for _, edge in ipairs(xml.children(xml.child(element, "edges"), "edge")) do
    local a = edge.attrs
    local from, to = by_id[a["from-layer"]], by_id[a["to-layer"]]
    local source = from and index_of(from.outputs, a["from-port"])
    local target = to and index_of(to.inputs, a["to-port"])
    if not source or not target then
      fail.format("an edge from layer %s, port %s to layer %s, port %s, which aren't all there",
        a["from-layer"] or "?", a["from-port"] or "?", a["to-layer"] or "?", a["to-port"] or "?")
    end
    to.from[target] = { layer = from, port = source }
  end
end

--- Layers in an order in which they can be converted; without recursion, as chains are long.
local function sorted(layers)
  local order, state = {}, {}
  for _, first in ipairs(layers) do
    local stack = { first }
    while #stack > 0 do
      local layer = stack[#stack]
      if state[layer] == 2 then
        stack[#stack] = nil
      elseif state[layer] == 1 then
        state[layer], order[#order + 1], stack[#stack] = 2, layer, nil
      else
        state[layer] = 1
        for i = #layer.inputs, 1, -1 do
          local from = layer.from[i]
          if from and state[from.layer] == 1 then
            fail.format("%s needs itself", from.layer.where)
          elseif from and not state[from.layer] then
            stack[#stack + 1] = from.layer
          end
        end
      end
    end
  end
  return order
end

--- The layers of a net or body, in the file's order and in one that can be converted.
---@return { layers: perigee.openvino.Layer[], order: perigee.openvino.Layer[], by_id: table }
function M.parse(element)
  local layers, by_id = {}, {}
  for i, child in ipairs(xml.children(xml.child(element, "layers"), "layer")) do
    local layer = layer_of(child)
    if by_id[layer.id] then fail.format("two layers with the id %s", layer.id) end
    layers[i], by_id[layer.id] = layer, layer
  end
  if #layers == 0 then fail.format("'%s' without layers", element.name) end
  connect(element, by_id)
  return { layers = layers, order = sorted(layers), by_id = by_id }
end

return M
