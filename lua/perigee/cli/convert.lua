--- perigee convert IN... OUT: from one format or operator set to another.
local output = require "perigee.cli.output"

local M = { summary = "convert a model to the newest operator set, or to another format" }

function M.configure(parser)
  parser:argument("files", "The model's files, then the file to write; names tell the formats: "
    .. ".onnx, .onnxtxt."):args "2+"
  parser:option("--opset", "newest; keep; or a number, where no operator changed since.")
    :default "newest"
  output.configure(parser)
end

--- The loaded model of all files but the last.
local function read(files)
  if #files > 2 then
    return nil, ("%s: an ONNX model has one file"):format(files[2]), "usage"
  end
  return output.load(files[1])
end

local function to_opset(graph, word)
  if word == "keep" then return true end
  return graph:upgrade(word ~= "newest" and math.tointeger(tonumber(word)) or nil)
end

function M.run(args)
  local out = args.files[#args.files]
  local number = math.tointeger(tonumber(args.opset))
  if args.opset ~= "newest" and args.opset ~= "keep" and not (number and number >= 1) then
    return nil, ("--opset %s: expected newest, keep or a number"):format(args.opset), "usage"
  end
  local ok, message, code = output.check(args, out)
  if not ok then return nil, message, code end
  local graph
  graph, message, code = read(args.files)
  if not graph then return nil, message, code end
  ok, message, code = to_opset(graph, args.opset)
  if not ok then return nil, message, code end
  return output.finish(args, graph, out)
end

return M
