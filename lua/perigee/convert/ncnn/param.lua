--- ncnn's structure files: the text form (.param) and the binary one (.param.bin).
--- https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
---
--- A layer is { type, name, ins, outs, params }. Its parameters are numbered; text tells integers
--- and floats apart, the binary form doesn't, so they are asked for by kind: p:int(0, default),
--- p:float, p:ints, p:floats, p:text.
local fail = require "perigee.convert.fail"
local types = require "perigee.convert.ncnn.types"

local M = { MAGIC = 7767517 }

local MOST_LAYERS, MOST_IDS, MOST_ELEMENTS = 1 << 20, 32, 1 << 16
local END = -233 -- of a layer's parameters in the binary form

-- ---- parameters -------------------------------------------------------------------------------

---@class perigee.ncnn.Params
local Params = {}
Params.__index = Params

local function bits_to_float(x) return (string.unpack("<f", string.pack("<i4", x))) end

local function to_int(x, is_raw)
  if is_raw then return x end
  return math.tointeger(x) or math.tointeger(x < 0 and math.ceil(x) or math.floor(x)) or 0
end

--- Whole numbers in text that are too large for what is meant are a float's bits, as ncnn takes
--- them: "-23305=1,1077936128" is { 3.0 }.
local function to_float(x, is_raw)
  if is_raw or math.type(x) == "integer" and (x >= 1 << 23 or x <= -1 << 23) then
    return bits_to_float((x + 0x80000000) % 0x100000000 - 0x80000000)
  end
  return x + 0.0
end

local function one(self, id, default, convert)
  local x = self.values[id]
  if type(x) == "table" then x = x[1] end
  if type(x) ~= "number" then return default end
  return convert(x, self.is_raw)
end

function Params:int(id, default) return one(self, id, default, to_int) end
function Params:float(id, default) return one(self, id, default, to_float) end

function Params:text(id)
  local x = self.values[id]
  return type(x) == "string" and x ~= "" and x or nil
end

local function many(self, id, convert)
  local x, list = self.values[id], {}
  if type(x) == "number" then x = { x } end
  if type(x) ~= "table" then return list end
  for i, element in ipairs(x) do list[i] = convert(element, self.is_raw) end
  return list
end

function Params:ints(id) return many(self, id, to_int) end
function Params:floats(id) return many(self, id, to_float) end
function Params:has(id) return self.values[id] ~= nil end

local function new_params(is_raw)
  return setmetatable({ values = {}, is_raw = is_raw }, Params)
end

-- ---- text -------------------------------------------------------------------------------------

local function check_id(id, where)
  if id < 0 or id >= MOST_IDS then
    fail.format("%s: expected parameters 0 to %d, got %d", where, MOST_IDS - 1, id)
  end
  return id
end

local function number(word, where)
  local x = tonumber(word)
  if not x then fail.format("%s: expected a number, got '%s'", where, word:sub(1, 20)) end
  return x
end

