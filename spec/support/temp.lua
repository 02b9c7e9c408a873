-- Temporary folders for specs. Each spec file asks for one; nothing outside it is written.
local lfs = require "lfs"

local M = {}

--- Makes a fresh folder.
---@return string path
function M.dir()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  return path
end

--- Removes a folder with everything in it; never follows links.
---@param path string
function M.remove(path)
  for name in lfs.dir(path) do
    if name ~= "." and name ~= ".." then
      local inner = path .. "/" .. name
      if lfs.symlinkattributes(inner, "mode") == "directory" then
        M.remove(inner)
      else
        os.remove(inner)
      end
    end
  end
  lfs.rmdir(path)
end

---@param path string
---@return string bytes
function M.read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

---@param path string
---@param bytes string
---@return string path
function M.write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

return M
