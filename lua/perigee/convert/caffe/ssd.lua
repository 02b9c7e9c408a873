--- The layers of the SSD fork (https://arxiv.org/abs/1512.02325).
local fail = require "perigee.convert.fail"
local params = require "perigee.convert.caffe.params"
local tensor = require "perigee.tensor"

local first = params.first

local M = {}

--- Divides by the Euclidean length over channels (or everything), times a scale a channel.
function M.Normalize(net, layer)
  local p, b = net:params(layer, "norm_param"), net.b
  local x = net:bottoms(layer)[1]
  local axes = b:i64(first(p.across_spatial, true) and { 1, 2, 3 } or { 1 })
  local sum = b:op("ReduceSum", { b:op("Mul", { x, x }), axes })
  local length = b:op("Sqrt", { b:op("Add", { sum, b:constant(first(p.eps, 1e-10), "f32") }) })
  local n = first(p.channel_shared, true) and 1 or net:shape(x, 4)[2]
  local scale = net.weights(layer.name, 1, { n }) or tensor.ones { n }
  local y = b:op("Div", { x, length })
  b:op("Mul", { y, b:constant(scale:reshape(1, n, 1, 1)) }, nil, net:top(layer))
end

-- ---- prior boxes ------------------------------------------------------------------------------

--- Ratios with 1 first, and with their inverses when flipped; repeated ones only once.
local function ratios_of(p)
  local list = { 1.0 }
  local function add(ratio)
    for _, known in ipairs(list) do
      if math.abs(known - ratio) < 1e-6 then return end
    end
    list[#list + 1] = ratio
  end
  for _, ratio in ipairs(p.aspect_ratio or {}) do
    add(ratio)
    if first(p.flip, true) then add(1 / ratio) end
  end
  return list
end

--- Widths and heights of the boxes of one cell, in pixels, in Caffe's order.
local function box_sizes(p)
  local sizes, ratios = {}, ratios_of(p)
  for i, min in ipairs(p.min_size or {}) do
    sizes[#sizes + 1] = { min, min }
    local max = p.max_size and p.max_size[i]
    if max then
      local mean = (min * max) ^ 0.5
      sizes[#sizes + 1] = { mean, mean }
    end
    for _, ratio in ipairs(ratios) do
      if math.abs(ratio - 1) >= 1e-6 then
        sizes[#sizes + 1] = { min * ratio ^ 0.5, min / ratio ^ 0.5 }
      end
    end
  end
  return sizes
end

--- [1, 2, boxes * 4]: corners as parts of the image, and variances. Both follow from sizes alone.
function M.PriorBox(net, layer)
  local p = net:params(layer, "prior_box_param")
  local x = net:bottoms(layer)
  local map, image = net:shape(x[1], 4), net:shape(x[2], 4)
  local height, width = map[3], map[4]
  local image_h = first(p.img_h, first(p.img_size, image[3]))
  local image_w = first(p.img_w, first(p.img_size, image[4]))
  local step_h = first(p.step_h, first(p.step, image_h / height))
  local step_w = first(p.step_w, first(p.step, image_w / width))
  local offset, clips = first(p.offset, 0.5), first(p.clip, false)
  local sizes, boxes, MOST_BOXES = box_sizes(p), {}, 1 << 20
  if height * width * #sizes > MOST_BOXES then
    fail.format("layer %s: more than %d boxes", layer.name, MOST_BOXES)
  end
  local function put(value)
    boxes[#boxes + 1] = clips and math.min(math.max(value, 0), 1) or value
  end
  for row = 0, height - 1 do
    for column = 0, width - 1 do
      local cx, cy = (column + offset) * step_w, (row + offset) * step_h
      for _, size in ipairs(sizes) do
        put((cx - size[1] / 2) / image_w)
        put((cy - size[2] / 2) / image_h)
        put((cx + size[1] / 2) / image_w)
        put((cy + size[2] / 2) / image_h)
      end
    end
  end
  local variance, n = p.variance or { 0.1 }, #boxes
  for i = 1, n do boxes[n + i] = variance[#variance == 1 and 1 or (i - 1) % 4 + 1] end
  local t = tensor.new(boxes, "f32"):reshape(1, 2, n)
  net.b:op("Identity", { net.b:constant(t) }, nil, net:top(layer))
end

-- ---- detections -------------------------------------------------------------------------------

--- Corners [boxes, 4] from offsets [boxes, 4] to priors; code_type CENTER_SIZE or CORNER.
local function decode(net, p, offsets, priors, variances, n)
  local b = net.b
  if first(p.variance_encoded_in_target, false) then
    variances = b:constant(tensor.ones { n, 4 })
  end
  local scaled = b:op("Mul", { offsets, variances })
  local code = first(p.code_type, "CORNER")
  if code == "CORNER" or code == 1 then return b:op("Add", { priors, scaled }) end
  local function part(x, from, to) return b:slice(x, { 1 }, { from }, { to }) end
  local low, high = part(priors, 0, 2), part(priors, 2, 4)
  local size = b:op("Sub", { high, low })
  local half = b:constant(0.5, "f32")
  local centre = b:op("Mul", { b:op("Add", { low, high }), half })
  centre = b:op("Add", { centre, b:op("Mul", { part(scaled, 0, 2), size }) })
  local reach = b:op("Mul", { b:op("Mul", { b:op("Exp", { part(scaled, 2, 4) }), size }), half })
  return b:op("Concat", { b:op("Sub", { centre, reach }), b:op("Add", { centre, reach }) },
    { axis = 1 })
end

--- For each class the best `top_k` boxes, suppressed among themselves; of all of these the best
--- `keep_top_k`, by class and score: [1, 1, N, 7] of image, class, score and corners. Without any
--- detection N is 0 (Caffe gives one row of -1).
function M.DetectionOutput(net, layer)
  local p, b = net:params(layer, "detection_output_param"), net.b
  local x = net:bottoms(layer)
  local n_classes, n = first(p.num_classes, 0), net:shape(x[3], 3)[3] // 4
  local shares = first(p.share_location, true)
  if net:shape(x[1])[1] ~= 1 or not shares or n_classes < 2 then
    return b:unsupported("DetectionOutput with a batch or locations by class",
      "layer " .. layer.name), b:identity(x[1], net:top(layer))
  end
  local nms = p.nms_param and p.nms_param[1] or {}
  local function row(i)
    return b:reshape(b:slice(x[3], { 1 }, { i }, { i + 1 }), { n, 4 })
  end
  local corners = decode(net, p, b:reshape(x[1], { n, 4 }), row(0), row(1), n)
  local background = first(p.background_label_id, 0)
  local classes = {}
  for class = 0, n_classes - 1 do
    if class ~= background then classes[#classes + 1] = class end
  end
  local scores = b:op("Gather", { b:transpose(b:reshape(x[2], { n, n_classes }), { 1, 0 }),
    b:i64(classes) }, { axis = 0 })
  local top = first(nms.top_k, -1)
  top = top > 0 and math.min(top, n) or n
  local best, at = b:op("TopK", { scores, b:i64 { top } }, { axis = 1 }, 2)
  local boxes = b:op("Gather", { corners, at }, { axis = 0 }) -- [classes, top, 4]
  local kept = b:op("NonMaxSuppression", {
    boxes, b:op("Unsqueeze", { best, b:i64 { 1 } }), b:i64 { top },
    b:constant({ first(nms.nms_threshold, 0.3) }, "f32"),
    b:constant({ first(p.confidence_threshold, -math.huge) }, "f32"),
  })
  local place = b:op("Gather", { kept, b:i64 { 0, 2 } }, { axis = 1 }) -- class and rank
  local score = b:op("GatherND", { best, place })
  local most = first(p.keep_top_k, -1)
  if most > 0 then
    local found = b:op("Gather", { b:op("Shape", { score }), b:i64 { 0 } })
    local count = b:op("Min", { found, b:i64 { most } })
    local _, order = b:op("TopK", { score, count }, { axis = 0 }, 2)
    order = b:op("TopK", { order, count }, { axis = 0, largest = 0 }, 2)
    place = b:op("Gather", { place, order })
    score = b:op("Gather", { score, order })
  end
  local class = b:op("Gather", { b:constant(classes, "f32"),
    b:op("Gather", { place, b:i64 { 0 } }, { axis = 1 }) })
  local rows = b:op("Concat", {
    b:op("Mul", { class, b:constant(0.0, "f32") }), class,
    b:op("Unsqueeze", { score, b:i64 { 1 } }), b:op("GatherND", { boxes, place }),
  }, { axis = 1 })
  b:op("Unsqueeze", { rows, b:i64 { 0, 1 } }, nil, net:top(layer))
end

return M
