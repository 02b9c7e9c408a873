"""Cases of make_torch.py: the modules of torch.nn."""
import torch
from torch import nn
from make_torch import Case, Function


def r(*shape):
    return torch.randn(*shape)


CASES = []


def m(name, build, *shapes, inputs=None, **options):
    """A module fed with normal numbers of the given shapes, or with `inputs()`."""
    CASES.append(Case(name, build, inputs or (lambda: tuple(r(*s) for s in shapes)), **options))


class With(nn.Module):
    """A module called in another way than with its inputs alone."""

    def __init__(self, module, call):
        super().__init__()
        self.module, self.call = module, call

    def forward(self, *args):
        return self.call(self.module, *args)


# Convolutions
SIZES = {1: (9,), 2: (9, 8), 3: (5, 6, 7)}
for d, conv, transposed in ((1, nn.Conv1d, nn.ConvTranspose1d), (2, nn.Conv2d, nn.ConvTranspose2d),
                            (3, nn.Conv3d, nn.ConvTranspose3d)):
    shape = (2, 4, *SIZES[d])
    for mode in ("zeros", "reflect", "replicate", "circular"):
        m(f"conv{d}d_{mode}", lambda c=conv, k=mode: c(4, 6, 3, padding=1, padding_mode=k), shape)
    m(f"conv{d}d_same", lambda c=conv: c(4, 6, 4, padding="same"), shape)
    m(f"conv{d}d_valid_nobias", lambda c=conv: c(4, 6, 3, padding="valid", bias=False), shape)
    m(f"conv{d}d_stride_dilation", lambda c=conv: c(4, 6, 3, stride=2, dilation=2, padding=3), shape)
    m(f"conv{d}d_groups", lambda c=conv: c(4, 8, 3, groups=2, padding=2), shape)
    m(f"conv{d}d_depthwise", lambda c=conv: c(4, 4, 3, groups=4, padding=1), shape)
    m(f"conv{d}d_unbatched", lambda c=conv: c(4, 3, 3), shape[1:], batch=False)
    m(f"convt{d}d", lambda c=transposed: c(4, 6, 3), shape)
    m(f"convt{d}d_stride", lambda c=transposed: c(4, 6, 3, stride=2, padding=1, output_padding=1), shape)
    m(f"convt{d}d_groups_dilation", lambda c=transposed: c(4, 6, 3, groups=2, dilation=2), shape)
    m(f"convt{d}d_depthwise", lambda c=transposed: c(4, 4, 2, stride=2, groups=4, bias=False), shape)
    m(f"convt{d}d_output_size",
      lambda c=transposed, s=SIZES[d]: With(c(4, 2, 3, stride=2), lambda mod, x, s=s: mod(
          x, output_size=[2 * n + 2 for n in s])), shape, dynamic=False)
    # Pools
    name = f"{d}d"
    pool = {n: getattr(nn, n + name) for n in ("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "LPPool")}
    m(f"maxpool{d}d", lambda p=pool: p["MaxPool"](2), shape)
    m(f"maxpool{d}d_pad_ceil", lambda p=pool: p["MaxPool"](3, stride=2, padding=1, ceil_mode=True), shape)
    m(f"maxpool{d}d_dilation", lambda p=pool: p["MaxPool"](2, stride=1, dilation=2), shape)
    m(f"maxpool{d}d_indices", lambda p=pool: p["MaxPool"](2, return_indices=True), shape)
    m(f"maxpool{d}d_indices_pad", lambda p=pool: p["MaxPool"](3, stride=2, padding=1, return_indices=True), shape)
    m(f"maxpool{d}d_unbatched", lambda p=pool: p["MaxPool"](2), shape[1:], batch=False)
    m(f"maxunpool{d}d", lambda p=pool, u=getattr(nn, "MaxUnpool" + name): With(
        nn.ModuleList([p["MaxPool"](2, stride=2, return_indices=True), u(2, stride=2)]),
        lambda mods, x: mods[1](*mods[0](x))), shape)
    m(f"avgpool{d}d", lambda p=pool: p["AvgPool"](2), shape)
    m(f"avgpool{d}d_pad_ceil", lambda p=pool: p["AvgPool"](3, stride=2, padding=1, ceil_mode=True), shape)
    m(f"avgpool{d}d_exclude", lambda p=pool: p["AvgPool"](3, stride=2, padding=1, count_include_pad=False), shape)
    m(f"avgpool{d}d_exclude_ceil",
      lambda p=pool: p["AvgPool"](3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), shape)
    if d > 1:
        m(f"avgpool{d}d_divisor", lambda p=pool: p["AvgPool"](2, divisor_override=3), shape)
        m(f"fractional{d}d", lambda s=SIZES[d], f=getattr(nn, "FractionalMaxPool" + name): f(
            2, output_size=[n // 2 for n in s], _random_samples=torch.rand(2, 4, len(s))), shape, batch=False)
    m(f"adaptive_avg{d}d_1", lambda p=pool: p["AdaptiveAvgPool"](1), shape)
    m(f"adaptive_avg{d}d_3", lambda p=pool: p["AdaptiveAvgPool"](3), (2, 4, *[6] * d))
    m(f"adaptive_avg{d}d_uneven", lambda p=pool: p["AdaptiveAvgPool"](4), shape)
    m(f"adaptive_max{d}d_1", lambda p=pool: p["AdaptiveMaxPool"](1), shape)
    m(f"adaptive_max{d}d_3", lambda p=pool: p["AdaptiveMaxPool"](3), (2, 4, *[6] * d))
    m(f"adaptive_max{d}d_indices", lambda p=pool: p["AdaptiveMaxPool"](2, return_indices=True), (2, 4, *[6] * d))
    m(f"lppool{d}d", lambda p=pool: p["LPPool"](2, 2), shape)
    m(f"lppool{d}d_3", lambda p=pool: With(p["LPPool"](3, 3, stride=2), lambda mod, x: mod(x.abs() + 1)), shape)
    # Padding and norms by dimension
    for kind in ("ReflectionPad", "ReplicationPad", "ConstantPad", "ZeroPad", "CircularPad"):
        extra = (1.5,) if kind == "ConstantPad" else ()
        m(f"{kind.lower()}{d}d", lambda k=getattr(nn, kind + name), e=extra, d=d: k(
            tuple(range(1, 2 * d + 1))[:2 * d] if d < 3 else (1, 2, 2, 1, 3, 0), *e), shape)
    m(f"batchnorm{d}d", lambda b=getattr(nn, "BatchNorm" + name): b(4), shape)
    m(f"batchnorm{d}d_plain", lambda b=getattr(nn, "BatchNorm" + name): b(4, affine=False), shape)
    m(f"batchnorm{d}d_nostats", lambda b=getattr(nn, "BatchNorm" + name): b(4, track_running_stats=False), shape)
    m(f"instancenorm{d}d", lambda b=getattr(nn, "InstanceNorm" + name): b(4), shape)
    m(f"instancenorm{d}d_affine", lambda b=getattr(nn, "InstanceNorm" + name): b(4, affine=True), shape)
    m(f"instancenorm{d}d_stats", lambda b=getattr(nn, "InstanceNorm" + name): b(4, track_running_stats=True), shape)
    m(f"dropout{d}d", lambda b=getattr(nn, "Dropout" + name): b(0.3), shape)

# Activations
for build in """ELU() ELU(0.5) Hardshrink() Hardsigmoid() Hardtanh() Hardtanh(-2,0.5) Hardswish() LeakyReLU() LeakyReLU(0.3)
LogSigmoid() PReLU() PReLU(5) ReLU() ReLU6() RReLU() SELU() CELU() CELU(0.7) GELU() GELU("tanh") Sigmoid() SiLU() Mish()
Softplus() Softplus(2,3) Softshrink() Softsign() Tanh() Tanhshrink() Threshold(0.1,20) GLU() GLU(1) Softmin(1) Softmax(-1)
Softmax(1) Softmax2d() LogSoftmax(-1) LogSoftmax(1) AdaptiveLogSoftmaxWithLoss.log_prob Identity() Flatten() Flatten(2)
Unflatten(1,(2,3)) Dropout(0.5) AlphaDropout() FeatureAlphaDropout() ChannelShuffle(3) PixelShuffle(1) PixelUnshuffle(2)
UpsamplingNearest2d(scale_factor=2) UpsamplingBilinear2d(scale_factor=2) CrossMapLRN2d(3) LocalResponseNorm(3)
LocalResponseNorm(2,0.001,0.5,2.0) GroupNorm(3,6) GroupNorm(1,6) GroupNorm(6,6,affine=False) LayerNorm(4) LayerNorm((4,4))
LayerNorm((6,4,4),elementwise_affine=False) LayerNorm(4,bias=False) RMSNorm(4) RMSNorm((4,4),eps=1e-5) RMSNorm(4,elementwise_affine=False)
Fold((5,5),2) Linear(4,7) Linear(4,7,bias=False) LazyLinear(3)""".split():
    if "log_prob" in build:
        continue
    channels = 6
    shape = (2, channels, 4, 4)
    if build == "PReLU(5)":
        shape = (2, 5, 4, 4)
    if build.startswith("GLU(1") or build == "GLU()":
        shape = (2, 6, 4, 4)
    if build.startswith("Fold"):
        shape = (2, 12, 16)
    if build == "LazyLinear(3)":
        continue
    label = "".join(ch if ch.isalnum() else "_" for ch in build).strip("_").lower()
    m("act_" + label, lambda b=build: eval("nn." + b), shape)
m("pixelshuffle", lambda: nn.PixelShuffle(3), (2, 18, 3, 4))
m("unfold", lambda: nn.Unfold((2, 3), dilation=1, padding=1, stride=2), (2, 3, 7, 8))
m("unfold_dilation", lambda: nn.Unfold(2, dilation=2), (2, 3, 7, 8))
m("fold_pad", lambda: nn.Fold((6, 7), 3, padding=1, stride=2, dilation=1), (2, 18, 12))
m("bilinear", lambda: nn.Bilinear(3, 4, 5), (2, 3), (2, 4))
m("cosine_similarity", lambda: nn.CosineSimilarity(1), (3, 5, 4), (3, 5, 4))
m("pairwise_distance", lambda: nn.PairwiseDistance(2, keepdim=True), (3, 5), (3, 5))
m("linear_1d", lambda: nn.Linear(5, 3), (5,), batch=False)
m("linear_4d", lambda: nn.Linear(5, 3), (2, 3, 4, 5))
m("weight_norm", lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)), (2, 5))
m("weight_norm_old", lambda: nn.utils.weight_norm(nn.Conv1d(5, 3, 3)), (2, 5, 7))
m("spectral_norm", lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(5, 3)).eval(), (2, 5))
m("adaptive_log_softmax", lambda: With(nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10]), lambda mod, x: mod.log_prob(x)), (3, 8))
m("batchnorm1d_2d", lambda: nn.BatchNorm1d(5), (3, 5))

