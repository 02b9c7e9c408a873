"""Exports of small random models of transformers with their own answers as ONNX test folders.

    python make_transformers.py DIR [PATTERN [EXPORTERS]]     EXPORTERS: traced,dynamo (of either with bf16: only that),fused,saved,quantized
"""
import copy
import os
import signal
import sys
import tempfile
import warnings

import numpy as np
import onnx
import torch
import transformers as tf

from export_case import write_case

warnings.filterwarnings("ignore")
tf.logging.set_verbosity_error()

SMALL = dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
             max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)
KV2 = dict(SMALL, num_key_value_heads=2, head_dim=8)
SEQ2SEQ = dict(vocab_size=60, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
               decoder_attention_heads=4, encoder_ffn_dim=40, decoder_ffn_dim=40, max_position_embeddings=64,
               pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None)
GPT2 = dict(vocab_size=60, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)
T5 = dict(vocab_size=60, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_heads=4, decoder_start_token_id=0)
VIT = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, image_size=32, patch_size=8)
AUDIO = dict(vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
             conv_dim=(16, 16), conv_kernel=(8, 4), conv_stride=(4, 2), num_feat_extract_layers=2,
             num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2)
CLIP = dict(text_config=dict(SMALL), vision_config=dict(VIT), projection_dim=24)
MOE = dict(KV2, num_local_experts=4, num_experts_per_tok=2)

