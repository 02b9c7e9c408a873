#!/usr/bin/env python3
"""Writes small .tflite models with inputs and the outputs of the reference kernels.

make_tflite.py FOLDER [NAME...]: for every case and quantisation one folder with model.tflite,
in_<i>.npy and out_<i>.npy.  Needs tensorflow 2.21 and ai-edge-litert.
"""
import os
import sys
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "0")
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

F = tf.float32
ALL = ("float", "f16", "dyn", "int8", "int8fio", "u8io", "i16")
QUANT = ("float", "int8", "i16")
FLOAT = ("float",)
CASES = []


def case(name, f, *specs, modes=FLOAT, low=-1.0, high=1.0, inputs=None, keras=False):
    CASES.append((name, f, specs, modes, low, high, inputs, keras))


def S(*shape, dtype=F):
    return tf.TensorSpec(shape, dtype)


rng = np.random.RandomState(0)


def W(*shape, scale=0.5):
    return tf.constant(rng.uniform(-scale, scale, shape).astype(np.float32))


nn, m = tf.nn, tf.math

# ---- the cases: name, function, inputs, in which quantisations ----
U = dict(modes=QUANT)
case("exp", m.exp, S(2, 5), **U)
case("logistic", nn.sigmoid, S(1, 4, 4, 3), modes=ALL, low=-6, high=6)
case("tanh", nn.tanh, S(1, 4, 4, 3), modes=QUANT, low=-4, high=4)
for n in ("floor ceil round sin cos sqrt rsqrt log abs neg square sign").split():
    fn = getattr(tf, n, None) if n in ("floor", "round", "sin", "cos", "sqrt", "abs", "square", "sign") else None
    fn = fn or {"ceil": m.ceil, "rsqrt": m.rsqrt, "log": m.log, "neg": m.negative}[n]
    case(n, fn, S(2, 7), modes=QUANT, low=0.1 if n in ("sqrt", "rsqrt", "log") else -3, high=3)
case("elu", nn.elu, S(3, 5), low=-3, high=3, **U)
case("gelu", lambda x: nn.gelu(x, False), S(3, 5), low=-3, high=3, **U)
case("gelu_tanh", lambda x: nn.gelu(x, True), S(3, 5), low=-3, high=3, **U)
case("relu", nn.relu, S(1, 3, 3, 4), **U)
case("relu6", nn.relu6, S(1, 3, 3, 4), low=-3, high=9, **U)
case("relu1", lambda x: tf.clip_by_value(x, -1.0, 1.0), S(1, 3, 3, 4), low=-3, high=3, **U)
case("relu01", lambda x: tf.clip_by_value(x, 0.0, 1.0), S(1, 3, 3, 4), low=-3, high=3, **U)
case("leaky", lambda x: nn.leaky_relu(x, 0.1), S(1, 3, 3, 4), **U)
case("hardswish", lambda x: x * nn.relu6(x + 3.0) * (1 / 6.0), S(1, 3, 3, 4), low=-5, high=5, **U)
case("softmax", nn.softmax, S(3, 10), modes=ALL, low=-4, high=4)
case("softmax4", nn.softmax, S(1, 2, 3, 8), low=-4, high=4, **U)
case("log_softmax", nn.log_softmax, S(3, 10), low=-4, high=4, **U)
case("prelu", lambda x: tf.nn.relu(x) + W(4) * -nn.relu(-x), S(1, 3, 3, 4), **U)
def kprelu():
    k = tf.keras
    i = k.Input((4, 4, 3)); x = k.layers.PReLU(shared_axes=[1, 2], alpha_initializer="random_normal")(k.layers.Conv2D(3, 3)(i))
    return k.Model(i, x)
case("kprelu", kprelu, modes=QUANT, keras=True)
for n, fn in (("add", tf.add), ("sub", tf.subtract), ("mul", tf.multiply), ("div", tf.divide), ("max", tf.maximum), ("min", tf.minimum), ("sqdiff", m.squared_difference)):
    kw = dict(low=0.5, high=2) if n == "div" else {}
    case(n, fn, S(1, 3, 3, 4), S(1, 3, 3, 4), **U, **kw)
    case(n + "_b", fn, S(1, 3, 3, 4), S(4), **U, **kw)
    case(n + "_s", lambda x, fn=fn: fn(x, 0.7), S(1, 3, 3, 4), **U, **kw)
    if n != "div": case(n + "_i32", fn, S(2, 3, dtype=tf.int32), S(2, 3, dtype=tf.int32))
    case(n + "_i64", fn, S(2, 3, dtype=tf.int64), S(2, 3, dtype=tf.int64)) if n in ("add", "sub", "mul", "max", "min") else None
