-- Every operator has a spec: spec/op/NAME_spec.lua for c/op/NAME.c, and each name stands in one.
local lfs = require "lfs"
local pg = require "perigee"
local temp = require "support.temp"

local function declares_operators(path) return ("\n" .. temp.read(path)):find "\nPG_OP%(" ~= nil end

local specs, all = {}, {}
for name in lfs.dir "spec/op" do
  local stem = name:match "^(.+)_spec%.lua$"
  if stem then
    specs[stem] = temp.read("spec/op/" .. name)
    all[#all + 1] = specs[stem]
  end
end
local text = table.concat(all, "\n")

describe("specs of operators", function()
  for name in lfs.dir "c/op" do
    local stem = name:match "^(.+)%.c$"
    if stem and declares_operators("c/op/" .. name) then
      it("has one for c/op/" .. name, function()
        assert.is_not_nil(specs[stem], ("spec/op/%s_spec.lua is missing"):format(stem))
      end)
    end
  end

  for _, op in ipairs(pg.operators()) do
    local name = op.domain == "" and op.name or op.domain .. ":" .. op.name
    it("names " .. name, function()
      local is_named = text:find('cases("' .. name .. '"', 1, true)
        or text:find('describe("' .. name .. '"', 1, true)
      assert.is_truthy(is_named, name .. " stands in no spec/op/*_spec.lua")
    end)
  end

  it("have an operator each", function()
    for stem in pairs(specs) do
      local path = ("c/op/%s.c"):format(stem)
      assert.is_truthy(lfs.attributes(path) and declares_operators(path),
        ("spec/op/%s_spec.lua is about no c/op/%s.c"):format(stem, stem))
    end
  end)
end)
