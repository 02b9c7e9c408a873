-- Converts a folder of models, whatever their formats, to ONNX and to perigee's container, and
-- proves it. usage: lua5.4 recipes/convert_zoo.lua MODELS OUT [WORKERS] OUT gets files/,
-- report.html and report.json. Run it again after an interruption, or when models were added or
-- changed: what is done stays done. A model that kills its process fails alone.
local batch = require "perigee.batch"
local zoo = require "perigee.convert.zoo"

local models, out, workers = arg[1], arg[2], math.tointeger(tonumber(arg[3]))
if not out then
  io.stderr:write "usage: convert_zoo.lua MODELS OUT [WORKERS]\n"
  os.exit(2)
end

local function fail(message)
  io.stderr:write("convert_zoo: ", tostring(message), "\n")
  os.exit(1)
end

local items, message = zoo.find(models)
if not items then fail(message) end

local shows_progress, done = os.execute "test -t 2", 0
local run, problem = batch.run(zoo.job, items, out, {
  workers = workers,
  on_item = function(name, is_good)
    done = done + 1
    if shows_progress then
      io.stderr:write(("%d of %d  %s  %s\n"):format(done, #items, is_good and "done" or "FAILED",
        name))
    end
  end,
})
if not run then fail(problem) end

local results, trouble = zoo.report(out)
if not results then fail(trouble) end
for _, record in ipairs(results.failed) do print(record.name .. ": " .. record.error) end
print(("%d of %d models converted (%d were done before): %s/report.html"):format(#results.converted,
  #items, run.skipped, out))
os.exit(#results.failed == 0 and 0 or 1)