# family: class of the configuration, its arguments, class of the model, kind of the inputs
MODELS = {
    "bert": ("BertConfig", SMALL, "BertModel", "text"),
    "bert_mlm": ("BertConfig", SMALL, "BertForMaskedLM", "text"),
    "bert_qa": ("BertConfig", SMALL, "BertForQuestionAnswering", "text"),
    "distilbert": ("DistilBertConfig", dict(vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=40, max_position_embeddings=64), "DistilBertForSequenceClassification", "text"),
    "roberta": ("RobertaConfig", SMALL, "RobertaForTokenClassification", "text"),
    "xlm_roberta": ("XLMRobertaConfig", SMALL, "XLMRobertaModel", "text"),
    "albert": ("AlbertConfig", dict(SMALL, embedding_size=16), "AlbertModel", "text"),
    "electra": ("ElectraConfig", dict(SMALL, embedding_size=16), "ElectraModel", "text"),
    "deberta_v2": ("DebertaV2Config", dict(SMALL, relative_attention=True, position_buckets=8, pos_att_type=["c2p", "p2c"], type_vocab_size=0), "DebertaV2Model", "text"),
    "deberta": ("DebertaConfig", dict(SMALL, relative_attention=True, pos_att_type=["c2p", "p2c"], type_vocab_size=0, max_relative_positions=16), "DebertaModel", "text"),
    "mpnet": ("MPNetConfig", SMALL, "MPNetModel", "text"),
    "xlnet": ("XLNetConfig", dict(vocab_size=60, d_model=32, n_layer=2, n_head=4, d_inner=40), "XLNetModel", "text"),
    "funnel": ("FunnelConfig", dict(vocab_size=60, block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=40), "FunnelModel", "text"),
    "squeezebert": ("SqueezeBertConfig", dict(SMALL, embedding_size=32, q_groups=2, k_groups=2, v_groups=2, post_attention_groups=1, intermediate_groups=2, output_groups=2), "SqueezeBertModel", "text"),
    "mobilebert": ("MobileBertConfig", dict(SMALL, embedding_size=16, intra_bottleneck_size=16, num_feedforward_networks=2, true_hidden_size=16), "MobileBertModel", "text"),
    "longformer": ("LongformerConfig", dict(SMALL, attention_window=8), "LongformerModel", "text"),
    "bigbird": ("BigBirdConfig", dict(SMALL, attention_type="original_full"), "BigBirdModel", "text"),
    "roformer": ("RoFormerConfig", dict(SMALL, embedding_size=32), "RoFormerModel", "text"),
    "nystromformer": ("NystromformerConfig", dict(SMALL, num_landmarks=4, segment_means_seq_len=16), "NystromformerModel", "text"),
    "modernbert": ("ModernBertConfig", dict(SMALL, local_attention=8), "ModernBertModel", "text"),
    "flaubert": ("FlaubertConfig", dict(vocab_size=60, emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=64, pad_index=0), "FlaubertModel", "text"),
    "fnet": ("FNetConfig", SMALL, "FNetModel", "ids"),
    "gpt2": ("GPT2Config", GPT2, "GPT2LMHeadModel", "text"),
    "gpt_neo": ("GPTNeoConfig", dict(vocab_size=60, hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=4, max_position_embeddings=64), "GPTNeoForCausalLM", "text"),
    "gpt_neox": ("GPTNeoXConfig", SMALL, "GPTNeoXForCausalLM", "text"),
    "gptj": ("GPTJConfig", dict(GPT2, rotary_dim=4), "GPTJForCausalLM", "text"),
    "gpt_bigcode": ("GPTBigCodeConfig", GPT2, "GPTBigCodeForCausalLM", "text"),
    "codegen": ("CodeGenConfig", dict(GPT2, rotary_dim=4), "CodeGenForCausalLM", "text"),
    "opt": ("OPTConfig", dict(SMALL, ffn_dim=40, word_embed_proj_dim=32), "OPTForCausalLM", "text"),
    "bloom": ("BloomConfig", dict(vocab_size=60, hidden_size=32, n_layer=2, n_head=4), "BloomForCausalLM", "text"),
    "llama": ("LlamaConfig", KV2, "LlamaForCausalLM", "text"),
    "mistral": ("MistralConfig", dict(KV2, sliding_window=4), "MistralForCausalLM", "text"),
    "qwen2": ("Qwen2Config", KV2, "Qwen2ForCausalLM", "text"),
    "qwen3": ("Qwen3Config", KV2, "Qwen3ForCausalLM", "text"),
    "qwen3_moe": ("Qwen3MoeConfig", dict(KV2, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16), "Qwen3MoeForCausalLM", "text"),
    "gemma": ("GemmaConfig", KV2, "GemmaForCausalLM", "text"),
    "gemma2": ("Gemma2Config", dict(KV2, sliding_window=4, query_pre_attn_scalar=8), "Gemma2ForCausalLM", "text"),
    "gemma3": ("Gemma3TextConfig", dict(KV2, sliding_window=4, query_pre_attn_scalar=8), "Gemma3ForCausalLM", "text"),
    "phi": ("PhiConfig", SMALL, "PhiForCausalLM", "text"),
    "phi3": ("Phi3Config", dict(SMALL, num_key_value_heads=2), "Phi3ForCausalLM", "text"),
    "falcon": ("FalconConfig", dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, multi_query=True, parallel_attn=True), "FalconForCausalLM", "text"),
    "falcon_alibi": ("FalconConfig", dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, alibi=True, multi_query=False, parallel_attn=False), "FalconForCausalLM", "text"),
    "mixtral": ("MixtralConfig", MOE, "MixtralForCausalLM", "text"),
    "olmo2": ("Olmo2Config", KV2, "Olmo2ForCausalLM", "text"),
    "cohere": ("CohereConfig", KV2, "CohereForCausalLM", "text"),
    "stablelm": ("StableLmConfig", dict(SMALL, num_key_value_heads=2), "StableLmForCausalLM", "text"),
    "starcoder2": ("Starcoder2Config", dict(SMALL, num_key_value_heads=2), "Starcoder2ForCausalLM", "text"),
    "granite": ("GraniteConfig", KV2, "GraniteForCausalLM", "text"),
    "smollm3": ("SmolLM3Config", KV2, "SmolLM3ForCausalLM", "text"),
    "glm4": ("Glm4Config", KV2, "Glm4ForCausalLM", "text"),
    "mamba": ("MambaConfig", dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, state_size=4, time_step_rank=4), "MambaForCausalLM", "ids"),
    "mamba2": ("Mamba2Config", dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, state_size=4, num_heads=8, head_dim=8, n_groups=2, chunk_size=4), "Mamba2ForCausalLM", "ids"),
    "rwkv": ("RwkvConfig", dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, attention_hidden_size=32), "RwkvForCausalLM", "ids"),
    "t5": ("T5Config", T5, "T5ForConditionalGeneration", "pair"),
    "t5_encoder": ("T5Config", T5, "T5EncoderModel", "text"),
    "t5_gated": ("T5Config", dict(T5, feed_forward_proj="gated-gelu"), "T5Model", "pair"),
    "mt5": ("MT5Config", T5, "MT5ForConditionalGeneration", "pair"),
    "bart": ("BartConfig", SEQ2SEQ, "BartForConditionalGeneration", "pair"),
    "marian": ("MarianConfig", SEQ2SEQ, "MarianMTModel", "pair"),
    "m2m": ("M2M100Config", SEQ2SEQ, "M2M100ForConditionalGeneration", "pair"),
    "pegasus": ("PegasusConfig", SEQ2SEQ, "PegasusForConditionalGeneration", "pair"),
    "blenderbot": ("BlenderbotConfig", SEQ2SEQ, "BlenderbotForConditionalGeneration", "pair"),
    "whisper": ("WhisperConfig", dict(SEQ2SEQ, num_mel_bins=8, max_source_positions=16, max_target_positions=32, suppress_tokens=None, begin_suppress_tokens=None), "WhisperForConditionalGeneration", "speech"),
    "speech_to_text": ("Speech2TextConfig", dict(SEQ2SEQ, input_feat_per_channel=8, conv_channels=16, max_source_positions=64, max_target_positions=32), "Speech2TextForConditionalGeneration", "features"),
    "wav2vec2": ("Wav2Vec2Config", AUDIO, "Wav2Vec2ForCTC", "wave"),
    "wav2vec2_layer": ("Wav2Vec2Config", dict(AUDIO, feat_extract_norm="layer", do_stable_layer_norm=True), "Wav2Vec2Model", "wave"),
    "hubert": ("HubertConfig", AUDIO, "HubertForCTC", "wave"),
    "wavlm": ("WavLMConfig", dict(AUDIO, num_buckets=16, max_bucket_distance=20), "WavLMModel", "wave"),
    "ast": ("ASTConfig", dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, patch_size=4, frequency_stride=4, time_stride=4, max_length=16, num_mel_bins=8), "ASTForAudioClassification", "mel"),
    "clip": ("CLIPConfig", CLIP, "CLIPModel", "both"),
    "clip_text": ("CLIPTextConfig", SMALL, "CLIPTextModel", "text"),
    "clip_vision": ("CLIPVisionConfig", VIT, "CLIPVisionModel", "image"),
    "siglip_vision": ("SiglipVisionConfig", VIT, "SiglipVisionModel", "image"),
    "vit": ("ViTConfig", VIT, "ViTForImageClassification", "image"),
    "deit": ("DeiTConfig", VIT, "DeiTForImageClassificationWithTeacher", "image"),
    "beit": ("BeitConfig", dict(VIT, use_relative_position_bias=True), "BeitForImageClassification", "image"),
    "dinov2": ("Dinov2Config", VIT, "Dinov2Model", "image"),
    "swin": ("SwinConfig", dict(image_size=32, patch_size=4, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4), "SwinForImageClassification", "image"),
    "swinv2": ("Swinv2Config", dict(image_size=32, patch_size=4, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4), "Swinv2Model", "image"),
    "convnext": ("ConvNextConfig", dict(hidden_sizes=[8, 16], depths=[1, 2], num_stages=2, patch_size=4), "ConvNextForImageClassification", "image"),
    "convnextv2": ("ConvNextV2Config", dict(hidden_sizes=[8, 16], depths=[1, 2], num_stages=2, patch_size=4), "ConvNextV2Model", "image"),
    "resnet": ("ResNetConfig", dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]), "ResNetForImageClassification", "image"),
    "regnet": ("RegNetConfig", dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], groups_width=4), "RegNetModel", "image"),
    "mobilenet_v2": ("MobileNetV2Config", dict(depth_multiplier=0.25, image_size=32), "MobileNetV2ForImageClassification", "image"),
    "mobilevit": ("MobileViTConfig", dict(image_size=32, hidden_sizes=[8, 12, 16], neck_hidden_sizes=[4, 8, 8, 12, 16, 16, 24], num_attention_heads=2), "MobileViTForImageClassification", "image"),
    "efficientnet": ("EfficientNetConfig", dict(image_size=32, width_coefficient=0.1, depth_coefficient=0.2, hidden_dim=16), "EfficientNetModel", "image"),
    "poolformer": ("PoolFormerConfig", dict(hidden_sizes=[8, 8, 12, 16], depths=[1, 1, 1, 1]), "PoolFormerForImageClassification", "image64"),
    "pvt_v2": ("PvtV2Config", dict(hidden_sizes=[8, 8, 12, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2], mlp_ratios=[2, 2, 2, 2], image_size=64), "PvtV2ForImageClassification", "image64"),
    "levit": ("LevitConfig", dict(image_size=64, hidden_sizes=[16, 32, 48], num_attention_heads=[2, 2, 2], depths=[1, 1, 1], key_dim=[8, 8, 8], down_ops=[["Subsample", 8, 2, 4, 2, 2], ["Subsample", 8, 4, 4, 2, 2]]), "LevitForImageClassification", "image64"),
    "segformer": ("SegformerConfig", dict(hidden_sizes=[8, 8, 12, 16], depths=[1, 1, 1, 1], decoder_hidden_size=16, num_attention_heads=[1, 1, 2, 2]), "SegformerForSemanticSegmentation", "image64"),
    "dpt": ("DPTConfig", dict(VIT, num_hidden_layers=4, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 12, 16], fusion_hidden_size=8), "DPTForDepthEstimation", "image"),
    "yolos": ("YolosConfig", dict(VIT, image_size=[32, 32], num_detection_tokens=5), "YolosForObjectDetection", "image"),
    "detr": ("DetrConfig", dict(d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=40, decoder_ffn_dim=40, num_queries=5, use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=tf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], out_features=["stage2"])), "DetrForObjectDetection", "image"),
    "rt_detr_resnet": ("RTDetrResNetConfig", dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], out_features=["stage1", "stage2"]), "RTDetrResNetBackbone", "image"),
    "sam_vision": ("SamVisionConfig", dict(hidden_size=32, output_channels=16, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8, window_size=2, global_attn_indexes=[1], mlp_dim=40, num_pos_feats=8), "SamVisionModel", "image"),
    "layoutlm": ("LayoutLMConfig", dict(SMALL, max_2d_position_embeddings=64), "LayoutLMModel", "layout"),
    "vilt": ("ViltConfig", dict(SMALL, image_size=32, patch_size=8), "ViltModel", "both"),
    "vits": ("VitsConfig", dict(vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, ffn_dim=40, flow_size=16, spectrogram_bins=9), "VitsTextEncoder", "skip"),
    "patchtst": ("PatchTSTConfig", dict(num_input_channels=3, context_length=16, patch_length=4, patch_stride=4, d_model=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16, prediction_length=4), "PatchTSTForPrediction", "series"),
}
CACHED = ["gpt2", "gpt_neox", "gptj", "opt", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi",
          "phi3", "falcon", "mixtral", "bloom"]