case("add_relu", lambda x, y: nn.relu(x + y), S(1, 3, 3, 4), S(1, 3, 3, 4), **U)
case("add_relu6", lambda x, y: nn.relu6(x + y), S(1, 3, 3, 4), S(1, 3, 3, 4), **U)
case("mul_relu6", lambda x, y: nn.relu6(x * y), S(1, 3, 3, 4), S(1, 3, 3, 4), **U)
case("div_i32", lambda x, y: tf.cast(tf.truncatediv(x, y), tf.int32), S(6, dtype=tf.int32), S(6, dtype=tf.int32), low=1, high=20)
case("floordiv", m.floordiv, S(6, dtype=tf.int32), S(6, dtype=tf.int32), inputs=[[7, -7, 7, -7, 6, 0], [2, 2, -2, -2, 3, 5]])
case("floordiv_f", m.floordiv, S(6), S(6), inputs=[[7, -7, 7, -7, 6, 0.5], [2, 2, -2, -2, 3, 5]])
case("floormod", m.floormod, S(6, dtype=tf.int32), S(6, dtype=tf.int32), inputs=[[7, -7, 7, -7, 6, 0], [2, 2, -2, -2, 3, 5]])
case("floormod_f", m.floormod, S(6), S(6), inputs=[[7, -7, 7, -7, 6, 0.5], [2, 2, -2, -2, 3, 5]])
case("floormod_i64", m.floormod, S(6, dtype=tf.int64), S(6, dtype=tf.int64), inputs=[[7, -7, 7, -7, 6, 0], [2, 2, -2, -2, 3, 5]])
case("pow", tf.pow, S(2, 3), S(2, 3), low=0.5, high=2)
case("pow_i32", tf.pow, S(4, dtype=tf.int32), S(4, dtype=tf.int32), inputs=[[2, 3, -2, 5], [3, 2, 3, 0]])
case("atan2", m.atan2, S(8), S(8), inputs=[[1, 1, -1, -1, 0, 0, 1, -1], [1, -1, 1, -1, 1, -1, 0, 0]])
for n in ("less greater less_equal greater_equal equal not_equal").split():
    case(n, getattr(m, n), S(3, 4), S(3, 4), **U)
    case(n + "_b", getattr(m, n), S(3, 4), S(4), **U)
    case(n + "_i32", getattr(m, n), S(8, dtype=tf.int32), S(8, dtype=tf.int32), low=0, high=3)
B = tf.bool
case("and", tf.logical_and, S(6, dtype=B), S(6, dtype=B)); case("or", tf.logical_or, S(6, dtype=B), S(6, dtype=B)); case("not", tf.logical_not, S(6, dtype=B))
for d in (tf.int8, tf.int16, tf.int32, tf.uint8, tf.uint32):
    case("xor_" + d.name, tf.bitwise.bitwise_xor, S(6, dtype=d), S(6, dtype=d), low=0, high=100)
    case("shr_" + d.name, tf.bitwise.right_shift, S(6, dtype=d), S(6, dtype=d), low=0, high=5)
case("addn", lambda x, y, z: tf.add_n([x, y, z]), S(2, 3), S(2, 3), S(2, 3))
# ---- convolutions
for pad in ("SAME", "VALID"):
    for st in (1, 2):
        case(f"conv_{pad}_{st}", lambda x, w=W(3, 3, 4, 8), b=W(8), pad=pad, st=st: nn.bias_add(nn.conv2d(x, w, st, pad), b), S(1, 7, 6, 4), modes=ALL)
        case(f"dw_{pad}_{st}", lambda x, w=W(3, 3, 4, 1), b=W(4), pad=pad, st=st: nn.bias_add(nn.depthwise_conv2d(x, w, (1, st, st, 1), pad), b), S(1, 7, 6, 4), modes=ALL)
        case(f"tconv_{pad}_{st}", lambda x, w=W(3, 3, 5, 4), pad=pad, st=st: nn.conv2d_transpose(x, w, (1, (4 * st if pad == "SAME" else (4 - 1) * st + 3), (5 * st if pad == "SAME" else (5 - 1) * st + 3), 5), st, pad), S(1, 4, 5, 4), modes=ALL)
