-- Models that ncnn's and MNN's own exporters wrote, with what their runtimes give
-- (spec/data/convert/make_mnn.py; pnnx for ncnn).
local lfs = require "lfs"
local pg = require "perigee"

local function samples(folder)
  local list = {}
  for name in lfs.dir(folder) do
    if lfs.attributes(("%s/%s/io.txt"):format(folder, name)) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function check(folder, file)
  local inputs, shapes, expected = {}, {}, {}
  for line in io.lines(folder .. "/io.txt") do
    local kind, index, name = line:match "^(%a+) (%d+) (%S+)"
    local t = assert(pg.tensor.npy(("%s/%s%s.npy"):format(folder, kind, index)))
    if kind == "in" then
      inputs[name], shapes[name] = t, t.shape
    else
      expected[name] = t
    end
  end
  local g = assert(pg.load(folder .. "/" .. file, nil, { shapes = shapes }))
  for name, spec in g:inputs() do inputs[name] = inputs[name]:cast(spec.dtype) end
  local out = assert(assert(g:session()):run(inputs))
  for name, t in pairs(expected) do
    assert.same(t.shape, out[name].shape)
    assert.is_true(out[name]:cast("f32"):allclose(t:cast "f32", 1e-3, 1e-4), name)
  end
end

for format, file in pairs { ncnn = "model.param", mnn = "model.mnn" } do
  describe(format .. "'s own files", function()
    local folder = "spec/data/convert/" .. format
    for _, name in ipairs(samples(folder)) do
      it("agree: " .. name, function() check(folder .. "/" .. name, file) end)
    end
  end)
end