# Recurrent
for cls in ("RNN", "GRU", "LSTM"):
    C = getattr(nn, cls)

    def state(n, cls=cls, proj=None):
        h = r(n, 2, proj or 6)
        return (h, r(n, 2, 6)) if cls == "LSTM" else h
    seq = (5, 2, 4)
    low = cls.lower()
    o = {"batch": False}
    m(f"{low}", lambda C=C: C(4, 6), seq, **o)
    m(f"{low}_batch_first", lambda C=C: C(4, 6, batch_first=True), (2, 5, 4))
    m(f"{low}_bi", lambda C=C: C(4, 6, bidirectional=True), seq, **o)
    m(f"{low}_layers_bi", lambda C=C: C(4, 6, num_layers=3, bidirectional=True, batch_first=True, dropout=0.1), (2, 5, 4))
    m(f"{low}_nobias", lambda C=C: C(4, 6, bias=False, num_layers=2), seq, **o)
    m(f"{low}_unbatched", lambda C=C: C(4, 6), (5, 4), **o)
    m(f"{low}_state", lambda C=C: C(4, 6, num_layers=2), inputs=lambda st=state: (r(*(5, 2, 4)), st(2)), **o)
    m(f"{low}_state_bi", lambda C=C: C(4, 6, bidirectional=True, batch_first=True),
      inputs=lambda st=state: (r(2, 5, 4), st(2)), **o)
    m(f"{low}_last_only", lambda C=C: With(C(4, 6), lambda mod, x: mod(x)[0][-1]), seq, **o)

    def packed(mod, x, lengths):
        p = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        y, h = mod(p)
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], h
    m(f"{low}_packed", lambda C=C: With(C(4, 6, batch_first=True, bidirectional=True), packed),
      inputs=lambda: (r(3, 5, 4), torch.tensor([5, 3, 2])), dynamo=(), **o)
    m(f"{low}_packed_seq_first", lambda C=C: With(C(4, 6), lambda mod, x, n: nn.utils.rnn.pad_packed_sequence(
        mod(nn.utils.rnn.pack_padded_sequence(x, n))[0])[0]), inputs=lambda: (r(5, 3, 4), torch.tensor([5, 3, 2])), dynamo=(), **o)
    cell = getattr(nn, cls + "Cell")
    m(f"{low}_cell", lambda c=cell: c(4, 6), inputs=lambda cls=cls: (r(2, 4), (r(2, 6), r(2, 6)) if cls == "LSTM" else r(2, 6)))
    m(f"{low}_cell_loop", lambda c=cell: With(c(4, 6), lambda mod, x: torch.stack(
        [h[0] if isinstance(h, tuple) else h for t in x.unbind(0) for h in [mod(t)]])), seq, dynamic=False)
