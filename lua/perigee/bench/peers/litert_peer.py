"""LiteRT with XNNPACK, where a .tflite of the same network stands beside the model."""
import os

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from common import serve


class Peer:
    version = ai_edge_litert.__version__

    def __init__(self, model, threads, inputs):
        path = os.path.splitext(model)[0] + ".tflite"
        if not os.path.exists(path):
            raise FileNotFoundError(f"no {path} beside the model")
        self.net = Interpreter(path, num_threads=threads)
        self.net.allocate_tensors()
        for detail, array in zip(self.net.get_input_details(), inputs.values()):
            if list(array.shape) != list(detail["shape"]) and array.ndim == 4:
                array = np.ascontiguousarray(array.transpose(0, 2, 3, 1))
            self.net.set_tensor(detail["index"], array)

    def run(self):
        self.net.invoke()

    def outputs(self):
        return [(d["name"], self.net.get_tensor(d["index"])) for d in self.net.get_output_details()]


serve(Peer)
