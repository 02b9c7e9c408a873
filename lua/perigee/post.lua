--- From what networks put out to answers: labels, boxes, text.
---
--- Indices and classes count from 1. Boxes are f32 [N,4] as x1, y1, x2, y2.
local core = require "perigee.core"
local blame = require "perigee.util.blame"
local options = require "perigee.util.options"
local tensor = require "perigee.tensor"

---@class perigee.post
local M = {}

--- Softmax over an axis (default the last).
---@param scores perigee.Tensor
---@param axis? integer
---@return perigee.Tensor
function M.softmax(scores, axis) return scores:softmax(axis) end

--- The k best classes of a vector of scores: an array of { index, score, label }.
---@param scores perigee.Tensor f32 [C] or [1,C]
---@param k? integer default 5
---@param labels? string[]
---@return { index: integer, score: number, label: string? }[]
function M.topk(scores, k, labels)
  local flat = scores:reshape(-1)
  k = math.min(k or 5, flat.count)
  local values, indices = flat:topk(k)
  local out = {}
  for i = 1, k do
    local index = indices[i]
    out[i] = { index = index, score = values[i], label = labels and labels[index] }
  end
  return out
end

---@class perigee.nms.options
---@field kind? "hard"|"linear"|"gaussian"|"weighted" default "hard"
---@field iou? number more overlap than this suppresses; default 0.5
---@field min_score? number default 0
---@field sigma? number of "gaussian"; default 0.5
---@field max_boxes? integer default 0: all
---@field classes? perigee.Tensor [N]: boxes of different classes don't suppress each other

local nms_kinds = { hard = true, linear = true, gaussian = true, weighted = true }

--- Suppresses overlapping boxes.
---@param boxes perigee.Tensor f32 [N,4]
---@param scores perigee.Tensor f32 [N]
---@param opts? perigee.nms.options
---@return perigee.Tensor indices i64 [K], 1-based rows, best first
---@return perigee.Tensor boxes f32 [K,4]; averaged for "weighted"
---@return perigee.Tensor scores f32 [K]; decayed for "linear" and "gaussian"
function M.nms(boxes, scores, opts)
  local o = options.check(opts, {
    kind = "hard", iou = 0.5, min_score = 0, sigma = 0.5, max_boxes = 0, classes = options.none,
  })
  if not nms_kinds[o.kind] then
    blame("nms: expected the kind 'hard', 'linear', 'gaussian' or 'weighted', got '%s'", o.kind)
  end
  local classes = o.classes and o.classes:cast "i64"
  local indices, kept, kept_scores = core.nms(boxes:cast "f32", scores:cast "f32", classes, o.kind,
    o.iou, o.min_score, o.sigma, o.max_boxes)
  if not indices then return indices, kept, kept_scores end
  return indices + 1, kept, kept_scores
end

local function labels_of(indices, labels)
  local parts = {}
  for i = 1, indices.count do parts[i] = labels[indices[i] + 1] or "" end
  return table.concat(parts)
end

--- Reads the text out of CTC logits.
---@param logits perigee.Tensor f32 [T,C] or [1,T,C], unnormalised
---@param labels string[] one string a class, the blank's included
---@param opts? { blank?: integer, beam?: integer } blank: default 1; beam: width, default greedy
---@return string text
---@return number confidence 0 to 1
---@return integer[]? steps greedy only: the 1-based step where each label begins
function M.ctc(logits, labels, opts)
  local o = options.check(opts, { blank = 1, beam = options.none })
  if not core.is_tensor(logits) then
    blame("ctc: expected logits, a tensor, got a %s", type(logits))
  elseif type(labels) ~= "table" then
    blame("ctc: expected labels, a table of strings, got a %s", type(labels))
  end
  if logits.rank == 3 then
    if logits.shape[1] ~= 1 then
      blame("ctc: expected one line, got a batch of %d", logits.shape[1])
    end
    logits = logits:select(1, 1)
  end
  local n = logits.shape[2]
  if logits.rank == 2 and #labels < n then
    blame("ctc: expected %d labels, one a class, got %d", n, #labels)
  elseif n and (math.type(o.blank) ~= "integer" or o.blank < 1 or o.blank > n) then
    blame("ctc: blank: expected a class from 1 to %d, got %s", n, o.blank)
  elseif o.beam and (math.type(o.beam) ~= "integer" or o.beam < 1 or o.beam > 10000) then
    blame("ctc: beam: expected a width from 1 to 10000, got %s", tostring(o.beam))
  end
  if o.beam then
    local indices, confidence = core.ctc_beam(logits, o.blank - 1, o.beam)
    return labels_of(indices, labels), confidence
  end
  local indices, steps, confidence = core.ctc_greedy(logits, o.blank - 1)
  return labels_of(indices, labels), confidence, (steps + 1):totable()
end

--- Corners from centres: x, y, w, h to x1, y1, x2, y2.
---@param boxes perigee.Tensor [N,4]
---@return perigee.Tensor
function M.corners(boxes)
  local centre, half = boxes:slice(2, 1, 2), boxes:slice(2, 3, 4) / 2
  return tensor.concat({ centre - half, centre + half }, 2)
end

--- Boxes from a network's offsets to anchors, as in SSD (Liu et al. 2016): centre = prior centre +
--- offset * variance * prior size; size = prior size * exp(offset * variance).
---@param offsets perigee.Tensor f32 [N,4]
---@param priors perigee.Tensor f32 [N,4] as centre x, centre y, width, height
---@param variances? number[] for centre and size; default { 0.1, 0.2 }
---@return perigee.Tensor corners f32 [N,4]
function M.decode_ssd(offsets, priors, variances)
  local v = variances or { 0.1, 0.2 }
  local size = priors:slice(2, 3, 4)
  local centre = priors:slice(2, 1, 2) + offsets:slice(2, 1, 2) * v[1] * size
  local extent = (offsets:slice(2, 3, 4) * v[2]):exp() * size
  return M.corners(tensor.concat({ centre, extent }, 2))
end

--- Boxes in units of the whole image (0 to 1) to pixels, and back with `invert`.
---@param boxes perigee.Tensor [N,4]
---@param width number
---@param height number
---@param invert? boolean
---@return perigee.Tensor
function M.scale_boxes(boxes, width, height, invert)
  local scale = tensor { width, height, width, height }
  return invert and boxes / scale or boxes * scale
end

return M
