"""Writes OpenVINO models of one operator or a few, their inputs, and what OpenVINO computes.

    make_openvino.py FOLDER [NAME...]

needs the packages openvino and numpy. FOLDER gets NAME.xml and NAME.bin (none where the model has no
constants), NAME.in0.npy ... and NAME.out0.npy ...; with names only the cases that begin with one.
"""
import importlib
import os
import sys

import numpy as np
import openvino as ov

OPSETS = {n: importlib.import_module(f"openvino.opset{n}") for n in range(1, 17)}
o1, o3, o4, o5, o6, o7, o8, o9 = (OPSETS[n] for n in (1, 3, 4, 5, 6, 7, 8, 9))
o10, o11, o12, o13, o14, o15, o16 = (OPSETS[n] for n in (10, 11, 12, 13, 14, 15, 16))
CASES = {}
f32, i32, i64 = np.float32, np.int32, np.int64


def rand(*shape, seed=1, low=-1.0, high=1.0, dtype=f32):
    values = np.random.default_rng(seed + sum(shape)).uniform(low, high, shape)
    return values.astype(dtype)


def ints(*shape, low=0, high=5, seed=1, dtype=i64):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def case(name, inputs, build, shapes=None):
    """build gets a Parameter for each input, and gives a node or a list of nodes and outputs."""
    assert name not in CASES, name
    CASES[name] = (inputs, build, shapes)


def K(value, dtype=None):
    return o13.constant(np.array(value, dtype) if dtype else np.array(value))


X = rand(2, 6, 8, 9)
SMALL = rand(2, 3, 4)

# ---- element by element ------------------------------------------------------------------------
for op in "abs ceiling cos cosh erf exp floor negative relu sigmoid sign sin sinh tan tanh asinh atan".split():
    case(op, [rand(2, 3, 5) * 3], getattr(o13, op))
for op in "acos asin atanh".split():
    case(op, [rand(2, 3, 5)], getattr(o13, op))
case("acosh", [rand(7, low=1, high=4)], o4.acosh)
for op in "log sqrt".split():
    case(op, [rand(7, low=0.1, high=4)], getattr(o13, op))
case("mish", [rand(9) * 5], o4.mish)
case("softplus", [rand(9) * 30], o4.softplus)
case("softsign", [rand(9) * 5], o9.softsign)
case("hswish", [rand(9) * 5], o4.hswish)
case("hsigmoid", [rand(9) * 5], o5.hsigmoid)
case("elu", [rand(9) * 5], lambda x: o1.elu(x, 0.7))
case("selu", [rand(9) * 5], lambda x: o1.selu(x, K(1.6, f32), K(1.05, f32)))
case("hard_sigmoid", [rand(9) * 5], lambda x: o1.hard_sigmoid(x, K(0.3, f32), K(0.4, f32)))
case("swish", [rand(9) * 5], lambda x: o4.swish(x))
case("swish_beta", [rand(9) * 5], lambda x: o4.swish(x, K(1.7, f32)))
case("gelu_erf", [rand(9) * 5], lambda x: o7.gelu(x, "erf"))
case("gelu_tanh", [rand(9) * 5], lambda x: o7.gelu(x, "tanh"))
case("gelu_2", [rand(9) * 5], lambda x: OPSETS[2].gelu(x))
case("clamp", [rand(9) * 5], lambda x: o1.clamp(x, -1.5, 2.0))
case("clamp_int", [ints(9, low=-9, high=9, dtype=i32)], lambda x: o1.clamp(x, -2.5, 3.5))
case("clamp_open", [rand(9) * 5], lambda x: o1.clamp(x, 0.0, np.inf))
case("round_even", [np.array([-2.5, -1.5, -.5, .5, 1.5, 2.5, .3, .7], f32)], lambda x: o5.round(x, "half_to_even"))
case("round_away", [np.array([-2.5, -1.5, -.5, .5, 1.5, 2.5, .3, .7], f32)], lambda x: o5.round(x, "half_away_from_zero"))
case("prelu", [rand(2, 3, 4, 5)], lambda x: o1.prelu(x, K([.1, .2, .3], f32)))
case("prelu_one", [rand(2, 3, 4, 5)], lambda x: o1.prelu(x, K([.1], f32)))
case("prelu_2d", [rand(2, 3)], lambda x: o1.prelu(x, K([.1, .2, .3], f32)))
ODD = np.array([1, np.inf, -np.inf, np.nan, 0], f32)
case("is_nan", [ODD], o10.is_nan)
case("is_inf", [ODD], lambda x: o10.is_inf(x))
case("is_inf_positive", [ODD], lambda x: o10.is_inf(x, {"detect_negative": False}))
case("is_finite", [ODD], o10.is_finite)
for op in "add subtract multiply divide maximum minimum mod floor_mod power squared_difference".split():
    case(op, [rand(2, 3, 4, low=0.5, high=3), rand(3, 1, low=0.5, high=3)], getattr(o13, op))
    case(op + "_i32", [ints(3, 4, low=1, high=9, dtype=i32), ints(4, low=1, high=4, dtype=i32)], getattr(o13, op))
case("divide_negative", [np.array([-7, 7, -8, 9, -1], i32), np.array([2, -2, 4, -4, 3], i32)], o1.divide)
case("floor_mod_negative", [np.array([-7, 7, -8, 9, -1], f32), np.array([2, -2, 4, -4, 3], f32)], o1.floor_mod)
case("floor_mod_i32_negative", [np.array([-7, 7, -8, 9, -1], i32), np.array([2, -2, 4, -4, 3], i32)], o1.floor_mod)
case("mod_negative", [np.array([-7, 7, -8, 9, -1], f32), np.array([2, -2, 4, -4, 3], f32)], o1.mod)
for op in "equal not_equal greater greater_equal less less_equal".split():
    case(op, [ints(3, 4).astype(f32), ints(4).astype(f32)], getattr(o13, op))
