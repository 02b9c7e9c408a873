-- Gradient of ai.onnx.preview.training: every rule against differences of the function itself, in f64 where the
-- operator computes in it.
local t = require "support.op_cases" (_ENV)
local core = require "perigee.core"
local pg = require "perigee"

local DOMAIN = "ai.onnx.preview.training"

--- sum(w * op(inputs)), with the slopes of the inputs in `xs` (1-based) when asked.
local function build(case, xs)
  local g = pg.graph()
  if xs then g:set_opset(1, DOMAIN) end
  local names = {}
  for i, v in ipairs(case.inputs) do
    names[i] = v == false and "" or "x" .. i
    if v then g:add_input(names[i], v.dtype, v.shape) end
  end
  local outputs = {}
  for i = 1, case.n_outputs or 1 do outputs[i] = "y" .. i end
  g:add(case.op, names, outputs, case.attrs)
  local parts = {}
  for i, name in ipairs(outputs) do
    g:add("Reshape", { name, g:add_constant("flat" .. i, core.tensor_from({ -1 }, "i64")) }, { "f" .. i })
    g:add("Sin", { "f" .. i }, { "s" .. i })
    g:add("ReduceSum", { "s" .. i }, { "p" .. i }, { keepdims = 0 })
    parts[i] = "p" .. i
  end
  g:add("Sum", parts, { "loss" })
  g:add_output "loss"
  if xs then
    local from, made = {}, {}
    for i, k in ipairs(xs) do
      from[i], made[i] = "x" .. k, "d" .. k
    end
    g:add("Gradient", from, made, { xs = from, y = "loss" }, { domain = DOMAIN })
    for _, name in ipairs(made) do g:add_output(name) end
  end
  return assert(g:session { threads = 1 })
end

local function feeds_of(case)
  local feeds = {}
  for i, v in ipairs(case.inputs) do
    if v then feeds["x" .. i] = v end
  end
  return feeds
end