case("tconv_bias", lambda x, w=W(3, 3, 5, 4), b=W(5): nn.bias_add(nn.conv2d_transpose(x, w, (1, 8, 10, 5), 2, "SAME"), b), S(1, 4, 5, 4), modes=ALL)
case("tconv_k2", lambda x, w=W(2, 2, 5, 4): nn.conv2d_transpose(x, w, (1, 8, 10, 5), 2, "SAME"), S(1, 4, 5, 4), modes=ALL)
case("tconv_k1s2", lambda x, w=W(1, 1, 5, 4): nn.conv2d_transpose(x, w, (1, 8, 10, 5), 2, "SAME"), S(1, 4, 5, 4), modes=QUANT)
case("conv_1x1", lambda x, w=W(1, 1, 4, 8): nn.conv2d(x, w, 1, "SAME"), S(2, 7, 6, 4), modes=ALL)
case("conv_relu6", lambda x, w=W(3, 3, 4, 8), b=W(8): nn.relu6(nn.bias_add(nn.conv2d(x, w, 1, "SAME"), b)), S(2, 7, 6, 4), modes=ALL)
case("conv_relu", lambda x, w=W(3, 3, 4, 8), b=W(8): nn.relu(nn.bias_add(nn.conv2d(x, w, 1, "SAME"), b)), S(1, 7, 6, 4), modes=QUANT)
case("conv_tanh", lambda x, w=W(3, 3, 4, 8), b=W(8): nn.tanh(nn.bias_add(nn.conv2d(x, w, 1, "SAME"), b)), S(1, 7, 6, 4), modes=QUANT)
case("conv_dil", lambda x, w=W(3, 3, 4, 8): nn.conv2d(x, w, 1, "SAME", dilations=2), S(1, 9, 9, 4), modes=ALL)
case("conv_group", lambda x, w=W(3, 3, 2, 8): nn.conv2d(x, w, 1, "SAME"), S(1, 9, 9, 4), modes=QUANT)
case("conv_dyn", lambda x, w=W(3, 3, 4, 8): nn.conv2d(x, w, 2, "SAME"), tf.TensorSpec([None, 9, 9, 4], F), modes=QUANT)
case("dw_mult", lambda x, w=W(3, 3, 4, 3): nn.depthwise_conv2d(x, w, (1, 1, 1, 1), "SAME"), S(1, 7, 6, 4), modes=ALL)
case("dw_dil", lambda x, w=W(3, 3, 4, 1): nn.depthwise_conv2d(x, w, (1, 1, 1, 1), "SAME", dilations=(2, 2)), S(1, 9, 9, 4), modes=QUANT)
case("dw_relu6", lambda x, w=W(3, 3, 4, 1): nn.relu6(nn.depthwise_conv2d(x, w, (1, 1, 1, 1), "SAME")), S(2, 9, 9, 4), modes=ALL)
case("conv3d", lambda x, w=W(2, 3, 3, 2, 4): nn.conv3d(x, w, (1, 1, 1, 1, 1), "SAME"), S(1, 4, 5, 6, 2), modes=("float", "f16", "dyn"))
case("conv3d_s", lambda x, w=W(2, 3, 3, 2, 4): nn.conv3d(x, w, (1, 2, 2, 2, 1), "VALID"), S(1, 4, 5, 6, 2))
case("tconv3d", lambda x, w=W(2, 3, 3, 4, 2): nn.conv3d_transpose(x, w, (1, 8, 10, 12, 4), (1, 2, 2, 2, 1), "SAME"), S(1, 4, 5, 6, 2))
case("conv1d", lambda x, w=W(3, 4, 8): nn.conv1d(x, w, 1, "SAME"), S(1, 9, 4), modes=ALL)
case("fc", lambda x, w=W(6, 8), b=W(8): nn.bias_add(x @ w, b), S(3, 6), modes=ALL)
case("fc_nb", lambda x, w=W(6, 8): x @ w, S(3, 6), modes=ALL)
case("fc_relu", lambda x, w=W(6, 8), b=W(8): nn.relu(nn.bias_add(x @ w, b)), S(1, 6), modes=ALL)
case("fc_relu6", lambda x, w=W(6, 8), b=W(8): nn.relu6(nn.bias_add(x @ w, b)), S(1, 6), modes=ALL)
case("fc_3d", lambda x, w=W(6, 8): tf.tensordot(x, w, 1), S(2, 3, 6), modes=ALL)
case("fc_big", lambda x, w=W(300, 40), b=W(40): nn.relu(nn.bias_add(x @ w, b)), S(2, 300), modes=ALL)
case("conv_big", lambda x, w=W(3, 3, 40, 32), b=W(32): nn.relu(nn.bias_add(nn.conv2d(x, w, 1, "SAME"), b)), S(1, 8, 8, 40), modes=ALL)
case("fc_dynw", lambda x, y: tf.matmul(x, y, transpose_b=True), S(3, 6), S(4, 6), **U)
for ax, ay in ((0, 0), (0, 1), (1, 0), (1, 1)):
    case(f"bmm_{ax}{ay}", lambda x, y, ax=ax, ay=ay: tf.matmul(x, y, transpose_a=bool(ax), transpose_b=bool(ay)), S(2, 5, 3) if ax else S(2, 3, 5), S(2, 4, 5) if ay else S(2, 5, 4), **U)
case("bmm_b", lambda x, y: tf.matmul(x, y), S(2, 3, 5), S(5, 4), **U)
case("bmm_c", lambda x, w=W(2, 5, 4): tf.matmul(x, w), S(2, 3, 5), modes=ALL)
case("bmm_4", lambda x, y: tf.matmul(x, y), S(1, 2, 3, 5), S(1, 2, 5, 4), **U)
case("einsum", lambda x, y: tf.einsum("bij,bjk->bik", x, y), S(2, 3, 5), S(2, 5, 4), **U)
# ---- pools
for pad in ("SAME", "VALID"):
    case(f"avg_{pad}", lambda x, pad=pad: nn.avg_pool2d(x, 3, 2, pad), S(1, 8, 7, 4), modes=ALL)
    case(f"maxp_{pad}", lambda x, pad=pad: nn.max_pool2d(x, 3, 2, pad), S(1, 8, 7, 4), modes=ALL)
