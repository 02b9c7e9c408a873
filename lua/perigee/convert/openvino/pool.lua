--- Pooling.
local tensor = require "perigee.tensor"

local M = {}

local auto_pads = { same_upper = "SAME_UPPER", same_lower = "SAME_LOWER", valid = "VALID" }

--- Attributes of a window. "ceil" may let a window begin behind the padded end; "ceil_torch" and
--- ONNX never do, so padding at the end is added where the sizes are known.
local function window(c, L)
  local kernel = c:ints(L, "kernel")
  local n, ones = #kernel, {}
  for i = 1, n do ones[i] = 1 end
  local attrs = { kernel_shape = kernel, strides = c:ints(L, "strides", ones) }
  local dilations = c:ints(L, "dilations", ones)
  for i = 1, n do
    if dilations[i] ~= 1 then attrs.dilations = dilations end
  end
  local auto = auto_pads[c:word(L, "auto_pad", "explicit")]
  if auto then
    attrs.auto_pad = auto
    if auto == "VALID" then attrs.ceil_mode = nil end
  else
    local pads, ends = c:ints(L, "pads_begin", {}), c:ints(L, "pads_end", {})
    for i = 1, n do pads[i] = pads[i] or 0 end
    for i = 1, n do pads[n + i] = ends[i] or 0 end
    attrs.pads = pads
  end
  return attrs, n, c:word(L, "rounding_type", "floor"), dilations
end

--- How far windows of "ceil" reach behind the padded input, by axis, where sizes are known.
local function overhang(c, L, attrs, n, dilations)
  local more, any = {}, false
  for i = 1, n do
    local size = c:dims(L, 1)[2 + i]
    if not size or size < 0 then return nil end
    local span = size + attrs.pads[i] + attrs.pads[n + i] - (attrs.kernel_shape[i] - 1) * dilations[i] - 1
    local stride = math.max(attrs.strides[i], 1)
    local last = (span + stride - 1) // stride * stride
    more[i] = math.max(last - span, 0)
    any = any or (last >= size + attrs.pads[i])
  end
  return more, any
end

--- Sets ceil_mode; gives how far windows hang over where one begins behind the padded input, which
--- ONNX would leave out.
local function take_rounding(c, L, attrs, n, rounding, dilations)
  if rounding == "floor" or attrs.auto_pad then return false end
  attrs.ceil_mode = 1
  if rounding == "ceil_torch" then return false end
  local more, beyond = overhang(c, L, attrs, n, dilations)
  if not more then return false end
  return beyond and more
end

function M.MaxPool(c, L)
  local attrs, n, rounding, dilations = window(c, L)
  local more = take_rounding(c, L, attrs, n, rounding, dilations)
  if more then
    -- A window wholly in the padding: it is there all the same.
    for i = 1, n do attrs.pads[n + i] = attrs.pads[n + i] + more[i] end
    attrs.ceil_mode = nil
  end
  local x = c:x(L, 1)
  if #L.outputs < 2 and not more then return c:op("MaxPool", { x }, attrs) end
  local y, places = c:op("MaxPool", { x }, attrs, 2)
  -- Such a window holds the least number, not minus infinity.
  if more and c:type_of(L, 1) == "f32" then
    y = c:op("Max", { y, c:like(L, 1, -3.4028234663852886e38) })
  end
  if more then places = c:op("Max", { places, c:constant(0, "i64") }) end
  local axis = c:int(L, "axis", 0)
  local rank = n + 2
  axis = c:axis(L, axis, rank)
  -- Places count from the beginning of the axes from `axis` on; ONNX's from the whole.
  local size = 1
  for i = axis + 1, rank do
    local d = c:dims(L, 1)[i]
    if not d or d < 0 then return c:unsupported(L, "with places and free sizes") end
    size = size * d
  end
  if axis > 0 then places = c:op("Mod", { places, c:constant(size, "i64") }) end
  return y, c:cast(places, "i64", c:dtype(L, "index_element_type", "i64"))
end

function M.AvgPool(c, L)
  local attrs, n, rounding, dilations = window(c, L)
  local excludes = c:bool(L, "exclude-pad", c:bool(L, "exclude_pad", false))
  take_rounding(c, L, attrs, n, rounding, dilations)
  local more = rounding == "ceil" and not attrs.auto_pad and overhang(c, L, attrs, n, dilations)
  if more then
    -- What hangs over counts as padding here; ONNX leaves it out of the mean.
    for i = 1, n do attrs.pads[n + i] = attrs.pads[n + i] + more[i] end
    attrs.ceil_mode = nil
  end
  attrs.count_include_pad = excludes and 0 or 1
  return c:op("AveragePool", { c:x(L, 1) }, attrs)
end

-- ---- adaptive ---------------------------------------------------------------------------------

local MOST_PARTS = 4096

