local pg = require "perigee"
local core = require "perigee.core"
local image = require "perigee.image"
local process = require "support.process"
local reference = require "support.image_reference"
local temp = require "support.temp"

local function tensor_of(list, shape, dtype) return pg.tensor(list, dtype or "u8"):reshape(shape) end

local function bytes_of(picture) return picture.pixels:reshape(-1):totable() end

-- 2 x 3, one channel.
local function small() return image.wrap(tensor_of({ 1, 2, 3, 4, 5, 6 }, { 2, 3, 1 })) end

describe("image: resizing", function()
  -- Pillow's bytes exactly; OpenCV computes some in fixed point of fewer bits.
  for i, case in ipairs(reference.cases.resize) do
    local h, w = case.shape[1], case.shape[2]
    it(("%s to %dx%d, %d x %s as the library does (%d)"):format(case.filter, w, h, case.channels,
      case.dtype, i), function()
      local source = reference.source(case.channels)
      if case.dtype == "f32" then source = source:cast "f32" / 255 end
      local is_pil = case.filter:find "^pil"
      local allowed = case.dtype == "f32" and 2e-6 or is_pil and 0 or 1
      local picture = image.wrap(source):resize { width = w, height = h, filter = case.filter }
      assert.is_true(reference.distance(picture.pixels, reference.pixels(case)) <= allowed)
    end)
  end

  it("takes names without a prefix as Pillow's, and area as OpenCV's", function()
    local picture = image.wrap(reference.source(3))
    for name, full in pairs {
      nearest = "pil-nearest", bilinear = "pil-bilinear", bicubic = "pil-bicubic",
      lanczos = "pil-lanczos", box = "pil-box", hamming = "pil-hamming", area = "cv-area",
      ["cv-bilinear"] = "cv-linear", ["cv-bicubic"] = "cv-cubic", ["cv-lanczos"] = "cv-lanczos4",
    } do
      local a = picture:resize { width = 20, height = 17, filter = name }
      local b = picture:resize { width = 20, height = 17, filter = full }
      assert.equal(0, reference.distance(a.pixels, b.pixels))
    end
  end)

  it("keeps the aspect ratio for a missing side", function()
    local picture = image.new { width = 40, height = 30 }
    assert.equal("Image 20x15 rgb u8", tostring(picture:resize { width = 20 }))
    assert.equal("Image 8x6 rgb u8", tostring(picture:resize { height = 6 }))
    assert.equal("Image 1x1 rgb u8", tostring(picture:resize { width = 1 }))
  end)

  it("changes nothing at the same size", function()
    local picture = image.wrap(reference.source(4))
    local same = picture:resize { width = picture.width, height = picture.height, filter = "cv-cubic" }
    assert.equal(0, reference.distance(picture.pixels, same.pixels))
  end)

  it("leaves a flat picture flat with every filter", function()
    for _, mode in ipairs { "gray", "rgb", "rgba" } do
      local picture = image.new { width = 50, height = 37, mode = mode, fill = "#c88050" }
      for _, filter in ipairs {
        "pil-box", "pil-bilinear", "pil-hamming", "pil-bicubic", "pil-lanczos", "cv-linear",
        "cv-cubic", "cv-area", "cv-lanczos4",
      } do
        local other = image.new { width = 13, height = 90, mode = mode, fill = "#c88050" }
        local out = picture:resize { width = 13, height = 90, filter = filter }
        assert.equal(0, reference.distance(out.pixels, other.pixels))
      end
    end
  end)

  it("raises for a bad size or filter", function()
    local picture = small()
    assert.has_error(function() picture:resize { width = 0, height = 5 } end)
    assert.has_error(function() picture:resize {} end)
    assert.has_error(function() picture:resize { widht = 5 } end)
    local _, problem = pcall(picture.resize, picture, { width = 5.5 })
    assert.matches("resize: expected a side in whole pixels, got 5.5", problem, 1, true)
    local ok, message = pcall(picture.resize, picture, { width = 5, filter = "sharp" })
    assert.is_false(ok)
    assert.matches("unknown filter 'sharp' %(known: pil%-nearest, ", message)
  end)

  it("refuses a size that can't be", function()
    assert.has_error(function() small():resize { width = 2147483647, height = 1 } end)
    if process.is_sanitized then return end -- AddressSanitizer ends the program instead
    local ok, message, code = core.image_resize(small():rgba():f32().pixels, 1 << 24, 1 << 24, "box")
    assert.is_nil(ok)
    assert.matches("out of memory", message)
    assert.equal("nomem", code)
  end)
end)

