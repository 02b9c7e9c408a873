-- Mutated model files: each gives an error or an answer, never a crash, a hang or much memory.
-- PERIGEE_SEED=n tries other mutations, PERIGEE_KEEP_CASE=path keeps the last one for a look after a crash.
local pg = require "perigee"
local core = require "perigee.core"
local process = require "support.process"
local models = require "support.models"
local temp = require "support.temp"

local CASES = 10000
local SLOWEST = process.is_sanitized and 20 or 5 -- seconds a case may take on a busy machine

-- A generator of its own, so that the cases are the same on every machine and at every level.
local state
local function below(n)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n
end

local function splice(bytes, at, n, put) return bytes:sub(1, at - 1) .. put .. bytes:sub(at + n) end

local function varint(n)
  local out = {}
  while math.ult(127, n) do
    out[#out + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  out[#out + 1] = string.char(n)
  return table.concat(out)
end

local huge = { varint(-1), varint(1 << 62), varint(0x7fffffff), varint(0xffffffff), "\xff", "\0", varint(1 << 40) }

local operators = {
  "Add", "Conv", "Gemm", "MatMul", "Reshape", "Concat", "Split", "Slice", "Gather", "Expand", "Tile", "Pad",
  "Resize", "TopK", "ConstantOfShape", "Range", "OneHot", "LSTM", "If", "Loop", "Scan", "MaxPool", "Softmax",
  "Transpose", "Squeeze", "Unsqueeze", "ReduceSum", "NonZero", "ScatterND", "Einsum", "ConvTranspose", "Cast",
  "BatchNormalization", "QuantizeLinear", "DFT", "Shape", "Identity", "GatherND", "Compress", "Upsample",
}

-- Protobuf's own structure: where length-delimited fields begin, found by walking the tags.
local function fields(bytes, first, last, depth, out)
  local at = first
  while at <= last do
    local tag, start = 0, at
    local shift = 0
    repeat
      local b = bytes:byte(at)
      if not b or at > last then return out end
      tag = tag | (b & 127) << shift
      shift, at = shift + 7, at + 1
    until b < 128 or shift > 63
    local wire = tag & 7
    if wire == 0 then
      local value_at = at
      while at <= last and bytes:byte(at) >= 128 do at = at + 1 end
      at = at + 1
      out[#out + 1] = { kind = "number", tag_at = start, at = value_at, n = at - value_at }
    elseif wire == 2 then
      local length_at, n = at, 0
      shift = 0
      repeat
        local b = bytes:byte(at)
        if not b then return out end
        n = n | (b & 127) << shift
        shift, at = shift + 7, at + 1
      until b < 128 or shift > 63
      if n < 0 or at + n - 1 > last then return out end
      out[#out + 1] = { kind = "length", tag_at = start, at = length_at, n = at - length_at, from = at, size = n }
      if depth < 6 then fields(bytes, at, at + n - 1, depth + 1, out) end
      at = at + n
    elseif wire == 5 then
      at = at + 4
    elseif wire == 1 then
      at = at + 8
    else
      return out
    end
  end
  return out
end

local mutations = {
  function(bytes) -- a bit
    local i = below(#bytes) + 1
    return splice(bytes, i, 1, string.char(bytes:byte(i) ~ 1 << below(8)))
  end,
  function(bytes) -- some bytes
    for _ = 1, 1 + below(8) do bytes = splice(bytes, below(#bytes) + 1, 1, string.char(below(256))) end
    return bytes
  end,
  function(bytes) return bytes:sub(1, below(#bytes)) end,
  function(bytes, marks) -- a number or a length becomes another
    local f = marks[below(#marks) + 1]
    return splice(bytes, f.at, f.n, huge[below(#huge) + 1])
  end,
  function(bytes, marks) -- a number becomes a small one: other dimensions, element types, attribute kinds
    local f = marks[below(#marks) + 1]
    return splice(bytes, f.at, f.n, string.char(below(32)))
  end,
  function(bytes, marks) -- a field goes, or comes twice
    local f = marks[below(#marks) + 1]
    local whole = f.from and f.from + f.size - f.tag_at or f.at + f.n - f.tag_at
    local text = bytes:sub(f.tag_at, f.tag_at + whole - 1)
    return splice(bytes, f.tag_at, whole, below(2) == 0 and "" or text .. text)
  end,
  function(bytes, marks) -- another operator, of the same length or not
    local f = marks[below(#marks) + 1]
    for _ = 1, 50 do
      if f.size and f.size > 2 and f.size < 24 and bytes:sub(f.from, f.from + f.size - 1):match "^%u%a+$" then break end
      f = marks[below(#marks) + 1]
    end
    if not f.size then return bytes end
    local name = operators[below(#operators) + 1]
    if #name > f.size then name = name:sub(1, f.size) end
    return splice(bytes, f.from, f.size, name .. ("\0"):rep(f.size - #name))
  end,
  function(bytes) -- a piece moves
    local from, n = below(#bytes) + 1, below(40)
    local piece = bytes:sub(from, from + n)
    return splice(bytes, below(#bytes) + 1, below(2) * #piece, piece)
  end,
}

local seeds = {}
local dir
setup(function()
  dir = temp.dir()
  for _, make in ipairs { models.mlp, models.cnn, models.tiny } do
    local path = dir .. "/seed.onnx"
    assert(make():save(path))
    seeds[#seeds + 1] = temp.read(path)
  end
  for _, name in ipairs { "branch", "loop", "function", "old", "picked", "unknown" } do
    seeds[#seeds + 1] = temp.read("spec/data/" .. name .. ".onnx")
  end
end)
teardown(function() temp.remove(dir) end)

--- Inputs that fit what is declared; free dimensions are 2. nil when that would be large.
local function inputs_for(session)
  local inputs, budget = {}, 1 << 16
  for _, spec in ipairs(session:input_list()) do
    local shape = {}
    for i, d in ipairs(spec.shape or {}) do
      shape[i] = math.type(d) == "integer" and d or 2
      budget = budget // math.max(shape[i], 1)
    end
    if budget == 0 or not spec.dtype then return nil end
    local ok, t = pcall(core.tensor_new, spec.dtype, shape)
    if not ok then return nil end
    inputs[spec.name] = t
  end
  return inputs
end

local codes = { invalid = true, unsupported = true, format = true, nomem = true, io = true }

--- Loads, makes a session, runs; says how far it came.
local function try(bytes)
  local g, message, code = pg.load_bytes(bytes)
  if not g then
    assert(type(message) == "string" and codes[code], tostring(code) .. ": " .. tostring(message))
    return "load"
  end
  local session
  session, message, code = g:session { threads = 1 }
  if not session then
    assert(type(message) == "string" and codes[code], tostring(code) .. ": " .. tostring(message))
    return "session"
  end
  local inputs = inputs_for(session)
  local out
  if inputs then
    local ok
    ok, out, message, code = pcall(session.run, session, inputs)
    if ok and not out then assert(type(message) == "string" and codes[code], tostring(code)) end
    if not ok then out = nil end
  end
  session:close()
  g:close()
  return out and "answer" or "run"
end

describe("mutated models", function()
  it("give an error or an answer, " .. CASES .. " times", function()
    state = tonumber(os.getenv "PERIGEE_SEED") or 20240229
    local reached, slowest = { load = 0, session = 0, run = 0, answer = 0 }, 0
    local marks = {}
    for i, bytes in ipairs(seeds) do marks[i] = fields(bytes, 1, #bytes, 0, {}) end
    local before = core.peak_bytes()
    for case = 1, CASES do
      local i = case % #seeds + 1
      local bytes = mutations[below(#mutations) + 1](seeds[i], marks[i])
      if below(4) == 0 then bytes = mutations[below(3) + 1](bytes .. "\0") end
      if os.getenv "PERIGEE_KEEP_CASE" then temp.write(os.getenv "PERIGEE_KEEP_CASE", bytes) end
      local started = core.clock()
      local stage = try(bytes)
      local seconds = core.clock() - started
      slowest = math.max(slowest, seconds)
      assert.is_true(seconds < SLOWEST, ("case %d took %g s"):format(case, seconds))
      reached[stage] = reached[stage] + 1
    end
    -- The mutations are worth something only when they reach every stage.
    for stage, n in pairs(reached) do assert.is_true(n > 5, stage .. ": " .. n) end
    if not process.is_sanitized then
      assert.is_true(core.peak_bytes() - before < 512 << 20, core.peak_bytes() .. " bytes")
    end
  end)

  it("nested deeply end early", function()
    local function field(number, payload) return varint(number << 3 | 2) .. varint(#payload) .. payload end
    -- A graph whose only node has a graph attribute whose only node has ...
    for _, depth in ipairs { 10, 60, 200, 5000 } do
      local graph = field(2, "innermost")
      for _ = 1, depth do
        local attribute = field(1, "body") .. field(6, graph) .. varint(20 << 3) .. varint(5)
        local node = field(2, "y") .. field(4, "If") .. field(5, attribute)
        graph = field(1, node) .. field(2, "g")
      end
      local model = varint(1 << 3) .. varint(10) .. field(8, varint(2 << 3) .. varint(21)) .. field(7, graph)
      local g, message, code = pg.load_bytes(model)
      if depth >= 5000 then
        assert.is_nil(g)
        assert.is_string(message)
        assert.equal("format", code)
      elseif g then
        assert.is_nil((g:session()))
      end
    end
    -- Types within types.
    local kind = field(1, varint(1 << 3) .. varint(1))
    for _ = 1, 5000 do kind = field(4, field(1, kind)) end
    local input = field(1, "x") .. field(2, kind)
    local model = varint(1 << 3) .. varint(10) .. field(8, varint(2 << 3) .. varint(21)) .. field(7, field(11, input))
    assert.is_nil((pg.load_bytes(model)))
  end)

  it("that ask for much memory get an error", function()
    local shape = ("<i8i8i8"):pack(1 << 20, 1 << 20, 1 << 20)
    for _, case in ipairs {
      { "ConstantOfShape", function(g) return { g:add_constant("s", pg.tensor.frombytes(shape, "i64", { 3 })) } end },
      { "Expand", function(g)
        return { g:add_constant("v", { 1 }), g:add_constant("s", pg.tensor.frombytes(shape, "i64", { 3 })) }
      end },
      { "Tile", function(g)
        return { g:add_constant("v", { { { 1 } } }), g:add_constant("s", pg.tensor.frombytes(shape, "i64", { 3 })) }
      end },
      { "Range", function(g)
        return { g:add_constant("a", 0, "i64"), g:add_constant("b", math.maxinteger, "i64"),
          g:add_constant("c", 1, "i64") }
      end },
      { "Pad", function(g)
        return { g:add_constant("v", { 1 }), g:add_constant("s", { 1 << 50, 1 << 50 }, "i64") }
      end },
      { "OneHot", function(g)
        return { g:add_constant("i", { 1 }, "i64"), g:add_constant("d", 1 << 50, "i64"),
          g:add_constant("v", { 0, 1 }) }
      end },
    } do
      local g = pg.graph()
      g:add(case[1], case[2](g), { "y" })
      g:add_output "y"
      local session, message, code = g:session { threads = 1 }
      if session then
        local ok
        ok, session, message, code = pcall(session, {})
        if not ok then message, code, session = session, "invalid", nil end
      end
      assert.is_nil(session, case[1])
      assert.is_string(message)
      assert.is_true(code == "nomem" or code == "invalid", tostring(code))
    end
  end)
end)

describe("mutated npy files", function()
  it("give an error or a tensor, 1,000 times", function()
    state = 7
    local path = dir .. "/mutated.npy"
    assert(pg.tensor.range(1, 24):reshape(2, 3, 4):save(path))
    local good = temp.read(path)
    local n_good = 0
    for _ = 1, 1000 do
      temp.write(path, mutations[below(3) + 1](good))
      local t, message, code = pg.tensor.npy(path)
      if t then
        n_good = n_good + 1
        assert.is_true(t.count <= 24 * 4)
      else
        assert.is_string(message)
        assert.is_true(codes[code], code)
      end
    end
    assert.is_true(n_good > 50 and n_good < 950, tostring(n_good))
  end)
end)
