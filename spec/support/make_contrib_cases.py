"""Writes spec/data/contrib_cases.lua: operators of com.microsoft on random inputs with what
onnxruntime's CPU kernels give, or, where it has none, the formula of the operator's documentation.
usage: make_contrib_cases.py, with the packages onnx, onnxruntime and numpy."""
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

rng = np.random.default_rng(3)
cases = []
f32, f16, i64, i32, u8, i8 = np.float32, np.float16, np.int64, np.int32, np.uint8, np.int8
kinds = {"float32": "f32", "float64": "f64", "float16": "f16", "int64": "i64", "int32": "i32", "uint8": "u8",
         "int8": "i8", "bool": "bool", "uint32": "u32", "uint16": "u16", "int16": "i16", "uint64": "u64"}


def x(*shape, dtype=f32, low=-1.0, high=1.0):
    if np.issubdtype(dtype, np.integer):
        return rng.integers(int(low), int(high), shape).astype(dtype)
    return (rng.integers(-64, 65, shape) / 64 * (high - low) / 2 + (high + low) / 2).astype(dtype)


def run(op, inputs, n, attrs, domain):
    ins, feeds, names = [], {}, []
    for i, v in enumerate(inputs):
        names.append("" if v is None else f"i{i}")
        if v is None:
            continue
        kind = onnx.TensorProto.STRING if v.dtype == object else helper.np_dtype_to_tensor_dtype(v.dtype)
        ins.append(helper.make_tensor_value_info(f"i{i}", kind, v.shape))
        feeds[f"i{i}"] = v
    outs = [f"o{i}" for i in range(n)]
    node = helper.make_node(op, names, outs, domain=domain, **attrs)
    graph = helper.make_graph([node], "g", ins, [helper.make_empty_tensor_value_info(o) for o in outs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
                              ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)


def case(op, name, inputs, n=1, want=None, rtol=None, atol=None, domain="com.microsoft", needs_rank=False, **attrs):
    if want is None:
        try:
            want = run(op, inputs, n, attrs, domain)
        except Exception as e:
            print("FAILED", op, name, str(e)[:300])
            return
    elif not isinstance(want, (list, tuple)):
        want = [want]
    cases.append((op, name, inputs, list(want), attrs, rtol, atol, needs_rank))


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def erf(v):
    import math
    return np.vectorize(math.erf)(v)


def gelu(v):
    return 0.5 * v * (1 + erf(v / np.sqrt(2)))


# ---- the standard ones under other names
case("Pad", "pads", [x(2, 3), np.array([0, 1, 2, 0], i64), np.array([0.5], f32)], mode="constant")
case("Pad", "reflects", [x(2, 3), np.array([1, 2, 0, 0], i64)], mode="reflect")
case("Range", "counts", [np.array(1, f32), np.array(7, f32), np.array(2, f32)])
case("Range", "counts by one", [np.array(1, i64), np.array(5, i64)])
case("Trilu", "upper", [x(3, 4), np.array(1, i64)])
case("Trilu", "lower", [x(3, 4)], upper=0)
case("ExpandDims", "in the middle", [x(2, 3), np.array(1, i32)])
case("ExpandDims", "at the end", [x(2, 3), np.array(-1, i32)])
case("GatherND", "rows", [x(2, 3), np.array([[1], [0]], i32)])
case("Unique", "in order", [np.array([2, 1, 1, 3, 4, 3], f32)], n=3)
case("GridSample", "bilinear", [x(1, 2, 3, 4), x(1, 2, 3, 2)])
case("GridSample", "bicubic", [x(1, 2, 5, 4), x(1, 2, 3, 2)], mode="bicubic", padding_mode="border", align_corners=1)
case("TransposeMatMul", "both", [x(3, 2), x(4, 3)], transA=1, transB=1, alpha=0.5)
case("FusedMatMul", "both", [x(2, 3, 2), x(2, 4, 3)], transA=1, transB=1, alpha=0.5)
case("FusedMatMul", "batches of rows", [x(3, 2, 4), x(2, 4, 5)], transBatchA=1, needs_rank=True)
a, b = x(3, 4), x(4, 2)
case("GemmFastGelu", "with bias", [a, b, np.array([0.5, -0.25], f32)],
     want=(lambda v: (0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v ** 3)))).astype(f32))(
         a @ b + np.array([0.5, -0.25], f32)))
