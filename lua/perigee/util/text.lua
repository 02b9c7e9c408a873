--- Text for terminals: aligned tables, quantities.
local M = {}

--- Rows of cells as aligned columns; cells that are numbers or end in a unit go to the right.
---@param rows string[][]
---@param opts? { right?: table<integer, boolean> } columns to align right
---@return string
function M.columns(rows, opts)
  local width, right = {}, opts and opts.right or {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, utf8.len(cell) or #cell) end
  end
  local lines = {}
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(width[i] - (utf8.len(cell) or #cell))
      cells[i] = right[i] and pad .. cell or cell .. pad
    end
    lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

--- 1234567 -> "1.23 M"; base 1000.
---@param n number
---@return string
function M.quantity(n)
  for _, unit in ipairs { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } } do
    if n >= unit[1] then return ("%.3g %s"):format(n / unit[1], unit[2]) end
  end
  return ("%d"):format(n)
end

--- Bytes as "12.3 MiB".
---@param n number
---@return string
function M.bytes(n)
  for _, unit in ipairs { { 2 ^ 30, "GiB" }, { 2 ^ 20, "MiB" }, { 2 ^ 10, "KiB" } } do
    if n >= unit[1] then return ("%.1f %s"):format(n / unit[1], unit[2]) end
  end
  return ("%d B"):format(n)
end

--- "f32 [N,3,224,224]" of a { dtype, shape } description.
---@param spec perigee.ValueInfo
---@return string
function M.type(spec)
  if spec.type then return spec.type end
  local dims = spec.shape and table.concat(spec.shape, ",") or "..."
  return ("%s [%s]"):format(spec.dtype or "?", dims)
end

--- A word as the shell reads it.
---@param word string
---@return string
function M.quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- The interpreter that runs this.
---@return string
function M.interpreter()
  local first = 0
  while arg and arg[first - 1] do first = first - 1 end
  return first < 0 and arg[first] or "lua5.4"
end

--- The shell's words that began this program, before its own arguments: interpreter, script.
---@return string
function M.program()
  local parts, first = {}, 0
  while arg[first - 1] do first = first - 1 end
  for i = first, 0 do parts[#parts + 1] = M.quote(arg[i]) end
  return table.concat(parts, " ")
end

return M