case("avg_global", lambda x: nn.avg_pool2d(x, (8, 7), 1, "VALID"), S(1, 8, 7, 4), modes=QUANT)
case("avg_relu", lambda x: nn.relu6(nn.avg_pool2d(x, 2, 2, "VALID")), S(1, 8, 8, 4), modes=QUANT)
case("max_relu", lambda x: nn.relu6(nn.max_pool2d(x, 2, 2, "VALID")), S(1, 8, 8, 4), modes=QUANT)
# ---- shapes
case("reshape", lambda x: tf.reshape(x, (4, -1)), S(2, 6, 2), **U)
case("reshape_dyn", lambda x: tf.reshape(x, (tf.shape(x)[0], -1)), tf.TensorSpec([None, 6, 2], F))
case("squeeze", lambda x: tf.squeeze(x, (1,)), S(2, 1, 6, 1), **U)
case("expand", lambda x: tf.expand_dims(x, 1), S(2, 6), **U)
case("transpose", lambda x: tf.transpose(x, (0, 3, 1, 2)), S(1, 3, 4, 5), **U)
case("transpose6", lambda x: tf.transpose(x, (5, 0, 3, 1, 4, 2)), S(1, 3, 2, 5, 2, 2))
case("pack", lambda x, y: tf.stack((x, y), 1), S(2, 3), S(2, 3), **U)
case("unpack", lambda x: tf.unstack(x, axis=1), S(2, 3, 2), **U)
case("concat", lambda x, y: tf.concat((x, y), -1), S(1, 3, 3, 2), S(1, 3, 3, 4), **U)
case("concat0", lambda x, y: tf.concat((x, y * 3), 0), S(2, 3), S(1, 3), **U)
case("split", lambda x: tf.split(x, 3, 1), S(2, 6), **U)
case("splitv", lambda x: tf.split(x, (1, 2, 3), 1), S(2, 6), **U)
case("tile", lambda x: tf.tile(x, (2, 3)), S(2, 3), **U)
case("tile_i64", lambda x: tf.tile(x, tf.constant([2, 3], tf.int64)), S(2, 3))
case("pad", lambda x: tf.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0))), S(1, 3, 4, 2), **U)
case("padv2", lambda x: tf.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0)), constant_values=0.5), S(1, 3, 4, 2), **U)
case("pad_reflect", lambda x: tf.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0)), "REFLECT"), S(1, 3, 4, 2), **U)
case("pad_sym", lambda x: tf.pad(x, ((1, 0), (1, 2)), "SYMMETRIC"), S(3, 4), **U)
case("s2d", lambda x: nn.space_to_depth(x, 2), S(1, 4, 6, 3), **U)
case("d2s", lambda x: nn.depth_to_space(x, 2), S(1, 2, 3, 12), **U)
case("s2b", lambda x: tf.space_to_batch_nd(x, (2, 2), ((0, 0), (1, 1))), S(1, 4, 6, 3), **U)
case("b2s", lambda x: tf.batch_to_space(x, (2, 2), ((0, 0), (1, 1))), S(4, 3, 4, 3), **U)
case("s2b3", lambda x: tf.space_to_batch_nd(x, (2,), ((0, 0),)), S(1, 4, 6), **U)
case("b2s3", lambda x: tf.batch_to_space(x, (2,), ((0, 1),)), S(4, 3, 4), **U)
case("shape", lambda x: tf.shape(x), tf.TensorSpec([None, 3], F))
case("shape64", lambda x: tf.shape(x, tf.int64), tf.TensorSpec([None, 3], F))
case("rank", lambda x: tf.rank(x) + tf.cast(tf.reduce_sum(x), tf.int32), tf.TensorSpec(None and [None], F) if False else S(2, 3))
case("fill", lambda x: tf.fill(x, 3.5), S(2, dtype=tf.int32), inputs=[[2, 3]])
case("fill_v", lambda x, v: tf.fill(x, v), S(2, dtype=tf.int32), S(dtype=tf.int32), inputs=[[2, 3], 7])
case("range", lambda n: tf.range(0, n, 2), S(dtype=tf.int32), inputs=[9])
case("range_f", lambda n: tf.range(0.0, n, 0.5), S(), inputs=[3.0])
case("bcast_to", lambda x: tf.broadcast_to(x, (2, 3, 4)), S(3, 1), **U)
case("bcast_args", lambda x, y: tf.broadcast_dynamic_shape(x, y), S(3, dtype=tf.int32), S(2, dtype=tf.int32), inputs=[[1, 3, 4], [3, 1]])
case("reverse", lambda x: tf.reverse(x, (1,)), S(2, 3, 4), **U)
case("reverse_seq", lambda x, n: tf.reverse_sequence(x, n, 1, 0), S(3, 4, 2), S(3, dtype=tf.int32), inputs=[rng.rand(3, 4, 2), [2, 4, 1]])
case("diag", tf.linalg.diag, S(2, 3)); case("set_diag", tf.linalg.set_diag, S(2, 3, 3), S(2, 3)); case("zeros_like", lambda x: tf.zeros_like(x) + tf.reduce_sum(x), S(2, 3))
case("cast", lambda x: tf.cast(x, tf.int32), S(5), low=-5, high=5); case("cast_b", lambda x: tf.cast(x, tf.bool), S(5, dtype=tf.int32), low=0, high=3)
case("cast_i64", lambda x: tf.cast(x, tf.int64), S(5, dtype=tf.int32)); case("cast_f", lambda x: tf.cast(x, F), S(5, dtype=tf.int32)); case("cast_u8", lambda x: tf.cast(x, tf.uint8), S(5), low=0, high=200)
case("cast_fb", lambda x: tf.cast(x, F), S(5, dtype=B)); case("cast_i16", lambda x: tf.cast(x, tf.int16), S(5), low=-50, high=200); case("cast_f64", lambda x: tf.cast(x, tf.float64), S(5)); case("cast_f16", lambda x: tf.cast(tf.cast(x, tf.float16), F), S(5)); case("cast_i8", lambda x: tf.cast(x, tf.int8), S(5, dtype=tf.int32))
case("bitcast", lambda x: tf.bitcast(x, tf.int32), S(5)); case("bitcast_16", lambda x: tf.bitcast(x, tf.int16), S(5, dtype=tf.int32)); case("bitcast_up", lambda x: tf.bitcast(x, tf.int32), S(5, 2, dtype=tf.int16))
# ---- slices
case("slice", lambda x: tf.slice(x, (0, 1, 2), (2, -1, 2)), S(2, 3, 5), **U)
case("slice_dyn", lambda x, b: tf.slice(x, b, (1, 2)), S(3, 5), S(2, dtype=tf.int32), inputs=[rng.rand(3, 5), [1, 2]])
case("ss", lambda x: x[:, 1:3, ::2], S(2, 4, 5), **U); case("ss_neg", lambda x: x[:, ::-1, -3:-1], S(2, 4, 5), **U); case("ss_shrink", lambda x: x[0, ..., 1], S(2, 4, 5), **U)
case("ss_new", lambda x: x[:, tf.newaxis, 1], S(2, 4, 5), **U); case("ss_dyn", lambda x, i: x[i:i + 2], S(6, 3), S(dtype=tf.int32), inputs=[rng.rand(6, 3), 2]); case("ss_i", lambda x, i: x[i], S(6, 3), S(dtype=tf.int32), inputs=[rng.rand(6, 3), 2])
case("dus", lambda x, u: tf.raw_ops.XlaDynamicUpdateSlice(input=x, update=u, indices=tf.constant([1, 1])), S(4, 5), S(2, 2))
case("dus2", lambda x, u, i: tf.raw_ops.XlaDynamicUpdateSlice(input=x, update=u, indices=i), S(4, 5), S(2, 2), S(2, dtype=tf.int32), inputs=[rng.rand(4, 5), rng.rand(2, 2), [3, -1]])
# ---- reductions
for n in ("mean", "sum", "prod", "max", "min"):
    fn = getattr(tf, "reduce_" + n)
    md = FLOAT if n == "prod" else QUANT
    case("r" + n, lambda x, fn=fn: fn(x, (1, 2)), S(2, 4, 5, 3), modes=QUANT)
    case("r" + n + "_k", lambda x, fn=fn: fn(x, (1, 2), True), S(1, 4, 5, 3), modes=QUANT)
    case("r" + n + "_l", lambda x, fn=fn: fn(x, -1), S(2, 5, 3), modes=QUANT)
    case("r" + n + "_all", lambda x, fn=fn: fn(x), S(2, 5), modes=QUANT)
    case("r" + n + "_i32", lambda x, fn=fn: fn(x, 1), S(2, 5, dtype=tf.int32), low=1, high=5)
    case("r" + n + "_i64", lambda x, fn=fn: fn(x, 1), S(2, 5, dtype=tf.int64), low=1, high=5)