B1, B2 = ints(3, 4, high=2).astype(bool), ints(4, high=2, seed=5).astype(bool)
for op in "logical_and logical_or logical_xor".split():
    case(op, [B1, B2], getattr(o13, op))
case("logical_not", [B1], o1.logical_not)
for op in "bitwise_and bitwise_or bitwise_xor".split():
    case(op, [ints(5, high=64, dtype=i32), ints(5, high=64, seed=3, dtype=i32)], getattr(o13, op))
case("bitwise_not", [ints(5, high=64, dtype=i32)], o13.bitwise_not)
case("bitwise_and_bool", [B1, B2], o13.bitwise_and)
case("left_shift", [ints(5, high=64, dtype=i32), ints(5, high=5, seed=3, dtype=i32)], o15.bitwise_left_shift)
case("right_shift", [ints(5, high=64, dtype=i32), ints(5, high=5, seed=3, dtype=i32)], o15.bitwise_right_shift)
case("select", [B1, rand(3, 4), rand(4)], lambda c, a, b: o1.select(c, a, b))
case("matmul", [rand(2, 3, 4), rand(2, 4, 5)], lambda a, b: o1.matmul(a, b, False, False))
case("matmul_ta", [rand(2, 4, 3), rand(4, 5)], lambda a, b: o1.matmul(a, b, True, False))
case("matmul_tb", [rand(2, 3, 4)], lambda a: o1.matmul(a, K(rand(5, 4)), False, True))
case("matmul_1d", [rand(4), rand(2, 4, 5)], lambda a, b: o1.matmul(a, b, False, False))
case("matmul_1d_both", [rand(4), rand(4)], lambda a, b: o1.matmul(a, b, True, True))
case("einsum", [rand(2, 3, 4), rand(2, 4, 5)], lambda a, b: o7.einsum([a, b], "bij,bjk->bik"))
case("softmax_1", [SMALL], lambda x: o1.softmax(x, 1))
case("softmax_8", [SMALL], lambda x: o8.softmax(x, -2))
case("log_softmax", [SMALL], lambda x: o5.log_softmax(x, -1))
case("cum_sum", [SMALL], lambda x: o3.cum_sum(x, K(1, i32)))
case("cum_sum_reverse", [SMALL], lambda x: o3.cum_sum(x, K(-1, i64), True, True))
case("inverse", [rand(2, 3, 3) + 3 * np.eye(3, dtype=f32)], lambda x: o14.inverse(x, False))
case("convert", [rand(7) * 9], lambda x: [o1.convert(x, t) for t in ("i32", "f16", "f64", "boolean")])
case("convert_like", [rand(7) * 9, ints(2, dtype=i32)], lambda x, y: o1.convert_like(x, y))
case("convert_promote", [rand(7), rand(7).astype(np.float16)], lambda x, y: (lambda n: [n.output(0), n.output(1)])(o14.convert_promote_types(x, y)))

# ---- reductions and orders ---------------------------------------------------------------------
for op in "sum mean max min prod l1 l2".split():
    case("reduce_" + op, [SMALL], lambda x, f="reduce_" + op: getattr(o13, f)(x, K([1], i64), False))
    case("reduce_" + op + "_keep", [SMALL], lambda x, f="reduce_" + op: getattr(o13, f)(x, K([0, -1], i32), True))
case("reduce_and", [B1], lambda x: o1.reduce_logical_and(x, K(1, i64), False))
case("reduce_or", [B1], lambda x: o1.reduce_logical_or(x, K([0], i64), True))
T = rand(3, 7)
for mode in ("max", "min"):
    for sort in ("value", "index"):
        case(f"topk_{mode}_{sort}", [T], lambda x, m=mode, s=sort: (lambda n: [n.output(0), n.output(1)])(o11.topk(x, K(3, i64), 1, m, s)))
case("topk_axis0", [T], lambda x: (lambda n: [n.output(0), n.output(1)])(o3.topk(x, K(2, i32), 0, "max", "value", "i64")))
case("non_zero", [ints(3, 4, high=2).astype(f32)], lambda x: o3.non_zero(x, "i64"))
case("unique", [ints(9, high=4, dtype=i32)], lambda x: (lambda n: [n.output(i) for i in range(4)])(o10.unique(x)))
case("unique_axis", [ints(5, 2, high=2, dtype=i32)], lambda x: (lambda n: [n.output(i) for i in range(4)])(o10.unique(x, K(0, i64))))
case("unique_unsorted", [ints(9, high=4, dtype=i32)], lambda x: (lambda n: [n.output(i) for i in range(4)])(o10.unique(x, None, False)))

