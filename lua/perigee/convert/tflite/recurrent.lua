--- Recurrent networks with fused cells: LSTM, RNN, SVDF, over sequences and in both directions.
---
--- A state is a variable of the file that starts at zero (its bytes, where the file has some); the
--- graph is one call, so it neither takes nor gives states. The products with the input are made
--- for all steps at once, the rest by Scan.
local builder = require "perigee.convert.builder"
local quant = require "perigee.convert.tflite.quant"

local M = {}

local EPSILON = 1e-8 -- of layer normalisation, kLayerNormEpsilon

--- x * W^T; 8-bit weights quantise the rows of x on the fly.
local function product(s, b, x, rank, node, i, asymmetric)
  local t = s:need(node, i)
  local w = s:x(node, i)
  if t.is_integer then
    x = b:op("RequantizeRows", { x }, { axes = rank - 1, asymmetric = asymmetric and 1 or 0 }, nil,
      { domain = "perigee.tflite" })
  end
  local key = "transposed " .. w
  s.transposed = s.transposed or {}
  local wt = s.transposed[key]
  if not wt then
    wt = s.b:transpose(quant.dequantize_weights(s, w, t), { 1, 0 })
    s.transposed[key] = wt
  end
  return b:op("MatMul", { x, wt })
end

--- A vector of f32 that an input holds, whatever its type; nil where it is omitted.
local function vector(s, node, i)
  local t = s:t(node, i)
  return t and quant.dequantize_weights(s, s:x(node, i), t) or nil
end

local function activation(s, b, x, kind)
  if kind == 0 then return x end
  if kind == 1 then return b:op("Relu", { x }) end
  if kind == 2 then return b:clip(x, -1, 1) end
  if kind == 3 then return b:clip(x, 0, 6) end
  if kind == 4 then return b:op("Tanh", { x }) end
  s:unsupported(("fused activation %d"):format(kind))
  return x
end

--- The graph of one step: its builder, the names of the states and of the step's inputs.
local function step_graph(s, n_states, n_inputs)
  local b = builder.new(nil, s.b.graph:subgraph(s.b:unique "step"))
  b.taken, b.missing = s.b.taken, s.b.missing
  local states, inputs = {}, {}
  for i = 1, n_states do states[i] = b:input(b:unique "state", "f32") end
  for i = 1, n_inputs do inputs[i] = b:input(b:unique "at", "f32") end
  return b, states, inputs
end

