--- If, Loop and TensorIterator: bodies become subgraphs, port maps their inputs and outputs.
local xml = require "perigee.convert.xml"

local M = {}

local function integer(c, L, element, key, default)
  local text = element.attrs[key]
  if text == nil then return default end
  return math.tointeger(tonumber(text)) or c:fail(L, "a port map with %s '%s'", key, text)
end

--- The maps of a kind, "input" or "output".
local function maps(L, name, kind) return xml.children(xml.child(L.element, name), kind) end

--- The input or output that has a port id.
local function port_index(c, L, ports, id)
  for i, p in ipairs(ports) do
    if p.id == id then return i end
  end
  return c:fail(L, "a port map of port %s, which it hasn't", id or "?")
end

local function body_layer(c, L, parsed, map, type)
  local layer = parsed.by_id[map.attrs.internal_layer_id or map.attrs["from-layer"] or ""]
  if not layer or layer.type ~= type then
    c:fail(L, "a port map of layer %s, which is no %s of its body", map.attrs.internal_layer_id or "?", type)
  end
  return layer
end

--- What a body gives must be values of its own, each once.
local function give(inner, value)
  return inner.b:output(inner.b:identity(value))
end

-- ---- If ---------------------------------------------------------------------------------------

local function branch(c, L, kind)
  local element = xml.child(L.element, kind .. "_body") or c:fail(L, "it has no %s_body", kind)
  local given = {}
  for _, map in ipairs(maps(L, kind .. "_port_map", "input")) do
    local i = port_index(c, L, L.inputs, map.attrs.external_port_id)
    given[map.attrs.internal_layer_id or ""] = c:x(L, i)
  end
  local inner = c:inner(kind, L.where)
  local n = #c.b.missing
  local parsed = inner:convert_all(element, given)
  if #c.b.missing > n then return end
  local values = {}
  for _, map in ipairs(maps(L, kind .. "_port_map", "output")) do
    local layer = body_layer(c, L, parsed, map, "Result")
    values[port_index(c, L, L.outputs, map.attrs.external_port_id)] = layer.result
  end
  for i = 1, #L.outputs do
    give(inner, values[i] or c:fail(L, "its %s_body gives no output %d", kind, i - 1))
  end
  return inner.b.graph
end

