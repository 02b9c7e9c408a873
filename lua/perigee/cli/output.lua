--- What commands share that make a model: where its weights go, and what is said at the end.
local pg = require "perigee"

local M = {}

function M.configure(parser)
  parser:option("--external", "Weights of at least so many bytes go to OUT.data (default: those "
    .. "that came from such a file, and all where OUT would have 2 GiB)."):convert(math.tointeger)
  parser:flag("--embed", "All weights go into OUT.")
  parser:flag("--json", "Print one JSON object.")
end

--- Whether the options go together and OUT has a name that we know how to write.
---@return true? ok
---@return string? message
---@return string? code
function M.check(args, path)
  if args.embed and args.external then return nil, "--external or --embed, not both", "usage" end
  if args.external and args.external < 0 then return nil, "--external: a size in bytes", "usage" end
  local extension = path:match "%.(%w+)$"
  if extension == "onnx" or extension == "perigee" or path:find "%.onnxte?xt$" then return true end
  if extension == "param" then return true end -- ncnn's, with NAME.bin beside it
  return nil, ("%s: perigee writes .onnx, .onnxtxt, .perigee and .param"):format(path), "usage"
end

--- Loads, and raises nothing for what is wrong with the file.
function M.load(path, weights) return pg.load(path, weights) end

--- Writes the graph and says what was written. `notes` go to stderr, one a line, and into the JSON.
--- `prove` is called when the file is there and gives its proof { verdict, message }, or nil,
--- message, code.
function M.finish(args, graph, path, notes, prove)
  local ok, message, code = graph:save(path, args.embed and math.maxinteger or args.external)
  if not ok then return nil, message, code end
  local proof
  if prove then
    proof, message, code = prove()
    if not proof then return nil, message, code end
    if proof.verdict ~= "same" then io.stderr:write("perigee: ", proof.message, "\n") end
  end
  for _, note in ipairs(notes or {}) do io.stderr:write("perigee: ", note, "\n") end
  if not args.json then return true end
  local info = graph:info()
  io.write(require("dkjson").encode {
    output = path, nodes = info.n_nodes, ir_version = info.ir_version,
    opsets = setmetatable(info.opsets, { __jsontype = "object" }),
    inputs = setmetatable(graph:input_list(), { __jsontype = "array" }),
    outputs = setmetatable(graph:output_list(), { __jsontype = "array" }),
    notes = setmetatable(notes or {}, { __jsontype = "array" }), proof = proof,
  }, "\n")
  return true
end

--- "a,b" and further such words as one list of names.
function M.names(words)
  local out = {}
  for _, word in ipairs(words) do
    for name in word:gmatch "[^,]+" do out[#out + 1] = name end
  end
  return out
end

return M
