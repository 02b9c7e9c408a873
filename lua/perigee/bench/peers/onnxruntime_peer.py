"""ONNX Runtime, CPU, all graph optimisations, sequential."""
import onnxruntime

from common import serve


class Peer:
    version = onnxruntime.__version__

    def __init__(self, model, threads, inputs):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        self.inputs = inputs
        self.names = [o.name for o in self.session.get_outputs()]

    def run(self):
        self.results = self.session.run(None, self.inputs)

    def outputs(self):
        return list(zip(self.names, self.results))


serve(Peer)
