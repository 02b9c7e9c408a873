--- The blobs of a .caffemodel by layer name; facts from caffe.proto (field numbers).
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"
local wire = require "perigee.convert.wire"

local M = {}

local schema = {
  Net = { [2] = { "v1", "V1Layer", many = true }, [100] = { "layer", "Layer", many = true } },
  Layer = { [1] = { "name", "string" }, [7] = { "blobs", "Blob", many = true } },
  V1Layer = { [4] = { "name", "string" }, [6] = { "blobs", "Blob", many = true } },
  Blob = {
    [1] = { "num", "int" }, [2] = { "channels", "int" }, [3] = { "height", "int" },
    [4] = { "width", "int" }, [5] = { "data", "float", tensor = true }, [7] = { "shape", "Shape" },
    [8] = { "double_data", "double", tensor = true },
  },
  Shape = { [1] = { "dim", "int", many = true } },
}

local function shape_of(blob, count)
  if blob.shape and #blob.shape.dim > 0 then return blob.shape.dim end
  if blob.num then return { blob.num, blob.channels or 1, blob.height or 1, blob.width or 1 } end
  return { count }
end

--- A blob as a tensor; old files say [1, 1, 1, n] for vectors.
local function tensor_of(blob, layer)
  local data = blob.data or blob.double_data and blob.double_data:cast "f32"
  if not data then return fail.format("layer %s: a blob without numbers", layer) end
  local shape, count = shape_of(blob, data.count), 1
  for _, n in ipairs(shape) do count = count * n end
  if count ~= data.count then
    fail.format("layer %s: a blob of %d numbers for the shape [%s]", layer, data.count,
      table.concat(shape, ","))
  end
  return data:reshape(shape)
end

local function read(bytes)
  local net, by_name = wire.decode(bytes, schema, "Net"), {}
  for _, list in ipairs { net.v1, net.layer } do
    for _, layer in ipairs(list) do
      local blobs = {}
      for i, blob in ipairs(layer.blobs) do blobs[i] = tensor_of(blob, layer.name) end
      if #blobs > 0 then by_name[layer.name or ""] = blobs end
    end
  end
  return by_name
end

--- A function (layer name, position, shape) -> tensor of that shape; the file is opened when the
--- first layer asks. shape nil: as the file has it. Returns nil for a position that isn't there.
---@param source perigee.convert.Source
function M.open(source)
  local blobs, n = nil, 0
  local seed = source.opts.seed
  return function(name, i, shape)
    if seed and not source.weights_path then
      n = n + 1
      local fan = 1
      for axis = 2, #shape do fan = fan * shape[axis] end
      return tensor.randn(shape, { seed = seed * 100003 + n, deviation = (2 / fan) ^ 0.5 })
    end
    blobs = blobs or read((source:weights { ".caffemodel" }))
    local blob = blobs[name] and blobs[name][i]
    if not blob or not shape then return blob end
    local count = 1
    for _, size in ipairs(shape) do count = count * size end
    if count ~= blob.count then
      fail.format("layer %s: blob %d has %d numbers, expected [%s]", name, i, blob.count,
        table.concat(shape, ","))
    end
    return blob:reshape(shape)
  end
end

return M
