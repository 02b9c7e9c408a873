--- perigee convert IN... OUT: from one format or operator set to another, with a proof.
local output = require "perigee.cli.output"

local M = { summary = "convert a model to another format or operator set, and prove it" }

function M.configure(parser)
  parser:argument("files", "The model's files (a structure file and, for two-file formats, "
    .. "its weights), then the file to write, whose name tells the format: "
    .. ".onnx, .onnxtxt, .perigee."):args "2+"
  parser:option("--opset", "newest; keep; or a number, where no operator changed since.")
    :default "newest"
  parser:flag("--no-proof", "Don't compare what was written with the source.")
  parser:option("--certificate", "File for the proof (see perigee compare --check).")
  output.configure(parser)
end

--- The loaded model of all files but the last.
local function read(files)
  if #files > 3 then
    return nil, ("%s: a model has at most two files"):format(files[3]), "usage"
  end
  local bytes = #files > 2 and require "perigee.core".bytes_open(files[1])
  if bytes and not require "perigee.convert".detect(bytes, files[1]) then
    return nil, ("%s: an ONNX model has one file"):format(files[2]), "usage"
  end
  return output.load(files[1], #files > 2 and files[2] or nil)
end

local function to_opset(graph, word)
  if word == "keep" then return true end
  return graph:upgrade(word ~= "newest" and math.tointeger(tonumber(word)) or nil)
end

--- A function that output.finish calls when the file is there: the proof, or what went wrong.
local function prover(args, source)
  local conversion = require "perigee.compare.conversion"
  local files, out = args.files, args.files[#args.files]
  return function()
    local proof = conversion.prove(source, out)
    if proof.verdict == "different" then return nil, out .. ": " .. proof.message, "different" end
    if args.certificate then
      if not proof.report then
        return nil, ("%s: no certificate, %s"):format(args.certificate, proof.message), "different"
      end
      local ok, message, code = conversion.certify(args.certificate,
        { files[1], #files > 2 and files[2] or nil }, out, proof)
      if not ok then return nil, message, code end
    end
    return { verdict = proof.verdict, message = proof.message, certificate = args.certificate }
  end
end

local function check(args, out)
  local number = math.tointeger(tonumber(args.opset))
  if args.opset ~= "newest" and args.opset ~= "keep" and not (number and number >= 1) then
    return nil, ("--opset %s: expected newest, keep or a number"):format(args.opset), "usage"
  end
  if args.certificate and args.no_proof then
    return nil, "--certificate or --no-proof, not both", "usage"
  end
  for i = 1, #args.files - 1 do
    if args.certificate and args.files[i] == out then
      return nil, "--certificate: the source would be written over", "usage"
    end
  end
  return output.check(args, out)
end

function M.run(args)
  local out = args.files[#args.files]
  local ok, message, code = check(args, out)
  if not ok then return nil, message, code end
  local graph
  graph, message, code = read(args.files)
  if not graph then return nil, message, code end
  local prove = not args.no_proof and prover(args, assert(graph:clone())) or nil
  ok, message, code = to_opset(graph, args.opset)
  if not ok then return nil, message, code end
  return output.finish(args, graph, out, nil, prove)
end

return M
