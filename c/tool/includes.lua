-- Checks the include lines of c/ against the table of rooms: who may include whom (c/DESIGN.md).
local may = {
  base = "",
  tensor = "base",
  kernel = "base",
  graph = "tensor base",
  op = "graph kernel tensor base",
  session = "op graph kernel tensor base",
  format = "graph tensor base",
  image = "format kernel tensor base",
  post = "tensor base",
  bind = "session format image post graph tensor base",
  testing = "session op kernel format image post graph tensor base",
}
local bad = 0
local function complain(...)
  io.stderr:write(string.format(...), "\n")
  bad = bad + 1
end

for path in io.popen("find c -name '*.[ch]'"):lines() do
  local room = path:match("^c/([^/]+)/")
  if may[room] then
    local allowed = { [room] = true }
    for other in may[room]:gmatch("%S+") do allowed[other] = true end
    local n = 0
    for line in io.lines(path) do
      n = n + 1
      local name = line:match('^#include%s+"([^"]+)"')
      local target = name and name:match("^([^/]+)/")
      if target and not allowed[target] and target ~= ".." then
        complain("%s:%d: %s may not include %s", path, n, room, target)
      end
      if line:match("^#include%s+[<\"]lua") and room ~= "bind" and room ~= "testing" then
        complain("%s:%d: only c/bind knows Lua", path, n)
      end
    end
  end
end
os.exit(bad == 0)
