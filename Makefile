# perigee.  `make` builds, `make demo` shows, `make test` checks.  CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, LUA_INCDIR
# and the INST_* folders may be given; LuaRocks and packagers do.

CC ?= gcc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
LUA ?= lua5.4
BUILD ?= build
LIBFLAG ?= -shared
INST_BINDIR ?= $(PREFIX)/bin
INST_LIBDIR ?= $(PREFIX)/lib/lua/5.4
INST_LUADIR ?= $(PREFIX)/share/lua/5.4

VERSION := $(shell sed -n 's/^.define PG_VERSION "\(.*\)"/\1/p' c/include/perigee.h)
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

# -ffp-contract=off: the same bits at every level unless a kernel asks for a fused multiply-add.
OWN_CFLAGS := -std=c11 -fPIC -fvisibility=hidden -ftree-vectorize -fno-math-errno -fno-trapping-math \
  -ffp-contract=off -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
  -Wmissing-prototypes -Ic -Ic/include -I$(BUILD)/gen $(WERROR)
WERROR ?= $(if $(CI),-Werror)

# ---- libraries ------------------------------------------------------------------------------------

LUA_INCDIR ?= $(firstword $(wildcard /usr/include/lua5.4 /usr/local/include/lua5.4 /usr/local/include))
# Serial OpenBLAS: its threaded builds start threads when they are loaded.
BLAS_INCDIR ?= $(firstword $(wildcard /usr/include/$(MULTIARCH)/openblas-serial /usr/include/openblas-serial))
BLAS_LIBDIR ?= $(firstword $(wildcard /usr/lib/$(MULTIARCH)/openblas-serial /usr/lib/openblas-serial))
ifneq ($(BLAS_INCDIR),)
BLAS_CFLAGS := -DPG_WITH_OPENBLAS -isystem $(BLAS_INCDIR)
BLAS_LIBS := -L$(BLAS_LIBDIR) -Wl,-rpath,$(BLAS_LIBDIR) -lopenblas
endif
LIBS := -lprotobuf-c -lpng -ljpeg -lz $(BLAS_LIBS) -lm -ldl -lpthread

# ---- what is built --------------------------------------------------------------------------------

ROOMS := base tensor kernel graph graph/pass op session format format/onnx image post text
SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard c/$(room)/*.c)))
GEN := $(BUILD)/gen
PROTO := $(GEN)/format/onnx/onnx.pb-c
OBJECTS := $(SOURCES:c/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/onnx.pb-c.o
BIND_OBJECTS := $(patsubst c/%.c,$(BUILD)/obj/%.o,$(sort $(wildcard c/bind/*.c)))
TESTING_OBJECTS := $(patsubst c/%.c,$(BUILD)/obj/%.o,$(sort $(wildcard c/testing/*.c)))

STATIC := $(BUILD)/libperigee.a
SHARED := $(BUILD)/libperigee.so.$(VERSION)
MODULE := $(BUILD)/perigee/core.so
TESTING := $(BUILD)/perigee/testing.so

.PHONY: all
all: $(STATIC) $(SHARED) $(MODULE)

$(STATIC): $(OBJECTS)
	@rm -f $@
	@echo "  AR    $@"
	@$(AR) rcs $@ $(OBJECTS)

$(SHARED): $(OBJECTS)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -shared -Wl,-soname,libperigee.so.0 -Wl,--gc-sections -o $@.new $(OBJECTS) $(LIBS)
	@mv $@.new $@
	@ln -sf $(notdir $@) $(BUILD)/libperigee.so.0
	@ln -sf $(notdir $@) $(BUILD)/libperigee.so

# The module carries the engine and never links liblua: the interpreter that loads it has one.
$(MODULE): $(BIND_OBJECTS) $(OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) $(LIBFLAG) -Wl,--gc-sections -o $@.new $(BIND_OBJECTS) $(OBJECTS) $(LIBS)
	@mv $@.new $@

# The engine's insides for specs: kernels, allocators that count and fail.  Never installed.
$(TESTING): $(TESTING_OBJECTS) $(OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) $(LIBFLAG) -o $@.new $(TESTING_OBJECTS) $(OBJECTS) $(LIBS)
	@mv $@.new $@

# Builds without sanitizers don't verify the graph after each pass.
OBJ_CFLAGS = $(OWN_CFLAGS) $(if $(SAN),,-DNDEBUG) $(BLAS_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(SAN)

$(BUILD)/obj/bind/%.o $(BUILD)/obj/testing/%.o: OWN_CFLAGS += -isystem $(LUA_INCDIR)
$(BUILD)/obj/%.o: c/%.c | $(PROTO).h $(GEN)/op_list.inc $(GEN)/kernel_list.inc
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(OBJ_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/op/table.o: $(GEN)/op_list.inc
$(BUILD)/obj/kernel/table.o: $(GEN)/kernel_list.inc

$(BUILD)/obj/onnx.pb-c.o: $(PROTO).c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(OBJ_CFLAGS) -Wno-conversion -c $< -o $@

# c/format/onnx/*.c and the generated code may both change when the schema does.
$(PROTO).c $(PROTO).h: c/format/onnx/onnx.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=c/format/onnx --c_out=$(@D) $<
	@touch $(PROTO).c $(PROTO).h

# The lists of operators and kernels: one PG_OP(...) or PG_KERNEL(...) at the start of a line each.
# The lists are rewritten only when they change.
.PHONY: FORCE
FORCE:
define list
	@mkdir -p $(@D)
	@sed -n 's/^$(1)(\([a-z0-9_]*\)).*/PG_LIST(\1)/p' $(2) | LC_ALL=C sort >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endef
