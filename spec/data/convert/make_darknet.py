"""Small darknet nets with seeded weights, and what OpenCV's DNN module (Debian's python3-opencv, 4.x)
computes for them. Writes NAME.cfg, NAME.weights, NAME.in.npy and NAME.out.npy into a folder: the one
beside this script, or the one that is given. Heads are decoded, as OpenCV does it.
"""
import os
import sys

import cv2
import numpy as np

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "darknet")


class Weights:
    """Numbers in the order in which darknet reads them."""

    def __init__(self, seed):
        self.rng, self.parts = np.random.default_rng(seed), []

    def add(self, *shape, mean=0.0, deviation=None):
        fan = max(int(np.prod(shape[1:])), 1)
        deviation = deviation or (2 / fan) ** 0.5
        self.parts.append((mean + self.rng.normal(0, deviation, shape)).astype("<f4").ravel())

    def conv(self, n, c, size, norm=True):
        self.add(n, deviation=0.1)
        if norm:
            self.add(n, mean=1, deviation=0.1)
            self.add(n, deviation=0.1)
            self.parts.append(np.abs(1 + self.rng.normal(0, 0.1, n)).astype("<f4"))
        self.add(n, c, size, size)

    def bytes(self):
        head = np.array([0, 2, 5, 0, 0], "<i4").tobytes()
        return head + b"".join(p.tobytes() for p in self.parts)


NET = "[net]\nwidth=%d\nheight=%d\nchannels=%d\n"


def conv(w, c, n, size=3, stride=1, act="leaky", norm=True, extra=""):
    groups = int(extra.split("groups=")[1].split()[0]) if "groups=" in extra else 1
    w.conv(n, c // groups, size, norm)
    return (f"[convolutional]\nfilters={n}\nsize={size}\nstride={stride}\npad=1\n"
            f"activation={act}\nbatch_normalize={int(norm)}\n{extra}\n")


def cases():
    for act in ("linear", "leaky", "relu", "logistic", "tanh", "mish", "swish"):
        w = Weights(1)
        yield f"conv_{act}", (1, 3, 12, 16), NET % (16, 12, 3) + conv(w, 3, 8, act=act), w
    w = Weights(2)
    yield "group", (1, 4, 12, 12), NET % (12, 12, 4) + conv(w, 4, 8, extra="groups=4") + conv(
        w, 8, 6, 1, norm=False, act="linear"), w
    for size, stride, extra in ((2, 2, ""), (2, 1, ""), (3, 2, ""), (5, 1, ""), (3, 1, "padding=2")):
        w = Weights(3)
        yield f"maxpool_{size}{stride}{len(extra)}", (1, 3, 13, 13), NET % (13, 13, 3) + conv(w, 3, 4) + (
            f"[maxpool]\nsize={size}\nstride={stride}\n{extra}\n"), w
    w = Weights(4)
    yield "classifier", (1, 3, 16, 16), NET % (16, 16, 3) + conv(w, 3, 8) + (
        "[maxpool]\nsize=2\nstride=2\n") + conv(w, 8, 10, 1, act="linear") + "[avgpool]\n[softmax]\ngroups=1\n", w
    w = Weights(5)
    text = NET % (16, 16, 3) + conv(w, 3, 8) + conv(w, 8, 8) + conv(w, 8, 8)
    yield "shortcut", (1, 3, 16, 16), text + "[shortcut]\nfrom=-3\nactivation=linear\n" + conv(w, 8, 4), w
    w = Weights(6)
    text = NET % (16, 16, 3) + conv(w, 3, 8) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(w, 4, 6)
    yield "route", (1, 3, 16, 16), text + "[route]\nlayers=-1,-3\n" + conv(w, 14, 4), w
    w = Weights(7)
    yield "upsample", (1, 3, 8, 8), NET % (8, 8, 3) + conv(w, 3, 4) + "[upsample]\nstride=2\n" + conv(w, 4, 4), w
    w = Weights(8)
    yield "reorg", (1, 3, 8, 8), NET % (8, 8, 3) + conv(w, 3, 8) + "[reorg]\nstride=2\n" + conv(w, 32, 4), w
    w = Weights(9)
    yield "connected", (1, 3, 6, 6), NET % (6, 6, 3) + conv(w, 3, 4) + connected(w, 144, 10), w
    w = Weights(10)
    anchors = "anchors = 10,14,  23,27,  37,58,  81,82\n"
    yield "yolo", (1, 3, 32, 48), NET % (48, 32, 3) + conv(w, 3, 8, stride=2) + conv(
        w, 8, 16, 1, act="linear", norm=False) + f"[yolo]\nmask = 1,2\n{anchors}classes=3\nnum=4\nscale_x_y=1.1\nthresh=0\n", w
    w = Weights(11)
    yield "region", (1, 3, 16, 16), NET % (16, 16, 3) + conv(w, 3, 8, stride=2) + conv(
        w, 8, 16, 1, act="linear", norm=False) + (
        "[region]\nanchors = 1.1,1.2, 3.4,2.2\nclasses=3\ncoords=4\nnum=2\nsoftmax=1\nbias_match=1\nthresh=0\n"), w
    w = Weights(12)
    yield "attention", (1, 3, 8, 8), NET % (8, 8, 3) + conv(w, 3, 6) + "[avgpool]\n" + conv(
        w, 6, 6, 1, act="logistic", norm=False) + "[scale_channels]\nfrom=-3\n" + conv(w, 6, 4, 1), w


def connected(w, inputs, outputs):
    w.add(outputs, deviation=0.1)
    w.add(outputs, inputs)
    return f"[connected]\noutput={outputs}\nactivation=linear\n"


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name, shape, text, weights in cases():
        stem = os.path.join(FOLDER, name)
        with open(stem + ".cfg", "w") as file:
            file.write(text)
        with open(stem + ".weights", "wb") as file:
            file.write(weights.bytes())
        x = np.random.default_rng(len(name)).normal(0, 1, shape).astype("f4")
        try:
            runtime = cv2.dnn.readNetFromDarknet(stem + ".cfg", stem + ".weights")
            runtime.setInput(x)
            out = runtime.forward()
        except cv2.error as problem:
            print(name, str(problem).splitlines()[-1], file=sys.stderr)
            for ending in (".cfg", ".weights"):
                os.remove(stem + ending)
            continue
        np.save(stem + ".in.npy", x)
        np.save(stem + ".out.npy", out)


main()
