--- perigee text MODEL: a model in ONNX's text form.
local pg = require "perigee"

local M = { summary = "print a model in ONNX's text form" }

function M.configure(parser)
  parser:argument("model", "The model's file; a name in .onnxtxt is read as text.")
  parser:flag("--json", "Print one JSON object.")
end

function M.run(args)
  local graph, message, code = pg.load(args.model)
  if not graph then return nil, message, code end
  local text
  text, message, code = graph:text "onnx"
  if not text then return nil, message, code end
  if args.json then text = require("dkjson").encode { model = args.model, text = text } end
  io.write(text, "\n")
  return true
end

return M
