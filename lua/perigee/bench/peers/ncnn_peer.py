"""ncnn, through pnnx, which converts the ONNX file; f32 throughout."""
import os
import subprocess
import sys

import ncnn
import numpy as np

from common import serve

TYPES = {"float32": "f32", "int64": "i64", "int32": "i32"}


def to_ncnn(model, inputs, folder):
    stem = os.path.join(folder, "ncnn")
    shapes = ",".join(f"[{','.join(map(str, a.shape))}]{TYPES[str(a.dtype)]}"
                      for a in inputs.values())
    link = os.path.join(folder, "model.onnx")  # pnnx writes beside what it reads
    os.symlink(os.path.abspath(model), link)
    tool = os.path.join(os.path.dirname(sys.executable), "pnnx")
    subprocess.run(
        [tool, link, f"inputshape={shapes}", "fp16=0", f"ncnnparam={stem}.param",
         f"ncnnbin={stem}.bin", f"ncnnpy={stem}_ncnn.py", f"pnnxparam={stem}.pnnx.param",
         f"pnnxbin={stem}.pnnx.bin", f"pnnxpy={stem}_pnnx.py", f"pnnxonnx={stem}.pnnx.onnx"],
        check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return stem


class Peer:
    version = ncnn.__version__
    convert = staticmethod(to_ncnn)

    def __init__(self, stem, threads, inputs):
        self.net = ncnn.Net()
        option = self.net.opt
        option.num_threads = threads
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
        option.use_bf16_storage = False
        if self.net.load_param(stem + ".param") or self.net.load_model(stem + ".bin"):
            raise RuntimeError("can't load what pnnx wrote")
        self.inputs = []
        for i, array in enumerate(inputs.values()):
            array = np.ascontiguousarray(array[0] if array.ndim == 4 else array)
            self.inputs.append((f"in{i}", ncnn.Mat(array).clone()))

    def run(self):
        with self.net.create_extractor() as extractor:
            for name, mat in self.inputs:
                extractor.input(name, mat)
            self.results = [extractor.extract(name)[1] for name in self.net.output_names()]

    def outputs(self):
        return [(name, np.array(mat)) for name, mat in zip(self.net.output_names(), self.results)]


serve(Peer)
