--- perigee extract MODEL -i a,b -o c OUT: the part of a model between named values.
local output = require "perigee.cli.output"

local M = { summary = "cut out the part of a model between named values" }

function M.configure(parser)
  parser:argument("model", "The model's file.")
  parser:argument("out", "The file to write: .onnx or .onnxtxt.")
  parser:option("-i --inputs", "Values that become inputs, with commas."):count "*":argname "NAMES"
  parser:option("-o --outputs", "Values that become outputs, with commas."):count "+"
    :argname "NAMES"
  output.configure(parser)
end

function M.run(args)
  local ok, message, code = output.check(args, args.out)
  if not ok then return nil, message, code end
  local graph
  graph, message, code = output.load(args.model)
  if not graph then return nil, message, code end
  local part, unreached
  part, unreached, code = graph:extract {
    inputs = output.names(args.inputs), outputs = output.names(args.outputs),
  }
  if not part then return nil, unreached, code end
  local notes = {}
  for i, name in ipairs(unreached) do
    notes[i] = ("input '%s' is not needed and was left out"):format(name)
  end
  return output.finish(args, part, args.out, notes)
end

return M