$(GEN)/op_list.inc: FORCE
	$(call list,PG_OP,$(wildcard c/op/*.c))
$(GEN)/kernel_list.inc: FORCE
	$(call list,PG_KERNEL,$(wildcard c/kernel/*.c))

-include $(OBJECTS:.o=.d) $(BIND_OBJECTS:.o=.d) $(TESTING_OBJECTS:.o=.d)

# ---- what the machine needs -------------------------------------------------------------------------

DEPS := gcc make pkg-config lua5.4 liblua5.4-dev lua-argparse lua-filesystem lua-dkjson lua-expat lua-readline libprotobuf-c-dev \
  protobuf-c-compiler libopenblas-serial-dev libpng-dev libjpeg62-turbo-dev zlib1g-dev libutf8proc2 libpcre2-8-0
TEST_DEPS := lua-busted luarocks binutils
DEV_DEPS := lua-check clang clang-format clang-tidy cppcheck valgrind gdb linux-perf strace

.PHONY: deps test-deps dev-deps
deps:
	@c/tool/deps.sh $(DEPS)
test-deps: deps
	@c/tool/deps.sh $(TEST_DEPS)
dev-deps: test-deps
	@c/tool/deps.sh $(DEV_DEPS)

# Other engines to measure beside, from their Python packages: development only, outside of the tree.
BENCH_VENV ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/perigee/bench
.PHONY: bench-deps
bench-deps:
	@c/tool/deps.sh python3-venv
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet onnx onnxruntime openvino ncnn pnnx MNN ai-edge-litert

# ---- show and check -----------------------------------------------------------------------------------

RUN_ENV = LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;" LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;"

# deps may install the headers whose places this file looks up at its start: so each step is a make of its own.
.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory all
	@$(RUN_ENV) $(LUA) recipes/read_text.lua models/ocr/samples/* --annotate $(BUILD)/demo.png

.PHONY: test
test: test-deps
	@$(MAKE) --no-print-directory test-run

.PHONY: test-run
test-run: all $(TESTING)
	@$(RUN_ENV) BUILD=$(BUILD) CC="$(CC)" MAKE="$(MAKE)" $(LUA) c/tool/test.lua

# The same objects under sanitizers, and an interpreter with perigee linked in that runs the specs.
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g
TSAN_FLAGS := -fsanitize=thread -O1 -g
LUA_STATIC := $(firstword $(wildcard /usr/lib/$(MULTIARCH)/liblua5.4.a /usr/local/lib/liblua5.4.a))

.PHONY: san tsan san-host tsan-host
san:
	@$(MAKE) --no-print-directory BUILD=build/san CFLAGS= SAN="$(SAN_FLAGS)" san-host
san-host: $(BUILD)/lua
$(BUILD)/lua: $(OBJECTS) $(BIND_OBJECTS) $(TESTING_OBJECTS) c/tool/san_host.c
	@echo "  LINK  $@"
	@$(CC) $(SAN) -isystem $(LUA_INCDIR) -Wl,-E -o $@ c/tool/san_host.c $(BIND_OBJECTS) $(TESTING_OBJECTS) $(OBJECTS) \
	  $(LUA_STATIC) $(LIBS) -ldl
tsan:
	@$(MAKE) --no-print-directory BUILD=build/tsan CFLAGS= SAN="$(TSAN_FLAGS)" tsan-host
tsan-host: $(BUILD)/two_sessions
$(BUILD)/two_sessions: $(OBJECTS) spec/session/two_sessions.c
	@echo "  LINK  $@"
	@$(CC) $(SAN) -Ic/include -o $@ spec/session/two_sessions.c $(OBJECTS) $(LIBS)

.PHONY: operators
operators: all
	$(RUN_ENV) $(LUA) c/tool/operators.lua >c/op/OPERATORS.md

.PHONY: lint format
lint: dev-deps
	@$(MAKE) --no-print-directory lint-run
# cppcheck takes hexadecimal floats for 0 (incorrectLogicOperator), doesn't follow vectors that are filled through
# a pointer (uninitvar), and loses itself in a compound literal (internalAstError).
lint-run: $(PROTO).h
	luacheck -q $$(git ls-files '*.lua' '*.rockspec' lua/bin/perigee)
	$(LUA) c/tool/includes.lua
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')
	cppcheck -q --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
	  --suppress=preprocessorErrorDirective --suppress=incorrectLogicOperator \
	  --suppress=uninitvar:c/kernel/reduce.c --suppress=legacyUninitvar:c/op/softmax.c \
	  --suppress=internalAstError:c/op/embed_layer_norm.c -Ic -Ic/include -I$(GEN) c

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# ---- install --------------------------------------------------------------------------------------------

.PHONY: install install-lua clean
# Only the Lua side: what a rock holds.
install-lua: all
	install -d $(DESTDIR)$(INST_LIBDIR)/perigee $(DESTDIR)$(INST_LUADIR)/perigee
	install -m 755 $(MODULE) $(DESTDIR)$(INST_LIBDIR)/perigee/core.so
	cp -R lua/perigee/. $(DESTDIR)$(INST_LUADIR)/perigee/

install: install-lua
	install -d $(DESTDIR)$(INST_BINDIR) $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 lua/bin/perigee $(DESTDIR)$(INST_BINDIR)/perigee
	install -m 644 c/include/perigee.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(STATIC) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(SHARED) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libperigee.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libperigee.so.0
	ln -sf libperigee.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libperigee.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS)|' \
	  c/tool/perigee.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/perigee.pc

clean:
	rm -rf build
