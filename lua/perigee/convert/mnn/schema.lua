--- The tables of .mnn files (MNN's schema): fields in their order, for convert/flatbuffer.lua. What no
--- operator here asks for is left out, or told as a number to keep its place.

--- Parameters of operators by the union's number.
local parameters = {
  by = "main_type",
  union = {
    [2] = "ArgMax", [4] = "Axis", [5] = "BatchNorm", [6] = "BinaryOp", [7] = "Blob",
    [8] = "CastParam", [9] = "Convolution2D", [10] = "Crop", [11] = "CropAndResize",
    [13] = "DetectionOutput", [14] = "Eltwise", [15] = "ExpandDims", [17] = "Flatten",
    [18] = "Gather", [19] = "GatherV2", [20] = "InnerProduct", [21] = "Input", [22] = "Interp",
    [23] = "LRN", [24] = "LSTM", [25] = "MatMul", [27] = "Normalize", [28] = "PackParam",
    [29] = "Permute", [31] = "Pool", [32] = "PRelu", [33] = "PriorBox", [47] = "Range",
    [50] = "ReductionParam", [51] = "Relu", [52] = "Relu6", [55] = "Reshape", [56] = "Resize",
    [57] = "RoiParameters", [58] = "Scale", [59] = "Selu", [60] = "Size", [61] = "Slice",
    [63] = "SpaceBatch", [64] = "SqueezeParam", [65] = "StridedSliceParam",
    [66] = "TensorConvertInfo", [68] = "TopKV2", [69] = "Transpose", [70] = "UnaryOp",
    [71] = "MomentsParam", [72] = "RNNParam", [73] = "BatchMatMulParam",
    [74] = "QuantizedFloatParam", [75] = "DepthSpaceParam", [76] = "EltwiseInt8",
    [77] = "ReverseSequenceParam", [78] = "Extra", [79] = "Pool3D", [80] = "Convolution3D",
    [81] = "ELU", [82] = "DetectionPostProcessParam", [83] = "OneHotParam", [84] = "PadParam",
    [85] = "WhileParam", [86] = "IfParam", [87] = "RandomUniform", [88] = "LayerNorm",
    [90] = "LSTMBlockCell", [91] = "GridSample", [92] = "LoopParam", [94] = "CumSum",
    [95] = "GroupNorm", [98] = "AttentionParam", [99] = "StftParam", [101] = "ShapeParam",
  },
}

return {
  ArgMax = {
    [0] = { "outMaxVal", "i32" }, { "topK", "i32" }, { "axis", "i32" },
    { "softmaxThreshold", "i32" },
  },
  AttentionParam = {
    [0] = { "kv_cache", "bool", default = true }, { "kv_shared_layer", "string" },
    { "layer_index", "i32", default = -1 }, { "kv_shared_layer_index", "i32", default = -1 },
    { "mhq_quant", "TensorQuantInfo", many = true }, { "output_c4", "bool" },
    { "attnScale", "f32" },
  },
  Attribute = {
    [0] = { "s", "string" }, { "i", "i32" }, { "b", "bool" }, { "key", "string" },
    { "type", "i32" }, { "f", "f32" }, { "tensor", "Blob" }, { "list", "u32" }, { "func", "u32" },
  },
  Axis = {
    [0] = { "axis", "i32" },
  },
  BatchMatMulParam = {
    [0] = { "adjX", "bool" }, { "adjY", "bool" },
  },
  BatchNorm = {
    [0] = { "channels", "i32" }, { "slopeData", "f32", tensor = true },
    { "meanData", "f32", tensor = true }, { "varData", "f32", tensor = true },
    { "biasData", "f32", tensor = true }, { "Adata", "f32", many = true },
    { "Bdata", "f32", many = true }, { "epsilon", "f32", default = 0.001 },
  },
  BinaryOp = {
    [0] = { "opType", "i32" }, { "T", "i32", default = 1 }, { "activationType", "i32" },
  },
  Blob = {
    [0] = { "dims", "i32", many = true }, { "dataFormat", "i8" },
    { "dataType", "i32", default = 1 }, { "uint8s", "u8", tensor = true },
    { "int8s", "i8", tensor = true }, { "int32s", "i32", tensor = true },
    { "int64s", "i64", tensor = true }, { "float32s", "f32", tensor = true },
    { "strings", "string", many = true }, { "external", "i64", many = true },
  },
  CastParam = {
    [0] = { "srcT", "i32" }, { "dstT", "i32" },
  },
  Convolution2D = {
    [0] = { "common", "Convolution2DCommon" }, { "weight", "f32", tensor = true },
    { "bias", "f32", tensor = true }, { "quanParameter", "IDSTQuan" },
    { "symmetricQuan", "QuantizedFloatParam" }, { "sparseParameter", "SparseCommon" },
    { "external", "i64", many = true },
  },
  Convolution2DCommon = {
    [0] = { "padX", "i32" }, { "padY", "i32" }, { "kernelX", "i32", default = 1 },
    { "kernelY", "i32", default = 1 }, { "strideX", "i32", default = 1 },
    { "strideY", "i32", default = 1 }, { "dilateX", "i32", default = 1 },
    { "dilateY", "i32", default = 1 }, { "padMode", "i8" }, { "group", "i32", default = 1 },
    { "outputCount", "i32" }, { "inputCount", "i32" }, { "relu", "bool" }, { "relu6", "bool" },
    { "pads", "i32", many = true }, { "outPads", "i32", many = true },
    { "hasOutputShape", "bool" },
  },
  Convolution3D = {
    [0] = { "common", "Convolution3DCommon" }, { "weight", "f32", tensor = true },
    { "bias", "f32", tensor = true }, { "external", "i64", many = true },
  },
  Convolution3DCommon = {
    [0] = { "dilates", "i32", many = true }, { "strides", "i32", many = true },
    { "kernels", "i32", many = true }, { "pads", "i32", many = true }, { "padMode", "i8" },
    { "inputCount", "i32" }, { "outputCount", "i32" }, { "relu", "bool" }, { "relu6", "bool" },
    { "group", "i32", default = 1 }, { "outPads", "i32", many = true },
    { "hasOutputShape", "bool" },
  },
  Crop = {
    [0] = { "axis", "i32", default = 2 }, { "offset", "i32", many = true },
  },
  CropAndResize = {
    [0] = { "extrapolationValue", "f32" }, { "method", "i8" },
  },
  CumSum = {
    [0] = { "exclusive", "bool" }, { "reverse", "bool" },
  },
  DepthSpaceParam = {
    [0] = { "blockSize", "i32" }, { "mode", "i8" },
  },
  DetectionOutput = {
    [0] = { "classCount", "i32" }, { "nmsThresholdold", "f32" }, { "nmsTopK", "i32" },
    { "keepTopK", "i32" }, { "confidenceThreshold", "f32" }, { "shareLocation", "i32" },
    { "backgroundLable", "i32" }, { "varianceEncodedTarget", "i32" }, { "codeType", "i32" },
    { "objectnessScore", "f32", default = 0.01 },
  },
  DetectionPostProcessParam = {
    [0] = { "maxDetections", "i32" }, { "maxClassesPerDetection", "i32" },
    { "detectionsPerClass", "i32" }, { "nmsScoreThreshold", "f32" }, { "iouThreshold", "f32" },
    { "numClasses", "i32" }, { "useRegularNMS", "bool" },
    { "centerSizeEncoding", "f32", many = true },
  },
  ELU = {
    [0] = { "alpha", "f32" },
  },
  Eltwise = {
    [0] = { "type", "i8" }, { "coeff", "f32", many = true },
  },
  EltwiseInt8 = {
    [0] = { "type", "i8" }, { "inputQuan0", "QuantizedFloatParam" },
    { "inputQuan1", "QuantizedFloatParam" }, { "outputQuan", "QuantizedFloatParam" },
  },
  ExpandDims = {
    [0] = { "T", "i32" }, { "Tdim", "i32" }, { "axis", "i32" },
  },
  Extra = {
    [0] = { "type", "string" }, { "engine", "string" }, { "info", "i8", many = true },
    { "attr", "Attribute", many = true }, { "vector", "bool" },
  },
  Flatten = {
    [0] = { "axis", "i32" }, { "endAxis", "i32" },
  },
  Gather = {
    [0] = { "Tindices", "i32" }, { "Tparams", "i32" }, { "validateIndices", "bool" },
    { "axis", "i32" },
  },
  GatherV2 = {
    [0] = { "Taxis", "i32" }, { "Tindices", "i32" }, { "Tparams", "i32" },
  },
  GridSample = {
    [0] = { "mode", "i8" }, { "paddingMode", "i8" }, { "alignCorners", "bool" },
    { "backward", "bool" },
  },
  GroupNorm = {
    [0] = { "axis", "i32" }, { "epsilon", "f32" }, { "gamma", "f32", tensor = true },
    { "beta", "f32", tensor = true }, { "group", "i32", default = 1 }, { "bSwish", "i32" },
    { "external", "i64", many = true },
  },
  IDSTQuan = {
    [0] = { "buffer", "i8", tensor = true }, { "alpha", "f32", tensor = true }, { "type", "i32" },
    { "useInt32", "bool" }, { "quantScale", "f32" }, { "scaleIn", "f32" }, { "scaleOut", "f32" },
    { "aMaxOrBits", "i32" }, { "aMin", "i32" }, { "readType", "i32" }, { "has_scaleInt", "bool" },
    { "shapeInt32", "bool" }, { "weightSize", "u32" }, { "index", "u32", tensor = true },
    { "alphaFp16", "u16", tensor = true }, { "scaleStorage", "i8" },
  },
  IfParam = {
    [0] = { "then_graph", "string" }, { "else_graph", "string" },
    { "aliases_inputs", "StringVec", many = true },
    { "aliases_outputs", "StringVec", many = true },
  },
  InnerProduct = {
    [0] = { "outputCount", "i32" }, { "biasTerm", "i32" }, { "weightSize", "i32" },
    { "weight", "f32", tensor = true }, { "bias", "f32", tensor = true }, { "axis", "i32" },
    { "transpose", "bool" }, { "quanParameter", "IDSTQuan" },
  },
  Input = {
    [0] = { "dims", "i32", many = true }, { "dtype", "i32", default = 1 },
    { "dformat", "i8", default = 2 },
  },
  Interp = {
    [0] = { "widthScale", "f32" }, { "heightScale", "f32" }, { "outputWidth", "i32" },
    { "outputHeight", "i32" }, { "resizeType", "i32" }, { "alignCorners", "bool" },
    { "halfPixelCenters", "bool" }, { "widthOffset", "f32" }, { "heightOffset", "f32" },
    { "cubicCoeffA", "f32", default = -0.75 }, { "ctm", "i8" }, { "depthScale", "f32" },
    { "outputDepth", "i32" }, { "depthOffset", "f32" },
  },
  LRN = {
    [0] = { "regionType", "i32" }, { "localSize", "i32" }, { "alpha", "f32" }, { "beta", "f32" },
    { "bias", "f32", default = 1.0 },
  },
  LSTM = {
    [0] = { "outputCount", "i32" }, { "weightSize", "i32" }, { "clippingThreshold", "f32" },
    { "weightI", "Blob" }, { "weightH", "Blob" }, { "bias", "Blob" }, { "weightIQ", "Blob" },
    { "weightIA", "Blob" }, { "quantScale", "f32" },
  },
  LSTMBlockCell = {
    [0] = { "cell_clip", "f32", default = 3.0 }, { "forget_bias", "f32", default = 1.0 },
    { "use_peephole", "bool" },
  },
  LayerNorm = {
    [0] = { "axis", "i32", many = true }, { "epsilon", "f32" }, { "gamma", "f32", tensor = true },
    { "beta", "f32", tensor = true }, { "group", "i32", default = 1 },
    { "external", "i64", many = true }, { "useRMSNorm", "bool" },
  },
  LoopParam = {
    [0] = { "tensorNumber", "i32" }, { "outputIndexes", "i32", many = true },
    { "inputIndexes", "i32", many = true }, { "extraTensorInfos", "TensorDescribe", many = true },
    { "parallel", "bool", default = true }, { "loopNumber", "i32" },
    { "commands", "RegionCommand", many = true }, { "initCommand", "RegionCommand", many = true },
  },
  MatMul = {
    [0] = { "T", "i32" }, { "transposeA", "bool" }, { "transposeB", "bool" },
    { "weight", "f32", tensor = true }, { "bias", "f32", tensor = true },
  },
  MomentsParam = {
    [0] = { "dim", "i32", many = true }, { "keepDims", "bool", default = true },
    { "dType", "i32", default = 1 },
  },
  Net = {
    [0] = { "bizCode", "string" }, { "extraTensorDescribe", "TensorDescribe", many = true },
    { "extraInfo", "u32" }, { "oplists", "Op", many = true },
    { "outputName", "string", many = true }, { "preferForwardType", "i8" },
    { "sourceType", "i8" }, { "tensorName", "string", many = true }, { "tensorNumber", "i32" },
    { "usage", "i8" }, { "subgraphs", "SubGraphProto", many = true }, { "mnn_uuid", "string" },
  },
  Normalize = {
    [0] = { "acrossSpatial", "i32" }, { "channelShared", "i32" }, { "eps", "f32" },
    { "scale", "f32", tensor = true },
  },
  OneHotParam = {
    [0] = { "dType", "i32", default = 1 }, { "axis", "i32", default = -1 },
  },
  Op = {
    [0] = { "inputIndexes", "i32", many = true }, { "main_type", "u8" }, { "main", parameters },
    { "name", "string" }, { "outputIndexes", "i32", many = true }, { "type", "i32" },
    { "defaultDimentionFormat", "i8", default = 1 }, { "externalPath", "string" },
  },
  PRelu = {
    [0] = { "slopeCount", "i32" }, { "slope", "f32", tensor = true },
  },
  PackParam = {
    [0] = { "dataType", "i32" }, { "axis", "i32" },
  },
  PadParam = {
    [0] = { "mode", "i8" },
  },
  Permute = {
    [0] = { "dims", "i32", many = true },
  },
  Pool = {
    [0] = { "padX", "i32" }, { "padY", "i32" }, { "isGlobal", "bool" }, { "kernelX", "i32" },
    { "kernelY", "i32" }, { "strideX", "i32" }, { "strideY", "i32" }, { "type", "i8" },
    { "padType", "i8" }, { "dataType", "i32", default = 1 },
    { "ceilModel", "bool", default = true }, { "pads", "i32", many = true },
    { "countType", "i8" },
  },
  Pool3D = {
    [0] = { "strides", "i32", many = true }, { "kernels", "i32", many = true },
    { "pads", "i32", many = true }, { "type", "i8" }, { "padType", "i8" }, { "isGlobal", "bool" },
  },
  PriorBox = {
    [0] = { "minSizes", "f32", many = true }, { "maxSizes", "f32", many = true },
    { "aspectRatios", "f32", many = true }, { "variances", "f32", many = true },
    { "flip", "bool" }, { "clip", "bool" }, { "imageWidth", "i32" }, { "imageHeight", "i32" },
    { "stepWidth", "i32" }, { "stepHeight", "i32" }, { "offset", "f32" },
  },
  QuantizedFloatParam = {
    [0] = { "weight", "i8", tensor = true }, { "bias", "i32", tensor = true },
    { "scale", "f32", tensor = true }, { "tensorScale", "f32", many = true }, { "method", "i8" },
    { "nbits", "i32", default = 8 }, { "zeroPoint", "i8" }, { "outputZeroPoint", "i8" },
    { "clampMin", "i8", default = -128 }, { "clampMax", "i8", default = 127 },
    { "winogradAttr", "i32", many = true }, { "outputDataType", "i32", default = 6 },
    { "floatzeros", "f32", tensor = true },
  },
  RNNParam = {
    [0] = { "numUnits", "i32" }, { "isBidirectionalRNN", "bool" },
    { "linearBeforeReset", "bool" }, { "keepAllOutputs", "bool" }, { "fwGateWeight", "Blob" },
    { "fwGateBias", "Blob" }, { "fwCandidateWeight", "Blob" }, { "fwCandidateBias", "Blob" },
    { "fwRecurrentBias", "Blob" }, { "bwGateWeight", "Blob" }, { "bwGateBias", "Blob" },
    { "bwCandidateWeight", "Blob" }, { "bwCandidateBias", "Blob" }, { "bwRecurrentBias", "Blob" },
  },
  RandomUniform = {
    [0] = { "seed", "i32" }, { "seed2", "i32" }, { "type", "i32", default = 1 }, { "low", "f32" },
    { "high", "f32", default = 1.0 },
  },
  Range = {
    [0] = { "Tidx", "i32" },
  },
  ReductionParam = {
    [0] = { "operation", "i8" }, { "dim", "i32", many = true }, { "coeff", "f32" },
    { "keepDims", "bool" }, { "dType", "i32", default = 1 },
  },
  Region = {
    [0] = { "src", "View" }, { "dst", "View" }, { "size", "i32", many = true },
    { "origin", "i32" },
  },
  RegionCommand = {
    [0] = { "op", "Op" }, { "steps", "i32", many = true }, { "size", "i32", many = true },
    { "indexes", "i32", many = true }, { "view", "View", many = true },
    { "fuse", "i32", default = -1 }, { "iterIndexes", "i32", many = true },
  },
  Relu = {
    [0] = { "slope", "f32" },
  },
  Relu6 = {
    [0] = { "minValue", "f32" }, { "maxValue", "f32", default = 6.0 },
  },
  Reshape = {
    [0] = { "dims", "i32", many = true }, { "dimType", "i8" },
  },
  Resize = {
    [0] = { "xScale", "f32" }, { "yScale", "f32" },
  },
  ReverseSequenceParam = {
    [0] = { "batchDim", "i32" }, { "seqDim", "i32" },
  },
  RoiParameters = {
    [0] = { "pooledWidth", "i32" }, { "pooledHeight", "i32" }, { "spatialScale", "f32" },
    { "samplingRatio", "i32", default = -1 }, { "aligned", "bool" },
    { "poolType", "i8", default = 1 }, { "outputGrad", "bool" },
  },
  Scale = {
    [0] = { "channels", "i32" }, { "scaleData", "f32", tensor = true },
    { "biasData", "f32", tensor = true }, { "external", "i64", many = true },
  },
  Selu = {
    [0] = { "scale", "f32" }, { "alpha", "f32" },
  },
  ShapeParam = {
    [0] = { "hasStart", "bool" }, { "start", "i32" }, { "hasEnd", "bool" }, { "end", "i32" },
  },
  Size = {
    [0] = { "outputDataType", "i32" },
  },
  Slice = {
    [0] = { "axis", "i32" }, { "slicePoints", "i32", many = true }, { "sourceType", "i8" },
  },
  SpaceBatch = {
    [0] = { "blockShape", "Blob" }, { "padding", "Blob" },
  },
  SparseCommon = {
    [0] = { "method", "i8" }, { "args", "Attribute", many = true },
  },
  SqueezeParam = {
    [0] = { "squeezeDims", "i32", many = true },
  },
  StftParam = {
    [0] = { "n_fft", "i32" }, { "hop_length", "i32" }, { "abs", "bool", default = true },
  },
  StridedSliceParam = {
    [0] = { "Index", "i32" }, { "T", "i32" }, { "beginMask", "i32" }, { "endMask", "i32" },
    { "ellipsisMask", "i32" }, { "newAxisMask", "i32" }, { "shrinkAxisMask", "i32" },
    { "fromType", "i32" },
  },
  StringVec = {
    [0] = { "data", "string", many = true },
  },
  SubGraphProto = {
    [0] = { "name", "string" }, { "inputs", "i32", many = true },
    { "outputs", "i32", many = true }, { "tensors", "string", many = true },
    { "nodes", "Op", many = true }, { "extraTensorDescribe", "TensorDescribe", many = true },
  },
  TensorConvertInfo = {
    [0] = { "source", "i8" }, { "dest", "i8" },
  },
  TensorDescribe = {
    [0] = { "blob", "Blob" }, { "index", "i32" }, { "name", "string" },
    { "regions", "Region", many = true }, { "quantInfo", "TensorQuantInfo" },
  },
  TensorQuantInfo = {
    [0] = { "scale", "f32" }, { "zero", "f32" }, { "min", "f32", default = -128 },
    { "max", "f32", default = 127 }, { "type", "i32" },
  },
  TopKV2 = {
    [0] = { "T", "i32", default = 1 }, { "sorted", "bool" },
    { "largest", "bool", default = true },
  },
  Transpose = {
    [0] = { "Tperm", "i32" },
  },
  UnaryOp = {
    [0] = { "opType", "i32" }, { "T", "i32" }, { "tableInt8", "i8", many = true },
  },
  View = {
    [0] = { "offset", "i32" }, { "stride", "i32", many = true },
  },
  WhileParam = {
    [0] = { "cond_graph", "string" }, { "body_graph", "string" },
    { "aliases_inputs", "StringVec", many = true }, { "aliases_outputs", "string", many = true },
    { "aliases_updates", "StringVec", many = true },
  },
}
