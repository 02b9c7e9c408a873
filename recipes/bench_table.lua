-- Measures networks of the zoo beside other engines and writes a Markdown table.
-- usage: lua5.4 recipes/bench_table.lua [--vs PEER,...] [--threads N] [--isa LEVEL] [NAME...]
-- Peers come from `make bench-deps`. A cell is perigee's time as a part of the peer's, same run.
local here = arg[0]:match "^(.*)/recipes/[^/]*$" or "."
package.path = ("%s/models/?.lua;%s/models/?/init.lua;"):format(here, here) .. package.path
local ruler = require "perigee.bench.ruler"
local zoo = require "zoo"

local options, names = { vs = "onnxruntime,openvino,ncnn,mnn", threads = "1" }, {}
local i = 1
while arg[i] do
  local key = arg[i]:match "^%-%-(%a+)$"
  if key then
    options[key], i = arg[i + 1], i + 1
  else
    names[#names + 1] = arg[i]
  end
  i = i + 1
end
local vs = {}
for name in (options.vs or ""):gmatch "[^,]+" do vs[#vs + 1] = name end

print("| network | perigee ms | " .. table.concat(vs, " | ") .. " | best peer | of the peak |")
print("| --- |" .. (" --- |"):rep(#vs + 3))

local function row(name, report)
  local own, cells, best = report.engines[1], {}, nil
  local kind = own.near and "near" or "far"
  for _, engine in ipairs(report.engines) do
    cells[engine.name] = ("%.2f (%.3g ms)"):format(engine[kind].ratio, engine[kind].median_ms)
    -- OpenVINO's own choice computes in bf16: told, but not the one to beat in f32.
    if engine ~= own and engine.name ~= "openvino-default" then
      best = math.max(best or 0, engine[kind].ratio)
    end
  end
  local line = { name, ("%.3g"):format(own[kind].median_ms) }
  for _, peer in ipairs(vs) do line[#line + 1] = cells[peer] or "-" end
  line[#line + 1] = best and ("%.2f"):format(best) or "-"
  local flops = 2 * report.macs / own[kind].median_ms * 1e3
  line[#line + 1] = ("%.0f %%"):format(100 * flops / report.peak / report.threads)
  print("| " .. table.concat(line, " | ") .. " |")
end

for _, name in ipairs(#names > 0 and names or zoo.names()) do
  local path = os.tmpname()
  assert(assert(zoo.build(name)):save(path))
  local report, message = ruler.run(path, {
    vs = vs, threads = math.tointeger(tonumber(options.threads)), isa = options.isa,
  })
  os.remove(path)
  if report then row(name, report) else print(("| %s | %s |"):format(name, message)) end
  collectgarbage()
end
