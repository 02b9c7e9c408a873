-- darknet: small nets against what OpenCV computes (spec/data/convert/make_darknet.py), sections that
-- OpenCV lacks, bad files.
local lfs = require "lfs"
local mutate = require "support.mutate"
local pg = require "perigee"
local temp = require "support.temp"

local folder = "spec/data/convert/darknet/"

local function names()
  local list = {}
  for file in lfs.dir(folder) do list[#list + 1] = file:match "^(.*)%.cfg$" end
  table.sort(list)
  return list
end

--- A net from text and numbers.
local function load(text, numbers, opts)
  local dir = temp.dir()
  temp.write(dir .. "/n.cfg", text)
  local head = string.pack("<i4i4i4i8", 0, 2, 5, 0)
  temp.write(dir .. "/n.weights", head .. pg.tensor.new(numbers, "f32"):bytes())
  local g, message, code = pg.load(dir .. "/n.cfg", nil, opts)
  temp.remove(dir)
  return g, message, code
end

describe("darknet", function()
  for _, name in ipairs(names()) do
    it("computes " .. name, function()
      local g = assert(pg.load(folder .. name .. ".cfg", nil, { decode = true }))
      local session = assert(g:session { threads = 1 })
      local got = session { data = assert(pg.tensor.npy(folder .. name .. ".in.npy")) }[1]
      local want = assert(pg.tensor.npy(folder .. name .. ".out.npy"))
      assert.equal(want.count, got.count)
      if name == "region" then -- OpenCV has set the scores of suppressed boxes to 0
        got = got * want:ne(0):cast "f32"
      end
      local same, why = got:contiguous():reshape(-1):allclose(want:reshape(-1), 1e-3, 1e-4)
      assert.is_true(same, why)
    end)
  end

  it("gives heads raw unless told otherwise", function()
    local g = assert(pg.load(folder .. "yolo.cfg"))
    local out = assert(g:session()) { data = assert(pg.tensor.npy(folder .. "yolo.in.npy")) }
    assert.equal("2_yolo", g:output_list()[1].name)
    assert.same({ 1, 16, 16, 24 }, out[1].shape)
  end)

  it("multiplies by weights of each place", function()
    -- one channel, 2x2, kernel 1: output = w[place] * x + bias[place]
    local text = "[net]\nwidth=2\nheight=2\nchannels=1\n[local]\nsize=1\nfilters=1\nactivation=linear\n"
    local g = assert(load(text, { 10, 20, 30, 40, 1, 2, 3, 4 }))
    local out = assert(g:session()) { data = pg.tensor { { { { 1, 1 }, { 2, 2 } } } } }
    assert.same({ { { { 11, 22 }, { 36, 48 } } } }, out[1]:totable())
  end)

  it("runs every section of a larger net on seeded weights", function()
    local text = [[
      [net] # comment
      width=32
      height=32
      channels=3
      [convolutional]
      filters=8
      size=3
      stride=2
      pad=1
      batch_normalize=1
      activation=mish
      [normalization]
      size=3
      [batchnorm]
      [dropout]
      probability=.5
      [activation]
      activation=relu
      [local_avgpool]
      size=2
      stride=2
      [cost]
    ]]
    local dir = temp.dir()
    temp.write(dir .. "/n.cfg", text)
    local g = assert(pg.load(dir .. "/n.cfg", nil, { seed = 3 }))
    temp.remove(dir)
    local out = assert(g:session()) { data = pg.tensor.randn { 1, 3, 32, 32 } }
    assert.same({ 1, 8, 8, 8 }, { table.unpack(out[1].shape, 1, 4) })
    assert.is_true(out[1]:std():item() > 1e-3)
  end)

  it("says what is wrong", function()
    local head = "[net]\nwidth=8\nheight=8\nchannels=3\n"
    for _, case in ipairs {
      { head .. "[convolutional]\nfilters=4\nsize=3\n", "the weights end at" },
      { head .. "[rnn]\noutput=3\n[crnn]\n", "2 unsupported" },
      { head .. "[route]\nlayers=-4\n", "takes layer" },
      { head .. "[maxpool]\nsize=x\n", "size=x is no number" },
      { head .. "[maxpool]\nsize=9\nstride=1\npadding=0\n", "leaves nothing" },
      { "[net]\nwidth=0\n", "an input of" },
      { "[net]\nwidth=8\nheight=8\nnonsense\n", "neither a section nor" },
    } do
      local g, message = load(case[1], { 1, 2, 3 })
      assert.is_nil(g)
      assert.matches(case[2], message, 1, true)
    end
  end)

  it("refuses damaged files with a message", function()
    local dir = temp.dir()
    local texts = {}
    for _, name in ipairs(names()) do texts[#texts + 1] = temp.read(folder .. name .. ".cfg") end
    local function read(bytes)
      temp.write(dir .. "/m.cfg", bytes)
      return pg.load(dir .. "/m.cfg", nil, { seed = 1, decode = true })
    end
    local refused = mutate.run(600, 1, texts, function(bytes)
      local g, message, code = read(bytes)
      return g or (code and nil), message, code
    end)
    assert.is_true(refused > 100)
    temp.remove(dir)
  end)
end)
