--- Quantisation: FakeQuantize, and numbers of eight bits of which only the effect is kept.
local types = require "perigee.convert.openvino.types"

local M = {}

--- At or below the least of the limits: the least output; above the greatest: the greatest; between
--- them round((x - low) / (high - low) * (levels - 1)) / (levels - 1) * (out_high - out_low) + out_low,
--- halves to even. Limits may lie the wrong way round.
function M.FakeQuantize(c, L)
  if c:word(L, "auto_broadcast", "numpy") == "pdpd" then
    return c:unsupported(L, "with pdpd broadcasting", "numpy's")
  end
  local levels = c:int(L, "levels")
  if levels < 2 then c:fail(L, "%d levels", levels) end
  local x, low, high, out_low, out_high = c:x(L, 1), c:x(L, 2), c:x(L, 3), c:x(L, 4), c:x(L, 5)
  local n = c:like(L, 1, levels - 1)
  local function op(type, ...) return (c:op(type, { ... })) end
  local scale = op("Div", n, op("Sub", high, low))
  local step = op("Div", op("Sub", out_high, out_low), n)
  local inside = op("Round", op("Mul", op("Sub", x, low), scale))
  local y = op("Add", op("Mul", inside, step), out_low)
  y = op("Where", op("Greater", x, op("Max", low, high)), out_high, y)
  return op("Where", op("LessOrEqual", x, op("Min", low, high)), out_low, y)
end

--- To an eight bit float and back, with a scale and a shift.
function M.FakeConvert(c, L)
  local kinds = { f8e4m3 = "f8e4m3fn", f8e5m2 = "f8e5m2" }
  local dtype = c:type_of(L, 1)
  local to = kinds[c:word(L, "destination_type", "f8e4m3")] or c:fail(L, "its type '%s'", L.attrs.destination_type)
  local x = c:op("Mul", { c:x(L, 1), c:x(L, 2) })
  if L.x[3] then x = c:op("Sub", { x, L.x[3] }) end
  local y = c:op("Cast", { x }, { to = to, saturate = 1 })
  y = c:op("Cast", { y }, { to = types.is_float[dtype] and dtype or "f32" })
  if L.x[3] then y = c:op("Add", { y, L.x[3] }) end
  return c:op("Div", { y, c:x(L, 2) })
end

return M
