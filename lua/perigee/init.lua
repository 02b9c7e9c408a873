--- perigee: load, inspect, run, change neural networks.
---
---     local pg = require "perigee"
---     local graph = assert(pg.load "model.onnx")
---     local session = graph:session { threads = 2 }
---     local out = session { image = pg.image.read("cat.jpg"):tensor { scale = 1 / 255 } }
---     print(out.logits)
---
--- Submodules load when they are first used: perigee.tensor, perigee.image, perigee.post, ...
local core = require "perigee.core"
local graph = require "perigee.graph"
local tensor = require "perigee.tensor"

---@class perigee
---@field version string
---@field tensor perigee.tensor
---@field image perigee.image
---@field post perigee.post
---@field check fun(model: perigee.Graph|string): perigee.Finding[]?, string?, string?
local M = {
  version = core.version,
  tensor = tensor,
  load = graph.load,
  load_bytes = graph.load_bytes,
  load_text = graph.load_text,
  merge = graph.merge,
  graph = graph.new,
}

--- The kernel level in use: "scalar", "avx2", "avx512". PERIGEE_ISA lowers it.
---@return string
function M.isa() return core.isa() end

--- Seconds of a monotonic clock: for measuring.
---@return number
function M.clock() return core.clock() end

--- Named tensors of a checkpoint, safetensors, .npz or model: see perigee.tensors.
---@param path string
---@param opts? { key?: string }
---@return perigee.Tensors? tensors
---@return string? message
---@return string? code
function M.tensors(path, opts) return require("perigee.tensors").load(path, opts) end

--- Writes named tensors as safetensors.
---@param path string
---@param tensors perigee.Tensors|table<string, perigee.Tensor>
---@return true? ok
---@return string? message
---@return string? code
function M.save_tensors(path, tensors) return require("perigee.tensors").save(path, tensors) end

--- Reads a tokenizer: see perigee.prep.text.
---@param path string
---@param opts? perigee.tokenizer.options
---@return perigee.Tokenizer? tokenizer
---@return string? message
---@return string? code
function M.tokenizer(path, opts) return require("perigee.prep.text").tokenizer(path, opts) end

--- Every operator that this build knows: an array of { name, domain, since, inputs,
--- outputs, types, attributes, upgrades, current }.
---@return table[]
function M.operators() return core.operators() end

local lazy = {
  attr = true, image = true, post = true, bench = true, conformance = true, check = true,
  compare = true, bisect = true,
}

return setmetatable(M, {
  __index = function(_, key)
    if not lazy[key] then return nil end
    local module = require("perigee." .. key)
    M[key] = module
    return module
  end,
})