a, b, c = x(2, 3, 4), x(4), x(2, 3, 4)
case("BiasAdd", "adds", [a, b, c], want=a + b + c)
a, b = x(2, 3, 8), x(8)
case("BiasSplitGelu", "splits", [a, b], want=((a + b)[..., :4] * gelu((a + b)[..., 4:])).astype(f32))
a, b = x(2, 3, 4), x(2, 1, 4)
e = np.exp(a + b)
case("BiasSoftmax", "over the last", [a, b], want=(e / e.sum(-1, keepdims=True)).astype(f32), axis=2, is_inner_broadcast=1)
a, b = x(4, 3), np.array([[1, 3], [0, 0]], i64)
case("TorchEmbedding", "takes rows", [a, b], want=a[b])
case("GatedAdd", "adds", [x(2, 3, 4), x(2, 3, 4), x(2, 3, 1)])
a, b = x(2, 3, 2), x(2, 3, 2)
ca, cb = a[..., 0] + 1j * a[..., 1], b[..., 0] + 1j * b[..., 1]
case("ComplexMul", "multiplies", [a, b], want=np.stack([(ca * cb).real, (ca * cb).imag], -1).astype(f32))
case("ComplexMulConj", "multiplies", [a, b], want=np.stack([(ca * cb.conj()).real, (ca * cb.conj()).imag], -1).astype(f32))
case("CDist", "squares", [x(3, 4), x(5, 4)], rtol=1e-4, atol=1e-5)
case("CDist", "euclidean", [x(3, 4), x(5, 4)], metric="euclidean", rtol=1e-4, atol=1e-4)
case("QuantizeLinear", "u8", [x(2, 3), np.array(0.02, f32), np.array(100, u8)])
case("QuantizeLinear", "i16 by column", [x(2, 3), np.array([0.001, 0.002, 0.003], f32), np.array([1, 2, -3], np.int16)], axis=1)
case("DequantizeLinear", "u16", [x(2, 3, dtype=np.uint16, low=0, high=65536), np.array(0.02, f32), np.array(100, np.uint16)])
case("DequantizeLinear", "i8 by row", [x(2, 3, dtype=i8, low=-128, high=128), np.array([0.5, 0.25], f32), np.array([3, -4], i8)], axis=0)
case("MatMulInteger16", "multiplies", [x(2, 3, dtype=np.int16, low=-300, high=300), x(3, 4, dtype=np.int16, low=-300, high=300)])
case("QLinearWhere", "chooses", [np.array([[True, False, True]]), x(2, 3, dtype=u8, low=0, high=255), np.array(0.5, f32), np.array(10, u8),
                                 x(2, 3, dtype=u8, low=0, high=255), np.array(0.25, f32), np.array(7, u8), np.array(0.5, f32), np.array(3, u8)])
a = x(2, 3, dtype=u8, low=0, high=255)
case("QLinearReduceMean", "of rows", [a, np.array(0.5, f32), np.array(10, u8), np.array(0.25, f32), np.array(3, u8)],
     want=np.clip(np.rint(((a.astype(f32) - 10) * 0.5).mean(1, keepdims=True) / 0.25) + 3, 0, 255).astype(u8), axes=[1])
a, b = x(2, 3, dtype=u8, low=0, high=255), x(2, 3, dtype=u8, low=0, high=255)
case("MulInteger", "multiplies", [a, np.array(3, u8), b, np.array(7, u8)], want=(a.astype(i32) - 3) * (b.astype(i32) - 7))
case("ReduceSumInteger", "of columns", [a], want=a.astype(i32).sum(0, keepdims=True, dtype=i32), axes=[0])
case("ScaledSiLU", "gates", [x(2, 6)])
case("ScaledSiLU", "gates with a scale", [x(2, 6), np.array(0.5, f32)], alpha=2.0)

