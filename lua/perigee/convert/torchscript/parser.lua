--- Printed TorchScript (torch/csrc/jit/serialization/python_print.cpp writes it) as a syntax tree:
--- classes, functions, and the statements and expressions that occur there.
local fail = require "perigee.convert.fail"
local lexer = require "perigee.convert.torchscript.lexer"

local M = {}

--- Hostile files nest: the printer itself keeps expressions flat.
local MOST_DEPTH = 120

local Parser = {}
Parser.__index = Parser

function Parser:peek() return self.tokens[self.at] end

function Parser:fail(expected)
  local t = self:peek()
  fail.format("%s:%d: expected %s, got %s", self.file, t.line, expected, t.value or t.type)
end

function Parser:is(value)
  local t = self:peek()
  return t.value == value and (t.type == "symbol" or t.type == "name")
end

function Parser:accept(value)
  if self:is(value) then
    self.at = self.at + 1
    return true
  end
end

function Parser:expect(value)
  if not self:accept(value) then self:fail("'" .. value .. "'") end
end

function Parser:take(type)
  local t = self:peek()
  if t.type ~= type then self:fail("a " .. type) end
  self.at = self.at + 1
  return t.value
end

function Parser:enter()
  self.depth = self.depth + 1
  if self.depth > MOST_DEPTH then self:fail "less nesting" end
end

function Parser:leave(value)
  self.depth = self.depth - 1
  return value
end

-- ---- expressions -------------------------------------------------------------------------------

