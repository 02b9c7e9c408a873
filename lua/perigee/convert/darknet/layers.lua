--- One function a section: (net, section, x) -> { name, shape }, all values [1, C, H, W].
local fail = require "perigee.convert.fail"
local tensor = require "perigee.tensor"

local M = {}

local function value(name, shape) return { name = name, shape = shape } end

-- ---- activations ------------------------------------------------------------------------------

local activations = {
  linear = function(_, x) return x end,
  leaky = function(b, x) return b:op("LeakyRelu", { x }, { alpha = 0.1 }) end,
  relu = function(b, x) return b:op("Relu", { x }) end,
  relu6 = function(b, x) return b:clip(x, 0.0, 6.0) end,
  logistic = function(b, x) return b:op("Sigmoid", { x }) end,
  tanh = function(b, x) return b:op("Tanh", { x }) end,
  elu = function(b, x) return b:op("Elu", { x }) end,
  selu = function(b, x) return b:op("Selu", { x }) end,
  swish = function(b, x) return b:op("Swish", { x }) end,
  mish = function(b, x) return b:op("Mish", { x }) end,
  gelu = function(b, x) return b:op("Gelu", { x }, { approximate = "tanh" }) end,
  ramp = function(b, x) -- x for positive x, and a tenth of x on top
    return b:op("Add", { b:op("Relu", { x }), b:op("Mul", { x, b:constant(0.1, "f32") }) })
  end,
  loggy = function(b, x) -- 2 / (1 + exp(-x)) - 1
    return b:op("Tanh", { b:op("Mul", { x, b:constant(0.5, "f32") }) })
  end,
  hardtan = function(b, x) return b:clip(x, -1.0, 1.0) end,
}

--- The section's activation, under the layer's name.
local function activate(net, section, x, default)
  local kind = section:word("activation", default or "logistic")
  local f = activations[kind]
  if not f then
    net.b:unsupported("activation " .. kind, "layer " .. section.index)
    f = activations.linear
  end
  return net.b:identity(f(net.b, x), net:name(section))
end

-- ---- products ---------------------------------------------------------------------------------

--- Takes scale, mean and variance from the file, which stand before a convolution's weights; returns
--- what adds the node, later: (x, bias) -> name.
local function batch_norm(net, n)
  local b = net.b
  local scale, mean = net.weights:take({ n }, "scale"), net.weights:take { n }
  local variance = net.weights:take({ n }, "scale")
  return function(x, bias)
    return b:op("BatchNormalization", {
      x, b:constant(scale), b:constant(bias), b:constant(mean), b:constant(variance),
    }, { epsilon = 1e-5 })
  end
end

--- Rounded down; nothing when the window is larger than the padded input.
local function windows(size, kernel, stride, pad)
  return size + pad < kernel and 0 or (size + pad - kernel) // stride + 1
end

