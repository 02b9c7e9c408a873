--- ONNX's text form into a Model message: a recursive descent over onnx/docs/Syntax.md.
---
--- One rule a function, named as there. A fault is thrown with line and column and caught in
--- `parse`.
--- Beyond the reference parser lists of tensors, graphs and types are read, not dropped.
local message = require "perigee.onnx.message"

local DEEPEST = 64 -- graphs or types in one another
local MOST_ELEMENTS = 100000000

local Parser = {}
Parser.__index = Parser

local Fault = {} -- metatable of what is thrown

-- ---- characters ---------------------------------------------------------------------------------

function Parser:fail(format, ...)
  local before = self.text:sub(1, self.at - 1)
  local _, line = before:gsub("\n", "")
  local column = self.at - (before:match ".*\n()" or 1) + 1
  local place = ("%d:%d: "):format(line + 1, column)
  error(setmetatable({ message = place .. format:format(...) }, Fault), 0)
end

--- What stands here, for messages.
function Parser:here()
  self:skip()
  local word = self.text:match("^[%w_.]+", self.at) or self.text:match("^[^\n]", self.at)
  return word and "'" .. word:sub(1, 40) .. "'" or "the end"
end

--- Spaces, and comments from # to the end of the line.
function Parser:skip()
  local at = self.at
  repeat
    at = self.text:find("[^ \t\n\v\f\r]", at) or #self.text + 1
    local is_comment = self.text:byte(at) == 35
    if is_comment then at = self.text:find("\n", at, true) or #self.text + 1 end
  until not is_comment
  self.at = at
end

function Parser:peek()
  self:skip()
  return self.text:sub(self.at, self.at)
end

function Parser:accept(char)
  if self:peek() ~= char then return false end
  self.at = self.at + 1
  return true
end

function Parser:expect(char)
  if not self:accept(char) then self:fail("expected '%s', got %s", char, self:here()) end
end

function Parser:expect_arrow()
  self:expect "="
  if self.text:sub(self.at, self.at) ~= ">" then self:fail("expected '=>'") end
  self.at = self.at + 1
end

