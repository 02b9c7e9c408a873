--- Non-maximum suppression, and the custom operators that public models use.
---
--- A converter takes the scope and a node { type, inputs, outputs, custom, ... }, asks for values
--- with scope:x(node, i) (i from 1; channels first with "first"), adds operators with scope.b, the
--- builder, and says what comes out with scope:set(node, i, value). One's own are given as
--- opts.custom.
local conv = require "perigee.convert.tflite.conv"
local builder = require "perigee.convert.builder"
local fixed = require "perigee.convert.tflite.fixed"
local flexbuffer = require "perigee.convert.tflite.flexbuffer"
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = { custom = {} }

-- ---- non-maximum suppression
-- ----------------------------------------------------------------------

--- Columns of boxes [n, 4] in order: y1 <= y2, x1 <= x2.
local function corners(b, boxes)
  local function column(i) return b:op("Gather", { boxes, b:constant(i, "i64") }, { axis = 1 }) end
  local y, x, y2, x2 = column(0), column(1), column(2), column(3)
  return { b:op("Min", { y, y2 }), b:op("Min", { x, x2 }), b:op("Max", { y, y2 }),
    b:op("Max", { x, x2 }) }
end

local function area(b, c)
  return b:op("Mul", { b:op("Sub", { c[3], c[1] }), b:op("Sub", { c[4], c[2] }) })
end

--- Intersection over union of one box with all.
local function overlap(b, one, all, areas)
  local zero = b:constant(0.0, "f32")
  local function extent(low, high)
    local d = b:op("Sub", { b:op("Min", { one[high], all[high] }),
      b:op("Max", { one[low], all[low] }) })
    return b:op("Max", { d, zero })
  end
  local common = b:op("Mul", { extent(1, 3), extent(2, 4) })
  local mine = area(b, one)
  local union = b:op("Sub", { b:op("Add", { mine, areas }), common })
  local is_empty = b:op("Or", { b:op("LessOrEqual", { mine, zero }),
    b:op("LessOrEqual", { areas, zero }) })
  return b:op("Where", { is_empty, zero, b:op("Div", { common, union }) })
end

--- One box a step: the best that is left; the others lose what they overlap with it.
local function suppress(s, node)
  local outer = s.b
  local boxes = corners(outer, s:x(node, 1))
  local areas = area(outer, boxes)
  local function scalar(i) return outer:reshape(s:x(node, i), {}) end
  local most, iou_limit, score_limit = quant.cast(s, scalar(3), "i64"), scalar(4), scalar(5)
  local sigma = node.inputs[6] and scalar(6)
  local b = builder.new(nil, outer.graph:subgraph(outer:unique "nms"))
  b.taken, b.missing = outer.taken, outer.missing
  b:input(b:unique "step", "i64", {})
  b:input(b:unique "goes_on", "bool", {})
  local scores = b:input(b:unique "scores", "f32")
  local best = b:op("ArgMax", { scores }, { axis = 0, keepdims = 0 })
  local score = b:op("Gather", { scores, best })
  local is_found = b:op("Greater", { score, score_limit })
  local one = {}
  for i = 1, 4 do one[i] = b:op("Gather", { boxes[i], best }) end
  local iou = overlap(b, one, boxes, areas)
  local none = b:constant(-math.huge, "f32")
  local left = scores
  if sigma then
    local factor = b:op("Div", { b:constant(-0.5, "f32"), b:op("Where",
      { b:op("Greater", { sigma, b:constant(0.0, "f32") }), sigma,
        b:constant(math.huge, "f32") }) })
    left = b:op("Mul", { left, b:op("Exp", { b:op("Mul",
      { factor, b:op("Mul", { iou, iou }) }) }) })
  end
  left = b:op("Where", { b:op("GreaterOrEqual", { iou, iou_limit }), none, left })
  left = b:op("ScatterElements", { left, b:op("Unsqueeze", { best, b:i64 { 0 } }),
    b:constant(pg_tensor.new({ -math.huge }, "f32")) })
  b:output(b:constant(true, "bool") and b:identity(b:constant(true, "bool")))
  b:output(b:op("Where", { is_found, left, scores }))
  b:output(b:op("Where", { is_found, b:op("Cast", { best }, { to = quant.number.i32 }),
    b:constant(0, "i32") }))
  b:output(b:op("Where", { is_found, score, b:constant(0.0, "f32") }))
  b:output(b:op("Cast", { is_found }, { to = quant.number.i32 }))
  local _, indices, kept, found = outer:op("Loop", { most, "", s:x(node, 2) }, { body = b.graph },
    4)
  return indices, kept, outer:op("ReduceSum", { found }, { keepdims = 0 })