# ---- shapes ------------------------------------------------------------------------------------
case("reshape", [SMALL], lambda x: o1.reshape(x, K([0, -1], i64), True))
case("reshape_plain", [SMALL], lambda x: o1.reshape(x, K([4, -1], i32), False))
case("transpose", [SMALL], lambda x: o1.transpose(x, K([2, 0, 1], i64)))
case("squeeze", [rand(1, 3, 1, 2)], lambda x: [o15.squeeze(x), o1.squeeze(x, K([2], i64))])
case("squeeze_15", [rand(1, 3, 1, 2)], lambda x: o15.squeeze(x, K([0, 1], i64), True))
case("unsqueeze", [SMALL], lambda x: o1.unsqueeze(x, K([0, -1], i64)))
case("concat", [rand(2, 3), rand(2, 1)], lambda a, b: o1.concat([a, b], -1))
case("split", [X], lambda x: [o1.split(x, K(1, i64), 3).output(i) for i in (0, 1, 2)])
case("variadic_split", [X], lambda x: o1.variadic_split(x, K(1, i64), K([2, -1, 1], i64)).outputs())
case("shape_of", [SMALL], lambda x: [o3.shape_of(x, "i32"), o1.shape_of(x)], [[-1, 3, -1]])
case("broadcast_numpy", [rand(3, 1)], lambda x: o3.broadcast(x, K([2, 3, 4], i64)))
case("broadcast_bi", [rand(3, 4)], lambda x: o3.broadcast(x, K([2, 1, 4], i64), broadcast_spec="BIDIRECTIONAL"))
case("broadcast_explicit", [rand(3)], lambda x: o3.broadcast(x, K([2, 3, 4], i64), K([1], i64), "EXPLICIT"))
case("tile", [SMALL], lambda x: o1.tile(x, K([2, 1, 2], i64)))
case("tile_more", [rand(3)], lambda x: o1.tile(x, K([2, 2], i64)))
case("tile_less", [SMALL], lambda x: o1.tile(x, K([2], i64)))
case("range", [np.array(2, i32), np.array(11, i32), np.array(3, i32)], lambda a, b, c: [o4.range(a, b, c, "i32"), o4.range(a, b, c, "f32")])
case("slice_8", [X], lambda x: o8.slice(x, K([1, -2], i64), K([4, -9], i64), K([1, -1], i64), K([1, 2], i64)))
case("slice_all", [SMALL], lambda x: o8.slice(x, K([0, 1], i64), K([2, 3], i64), K([1, 1], i64)))
case("slice_computed", [SMALL, np.array([1], i64)], lambda x, b: o8.slice(x, b, K([3], i64), K([1], i64), K([1], i64)))


def strided(x, b, e, s, **masks):
    n = len(b)
    m = {k: masks.get(k, [0] * n) for k in "begin end new shrink ellipsis".split()}
    return o1.strided_slice(x, K(b, i64), K(e, i64), K(s, i64), m["begin"], m["end"], m["new"], m["shrink"], m["ellipsis"])


case("strided_slice", [X], lambda x: strided(x, [0, 1, 0, 8], [2, 5, 0, 1], [1, 2, 1, -1], begin=[1, 0, 1, 0], end=[0, 0, 1, 0]))
case("strided_shrink", [X], lambda x: strided(x, [1, -1, 0], [2, 0, 3], [1, 1, 1], shrink=[1, 1, 0]))
case("strided_new", [SMALL], lambda x: strided(x, [0, 0, 1], [0, 1, 2], [1, 1, 1], new=[0, 1, 0], end=[1, 0, 0]))
case("strided_ellipsis", [X], lambda x: strided(x, [0, 0, 1], [0, 0, 4], [1, 1, 2], ellipsis=[0, 1, 0], end=[1, 0, 0]))
case("strided_ellipsis_new", [X], lambda x: strided(x, [0, 0, 1], [0, 0, 4], [1, 1, 2], ellipsis=[1, 0, 0], new=[0, 1, 0]))
case("strided_computed", [SMALL, np.array([0, 1], i64)], lambda x, b: o1.strided_slice(x, b, K([0, 2], i64), K([1, 1], i64), [1, 0], [1, 0], [], [0, 1], []))
for mode in ("constant", "edge", "reflect", "symmetric"):
    case("pad_" + mode, [SMALL], lambda x, m=mode: o1.pad(x, K([0, 1, 2], i64), K([1, 0, 3], i64), m, K(1.5, f32) if m == "constant" else None))
case("pad_negative", [SMALL], lambda x: o12.pad(x, K([0, -1, 2], i64), K([1, 0, -3], i64), "constant", K(1.5, f32)))
for mode in ("blocks_first", "depth_first"):
    case("depth_to_space_" + mode, [rand(2, 8, 3, 4)], lambda x, m=mode: o1.depth_to_space(x, m, 2))
    case("space_to_depth_" + mode, [rand(2, 3, 4, 6)], lambda x, m=mode: o1.space_to_depth(x, m, 2))
    case("depth_to_space_3d_" + mode, [rand(1, 16, 2, 3, 2)], lambda x, m=mode: o1.depth_to_space(x, m, 2))
case("shuffle_channels", [X], lambda x: o3.shuffle_channels(x, 1, 3))
case("shuffle_channels_last", [X], lambda x: o3.shuffle_channels(x, -2, 4))
case("batch_to_space", [rand(12, 3, 2, 2)], lambda x: o3.batch_to_space(x, K([1, 1, 2, 3], i64), K([0, 0, 1, 0], i64), K([0, 0, 0, 2], i64)))
case("space_to_batch", [rand(2, 3, 4, 5)], lambda x: o3.space_to_batch(x, K([1, 1, 2, 3], i64), K([0, 0, 1, 0], i64), K([0, 0, 1, 1], i64)))
case("reverse_sequence", [rand(3, 5, 2), np.array([2, 5, 3], i32)], lambda x, n: o1.reverse_sequence(x, n, 0, 1))
case("roll", [SMALL], lambda x: o7.roll(x, K([1, -2], i64), K([0, 2], i64)))

