-- Operators of com.microsoft on random inputs, with what onnxruntime or their documentation's formula gives:
-- spec/data/contrib_cases.lua, made by spec/support/make_contrib_cases.py.
--
--     local contrib = require "support.contrib" (_ENV)
--     contrib.cases("com.microsoft:Inverse")
local M = {}

return function(env)
  local t = require "support.op_cases" (env)
  local by_op = {}
  for _, case in ipairs(assert(loadfile "spec/data/contrib_cases.lua")(t)) do
    local op = "com.microsoft:" .. case.op
    by_op[op] = by_op[op] or {}
    table.insert(by_op[op], case)
  end
  function M.cases(op)
    t.env = env
    t.cases(op, assert(by_op[op], op))
  end
  return M
end
