"""What the generators of this folder share: an exported model, its inputs and its maker's own answers
as an ONNX test folder, with what ONNX Runtime makes of it beside them.

    DIR/NAME/model.onnx
    DIR/NAME/test_data_set_I/input_J.pb, output_J.pb
    DIR/NAME/tolerance              only where the default is not meant
    DIR/NAME/onnxruntime.json       {"verdict": ..., "seconds": ...}
    DIR/NAME/onnxruntime/           where it answers something else: a test folder with its answers
"""
import json
import os
import shutil
import time

import numpy as np
import onnx
from onnx import numpy_helper


def _array_proto(value, name, kind):
    value = np.asarray(value)
    if kind == onnx.TensorProto.STRING:
        return numpy_helper.from_array(value.astype(object), name)
    return numpy_helper.from_array(value.astype(onnx.helper.tensor_dtype_to_np_dtype(kind)), name)


def value_proto(value, type_proto, name):
    """A value as the message that its declared type asks for."""
    if type_proto.HasField("sequence_type"):
        inner = type_proto.sequence_type.elem_type
        proto = onnx.SequenceProto(name=name)
        is_map = inner.HasField("map_type")
        proto.elem_type = proto.MAP if is_map else proto.TENSOR
        (proto.map_values if is_map else proto.tensor_values).extend(value_proto(v, inner, "") for v in value)
        return proto
    if type_proto.HasField("map_type"):
        kind = type_proto.map_type
        proto = onnx.MapProto(name=name, key_type=kind.key_type)
        if kind.key_type == onnx.TensorProto.STRING:
            proto.string_keys.extend(k.encode() for k in value)
        else:
            proto.keys.extend(value)
        proto.values.elem_type = proto.values.TENSOR
        proto.values.tensor_values.extend(value_proto(v, kind.value_type, "") for v in value.values())
        return proto
    return _array_proto(value, name, type_proto.tensor_type.elem_type)


def write_values(folder, what, infos, values):
    for i, (info, value) in enumerate(zip(infos, values)):
        if value is None:
            continue
        with open(f"{folder}/{what}_{i}.pb", "wb") as file:
            file.write(value_proto(value, info.type, info.name).SerializeToString())


def _differs(actual, expected, rtol, atol):
    """Why two answers differ, or None."""
    if isinstance(expected, (list, dict)):
        keys = expected.keys() if isinstance(expected, dict) else range(len(expected))
        if len(actual) != len(expected):
            return "lengths differ"
        return next((d for d in (_differs(actual[k], expected[k], rtol, atol) for k in keys) if d), None)
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        return f"shapes {actual.shape}, {expected.shape}"
    if expected.dtype.kind in "OUS":
        return None if (actual.astype(str) == expected.astype(str)).all() else "strings differ"
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    if np.allclose(actual, expected, rtol, atol, equal_nan=True):
        return None
    return f"max abs diff {np.nanmax(np.abs(actual - expected)):g}"


def _run_peer(path, infos, sets, rtol, atol):
    """How ONNX Runtime fares with a test, and the seconds that loading and running took it."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    started = time.perf_counter()
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        answers = [session.run(None, {i.name: _feed(v, i.type) for i, v in zip(infos, inputs)
                                      if v is not None})
                   for inputs, _ in sets]
    except Exception as problem:  # every failure of the peer is an answer
        return {"verdict": "error", "reason": str(problem)[:200], "seconds": 0}
    seconds = time.perf_counter() - started
    for got, (_, expected) in zip(answers, sets):
        for g, e in zip(got, expected):
            why = e is not None and _differs(g, e, rtol, atol)
            if why:
                return {"verdict": "wrong", "reason": why, "seconds": seconds, "answers": answers}
    return {"verdict": "pass", "reason": "", "seconds": seconds}


def _feed(value, type_proto):
    if type_proto.HasField("tensor_type"):
        return np.asarray(value)
    return value


def without_traces(model):
    """Exporters note the Python lines that made each node: ten times the size of a small model."""
    for node in [*model.graph.node, *(n for f in model.functions for n in f.node)]:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for info in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        info.ClearField("metadata_props")


def write_case(root, name, model, sets, tolerance=None):
    """model: a ModelProto or the path of one; sets: [(inputs, outputs)] in the order of the graph's."""
    folder = f"{root}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    path = f"{folder}/model.onnx"
    if isinstance(model, str):
        model = onnx.load(model)
    without_traces(model)
    onnx.save(model, path)
    weights = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    for n, (given, expected) in enumerate(sets):
        data = f"{folder}/test_data_set_{n}"
        os.makedirs(data)
        write_values(data, "input", inputs, given)
        write_values(data, "output", model.graph.output, expected)
    rtol, atol = tolerance or (1e-3, 1e-5)
    if tolerance:
        with open(f"{folder}/tolerance", "w") as file:
            file.write(f"{rtol} {atol}\n")
    peer = _run_peer(path, inputs, sets, rtol, atol)
    answers = peer.pop("answers", None)
    if answers:
        for n, (given, _) in enumerate(sets):
            data = f"{folder}/onnxruntime/test_data_set_{n}"
            os.makedirs(data)
            write_values(data, "input", inputs, given)
            write_values(data, "output", model.graph.output, answers[n])
        shutil.copy(path, f"{folder}/onnxruntime/model.onnx")
    with open(f"{folder}/onnxruntime.json", "w") as file:
        json.dump(peer, file)
    if peer["verdict"] != "pass":
        print(f"{name}: onnxruntime: {peer['verdict']}: {peer['reason']}", flush=True)
