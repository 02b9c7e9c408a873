--- RNN, LSTM and GRU over [T, F] sequences. States are [directions, size], given and handed back
--- where the layer has more than one input or output.
local tensor = require "perigee.tensor"

local M = {}

local directions = { [0] = "forward", "reverse", "bidirectional" }

--- ncnn's gates in ONNX's order: LSTM's IFOG to IOFG, GRU's RUN to URN.
local gate_order = { RNN = { 1 }, LSTM = { 1, 3, 2, 4 }, GRU = { 2, 1, 3 } }

--- [D, gates * H, N] with its gates in ONNX's order.
local function reordered(t, order, hidden)
  if #order == 1 then return t end
  local d, n = t.shape[1], t.shape[3]
  local at = {}
  for i, gate in ipairs(order) do at[i] = gate end
  return t:reshape(d, #order, hidden, n):gather(at, 2):reshape(d, #order * hidden, n)
end

--- int8 weights have a scale for each row.
local function dequantised(t, scales)
  local f = t:cast "f32"
  return f / scales:reshape(scales.shape[1], scales.shape[2], 1)
end

local function load_weights(c, L, kind, hidden, n_out)
  local p, gates = L.params, #gate_order[kind]
  local d = p:int(2, 0) == 2 and 2 or 1
  local count, term = p:int(1, 0), p:int(8, 0)
  local rows = gates * hidden
  if hidden <= 0 or n_out <= 0 or count <= 0 or count % (d * rows) ~= 0 then
    c:fail("%d weights for %d outputs", count, n_out)
  end
  local n_in = count // (d * rows)
  local hint = term ~= 0 and "i8" or nil
  local w = {}
  w.x = c:load({ d, rows, n_in }, 0, hint)
  w.bias = c:load_f32({ d, kind == "GRU" and 4 or gates, hidden }, 0)
  w.h = c:load({ d, rows, n_out }, 0, hint)
  if kind == "LSTM" and n_out ~= hidden then w.project = c:load_f32({ d, n_out, hidden }, 0) end
  if term ~= 0 then
    w.x = dequantised(w.x, c:load({ d, rows }, 1, "weight scale"))
    w.h = dequantised(w.h, c:load({ d, rows }, 1, "weight scale"))
  end
  w.x, w.h = w.x:cast "f32", w.h:cast "f32"
  return w, d
end

--- ONNX has biases of inputs and of states: ncnn adds them up, except for GRU's last gate.
local function onnx_bias(kind, bias, hidden)
  local d = bias.shape[1]
  if kind == "GRU" then
    local zero = tensor.zeros { d, 2 * hidden }
    local flat = bias:reshape(d, 4 * hidden)
    local first = reordered(bias:slice(2, 1, 3):contiguous():reshape(d, 3 * hidden, 1), { 2, 1, 3 },
      hidden):reshape(d, 3 * hidden)
    return tensor.concat({ first, zero, flat:slice(2, 3 * hidden + 1, 4 * hidden) }, 2)
  end
  local order = gate_order[kind]
  local flat = reordered(bias:reshape(d, #order * hidden, 1), order, hidden)
    :reshape(d, #order * hidden)
  return tensor.concat({ flat, tensor.zeros(flat.shape) }, 2)
end

local function recurrent(kind)
  return function(c, L)
    local p, x = L.params, L.x[1]
    local n_out = p:int(0, 0)
    local hidden = kind == "LSTM" and p:int(3, n_out) or n_out
    local direction = directions[p:int(2, 0)]
    if not direction then c:fail("direction %d", p:int(2, 0)) end
    local w, d = load_weights(c, L, kind, hidden, n_out)
    if w.project then return M.projected(c, L, w, d, hidden, n_out) end
    local order = gate_order[kind]
    local sequence = c:transpose(x, { 1, 0, 2 })
    local inputs = { sequence, c:constant(reordered(w.x, order, hidden)),
      c:constant(reordered(w.h, order, hidden)), c:constant(onnx_bias(kind, w.bias, hidden)), "" }
    for i = 2, #L.x do inputs[4 + i] = c:transpose(L.x[i], { 1, 0, 2 }) end
    local attrs = { hidden_size = hidden, direction = direction }
    if kind == "GRU" then attrs.linear_before_reset = 1 end
    local results = { c:op(kind, inputs, attrs, kind == "LSTM" and 3 or 2) }
    -- [T, D, 1, H] to [1, T, D * H]
    local y = c:reshape(c:transpose(results[1], { 2, 0, 1, 3 }), { 1, c:size(x, "h"), d * hidden })
    local outs = { y }
    for i = 2, #results do outs[i] = c:transpose(results[i], { 1, 0, 2 }) end
    return outs
  end
end

--- One direction of an LSTM whose state is projected to fewer numbers: ONNX has none, so a Scan
--- takes the steps.
local function scan_projected(c, x, w, d, is_reverse, h0, c0)
  local function row(t) return c:constant(t:select(1, d):contiguous()) end
  local shape = w.project.shape
  local n_out, hidden = shape[2], shape[3]
  local wx, wh, wr = row(w.x), row(w.h), row(w.project)
  local bias = c:constant(w.bias:select(1, d):contiguous():reshape(4 * hidden))
  local input_size = w.x.shape[3]
  local steps = c:squeeze(x, { 0 })
  local b = c.b
  local names = {}
  for _, wish in ipairs { "h", "c", "x", "h_next", "c_next", "y" } do names[wish] = b:unique(wish) end
  local function body(g)
    g:add_input(names.h, "f32", { 1, n_out })
    g:add_input(names.c, "f32", { 1, hidden })
    g:add_input(names.x, "f32", { input_size })
    local function op(type, inputs, attrs, outputs)
      outputs = outputs or { b:unique(type:lower()) }
      g:add(type, inputs, outputs, attrs)
      return table.unpack(outputs)
    end
    local axis = c:i64 { 0 }
    local from_x = op("Gemm", { op("Unsqueeze", { names.x, axis }), wx, bias }, { transB = 1 })
    local gates = op("Add", { from_x, op("Gemm", { names.h, wh }, { transB = 1 }) })
    local i, f, o, z = op("Split", { gates }, { axis = 1, num_outputs = 4 },
      { b:unique "i", b:unique "f", b:unique "o", b:unique "g" })
    local kept = op("Mul", { op("Sigmoid", { f }), names.c })
    local new = op("Mul", { op("Sigmoid", { i }), op("Tanh", { z }) })
    op("Add", { kept, new }, nil, { names.c_next })
    local state = op("Mul", { op("Sigmoid", { o }), op("Tanh", { names.c_next }) })
    op("Gemm", { state, wr }, { transB = 1 }, { names.h_next })
    op("Squeeze", { names.h_next, axis }, nil, { names.y })
    g:add_output(names.h_next)
    g:add_output(names.c_next)
    g:add_output(names.y)
  end
  local way = is_reverse and 1 or 0
  return c:op("Scan", { h0, c0, steps }, { num_scan_inputs = 1, body = body,
    scan_input_directions = { way }, scan_output_directions = { way } }, 3)
end

function M.projected(c, L, w, d, hidden, n_out)
  local x, ys, hs, cs = L.x[1], {}, {}, {}
  local first_is_reverse = L.params:int(2, 0) == 1
  for i = 1, d do
    local h0, c0
    if L.x[3] then
      h0 = c:slice(c:squeeze(L.x[2], { 0 }), { 0 }, { i - 1 }, { i })
      c0 = c:slice(c:squeeze(L.x[3], { 0 }), { 0 }, { i - 1 }, { i })
    else
      h0, c0 = c:constant(tensor.zeros { 1, n_out }), c:constant(tensor.zeros { 1, hidden })
    end
    hs[i], cs[i], ys[i] = scan_projected(c, x, w, i, first_is_reverse or i == 2, h0, c0)
  end
  local function joined(list, axis)
    return c:unsqueeze(#list == 1 and list[1] or c:op("Concat", list, { axis = axis }), { 0 })
  end
  return { joined(ys, 1), joined(hs, 0), joined(cs, 0) }
end

return { RNN = recurrent "RNN", LSTM = recurrent "LSTM", GRU = recurrent "GRU" }