local function check(case)
  local first = case.inputs[1]
  case.dtype = first.dtype
  local step = case.step or (case.dtype == "f64" and 1e-5 or 1e-2)
  local limit = case.limit or (case.dtype == "f64" and 1e-6 or 2e-3)
  local xs = case.xs or { 1 }
  local session <close> = build(case, xs)
  local plain <close> = build(case)
  local got = assert(session:run(feeds_of(case)))
  for _, k in ipairs(xs) do
    local x, slope = case.inputs[k], got["d" .. k]
    assert.same(x.shape, slope.shape)
    local values, slopes = x:contiguous():reshape(-1):totable(), slope:contiguous():reshape(-1):totable()
    for i = 1, #values do
      local function at(v)
        local moved, feeds = table.move(values, 1, #values, 1, {}), feeds_of(case)
        moved[i] = v
        feeds["x" .. k] = core.tensor_from(moved, x.dtype):reshape(x.shape)
        return assert(plain:run(feeds)).loss:item()
      end
      local want = (at(values[i] + step) - at(values[i] - step)) / (2 * step)
      assert.is_true(math.abs(slopes[i] - want) <= limit * (1 + math.abs(want)),
        ("%s: input %d, element %d: expected %.9g, got %.9g"):format(case.op, k, i, want, slopes[i]))
    end
  end
end

local seed = 0
local function x(shape, low, high, dtype)
  seed = seed + 1
  return core.tensor_random("uniform", shape, seed, low or -1, high or 1, dtype or "f64")
end
local function f32(shape, low, high) return x(shape, low, high, "f32") end
local function i64(values) return t.i64(values) end

local cases = {
  { "Add", { x { 2, 3 }, x { 3 } }, { 1, 2 } }, { "Sub", { x { 3 }, x { 2, 3 } }, { 1, 2 } },
  { "Mul", { x { 2, 3 }, x { 2, 1 } }, { 1, 2 } }, { "Div", { x { 2, 3 }, x({ 3 }, 1, 2) }, { 1, 2 } },
  { "Pow", { x({ 2, 3 }, 0.5, 2), x({ 3 }, 1, 3) }, { 1, 2 } }, { "Neg", { x { 3 } } }, { "Identity", { x { 3 } } },
  { "Max", { x { 2, 3 }, x { 3 } }, { 1, 2 } }, { "Min", { x { 2, 3 }, x { 3 } }, { 1, 2 } },
  { "Sum", { x { 2, 3 }, x { 3 }, x { 1 } }, { 1, 2, 3 } }, { "Mean", { x { 2, 3 }, x { 3 } }, { 1, 2 } },
  { "Where", { t.bool { true, false, true }, x { 2, 3 }, x { 3 } }, { 2, 3 }, dtype = "f64" },
  { "Clip", { x { 6 }, t.f64(-0.4), t.f64(0.5) } }, { "Expand", { x { 2, 1 }, i64 { 2, 3 } } },
  { "PRelu", { x { 2, 3 }, x({ 3 }, 0.1, 0.4) }, { 1, 2 } },
  { "CumSum", { x { 2, 3 }, t.i64(1) }, attrs = { exclusive = 1 } }, { "Trilu", { x { 3, 3 } }, attrs = { upper = 0 } },
  { "MatMul", { x { 2, 3, 4 }, x { 4, 2 } }, { 1, 2 } },
  { "Gemm", { x { 4, 2 }, x { 3, 4 }, x { 3 } }, { 1, 2, 3 },
    attrs = { transA = 1, transB = 1, alpha = 0.5, beta = 2.0 } },
  { "Gemm", { x { 2, 4 }, x { 4, 3 } }, { 1, 2 } },
  { "Softmax", { x { 2, 3, 2 } }, attrs = { axis = 1 } }, { "LogSoftmax", { x { 2, 3 } } },
  { "Reshape", { x { 2, 3 }, i64 { 3, 2 } } }, { "Flatten", { x { 2, 3, 2 } } },
  { "Squeeze", { x { 2, 1, 3 }, i64 { 1 } } },
  { "Unsqueeze", { x { 2, 3 }, i64 { 1 } } }, { "Transpose", { x { 2, 3, 4 } }, attrs = { perm = { 1, 2, 0 } } },
  { "Transpose", { x { 2, 3 } } }, { "Concat", { x { 2, 1 }, x { 2, 3 }, x { 2, 2 } }, { 1, 2, 3 },
    attrs = { axis = -1 } },
  { "Split", { x { 5, 2 }, i64 { 2, 3 } }, n_outputs = 2 },
  { "Slice", { x { 4, 5 }, i64 { -1, 0 }, i64 { -5, 4 }, i64 { 0, 1 }, i64 { -2, 2 } } },
  { "Gather", { x { 4, 2 }, i64 { { 1, 1 }, { 0, 3 } } } },
  { "GatherElements", { x { 2, 3 }, i64 { { 0, 2 }, { 1, 1 } } }, attrs = { axis = 1 } },
  { "Tile", { x { 2, 3 }, i64 { 2, 1 } } }, { "DepthToSpace", { f32 { 1, 4, 2, 2 } }, attrs = { blocksize = 2 } },
  { "LayerNormalization", { f32 { 2, 5 }, f32 { 5 }, f32 { 5 } }, { 1, 2, 3 } },
  { "BatchNormalization", { f32 { 2, 3, 2 }, f32 { 3 }, f32 { 3 }, f32 { 3 }, f32({ 3 }, 0.5, 2) }, { 1, 2, 3 } },
  { "Conv", { f32 { 2, 4, 5, 4 }, f32 { 6, 2, 3, 2 }, f32 { 6 } }, { 1, 2, 3 },
    attrs = { group = 2, strides = { 2, 1 }, pads = { 1, 0, 0, 1 }, dilations = { 1, 2 } }, limit = 5e-3 },
  { "MaxPool", { x { 1, 2, 5, 4 } }, attrs = { kernel_shape = { 3, 2 }, strides = { 2, 1 }, pads = { 1, 0, 1, 1 } } },
  { "AveragePool", { f32 { 1, 2, 5, 4 } },
    attrs = { kernel_shape = { 3, 2 }, strides = { 2, 1 }, pads = { 1, 0, 1, 1 } } },
  { "AveragePool", { f32 { 1, 2, 5, 4 } },
    attrs = { kernel_shape = { 2, 2 }, strides = { 2, 2 }, ceil_mode = 1, count_include_pad = 1,
      pads = { 1, 0, 0, 1 } } },
  { "GlobalAveragePool", { f32 { 2, 3, 2, 2 } } }, { "GlobalMaxPool", { x { 2, 3, 2, 2 } } },
  { "SoftmaxCrossEntropyLoss", { f32 { 4, 3 }, i64 { 0, 2, 1, 1 } } },
  { "SoftmaxCrossEntropyLoss", { f32 { 2, 3, 2 }, i64 { { 0, 2 }, { 1, 1 } }, f32({ 3 }, 0.5, 1) },
    attrs = { ignore_index = 2, reduction = "sum" } },
}
for _, op in ipairs { "Exp", "Sqrt", "Reciprocal", "Log" } do cases[#cases + 1] = { op, { x({ 5 }, 0.5, 2) } } end
for _, op in ipairs {
  "Abs", "Sin", "Cos", "Sinh", "Cosh", "Tanh", "Atan", "Asinh", "Sigmoid", "Softplus", "Softsign", "Erf", "Relu",
  "HardSigmoid", "LeakyRelu", "Elu", "Selu", "Celu", "HardSwish", "Mish", "Gelu", "ThresholdedRelu", "Swish",
} do cases[#cases + 1] = { op, { x({ 7 }, -2, 2) } } end
cases[#cases + 1] = { "Gelu", { x({ 5 }, -2, 2) }, attrs = { approximate = "tanh" } }
for _, op in ipairs { "Asin", "Acos", "Atanh" } do cases[#cases + 1] = { op, { x({ 5 }, -0.8, 0.8) } } end
cases[#cases + 1] = { "Tan", { x({ 5 }, -1, 1) } }
cases[#cases + 1] = { "Acosh", { x({ 5 }, 1.5, 3) } }
for _, op in ipairs { "Sum", "Mean", "L1", "L2", "SumSquare", "Prod", "LogSumExp", "Max", "Min" } do
  cases[#cases + 1] = { "Reduce" .. op, { x { 2, 3, 2 }, i64 { 0, 2 } }, attrs = { keepdims = 0 } }
  cases[#cases + 1] = { "Reduce" .. op, { x { 2, 3 } } }
end
cases[#cases + 1] = { "ReduceLogSum", { x({ 2, 3 }, 1, 2), i64 { 1 } } }

describe("ai.onnx.preview.training:Gradient", function()
  for n, case in ipairs(cases) do
    it(("of %s (%d)"):format(case[1], n), function()
      case.op, case.inputs, case.xs = case[1], case[2], case[3]
      check(case)
    end)
  end

  --- y = x z, differentiated at another x than the one that the graph has.
  it("repeats the function where its inputs are others", function()
    local g = pg.graph()
    g:set_opset(1, DOMAIN)
    for _, name in ipairs { "x", "z", "other" } do g:add_input(name, "f32", { 2 }) end
    g:add("Mul", { "x", "x" }, { "square" })
    g:add("Mul", { "square", "z" }, { "y" })
    g:add("Gradient", { "other", "z" }, { "d" }, { xs = { "x" }, zs = { "z" }, y = "y" }, { domain = DOMAIN })
    g:add_output "y"
    g:add_output "d"
    local session <close> = assert(g:session())
    local out = assert(session:run { x = t.f32 { 1, 2 }, z = t.f32 { 3, 4 }, other = t.f32 { 5, 6 } })
    assert.same({ 3, 16 }, out.y:totable())
    assert.same({ 30, 48 }, out.d:totable())
  end)

  local function fails(pattern, op, attrs, y)
    local g = pg.graph()
    g:set_opset(1, DOMAIN)
    g:add_input("x", "f32", { 2, 2 })
    g:add(op, { "x" }, { "y" }, attrs)
    g:add("Gradient", { "x" }, { "d" }, { xs = { "x" }, y = y or "y" }, { domain = DOMAIN })
    g:add_output "d"
    local ok, message = pcall(function() return assert(g:session()) end)
    assert.is_false(ok)
    assert.matches(pattern, tostring(message))
  end

  it("names what can't be differentiated", function()
    fails("Hardmax '.*' can't be differentiated", "Hardmax")
    fails("there is no value 'nothing'", "Relu", nil, "nothing")
  end)

  it("is zero where nothing depends on x", function()
    local g = pg.graph()
    g:set_opset(1, DOMAIN)
    g:add_input("x", "f32", { 2 })
    g:add_input("z", "f32", { 2 })
    g:add("Relu", { "z" }, { "y" })
    g:add("Gradient", { "x", "z" }, { "d", "e" }, { xs = { "x", "z" }, y = "y" }, { domain = DOMAIN })
    g:add_output "d"
    g:add_output "e"
    local session <close> = assert(g:session())
    local out = assert(session:run { x = t.f32 { 1, 2 }, z = t.f32 { 3, -4 } })
    assert.same({ 0, 0 }, out.d:totable())
    assert.same({ 1, 0 }, out.e:totable())
  end)
end)