def tokens(rng, batch, length):
    return torch.from_numpy(rng.randint(3, 60, (batch, length)))


def mask(batch, length):
    """The last rows' ends are padding."""
    m = torch.ones(batch, length, dtype=torch.int64)
    for row in range(1, batch):
        m[row, length - row:] = 0
    return m


def inputs_of(kind, size):
    """Names, tensors and dynamic axes; size 0 is the one to export with, 1 another."""
    rng = np.random.RandomState(11 + size)
    batch, length = ((2, 8), (3, 13))[size]
    wave = lambda *dims: torch.from_numpy(rng.randn(*dims).astype(np.float32))
    text = {0: "batch", 1: "length"}
    ids = ("input_ids", tokens(rng, batch, length), text)
    masked = ("attention_mask", mask(batch, length), text)
    pixels = ("pixel_values", wave(batch, 3, 32, 32), {0: "batch"})
    return {
        "ids": [ids], "text": [ids, masked], "image": [pixels], "both": [ids, masked, pixels],
        "image64": [("pixel_values", wave(batch, 3, 64, 64), {0: "batch"})],
        "pair": [ids, masked, ("decoder_input_ids", tokens(rng, batch, length - 3), {0: "batch", 1: "target"})],
        "speech": [("input_features", wave(batch, 8, 32), {0: "batch"}),
                   ("decoder_input_ids", tokens(rng, batch, length - 3), {0: "batch", 1: "target"})],
        "features": [("input_features", wave(batch, 4 * length, 8), {0: "batch"} if size < 0 else {0: "batch", 1: "frames"}),
                     ("decoder_input_ids", tokens(rng, batch, length - 3), {0: "batch", 1: "target"})],
        "wave": [("input_values", wave(batch, 400 + 120 * size), {0: "batch", 1: "samples"})],
        "mel": [("input_values", wave(batch, 16, 8), {0: "batch"})],
        "layout": [ids, ("bbox", torch.sort(torch.from_numpy(rng.randint(0, 60, (batch, length, 4))), -1).values[..., [0, 1, 2, 3]], text), masked],
        "series": [("past_values", wave(batch, 16, 3), {0: "batch"})],
    }[kind]