# ---- indices -----------------------------------------------------------------------------------
case("gather_1", [X], lambda x: o1.gather(x, K([[3, 1], [0, 2]], i32), K(1, i64)))
case("gather_7", [rand(2, 5, 3), np.array([[0, 4, 1], [2, 2, 3]], i32)], lambda x, i: o7.gather(x, i, K(1, i64), 1))
case("gather_8", [rand(2, 5, 3), np.array([[0, -1, 1], [2, -2, 3]], i32)], lambda x, i: o8.gather(x, i, K(1, i64), 1))
case("gather_8_far", [rand(2, 4, 5, 3), np.array([[0, -1], [2, 3]], i64)], lambda x, i: o8.gather(x, i, K(2, i64), 1))
case("gather_8_scalar", [X, np.array(-2, i64)], lambda x, i: o8.gather(x, i, K(1, i64)))
case("gather_elements", [rand(3, 4), ints(3, 2, high=4, dtype=i32)], lambda x, i: o6.gather_elements(x, i, 1))
case("gather_nd_5", [rand(3, 4, 5), ints(2, 2, high=3, dtype=i32)], lambda x, i: o5.gather_nd(x, i))
case("gather_nd_5_batch", [rand(2, 3, 4, 5), ints(2, 3, 2, 1, high=4, dtype=i32)], lambda x, i: o5.gather_nd(x, i, 2))
case("gather_nd_8_batch", [rand(2, 3, 4, 5), ints(2, 3, 2, 1, high=4, dtype=i32)], lambda x, i: o8.gather_nd(x, i, 2))
case("scatter_update", [rand(3, 5, 2), rand(3, 2, 2, seed=8)], lambda x, u: o3.scatter_update(x, K([4, 1], i64), u, K(1, i64)))
case("scatter_update_2d", [rand(5, 2), rand(2, 2, 2, seed=8)], lambda x, u: o3.scatter_update(x, K([[4, 1], [0, 2]], i64), u, K(0, i64)))
case("scatter_elements_3", [rand(3, 5), rand(3, 2, seed=8)], lambda x, u: o3.scatter_elements_update(x, K([[4, 1], [0, 2], [3, 0]], i64), u, K(1, i64)))
for how in "sum prod min max mean".split():
    for init in (True, False):
        case(f"scatter_elements_{how}_{init}", [rand(3, 5), rand(3, 3, seed=8)], lambda x, u, h=how, n=init: o12.scatter_elements_update(x, K([[4, 1, 4], [0, 2, 0], [3, 0, 1]], i64), u, K(1, i64), h, n))
case("scatter_nd_3", [rand(3, 5), rand(2, seed=8)], lambda x, u: OPSETS[4].scatter_nd_update(x, K([[0, 1], [2, 4]], i64), u))
for how in "sum sub prod min max".split():
    case("scatter_nd_" + how, [rand(3, 5), rand(3, seed=8)], lambda x, u, h=how: o15.scatter_nd_update(x, K([[0, 1], [2, 4], [0, 1]], i64), u, h))
case("one_hot", [np.array([0, 3, -1, 7], i64)], lambda x: o1.one_hot(x, K(4, i64), K(2.0, f32), K(-1.0, f32), -1))
case("one_hot_axis", [ints(2, 3, high=4)], lambda x: o1.one_hot(x, K(4, i64), K(1, i32), K(0, i32), 1))
case("bucketize", [rand(3, 4) * 5], lambda x: [o3.bucketize(x, K([-2, 0, 1.5], f32)), o3.bucketize(x, K([-2, 0, 1.5], f32), "i32", False)])
case("bucketize_edge", [np.array([-2, 0, 1], f32)], lambda x: [o3.bucketize(x, K([-2, 0, 1], f32), "i64", r) for r in (True, False)])
case("search_sorted", [np.sort(rand(2, 5)), rand(2, 3)], lambda x, v: [o15.search_sorted(x, v), o15.search_sorted(x, v, True)])
case("search_sorted_1d", [np.sort(rand(5)), rand(2, 3)], lambda x, v: o15.search_sorted(x, v))
E = rand(6, 3)
case("embedding_offsets", [E], lambda x: o3.embedding_bag_offsets_sum(x, K([0, 2, 3, 4], i64), K([0, 0, 2], i64), K(1, i64), K([.5, .2, .3, .4], f32)))
case("embedding_offsets_plain", [E], lambda x: o3.embedding_bag_offsets_sum(x, K([0, 2, 3, 4], i64), K([0, 1, 1, 3], i64)))
case("embedding_offsets_mean", [E], lambda x: o15.embedding_bag_offsets(x, K([0, 2, 3, 4], i64), K([0, 0, 2], i64), reduction="mean"))
case("embedding_packed", [E], lambda x: o3.embedding_bag_packed_sum(x, K([[0, 2], [1, 5]], i64), K(rand(2, 2))))
case("embedding_packed_mean", [E], lambda x: o15.embedding_bag_packed(x, K([[0, 2], [1, 5]], i64), reduction="mean"))
case("embedding_segments", [E], lambda x: o3.embedding_segments_sum(x, K([0, 2, 3, 4], i64), K([0, 0, 2, 2], i64), K(4, i64), K(0, i64), K([.5, .2, .3, .4], f32)))

# ---- convolutions, pooling ---------------------------------------------------------------------
W = rand(4, 6, 3, 3)


def conv(x, **a):
    return o1.convolution(x, K(W), a.get("s", [1, 1]), a.get("p", [0, 0]), a.get("q", [0, 0]), a.get("d", [1, 1]), a.get("auto", "explicit"))


case("conv", [X], lambda x: conv(x, p=[1, 1], q=[1, 0], s=[2, 1]))
case("conv_dilated", [X], lambda x: conv(x, d=[2, 3], p=[2, 3], q=[2, 3]))
for auto in ("same_upper", "same_lower", "valid"):
    case("conv_" + auto, [X], lambda x, a=auto: conv(x, s=[2, 2], auto=a))
