-- Bytes of files to pixels; the formats are in spec/format/picture_spec.lua.
local t = require "support.op_cases" (_ENV)
local u8 = t.u8

local function bytes(text) return u8 { text:byte(1, -1) } end
local ppm = bytes "P6 2 1 255\n\1\2\3\250\251\252"

t.cases("ImageDecoder", {
  { "gives RGB", inputs = { ppm }, outputs = { u8 { { { 1, 2, 3 }, { 250, 251, 252 } } } } },
  {
    "gives BGR", attrs = { pixel_format = "BGR" }, inputs = { ppm },
      outputs = { u8 { { { 3, 2, 1 }, { 252, 251, 250 } } } },
  },
  { "gives grey", attrs = { pixel_format = "Grayscale" }, inputs = { ppm }, outputs = { u8 { { { 2 }, { 251 } } } } },
  {
    "gives grey pictures three channels", inputs = { bytes "P5 1 2 255\n\7\9" },
      outputs = { u8 { { { 7, 7, 7 } }, { { 9, 9, 9 } } } },
  },
  { "gives nothing for what is no picture", inputs = { bytes "no picture" }, outputs = { u8 { shape = { 0, 0, 3 } } } },
  { "refuses another layout", attrs = { pixel_format = "CMYK" }, inputs = { ppm }, error = "pixel_format" },
})