--- Runs a step over axis `time` of the inputs: the outputs of all steps.
local function scan(s, b, starts, inputs, states, output, time, is_backward)
  for _, state in ipairs(states) do b:output(b:identity(state)) end
  b:output(b:identity(output))
  local list, axes, directions = {}, {}, {}
  for _, v in ipairs(starts) do list[#list + 1] = v end
  for i, v in ipairs(inputs) do
    list[#list + 1] = v
    axes[i], directions[i] = time, is_backward and 1 or 0
  end
  local results = { s.b:op("Scan", list, { body = b.graph, num_scan_inputs = #inputs,
    scan_input_axes = axes,
    scan_input_directions = directions, scan_output_axes = { time },
    scan_output_directions = { is_backward and 1 or 0 } }, #starts + 1) }
  return results[#results]
end

-- ---- LSTM
-- -----------------------------------------------------------------------------------------

--- Where the inputs of an LSTM are: 0-based places as the schema of the operator counts.
local function lstm_places(weights, states, norm)
  return { w = weights, r = weights + 4, p = weights + 8, b = weights + 11,
    projection = weights + 15,
    projection_bias = weights + 16, h = states, c = states + 1, norm = norm }
end

local function place(node, i) return i and node.inputs[i + 1] and node.inputs[i + 1] >= 0 end

--- (x - mean) / deviation * coefficients
local function normalised(b, x, coefficients)
  local mean = b:op("ReduceMean", { x, b:i64 { -1 } }, { keepdims = 1 })
  local d = b:op("Sub", { x, mean })
  local variance = b:op("ReduceMean", { b:op("Mul", { d, d }), b:i64 { -1 } }, { keepdims = 1 })
  local root = b:op("Sqrt", { b:op("Add", { variance, b:constant(EPSILON, "f32") }) })
  return b:op("Mul", { b:op("Div", { d, root }), coefficients })
end

--- One direction of an LSTM over x [.., .., n] whose axis `time` is the sequence.
---@param o { cell_clip: number, proj_clip: number, activation: integer, asymmetric: boolean }
local function lstm(s, node, x, at, o, time, is_backward, aux)
  local outer, gates, step_inputs = s.b, {}, {}
  for g = 0, 3 do -- input, forget, cell, output
    if place(node, at.w + g) then
      local y = product(s, outer, x, 3, node, at.w + g + 1, o.asymmetric)
      if aux and place(node, aux.w + g) then
        y = outer:op("Add", { y, product(s, outer, aux.x, 3, node, aux.w + g + 1, o.asymmetric) })
      end
      local bias = vector(s, node, at.b + g + 1)
      local norm = at.norm and vector(s, node, at.norm + g + 1) or nil
      if bias and not norm then y = outer:op("Add", { y, bias }) end
      step_inputs[#step_inputs + 1] = y
      gates[g] = { input = #step_inputs, bias = bias, norm = norm,
        peephole = g ~= 2 and vector(s, node, at.p + (g == 3 and 2 or g) + 1) or nil }
    end
  end
  if not gates[1] or not gates[2] or not gates[3] then s:bad "weights are missing" end
  local b, states, inputs = step_graph(s, 2, #step_inputs)
  local h, c = states[1], states[2]
  local function gate(g, cell)
    local y = b:op("Add", { inputs[gates[g].input], product(s, b, h, 2, node, at.r + g + 1,
      o.asymmetric) })
    if gates[g].peephole then y = b:op("Add", { y, b:op("Mul", { cell, gates[g].peephole }) }) end
    if gates[g].norm then
      y = normalised(b, y, gates[g].norm)
      if gates[g].bias then y = b:op("Add", { y, gates[g].bias }) end
    end
    return g == 2 and activation(s, b, y, o.activation) or b:op("Sigmoid", { y })
  end
  local forget = gate(1, c)
  local input = gates[0] and gate(0, c) or b:op("Sub", { b:constant(1.0, "f32"), forget })
  local cell = b:op("Add", { b:op("Mul", { forget, c }), b:op("Mul", { input, gate(2, c) }) })
  if o.cell_clip > 0 then cell = b:clip(cell, -o.cell_clip, o.cell_clip) end
  local y = b:op("Mul", { gate(3, cell), activation(s, b, cell, o.activation) })
  if place(node, at.projection) then
    y = product(s, b, y, 2, node, at.projection + 1, o.asymmetric)
    local bias = vector(s, node, at.projection_bias + 1)
    if bias then y = b:op("Add", { y, bias }) end
    if o.proj_clip > 0 then y = b:clip(y, -o.proj_clip, o.proj_clip) end
  end
  return scan(s, b, { s:x(node, at.h + 1), s:x(node, at.c + 1) }, step_inputs, { y, cell }, y,
    time, is_backward)
end

local function lstm_options(node)
  local o = node.o
  return { cell_clip = o.cell_clip, proj_clip = o.proj_clip,
    activation = o.fused_activation_function,
    asymmetric = o.asymmetric_quantize_inputs == true }
end

local function only_reals(s, node)
  local t = s:need(node, 1)
  if t.dtype == "f32" then return true end
  s:unsupported(node.type .. " of " .. t.dtype, "convert with float activations")
  return false
end

function M.UNIDIRECTIONAL_SEQUENCE_LSTM(s, node)
  if not only_reals(s, node) then return end
  if node.o.diagonal_recurrent_tensors == true then
    return s:unsupported "UNIDIRECTIONAL_SEQUENCE_LSTM with diagonal recurrent tensors"
  end
  s:set(node, 1, lstm(s, node, s:x(node, 1), lstm_places(1, 18, 20), lstm_options(node),
    node.o.time_major == true and 0 or 1))
end

local function merge_directions(s, node, forward, backward)
  if node.o.merge_outputs == true then
    return s:set(node, 1, s.b:op("Concat", { forward, backward }, { axis = -1 }))
  end
  s:set(node, 1, forward)
  s:set(node, 2, backward)
end

function M.BIDIRECTIONAL_SEQUENCE_LSTM(s, node)
  if not only_reals(s, node) then return end
  local time, o = node.o.time_major == true and 0 or 1, lstm_options(node)
  local x = s:x(node, 1)
  local aux = place(node, 39) and s:x(node, 40)
  -- With auxiliary weights the second input goes beside the first; without, the backward cell
  -- reads it.
  local has_weights = aux and place(node, 41)
  local forward = lstm(s, node, x, lstm_places(1, 35), o, time, false, has_weights
    and { x = aux, w = 40 })
  local backward = lstm(s, node, aux and not has_weights and aux or x, lstm_places(18, 37), o,
    time, true,
    has_weights and { x = aux, w = 44 })
  merge_directions(s, node, forward, backward)
end

--- The basic kernel: one matrix for [x, h], whose gates are input, cell, forget, output.
local function basic_lstm(s, node)
  local b = s.b
  local wt = s:need(node, 3)
  if not only_reals(s, node) then return end
  local x = b:op("Concat", { s:x(node, 1), s:x(node, 2) }, { axis = -1 })
  local sums = b:op("Gemm", { x, quant.dequantize_weights(s, s:x(node, 3), wt), s:x(node, 4) },
    { transB = 1 })
  local i, g, f, o = b:op("Split", { sums }, { axis = -1, num_outputs = 4 }, 4)
  local cell = b:op("Add", { b:op("Mul", { b:op("Sigmoid", { i }), b:op("Tanh", { g }) }),
    b:op("Mul", { b:op("Sigmoid", { f }), s:x(node, 5) }) })
  s:set(node, 1, b:op("Mul", { b:op("Sigmoid", { o }), b:op("Tanh", { cell }) }))
  s:set(node, 2, cell)
  if node.outputs[3] then s:set(node, 3, x) end
  if node.outputs[4] then s:set(node, 4, sums) end
end

function M.LSTM(s, node)
  if node.o.kernel_type == 1 then return basic_lstm(s, node) end
  if not only_reals(s, node) then return end
  local at = lstm_places(1, 18, 20)
  local b = s.b
  local x = b:op("Unsqueeze", { s:x(node, 1), b:i64 { 0 } })
  local y = lstm(s, node, x, at, lstm_options(node), 0)
  s:set(node, 1, b:op("Squeeze", { y, b:i64 { 0 } }))
end

-- ---- RNN
-- ------------------------------------------------------------------------------------------

local function rnn(s, node, x, at, time, is_backward, aux)
  local asymmetric = node.o.asymmetric_quantize_inputs == true
  local y = s.b:op("Add", { product(s, s.b, x, 3, node, at + 1, asymmetric),
    vector(s, node, at + 3) })
  if aux then y = s.b:op("Add", { y, product(s, s.b, aux.x, 3, node, aux.w + 1, asymmetric) }) end
  local b, states, inputs = step_graph(s, 1, 1)
  local h = b:op("Add", { inputs[1], product(s, b, states[1], 2, node, at + 2, asymmetric) })
  h = activation(s, b, h, node.o.fused_activation_function)
  return scan(s, b, { s:x(node, at + 4) }, { y }, { h }, h, time, is_backward)
end

function M.UNIDIRECTIONAL_SEQUENCE_RNN(s, node)
  if not only_reals(s, node) then return end
  s:set(node, 1, rnn(s, node, s:x(node, 1), 1, node.o.time_major == true and 0 or 1))
end

function M.RNN(s, node)
  if not only_reals(s, node) then return end
  local b = s.b
  local x = b:op("Unsqueeze", { s:x(node, 1), b:i64 { 0 } })
  s:set(node, 1, b:op("Squeeze", { rnn(s, node, x, 1, 0), b:i64 { 0 } }))
end

function M.BIDIRECTIONAL_SEQUENCE_RNN(s, node)
  if not only_reals(s, node) then return end
  local time = node.o.time_major == true and 0 or 1
  local x, aux = s:x(node, 1), place(node, 9) and s:x(node, 10)
  local has_weights = aux and place(node, 10)
  local forward = rnn(s, node, x, 1, time, false, has_weights and { x = aux, w = 10 })
  local backward = rnn(s, node, aux and not has_weights and aux or x, 5, time, true,
    has_weights and { x = aux, w = 11 })
  merge_directions(s, node, forward, backward)
end

-- ---- SVDF
-- -----------------------------------------------------------------------------------------

--- [batch, filters * memory] without its oldest column, then the new features.
local function remember(s, node, feature, memory, filters)
  local b = s.b
  local state = b:reshape(s:x(node, 5), { -1, filters, memory })
  local kept = b:slice(state, { 2 }, { 1 }, { math.maxinteger })
  return b:op("Concat", { kept, b:op("Unsqueeze", { feature, b:i64 { 2 } }) }, { axis = 2 })
end

local function integer_svdf(s, node, filters, memory, rank)
  local b, out = s.b, s:out_t(node)
  local x, w, time, state = s:need(node, 1), s:need(node, 2), s:need(node, 3), s:need(node, 5)
  local function without_zero(i, t)
    local y = quant.cast(s, s:x(node, i), "i32")
    return t.zero ~= 0 and b:op("Sub", { y, b:constant(t.zero, "i32") }) or y
  end
  local dot = b:op("MatMul", { without_zero(1, x), b:transpose(without_zero(2, w), { 1, 0 }) })
  local low, high = state:limits()
  local feature = quant.rescale_by(s, dot, x.scale * w.scale / state.scale,
    { low = low, high = high, to = state.dtype })
  local all = quant.cast(s, remember(s, node, feature, memory, filters), "i32")
  local weighted = b:op("Mul", { all, quant.cast(s, s:x(node, 3), "i32") })
  local sum = b:op("ReduceSum", { weighted, b:i64 { 2 } }, { keepdims = 0 })
  sum = b:op("ReduceSum", { b:reshape(sum, { -1, filters // rank, rank }), b:i64 { 2 } },
    { keepdims = 0 })
  if s:t(node, 4) then sum = b:op("Add", { sum, s:x(node, 4) }) end
  local least, most = out:limits()
  s:set(node, 1, quant.rescale_by(s, sum, state.scale * time.scale / out.scale,
    { zero = out.zero, low = least, high = most, to = out.dtype }))
end

function M.SVDF(s, node)
  local o, b = node.o, s.b
  local wt, tt = s:need(node, 2), s:need(node, 3)
  local filters, memory, rank = wt.shape[1], tt.shape[2], o.rank
  if rank < 1 or filters % rank ~= 0 or memory < 1 then s:bad("rank %d of %d filters", rank,
    filters) end
  if s:need(node, 1).is_quantized then
    return integer_svdf(s, node, filters, memory, rank)
  end
  local feature = product(s, b, s:x(node, 1), 2, node, 2, o.asymmetric_quantize_inputs == true)
  local all = remember(s, node, feature, memory, filters)
  local weighted = b:op("Mul", { all, vector(s, node, 3) })
  local sum = b:op("ReduceSum", { weighted, b:i64 { 2 } }, { keepdims = 0 })
  sum = b:op("ReduceSum", { b:reshape(sum, { -1, filters // rank, rank }), b:i64 { 2 } },
    { keepdims = 0 })
  if s:t(node, 4) then sum = b:op("Add", { sum, s:x(node, 4) }) end
  s:set(node, 1, quant.activate(s, sum, o.fused_activation_function))
end

return M
