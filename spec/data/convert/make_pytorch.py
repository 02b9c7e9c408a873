"""Writes TorchScript archives with inputs and PyTorch's own outputs.

    python make_pytorch.py OUT [small|wide|nets]

small: what spec/data/convert/pytorch holds; wide: one case an operation and layer; nets: whole networks of
torchvision, timm and transformers with random weights (those three packages are needed only for it). Needs torch
and numpy. Every case gives NAME.pt, NAME.in0.npy ..., NAME.out0.npy ...
"""

import math
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

out = sys.argv[1]
what = sys.argv[2] if len(sys.argv) > 2 else "small"
os.makedirs(out, exist_ok=True)
torch.manual_seed(1)
torch.set_num_threads(1)
r = torch.randn


def flat(x):
    if isinstance(x, torch.Tensor):
        return [x]
    if isinstance(x, (int, float, bool)):
        return [torch.tensor(x)]
    if isinstance(x, dict):
        return [t for v in x.values() for t in flat(v)]
    if isinstance(x, (list, tuple)):
        return [t for v in x for t in flat(v)]
    return []


def write(name, m, inputs, want):
    m.save(f"{out}/{name}.pt")
    for i, t in enumerate(flat(inputs)):
        np.save(f"{out}/{name}.in{i}.npy", t.detach().numpy())
    for i, t in enumerate(flat(want)):
        np.save(f"{out}/{name}.out{i}.npy", t.detach().resolve_conj().contiguous().numpy())


class Fn(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *x):
        return self.f(*x)


def case(name, m, *inputs, script=None):
    """Traced, and where it is a layer scripted as well."""
    is_layer = isinstance(m, nn.Module)
    if not is_layer:
        m = Fn(m)
    m = m.eval()
    try:
        with torch.no_grad():
            want = m(*[t.clone() for t in inputs])
            t = torch.jit.trace(m, tuple(t.clone() for t in inputs), check_trace=False, strict=False)
            write(name + "-t", t, inputs, want)
    except Exception as e:
        print("not traced:", name, str(e)[:100])
    if script is False or not is_layer:
        return
    try:
        with torch.no_grad():
            s = torch.jit.script(m)
            write(name + "-s", s, inputs, want)
            write(name + "-f", torch.jit.freeze(s), inputs, want)
    except Exception as e:
        print("not scripted:", name, str(e)[:100])


x4 = r(2, 4, 9, 10)
x3 = r(2, 4, 12)
x5 = r(1, 3, 5, 6, 7)
x2 = r(3, 8)
ids = torch.tensor([[1, 4, 2], [0, 3, 3]])


