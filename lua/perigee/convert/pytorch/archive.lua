--- torch.save's files as plain data: zip archives (data.pkl and data/KEY) and, before PyTorch 1.6,
--- a row of pickles with the storages behind them.
local fail = require "perigee.convert.fail"
local pickle = require "perigee.convert.pickle"
local storage = require "perigee.convert.pytorch.storage"
local zip = require "perigee.convert.zip"

local M = {}

--- The magic number of the old form, as a pickle of protocol 2 holds it: ten bytes, little-endian.
local MAGIC = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

---@param bytes perigee.Bytes?
---@return boolean
function M.is_old(bytes)
  return bytes ~= nil and #bytes > 15 and bytes:string(0, 1) == "\x80"
    and bytes:string(2, #MAGIC) == MAGIC
end

--- The folder that an archive's members lie in ("archive/"), by the member that it must have.
---@param members table of zip.open
---@param name string "data.pkl"
---@return string? prefix
function M.prefix(members, name)
  for _, member in ipairs(members.names) do
    local prefix = member:match "^(.-/?)[^/]+$"
    if member == prefix .. name and not prefix:find "/./" and select(2, prefix:gsub("/", "")) <= 1
    then
      return prefix
    end
  end
end

---@class perigee.convert.TorchArchive
local Archive = {}
Archive.__index = Archive

--- A pickle among the members, whose tensors lie in the folder `folder`/.
---@param name string "data.pkl"
---@param folder string "data"
---@param allowed? table names besides storage.allowed
---@return any
function Archive:pickle(name, folder, allowed)
  local bytes = self:member(name)
  if not bytes then fail.format("the archive has no %s", name) end
  local all = allowed and setmetatable(allowed, { __index = storage.allowed }) or storage.allowed
  local value = pickle.read(bytes, {
    allowed = all,
    persistent = function(id)
      local s = storage.storage(id)
      s.folder = folder
      return s
    end,
  })
  return value
end

---@return perigee.Bytes?
function Archive:member(name) return self.members:read(self.at .. name) end

--- The tensor of a record that a pickle gave.
---@return perigee.Tensor
function Archive:tensor(record)
  local made = self.made[record]
  if not made then
    made = storage.tensor(record, function(s)
      return self:member(s.folder .. "/" .. s.key)
    end, self.is_big)
    self.made[record] = made
  end
  return made
end

--- Opens a zip archive that has a data.pkl.
---@param bytes perigee.Bytes
---@return perigee.convert.TorchArchive
function M.open(bytes)
  local members = zip.open(bytes)
  local at = M.prefix(members, "data.pkl") or fail.format "a zip archive without a data.pkl"
  local self = setmetatable({ members = members, at = at, made = {} }, Archive)
  local order = self:member "byteorder"
  self.is_big = order ~= nil and order:string() == "big"
  return self
end

--- ---- the old form -----------------------------------------------------------------------------

--- The storages behind the pickles: the number of elements, then the elements.
local function place_storages(bytes, at, keys, roots)
  local places = {}
  for _, key in ipairs(keys) do
    local root = roots[tostring(key)] or fail.format("nobody needs the storage '%s'", tostring(key))
    local count = bytes:i64(at)
    if count < 0 or count > #bytes then fail.format("a storage of %d elements", count) end
    local size = count * root.width
    places[tostring(key)] = bytes:slice(at + 8, size)
    at = at + 8 + size
  end
  return places
end

local width = require("perigee.core").dtypes()

--- A file of the old form.
---@param bytes perigee.Bytes
---@return any value
---@return fun(record: table): perigee.Tensor
function M.read_old(bytes)
  local _, at = pickle.read(bytes)
  local value, protocol, system, keys
  protocol, at = pickle.read(bytes, { at = at })
  if protocol ~= 1001 then fail.format("version %s of PyTorch's old form", tostring(protocol)) end
  system, at = pickle.read(bytes, { at = at })
  local roots = {}
  value, at = pickle.read(bytes, {
    at = at, allowed = storage.allowed,
    persistent = function(id)
      local s = storage.storage(id)
      if s.kind == "storage" and not roots[s.key] then
        roots[s.key] = { width = width[s.dtype] // 8 }
      end
      return s
    end,
  })
  keys, at = pickle.read(bytes, { at = at })
  if type(keys) ~= "table" then fail.format "no list of storages" end
  local places = place_storages(bytes, at, keys, roots)
  local is_big = type(system) == "table" and system.map and system.map.little_endian == false
  local made = {}
  return value, function(record)
    if not made[record] then
      made[record] = storage.tensor(record, function(s)
        local whole = places[s.key]
        if not (whole and s.view) then return whole end
        local size = width[s.dtype] // 8 -- a view of a part: (key, offset, elements)
        return whole:slice((s.view[2] or 0) * size, (s.view[3] or 0) * size)
      end, is_big)
    end
    return made[record]
  end
end

return M