case("rany", lambda x: tf.reduce_any(x, 1), S(2, 5, dtype=B)); case("rall", lambda x: tf.reduce_all(x, 1, True), S(2, 5, dtype=B))
case("argmax", lambda x: tf.argmax(x, -1), S(3, 5), **U); case("argmin", lambda x: tf.argmin(x, 1, tf.int32), S(3, 5, 2), **U); case("argmax_i32", lambda x: tf.argmax(x, 0, tf.int32), S(3, 5, dtype=tf.int32))
case("cumsum", lambda x: tf.cumsum(x, 1), S(2, 5)); case("cumsum_xr", lambda x: tf.cumsum(x, 0, True, True), S(4, 5)); case("cumsum_i", lambda x: tf.cumsum(x, 0, True), S(4, 5, dtype=tf.int32))
case("l2norm", lambda x: nn.l2_normalize(x, -1), S(2, 8), **U); case("l2norm4", lambda x: nn.l2_normalize(x, -1), S(1, 2, 3, 8), **U); case("lrn", lambda x: nn.lrn(x, 2, 1.0, 0.1, 0.5), S(1, 3, 3, 8))
for ac, hp in ((0, 0), (1, 0), (0, 1)):
    for a, b in (((5, 7), (3, 4)), ((3, 4), (6, 8)), ((4, 4), (7, 9))):
        case(f"rbil_{ac}{hp}_{a[0]}_{b[0]}", lambda x, b=b, ac=ac, hp=hp: tf.raw_ops.ResizeBilinear(images=x, size=b, align_corners=bool(ac), half_pixel_centers=bool(hp)), S(1, *a, 3), **U)
        case(f"rnn_{ac}{hp}_{a[0]}_{b[0]}", lambda x, b=b, ac=ac, hp=hp: tf.raw_ops.ResizeNearestNeighbor(images=x, size=b, align_corners=bool(ac), half_pixel_centers=bool(hp)), S(1, *a, 3), **U)
