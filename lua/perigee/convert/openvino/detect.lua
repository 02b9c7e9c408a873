--- Boxes: default ones, and suppression.
local tensor = require "perigee.tensor"

local M = {}

local MOST_BOXES = 1 << 22

-- ---- default boxes ----------------------------------------------------------------------------

--- Rows and columns of cells, height and width of the picture.
local function sizes(c, L)
  local cells, image = c:need_numbers(L, 1, "sizes"), c:need_numbers(L, 2, "sizes")
  if not cells or not image then return end
  local h, w = cells[1] or 0, cells[2] or 0
  if h < 0 or w < 0 or h * w > MOST_BOXES then c:fail(L, "%d x %d cells", h, w) end
  return h, w, image[1] or 1, image[2] or 1
end

--- Corners of boxes { half width, half height } around a centre, appended as parts of the picture.
local function append(out, cx, cy, shapes, iw, ih)
  for _, s in ipairs(shapes) do
    local x, y = cx + (s[3] or 0), cy + (s[4] or 0)
    local box = { (x - s[1]) / iw, (y - s[2]) / ih, (x + s[1]) / iw, (y + s[2]) / ih }
    if s.is_clipped then
      for i, v in ipairs(box) do box[i] = math.min(math.max(v, 0), 1) end
    end
    table.move(box, 1, 4, #out + 1, out)
  end
end

--- [2, boxes * 4]: corners, then variances.
local function finish(c, L, out)
  if c:bool(L, "clip", false) then
    for i, v in ipairs(out) do out[i] = math.min(math.max(v, 0), 1) end
  end
  local n, variance = #out, c:floats(L, "variance", {})
  if #variance == 0 then variance = { 0.1 } end
  for i = 0, n - 1 do out[n + i + 1] = #variance == 1 and variance[1] or variance[1 + i % 4] or 0.1 end
  return c:op("Identity", { c:constant(tensor.new(out, "f32"):reshape(2, n)) })
end

--- 1, the given ratios, and with flip their inverses; each once.
local function ratios_of(c, L)
  local list = { 1 }
  local function add(ratio)
    for _, known in ipairs(list) do
      if math.abs(known - ratio) < 1e-6 then return end
    end
    list[#list + 1] = ratio
  end
  for _, ratio in ipairs(c:floats(L, "aspect_ratio", {})) do
    add(ratio)
    if c:bool(L, "flip", false) then add(1 / ratio) end
  end
  return list
end

--- Boxes of fixed sizes, `density` of them each way, kept inside the picture.
local function dense_shapes(c, L, shapes)
  local ratios, densities = c:floats(L, "fixed_ratio", {}), c:floats(L, "density", {})
  if #ratios == 0 then ratios = ratios_of(c, L) end
  for i, size in ipairs(c:floats(L, "fixed_size", {})) do
    local n = math.tointeger(densities[i] or 1)
    if not n or n < 1 or n > 1 << 10 then c:fail(L, "a density of %s", densities[i]) end
    for _, ratio in ipairs(ratios) do
      local root, shift = math.sqrt(ratio), size / n
      for row = 0, n - 1 do
        for column = 0, n - 1 do
          shapes[#shapes + 1] = { size / 2 * root, size / 2 / root, (column + 0.5) * shift - size / 2,
            (row + 0.5) * shift - size / 2, is_clipped = true }
        end
      end
    end
  end
  return shapes
end

--- Half widths and heights of the boxes of one cell.
local function shapes_of(c, L, mins)
  local maxs, all, ratios = c:floats(L, "max_size", {}), c:bool(L, "scale_all_sizes", true), ratios_of(c, L)
  local max_first, shapes = c:bool(L, "min_max_aspect_ratios_order", true), dense_shapes(c, L, {})
  for i, size in ipairs(mins) do
    shapes[#shapes + 1] = { size / 2, size / 2 }
    local function largest()
      if (all or i == #mins) and maxs[i] then
        local side = math.sqrt(size * maxs[i]) / 2
        shapes[#shapes + 1] = { side, side }
      end
    end
    if max_first then largest() end
    if all or i == #mins then
      for k = 2, #ratios do
        local root, base = math.sqrt(ratios[k]), mins[all and i or 1] / 2
        shapes[#shapes + 1] = { base * root, base / root }
      end
    end
    if not max_first then largest() end
  end
  return shapes
end

function M.PriorBox(c, L)
  local h, w, ih, iw = sizes(c, L)
  if not h then return end
  local mins, step, offset = c:floats(L, "min_size", {}), c:float(L, "step", 0), c:float(L, "offset", 0)
  if not c:bool(L, "scale_all_sizes", true) then
    -- Sizes are parts of the picture's height.
    step = step == -1 and ih / h or step * ih
    for i, size in ipairs(mins) do mins[i] = size * ih end
  end
  local shapes, out = shapes_of(c, L, mins), {}
  if #shapes * h * w > MOST_BOXES then c:fail(L, "%d boxes", #shapes * h * w) end
  for y = 0, h - 1 do
    for x = 0, w - 1 do
      local cx, cy = (offset + x) * step, (offset + y) * step
      if step == 0 then cx, cy = (x + 0.5) * iw / w, (y + 0.5) * ih / h end
      append(out, cx, cy, shapes, iw, ih)
    end
  end
  return finish(c, L, out)
end

function M.PriorBoxClustered(c, L)
  local h, w, ih, iw = sizes(c, L)
  if not h then return end
  local widths, heights, shapes, out = c:floats(L, "width"), c:floats(L, "height"), {}, {}
  for i, width in ipairs(widths) do shapes[i] = { width / 2, (heights[i] or c:fail(L, "no height %d", i)) / 2 } end
  if #shapes * h * w > MOST_BOXES then c:fail(L, "%d boxes", #shapes * h * w) end
  local step, offset = c:float(L, "step", 0), c:float(L, "offset", 0)
  local sx, sy = c:float(L, "step_w", 0), c:float(L, "step_h", 0)
  if sx == 0 and sy == 0 then
    sx, sy = step, step
    if step == 0 then sx, sy = iw / w, ih / h end
  end
  for y = 0, h - 1 do
    for x = 0, w - 1 do append(out, (x + offset) * sx, (y + offset) * sy, shapes, iw, ih) end
  end
  return finish(c, L, out)
end

-- ---- suppression ------------------------------------------------------------------------------

local function scalar_input(c, L, i, dtype, default)
  if not L.x[i] then return c:constant(tensor.new({ default }, dtype)) end
  return c:reshape(c:cast(L.x[i], c:type_of(L, i), dtype), { 1 })
end

--- boxes [B, N, 4], scores [B, C, N]: [n, 3] of batch, class, box; from version 5 on also [n, 3] of
--- batch, class, score, and n. Without sorting by score the order is by batch and class.
function M.NonMaxSuppression(c, L)
  if L.x[6] then
    local sigma = c:numbers(L, 6)
    if not sigma or sigma[1] ~= 0 then return c:unsupported(L, "with soft_nms_sigma", "0") end
  end
  local scores, zero = c:x(L, 2), c:constant(0, "i64")
  local picks = c:op("NonMaxSuppression", { c:x(L, 1), scores, scalar_input(c, L, 3, "i64", 0),
    scalar_input(c, L, 4, "f32", 0), scalar_input(c, L, 5, "f32", 0) },
    { center_point_box = c:word(L, "box_encoding", "corner") == "center" and 1 or 0 })
  local values = c:op("GatherND", { scores, picks })
  if c:bool(L, "sort_result_descending", true) then
    local order
    values, order = c:op("TopK", { values, c:shape_of(values) }, { axis = 0 }, 2)
    picks = c:op("Gather", { picks, order }, { axis = 0 })
  end
  local dtype = L.outputs[1] and L.outputs[1].dtype or "i64"
  if L.opset < 5 then
    -- The rest of a fixed number of rows is -1.
    local rows = L.outputs[1] and L.outputs[1].dims[1] or -1
    if rows >= 0 then
      local rest = c:op("Sub", { c:i64 { rows }, (c:slice(c:shape_of(picks), { 0 }, { 0 }, { 1 })) })
      rest = c:op("Max", { rest, c:i64 { 0 } })
      local pads = c:op("Concat", { c:i64 { 0, 0 }, rest, c:i64 { 0 } }, { axis = 0 })
      picks = c:op("Pad", { picks, pads, c:constant(-1, "i64") })
    end
    return c:cast(picks, "i64", dtype)
  end
  local where = c:op("Cast", { (c:slice(picks, { 1 }, { 0 }, { 2 })) }, { to = c:type_of(L, 2) })
  local rows = c:op("Concat", { where, c:unsqueeze(values, { 1 }) }, { axis = 1 })
  local n = c:op("Add", { c:shape_of(values), zero })
  return c:cast(picks, "i64", dtype), rows, c:cast(n, "i64", L.outputs[3] and L.outputs[3].dtype or "i64")
end

-- ---- detections -------------------------------------------------------------------------------

--- Corners [n, 4] from offsets and default boxes; the last of `normalized` sizes is 1.
local function decode(c, L, offsets, priors, variances, dtype)
  local function op(type, ...) return (c:op(type, { ... })) end
  local scaled = variances and op("Mul", offsets, variances) or offsets
  if c:word(L, "code_type", "corner"):find "corner$" then return op("Add", priors, scaled) end
  local function part(x, from, to) return c:slice(x, { 1 }, { from }, { to }) end
  local low, high = part(priors, 0, 2), part(priors, 2, 4)
  local size, half = op("Sub", high, low), c:constant(0.5, dtype)
  local centre = op("Mul", op("Add", low, high), half)
  centre = op("Add", centre, op("Mul", part(scaled, 0, 2), size))
  local reach = op("Mul", op("Mul", op("Exp", part(scaled, 2, 4)), size), half)
  return c:op("Concat", { op("Sub", centre, reach), (op("Add", centre, reach)) }, { axis = 1 })
end

--- For each class the best `top_k` boxes, suppressed among themselves; of all of these the best
--- `keep_top_k`, by class and score: [1, 1, N, 7] of image, class, score, corners. The first row that
--- isn't used is of image -1; those behind it are 0.
local function detections(c, L, n, n_classes, most)
  local dtype = c:type_of(L, 1)
  local function op(type, ...) return (c:op(type, { ... })) end
  local function row(i) return c:reshape(c:slice(c:x(L, 3), { 1 }, { i }, { i + 1 }), { n, 4 }) end
  local encoded = c:bool(L, "variance_encoded_in_target", false)
  local corners = decode(c, L, c:reshape(c:x(L, 1), { n, 4 }), row(0), not encoded and row(1), dtype)
  local zero, one = c:constant(0, dtype), c:constant(1, dtype)
  if c:bool(L, "clip_before_nms", false) then corners = op("Clip", corners, zero, one) end
  local background, classes = c:int(L, "background_label_id", 0), {}
  for class = 0, n_classes - 1 do
    if class ~= background then classes[#classes + 1] = class end
  end
  local scores = c:op("Gather", { c:transpose(c:reshape(c:x(L, 2), { n, n_classes }), { 1, 0 }), c:i64(classes) },
    { axis = 0 })
  local top = c:int(L, "top_k", -1)
  top = top > 0 and math.min(top, n) or n
  local best, at = c:op("TopK", { scores, c:i64 { top } }, { axis = 1 }, 2)
  local boxes = c:op("Gather", { corners, at }, { axis = 0 })
  local kept = op("NonMaxSuppression", boxes, c:unsqueeze(best, { 1 }), c:i64 { top },
    c:constant({ c:float(L, "nms_threshold") }, "f32"), c:constant({ c:float(L, "confidence_threshold", 0) }, "f32"))
  local place = c:op("Gather", { kept, c:i64 { 0, 2 } }, { axis = 1 })
  local score = op("GatherND", best, place)
  local count = op("Min", c:shape_of(score), c:i64 { most })
  local _, order = c:op("TopK", { score, count }, { axis = 0 }, 2)
  _, order = nil, c:op("TopK", { order, count }, { axis = 0, largest = 0 }, 2)
  place, score = op("Gather", place, order), op("Gather", score, order)
  local labels = {}
  for i, class in ipairs(classes) do
    labels[i] = c:bool(L, "decrease_label_id", false) and class - 1 or class
  end
  local class = c:op("Gather", { c:constant(tensor.new(labels, dtype)),
    (c:op("Gather", { place, c:i64 { 0 } }, { axis = 1 })) })
  local corner = op("GatherND", boxes, place)
  if c:bool(L, "clip_after_nms", false) then corner = op("Clip", corner, zero, one) end
  local rows = c:op("Concat", { op("Mul", class, zero), class, c:unsqueeze(score, { 1 }), corner }, { axis = 1 })
  local last = c:constant(tensor.new({ { -1, 0, 0, 0, 0, 0, 0 } }, dtype))
  rows = c:op("Concat", { rows, last }, { axis = 0 })
  local rest = op("Max", op("Sub", c:i64 { most }, count), c:i64 { 0 })
  rows = op("Pad", rows, (c:op("Concat", { c:i64 { 0, 0 }, rest, c:i64 { 0 } }, { axis = 0 })))
  return c:unsqueeze(c:slice(rows, { 0 }, { 0 }, { most }), { 0, 1 })
end

function M.DetectionOutput(c, L)
  local where, scores, priors = c:dims(L, 1), c:dims(L, 2), c:dims(L, 3)
  if where[1] ~= 1 or not c:bool(L, "share_location", true) or L.x[4] or not c:bool(L, "normalized", false)
    or not (c:count(scores) and c:count(priors) and c:count(where)) or priors[1] ~= 1 then
    return c:unsupported(L, "with a batch, locations by class, boxes in pixels or five inputs")
  end
  local n = priors[3] // 4
  local encoded = c:bool(L, "variance_encoded_in_target", false)
  if n < 1 or where[2] ~= 4 * n or scores[2] % n ~= 0 or scores[2] // n < 2 or priors[2] < (encoded and 1 or 2) then
    c:fail(L, "%d boxes for %d offsets and %d scores", n, where[2], scores[2])
  end
  local most, top = c:ints(L, "keep_top_k")[1] or -1, c:int(L, "top_k", -1)
  local n_classes = scores[2] // n
  if most <= 0 then most = top > 0 and top * n_classes or n * n_classes end
  return detections(c, L, n, n_classes, most)
end

return M
