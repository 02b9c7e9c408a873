"""Writes MNN's models of ONNX's node tests, with MNN's own outputs.

usage: make_mnn.py NODE_TESTS OUT [NAME...]
needs: MNN, onnx, numpy. NODE_TESTS holds NAME/model.onnx and NAME/test_data_set_0.
OUT/NAME/ gets model.mnn, in*.npy, out*.npy and io.txt ("in|out INDEX NAME").
"""
import os
import sys

import _tools
import MNN
import MNN.expr
import MNN.nn
import numpy as np
import onnx
from onnx import numpy_helper


def read(path):
    with open(path, "rb") as file:
        return numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))


def run(model, names, arrays, outputs):
    runtime = MNN.nn.create_runtime_manager(
        ({"backend": "CPU", "precision": "high", "numThread": 1},))
    net = MNN.nn.load_module_from_file(model, names, outputs, runtime_manager=runtime)
    values = []
    for array in arrays:
        kind = MNN.expr.float if array.dtype == np.float32 else MNN.expr.int
        value = MNN.expr.placeholder(list(array.shape), MNN.expr.NCHW, kind)
        value.write(np.ascontiguousarray(array))
        values.append(value)
    results = net.forward(values)
    return [np.array((MNN.expr.convert(r, MNN.expr.NCHW) if len(r.shape) == 4 else r).read())
            for r in results]


def make(source, folder):
    graph = onnx.load(source + "/model.onnx").graph
    known = {i.name for i in graph.initializer}
    names = [i.name for i in graph.input if i.name not in known]
    outputs = [o.name for o in graph.output]
    arrays = [read(f"{source}/test_data_set_0/input_{i}.pb") for i in range(len(names))]
    arrays = [a if a.dtype == np.float32 else a.astype(np.int32) for a in arrays]
    os.makedirs(folder, exist_ok=True)
    model = folder + "/model.mnn"
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", source + "/model.onnx",
                       "--MNNModel", model, "--bizCode", "spec"])
    with open(folder + "/io.txt", "w") as io:
        for i, (name, array) in enumerate(zip(names, arrays)):
            np.save(f"{folder}/in{i}.npy", array)
            io.write(f"in {i} {name}\n")
        for i, (name, array) in enumerate(zip(outputs, run(model, names, arrays, outputs))):
            np.save(f"{folder}/out{i}.npy", array)
            io.write(f"out {i} {name}\n")


tests, out, *chosen = sys.argv[1:]
for name in chosen or sorted(os.listdir(tests)):
    child = os.fork()  # the converter ends the process where it can't go on
    if child == 0:
        make(f"{tests}/{name}", f"{out}/{name.removeprefix('test_')}")
        os._exit(0)
    os.waitpid(child, 0)