# ---- indices
case("gather", lambda x: tf.gather(x, [2, 0, 1], axis=1), S(2, 3, 4), **U); case("gather_bd", lambda x, i: tf.gather(x, i, axis=2, batch_dims=1), S(2, 3, 4), S(2, 2, dtype=tf.int32), low=0, high=3); case("gather_i64", lambda x, i: tf.gather(x, i), S(4, 3), S(2, dtype=tf.int64), low=0, high=4)
case("gather_nd", lambda x: tf.gather_nd(x, [[0, 1], [1, 2]]), S(2, 3, 4), **U); case("gather_nd_bd", lambda x, i: tf.gather_nd(x, i, batch_dims=1), S(2, 3, 4), S(2, 2, 1, dtype=tf.int32), low=0, high=3)
case("scatter_nd", lambda i, u: tf.scatter_nd(i, u, (5, 3)), S(3, 1, dtype=tf.int32), S(3, 3), inputs=[[[0], [2], [0]], rng.rand(3, 3)])
case("tscatter", lambda x, u: tf.tensor_scatter_nd_update(x, [[0], [2]], u), S(4, 3), S(2, 3)); case("tscatter_add", lambda x, u: tf.tensor_scatter_nd_add(x, [[0], [2]], u), S(4, 3), S(2, 3))
case("onehot", lambda i: tf.one_hot(i, 4), S(3, dtype=tf.int32), low=0, high=4); case("onehot_ax", lambda i: tf.one_hot(i, 4, 5.0, -1.0, axis=0), S(3, 2, dtype=tf.int32), low=0, high=5); case("onehot_i", lambda i: tf.one_hot(i, 4, 5, -1, axis=1), S(3, 2, dtype=tf.int64), low=0, high=5)
case("topk", lambda x: nn.top_k(x, 3), S(2, 6), **U); case("where", lambda x: tf.where(x), S(2, 5, dtype=B)); case("select", lambda c, x, y: tf.raw_ops.Select(condition=c, x=x, y=y), S(2, 3, dtype=B), S(2, 3), S(2, 3)); case("select1", lambda c, x, y: tf.raw_ops.Select(condition=c, x=x, y=y), S(2, dtype=B), S(2, 3), S(2, 3)); case("selectv2", lambda c, x, y: tf.where(c, x, y), S(3, dtype=B), S(2, 3), S(2, 1))
case("selectv2_q", lambda x, y: tf.where(x > y, x, y), S(2, 3), S(2, 3), **U)
case("unique", lambda x: tf.unique(x), S(7, dtype=tf.int32), low=0, high=4); case("s2dense", lambda i, v: tf.raw_ops.SparseToDense(sparse_indices=i, output_shape=[4, 5], sparse_values=v, default_value=-1.0), S(3, 2, dtype=tf.int32), S(3), inputs=[[[0, 1], [1, 2], [3, 4]], [1, 2, 3]])
case("bucketize", lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[0.0, 0.3, 0.6]), S(7)); case("emb", lambda i, w=W(6, 4): nn.embedding_lookup(w, i), S(3, dtype=tf.int32), low=0, high=6, modes=("float", "dyn"))
for n in ("sum", "max", "min", "prod"):
    case("useg_" + n, lambda x, i, n=n: getattr(m, "unsorted_segment_" + n)(x, i, 3), S(5, 2), S(5, dtype=tf.int32), inputs=[rng.rand(5, 2), [0, 2, 0, 1, 2]])
