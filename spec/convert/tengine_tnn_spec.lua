-- Tengine's and TNN's files, from writers made here from the formats' descriptions.
local pg = require "perigee"
local core = require "perigee.core"
local T = pg.tensor

local function temporary(extension, bytes)
  local path = os.tmpname() .. "." .. extension
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

-- ---- Tengine ----------------------------------------------------------------------------------

--- Builds a .tmfile from its end: what is put in first lies first; offsets are absolute.
local function tm_writer()
  local w = { parts = {}, at = 12 }
  function w.put(bytes)
    local at = w.at
    bytes = bytes .. ("\0"):rep(-#bytes % 4)
    w.parts[#w.parts + 1], w.at = bytes, at + #bytes
    return at
  end
  function w.ints(list)
    local words = {}
    for i, x in ipairs(list) do words[i] = string.pack("<i4", x) end
    return w.put(table.concat(words))
  end
  function w.vector(list)
    local all = { #list }
    table.move(list, 1, #list, 2, all)
    return w.ints(all)
  end
  function w.text(s)
    local at = w.put(s .. "\0")
    return w.ints { #s + 1, at }
  end
  function w.finish(root)
    return string.pack("<I2I2I2I2I4", 2, 0, 0, 0, root) .. table.concat(w.parts)
  end
  return w
end

--- tensors: { name, dims, kind, data }; nodes: { type, inputs, outputs, params as bytes }
local function tmfile(tensors, nodes, inputs, outputs)
  local w = tm_writer()
  local tensor_at, buffer_at, node_at = {}, {}, {}
  for i, t in ipairs(tensors) do
    local data = t[4] or ""
    buffer_at[i] = w.ints { #data, w.put(data) }
    tensor_at[i] = w.ints { i - 1, i - 1, w.vector(t[2]), w.text(t[1]), 0, 0, t[3], 0 }
  end
  for i, n in ipairs(nodes) do
    local op = w.ints { 1, n[1], n[4] and w.put(n[4]) or 0 }
    node_at[i] = w.ints { i - 1, w.vector(n[2]), w.vector(n[3]), op, w.text("node" .. i), 0, 0 }
  end
  local subgraph = w.ints { 0, 0, 0, w.vector(inputs), w.vector(outputs), w.vector(node_at),
    w.vector(tensor_at), w.vector(buffer_at), 0, 0 }
  return w.finish(w.ints { 0, 0, w.vector { subgraph }, 0 })
end

local VAR, CONST, INPUT = 1, 2, 3

local function small_tmfile()
  local function i(...) return string.pack("<" .. ("i4"):rep(select("#", ...)), ...) end
  return tmfile({
    { "x", { 1, 1, 2, 2 }, INPUT }, { "w", { 2, 1, 1, 1 }, CONST, string.pack("<ff", 2, -1) },
    { "b", { 2 }, CONST, string.pack("<ff", 0.5, 3) }, { "c", { 1, 2, 2, 2 }, VAR },
    { "y", { 1, 2, 1, 1 }, VAR },
  }, {
    { 12, {}, { 0 } }, { 4, {}, { 1 } }, { 4, {}, { 2 } },
    { 5, { 0, 1, 2 }, { 3 }, i(1, 1, 1, 1, 1, 1, 1, 2, 1, 0, 0, 0, 0, 0) },
    { 16, { 3 }, { 4 }, i(0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0) },
  }, { 0 }, { 4 })
end

describe("Tengine", function()
  it("reads a convolution with its activation, and a pooling", function()
    local g = assert(pg.load(temporary("tmfile", small_tmfile())))
    local out = assert(assert(g:session()):run { x = T { { { { 1, 2 }, { 5, 4 } } } } })
    assert.same({ { { { 10.5 } }, { { 2 } } } }, out.y:totable())
  end)

  it("survives damaged files", function()
    local sample = small_tmfile()
    math.randomseed(3)
    for _ = 1, 300 do
      local bytes = { sample:byte(1, -1) }
      for _ = 1, math.random(1, 4) do bytes[math.random(13, #bytes)] = math.random(0, 255) end
      local path = temporary("tmfile", string.char(table.unpack(bytes)))
      local g, message = pg.load(path)
      assert.truthy(g or type(message) == "string")
      os.remove(path)
    end
  end)
end)

-- ---- TNN --------------------------------------------------------------------------------------

local V2 = 0xFABC0004

local function text(s) return string.pack("<i4", #s) .. s end

local function raw(dims, ...)
  local values = string.pack("<" .. ("f"):rep(select("#", ...)), ...)
  return string.pack("<I4i4i4i4", V2, 0, #values, #dims)
    .. string.pack("<" .. ("i4"):rep(#dims), table.unpack(dims)) .. values
end

local function tnn_pair(lines, layers)
  local proto = {}
  for i, line in ipairs(lines) do proto[i] = '"' .. line .. ',"' end
  local path = temporary("tnnproto", table.concat(proto, "\n"))
  local file = assert(io.open((path:gsub("proto$", "model")), "wb"))
  file:write(string.pack("<I4i4", V2, #layers), table.concat(layers))
  file:close()
  return path
end

local function small_tnn()
  return tnn_pair({ "1 5 1 4206624772 ", "x 4 1 1 2 2 0 ", " c p x y ", "y ", " 3 ",
    "Convolution conv 1 1 x c 1 1 2 1 1 1 1 0 0 1 -1 1 1 1 ",
    "Pooling pool 1 1 c p 0 2 2 2 2 0 0 -1 -1 -1 0 ",
    "InnerProduct fc 1 1 p y 1 1 0 1 " },
    { string.pack("<i4", 0) .. text "Convolution" .. text "conv" .. text "conv" .. string.pack("<i4", 1)
        .. raw({ 2, 1, 1, 1 }, 2, -1) .. raw({ 2 }, 0.5, 3),
      string.pack("<i4", 0) .. text "InnerProduct" .. text "fc" .. text "fc"
        .. raw({ 1, 2 }, 1, 10) .. raw({ 1 }, 0.25) })
end

describe("TNN", function()
  it("reads a small network", function()
    local g = assert(pg.load(small_tnn()))
    assert.same({ 1, 1, 2, 2 }, g:input_list()[1].shape)
    local out = assert(assert(g:session()):run { x = T { { { { 1, 2 }, { 5, 4 } } } } })
    assert.is_true(out.y:allclose(T { { { { 30.75 } } } }))
  end)

  it("lists what it doesn't know", function()
    local path = tnn_pair({ "1 2 1 4206624772 ", "x 4 1 1 2 2 0 ", " x y ", "y ", " 1 ",
      "Strange s 1 1 x y 1 " }, {})
    local g, message, code = pg.load(path)
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.truthy(message:find "Strange")
  end)

  it("survives damaged files", function()
    local path = small_tnn()
    local file = assert(io.open(path, "rb"))
    local sample = file:read "a"
    file:close()
    math.randomseed(5)
    for _ = 1, 200 do
      local bytes = { sample:byte(1, -1) }
      for _ = 1, math.random(1, 3) do bytes[math.random(24, #bytes)] = math.random(32, 126) end
      local damaged = temporary("tnnproto", string.char(table.unpack(bytes)))
      local g, message = pg.load(damaged, (path:gsub("proto$", "model")))
      assert.truthy(g or type(message) == "string")
      os.remove(damaged)
    end
  end)
end)

local lfs = require "lfs"
local mnist = "../shared/real-models/mnist-tengine"
if not lfs.attributes(mnist, "mode") then
  print "convert/tengine_tnn_spec: skipped mnist, there is no ../shared/real-models"
  return
end

describe("mnist as .tmfile", function()
  it("agrees with the ONNX", function()
    local g = assert(pg.load(mnist .. "/mnist.tmfile"))
    local session, name = assert(g:session()), g:input_list()[1].name
    for i = 0, 1 do
      local x = assert(core.pb_read(("%s/test_data_set_%d/input_0.pb"):format(mnist, i)))
      local y = assert(core.pb_read(("%s/test_data_set_%d/output_0.pb"):format(mnist, i)))
      local out = assert(session:run { [name] = x })
      assert.is_true((out[g:output_list()[1].name] - y):abs():max():item() < 1e-4)
    end
  end)
end)
