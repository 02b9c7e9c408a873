-- Reads lines of text in images with the model that ships in models/ocr.
-- usage: lua5.4 recipes/read_text.lua IMAGE... [--annotate OUT.png] [--model FILE]
local pg = require "perigee"

local here = arg[0]:match "^(.*)/[^/]*$" or "."
local paths, options = {}, { model = here .. "/../models/ocr/ocr.onnx" }
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(%a+)$"
    if name then
      options[name], i = arg[i + 1], i + 2
    else
      if arg[i]:find "%.png$" or arg[i]:find "%.jpe?g$" then paths[#paths + 1] = arg[i] end
      i = i + 1
    end
  end
end

local function fail(message)
  io.stderr:write(message, "\n")
  os.exit(1)
end

if #paths == 0 then
  io.stderr:write "usage: read_text.lua IMAGE... [--annotate OUT.png] [--model FILE]\n"
  os.exit(2)
end

local graph, problem = pg.load(options.model)
if not graph then fail(problem) end
local session = assert(graph:session())

local function read(path)
  local picture, message = pg.image.read(path)
  if not picture then fail(message) end
  local started = pg.clock()
  local line = picture:gray():resize { height = 32 }:tensor { scale = 1 / 255 }
  local out = session { image = line }
  local text, confidence = pg.post.ctc(out.logits, session.labels)
  return { path = path, picture = picture, text = text, confidence = confidence,
    ms = (pg.clock() - started) * 1e3 }
end

-- Pixels are a tensor [H,W,C]: writing into a view of it writes into the picture.
local function paste(sheet, picture, x, y)
  local place = sheet.pixels:slice(1, y + 1, y + picture.height):slice(2, x + 1, x + picture.width)
  place:copy_from(picture:rgb().pixels)
end

-- All lines on one sheet, each with what was read below it.
local function annotate(lines, path)
  local width, height = 0, 10
  for _, line in ipairs(lines) do
    width = math.max(width, line.picture.width, 16 + 8 * #line.text)
    height = height + line.picture.height + 30
  end
  local sheet = pg.image.new { width = width + 20, height = height, fill = { 255, 255, 255 } }
  local y = 10
  for _, line in ipairs(lines) do
    paste(sheet, line.picture, 10, y)
    sheet:rectangle { x = 9, y = y - 1, width = line.picture.width + 2,
      height = line.picture.height + 2, color = { 0, 140, 60 } }
    sheet:text { x = 10, y = y + line.picture.height + 4, text = line.text, color = { 0, 60, 160 } }
    y = y + line.picture.height + 30
  end
  local ok, message = sheet:save(path)
  if not ok then fail(message) end
  print("annotated: " .. path)
end

local lines = {}
for i, path in ipairs(paths) do
  lines[i] = read(path)
  print(("%-44s %3.0f %%  %5.1f ms  %s"):format(path:match "[^/]+$", 100 * lines[i].confidence,
    lines[i].ms, lines[i].text))
end
if options.annotate and #lines > 0 then annotate(lines, options.annotate) end
