-- Measures models/ocr on its test set: lines in fonts that it was never trained on.
-- usage: lua5.4 recipes/ocr_accuracy.lua [FOLDER] [--beam WIDTH]
-- FOLDER holds labels.tsv with lines of file, kind, font, text (default models/ocr/testset).
local pg = require "perigee"

local here = arg[0]:match "^(.*)/[^/]*$" or "."
local folder = arg[1] and arg[1] ~= "--beam" and arg[1] or here .. "/../models/ocr/testset"
local beam
for i, word in ipairs(arg) do
  if word == "--beam" then beam = math.tointeger(tonumber(arg[i + 1])) end
end

local session = assert(assert(pg.load(here .. "/../models/ocr/ocr.onnx")):session { threads = 1 })

-- Levenshtein: insertions, deletions, replacements.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

local function read(path)
  local picture = assert(pg.image.read(path))
  local line = picture:gray():resize { height = 32 }:tensor { scale = 1 / 255 }
  return (pg.post.ctc(session({ image = line }).logits, session.labels, { beam = beam }))
end

local totals = {}
for row in io.lines(folder .. "/labels.tsv") do
  local file, kind, _, text = row:match "^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$"
  local got = read(folder .. "/" .. file)
  local t = totals[kind] or { lines = 0, exact = 0, characters = 0, errors = 0 }
  totals[kind] = t
  t.lines, t.characters = t.lines + 1, t.characters + #text
  t.errors = t.errors + distance(text, got)
  t.exact = t.exact + (got == text and 1 or 0)
end

for _, kind in ipairs { "clean", "degraded" } do
  local t = totals[kind]
  if t then
    print(("%-9s %4d lines, %5d characters: %.2f %% of characters, %.1f %% of lines right"):format(
      kind, t.lines, t.characters, 100 * (1 - t.errors / t.characters), 100 * t.exact / t.lines))
  end
end
