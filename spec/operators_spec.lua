-- Declarations of operators against the standard's own table, and against the list in c/op/OPERATORS.md.
local pg = require "perigee"
local operators = require "perigee.operators"
local schema = require "perigee.check.schema"
local temp = require "support.temp"

--- Where a declaration differs, and why.
local differs = {
  ["ai.onnx.preview.training.Gradient"] = "expanded into the gradient's own nodes, never declared",
  LayerNormalization = { since = "early exporters wrote the experimental form of version 1" },
  MeanVarianceNormalization = { since = "the experimental form of version 1" },
  ThresholdedRelu = { since = "the experimental form of version 1" },
  CausalConvWithState = { outputs = "a second output that nobody wants may be left out" },
  LinearAttention = { outputs = "a second output that nobody wants may be left out" },
  DynamicQuantizeLinear = { outputs = "trailing outputs that nobody wants may be left out" },
  Scan = { attributes = "'batched' remembers the form of version 8" },
  Scatter = { attributes = "it became ScatterElements, whose attributes it has" },
  Upsample = { inputs = "scales were an attribute", attributes = "it became Resize" },
}

--- Types that the standard has and no tensor of this build.
local absent = { f6e2m3 = true, f6e3m2 = true }
--- Element types of an input that nobody can interpolate: the standard lets them pass all the same.
local not_numbers = { Col2Im = "string c64 c128", GridSample = "string c64 c128" }

local function title(op) return op.domain == "" and op.name or op.domain .. "." .. op.name end

local function known(op, what)
  local entry = differs[title(op)]
  return type(entry) == "table" and entry[what] or nil
end

local function newest(versions)
  for i = #versions, 1, -1 do
    if not versions[i].deprecated then return versions[i] end
  end
  return versions[#versions]
end

--- As the declarations say it: sequences, maps and what is inside of optionals.
local function declared_name(name)
  name = name:match "^optional%((.*)%)$" or name
  return name:find "^seq" and "sequence" or name:find "^map" and "map" or name
end

local function check_versions(op, versions)
  local since = {}
  for i, version in ipairs(versions) do since[i] = version.since end
  if known(op, "since") then table.insert(since, 1, 1) end
  assert.same(since, op.since)
end

local function check_attributes(op, standard)
  local seen = {}
  for _, a in ipairs(op.attributes) do
    seen[a.name] = true
    local s = standard.attributes[a.name]
    assert.is_truthy(s, ("it has no attribute '%s'"):format(a.name))
    assert.same(s.kind, a.kind, a.name)
    assert.same(s.required, a.required, a.name)
    if not s.required and s.kind <= 3 then
      local otherwise = s.kind == 3 and "" or 0
      local default = s.default or otherwise
      if s.kind ~= 3 then default = tonumber(default) end
      local is_near = s.kind == 1 and math.abs(default - a.default) <= 1e-6 * math.abs(default)
      if not is_near then assert.same(default, a.default, a.name) end
    end
  end
  for name in pairs(standard.attributes) do
    assert.is_true(seen[name], ("the attribute '%s' isn't declared"):format(name))
  end
end

local function check_types(op, standard)
  local first = standard.inputs[1] or standard.outputs[1]
  if #op.types == 0 or not first then return end
  local declared, excused = {}, {}
  for _, name in ipairs(op.types) do declared[name] = true end
  for name in (not_numbers[op.name] or ""):gmatch "%S+" do excused[name] = true end
  for name in pairs(standard.types[first.type] or { [first.type] = true }) do
    local plain = declared_name(name)
    if not absent[plain] and not excused[plain] then
      assert.is_true(declared[plain], ("%s isn't declared of %s"):format(plain, first.name))
    end
  end
end

describe("declarations of operators agree with the standard:", function()
  local declared = {}
  for _, op in ipairs(pg.operators()) do
    declared[op.domain .. "\0" .. op.name] = true
    local versions = schema.versions(op.domain, op.name)
    if versions then
      it(title(op), function()
        local standard = newest(versions)
        local function most(n) return n ~= math.huge and n or nil end
        check_versions(op, versions)
        if not known(op, "inputs") then
          assert.same({ standard.least_in, most(standard.most_in) }, op.inputs)
        end
        if not known(op, "outputs") then
          assert.same({ standard.least_out, most(standard.most_out) }, op.outputs)
        end
        if not known(op, "attributes") then check_attributes(op, standard) end
        check_types(op, standard)
      end)
    end
  end

  it("all of the standard's operators are declared", function()
    local missing = {}
    for domain, name in schema.each() do
      local op = { domain = domain, name = name }
      if not declared[domain .. "\0" .. name] and not differs[title(op)] then missing[#missing + 1] = title(op) end
    end
    assert.same({}, missing)
  end)
end)

describe("c/op/OPERATORS.md", function()
  it("is what `make operators` writes", function()
    assert.is_true(operators.markdown() == temp.read "c/op/OPERATORS.md",
      "c/op/OPERATORS.md is stale: run make operators")
  end)
end)

describe("the table of the standard", function()
  it("finds the form that holds in a version", function()
    assert.same(11, schema.find("", "Conv", 21).since)
    assert.same(22, schema.find("", "Conv", 28).since)
    assert.is_nil(schema.find("", "Gelu", 19))
    assert.is_true(schema.find("", "Upsample", 10).deprecated)
  end)

  it("counts inputs and outputs", function()
    local conv = schema.find("", "Conv", 28)
    assert.same({ 2, 3, 1, 1 }, { conv.least_in, conv.most_in, conv.least_out, conv.most_out })
    local loop = schema.find("", "Loop", 28)
    assert.same({ 2, math.huge }, { loop.least_in, loop.most_in })
  end)

  it("knows attributes and types", function()
    local cast = schema.find("", "Cast", 19)
    assert.is_true(cast.attributes.to.required)
    assert.same("1", cast.attributes.saturate.default)
    assert.is_true(cast.types.T1.f8e5m2)
    assert.is_nil(cast.types.T1.i4)
  end)
end)
