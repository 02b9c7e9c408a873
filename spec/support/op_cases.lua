-- Cases for operators as tables. A case is run as a graph in several ways that must all agree: with
-- known input shapes, with nothing known of the inputs, with all inputs constant (so that folding
-- computes it), and through core.eval.
--
--     local t = require "support.op_cases" (_ENV)
--     t.cases("Clip", {
--       { "limits both sides", inputs = { { -2, 0.5, 3 }, -1.0, 1.0 }, outputs = { { -1, 0.5, 1 } } },
--       { "refuses a vector as a limit", inputs = { { 1 }, { 1, 2 } }, error = "scalar" },
--     })
--
-- Fields: inputs and outputs hold nested tables (f32, bool or string by their elements), plain
-- values (rank 0), what the makers below give (`i64 { 1, 2 }`), tables of these made by `seq`, and
-- false for what is left out (an input) or not looked at (an output). attrs: an integer sets an INT,
-- a float a FLOAT. opset: default the newest. rtol, atol: instead of those of the element type.
-- n_outputs: default as many as `outputs`, or 1. check: a function of the outputs, beside or
-- instead of `outputs`. is_random: never run as constants. needs_rank: never run with nothing known.
local core = require "perigee.core"
local pg = require "perigee"

local M = {}

--- By element type: { relative, absolute }. What is not here must agree exactly.
local tolerance = {
  f64 = { 1e-9, 1e-12 }, f32 = { 1e-5, 1e-6 }, f16 = { 2e-3, 1e-4 }, bf16 = { 1.6e-2, 1e-3 },
}

M.nan, M.inf = 0 / 0, math.huge

