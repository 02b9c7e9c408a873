--- A Model message as ONNX's text form, in the layout of the reference printer
--- (onnx.printer.to_text).
---
--- Beyond it are written: what functions say (documentation, defaults, types), complex and sub-byte
--- tensors. The syntax has no place for documentation of graphs, nodes and values, nor for sparse
--- attributes.
local message = require "perigee.onnx.message"

local type_names, kind_names = {}, {}
for name, number in pairs(message.types) do type_names[number] = name end
for name, number in pairs(message.kinds) do kind_names[number] = name end

local Printer = {}
Printer.__index = Printer

local Fault = {}
local function fail(format, ...)
  error(setmetatable({ message = format:format(...) }, Fault), 0)
end

-- ---- numbers ------------------------------------------------------------------------------------

--- Digits and exponent in the shorter of the two notations, as C++'s to_chars writes them.
local function notation(value, text)
  local sign, whole, fraction, exponent = text:match "^(%-?)(%d)%.?(%d*)e([+-]%d+)$"
  local digits = (whole .. fraction):gsub("0+$", "")
  exponent = tonumber(exponent)
  if digits == "" then return sign .. "0" end
  local scientific = digits:sub(1, 1) .. (#digits > 1 and "." .. digits:sub(2) or "")
    .. ("e%s%02d"):format(exponent < 0 and "-" or "+", math.abs(exponent))
  local plain
  if exponent < 0 then
    plain = "0." .. ("0"):rep(-exponent - 1) .. digits
  elseif #digits <= exponent + 1 then
    plain = exponent < 40 and ("%.0f"):format(math.abs(value)) or ("0"):rep(exponent + 1)
  else
    plain = digits:sub(1, exponent + 1) .. "." .. digits:sub(exponent + 2)
  end
  return sign .. (#plain <= #scientific and plain or scientific)
end

--- The fewest digits that read back as the same number; `typical` of them are tried first.
local function shortest(value, typical, most, pack)
  if value ~= value then return string.pack(">d", value):byte() >= 128 and "-nan" or "nan" end
  if value == math.huge then return "inf" end
  if value == -math.huge then return "-inf" end
  local bits = string.pack(pack, value)
  local function try(precision)
    local text = ("%%.%de"):format(precision - 1):format(value)
    return precision == most or string.pack(pack, tonumber(text)) == bits, text
  end
  local is_enough, text = try(typical)
  local precision = typical
  while not is_enough do
    precision = precision + 1
    is_enough, text = try(precision)
  end
  if precision > typical then return notation(value, text) end
  for fewer = 1, typical - 1 do
    local is_same, short = try(fewer)
    if is_same then return notation(value, short) end
  end
  return notation(value, text)
end

local function f32(value)
  local is_negative_zero = value == 0 and 1 / value < 0
  if value == value // 1 and math.abs(value) < 100000 and not is_negative_zero then
    return ("%d"):format(value)
  end
  return shortest(value, 7, 9, "<f")
end
local function f64(value) return shortest(value, 15, 17, "<d") end
local function i64(value) return ("%d"):format(value) end
local function u64(value)
  if value >= 0 then return ("%d"):format(value) end
  local tens = (value >> 1) // 5
  return ("%d%d"):format(tens, value - tens * 10)
end

-- ---- words --------------------------------------------------------------------------------------

local function quoted(text) return '"' .. text:gsub('[\\"]', "\\%0") .. '"' end

local function id(text)
  return text:find "^[%a_][%w_]*$" and text or quoted(text)
end

--- Where the syntax knows no quotes.
local function bare(text, what)
  for word in (text .. "."):gmatch "(.-)%." do
    if not word:find "^[%a_][%w_]*$" then
      fail("%s '%s' has no spelling in the text form", what, text)
    end
  end
  return text
end

local function bare_id(text, what)
  if not text:find "^[%a_][%w_]*$" then
    fail("%s '%s' has no spelling in the text form", what, text)
  end
  return text
end

local function join(list, rule, separator)
  local out = {}
  for i, item in ipairs(list or {}) do out[i] = rule(item) end
  return table.concat(out, separator or ", ")
end

-- ---- types --------------------------------------------------------------------------------------

local function dim(d)
  if d.dim_value then return i64(d.dim_value) end
  if d.dim_param and d.dim_param ~= "" then return id(d.dim_param) end
  return "?"
end

local function type_name(number)
  return type_names[number] or fail("element type %d has no name", number or 0)
end

local function tensor_type(t)
  local name = type_name(t.elem_type)
  if not t.shape then return name .. "[]" end
  if #(t.shape.dim or {}) == 0 then return name end
  return name .. "[" .. join(t.shape.dim, dim, ",") .. "]"
end

local function type_text(t)
  if t.tensor_type then return tensor_type(t.tensor_type) end
  if t.sequence_type then return "seq(" .. type_text(t.sequence_type.elem_type or {}) .. ")" end
  if t.optional_type then
    return "optional(" .. type_text(t.optional_type.elem_type or {}) .. ")"
  end
  if t.map_type then
    local value = type_text(t.map_type.value_type or {})
    return ("map(%s, %s)"):format(type_name(t.map_type.key_type), value)
  end
  if t.sparse_tensor_type then
    return "sparse_tensor(" .. tensor_type(t.sparse_tensor_type) .. ")"
  end
  if t.opaque_type then
    local domain, name = t.opaque_type.domain or "", t.opaque_type.name or ""
    return "opaque(" .. (domain ~= "" and domain .. "," or "") .. name .. ")"
  end
  fail "a type has no spelling in the text form"
end

--- A type of which nothing is known is left out.
local function value_info(v)
  local t = v.type
  local is_known = t and next(t) and not (t.tensor_type and (t.tensor_type.elem_type or 0) == 0)
  return (is_known and type_text(t) or "") .. " " .. id(v.name or "")
end

-- ---- tensors ------------------------------------------------------------------------------------

local types = message.types
-- How raw data of a type unpacks and how an element is written; what isn't here is bytes.
local raw = {
  [types.float] = { "<f", 4, f32 }, [types.complex64] = { "<f", 4, f32 },
  [types.double] = { "<d", 8, f64 }, [types.complex128] = { "<d", 8, f64 },
  [types.int8] = { "<i1", 1, i64 }, [types.int16] = { "<i2", 2, i64 },
  [types.int32] = { "<i4", 4, i64 }, [types.int64] = { "<i8", 8, i64 },
  [types.uint16] = { "<I2", 2, i64 }, [types.float16] = { "<I2", 2, i64 },
  [types.bfloat16] = { "<I2", 2, i64 }, [types.uint32] = { "<I4", 4, i64 },
  [types.uint64] = { "<i8", 8, u64 },
}
local bytes_of = { "<I1", 1, i64 }

local function raw_elements(t)
  local how, out, data = raw[t.data_type] or bytes_of, {}, t.raw_data
  local format, size, write = how[1], how[2], how[3]
  local n = 0
  for at = 1, #data - size + 1, size do
    n = n + 1
    out[n] = write((string.unpack(format, data, at)))
  end
  return table.concat(out, ",")
end

local function entry(e) return quoted(e.key or "") .. ": " .. quoted(e.value or "") end

local lists = { { "float_data", f32 }, { "double_data", f64 }, { "int32_data", i64 },
  { "int64_data", i64 }, { "uint64_data", u64 } }

local function elements(t)
  if t.raw_data then return raw_elements(t) end
  for _, list in ipairs(lists) do
    if t[list[1]] then return join(t[list[1]], list[2], ",") end
  end
  return ""
end

local function tensor(t, is_initializer)
  local out = type_name(t.data_type)
  if #(t.dims or {}) > 0 then out = out .. "[" .. join(t.dims, i64, ",") .. "]" end
  if t.name and t.name ~= "" then out = out .. " " .. id(t.name) end
  if is_initializer then out = out .. " = " end
  if t.data_location == 1 then return out .. "[" .. join(t.external_data, entry) .. "]" end
  if t.data_type == types.string then return out .. "{" .. join(t.string_data, quoted) .. "}" end
  return out .. " {" .. elements(t) .. "}"
end

-- ---- attributes ---------------------------------------------------------------------------------

local function list_of(rule)
  return function(_, values) return "[" .. join(values, rule) .. "]" end
end

local writers = {
  float = function(_, v) return f32(v) end, int = function(_, v) return i64(v) end,
  string = function(_, v) return quoted(v) end, tensor = function(_, v) return tensor(v) end,
  type_proto = function(_, v) return type_text(v) end,
  floats = list_of(f32), ints = list_of(i64), strings = list_of(quoted), tensors = list_of(tensor),
  type_protos = list_of(type_text),
  graph = function(self, v) return self:nested(self.graph, v) end,
  graphs = function(self, v)
    return "[" .. join(v, function(g) return self:nested(self.graph, g) end) .. "]"
  end,
}
local zero = { float = 0.0, int = 0, string = "" }

function Printer:attr(a)
  local kind = kind_names[a.type]
  local head = bare_id(a.name or "", "attribute")
  if a.ref_attr_name then
    return ("%s: %s = @%s"):format(head, kind or "undefined", id(a.ref_attr_name))
  end
  if not writers[kind] then fail("attribute '%s' has no spelling in the text form", head) end
  local value = a[message.places[a.type]] or zero[kind] or {}
  return ("%s: %s = %s"):format(head, kind, writers[kind](self, value))
end

function Printer:attrs(list)
  return " <" .. join(list, function(a) return self:attr(a) end) .. ">"
end

-- ---- nodes and graphs
-- -----------------------------------------------------------------------------

function Printer:nested(rule, value)
  self.indent = self.indent + 3
  local out = rule(self, value)
  self.indent = self.indent - 3
  return out
end

function Printer:node(node)
  local out = { (" "):rep(self.indent) }
  if node.name then out[#out + 1] = "[" .. id(node.name) .. "] " end
  out[#out + 1] = join(node.output, id) .. " = "
  if node.domain and node.domain ~= "" then out[#out + 1] = bare(node.domain, "domain") .. "." end
  out[#out + 1] = bare_id(node.op_type or "", "operator")
  if node.overload and node.overload ~= "" then
    out[#out + 1] = ":" .. bare_id(node.overload, "overload")
  end
  local has_graph, attrs = false, node.attribute
  for _, a in ipairs(attrs or {}) do
    has_graph = has_graph or a.g ~= nil or #(a.graphs or {}) > 0
  end
  if attrs and not has_graph then out[#out + 1] = self:attrs(attrs) end
  out[#out + 1] = " (" .. join(node.input, id) .. ")"
  if attrs and has_graph then out[#out + 1] = self:attrs(attrs) end
  out[#out + 1] = "\n"
  return table.concat(out)
end

function Printer:nodes(list)
  local out = { "{\n" }
  for _, node in ipairs(list or {}) do out[#out + 1] = self:node(node) end
  if self.indent > 3 then out[#out + 1] = (" "):rep(self.indent - 3) end
  out[#out + 1] = "}"
  return table.concat(out)
end

function Printer:graph(g)
  local out = { id(g.name or ""), " (", join(g.input, value_info), ") => (",
    join(g.output, value_info), ") " }
  local items = {}
  for _, t in ipairs(g.initializer or {}) do items[#items + 1] = tensor(t, true) end
  for _, v in ipairs(g.value_info or {}) do items[#items + 1] = value_info(v) end
  if #items > 0 then
    out[#out + 1] = "\n" .. (" "):rep(self.indent) .. "<" .. table.concat(items, ", ") .. ">\n"
  end
  out[#out + 1] = self:nodes(g.node)
  return table.concat(out)
end

local function opset(o) return quoted(o.domain or "") .. " : " .. i64(o.version or 0) end

function Printer:func(f)
  local out = { '<\n  domain: ', quoted(f.domain or ""), ",\n" }
  if f.overload and f.overload ~= "" then
    out[#out + 1] = "  overload: " .. quoted(f.overload) .. ",\n"
  end
  if f.doc_string then out[#out + 1] = "  doc_string: " .. quoted(f.doc_string) .. ",\n" end
  out[#out + 1] = "  opset_import: [" .. join(f.opset_import, opset, ",") .. "]\n>\n"
  out[#out + 1] = id(f.name or "") .. " "
  local attrs = {}
  for i, name in ipairs(f.attribute or {}) do attrs[i] = id(name) end
  for _, a in ipairs(f.attribute_proto or {}) do attrs[#attrs + 1] = self:attr(a) end
  if #attrs > 0 then out[#out + 1] = "<" .. table.concat(attrs, ",") .. ">" end
  out[#out + 1] = ("(%s) => (%s)\n"):format(join(f.input, id), join(f.output, id))
  if f.value_info then out[#out + 1] = "<" .. join(f.value_info, value_info) .. ">\n" end
  out[#out + 1] = self:nodes(f.node)
  return table.concat(out)
end

local header = { { "producer_name", quoted }, { "producer_version", quoted }, { "domain", quoted },
  { "model_version", i64 }, { "doc_string", quoted },
  { "metadata_props", function(list) return "[" .. join(list, entry) .. "]" end } }

function Printer:model(m)
  local lines = { "   ir_version: " .. i64(m.ir_version or 0),
    "   opset_import: [" .. join(m.opset_import, opset) .. "]" }
  for _, field in ipairs(header) do
    local value = m[field[1]]
    if value then lines[#lines + 1] = ("   %s: %s"):format(field[1], field[2](value)) end
  end
  local out = { "<\n", table.concat(lines, ",\n"), "\n>\n", self:graph(m.graph) }
  for _, f in ipairs(m.functions or {}) do out[#out + 1] = "\n" .. self:func(f) end
  return table.concat(out)
end

local M = {}

--- A Model message as text.
---@param model table
---@return string? text
---@return string? problem
function M.print(model)
  local ok, result = pcall(Printer.model, setmetatable({ indent = 3 }, Printer), model)
  if ok then return result end
  if getmetatable(result) == Fault then return nil, result.message end
  error(result, 0)
end

return M
