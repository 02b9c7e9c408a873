--- Conditions and loops that depend on data: If and Loop.
local emit = require "perigee.convert.torchscript.emit"
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"

local M = {}

local is_tensor = emit.is

-- ---- If ----------------------------------------------------------------------------------------

local function copy_of(vars)
  local copy = {}
  for k, v in pairs(vars) do copy[k] = v end
  return copy
end

local function kind_of(x)
  if is_tensor(x) then return x.scalar or "tensor" end
  return math.type(x) == "integer" and "int" or math.type(x) or type(x)
end

local function is_value(x)
  return is_tensor(x) or type(x) == "number" or type(x) == "boolean"
end

--- Pairs of values that differ between the branches, in merged tables of the same form.
--- Gives the merged value; a leaf that must become an output of If is noted in `leaves`.
local function merge(a, b, leaves)
  if rawequal(a, b) then return a end
  if type(a) == "number" and type(b) == "number" and a == b and math.type(a) == math.type(b) then
    return a
  end
  if a == b and type(a) == "string" then return a end
  if is_value(a) and is_value(b) and (kind_of(a) == kind_of(b)) then
    local leaf = { a = a, b = b }
    leaves[#leaves + 1] = leaf
    return leaf
  end
  if type(a) == "table" and type(b) == "table" and a.kind and a.kind == b.kind
    and (a.kind == "tuple" or a.kind == "list") and #a == #b then
    local out = { kind = a.kind, fields = a.fields }
    for i = 1, #a do out[i] = merge(a[i], b[i], leaves) end
    return out
  end
  if type(a) == "table" and a.kind == "uninitialized" then return b end
  if type(b) == "table" and b.kind == "uninitialized" then return a end
  return { kind = "poison" }
end

local function resolve(x)
  if type(x) ~= "table" or is_tensor(x) then return x end
  if x.out then return x.out end
  if x.kind == "tuple" or x.kind == "list" then
    for i = 1, #x do x[i] = resolve(x[i]) end
  end
  return x
end

local function as_tensor(c, x)
  if is_tensor(x) then return x end
  local t = math.type(x)
  return c:constant(x, t == "integer" and "i64" or t == "float" and "f64" or "bool")
end

--- Runs a branch in a body of its own; nil when it raises.
local function run_branch(c, name, statements, vars)
  local own = copy_of(vars)
  local attributes
  local ok, graph, state = pcall(function()
    local graph, state, written = c:body(name, function()
      local depth, path, file, line = c.depth, c.path, c.file, c.line
      local result = c:block(statements, own)
      c.depth, c.path, c.file, c.line = depth, path, file, line
      attributes = c.scope.log.attributes or {}
      return { result = result, scope = c.scope }
    end)
    state.written = written
    return graph, state
  end)
  if not ok then
    if graph == machine.RAISED then return nil end
    error(graph, 0)
  end
  local after = {}
  for key, a in pairs(attributes) do
    after[key] = { object = a.object, name = a.name, value = a.object.values[a.name],
      before = a.before }
    a.object.values[a.name] = a.before
  end
  return { graph = graph, vars = own, scope = state.scope, written = state.written,
    attributes = after, result = state.result }
end

local function output_in(c, branch, x)
  local outer = c.scope
  c.scope = branch.scope
  local ok, made = pcall(function() return c:body_output(as_tensor(c, x)) end)
  c.scope = outer
  if not ok then error(made, 0) end
  return made
end

--- Gathers what differs: variables, attributes of modules, tensors written into.
local function differences(yes, no, vars)
  local leaves, merged, tensors, attributes = {}, {}, {}, {}
  local names = {}
  for name in pairs(yes.vars) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local a, b = yes.vars[name], no.vars[name]
    if b ~= nil and not (rawequal(a, b) and rawequal(a, vars[name])) then
      merged[name] = merge(a, b, leaves)
    end
  end
  for _, pair in ipairs { { yes, no }, { no, yes } } do
    for t, new in pairs(pair[1].written) do
      if not tensors[t] then
        local other = pair[2].written[t]
        local a, b = new, other or t
        if pair[1] == no then a, b = b, a end
        local leaf = { a = a, b = b }
        leaves[#leaves + 1] = leaf
        tensors[t] = leaf
      end
    end
    for key, attribute in pairs(pair[1].attributes) do
      if not attributes[key] then
        local other = pair[2].attributes[key]
        local a, b = attribute.value, other and other.value or attribute.before
        if pair[1] == no then a, b = b, a end
        attributes[key] = { object = attribute.object, name = attribute.name,
          value = merge(a, b, leaves) }
      end
    end
  end
  local result
  if yes.result and no.result then
    result = { value = merge(yes.result.value, no.result.value, leaves) }
  end
  return leaves, merged, tensors, attributes, result
end

--- `if` on something that depends on data. A branch that raises is taken to be never reached.
function M.branch(c, test, s, vars)
  local yes = run_branch(c, "then_branch", s.yes, vars)
  local no = run_branch(c, "else_branch", s.no, vars)
  if not yes or not no then
    if yes then yes.graph:close() end
    if no then no.graph:close() end
    if not yes and not no then error(machine.RAISED, 0) end
    return c:block(yes and s.yes or s.no, vars)
  end
  if (yes.result == nil) ~= (no.result == nil) then
    fail.unsupported { { what = "a return out of one branch only", where = c:place() } }
  end
  local leaves, merged, tensors, attributes, result = differences(yes, no, vars)
  if #leaves == 0 then
    yes.graph:close()
    no.graph:close()
  else
    for _, leaf in ipairs(leaves) do
      leaf.in_yes, leaf.in_no = output_in(c, yes, leaf.a), output_in(c, no, leaf.b)
    end
    local outputs = table.pack(c:op("If", { c:number(test, "bool") }, {
      then_branch = yes.graph, else_branch = no.graph,
    }, #leaves))
    for i, leaf in ipairs(leaves) do
      local out = outputs[i]
      out.scalar = is_tensor(leaf.a) and leaf.a.scalar
        or (not is_tensor(leaf.a) and kind_of(leaf.a)) or nil
      out.dtype = out.dtype or leaf.in_yes.dtype
      leaf.out = out
    end
  end
  for name, value in pairs(merged) do vars[name] = resolve(value) end
  for t, leaf in pairs(tensors) do c:assign(t, leaf.out) end
  for _, a in pairs(attributes) do c:set_attribute(a.object, a.name, resolve(a.value)) end
  return result and { value = resolve(result.value) }
end

-- ---- Loop --------------------------------------------------------------------------------------

local function names_of(target, names)
  if target.kind == "name" then
    names[target.name] = true
  elseif target.items then
    for _, item in ipairs(target.items) do names_of(item, names) end
  end
end

--- The names that statements assign.
local function assigned(statements, names)
  for _, s in ipairs(statements) do
    if s.target then names_of(s.target, names) end
    for _, key in ipairs { "yes", "no", "body" } do
      if s[key] then assigned(s[key], names) end
    end
  end
  return names
end

local MOST_UNROLLED = 20000

local function unroll(c, loop, vars)
  if loop.trips > MOST_UNROLLED then
    fail.format("%s: a loop of %d turns", c:place(), loop.trips)
  end
  for i = 0, loop.trips - 1 do
    c:store(loop.target, i, vars)
    local result = c:block(loop.body, vars)
    if result then return result end
  end
end

--- Leaves (tensors and numbers) of a value that a loop carries.
local function leaves_of(x, list)
  if is_value(x) then
    list[#list + 1] = x
  elseif type(x) == "table" and (x.kind == "tuple" or x.kind == "list") then
    for i = 1, #x do leaves_of(x[i], list) end
  end
  return list
end

local function rebuild(x, take)
  if is_value(x) then return take(x) end
  if type(x) == "table" and (x.kind == "tuple" or x.kind == "list") then
    local out = { kind = x.kind, fields = x.fields }
    for i = 1, #x do out[i] = rebuild(x[i], take) end
    return out
  end
  return x
end

--- Builds the body once with carried values of the given shapes; their shapes behind it.
local function build_body(c, loop, vars, carried, shapes)
  local after
  local own = copy_of(vars)
  local made = c:body("body", function(graph)
    local counter = c:new { name = graph:add_input(c:unique "turn", "i64", {}), dtype = "i64",
      shape = {}, scalar = "int", is_input = true }
    local going = graph:add_input(c:unique "going", "bool", {})
    local k = 0
    for _, name in ipairs(carried) do
      own[name] = rebuild(vars[name], function(x)
        k = k + 1
        local t = as_tensor(c, x)
        local shape = shapes[k]
        local declared = {}
        for i, n in ipairs(shape or {}) do declared[i] = n or "?" end
        local input = graph:add_input(c:unique("carried"), t.dtype, shape and declared)
        return c:new { name = input, dtype = t.dtype, shape = shape, is_input = true,
          scalar = not is_tensor(x) and kind_of(x) or t.scalar }
      end)
    end
    if loop.target then c:store(loop.target, counter, own) end
    local result = c:block(loop.body, own)
    if result then
      fail.unsupported { { what = "a return out of a loop that depends on data",
        where = c:place() } }
    end
    local test = loop.test and c:eval(loop.test, own)
    if test == nil then
      test = c:new { name = going, dtype = "bool", shape = {}, is_input = true }
    end
    if not is_tensor(test) then test = c:constant(test, "bool") end
    c:body_output(test)
    after = {}
    for _, name in ipairs(carried) do
      for _, x in ipairs(leaves_of(own[name], {})) do
        after[#after + 1] = c:body_output(as_tensor(c, x))
      end
    end
    return true
  end)
  return made, after
end

--- Shapes that both ends of a turn agree on; whether they were the assumed ones.
local function meet(shapes, after)
  local out, is_same = {}, true
  for i, t in ipairs(after) do
    local before, now = shapes[i], t.shape
    if not before or not now or #before ~= #now then
      out[i] = nil
      is_same = is_same and before == nil
    else
      out[i] = {}
      for d, n in ipairs(before) do
        out[i][d] = n == now[d] and n
        is_same = is_same and (n == out[i][d])
      end
    end
  end
  return out, is_same
end

--- `for` over a range, or `while`: unrolled where the number of turns is known.
function M.loop(c, loop, vars)
  if loop.trips and not is_tensor(loop.trips) then return unroll(c, loop, vars) end
  local carried, names = {}, assigned(loop.body, {})
  for name in pairs(names) do
    if vars[name] ~= nil and #leaves_of(vars[name], {}) > 0 then carried[#carried + 1] = name end
  end
  table.sort(carried)
  local initial, shapes = {}, {}
  for _, name in ipairs(carried) do leaves_of(vars[name], initial) end
  for i, x in ipairs(initial) do
    initial[i] = as_tensor(c, x)
    initial[i].is_number = not is_tensor(x) and kind_of(x) or initial[i].scalar
    shapes[i] = initial[i].shape
  end
  local graph, after
  for _ = 1, 3 do
    if graph then graph:close() end
    graph, after = build_body(c, loop, vars, carried, shapes)
    if #after ~= #initial then
      fail.unsupported { { what = "a list that grows in a loop of unknown length",
        where = c:place() } }
    end
    local is_same
    shapes, is_same = meet(shapes, after)
    if is_same then break end
  end
  local start = loop.test and c:eval(loop.test, vars) or nil
  local inputs = { loop.trips or false, start and as_tensor(c, start) or false, n = 2 }
  for _, t in ipairs(initial) do
    inputs[#inputs + 1] = t
    inputs.n = #inputs
  end
  if #initial == 0 then
    graph:close()
    return
  end
  local outputs = table.pack(c:op("Loop", inputs, { body = graph }, #initial))
  local k = 0
  for _, name in ipairs(carried) do
    vars[name] = rebuild(vars[name], function()
      k = k + 1
      outputs[k].scalar = initial[k].is_number
      return outputs[k]
    end)
  end
end

return M