--- Makers by element type: a nested table, a number, or `{ shape = { 2, 0, 3 }, ... }` with the
--- elements in row-major order; one element stands for all of them.
for dtype in pairs(core.dtypes()) do
  M[dtype] = function(value)
    if type(value) ~= "table" or not value.shape then return core.tensor_from(value, dtype) end
    local shape = value.shape
    local t = core.tensor_new(dtype, shape)
    if t.count == 0 then return t end
    if #value == 1 then return t:copy_from(core.tensor_from(value[1], dtype)) end
    return core.tensor_from(table.move(value, 1, #value, 1, {}), dtype):reshape(shape)
  end
end

--- Counts in row-major order: from `first` (default 0) by `step` (default 1).
function M.count(shape, dtype, first, step)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  first, step = first or 0, step or 1
  return core.tensor_range(first, first + (n - 1) * step, step, dtype or "f32"):reshape(shape)
end

--- Tables of attributes as one; later ones win.
function M.with(...)
  local out = {}
  for _, attrs in ipairs { ... } do
    for name, value in pairs(attrs) do out[name] = value end
  end
  return out
end

--- A sequence, for inputs and outputs.
function M.seq(...)
  local list = table.pack(...)
  for i = 1, list.n do list[i] = M.value(list[i]) end
  return setmetatable({ n = list.n, table.unpack(list, 1, list.n) }, { __name = "sequence" })
end

local function is_seq(v) return type(v) == "table" and (getmetatable(v) or {}).__name == "sequence" end

--- What a case writes for a value, as a tensor or sequence.
function M.value(v)
  if pg.tensor.is_tensor(v) or is_seq(v) then return v end
  return core.tensor_from(v)
end

-- ---- comparing ------------------------------------------------------------------------------------

local function shape_text(t) return t.dtype .. "[" .. table.concat(t.shape, ",") .. "]" end

local function flat(t)
  if t.count == 0 then return {} end
  return t:contiguous():reshape(-1):totable()
end

local function is_close(a, b, rtol, atol)
  if a == b then return true end
  if type(a) ~= "number" or type(b) ~= "number" then return false end
  if a ~= a or b ~= b then return a ~= a and b ~= b end
  if math.abs(a) == math.huge or math.abs(b) == math.huge then return false end
  return math.abs(a - b) <= atol + rtol * math.abs(b)
end

local function compare(got, want, case, where)
  if is_seq(want) then
    assert(type(got) == "table", where .. ": expected a sequence, got a " .. type(got))
    assert(#got == want.n, ("%s: expected %d elements, got %d"):format(where, want.n, #got))
    for i = 1, want.n do compare(got[i], want[i], case, where .. "[" .. i .. "]") end
    return
  end
  assert(pg.tensor.is_tensor(got), where .. ": expected a tensor, got a " .. type(got))
  if shape_text(got) ~= shape_text(want) then
    error(("%s: expected %s, got %s"):format(where, shape_text(want), shape_text(got)), 0)
  end
  local limits = tolerance[got.dtype] or { 0, 0 }
  local rtol, atol = case.rtol or limits[1], case.atol or limits[2]
  local a, b = flat(got), flat(want)
  for i = 1, #b do
    if not is_close(a[i], b[i], rtol, atol) then
      error(("%s: element %d: expected %s, got %s\n  expected %s\n  got      %s"):format(where, i,
        tostring(b[i]), tostring(a[i]), want:tostring { full = true },
        got:tostring { full = true }), 0)
    end
  end
end

local function compare_all(got, case, how)
  for i, want in ipairs(case.outputs or {}) do
    if want ~= false then compare(got[i], M.value(want), case, how .. ": output " .. i) end
  end
  if case.check then case.check(got, how) end
end

-- ---- running ---------------------------------------------------------------------------------------

--- A sequence is made by a node of its elements: graphs built by hand have tensors as inputs.
local function add_value(g, name, v, how, feeds)
  if is_seq(v) then
    local names = {}
    for i = 1, v.n do names[i] = add_value(g, name .. "_" .. i, v[i], how, feeds) end
    g:add(v.n == 0 and "SequenceEmpty" or "SequenceConstruct", names, { name })
    return name
  end
  if how == "constant" then return g:add_constant(name, v) end
  feeds[name] = v
  if how == "unknown" then return g:add_input(name) end
  return g:add_input(name, v.dtype, v.shape)
end

local function plain(v)
  if not is_seq(v) then return v end
  return table.move(v, 1, v.n, 1, {})
end

local function run_graph(case, how)
  local g = pg.graph()
  if case.opset then g:set_opset(case.opset, case.domain ~= "" and case.domain or nil) end
  local names, feeds, outputs = {}, {}, {}
  for i, v in ipairs(case.inputs or {}) do
    names[i] = v == false and "" or add_value(g, "in" .. i, M.value(v), how, feeds)
  end
  for i = 1, case.n_outputs do outputs[i] = "out" .. i end
  g:add(case.op, names, outputs, case.attrs, { domain = case.domain })
  for _, name in ipairs(outputs) do g:add_output(name) end
  local session <close> = assert(g:session { threads = 1 })
  local got, by_index = assert(session:run(feeds)), {}
  for i, name in ipairs(outputs) do by_index[i] = got[name] end
  return by_index
end

local function run_eval(case)
  local inputs = { n = #(case.inputs or {}) }
  for i, v in ipairs(case.inputs or {}) do inputs[i] = v ~= false and plain(M.value(v)) end
  local got = table.pack(core.eval(case.op, inputs, case.attrs, case.n_outputs, case.domain))
  if got.n > 1 and got[1] == nil and type(got[2]) == "string" then error(got[2], 0) end
  return got
end

--- An empty Lua table is a tensor, so core.eval can't be given an empty sequence.
local function has_empty_sequence(case)
  for _, v in ipairs(case.inputs or {}) do
    if is_seq(v) and v.n == 0 then return true end
  end
end

local function ways(case)
  local list = { "known" }
  if not case.needs_rank then list[#list + 1] = "unknown" end
  if not case.is_random then list[#list + 1] = "constant" end
  if not case.opset and not has_empty_sequence(case) then list[#list + 1] = "eval" end
  return list
end

local function run(case, how)
  if how == "eval" then return run_eval(case) end
  return run_graph(case, how)
end

local function check_failure(pattern, where, ok, message)
  if ok then error(("%s: expected an error like '%s', got none"):format(where, pattern), 0) end
  if not tostring(message):find(pattern) then
    error(("%s: expected an error like '%s', got: %s"):format(where, pattern, message), 0)
  end
end

--- A block of tests for one operator: "Name" or "domain:Name".
---@param op string
---@param list table[]
function M.cases(op, list)
  local describe, it = M.env.describe, M.env.it
  local domain, name = op:match "^(.*):(.*)$"
  describe(op, function()
    for _, case in ipairs(list) do
      case.op, case.domain = name or op, domain or ""
      case.n_outputs = case.n_outputs or math.max(#(case.outputs or {}), 1)
      it(case[1], function()
        for _, how in ipairs(ways(case)) do
          if case.error then
            check_failure(case.error, how, pcall(run, case, how))
          else
            compare_all(run(case, how), case, how)
          end
        end
      end)
    end
  end)
end

-- ---- models -----------------------------------------------------------------------------------------

local function run_model(name, inputs, opts)
  local g = assert(pg.load("spec/data/op/" .. name .. ".onnx"))
  local session <close> = assert(g:session(opts))
  return assert(session:run(inputs))
end

--- Runs spec/data/op/NAME.onnx, optimised and not, and compares its outputs by name.
---@param name string
---@param inputs table<string, any>
---@param outputs table<string, any>
function M.model(name, inputs, outputs)
  for _, optimize in ipairs { true, false } do
    local got = run_model(name, inputs, { threads = 1, optimize = optimize })
    for key, want in pairs(outputs) do
      compare(got[key], M.value(want), {}, ("%s (optimize = %s)"):format(key, optimize))
    end
  end
end

--- Loading or running it fails with a message like `pattern`.
function M.model_error(name, inputs, pattern)
  check_failure(pattern, name, pcall(run_model, name, inputs, { threads = 1 }))
end

--- busted gives `describe` and `it` to spec files only: they pass their environment on.
return setmetatable(M, { __call = function(_, env)
  M.env = env
  return M
end })