case("conv_1d", [rand(1, 3, 9)], lambda x: o1.convolution(x, K(rand(2, 3, 3)), [1], [1], [1], [1]))
case("conv_3d", [rand(1, 2, 4, 5, 6)], lambda x: o1.convolution(x, K(rand(2, 2, 3, 3, 3)), [1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]))
case("conv_dynamic", [X], lambda x: conv(x, p=[1, 1], q=[1, 1]), [[-1, 6, -1, -1]])
case("conv_computed", [X, W], lambda x, w: o1.convolution(x, w, [1, 1], [0, 0], [0, 0], [1, 1]))
case("group_conv", [X], lambda x: o1.group_convolution(x, K(rand(2, 4, 3, 3, 3)), [1, 1], [1, 1], [1, 1], [1, 1]))
case("depthwise", [X], lambda x: o1.group_convolution(x, K(rand(6, 1, 1, 3, 3)), [2, 2], [1, 1], [1, 1], [1, 1]))
D = rand(2, 4, 5, 6)
WD = rand(4, 3, 3, 3)
case("deconv", [D], lambda x: o1.convolution_backprop_data(x, K(WD), [2, 2], None, [1, 0], [0, 1], [1, 1]))
case("deconv_out_pad", [D], lambda x: o1.convolution_backprop_data(x, K(WD), [2, 2], None, [1, 1], [1, 1], [1, 1], "explicit", [1, 0]))
case("deconv_shape", [D], lambda x: o1.convolution_backprop_data(x, K(WD), [2, 2], K([10, 12], i64), [0, 0], [0, 0], [1, 1], "same_upper"))
case("deconv_shape_lower", [D], lambda x: o1.convolution_backprop_data(x, K(WD), [2, 2], K([10, 12], i64), [0, 0], [0, 0], [1, 1], "same_lower"))
case("deconv_valid", [D], lambda x: o1.convolution_backprop_data(x, K(WD), [2, 2], None, None, None, [1, 1], "valid"))
case("deconv_group", [D], lambda x: o1.group_convolution_backprop_data(x, K(rand(2, 2, 3, 3, 3)), [2, 2], None, [1, 1], [1, 1], [1, 1]))
case("deform_conv", [rand(1, 4, 6, 6), rand(1, 18, 4, 4), rand(1, 9, 4, 4, low=0, high=1)], lambda x, f, m: o8.deformable_convolution(x, f, K(rand(2, 4, 3, 3)), [1, 1], [0, 0], [0, 0], [1, 1], m))
case("deform_conv_groups", [rand(1, 4, 6, 6), rand(1, 36, 4, 4)], lambda x, f: o8.deformable_convolution(x, f, K(rand(2, 2, 3, 3)), [1, 1], [0, 0], [0, 0], [1, 1], None, "EXPLICIT", 2, 2))
P = rand(1, 2, 7, 8)
for rounding in ("floor", "ceil"):
    case("max_pool_1_" + rounding, [P], lambda x, r=rounding: o1.max_pool(x, [2, 2], [0, 1], [0, 1], [3, 3], r))
    for exclude in (True, False):
        case(f"avg_pool_{rounding}_{exclude}", [P], lambda x, r=rounding, e=exclude: o1.avg_pool(x, [2, 2], [1, 1], [1, 1], [3, 3], e, r))
for rounding in ("floor", "ceil", "ceil_torch"):
    case("max_pool_14_" + rounding, [P], lambda x, r=rounding: o14.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [2, 2], r).outputs())
    case("avg_pool_14_" + rounding, [P], lambda x, r=rounding: o14.avg_pool(x, [2, 2], [1, 1], [1, 1], [2, 2], False, r))
case("max_pool_8", [P], lambda x: o8.max_pool(x, [2, 1], [1, 2], [0, 0], [0, 0], [3, 2], "floor", None, "i32", 2).outputs())
case("max_pool_same", [P], lambda x: o1.max_pool(x, [2, 2], [0, 0], [0, 0], [3, 3], "floor", "same_upper"))
case("avg_pool_same", [P], lambda x: o1.avg_pool(x, [2, 2], [0, 0], [0, 0], [3, 3], True, "floor", "same_lower"))
case("max_pool_1d", [rand(1, 2, 9)], lambda x: o1.max_pool(x, [2], [1], [1], [3]))
case("avg_pool_3d", [rand(1, 2, 5, 6, 7)], lambda x: o1.avg_pool(x, [1, 2, 2], [0, 1, 1], [0, 1, 1], [2, 3, 3], False))
case("adaptive_avg", [P], lambda x: o8.adaptive_avg_pool(x, K([3, 5], i64)))
case("adaptive_avg_one", [P], lambda x: o8.adaptive_avg_pool(x, K([1, 1], i64)))
case("adaptive_avg_1d", [rand(1, 2, 7)], lambda x: o8.adaptive_avg_pool(x, K([3], i64)))
case("adaptive_max", [P], lambda x: o8.adaptive_max_pool(x, K([3, 5], i64), "i32").outputs())

# ---- normalisations ----------------------------------------------------------------------------
N = [K(rand(6, seed=s, low=0.5, high=1.5)) for s in (1, 2, 3, 4)]
case("batch_norm", [X], lambda x: o5.batch_norm_inference(x, *N, 1e-3))
case("batch_norm_1", [X], lambda x: o1.batch_norm_inference(x, *N, 1e-3))
for axes in ([1, 2, 3], [2, 3], [-1], [1]):
    for mode in ("inside_sqrt", "outside_sqrt"):
        case(f"mvn_{'_'.join(map(str, axes)).replace('-', 'm')}_{mode}", [X], lambda x, a=axes, m=mode: o6.mvn(x, K(a, i64), True, 1e-4, m))
