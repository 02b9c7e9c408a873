"""Small Caffe nets, one a layer or a combination, with seeded weights, and what OpenCV's DNN module
(Debian's python3-opencv, 4.x) computes for them. Writes NAME.prototxt, NAME.caffemodel, NAME.in.npy
and NAME.out.npy into a folder: the one beside this script, or the one that is given.
"""
import os
import struct
import sys

import cv2
import numpy as np

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "caffe")


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array):
    shape = b"".join(varint(n) for n in array.shape)
    return field(5, array.astype("<f4").tobytes()) + field(7, field(1, shape))


def model(layers):
    out = b""
    for name, kind, blobs in layers:
        body = field(1, name.encode()) + field(2, kind.encode())
        out += field(100, body + b"".join(field(7, blob(b)) for b in blobs))
    return out


def layer(name, kind, params="", blobs=(), bottom="x", top=None):
    tops = top or name
    bottoms = "".join(f' bottom: "{b}"' for b in bottom.split())
    text = f'layer {{ name: "{name}" type: "{kind}"{bottoms} top: "{tops}" {params} }}\n'
    return text, (name, kind, list(blobs))


def net(shape, *layers):
    dims = " ".join(f"dim: {n}" for n in shape)
    head = f'name: "case"\nlayer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
    return shape, head + "".join(t for t, _ in layers), model([b for _, b in layers])


rng = np.random.default_rng(1)


def w(*shape):
    return rng.normal(0, (2 / max(np.prod(shape[1:]), 1)) ** 0.5, shape)


IMAGE = (1, 6, 9, 11)


