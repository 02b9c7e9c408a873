"""Trains, measures and exports the perigee line reader (a small CRNN with a CTC head).

Needs Python 3.9+, torch, numpy, pillow, fonttools, onnx and onnxruntime, and as many fonts as can
be had (README.md names the Debian packages). Everything runs on a CPU:

    python3 train.py testset --seed 7               # testset/ from the held-out fonts
    python3 train.py samples                        # samples/ and labels.txt
    python3 train.py pool --lines 200000            # training lines, as many as you like
    python3 train.py train --minutes 60             # model.pt and ocr.onnx
    python3 train.py eval                           # accuracy of ocr.onnx on testset/
    python3 train.py export                         # model.pt to ocr.onnx again

`pool` and `train` may run at the same time: training takes in new shards as they appear.
"""
import argparse
import glob
import json
import math
import os
import random
import time
import warnings

import numpy as np

# Both must be set before torch is loaded: keep the kernels of every batch shape, and let waiting
# threads soon sleep, since spinning ones starve the rest when the machine is busy.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import data

CLASSES = len(data.LABELS)
HERE = os.path.dirname(os.path.abspath(__file__))


# ---------------------------------------------------------------------------------------- model

class Reader(nn.Module):
    """[N,1,32,W] grey in 0..1 -> [N,W/4,96] logits.

    Strides take the place of pooling: on a CPU the pooling and normalisation of wide, shallow maps
    would cost more than all the convolutions.
    """

    #        out kernel  stride  padding        rows after it
    LAYERS = ((32, (5, 5), (2, 2), (2, 2)),   # 16
              (32, (3, 3), (1, 1), (1, 1)),   # 16
              (64, (3, 3), (2, 2), (1, 1)),   # 8
              (72, (3, 3), (1, 1), (1, 1)),   # 8
              (96, (3, 3), (2, 1), (1, 1)),   # 4
              (112, (3, 3), (2, 1), (1, 1)),  # 2
              (112, (2, 3), (1, 1), (0, 1)))  # 1

    def __init__(self, hidden=96):
        super().__init__()
        self.convs, self.norms, last = nn.ModuleList(), nn.ModuleList(), 1
        for out, kernel, stride, padding in self.LAYERS:
            self.convs.append(nn.Conv2d(last, out, kernel, stride, padding, bias=False))
            self.norms.append(nn.BatchNorm2d(out))
            last = out
        self.lstm = nn.LSTM(last, hidden, bidirectional=True)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden, CLASSES)

    def forward(self, image):
        x = image
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x)))
        x = x.squeeze(2).permute(2, 0, 1)  # the height is 1 now: [N,C,1,T] -> [T,N,C]
        x, _ = self.lstm(x)
        return self.head(self.drop(x.transpose(0, 1)))


# ------------------------------------------------------------------------------------- decoding

def greedy(logits):
    """Best class per step, repeats merged, blanks dropped. logits: [T,96]."""
    text, last = [], 0
    for k in np.asarray(logits).argmax(-1):
        if k != last and k:
            text.append(data.LABELS[k])
        last = k
    return "".join(text)


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        left, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (x != y))
    return row[-1]