# ---- images
a, w = x(1, 5, 6, 4), x(3, 2, 2, 4)
def nhwc(v): return np.ascontiguousarray(v.transpose(0, 2, 3, 1))
def nchw(v): return np.ascontiguousarray(v.transpose(0, 3, 1, 2))
y = run("Conv", [nchw(a), nchw(w), None], 1, {"strides": [2, 1], "pads": [1, 0, 0, 1]}, "")[0]
case("NhwcConv", "with pads", [a, w], want=nhwc(y), strides=[2, 1], pads=[1, 0, 0, 1])
z = x(*nhwc(y).shape)
case("NhwcFusedConv", "with a sum", [a, w, None, z], want=np.maximum(nhwc(y) + z, 0), strides=[2, 1], pads=[1, 0, 0, 1], activation="Relu")


def group_norm(v, gain, shift, groups, eps, silu):
    n, h, wd, ch = v.shape
    t = v.astype(np.float64).reshape(n, h * wd, groups, ch // groups)
    t = (t - t.mean((1, 3), keepdims=True)) / np.sqrt(t.var((1, 3), keepdims=True) + eps)
    t = t.reshape(v.shape) * gain + shift
    return (t * sigmoid(t) if silu else t).astype(f32)


a, g, s = x(2, 3, 2, 8), x(8), x(8)
case("GroupNorm", "plain", [a, g, s], want=group_norm(a, g, s, 4, 1e-5, False), groups=4, activation=0)
case("GroupNorm", "with SiLU", [a, g, s], want=group_norm(a, g, s, 2, 1e-3, True), groups=2, activation=1, epsilon=1e-3)
b, c = x(2, 3, 2, 8), x(8)
case("SkipGroupNorm", "adds", [a, g, s, b, c], want=[group_norm(a + b + c, g, s, 4, 1e-5, True), a + b + c], groups=4, activation=1)
case("SkipGroupNorm", "adds to all places", [a, g, s, b[:, :1, :1]],
     want=[group_norm(a + b[:, :1, :1], g, s, 4, 1e-5, False), a + b[:, :1, :1]], groups=4, activation=0)
case("ConvTransposeWithDynamicPads", "cuts", [x(1, 2, 4, 4), x(2, 3, 3, 3), np.array([1, 0, 1, 1], i64), x(3)],
     kernel_shape=[3, 3], strides=[2, 2], output_padding=[0, 1])
box = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.2, 0.5, 1.2, 0.1]], f32)
case("CropAndResize", "bilinear", [x(2, 2, 5, 6), box, np.array([0, 1, 1], i32), np.array([3, 4], i32)], extrapolation_value=0.25)
case("CropAndResize", "nearest", [x(2, 2, 5, 6), box, np.array([0, 1, 1], i32), np.array([4, 1], i32)], mode="nearest")

# ---- transformers
ids = np.array([[1, 4, 2], [0, 3, 3]], i32)
case("QEmbedLayerNormalization", "with segments",
     [ids, np.array([[0, 1, 1], [1, 0, 0]], i32), x(5, 8, dtype=u8, low=0, high=255), x(4, 8, dtype=u8, low=0, high=255),
      x(2, 8, dtype=u8, low=0, high=255), x(8, dtype=u8, low=0, high=255), x(8, dtype=u8, low=0, high=255),
      np.array([[1, 1, 0], [1, 1, 1]], i32)] + [np.array(v, f32) for v in (0.02, 0.01, 0.03, 0.015, 0.01)] +
     [np.array(v, u8) for v in (128, 120, 130, 20, 127)], n=2, epsilon=1e-6, rtol=1e-4, atol=1e-5)
case("GatedRMSNorm", "silu", [x(2, 3, 8), x(4), x(2, 3, 8)])
case("GatedRMSNorm", "sigmoid", [x(2, 3, 4), x(4), x(2, 3, 4)], activation="sigmoid", epsilon=0.01)
case("BranchwiseRMSNorm", "scaled", [x(2, 3, 8), x(8)], num_branches=2)
case("DecoderMaskedMultiHeadAttention", "a token", a := [x(2, 1, 8), x(2, 1, 8), x(2, 1, 8), None, None, x(2, 2, 3, 4), x(2, 2, 3, 4)],
     want=run("MultiHeadAttention", a[:3] + [None, None, None] + a[5:], 3, {"num_heads": 2}, "com.microsoft"), num_heads=2, rtol=1e-4, atol=1e-5)
