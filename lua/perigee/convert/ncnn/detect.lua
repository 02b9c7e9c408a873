--- Boxes: default ones, and what detectors' outputs mean.
local tensor = require "perigee.tensor"

local M = {}

-- ---- PriorBox ---------------------------------------------------------------------------------

local function clipped(list, is_clipped)
  if is_clipped then
    for i, v in ipairs(list) do list[i] = math.min(math.max(v, 0), 1) end
  end
  return list
end

--- MXNet's form: sizes and ratios in parts of the picture, corners only.
local function mxnet_boxes(c, p, w, h)
  local mins, ratios, out = p:floats(0), p:floats(2), {}
  local step_w, step_h = p:float(11, -233), p:float(12, -233)
  if step_w == -233 then step_w = 1 / w end
  if step_h == -233 then step_h = 1 / h end
  local shapes = {}
  for _, size in ipairs(mins) do shapes[#shapes + 1] = { size * h / w / 2, size / 2 } end
  for i = 2, #ratios do
    local root = math.sqrt(ratios[i])
    shapes[#shapes + 1] = { mins[1] * h / w * root / 2, mins[1] / root / 2 }
  end
  local offset = p:float(13, 0)
  for i = 0, h - 1 do
    for j = 0, w - 1 do
      local x, y = (offset + j) * step_w, (offset + i) * step_h
      for _, s in ipairs(shapes) do
        table.move({ x - s[1], y - s[2], x + s[1], y + s[2] }, 1, 4, #out + 1, out)
      end
    end
  end
  return c:constant(tensor.new(clipped(out, p:int(8, 0) ~= 0), "f32"):reshape(1, #out))
end

--- Widths and heights of the boxes of one place, in pixels.
local function box_sizes(p)
  local list, maxs, ratios = {}, p:floats(1), p:floats(2)
  for k, size in ipairs(p:floats(0)) do
    list[#list + 1] = { size, size }
    if #maxs > 0 then
      local side = math.sqrt(size * (maxs[k] or size))
      list[#list + 1] = { side, side }
    end
    for _, ratio in ipairs(ratios) do
      local root = math.sqrt(ratio)
      list[#list + 1] = { size * root, size / root }
      if p:int(7, 1) ~= 0 then list[#list + 1] = { size / root, size * root } end
    end
  end
  return list
end

local function picture_size(c, L, id, letter)
  local given = L.params:int(id, 0)
  if given ~= -233 and given ~= 0 then return given end
  if not L.x[2] then c:fail "the size of the picture is unknown" end
  return c:size(L.x[2], letter)
end

function M.PriorBox(c, L)
  local p, x = L.params, L.x[1]
  local w, h = c:size(x, "w"), c:size(x, "h")
  if type(w) ~= "number" or type(h) ~= "number" then
    return c:unsupported("of free sizes", "fixed sizes (option 'shapes')")
  end
  if not L.x[2] and p:int(9, 0) == -233 and p:int(10, 0) == -233 and not p:has(1) then
    return c:op("Identity", { mxnet_boxes(c, p, w, h) })
  end
  local image_w, image_h = picture_size(c, L, 9, "w"), picture_size(c, L, 10, "h")
  if type(image_w) ~= "number" or type(image_h) ~= "number" then
    return c:unsupported("of free sizes", "fixed sizes (option 'shapes')")
  end
  local step_w, step_h = p:float(11, -233), p:float(12, -233)
  local rounds = p:int(14, 0) ~= 0
  local function step(given, image, n)
    if given ~= -233 then return given end
    return rounds and math.ceil(image / n) or image / n
  end
  step_w, step_h = step(step_w, image_w, w), step(step_h, image_h, h)
  local offset, less = p:float(13, 0), p:int(15, 0) ~= 0 and 1 or 0
  local sizes, out = box_sizes(p), {}
  if w * h * #sizes > 1 << 22 then c:fail "more than 4 million boxes" end
  for i = 0, h - 1 do
    for j = 0, w - 1 do
      local cx, cy = offset * (step_w - less) + j * step_w, offset * (step_h - less) + i * step_h
      for _, s in ipairs(sizes) do
        table.move({ (cx - s[1] * 0.5) / image_w, (cy - s[2] * 0.5) / image_h,
          (cx + s[1] * 0.5) / image_w, (cy + s[2] * 0.5) / image_h }, 1, 4, #out + 1, out)
      end
    end
  end
  local variances, defaults, n = {}, { 0.1, 0.1, 0.2, 0.2 }, #out
  clipped(out, p:int(8, 0) ~= 0)
  for i = 1, 4 do variances[i] = p:float(2 + i, defaults[i]) end
  for i = 1, n do out[n + i] = variances[(i - 1) % 4 + 1] end
  return c:op("Identity", { c:constant(tensor.new(out, "f32"):reshape(1, 2, n)) })
end

-- ---- picking boxes ----------------------------------------------------------------------------

local function columns(c, x, n)
  return { c:op("Split", { x }, { axis = -1, num_outputs = n }, n) }
end

--- Rows [label, score, x1, y1, x2, y2] by falling score. `picked` are indices of boxes, `labels`
--- and `scores` belong to them; at most `keep` stay.
local function rows_of(c, boxes, picked, labels, scores, keep)
  local n = c:op("Shape", { scores }, { start = 0, ["end"] = 1 })
  if keep then n = c:op("Min", { n, c:i64 { keep } }) end
  local best, at = c:op("TopK", { scores, n }, { axis = 0 }, 2)
  local function pick(x) return c:op("Gather", { x, at }, { axis = 0 }) end
  local coordinates = c:op("Gather", { boxes, pick(picked) }, { axis = 0 })
  local label = c:unsqueeze(pick(labels), { 1 })
  local rows = c:op("Concat", { label, c:unsqueeze(best, { 1 }), coordinates }, { axis = 1 })
  return c:unsqueeze(rows, { 0 })
end

local function to_f32(c, x) return c:op("Cast", { x }, { to = 1 }) end
local function column(c, x, i) return c:op("Gather", { x, c:constant(i, "i64") }, { axis = 1 }) end

--- SSD: offsets from the default boxes; each class by itself, the first is the background.
function M.DetectionOutput(c, L)
  local p = L.params
  local classes, location, confidence, priors = p:int(0, 0), L.x[1], L.x[2], L.x[3]
  if not priors then c:fail "expected three inputs" end
  local is_mxnet = classes == -233
  local prior, variance
  if is_mxnet then
    local defaults, list = { 0.1, 0.1, 0.2, 0.2 }, {}
    for i = 1, 4 do list[i] = p:float(4 + i, defaults[i]) end
    prior, variance = c:reshape(priors, { -1, 4 }), c:constant({ list }, "f32")
    classes = c:shape(confidence)[1]
  else
    local both = c:reshape(priors, { 2, -1, 4 })
    prior = c:squeeze(c:slice(both, { 0 }, { 0 }, { 1 }), { 0 })
    variance = c:squeeze(c:slice(both, { 0 }, { 1 }, { 2 }), { 0 })
  end
  if math.type(classes) ~= "integer" or classes < 2 then c:fail("%s classes", tostring(classes)) end
  local pb = columns(c, prior, 4)
  local d = columns(c, c:mul(c:reshape(location, { -1, 4 }), variance), 4)
  local w, h = c:op("Sub", { pb[3], pb[1] }), c:op("Sub", { pb[4], pb[2] })
  local cx = c:add(c:mul(d[1], w), c:scaled(c:add(pb[1], pb[3]), 0.5))
  local cy = c:add(c:mul(d[2], h), c:scaled(c:add(pb[2], pb[4]), 0.5))
  local hw = c:scaled(c:mul(c:op("Exp", { d[3] }), w), 0.5)
  local hh = c:scaled(c:mul(c:op("Exp", { d[4] }), h), 0.5)
  local boxes = c:op("Concat", { c:op("Sub", { cx, hw }), c:op("Sub", { cy, hh }), c:add(cx, hw),
    c:add(cy, hh) }, { axis = 1 })
  local scores = is_mxnet and c:reshape(confidence, { 1, classes, -1 })
    or c:transpose(c:reshape(confidence, { 1, -1, classes }), { 0, 2, 1 })
  scores = c:slice(scores, { 1 }, { 1 }, { classes })
  local top = p:int(2, 300)
  local n_boxes = c.g:value(boxes).shape[1]
  local kept = scores
  if math.type(n_boxes) == "integer" and top < n_boxes then -- only the best of each class compete
    local threshold = c:op("TopK", { scores, c:i64 { top } }, { axis = 2 }, 2)
    local least = c:op("ReduceMin", { threshold, c:i64 { 2 } })
    local is_best = c:op("GreaterOrEqual", { scores, least })
    kept = c:op("Where", { is_best, scores, c:f32(-1) })
  end
  local chosen = c:op("NonMaxSuppression", { c:unsqueeze(boxes, { 0 }), kept,
    c:constant({ math.maxinteger >> 32 }, "i64"), c:constant({ p:float(1, 0.05) }, "f32"),
    c:constant({ p:float(4, 0.5) }, "f32") })
  local class, picked = column(c, chosen, 1), column(c, chosen, 2)
  local order = c:op("Concat", { c:unsqueeze(column(c, chosen, 0), { 1 }), c:unsqueeze(class, { 1 }),
    c:unsqueeze(picked, { 1 }) }, { axis = 1 })
  local score = c:op("GatherND", { scores, order })
  return rows_of(c, boxes, picked, c:shifted(to_f32(c, class), 1), score, p:int(3, 100))
end

--- Version 3 in ncnn is 1 / (1 + exp(-object) (1 + exp(-class))), not the product of two sigmoids.
local function confidence_of(c, object, class, is_v3)
  if not is_v3 then return c:mul(c:op("Sigmoid", { object }), class) end
  local function grown(x) return c:op("Exp", { c:op("Neg", { x }) }) end
  local product = c:mul(grown(object), c:shifted(grown(class), 1))
  return c:op("Reciprocal", { c:shifted(product, 1) })
end

--- The boxes of one of YOLO's maps: [n, 4] corners, [n] scores, [n] classes.
local function yolo_map(c, x, n_box, classes, anchors, net, is_v3)
  local size = c:sizes(x)
  if not size or size[1] ~= n_box * (5 + classes) then
    c:fail("%d boxes of %d classes need %d channels", n_box, classes, n_box * (5 + classes))
  end
  local h, w = size[2], size[3]
  local parts = c:reshape(x, { n_box, 5 + classes, h * w })
  local function part(first, last) return c:slice(parts, { 1 }, { first }, { last }) end
  local grid_x, grid_y = tensor.zeros { h * w }, tensor.zeros { h * w }
  for i = 0, h * w - 1 do
    grid_x:set(i + 1, i % w)
    grid_y:set(i + 1, i // w)
  end
  local function centre(k, grid, n)
    return c:scaled(c:add(c:op("Sigmoid", { part(k, k + 1) }), c:constant(grid)), 1 / n)
  end
  local function half(k, n, which)
    local scale = tensor.zeros { n_box, 1, 1 }
    for i = 1, n_box do scale:set(i, 1, 1, anchors[i][which] / n * 0.5) end
    return c:mul(c:op("Exp", { part(k, k + 1) }), c:constant(scale))
  end
  local cx, cy = centre(0, grid_x, w), centre(1, grid_y, h)
  local hw, hh = half(2, net[1], 1), half(3, net[2], 2)
  local boxes = c:op("Concat", { c:op("Sub", { cx, hw }), c:op("Sub", { cy, hh }), c:add(cx, hw),
    c:add(cy, hh) }, { axis = 1 })
  local object, class = part(4, 5), part(5, 5 + classes)
  if not is_v3 then class = c:op("Softmax", { class }, { axis = 1 }) end
  local best = c:op("ReduceMax", { class, c:i64 { 1 } })
  local label = c:op("ArgMax", { class }, { axis = 1 })
  return c:reshape(c:transpose(boxes, { 0, 2, 1 }), { -1, 4 }),
    c:reshape(confidence_of(c, object, best, is_v3), { -1 }), c:reshape(to_f32(c, label), { -1 })
end

local function yolo(is_v3)
  return function(c, L)
    local p = L.params
    local classes, n_box = p:int(0, 20), p:int(1, 5)
    local biases, mask, scales = p:floats(4), p:floats(5), p:floats(6)
    if classes <= 0 or n_box <= 0 then c:fail("%d boxes of %d classes", n_box, classes) end
    local boxes, scores, labels = {}, {}, {}
    for b, x in ipairs(L.x) do
      local h, w = c:size(x, "h"), c:size(x, "w")
      if type(h) ~= "number" or type(w) ~= "number" then return c:unsupported "of free sizes" end
      local anchors = {}
      for i = 1, n_box do
        local index = is_v3 and math.floor(mask[(b - 1) * n_box + i] or -1) or i - 1
        if not biases[2 * index + 2] or index < 0 then c:fail("no anchor %d", index) end
        anchors[i] = { biases[2 * index + 1], biases[2 * index + 2] }
      end
      local net = is_v3 and { math.floor((scales[b] or 0) * w), math.floor((scales[b] or 0) * h) }
        or { w, h }
      if net[1] <= 0 or net[2] <= 0 then c:fail "no scale of the anchors" end
      boxes[b], scores[b], labels[b] = yolo_map(c, x, n_box, classes, anchors, net, is_v3)
    end
    local function all(list) return #list == 1 and list[1] or c:op("Concat", list, { axis = 0 }) end
    local box, score, label = all(boxes), all(scores), all(labels)
    -- a score of exactly the threshold counts: NonMaxSuppression asks for more
    local low = p:float(2, 0.01)
    local passes = c:op("GreaterOrEqual", { score, c:f32(low) })
    local competing = c:op("Where", { passes, score, c:f32(-1) })
    local chosen = c:op("NonMaxSuppression", { c:unsqueeze(box, { 0 }),
      c:unsqueeze(competing, { 0, 1 }), c:constant({ math.maxinteger >> 32 }, "i64"),
      c:constant({ p:float(3, 0.45) }, "f32"), c:constant({ -0.5 }, "f32") })
    local picked = column(c, chosen, 2)
    local function pick(x) return c:op("Gather", { x, picked }, { axis = 0 }) end
    return rows_of(c, box, picked, c:shifted(pick(label), 1), pick(score))
  end
end

return {
  PriorBox = M.PriorBox, DetectionOutput = M.DetectionOutput,
  YoloDetectionOutput = yolo(false), Yolov3DetectionOutput = yolo(true),
}
