-- alpha * A * B + beta * C, either one transposed.
local t = require "support.op_cases" (_ENV)
local f64, f32, f16, i32 = t.f64, t.f32, t.f16, t.i32

t.cases("Gemm", {
  {
    "multiplies",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "adds a row",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 10, 20 } },
    outputs = { { { 23, 36 }, { 50, 72 } } },
  },
  {
    "adds a column",
    inputs = {
      { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { { 10 }, { 20 } },
    },
    outputs = { { { 23, 26 }, { 60, 72 } } },
  },
  {
    "adds a scalar",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, 10 },
    outputs = { { { 23, 26 }, { 50, 62 } } },
  },
  {
    "adds a matrix",
    inputs = {
      { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { { 1, 2 }, { 3, 4 } },
    },
    outputs = { { { 14, 18 }, { 43, 56 } } },
  },
  {
    "transposes A",
    attrs = { transA = 1 },
    inputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "transposes B",
    attrs = { transB = 1 },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 3, 5 }, { 2, 4, 6 } }, { 1, 2 } },
    outputs = { { { 14, 18 }, { 41, 54 } } },
  },
  {
    "transposes both",
    attrs = { transA = 1, transB = 1 },
    inputs = { { { 0, 3 }, { 1, 4 }, { 2, 5 } }, { { 1, 3, 5 }, { 2, 4, 6 } } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "scales",
    attrs = { alpha = 0.5, beta = 2.0 },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 2 } },
    outputs = { { { 8.5, 12 }, { 22, 30 } } },
  },
  {
    "leaves C out with beta 0",
    attrs = { beta = 0.0 },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 2 } },
    outputs = { { { 13, 16 }, { 40, 52 } } },
  },
  {
    "computes f16",
    inputs = {
      f16 { { 0, 1, 2 }, { 3, 4, 5 } }, f16 { { 1, 2 }, { 3, 4 }, { 5, 6 } }, f16 { 1, 2 },
    },
    outputs = { f16 { { 14, 18 }, { 41, 54 } } },
  },
  {
    "computes f64",
    inputs = { f64 { { 0, 1, 2 }, { 3, 4, 5 } }, f64 { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    outputs = { f64 { { 13, 16 }, { 40, 52 } } },
  },
  {
    "computes i32",
    inputs = {
      i32 { { 0, 1, 2 }, { 3, 4, 5 } }, i32 { { 1, 2 }, { 3, 4 }, { 5, 6 } }, i32 { 1, 2 },
    },
    outputs = { i32 { { 14, 18 }, { 41, 54 } } },
  },
  {
    "sums nothing",
    inputs = { f32 { shape = { 2, 0 } }, f32 { shape = { 0, 2 } }, { 1, 2 } },
    outputs = { { { 1, 2 }, { 1, 2 } } },
  },
  {
    "takes an empty batch",
    inputs = { f32 { shape = { 0, 3 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 2 } },
    outputs = { f32 { shape = { 0, 2 } } },
  },
  {
    "broadcast C by an attribute before opset 7",
    opset = 6, attrs = { broadcast = 1 },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 10, 20 } },
    outputs = { { { 23, 36 }, { 50, 72 } } },
  },
  {
    "refuses matrices that don't fit",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 0, 1, 2 }, { 3, 4, 5 } } },
    error = "can't be multiplied",
  },
  {
    "refuses C that doesn't broadcast",
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 2, 3 } },
    error = "C",
  },
  {
    "refuses vectors",
    inputs = { { 1, 2 }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    error = "input 0: expected a matrix, got rank 1",
  },
})

t.cases("com.microsoft:FusedGemm", {
  {
    "applies an activation",
    attrs = { activation = "Relu" }, inputs = { { { 1, -1 } }, { { 1, 2 }, { 3, 4 } } },
    outputs = { { { 0, 0 } } },
  },
  {
    "takes its numbers",
    attrs = { activation = "LeakyRelu", activation_alpha = 0.5 },
    inputs = { { { 1, -1 } }, { { 1, 2 }, { 3, 4 } }, { 0, 4 } },
    outputs = { { { -1, 2 } } },
  },
  {
    "refuses an unknown activation",
    attrs = { activation = "Sine" },
    inputs = { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 1, 2 }, { 3, 4 }, { 5, 6 } } },
    error = "'Sine' is not known",
  },
})

-- Large weights of a mapped file are packed in parts, more than one block deep.
describe("Gemm on large weights from a file", function()
  it("gives what it gives on weights in memory", function()
    local pg = require "perigee"
    local function build(w)
      local g = pg.graph()
      g:add_input("a", "f32", { 1, 1100 })
      g:add("Gemm", { "a", g:add_constant("w", w) }, { "y" }, { transB = 1 })
      g:add_output "y"
      return g
    end
    local g = build(pg.tensor.randn({ 4000, 1100 }, { seed = 1 }))
    local path, x = os.tmpname(), pg.tensor.randn({ 1, 1100 }, { seed = 2 })
    assert(g:save(path))
    local want = assert(g:session { threads = 1 }) { x }.y
    local got = assert(assert(pg.load(path)):session { threads = 1 }) { x }.y
    os.remove(path)
    assert.is_true(got:allclose(want, 0, 0))
    local w = g:value("w").constant
    for _, row in ipairs { 1, 2000, 4000 } do
      local exact = (w:select(1, row):cast "f64" * x:reshape(-1):cast "f64"):sum():item()
      assert.near(exact, want:get(1, row), 1e-3)
    end
  end)
end)