local function parts_of(size, out)
  local list = {}
  for i = 0, out - 1 do list[i + 1] = { size * i // out, (size * (i + 1) + out - 1) // out } end
  return list
end

--- The sizes of the input and output along the pooled axes.
local function adaptive_sizes(c, L)
  local out = c:need_numbers(L, 2, "sizes")
  if not out then return end
  local dims, all_one = c:dims(L, 1), true
  if #out ~= #dims - 2 then c:fail(L, "%d sizes for %d axes", #out, #dims - 2) end
  for i, size in ipairs(out) do
    all_one = all_one and size == 1
    if size < 1 or size > MOST_PARTS then c:fail(L, "an output of %d", size) end
    if dims[2 + i] == -1 then out.is_free = true end
  end
  if out.is_free and not all_one then return c:unsupported(L, "from free sizes", "fixed sizes") end
  return out, all_one
end

local function spatial(n)
  local axes = {}
  for i = 1, n do axes[i] = 1 + i end
  return axes
end

--- Means of windows from floor(i n / out) to ceil((i + 1) n / out): a product with weights.
function M.AdaptiveAvgPool(c, L)
  local out, all_one = adaptive_sizes(c, L)
  if not out then return end
  local x, dims, dtype = c:x(L, 1), c:dims(L, 1), c:type_of(L, 1)
  if all_one then return c:op("ReduceMean", { x, c:i64(spatial(#out)) }, { keepdims = 1 }) end
  local even, attrs = true, { kernel_shape = {}, strides = {} }
  for i, size in ipairs(out) do
    even = even and dims[2 + i] % size == 0
    attrs.kernel_shape[i] = dims[2 + i] // size
    attrs.strides[i] = attrs.kernel_shape[i]
  end
  if even then return c:op("AveragePool", { x }, attrs) end
  for i, size in ipairs(out) do
    local n = dims[2 + i]
    local means = tensor.zeros { n, size }
    for j, part in ipairs(parts_of(n, size)) do
      for k = part[1] + 1, part[2] do means:set(k, j, 1 / (part[2] - part[1])) end
    end
    local letters, axis = ("abcde"):sub(1, #dims), 2 + i
    local letter = letters:sub(axis, axis)
    x = c:op("Einsum", { x, c:constant(means, dtype) },
      { equation = ("%s,%sz->%s"):format(letters, letter, (letters:gsub(letter, "z"))) })
  end
  return x
end

--- Axis by axis, with the places of the greatest among all of a channel.
function M.AdaptiveMaxPool(c, L)
  local out = adaptive_sizes(c, L)
  if not out then return end
  local dims, dtype = c:dims(L, 1), c:dtype(L, "index_element_type", "i64")
  local n, windows = #out, { {} }
  for i, size in ipairs(out) do
    if dims[2 + i] == -1 then return c:unsupported(L, "from free sizes", "fixed sizes") end
    local more = {}
    for _, w in ipairs(windows) do
      for _, part in ipairs(parts_of(dims[2 + i], size)) do
        more[#more + 1] = { part, table.unpack(w) }
      end
    end
    windows = more
    if #windows > MOST_PARTS then return c:unsupported(L, "of very many parts") end
  end
  -- The places of a window's elements, padded by repeating the first, gathered as one axis.
  local most, lists, batch = 0, {}, 1
  for w, parts in ipairs(windows) do
    local list = { 0 }
    for i = 1, n do
      local part, longer = parts[n + 1 - i], {}
      for _, base in ipairs(list) do
        for k = part[1], part[2] - 1 do longer[#longer + 1] = base * dims[2 + i] + k end
      end
      list = longer
    end
    lists[w], most = list, math.max(most, #list)
  end
  for i = 3, #dims do batch = batch * dims[i] end
  local flat = {}
  for _, list in ipairs(lists) do
    for k = 1, most do flat[#flat + 1] = list[k] or list[1] end
  end
  local x = c:reshape(c:x(L, 1), { 0, 0, batch })
  local shape = { 0, 0, table.unpack(out) }
  local table_of = tensor.new(flat, "i64"):reshape(#lists, most)
  local taken = c:op("Gather", { x, c:constant(table_of) }, { axis = 2 })
  local y = c:op("ReduceMax", { taken, c:i64 { 3 } }, { keepdims = 0 })
  if #L.outputs < 2 then return c:reshape(y, shape) end
  local at = c:op("ArgMax", { taken }, { axis = 3, keepdims = 1 })
  -- Each window's list, indexed by the place in it.
  local rows = c:op("Expand", { c:reshape(c:constant(table_of), { 1, 1, #lists, most }),
    (c:shape_of(taken)) })
  local places = c:op("GatherElements", { rows, at }, { axis = 3 })
  return c:reshape(y, shape), c:cast(c:reshape(c:squeeze(places, { 3 }), shape), "i64", dtype)
end

return M