def layers():
    yield "conv1d", nn.Conv1d(4, 6, 3, 2, 1), x3
    yield "conv2d", nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), 1, 2), x4
    yield "conv2d-same", nn.Conv2d(4, 6, 4, padding="same"), x4
    yield "conv2d-reflect", nn.Conv2d(4, 6, 3, padding=2, padding_mode="reflect"), x4
    yield "conv2d-circular", nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), x4
    yield "conv2d-single", nn.Conv2d(4, 6, 3, bias=False), r(4, 7, 8)
    yield "conv3d", nn.Conv3d(3, 4, 3, padding=1, dilation=(1, 2, 1)), x5
    yield "convt1d", nn.ConvTranspose1d(4, 6, 3, 2, 1, 1), x3
    yield "convt2d", nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, dilation=2), x4
    yield "convt3d", nn.ConvTranspose3d(3, 4, 2, 2), x5
    yield "linear", nn.Linear(8, 5), x2
    yield "linear-3d", nn.Linear(8, 5, bias=False), r(2, 3, 8)
    yield "linear-1d", nn.Linear(8, 5), r(8)
    yield "bilinear", nn.Bilinear(8, 5, 3), x2, r(3, 5)
    for n, x in ((1, x3), (2, x4), (3, x5)):
        yield f"maxpool{n}d", getattr(nn, f"MaxPool{n}d")(3, 2, 1), x
        yield f"maxpool{n}d-ceil", getattr(nn, f"MaxPool{n}d")(2, 2, ceil_mode=True), x
        yield f"maxpool{n}d-idx", getattr(nn, f"MaxPool{n}d")(2, 2, return_indices=True), x
        yield f"avgpool{n}d", getattr(nn, f"AvgPool{n}d")(3, 2, 1), x
        yield f"avgpool{n}d-ceil", getattr(nn, f"AvgPool{n}d")(3, 2, 1, True, False), x
        yield f"avgpool{n}d-ceil-incl", getattr(nn, f"AvgPool{n}d")(3, 2, 1, True, True), x
        yield f"aavg{n}d", getattr(nn, f"AdaptiveAvgPool{n}d")(1), x
        yield f"aavg{n}d-3", getattr(nn, f"AdaptiveAvgPool{n}d")(3), x
        yield f"amax{n}d", getattr(nn, f"AdaptiveMaxPool{n}d")(1), x
        yield f"amax{n}d-3", getattr(nn, f"AdaptiveMaxPool{n}d")(3), x
        yield f"batchnorm{n}d", getattr(nn, f"BatchNorm{n}d")(x.shape[1]), x
        yield f"instnorm{n}d", getattr(nn, f"InstanceNorm{n}d")(x.shape[1], affine=True), x
        yield f"zeropad{n}d", getattr(nn, f"ConstantPad{n}d")(1, 3.5), x
        yield f"reflectpad{n}d", getattr(nn, f"ReflectionPad{n}d")(2), x
        yield f"replpad{n}d", getattr(nn, f"ReplicationPad{n}d")(2), x
        yield f"circpad{n}d", getattr(nn, f"CircularPad{n}d")(2), x
    yield "avgpool-div", nn.AvgPool2d(2, divisor_override=3), x4
    yield "aavg-none", nn.AdaptiveAvgPool2d((None, 4)), x4
    yield "lppool2d", nn.LPPool2d(2, 3, 2), x4
    yield "batchnorm-2d-in", nn.BatchNorm1d(8), x2
    yield "batchnorm-plain", nn.BatchNorm2d(4, affine=False), x4
    yield "batchnorm-nostats", nn.BatchNorm2d(4, track_running_stats=False), x4
    yield "instnorm-plain", nn.InstanceNorm2d(4), x4
    yield "groupnorm", nn.GroupNorm(2, 4), x4
    yield "groupnorm-3d", nn.GroupNorm(2, 4, affine=False), x3
    yield "layernorm", nn.LayerNorm(8), x2
    yield "layernorm-2", nn.LayerNorm((9, 10)), x4
    yield "layernorm-plain", nn.LayerNorm(8, elementwise_affine=False), x2
    yield "rmsnorm", nn.RMSNorm(8), x2
    yield "lrn", nn.LocalResponseNorm(3), x4
    for a in ("ReLU ReLU6 LeakyReLU PReLU ELU SELU CELU GELU SiLU Mish Hardswish Hardsigmoid Hardtanh Sigmoid Tanh "
              "Softplus Softsign Tanhshrink Softshrink Hardshrink LogSigmoid RReLU Dropout Identity Softmin").split():
        yield a.lower(), getattr(nn, a)(), x2
    yield "prelu-c", nn.PReLU(4), x4
    yield "gelu-tanh", nn.GELU("tanh"), x2
    yield "threshold", nn.Threshold(0.1, 5.0), x2
    yield "glu", nn.GLU(1), x4
    yield "softmax", nn.Softmax(1), x4
    yield "softmax2d", nn.Softmax2d(), x4
    yield "logsoftmax", nn.LogSoftmax(-1), x2
    yield "softplus-b", nn.Softplus(2.0, 1.0), x2
    yield "inplace", nn.Sequential(nn.Linear(8, 8), nn.ReLU(True), nn.Hardswish(True), nn.ELU(1.0, True)), x2
    yield "embedding", nn.Embedding(6, 5), ids
    yield "embedding-pad", nn.Embedding(6, 5, padding_idx=0), ids
    yield "embeddingbag", nn.EmbeddingBag(6, 5, mode="mean"), ids
    yield "flatten", nn.Flatten(), x4
    yield "unflatten", nn.Unflatten(1, (2, 2)), x4
    yield "pixelshuffle", nn.PixelShuffle(2), x4
    yield "pixelunshuffle", nn.PixelUnshuffle(2), r(1, 2, 6, 4)
    yield "chshuffle", nn.ChannelShuffle(2), x4
    yield "unfold", nn.Unfold(3, 1, 1, 2), x4
    yield "fold", nn.Fold((4, 5), 2), r(1, 12, 12)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        yield f"up-{mode}", nn.Upsample(scale_factor=2, mode=mode), x4
        yield f"up-{mode}-size", nn.Upsample((7, 13), mode=mode), x4
        yield f"up-{mode}-frac", nn.Upsample(scale_factor=1.7, mode=mode), x4
    yield "up-align", nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), x4
    yield "up-align3", nn.Upsample((7, 13), mode="bicubic", align_corners=True), x4
    yield "up-linear", nn.Upsample(scale_factor=2, mode="linear"), x3
    yield "up-trilinear", nn.Upsample(scale_factor=2, mode="trilinear"), x5
    for kind in ("LSTM", "GRU", "RNN"):
        yield kind.lower(), getattr(nn, kind)(8, 6), r(5, 2, 8)
        yield kind.lower() + "-bi", getattr(nn, kind)(8, 6, 2, batch_first=True, bidirectional=True), r(2, 5, 8)
        yield kind.lower() + "-nobias", getattr(nn, kind)(8, 6, bias=False), r(5, 2, 8)
        yield kind.lower() + "-single", getattr(nn, kind)(8, 6), r(5, 8)
        yield kind.lower() + "cell", getattr(nn, kind + "Cell")(8, 6), x2
    yield "rnn-relu", nn.RNN(8, 6, nonlinearity="relu"), r(5, 2, 8)
    yield "mha", nn.MultiheadAttention(8, 2, batch_first=True), r(2, 5, 8), r(2, 5, 8), r(2, 5, 8)
    yield "mha-seq", nn.MultiheadAttention(8, 2), r(5, 2, 8), r(4, 2, 8), r(4, 2, 8)
    yield "encoderlayer", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), r(2, 5, 8)
    yield "encoderlayer-pre", nn.TransformerEncoderLayer(8, 2, 16, norm_first=True, activation="gelu"), r(5, 2, 8)
    yield "encoder", nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), r(2, 5, 8)
    yield "decoderlayer", nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), r(2, 5, 8), r(2, 4, 8)
    yield "transformer", nn.Transformer(8, 2, 1, 1, 16, batch_first=True), r(2, 5, 8), r(2, 4, 8)
    yield "cossim", nn.CosineSimilarity(), x2, r(3, 8)
    yield "pairdist", nn.PairwiseDistance(), x2, r(3, 8)


