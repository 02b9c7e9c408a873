-- (x - mean) / sqrt(variance + epsilon) * scale + bias for each channel.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, count = t.f64, t.f32, t.f16, t.count

t.cases("BatchNormalization", {
  {
    "normalizes each channel",
    inputs = { count { 1, 2, 2, 2 }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = {
      f32 {
        shape = { 1, 2, 2, 2 }, 5.960464e-07, 0.5, 0.9999994, 1.499999, -1.166666, -0.5,
        0.1666663, 0.8333325,
      },
    },
  },
  {
    "takes epsilon",
    attrs = { epsilon = 1.0 },
    inputs = { count { 1, 2, 2, 2 }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = {
      f32 {
        shape = { 1, 2, 2, 2 }, 0.05278641, 0.5, 0.9472136, 1.394427, -1.132456, -0.5, 0.1324555,
        0.7649111,
      },
    },
  },
  {
    "takes a matrix",
    inputs = { { { 0, 1 }, { 2, 3 } }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = { { { 5.960464e-07, -3.166665 }, { 0.9999994, -1.833333 } } },
  },
  {
    "takes three axes",
    inputs = {
      { { { { { 0 }, { 1 } } }, { { { 2 }, { 3 } } } } }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 },
      { 4, 9 },
    },
    outputs = { f32 { shape = { 1, 2, 1, 2, 1 }, 5.960464e-07, 0.5, -2.499999, -1.833333 } },
  },
  {
    "computes f16",
    inputs = {
      count({ 1, 2, 2, 2 }, "f16"), f16 { 1, 2 }, f16 { 0.5, -0.5 }, f16 { 1, 5 }, f16 { 4, 9 },
    },
    outputs = {
      f16 { shape = { 1, 2, 2, 2 }, 5.9605e-07, 0.5, 1, 1.5, -1.167, -0.5, 0.16663, 0.8335 },
    },
  },
  {
    "computes f64",
    inputs = {
      count({ 1, 2, 2, 2 }, "f64"), f64 { 1, 2 }, f64 { 0.5, -0.5 }, f64 { 1, 5 }, f64 { 4, 9 },
    },
    outputs = {
      f64 {
        shape = { 1, 2, 2, 2 }, 6.249988123708e-07, 0.5, 0.9999993750012, 1.499998750002,
        -1.166666296297, -0.5, 0.1666662962966, 0.8333325925932,
      },
    },
  },
  {
    "takes f16 data with f32 statistics",
    inputs = {
      count({ 1, 2, 2, 2 }, "f16"), f16 { 1, 2 }, f16 { 0.5, -0.5 }, { 1, 5 }, { 4, 9 },
    },
    outputs = {
      f16 { shape = { 1, 2, 2, 2 }, 5.9605e-07, 0.5, 1, 1.5, -1.167, -0.5, 0.16663, 0.8335 },
    },
  },
  {
    "uses and updates statistics in training",
    attrs = { training_mode = 1, momentum = 0.75 },
    inputs = { count { 1, 2, 2, 2 }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = {
      f32 {
        shape = { 1, 2, 2, 2 }, -0.8416355, 0.05278817, 0.9472119, 1.841635, -3.183271, -1.394424,
        0.3944237, 2.183271,
      },
      { 1.125, 5.125 }, { 3.3125, 7.0625 },
    },
  },
  {
    "takes an empty batch",
    inputs = { f32 { shape = { 0, 2, 2 } }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = { f32 { shape = { 0, 2, 2 } } },
  },
  {
    "ran at opset 9",
    opset = 9, attrs = { epsilon = 0.5 },
    inputs = { count { 1, 2, 2, 2 }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = {
      f32 {
        shape = { 1, 2, 2, 2 }, 0.02859545, 0.5, 0.9714046, 1.442809, -1.148886, -0.5, 0.1488855,
        0.7977712,
      },
    },
  },
  {
    "had is_test before opset 7",
    opset = 6, attrs = { is_test = 1, epsilon = 0.5 },
    inputs = { count { 1, 2, 2, 2 }, { 1, 2 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    outputs = {
      f32 {
        shape = { 1, 2, 2, 2 }, 0.02859545, 0.5, 0.9714046, 1.442809, -1.148886, -0.5, 0.1488857,
        0.7977713,
      },
    },
  },
  {
    "refuses statistics of another length",
    inputs = { count { 1, 2, 2, 2 }, { 1, 2, 3 }, { 0.5, -0.5 }, { 1, 5 }, { 4, 9 } },
    error = "input 1: expected %[2%]",
  },
})