describe("image: geometry", function()
  it("crops", function()
    local out = small():crop { x = 1, y = 0, width = 2, height = 2 }
    assert.same({ 2, 3, 5, 6 }, bytes_of(out))
    assert.same({ 4, 5, 6 }, bytes_of(small():crop { y = 1 }))
  end)

  it("refuses to crop outside", function()
    for _, rectangle in ipairs {
      { x = -1, width = 2 }, { x = 2, width = 2 }, { width = 0 }, { y = 3 },
      { x = math.maxinteger, width = 1 }, { width = math.maxinteger },
    } do
      assert.has_error(function() small():crop(rectangle) end)
    end
    local ok, message = pcall(function() small():crop { x = 2, width = 2 } end)
    assert.is_false(ok)
    assert.matches("2 x 2 at %(2, 0%) is not inside 3 x 2", message)
  end)

  it("crops copies: what is drawn on one does not show in the other", function()
    local picture = small()
    picture:crop { width = 2, height = 2 }:rectangle { x = 0, y = 0, width = 2, height = 2, color = 9, fill = true }
    assert.same({ 1, 2, 3, 4, 5, 6 }, bytes_of(picture))
  end)

  it("flips", function()
    assert.same({ 3, 2, 1, 6, 5, 4 }, bytes_of(small():flip "horizontal"))
    assert.same({ 4, 5, 6, 1, 2, 3 }, bytes_of(small():flip "vertical"))
    assert.has_error(function() small():flip "sideways" end)
  end)

  it("turns by quarters, counter-clockwise", function()
    local left = small():rotate(90, { expand = true })
    assert.equal("Image 2x3 gray u8", tostring(left))
    assert.same({ 3, 6, 2, 5, 1, 4 }, bytes_of(left))
    assert.same({ 6, 5, 4, 3, 2, 1 }, bytes_of(small():rotate(180)))
    assert.same({ 4, 1, 5, 2, 6, 3 }, bytes_of(small():rotate(-90, { expand = true })))
    assert.same({ 1, 2, 3, 4, 5, 6 }, bytes_of(small():rotate(720)))
  end)

  for i, case in ipairs(reference.cases.rotate) do
    it(("rotates by %g, %s%s, %d channels, as Pillow does (%d)"):format(case.degrees, case.filter,
      case.expand and ", expanding" or "", case.channels, i), function()
      local picture = image.wrap(reference.source(case.channels))
        :crop { width = 21, height = 15 }
        :rotate(case.degrees, { expand = case.expand, filter = case.filter })
      local want = reference.pixels(case)
      if case.filter == "bilinear" then
        assert.equal(0, reference.distance(picture.pixels, want))
      else
        -- Pillow steps in fixed point here, so a pixel on a seam may come from the other side.
        assert.same(want.shape, picture.pixels.shape)
        local differing = picture.pixels:ne(want):cast "f32":mean():item()
        assert.is_true(differing <= 0.005)
      end
    end)
  end

  it("fills the corners of a rotation", function()
    local out = image.new { width = 20, height = 20, fill = "white" }
      :rotate(45, { expand = true, fill = { 1, 2, 3 } })
    assert.same({ 1, 2, 3 }, { table.unpack(bytes_of(out), 1, 3) })
    local clear = image.new { width = 20, height = 20, mode = "rgba", fill = "white" }:rotate(45)
    assert.same({ 0, 0, 0, 0 }, { table.unpack(bytes_of(clear), 1, 4) })
    assert.has_error(function() small():rotate(0 / 0) end)
  end)

  it("pads with a colour, the edge or a reflection", function()
    local picture = image.wrap(tensor_of({ 1, 2, 3 }, { 1, 3, 1 }))
    assert.same({ 7, 7, 1, 2, 3, 7 }, bytes_of(picture:pad { left = 2, right = 1, fill = 7 }))
    assert.same({ 1, 1, 1, 2, 3, 3 }, bytes_of(picture:pad { left = 2, right = 1, border = "edge" }))
    assert.same({ 2, 3, 2, 1, 2, 3, 2, 1 },
      bytes_of(picture:pad { left = 3, right = 2, border = "reflect" }))
    assert.same({ 1, 1, 1 }, bytes_of(picture:crop { width = 1 }:pad { left = 1, right = 1, border = "reflect" }))
    assert.same({ 0, 3, 0 }, bytes_of(picture:pad { top = 1, bottom = 1 }:crop { x = 2 }))
    assert.equal("Image 7x5 gray u8", tostring(picture:pad { all = 2 }))
    assert.has_error(function() picture:pad { left = -1 } end)
  end)

  it("reflects more than once when the margin is wider than the picture", function()
    local out = image.wrap(tensor_of({ 1, 2, 3, 4 }, { 2, 2, 1 })):pad { all = 3, border = "reflect" }
    assert.equal("Image 8x8 gray u8", tostring(out))
    assert.same({ 4, 3, 4, 3, 4, 3, 4, 3 }, { table.unpack(bytes_of(out), 1, 8) })
  end)

  it("letterboxes and says where the picture went", function()
    local wide = image.new { width = 40, height = 20, fill = "white" }
    local out, placement = wide:letterbox { width = 30, height = 30, fill = { 1, 2, 3 } }
    assert.equal("Image 30x30 rgb u8", tostring(out))
    assert.same({ scale = 0.75, x = 0, y = 7 }, placement)
    assert.same({ 1, 2, 3 }, out.pixels[7][1]:totable())
    assert.same({ 255, 255, 255 }, out.pixels[8][1]:totable())
    assert.same({ 255, 255, 255 }, out.pixels[22][30]:totable())
    assert.same({ 1, 2, 3 }, out.pixels[23][30]:totable())
  end)
end)

