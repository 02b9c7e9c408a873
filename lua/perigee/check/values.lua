--- Attributes of the standard's operators whose texts are one of a few.
local shown = require("perigee.check.report").shown

local M = {}

local auto_pad = "NOTSET SAME_UPPER SAME_LOWER VALID"
local reduction = "none add mul max min"
local loss = "none sum mean"

--- "OPERATOR.ATTRIBUTE" -> the texts, of all versions together.
local texts = {
  ["AveragePool.auto_pad"] = auto_pad, ["Conv.auto_pad"] = auto_pad,
  ["ConvInteger.auto_pad"] = auto_pad, ["ConvTranspose.auto_pad"] = auto_pad,
  ["LpPool.auto_pad"] = auto_pad, ["MaxPool.auto_pad"] = auto_pad,
  ["QLinearConv.auto_pad"] = auto_pad,
  ["BitShift.direction"] = "LEFT RIGHT",
  ["DepthToSpace.mode"] = "DCR CRD",
  ["GRU.direction"] = "forward reverse bidirectional",
  ["LSTM.direction"] = "forward reverse bidirectional",
  ["RNN.direction"] = "forward reverse bidirectional",
  ["Gelu.approximate"] = "none tanh",
  ["GridSample.mode"] = "bilinear nearest bicubic linear cubic",
  ["GridSample.padding_mode"] = "zeros border reflection",
  ["ImageDecoder.pixel_format"] = "RGB BGR Grayscale",
  ["NegativeLogLikelihoodLoss.reduction"] = loss,
  ["SoftmaxCrossEntropyLoss.reduction"] = loss,
  ["Pad.mode"] = "constant reflect edge wrap",
  ["Resize.coordinate_transformation_mode"] = "half_pixel half_pixel_symmetric pytorch_half_pixel "
    .. "align_corners asymmetric tf_half_pixel_for_nn tf_crop_and_resize",
  ["Resize.keep_aspect_ratio_policy"] = "stretch not_larger not_smaller",
  ["Resize.mode"] = "nearest linear cubic",
  ["Resize.nearest_mode"] = "round_prefer_floor round_prefer_ceil floor ceil",
  ["RoiAlign.coordinate_transformation_mode"] = "half_pixel output_half_pixel",
  ["RoiAlign.mode"] = "avg max",
  ["ScatterElements.reduction"] = reduction, ["ScatterND.reduction"] = reduction,
  ["StringNormalizer.case_change_action"] = "LOWER UPPER NONE",
  ["TensorScatter.mode"] = "linear circular",
}

local sets = {}

local function set_of(key)
  local set = sets[key]
  if set == nil then
    set = texts[key] and {} or false
    for text in (texts[key] or ""):gmatch "%S+" do set[text] = true end
    sets[key] = set
  end
  return set
end

--- Checks the texts of a node of one of the standard's operators.
function M.check(ctx, at, node, operator)
  if operator.domain ~= "" then return end
  for _, a in ipairs(node.attribute or {}) do
    local set = a.s and a.name and set_of(operator.name .. "." .. a.name)
    if set and not set[a.s] then
      local known = texts[operator.name .. "." .. a.name]:gsub(" ", ", ")
      ctx.report:error("attribute", at, "attribute '%s': expected one of %s, got '%s'", a.name,
        known, shown(a.s))
    end
  end
end

return M
