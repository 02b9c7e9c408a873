rockspec_format = "3.0"
package = "perigee"
version = "scm-1"
source = { url = "git+https://github.com/perigee-nn/perigee.git" }
description = {
  summary = "Scriptable neural-network inference",
  detailed = "Loads, inspects, runs, changes and benchmarks neural networks (ONNX and others): a C engine behind Lua.",
  license = "MIT",
}
-- The command also wants argparse, luafilesystem and dkjson, and says so. They aren't listed: LuaRocks doesn't
-- see those that a distribution's packages installed, and would not build without a network.
dependencies = { "lua >= 5.4, < 5.5" }
external_dependencies = {
  PNG = { header = "png.h" },
  JPEG = { header = "jpeglib.h" },
  PROTOBUF_C = { header = "protobuf-c/protobuf-c.h" },
  ZLIB = { header = "zlib.h" },
}
build = {
  type = "make",
  build_target = "all",
  install_target = "install-lua",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CPPFLAGS = "-I$(PNG_INCDIR) -I$(JPEG_INCDIR) -I$(PROTOBUF_C_INCDIR) -I$(ZLIB_INCDIR)",
    LDFLAGS = "-L$(PNG_LIBDIR) -L$(JPEG_LIBDIR) -L$(PROTOBUF_C_LIBDIR) -L$(ZLIB_LIBDIR)",
  },
  install_variables = {
    INST_BINDIR = "$(BINDIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_LUADIR = "$(LUADIR)",
    LIBFLAG = "$(LIBFLAG)",
    CFLAGS = "$(CFLAGS)",
  },
  install = { bin = { perigee = "lua/bin/perigee" } },
}
test = { type = "busted", flags = { "--lua=lua5.4" } }
test_dependencies = { "busted" }
