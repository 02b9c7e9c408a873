-- Models of older operator sets give what they gave: a case for each older version of every
-- operator whose form changed. The cases are data, in spec/old_forms/*.lua:
--
--     { "Name" or "domain:Name", { versions }, "what it shows", attrs =, inputs =, outputs = }
--
-- with the fields of spec/support/op_cases.lua; each is run under every operator set it lists.
local lfs = require "lfs"
local pg = require "perigee"
local t = require "support.op_cases" (_ENV)

-- What has subgraphs, which tables can't hold, has a spec of its own.
local elsewhere = {
  Scan = "spec/op/control_scan_spec.lua",
}

local files = {}
for name in lfs.dir "spec/old_forms" do
  if name:find "%.lua$" then files[#files + 1] = "spec/old_forms/" .. name end
end
table.sort(files)

local by_op, names = {}, {}
for _, path in ipairs(files) do
  for _, entry in ipairs(dofile(path)) do
    local op = entry[1]
    if not by_op[op] then
      by_op[op], names[#names + 1] = {}, op
    end
    for _, version in ipairs(entry[2]) do
      local title = entry[3] and " " .. entry[3] or "s"
      local case = { ("at opset %d%s"):format(version, entry[3] and title or "") }
      for key, value in pairs(entry) do
        if type(key) == "string" then case[key] = value end
      end
      case.opset = version
      table.insert(by_op[op], case)
    end
  end
end

for _, op in ipairs(names) do t.cases(op, by_op[op]) end

--- The version of the operator that an operator set has.
local function version_in(op, opset)
  local found
  for _, version in ipairs(op.since) do
    if version <= opset then found = version end
  end
  return found
end

describe("older forms", function()
  for _, op in ipairs(pg.operators()) do
    local name = op.domain == "" and op.name or op.domain .. ":" .. op.name
    local covered = {}
    for _, case in ipairs(by_op[name] or {}) do covered[version_in(op, case.opset) or 0] = true end
    local last = #op.since - (op.current and 1 or 0)
    for i = 1, last do
      local version = op.since[i]
      if op.upgrades then
        it(("has a case for %s@%d"):format(name, version), function()
          local other = elsewhere[name]
          assert.is_truthy(covered[version] or other and lfs.attributes(other),
            "spec/old_forms/*.lua has none")
        end)
      end
    end
  end
end)
