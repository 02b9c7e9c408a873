-- What is installed works outside the checkout: the C example, the module, the command, the rock. #once
local models = require "support.models"
local process = require "support.process"
local temp = require "support.temp"
local pg = require "perigee"

if process.is_sanitized then return end -- what is installed is the ordinary build

local here = require "lfs".currentdir()
local build = os.getenv "BUILD" or "build"
local make = "env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory BUILD=" .. build

--- Runs a shell command that must succeed; its output.
local function shell(command)
  local status, out, err = process.shell(command)
  assert.equal(0, status, command .. "\n" .. out .. err)
  return out
end

describe("make install #once", function()
  local dir, root
  setup(function()
    dir = temp.dir()
    root = dir .. "/root"
    shell(("%s install DESTDIR=%s PREFIX=/opt/perigee"):format(make, root))
  end)
  teardown(function() temp.remove(dir) end)

  it("puts everything below PREFIX", function()
    for _, name in ipairs {
      "include/perigee.h", "lib/libperigee.a", "lib/libperigee.so", "lib/libperigee.so.0", "lib/pkgconfig/perigee.pc",
      "bin/perigee", "lib/lua/5.4/perigee/core.so", "share/lua/5.4/perigee/init.lua",
      "share/lua/5.4/perigee/cli/run.lua",
    } do
      assert.is_not_nil(io.open(root .. "/opt/perigee/" .. name), name)
    end
    assert.is_nil(io.open(root .. "/opt/perigee/lib/lua/5.4/perigee/testing.so"))
    assert.matches("prefix=/opt/perigee", temp.read(root .. "/opt/perigee/lib/pkgconfig/perigee.pc"), 1, true)
  end)

  it("lets a C program classify an image, with the shared and the static library", function()
    -- Scores are the means of red, green and blue: the reddest image is class 0.
    local g = pg.graph()
    g:add_input("image", "f32", { 1, 3, 8, 8 })
    g:add("GlobalAveragePool", { "image" }, { "means" })
    g:add("Flatten", { "means" }, { "scores" })
    g:add_output "scores"
    assert(g:save(dir .. "/colour.onnx"))
    for class, name in ipairs { "red", "green", "blue" } do
      local pixels = pg.tensor.zeros({ 16, 12, 3 }, "u8")
      pixels:select(3, class):fill(200)
      local path = ("%s/%s.png"):format(dir, name)
      assert(require "perigee.core".image_write(pixels, path))
    end
    local prefix = root .. "/opt/perigee"
    local config = ("PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config --define-variable=prefix=%s perigee")
      :format(prefix, prefix)
    shell(("cc recipes/classify.c -o %s/classify $(%s --cflags --libs) -Wl,-rpath,%s/lib"):format(dir, config, prefix))
    shell(("cc recipes/classify.c -o %s/classify_static $(%s --cflags) %s/lib/libperigee.a $(%s --libs --static)")
      :format(dir, config, prefix, config))
    for class, name in ipairs { "red", "green", "blue" } do
      for _, program in ipairs { "classify", "classify_static" } do
        local out = shell(("%s/%s %s/colour.onnx %s/%s.png"):format(dir, program, dir, dir, name))
        assert.equal(("class %d, score %g\n"):format(class - 1, 200 / 255), out)
      end
    end
    local status, _, err = process.shell(("%s/classify %s/none.onnx x.png"):format(dir, dir))
    assert.equal(1, status)
    assert.matches("classify: " .. dir .. "/none.onnx: No such file", err, 1, true)
  end)

  it("gives a module and a command that work from anywhere", function()
    local prefix = root .. "/opt/perigee"
    local script = temp.write(dir .. "/try.lua", [[
      local pg = require "perigee"
      assert(package.searchpath("perigee.core", package.cpath):find "opt/perigee")
      io.write(tostring((pg.tensor { 1, 2 } + 1):sum():item()), " ", pg.post and "post" or "")
    ]])
    assert.equal("5.0 post", shell(("cd / && LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;;' "
      .. "LUA_CPATH='%s/lib/lua/5.4/?.so;;' lua5.4 %s"):format(prefix, prefix, prefix, script)))
    assert(models.tiny():save(dir .. "/tiny.onnx"))
    local out = shell(("cd / && env -u LUA_PATH -u LUA_CPATH %s/bin/perigee info %s/tiny.onnx"):format(prefix, dir))
    assert.matches("Graph tiny", out, 1, true)
  end)
end)

describe("the rock #once", function()
  if process.shell "command -v luarocks" ~= 0 then return end
  local dir = temp.dir()
  teardown(function() temp.remove(dir) end)

  it("is made by luarocks, and requires from anywhere", function()
    -- From a copy: the rock's build has its own flags, and must not disturb this one.
    shell(("mkdir %s/src && cp -R c lua rockspec Makefile .luarocks lua_modules %s/src/"):format(dir, dir))
    shell(("cp -R %s %s/src/build"):format(build, dir))
    shell(("cd %s/src && luarocks make rockspec/perigee-scm-1.rockspec --tree %s/tree")
      :format(dir, dir))
    local script = temp.write(dir .. "/try.lua", [[
      local pg = require "perigee"
      assert(not package.searchpath("perigee", package.path):find("]] .. here .. [[", 1, true))
      io.write(pg.version)
    ]])
    assert.equal(pg.version, shell(("cd / && env -u LUA_PATH -u LUA_CPATH sh -c 'eval \"$(luarocks --lua-version 5.4 "
      .. "--tree %s/tree path)\"; lua5.4 %s'"):format(dir, script)))
    -- Its command starts processes of itself.
    assert(models.tiny():save(dir .. "/tiny.onnx"))
    local out = shell(("cd / && env -u LUA_PATH -u LUA_CPATH %s/tree/bin/perigee bench %s/tiny.onnx %s/tiny.onnx "
      .. "--seconds 0.02"):format(dir, dir, dir))
    assert.matches("tiny.onnx", out, 1, true)
  end)
end)
