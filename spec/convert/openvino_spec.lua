-- OpenVINO IR: operators and bodies against what OpenVINO computes (spec/data/convert/make_openvino.py),
-- version 10, names and borders, bad files.
local core = require "perigee.core"
local lfs = require "lfs"
local mutate = require "support.mutate"
local pg = require "perigee"
local temp = require "support.temp"

local folder = "spec/data/convert/openvino/"

local function names()
  local list = {}
  for file in lfs.dir(folder) do list[#list + 1] = file:match "^(.*)%.xml$" end
  table.sort(list)
  return list
end

--- The arrays NAME.in0.npy ... or NAME.out0.npy ...
local function arrays(name, kind)
  local list = {}
  while true do
    local t = pg.tensor.npy(("%s%s.%s%d.npy"):format(folder, name, kind, #list))
    if not t then return list end
    list[#list + 1] = t
  end
end

--- A net of one layer between an input and an output; `data` are its attributes.
local function net(version, layer)
  return ([[<?xml version="1.0"?>
    <net name="n" version="%s"><layers>
      <layer id="0" name="in" type="Parameter" version="opset1"><data shape="1,3" element_type="f32"/>
        <output><port id="0" precision="FP32"><dim>1</dim><dim>3</dim></port></output></layer>
      %s
      <layer id="2" name="out" type="Result" version="opset1">
        <input><port id="0"><dim>1</dim><dim>3</dim></port></input></layer>
    </layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
      <edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>]]):format(version, layer)
end

local function one(type, data)
  return ([[<layer id="1" name="the layer" type="%s" version="opset1">%s
    <input><port id="0"><dim>1</dim><dim>3</dim></port></input>
    <output><port id="1" precision="FP32"><dim>1</dim><dim>3</dim></port></output></layer>]]):format(type, data or "")
end

describe("OpenVINO IR", function()
  for _, name in ipairs(names()) do
    it("computes " .. name, function()
      local session = assert(assert(pg.load(folder .. name .. ".xml")):session { threads = 1 })
      local got, want = assert(session(arrays(name, "in"))), arrays(name, "out")
      assert.is_true(#want > 0)
      for i, t in ipairs(want) do
        assert.same(t.shape, got[i].shape)
        local y = got[i].dtype == t.dtype and got[i] or got[i]:cast(t.dtype)
        local same, why = y:allclose(t, 1e-4, 1e-5)
        assert.is_true(same, why)
      end
    end)
  end

  it("reads version 10 from bytes, and calls values by their layers", function()
    local g = assert(pg.load_bytes(net(10, one "ReLU")))
    assert.equal("in", g:input_list()[1].name)
    assert.same({ 1, 3 }, g:input_list()[1].shape)
    assert.equal("the layer", g:output_list()[1].name)
    local y = assert(g:session()) { ["in"] = pg.tensor.new({ { -1, 0, 2 } }, "f32") }
    assert.same({ { 0, 0, 2 } }, y[1]:totable())
  end)

  it("keeps the names of tensors", function()
    local named = one("ReLU"):gsub('id="1" precision', 'names="a\\,b,c" id="1" precision')
    assert.equal("a,b", assert(pg.load_bytes(net(11, named))):output_list()[1].name)
  end)

  it("tells all layers that it doesn't have at once", function()
    local g, message, code = pg.load_bytes(net(11, one "Telepathy"))
    assert.is_nil(g)
    assert.equal("unsupported", code)
    assert.matches("Telepathy of opset1 %(layer 1 'the layer'%)", message)
  end)

  for what, text in pairs {
    ["another version"] = net(7, one "ReLU"),
    ["a wrong attribute"] = net(11, one("Clamp", '<data min="low" max="1"/>')),
    ["no attribute"] = net(11, one "Elu"),
    ["a missing layer"] = (net(11, one "ReLU"):gsub('from%-layer="0"', 'from-layer="9"')),
    ["a circle"] = (net(11, one "ReLU"):gsub('from%-layer="0" from%-port="0"', 'from-layer="1" from-port="1"')),
    ["two layers of one id"] = (net(11, one "ReLU"):gsub('id="1" name', 'id="0" name')),
    ["constants in no file"] = net(11, one("Const",
      '<data element_type="f32" shape="1,3" offset="0" size="12"/>')),
    ["entities"] = (net(11, one "ReLU"):gsub("<net",
      [[<!DOCTYPE net [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><net]])),
  } do
    it("refuses " .. what, function()
      local g, message, code = pg.load_bytes(text)
      assert.is_nil(g)
      assert.is_true(code == "format" or code == "unsupported", message)
    end)
  end

  it("refuses constants outside of the weights file", function()
    local dir = temp.dir()
    temp.write(dir .. "/net.bin", ("\0"):rep(16))
    local places = { 'offset="8" size="12"', 'offset="-1" size="12"', 'offset="0" size="9223372036854775807"' }
    for _, place in ipairs(places) do
      local data = ('<data element_type="f32" shape="1,3" %s/>'):format(place)
      temp.write(dir .. "/net.xml", net(11, one("Const", data)))
      local g, message, code = pg.load(dir .. "/net.xml")
      assert.is_nil(g)
      assert.equal("format", code)
      assert.matches("weights file of 16", message)
    end
  end)

  it("survives damage", function()
    local dir, seeds = temp.dir(), {}
    for _, name in ipairs {
      "loop_count", "lstm_sequence_bidirectional", "deform_conv", "strided_shrink", "weights_u4",
    } do
      seeds[#seeds + 1] = temp.read(folder .. name .. ".xml")
    end
    local bin = temp.read(folder .. "lstm_sequence_bidirectional.bin")
    temp.write(dir .. "/net.bin", bin)
    local n = tonumber(os.getenv "PERIGEE_MUTATIONS") or 300
    local refused = mutate.run(n, 11, seeds, function(bytes)
      temp.write(dir .. "/net.xml", bytes)
      local convert = require "perigee.convert"
      local g, message, code = convert.load(dir .. "/net.xml")
      if g or message then return g, message, code end
      return nil, "not found to be of this format", "format"
    end)
    assert.is_true(refused > n / 4)
    assert.is_table(core.failure_meta)
  end)
end)
