--- What the ONNX standard says of its operators, in every version.
---
--- schema_data.lua is generated (c/tool/onnx_schema.py). An operator is one string, a line a
--- version, oldest first, of five fields between bars; "~" means as in the version before:
---
---     version[x: deprecated]|inputs|outputs|type variables|attributes
---
--- Parameters are NAME:TYPE, then ? optional, * variadic of one type, % variadic of any types, and
--- the least count of a variadic one when that isn't 1. TYPE is a variable's name or a type.
--- Variables are NAME=NUMBER of a row of `types`. Attributes are NAME:KIND[!][=DEFAULT]; ! means
--- required.
local M = {}

--- Letters of the data to the numbers of AttributeProto.AttributeType.
local kind_numbers = {
  f = 1, i = 2, s = 3, t = 4, g = 5, F = 6, I = 7, S = 8, T = 9, G = 10, p = 11, P = 12, y = 13,
  Y = 14,
}
M.kind_names = {
  "float", "int", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs",
  "sparse tensor", "sparse tensors", "type", "types",
}

---@class perigee.schema.Parameter
---@field name string
---@field type string the name of a type variable, or a type as "i64"
---@field option "single"|"optional"|"variadic"
---@field mixed boolean variadic, and each may have a type of its own

---@class perigee.schema.Attribute
---@field name string
---@field kind integer as AttributeProto.AttributeType
---@field required boolean
---@field default string?

---@class perigee.schema.Operator one version of an operator
---@field name string
---@field domain string
---@field since integer
---@field deprecated boolean
---@field inputs perigee.schema.Parameter[]
---@field outputs perigee.schema.Parameter[]
---@field least_in integer
---@field most_in integer
---@field least_out integer
---@field most_out integer
---@field types table<string, table<string, boolean>> by variable: the types it may stand for
---@field attributes table<string, perigee.schema.Attribute>

local data -- loaded when the first operator is asked for
local type_sets, versions_of = {}, {}

local function load_data()
  data = data or require "perigee.check.schema_data"
  return data
end

local function type_set(number)
  local set = type_sets[number]
  if not set then
    set = {}
    for name in load_data().types[number]:gmatch "%S+" do set[name] = true end
    type_sets[number] = set
  end
  return set
end

local options = { [""] = "single", ["?"] = "optional", ["*"] = "variadic", ["%"] = "variadic" }

--- The parameters, and how many there must and may be.
local function read_parameters(text)
  local list, least, most = {}, 0, 0
  for name, kind, mark, arity in text:gmatch "([^%s:]+):([%w_(),]+)([?*%%]?)(%d*)" do
    list[#list + 1] = { name = name, type = kind, option = options[mark], mixed = mark == "%" }
    if mark == "*" or mark == "%" then
      least, most = #list - 1 + (tonumber(arity) or 1), math.huge
    else
      most = #list
      if mark == "" then least = #list end
    end
  end
  return list, least, most
end

local function read_attributes(text)
  local attributes = {}
  for item in text:gmatch "%S+" do
    local name, kind, required, default = item:match "^([^:]+):(%a)(!?)=?(.*)$"
    attributes[name] = {
      name = name, kind = kind_numbers[kind], required = required == "!",
      default = item:find("=", 1, true) and default or nil,
    }
  end
  return attributes
end

local function read_types(text)
  local types = {}
  for name, number in text:gmatch "(%S+)=(%d+)" do types[name] = type_set(tonumber(number)) end
  return types
end

local function read_version(name, domain, fields)
  local inputs, least_in, most_in = read_parameters(fields[2])
  local outputs, least_out, most_out = read_parameters(fields[3])
  return {
    name = name, domain = domain, since = tonumber(fields[1]:match "^%d+"),
    deprecated = fields[1]:find("x", 1, true) ~= nil, inputs = inputs, outputs = outputs,
    least_in = least_in, most_in = most_in, least_out = least_out, most_out = most_out,
    types = read_types(fields[4]), attributes = read_attributes(fields[5]),
  }
end

--- All versions of an operator, oldest first; nil when the standard doesn't have it.
---@param domain string "" for ai.onnx
---@param name string
---@return perigee.schema.Operator[]?
function M.versions(domain, name)
  local key = domain .. "\0" .. name
  if versions_of[key] then return versions_of[key] end
  local names = load_data().operators[domain]
  local text = names and names[name]
  if not text then return nil end
  local list, before = {}, {}
  for line in text:gmatch "[^\n]+" do
    local fields = {}
    for field in (line .. "|"):gmatch "(.-)|" do
      fields[#fields + 1] = field == "~" and before[#fields + 1] or field
    end
    list[#list + 1] = read_version(name, domain, fields)
    before = fields
  end
  versions_of[key] = list
  return list
end

--- The form that holds in a version of the operator set: nil when there is none yet.
---@param domain string
---@param name string
---@param opset integer
---@return perigee.schema.Operator?
function M.find(domain, name, opset)
  local found
  for _, version in ipairs(M.versions(domain, name) or {}) do
    if version.since <= opset then found = version end
  end
  return found
end

--- Whether the standard has operators in this domain.
---@param domain string
---@return boolean
function M.has_domain(domain) return load_data().operators[domain] ~= nil end

--- Domains and names of all operators: `for domain, name in schema.each()`.
---@return fun(): string?, string?
function M.each()
  return coroutine.wrap(function()
    for domain, names in pairs(load_data().operators) do
      for name in pairs(names) do coroutine.yield(domain, name) end
    end
  end)
end

return M
