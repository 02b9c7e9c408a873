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
    table.move({ (x - s[1]) / iw, (y - s[2]) / ih, (x + s[1]) / iw, (y + s[2]) / ih }, 1, 4, #out + 1, out)
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

--- Half widths and heights of the boxes of one cell.
local function shapes_of(c, L, mins)
  local maxs, all, ratios = c:floats(L, "max_size", {}), c:bool(L, "scale_all_sizes", true), ratios_of(c, L)
  local max_first, shapes = c:bool(L, "min_max_aspect_ratios_order", true), {}
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
  if #c:floats(L, "fixed_size", {}) > 0 or #c:floats(L, "density", {}) > 0 then
    return c:unsupported(L, "with fixed_size and density", "min_size and aspect_ratio")
  end
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

return M