case("mvn_mean", [X], lambda x: o6.mvn(x, K([2, 3], i64), False, 1e-4, "inside_sqrt"))
case("normalize_l2", [X], lambda x: [o1.normalize_l2(x, K([1], i64), 1e-2, m) for m in ("add", "max")])
case("lrn", [X], lambda x: o1.lrn(x, K([1], i64), 0.1, 0.75, 2.0, 5))
case("lrn_spatial", [X], lambda x: o1.lrn(x, K([2, 3], i64), 0.1, 0.75, 2.0, 3))
case("group_norm", [X], lambda x: o12.group_normalization(x, K(rand(6)), K(rand(6, seed=7)), 3, 1e-4))
case("grn", [X], lambda x: o1.grn(x, 0.3))
Q = [rand(2, 4, 5, 8, seed=s) for s in (1, 2, 3)]
case("sdpa", Q, lambda q, k, v: o13.scaled_dot_product_attention(q, k, v))
case("sdpa_causal", Q, lambda q, k, v: o13.scaled_dot_product_attention(q, k, v, causal=True))
case("sdpa_mask", Q + [rand(1, 1, 5, 5)], lambda q, k, v, m: o13.scaled_dot_product_attention(q, k, v, m, K(0.4, f32)))
case("sdpa_bool", Q + [np.tril(np.ones((5, 5), bool))], lambda q, k, v, m: o13.scaled_dot_product_attention(q, k, v, m))

# ---- quantisation ------------------------------------------------------------------------------
case("fake_quantize", [X * 3], lambda x: o1.fake_quantize(x, K(-1.0, f32), K(1.0, f32), K(-1.0, f32), K(1.0, f32), 256))
case("fake_quantize_channel", [X * 3], lambda x: o1.fake_quantize(x, K(-rand(1, 6, 1, 1, low=.5, high=1)), K(rand(1, 6, 1, 1, low=1, high=2)), K(-rand(1, 6, 1, 1, low=.5, high=1)), K(rand(1, 6, 1, 1, low=1, high=2)), 16))
case("fake_quantize_two", [X], lambda x: o1.fake_quantize(x, K(0.1, f32), K(0.1, f32), K(-1.0, f32), K(1.0, f32), 2))
for kind in ("f8e4m3", "f8e5m2"):
    case("fake_convert_" + kind, [rand(2, 6)], lambda x, k=kind: o13.fake_convert(x, K(3.0, f32), None, k))
for t in ("i4", "u4", "i8", "u8", "nf4", "i64", "f64", "bf16", "f16", "u16"):
    # weights of few bits with their scales, as compressed language models have them
    low, high = (-8, 8) if t[0] == "i" else (0, 16)
    values = ints(5, 4, low=low, high=high).astype(f32) if t != "nf4" else rand(5, 4)

    def weights(x, t=t, values=values):
        data = ov.op.Constant(getattr(ov.Type, t), ov.Shape([5, 4]), values.flatten().tolist())
        w = o1.multiply(o1.convert(data, "f32"), K(rand(5, 1)))
        return o1.matmul(x, w, False, True)
    case("weights_" + t, [rand(3, 4)], weights)



# ---- recurrent ---------------------------------------------------------------------------------
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
for kind, g in GATES.items():
    for direction in ("forward", "reverse", "bidirectional"):
        for after in (False, True) if kind == "gru" else (False,):
            def sequence(x, *rest, kind=kind, g=g, direction=direction, after=after):
                d = 2 if direction == "bidirectional" else 1
                w = [K(rand(d, g * 5, 4)), K(rand(d, g * 5, 5)), K(rand(d, (g + after) * 5))]
                lengths = K([6, 4], i32)
                if kind == "lstm":
                    return o5.lstm_sequence(x, rest[0], rest[1], lengths, *w, 5, direction).outputs()
                if kind == "gru":
                    return o5.gru_sequence(x, rest[0], lengths, *w, 5, direction, linear_before_reset=after).outputs()
                return o5.rnn_sequence(x, rest[0], lengths, *w, 5, direction, ["relu"], [], []).outputs()
            d = 2 if direction == "bidirectional" else 1
            case(f"{kind}_sequence_{direction}" + ("_after" if after else ""),
                 [rand(2, 6, 4)] + [rand(2, d, 5, seed=s) for s in range(2 if kind == "lstm" else 1)], sequence)
H = [rand(2, 5, seed=s) for s in (3, 4)]
case("lstm_cell", [rand(2, 4)] + H, lambda x, h, c: o4.lstm_cell(x, h, c, K(rand(20, 4)), K(rand(20, 5)), K(rand(20)), 5).outputs())
case("gru_cell", [rand(2, 4)] + H[:1], lambda x, h: o3.gru_cell(x, h, K(rand(15, 4)), K(rand(15, 5)), K(rand(15)), 5))
case("gru_cell_after", [rand(2, 4)] + H[:1], lambda x, h: o3.gru_cell(x, h, K(rand(15, 4)), K(rand(15, 5)), K(rand(20)), 5, ["sigmoid", "tanh"], [], [], 0.0, True))
case("rnn_cell", [rand(2, 4)] + H[:1], lambda x, h: o3.rnn_cell(x, h, K(rand(5, 4)), K(rand(5, 5)), K(rand(5)), 5, ["tanh"], [], []))

# ---- pictures ----------------------------------------------------------------------------------
I = rand(1, 2, 5, 6)
for mode in "nearest linear linear_onnx cubic".split():
    for transform in "half_pixel asymmetric align_corners pytorch_half_pixel tf_half_pixel_for_nn".split():
        case(f"interpolate_{mode}_{transform}", [I], lambda x, m=mode, t=transform: o11.interpolate(x, K([9, 4], i64), m, "sizes", coordinate_transformation_mode=t, nearest_mode="floor", axes=K([2, 3], i64)))
for nearest in "round_prefer_floor round_prefer_ceil floor ceil simple".split():
    case("interpolate_" + nearest, [I], lambda x, n=nearest: o11.interpolate(x, K([2.0, 1.5], f32), "nearest", "scales", coordinate_transformation_mode="asymmetric", nearest_mode=n, axes=K([2, 3], i64)))
