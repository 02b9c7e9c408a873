-- perigee.post: suppression of boxes, CTC, top-k, decoding. Expected values are worked out by hand, or by
-- trying everything.
local pg = require "perigee"
local T, post = pg.tensor, pg.post

local function same(expected, t) assert.same(expected, t:totable()) end

local function near(expected, t, bound)
  local got = t:flatten():totable()
  assert.equal(#expected, #got)
  for i, v in ipairs(expected) do assert.near(v, got[i], bound or 1e-5) end
end

describe("nms", function()
  -- Boxes 1 and 2 share 8 x 10 of 10 x 10 + 10 x 10 - 80 = 120: IoU 2/3. Box 3 shares 2 x 10 with box 1 (IoU
  -- 20 / 180 = 1/9) and 4 x 10 with box 2 (40 / 160 = 1/4). Box 4 is alone.
  local boxes = T { { 0, 0, 10, 10 }, { 2, 0, 12, 10 }, { 8, 0, 18, 10 }, { 100, 100, 110, 110 } }
  local scores = T { 0.9, 0.8, 0.7, 0.6 }

  it("hard drops what overlaps a better one", function()
    local kept, kept_boxes, kept_scores = post.nms(boxes, scores, { iou = 0.5 })
    same({ 1, 3, 4 }, kept)
    assert.equal("i64", kept.dtype)
    same({ { 0, 0, 10, 10 }, { 8, 0, 18, 10 }, { 100, 100, 110, 110 } }, kept_boxes)
    near({ 0.9, 0.7, 0.6 }, kept_scores)
    same({ 1, 4 }, (post.nms(boxes, scores, { iou = 0.1 })))
    same({ 1, 2, 3, 4 }, (post.nms(boxes, scores, { iou = 0.7 })))
  end)

  it("orders by score, whatever the order of rows", function()
    same({ 3, 1, 4 }, (post.nms(boxes, T { 0.5, 0.4, 0.9, 0.1 }, { iou = 0.5 })))
    same({ 4, 2, 3 }, (post.nms(boxes, T { 0.5, 0.6, 0.55, 0.9 }, { iou = 0.3 })))
  end)

  it("keeps the order of equal scores", function()
    same({ 1, 3, 4 }, (post.nms(boxes, T { 0.5, 0.5, 0.5, 0.5 }, { iou = 0.5 })))
  end)

  it("drops low scores and NaN, and stops at max_boxes", function()
    same({ 1, 3 }, (post.nms(boxes, scores, { min_score = 0.65 })))
    same({ 1, 4 }, (post.nms(boxes, T { 0.9, 0.8, 0 / 0, 0.6 }, { iou = 0.5 })))
    same({ 1, 3 }, (post.nms(boxes, scores, { max_boxes = 2 })))
  end)

  it("suppresses within a class only", function()
    same({ 1, 2, 3, 4 }, (post.nms(boxes, scores, { iou = 0.5, classes = T({ 1, 2, 1, 1 }, "i64") })))
    same({ 1, 3, 4 }, (post.nms(boxes, scores, { iou = 0.5, classes = T { 1, 1, 2, 2 } })))
  end)

  it("linear: scores times 1 - IoU above the threshold (Bodla et al. 2017)", function()
    local kept, _, s = post.nms(boxes, scores, { kind = "linear", iou = 0.5 })
    -- Box 1 leaves box 2 with 0.8 / 3; box 3 overlaps neither above the threshold.
    same({ 1, 3, 4, 2 }, kept)
    near({ 0.9, 0.7, 0.6, 0.8 / 3 }, s)
  end)

  it("gaussian: scores times exp(-IoU^2 / sigma)", function()
    local kept, _, s = post.nms(boxes, scores, { kind = "gaussian", sigma = 0.5 })
    local function decay(iou) return math.exp(-iou * iou / 0.5) end
    local third = 0.7 * decay(1 / 9) -- 0.6829
    local second = 0.8 * decay(2 / 3) * decay(1 / 4) -- 0.3289 after box 1, then box 3
    same({ 1, 3, 4, 2 }, kept)
    near({ 0.9, third, 0.6, second }, s)
    kept = post.nms(boxes, scores, { kind = "gaussian", sigma = 0.5, min_score = 0.5 })
    same({ 1, 3, 4 }, kept)
  end)

  it("weighted: overlapping boxes averaged by score", function()
    local kept, b, s = post.nms(boxes, scores, { kind = "weighted", iou = 0.5 })
    same({ 1, 3, 4 }, kept)
    local x = 2 * 0.8 / 1.7
    near({ x, 0, x + 10, 10, 8, 0, 18, 10, 100, 100, 110, 110 }, b)
    assert.near(0.9, s[1], 1e-6)
  end)

  it("takes nothing, and boxes without area", function()
    assert.equal(0, (post.nms(T.zeros { 0, 4 }, T.zeros { 0 })).count)
    same({ 1, 2 }, (post.nms(T { { 1, 1, 1, 1 }, { 1, 1, 1, 1 } }, T { 0.5, 0.4 })))
  end)

  it("says what is wrong", function()
    for _, case in ipairs {
      function() post.nms(T.zeros { 2, 3 }, T.zeros { 2 }) end, function() post.nms(boxes, T.zeros { 3 }) end,
      function() post.nms(boxes, scores, { kind = "soft" }) end, function() post.nms(boxes, scores, { iuo = 1 }) end,
      function() post.nms(boxes, scores, { classes = T { 1 } }) end,
      function() post.nms(boxes, scores, { kind = "gaussian", sigma = 0 }) end,
    } do
      assert.has_error(case)
    end
  end)

  it("agrees with a plain version on 300 random boxes", function()
    local corner = T.random({ 300, 2 }, { seed = 1, high = 100 })
    local size = T.random({ 300, 2 }, { seed = 2, low = 5, high = 30 })
    local many = T.concat({ corner, corner + size }, 2)
    local p = T.random({ 300 }, { seed = 3 })
    local b, s, order, kept = many:totable(), p:totable(), {}, {}
    for i = 1, 300 do order[i] = i end
    table.sort(order, function(i, j) return s[i] > s[j] end)
    local function iou(u, v)
      local w = math.max(0, math.min(u[3], v[3]) - math.max(u[1], v[1]))
      local h = math.max(0, math.min(u[4], v[4]) - math.max(u[2], v[2]))
      return w * h / ((u[3] - u[1]) * (u[4] - u[2]) + (v[3] - v[1]) * (v[4] - v[2]) - w * h)
    end
    for _, i in ipairs(order) do
      local ok = true
      for _, k in ipairs(kept) do ok = ok and iou(b[i], b[k]) <= 0.4 end
      if ok then kept[#kept + 1] = i end
    end
    same(kept, (post.nms(many, p, { iou = 0.4 })))
  end)
end)

describe("ctc", function()
  local labels = { "", "a", "b", "c" }

  --- The probability of every labelling, by trying all alignments.
  local function brute(logits, n_classes, blank)
    local p = {}
    for t, row in ipairs(logits) do
      local sum = 0
      for _, v in ipairs(row) do sum = sum + math.exp(v) end
      p[t] = {}
      for c, v in ipairs(row) do p[t][c] = math.exp(v) / sum end
    end
    local total = {}
    local function walk(t, text, last, probability)
      if t > #logits then
        total[text] = (total[text] or 0) + probability
        return
      end
      for c = 1, n_classes do
        local next_text = (c == blank or c == last) and text or text .. labels[c]
        walk(t + 1, next_text, c, probability * p[t][c])
      end
    end
    walk(1, "", nil, 1)
    local best
    for text, probability in pairs(total) do
      if not best or probability > total[best] then best = text end
    end
    return best, total
  end

  it("greedy takes the best class of a step and joins repetitions", function()
    local path, logits = { 2, 2, 1, 2, 3, 3, 1 }, {}
    for t, c in ipairs(path) do
      logits[t] = { 0, 0, 0, 0 }
      logits[t][c] = 5
    end
    local text, confidence, steps = post.ctc(T(logits), labels)
    assert.equal("aab", text)
    assert.same({ 1, 4, 5 }, steps)
    assert.near(math.exp(5) / (math.exp(5) + 3), confidence, 1e-6) -- every best probability is this
    assert.equal("aab", (post.ctc(T(logits):unsqueeze(1), labels))) -- [1,T,C]
  end)

  it("greedy reads nothing as nothing", function()
    local text, _, steps = post.ctc(T { { 9, 0 }, { 9, 0 } }, { "", "a" })
    assert.equal("", text)
    assert.same({}, steps)
  end)

  it("takes another blank", function()
    assert.equal("ab", (post.ctc(T { { 5, 0, 0 }, { 0, 0, 5 }, { 0, 5, 0 } }, { "a", "b", "" }, { blank = 3 })))
  end)

  it("beam search finds the labelling that all alignments together make likeliest", function()
    -- Hannun's example: the best path is blank, blank, but "a" has three alignments.
    local logits = { { math.log(0.6), math.log(0.4) }, { math.log(0.6), math.log(0.4) } }
    assert.equal("", (post.ctc(T(logits), { "", "a" })))
    local text, confidence = post.ctc(T(logits), { "", "a" }, { beam = 10 })
    assert.equal("a", text)
    assert.near(0.64, confidence, 1e-5)
  end)

  for seed = 1, 12 do
    it("beam search agrees with trying everything, seed " .. seed, function()
      local steps, classes = 3 + seed % 3, 3 + seed % 2
      local t = T.randn({ steps, classes }, { seed = seed, deviation = 1.5 })
      local best, total = brute(t:totable(), classes, 1)
      local text, confidence = post.ctc(t, labels, { beam = 2000 })
      assert.equal(best, text)
      assert.near(total[best], confidence, 1e-5)
    end)
  end

  it("says what is wrong", function()
    assert.has_error(function() post.ctc(T { 1, 2 }, labels) end)
    assert.has_error(function() post.ctc(T.zeros { 2, 3, 4 }, labels) end)
    assert.has_error(function() post.ctc(T.zeros { 3, 4 }, labels, { blank = 9 }) end)
    assert.has_error(function() post.ctc(T.zeros { 3, 4 }, labels, { beam = 0 }) end)
    assert.has_error(function() post.ctc(T.zeros { 3, 4 }, labels, { width = 3 }) end)
    assert.has_error(function() post.ctc("logits", labels) end)
    assert.has_error(function() post.ctc(T.zeros { 3, 4 }) end)
    local _, message = pcall(post.ctc, T.zeros { 3, 4 }, { "a" })
    assert.matches("expected 4 labels, one a class, got 1", message, 1, true)
  end)
end)

describe("answers", function()
  it("topk gives classes with labels", function()
    assert.same({ { index = 2, score = 3, label = "dog" }, { index = 3, score = 2 } },
      post.topk(T { { 1, 3, 2 } }, 2, { "cat", "dog" }))
    assert.equal(3, #post.topk(T { 1, 2, 3 }, 10))
  end)

  it("softmax sums to one", function()
    near({ 1 / (1 + math.exp(1)), math.exp(1) / (1 + math.exp(1)) }, post.softmax(T { 0, 1 }))
  end)

  it("corners come from centres", function()
    same({ { 8, 15, 12, 25 } }, post.corners(T { { 10, 20, 4, 10 } }))
  end)

  it("SSD offsets become boxes (Liu et al. 2016)", function()
    -- centre 0.5 + 1 * 0.1 * 0.2 = 0.52, 0.5 - 1 * 0.1 * 0.4 = 0.46; size 0.2 exp(0.2), 0.4 exp(0)
    local w = 0.2 * math.exp(0.2)
    near({ 0.52 - w / 2, 0.26, 0.52 + w / 2, 0.66 },
      post.decode_ssd(T { { 1, -1, 1, 0 } }, T { { 0.5, 0.5, 0.2, 0.4 } }))
    near({ 0.5, 0.5, 1.5, 1.5 }, post.decode_ssd(T { { 1, 1, 0, 0 } }, T { { 0, 0, 1, 1 } }, { 1, 1 }))
  end)

  it("boxes go to pixels and back", function()
    local boxes = T { { 0.25, 0.5, 0.75, 1 } }
    same({ { 160, 240, 480, 480 } }, post.scale_boxes(boxes, 640, 480))
    near({ 0.25, 0.5, 0.75, 1 }, post.scale_boxes(post.scale_boxes(boxes, 640, 480), 640, 480, true))
  end)
end)
