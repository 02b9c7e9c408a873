--- Resources: variables and tables, which exist while the graph is built. A file is one call of its
--- network, so what a variable holds follows from the order of the operators: assignments by
--- CALL_ONCE come first, and a variable that nobody has assigned holds zeros.
local quant = require "perigee.convert.tflite.quant"
local pg_tensor = require "perigee.tensor"

local M = {}

--- The resource that input i is a handle of.
local function resource(s, node, i)
  local name = s:x(node, i)
  return s.model.tables[name] or s:bad("input %d is no handle that is known here", i - 1)
end

--- A value that stands for a handle; nothing reads it.
local function handle(s, node, key, make)
  local model = s.model
  model.resources = model.resources or {}
  model.resources[key] = model.resources[key] or make
  local value = s.b:op("Constant", {}, { value = pg_tensor.new({ 0 }, "i64") })
  model.tables[value] = model.resources[key]
  s:give(node.outputs[1], value)
end

function M.VAR_HANDLE(s, node)
  local key = ("variable %s/%s"):format(node.o.container or "", node.o.shared_name or "")
  handle(s, node, key, {})
end

function M.ASSIGN_VARIABLE(s, node)
  resource(s, node, 1).value = s:x(node, 2)
end

function M.READ_VARIABLE(s, node)
  local out, r = s:out_t(node), resource(s, node, 1)
  if not r.value then
    if not out:is_static() then return s:unsupported
      "READ_VARIABLE of unknown size before it is assigned" end
    r.value = s.b:constant(pg_tensor.full(out.shape, 0, out.dtype))
  end
  s:set(node, 1, r.value)
end

-- ---- hash tables
-- ------------------------------------------------------------------------------------

function M.HASHTABLE(s, node)
  handle(s, node, ("table %d"):format(node.o.table_id or 0),
    { key = node.o.key_dtype, value = node.o.value_dtype })
end

function M.HASHTABLE_IMPORT(s, node)
  local r = resource(s, node, 1)
  r.keys, r.values = s:x(node, 2), s:x(node, 3)
end

function M.HASHTABLE_SIZE(s, node)
  local r = resource(s, node, 1)
  if not r.keys then return s:set(node, 1, s.b:i64 { 0 }) end
  s:set(node, 1, s.b:reshape(s.b:op("Size", { r.keys }), { 1 }))
end

function M.HASHTABLE_FIND(s, node)
  local b, r = s.b, resource(s, node, 1)
  local keys = s:x(node, 2)
  local default = s:x(node, 3)
  if s:need(node, 3).rank > 0 then default = b:reshape(default, {}) end
  if not r.keys then
    return s:set(node, 1, b:op("Expand", { default, b:op("Shape", { keys }) }))
  end
  local hit = quant.cast(s, b:op("Equal", { b:op("Unsqueeze", { keys, b:i64 { -1 } }),
    b:reshape(r.keys, { -1 }) }), "i32")
  local found = quant.cast(s, b:op("ReduceMax", { hit, b:i64 { -1 } }, { keepdims = 0 }), "bool")
  local place = b:op("ArgMax", { hit }, { axis = -1, keepdims = 0 })
  s:set(node, 1, b:op("Where", { found, b:op("Gather", { b:reshape(r.values, { -1 }), place }),
    default }))
end

return M
