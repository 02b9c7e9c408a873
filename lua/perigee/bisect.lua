--- Bisection: the smallest part of a graph that still shows something, with the values that go into
--- it.
---
---     local found = assert(pg.bisect(graph, function(part, inputs)
---       return part:session()(inputs)[1]:isnan():cast("f32"):sum():item() > 0
---     end))
---     pg.bisect.write(found, "report")     -- an ONNX test folder, for a bug report
---
--- What is cut off in front is replaced by the values that the whole graph computes there. First
--- the shortest beginning of the graph that shows it is searched, then the shortest end of that,
--- then nodes are left out one by one (delta debugging: Zeller and Hildebrandt 2002), then sizes
--- are halved.
local core = require "perigee.core"
local inputs_of = require "perigee.compare.inputs"
local match = require "perigee.compare.match"
local options = require "perigee.util.options"

local M = {}

---@class perigee.bisect.Options
---@field inputs table<string, perigee.Tensor>? the rest is filled from the seed
---@field seed integer?
---@field sizes table<string, integer>? of free dimensions
---@field hint string? name of a value whose node is suspected
---@field shrink boolean? sizes of values too, default true
---@field progress (fun(nodes: integer, tests: integer))?

---@class perigee.bisect.Found
---@field graph perigee.Graph
---@field inputs table<string, perigee.Tensor>
---@field nodes integer
---@field tests integer how often the predicate was asked
---@field other perigee.Graph? from M.between: the same part of the second model

local Search = {}
Search.__index = Search

-- ---- parts
-- ------------------------------------------------------------------------------------------

local MOST_HELD = 1 << 30

