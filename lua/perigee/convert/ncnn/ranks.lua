--- How many dimensions an input has, where the file doesn't say: told by the layers behind it.
local M = {}

--- Layers that want so many.
local exact = {
  Convolution = 3, ConvolutionDepthWise = 3, Deconvolution = 3, DeconvolutionDepthWise = 3,
  DeformableConv2D = 3, Pooling = 3, LRN = 3, PixelShuffle = 3, Reorg = 3, ShuffleChannel = 3,
  SPP = 3, Unfold = 3, ROIAlign = 3, ROIPooling = 3, PSROIPooling = 3, SDPA = 3, PriorBox = 3,
  YoloDetectionOutput = 3, Yolov3DetectionOutput = 3, RotaryEmbed = 3,
  Convolution1D = 2, ConvolutionDepthWise1D = 2, Deconvolution1D = 2, DeconvolutionDepthWise1D = 2,
  Pooling1D = 2, RNN = 2, LSTM = 2, GRU = 2, MultiHeadAttention = 2, Fold = 2,
  Convolution3D = 4, ConvolutionDepthWise3D = 4, Deconvolution3D = 4, DeconvolutionDepthWise3D = 4,
  Pooling3D = 4, Embed = 1, Spectrogram = 1,
}

--- Other ranks of their further inputs.
local later = { DeformableConv2D = 3, ROIAlign = 1, ROIPooling = 1, PSROIPooling = 1, RotaryEmbed = 2 }

--- Layers whose output has the rank of their input.
local keeps = {}
for word in ([[Split Noop Packing DeepCopy Cast Dropout ReLU Sigmoid TanH Mish Erf Softplus BNLL ELU
  CELU SELU GELU Swish HardSigmoid HardSwish Clip Shrink Threshold Power Exp Log UnaryOp AbsVal
  BatchNorm Scale Bias PReLU GLU CumulativeSum Softmax Padding LayerNorm RMSNorm
  Concat Slice Quantize Dequantize Requantize Flip]]):gmatch "%a+" do
  keeps[word] = true
end

--- The least that a parameter which names axes leaves.
local function least(layer)
  local p, kind = layer.params, layer.type
  local axes = {}
  if kind == "Concat" or kind == "Softmax" or kind == "GLU" or kind == "CumulativeSum" then
    axes = { p:int(0, 0) }
  elseif kind == "Slice" then
    axes = { p:int(1, 0) }
  elseif kind == "Reduction" then
    axes = p:ints(3)
  elseif kind == "Crop" then
    axes = p:ints(11)
  elseif kind == "Permute" then
    local order = p:int(0, 0)
    axes = { order >= 6 and 3 or order >= 2 and 2 or order }
  end
  local most = 0
  for _, axis in ipairs(axes) do most = math.max(most, axis >= 0 and axis + 1 or -axis) end
  return most
end

local MOST_STEPS = 1000

--- The rank of a blob, or nil: anything goes.
---@param layers table[]
---@param name string
---@return integer?
function M.of(layers, name)
  local consumers = {}
  for _, layer in ipairs(layers) do
    for i, blob in ipairs(layer.ins) do
      consumers[blob] = consumers[blob] or {}
      table.insert(consumers[blob], { layer, i })
    end
  end
  local queue, seen, most, at = { name }, { [name] = true }, 0, 1
  while queue[at] and at < MOST_STEPS do
    for _, use in ipairs(consumers[queue[at]] or {}) do
      local layer, place = use[1], use[2]
      local rank = place > 1 and later[layer.type] or exact[layer.type]
      if rank and not (layer.type == "SDPA" and place == 4) then return rank end
      most = math.max(most, least(layer))
      if keeps[layer.type] then
        for _, out in ipairs(layer.outs) do
          if not seen[out] then
            seen[out] = true
            queue[#queue + 1] = out
          end
        end
      end
    end
    at = at + 1
  end
  return most > 3 and math.min(most, 4) or nil
end

return M
