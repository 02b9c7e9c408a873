--- perigee merge A B -m out=in OUT: one model from two.
local pg = require "perigee"
local output = require "perigee.cli.output"

local M = { summary = "join two models: outputs of the first feed inputs of the second" }

function M.configure(parser)
  parser:argument("first", "The model that feeds.")
  parser:argument("second", "The model that is fed.")
  parser:argument("out", "The file to write: .onnx or .onnxtxt.")
  parser:option("-m --map", "OUT=IN, an output of the first and an input of the second "
    .. "(default: those of equal names)."):count "*":argname "OUT=IN"
  parser:option("--prefix", "Before all names of the second (default: b/ where names collide).")
  output.configure(parser)
end

local function map_of(words)
  if #words == 0 then return nil end
  local map = {}
  for _, word in ipairs(output.names(words)) do
    local from, to = word:match "^(.-)=(.+)$"
    if not from or from == "" then
      return nil, ("--map %s: expected OUT=IN"):format(word), "usage"
    end
    map[from] = to
  end
  return map
end

function M.run(args)
  local ok, message, code = output.check(args, args.out)
  if not ok then return nil, message, code end
  local map
  map, message, code = map_of(args.map)
  if message then return nil, message, code end
  local first, second, merged
  first, message, code = output.load(args.first)
  if not first then return nil, message, code end
  second, message, code = output.load(args.second)
  if not second then return nil, message, code end
  merged, message, code = pg.merge(first, second, { map = map, prefix = args.prefix })
  if not merged then return nil, message, code end
  return output.finish(args, merged, args.out)
end

return M