case("seg_sum", lambda x, i: m.segment_sum(x, i), S(5, 2), S(5, dtype=tf.int32), inputs=[rng.rand(5, 2), [0, 0, 1, 2, 2]])
case("fakeq", lambda x: tf.quantization.fake_quant_with_min_max_args(x, -1, 1), S(7), low=-1.5, high=1.5); case("fakeq5", lambda x: tf.quantization.fake_quant_with_min_max_args(x, -0.3, 1, 5, True), S(7), low=-1.5, high=1.5)
case("nms5", lambda b, s: tf.image.non_max_suppression_with_scores(b, s, 4, 0.5, 0.1, 0.5), S(6, 4), S(6), inputs=[[[0, 0, 1, 1], [0, .1, 1, 1.1], [0, -.1, 1, .9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]], [.9, .75, .6, .95, .5, .3]])
case("nms4", lambda b, s: tf.image.non_max_suppression_padded(b, s, 4, 0.5, 0.1, pad_to_max_output_size=True), S(6, 4), S(6), inputs=[[[0, 0, 1, 1], [0, .1, 1, 1.1], [0, -.1, 1, .9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]], [.9, .75, .6, .95, .5, .3]])
case("rfft2d", lambda x: tf.abs(tf.signal.rfft2d(x, (4, 8))), S(2, 4, 8)); case("rfft", lambda x: tf.math.real(tf.signal.rfft(x)), S(2, 8)); case("imag", lambda x: tf.math.imag(tf.signal.rfft2d(x)), S(2, 4, 8))
# ---- control, recurrent
case("if", lambda c, x: tf.cond(tf.convert_to_tensor(c), lambda: x + 1.0, lambda: x * 2.0), S(dtype=B), S(2, 3))
case("while", lambda x, n: tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * 1.5), (0, x))[1], S(2, 3), S(dtype=tf.int32), inputs=[rng.rand(2, 3), 4])
K = tf.keras
def seq(*layers, shape=(5, 4)):
    def f():
        K.utils.set_random_seed(3)
        return K.Sequential([K.Input(shape, batch_size=1)] + [l() for l in layers])
    return f
case("k_lstm", seq(lambda: K.layers.LSTM(6)), keras=True, modes=ALL); case("k_lstm_seq", seq(lambda: K.layers.LSTM(6, return_sequences=True)), keras=True, modes=ALL)
case("k_gru", seq(lambda: K.layers.GRU(6)), keras=True, modes=("float", "dyn", "int8")); case("k_rnn", seq(lambda: K.layers.SimpleRNN(6)), keras=True, modes=("float", "dyn", "int8")); case("k_bilstm", seq(lambda: K.layers.Bidirectional(K.layers.LSTM(6, return_sequences=True))), keras=True, modes=("float", "dyn", "int8"))
case("k_lstm_un", seq(lambda: K.layers.LSTM(6, unroll=True)), keras=True, modes=ALL)
def fused(tm):
    @tf.function(experimental_implements="dummy")
    def f(x): return x
    return f
case("k_net", seq(lambda: K.layers.Conv2D(8, 3, 2, "same"), lambda: K.layers.BatchNormalization(), lambda: K.layers.ReLU(6.0), lambda: K.layers.DepthwiseConv2D(3, padding="same"), lambda: K.layers.ReLU(), lambda: K.layers.Conv2D(16, 1), lambda: K.layers.GlobalAveragePooling2D(), lambda: K.layers.Dense(10, "softmax"), shape=(16, 16, 3)), keras=True, modes=ALL)
case("k_mha", lambda: (lambda i: K.Model(i, K.layers.LayerNormalization()(K.layers.MultiHeadAttention(2, 4)(i, i))))(K.Input((5, 8), batch_size=1)), keras=True, modes=ALL)
case("k_up", seq(lambda: K.layers.Conv2D(8, 3, 2, "same"), lambda: K.layers.UpSampling2D(2, interpolation="bilinear"), lambda: K.layers.Conv2DTranspose(4, 3, 2, "same"), shape=(8, 8, 3)), keras=True, modes=ALL)
case("k_swish", seq(lambda: K.layers.Conv2D(8, 3, 2, "same", activation="swish"), lambda: K.layers.Conv2D(8, 3, activation="gelu"), lambda: K.layers.AveragePooling2D(2), lambda: K.layers.Flatten(), lambda: K.layers.Dense(4, "tanh"), shape=(12, 12, 3)), keras=True, modes=ALL)
case("multinomial", lambda x: tf.reduce_sum(tf.cast(tf.random.categorical(x, 3, seed=1), F)) * 0.0, S(2, 4))
case("table", lambda x: x, S(2))
case("dilate", lambda x: tf.nn.max_pool2d(x, 1, 1, "VALID"), S(1, 4, 4, 1))
case("complex", lambda x: tf.abs(tf.complex(x, x * 2)), S(4))
case("sr", lambda x: x + tf.cast(tf.shape(x)[0], F), tf.TensorSpec([None, 3], F))



