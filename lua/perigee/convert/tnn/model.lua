--- TNN's pair of files: NAME.tnnproto, lines of words between quotes, and NAME.tnnmodel, the weights
--- of layers one behind the other. https://github.com/Tencent/TNN, doc/en/development
local fail = require "perigee.convert.fail"

local M = {}

local V1, V2 = 0xFABC0002, 0xFABC0004

-- ---- structure --------------------------------------------------------------------------------

local function words_of(text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = word end
  return list
end

local function whole(word, what)
  local n = math.tointeger(tonumber(word))
  if not n then fail.format("%s: expected a whole number, got '%s'", what, tostring(word)) end
  return n
end

local dtypes = { [0] = "f32", "f16", "i8", "i32" }

local function read_inputs(text, version)
  local inputs = {}
  for part in (text .. ":"):gmatch "([^:]*):" do
    local w = words_of(part)
    if #w < 2 then fail.format("the line of inputs has '%s'", part:sub(1, 40)) end
    local input = { name = w[1], shape = {}, dtype = "f32" }
    local first, last = 2, #w
    if version == V2 then
      first, last = 3, 2 + whole(w[2], "rank of an input")
      input.dtype = last < #w and dtypes[whole(w[#w], "type of an input")] or "f32"
    end
    if last > #w then fail.format("input '%s': %d sizes are missing", w[1], last - #w) end
    for i = first, last do input.shape[#input.shape + 1] = whole(w[i], "size of an input") end
    inputs[#inputs + 1] = input
  end
  return inputs
end

local function read_layer(text)
  local w = words_of(text)
  if #w < 4 then fail.format("a layer is '%s'", text:sub(1, 40)) end
  local n_in, n_out = whole(w[3], w[2]), whole(w[4], w[2])
  if n_in < 0 or n_out < 0 or 4 + n_in + n_out > #w then
    fail.format("layer '%s': %d inputs and %d outputs don't fit its line", w[2], n_in, n_out)
  end
  local layer = { type = w[1], name = w[2], params = {} }
  layer.ins = table.move(w, 5, 4 + n_in, 1, {})
  layer.outs = table.move(w, 5 + n_in, 4 + n_in + n_out, 1, {})
  table.move(w, 5 + n_in + n_out, #w, 1, layer.params)
  return layer
end

---@param text string
function M.structure(text)
  local parts = {}
  for part in (text:gsub('["\r\n]', "") .. ","):gmatch "([^,]*)," do parts[#parts + 1] = part end
  if #parts < 6 then fail.format("%d lines, expected at least 6", #parts) end
  local version = whole(words_of(parts[1])[4] or "0", "version")
  if version ~= V1 and version ~= V2 then fail.format("version %d", version) end
  local model = { inputs = read_inputs(parts[2], version), outputs = words_of(parts[4]), layers = {} }
  for i = 6, #parts do
    if parts[i]:find "%S" then model.layers[#model.layers + 1] = read_layer(parts[i]) end
  end
  return model
end

-- ---- weights ----------------------------------------------------------------------------------

local Reader = {}
Reader.__index = Reader

function Reader:int()
  local x = self.bytes:i32(self.at)
  self.at = self.at + 4
  return x
end

function Reader:text()
  local n = self:int()
  if n < 0 or n > 4096 then fail.format("a name of %d letters at %d", n, self.at - 4) end
  local s = self.bytes:string(self.at, n)
  self.at = self.at + n
  return s
end

local widths = { [0] = 4, 2, 1, 4, 2, 8 }
local stored = { [0] = "f32", "f16", "i8", "i32", "bf16", "i64" }

--- A buffer as a tensor; nil where it is empty.
function Reader:raw()
  local version, kind, size = self:int() & 0xFFFFFFFF, self:int(), self:int()
  if size <= 0 then return nil end
  local dims
  if version == V2 then
    local rank = self:int()
    if rank < 0 or rank > 8 then fail.format("a buffer of rank %d at %d", rank, self.at - 4) end
    dims = {}
    for i = 1, rank do dims[i] = self:int() end
  end
  local width = widths[kind] or fail.format("a buffer of type %d at %d", kind, self.at)
  local n = size // width
  local product = 1
  for _, d in ipairs(dims or {}) do product = product * d end
  if not dims or #dims == 0 or product ~= n then dims = { n } end
  local t = self.bytes:tensor(stored[kind], dims, self.at)
  self.at = self.at + size
  return t.dtype == "f16" and t:cast "f32" or t
end

--- Where weights of int8 have their scales behind them: as floats.
local function scaled(reader, weight, rows)
  if not weight or weight.dtype ~= "i8" then return weight end
  local scale, zero = reader:raw(), nil
  if scale and scale.dtype == "i8" then
    zero, scale = scale, reader:raw()
  end
  if not scale or scale.count == 0 or weight.count % scale.count ~= 0 then
    fail.format("int8 weights without fitting scales")
  end
  local n = scale.count
  local wide = weight:cast "f32":reshape(n, weight.count // n)
  if zero and zero.count == n then wide = wide - zero:cast "f32":reshape(n, 1) end
  return (wide * scale:cast "f32":reshape(n, 1)):reshape(weight.count), rows
end

local function two(r)
  return { r:raw(), r:raw() }
end

--- What each layer keeps, by its type: how to read it, { tensors }.
local resources = {
  Convolution = function(r)
    r:text()
    local has_bias = r:int() ~= 0
    local weight = r:raw()
    local bias = has_bias and r:raw() or nil
    return { scaled(r, weight) or false, bias }
  end,
  InnerProduct = function(r)
    r:text()
    local weight, bias = r:raw(), r:raw()
    return { scaled(r, weight) or false, bias }
  end,
  BatchNormCxx = two, Scale = two, InstBatchNormCxx = two,
  PReLU = function(r)
    r:text()
    return { r:raw() }
  end,
  Const = function(r) return { r:raw() } end,
  ConstantOfShape = function(r) return { r:raw() } end,
}
resources.Convolution1D, resources.Convolution3D = resources.Convolution, resources.Convolution
resources.Deconvolution, resources.BatchNorm = resources.Convolution, two
resources.ConvolutionDepthwise, resources.InstanceNorm = resources.Convolution, two
resources.DeconvolutionDepthwise = resources.Convolution
for _, kind in ipairs { "Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "MatMul" } do
  resources[kind] = function(r) return { r:raw() } end
end

--- The layers' weights by name, and the constants of the file's end by value.
---@param bytes perigee.Bytes
function M.weights(bytes)
  local r = setmetatable({ bytes = bytes, at = 0 }, Reader)
  local head = bytes:u32(0)
  if head == V1 or head == V2 then r.at = 4 end
  local n, layers, constants = r:int(), {}, {}
  if n < 0 or n >= 10000 then fail.format("%d layers with weights", n) end
  for _ = 1, n do
    r:int()
    local kind, name = r:text(), r:text()
    local read = resources[kind] or fail.unsupported {
      { what = "weights of " .. kind, where = ("layer '%s'"):format(name) } }
    layers[name] = read(r)
  end
  if #bytes - r.at >= 8 then
    r:int()
    local m = r:int()
    if m < 0 or m > #bytes then fail.format("%d constants", m) end
    for _ = 1, m do
      local name = r:text()
      constants[name] = r:raw()
    end
  end
  return layers, constants
end

return M
