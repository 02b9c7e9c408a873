-- The largest of each cell of a grid over regions.
local t = require "support.op_cases" (_ENV)
local count = t.count

t.cases("MaxRoiPool", {
  {
    "pools a region",
    attrs = { pooled_shape = { 2, 2 } }, inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 0, 3, 3 } } },
    outputs = { { { { { 5, 7 }, { 13, 15 } } } } },
  },
  {
    "takes spatial_scale",
    attrs = { pooled_shape = { 2, 2 }, spatial_scale = 0.5 },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 0, 6, 6 } } },
    outputs = { { { { { 5, 7 }, { 13, 15 } } } } },
  },
  {
    "takes regions of several images",
    attrs = { pooled_shape = { 1, 1 } },
    inputs = { count { 2, 1, 2, 2 }, { { 1, 0, 0, 1, 1 }, { 0, 1, 1, 1, 1 } } },
    outputs = { { { { { 7 } } }, { { { 3 } } } } },
  },
  {
    "takes uneven cells",
    attrs = { pooled_shape = { 2, 3 } }, inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 1, 3, 3 } } },
    outputs = { { { { { 9, 10, 11 }, { 13, 14, 15 } } } } },
  },
  {
    "takes channels",
    attrs = { pooled_shape = { 1, 2 } }, inputs = { count { 1, 2, 2, 2 }, { { 0, 0, 0, 1, 0 } } },
    outputs = { { { { { 0, 1 } }, { { 4, 5 } } } } },
  },
  {
    "ran at opset 1",
    opset = 1, attrs = { pooled_shape = { 1, 1 } },
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 0, 3, 3 } } },
    outputs = { { { { { 15 } } } } },
  },
  {
    "refuses an image that is not there",
    attrs = { pooled_shape = { 1, 1 } }, inputs = { count { 1, 1, 4, 4 }, { { 1, 0, 0, 1, 1 } } },
    error = "1",
  },
  {
    "refuses regions of another width",
    attrs = { pooled_shape = { 1, 1 } }, inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 1, 1 } } },
    error = "5",
  },
  {
    "needs pooled_shape",
    inputs = { count { 1, 1, 4, 4 }, { { 0, 0, 0, 1, 1 } } }, error = "pooled_shape",
  },
})
