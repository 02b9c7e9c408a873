--- perigee inline MODEL OUT: calls of functions become their nodes.
local output = require "perigee.cli.output"

local M = { summary = "replace the calls of a model's functions by their nodes" }

function M.configure(parser)
  parser:argument("model", "The model's file.")
  parser:argument("out", "The file to write: .onnx or .onnxtxt.")
  output.configure(parser)
end

function M.run(args)
  local ok, message, code = output.check(args, args.out)
  if not ok then return nil, message, code end
  local graph
  graph, message, code = output.load(args.model)
  if not graph then return nil, message, code end
  ok, message, code = graph:inline()
  if not ok then return nil, message, code end
  return output.finish(args, graph, args.out)
end

return M