function M.convolutional(net, section, x)
  local b, n = net.b, section:integer("filters", 1)
  local size, groups = section:integer("size", 1), section:integer("groups", 1)
  local sx = section:integer("stride_x", section:integer("stride", 1))
  local sy = section:integer("stride_y", section:integer("stride", 1))
  local dilation = section:integer("dilation", 1)
  local pad = section:integer("pad", 0) ~= 0 and size // 2 or section:integer("padding", 0)
  local c = x.shape[2]
  if n < 1 or size < 1 or sx < 1 or sy < 1 or dilation < 1 or pad < 0 or groups < 1
    or c % groups ~= 0 or n % groups ~= 0 or n > 1 << 20 or size > 1 << 10 then
    fail.format("layer %d: %d filters of %dx%d in %d groups over %d channels", section.index, n,
      size, size, groups, c)
  end
  local has_norm = section:integer("batch_normalize", 0) ~= 0
  local bias = net.weights:take { n }
  local normalise = has_norm and batch_norm(net, n)
  local w = b:constant(net.weights:take({ n, c // groups, size, size }, "weights"))
  local y = b:op("Conv", { x.name, w, not has_norm and b:constant(bias) or nil }, {
    kernel_shape = { size, size }, strides = { sy, sx }, pads = { pad, pad, pad, pad },
    dilations = { dilation, dilation }, group = groups,
  })
  if normalise then y = normalise(y, bias) end
  local reach = dilation * (size - 1) + 1
  return value(activate(net, section, y),
    { 1, n, windows(x.shape[3], reach, sy, 2 * pad), windows(x.shape[4], reach, sx, 2 * pad) })
end

local function flat(net, x)
  local n = x.shape[2] * x.shape[3] * x.shape[4]
  return n, net.b:reshape(x.name, { 1, n })
end

function M.connected(net, section, x)
  local b, n = net.b, section:integer("output", 1)
  local depth, rows = flat(net, x)
  if n < 1 then fail.format("layer %d: %d outputs", section.index, n) end
  local bias = net.weights:take { n }
  local w = net.weights:take({ n, depth }, "weights")
  local is_transposed = net.weights.is_transposed
  if is_transposed then w = w:reshape(depth, n) end
  local has_norm = section:integer("batch_normalize", 0) ~= 0
  local y = b:op("Gemm", { rows, b:constant(w), not has_norm and b:constant(bias) or nil },
    { transB = is_transposed and 0 or 1 })
  if has_norm then y = batch_norm(net, n)(y, bias) end
  y = b:reshape(y, { 1, n, 1, 1 })
  return value(activate(net, section, y), { 1, n, 1, 1 })
end

--- Convolution with weights of its own for each place: windows side by side, one product a place.
M["local"] = function(net, section, x)
  local b, n, size = net.b, section:integer("filters", 1), section:integer("size", 1)
  local stride = section:integer("stride", 1)
  local pad = section:integer("pad", 0) ~= 0 and size // 2 or 0
  local c = x.shape[2]
  if n < 1 or size < 1 or size > 64 or stride < 1 then
    fail.format("layer %d: %d filters of %d", section.index, n, size)
  end
  local h = windows(x.shape[3], size, stride, 2 * pad)
  local w = windows(x.shape[4], size, stride, 2 * pad)
  local places, taps = h * w, {}
  local bias = net.weights:take { n, places }
  local weights = net.weights:take({ places, n, c * size * size }, "weights")
  local padded = b:op("Pad", { x.name, b:i64 { 0, 0, pad, pad, 0, 0, pad, pad } })
  for ky = 0, size - 1 do
    for kx = 0, size - 1 do
      local y = b:slice(padded, { 2, 3 }, { ky, kx },
        { ky + (h - 1) * stride + 1, kx + (w - 1) * stride + 1 }, { stride, stride })
      taps[#taps + 1] = b:reshape(y, { c, 1, places })
    end
  end
  local columns = b:op("Concat", taps, { axis = 1 }) -- [c, size * size, places]
  columns = b:transpose(b:reshape(columns, { c * size * size, places, 1 }), { 1, 0, 2 })
  local y = b:reshape(b:op("MatMul", { b:constant(weights), columns }), { places, n })
  y = b:op("Add", { b:transpose(y, { 1, 0 }), b:constant(bias) })
  return value(activate(net, section, b:reshape(y, { 1, n, h, w })), { 1, n, h, w })
end

-- ---- pools and sizes --------------------------------------------------------------------------

local function pool(type)
  return function(net, section, x)
    local stride = section:integer("stride", 1)
    local sx, sy = section:integer("stride_x", stride), section:integer("stride_y", stride)
    local size = section:integer("size", stride)
    local pad = section:integer("padding", size - 1)
    if size < 1 or sx < 1 or sy < 1 or pad < 0 or pad > 2 * size then
      fail.format("layer %d: windows of %d at %d", section.index, size, stride)
    end
    local before = pad // 2
    local y = net.b:op(type, { x.name }, {
      kernel_shape = { size, size }, strides = { sy, sx },
      pads = { before, before, pad - before, pad - before },
    }, net:name(section))
    return value(y, { 1, x.shape[2], windows(x.shape[3], size, sy, pad),
      windows(x.shape[4], size, sx, pad) })
  end
end
M.maxpool, M.local_avgpool = pool "MaxPool", pool "AveragePool"

function M.avgpool(net, section, x)
  local y = net.b:op("GlobalAveragePool", { x.name }, nil, net:name(section))
  return value(y, { 1, x.shape[2], 1, 1 })
end

function M.upsample(net, section, x)
  local stride, b = section:integer("stride", 2), net.b
  if stride < 1 or stride > 64 then fail.format("layer %d: by %d", section.index, stride) end
  local y = b:op("Resize", { x.name, "", b:constant({ 1, 1, stride, stride }, "f32") }, {
    mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric",
  })
  local scale = section:number("scale", 1)
  if scale ~= 1 then y = b:op("Mul", { y, b:constant(scale, "f32") }) end
  return value(b:identity(y, net:name(section)),
    { 1, x.shape[2], x.shape[3] * stride, x.shape[4] * stride })
end

--- YOLOv2's: the input read as [c / s^2, h s, w s], its phases made channels, and the whole written
--- down again as [c s^2, h / s, w / s].
function M.reorg(net, section, x)
  local b, s = net.b, section:integer("stride", 1)
  local c, h, w = x.shape[2], x.shape[3], x.shape[4]
  if s < 1 or c % (s * s) ~= 0 or h % s ~= 0 or w % s ~= 0 or section:integer("reverse", 0) ~= 0 then
    b:unsupported("reorg of such sizes", "layer " .. section.index)
    return x
  end
  local y = b:reshape(x.name, { c // (s * s), h, s, w, s })
  y = b:transpose(y, { 2, 4, 0, 1, 3 })
  return value(b:reshape(y, { 1, c * s * s, h // s, w // s }, net:name(section)),
    { 1, c * s * s, h // s, w // s })
end

function M.crop(net, section, x)
  local b = net.b
  local h = section:integer("crop_height", x.shape[3])
  local w = section:integer("crop_width", x.shape[4])
  local top, left = (x.shape[3] - h) // 2, (x.shape[4] - w) // 2
  if top < 0 or left < 0 or h < 1 or w < 1 then
    fail.format("layer %d: a crop of %dx%d", section.index, h, w)
  end
  local y = b:slice(x.name, { 2, 3 }, { top, left }, { top + h, left + w })
  if section:integer("noadjust", 0) == 0 then
    y = b:op("Mul", { y, b:constant(2.0, "f32") })
    y = b:op("Sub", { y, b:constant(1.0, "f32") })
  end
  return value(b:identity(y, net:name(section)), { 1, x.shape[2], h, w })
end

-- ---- joining ----------------------------------------------------------------------------------

local function same_map(section, a, b)
  if a.shape[3] ~= b.shape[3] or a.shape[4] ~= b.shape[4] then
    fail.format("layer %d joins maps of %dx%d and %dx%d", section.index, a.shape[3], a.shape[4],
      b.shape[3], b.shape[4])
  end
end

function M.route(net, section)
  local b, list, channels = net.b, {}, 0
  local groups, group = section:integer("groups", 1), section:integer("group_id", 0)
  local first
  for i, n in ipairs(section:list "layers") do
    local x = net:layer(math.tointeger(n) or 0, section.index)
    first = first or x
    same_map(section, first, x)
    if groups < 1 or x.shape[2] % groups ~= 0 or group < 0 or group >= groups then
      fail.format("layer %d: group %d of %d", section.index, group, groups)
    end
    local part = x.shape[2] // groups
    list[i] = groups == 1 and x.name
      or b:slice(x.name, { 1 }, { group * part }, { (group + 1) * part })
    channels = channels + part
  end
  if not first then fail.format("layer %d: a route from nowhere", section.index) end
  local y = #list == 1 and b:identity(list[1], net:name(section))
    or b:op("Concat", list, { axis = 1 }, net:name(section))
  return value(y, { 1, channels, first.shape[3], first.shape[4] })
end

--- What a shortcut takes of a larger map: every second place of one twice as large.
local function strided(net, section, x, y)
  local sy, sx = y.shape[3] // x.shape[3], y.shape[4] // x.shape[4]
  if sy < 1 or sy ~= sx or y.shape[3] ~= sy * x.shape[3] or y.shape[4] ~= sx * x.shape[4] then
    same_map(section, x, y)
  end
  if sy == 1 then return y.name end
  return net.b:slice(y.name, { 2, 3 }, { 0, 0 }, { y.shape[3], y.shape[4] }, { sy, sx })
end

--- A sum over the channels that both have.
function M.shortcut(net, section, x)
  local b = net.b
  if section:word("weights_type", "none") ~= "none" then
    b:unsupported("a weighted shortcut", "layer " .. section.index)
  end
  local y, name = nil, x.name
  for _, n in ipairs(section:list "from") do
    y = net:layer(math.tointeger(n) or 0, section.index)
    local other, common = strided(net, section, x, y), math.min(x.shape[2], y.shape[2])
    if y.shape[2] > common then other = b:slice(other, { 1 }, { 0 }, { common }) end
    if x.shape[2] > common then
      local none = { 0, 0, 0, 0, 0, x.shape[2] - common, 0, 0 }
      other = b:op("Pad", { other, b:i64(none) })
    end
    name = b:op("Add", { name, other })
  end
  if not y then fail.format("layer %d: a shortcut from nowhere", section.index) end
  return value(activate(net, section, name, "linear"), x.shape)
end

function M.scale_channels(net, section, x)
  local y = net:layer(section:integer("from", -1), section.index)
  local z = net.b:op("Mul", { x.name, y.name })
  return value(activate(net, section, z, "linear"), y.shape)
end

function M.sam(net, section, x)
  local y = net:layer(section:integer("from", -1), section.index)
  same_map(section, x, y)
  return value(activate(net, section, net.b:op("Mul", { x.name, y.name }), "linear"), x.shape)
end

-- ---- the rest ---------------------------------------------------------------------------------

function M.activation(net, section, x)
  return value(activate(net, section, x.name, "linear"), x.shape)
end

function M.batchnorm(net, section, x)
  local n = x.shape[2]
  local bias = net.weights:take { n }
  local y = batch_norm(net, n)(x.name, bias)
  return value(net.b:identity(y, net:name(section)), x.shape)
end

--- Divided by (kappa + alpha * sum of squares) ^ beta; ONNX's alpha is divided by the size.
function M.normalization(net, section, x)
  local size = section:integer("size", 5)
  local y = net.b:op("LRN", { x.name }, {
    size = size, alpha = section:number("alpha", 1e-4) * size + 0.0,
    beta = section:number("beta", 0.75) + 0.0, bias = section:number("kappa", 1) + 0.0,
  }, net:name(section))
  return value(y, x.shape)
end

function M.softmax(net, section, x)
  local b = net.b
  local n, rows = flat(net, x)
  local groups = section:integer("groups", 1)
  if groups < 1 or n % groups ~= 0 then fail.format("layer %d: %d groups", section.index, groups) end
  local y = b:op("Softmax", { b:reshape(rows, { groups, n // groups }) }, { axis = 1 })
  return value(b:reshape(y, x.shape, net:name(section)), x.shape)
end

-- ---- heads ------------------------------------------------------------------------------------

--- The anchors of a head, in pixels of the image (yolo) or cells of the map (region).
local function anchors_of(section)
  local list, out = section:list "anchors", {}
  local mask = section:list "mask"
  if #mask == 0 then
    for i = 1, #list // 2 do mask[i] = i - 1 end
  end
  for i, m in ipairs(mask) do
    local w, h = list[2 * m + 1], list[2 * m + 2]
    if not h then fail.format("layer %d: no anchor %g", section.index, m) end
    out[i] = { w, h }
  end
  return out
end

--- Column and row of each cell, [h * w, 1, 2].
local function cells(h, w)
  local t = {}
  for row = 0, h - 1 do
    for column = 0, w - 1 do
      t[#t + 1], t[#t + 2] = column, row
    end
  end
  return tensor.new(t, "f32"):reshape(h * w, 1, 2)
end

local function head(net, section, x, is_region)
  local b, name = net.b, net:name(section)
  if not net.decode then return value(b:identity(x.name, name), x.shape) end
  local classes, anchors = section:integer("classes", 20), anchors_of(section)
  local h, w, n, wide = x.shape[3], x.shape[4], #anchors, 5 + classes
  if n * wide ~= x.shape[2] or classes < 0 then
    fail.format("layer %d: %d anchors of %d classes in %d channels", section.index, n, classes,
      x.shape[2])
  end
  local rows = b:reshape(b:transpose(x.name, { 0, 2, 3, 1 }), { h * w, n, wide })
  local function part(from, to) return b:slice(rows, { 2 }, { from }, { to }) end
  local scale = section:number("scale_x_y", 1)
  local centre = b:op("Sigmoid", { part(0, 2) })
  if scale ~= 1 then
    centre = b:op("Mul", { centre, b:constant(scale, "f32") })
    centre = b:op("Sub", { centre, b:constant((scale - 1) / 2, "f32") })
  end
  local map = b:constant({ w, h }, "f32")
  centre = b:op("Div", { b:op("Add", { centre, b:constant(cells(h, w)) }), map })
  local unit = is_region and { w, h } or { net.image[4], net.image[3] }
  local sizes = {}
  for i, a in ipairs(anchors) do sizes[2 * i - 1], sizes[2 * i] = a[1] / unit[1], a[2] / unit[2] end
  local size = b:op("Mul", { b:op("Exp", { part(2, 4) }),
    b:constant(tensor.new(sizes, "f32"):reshape(1, n, 2)) })
  local objectness = b:op("Sigmoid", { part(4, 5) })
  local scores = is_region and section:integer("softmax", 0) ~= 0
    and b:op("Softmax", { part(5, wide) }, { axis = 2 }) or b:op("Sigmoid", { part(5, wide) })
  local all = b:op("Concat", { centre, size, objectness, b:op("Mul", { scores, objectness }) },
    { axis = 2 })
  return value(b:reshape(all, { h * w * n, wide }, name), { h * w * n, wide })
end

function M.yolo(net, section, x) return head(net, section, x, false) end
function M.region(net, section, x) return head(net, section, x, true) end
function M.detection(net, section, x) return value(net.b:identity(x.name, net:name(section)), x.shape) end
function M.Gaussian_yolo(net, section, x) return M.detection(net, section, x) end

return M