function M.If(c, L)
  local condition = c:x(L, 1)
  local t = c:type_of(L, 1)
  if t ~= "bool" then condition = c:cast(condition, t, "bool") end
  if c:rank(L, 1) > 0 then condition = c:reshape(condition, {}) end
  local yes, no = branch(c, L, "then"), branch(c, L, "else")
  if not yes or not no then return end
  return c:op("If", { condition }, { then_branch = yes, else_branch = no }, #L.outputs)
end

-- ---- Loop and TensorIterator ------------------------------------------------------------------

--- A map that cuts an input, or joins an output, along an axis: step, part size, both ends.
local function cut(c, L, map)
  local axis = integer(c, L, map, "axis")
  if not axis or axis == -1 and not map.attrs.stride then return nil end
  local stride, size = integer(c, L, map, "stride", 1), integer(c, L, map, "part_size", 1)
  if stride == 0 or size < 1 then c:fail(L, "a port map with stride %d and part_size %d", stride, size) end
  return { axis = axis, stride = stride, size = size,
    first = integer(c, L, map, "start", 0), last = integer(c, L, map, "end", -1) }
end

--- The number of parts of a cut input, as a number where its size is known, else a value.
local function trips(c, L, i, k)
  local size = c:dims(L, i)[k.axis + 1]
  local fixed = k.first >= 0 and k.last >= 0 or k.first < 0 and k.last < 0
  if size == -1 and not fixed then
    local whole = c:slice(c:shape_of(c:x(L, i)), { 0 }, { k.axis }, { k.axis + 1 })
    return c:reshape(c:op("Div", { whole, c:i64 { math.abs(k.stride) } }), {})
  end
  local function place(at) return at < 0 and at + 1 + math.max(size, 0) or at end
  return c:constant(math.abs(place(k.last) - place(k.first)) // math.abs(k.stride), "i64")
end

--- One part of a cut input, inside the body: from `start + iteration * stride` on.
local function part(c, inner, L, i, k, iteration)
  local x = c:x(L, i)
  local function op(type, ...) return (inner:op(type, { ... })) end
  local one = function(n) return inner:constant({ n }, "i64") end
  local at = inner:reshape(iteration, { 1 })
  local first
  if k.stride > 0 then
    first = op("Add", op("Mul", at, one(k.stride)), one(k.first))
  else
    -- Backwards, a part ends where it starts.
    local from = k.first
    local whole = op("Shape", x)
    whole = inner:slice(whole, { 0 }, { k.axis }, { k.axis + 1 })
    local base = from < 0 and op("Add", whole, one(from + 1)) or one(from)
    first = op("Sub", op("Add", op("Mul", at, one(k.stride)), base), one(k.size))
  end
  return op("Slice", x, first, op("Add", first, one(k.size)), one(k.axis))
end

--- What the port maps say of a loop.
local function read_maps(c, L)
  local loop = { invariant = {}, cut = {}, iteration = {}, carried = {}, last = {}, joined = {} }
  local back = {}
  for _, edge in ipairs(xml.children(xml.child(L.element, "back_edges"), "edge")) do
    back[edge.attrs["to-layer"] or ""] = edge.attrs["from-layer"] or ""
  end
  for _, map in ipairs(maps(L, "port_map", "input")) do
    local id = map.attrs.internal_layer_id or ""
    if map.attrs.purpose == "current_iteration" then
      loop.iteration[#loop.iteration + 1] = id
    else
      local i = port_index(c, L, L.inputs, map.attrs.external_port_id)
      local k = cut(c, L, map)
      if k then
        k.id, k.input = id, i
        if k.axis < 0 or k.axis >= c:rank(L, i) then c:fail(L, "a cut along axis %d", k.axis) end
        loop.cut[#loop.cut + 1] = k
      elseif back[id] then
        loop.carried[#loop.carried + 1] = { id = id, input = i, from = back[id] }
      else
        loop.invariant[#loop.invariant + 1] = { id = id, input = i }
      end
    end
  end
  for _, map in ipairs(maps(L, "port_map", "output")) do
    local id = map.attrs.internal_layer_id or ""
    if map.attrs.purpose == "execution_condition" then
      loop.condition = id
    end
    if map.attrs.external_port_id and map.attrs.external_port_id ~= "-1" then
      local i, k = port_index(c, L, L.outputs, map.attrs.external_port_id), cut(c, L, map)
      local list = k and loop.joined or loop.last
      list[#list + 1] = { id = id, output = i, cut = k }
    end
  end
  return loop
end

--- Values of outputs that are kept only from the last iteration are carried from a first one that
--- nothing reads; its shape is unknown before, so they start from an empty value of the same type.
local function carry_last(loop)
  local by_from = {}
  for i, carried in ipairs(loop.carried) do by_from[carried.from] = i end
  for _, last in ipairs(loop.last) do
    if not by_from[last.id] then
      loop.carried[#loop.carried + 1] = { from = last.id, is_new = true }
      by_from[last.id] = #loop.carried
    end
    last.carried = by_from[last.id]
  end
end

--- [trips, ...] to parts joined along an axis, in the order that the sign of the stride tells.
local function join(c, L, x, v)
  local dims = L.outputs[v.output].dims
  if v.cut.stride < 0 then x = c:slice(x, { 0 }, { -1 }, { math.mininteger }, { -1 }) end
  local rank, axis = #dims, v.cut.axis
  if axis >= rank then c:fail(L, "parts joined along axis %d of %d", axis, rank) end
  -- Each part has the rank of the whole: bring the trips before the axis, then fold both.
  local perm = {}
  for i = 1, rank do perm[i] = i end
  table.insert(perm, axis + 1, 0)
  if axis > 0 then x = c:transpose(x, perm) end
  local shape = c:shape_of(x)
  local pieces = {}
  if axis > 0 then pieces[1] = c:slice(shape, { 0 }, { 0 }, { axis }) end
  local both = c:slice(shape, { 0 }, { axis }, { axis + 2 })
  pieces[#pieces + 1] = c:op("ReduceProd", { both, c:i64 { 0 } }, { keepdims = 1 })
  if axis + 1 < rank then
    pieces[#pieces + 1] = c:slice(shape, { 0 }, { axis + 2 }, { rank + 1 })
  end
  return c:op("Reshape", { x, #pieces > 1 and c:op("Concat", pieces, { axis = 0 }) or pieces[1] },
    { allowzero = 1 })
end

local function result_type(L, output)
  return L.outputs[output].dtype or "f32"
end

local function loop(c, L, count, condition)
  local element = xml.child(L.element, "body") or c:fail(L, "it has no body")
  local maps_of = read_maps(c, L)
  carry_last(maps_of)
  for _, k in ipairs(maps_of.cut) do
    count = count ~= "" and count or trips(c, L, k.input, k)
  end
  local inner, given, inputs = c:inner("body", L.where), {}, { count or "", condition or "" }
  local b = inner.b
  local iteration = b:input(b:unique "iteration", "i64", {})
  b:input(b:unique "goes_on", "bool", {})
  for _, v in ipairs(maps_of.carried) do
    local dtype
    if v.is_new then
      for _, last in ipairs(maps_of.last) do
        if last.id == v.from then dtype = result_type(L, last.output) end
      end
      inputs[#inputs + 1] = c:constant(require("perigee.tensor").zeros({ 0 }, dtype))
    else
      inputs[#inputs + 1], dtype = c:x(L, v.input), c:type_of(L, v.input)
    end
    v.value = b:input(b:unique "carried", dtype, nil)
    if v.id then given[v.id] = v.value end
  end
  for _, v in ipairs(maps_of.invariant) do given[v.id] = c:x(L, v.input) end
  for _, k in ipairs(maps_of.cut) do given[k.id] = part(c, inner, L, k.input, k, iteration) end
  local body_types = {}
  for _, layer in ipairs(xml.children(xml.child(element, "layers"), "layer")) do
    local data = xml.child(layer, "data")
    body_types[layer.attrs.id or ""] = data and data.attrs
  end
  for _, id in ipairs(maps_of.iteration) do
    local attrs = body_types[id] or {}
    local value = iteration
    if attrs.element_type == "i32" then value = inner:op("Cast", { value }, { to = "i32" }) end
    if (attrs.shape or ""):find "%d" then value = inner:reshape(value, { 1 }) end
    given[id] = value
  end
  local n = #c.b.missing
  local parsed = inner:convert_all(element, given)
  if #c.b.missing > n then return end
  local function result(id)
    local layer = parsed.by_id[id]
    if not layer or not layer.result then c:fail(L, "a port map of layer %s, which is no Result", id) end
    return layer.result
  end
  if maps_of.condition then
    local flag = result(maps_of.condition)
    give(inner, inner:reshape(flag, {}))
  else
    give(inner, inner:constant(true, "bool"))
  end
  for _, v in ipairs(maps_of.carried) do give(inner, result(v.from)) end
  for _, v in ipairs(maps_of.joined) do
    if v.cut.axis < 0 then c:fail(L, "parts joined along axis %d", v.cut.axis) end
    give(inner, result(v.id))
  end
  local outs = { c:op("Loop", inputs, { body = b.graph }, #maps_of.carried + #maps_of.joined) }
  local results = {}
  for _, v in ipairs(maps_of.last) do results[v.output] = outs[v.carried] end
  for i, v in ipairs(maps_of.joined) do
    results[v.output] = join(c, L, outs[#maps_of.carried + i], v)
  end
  return table.unpack(results, 1, #L.outputs)
end

local function scalar(c, L, i)
  return c:rank(L, i) == 0 and c:x(L, i) or c:reshape(c:x(L, i), {})
end

--- The trip count and the first condition are its first two inputs; -1 trips are as many as it takes.
function M.Loop(c, L)
  local known = c:numbers(L, 1)
  local count
  if known and known[1] and known[1] < 0 then
    count = ""
  else
    count = c:cast(scalar(c, L, 1), c:type_of(L, 1), "i64")
  end
  return loop(c, L, count, scalar(c, L, 2))
end

function M.TensorIterator(c, L) return loop(c, L, "", nil) end

return M
