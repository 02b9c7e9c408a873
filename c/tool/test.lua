-- Everything a change must pass, stage by stage; the last line is "N passed, N failed".
-- Run by `make test`, which sets LUA_PATH, LUA_CPATH, BUILD and MAKE.
local build = os.getenv "BUILD" or "build"
local make = os.getenv "MAKE" or "make"
local passed, failed = 0, 0

local function announce(name) io.write("== ", name, "\n") io.flush() end

-- Runs a command, echoing what it prints; returns its output and whether it ended well.
local function run(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1"))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
    io.write(line, "\n")
  end
  local ok = pipe:close()
  return table.concat(lines, "\n"), ok
end

-- A stage that counts as one test.
local function check(name, command)
  announce(name)
  local _, ok = run(command)
  if ok then passed = passed + 1 else failed = failed + 1 end
  return ok
end

-- A run of busted: its own counts, and a failure more when it ended badly without telling.
local function specs(name, environment, interpreter, options)
  announce(name)
  local output, ok = run(("%s %s spec/run.lua --output=plainTerminal %s"):format(
    environment, interpreter, options or ""))
  local plain = output:gsub("\27%[[%d;]*m", "")
  local good, bad, broken = plain:match "(%d+) success[%a]* / (%d+) failure[%a]* / (%d+) error"
  if not good then
    failed = failed + 1
    return
  end
  local n_bad = math.tointeger(bad) + math.tointeger(broken)
  passed = passed + math.tointeger(good)
  failed = failed + (n_bad == 0 and not ok and 1 or n_bad)
end

local function isa_levels()
  local pipe = assert(io.popen [[lua5.4 -e 'print(require "perigee.core".isa())']])
  local best = pipe:read "l"
  pipe:close()
  local levels = { "scalar" }
  if best ~= "scalar" then levels[#levels + 1] = "avx2" end
  if best == "avx512" then levels[#levels + 1] = "avx512" end
  return levels
end

for _, level in ipairs(isa_levels()) do
  specs("specs, PERIGEE_ISA=" .. level, "PERIGEE_ISA=" .. level, "lua5.4",
    level == "scalar" and "" or "--exclude-tags=once")
end

if check("build with AddressSanitizer and UndefinedBehaviorSanitizer", make .. " -s -j2 san") then
  specs("specs under AddressSanitizer and UndefinedBehaviorSanitizer",
    "ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 PERIGEE_SANITIZED=1",
    "build/san/lua", "--exclude-tags=timing")
end

if check("build with ThreadSanitizer", make .. " -s -j2 tsan") then
  check("two sessions of one graph in two threads, under ThreadSanitizer",
    "build/tsan/two_sessions models/ocr/ocr.onnx")
end

check("exported symbols, no static mutable state",
  ("c/tool/symbols.sh %s/libperigee.so %s/libperigee.a"):format(build, build))

io.write(("%d passed, %d failed\n"):format(passed, failed))
os.exit(failed == 0)
