-- Damaged files: bits flipped, bytes cut, doubled or replaced, lengths made wild. The same on every
-- machine.
local M = {}

local wild = { "\0\0\0\0", "\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\xff\xff\xff\x7f", "\x80\0\0\0", "\1\0\0\0" }

local function generator(seed)
  local state = seed
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n
  end
end

local function splice(bytes, at, n, new) return bytes:sub(1, at - 1) .. new .. bytes:sub(at + n) end

local kinds = {
  function(bytes, at, below)
    return splice(bytes, at, 1, string.char(bytes:byte(at) ~ (1 << below(8))))
  end,
  function(bytes, at, below) return splice(bytes, at, 1, string.char(below(256))) end,
  function(bytes, at) return bytes:sub(1, at) end,
  function(bytes, at, below) return splice(bytes, at, 1 + below(16), "") end,
  function(bytes, at, below) return splice(bytes, at, 0, bytes:sub(at, at + below(40))) end,
  function(bytes, at, below)
    local new = wild[1 + below(#wild)]
    return splice(bytes, at, #new, new)
  end,
}

--- Damages `bytes` in one to four places, half of them in the first 64 bytes, where headers are.
function M.mutate(bytes, below)
  for _ = 0, below(4) do
    if #bytes == 0 then return bytes end
    local range = below(2) == 0 and math.min(#bytes, 64) or #bytes
    bytes = kinds[1 + below(#kinds)](bytes, 1 + below(range), below)
  end
  return bytes
end

--- Runs n damaged versions of the seeds through `read`, which must give a value, or nil, a message
--- and a code. Returns how many were refused.
function M.run(n, seed, seeds, read)
  local below, refused = generator(seed), 0
  for i = 1, n do
    local value, message, code = read(M.mutate(seeds[1 + i % #seeds], below))
    if value == nil then
      assert(type(message) == "string" and #message > 0, "no message")
      assert(code == "format" or code == "unsupported" or code == "nomem", tostring(code))
      refused = refused + 1
    end
  end
  return refused
end

local table_of_crc = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and (c >> 1) ~ 0xedb88320 or c >> 1 end
  table_of_crc[i] = c
end

--- A PNG with the checksum of each chunk as it should be (PNG, annex D), where chunks can be found.
function M.mend_png(bytes)
  local out, at = { bytes:sub(1, 8) }, 9
  while at + 11 <= #bytes do
    local size = string.unpack(">I4", bytes, at)
    if at + 11 + size > #bytes then break end
    local body, crc = bytes:sub(at + 4, at + 7 + size), 0xffffffff
    for i = 1, #body do crc = table_of_crc[(crc ~ body:byte(i)) & 255] ~ crc >> 8 end
    out[#out + 1] = bytes:sub(at, at + 3) .. body .. string.pack(">I4", crc ~ 0xffffffff)
    at = at + 12 + size
  end
  return table.concat(out) .. bytes:sub(at)
end

return M