def draw(spec, low, high, r):
    shape = [d or 1 for d in spec.shape]
    if spec.dtype == tf.bool:
        return r.rand(*shape) > 0.5
    if spec.dtype == tf.string:
        return np.array(["a", "bc", "zz"])[r.randint(0, 3, shape)]
    if spec.dtype.is_integer:
        lo, hi = (low, high) if high - low > 2 else (-10, 10)
        if spec.dtype.is_unsigned: lo = max(lo, 0)
        return r.randint(int(lo), int(hi), shape).astype(spec.dtype.as_numpy_dtype)
    if spec.dtype.is_complex:
        return (r.uniform(low, high, shape) + 1j * r.uniform(low, high, shape)).astype(spec.dtype.as_numpy_dtype)
    return r.uniform(low, high, shape).astype(spec.dtype.as_numpy_dtype)


def samples(specs, low, high, inputs, n):
    r = np.random.RandomState(1)
    out = []
    for _ in range(n):
        out.append([np.asarray(i, s.dtype.as_numpy_dtype) for i, s in zip(inputs, specs)] if inputs
                   else [draw(s, low, high, r) for s in specs])
    return out


def convert(f, specs, mode, low, high, inputs, keras):
    if keras:
        model = f()
        c = tf.lite.TFLiteConverter.from_keras_model(model)
        specs = [tf.TensorSpec([d or 1 for d in i.shape], i.dtype) for i in model.inputs]
    else:
        g = tf.function(lambda *a: f(*a), input_signature=list(specs))
        c = tf.lite.TFLiteConverter.from_concrete_functions([g.get_concrete_function()], f if hasattr(f, "_self_unconditional_checkpoint_dependencies") else None)
    if mode != "float":
        c.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "f16":
        c.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "int8fio", "u8io", "i16", "i16f"):
        data = samples(specs, low, high, inputs, 8)
        c.representative_dataset = lambda: ([x for x in d] for d in data)
        c.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if mode in ("i16", "i16f")
            else tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if mode in ("i16", "i16f"): c.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
        t = {"int8": tf.int8, "u8io": tf.uint8, "i16": tf.int16}.get(mode)
        if t and all(s.dtype == F for s in specs):
            c.inference_input_type = c.inference_output_type = t
    return c.convert()


def run(model, specs, low, high, inputs):
    try:
        return run_with(OpResolverType.BUILTIN_REF, model, specs, low, high, inputs)
    except (ValueError, RuntimeError) as e:
        if "Didn't find op" not in str(e): raise
        return run_with(OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, model, specs, low, high, inputs)


def run_with(resolver, model, specs, low, high, inputs):
    it = Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    ins = it.get_input_details()
    r = np.random.RandomState(7)
    values = []
    for k, d in enumerate(ins):
        dt = d["dtype"]
        q = d["quantization"]
        spec = None
        for j, s in enumerate(specs or []):
            if list(d["shape"]) == [x or 1 for x in s.shape] and j == k: spec = s
        if dt in (np.int8, np.uint8, np.int16) and q[0] != 0:
            info = np.iinfo(dt)
            v = r.randint(info.min, info.max + 1, d["shape"]).astype(dt)
        elif inputs is not None and k < len(inputs) and list(np.shape(inputs[k])) == list(d["shape"]):
            v = np.asarray(inputs[k], dt)
        else:
            v = draw(tf.TensorSpec(d["shape"], tf.as_dtype(dt) if dt not in (np.bytes_, np.object_) else tf.string), low, high, r)
        values.append(v)
    it.allocate_tensors()
    for d, v in zip(ins, values):
        if v.dtype.kind in "US": v = v.astype(np.bytes_)
        it.set_tensor(d["index"], v)
    it.invoke()
    return values, [it.get_tensor(d["index"]) for d in it.get_output_details()]


def main():
    folder, only = sys.argv[1], sys.argv[2:]
    for name, f, specs, modes, low, high, inputs, keras in CASES:
        if only and not any(name.startswith(o) for o in only):
            continue
        for mode in modes:
            path = os.path.join(folder, name + "." + mode)
            if os.path.exists(path + "/done") or os.path.exists(path + "/started"): continue
            os.makedirs(path, exist_ok=True)
            open(path + "/started", "w").write("")
            try:
                try:
                    model = convert(f, specs, mode, low, high, inputs, keras)
                except Exception as e:
                    if "Unsupported input type" not in str(e) and "Unsupported output type" not in str(e): raise
                    model = convert(f, specs, mode + "f", low, high, inputs, keras)
                os.makedirs(path, exist_ok=True)
                open(path + "/model.tflite", "wb").write(model)
                sp = None if keras else specs
                ins, outs = run(model, sp, low, high, inputs)
                for i, v in enumerate(ins): np.save(f"{path}/in_{i}.npy", v)
                for i, v in enumerate(outs):
                    if v.dtype == object: v = v.astype(np.bytes_)
                    np.save(f"{path}/out_{i}.npy", v)
                open(path + "/done", "w").write("ok")
            except Exception as e:
                print("SKIP", name, mode, type(e).__name__, str(e).strip().replace("\n", " ")[:200], flush=True)


main()
