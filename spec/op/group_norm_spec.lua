-- Mean and variance by groups of channels or by channel.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("GroupNormalization", {
  {
    "normalizes groups, scales channels",
    attrs = { num_groups = 2 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 2, 3, 4 }, { 0, 0, 1, 1 } },
    outputs = {
      f32 {
        shape = { 1, 4, 2 }, -0.8485278, -0.5656852, -0.5656852, 3.394111, -3.024906, -0.3416352,
        2.788848, 6.366542,
      },
    },
  },
  {
    "takes epsilon",
    attrs = { num_groups = 2, epsilon = 0.5 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 1, 1, 1 }, { 0, 0, 0, 0 } },
    outputs = {
      f32 {
        shape = { 1, 4, 2 }, -0.8320503, -0.5547003, -0.2773501, 1.664101, -1.133893, -0.3779643,
        0.3779646, 1.133893,
      },
    },
  },
  {
    "takes one group",
    attrs = { num_groups = 1 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 1, 1, 1 }, { 0, 0, 0, 0 } },
    outputs = {
      f32 {
        shape = { 1, 4, 2 }, -1.463126, -1.118861, -0.7745962, 1.635259, -0.08606625, 0.2581987,
        0.6024637, 0.9467287,
      },
    },
  },
  {
    "takes two axes",
    attrs = { num_groups = 1 }, inputs = { count { 2, 2, 1, 2 }, { 1, 2 }, { 0, 1 } },
    outputs = {
      f32 {
        shape = { 2, 2, 1, 2 }, -1.341635, -0.4472119, 1.894424, 3.683271, -1.341635, -0.4472116,
        1.894424, 3.683271,
      },
    },
  },
  {
    "computes f16",
    attrs = { num_groups = 2 },
    inputs = {
      f16 { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, f16 { 1, 2, 3, 4 }, f16 { 0, 0, 1, 1 },
    },
    outputs = {
      f16 {
        shape = { 1, 4, 2 }, -0.84863, -0.56592, -0.56592, 3.3945, -3.0254, -0.34155, 2.7891,
        6.3672,
      },
    },
  },
  {
    "computes f64",
    attrs = { num_groups = 2 },
    inputs = {
      f64 { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, f64 { 1, 2, 3, 4 }, f64 { 0, 0, 1, 1 },
    },
    outputs = {
      f64 {
        shape = { 1, 4, 2 }, -0.8485277980128, -0.5656851986752, -0.5656851986752, 3.394111192051,
        -3.024906259907, -0.3416354199689, 2.788847226625, 6.366541679876,
      },
    },
  },
  {
    "scaled by group before opset 21",
    opset = 18, attrs = { num_groups = 2 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 3 }, { 0, 1 } },
    outputs = {
      f32 {
        shape = { 1, 4, 2 }, -0.8485278, -0.5656852, -0.2828426, 1.697056, -3.024906, -0.3416352,
        2.341636, 5.024907,
      },
    },
  },
  {
    "refuses groups that don't divide",
    attrs = { num_groups = 3 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 2, 3, 4 }, { 0, 0, 1, 1 } },
    error = "4 channels can't be cut into 3 groups",
  },
  {
    "refuses a scale of another length",
    attrs = { num_groups = 2 },
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 2, 3 }, { 0, 0, 1, 1 } },
    error = "expected %[4%]",
  },
  {
    "needs num_groups",
    inputs = { { { { 0, 1 }, { 2, 9 }, { 4, 5 }, { 6, 7 } } }, { 1, 2, 3, 4 }, { 0, 0, 1, 1 } },
    error = "num_groups",
  },
})

t.cases("InstanceNormalization", {
  {
    "normalizes each channel of each batch",
    inputs = { { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, { 1, 2 }, { 0, 1 } },
    outputs = {
      f32 {
        shape = { 2, 2, 2 }, -0.999995, 0.999995, -0.9999989, 2.999999, -0.9999988, 0.9999988, 1,
        1,
      },
    },
  },
  {
    "takes epsilon",
    attrs = { epsilon = 0.5 },
    inputs = { { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, { 1, 2 }, { 0, 1 } },
    outputs = {
      f32 {
        shape = { 2, 2, 2 }, -0.8164966, 0.8164966, -0.9466571, 2.946657, -0.9428091, 0.9428091,
        1, 1,
      },
    },
  },
  {
    "takes two axes",
    inputs = { { { { { 0, 1 }, { 2, 3 } } } }, { 1 }, { 0 } },
    outputs = { f32 { shape = { 1, 1, 2, 2 }, -1.341635, -0.4472118, 0.4472118, 1.341635 } },
  },
  {
    "computes f16",
    inputs = {
      f16 { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, f16 { 1, 2 }, f16 { 0, 1 },
    },
    outputs = { f16 { { { -1, 1 }, { -1, 3 } }, { { -1, 1 }, { 1, 1 } } } },
  },
  {
    "computes f64",
    inputs = {
      f64 { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, f64 { 1, 2 }, f64 { 0, 1 },
    },
    outputs = {
      f64 {
        shape = { 2, 2, 2 }, -0.9999950000376, 0.9999950000376, -0.9999988888898, 2.99999888889,
        -0.9999987500024, 0.9999987500024, 1, 1,
      },
    },
  },
  {
    "ran with consumed_inputs before opset 6",
    opset = 1, attrs = { consumed_inputs = { 0, 0, 0 } },
    inputs = { { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, { 1, 2 }, { 0, 1 } },
    outputs = {
      f32 {
        shape = { 2, 2, 2 }, -0.999995, 0.999995, -0.9999989, 2.999999, -0.9999988, 0.9999988, 1,
        1,
      },
    },
  },
  {
    "refuses a scale of another length",
    inputs = { { { { 1, 3 }, { 2, 8 } }, { { 0, 4 }, { 5, 5 } } }, { 1 }, { 0, 1 } },
    error = "expected %[2%]",
  },
})
