--- perigee check MODEL...: what is wrong with models by the ONNX standard.
local pg = require "perigee"

local M = { summary = "check models against the ONNX standard, and list all that is wrong" }

function M.configure(parser)
  parser:argument("model", "The models' files."):args "+"
  parser:flag("--json", "Print one JSON object a model.")
  parser:flag("--no-warnings", "Leave out what everybody tolerates.")
end

local function listed(findings, args)
  local list = {}
  for _, finding in ipairs(findings) do
    if finding.severity == "error" or not args.no_warnings then list[#list + 1] = finding end
  end
  return list
end

local function print_text(path, list, n_errors)
  for _, finding in ipairs(list) do io.write(path, ": ", pg.check.line(finding), "\n") end
  if n_errors == 0 then io.write(path, ": valid\n") end
end

local function print_json(path, list, n_errors)
  local json = require "dkjson"
  local findings = setmetatable(list, { __jsontype = "array" })
  io.write(json.encode { model = path, valid = n_errors == 0, findings = findings }, "\n")
end

function M.run(args)
  local n_bad = 0
  for _, path in ipairs(args.model) do
    local findings, message, code = pg.check(path)
    if not findings then return nil, message, code end
    if findings.n_errors > 0 then n_bad = n_bad + 1 end
    local show = args.json and print_json or print_text
    show(path, listed(findings, args), findings.n_errors)
  end
  if n_bad == 0 then return true end
  return nil, ("%d of %d models are invalid"):format(n_bad, #args.model)
end

return M