for mode in ("bilinear_pillow", "bicubic_pillow"):
    case("interpolate_" + mode, [I], lambda x, m=mode: o11.interpolate(x, K([3, 11], i64), m, "sizes", cube_coeff=-0.5 if "cubic" in m else -0.75, axes=K([2, 3], i64)))
case("interpolate_scales_all", [I], lambda x: o11.interpolate(x, K([1, 1, 2, 2], f32), "linear_onnx", "scales"))
case("interpolate_linear_down", [rand(1, 2, 9, 12)], lambda x: o11.interpolate(x, K([4, 5], i64), "linear", "sizes", axes=K([2, 3], i64)))
case("interpolate_linear_antialias", [rand(1, 2, 9, 12)], lambda x: o11.interpolate(x, K([4, 5], i64), "linear", "sizes", antialias=True, axes=K([2, 3], i64)))
for mode in "bilinear nearest bicubic".split():
    for padding in "zeros border reflection".split():
        case(f"grid_sample_{mode}_{padding}", [I, rand(1, 4, 3, 2) * 1.3], lambda x, g, m=mode, p=padding: o9.grid_sample(x, g, {"align_corners": p == "border", "mode": m, "padding_mode": p}))
ROIS = np.array([[0, 0, 3, 4], [1, 1, 5, 4.5]], f32)
for mode in ("avg", "max"):
    for aligned in ("asymmetric", "half_pixel_for_nn"):
        case(f"roi_align_{mode}_{aligned}", [rand(2, 2, 7, 8), ROIS], lambda x, r, m=mode, a=aligned: o9.roi_align(x, r, K([0, 1], i32), 3, 2, 2, 0.9, m, a))
case("roi_pooling", [rand(2, 2, 7, 8), np.array([[0, 0, 0, 3, 4], [1, 1, 1, 5, 6]], f32)], lambda x, r: OPSETS[2].roi_pooling(x, r, [3, 2], 1.0, "max"))
case("reorg_yolo", [rand(1, 8, 4, 6)], lambda x: OPSETS[2].reorg_yolo(x, [2]))
case("region_yolo", [rand(1, 16, 3, 4)], lambda x: o1.region_yolo(x, 4, 3, 2, True, [], 1, 3, [1, 2, 3, 4]))
case("region_yolo_3", [rand(1, 16, 3, 4)], lambda x: o1.region_yolo(x, 4, 3, 6, False, [0, 1], 1, 3, [1.0] * 12))
case("image_patches", [rand(1, 2, 6, 7)], lambda x: o3.extract_image_patches(x, [2, 3], [2, 2], [1, 1], "valid"))
case("col2im", [rand(1, 12, 9)], lambda x: o15.col2im(x, K([4, 4], i64), K([2, 2], i64)))
case("eye", [X], lambda x: o9.eye(K(3, i64), K(4, i64), K(1, i64), "f32"))

# ---- signals -----------------------------------------------------------------------------------
Z = rand(2, 6, 5, 2)
case("dft", [Z], lambda x: [o7.dft(x, K([1, 2], i64)), o7.dft(x, K([1], i64), K([8], i64))])
case("idft", [Z], lambda x: [o7.idft(x, K([1, 2], i64)), o7.idft(x, K([-1], i64), K([4], i64))])
case("rdft", [rand(2, 6, 5)], lambda x: [o9.rdft(x, K([1, 2], i64))])
case("irdft", [Z], lambda x: [o9.irdft(x, K([1, 2], i64)), o9.irdft(x, K([2], i64))])
case("stft", [rand(2, 40)], lambda x: [o15.stft(x, K(np.hanning(8).astype(f32)), K(10, i64), K(4, i64), t) for t in (True, False)])

# ---- boxes -------------------------------------------------------------------------------------
BOXES = np.array([[[0, 0, 1, 1], [0, .1, 1, 1.1], [0, -.1, 1, .9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]]], f32)
SCORES = np.array([[[.9, .75, .6, .95, .5, .3], [.1, .8, .2, .3, .7, .6]]], f32)
for n in (1, 3, 4, 5, 9):
    case(f"nms_{n}", [BOXES, SCORES], lambda b, s, n=n: OPSETS[n].non_max_suppression(b, s, K(3, i64), K(.5, f32), K(.25, f32), box_encoding="corner", sort_result_descending=False).outputs())
case("nms_center", [BOXES, SCORES], lambda b, s: o9.non_max_suppression(b, s, K(3, i64), K(.5, f32), K(.25, f32), box_encoding="center", sort_result_descending=True, output_type="i64").outputs())


def prior(kind, attrs):
    return lambda x, y: getattr(o8, kind)(K([3, 4], i64), K([300, 320], i64), attrs)


case("prior_box", [X, X], prior("prior_box", {"min_size": [16.0], "max_size": [38.46], "aspect_ratio": [2.0], "flip": True, "clip": True, "variance": [.1, .1, .2, .2], "step": 16.0, "offset": 0.5, "scale_all_sizes": True}))
case("prior_box_fixed", [X, X], prior("prior_box", {"fixed_size": [8.0], "fixed_ratio": [1.0, 2.0], "aspect_ratio": [2.0], "density": [2.0], "variance": [.1], "step": 16.0, "offset": 0.5}))
case("prior_clustered", [X, X], prior("prior_box_clustered", {"width": [86.0, 13.0], "height": [44.0, 10.0], "clip": False, "step": 16.0, "offset": 0.5, "variance": [.1, .1, .2, .2]}))
L, CONF = rand(1, 24) * .3, rand(1, 18, low=0, high=1)
PRIORS = np.stack([np.sort(rand(6, 4, low=0, high=1).reshape(6, 2, 2), 1).reshape(-1), np.full(24, .1, f32)])[None].astype(f32)
case("detection_output", [L, CONF, PRIORS], lambda a, b, p: o8.detection_output(a, b, p, {"background_label_id": 0, "top_k": 10, "keep_top_k": [8], "code_type": "caffe.PriorBoxParameter.CENTER_SIZE", "share_location": True, "nms_threshold": 0.45, "confidence_threshold": 0.2, "normalized": True}))