m("rnn_relu", lambda: nn.RNN(4, 6, nonlinearity="relu", num_layers=2, bidirectional=True), (5, 2, 4), batch=False)
m("lstm_proj", lambda: nn.LSTM(4, 6, proj_size=3), (5, 2, 4), batch=False)
m("lstm_proj_bi", lambda: nn.LSTM(4, 6, proj_size=3, bidirectional=True, num_layers=2), (5, 2, 4), batch=False)
m("gru_f64", lambda: nn.GRU(4, 6).double(), inputs=lambda: (r(5, 2, 4).double(),), batch=False)
m("lstm_f16", lambda: nn.LSTM(4, 6).half(), inputs=lambda: (r(5, 2, 4).half(),), batch=False)
m("lstm_conv", lambda: With(nn.ModuleList([nn.Conv1d(3, 4, 3), nn.LSTM(4, 5, 2, batch_first=True), nn.Linear(5, 2)]),
                            lambda mods, x: mods[2](mods[1](mods[0](x).relu().transpose(1, 2))[0])), (2, 3, 9))

# Transformers and attention
SEQ = (2, 5, 8)
causal = torch.triu(torch.full((5, 5), float("-inf")), 1)
for norm_first in (False, True):
    for act in ("relu", "gelu"):
        m(f"encoder_layer_{act}_{'pre' if norm_first else 'post'}", lambda a=act, n=norm_first: nn.TransformerEncoderLayer(
            8, 2, 16, activation=a, norm_first=n, batch_first=True), SEQ)