def flat(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from flat(value)


class Plain(torch.nn.Module):
    """A model as a function from its named inputs to its tensors."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names
        self.options = {"use_cache": False} if hasattr(model.config, "use_cache") else {}

    def forward(self, *args):
        out = self.model(**dict(zip(self.names, args)), **self.options)
        return tuple(flat(out.to_tuple()))


class Cached(torch.nn.Module):
    """A decoder that takes and gives the keys and values of all layers."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, *past):
        cache = tf.DynamicCache()
        for layer, (key, value) in enumerate(zip(past[::2], past[1::2])):
            cache.update(key, value, layer)
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        present = []
        for layer in out.past_key_values.layers:
            present += [layer.keys, layer.values]
        return (out.logits, *present)


def build(family, attention="eager"):
    config_class, arguments, model_class, kind = MODELS[family]
    torch.manual_seed(5)
    config = getattr(tf, config_class)(**copy.deepcopy(arguments))
    config._attn_implementation = attention
    model = getattr(tf, model_class)(config).eval()
    for parameter in model.parameters():
        if parameter.dtype.is_floating_point:
            parameter.requires_grad_(False)
    return model, kind


def cached_inputs(model, size):
    batch, length, past = ((2, 3, 5), (1, 1, 9))[size]
    rng = np.random.RandomState(3 + size)
    with torch.no_grad():
        out = model(input_ids=tokens(rng, batch, past), use_cache=True)
    given = [("input_ids", tokens(rng, batch, length), {0: "batch", 1: "length"}),
             ("attention_mask", torch.ones(batch, past + length, dtype=torch.int64), {0: "batch", 1: "total"})]
    for i, layer in enumerate(out.past_key_values.layers):
        for name, value in (("key", layer.keys), ("value", layer.values)):
            given.append((f"past_{i}_{name}", value, {0: "batch", 2: "past"}))
    return given


def export(module, given, path, dynamo, opset):
    names = [n for n, _, _ in given]
    args = tuple(t for _, t, _ in given)
    if dynamo:
        axes = tuple({a: torch.export.Dim.DYNAMIC for a in axis} for _, _, axis in given)
        shapes = {"args": axes}
        if isinstance(module, Cached):
            shapes = {"input_ids": axes[0], "attention_mask": axes[1], "past": axes[2:]}
        torch.onnx.export(module, args, path, dynamo=True, opset_version=opset, input_names=names,
                          dynamic_shapes=shapes, external_data=False, verbose=False)
    else:
        torch.onnx.export(module, args, path, dynamo=False, opset_version=opset, input_names=names,
                          dynamic_axes={n: a for n, _, a in given})
    return onnx.load(path)


def plain(values):
    return [v.float() if v.dtype == torch.bfloat16 else v for v in values]


def sets_of(module, sizes):
    sets = []
    for given in sizes:
        args = [t for _, t, _ in given]
        with torch.no_grad():
            out = module(*[t.clone() for t in args])
        sets.append(([t.numpy() for t in plain(args)], [t.numpy() for t in plain(out)]))
    return sets


def kept_inputs(proto, sizes):
    """Exporters drop inputs that nothing reads."""
    names = {i.name for i in proto.graph.input}
    return [[i for i, (n, _, _) in enumerate(given) if n in names] for given in sizes]


def write_module(root, name, module, sizes, dynamo, opset, tolerance=None):
    sets = sets_of(module, sizes)
    with tempfile.TemporaryDirectory() as folder:
        proto = export(module, sizes[0], f"{folder}/m.onnx", dynamo, opset)
    kept = kept_inputs(proto, sizes)
    sets = [([given[i] for i in keep], out) for keep, (given, out) in zip(kept, sets)]
    write_case(root, name, proto, sets, tolerance)
    return proto, sets


def as_type(given, dtype):
    return [(n, t.to(dtype) if t.is_floating_point() else t, a) for n, t, a in given]


def write_family(root, family, exporters):
    model, kind = build(family)
    if kind == "skip":
        return
    sizes = [inputs_of(kind, 0), inputs_of(kind, 1)]
    module = Plain(model, [n for n, _, _ in sizes[0]]).eval()
    jobs = []
    if "traced" in exporters:
        jobs += [(f"{family}_traced{v}", module, sizes, False, v, None) for v in (14, 17, 20)]
    if "dynamo" in exporters:
        jobs += [(f"{family}_dynamo{v}", module, sizes, True, v, None) for v in ((18, 23) if family in CACHED else (18,))]
    if family in CACHED:
        cached = [cached_inputs(model, 0), cached_inputs(model, 1)]
        jobs += [(f"{family}_cached_{e}", Cached(model).eval(), cached, e == "dynamo", 18, None)
                 for e in ("traced", "dynamo") if e in exporters]
    if "traced" in exporters and family not in ("detr", "rwkv"):
        half = Plain(copy.deepcopy(model).half(), module.names).eval()
        jobs.append((f"{family}_f16_traced17", half, [as_type(s, torch.float16) for s in sizes], False, 17, (1e-2, 1e-2)))
    for exporter in ("traced", "dynamo"):
        if "bf16" in exporters and exporter in exporters:
            short = Plain(copy.deepcopy(model).bfloat16(), module.names).eval()
            jobs = [(f"{family}_bf16_{exporter}", short, [as_type(s, torch.bfloat16) for s in sizes], exporter == "dynamo", 18, (5e-2, 8e-2))]
    for job in jobs:
        attempt(job[0], write_module, root, *job)


# ---- what ONNX Runtime's own tools make of exports ---------------------------------------------------

FUSED = {"bert": "bert", "bert_qa": "bert", "distilbert": "bert", "roberta": "bert", "electra": "bert", "mpnet": "bert",
         "gpt2": "gpt2", "gpt_neox": "gpt_neox", "llama": "gpt2", "mistral": "gpt2", "qwen2": "gpt2", "phi": "phi", "t5": "t5", "bart": "bart",
         "vit": "vit", "swin": "swin", "clip_vision": "clip", "clip_text": "clip", "siglip_vision": "vit", "dinov2": "vit"}


def write_fused(root, family, attention="eager", dynamo=False):
    """The transformer optimiser's fused operators, and its conversion to f16."""
    from onnxruntime.transformers import optimizer, fusion_options
    model, kind = build(family, attention)
    sizes = [inputs_of(kind, 0), inputs_of(kind, 1)]
    module = Plain(model, [n for n, _, _ in sizes[0]]).eval()
    sets = sets_of(module, sizes)
    heads, hidden = 4, 32
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/m.onnx"
        proto = export(module, sizes[0], path, dynamo, 17 if not dynamo else 18)
        kept = kept_inputs(proto, sizes)
        sets = [([given[i] for i in keep], out) for keep, (given, out) in zip(kept, sets)]
        title = f"{family}_{attention}" + ("_dynamo" if dynamo else "")
        for level in (0, 1, 99):
            better = optimizer.optimize_model(path, FUSED[family] if FUSED[family] in optimizer.MODEL_TYPES else "bert",
                                              num_heads=heads, hidden_size=hidden, opt_level=level)
            out = f"{folder}/o{level}.onnx"
            better.save_model_to_file(out)
            write_case(root, f"fused{level}_{title}", onnx.load(out), sets, (5e-3, 5e-3))
        better = optimizer.optimize_model(path, FUSED[family] if FUSED[family] in optimizer.MODEL_TYPES else "bert",
                                          num_heads=heads, hidden_size=hidden, opt_level=0)
        better.convert_float_to_float16(keep_io_types=True)
        out = f"{folder}/h.onnx"
        better.save_model_to_file(out)
        write_case(root, f"fused_f16_{title}", onnx.load(out), sets, (2e-2, 2e-2))


def write_saved(root, family):
    """What ONNX Runtime itself writes after its own passes: FusedConv, FusedMatMul, QuickGelu ..."""
    import onnxruntime as ort
    model, kind = build(family, "eager")
    sizes = [inputs_of(kind, 0), inputs_of(kind, 1)]
    module = Plain(model, [n for n, _, _ in sizes[0]]).eval()
    sets = sets_of(module, sizes)
    with tempfile.TemporaryDirectory() as folder:
        proto = export(module, sizes[0], f"{folder}/m.onnx", False, 17)
        sets = [([given[i] for i in keep], out) for keep, (given, out) in zip(kept_inputs(proto, sizes), sets)]
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = f"{folder}/s.onnx"
        ort.InferenceSession(f"{folder}/m.onnx", options, providers=["CPUExecutionProvider"])
        write_case(root, f"saved_{family}", onnx.load(f"{folder}/s.onnx"), sets, (1e-3, 1e-4))


# ---- quantisation ---------------------------------------------------------------------------------

QUANTIZED = ["bert", "distilbert", "gpt2", "llama", "vit", "convnext", "resnet", "mobilenet_v2", "swin", "t5_encoder", "wav2vec2", "segformer", "opt"]


def own_answers(path, sets):
    """Rounded weights have no maker but the tool: ONNX Runtime's answers without its optimiser."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    return [(given, session.run(None, dict(zip(names, given)))) for given, _ in sets]


def write_quantized(root, family):
    from onnxruntime import quantization as q
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.transformers.float16 import convert_float_to_float16
    model, kind = build(family)
    sizes = [inputs_of(kind, 0), inputs_of(kind, 1)]
    module = Plain(model, [n for n, _, _ in sizes[0]]).eval()
    sets = sets_of(module, sizes)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/m.onnx"
        proto = export(module, sizes[0], path, False, 17)
        kept = kept_inputs(proto, sizes)
        sets = [([given[i] for i in keep], out) for keep, (given, out) in zip(kept, sets)]
        names = [i.name for i in proto.graph.input]

        class Reader(q.CalibrationDataReader):
            def __init__(self):
                self.rest = iter([dict(zip(names, given)) for given, _ in sets])

            def get_next(self):
                return next(self.rest, None)

        def static(form, **more):
            return lambda out: q.quantize_static(path, out, Reader(), quant_format=form, **more)

        def nbits(**more):
            def work(out):
                quantizer = MatMulNBitsQuantizer(onnx.load(path), **more)
                quantizer.process()
                quantizer.model.save_model_to_file(out)
            return work

        int8, uint8 = q.QuantType.QInt8, q.QuantType.QUInt8
        tools = {
            "dynamic": lambda out: q.quantize_dynamic(path, out),
            "dynamic_u8": lambda out: q.quantize_dynamic(path, out, weight_type=uint8, per_channel=True),
            "qdq": static(q.QuantFormat.QDQ), "qdq_s8_channel": static(q.QuantFormat.QDQ, activation_type=int8, weight_type=int8, per_channel=True),
            "qdq_u16": static(q.QuantFormat.QDQ, activation_type=q.QuantType.QUInt16, weight_type=int8),
            "qoperator": static(q.QuantFormat.QOperator), "qoperator_channel": static(q.QuantFormat.QOperator, activation_type=uint8, weight_type=int8, per_channel=True),
            "nbits4": nbits(bits=4, block_size=16, is_symmetric=True), "nbits4_zero": nbits(bits=4, block_size=32, is_symmetric=False),
            "nbits8": nbits(bits=8, block_size=16, is_symmetric=False),
            "nbits4_qdq": nbits(bits=4, block_size=16, is_symmetric=True, quant_format=q.QuantFormat.QDQ),
            "f16": lambda out: onnx.save(convert_float_to_float16(onnx.load(path)), out),
            "f16_io": lambda out: onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True, op_block_list=["Softmax", "LayerNormalization"]), out),
        }
        for name, tool in tools.items():
            def one(root, out=f"{folder}/{name}.onnx", name=name, tool=tool):
                tool(out)
                is_half = name.startswith("f16")
                feed = [([v.astype(np.float16) if name == "f16" and v.dtype == np.float32 else v for v in given], o) for given, o in sets]
                write_case(root, f"{name}_{family}", onnx.load(out), feed if is_half else own_answers(out, feed),
                           (2e-2, 2e-2) if is_half else (1e-2, 3e-2))
            attempt(f"{name}_{family}", one, root)


def attempt(name, work, *args):
    try:
        work(*args)
    except Exception as problem:  # what an exporter can't do is no case
        print(f"{name}: not exported: {type(problem).__name__}: {str(problem)[:200]!r}", flush=True)


def work_on(root, family, exporters):
    if "traced" in exporters or "dynamo" in exporters:
        attempt(family, write_family, root, family, exporters)
    if "fused" in exporters and family in FUSED:
        for attention in ("eager", "sdpa"):
            attempt(f"fused_{family}_{attention}", write_fused, root, family, attention)
    if "saved" in exporters and MODELS[family][3] != "skip":
        attempt(f"saved_{family}", write_saved, root, family)
    if "quantized" in exporters and family in QUANTIZED:
        attempt(f"quantized_{family}", write_quantized, root, family)


def main(root, pattern="", exporters="traced,dynamo"):
    """A process a family: exporters and ONNX Runtime may crash or hang."""
    for family in (f for f in MODELS if any(p in f for p in pattern.split(","))):
        child = os.fork()
        if child == 0:
            signal.alarm(240)
            work_on(root, family, exporters)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(f"{family}: ended with signal {status & 127}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