end

function M.NON_MAX_SUPPRESSION_V4(s, node)
  local indices, _, n = suppress(s, node)
  s:set(node, 1, indices)
  s:set(node, 2, n)
end

function M.NON_MAX_SUPPRESSION_V5(s, node)
  local indices, scores, n = suppress(s, node)
  s:set(node, 1, indices)
  s:set(node, 2, scores)
  s:set(node, 3, n)
end

-- ---- TFLite_Detection_PostProcess
-- -----------------------------------------------------------------

local function reals(s, node, i)
  local t, x = s:need(node, i), s:x(node, i)
  return t.is_quantized and quant.dequantize(s, x, t) or x
end

--- Boxes [n, 4] as y1, x1, y2, x2 from offsets to anchors of centre and size.
local function decode_boxes(s, node, o)
  local b = s.b
  local codes, anchors = b:reshape(reals(s, node, 1), { -1, s:need(node, 1).shape[3] }),
    reals(s, node, 3)
  local function column(v, i) return b:slice(v, { 1 }, { i }, { i + 1 }) end
  local function scaled(i, scale) return b:op("Div", { column(codes, i),
    b:constant(scale + 0.0, "f32") }) end
  local function centre(i, scale)
    return b:op("Add", { b:op("Mul", { scaled(i, scale), column(anchors, i + 2) }),
      column(anchors, i) })
  end
  local function half(i, scale)
    local size = b:op("Mul", { b:op("Exp", { scaled(i, scale) }), column(anchors, i) })
    return b:op("Mul", { size, b:constant(0.5, "f32") })
  end
  local y, x, h, w = centre(0, o.y_scale), centre(1, o.x_scale), half(2, o.h_scale),
    half(3, o.w_scale)
  return b:op("Concat", { b:op("Sub", { y, h }), b:op("Sub", { x, w }), b:op("Add", { y, h }),
    b:op("Add", { x, w }) },
    { axis = 1 })
end

--- The float just below: ONNX keeps scores above its threshold, this operator from its own on.
local function below(x)
  x = fixed.f32(x)
  if x == 0 then return -1.4e-45 end
  local bits = string.unpack("<i4", string.pack("<f", x))
  return (string.unpack("<f", string.pack("<i4", x > 0 and bits - 1 or bits + 1)))
end

--- Rows of v filled with zeros to n.
local function fill(b, v, n, rank)
  local have = b:slice(b:op("Shape", { v }), { 0 }, { 0 }, { 1 })
  local missing = b:op("Sub", { b:i64 { n }, have })
  local zeros = {}
  for i = 1, rank do zeros[i] = 0 end
  local behind = { missing }
  if rank > 1 then
    local rest = {}
    for i = 1, rank - 1 do rest[i] = 0 end
    behind[2] = b:i64(rest)
  end
  return b:op("Pad", { v, b:op("Concat", { b:i64(zeros), table.unpack(behind) }, { axis = 0 }) })
end

local function select_boxes(b, boxes, scores, most, o)
  return b:op("NonMaxSuppression", { b:op("Unsqueeze", { boxes, b:i64 { 0 } }),
    b:op("Unsqueeze", { scores, b:i64 { 0 } }),
    b:i64 { most }, b:constant(o.nms_iou_threshold + 0.0, "f32"),
      b:constant(below(o.nms_score_threshold), "f32") })
end

local function set_detections(s, node, boxes, classes, scores, count, n)
  local b = s.b
  local function batch(v) return b:op("Unsqueeze", { v, b:i64 { 0 } }) end
  s:set(node, 1, batch(fill(b, boxes, n, 2)))
  s:set(node, 2, batch(fill(b, quant.cast(s, classes, "f32"), n, 1)))
  s:set(node, 3, batch(fill(b, scores, n, 1)))
  s:set(node, 4, quant.cast(s, count, "f32"))
end

