-- A job for perigee.batch: one model of any format becomes ONNX and perigee's own container, each
-- with a certificate that it computes what the source does. See recipes/convert_zoo.lua.
local conversion = require "perigee.compare.conversion"
local core = require "perigee.core"
local lfs = require "lfs"
local pg = require "perigee"

local function must(value, message)
  if not value then error(message, 0) end
  return value
end

--- One file: written, proved, certified.
local function make(item, ctx, source, graph, ending)
  local path, certificate = ctx:path(item, ending), ctx:path(item, ending .. ".json")
  local started = core.clock()
  must(graph:save(path))
  local written = core.clock()
  local proof = conversion.prove(source, path)
  if proof.verdict == "different" then
    os.remove(path)
    error(proof.message, 0)
  end
  if proof.report then must(conversion.certify(certificate, { item.path }, path, proof)) end
  local data = lfs.attributes(path .. ".data", "size") or 0
  return {
    path = path, bytes = lfs.attributes(path, "size") + data, verdict = proof.verdict,
    proof = proof.message, certificate = proof.report and certificate or nil,
    write_ms = (written - started) * 1e3, proof_ms = (core.clock() - written) * 1e3,
  }
end

return function(item, ctx)
  local started = core.clock()
  local graph = must(pg.load(item.path))
  local source <close> = must(graph:clone())
  local load_ms = (core.clock() - started) * 1e3
  must(graph:upgrade())
  local info = graph:info()
  return {
    nodes = info.n_nodes, bytes = lfs.attributes(item.path, "size"), load_ms = load_ms,
    onnx = make(item, ctx, source, graph, ".onnx"),
    perigee = make(item, ctx, source, graph, ".perigee"),
  }
end