describe("image: colours", function()
  for _, case in ipairs(reference.cases.color) do
    it(("%s to %s as %s does"):format(case.from_mode, case.mode, case.convention), function()
      local cube = image.wrap(reference.pixels(reference.cases.cube[1]), case.from_mode)
      local out = case.mode == "gray" and cube:gray { convention = case.convention }
        or cube[case.mode](cube)
      -- Pillow's tables of luminance and chrominance have 6 bits after the point.
      local allowed = (case.mode == "ycbcr" or case.from_mode == "ycbcr") and 1 or 0
      assert.is_true(reference.distance(out.pixels, reference.pixels(case)) <= allowed)
    end)
  end

  it("keeps colours on the way through hsv and ycbcr as floats", function()
    local cube = image.wrap(reference.pixels(reference.cases.cube[1])):f32()
    for _, mode in ipairs { "hsv", "ycbcr", "bgr", "rgba" } do
      local back = cube[mode](cube):rgb()
      assert.is_true(reference.distance(back.pixels, cube.pixels) < 2e-6)
    end
  end)

  it("swaps red and blue, adds and drops alpha", function()
    local picture = image.wrap(tensor_of({ 1, 2, 3 }, { 1, 1, 3 }))
    assert.same({ 3, 2, 1 }, bytes_of(picture:bgr()))
    assert.same({ 1, 2, 3 }, bytes_of(picture:bgr():rgb()))
    assert.same({ 1, 2, 3, 255 }, bytes_of(picture:rgba()))
    assert.same({ 9, 9, 9 }, bytes_of(image.wrap(tensor_of({ 9 }, { 1, 1, 1 })):rgb()))
    local clear = image.wrap(tensor_of({ 100, 200, 50, 51 }, { 1, 1, 4 }))
    assert.same({ 100, 200, 50 }, bytes_of(clear:rgb()))
    assert.same({ 224, 244, 214 }, bytes_of(clear:rgb { over = "white" }))
    assert.equal("Image 1x1 rgb u8", tostring(clear:rgb { over = "white" }))
    assert.equal("gray", clear:gray().mode)
  end)

  it("converts bytes to floats and back, rounded and limited", function()
    local bytes = image.wrap(tensor_of({ 0, 51, 255 }, { 1, 3, 1 }))
    local floats = bytes:f32()
    assert.equal("Image 3x1 gray f32", tostring(floats))
    assert.is_true(reference.distance(floats.pixels, tensor_of({ 0, 0.2, 1 }, { 1, 3, 1 }, "f32")) < 1e-7)
    local wild = image.wrap(tensor_of({ -1, 0.5, 7, 0 / 0 }, { 1, 4, 1 }, "f32"))
    assert.same({ 0, 128, 255, 0 }, bytes_of(wild:u8()))
  end)

  it("refuses modes that do not fit", function()
    assert.has_error(function() image.wrap(tensor_of({ 1, 2, 3 }, { 1, 1, 3 }), "gray") end)
    assert.has_error(function() image.wrap(tensor_of({ 1, 2, 3 }, { 3 })) end)
    assert.has_error(function() image.new { width = 1, height = 1, mode = "cmyk" } end)
  end)
end)