q, qb, pos, w, bb, eco = x(2, 3, 8), x(8), x(1, 2, 3, 3), x(4, 6), x(6), x(1, 2, 1, 1)
t = (q + qb).reshape(2, 3, 2, 4).transpose(0, 2, 1, 3).astype(np.float64)
gu = sigmoid((t @ w + bb).reshape(2, 2, 3, 2, 3).sum(-1))
case("GatedRelativePositionBias", "gates", [q, qb, pos, w, bb, eco],
     want=((gu[..., :1] * (gu[..., 1:] * eco - 1) + 2) * pos).astype(f32), num_heads=2)


def t5_bias(table, rows, columns, both, most):
    out = np.zeros((1, table.shape[1], rows, columns), f32)
    for i in range(rows):
        for j in range(columns):
            n, count, first = i - j, table.shape[0], 0
            if both:
                count //= 2
                first = count if n < 0 else 0
                n = abs(n)
            else:
                n = max(n, 0)
            exact = count // 2
            if n >= exact:
                n = min(exact + int(np.log(n / exact) / np.log(most / exact) * (count - exact)), count - 1)
            out[0, :, i, j] = table[first + n]
    return out


t = x(8, 3)
case("RelativePositionBias", "both ways", [t, np.array([11], i64), np.array([11], i64)], want=t5_bias(t, 11, 11, True, 9), max_distance=9, is_bidirectional=1)
case("RelativePositionBias", "back only", [t, np.array([6], i64), np.array([9], i64)], want=t5_bias(t, 6, 9, False, 20), max_distance=20)

