--- Sizes as expressions: "/(0w,2),*(0h,2),0c" is { w of input 0 / 2, h * 2, c }. Operators stand
--- before their operands, so tokens are read from behind with a stack. What is known is a number;
--- what isn't becomes nodes of the graph (i64).
local M = {}

local function trunc(x) return x < 0 and math.ceil(x) or math.floor(x) end

--- On numbers, integers and floats as Lua has them.
local known = {
  ["+"] = function(a, b) return a + b end,
  ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end,
  ["//"] = function(a, b) return b ~= 0 and a // b or nil end,
  max = math.max,
  min = math.min,
  pow = function(a, b) return (a + 0.0) ^ b end,
  fmod = function(a, b) return b ~= 0 and math.fmod(a, b) or nil end,
  remainder = function(a, b) return b ~= 0 and a % b or nil end,
  atan2 = function(a, b) return math.atan(a, b) end,
  ["and"] = function(a, b) return trunc(a) & trunc(b) end,
  ["or"] = function(a, b) return trunc(a) | trunc(b) end,
  xor = function(a, b) return trunc(a) ~ trunc(b) end,
  lshift = function(a, b) return trunc(a) << trunc(b) end,
  rshift = function(a, b) return trunc(a) >> trunc(b) end,
}

local known_one = {
  abs = math.abs,
  neg = function(a) return -a end,
  sign = function(a) return a > 0 and 1 or a < 0 and -1 or 0 end,
  square = function(a) return a * a end,
  trunc = trunc,
  ceil = math.ceil,
  floor = math.floor,
  round = function(a)
    local down = math.floor(a)
    local rest = a - down
    if rest == 0.5 then return down % 2 == 0 and down or down + 1 end
    return rest > 0.5 and down + 1 or down
  end,
  sqrt = function(a) return math.sqrt(a) end,
  rsqrt = function(a) return 1 / math.sqrt(a) end,
  reciprocal = function(a) return 1 / a end,
  exp = math.exp,
  log = math.log,
  log10 = function(a) return math.log(a, 10) end,
  sin = math.sin, cos = math.cos, tan = math.tan, asin = math.asin, acos = math.acos,
  atan = math.atan,
}

--- On sizes that the graph computes; divisions of sizes are exact or floored.
local computed = {
  ["+"] = "Add", ["-"] = "Sub", ["*"] = "Mul", ["/"] = "Div", ["//"] = "Div", max = "Max",
  min = "Min",
}
local passes_through = { trunc = true, ceil = true, floor = true, round = true }

local function as_value(c, x) return type(x) == "string" and x or c:i64 { trunc(x) } end

local function apply(c, word, a, b)
  if b == nil then
    if type(a) == "number" then return known_one[word](a) end
    if passes_through[word] then return a end
    if word == "neg" then return c:op("Neg", { a }) end
    if word == "abs" then return c:op("Abs", { a }) end
  elseif type(a) == "number" and type(b) == "number" then
    local x = known[word](a, b)
    if x then return x end
    c:fail("'%s' of %s and %s", word, tostring(a), tostring(b))
  elseif computed[word] then
    return c:op(computed[word], { as_value(c, a), as_value(c, b) })
  end
  c:fail("'%s' of sizes that only a run knows", word)
end

--- The list of an expression: whole numbers, or names of i64 [1] values.
---@param x string[] the layer's inputs
---@return (integer|string)[]
function M.list(c, text, x)
  local words, stack = {}, {}
  for word in text:gmatch "[^(),%s]+" do words[#words + 1] = word end
  if #words > 1000 then c:fail "an expression of more than 1000 words" end
  local function pop()
    if #stack == 0 then c:fail("expression '%s' lacks operands", text) end
    return table.remove(stack)
  end
  for i = #words, 1, -1 do
    local word = words[i]
    local blob, letter = word:match "^(%d)([whdcn])$"
    if blob then
      local value = x[tonumber(blob) + 1]
      if not value then c:fail("expression '%s': no input %s", text, blob) end
      stack[#stack + 1] = letter == "n" and 1 or c:size(value, letter)
    elseif known[word] then
      local a, b = pop(), pop()
      stack[#stack + 1] = apply(c, word, a, b)
    elseif known_one[word] then
      stack[#stack + 1] = apply(c, word, pop())
    else
      local number = tonumber(word)
      if not number then c:fail("expression '%s': what is '%s'?", text, word) end
      stack[#stack + 1] = number
    end
  end
  local list = {}
  for i = #stack, 1, -1 do
    local item = stack[i]
    list[#list + 1] = type(item) == "number" and trunc(item) or item
    if math.type(list[#list]) == "float" then c:fail("expression '%s' gives no number", text) end
  end
  return list
end

return M
