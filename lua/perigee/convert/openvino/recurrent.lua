--- LSTM, GRU and RNN: sequences and single steps. OpenVINO orders the gates of an LSTM f, i, c, o where
--- ONNX has i, o, f, c; both order a GRU's z, r, h.
local M = {}

--- Activations by gate; clipping.
local function attributes(c, L, default, directions)
  local list, alpha, beta = {}, c:floats(L, "activations_alpha", {}), c:floats(L, "activations_beta", {})
  local names = { sigmoid = "Sigmoid", tanh = "Tanh", relu = "Relu", hardsigmoid = "HardSigmoid",
    elu = "Elu", softsign = "Softsign", softplus = "Softplus", affine = "Affine" }
  local text = L.attrs.activations
  if not text or text == "" then text = default end
  for word in text:gmatch "[^,%s]+" do
    list[#list + 1] = names[word:lower()] or c:fail(L, "activation '%s'", word)
  end
  local n, all, alphas, betas = #list, {}, {}, {}
  for _ = 1, directions do
    for i = 1, n do all[#all + 1] = list[i] end
    table.move(alpha, 1, #alpha, #alphas + 1, alphas)
    table.move(beta, 1, #beta, #betas + 1, betas)
  end
  local clip = c:float(L, "clip", 0)
  local attrs = { activations = all, hidden_size = c:int(L, "hidden_size"), clip = clip > 0 and clip or nil }
  if #alphas > 0 then attrs.activation_alpha = alphas end
  if #betas > 0 then attrs.activation_beta = betas end
  if attrs.hidden_size < 1 then c:fail(L, "hidden_size %d", attrs.hidden_size) end
  return attrs
end

--- Blocks of rows of [directions, n H, ...] in another order; constants are reordered here.
local function reorder(c, order, x, h, t)
  if t and t.count <= 1 << 24 then
    local parts = {}
    for k, from in ipairs(order) do parts[k] = t:slice(2, from * h + 1, (from + 1) * h) end
    return c:constant(require("perigee.tensor").concat(parts, 2))
  end
  local parts = {}
  for k, from in ipairs(order) do parts[k] = c:slice(x, { 1 }, { from * h }, { (from + 1) * h }) end
  return (c:op("Concat", parts, { axis = 1 }))
end

local kinds = {
  LSTM = { gates = 4, order = { 1, 3, 0, 2 }, activations = "sigmoid,tanh,tanh", states = 2 },
  GRU = { gates = 3, activations = "sigmoid,tanh", states = 1 },
  RNN = { gates = 1, activations = "tanh", states = 1 },
}

--- W, R and both biases as ONNX wants them: [directions, ...]; `first` is W's input.
local function weights(c, L, kind, first, h, resets_after, is_cell)
  local out = {}
  for i = 0, 2 do
    local x, t = L.x[first + i], c:known(L, first + i)
    if x then
      if is_cell and t then
        t = t:unsqueeze(1)
        x = nil
      elseif is_cell then
        x = c:unsqueeze(x, { 0 })
      end
      if kind.order then
        x = reorder(c, kind.order, x, h, t)
      elseif not x then
        x = c:constant(t)
      end
      out[i + 1] = x
    end
  end
  if not out[3] then return out[1], out[2], "" end
  if resets_after then
    -- z, r, h of the input and h of the state: the state's z and r have none of their own.
    local whole = out[3]
    local zeros = c:op("Mul", { c:slice(whole, { 1 }, { 0 }, { 2 * h }), c:like(L, first + 2, 0) })
    return out[1], out[2], (c:op("Concat", { c:slice(whole, { 1 }, { 0 }, { 3 * h }), zeros,
      (c:slice(whole, { 1 }, { 3 * h }, { 4 * h })) }, { axis = 1 }))
  end
  local none = c:op("Mul", { out[3], c:like(L, first + 2, 0) })
  return out[1], out[2], (c:op("Concat", { out[3], none }, { axis = 1 }))
end

--- X [B, T, I], states [B, D, H], lengths [B]: Y [B, D, T, H] and the last states [B, D, H].
local function sequence(name)
  local kind = kinds[name]
  return function(c, L)
    local direction = c:word(L, "direction")
    local directions = direction == "bidirectional" and 2 or 1
    local attrs = attributes(c, L, kind.activations, directions)
    attrs.direction = direction
    local after = c:bool(L, "linear_before_reset", false)
    if name == "GRU" and after then attrs.linear_before_reset = 1 end
    local lengths = c:cast(c:x(L, 2 + kind.states), c:type_of(L, 2 + kind.states), "i32")
    local W, R, B = weights(c, L, kind, 3 + kind.states, attrs.hidden_size, after and name == "GRU")
    local inputs = { c:transpose(c:x(L, 1), { 1, 0, 2 }), W, R, B, lengths }
    for i = 1, kind.states do inputs[5 + i] = c:transpose(c:x(L, 1 + i), { 1, 0, 2 }) end
    local outs = { c:op(name, inputs, attrs, 1 + kind.states) }
    local results = { c:transpose(outs[1], { 2, 1, 0, 3 }) }
    for i = 1, kind.states do results[1 + i] = c:transpose(outs[1 + i], { 1, 0, 2 }) end
    return table.unpack(results)
  end
end

--- One step: X [B, I], states [B, H].
local function cell(name)
  local kind = kinds[name]
  return function(c, L)
    local attrs = attributes(c, L, kind.activations, 1)
    local after = c:bool(L, "linear_before_reset", false)
    if name == "GRU" and after then attrs.linear_before_reset = 1 end
    local W, R, B = weights(c, L, kind, 2 + kind.states, attrs.hidden_size, after and name == "GRU", true)
    local inputs = { c:unsqueeze(c:x(L, 1), { 0 }), W, R, B, "" }
    for i = 1, kind.states do inputs[5 + i] = c:unsqueeze(c:x(L, 1 + i), { 0 }) end
    local outs = { c:op(name, inputs, attrs, 1 + kind.states) }
    local results = {}
    for i = 1, kind.states do results[i] = c:squeeze(outs[1 + i], { 0 }) end
    return table.unpack(results)
  end
end

for name in pairs(kinds) do
  M[name .. "Sequence"], M[name .. "Cell"] = sequence(name), cell(name)
end

return M
