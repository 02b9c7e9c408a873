--- Proof of equality: two models, or one model computed in two ways, value by value.
---
---     local report = assert(pg.compare("net.caffemodel", "net.onnx"))
---     print(report.verdict)                        -- "same" or "different"
---     if report.first then print(report.first.node, report.first.reasons[1]) end
---
--- Values are matched by name, place, structure and content, layouts are reconciled, every common
--- value is measured, and the first node whose inputs agree and whose output doesn't is named.
local blame = require "perigee.compare.blame"
local core = require "perigee.core"
local graphs = require "perigee.graph"
local inputs_of = require "perigee.compare.inputs"
local match = require "perigee.compare.match"
local measure = require "perigee.compare.measure"
local misuse = require "perigee.util.blame"
local options = require "perigee.util.options"
local sides = require "perigee.compare.side"

local M = {}

---@class perigee.compare.Options
---@field inputs table<string, perigee.Tensor>? by the first model's names; the rest is filled
---@field seed integer? default 0
---@field sizes table<string, integer>? of free dimensions of inputs that are filled
---@field rtol number? tolerance relative to the element (default: by element type)
---@field atol number? and to the largest element of the value
---@field threads (integer|integer[])? one number, or one for each side
---@field isa (string|string[])? "scalar", "avx2", "avx512"
---@field optimize (boolean|boolean[])?
---@field vs string? the second side is another engine: "onnxruntime"
---@field stored table<string|integer, perigee.Tensor>? the second side are these outputs
---@field outputs_only boolean? no values in between
---@field memory integer? bytes of values held at a time, default 256 MiB
---@field progress (fun(done: integer, all: integer))?

local KNOWN = {
  inputs = options.none, seed = 0, sizes = options.none, rtol = options.none, atol = options.none,
  threads = options.none, isa = options.none, optimize = options.none, vs = options.none,
  stored = options.none, outputs_only = false, memory = 256 << 20, progress = options.none,
}

-- ---- the two sides
-- --------------------------------------------------------------------------------

local function one_of(option, i)
  if type(option) == "table" then return option[i] end
  return option
end

--- A path, { path, weights }, or a Graph.
local function open_model(model)
  if type(model) == "userdata" then return { graph = model } end
  local path, weights = model, nil
  if type(model) == "table" then path, weights = model[1], model[2] end
  if type(path) ~= "string" then misuse("compare: expected a path or a graph") end
  local graph, message, code = graphs.load(path, weights)
  if not graph then return nil, message, code end
  return { graph = graph, path = path, weights = weights }
end

local function label_of(model, fallback)
  return model.path or model.graph:info().name or fallback
end

