-- Windows for spectra: periodic by default, symmetric on request.
local t = require "support.op_cases" (_ENV)
local f64, f16, i64, i32 = t.f64, t.f16, t.i64, t.i32

t.cases("HannWindow", {
  {
    "is periodic",
    inputs = { i64(8) },
    outputs = { { 0, 0.1464466, 0.5, 0.8535534, 1, 0.8535534, 0.5, 0.1464465 } },
  },
  {
    "is symmetric with periodic 0",
    attrs = { periodic = 0 }, inputs = { i64(5) },
    outputs = { { 0, 0.5, 1, 0.5, 0 } },
  },
  {
    "takes output_datatype",
    attrs = { output_datatype = 11 }, inputs = { i32(4) },
    outputs = { f64 { 0, 0.5, 1, 0.5 } },
  },
  {
    "gives f16",
    attrs = { output_datatype = 10 }, inputs = { i64(4) },
    outputs = { f16 { 0, 0.49976, 1, 0.50049 } },
  },
  { "gives nothing", inputs = { i64(0) }, outputs = { {} } },
  { "refuses negative sizes", inputs = { i64(-1) }, error = "%-1" },
})

t.cases("HammingWindow", {
  {
    "is periodic",
    inputs = { i64(8) },
    outputs = {
      { 0.08695652, 0.2206686, 0.5434783, 0.8662879, 1, 0.8662878, 0.5434783, 0.2206685 },
    },
  },
  {
    "is symmetric with periodic 0",
    attrs = { periodic = 0 }, inputs = { i64(5) },
    outputs = { { 0.0869565, 0.5434783, 1, 0.5434783, 0.0869565 } },
  },
  {
    "takes output_datatype",
    attrs = { output_datatype = 11 }, inputs = { i32(4) },
    outputs = { f64 { 0.08695652173913, 0.5434782608696, 1, 0.5434782608696 } },
  },
  {
    "gives f16",
    attrs = { output_datatype = 10 }, inputs = { i64(4) },
    outputs = { f16 { 0.086975, 0.54346, 1, 0.54395 } },
  },
  { "gives nothing", inputs = { i64(0) }, outputs = { {} } },
  { "refuses negative sizes", inputs = { i64(-1) }, error = "%-1" },
})

t.cases("BlackmanWindow", {
  {
    "is periodic",
    inputs = { i64(8) },
    outputs = { { 0, 0.06644661, 0.34, 0.7735534, 1, 0.7735534, 0.34, 0.06644661 } },
  },
  {
    "is symmetric with periodic 0",
    attrs = { periodic = 0 }, inputs = { i64(5) },
    outputs = { { 1.490116e-08, 0.34, 1, 0.34, 1.490116e-08 } },
  },
  {
    "takes output_datatype",
    attrs = { output_datatype = 11 }, inputs = { i32(4) },
    outputs = { f64 { 0, 0.34, 1, 0.34 } },
  },
  {
    "gives f16",
    attrs = { output_datatype = 10 }, inputs = { i64(4) },
    outputs = { f16 { 0, 0.34009, 1, 0.34009 } },
  },
  { "gives nothing", inputs = { i64(0) }, outputs = { {} } },
  { "refuses negative sizes", inputs = { i64(-1) }, error = "%-1" },
})
