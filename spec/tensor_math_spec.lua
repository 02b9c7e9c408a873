-- Arithmetic, promotion, broadcasting, comparisons, reductions, products, expressions.
local T = require "perigee".tensor

local function same(expected, t) assert.same(expected, t:totable()) end

local function near(expected, t, bound)
  local got = t:flatten():totable()
  assert.equal(#expected, #got)
  for i, v in ipairs(expected) do assert.near(v, got[i], bound or 1e-6) end
end

local function problem(...)
  local ok, message = pcall(...)
  assert.is_false(ok)
  return message
end

describe("arithmetic", function()
  it("broadcasts as NumPy does", function()
    local column, row = T { { 10 }, { 20 } }, T { 1, 2, 3 }
    same({ { 11, 12, 13 }, { 21, 22, 23 } }, column + row)
    same({ { 9, 8, 7 }, { 19, 18, 17 } }, column - row)
    same({ { 10, 20, 30 }, { 20, 40, 60 } }, column * row)
    same({ 3, 4, 5 }, 2 + row)
    same({ 1, 0, -1 }, 2 - row)
    same({ -1, -2, -3 }, -row)
    assert.same({ 0, 3 }, (T.zeros { 0, 1 } + row).shape)
  end)

  it("says which shapes don't go together", function()
    assert.matches("f32 [3] and f32 [2]", problem(function() return T { 1, 2, 3 } + T { 1, 2 } end), 1, true)
    assert.matches("add: expected a tensor or a number, got a string",
      problem(function() return T { 1 } + "x" end), 1, true)
    assert.matches("mul: expected a tensor or a number, got a table",
      problem(function() return T { 1 } * {} end), 1, true)
  end)

  it("promotes: floats over integers over booleans, then the wider", function()
    for _, case in ipairs {
      { "f32", "f32", "f32" }, { "f32", "f64", "f64" }, { "i32", "f32", "f32" }, { "i64", "f16", "f16" },
      { "u8", "i32", "i32" }, { "u8", "i8", "i8" }, { "bool", "i32", "i32" }, { "f16", "bf16", "f32" },
      { "u32", "u64", "u64" }, { "bool", "f32", "f32" },
    } do
      assert.equal(case[3], (T.ones({ 2 }, case[1]) + T.ones({ 2 }, case[2])).dtype)
      assert.equal(case[3], (T.ones({ 2 }, case[2]) + T.ones({ 2 }, case[1])).dtype)
    end
  end)

  it("lets numbers take the tensor's type", function()
    assert.equal("i32", (T({ 1 }, "i32") + 1).dtype)
    assert.equal("f16", (T({ 1 }, "f16") * 0.5).dtype)
    assert.equal("f64", (T({ 1 }, "f64") + 1).dtype)
    local t = T({ 1, 2 }, "i64") + 0.5
    assert.equal("f32", t.dtype)
    same({ 1.5, 2.5 }, t)
    assert.equal("i64", (T({ 2 }, "i64") + 2.0).dtype)
  end)

  it("divides as Lua divides", function()
    same({ 0.5, 1.5 }, T({ 1, 3 }, "i32") / 2)
    same({ 1, -2 }, T({ 3, -3 }, "i32") // 2)
    assert.equal("i32", (T({ 3 }, "i32") // 2).dtype)
    same({ 1, -2 }, T { 3.5, -3.5 } // 2)
    same({ 1, 1, -1, -1 }, T({ 3, -3, 3, -3 }, "i32") % T({ 2, 2, -2, -2 }, "i32"))
    same({ 1.5, 0.5 }, T { 3.5, -3.5 } % 2)
    same({ 1, 8, 27 }, T { 1, 2, 3 } ^ 3)
    same({ 1 / 0, -1 / 0 }, T { 1, -1 } / 0)
  end)

  it("wraps integers and keeps 64 bits exact", function()
    same({ 0 }, T({ 255 }, "u8") + 1)
    same({ math.maxinteger }, T({ math.maxinteger - 1 }, "i64") + 1)
    same({ math.mininteger }, T({ math.maxinteger }, "i64") + 1)
  end)

  it("works on every numeric element type", function()
    for _, dtype in ipairs { "f64", "f32", "f16", "bf16", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64" } do
      local t = T({ 1, 2, 3 }, dtype)
      same({ 2, 6, 12 }, t * t + t + t - t)
      assert.equal(dtype, (t + t).dtype)
    end
  end)

  it("has functions of one number", function()
    near({ 1, 2 }, T { -1, 2 }:abs())
    near({ -1, 0, 1 }, T { -3, 0, 9 }:sign())
    same({ -2, -1, 0, 1, 2 }, T { -2, -1, 0, 1, 2 }:floor())
    same({ 0, 2, 2, -0.0 }, T { 0.5, 1.5, 2.5, -0.5 }:round()) -- half to even
    same({ 2, -1 }, T { 1.2, -1.8 }:ceil())
    local x = { 0.1, 0.5, 0.9 }
    for name, f in pairs {
      sqrt = math.sqrt, exp = math.exp, log = math.log, sin = math.sin, cos = math.cos, tan = math.tan,
      asin = math.asin, acos = math.acos, atan = math.atan,
      sinh = function(v) return (math.exp(v) - math.exp(-v)) / 2 end,
      cosh = function(v) return (math.exp(v) + math.exp(-v)) / 2 end,
      tanh = function(v) return 1 - 2 / (math.exp(2 * v) + 1) end,
      sigmoid = function(v) return 1 / (1 + math.exp(-v)) end,
      relu = function(v) return math.max(v, 0) end,
      softplus = function(v) return math.log(1 + math.exp(v)) end,
      reciprocal = function(v) return 1 / v end, neg = function(v) return -v end,
    } do
      local expected = {}
      for i, v in ipairs(x) do expected[i] = f(v) end
      local t = T(x)
      near(expected, t[name](t), 2e-6)
    end
    near({ 0.112462916, 0.520499878, 0.796908212 }, T(x):erf()) -- Abramowitz and Stegun, table 7.1
    near({ 0.5 * 0.6914624613, 0.9 * 0.8159398747 }, T { 0.5, 0.9 }:gelu()) -- x times the normal distribution
    same({ true, false, false }, T { 0 / 0, 1 / 0, 1 }:isnan())
    same({ false, true }, T { true, false }:lnot())
  end)

  it("clamps, chooses, picks the larger", function()
    same({ 0, 1, 1 }, T { -1, 1, 5 }:clamp(0, 1))
    same({ 0, 1, 5 }, T { -1, 1, 5 }:clamp(0))
    same({ -1, 1, 1 }, T { -1, 1, 5 }:clamp(nil, 1))
    same({ 1, 20 }, T.where(T { true, false }, T { 1, 2 }, T { 10, 20 }))
    same({ 1, 0 }, T.where(T { true, false }, 1, 0))
    same({ 3, 2 }, T { 1, 2 }:maximum(T { 3, 0 }))
    same({ 1, 0 }, T { 1, 2 }:minimum(T { 3, 0 }))
  end)
end)

describe("comparisons", function()
  it("give booleans", function()
    local a, b = T { 1, 2, 3 }, T { 3, 2, 1 }
    for name, expected in pairs {
      eq = { false, true, false }, ne = { true, false, true }, lt = { true, false, false },
      le = { true, true, false }, gt = { false, false, true }, ge = { false, true, true },
    } do
      same(expected, a[name](a, b))
      assert.equal("bool", a[name](a, b).dtype)
    end
    same({ false, true, false }, a:eq(2))
    same({ true, false }, T { "a", "b" }:eq "a")
    same({ false }, T { 0 / 0 }:eq(0 / 0))
  end)

  it("join", function()
    local a, b = T { true, true, false, false }, T { true, false, true, false }
    same({ true, false, false, false }, a:land(b))
    same({ true, true, true, false }, a:lor(b))
    same({ false, true, true, false }, a:lxor(b))
  end)

  it("== is identity, allclose compares", function()
    local a = T { 1, 2 }
    assert.is_false(a == T { 1, 2 })
    assert.is_true(a:allclose { 1, 2 })
    assert.is_true(a:allclose({ 1.001, 2 }, 0, 0.01))
    local is_same, where = a:allclose { 1, 2.5 }
    assert.is_false(is_same)
    assert.is_string(where)
    assert.is_false((a:allclose { { 1, 2 } }))
    assert.is_true(T { 0 / 0 }:allclose { 0 / 0 })
  end)
end)

describe("reductions", function()
  local t = T { { 1, 2, 3 }, { 4, 5, 6 } }

  it("go over all, one or several axes", function()
    assert.equal(21, t:sum():item())
    same({ 5, 7, 9 }, t:sum(1))
    same({ 6, 15 }, t:sum(-1))
    same({ { 6 }, { 15 } }, t:sum(2, true))
    assert.equal(21, t:sum { 1, 2 }:item())
    assert.same({ 1, 1 }, t:sum(nil, true).shape)
    same({ 2, 5 }, t:mean(2))
    same({ 4, 10, 18 }, t:prod(1))
    same({ 3, 6 }, t:max(2))
    same({ 1, 2, 3 }, t:min(1))
    near({ math.sqrt(91) }, t:norm())
    same({ 5, 7, 9 }, (-t):norm1(1))
    near({ math.log(math.exp(1) + math.exp(4)) }, t:slice(2, 1, 1):logsumexp())
    near({ 35 / 12 }, t:var())
    near({ 1.5, 1.5, 1.5 }, t:std(1))
    assert.matches("sum: axis 3 is out of range (1 to 2)", problem(t.sum, t, 3), 1, true)
    assert.matches("axis 0 is out of range", problem(t.max, t, 0), 1, true)
    assert.matches("axis 1.5 is out of range", problem(t.max, t, 1.5), 1, true)
  end)

  it("of nothing are the neutral element", function()
    assert.equal(0, T.zeros { 0 }:sum():item())
    assert.equal(1, T.zeros { 0 }:prod():item())
    same({ 0, 0 }, T.zeros { 0, 2 }:sum(1))
  end)

  it("give integers' means as floats, as division does", function()
    for _, dtype in ipairs { "u8", "i32", "i64", "bool" } do
      local bits = T({ 0, 1 }, dtype)
      assert.same({ "f32", 0.5 }, { bits:mean().dtype, bits:mean():item() })
      assert.same({ "f32", 0.25 }, { bits:var().dtype, bits:var():item() })
      assert.equal(0.5, bits:std():item())
    end
    assert.equal(5, T({ 3, 4 }, "i32"):norm():item())
    assert.equal("f64", T({ 1, 2 }, "f64"):mean().dtype)
  end)

  it("keep integers exact", function()
    assert.equal((1 << 53) + 1, T({ 1 << 53, 1 }, "i64"):sum():item())
  end)

  it("find positions from 1", function()
    local u = T { { 1, 5, 2 }, { 7, 0, 7 } }
    assert.equal(4, u:argmax():item())
    assert.equal(5, u:argmin():item())
    same({ 2, 1 }, u:argmax(2)) -- the first of equals
    same({ { 1, 2, 1 } }, u:argmin(1, true))
    assert.equal("i64", u:argmax().dtype)
  end)

  it("cumsum adds up", function()
    same({ { 1, 2, 3 }, { 5, 7, 9 } }, t:cumsum())
    same({ { 1, 3, 6 }, { 4, 9, 15 } }, t:cumsum(2))
  end)

  it("topk gives values and positions in order", function()
    local values, indices = T { 3, 1, 4, 1, 5 }:topk(3)
    same({ 5, 4, 3 }, values)
    same({ 5, 3, 1 }, indices)
    values, indices = t:topk(1, 1, true)
    same({ { 1, 2, 3 } }, values)
    same({ { 1, 1, 1 } }, indices)
    assert.has_error(function() t:topk(4) end)
  end)

  it("softmax and its logarithm", function()
    local e1, e2 = math.exp(1), math.exp(3)
    near({ e1 / (e1 + e2), e2 / (e1 + e2) }, T { 1, 3 }:softmax())
    near({ 0.5, 0.5, 0.5, 0.5 }, T { { 1, 2 }, { 1, 2 } }:softmax(1))
    near({ 0, 1 }, T { -1000, 1000 }:softmax()) -- no overflow
    near({ math.log(e1 / (e1 + e2)), math.log(e2 / (e1 + e2)) }, T { 1, 3 }:log_softmax())
    near({ 0.5, 0.5 }, T({ 7, 7 }, "i32"):softmax())
  end)
end)

describe("matmul", function()
  it("multiplies matrices, vectors and batches", function()
    local a, b = T { { 1, 2 }, { 3, 4 } }, T { { 5, 6 }, { 7, 8 } }
    same({ { 19, 22 }, { 43, 50 } }, a:matmul(b))
    same({ 17, 39 }, a:matmul(T { 5, 6 }))
    same({ 23, 34 }, T { 5, 6 }:matmul(a))
    same(17, T { 1, 2 }:matmul(T { 5, 6 }))
    same({ { { 19, 22 }, { 43, 50 } }, { { 5, 6 }, { 7, 8 } } }, T.stack { a, T { { 1, 0 }, { 0, 1 } } }:matmul(b))
    same({ { 26, 30 }, { 38, 44 } }, a:transpose():matmul(b))
    assert.equal("f64", a:matmul(b:cast "f64").dtype)
    assert.matches("[1,2] and", problem(function() return T { { 1, 2 } }:matmul(T { { 1, 2 } }) end), 1, true)
  end)

  it("agrees with sums of products at odd sizes", function()
    for _, size in ipairs { { 1, 1, 1 }, { 3, 5, 7 }, { 17, 31, 9 }, { 1, 65, 33 }, { 33, 2, 65 } } do
      local m, k, n = table.unpack(size)
      local a = T.random({ m, k }, { seed = m, low = -1 })
      local b = T.random({ k, n }, { seed = n, low = -1 })
      local x, y, got = a:totable(), b:totable(), a:matmul(b):totable()
      for i = 1, m do
        for j = 1, n do
          local sum = 0
          for p = 1, k do sum = sum + x[i][p] * y[p][j] end
          assert.near(sum, got[i][j], 1e-5)
        end
      end
    end
  end)
end)

describe("map", function()
  it("computes formulas", function()
    local t = T { -1, 0.25, 2 }
    for formula, f in pairs {
      ["x * 2 + 1"] = function(x) return x * 2 + 1 end,
      ["x ^ 2 ^ 0.5"] = function(x) return x ^ 2 ^ 0.5 end,
      ["-x ^ 2"] = function(x) return -x ^ 2 end,
      ["x // 0.5 - x % 0.75"] = function(x) return x // 0.5 - x % 0.75 end,
      ["x > 0 and x < 1"] = function(x) return x > 0 and x < 1 and 1 or 0 end,
      ["not (x <= 0) or x == -1"] = function(x) return (x > 0 or x == -1) and 1 or 0 end,
      ["where(x ~= 2, min(x, 0, 5), max(x, 3))"] = function(x) return x ~= 2 and math.min(x, 0) or math.max(x, 3) end,
      ["clamp(x, 0, 1) + pi - e"] = function(x) return math.max(0, math.min(x, 1)) + math.pi - math.exp(1) end,
      ["exp(x) / (1 + exp(x)) - sigmoid(x)"] = function() return 0 end,
      ["sqrt(abs(x)) * sign(x)"] = function(x) return math.sqrt(math.abs(x)) * (x < 0 and -1 or 1) end,
    } do
      local got = t:map(formula):totable()
      for i, x in ipairs { -1, 0.25, 2 } do
        local expected = f(x)
        if expected == expected then
          assert.near(expected, got[i], 1e-6, formula)
        else
          assert.is_true(got[i] ~= got[i], formula)
        end
      end
    end
  end)

  it("takes more tensors and numbers by name, and broadcasts", function()
    same({ { 11, 12 }, { 21, 22 } }, T { 1, 2 }:map("x + w * k", { w = T { { 1 }, { 2 } }, k = 10 }))
    same({ 7 }, T { 1 }:map("x + pi", { pi = 6 })) -- names win over constants
  end)

  it("gives the element type asked for", function()
    assert.equal("f32", T({ 1 }, "i32"):map("x / 2").dtype)
    assert.equal("f64", T({ 1 }, "f64"):map("x / 3").dtype)
    assert.equal(1 / 3, T({ 1 }, "f64"):map("x / 3"):item())
    assert.equal("u8", T { 1 }:map("x + 1", nil, "u8").dtype)
  end)

  it("works on views and long tensors", function()
    local t = T.range(1, 5001):slice(1, 5001, 1, -1)
    local got = t:map "x - 1"
    assert.equal(5000, got[1])
    assert.equal(0, got[-1])
    assert.equal(5000 * 5001 / 2, got:cast "f64":sum():item())
  end)

  it("says what is wrong with a formula, and where", function()
    for formula, message in pairs {
      ["x*"] = "column 3", ["foo(x)"] = "column 1", ["x + y"] = "column 5", ["(x"] = "column 3",
      ["x x"] = "column 3", [""] = "column 1", ["sin(x, x)"] = "column", ["x $ 2"] = "column 3",
    } do
      assert.matches(message, problem(function() return T { 1 }:map(formula) end), 1, true)
    end
  end)

  it("bounds nesting", function()
    local deep = ("("):rep(100000) .. "x" .. (")"):rep(100000)
    assert.has_error(function() T { 1 }:map(deep) end)
    assert.has_error(function() T { 1 }:map(("-"):rep(100000) .. "x") end)
    assert.has_error(function() T { 1 }:map("x" .. ("^x"):rep(100000)) end)
  end)
end)
