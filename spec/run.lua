-- Runs busted in whatever interpreter runs this file: lua5.4, or the one with sanitizers.
-- usage: lua spec/run.lua [BUSTED OPTION...]
table.insert(arg, 1, "--ignore-lua") -- .busted names an interpreter: stay in this one
require "busted.runner" { standalone = false }
