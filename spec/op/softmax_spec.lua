-- Along one axis; before opset 13 along all from the axis on.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, inf = t.f64, t.f32, t.f16, t.bf16, t.inf

t.cases("Softmax", {
  {
    "runs along the last axis",
    inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = {
      { { 0.09003057, 0.2447285, 0.6652409 }, { 0.006676412, 0.002456115, 0.9908675 } },
    },
  },
  {
    "takes an axis",
    attrs = { axis = 0 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { { { 0.7310586, 0.9525741, 0.1192029 }, { 0.2689414, 0.04742587, 0.880797 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { { { { 0, 2 }, { 4, 6 } } } },
    outputs = { { { { 0.01798621, 0.01798621 }, { 0.9820138, 0.9820138 } } } },
  },
  { "doesn't overflow", inputs = { { 1000, 1001 } }, outputs = { { 0.2689414, 0.7310586 } } },
  {
    "computes f16",
    inputs = { f16 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { f16 { { 0.090027, 0.24475, 0.66504 }, { 0.0066757, 0.0024567, 0.99072 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = {
      f64 {
        { 0.09003057317038, 0.2447284710548, 0.6652409557748 },
        { 0.006676412513376, 0.002456114904451, 0.9908674725822 },
      },
    },
  },
  {
    "computes bf16",
    inputs = { bf16 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { bf16 { { 0.089844, 0.24512, 0.66406 }, { 0.0066833, 0.0024567, 0.99219 } } },
  },
  { "takes minus infinity", inputs = { { 0, -inf } }, outputs = { { 1, 0 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "ran over all axes from axis 1 on before opset 13",
    opset = 11, inputs = { { { { 0, 1 }, { 2, 3 } } } },
    outputs = { { { { 0.0320586, 0.08714432 }, { 0.2368828, 0.6439143 } } } },
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } }, error = "got 2",
  },
})

t.cases("LogSoftmax", {
  {
    "runs along the last axis",
    inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { { { -2.407606, -1.407606, -0.407606 }, { -5.009174, -6.009174, -0.009174461 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 0 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = {
      { { -0.3132617, -0.04858734, -2.126928 }, { -1.313262, -3.048587, -0.1269281 } },
    },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { { { { 0, 2 }, { 4, 6 } } } },
    outputs = { { { { -4.01815, -4.01815 }, { -0.01814996, -0.01814996 } } } },
  },
  { "doesn't overflow", inputs = { { 1000, 1001 } }, outputs = { { -1.313262, -0.3132617 } } },
  {
    "computes f16",
    inputs = { f16 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { f16 { { -2.4082, -1.4072, -0.40771 }, { -5.0078, -6.0078, -0.0091782 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = {
      f64 {
        { -2.407605964444, -1.407605964444, -0.4076059644444 },
        { -5.009174484592, -6.009174484592, -0.009174484591735 },
      },
    },
  },
  {
    "computes bf16",
    inputs = { bf16 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { bf16 { { -2.4062, -1.4062, -0.4082 }, { -5, -6, -0.0091553 } } },
  },
  { "takes minus infinity", inputs = { { 0, -inf } }, outputs = { { 0, -inf } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "ran over all axes from axis 1 on before opset 13",
    opset = 11, inputs = { { { { 0, 1 }, { 2, 3 } } } },
    outputs = { { { { -3.44019, -2.44019 }, { -1.44019, -0.4401897 } } } },
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } }, error = "got 2",
  },
})

t.cases("Hardmax", {
  {
    "runs along the last axis",
    inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { { { 0, 0, 1 }, { 0, 0, 1 } } },
  },
  {
    "takes an axis",
    attrs = { axis = 0 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { { { 1, 1, 0 }, { 0, 0, 1 } } },
  },
  {
    "takes a negative axis",
    attrs = { axis = -2 }, inputs = { { { { 0, 2 }, { 4, 6 } } } },
    outputs = { { { { 0, 0 }, { 1, 1 } } } },
  },
  { "doesn't overflow", inputs = { { 1000, 1001 } }, outputs = { { 0, 1 } } },
  {
    "computes f16",
    inputs = { f16 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { f16 { { 0, 0, 1 }, { 0, 0, 1 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 1, 2, 3 }, { 0, -1, 5 } } },
    outputs = { f64 { { 0, 0, 1 }, { 0, 0, 1 } } },
  },
  { "takes the first of equals", inputs = { { 7, 7, 1 } }, outputs = { { 1, 0, 0 } } },
  {
    "takes an empty tensor",
    inputs = { f32 { shape = { 0, 3 } } },
    outputs = { f32 { shape = { 0, 3 } } },
  },
  {
    "ran over all axes from axis 1 on before opset 13",
    opset = 11, inputs = { { { { 0, 1 }, { 2, 3 } } } },
    outputs = { { { { 0, 0 }, { 0, 1 } } } },
  },
  {
    "refuses an axis out of range",
    attrs = { axis = 2 }, inputs = { { { 1, 2, 3 }, { 0, -1, 5 } } }, error = "got 2",
  },
})
