--- Zip archives (APPNOTE 6.3.10): the directory at the end, members as slices of the mapped file.
--- Names are only names: nothing is ever unpacked to disk.
local fail = require "perigee.convert.fail"

local M = {}
local Archive = {}
Archive.__index = Archive

local STORED, DEFLATED = 0, 8
--- A deflated member grows at most 1,032 fold (zlib's technical notes); what claims more lies.
local MOST_GROWTH, MOST_SIZE = 1032, 1 << 31

--- Where the end record is: it is the last thing in the file but for a comment of up to 64 KiB.
local function end_record(bytes)
  local from = math.max(0, #bytes - 65557)
  local at, found = bytes:find("PK\5\6", from), nil
  while at do
    if at + 22 + bytes:u16(at + 20) <= #bytes then found = at end
    at = bytes:find("PK\5\6", at + 1)
  end
  if not found then fail.format("no zip archive: it has no directory") end
  return found
end

--- Number of members and where the directory begins; zip64 where the short fields are full.
local function directory(bytes)
  local at = end_record(bytes)
  local n, start = bytes:u16(at + 10), bytes:u32(at + 16)
  if at >= 20 and bytes:string(at - 20, 4) == "PK\6\7" then
    local far = bytes:i64(at - 12)
    if bytes:string(far, 4) ~= "PK\6\6" then fail.format("a broken zip64 directory") end
    n, start = bytes:i64(far + 32), bytes:i64(far + 48)
  end
  return n, start
end

--- The 64-bit sizes of an extra field, for those of the 32-bit ones that are full.
local function widen(bytes, at, stop, entry)
  while at + 4 <= stop do
    local id, size = bytes:u16(at), bytes:u16(at + 2)
    if id == 1 then
      local place = at + 4
      for _, key in ipairs { "size", "packed_size", "offset" } do
        if entry[key] == 0xffffffff then
          entry[key], place = bytes:i64(place), place + 8
        end
      end
      return
    end
    at = at + 4 + size
  end
end

local function read_entry(bytes, at)
  if bytes:string(at, 4) ~= "PK\1\2" then fail.format("a broken zip directory at %d", at) end
  local n_name, n_extra, n_comment = bytes:u16(at + 28), bytes:u16(at + 30), bytes:u16(at + 32)
  local entry = {
    flags = bytes:u16(at + 8), method = bytes:u16(at + 10), packed_size = bytes:u32(at + 20),
    size = bytes:u32(at + 24), offset = bytes:u32(at + 42), name = bytes:string(at + 46, n_name),
  }
  widen(bytes, at + 46 + n_name, at + 46 + n_name + n_extra, entry)
  return entry, at + 46 + n_name + n_extra + n_comment
end

--- Opens an archive.
---@param bytes perigee.Bytes
---@return table archive with .names, in order, and :read(name)
function M.open(bytes)
  local n, at = directory(bytes)
  if n < 0 or n > #bytes // 46 then fail.format("a zip directory of %d members", n) end
  local self = setmetatable({ bytes = bytes, names = {}, entries = {} }, Archive)
  for i = 1, n do
    local entry
    entry, at = read_entry(bytes, at)
    self.names[i], self.entries[entry.name] = entry.name, entry
  end
  return self
end

---@param bytes perigee.Bytes
---@return boolean
function M.is(bytes) return #bytes >= 22 and bytes:string(0, 4) == "PK\3\4" end

--- Unpacks exactly what the directory states.
local function inflate(packed, entry)
  if entry.size < 0 or entry.size > MOST_SIZE or entry.size > #packed * MOST_GROWTH then
    fail.format("%s claims to unpack to %d bytes", entry.name, entry.size)
  end
  return packed:inflate(entry.size)
end

--- A member's content, or nil when there is none of that name. Stored members are slices of the
--- file, deflated ones are unpacked to at most the size that the directory states.
---@param name string
---@return perigee.Bytes?
function Archive:read(name)
  local entry = self.entries[name]
  if not entry then return nil end
  local bytes, at = self.bytes, entry.offset
  if entry.flags & 1 ~= 0 then
    fail.unsupported { { what = "an encrypted member", where = name } }
  end
  if bytes:string(at, 4) ~= "PK\3\4" then fail.format("%s: no member at %d", name, at) end
  local start = at + 30 + bytes:u16(at + 26) + bytes:u16(at + 28)
  local packed = bytes:slice(start, entry.packed_size)
  if entry.method == STORED then return packed end
  if entry.method ~= DEFLATED then
    fail.unsupported { { what = ("zip method %d"):format(entry.method), where = name } }
  end
  return inflate(packed, entry)
end

return M