def cases():
    conv = "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }"
    yield "conv", net(IMAGE, layer("y", "Convolution", conv, [w(4, 6, 3, 3), w(4)]))
    yield "conv_hw", net(IMAGE, layer(
        "y", "Convolution", "convolution_param { num_output: 6 kernel_h: 3 kernel_w: 1 pad_h: 2 "
        "pad_w: 0 stride_h: 1 stride_w: 2 group: 3 bias_term: false dilation: 2 }", [w(6, 2, 3, 1)]))
    yield "deconv", net(IMAGE, layer(
        "y", "Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }",
        [w(6, 4, 4, 4), w(4)]))
    yield "fc", net(IMAGE, layer("y", "InnerProduct", "inner_product_param { num_output: 5 }",
                                 [w(5, 594), w(5)]))
    for kind in ("MAX", "AVE"):
        for k, s, p in ((3, 2, 0), (3, 2, 1), (2, 2, 0), (3, 3, 1), (5, 3, 2)):
            yield f"pool_{kind.lower()}_{k}{s}{p}", net(IMAGE, layer(
                "y", "Pooling", f"pooling_param {{ pool: {kind} kernel_size: {k} stride: {s} pad: {p} }}"))
        yield f"pool_{kind.lower()}_global", net(IMAGE, layer(
            "y", "Pooling", f"pooling_param {{ pool: {kind} global_pooling: true }}"))
    for kind, params in (
            ("ReLU", ""), ("ReLU", "relu_param { negative_slope: 0.1 }"), ("Sigmoid", ""), ("TanH", ""),
            ("AbsVal", ""), ("BNLL", ""), ("ELU", ""), ("Power", "power_param { power: 2 scale: 3 shift: 1 }"),
            ("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }"), ("Softmax", ""),
            ("MVN", ""), ("MVN", "mvn_param { across_channels: true normalize_variance: false }"),
            ("Flatten", ""), ("Flatten", "flatten_param { axis: 1 end_axis: 2 }"),
            ("Reshape", "reshape_param { shape { dim: 0 dim: 3 dim: -1 } }"),
            ("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
            ("Dropout", ""), ("ShuffleChannel", "shuffle_channel_param { group: 3 }"),
            ("Reshape", "reshape_param { shape { dim: -1 } axis: 1 num_axes: 2 }")):
        yield f"{kind.lower()}_{len(params)}", net(IMAGE, layer("y", kind, params))
    yield "prelu", net(IMAGE, layer("y", "PReLU", "", [w(6)]))
    yield "norm", net(IMAGE, layer("b", "BatchNorm", "", [w(6), np.abs(w(6)) + 1, np.array([2.0])]),
                      layer("y", "Scale", "scale_param { bias_term: true }", [w(6), w(6)], bottom="b"))
    yield "in_place", net(IMAGE, layer("c", "Convolution", conv, [w(4, 6, 3, 3), w(4)]),
                          layer("r", "ReLU", "", bottom="c", top="c"),
                          layer("d", "Convolution", "convolution_param { num_output: 3 kernel_size: 1 }",
                                [w(3, 4, 1, 1), w(3)], bottom="c"))
    for op in ("SUM", "PROD", "MAX"):
        coeff = "coeff: 2 coeff: -1" if op == "SUM" else ""
        yield f"eltwise_{op.lower()}", net(
            IMAGE, layer("a", "TanH"), layer("b", "Sigmoid"),
            layer("y", "Eltwise", f"eltwise_param {{ operation: {op} {coeff} }}", bottom="a b"))
    yield "concat", net(IMAGE, layer("a", "TanH"), layer("y", "Concat", "", bottom="x a"))
    yield "slice", net(IMAGE, layer("s", "Slice", "slice_param { axis: 1 slice_point: 2 }", top='a" top: "b'),
                       layer("y", "Concat", "", bottom="b a"))
    yield "crop", net(IMAGE, layer("a", "Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
                      layer("y", "Crop", "crop_param { axis: 2 offset: 1 offset: 2 }", bottom="x a"))
    yield "normalize", net(IMAGE, layer(
        "y", "Normalize", "norm_param { across_spatial: false channel_shared: false }", [np.abs(w(6))]))
    prior = ("prior_box_param { min_size: 20 max_size: 45 aspect_ratio: 2 flip: true clip: false "
             "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 step: 8 }")
    yield "priorbox", net((1, 3, 64, 48), layer("f", "Pooling", "pooling_param { pool: MAX kernel_size: 8 stride: 8 }"),
                          layer("y", "PriorBox", prior, bottom="f x"))
    yield "ssd", ssd_net(prior)


def ssd_net(prior):
    one = "convolution_param { num_output: %d kernel_size: 1 }"
    head = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
    return net(
        (1, 3, 64, 48), layer("f", "Pooling", "pooling_param { pool: AVE kernel_size: 8 stride: 8 }"),
        layer("p", "PriorBox", prior, bottom="f x"),
        layer("l", "Convolution", one % 16, [w(16, 3, 1, 1) * 0.3, w(16) * 0.1], bottom="f"),
        layer("lp", "Permute", head, bottom="l"), layer("lf", "Flatten", bottom="lp"),
        layer("c", "Convolution", one % 12, [w(12, 3, 1, 1) * 4, w(12)], bottom="f"),
        layer("cp", "Permute", head, bottom="c"),
        layer("cr", "Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }", bottom="cp"),
        layer("cs", "Softmax", "softmax_param { axis: 2 }", bottom="cr"), layer("cf", "Flatten", bottom="cs"),
        layer("y", "DetectionOutput", "detection_output_param { num_classes: 3 share_location: true "
              "background_label_id: 0 nms_param { nms_threshold: 0.4 top_k: 30 } code_type: CENTER_SIZE "
              "keep_top_k: 12 confidence_threshold: 0.3 }", bottom="lf cf p"))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, (shape, text, weights) in cases():
        stem = os.path.join(FOLDER, name)
        with open(stem + ".prototxt", "w") as file:
            file.write(text)
        with open(stem + ".caffemodel", "wb") as file:
            file.write(weights)
        x = np.random.default_rng(len(name)).normal(0, 1, shape).astype("f4")
        try:
            runtime = cv2.dnn.readNetFromCaffe(stem + ".prototxt", stem + ".caffemodel")
            runtime.setInput(x, "x")
            out = runtime.forward()
        except cv2.error as problem:
            print(name, str(problem).splitlines()[-1], file=sys.stderr)
            for ending in (".prototxt", ".caffemodel"):
                os.remove(stem + ending)
            continue
        np.save(stem + ".in.npy", x)
        np.save(stem + ".out.npy", out)


main()