m("encoder_layer_seq_first", lambda: nn.TransformerEncoderLayer(8, 2, 16), (5, 2, 8), batch=False)
m("encoder", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), SEQ)
m("encoder_mask", lambda: With(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
                               lambda mod, x: mod(x, mask=causal, is_causal=True)), SEQ, dynamic=False)
m("encoder_padding", lambda: With(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
                                  lambda mod, x, k: mod(x, src_key_padding_mask=k)),
  inputs=lambda: (r(*SEQ), torch.tensor([[False] * 5, [False] * 3 + [True] * 2])), batch=False)
m("decoder_layer", lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), SEQ, (2, 7, 8))
m("decoder_masks", lambda: With(nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2, nn.LayerNorm(8)),
                                lambda mod, x, y: mod(x, y, tgt_mask=causal, tgt_is_causal=True)), SEQ, (2, 7, 8), dynamic=False)
m("transformer", lambda: nn.Transformer(8, 2, 2, 2, 16, batch_first=True), (2, 6, 8), SEQ)
m("transformer_masks", lambda: With(nn.Transformer(8, 2, 1, 1, 16), lambda mod, x, y: mod(
    x, y, tgt_mask=nn.Transformer.generate_square_subsequent_mask(y.size(0)))), (6, 2, 8), (5, 2, 8), batch=False)