--- Items up to a closing bracket; whether there was a comma.
function Parser:items(close)
  local list, has_comma = {}, false
  while not self:accept(close) do
    list[#list + 1] = self:expression()
    if self:accept "," then has_comma = true elseif not self:is(close) then self:fail "','" end
  end
  return list, has_comma
end

function Parser:call(f)
  local node = { kind = "call", f = f, args = {}, named = {}, line = self:peek().line }
  while not self:accept ")" do
    local t, after = self:peek(), self.tokens[self.at + 1]
    if t.type == "name" and after and after.type == "symbol" and after.value == "=" then
      self.at = self.at + 2
      node.named[t.value] = self:expression()
    else
      node.args[#node.args + 1] = self:expression()
    end
    if not self:accept "," and not self:is ")" then self:fail "','" end
  end
  return node
end

function Parser:dict()
  local node = { kind = "dict", keys = {}, values = {} }
  while not self:accept "}" do
    node.keys[#node.keys + 1] = self:expression()
    self:expect ":"
    node.values[#node.values + 1] = self:expression()
    if not self:accept "," and not self:is "}" then self:fail "','" end
  end
  return node
end

local words = {
  None = { kind = "none" }, True = { kind = "value", value = true },
  False = { kind = "value", value = false }, inf = { kind = "value", value = math.huge },
  nan = { kind = "value", value = 0 / 0 },
}

function Parser:atom()
  local t = self:peek()
  self.at = self.at + 1
  if t.type == "number" or t.type == "string" then return { kind = "value", value = t.value } end
  if t.type == "name" then return words[t.value] or { kind = "name", name = t.value } end
  if t.type == "symbol" and t.value == "(" then
    local list, has_comma = self:items ")"
    if #list == 1 and not has_comma then return list[1] end
    return { kind = "tuple", items = list }
  elseif t.type == "symbol" and t.value == "[" then
    return { kind = "list", items = (self:items "]") }
  elseif t.type == "symbol" and t.value == "{" then
    return self:dict()
  end
  self.at = self.at - 1
  self:fail "an expression"
end

function Parser:postfix()
  local node = self:atom()
  while true do
    if self:accept "." then
      node = { kind = "attribute", object = node, name = self:take "name" }
    elseif self:accept "(" then
      node = self:call(node)
    elseif self:accept "[" then
      local list = self:items "]"
      node = { kind = "item", object = node, index = #list == 1 and list[1]
        or { kind = "tuple", items = list } }
    else
      return node
    end
  end
end

local binary = {
  ["+"] = { 4, "add" }, ["-"] = { 4, "sub" }, ["*"] = { 5, "mul" }, ["/"] = { 5, "div" },
  ["//"] = { 5, "floordiv" }, ["%"] = { 5, "remainder" }, ["**"] = { 6, "pow" },
  ["<"] = { 3, "lt" }, [">"] = { 3, "gt" }, ["<="] = { 3, "le" }, [">="] = { 3, "ge" },
  ["=="] = { 3, "eq" }, ["!="] = { 3, "ne" }, ["is"] = { 3, "__is__" }, ["in"] = { 3, "in" },
  ["and"] = { 2, "and" }, ["or"] = { 1, "or" },
}

function Parser:unary()
  if self:accept "-" then
    local x = self:unary()
    if x.kind == "value" and type(x.value) == "number" then
      return { kind = "value", value = -x.value }
    end
    return { kind = "operator", op = "neg", items = { x } }
  elseif self:accept "not" then
    return { kind = "operator", op = "__not__", items = { self:unary() } }
  elseif self:accept "~" then
    return { kind = "operator", op = "bitwise_not", items = { self:unary() } }
  end
  return self:postfix()
end

function Parser:operation(least)
  local left = self:unary()
  while true do
    local t = self:peek()
    local found = (t.type == "symbol" or t.type == "name") and binary[t.value]
    if not found or found[1] < least then return left end
    self.at = self.at + 1
    local op = found[2]
    if op == "__is__" and self:accept "not" then op = "__isnot__" end
    left = { kind = "operator", op = op, items = { left, self:operation(found[1] + 1) } }
  end
end

function Parser:expression()
  self:enter()
  local node = self:operation(1)
  if self:accept "if" then
    local test = self:operation(1)
    self:expect "else"
    node = { kind = "choice", test = test, yes = node, no = self:expression() }
  end
  return self:leave(node)
end

-- ---- statements --------------------------------------------------------------------------------

function Parser:end_of_line()
  if self:peek().type ~= "line" then self:fail "the end of the line" end
  self.at = self.at + 1
end

function Parser:block()
  self:expect ":"
  self:end_of_line()
  self:take "indent"
  self:enter()
  local list = {}
  while self:peek().type ~= "dedent" and self:peek().type ~= "end" do
    local made = self:statement()
    if made then list[#list + 1] = made end
  end
  self:take "dedent"
  return self:leave(list)
end

--- One or several expressions with commas between: a tuple then.
function Parser:row()
  local first = self:expression()
  if not self:is "," then return first end
  local items = { first }
  while self:accept "," do
    local t = self:peek()
    if t.type == "line" or t.value == "=" then break end
    items[#items + 1] = self:expression()
  end
  return { kind = "tuple", items = items }
end

local statement = {}

statement["pass"] = function(p) p:end_of_line() end

statement["return"] = function(p)
  local node = { kind = "return" }
  if p:peek().type ~= "line" then node.value = p:row() end
  p:end_of_line()
  return node
end

statement["if"] = function(p)
  local node = { kind = "if", test = p:expression(), yes = p:block(), no = {} }
  if p:is "elif" then
    p.at = p.at + 1
    node.no = { statement["if"](p) }
  elseif p:accept "else" then
    node.no = p:block()
  end
  return node
end

statement["while"] = function(p)
  return { kind = "while", test = p:expression(), body = p:block() }
end

statement["for"] = function(p)
  local target = p:postfix()
  p:expect "in"
  return { kind = "for", target = target, over = p:expression(), body = p:block() }
end

statement["with"] = function(p)
  p:expression()
  if p:accept "as" then p:postfix() end
  return { kind = "block", body = p:block() }
end

statement["raise"] = function(p)
  local node = { kind = "raise", value = p:expression() }
  p:end_of_line()
  return node
end

statement["assert"] = function(p)
  p:row()
  p:end_of_line()
end

function statement.def(p) return p:definition() end
function statement.class(p) return p:class() end

statement["import"] = function(p)
  while p:peek().type ~= "line" do p.at = p.at + 1 end
  p:end_of_line()
end
statement["from"] = statement["import"]

function Parser:statement()
  local t = self:peek()
  local known = t.type == "name" and statement[t.value]
  if known then
    self.at = self.at + 1
    local made = known(self)
    if made then made.line = t.line end
    return made
  end
  local node = { kind = "expression", value = self:row(), line = t.line }
  if self:accept ":" then
    node = { kind = "declare", target = node.value, type = self:expression(), line = t.line }
    if self:accept "=" then node.value = self:row() end
  elseif self:accept "=" then
    node = { kind = "assign", target = node.value, value = self:row(), line = t.line }
  end
  self:end_of_line()
  return node
end

function Parser:definition()
  local node = { kind = "def", name = self:take "name", parameters = {} }
  self:expect "("
  while not self:accept ")" do
    self:accept "*"
    local parameter = { name = self:take "name" }
    if self:accept ":" then parameter.type = self:expression() end
    if self:accept "=" then parameter.default = self:expression() end
    node.parameters[#node.parameters + 1] = parameter
    if not self:accept "," and not self:is ")" then self:fail "','" end
  end
  if self:accept "->" then node.result = self:expression() end
  node.body = self:block()
  return node
end

function Parser:class()
  local node = { kind = "class", name = self:take "name", methods = {}, fields = {}, values = {} }
  if self:accept "(" then node.bases = self:items ")" end
  for _, item in ipairs(self:block()) do
    if item.kind == "def" then
      node.methods[item.name] = item
    elseif item.kind == "declare" and item.target.kind == "name" then
      node.fields[#node.fields + 1] = { name = item.target.name, type = item.type }
      node.values[item.target.name] = item.value
    elseif item.kind == "assign" and item.target.kind == "name" then
      node.values[item.target.name] = item.value
    end
  end
  return node
end

--- The classes and functions of a file, by name.
---@param text string
---@param file string for messages
---@return table<string, table>
function M.parse(text, file)
  local p = setmetatable({ tokens = lexer.tokens(text), at = 1, depth = 0, file = file }, Parser)
  local defined = {}
  while p:peek().type ~= "end" do
    local node = p:statement()
    if node and (node.kind == "def" or node.kind == "class") then
      node.file = file
      defined[node.name] = node
    end
  end
  return defined
end

return M
