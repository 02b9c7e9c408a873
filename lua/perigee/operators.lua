--- The table of operators: what this build has, by its declarations, and what the standard says of
--- types.
local core = require "perigee.core"
local schema = require "perigee.check.schema"
local text = require "perigee.util.text"

local M = {}

--- Names for types that mostly come together, each in the order of the table.
local groups = {
  { "float", "f16 bf16 f32 f64" }, { "int", "i8 i16 i32 i64" }, { "uint", "u8 u16 u32 u64" },
  { "f8", "f8e4m3fn f8e4m3fnuz f8e5m2 f8e5m2fnuz" }, { "int4", "i4 u4" }, { "int2", "i2 u2" },
  { "complex", "c64 c128" },
}
M.groups = groups

--- "float int bool" of a set of types: groups where all members are in, then the rest by name.
---@param set table<string, boolean>
---@return string
function M.types_text(set)
  local left, words = {}, {}
  for name in pairs(set) do left[name] = true end
  for _, group in ipairs(groups) do
    local is_whole = true
    for name in group[2]:gmatch "%S+" do is_whole = is_whole and left[name] end
    if is_whole then
      words[#words + 1] = group[1]
      for name in group[2]:gmatch "%S+" do left[name] = nil end
    end
  end
  local rest = {}
  for name in pairs(left) do rest[#rest + 1] = name end
  table.sort(rest)
  table.move(rest, 1, #rest, #words + 1, words)
  return table.concat(words, " ")
end

--- Sets of sequences and the like are long: what is inside of them, once a kind.
local function nested_text(set)
  local plain, inside = {}, {}
  for name in pairs(set) do
    local outer, inner = name:match "^(.*%()([%w]+)%)+$"
    if outer then
      inside[outer] = inside[outer] or {}
      inside[outer][inner] = true
    else
      plain[name] = true
    end
  end
  local parts, outers = {}, {}
  if next(plain) then parts[1] = M.types_text(plain) end
  for outer in pairs(inside) do outers[#outers + 1] = outer end
  table.sort(outers)
  for _, outer in ipairs(outers) do
    local close = (")"):rep(select(2, outer:gsub("%(", "")))
    parts[#parts + 1] = outer .. M.types_text(inside[outer]) .. close
  end
  return table.concat(parts, " ")
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

--- The newest form that is not deprecated.
local function newest(domain, name)
  local versions = schema.versions(domain, name)
  for i = #(versions or {}), 1, -1 do
    if not versions[i].deprecated then return versions[i] end
  end
end

--- Type variables in the order of their first use, then those that stand for one type.
local function variables_of(standard)
  local list, seen = {}, {}
  for _, side in ipairs { standard.inputs, standard.outputs } do
    for _, parameter in ipairs(side) do
      local name = parameter.type
      if standard.types[name] and not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  return list
end

--- A list of { name, types }: of the first parameter what the declaration takes, of the others what
--- the standard allows.
local function constraints(op)
  local standard, declared = newest(op.domain, op.name), set_of(op.types)
  if not standard then return next(declared) and { { name = "0", types = declared } } or {} end
  local first = (standard.inputs[1] or standard.outputs[1] or {}).type
  local list = {}
  for _, name in ipairs(variables_of(standard)) do
    local types = standard.types[name]
    local is_tensor = true
    for t in pairs(types) do is_tensor = is_tensor and not t:find("(", 1, true) end
    if name == first and is_tensor and next(declared) then types = declared end
    list[#list + 1] = { name = name, types = types }
  end
  return list
end

--- All operators by domain and name: as core.operators(), with `constraints`, a list of
--- { name, types }.
---@return table[]
function M.list()
  local list = core.operators()
  for _, op in ipairs(list) do op.constraints = constraints(op) end
  table.sort(list, function(a, b)
    return a.domain < b.domain or a.domain == b.domain and a.name < b.name
  end)
  return list
end

---@param range integer[]
---@return string
local function range_text(range)
  if not range[2] then return range[1] .. "+" end
  return range[1] == range[2] and tostring(range[1]) or ("%d-%d"):format(range[1], range[2])
end

--- "T: float int, T1: i64".
---@param op table of M.list
---@return string
function M.constraints_text(op)
  local parts = {}
  for _, c in ipairs(op.constraints) do
    parts[#parts + 1] = ("%s: %s"):format(c.name, nested_text(c.types))
  end
  return table.concat(parts, "; ")
end

local function default_text(a)
  if a.default == nil or a.default == "" or a.default == 0 then return "" end
  if math.type(a.default) == "float" then return ("=%.7g"):format(a.default) end
  return "=" .. tostring(a.default)
end

--- "axis!:int, epsilon:float=1e-05": ! is required.
---@param op table of M.list
---@return string
function M.attributes_text(op)
  local parts = {}
  for _, a in ipairs(op.attributes) do
    parts[#parts + 1] = ("%s%s:%s%s"):format(a.name, a.required and "!" or "",
      schema.kind_names[a.kind], default_text(a))
  end
  return table.concat(parts, ", ")
end

local function domain_title(domain) return domain == "" and "ai.onnx" or domain end

local head = [[
# Operators

What this build has. Generated from the declarations by `make operators`; a spec fails when it is
stale.

Versions are those in which the operator changed: each is read, and rewritten to the newest. Inputs
and outputs are counts, `+` any number more. Types are those of the newest version: of the first
variable what the declaration takes, of the others what the standard allows; for operators outside
of the standard those of input 0. Attributes are `name:kind=default`, `!` marks those that must be
there.
]]

--- The whole table as Markdown: c/op/OPERATORS.md.
---@return string
function M.markdown()
  local lines, domain = { head }, nil
  for _, group in ipairs(groups) do
    lines[#lines + 1] = ("- `%s`: %s"):format(group[1], group[2])
  end
  for _, op in ipairs(M.list()) do
    if op.domain ~= domain then
      domain = op.domain
      lines[#lines + 1] = ("\n## %s\n"):format(domain_title(domain))
      lines[#lines + 1] = "| operator | versions | in | out | types | attributes |"
      lines[#lines + 1] = "| --- | --- | --- | --- | --- | --- |"
    end
    lines[#lines + 1] = ("| %s | %s | %s | %s | %s | %s |"):format(op.name,
      table.concat(op.since, " "), range_text(op.inputs), range_text(op.outputs),
      M.constraints_text(op), M.attributes_text(op))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- For a terminal: a line an operator, and a line with its attributes where it has some.
---@return string
function M.text()
  local rows, lines, list = {}, {}, M.list()
  for i, op in ipairs(list) do
    rows[i] = {
      op.name, domain_title(op.domain), table.concat(op.since, " "), M.constraints_text(op),
    }
  end
  local i = 0
  for line in (text.columns(rows) .. "\n"):gmatch "(.-)\n" do
    i = i + 1
    lines[#lines + 1] = line
    if #list[i].attributes > 0 then lines[#lines + 1] = "  " .. M.attributes_text(list[i]) end
  end
  return table.concat(lines, "\n")
end

--- For programs: types and kinds of attributes by name, in lists.
---@return table[]
function M.json()
  local list = M.list()
  for _, op in ipairs(list) do
    local constraints_by_name = setmetatable({}, { __jsontype = "object" })
    for _, c in ipairs(op.constraints) do
      local names = {}
      for name in pairs(c.types) do names[#names + 1] = name end
      table.sort(names)
      constraints_by_name[c.name] = names
    end
    op.constraints = constraints_by_name
    for _, a in ipairs(op.attributes) do a.kind = schema.kind_names[a.kind] end
  end
  return list
end

return M