MHA = nn.MultiheadAttention
m("mha_self", lambda: With(MHA(8, 2, batch_first=True), lambda mod, x: mod(x, x, x)), SEQ)
m("mha_no_weights", lambda: With(MHA(8, 2, batch_first=True), lambda mod, x: mod(x, x, x, need_weights=False)[0]), SEQ)
m("mha_seq_first", lambda: MHA(8, 2), (5, 2, 8), (6, 2, 8), (6, 2, 8), batch=False)
m("mha_per_head", lambda: With(MHA(8, 2, batch_first=True), lambda mod, x: mod(x, x, x, average_attn_weights=False)), SEQ)
m("mha_kdim", lambda: MHA(8, 2, kdim=6, vdim=5, batch_first=True), (2, 5, 8), (2, 7, 6), (2, 7, 5))
m("mha_bias_kv", lambda: With(MHA(8, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True), lambda mod, x: mod(x, x, x)), SEQ)
m("mha_mask", lambda: With(MHA(8, 2, batch_first=True), lambda mod, x: mod(x, x, x, attn_mask=causal)), SEQ, dynamic=False)
m("mha_bool_mask", lambda: With(MHA(8, 2, batch_first=True), lambda mod, x, k: mod(x, x, x, attn_mask=causal < 0, key_padding_mask=k)),
  inputs=lambda: (r(*SEQ), torch.tensor([[False] * 5, [False] * 3 + [True] * 2])), dynamic=False)

F = nn.functional
Q = (2, 4, 5, 8)
sdpa = F.scaled_dot_product_attention


def f(name, function, *shapes, **options):
    m(name, lambda: Function(function), *shapes, **options)


LATE = {"script": (14, 17, 20)}
f("sdpa", sdpa, Q, (2, 4, 7, 8), (2, 4, 7, 6), **LATE)
f("sdpa_causal", lambda q, k, v: sdpa(q, k, v, is_causal=True), Q, Q, Q, **LATE)
f("sdpa_causal_long", lambda q, k, v: sdpa(q, k, v, is_causal=True), Q, (2, 4, 7, 8), (2, 4, 7, 8), **LATE)
f("sdpa_scale", lambda q, k, v: sdpa(q, k, v, scale=0.25), Q, Q, Q, **LATE)
f("sdpa_float_mask", lambda q, k, v, b: sdpa(q, k, v, attn_mask=b), Q, Q, Q, (2, 1, 5, 5), **LATE)
f("sdpa_float_mask_2d", lambda q, k, v, b: sdpa(q, k, v, attn_mask=b), Q, Q, Q, (5, 5), batch=False, **LATE)
f("sdpa_bool_mask", lambda q, k, v, b: sdpa(q, k, v, attn_mask=b > -1), Q, Q, Q, (2, 1, 5, 5), **LATE)
f("sdpa_bool_all_masked", lambda q, k, v: sdpa(q, k, v, attn_mask=torch.zeros(5, 5, dtype=torch.bool)), Q, Q, Q, **LATE)
f("sdpa_gqa", lambda q, k, v: sdpa(q, k, v, enable_gqa=True), Q, (2, 2, 7, 8), (2, 2, 7, 8), **LATE)
f("sdpa_gqa_causal", lambda q, k, v: sdpa(q, k, v, enable_gqa=True, is_causal=True), Q, (2, 2, 5, 8), (2, 2, 5, 8), **LATE)
f("sdpa_3d", sdpa, (2, 5, 8), (2, 7, 8), (2, 7, 8), **LATE)
f("sdpa_f16", lambda q, k, v: sdpa(q.half(), k.half(), v.half(), is_causal=True), Q, Q, Q, **LATE)
f("sdpa_bf16", lambda q, k, v: sdpa(q.bfloat16(), k.bfloat16(), v.bfloat16()), Q, Q, Q, **LATE)
f("sdpa_f64", lambda q, k, v: sdpa(q.double(), k.double(), v.double()), Q, Q, Q, **LATE)

