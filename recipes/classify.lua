-- Classifies images with any model that takes one picture and gives scores.
-- usage: lua5.4 recipes/classify.lua MODEL IMAGE... [--labels FILE] [--top K]
-- Pixels are divided by 255; a model trained otherwise wants its own scale, mean and std below.
local pg = require "perigee"

local model, paths, options = nil, {}, { top = 5 }
local i = 1
while arg[i] do
  local name = arg[i]:match "^%-%-(%a+)$"
  if name then
    options[name], i = arg[i + 1], i + 1
  elseif model then
    paths[#paths + 1] = arg[i]
  else
    model = arg[i]
  end
  i = i + 1
end
if not model or #paths == 0 then
  io.stderr:write "usage: classify.lua MODEL IMAGE... [--labels FILE] [--top K]\n"
  os.exit(2)
end

local session = assert(assert(pg.load(model)):session())
local input, output = session:input_list()[1], session:output_list()[1]

local labels = session.labels
if options.labels then
  labels = {}
  for line in io.lines(options.labels) do labels[#labels + 1] = line end
end

for _, path in ipairs(paths) do
  local picture = assert(pg.image.read(path))
  local tensor = assert(pg.image.fit(picture, input, { scale = 1 / 255 }))
  local scores = session({ [input.name] = tensor })[output.name]:softmax()
  print(path)
  for _, best in ipairs(pg.post.topk(scores, math.tointeger(tonumber(options.top)), labels)) do
    print(("  %6.2f %%  %s"):format(100 * best.score, best.label or "class " .. best.index))
  end
end
