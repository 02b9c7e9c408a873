-- Runs a network beside a game loop: two milliseconds of it in each frame, the rest is the game's.
-- usage: lua5.4 recipes/frame_budget.lua [MODEL]
local pg = require "perigee"
local bench = require "perigee.bench"

local here = arg[0]:match "^(.*)/[^/]*$" or "."
local graph = assert(pg.load(arg[1] or here .. "/../models/ocr/ocr.onnx"))
local session = assert(graph:session { threads = 1 })
local inputs = bench.inputs(session, 1, { W = 640 })

local frames, longest = 0, 0
assert(session:start(inputs))
repeat
  local began = pg.clock()
  local done = session:step(2) -- milliseconds; a step is never cut, so it may take a little longer
  longest = math.max(longest, pg.clock() - began)
  frames = frames + 1
  -- here the game would move and draw
until done
local outputs = session:finish()

print(("done in %d frames, the longest took %.2f ms"):format(frames, longest * 1e3))
for _, spec in ipairs(session:output_list()) do print(spec.name, outputs[spec.name]) end
