-- Matrix products with broadcast batches.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, bf16, i64, i32, u32 = t.f64, t.f32, t.f16, t.bf16, t.i64, t.i32, t.u32
local count = t.count

t.cases("MatMul", {
  {
    "multiplies matrices",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "takes a vector on the left",
    inputs = { { 1, 2, 3 }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { { 22, 28 } },
  },
  {
    "takes a vector on the right",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { 1, 2, 3 } },
    outputs = { { 8, 26 } },
  },
  { "takes two vectors", inputs = { { 1, 2, 3 }, { 4, 5, 6 } }, outputs = { 32 } },
  {
    "broadcasts batches",
    inputs = {
      { { { { 0, 1 } } }, { { { 2, 3 } } } },
      { { { 0 }, { 1 } }, { { 2 }, { 3 } }, { { 4 }, { 5 } } },
    },
    outputs = { f32 { shape = { 2, 3, 1, 1 }, 1, 3, 5, 3, 13, 23 } },
  },
  {
    "takes one matrix for all batches",
    inputs = { count { 2, 2, 2 }, { { 0, 1 }, { 1, 0 } } },
    outputs = { { { { 1, 0 }, { 3, 2 } }, { { 5, 4 }, { 7, 6 } } } },
  },
  {
    "computes f16",
    inputs = { f16 { { 0, 1, 2 }, { 3, 4, 5 } }, f16 { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { f16 { { 13, 16 }, { 40, 52 } } },
  },
  {
    "computes bf16",
    inputs = { bf16 { { 1, 2 } }, bf16 { { 3 }, { 4 } } },
    outputs = { bf16 { { 11 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 0, 1, 2 }, { 3, 4, 5 } }, f64 { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { f64 { { 13, 16 }, { 40, 52 } } },
  },
  {
    "computes i64 exactly",
    inputs = { i64 { { 9007199254740993 } }, i64 { { 1 } } },
    outputs = { i64 { { 9007199254740993 } } },
  },
  {
    "computes u32",
    inputs = { u32 { { 0, 1, 2 }, { 3, 4, 5 } }, u32 { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { u32 { { 13, 16 }, { 40, 52 } } },
  },
  {
    "wraps i32",
    inputs = { i32 { { 2147483647 } }, i32 { { 2 } } },
    outputs = { i32 { { -2 } } },
  },
  {
    "sums nothing to 0",
    inputs = { f32 { shape = { 2, 0 } }, f32 { shape = { 0, 2 } } },
    outputs = { { { 0, 0 }, { 0, 0 } } },
  },
  {
    "takes an empty batch",
    inputs = { f32 { shape = { 0, 2, 3 } }, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    outputs = { f32 { shape = { 0, 2, 2 } } },
  },
  {
    "handles sizes that fill no block",
    inputs = { f32 { shape = { 5, 17 }, 1 }, count { 17, 3 } },
    outputs = {
      {
        { 408, 425, 442 }, { 408, 425, 442 }, { 408, 425, 442 }, { 408, 425, 442 },
        { 408, 425, 442 },
      },
    },
  },
  {
    "ran at opset 1",
    opset = 1, inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "refuses what doesn't fit",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "can't be multiplied",
  },
  {
    "refuses batches that don't broadcast",
    inputs = {
      { { { 0, 1 } }, { { 2, 3 } } }, { { { 0 }, { 1 } }, { { 2 }, { 3 } }, { { 4 }, { 5 } } },
    },
    error = "can't be multiplied",
  },
  { "refuses a scalar", inputs = { 1, { 1 } }, error = "can't be multiplied" },
})

t.cases("com.microsoft:FusedMatMul", {
  {
    "takes rows before the batches with transBatchA",
    attrs = { transBatchA = 1 }, inputs = { count { 2, 3, 2 }, count { 3, 2, 2 } },
    outputs = { f32 { shape = { 3, 2, 2 }, 2, 3, 14, 27, 26, 31, 86, 103, 82, 91, 190, 211 } },
  },
  {
    "takes them with transBatchB",
    attrs = { transBatchB = 1 }, inputs = { count { 3, 1, 2 }, count { 2, 3, 2 } },
    outputs = { f32 { shape = { 3, 1, 2 }, 6, 7, 28, 33, 66, 75 } },
  },
  {
    "transposes what transBatchB made",
    attrs = { transBatchB = 1, transB = 1 }, inputs = { count { 3, 1, 2 }, count { 2, 3, 2 } },
    outputs = { f32 { shape = { 3, 1, 2 }, 1, 7, 13, 43, 41, 95 } },
  },
  {
    "transposes and scales",
    attrs = { transA = 1, transB = 1, alpha = 0.5 },
    inputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } }, { { 1, 3, 5 }, { 2, 4, 6 } } },
    outputs = { { { 6.5, 8 }, { 20, 26 } } },
  },
  {
    "transposes each of a batch",
    attrs = { transA = 1 },
    inputs = { count { 2, 3, 2 }, { { { 0 }, { 1 }, { 2 } }, { { 3 }, { 4 }, { 5 } } } },
    outputs = { { { { 10 }, { 13 } }, { { 100 }, { 112 } } } },
  },
})

-- What MatMul, Add and an activation become: alpha * A * B + bias + addend, then the activation.
t.cases("perigee:Linear", {
  {
    "adds a bias to each row",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 10, 20 } },
    outputs = { { { 23, 36 }, { 50, 72 } } },
  },
  {
    "scales, adds, and applies an activation",
    attrs = { alpha = 2.0, activation = "Relu" },
    inputs = { { { 1, 2 } }, { { 1, -1 }, { 1, -1 } }, { 0, 1 }, { { 1, -1 } } },
    outputs = { { { 7, 0 } } },
  },
  {
    "transposes B",
    attrs = { transB = 1 },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 3, 5 }, { 2, 4, 6 } }, { 1, 2 } },
    outputs = { { { 14, 18 }, { 41, 54 } } },
  },
  {
    "computes f16",
    inputs = {
      f16 { { 0, 1, 2 }, { 3, 4, 5 } }, f16 { { 1, 2 }, { 3, 4 }, { 5, 6 } }, f16 { 1, 2 },
    },
    outputs = { f16 { { 14, 18 }, { 41, 54 } } },
  },
  {
    "refuses a bias of another length",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 2, 3 } },
    error = "bias: expected %[2%]",
  },
})

require "support.contrib" (_ENV).cases("com.microsoft:FusedMatMul")