# Embeddings
ids = lambda: (torch.tensor([[1, 2, 0], [4, 9, 3]]),)
m("embedding", lambda: nn.Embedding(10, 4, padding_idx=0), inputs=ids)
m("embedding_max_norm", lambda: nn.Embedding(10, 4, max_norm=1.0), inputs=ids)
for mode in ("sum", "mean", "max"):
    m(f"embedding_bag_{mode}", lambda k=mode: nn.EmbeddingBag(10, 4, mode=k), inputs=ids)
    m(f"embedding_bag_offsets_{mode}", lambda k=mode: nn.EmbeddingBag(10, 4, mode=k),
      inputs=lambda: (torch.tensor([1, 2, 0, 4, 9, 3]), torch.tensor([0, 2, 3])), batch=False)
m("embedding_bag_weights", lambda: With(nn.EmbeddingBag(10, 4, mode="sum"), lambda mod, i, w: mod(i, per_sample_weights=w)),
  inputs=lambda: (*ids(), r(2, 3)))
m("embedding_bag_last_offset", lambda: nn.EmbeddingBag(10, 4, mode="sum", include_last_offset=True),
  inputs=lambda: (torch.tensor([1, 2, 0, 4, 9, 3]), torch.tensor([0, 2, 3, 6])), batch=False)

# Interpolation
for mode, n in (("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 1), ("nearest-exact", 2), ("linear", 1),
                ("bilinear", 2), ("bicubic", 2), ("trilinear", 3), ("area", 1), ("area", 2), ("area", 3)):
    shape = (2, 3, *(7, 6, 5)[:n])
    corners = (None,) if "nearest" in mode or mode == "area" else (False, True)
    for align in corners:
        tag = f"interp_{mode}{n}d" + ("_align" if align else "")
        for label, o in (("up", {"scale_factor": 2}), ("frac", {"scale_factor": 1.7}), ("down", {"scale_factor": 0.6}),
                         ("size", {"size": (10, 4, 8)[:n]}), ("size_int", {"size": 9}),
                         ("recompute", {"scale_factor": 1.3, "recompute_scale_factor": True}),
                         ("one", {"size": (1,) * n})):
            f(f"{tag}_{label}", lambda x, o=o, k=mode, a=align: F.interpolate(x, mode=k, align_corners=a, **o), shape,
              script=(9, 11, 13, 18), dynamo=(18,))
for mode in ("bilinear", "bicubic"):
    for align in (False, True):
        for size in ((3, 4), (10, 11), (5, 12)):
            f(f"interp_{mode}_antialias_{size[0]}_{size[1]}" + ("_align" if align else ""),
              lambda x, k=mode, a=align, s=size: F.interpolate(x, size=s, mode=k, align_corners=a, antialias=True),
              (2, 3, 7, 8), script=(18,), dynamo=(18, 20))
f("interp_like", lambda x, y: F.interpolate(x, size=y.shape[2:], mode="bilinear", align_corners=False), (2, 3, 4, 5), (2, 3, 9, 8),
  script=(11, 17))
f("interp_half", lambda x: F.interpolate(x.half(), scale_factor=2, mode="bilinear"), (2, 3, 4, 5), script=(11, 17))
f("interp_u8", lambda x: F.interpolate((x * 50 + 128).clamp(0, 255).to(torch.uint8), scale_factor=2, mode="nearest"), (2, 3, 4, 5), script=(11, 17))
f("interp_u8_bilinear", lambda x: F.interpolate((x * 50 + 128).clamp(0, 255).to(torch.uint8), size=(9, 7), mode="bilinear"), (2, 3, 4, 5), script=(11, 17))

# Grids
for mode in ("bilinear", "nearest", "bicubic"):
    for pad in ("zeros", "border", "reflection"):
        for align in (False, True):
            f(f"grid_sample_{mode}_{pad}{'_align' if align else ''}", lambda x, g, k=mode, p=pad, a=align: F.grid_sample(
                x, g, mode=k, padding_mode=p, align_corners=a), (2, 3, 6, 7), (2, 4, 5, 2), script=(16, 20), dynamo=(18,))
            if mode != "bicubic":
                f(f"grid_sample3d_{mode}_{pad}{'_align' if align else ''}", lambda x, g, k=mode, p=pad, a=align: F.grid_sample(
                    x, g, mode=k, padding_mode=p, align_corners=a), (2, 3, 4, 5, 6), (2, 4, 3, 2, 3), script=(16, 20), dynamo=(20,))
for align in (False, True):
    f(f"affine_grid{'_align' if align else ''}", lambda t, a=align: F.affine_grid(t, (2, 3, 4, 5), align_corners=a), (2, 2, 3),
      script=(20,), dynamo=(18, 20), batch=False)
    f(f"affine_grid3d{'_align' if align else ''}", lambda t, a=align: F.affine_grid(t, (2, 3, 4, 5, 3), align_corners=a), (2, 3, 4),
      script=(20,), dynamo=(18, 20), batch=False)
f("spatial_transformer", lambda x, t: F.grid_sample(x, F.affine_grid(t, x.size(), align_corners=False), align_corners=False),
  (2, 3, 6, 7), (2, 2, 3), script=(20,), dynamo=(18, 20))

# Losses
pair = ((3, 5), (3, 5))
for loss in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss", "SoftMarginLoss", "PoissonNLLLoss", "KLDivLoss",
             "MultiLabelSoftMarginLoss"):
    for reduction in ("mean", "none", "sum"):
        m(f"loss_{loss.lower()}_{reduction}", lambda l=loss, k=reduction: getattr(nn, l)(reduction=k), *pair, dynamo=(18,), script=(12, 17))