describe("image: into networks and back", function()
  local source = image.wrap(reference.source(3))

  it("gives (x * scale - mean) / std in NCHW or NHWC", function()
    local t = source:tensor { scale = 1 / 255, mean = { 0.5, 0.4, 0.3 }, std = { 0.2, 0.3, 0.4 } }
    assert.same({ 1, 3, 29, 41 }, t.shape)
    for c, mean in ipairs { 0.5, 0.4, 0.3 } do
      local want = (source.pixels:select(3, c):cast "f32" / 255 - mean) / ({ 0.2, 0.3, 0.4 })[c]
      assert.is_true(reference.distance(t:select(1, 1):select(1, c), want) < 1e-6)
    end
    local nhwc = source:tensor { scale = 1 / 255, mean = { 0.5, 0.4, 0.3 }, std = { 0.2, 0.3, 0.4 }, layout = "NHWC" }
    assert.same({ 1, 29, 41, 3 }, nhwc.shape)
    assert.equal(0, reference.distance(nhwc:permute(1, 4, 2, 3), t))
  end)

  it("takes one number for all channels, else one a channel", function()
    local t = source:tensor { mean = { 3 }, std = { 2 } }
    assert.is_true(t:allclose(source:tensor { mean = 3, std = 2 }))
    local _, problem = pcall(source.tensor, source, { mean = { 1, 2 } })
    assert.matches("tensor: mean: expected 3 numbers, one a channel, got 2", problem, 1, true)
  end)

  it("drops the batch axis when told", function()
    assert.same({ 3, 29, 41 }, source:tensor { batch = false }.shape)
    assert.same({ 29, 41, 3 }, source:tensor { batch = false, layout = "NHWC" }.shape)
    assert.same({ 29, 41 }, source:gray():tensor { layout = "HW" }.shape)
    assert.has_error(function() source:tensor { layout = "HW" } end)
    assert.has_error(function() source:tensor { layout = "NWHC" } end)
  end)

  it("gives other element types, integers rounded and limited", function()
    for _, dtype in ipairs { "f16", "bf16", "f64", "u8", "i8", "u16", "i32", "i64" } do
      local t = source:tensor { dtype = dtype }
      assert.equal(dtype, t.dtype)
      local want = source.pixels:permute(3, 1, 2):cast "f32"
      if dtype == "i8" then want = want:clamp(-128, 127) end
      assert.is_true(reference.distance(t:select(1, 1), want) <= (dtype == "bf16" and 1 or 0))
    end
    local t = source:tensor { dtype = "u8", mean = 128 }
    local want = (source.pixels:permute(3, 1, 2):cast "f32" - 128):clamp(0, 255)
    assert.equal(0, reference.distance(t:select(1, 1), want))
    assert.has_error(function() source:tensor { dtype = "bool" } end)
    assert.has_error(function() source:tensor { std = 0 } end)
  end)

  it("treats floats and bytes alike", function()
    local opts = { mean = { 0.5, 0.4, 0.3 }, std = 0.25 }
    local a = source:f32():tensor(opts)
    opts.scale = 1 / 255
    assert.is_true(reference.distance(a, source:tensor(opts)) < 1e-5)
    opts.scale, opts.layout = nil, "NHWC"
    assert.is_true(reference.distance(source:f32():tensor(opts), a:permute(1, 3, 4, 2)) == 0)
  end)

  it("comes back with the same options", function()
    for _, layout in ipairs { "NCHW", "NHWC" } do
      for _, batch in ipairs { true, false } do
        local opts = { scale = 1 / 255, mean = { 0.5, 0.4, 0.3 }, std = { 0.2, 0.3, 0.4 }, layout = layout }
        local t = source:tensor {
          scale = opts.scale, mean = opts.mean, std = opts.std, layout = layout, batch = batch,
        }
        assert.equal(0, reference.distance(image.from_tensor(t, opts).pixels, source.pixels))
      end
    end
    local map = image.from_tensor(tensor_of({ -1, 0, 0.6, 2 }, { 2, 2 }, "f32"), { scale = 1 / 255 })
    assert.same({ 0, 0, 153, 255 }, bytes_of(map))
    assert.has_error(function() image.from_tensor(pg.tensor.zeros { 2, 3, 4, 4 }) end)
    assert.has_error(function() image.from_tensor(pg.tensor.zeros { 1, 7, 4, 4 }) end)
  end)
end)

