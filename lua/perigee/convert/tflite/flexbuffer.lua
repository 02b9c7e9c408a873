--- FlexBuffers, in which custom operators keep their options: maps of numbers, flags and texts
--- (https://flatbuffers.dev/internals, "FlexBuffers").
local fail = require "perigee.convert.fail"

local M = {}

local reader = { [1] = "i8", [2] = "i16", [4] = "i32", [8] = "i64" }
local unsigned_reader = { [1] = "u8", [2] = "u16", [4] = "u32", [8] = "i64" }

local INT, UINT, FLOAT, KEY, STRING, INDIRECT_INT, INDIRECT_UINT, INDIRECT_FLOAT, MAP, BOOL =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 26

local function unsigned(bytes, at, width)
  local method = unsigned_reader[width]
  if not method then fail.format("flexbuffer: numbers of %d bytes", width) end
  return bytes[method](bytes, at)
end

local function float(bytes, at, width)
  if width == 4 then return bytes:f32(at) end
  if width == 8 then return bytes:f64(at) end
  fail.format("flexbuffer: a float of %d bytes", width)
end

--- Where the offset at `at` points: backwards.
local function follow(bytes, at, width)
  local to = at - unsigned(bytes, at, width)
  if to < 0 or to >= at then fail.format("flexbuffer: an offset outside") end
  return to
end

local function text(bytes, at)
  local behind = bytes:find("\0", at)
  return behind and bytes:string(at, behind - at) or fail.format("flexbuffer: a key without an end")
end

local function value(bytes, at, parent_width, packed)
  local kind, width = packed >> 2, 1 << (packed & 3)
  if kind == INT then return bytes[reader[parent_width]](bytes, at) end
  if kind == UINT then return unsigned(bytes, at, parent_width) end
  if kind == BOOL then return unsigned(bytes, at, parent_width) ~= 0 end
  if kind == FLOAT then return float(bytes, at, parent_width) end
  if kind == KEY then return text(bytes, follow(bytes, at, parent_width)) end
  if kind == STRING then
    local to = follow(bytes, at, parent_width)
    return bytes:string(to, unsigned(bytes, to - width, width))
  end
  if kind == INDIRECT_INT then return bytes[reader[width]](bytes,
    follow(bytes, at, parent_width)) end
  if kind == INDIRECT_UINT then return unsigned(bytes, follow(bytes, at, parent_width), width) end
  if kind == INDIRECT_FLOAT then return float(bytes, follow(bytes, at, parent_width), width) end
end

--- The map at the root of a buffer: numbers, flags and texts by their keys; vectors are left out.
---@param bytes perigee.Bytes?
---@return table<string, any>
function M.map(bytes)
  local out = {}
  if not bytes or #bytes < 3 then return out end
  local root_width, packed = bytes:u8(#bytes - 1), bytes:u8(#bytes - 2)
  if packed >> 2 ~= MAP or not reader[root_width] then fail.format("flexbuffer: expected a map") end
  local at, width = follow(bytes, #bytes - 2 - root_width, root_width), 1 << (packed & 3)
  local n = unsigned(bytes, at - width, width)
  if n < 0 or n > #bytes then fail.format("flexbuffer: %d elements", n) end
  local keys = follow(bytes, at - 3 * width, width)
  local key_width = unsigned(bytes, at - 2 * width, width)
  for i = 0, n - 1 do
    local key = text(bytes, follow(bytes, keys + i * key_width, key_width))
    out[key] = value(bytes, at + i * width, width, bytes:u8(at + n * width + i))
  end
  return out
end

return M
