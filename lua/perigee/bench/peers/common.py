"""What every peer's adapter shares: the protocol of perigee.bench.engine.

A peer is a class: convert(model, inputs, folder), if it has one, gives what to load in its own format;
Peer(model, threads, inputs) loads it; run() computes; outputs() gives [(name, array)] of the last
run. `version` and `note` say what was measured. Arguments: MODEL FOLDER THREADS [OPTION]; FOLDER holds inputs.json, a list of names, and
0.npy, 1.npy ... in its order. Answers are lines of JSON.
"""
import json
import os
import statistics
import sys
import time

import numpy as np


def resident(field):
    """VmHWM or VmRSS of this process, in bytes."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def measure(run, seconds):
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return {"n": len(times), "median_ms": statistics.median(times), "min_ms": min(times)}


def serve(make):
    model, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # What libraries print goes to stderr; the answers keep the pipe.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields):
        print(json.dumps(fields), file=answers, flush=True)

    with open(os.path.join(folder, "inputs.json")) as file:
        names = json.load(file)
    inputs = {name: np.load(os.path.join(folder, f"{i}.npy")) for i, name in enumerate(names)}
    before = resident("VmRSS")
    try:
        if hasattr(make, "convert"):
            model = make.convert(model, inputs, folder)
        start = time.perf_counter()
        peer = make(model, threads, inputs)
        loaded = time.perf_counter()
        peer.run()
        first = time.perf_counter()
        outputs = peer.outputs()
    except Exception as problem:  # whatever a peer says, the others are measured
        answer(error=f"{type(problem).__name__}: {problem}")
        return
    out = os.path.join(folder, f"{os.getpid()}")
    for i, (_, array) in enumerate(outputs):
        np.save(f"{out}-{i}.npy", np.ascontiguousarray(array))
    answer(version=peer.version, note=getattr(peer, "note", None), outputs=[n for n, _ in outputs],
           files=out, load_ms=(loaded - start) * 1e3, first_ms=(first - loaded) * 1e3,
           base_bytes=before)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "run":
            answer(**measure(peer.run, float(rest[0])))
        else:
            answer(peak_bytes=resident("VmHWM"))
            break
