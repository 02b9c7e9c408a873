--- Recurrent layers and cells: torch.lstm, gru, rnn_tanh, rnn_relu with their lists of weights.
local fail = require "perigee.convert.fail"
local machine = require "perigee.convert.torchscript.machine"
local maths = require "perigee.convert.torchscript.ops_math"
local schema = require "perigee.convert.torchscript.schema"
local shapes = require "perigee.convert.torchscript.ops_shape"

local M = {}
local def = schema.adder(M)
local list = machine.list
local i64 = shapes.i64

--- PyTorch's gates are i f g o and r z n, ONNX's i o f c and z r h.
local kinds = {
  lstm = { op = "LSTM", order = { 0, 3, 1, 2 } },
  gru = { op = "GRU", order = { 1, 0, 2 } },
  rnn_tanh = { op = "RNN", order = { 0 }, activation = "Tanh" },
  rnn_relu = { op = "RNN", order = { 0 }, activation = "Relu" },
}

--- Rows of gates in another order.
local function reordered(c, w, order)
  if #order == 1 then return w end
  local parts = {}
  local n = w.shape[1] // #order
  for i, gate in ipairs(order) do
    parts[i] = c:op("Slice", { w, i64(c, { gate * n }), i64(c, { (gate + 1) * n }), i64(c, { 0 }) })
  end
  return (c:op("Concat", parts, { axis = 0 }))
end

--- W, R, B of a layer: the directions one upon the other.
local function weights(c, facts, params, first, n_directions, per, has_biases)
  local w, r, b = {}, {}, {}
  for d = 1, n_directions do
    local at = first + (d - 1) * per
    local function take(k)
      return (c:op("Unsqueeze", { reordered(c, params[at + k], facts.order), i64(c, { 0 }) }))
    end
    w[d], r[d] = take(0), take(1)
    if has_biases then b[d] = c:op("Concat", { take(2), take(3) }, { axis = 1 }) end
  end
  local function join(x)
    if #x == 0 then return false end
    return #x == 1 and x[1] or (c:op("Concat", x, { axis = 0 }))
  end
  return join(w), join(r), join(b)
end

local function run(c, kind, a, hx)
  local facts = kinds[kind]
  local n_directions = a.bidirectional and 2 or 1
  local per = a.has_biases and 4 or 2
  if #a.params ~= a.num_layers * n_directions * per then
    fail.unsupported { { what = kind .. " with projections", where = c:place() } }
  end
  local x = a.input
  local is_single = c:rank(x, 3) == 2
  if is_single then x = c:op("Unsqueeze", { x, i64(c, { a.batch_first and 0 or 1 }) }) end
  if a.batch_first then x = c:op("Transpose", { x }, { perm = { 1, 0, 2 } }) end
  local hidden = a.params[2].shape[2]
  local last_h, last_c = {}, {}
  local attrs = { hidden_size = hidden, direction = n_directions == 2 and "bidirectional" or "forward" }
  if kind == "gru" then attrs.linear_before_reset = 1 end
  if facts.activation then
    attrs.activations = n_directions == 2 and { facts.activation, facts.activation }
      or { facts.activation }
  end
  for layer = 0, a.num_layers - 1 do
    local first = layer * n_directions * per + 1
    local w, r, b = weights(c, facts, a.params, first, n_directions, per, a.has_biases)
    local function part(t)
      if is_single and #t.shape == 2 then t = c:op("Unsqueeze", { t, i64(c, { 1 }) }) end
      if a.num_layers == 1 then return t end
      return (c:op("Slice", { t, i64(c, { layer * n_directions }),
        i64(c, { (layer + 1) * n_directions }), i64(c, { 0 }) }))
    end
    local inputs = { x, w, r, b, false, part(hx[1]), n = 6 }
    if kind == "lstm" then
      inputs[7], inputs.n = part(hx[2]), 7
    end
    local y, h, cell = c:op(facts.op, inputs, attrs, kind == "lstm" and 3 or 2)
    last_h[layer + 1], last_c[layer + 1] = h, cell
    -- [L, D, N, H] -> [L, N, D * H]
    if n_directions == 1 then
      x = c:op("Squeeze", { y, i64(c, { 1 }) })
    else
      y = c:op("Transpose", { y }, { perm = { 0, 2, 1, 3 } })
      x = c:op("Reshape", { y, i64(c, { 0, 0, -1 }) })
    end
  end
  if a.batch_first then x = c:op("Transpose", { x }, { perm = { 1, 0, 2 } }) end
  local function join(t)
    t = #t == 1 and t[1] or (c:op("Concat", t, { axis = 0 }))
    return is_single and (c:op("Squeeze", { t, i64(c, { 1 }) })) or t
  end
  if is_single then x = c:op("Squeeze", { x, i64(c, { a.batch_first and 0 or 1 }) }) end
  if kind == "lstm" then return list("tuple", { x, join(last_h), join(last_c) }) end
  return list("tuple", { x, join(last_h) })
end

for kind in pairs(kinds) do
  def(kind, "input hx params has_biases num_layers dropout train bidirectional batch_first",
    function(c, a)
      if type(a.has_biases) == "table" then
        fail.unsupported { { what = kind .. " on packed sequences", where = c:place() } }
      end
      local hx = a.hx
      return run(c, kind, a, kind == "lstm" and hx or { hx })
    end)
end

-- ---- cells -------------------------------------------------------------------------------------

local linear = maths.ops.linear

local function gates(c, x, n)
  return c:op("Split", { x }, { axis = -1, num_outputs = n }, n)
end
local CELL = "input hx w_ih w_hh b_ih=None b_hh=None"

def("lstm_cell", CELL, function(c, a)
  local sum = c:op("Add", { linear(c, { a.input, a.w_ih, a.b_ih }, {}),
    linear(c, { a.hx[1], a.w_hh, a.b_hh }, {}) })
  local i, f, g, o = gates(c, sum, 4)
  local function sigmoid(x) return (c:op("Sigmoid", { x })) end
  local kept = c:op("Mul", { sigmoid(f), a.hx[2] })
  local cell = c:op("Add", { kept, c:op("Mul", { sigmoid(i), c:op("Tanh", { g }) }) })
  return list("tuple", { (c:op("Mul", { sigmoid(o), c:op("Tanh", { cell }) })), cell })
end)
def("gru_cell", CELL, function(c, a)
  local xr, xz, xn = gates(c, linear(c, { a.input, a.w_ih, a.b_ih }, {}), 3)
  local hr, hz, hn = gates(c, linear(c, { a.hx, a.w_hh, a.b_hh }, {}), 3)
  local r = c:op("Sigmoid", { c:op("Add", { xr, hr }) })
  local z = c:op("Sigmoid", { c:op("Add", { xz, hz }) })
  local n = c:op("Tanh", { c:op("Add", { xn, c:op("Mul", { r, hn }) }) })
  return (c:op("Add", { n, c:op("Mul", { z, c:op("Sub", { a.hx, n }) }) }))
end)
for name, op in pairs { rnn_tanh_cell = "Tanh", rnn_relu_cell = "Relu" } do
  def(name, CELL, function(c, a)
    return (c:op(op, { c:op("Add", { linear(c, { a.input, a.w_ih, a.b_ih }, {}),
      linear(c, { a.hx, a.w_hh, a.b_hh }, {}) }) }))
  end)
end

return { ops = M }
