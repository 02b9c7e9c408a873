"""MNN, converted by its own extension module (its script installs packages), precision high."""
import os

import _tools
import MNN
import MNN.expr
import MNN.nn
import numpy as np

from common import serve

TYPES = {"float32": MNN.expr.float, "int32": MNN.expr.int, "int64": MNN.expr.int}


def to_mnn(model, inputs, folder):
    path = os.path.join(folder, "peer.mnn")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", model, "--MNNModel", path,
                       "--bizCode", "bench"])
    return path, names_of(model)


def names_of(model):
    import onnx
    graph = onnx.load(model, load_external_data=False).graph
    known = {i.name for i in graph.initializer}
    return [i.name for i in graph.input if i.name not in known], [o.name for o in graph.output]


class Peer:
    version = MNN.version()
    note = "its package has no AVX-512"

    convert = staticmethod(to_mnn)

    def __init__(self, model, threads, inputs):
        path, (ins, self.names) = model
        runtime = MNN.nn.create_runtime_manager(
            ({"backend": "CPU", "precision": "high", "numThread": threads},))
        self.net = MNN.nn.load_module_from_file(path, ins, self.names, runtime_manager=runtime)
        self.inputs = []
        for name in ins:
            array = inputs[name]
            kind = TYPES[str(array.dtype)]
            value = MNN.expr.placeholder(list(array.shape), MNN.expr.NCHW, kind)
            value.write(np.ascontiguousarray(
                array.astype(np.int32) if kind == MNN.expr.int else array))
            self.inputs.append(value)

    def run(self):
        self.results = self.net.forward(self.inputs)
        for value in self.results:
            value.read()  # computes

    def outputs(self):
        return [(name, np.array(MNN.expr.convert(v, MNN.expr.NCHW).read()))
                for name, v in zip(self.names, self.results)]


serve(Peer)