local function list_of(word, where)
  local list = {}
  for item in word:gmatch "[^,]+" do list[#list + 1] = number(item, where) end
  return list
end

--- 0=64 1=3 -23310=2,0.0,6.0 9=1,2,3 6="..." up to the end of the line
local function text_params(line, at, where)
  local params = new_params(false)
  while true do
    local _, behind, id = line:find("^%s*(-?%d+)=", at)
    if not behind then break end
    id = math.tointeger(tonumber(id)) or END
    local word
    if line:sub(behind + 1, behind + 1) == '"' then
      _, at, word = line:find('^"([^"]*)"?', behind + 1)
      params.values[check_id(id, where)] = word
    else
      _, at, word = line:find("^(%S*)", behind + 1)
      if id <= -23300 then
        local list = list_of(word, where)
        local n = table.remove(list, 1)
        if n ~= #list then
          fail.format("%s: an array of %s has %d elements", where, tostring(n), #list)
        end
        params.values[check_id(-id - 23300, where)] = list
      elseif word:find "^%a" and not word:find "^[in][nf]" then
        params.values[check_id(id, where)] = word
      elseif word:find "^[*/+]" or word:find "^%-[,(]" or word:find "%(" or word:find "^%d[whdcn]" then
        params.values[check_id(id, where)] = word
      elseif word:find(",", 1, true) then
        params.values[check_id(id, where)] = list_of(word, where)
      else
        params.values[check_id(id, where)] = number(word, where)
      end
    end
    at = at + 1
  end
  local rest = line:match("^%s*(%S+)", at)
  if rest then fail.format("%s: expected a parameter, got '%s'", where, rest:sub(1, 20)) end
  return params
end

local function text_layer(line, where)
  local words, at = {}, 1
  local function word()
    local first, last, w = line:find("^%s*(%S+)", at)
    if not first then fail.format("%s: the line ends early", where) end
    at = last + 1
    return w
  end
  local function count()
    local w = word()
    local n = math.tointeger(tonumber(w))
    if not n or n < 0 or n > #line then
      fail.format("%s: expected how many blobs there are, got '%s'", where, w:sub(1, 20))
    end
    return n
  end
  words.type, words.name = word(), word()
  local n_in, n_out = count(), count()
  local layer = { type = words.type, name = words.name, ins = {}, outs = {} }
  for i = 1, n_in do layer.ins[i] = word() end
  for i = 1, n_out do layer.outs[i] = word() end
  layer.params = text_params(line, at, ("%s, layer '%s'"):format(where, layer.name))
  return layer
end

local function read_text(bytes)
  local layers, n, declared = {}, 0, nil
  for line in (bytes:string():gsub("\r", "") .. "\n"):gmatch "([^\n]*)\n" do
    n = n + 1
    if n == 2 then
      declared = math.tointeger(tonumber(line:match "^%s*(%d+)%s+%d+%s*$"))
      if not declared then
        fail.format("line 2: expected the number of layers and of blobs, got '%s'", line:sub(1, 40))
      end
    elseif n > 2 and line:find "%S" and #layers < declared then
      layers[#layers + 1] = text_layer(line, "line " .. n)
    end
  end
  if #layers ~= declared then
    fail.format("line 2 tells of %s layers, there are %d", tostring(declared), #layers)
  end
  return layers
end

-- ---- binary -----------------------------------------------------------------------------------

local function binary_reader(bytes)
  local at = 4
  local r = {}
  function r.i32()
    local x = bytes:i32(at)
    at = at + 4
    return x
  end
  function r.count(what, most)
    local n = r.i32()
    if n < 0 or n > most or n * 4 > #bytes then fail.format("%d %s at %d", n, what, at - 4) end
    return n
  end
  function r.text(n)
    local s = bytes:string(at, n)
    at = at + (n + 3) // 4 * 4
    return (s:gsub("%z.*", ""))
  end
  return r
end

local function binary_params(r, where)
  local params = new_params(true)
  local id = r.i32()
  while id ~= END do
    if id <= -23400 then
      params.values[check_id(-id - 23400, where)] = r.text(r.count("letters", 255))
    elseif id <= -23300 then
      local list = {}
      for i = 1, r.count("elements", MOST_ELEMENTS) do list[i] = r.i32() end
      params.values[check_id(-id - 23300, where)] = list
    else
      params.values[check_id(id, where)] = r.i32()
    end
    id = r.i32()
  end
  return params
end

local function read_binary(bytes)
  local r, layers = binary_reader(bytes), {}
  local n_layers = r.count("layers", MOST_LAYERS)
  local n_blobs = r.count("blobs", MOST_LAYERS)
  local function blobs(n)
    local list = {}
    for i = 1, n do
      local index = r.i32()
      if index < 0 or index >= n_blobs then fail.format("blob %d of %d", index, n_blobs) end
      list[i] = ("blob_%d"):format(index)
    end
    return list
  end
  for i = 1, n_layers do
    local index = r.i32()
    local kind = types[index + 1] or ("type %d"):format(index)
    local n_in = r.count("inputs", MOST_LAYERS)
    local n_out = r.count("outputs", MOST_LAYERS)
    local layer = { type = kind, name = ("%s_%d"):format(kind:lower(), i - 1) }
    layer.ins, layer.outs = blobs(n_in), blobs(n_out)
    layer.params = binary_params(r, ("layer %d"):format(i - 1))
    layers[i] = layer
  end
  return layers
end

-- ---- both -------------------------------------------------------------------------------------

--- "text", "binary", or nil: not ncnn's.
function M.form(bytes)
  local n = math.min(#bytes, 64)
  local head = bytes:string(0, n)
  if head:find "^%s*7767517%s+%d+%s+%d+%s" then return "text" end
  if n >= 16 and bytes:i32(0) == M.MAGIC and bytes:i32(4) > 0 and bytes:i32(4) < MOST_LAYERS then
    return "binary"
  end
end

---@return table[] layers
function M.read(bytes)
  return M.form(bytes) == "text" and read_text(bytes) or read_binary(bytes)
end

return M