describe("image.fit", function()
  local source = image.wrap(reference.source(3))
  local function fit(shape, dtype, opts)
    return image.fit(source, { name = "x", dtype = dtype or "f32", shape = shape }, opts)
  end

  it("decides the layout, the channels and the size by the declared shape", function()
    for _, case in ipairs {
      { { 1, 3, 20, 30 }, { 1, 3, 20, 30 } },
      { { "N", 3, "H", "W" }, { 1, 3, 29, 41 } },
      { { "N", 1, 32, "W" }, { 1, 1, 32, 45 } },
      { { 1, 20, 30, 3 }, { 1, 20, 30, 3 } },
      { { "?", "?", "?", 4 }, { 1, 29, 41, 4 } },
      { { "N", "C", 20, 30 }, { 1, 3, 20, 30 } },
      { { 3, 20, 30 }, { 3, 20, 30 } },
      { { "H", "W", 1 }, { 29, 41, 1 } },
      { { 20, 30 }, { 20, 30 } },
    } do
      assert.same(case[2], assert(fit(case[1])).shape)
    end
    assert.same({ 1, 3, 29, 41 }, assert(image.fit(source, { name = "x" })).shape)
  end)

  it("scales floats to 0 to 1 and integers to 0 to 255", function()
    local floats = fit({ 1, 3, 29, 41 })
    assert.is_true(reference.distance(floats * 255, source:tensor()) < 1e-4)
    assert.equal(0, reference.distance(fit({ 1, 3, 29, 41 }, "u8"), source:tensor()))
    assert.equal("f16", fit({ 1, 3, 29, 41 }, "f16").dtype)
    assert.is_true(reference.distance(fit({ 1, 3, 29, 41 }, "f32", { scale = 1 }), source:tensor()) == 0)
    local f = image.fit(source:f32(), { name = "x", dtype = "f32", shape = { 1, 3, 29, 41 } })
    assert.is_true(reference.distance(f, floats) < 1e-6)
    f = image.fit(source:f32(), { name = "x", dtype = "u8", shape = { 1, 3, 29, 41 } })
    assert.equal(0, reference.distance(f, source:tensor()))
  end)

  it("refuses what is no image", function()
    for _, case in ipairs {
      { { 1, 7, 20, 30 } }, { { 8, 3, 20, 30 } }, { { 5 } }, { { 1, 2, 3, 4, 5 } },
      { { 1, 3, 20, 30 }, "bool" }, { { 1, 3, 20, 30 }, "string" },
    } do
      local t, message, code = fit(case[1], case[2])
      assert.is_nil(t)
      assert.matches("input 'x'", message)
      assert.equal("unsupported", code)
    end
  end)
end)