--- One or more of what `rule` reads, with commas.
function Parser:list(rule, ...)
  local out = {}
  repeat out[#out + 1] = rule(self, ...) until not self:accept ","
  return out
end

-- ---- words and literals -------------------------------------------------------------------------

function Parser:peek_id()
  self:skip()
  return self.text:match("^[%a_][%w_]*", self.at)
end

function Parser:id()
  local id = self:peek_id()
  if not id then self:fail("expected a name, got %s", self:here()) end
  self.at = self.at + #id
  return id
end

--- A backslash takes the next character as it is.
function Parser:string()
  if self:peek() ~= '"' then self:fail("expected a string, got %s", self:here()) end
  local from, at = self.at + 1, self.at + 1
  local has_escape = false
  while true do
    at = self.text:find('["\\]', at)
    if not at then self:fail("the string has no end") end
    if self.text:byte(at) == 34 then break end
    has_escape, at = true, at + 2
  end
  self.at = at + 1
  local text = self.text:sub(from, at - 1)
  return has_escape and (text:gsub("\\(.)", "%1")) or text
end

function Parser:quotable_id()
  return self:peek() == '"' and self:string() or self:id()
end

local specials = { inf = math.huge, infinity = math.huge, nan = -(0 / 0) }

--- The word of a number and whether it is whole; nil when none is here.
function Parser:number_word()
  self:skip()
  local word = self.text:match("^%-?%a+", self.at)
  if word then
    local name = word:match("%a+"):lower()
    local behind = self.text:sub(self.at + #word, self.at + #word)
    if not specials[name] or behind:find "[%d_]" then return nil end
    return word, false
  end
  word = self.text:match("^%-?%d+%.?%d*", self.at)
  if not word then return nil end
  local exponent = self.text:match("^[eE][+-]?%d*", self.at + #word)
  local is_whole = not exponent and not word:find(".", 1, true)
  return word .. (exponent or ""), is_whole
end

function Parser:take_number()
  local word, is_whole = self:number_word()
  if not word then self:fail("expected a number, got %s", self:here()) end
  return word, is_whole
end

function Parser:to_float(word)
  local name = word:match "^%-?(%a+)$"
  if name then
    local value = specials[name:lower()]
    return word:byte() == 45 and -value or value
  end
  local value = tonumber(word)
  if not value then self:fail("'%s' is no number", word) end
  return value + 0.0 == 0 and word:byte() == 45 and -0.0 or value + 0.0
end

-- What rounds to the largest float and not to infinity lies below.
local LARGEST_F32 = 0x1.ffffffp127

function Parser:float()
  local word = self:take_number()
  local value = self:to_float(word)
  local is_special = word:find "[iInN][nNaA]"
  if not is_special and math.abs(value) >= LARGEST_F32 then
    self:fail("%s is out of range", word)
  end
  self.at = self.at + #word
  return value
end

function Parser:double()
  local word = self:take_number()
  local value = self:to_float(word)
  if not word:find "[iInN][nNaA]" and math.abs(value) == math.huge then
    self:fail("%s is out of range", word)
  end
  self.at = self.at + #word
  return value
end

--- Digits as 64 bits, signed or not; nil when they don't fit.
local function to_integer(word, is_unsigned)
  local digits = word:match "^%-?0*(%d-)$"
  if not digits or #digits > 20 then return nil end
  local value = 0
  for i = 1, #digits do
    local digit = digits:byte(i) - 48
    if math.ult(0x1999999999999999, value) then return nil end
    local next_value = value * 10 + digit
    if math.ult(next_value, value * 10) then return nil end
    value = next_value
  end
  if word:byte() == 45 then
    if value < 0 and value ~= math.mininteger then return nil end
    return not (is_unsigned and value ~= 0) and -value or nil
  end
  if value < 0 and not is_unsigned then return nil end
  return value
end

function Parser:integer(is_unsigned)
  local word, is_whole = self:take_number()
  if not is_whole then self:fail("expected an integer, got %s", word) end
  local value = to_integer(word, is_unsigned)
  if not value then self:fail("%s is out of range", word) end
  self.at = self.at + #word
  return value
end

function Parser:int32()
  local at, value = self.at, self:integer()
  if value ~= value << 32 >> 32 and (value < -0x80000000 or value > 0x7fffffff) then
    self.at = at
    self:fail("%d is out of range", value)
  end
  return value
end

-- ---- types --------------------------------------------------------------------------------------

local type_words = { seq = true, map = true, optional = true, sparse_tensor = true, opaque = true }

function Parser:at_type()
  local id = self:peek_id()
  return id and (message.types[id] or type_words[id]) ~= nil
end

function Parser:dim()
  if self:accept "?" then return {} end
  if self:peek() == '"' then return { dim_param = self:string() } end
  if self:peek_id() then return { dim_param = self:id() } end
  return { dim_value = self:integer() }
end

--- No brackets: a scalar; empty ones: a tensor of any rank.
function Parser:tensor_type(elem_type)
  if not self:accept "[" then return { elem_type = elem_type, shape = {} } end
  if self:accept "]" then return { elem_type = elem_type } end
  local dims = self:list(self.dim)
  self:expect "]"
  return { elem_type = elem_type, shape = { dim = dims } }
end

function Parser:prim_type()
  local id = self:id()
  local elem_type = message.types[id]
  if not elem_type then
    self.at = self.at - #id
    self:fail("no element type '%s'", id)
  end
  return elem_type
end

function Parser:opaque_type()
  if self:peek() == ")" then return {} end
  local name = self:id()
  while self:accept "." do name = name .. "." .. self:id() end
  if self:accept "," then return { domain = name, name = self:id() } end
  return { name = name }
end

function Parser:deeper()
  self.depth = self.depth + 1
  if self.depth > DEEPEST then self:fail("nested in more than %d levels", DEEPEST) end
end

function Parser:type()
  local id = self:id()
  if message.types[id] then return { tensor_type = self:tensor_type(message.types[id]) } end
  if not type_words[id] then
    self.at = self.at - #id
    self:fail("no type '%s'", id)
  end
  self:deeper()
  self:expect "("
  local out
  if id == "seq" then
    out = { sequence_type = { elem_type = self:type() } }
  elseif id == "optional" then
    out = { optional_type = { elem_type = self:type() } }
  elseif id == "map" then
    local key = self:prim_type()
    self:expect ","
    out = { map_type = { key_type = key, value_type = self:type() } }
  elseif id == "sparse_tensor" then
    out = { sparse_tensor_type = self:tensor_type(self:prim_type()) }
  else
    out = { opaque_type = self:opaque_type() }
  end
  self:expect ")"
  self.depth = self.depth - 1
  return out
end

-- ---- tensors ------------------------------------------------------------------------------------

-- Where the elements of a type go, and the rule that reads one; what isn't here is small integers
-- and bit patterns.
local contents = {
  [message.types.float] = { "float_data", Parser.float },
  [message.types.complex64] = { "float_data", Parser.float },
  [message.types.double] = { "double_data", Parser.double },
  [message.types.complex128] = { "double_data", Parser.double },
  [message.types.int64] = { "int64_data", Parser.integer },
  [message.types.uint32] = { "uint64_data", function(self) return self:integer(true) end },
  [message.types.uint64] = { "uint64_data", function(self) return self:integer(true) end },
  [message.types.string] = { "string_data", Parser.string },
}
local int32_content = { "int32_data", Parser.int32 }

function Parser:entry()
  local key = self:string()
  self:expect ":"
  return { key = key, value = self:string() }
end

--- The dims and the content of a tensor whose type was read.
function Parser:tensor(type_, name)
  local tensor_type = type_.tensor_type
  if not tensor_type then self:fail("a tensor needs a tensor's type") end
  if not tensor_type.shape then self:fail("a tensor needs a shape") end
  local out = { name = name, data_type = tensor_type.elem_type, dims = {} }
  for i, dim in ipairs(tensor_type.shape.dim or {}) do
    if not dim.dim_value then self:fail("the shape of a tensor needs numbers") end
    out.dims[i] = dim.dim_value
  end
  if self:accept "{" then
    local content = contents[out.data_type] or int32_content
    local list, n, rule = {}, 0, content[2]
    if self:peek() ~= "}" then
      repeat
        n = n + 1
        if n > MOST_ELEMENTS then self:fail("more than %d elements", MOST_ELEMENTS) end
        list[n] = rule(self)
      until not self:accept ","
    end
    self:expect "}"
    out[content[1]] = list
  elseif self:accept "[" then
    out.data_location, out.external_data = 1, self:list(self.entry)
    self:expect "]"
  end
  return out
end

-- ---- attributes ---------------------------------------------------------------------------------

local singles = { floats = "float", ints = "int", strings = "string", tensors = "tensor",
  graphs = "graph", sparse_tensors = "sparse_tensor", type_protos = "type_proto" }
local plurals = {}
for plural, single in pairs(singles) do plurals[single] = plural end

--- A type, or a tensor that begins with one.
function Parser:type_or_tensor()
  local type_ = self:type()
  local char = self:peek()
  if char ~= "{" and char ~= "=" and char ~= '"' and not self:peek_id() then
    return "type_proto", type_
  end
  local name = (char == '"' or self:peek_id()) and self:quotable_id() or nil
  self:accept "="
  return "tensor", self:tensor(type_, name)
end

--- -> kind, value; for a reference the kind is "ref".
function Parser:single_value(expected)
  local char = self:peek()
  if char == "@" then
    self.at = self.at + 1
    return "ref", self:quotable_id()
  end
  if char == '"' then
    -- The name of a graph may be quoted.
    if expected == "graph" then return "graph", self:graph() end
    return "string", self:string()
  end
  if char:find "[%a_]" then
    if self:at_type() then return self:type_or_tensor() end
    if self:number_word() then return "float", self:float() end
    return "graph", self:graph()
  end
  local _, is_whole = self:take_number()
  if is_whole and expected ~= "float" then return "int", self:integer() end
  return "float", self:float()
end

function Parser:value_of(expected)
  local at = self.at
  local kind, value = self:single_value(expected)
  if expected and kind ~= expected and kind ~= "ref" then
    self.at = at
    self:fail("expected a value of type %s, got one of type %s", expected, kind)
  end
  return kind, value
end

local function put(attr, kind, value)
  attr.type = message.kinds[kind]
  attr[message.places[attr.type]] = value
end

function Parser:attr_list_value(attr, kind)
  self:expect "["
  if kind and not singles[kind] then self:fail("the value of type %s can't be a list", kind) end
  if self:accept "]" then
    if not kind then self:fail "an empty list needs a type" end
    put(attr, kind, {})
    return
  end
  local values, single = {}, singles[kind]
  repeat
    local value
    single, value = self:value_of(single)
    if single == "ref" then self:fail "a list can't hold references" end
    values[#values + 1] = value
  until not self:accept ","
  self:expect "]"
  put(attr, plurals[single], values)
end

--- The attribute behind its name.
function Parser:attr(name)
  local attr, kind = { name = name }, nil
  if self:accept ":" then
    kind = self:id()
    if not message.kinds[kind] then
      self.at = self.at - #kind
      self:fail("no type of attributes '%s'", kind)
    end
  end
  self:expect "="
  if self:peek() == "[" then
    self:attr_list_value(attr, kind)
    return attr
  end
  if kind and singles[kind] and self:peek() ~= "@" then
    self:fail("a value of type %s is a list", kind)
  end
  local found, value = self:value_of(kind)
  if found == "ref" then
    attr.ref_attr_name, attr.type = value, message.kinds[kind]
  else
    put(attr, found, value)
  end
  return attr
end

function Parser:attrs()
  if not self:accept "<" then return nil end
  local out = self:list(function() return self:attr(self:id()) end)
  self:expect ">"
  return out
end

-- ---- nodes --------------------------------------------------------------------------------------

--- Names with commas; an empty place is an empty name, and a last comma says nothing.
function Parser:id_list()
  local out = {}
  repeat
    local char = self:peek()
    if char == '"' then
      out[#out + 1] = self:string()
    elseif self:peek_id() then
      out[#out + 1] = self:id()
    elseif char == "," then
      out[#out + 1] = ""
    else
      break
    end
  until not self:accept ","
  return out
end

function Parser:node()
  local node = {}
  if self:accept "[" then
    node.name = self:quotable_id()
    self:expect "]"
  end
  node.output = self:id_list()
  self:expect "="
  local words = { self:id() }
  while self:accept "." do words[#words + 1] = self:id() end
  node.op_type = table.remove(words)
  if #words > 0 then node.domain = table.concat(words, ".") end
  if self:accept ":" then node.overload = self:id() end
  node.attribute = self:attrs()
  self:expect "("
  node.input = self:id_list()
  self:expect ")"
  node.attribute = node.attribute or self:attrs()
  return node
end

function Parser:nodes()
  local out = {}
  self:expect "{"
  while not self:accept "}" do out[#out + 1] = self:node() end
  return out
end

-- ---- graphs and functions -----------------------------------------------------------------------

function Parser:value_info()
  local type_ = self:at_type() and self:type() or nil
  return { name = self:quotable_id(), type = type_ }
end

--- Values between brackets; those with a content become initialisers too.
function Parser:values(open, close, initializers, is_input)
  local out = {}
  if not self:accept(open) then return out end
  if self:accept(close) then return out end
  repeat
    local value = self:value_info()
    local has_content = initializers and self:accept "="
    if has_content then
      initializers[#initializers + 1] = self:tensor(value.type or {}, value.name)
    end
    if is_input or not has_content then out[#out + 1] = value end
  until not self:accept ","
  self:expect(close)
  return out
end

function Parser:graph()
  self:deeper()
  local graph = { name = self:quotable_id(), initializer = {} }
  graph.input = self:values("(", ")", graph.initializer, true)
  self:expect_arrow()
  if self:peek() ~= "(" then self:expect "(" end
  graph.output = self:values("(", ")")
  graph.value_info = self:values("<", ">", graph.initializer)
  graph.node = self:nodes()
  self.depth = self.depth - 1
  return graph
end

function Parser:opset()
  local domain = self:string()
  self:expect ":"
  return { domain = domain, version = self:integer() }
end

function Parser:bracketed(rule)
  self:expect "["
  if self:accept "]" then return {} end
  local out = self:list(rule)
  self:expect "]"
  return out
end

local function opsets(self) return self:bracketed(self.opset) end
local model_keys = {
  ir_version = Parser.integer, opset_import = opsets, producer_name = Parser.string,
  producer_version = Parser.string, domain = Parser.string, model_version = Parser.integer,
  doc_string = Parser.string, metadata_props = function(self) return self:bracketed(self.entry) end,
}
local function_keys = { opset_import = opsets, doc_string = Parser.string, domain = Parser.string,
  overload = Parser.string }

--- The header between < and >, if there is one.
function Parser:header(into, keys)
  if not self:accept "<" then return end
  repeat
    local key = self:id()
    if not keys[key] then
      self.at = self.at - #key
      self:fail("unknown key '%s'", key)
    end
    self:expect ":"
    into[key] = keys[key](self)
  until not self:accept ","
  self:expect ">"
end

function Parser:function_attrs(into)
  if not self:accept "<" then return end
  repeat
    local name = self:quotable_id()
    local char = self:peek()
    if char == ":" or char == "=" then
      into.attribute_proto[#into.attribute_proto + 1] = self:attr(name)
    else
      into.attribute[#into.attribute + 1] = name
    end
  until not self:accept ","
  self:expect ">"
end

--- Names, those with a type also as value infos.
function Parser:function_ends(infos)
  local names = {}
  self:expect "("
  if self:accept ")" then return names end
  repeat
    local value = self:value_info()
    names[#names + 1] = value.name
    if value.type then infos[#infos + 1] = value end
  until not self:accept ","
  self:expect ")"
  return names
end

function Parser:func()
  local f = { attribute = {}, attribute_proto = {}, value_info = {} }
  self:header(f, function_keys)
  f.name = self:quotable_id()
  self:function_attrs(f)
  f.input = self:function_ends(f.value_info)
  self:expect_arrow()
  f.output = self:function_ends(f.value_info)
  for _, info in ipairs(self:values("<", ">")) do f.value_info[#f.value_info + 1] = info end
  f.node = self:nodes()
  return f
end

function Parser:model()
  local model = { functions = {} }
  self:header(model, model_keys)
  model.graph = self:graph()
  while self:peek() ~= "" do model.functions[#model.functions + 1] = self:func() end
  return model
end

local M = {}

--- A model's text as a Model message.
---@param text string
---@return table? model
---@return string? problem "LINE:COLUMN: ..."
function M.parse(text)
  local parser = setmetatable({ text = text, at = 1, depth = 0 }, Parser)
  local ok, result = pcall(parser.model, parser)
  if ok then return result end
  if getmetatable(result) == Fault then return nil, result.message end
  error(result, 0)
end

return M