def functions():
    for n in ("abs neg sign exp sqrt rsqrt log log1p log2 log10 expm1 exp2 sin cos tan asin acos atan sinh cosh tanh "
              "asinh acosh atanh erf erfc sigmoid reciprocal floor ceil round trunc frac square isnan isinf isfinite "
              "logit nan_to_num relu").split():
        x = x2.abs() * 0.4 + 0.05
        yield n, getattr(torch, n), (x + 1 if n == "acosh" else x)
    for n in "add sub mul div pow atan2 maximum minimum remainder fmod eq ne lt gt le ge hypot fmax".split():
        yield n, getattr(torch, n), x2.abs() + 0.1, r(8).abs() + 0.2
    i = torch.tensor([7, -7, 3, -2]), torch.tensor([2, 2, -2, -3])
    for n in "add sub mul div floor_divide remainder fmod bitwise_and bitwise_or bitwise_xor eq lt".split():
        yield "int-" + n, getattr(torch, n), *i
    yield "add-alpha", lambda a, b: torch.add(a, b, alpha=2.5), x2, r(3, 8)
    yield "rsub", lambda a: 3 - a, x2
    yield "int-float", lambda a: a * 2.5 + 1, i[0]
    yield "int-true-div", lambda a: a / 2, i[0]
    yield "bool-arith", lambda a: (a > 0) * 3 + (a < 1), x2
    yield "promote", lambda a, b: a + b, x2, i[0].repeat(2)
    yield "div-floor", lambda a: torch.div(a, 0.7, rounding_mode="floor"), x2
    yield "div-trunc", lambda a, b: torch.div(a, b, rounding_mode="trunc"), *i
    yield "floordiv", lambda a: a // 2, i[0]
    yield "logic", lambda a, b: (a > 0) & (b > 0) | ~(a > b) ^ (b < 1), x2, r(3, 8)
    yield "logical", lambda a, b: torch.logical_and(a > 0, torch.logical_not(b > 0)), x2, r(3, 8)
    yield "shift", lambda a: (a.abs() << 2) >> 1, i[0]
    yield "clamp", lambda a: torch.clamp(a, -0.5, 0.5), x2
    yield "clamp-min", lambda a: a.clamp(min=0.1), x2
    yield "clamp-t", lambda a, b: torch.clamp(a, b - 1, b), x2, r(3, 8)
    yield "where", lambda a, b: torch.where(a > 0, a, b), x2, r(3, 8)
    yield "where-s", lambda a: torch.where(a > 0, a, 0.0), x2
    yield "masked-fill", lambda a: a.masked_fill(a > 0, -1e9), x2
    yield "lerp", lambda a, b: torch.lerp(a, b, 0.3), x2, r(3, 8)
    yield "addcmul", lambda a, b: torch.addcmul(a, b, b, value=2), x2, r(3, 8)
    for n in "sum mean prod amax amin var std logsumexp".split():
        if n not in ("logsumexp",):
            yield n + "-all", getattr(torch, n), x4
        yield n + "-1", lambda a, n=n: getattr(torch, n)(a, 1), x4
        if n != "prod":
            yield n + "-k", lambda a, n=n: getattr(torch, n)(a, (1, -1), keepdim=True), x4
    yield "max-dim", lambda a: torch.max(a, 1), x4
    yield "min-dim", lambda a: torch.min(a, -1, keepdim=True), x4
    yield "max-all", lambda a: torch.max(a), x4
    yield "argmax", lambda a: torch.argmax(a, 1), x4
    yield "argmin-all", lambda a: torch.argmin(a), x4
    yield "all-any", lambda a: (torch.all(a > -1), torch.any(a > 1, 1)), x2
    yield "var-u", lambda a: torch.var(a, 1, unbiased=False), x2
    yield "var-mean", lambda a: torch.var_mean(a, 1), x2
    yield "norm", lambda a: (torch.norm(a), torch.norm(a, 1, 1), a.norm(dim=-1, keepdim=True)), x2
    yield "vnorm", lambda a: torch.linalg.vector_norm(a, 3, 1), x2
    yield "normalize", lambda a: F.normalize(a, dim=1), x2
    yield "cumsum", lambda a: torch.cumsum(a, 1), x4
    yield "topk", lambda a: torch.topk(a, 3, 1), x2
    yield "sort", lambda a: torch.sort(a, 1, descending=True), x2
    yield "argsort", lambda a: torch.argsort(a, -1), x2
    yield "kthvalue", lambda a: torch.kthvalue(a, 2, 1), x2
    yield "median", lambda a: torch.median(a, 1), x2
    yield "matmul", lambda a: a @ a.transpose(-1, -2), x4
    yield "bmm", torch.bmm, r(2, 3, 4), r(2, 4, 5)
    yield "addmm", lambda a, b, c: torch.addmm(a, b, c, beta=0.5, alpha=2), r(5), r(3, 8), r(8, 5)
    yield "baddbmm", torch.baddbmm, r(2, 3, 5), r(2, 3, 4), r(2, 4, 5)
    yield "mv", torch.mv, x2, r(8)
    yield "dot", torch.dot, r(8), r(8)
    yield "outer", torch.outer, r(3), r(4)
    yield "einsum", lambda a, b: torch.einsum("bik,bkj->bij", a, b), r(2, 3, 4), r(2, 4, 5)
    yield "einsum-t", lambda a: torch.einsum("nchw->nhc", a), x4
    yield "cdist", torch.cdist, r(2, 3, 4), r(2, 5, 4)
    yield "cat", lambda a, b: torch.cat([a, b, a], 1), x2, r(3, 4)
    yield "cat-neg", lambda a, b: torch.cat((a, b), -1), x2, r(3, 4)
    yield "stack", lambda a, b: torch.stack([a, b], -1), x2, r(3, 8)
    yield "split", lambda a: torch.split(a, 3, 1), x2
    yield "split-sizes", lambda a: torch.split(a, [1, 2, 5], 1), x2
    yield "chunk", lambda a: torch.chunk(a, 3, -1), x2
    yield "tensor-split", lambda a: torch.tensor_split(a, 3, 1), x2
    yield "unbind", lambda a: torch.unbind(a, 1), x3
    yield "view", lambda a: a.view(a.size(0), -1), x4
    yield "view-neg", lambda a: a.view(-1, 4, 3), x3
    yield "permute", lambda a: a.permute(0, 2, 3, 1).contiguous(), x4
    yield "transpose", lambda a: a.transpose(1, -1), x4
    yield "t", lambda a: a.t(), x2
    yield "movedim", lambda a: torch.movedim(a, 1, -1), x4
    yield "flatten", lambda a: (a.flatten(), a.flatten(1, 2), a.flatten(2)), x4
    yield "squeeze", lambda a: (a.squeeze(), a.unsqueeze(0).squeeze(0), a.unsqueeze(-1)), r(2, 1, 3, 1)
    yield "expand", lambda a: a.unsqueeze(1).expand(-1, 4, -1), x2
    yield "expand-as", lambda a, b: a.expand_as(b), r(8), x2
    yield "repeat", lambda a: a.repeat(2, 1, 3), x2
    yield "tile", lambda a: torch.tile(a, (2,)), x2
    yield "repeat-interleave", lambda a: torch.repeat_interleave(a, 2, 1), x2
    yield "flip", lambda a: torch.flip(a, [1, 2]), x4
    yield "roll", lambda a: (torch.roll(a, 2, 1), torch.roll(a, (1, -2), (0, 1))), x2
    yield "tril", lambda a: (torch.tril(a), torch.triu(a, 1)), x4
    yield "meshgrid", lambda a, b: torch.meshgrid(a, b, indexing="ij"), r(3), r(4)
    yield "meshgrid-xy", lambda a, b: torch.meshgrid(a, b, indexing="xy"), r(3), r(4)
    yield "slice", lambda a: a[:, 1:-1, ::2, -3:], x4
    yield "index-int", lambda a: a[0, :, 2], x4
    yield "index-t", lambda a: a[:, torch.tensor([0, 2, 1])], x4
    yield "index-tt", lambda a: a[:, torch.tensor([0, 2]), torch.tensor([3, 1])], x4
    yield "index-sep", lambda a: a[torch.tensor([0, 1]), :, torch.tensor([3, 1])], x4
    yield "index-mask", lambda a: a[a > 0], x2
    yield "index-mask-row", lambda a: a[a[:, 0] > -9], x2
    yield "index-select", lambda a: torch.index_select(a, 1, torch.tensor([2, 0])), x2
    yield "gather", lambda a, i: torch.gather(a, 1, i), x2, torch.tensor([[0, 1], [2, 2], [7, 3]])
    yield "scatter", lambda a, i: a.scatter(1, i, 9.0), x2, torch.tensor([[0, 1], [2, 2], [7, 3]])
    yield "scatter-add", lambda a, i, b: a.scatter_add(1, i, b), x2, torch.tensor([[0, 1], [2, 2], [7, 3]]), r(3, 2)
    yield "take-along", lambda a, i: torch.take_along_dim(a, i, 1), x2, torch.tensor([[0, 1], [2, 2], [7, 3]])
    yield "masked-select", lambda a: torch.masked_select(a, a > 0), x2
    yield "nonzero", lambda a: torch.nonzero(a > 0), x2
    yield "one-hot", lambda a: F.one_hot(a, 6), ids
    yield "unfold-t", lambda a: a.unfold(1, 3, 2), x2
    yield "diagonal", lambda a: torch.diagonal(a, 1, -2, -1), x4
    yield "pad", lambda a: F.pad(a, (1, 2, 0, 3), value=2.0), x4
    yield "pad-crop", lambda a: F.pad(a, (-1, 2)), x4
    yield "pad-reflect", lambda a: F.pad(a, (1, 2, 1, 0), mode="reflect"), x4
    yield "sdpa", F.scaled_dot_product_attention, r(2, 2, 5, 4), r(2, 2, 6, 4), r(2, 2, 6, 4)
    yield "sdpa-causal", lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True), r(2, 2, 5, 4)
    yield "sdpa-mask", lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m > -1), r(2, 2, 5, 4), r(5, 5)
    yield "sdpa-bias", lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m, scale=0.3), r(2, 2, 5, 4), r(5, 5)
    yield "sdpa-gqa", lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), r(2, 4, 5, 4), r(2, 2, 5, 4)
    yield "arange", lambda a: a + torch.arange(a.size(1)), x2
    yield "arange-f", lambda a: a + torch.arange(0, 4, 0.5), x2
    yield "zeros-ones", lambda a: torch.zeros(3, 8) + torch.ones_like(a) + torch.full((8,), 2.5) + a.new_zeros(8), x2
    yield "linspace", lambda a: a * torch.linspace(-1, 1, 8), x2
    yield "eye", lambda a: a @ torch.eye(8), x2
    yield "casts", lambda a: (a.double(), a.to(torch.int32), a.long(), a.half(), a.bool(), a.to(torch.uint8 if False else torch.int8)), x2
    yield "type-as", lambda a, b: a.type_as(b), i[0], x2
    yield "setitem", setitem, x4
    yield "setitem-mask", setitem_mask, x2
    yield "inplace-view", inplace_view, x4
    yield "copy", lambda a: torch.empty(3, 8).copy_(a * 2), x2
    yield "add-chain", add_chain, x2
    yield "grid-sample", lambda a, g: F.grid_sample(a, g, align_corners=False), x4, torch.rand(2, 5, 6, 2) * 2 - 1
    yield "affine-grid", lambda t: F.affine_grid(t, (2, 3, 4, 5), align_corners=False), r(2, 2, 3)
    yield "interp-aa", lambda a: F.interpolate(a, (4, 5), mode="bilinear", antialias=True), x4
    yield "batch-stats", lambda a: F.batch_norm(a, None, None, training=True), x4
    yield "bucket", lambda a: (a * 3).round().clamp(0, 5).long().float().softmax(-1), x2
    yield "view-as", lambda a, b: a.view_as(b), x2, r(4, 6)
    yield "reshape-dyn", lambda a: a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]), x4
    yield "shape-arith", lambda a: F.interpolate(a, size=(a.shape[2] * 2, a.shape[3] // 2)), x4
    yield "dict-out", lambda a: {"one": a + 1, "two": a * 2}, x2
    yield "nested-out", lambda a: (a, (a + 1, [a * 2])), x2


def setitem(a):
    b = a.clone()
    b[:, 1] = 0
    b[:, :, 2:4] = b[:, :, 4:6] * 2
    b[0, 0, 0, 0] += 5
    return b


def setitem_mask(a):
    b = a.clone()
    b[b > 0] = 7.0
    b[torch.tensor([0, 2])] = 1.0
    return b


def inplace_view(a):
    b = a.clone()
    c = b.view(2, -1)
    c.mul_(2).add_(1)
    d = b.transpose(1, 2)
    d[:, 0].zero_()
    return b, c, d


def add_chain(a):
    b = a * 1
    b += a
    b -= 0.5
    b *= a
    b /= 2
    b.clamp_(-1, 1)
    return b.relu_()


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])

    def forward(self, x, n: int):
        if x.sum() > 0:
            y = self.a(x)
        else:
            y = self.b(x) * 2
        for layer in self.layers:
            y = torch.relu(layer(y))
        for i in range(n):
            y = y + i
        while y.mean() < 10.0:
            y = y * 1.5 + 1
        return y