m("loss_bce", lambda: With(nn.BCELoss(), lambda mod, x, y: mod(x.sigmoid(), y.sigmoid())), *pair, script=(12, 17))
labels = lambda *shape: torch.randint(0, 5, shape)
for reduction in ("mean", "none", "sum"):
    for tag, o in (("", {}), ("_weight", {"weight": torch.rand(5) + 0.5}), ("_ignore", {"ignore_index": 2})):
        for loss in ("CrossEntropyLoss", "NLLLoss"):
            m(f"loss_{loss.lower()}{tag}_{reduction}", lambda l=loss, o=o, k=reduction: getattr(nn, l)(reduction=k, **o),
              inputs=lambda: (r(3, 5), labels(3)), dynamo=(18,), script=(12, 17))
            m(f"loss_{loss.lower()}{tag}_{reduction}_2d", lambda l=loss, o=o, k=reduction: getattr(nn, l)(reduction=k, **o),
              inputs=lambda: (r(3, 5, 2, 4), labels(3, 2, 4)), dynamo=(18,), script=(13,))
m("loss_cross_entropy_smooth", lambda: nn.CrossEntropyLoss(label_smoothing=0.1), inputs=lambda: (r(3, 5), labels(3)), script=(13,))
m("loss_cross_entropy_probs", lambda: With(nn.CrossEntropyLoss(), lambda mod, x, y: mod(x, y.softmax(1))), *pair, script=(13,))
m("loss_triplet", lambda: nn.TripletMarginLoss(), (3, 5), (3, 5), (3, 5), script=(13,))
m("loss_cosine", lambda: nn.CosineEmbeddingLoss(), inputs=lambda: (r(3, 5), r(3, 5), torch.tensor([1, -1, 1])), script=(13,))
m("loss_hinge", lambda: nn.HingeEmbeddingLoss(), inputs=lambda: (r(3), torch.tensor([1, -1, 1])), script=(13,))
m("loss_margin", lambda: nn.MarginRankingLoss(0.1), inputs=lambda: (r(3), r(3), torch.tensor([1, -1, 1])), script=(13,))
m("loss_multi_margin", lambda: nn.MultiMarginLoss(), inputs=lambda: (r(3, 5), labels(3)), script=(13,))
m("loss_multilabel_margin", lambda: nn.MultiLabelMarginLoss(), inputs=lambda: (r(1, 4), torch.tensor([[3, 0, -1, 1]])), script=(13,))
m("loss_gaussian", lambda: nn.GaussianNLLLoss(), inputs=lambda: (r(3, 5), r(3, 5), torch.rand(3, 5) + 0.1), script=(13,))
m("loss_ctc", lambda: nn.CTCLoss(), inputs=lambda: (r(8, 2, 5).log_softmax(2), torch.tensor([[1, 2, 3], [2, 2, 0]]),
  torch.tensor([8, 7]), torch.tensor([3, 2])), script=(13,), batch=False)