--- The best classes of each anchor; suppression by the best of them.
local function fast(s, node, o, boxes, scores)
  local b, per = s.b, math.min(o.max_classes_per_detection, o.num_classes)
  local values, classes = b:op("TopK", { scores, b:i64 { per } }, { axis = 1 }, 2)
  local best = b:transpose(b:slice(values, { 1 }, { 0 }, { 1 }), { 1, 0 })
  local picked = select_boxes(b, boxes, best, o.max_detections, o)
  local at = b:op("Gather", { picked, b:constant(2, "i64") }, { axis = 1 })
  local rows = b:op("Gather", { boxes, at })
  if per > 1 then
    rows = b:reshape(b:op("Tile", { b:op("Unsqueeze", { rows, b:i64 { 1 } }),
      b:i64 { 1, per, 1 } }), { -1, 4 })
  end
  local function flat(v) return b:reshape(b:op("Gather", { v, at }), { -1 }) end
  local kept = flat(values)
  set_detections(s, node, rows, flat(classes), kept, b:op("Shape", { kept }),
    o.max_detections * per)
end

--- Suppression within each class, then the best of all.
local function regular(s, node, o, boxes, scores)
  local b = s.b
  local by_class = b:transpose(scores, { 1, 0 })
  local picked = select_boxes(b, boxes, by_class, o.detections_per_class or 100, o)
  local pairs_of = b:slice(picked, { 1 }, { 1 }, { 3 })
  local found = b:op("GatherND", { by_class, pairs_of })
  local n = b:op("Min", { b:op("Shape", { found }), b:i64 { o.max_detections } })
  local values, order = b:op("TopK", { found, n }, { axis = 0 }, 2)
  local function column(i) return b:op("Gather", { b:op("Gather", { picked, b:constant(i, "i64") },
    { axis = 1 }), order }) end
  set_detections(s, node, b:op("Gather", { boxes, column(2) }), column(1), values, n,
    o.max_detections)
end

M.custom["TFLite_Detection_PostProcess"] = function(s, node)
  local o = flexbuffer.map(node.custom)
  for _, key in ipairs { "max_detections", "max_classes_per_detection", "num_classes",
    "nms_score_threshold",
    "nms_iou_threshold", "y_scale", "x_scale", "h_scale", "w_scale" } do
    if type(o[key]) ~= "number" then s:bad("option '%s' is missing", key) end
  end
  local classes = s:need(node, 2).shape[3] or -1
  local background = classes - o.num_classes
  if background < 0 or o.max_detections < 1
    or o.max_classes_per_detection < 1 then s:bad "options don't fit" end
  local scores = s.b:reshape(reals(s, node, 2), { -1, classes })
  scores = s.b:slice(scores, { 1 }, { background }, { classes })
  local decode = o.use_regular_nms == true and regular or fast
  decode(s, node, o, decode_boxes(s, node, o), scores)
end

-- ---- MediaPipe
-- ------------------------------------------------------------------------------------

local SAME = 1 -- of TfLitePadding

--- The leading numbers of a struct of C: padding, stride_w, stride_h, filter_w, filter_h ...
local function params(s, node, n)
  local list = {}
  if not node.custom or #node.custom < 4 * n then s:bad "its parameters are missing" end
  for i = 1, n do list[i] = node.custom:i32(4 * (i - 1)) end
  for i = 2, n do
    if list[i] < 1 or list[i] > 4096 then s:bad("parameter %d: %d", i, list[i]) end
  end
  return list
end

--- A transposed convolution with a bias, whose size follows from the stride.
M.custom["Convolution2DTransposeBias"] = function(s, node)
  local p, t, w = params(s, node, 3), s:need(node, 1), s:need(node, 2)
  if t.rank ~= 4 or w.rank ~= 4 then s:bad "expected rank 4" end
  local kernel, strides, pads, extra = { w.shape[2], w.shape[3] }, { p[3], p[2] }, {}, {}
  for i = 1, 2 do
    local total = p[1] == SAME and math.max(kernel[i] - strides[i], 0) or 0
    pads[i], pads[2 + i] = total // 2, total - total // 2
    extra[i] = math.max(strides[i] - kernel[i], 0)
  end
  local y = s.b:op("ConvTranspose", { s:x(node, 1, "first"),
    s.b:transpose(s:x(node, 2), { 3, 0, 1, 2 }), s:x(node, 3) },
    { kernel_shape = kernel, strides = strides, pads = pads,
      output_padding = (extra[1] > 0 or extra[2] > 0) and extra or nil })
  s:set(node, 1, y, "first")
end

