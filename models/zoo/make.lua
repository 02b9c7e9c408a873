-- Writes networks of the zoo as ONNX files.
-- usage: lua5.4 models/zoo/make.lua [-o FOLDER] [--seed N] [NAME...]     (default: all)
local here = arg[0]:match "^(.*)/zoo/[^/]*$" or ".."
package.path = here .. "/?.lua;" .. here .. "/?/init.lua;" .. package.path
local zoo = require "zoo"

local folder, seed, names = ".", 0, {}
local i = 1
while arg[i] do
  if arg[i] == "-o" then
    folder, i = arg[i + 1], i + 1
  elseif arg[i] == "--seed" then
    seed, i = math.tointeger(tonumber(arg[i + 1])), i + 1
  elseif arg[i]:sub(1, 1) == "-" then
    seed = nil
  else
    names[#names + 1] = arg[i]
  end
  i = i + 1
end
if not (folder and seed) then
  io.stderr:write "usage: make.lua [-o FOLDER] [--seed N] [NAME...]\n"
  os.exit(2)
end

for _, name in ipairs(#names > 0 and names or zoo.names()) do
  local path = ("%s/%s.onnx"):format(folder, name)
  assert(assert(zoo.build(name, { seed = seed })):save(path))
  print(path)
  collectgarbage()
end
