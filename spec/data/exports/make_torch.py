"""Exports PyTorch modules with both of its ONNX exporters into ONNX test folders.

    python make_torch.py OUT [--only REGEX] [--tables nn,ops,...] [--shard I/N] [--ort]

Each case of the tables (torch_cases_*.py) becomes folders OUT/CASE.EXPORTER-OPSET[-dyn] with
model.onnx and test_data_set_N/{input,output}_I.pb, N = 0 for the inputs of the export and 1 for a
batch of another size where the case allows it.  Expected outputs are torch's own.  OUT/log-I.tsv has a
line a folder: name, exported|refused, reason, and with --ort what ONNX Runtime made of it.
"""
import argparse
import contextlib
import importlib
import io
import logging
import os
import re
import shutil
import signal
import sys
import time
import warnings
import zlib
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.utils import _pytree as pytree

EXPORT_SECONDS = 240
NEWEST_SCRIPT = 20
TABLES = ["nn", "ops", "flow", "quant", "vision", "timm"]


class Function(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


class Case:
    """A module (or function) with inputs and how to export it.

    build:   returns the module; called after seeding
    inputs:  a function that returns the tuple of arguments, or the tuple
    batch:   inputs may be doubled along dimension 0 for a second data set
    script:  opsets for the TorchScript exporter, () for none
    dynamo:  opsets for the exporter on torch.export
    dynamic: whether exports with dynamic axes are made as well
    """

    def __init__(self, name, build, inputs, batch=True, script=(9, 13, 17, 20), dynamo=(18, 23),
                 dynamic=True, scripted=False):
        self.name, self.build, self.make_inputs = name, build, inputs
        self.batch, self.script, self.dynamo = batch, script, dynamo
        self.dynamic, self.scripted = dynamic, scripted

    def variants(self):
        # torch.export takes a second or more: the oldest opset stands still, the newest is dynamic.
        for opset in self.dynamo[:1] if self.dynamic else self.dynamo:
            yield "dynamo", opset, False
        if self.dynamic and self.dynamo:
            yield "dynamo", self.dynamo[-1], True
        for opset in self.script:
            yield "script", opset, False
        if self.dynamic and self.script:
            yield "script", self.script[-1], True

    def module_and_inputs(self):
        torch.manual_seed(zlib.crc32(self.name.encode()) % 100000)
        module = self.build()
        if self.scripted:
            module = torch.jit.script(module)
        inputs = self.make_inputs() if callable(self.make_inputs) else self.make_inputs
        return module.eval(), inputs


def tensors(tree):
    """The tensors of nested results in order, numbers as tensors."""
    leaves = [x for x in pytree.tree_leaves(tree) if x is not None]
    return [x if isinstance(x, torch.Tensor) else torch.tensor(x) for x in leaves]


def to_numpy(t):
    t = t.detach().cpu().resolve_conj().resolve_neg().contiguous()
    if t.dtype == torch.bfloat16:
        return t.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    for name in ("float8_e4m3fn", "float8_e5m2"):
        if t.dtype == getattr(torch, name):
            return t.view(torch.uint8).numpy().view(getattr(ml_dtypes, name))
    return t.numpy()


def double(tree):
    return pytree.tree_map(
        lambda t: torch.cat([t, t.flip(0)]) if isinstance(t, torch.Tensor) and t.dim() else t, tree)


def export(module, inputs, path, exporter, opset, is_dynamic):
    if exporter == "script":
        kwargs = {}
        if is_dynamic:
            flat = tensors(inputs)
            names = [f"in{i}" for i in range(len(flat))]
            axes = {n: {d: f"{n}_{d}" for d in range(t.dim())} for n, t in zip(names, flat)}
            kwargs = {"input_names": names, "dynamic_axes": axes}
        torch.onnx.export(module, inputs, str(path), dynamo=False, opset_version=opset, **kwargs)
        return
    shapes = None
    if is_dynamic:
        auto = torch.export.Dim.AUTO
        shapes = pytree.tree_map(
            lambda t: {d: auto for d in range(t.dim())} if isinstance(t, torch.Tensor) else None, inputs)
        if isinstance(module, Function):
            shapes = (shapes,)
    torch.onnx.export(module, inputs, str(path), dynamo=True, opset_version=opset, verbose=False,
                      dynamic_shapes=shapes, external_data=False)


def write_set(folder, names, inputs, outputs):
    folder.mkdir()
    for kind, values in (("input", inputs), ("output", outputs)):
        for i, value in enumerate(values):
            proto = numpy_helper.from_array(to_numpy(value), names[kind][i])
            (folder / f"{kind}_{i}.pb").write_bytes(proto.SerializeToString())


def run_case(case, variant, out):
    exporter, opset, is_dynamic = variant
    name = f"{case.name}.{exporter}-{opset}" + ("-dyn" if is_dynamic else "")
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    module, inputs = case.module_and_inputs()
    with torch.no_grad():
        expected = [(inputs, tensors(module(*inputs)))]
        export(module, inputs, folder / "model.onnx", exporter, opset, is_dynamic)
        if is_dynamic and case.batch:
            again = double(inputs)
            expected.append((again, tensors(module(*again))))
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    initial = {t.name for t in graph.initializer}
    names = {"input": [v.name for v in graph.input if v.name not in initial],
             "output": [v.name for v in graph.output]}
    for i, (args, results) in enumerate(expected):
        args = tensors(args)
        if len(args) != len(names["input"]):
            raise ValueError(f"{len(names['input'])} graph inputs for {len(args)} tensors")
        if len(results) != len(names["output"]):
            raise ValueError(f"{len(names['output'])} graph outputs for {len(results)} tensors")
        write_set(folder / f"test_data_set_{i}", names, args, results)
    return name, folder


def ort_verdict(folder):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    started = time.perf_counter()
    try:
        session = ort.InferenceSession(str(folder / "model.onnx"), options)
        for data in sorted(folder.glob("test_data_set_*")):
            def read(kind, i):
                return numpy_helper.to_array(onnx.load_tensor(data / f"{kind}_{i}.pb"))
            feeds = {v.name: read("input", i) for i, v in enumerate(session.get_inputs())}
            for i, actual in enumerate(session.run(None, feeds)):
                expected = read("output", i)
                if isinstance(actual, list) or actual.shape != expected.shape:
                    return f"wrong shape of output {i}", 0
                if actual.dtype != expected.dtype:
                    return f"wrong type of output {i}: {actual.dtype}, torch {expected.dtype}", 0
                if actual.dtype.kind not in "fcbiu":
                    actual, expected = actual.astype(np.float32), expected.astype(np.float32)
                if not np.allclose(actual, expected, 1e-3, 1e-5, equal_nan=True):
                    return f"wrong by {np.nanmax(np.abs(actual - expected))} in output {i}", 0
    except Exception as problem:
        return "error: " + " ".join(str(problem).split())[:160], 0
    return "pass", time.perf_counter() - started


def on_alarm(*_):
    raise TimeoutError(f"more than {EXPORT_SECONDS} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--ort", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, on_alarm)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    cases = []
    for table in args.tables.split(","):
        cases += importlib.import_module("torch_cases_" + table).CASES
    shard, n_shards = map(int, args.shard.split("/"))
    args.out.mkdir(parents=True, exist_ok=True)
    log = open(args.out / f"log-{args.tables.replace(',', '_')}-{shard}.tsv", "a", buffering=1)
    for case in cases[shard::n_shards]:
        if not re.search(args.only, case.name):
            continue
        for variant in case.variants():
            name = f"{case.name}.{variant[0]}-{variant[1]}" + ("-dyn" if variant[2] else "")
            signal.alarm(EXPORT_SECONDS)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    _, folder = run_case(case, variant, args.out)
            except Exception as problem:
                shutil.rmtree(args.out / name, ignore_errors=True)
                text = " ".join(str(problem).split())[:200]
                log.write(f"{name}\trefused\t{type(problem).__name__}: {text}\n")
                continue
            finally:
                signal.alarm(0)
            verdict, seconds = ort_verdict(folder) if args.ort else ("", 0)
            log.write(f"{name}\texported\t{verdict}\t{seconds:.4f}\n")


if __name__ == "__main__":
    # The tables import this file by name: their classes and these must be the same.
    from make_torch import main as run

    run()
