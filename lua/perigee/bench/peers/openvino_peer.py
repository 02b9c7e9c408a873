"""OpenVINO, CPU, tuned for latency; precision f32, or with the option "default" what it picks."""
import sys

import openvino

from common import serve


class Peer:
    version = openvino.__version__.split("-")[0]

    def __init__(self, model, threads, inputs):
        settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": "1",
                    "PERFORMANCE_HINT": "LATENCY"}
        if "default" not in sys.argv[4:]:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = openvino.Core().compile_model(model, "CPU", settings)
        self.note = str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
        self.request = compiled.create_infer_request()
        self.ports = compiled.outputs
        for name, array in inputs.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))

    def run(self):
        self.request.infer()

    def outputs(self):
        return [(port.get_any_name(), self.request.get_tensor(port).data.copy())
                for port in self.ports]


serve(Peer)
