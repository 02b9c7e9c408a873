-- com.microsoft's smaller operators of transformers.
local contrib = require "support.contrib" (_ENV)

contrib.cases("com.microsoft:QEmbedLayerNormalization")
contrib.cases("com.microsoft:GatedRelativePositionBias")
contrib.cases("com.microsoft:GatedRMSNorm")
contrib.cases("com.microsoft:BranchwiseRMSNorm")
contrib.cases("com.microsoft:ScaledSiLU")
contrib.cases("com.microsoft:DecoderMaskedMultiHeadAttention")
contrib.cases("com.microsoft:DynamicQuantizeLSTM")
