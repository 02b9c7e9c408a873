-- Checks the include lines of c/ against the table of rooms in c/DESIGN.md: who may include whom.
local bad = 0
local function complain(...)
  io.stderr:write(string.format(...), "\n")
  bad = bad + 1
end

-- Rows of the table: | `room` | what is in it | the rooms that it may include |
local may, rooms = {}, {}
for line in io.lines "c/DESIGN.md" do
  local room, others = line:match "^| `(%w+)` |.*|%s*(.-)%s*|%s*$"
  if room then
    rooms[#rooms + 1] = room
    may[room] = { [room] = true, base = true }
    if others == "everything but bind" then
      may[room].all = true
    else
      for other in others:gmatch "[^%s,]+" do may[room][other] = true end
    end
  end
end
for _, room in ipairs(rooms) do
  if may[room].all then
    for _, other in ipairs(rooms) do may[room][other] = other ~= "bind" or nil end
  end
end
if #rooms < 10 then complain "c/DESIGN.md: the table of rooms is gone" end

for path in io.popen "find c -name '*.[ch]'":lines() do
  local room = path:match "^c/([^/]+)/"
  if not may[room] and room ~= "tool" and room ~= "fuzz" then
    complain("%s: c/DESIGN.md doesn't know the room %s", path, room)
  elseif may[room] then
    local n = 0
    for line in io.lines(path) do
      n = n + 1
      local target = line:match '^#include%s+"([^"/]+)/[^"]+"'
      if target and not may[room][target] then
        complain("%s:%d: %s may not include %s", path, n, room, target)
      end
      if line:match '^#include%s+[<"]lua' and room ~= "bind" and room ~= "testing" then
        complain("%s:%d: only c/bind knows Lua", path, n)
      end
    end
  end
end
os.exit(bad == 0)
