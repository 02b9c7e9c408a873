-- Runs busted in whatever interpreter runs this file: lua5.4, or the one with sanitizers.
-- usage: lua spec/run.lua [BUSTED OPTION...]
require "busted.runner" { standalone = false }