describe("image: drawing", function()
  local function blank(mode) return image.new { width = 7, height = 5, mode = mode or "gray" } end
  local function rows(picture)
    local out = {}
    for y = 1, picture.height do
      local row = {}
      for x = 1, picture.width do row[x] = picture.pixels[y][x][1] > 0 and "#" or "." end
      out[y] = table.concat(row)
    end
    return table.concat(out, "\n")
  end

  it("draws rectangles, thickness inwards", function()
    assert.equal(".......\n.####..\n.#..#..\n.####..\n.......",
      rows(blank():rectangle { x = 1, y = 1, width = 4, height = 3, color = 255 }))
    assert.equal(".......\n.####..\n.####..\n.####..\n.......",
      rows(blank():rectangle { x = 1, y = 1, width = 4, height = 3, color = 255, thickness = 2 }))
    assert.equal("##.....\n##.....\n.......\n.......\n.......",
      rows(blank():rectangle { box = { -3, -3.4, 1.6, 2.4 }, color = 255, fill = true }))
    assert.has_error(function() blank():rectangle { x = 1, y = 1 } end)
    assert.has_error(function() blank():rectangle { x = 0 / 0, y = 1, width = 1, height = 1 } end)
  end)

  it("draws lines", function()
    local function line(x1, y1, x2, y2, more)
      local o = { x1 = x1, y1 = y1, x2 = x2, y2 = y2, color = 255, antialias = false }
      for k, v in pairs(more or {}) do o[k] = v end
      return rows(blank():line(o))
    end
    assert.equal("#......\n.#.....\n..#....\n...#...\n....#..", line(0, 0, 4, 4))
    assert.equal("#......\n.#.....\n..#....\n...#...\n....#..", line(4, 4, 0, 0))
    assert.equal(".......\n.......\n.#####.\n.......\n.......", line(1, 2, 5, 2))
    assert.equal(".......\n#######\n#######\n.......\n.......", line(-9, 2, 20, 2, { thickness = 2 }))
    assert.equal("...#...\n...#...\n...#...\n...#...\n...#...", line(3, -1e9, 3, 1e9))
    assert.equal(".......\n.......\n...#...\n.......\n.......", line(3, 2, 3, 2))
    assert.equal(".......\n.......\n.#####.\n.......\n.......", line(1, 2, 5, 2, { antialias = true }))
  end)

  it("draws circles and points", function()
    assert.equal("..###..\n..###..\n..###..\n.......\n.......",
      rows(blank():circle { x = 3, y = 1, radius = 1.5, color = 255, fill = true, antialias = false }))
    assert.equal("..###..\n.#...#.\n.#...#.\n.#...#.\n..###..",
      rows(blank():circle { x = 3, y = 2, radius = 2, color = 255, antialias = false }))
    assert.equal(".......\n...#...\n.......\n.......\n.......",
      rows(blank():point { x = 3, y = 1, radius = 0.5, color = 255 }))
    assert.has_error(function() blank():circle { x = 3, y = 1, radius = -1 } end)
  end)

  it("blends translucent colours once a pixel", function()
    local picture = image.new { width = 3, height = 3, fill = "white" }
    picture:rectangle { x = 0, y = 0, width = 3, height = 3, color = "#00000080", thickness = 1 }
    assert.same({ 127, 127, 127 }, picture.pixels[1][1]:totable())
    assert.same({ 127, 127, 127 }, picture.pixels[3][2]:totable())
    assert.same({ 255, 255, 255 }, picture.pixels[2][2]:totable())
  end)

  it("paints over transparent pixels as one picture over another", function()
    local picture = image.new { width = 2, height = 1, mode = "rgba" }
    picture:rectangle { x = 0, y = 0, width = 1, height = 1, color = "#ff800080", fill = true }
    assert.same({ 255, 128, 0, 128 }, picture.pixels[1][1]:totable())
    picture:rectangle { x = 0, y = 0, width = 1, height = 1, color = "#0000ff", fill = true }
    assert.same({ 0, 0, 255, 255 }, picture.pixels[1][1]:totable())
    assert.same({ 0, 0, 0, 0 }, picture.pixels[1][2]:totable())
  end)

  it("knows colours in every mode", function()
    for mode, want in pairs {
      gray = { 76 }, graya = { 76, 255 }, rgb = { 255, 0, 0 }, rgba = { 255, 0, 0, 255 },
      bgr = { 0, 0, 255 }, hsv = { 0, 255, 255 }, ycbcr = { 76, 85, 255 },
    } do
      local picture = image.new { width = 1, height = 1, mode = mode, fill = "red" }
      assert.same(want, bytes_of(picture))
      local floats = image.new { width = 1, height = 1, mode = mode, dtype = "f32", fill = "red" }
      assert.is_true(reference.distance(floats:u8().pixels, picture.pixels) <= 1)
    end
    assert.same({ 10, 20, 30 }, bytes_of(image.new { width = 1, height = 1, fill = { 10, 20, 30 } }))
    for _, bad in ipairs { "#12345", "reddish", {}, { 1, 2, 3, 4, 5 }, true } do
      assert.has_error(function() image.new { width = 1, height = 1, fill = bad } end)
    end
  end)

  it("writes text", function()
    local picture = image.new { width = 12, height = 10, mode = "gray" }
    picture:text { x = 0, y = 0, text = "Li", color = 255 }
    assert.equal([[
#.......#...
#...........
#......##...
#.......#...
#.......#...
#.......#...
#####..###..
............
............
............]], rows(picture))
  end)

  it("measures text", function()
    assert.same({ 30, 10 }, { image.text_size "hello" })
    assert.same({ 36, 40 }, { image.text_size("ab\ncde", 2) })
    assert.same({ 6, 10 }, { image.text_size "\u{e9}" })
    assert.same({ 0, 10 }, { image.text_size "" })
  end)

  it("has a shape for every printable character, all different", function()
    local seen = {}
    for code = 32, 126 do
      local picture = image.new { width = 6, height = 10, mode = "gray" }
      picture:text { text = string.char(code), color = 255 }
      local shape = rows(picture)
      assert.is_nil(seen[shape], string.char(code))
      seen[shape] = true
    end
  end)

  it("does not draw on what it may not write to", function()
    local view = image.wrap(reference.source(3):permute(2, 1, 3))
    view:line { x1 = 0, y1 = 0, x2 = 5, y2 = 5 } -- wrap made a copy
    local ok, message = pcall(core.image_line, reference.source(3):permute(2, 1, 3), 0, 0, 1, 1)
    assert.is_false(ok)
    assert.matches("view", message)
  end)
end)

