--- OpenVINO IR, versions 10 and 11: NAME.xml holds the layers, NAME.bin the constants.
--- (OpenVINO documentation, "Intermediate Representation Format" and "Operation Sets".)
local fail = require "perigee.convert.fail"
local xml = require "perigee.convert.xml"

local M = { name = "openvino" }

local HEAD = 4096

function M.detect(bytes)
  if not bytes or #bytes < 16 then return false end
  local head = bytes:string(0, math.min(#bytes, HEAD))
  head = head:gsub("^\xef\xbb\xbf", ""):gsub("^%s*<%?xml.-%?>", ""):gsub("^%s*<!%-%-.-%-%->", "")
  return head:find "^%s*<net[%s>]" ~= nil or head:find "^%s*<!DOCTYPE%s+net[%s%[]" ~= nil
end

---@param source perigee.convert.Source
---@return perigee.Graph
function M.read(source)
  local root = xml.parse(source.bytes)
  if root.name ~= "net" then fail.format("its root element is '%s', not 'net'", root.name) end
  local version = math.tointeger(tonumber(root.attrs.version))
  if version ~= 10 and version ~= 11 then
    fail.unsupported { { what = ("IR version %s"):format(root.attrs.version or "?"),
      instead = "version 10 or 11, as OpenVINO since 2020.3 writes" } }
  end
  local context = require "perigee.convert.openvino.context"
  return context.read(root, function() return (source:weights { ".bin" }) end)
end

return M
