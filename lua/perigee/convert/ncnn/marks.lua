--- Layers that become many nodes are noted in the graph's metadata, so that the writer finds them
--- again: "ncnn:NAME" = TYPE, inputs, outputs (names of values) and parameters, a line each.
local M = {}

--- Without weights, and more than one of ncnn's layers could say.
local noted = {
  DetectionOutput = true, YoloDetectionOutput = true, Yolov3DetectionOutput = true,
  PSROIPooling = true, ROIPooling = true, ROIAlign = true, SPP = true, StatisticsPooling = true,
  Spectrogram = true, ArgMax = true, Threshold = true, Reorg = true,
}

local function word(x)
  return math.type(x) == "integer" and ("%d"):format(x) or type(x) == "number" and ("%.9e"):format(x)
    or ('"%s"'):format(x)
end

local function text_of(values)
  local ids, words = {}, {}
  for id in pairs(values) do ids[#ids + 1] = id end
  table.sort(ids)
  for i, id in ipairs(ids) do
    local x = values[id]
    if type(x) == "table" then
      local list = {}
      for k, v in ipairs(x) do list[k] = word(v) end
      words[i] = ("%d=%d,%s"):format(-23300 - id, #x, table.concat(list, ","))
    else
      words[i] = ("%d=%s"):format(id, word(x))
    end
  end
  return table.concat(words, " ")
end

--- Notes a layer that has been converted.
---@param g perigee.Graph
---@param layer table
---@param outs string[] its values
function M.note(g, layer, outs)
  if not noted[layer.type] then return end
  g:set_metadata("ncnn:" .. layer.name, table.concat({ layer.type, table.concat(layer.x, "\t"),
    table.concat(outs, "\t"), text_of(layer.params.values) }, "\n"))
end

local function parse(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  if #lines ~= 4 or not noted[lines[1]] then return nil end
  local layer = { type = lines[1], ins = {}, outs = {}, text = lines[4] }
  for name in lines[2]:gmatch "[^\t]+" do layer.ins[#layer.ins + 1] = name end
  for name in lines[3]:gmatch "[^\t]+" do layer.outs[#layer.outs + 1] = name end
  return layer
end

--- The nodes between a layer's inputs and outputs, by the name of their first output; nil where the
--- graph has been changed.
local function between(g, layer)
  local stop, found, queue = {}, {}, {}
  for _, name in ipairs(layer.ins) do
    if not g:value(name) then return nil end
    stop[name] = true
  end
  for i, name in ipairs(layer.outs) do
    if not g:value(name) then return nil end
    queue[i] = name
  end
  while #queue > 0 do
    local name = table.remove(queue)
    local producer = g:value(name) and g:value(name).producer
    if producer and not stop[name] and not found[producer.outputs[1]] then
      found[producer.outputs[1]] = producer
      for _, input in ipairs(producer.inputs) do
        if input ~= "" then queue[#queue + 1] = input end
      end
    elseif not producer and not stop[name] and not (g:value(name) or {}).constant then
      return nil -- it hangs on something else
    end
  end
  return found
end

--- What the writer takes as one: by the first output of a node, { layer, is_last }.
---@param g perigee.Graph
---@return table<string, table>
function M.find(g)
  local wholes = {}
  for key, text in pairs(g:metadata()) do
    local layer = key:find "^ncnn:" and parse(text)
    local nodes = layer and between(g, layer)
    if nodes then
      for name in pairs(nodes) do
        local is_last = false
        for _, out in ipairs(layer.outs) do is_last = is_last or out == name end
        wholes[name] = wholes[name] or { layer = layer, is_last = is_last }
      end
    end
  end
  return wholes
end

return M