--- Parts of x [N, H, W, C] that a window sees: [N, OH, OW, C] for each of its places.
local function patches(s, node, p)
  local b, t = s.b, s:need(node, 1)
  local attrs = conv.window(p[1] == SAME and 0 or 1, { t.shape[2], t.shape[3] }, { p[5], p[4] },
    { p[3], p[2] }, { 1, 1 })
  local x, pads = s:x(node, 1), attrs.pads or { 0, 0, 0, 0 }
  local out = {}
  for i = 1, 2 do
    out[i] = (t.shape[1 + i] + pads[i] + pads[2 + i] - attrs.kernel_shape[i]) // attrs.strides[i] +
      1
  end
  x = b:op("Pad", { x, b:i64 { 0, pads[1], pads[2], 0, 0, pads[3], pads[4], 0 },
    b:constant(-3.4028234663852886e38, "f32") })
  local list = {}
  for ky = 0, p[5] - 1 do
    for kx = 0, p[4] - 1 do
      list[#list + 1] = b:op("Unsqueeze", { b:slice(x, { 1, 2 }, { ky, kx },
        { ky + (out[1] - 1) * p[3] + 1, kx + (out[2] - 1) * p[2] + 1 }, { p[3], p[2] }),
          b:i64 { 4 } })
    end
  end
  return b:op("Concat", list, { axis = 4 })
end

--- The second output is the place of the greatest in its window, as a float that truncates to it.
M.custom["MaxPoolingWithArgmax2D"] = function(s, node)
  local p, t, b = params(s, node, 5), s:need(node, 1), s.b
  if t.rank ~= 4
    or not t:is_static() then return s:unsupported "MaxPoolingWithArgmax2D of unknown size" end
  if p[4] * p[5] > 1024 then s:bad("a window of %d x %d", p[5], p[4]) end
  local all = patches(s, node, p)
  s:set(node, 1, b:op("ReduceMax", { all, b:i64 { 4 } }, { keepdims = 0 }))
  local place = quant.cast(s, b:op("ArgMax", { all }, { axis = 4, keepdims = 0 }), "f32")
  s:set(node, 2, b:op("Add", { place, b:constant(0.1, "f32") }))
end

M.custom["MaxUnpooling2D"] = function(s, node)
  local p, t, b, out = params(s, node, 5), s:need(node, 1), s.b, s:out_t(node)
  if t.rank ~= 4 or not t:is_static() then return s:unsupported "MaxUnpooling2D of unknown size" end
  local n, h, w, c = table.unpack(t.shape)
  if math.max(n, h, w, c) > 1 << 20 then s:bad("a size of %d", math.max(n, h, w, c)) end
  local oh, ow = h * p[3], w * p[2]
  if out.rank == 4 and out:is_static() then oh, ow = out.shape[2], out.shape[3] end
  local pads = { 0, 0 }
  if p[1] == SAME then
    local attrs = conv.window(0, { oh, ow }, { p[5], p[4] }, { p[3], p[2] }, { 1, 1 })
    pads = attrs.pads
  end
  -- The window's corner for each element, and the flat place of the element in the output.
  local place = quant.cast(s, s:x(node, 2), "i64")
  local function i64(v) return b:constant(v, "i64") end
  local function axis(size, step, before, form)
    local list = {}
    for i = 0, size - 1 do list[i + 1] = i * step - before end
    return b:constant(pg_tensor.new(list, "i64"):reshape(form))
  end
  local y = b:op("Add", { axis(h, p[3], pads[1], { h, 1, 1 }), b:op("Div", { place, i64(p[4]) }) })
  local x = b:op("Add", { axis(w, p[2], pads[2], { w, 1 }), b:op("Mod", { place, i64(p[4]) }) })
  local flat = b:op("Add", { b:op("Mul", { b:op("Add", { b:op("Mul", { y, i64(ow) }), x }),
    i64(c) }),
    axis(c, 1, 0, { c }) })
  flat = b:op("Add", { flat, axis(n, oh * ow * c, 0, { n, 1, 1, 1 }) })
  local zero = b:op("Expand", { b:constant(0.0, "f32"), b:i64 { n * oh * ow * c } })
  local y_flat = b:op("ScatterElements", { zero, b:reshape(flat, { -1 }),
    b:reshape(s:x(node, 1), { -1 }) }, { axis = 0 })
  s:set(node, 1, b:reshape(y_flat, { n, oh, ow, c }))
end

return M