def read_testset(folder):
    with open(os.path.join(folder, "labels.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return [(kind, family, text, data.to_input(Image.open(os.path.join(folder, name))))
            for name, kind, family, text in rows]


def score(rows, logits_of):
    """{kind: (character accuracy, share of lines read without error)} and the wrong lines."""
    totals, wrong = {}, []
    for kind, family, text, a in rows:
        out = greedy(logits_of(a.astype(np.float32)[None, None] / 255)[0])
        errors = edit_distance(text, out)
        t = totals.setdefault(kind, [0, 0, 0, 0])
        for i, v in enumerate((errors, len(text), errors == 0, 1)):
            t[i] += v
        if errors:
            wrong.append((kind, family, text, out))
    return {k: (1 - e / n, ok / m) for k, (e, n, ok, m) in totals.items()}, wrong


# ------------------------------------------------------------------------------------- training

class Pool:
    """Training lines in memory, taken from the shards on disk, batched by width."""

    def __init__(self, folder, limit, rng):
        self.folder, self.limit, self.rng = folder, limit, rng
        self.seen, self.lines = set(), []

    def refresh(self):
        new = sorted(set(glob.glob(os.path.join(self.folder, "shard_*.npz"))) - self.seen)
        for path in new:
            if len(self.lines) >= self.limit:
                break
            self.lines += data.read_shard(path)
            self.seen.add(path)

    def batches(self, columns):
        """One pass in batches of about `columns` image columns, each of one width class."""
        rng, classes = self.rng, {}
        for i, (a, _) in enumerate(self.lines):
            classes.setdefault(width_class(a.shape[1] * rng.uniform(1, 1.03)), []).append(i)
        batches = []
        for width, members in classes.items():
            rng.shuffle(members)
            n = max(16, min(160, columns // width))
            batches += [(width, members[k:k + n]) for k in range(0, len(members) - n + 1, n)]
        rng.shuffle(batches)
        for width, batch in batches:
            yield width, [self.lines[i] for i in batch]


def width_class(width):
    """Few different widths, since the CPU kernels are compiled anew for each shape of a batch."""
    step = 8 if width <= 96 else 16 if width <= 192 else 32
    return math.ceil(width / step) * step


def collate(width, lines, rng):
    """Pads with the outer columns, as paper would go on; targets as CTC wants them."""
    images = []
    width += rng.randint(0, 3)  # every remainder of the stride of 4 must be known at the right edge
    for a, _ in lines:
        free = width - a.shape[1]
        left = rng.randint(0, free) if rng.random() < 0.5 else 0
        images.append(np.pad(a, ((0, 0), (left, free - left)), "edge"))
    targets = torch.tensor([ord(c) - 31 for _, t in lines for c in t])
    return (torch.from_numpy(np.stack(images)).float().div_(255).unsqueeze(1), targets,
            torch.tensor([len(t) for _, t in lines]))


def augment(x, rng):
    """Cheap changes that make a line of the pool new each time it is seen."""
    n = x.shape[0]
    if rng.random() < 0.35:  # narrower or wider letters; never narrower than the labels allow
        width = width_class(x.shape[3] * rng.uniform(0.96, 1.18)) + rng.randint(0, 3)
        x = F.interpolate(x, size=(x.shape[2], width), mode="bilinear")
    gain = torch.empty(n, 1, 1, 1).uniform_(0.75, 1.0)
    shift = torch.rand(n, 1, 1, 1) * (1 - gain)
    changed = torch.rand(n, 1, 1, 1) < 0.4
    x = torch.where(changed, x * gain + shift, x)
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.12, 1 - x, x)
    if rng.random() < 0.3:
        x = x + torch.randn_like(x) * (torch.rand(n, 1, 1, 1) * 0.04)
    return x.clamp_(0, 1)


def keep_memory():
    """Tells glibc not to give large blocks back: fetching them again costs a third of a step."""
    try:
        import ctypes
        libc = ctypes.CDLL("libc.so.6")
        for option, value in ((-4, 0), (-1, 1 << 30), (-2, 1 << 27)):  # mmap max, trim, top pad
            libc.mallopt(option, value)
    except (OSError, AttributeError):  # another C library: slower, nothing else
        pass


class Threads:
    """Tries one thread against all of them now and then: on a busy machine one can be faster."""

    def __init__(self, most, every=300, trial=6):
        self.most, self.every, self.trial = most, every, trial
        self.times = {1: [], most: []}
        torch.set_num_threads(most)

    def after(self, step, seconds):
        phase = step % self.every
        if self.most == 1 or phase > 2 * self.trial:
            return
        if phase:
            self.times[1 if phase <= self.trial else self.most].append(seconds)
        if phase == 2 * self.trial:
            best = min(self.times, key=lambda n: sorted(self.times[n])[len(self.times[n]) // 2])
            self.times = {1: [], self.most: []}
        else:
            best = 1 if phase < self.trial else self.most
        torch.set_num_threads(best)


def train(args):
    keep_memory()
    threads = Threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    pool = Pool(args.pool, args.limit, rng)
    pool.refresh()
    if not pool.lines:
        raise SystemExit(f"no shards in {args.pool}; run the pool command first")
    net = Reader()
    if args.resume:
        net.load_state_dict(torch.load(args.resume))
    if args.channels_last:
        net = net.to(memory_format=torch.channels_last)
    print(sum(p.numel() for p in net.parameters()), "parameters;", len(pool.lines), "lines")
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=0.01, fused=True)
    ctc = nn.CTCLoss(zero_infinity=True)
    test = read_testset(args.testset) if os.path.isdir(args.testset) else []
    start, step, best, running = time.time(), 0, -1.0, None
    progress = 0.0
    next_eval = args.eval_minutes * 60
    while progress < 1:
        pool.refresh()
        for width, lines in pool.batches(args.columns):
            began = time.time()
            elapsed = time.time() - start
            progress = step / args.steps if args.steps else elapsed / (60 * args.minutes)
            if progress >= 1:
                break
            # One cycle: a short warm-up, then a cosine down to almost nothing.
            rate = 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2
            for group in opt.param_groups:
                group["lr"] = args.lr * rate * min(1, (step + 1) / 400)
            x, targets, lengths = collate(width, lines, rng)
            x = augment(x, rng)
            if args.channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                logits = net(x)
            logp = logits.float().log_softmax(-1).transpose(0, 1)
            steps = torch.full((len(lines),), logp.shape[0], dtype=torch.long)
            loss = ctc(logp, targets, steps, lengths)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            if torch.isfinite(norm):
                opt.step()
            step += 1
            threads.after(step, time.time() - began)
            running = loss.item() if running is None else 0.99 * running + 0.01 * loss.item()
            if step % 100 == 0:
                elapsed = time.time() - start
                print(f"step {step} {elapsed:.0f}s {progress:.3f} loss {running:.4f} "
                      f"lines {len(pool.lines)} {elapsed / step * 1000:.0f} ms/step "
                      f"threads {torch.get_num_threads()}", flush=True)
            if test and elapsed > next_eval or args.steps and step == args.steps:
                next_eval = elapsed + args.eval_minutes * 60
                best = keep_if_better(net, test, best, args)
    best = keep_if_better(net, test, best, args)


def keep_if_better(net, test, best, args):
    """Measures the network as it is; writes it out if it reads better than before."""
    net.eval()
    with torch.no_grad():
        result, _ = score(test, lambda a: net(torch.from_numpy(a)).numpy())
    mean = sum(v[0] for v in result.values()) / max(1, len(result))
    print("eval", {k: f"{a:.4f} chars, {b:.3f} lines" for k, (a, b) in result.items()}, flush=True)
    if mean >= best:
        torch.save(net.state_dict(), args.model)
        export(net, args.onnx)
    net.train()
    return max(mean, best)


# --------------------------------------------------------------------------------------- export

def export(net, path):
    """Writes a plain opset-17 graph with readable names and checks it against torch."""
    import onnx
    import onnxruntime

    folded = fold(net)
    image = torch.rand(2, 1, data.HEIGHT, 96)
    with warnings.catch_warnings():  # about fixed batch sizes, which tidy() undoes
        warnings.simplefilter("ignore")
        torch.onnx.export(folded, (image,), path + ".part", opset_version=17, dynamo=False,
                          input_names=["image"], output_names=["logits"],
                          dynamic_axes={"image": {0: "N", 3: "W"}, "logits": {0: "N", 1: "T"}})
    model = onnx.load(path + ".part")
    tidy(model)
    del model.metadata_props[:]
    for key, value in (("labels", json.dumps(data.LABELS)),
                       ("input", json.dumps({"layout": "NCHW", "height": data.HEIGHT,
                                             "colour": "grey", "scale": "1/255",
                                             "resize": "bilinear, aspect ratio kept"})),
                       ("licence", "MIT"), ("author", "perigee")):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path + ".part")
    session = onnxruntime.InferenceSession(path + ".part", providers=["CPUExecutionProvider"])
    for n, w in ((1, 16), (1, 37), (3, 250), (1, 801)):
        a = torch.rand(n, 1, data.HEIGHT, w)
        with torch.no_grad():
            want = net(a).numpy()
        got = session.run(None, {"image": a.numpy()})[0]
        assert got.shape == want.shape and np.abs(got - want).max() < 2e-3, (n, w)
    os.replace(path + ".part", path)


def fold(net):
    """The same network with each BatchNorm folded into its convolution."""
    out = Reader()
    out.load_state_dict(net.state_dict())
    out.eval()
    for i, (conv, norm) in enumerate(zip(out.convs, out.norms)):
        out.convs[i] = nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
        out.norms[i] = nn.Identity()
    return out


ROLES = {"Conv": ("", "weight", "bias"), "LSTM": ("", "W", "R", "B"), "MatMul": ("", "weight"),
         "Add": ("", "bias"), "Squeeze": ("", "axes"), "Reshape": ("", "shape")}


def tidy(model):
    """Drops what the tracer adds without need and gives everything a short name."""
    from onnx import numpy_helper

    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            weights[tensor.name] = tensor
        elif node.op_type == "LSTM":  # the initial states are zero by definition
            del node.input[4:]
            del node.output[1:]
        elif node.op_type == "Add" and node.input[0] in weights:
            node.input[:] = [node.input[1], node.input[0]]
    # Keep the nodes that the output depends on.
    wanted, nodes = {"logits"}, []
    for node in reversed(graph.node):
        if node.op_type != "Constant" and wanted & set(node.output):
            wanted |= set(node.input)
            nodes.insert(0, node)

    names, count, kept = {"image": "image"}, {}, []
    for node in nodes:
        kind = node.op_type.lower()
        count[kind] = count.get(kind, 0) + 1
        many = sum(n.op_type == node.op_type for n in nodes) > 1
        node.name = f"{kind}{count[kind]}" if many else kind
        node.doc_string = ""
        for i, value in enumerate(node.input):
            if value in weights:
                names[value] = f"{node.name}.{ROLES[node.op_type][i]}"
                array = numpy_helper.to_array(weights[value])
                kept.append(numpy_helper.from_array(array, names[value]))
        names[node.output[0]] = "logits" if node.output[0] == "logits" else node.name
        node.input[:] = [names[v] for v in node.input]
        node.output[:] = [names[v] for v in node.output]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    graph.name = "ocr"
    model.producer_name, model.producer_version = "perigee", ""


def evaluate(args):
    """Accuracy of the ONNX file, read by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(args.onnx, providers=["CPUExecutionProvider"])
    result, wrong = score(read_testset(args.testset),
                          lambda a: session.run(None, {"image": a})[0])
    if args.verbose:
        for row in wrong:
            print("\t".join(row))
    for kind, (chars, lines) in sorted(result.items()):
        print(f"{kind}: {chars:.2%} of characters, {lines:.1%} of lines without an error")


# ----------------------------------------------------------------------------------------- main

def make_pool(args):
    families, _ = data.split_fonts(data.find_fonts())
    os.makedirs(args.pool, exist_ok=True)
    for i in range(args.first, args.first + math.ceil(args.lines / 5000)):
        path = os.path.join(args.pool, f"shard_{i:04}.npz")
        if not os.path.exists(path):
            data.write_shard(path, args.seed * 100003 + i, 5000, families)
            print(path, flush=True)


def make_testset(args):
    _, families = data.split_fonts(data.find_fonts())
    data.write_testset(args.testset, families, args.seed, args.each)


def make_samples(args):
    _, families = data.split_fonts(data.find_fonts())
    data.write_samples(args.samples, families)
    data.write_labels(os.path.join(HERE, "labels.txt"))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("what", choices=("pool", "testset", "samples", "train", "eval",
                                    "export"))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--pool", default="pool", help="folder of the training shards")
    p.add_argument("--testset", default=os.path.join(HERE, "testset"))
    p.add_argument("--each", type=int, default=150, help="testset: clean and degraded lines each")
    p.add_argument("--samples", default=os.path.join(HERE, "samples"))
    p.add_argument("--model", default="model.pt", help="torch weights")
    p.add_argument("--onnx", default=os.path.join(HERE, "ocr.onnx"))
    p.add_argument("--lines", type=int, default=200000, help="pool: how many lines")
    p.add_argument("--first", type=int, default=0, help="pool: number of the first shard")
    p.add_argument("--limit", type=int, default=400000, help="train: lines kept in memory")
    p.add_argument("--minutes", type=float, default=60, help="train: length by the clock")
    p.add_argument("--steps", type=int, default=0, help="train: length in steps (reproducible)")
    p.add_argument("--columns", type=int, default=16000, help="train: image columns per batch")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--eval-minutes", type=float, default=4)
    p.add_argument("--resume", help="train: weights to start from")
    p.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--channels-last", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--verbose", action="store_true", help="eval: show the lines with errors")
    args = p.parse_args()
    if args.what == "export":
        net = Reader()
        net.load_state_dict(torch.load(args.model))
        export(net.eval(), args.onnx)
    else:
        {"pool": make_pool, "testset": make_testset, "samples": make_samples, "train": train,
         "eval": evaluate}[args.what](args)


if __name__ == "__main__":
    main()