class Options(nn.Module):
    def forward(self, x, mask: "Optional[torch.Tensor]" = None):
        if mask is not None:
            x = x * mask
        out = []
        for i in range(x.size(1)):
            out.append(x[:, i] * i)
        return torch.stack(out, 1)


class Running(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("h", torch.zeros(3, 8))

    def forward(self, x):
        self.h = self.h * 0.5 + x
        return self.h * 2


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        def block(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(True))
        self.d1, self.d2, self.mid = block(3, 8), block(8, 16), block(16, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.u1 = block(24, 8)
        self.last = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = F.interpolate(self.mid(F.max_pool2d(b, 2)), scale_factor=2.0, mode="bilinear", align_corners=False)
        u = self.u1(torch.cat([self.up(b), F.interpolate(m, size=a.shape[2:])], 1)) if False else \
            self.u1(torch.cat([self.up(m), self.up(b).repeat(1, 2, 1, 1)[:, :16]], 1)) if False else \
            self.up(m)
        return self.last(torch.cat([u, a], 1))


class Tagger(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.e = nn.Embedding(20, 8)
        self.r = getattr(nn, kind)(8, 8, 2, batch_first=True, bidirectional=True)
        self.f = nn.Linear(16, 5)

    def forward(self, x):
        y, _ = self.r(self.e(x))
        return F.log_softmax(self.f(y), -1)


def programs():
    n = torch.tensor(3)
    m = Branches().eval()
    with torch.no_grad():
        for k, x in enumerate((x2.abs(), -x2.abs())):
            s = torch.jit.script(m)
            write(f"branches{k}-s", s, (x, n), m(x, 3))
        m = Options()
        m.__class__.forward.__annotations__["mask"] = torch.Tensor if False else __import__("typing").Optional[torch.Tensor]
        write("options-s", torch.jit.script(m), (x2,), m(x2))
        m = Running().eval()
        s = torch.jit.script(m)
        write("running-s", s, (x2,), m(x2))
    case("unet", UNet(), r(1, 3, 16, 24))
    case("tagger-lstm", Tagger("LSTM"), torch.randint(0, 20, (2, 7)))
    case("tagger-gru", Tagger("GRU"), torch.randint(0, 20, (2, 7)))


def nets():
    import torchvision.models as tv
    img = r(1, 3, 64, 64)
    for n in ("resnet18 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large efficientnet_b0 squeezenet1_1 "
              "shufflenet_v2_x0_5 densenet121 mnasnet0_5 regnet_y_400mf convnext_tiny googlenet").split():
        kw = {"aux_logits": False, "init_weights": False} if n == "googlenet" else {}
        case(n, getattr(tv, n)(weights=None, **kw), img)
    case("vit", tv.vision_transformer.VisionTransformer(32, 8, 2, 2, 32, 64), r(1, 3, 32, 32))
    case("swin", tv.swin_transformer.SwinTransformer([4, 4], 16, [1, 1], [2, 2], [4, 4]), img)
    case("deeplab", tv.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None), img)
    case("lraspp", tv.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None), img)
    case("r3d", tv.video.r3d_18(weights=None), r(1, 3, 4, 32, 32))
    import timm
    for n in ("resnet10t", "mobilenetv4_conv_small", "ghostnet_050", "mixer_s32_224", "convmixer_768_32", "edgenext_xx_small",
              "mobilevit_xxs", "fastvit_t8", "repvgg_a0", "tinynet_e", "lcnet_050", "levit_128s", "poolformer_s12",
              "efficientformer_l1", "hardcorenas_a", "dla46_c", "vit_tiny_patch16_224", "xcit_nano_12_p16_224", "nest_tiny"):
        if n in ("convmixer_768_32", "nest_tiny"):
            continue
        try:
            m = timm.create_model(n, pretrained=False)
            size = m.default_cfg["input_size"][1:]
            case("timm-" + n, m, r(1, 3, *(size if m.default_cfg.get("fixed_input_size") else (96, 96))), script=False)
        except Exception as e:
            print("timm", n, str(e)[:100])
    import transformers as tf
    def hf(name, cls, cfg, *inputs):
        try:
            m = cls(cfg)
            m.config.return_dict = False
            case("hf-" + name, m.eval(), *inputs, script=False)
        except Exception as e:
            print("hf", name, str(e)[:150])
    tok = torch.randint(0, 99, (2, 7))
    s = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, vocab_size=100)
    for attn in ("eager", "sdpa"):
        k = dict(attn_implementation=attn, return_dict=False)
        hf("bert-" + attn, tf.BertModel, tf.BertConfig(**s, **k), tok)
        hf("roberta-" + attn, tf.RobertaModel, tf.RobertaConfig(**s, **k), tok)
        hf("distilbert-" + attn, tf.DistilBertModel, tf.DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=100, **k), tok)
        hf("gpt2-" + attn, tf.GPT2LMHeadModel, tf.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=100, use_cache=False, **k), tok)
        hf("llama-" + attn, tf.LlamaForCausalLM, tf.LlamaConfig(**s, num_key_value_heads=1, use_cache=False, **k), tok)
        hf("vit-" + attn, tf.ViTModel, tf.ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8, **k), r(1, 3, 32, 32))
    hf("albert", tf.AlbertModel, tf.AlbertConfig(embedding_size=8, return_dict=False, **s), tok)
    hf("electra", tf.ElectraModel, tf.ElectraConfig(embedding_size=8, return_dict=False, **s), tok)
    hf("t5enc", tf.T5EncoderModel, tf.T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, vocab_size=100, return_dict=False), tok)
    hf("segformer", tf.SegformerModel, tf.SegformerConfig(hidden_sizes=[8, 16], depths=[1, 1], num_attention_heads=[1, 2], num_encoder_blocks=2, sr_ratios=[2, 1], patch_sizes=[7, 3], strides=[4, 2], mlp_ratios=[2, 2], return_dict=False), r(1, 3, 32, 32))
    hf("wav2vec2", tf.Wav2Vec2Model, tf.Wav2Vec2Config(**{**s, "vocab_size": 32}, conv_dim=(8, 8), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, return_dict=False), r(1, 400))


SMALL = ("conv2d", "lstm-bi", "gru", "encoderlayer", "up-bilinear", "aavg2d-3", "embedding", "inplace")

import warnings
warnings.filterwarnings("ignore")
if what == "nets":
    nets()
else:
    for c in layers():
        if what == "wide" or c[0] in SMALL:
            case(*c)
    for c in functions():
        if what == "wide" or c[0] in ("setitem", "inplace-view", "index-sep", "sort"):
            case("fn-" + c[0], *c[1:])
    programs()
