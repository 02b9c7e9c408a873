--- Reading models of other formats. A format is a module beside this one that returns
---
---     { name = "ncnn", detect = function(bytes, path) ... end, read = function(source) ... end }
---
--- detect looks at the beginning of the file (and may look at the name) and must be sure; read
--- gives a Graph of standard operators whose border is the file's: the same inputs and outputs,
--- names, order, shapes, element types and layouts. A reader raises with convert/fail.lua.
local core = require "perigee.core"
local fail = require "perigee.convert.fail"
local lfs_ok, lfs = pcall(require, "lfs")

local M = {}

--- In the order in which they are asked. Those with a signature come first.
M.formats = {
  "tflite", "ncnn", "torchscript", "pytorch", "safetensors", "mnn", "darknet", "openvino",
  "caffe", "tengine", "tnn",
}

--- What a reader is given: the file, and what lies beside it.
---@class perigee.convert.Source
---@field path string? nil: the model came as bytes
---@field bytes perigee.Bytes? nil: the path is a folder
---@field weights_path string? given by the user
---@field opts table what the user gave besides
local Source = {}
Source.__index = Source

--- Opens another file, mapped; a failure names it.
function Source.open(_, path)
  local bytes, message = core.bytes_open(path)
  if not bytes then fail.format("%s", message) end
  return bytes
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- The second file of a two-file format: what the user gave, else the same stem with one of the
--- extensions. Raises naming what was looked for; `optional` gives nil instead.
---@param extensions string[] ".bin", ...
---@param optional? boolean
---@return perigee.Bytes? bytes
---@return string? path
function Source:weights(extensions, optional)
  if self.weights_path then return self:open(self.weights_path), self.weights_path end
  local stem = self.path and self.path:gsub("%.[^./]*$", "")
  local tried = {}
  for i, extension in ipairs(self.path and extensions or {}) do
    for _, base in ipairs { stem, self.path } do
      if exists(base .. extension) then return self:open(base .. extension), base .. extension end
    end
    tried[i] = stem .. extension
  end
  if optional then return nil end
  fail.format("its weights are in another file: looked for %s; or give it as second argument",
    #tried > 0 and table.concat(tried, ", ") or "none, as the model came as bytes")
end

--- The folder that the file lies in, with a slash behind it.
function Source:folder()
  return self.path and self.path:match "^(.*/)" or ""
end

--- The format of a file or folder: a module, or nil for what perigee's own reader takes (ONNX).
---@param bytes perigee.Bytes?
---@param path string?
---@return table?
function M.detect(bytes, path)
  for _, name in ipairs(M.formats) do
    local format = require("perigee.convert." .. name)
    if format.detect(bytes, path) then return format end
  end
end

--- ONNX files begin with their version as exporters write them, or with another of the model's
--- first fields: the common case needs no reader of another format.
local function is_surely_onnx(head)
  local tag, version, next_tag = head:byte(1, 3)
  return next_tag ~= nil and tag == 0x08 and version < 32 and next_tag % 8 == 2
end

local function read(format, source)
  local g, message, code = fail.guard(format.read, source)
  if g then return g end
  local where = source.path and source.path .. ": " or ""
  return nil, ("%s%s: %s"):format(where, format.name, message), code
end

--- A Graph of a file in another format than ONNX; nothing when it is none.
---@param path string
---@param weights? string the second file of a two-file format
---@param opts? table options of the reader
---@return perigee.Graph? graph
---@return string? message
---@return string? code
function M.load(path, weights, opts)
  local bytes
  if not (lfs_ok and lfs.attributes(path, "mode") == "directory") then
    local message, code
    bytes, message, code = core.bytes_open(path)
    if not bytes then return nil, message, code end
    if is_surely_onnx(bytes:string(0, math.min(#bytes, 3))) then return end
  end
  local format = M.detect(bytes, path)
  if not format then return end
  return read(format, setmetatable(
    { path = path, bytes = bytes, weights_path = weights, opts = opts or {} }, Source))
end

--- The same for bytes.
---@param text string
---@return perigee.Graph? graph
---@return string? message
---@return string? code
function M.load_bytes(text)
  if is_surely_onnx(text) then return end
  local bytes = core.bytes_of(text)
  local format = M.detect(bytes, nil)
  if not format then return end
  return read(format, setmetatable({ bytes = bytes, opts = {} }, Source))
end

return M