--- Values by name, computed by as much of the graph as they need, so that what crashes behind them
--- doesn't matter.
function Search:values(names)
  local missing = {}
  for _, name in ipairs(names) do
    if self.known[name] == nil then missing[#missing + 1] = name end
  end
  if #missing > 0 then
    local part = self.graph:extract { inputs = self.input_names, outputs = missing }
    local session = part and part:session()
    if not session then return nil end
    local given = {}
    for _, spec in ipairs(session:input_list()) do given[spec.name] = self.inputs[spec.name] end
    local ok, out = pcall(session.run, session, given, missing)
    if not ok or not out then return nil end
    if self.held > MOST_HELD then self.known, self.held = {}, 0 end
    for _, name in ipairs(missing) do
      self.known[name] = out[name]
      self.held = self.held + (core.is_tensor(out[name]) and out[name].count * 4 or 0)
    end
  end
  local values = {}
  for _, name in ipairs(names) do
    local value = self.known[name]
    if value == nil then value = self.inputs[name] end
    if value == nil then return nil end
    values[name] = value
  end
  return values
end

--- Whether a set of nodes (positions) with these outputs shows it; then that is the part so far.
function Search:test(kept, outputs)
  local produced, ins, seen = {}, {}, {}
  for _, i in ipairs(kept) do
    for _, name in ipairs(self.nodes[i].outputs) do produced[name] = true end
  end
  for _, i in ipairs(kept) do
    for _, name in ipairs(self.nodes[i].inputs) do
      if name ~= "" and not produced[name] and not seen[name] and self.is_variable[name] then
        seen[name] = true
        ins[#ins + 1] = name
      end
    end
  end
  local ok, part = pcall(self.graph.extract, self.graph, { inputs = ins, outputs = outputs })
  if not ok or not part then return false end
  local names = {}
  for i, spec in ipairs(part:input_list()) do names[i] = spec.name end
  local of_inputs, between = {}, {}
  for _, name in ipairs(names) do
    if self.inputs[name] ~= nil then
      of_inputs[name] = self.inputs[name]
    else
      between[#between + 1] = name
    end
  end
  local values = self:values(between)
  if not values then return false end
  for name, value in pairs(of_inputs) do values[name] = value end
  return self:ask(part, values, kept, outputs)
end

function Search:ask(part, values, kept, outputs)
  self.n_tests = self.n_tests + 1
  local ok, shows = pcall(self.predicate, part, values, outputs)
  local is_shown = ok and shows == true
  if is_shown then self.best = { graph = part, inputs = values, kept = kept, outputs = outputs } end
  if self.progress then
    self.progress(self.best and #self.best.kept or #self.nodes, self.n_tests)
  end
  return is_shown
end

-- ---- searching
-- --------------------------------------------------------------------------------------

--- The values of nodes 1..n that none of them uses.
function Search:leaves(n)
  local used, out = {}, {}
  for i = 1, n do
    for _, name in ipairs(self.nodes[i].inputs) do used[name] = true end
  end
  for i = 1, n do
    for _, name in ipairs(self.nodes[i].outputs) do
      if name ~= "" and not used[name] then out[#out + 1] = name end
    end
  end
  return out
end

local function range(first, last)
  local out = {}
  for i = first, last do out[#out + 1] = i end
  return out
end

local function present(names)
  local out = {}
  for _, name in ipairs(names) do
    if name ~= "" then out[#out + 1] = name end
  end
  return out
end

--- Nodes that the outputs need, of those up to the last.
function Search:needed(last, outputs)
  local wanted, out = {}, {}
  for _, name in ipairs(outputs) do wanted[name] = true end
  for i = last, 1, -1 do
    local node, is_needed = self.nodes[i], false
    for _, name in ipairs(node.outputs) do is_needed = is_needed or wanted[name] end
    if is_needed then
      table.insert(out, 1, i)
      for _, name in ipairs(node.inputs) do wanted[name] = true end
    end
  end
  return out
end

--- The shortest beginning that shows it; then only what the last node makes, if that does.
function Search:cut_behind()
  local low, high = 1, #self.nodes
  while low < high do
    local mid = (low + high) // 2
    if self:test(range(1, mid), self:leaves(mid)) then high = mid else low = mid + 1 end
  end
  local last = present(self.nodes[high].outputs)
  if not self:test(self:needed(high, last), last) and high < #self.nodes then
    self:test(range(1, high), self:leaves(high))
  end
end

--- The shortest end of the nodes that shows it.
function Search:cut_before()
  local kept, outputs = self.best.kept, self.best.outputs
  local n = 1
  while n < #kept do
    if self:test(table.move(kept, #kept - n + 1, #kept, 1, {}), outputs) then return end
    n = n * 2
  end
end

--- Leaves out pieces of the nodes, halves first, single ones at last; then the last nodes one by
--- one.
function Search:leave_out()
  local size = math.max(1, #self.best.kept // 2)
  while true do
    local i, is_less = 1, false
    while i <= #self.best.kept and #self.best.kept > 1 do
      local rest, kept = {}, self.best.kept
      for k, node in ipairs(kept) do
        if k < i or k >= i + size then rest[#rest + 1] = node end
      end
      local outputs = #rest > 0 and self:outputs_of(rest) or {}
      if #outputs > 0 and self:test(rest, outputs) then is_less = true else i = i + size end
    end
    if size == 1 and not is_less then return end
    size = math.max(1, size // 2)
  end
end

--- The outputs so far that are still made; without any, what the nodes make and don't use.
function Search:outputs_of(kept)
  local made, used, out = {}, {}, {}
  for _, i in ipairs(kept) do
    for _, name in ipairs(self.nodes[i].outputs) do made[name] = true end
    for _, name in ipairs(self.nodes[i].inputs) do used[name] = true end
  end
  for _, name in ipairs(self.best.outputs) do
    if made[name] then out[#out + 1] = name end
  end
  if #out > 0 then return out end
  for _, i in ipairs(kept) do
    for _, name in ipairs(self.nodes[i].outputs) do
      if name ~= "" and not used[name] then out[#out + 1] = name end
    end
  end
  return out
end

-- ---- sizes
-- ------------------------------------------------------------------------------------------

--- The part with all axes of one size cut to another: inputs are sliced, declared shapes forgotten.
local function resized(best, from, to)
  local part, values = assert(best.graph:clone()), {}
  for _, spec in ipairs(part:input_list()) do
    local t = best.inputs[spec.name]
    if not core.is_tensor(t) then return nil end
    for axis, n in ipairs(t.shape) do
      if n == from then t = t:slice(axis, 1, to) end
    end
    values[spec.name] = t:contiguous()
    part:set_type(spec.name, t.dtype, t.shape)
  end
  for _, spec in ipairs(part:output_list()) do part:set_type(spec.name) end
  for node in part:nodes() do
    for _, name in ipairs(node.outputs) do
      if name ~= "" then part:set_type(name) end
    end
  end
  part:infer()
  return part, values
end

local function sizes_in(inputs)
  local list, seen = {}, {}
  for _, t in pairs(inputs) do
    for _, n in ipairs(core.is_tensor(t) and t.shape or {}) do
      if n > 1 and not seen[n] then
        seen[n] = true
        list[#list + 1] = n
      end
    end
  end
  table.sort(list, function(x, y) return x > y end)
  return list
end

function Search:shrink()
  local goes_on = true
  while goes_on do
    goes_on = false
    for _, n in ipairs(sizes_in(self.best.inputs)) do
      for _, to in ipairs { 1, (n + 1) // 2, n - 1 } do
        if to < n then
          local ok, part, values = pcall(resized, self.best, n, to)
          if ok and part and self:ask(part, values, self.best.kept, self.best.outputs) then
            goes_on = true
            break
          end
        end
      end
      if goes_on then break end
    end
  end
end

-- ---- the whole
-- --------------------------------------------------------------------------------------

local function search_of(graph, predicate, o)
  local inputs = inputs_of.complete(graph, o.inputs or {}, o.seed, o.sizes or {})
  local self = setmetatable({
    graph = graph, predicate = predicate, inputs = inputs, input_names = {}, known = {}, held = 0,
    nodes = {}, is_variable = {}, n_tests = 0, progress = o.progress,
  }, Search)
  for i, spec in ipairs(graph:input_list()) do self.input_names[i] = spec.name end
  for _, v in ipairs(match.values(graph)) do self.is_variable[v.name] = true end
  for node in graph:nodes() do
    self.nodes[#self.nodes + 1] = { inputs = node.inputs, outputs = node.outputs }
  end
  return self
end

--- The suspected node alone.
function Search:try_hint(name)
  for i, node in ipairs(self.nodes) do
    for _, output in ipairs(node.outputs) do
      if output == name then return self:test({ i }, { name }) end
    end
  end
end

--- The smallest part of a graph for which the predicate is true. It is called with the part (a
--- Graph), its inputs by name, and the names of its outputs; an error in it counts as false.
---@param graph perigee.Graph
---@param predicate fun(part: perigee.Graph, inputs: table, outputs: string[]): boolean
---@param opts? perigee.bisect.Options
---@return perigee.bisect.Found? found
---@return string? message
---@return string? code
function M.run(graph, predicate, opts)
  local o = options.check(opts, {
    inputs = options.none, seed = 0, sizes = options.none, hint = options.none, shrink = true,
    progress = options.none,
  })
  local self = search_of(graph, predicate, o)
  if not (o.hint and self:try_hint(o.hint)) then
    local outputs = {}
    for i, spec in ipairs(graph:output_list()) do outputs[i] = spec.name end
    if not self:test(self:needed(#self.nodes, outputs), outputs) then
      return nil, "the whole model doesn't show it", "invalid"
    end
    self:cut_behind()
    self:cut_before()
    self:leave_out()
  end
  if o.shrink then self:shrink() end
  local best = self.best
  return { graph = best.graph, inputs = best.inputs, nodes = #best.kept, tests = self.n_tests }
end

-- ---- predicates
-- -------------------------------------------------------------------------------------

--- The part of the second model that lies between the partners of the first one's borders.
local function counterpart(work, part, outputs)
  local ins, outs = {}, {}
  for i, spec in ipairs(part:input_list()) do
    local pair = work.pairing.of_a[spec.name]
    if not pair then return nil end
    ins[i] = pair.b.name
  end
  for i, name in ipairs(outputs) do
    local pair = work.pairing.of_a[name]
    if not pair then return nil end
    outs[i] = pair.b.name
  end
  local other = work.graph_b:extract { inputs = ins, outputs = outs }
  if not other then return nil end
  for _, spec in ipairs(part:input_list()) do -- sizes may have been cut
    local name = work.pairing.of_a[spec.name].b.name
    for _, known in ipairs(other:input_list()) do
      local is_cut = known.name == name and #(known.shape or {}) == #(spec.shape or {})
      if is_cut then other:set_type(name, known.dtype, spec.shape) end
    end
  end
  return other
end

--- Bisects the difference of two models, or with b == nil of two ways to compute one; opts are
--- those of perigee.compare, and `shrink`, `progress` of M.run.
---@param a string|perigee.Graph
---@param b string|perigee.Graph|nil
---@param opts? table
---@return perigee.bisect.Found? found with `report`, what compare says of the whole
---@return string? message
---@return string? code "same" when there is no difference
function M.between(a, b, opts)
  local compare = require "perigee.compare"
  local o, own = {}, { shrink = true, progress = nil }
  for key, value in pairs(opts or {}) do
    if key == "shrink" or key == "progress" then own[key] = value else o[key] = value end
  end
  local report, message, code = compare.run(a, b, o)
  if not report then return nil, message, code end
  if report.verdict == "same" then return nil, "the two sides agree: nothing to bisect", "same" end
  local work
  work, message, code = compare.prepare(a, b, o)
  if not work then return nil, message, code end
  local inner, other_part = {}, nil
  for _, key in ipairs { "rtol", "atol", "threads", "isa", "optimize", "vs" } do
    inner[key] = o[key]
  end
  local function differs(part, inputs, outputs)
    local other = b ~= nil and counterpart(work, part, outputs) or nil
    if b ~= nil and not other then return false end
    inner.inputs = inputs
    local found = compare.run(part, other, inner)
    local is_different = found ~= nil and found.verdict == "different"
    if is_different then other_part = other end
    return is_different
  end
  local found
  found, message, code = M.run(work.graph_a, differs, {
    inputs = work.inputs, hint = report.first and report.first.value, shrink = own.shrink,
    progress = own.progress,
  })
  compare.finish(work)
  if not found then return nil, message, code end
  found.other, found.report = other_part, report
  return found
end

--- A predicate: perigee in a process of its own dies of the part.
---@param opts? { isa?: string, threads?: integer, optimize?: boolean }
function M.crashes(opts)
  local side = require "perigee.compare.side"
  local o = opts or {}
  return function(part, inputs, outputs)
    local folder = side.temporary_folder()
    local names = assert(side.write_inputs(folder, inputs))
    assert(part:save(folder .. "/model.perigee"))
    local _, _, code = side.work(folder, {
      model = folder .. "/model.perigee", threads = o.threads, optimize = o.optimize ~= false,
      inputs = names, want = outputs,
    }, o.isa)
    side.remove_folder(folder)
    return code == "crash"
  end
end

local function remove_report(folder)
  local lfs = require "lfs"
  for name in lfs.dir(folder .. "/test_data_set_0") do
    if name:find "%.pb$" then os.remove(folder .. "/test_data_set_0/" .. name) end
  end
  lfs.rmdir(folder .. "/test_data_set_0")
  for _, name in ipairs { "model.onnx", "model.onnx.data" } do os.remove(folder .. "/" .. name) end
  lfs.rmdir(folder)
end

--- A predicate: a shell command fails that is given the part as an ONNX test folder, its last
--- argument.
---@param command string
function M.fails(command)
  local text = require "perigee.util.text"
  return function(part, inputs)
    local folder = require "perigee.compare.side".temporary_folder()
    assert(M.write({ graph = part, inputs = inputs }, folder))
    local ok = os.execute(command .. " " .. text.quote(folder))
    remove_report(folder)
    return not ok
  end
end

-- ---- the report
-- -------------------------------------------------------------------------------------

local function make_folder(path)
  local lfs = require "lfs"
  if lfs.attributes(path, "mode") == "directory" then return true end
  local ok, message = lfs.mkdir(path)
  if not ok then return nil, ("%s: %s"):format(path, message), "io" end
  return true
end

local function write_values(folder, prefix, specs, values)
  for i, spec in ipairs(specs) do
    local value = values[spec.name]
    if core.is_tensor(value) then
      local path = ("%s/%s_%d.pb"):format(folder, prefix, i - 1)
      local ok, message, code = core.pb_write(value, path, spec.name)
      if not ok then return nil, message, code end
    end
  end
  return true
end

--- What perigee makes of the part, when it can.
local function outputs_of(graph, inputs)
  local session = graph:session { optimize = false, threads = 1 }
  if not session then return {} end
  local ok, out = pcall(session.run, session, inputs)
  return ok and out or {}
end

--- Writes an ONNX test folder: model.onnx, test_data_set_0/input_N.pb; of a difference, model.onnx
--- is the second model's part, reference.onnx the first one's, and output_N.pb what the first one
--- gives.
---@param found perigee.bisect.Found
---@param folder string
---@return true? ok
---@return string? message
---@return string? code
function M.write(found, folder)
  local data = folder .. "/test_data_set_0"
  for _, path in ipairs { folder, data } do
    local ok, message, code = make_folder(path)
    if not ok then return nil, message, code end
  end
  local model = found.other or found.graph
  local ok, message, code = model:save(folder .. "/model.onnx")
  if not ok then return nil, message, code end
  if found.other then
    ok, message, code = found.graph:save(folder .. "/reference.onnx")
    if not ok then return nil, message, code end
  end
  ok, message, code = write_values(data, "input", found.graph:input_list(), found.inputs)
  if not ok then return nil, message, code end
  if not found.other and not found.report then return true end
  return write_values(data, "output", found.graph:output_list(),
    outputs_of(found.graph, found.inputs))
end

return setmetatable(M, { __call = function(_, ...) return M.run(...) end })