# ---- quantised
for bits in (2, 4, 8):
    per = 8 // bits
    case("GatherBlockQuantized", f"u8 of {bits} bits", [x(5, 32 // per, dtype=u8, low=0, high=256), np.array([[1, -1], [4, 0]], i64), x(5, 2)],
         bits=bits, block_size=16)
    case("GatherBlockQuantized", f"u8 of {bits} bits with zero points",
         [x(5, 64 // per, dtype=u8, low=0, high=256), np.array([3, 0], i32), x(5, 4), x(5, 4 // per, dtype=u8, low=0, high=256)],
         bits=bits, block_size=16)
nf = x(33, dtype=u8, low=0, high=256)
for kind in (0, 1):
    case("MatMulBnb4", f"kind {kind}", [x(2, 3, 16), x(40, dtype=u8, low=0, high=256), x(5, low=0.5, high=1.5)], K=16, N=5, block_size=16, quant_type=kind)
for bits in (2, 4, 8):
    blob = 16 * bits // 8
    w = x(6, 2, blob, dtype=u8, low=0, high=256)
    s = x(6, 2, low=0.1, high=0.5)
    case("MatMulNBits", f"{bits} bits", [x(2, 3, 32), w, s], K=32, N=6, bits=bits, block_size=16, rtol=1e-4, atol=1e-4)
    zp = x(6, (2 * bits + 7) // 8, dtype=u8, low=0, high=256)
    case("MatMulNBits", f"{bits} bits, zero points, bias", [x(3, 32), w, s, zp, None, x(6)], K=32, N=6, bits=bits, block_size=16, rtol=1e-4, atol=1e-4)
    zf = x(6, 2, low=0.5, high=2)
    case("MatMulNBits", f"{bits} bits, zero points as numbers", [x(3, 32), w, s, zf], K=32, N=6, bits=bits, block_size=16, rtol=1e-4, atol=1e-4)
g = rng.permutation(np.repeat([0, 1], 16)).astype(i32)
case("MatMulNBits", "reordered groups", [x(3, 32), x(6, 2, 8, dtype=u8, low=0, high=256), x(6, 2, low=0.1, high=0.5), None, g], K=32, N=6, bits=4, block_size=16, rtol=1e-4, atol=1e-4)

case("Inverse", "of a stack", [x(2, 3, 3) + 3 * np.eye(3, dtype=f32)])
case("Inverse", "with swaps", [np.array([[0, 2], [1, 0]], f32)])
case("MurmurHash3", "numbers", [x(5, dtype=i32, low=-1000, high=1000)])
case("MurmurHash3", "long numbers", [x(5, dtype=i64, low=-1000, high=1000)], positive=0, seed=42)
case("MurmurHash3", "doubles", [x(5, dtype=np.float64)], seed=7)
case("MurmurHash3", "texts", [np.array(["", "a", "ab", "abc", "abcd", "hello, world"], object)])
case("MoE", "silu", [x(4, 8), x(4, 3), x(3, 6, 8), x(3, 6), x(3, 8, 6), x(3, 8)], k=2, activation_type="silu", rtol=1e-4, atol=1e-5)
case("MoE", "gelu, normal", [x(2, 2, 8), x(4, 3), x(3, 8, 8), None, x(3, 8, 8)], k=2, activation_type="gelu", normalize_routing_weights=1, rtol=1e-4, atol=1e-5)
case("MoE", "swiglu", [x(4, 8), x(4, 3), x(3, 12, 8), x(3, 12), x(3, 8, 6), x(3, 8)], k=1, activation_type="swiglu", swiglu_fusion=1, activation_alpha=1.702, activation_beta=1.0, swiglu_limit=0.5, rtol=1e-4, atol=1e-5)
for bits in (4, 8):
    case("QMoE", f"{bits} bits", [x(4, 16), x(4, 3), x(3, 32, 16 * bits // 8, dtype=u8, low=0, high=256), x(3, 32, low=0.01, high=0.05), None,
         x(3, 16, 32 * bits // 8, dtype=u8, low=0, high=256), x(3, 16, low=0.01, high=0.05), None], k=2, activation_type="silu", normalize_routing_weights=1, expert_weight_bits=bits, rtol=5e-2, atol=5e-2)
case("UnfoldTensor", "windows", [x(2, 7)], dim=1, size=3, step=2)

# ---- attention
h = dict(num_heads=2)
case("MultiHeadAttention", "bias and padding", [x(2, 3, 8), x(2, 4, 8), x(2, 4, 8), x(24), np.array([[1, 1, 1, 0], [1, 1, 0, 0]], i32)], **h, rtol=1e-4, atol=1e-5)
case("MultiHeadAttention", "past and addend", [x(1, 2, 8), x(1, 2, 8), x(1, 2, 8), None, None, x(1, 2, 2, 5), x(1, 2, 3, 4), x(1, 2, 3, 4)], n=3, **h, rtol=1e-4, atol=1e-5)
case("Attention", "unidirectional with past", [x(2, 3, 8), x(8, 24), x(24), None, x(2, 2, 2, 4, 4)], n=2, unidirectional=1, **h, rtol=1e-4, atol=1e-5)
case("Attention", "mask of two ranks", [x(2, 3, 8), x(8, 24), x(24), np.array([[1, 1, 0], [1, 1, 1]], i32)], **h, rtol=1e-4, atol=1e-5)
case("Attention", "mask of lengths", [x(2, 3, 8), x(8, 24), x(24), np.array([2, 3], i32)], **h, rtol=1e-4, atol=1e-5)
cos, sin = np.cos(np.arange(16)[:, None] * [1, 0.1]).astype(f32), np.sin(np.arange(16)[:, None] * [1, 0.1]).astype(f32)
gq = dict(num_heads=4, kv_num_heads=2)
cos8, sin8 = (f(np.arange(16)[:, None] * [1, 0.7, 0.5, 0.3, 0.1, 0.05, 0.02, 0.01]).astype(f32) for f in (np.cos, np.sin))
two = [np.array([2], i32), np.array(3, i32), cos8, sin8]
case("GroupQueryAttention", "prompt with rotation", [x(1, 3, 64), x(1, 3, 32), x(1, 3, 32), None, None] + two, n=3, do_rotary=1, **gq, rtol=1e-4, atol=1e-5)
case("GroupQueryAttention", "token, window, softcap", [x(1, 1, 64), x(1, 1, 32), x(1, 1, 32), x(1, 2, 5, 16), x(1, 2, 5, 16), np.array([5], i32), np.array(6, i32), cos8, sin8],
     n=3, do_rotary=1, local_window_size=3, softcap=2.0, **gq, rtol=1e-4, atol=1e-5)
case("GroupQueryAttention", "packed, smooth", [x(1, 3, 128), None, None, None, None] + two, n=3, smooth_softmax=1, do_rotary=1, rotary_interleaved=1, **gq, rtol=1e-4, atol=1e-5)
qkv, wq, wk = [x(1, 3, 64), x(1, 3, 32), x(1, 3, 32)], x(16, low=0.5, high=1.5), x(16, low=0.5, high=1.5)


def head_norm(v, w):
    t = v.reshape(1, 3, -1, 16)
    return (t / np.sqrt((t.astype(np.float64) ** 2).mean(-1, keepdims=True) + 1e-6) * w).astype(f32).reshape(v.shape)


case("GroupQueryAttention", "norms of heads", qkv + [None, None] + two + [None] * 5 + [wq, wk],
     want=run("GroupQueryAttention", [head_norm(qkv[0], wq), head_norm(qkv[1], wk), qkv[2], None, None] + two, 3, dict(gq, do_rotary=1), "com.microsoft"),
     do_rotary=1, **gq, rtol=1e-4, atol=1e-5)
case("RotaryEmbedding", "interleaved", [x(2, 3, 8), np.array([[0, 1, 2], [3, 4, 5]], i64), cos, sin], interleaved=1)
case("RotaryEmbedding", "partial", [x(2, 3, 16), np.array([1], i64), cos, sin], num_heads=2, rotary_embedding_dim=4)
case("QAttention", "with zero points", [x(2, 3, 8, dtype=u8, low=0, high=255), x(8, 24, dtype=u8, low=0, high=255), x(24), np.array(0.02, f32), np.array(0.01, f32),
     np.array([2, 3], i32), np.array(120, u8), np.array(130, u8)], **h, rtol=1e-4, atol=1e-5)
case("SkipSimplifiedLayerNormalization", "with a sum", [x(2, 3, 8), x(2, 3, 8), x(8)], n=1, epsilon=1e-5)
case("SkipLayerNormalization", "with a bias", [x(2, 3, 8), x(2, 3, 8), x(8), x(8), x(8)], n=1)
case("DynamicQuantizeLSTM", "forward", [x(3, 2, 4), x(1, 4, 12, dtype=u8, low=0, high=255), x(1, 3, 12, dtype=u8, low=0, high=255), x(1, 24), None, None, None, None,
     np.array([0.01], f32), np.array([128], u8), np.array([0.01], f32), np.array([128], u8)], n=3, hidden_size=3, rtol=0.05, atol=0.02)


def text(v):
    if v is None:
        return "false"
    def one(e):
        if v.dtype == object:
            return '"%s"' % e
        if v.dtype == bool:
            return "true" if e else "false"
        if np.issubdtype(v.dtype, np.integer):
            return str(int(e))
        return "%.9g" % float(e)
    kind = "string" if v.dtype == object else kinds[str(v.dtype)]
    return "t.%s { shape = { %s }, %s }" % (kind, ", ".join(map(str, v.shape)), ", ".join(one(e) for e in v.ravel()))


def attr(v):
    if isinstance(v, (list, tuple)):
        return "{ %s }" % ", ".join(map(attr, v))
    if isinstance(v, str):
        return '"%s"' % v
    if isinstance(v, float):
        return repr(v)
    return str(v)


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "..", "data", "contrib_cases.lua"), "w") as f:
    f.write("-- Made by spec/support/make_contrib_cases.py.\nlocal t = ...\nreturn {\n")
    for op, name, inputs, want, attrs, rtol, atol, needs_rank in cases:
        f.write('  {\n    op = "%s", "%s",\n' % (op, name))
        if attrs:
            f.write("    attrs = { %s },\n" % ", ".join("%s = %s" % (k, attr(v)) for k, v in attrs.items()))
        if needs_rank:
            f.write("    needs_rank = true,\n")
        if rtol:
            f.write("    rtol = %g, atol = %g,\n" % (rtol, atol))
        f.write("    inputs = {\n%s    },\n" % "".join("      %s,\n" % text(v) for v in inputs))
        f.write("    outputs = {\n%s    },\n  },\n" % "".join("      %s,\n" % text(v) for v in want))
    f.write("}\n")
print(len(cases), "cases")