--- The first side's inputs in the second one's names, types and order of axes.
local function translate(inputs, first, second, pairing)
  local out, notes = {}, {}
  for _, spec in ipairs(second:input_list()) do
    local pair = pairing.of_b[spec.name]
    local value = pair and inputs[pair.a.name]
    if value == nil then
      return nil, ("the second model's input '%s' has no partner (%d inputs beside %d)")
        :format(spec.name, #second:input_list(), #first:input_list()), "unsupported"
    end
    if core.is_tensor(value) then
      local fitted, layout = measure.fit(value, spec.shape)
      if not fitted then
        return nil, ("input '%s': expected [%s], the first model has [%s]"):format(spec.name,
          table.concat(spec.shape, ","), table.concat(value.shape, ",")), "unsupported"
      end
      notes[spec.name] = layout
      value = fitted
      if spec.dtype and spec.dtype ~= value.dtype then value = value:cast(spec.dtype) end
    end
    out[spec.name] = value
  end
  return out, notes
end

--- Outputs by position or name, as values of a side.
local function stored_values(graph, stored)
  local values = {}
  for i, spec in ipairs(graph:output_list()) do
    values[spec.name] = stored[spec.name] or stored[i]
  end
  return values
end

local function open_sides(a, b, o)
  local inputs, sources = inputs_of.complete(a.graph, o.inputs or {}, o.seed, o.sizes or {})
  local pairing = match.new(a.graph, b.graph)
  local others, notes, code = translate(inputs, a.graph, b.graph, pairing)
  if not others then return nil, notes, code end
  local x, y, message
  x, message, code = sides.perigee {
    path = a.path, weights = a.weights, graph = a.graph, inputs = inputs,
    label = label_of(a, "first"),
    threads = one_of(o.threads, 1), optimize = one_of(o.optimize, 1),
    isa = one_of(o.isa, 1),
  }
  if not x then return nil, message, code end
  if o.stored then
    y = sides.stored("stored outputs", stored_values(b.graph, o.stored))
  elseif o.vs then
    y, message, code = sides.peer(o.vs, b.graph, others, one_of(o.threads, 2))
  else
    y, message, code = sides.perigee {
      path = b.path, weights = b.weights, graph = b.graph, inputs = others,
      label = label_of(b, "second"), threads = one_of(o.threads, 2),
      optimize = one_of(o.optimize, 2), isa = one_of(o.isa, 2),
    }
  end
  if not y then
    x:close()
    return nil, message, code
  end
  return {
    a = x, b = y, graph_a = a.graph, graph_b = b.graph, pairing = pairing, inputs = inputs,
    others = others, sources = sources, layouts = notes,
  }
end

-- ---- values in portions
-- -----------------------------------------------------------------------------

local UNKNOWN_BYTES = 1 << 20

--- Bytes that each value takes, where its shape is known.
local function sizes_of(graph, inputs)
  local typed = assert(graph:clone())
  local shapes = {}
  for name, value in pairs(inputs) do
    if core.is_tensor(value) then shapes[name] = value.shape end
  end
  if not pcall(typed.infer, typed, { shapes = shapes }) then typed:infer() end
  local bits = core.dtypes()
  return function(name)
    local info = typed:value(name)
    local n = info and info.shape and info.dtype and (bits[info.dtype] or 0) / 8
    for _, size in ipairs(n and info.shape or {}) do
      if math.type(size) ~= "integer" then return UNKNOWN_BYTES end
      n = n * size
    end
    return n or UNKNOWN_BYTES
  end
end

--- Cuts a list into portions of so many bytes.
local function portions(list, bytes_of, memory)
  local out, portion, held = {}, {}, 0
  for _, item in ipairs(list) do
    local n = bytes_of(item)
    if #portion > 0 and (held + n > memory or #portion >= 1000) then
      out[#out + 1], portion, held = portion, {}, 0
    end
    portion[#portion + 1], held = item, held + n
  end
  if #portion > 0 then out[#out + 1] = portion end
  return out
end

--- Visits values of a side without holding them all.
local function walker(side, inputs, memory)
  return function(values, visit)
    local size = sizes_of(side.graph, inputs)
    for _, portion in ipairs(portions(values, function(v) return size(v.name) end, memory)) do
      local names = {}
      for i, v in ipairs(portion) do names[i] = v.name end
      local out, message, code = side:fetch(names)
      if not out then return nil, message, code end
      for _, v in ipairs(portion) do visit(v, out[v.name]) end
    end
    return true
  end
end

-- ---- measuring ----------------------------------------------------------------------------------

local TIGHT = 1e-6 -- of the largest element

--- Both sides compute in one way, so that equal inputs to equal nodes give equal outputs: there any
--- difference is one of the models, however small.
local function is_suspicious(pair, d, work)
  local v, w = pair.a, pair.b
  if not work.same_way or not v.node or v.type ~= w.type or d.layout or pair.is_weak then
    return false
  end
  for _, name in ipairs(v.inputs) do
    local input = work.pairing.of_a[name]
    if input then
      local r = input.result
      if not r or r.problem or r.max_abs > 0 or r.special > 0 or r.layout then return false end
    end
  end
  return d.max_abs > TIGHT * d.scale
end

local function measure_pair(pair, x, y, work, o)
  if x == nil and y == nil then return { is_good = true, is_skipped = true } end
  if x == nil or y == nil then return { problem = "only one side has it", is_good = false } end
  local rtol, atol = measure.tolerance(x.dtype, y.dtype, work.precision)
  rtol, atol = o.rtol or rtol, o.atol or atol
  if x.dtype:find "^[iu]%d" and y.dtype == x.dtype and not (o.rtol or o.atol)
    and work.precision ~= "quantized" then
    rtol, atol = 0, 0
  end
  local d, problem = measure.difference(x, y, rtol, atol)
  if not d then return { problem = problem, is_good = false } end
  d.rtol, d.atol, d.is_good = rtol, atol, d.beyond == 0
  if d.is_good and not (o.rtol or o.atol) and d.max_abs > 0 then
    d.is_certain = is_suspicious(pair, d, work) or (work.precision == "f32"
      and work.graph_a ~= work.graph_b
      and blame.has_other_constants(pair, work.graph_a, work.graph_b))
    d.is_good = not d.is_certain
  end
  return d
end

local function fetch_both(work, portion)
  local names_a, names_b = {}, {}
  for i, pair in ipairs(portion) do names_a[i], names_b[i] = pair.a.name, pair.b.name end
  local x, message, code = work.a:fetch(names_a)
  if not x then return nil, work.a.label .. ": " .. message, code end
  local y
  y, message, code = work.b:fetch(names_b)
  if not y then return nil, work.b.label .. ": " .. message, code end
  return x, y
end

local function measure_all(work, list, o)
  local size, done = sizes_of(work.graph_a, work.inputs), 0
  local function bytes(pair) return 2 * size(pair.a.name) end
  for _, portion in ipairs(portions(list, bytes, o.memory)) do
    local x, y, code = fetch_both(work, portion)
    if not x then return nil, y, code end
    for _, pair in ipairs(portion) do
      pair.result = measure_pair(pair, x[pair.a.name], y[pair.b.name], work, o)
    end
    done = done + #portion
    if o.progress then o.progress(done, #list) end
  end
  return true
end

-- ---- the report ---------------------------------------------------------------------------------

local MEASURES = {
  "count", "beyond", "special", "worst", "scale", "max_abs", "mean_abs", "max_rel", "max_ulp",
  "cosine", "rtol", "atol", "layout", "problem",
}

local function row_of(pair)
  local r = pair.result
  local row = {
    a = pair.a.name, b = pair.b.name, how = pair.how, ok = r.is_good,
    node = pair.a.node and pair.a.node.name, type = pair.a.type,
    kind = pair.a.is_input and "input" or pair.a.is_output and "output" or "value",
  }
  for _, key in ipairs(MEASURES) do row[key] = r[key] end
  return row
end

local function node_title(v)
  if not v.node then return nil end
  return v.node.name ~= "" and v.node.name or v.name
end

--- Names the node to blame, and what of it isn't the same.
local function describe_first(first, context)
  local culprit, is_proven = blame.find(first, context)
  local _, agree = blame.worst_input(culprit, context.of_a)
  return {
    value = culprit.a.name, other = culprit.b.name, node = node_title(culprit.a),
    other_node = node_title(culprit.b), type = culprit.a.type, other_type = culprit.b.type,
    inputs_agree = agree, is_proven = is_proven, beyond_at = first.a.name,
    reasons = blame.explain(culprit, context),
  }
end

--- Guesses that turn out wrong are forgotten; the border and what has a name must agree.
local function judge(work, list)
  local kept, first, is_same, n_weak = {}, nil, true, 0
  local function shape_of_b(pair)
    local spec = work.graph_b:value(pair.b.name)
    return spec and spec.shape
  end
  for _, pair in ipairs(list) do
    local is_border = pair.a.is_input or pair.a.is_output
    local is_guess = pair.is_weak or (pair.how == "structure" and pair.result.atol == 0)
    if is_guess and not is_border and not pair.result.is_good then
      n_weak = n_weak + 1
    elseif not pair.result.is_skipped then
      kept[#kept + 1] = pair
      if not pair.result.is_good then
        is_same, first = false, first or pair
      end
    end
  end
  local context = {
    a = work.a, b = work.b, of_a = work.pairing.of_a, of_b = work.pairing.of_b,
    values_a = work.pairing.a, precision = work.precision, shape_of_b = shape_of_b,
    can_replay = work.b.graph ~= nil and not work.b.is_foreign and not work.is_about_engine,
  }
  return kept, is_same, first and describe_first(first, context), n_weak
end

local function check_outputs(work)
  for _, spec in ipairs(work.graph_a:output_list()) do
    if not work.pairing.of_a[spec.name] then
      return nil, ("output '%s' has no partner: %d outputs beside %d"):format(spec.name,
        #work.graph_a:output_list(), #work.graph_b:output_list()), "unsupported"
    end
  end
  return true
end

--- What is compared: all pairs, or those of the border.
local function choose(work, o)
  local only_border = o.outputs_only or o.stored ~= nil
  if not only_border and not work.b.is_foreign then
    local ok, message, code = work.pairing:content(
      walker(work.a, work.inputs, o.memory), walker(work.b, work.others, o.memory))
    if not ok then return nil, message, code end
  end
  local list = {}
  for _, pair in ipairs(work.pairing:pairs()) do
    if not only_border and not pair.a.is_input or pair.a.is_output then list[#list + 1] = pair end
  end
  return list
end

--- Inputs agree by construction: they were made from one.
local function accept_inputs(work)
  for _, pair in pairs(work.pairing.of_a) do
    if pair.a.is_input then
      pair.result = {
        is_good = true, max_abs = 0, special = 0, scale = 1, layout = work.layouts[pair.b.name],
      }
    end
  end
end

local function input_rows(work)
  local rows = {}
  for _, spec in ipairs(work.graph_a:input_list()) do
    local value = work.inputs[spec.name]
    if core.is_tensor(value) then
      rows[#rows + 1] = {
        name = spec.name, dtype = value.dtype, shape = value.shape,
        source = work.sources[spec.name],
        sha256 = value.dtype ~= "string" and core.sha256(value:bytes()) or nil,
      }
    end
  end
  return rows
end

local function proceed(work, o)
  local ok, message, code = check_outputs(work)
  if not ok then return nil, message, code end
  accept_inputs(work)
  local list
  list, message, code = choose(work, o)
  if not list then return nil, message, code end
  ok, message, code = measure_all(work, list, o)
  if not ok then return nil, message, code end
  local kept, is_same, first, n_weak = judge(work, list)
  local rows = {}
  for i, pair in ipairs(kept) do rows[i] = row_of(pair) end
  return {
    verdict = is_same and "same" or "different", first = first, values = rows,
    inputs = input_rows(work),
    unmatched = {
      a = #work.pairing.a - #work.pairing:pairs() + n_weak,
      b = #work.pairing.b - #work.pairing:pairs() + n_weak,
    },
    a = { label = work.a.label, engine = work.a.engine },
    b = { label = work.b.label, engine = work.b.engine },
    precision = work.precision, version = core.version,
  }, work
end

local function coarser(a, b)
  local rank = { f32 = 1, f16 = 2, bf16 = 3, f8 = 4, quantized = 5 }
  return (rank[a] or 0) >= (rank[b] or 0) and a or b
end

--- What only one side has rounded; where both did alike, equal inputs give equal numbers.
local function precision_between(x, y)
  return x == y and x ~= "quantized" and "f32" or coarser(x, y)
end

--- As M.run, and gives what was worked with besides; the caller closes it (perigee.bisect).
function M.prepare(a, b, opts)
  local o = options.check(opts, KNOWN)
  local x, message, code = open_model(a)
  if not x then return nil, message, code end
  local y = x
  if b ~= nil then
    y, message, code = open_model(b)
    if not y then return nil, message, code end
  end
  local work
  work, message, code = open_sides(x, y, o)
  if not work then return nil, message, code end
  local pa, pb = measure.precision(x.graph), measure.precision(y.graph)
  work.precision = precision_between(pa, pb)
  work.is_about_engine = b == nil or work.a.engine ~= work.b.engine
  work.same_way = work.a.engine == work.b.engine and pa == pb
  return work, o
end

function M.finish(work)
  work.a:close()
  work.b:close()
end

--- Compares two models (paths, { path, weights }, or graphs), or with b == nil one model computed
--- in two ways, as the options say.
---@param a string|string[]|perigee.Graph
---@param b string|string[]|perigee.Graph|nil
---@param opts? perigee.compare.Options
---@return table? report verdict, first, values, inputs, unmatched, a, b
---@return string? message
---@return string? code
function M.run(a, b, opts)
  local work, o, code = M.prepare(a, b, opts)
  if not work then return nil, o, code end
  local ok, report, message
  ok, report, message, code = pcall(proceed, work, o)
  M.finish(work)
  if not ok then error(report, 0) end
  if not report then return nil, message, code end
  return report
end

return setmetatable(M, { __call = function(_, ...) return M.run(...) end })