# ---- bodies ------------------------------------------------------------------------------------
def if_model():
    flag, x = o13.parameter([], bool, "flag"), o13.parameter([2, 3], f32, "x")
    a, b = o13.parameter([2, 3], f32), o13.parameter([2, 3], f32)
    yes, no = ov.Model([o13.add(a, K(1, f32))], [a]), ov.Model([o13.multiply(b, K(rand(3)))], [b])
    node = o8.if_op(flag.output(0))
    node.set_then_body(yes)
    node.set_else_body(no)
    node.set_input(x.output(0), a, b)
    node.set_output(yes.results[0], no.results[0])
    return ov.Model([o13.result(node.output(0))], [flag, x], "if")


def loop_model(trips, limit):
    x = o13.parameter([1, 3], f32, "x")
    i, state, k = o13.parameter([1], i64), o13.parameter([1, 3], f32), o13.parameter([1, 3], f32)
    total = o13.add(state, o13.multiply(k, o13.convert(i, "f32")))
    goes_on = o13.less(o13.reduce_max(total, K([0, 1], i64), False), K(limit, f32))
    body = ov.Model([goes_on, total], [i, state, k])
    node = o5.loop(K(trips, i64), K(True))
    node.set_function(body)
    node.set_special_body_ports([0, 0])
    node.set_merged_input(state, x.output(0), total.output(0))
    node.set_invariant_input(k, x.output(0))
    outs = [node.get_iter_value(total.output(0), -1), node.get_concatenated_slices(total.output(0), 0, 1, 1, -1, 0)]
    return ov.Model([o13.result(n) for n in outs], [x], "loop")


def iterator_model(backwards):
    x, h = o13.parameter([2, 6, 3], f32, "x"), o13.parameter([2, 1, 3], f32, "h")
    part, state = o13.parameter([2, 2, 3], f32), o13.parameter([2, 1, 3], f32)
    new = o13.tanh(o13.add(state, o13.reduce_sum(part, K([1], i64), True)))
    body = ov.Model([new], [part, state])
    node = o1.tensor_iterator()
    node.set_body(body)
    if backwards:
        node.set_sliced_input(part, x.output(0), -1, -2, 2, 0, 1)
    else:
        node.set_sliced_input(part, x.output(0), 0, 2, 2, -1, 1)
    node.set_merged_input(state, h.output(0), new.output(0))
    last = node.get_iter_value(new.output(0), -1)
    joined = node.get_concatenated_slices(new.output(0), *((-1, -1, 1, 0, 1) if backwards else (0, 1, 1, -1, 1)))
    return ov.Model([o13.result(last), o13.result(joined)], [x, h], "iterator")


def state_model():
    x = o13.parameter([2, 3], f32, "x")
    old = o3.read_value(K(rand(2, 3)), "state")
    new = o13.add(old, x)
    return ov.Model([o13.result(new)], [o3.assign(new, "state")], [x], "state")


CASES["if_true"] = None, lambda: (if_model(), [np.array(True), rand(2, 3)]), None
CASES["if_false"] = None, lambda: (if_model(), [np.array(False), rand(2, 3)]), None
CASES["loop_count"] = None, lambda: (loop_model(4, 1e9), [rand(1, 3)]), None
CASES["loop_limit"] = None, lambda: (loop_model(-1, 5.0), [rand(1, 3, low=.3, high=1)]), None
CASES["iterator"] = None, lambda: (iterator_model(False), [rand(2, 6, 3), rand(2, 1, 3)]), None
CASES["iterator_backwards"] = None, lambda: (iterator_model(True), [rand(2, 6, 3), rand(2, 1, 3)]), None
CASES["state"] = None, lambda: (state_model(), [rand(2, 3)]), None


def params(inputs, shapes):
    return [o13.parameter(list(x.shape) if not shapes else shapes[i], x.dtype, name=f"x{i}") for i, x in enumerate(inputs)]


def infer(core, model, inputs):
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    got = compiled(inputs)
    return [np.array(got[i]) for i in range(len(model.outputs))]


def store(array):
    """npy has no bf16; what OpenVINO gives as such is stored as f32."""
    return array if array.dtype.kind in "fiub" else array.astype(f32)


def write(folder, name, core):
    inputs, build, shapes = CASES[name]
    if inputs is None:
        model, inputs = build()
    else:
        p = params(inputs, shapes)
        nodes = build(*p)
        nodes = nodes if isinstance(nodes, list) else [nodes]
        model = ov.Model([o13.result(n) for n in nodes], p, name)
    path = os.path.join(folder, name)
    ov.serialize(model, path + ".xml", path + ".bin")
    for i, x in enumerate(inputs):
        np.save(f"{path}.in{i}.npy", x)
    for i, y in enumerate(infer(core, core.read_model(path + ".xml"), inputs)):
        np.save(f"{path}.out{i}.npy", store(y))
    if os.path.getsize(path + ".bin") == 0:
        os.remove(path + ".bin")


def main():
    folder, chosen = sys.argv[1], tuple(sys.argv[2:])
    os.makedirs(folder, exist_ok=True)
    core, bad = ov.Core(), 0
    for name in CASES:
        if chosen and not name.startswith(chosen):
            continue
        try:
            write(folder, name, core)
        except Exception as problem:  # a case that OpenVINO itself doesn't take
            bad += 1
            print(name, "-", str(problem).strip().splitlines()[-1][:200])
    print(f"{len(CASES)} cases, {bad} refused")


if __name__ == "__main__":
    main()
