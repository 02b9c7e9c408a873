-- Mixtures of experts.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:MoE")
contrib.cases("com.microsoft:QMoE")

local t = require "support.op_cases" (_ENV)
t.cases("com.microsoft:MoE", {
  {
    "refuses more experts than there are",
    attrs = { k = 3 }, inputs = { t.count { 2, 2 }, t.count { 2, 2 }, t.count { 2, 3, 2 }, false, t.count { 2, 2, 3 } },
    error = "router_probs",
  },
  {
    "refuses weights that don't fit",
    inputs = { t.count { 2, 2 }, t.count { 2, 2 }, t.count { 2, 3, 4 }, false, t.count { 2, 2, 3 } },
    error = "fc1: the weights",
  },
})