describe("image: files and the rest", function()
  local dir
  setup(function() dir = temp.dir() end)
  teardown(function() temp.remove(dir) end)

  it("reads what it writes", function()
    for channels = 1, 4 do
      local picture = image.wrap(reference.source(channels))
      assert.is_true(picture:save(dir .. "/p.png"))
      local back = assert(image.read(dir .. "/p.png"))
      assert.equal(picture.mode, back.mode)
      assert.equal(0, reference.distance(back.pixels, picture.pixels))
    end
  end)

  it("writes bgr, hsv and floats as what they look like", function()
    local picture = image.wrap(reference.source(3))
    for _, other in ipairs { picture:bgr(), picture:f32(), picture:f32():hsv() } do
      assert.is_true(other:save(dir .. "/p.PNG"))
      assert.equal(0, reference.distance(assert(image.read(dir .. "/p.PNG")).pixels, picture.pixels))
    end
  end)

  it("writes JPEG of a quality", function()
    local picture = image.wrap(reference.source(3)):resize { width = 200 }
    local size, error_of = {}, {}
    for _, quality in ipairs { 10, 95 } do
      assert.is_true(picture:save(dir .. "/p.jpg", { quality = quality }))
      local back = assert(image.read(dir .. "/p.jpg"))
      size[quality] = #temp.read(dir .. "/p.jpg")
      error_of[quality] = (back.pixels:cast "f32" - picture.pixels:cast "f32"):abs():mean():item()
    end
    assert.is_true(size[10] * 2 < size[95])
    assert.is_true(error_of[95] < 4 and error_of[95] < error_of[10])
    assert.has_error(function() picture:save(dir .. "/p.jpg", { quality = 101 }) end)
  end)

  it("says what a file can't be", function()
    local picture = image.wrap(reference.source(4))
    local function fails(code, pattern, ok, message, got)
      assert.is_nil(ok)
      assert.matches(pattern, message)
      assert.equal(code, got)
    end
    fails("unsupported", "JPEG has no alpha", picture:save(dir .. "/p2.jpg"))
    fails("unsupported", "ends in %.png", picture:save(dir .. "/p.gif"))
    fails("io", "No such file", picture:save(dir .. "/none/p.png"))
    fails("io", "is a directory", image.read(dir))
    fails("io", "No such file", image.read(dir .. "/nothing.png"))
    fails("format", "neither", image.read(temp.write(dir .. "/t.png", "text")))
    fails("format", "neither", image.decode "")
    assert.is_nil(io.open(dir .. "/p2.jpg"))
  end)

  it("leaves no temporary file behind", function()
    local lfs = require "lfs"
    for name in lfs.dir(dir) do assert.is_nil(name:find "tmp") end
  end)

  it("shows itself", function()
    local picture = image.wrap(tensor_of({ 1, 2, 3, 4, 5, 6 }, { 2, 1, 3 }))
    assert.equal("Image 1x2 rgb u8", tostring(picture))
    assert.equal("\27[38;2;1;2;3;48;2;4;5;6m\u{2580}\27[0m", picture:preview())
    local lines = 0
    for line in (image.wrap(reference.source(4)):preview { width = 20 } .. "\n"):gmatch "(.-)\n" do
      lines = lines + 1
      assert.equal(20, select(2, line:gsub("\u{2580}", "")))
    end
    assert.equal(7, lines)
  end)

  it("gives the same bits in one thread and in many", function()
    -- Rows are cut by the size alone: a stack of copies must give what one copy gives.
    local one = image.wrap(reference.source(3)):resize { width = 300, height = 200 }
    local tall = image.wrap(pg.tensor.concat({ one.pixels, one.pixels }, 1))
    local a = one:resize { width = 77, height = 50, filter = "pil-box" }
    local b = tall:resize { width = 77, height = 100, filter = "pil-box" }
    assert.equal(0, reference.distance(b:crop { height = 50 }.pixels, a.pixels))
    assert.equal(0, reference.distance(b:crop { y = 50 }.pixels, a.pixels))
  end)
end)
