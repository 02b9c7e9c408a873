"""Writes the models in spec/data that the graph API can't build: subgraphs, functions, old operator
sets, unknown fields.  usage: make_models.py [DIR], with the package onnx."""
import os
import sys

import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def const(name, values, dtype):
    return numpy_helper.from_array(np.array(values, dtype), name)


def model(graph, opset=21, **more):
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10, **more)


def branch():
    """y = flag ? x + k : x * k, with k captured from outside."""
    then = helper.make_graph([helper.make_node("Add", ["x", "k"], ["sum"])], "then", [],
                             [info("sum", FLOAT, ["N"])])
    other = helper.make_graph([helper.make_node("Mul", ["x", "k"], ["product"])], "other", [],
                              [info("product", FLOAT, ["N"])])
    node = helper.make_node("If", ["flag"], ["y"], "choose", then_branch=then, else_branch=other)
    return model(helper.make_graph(
        [node], "branch", [info("flag", BOOL, []), info("x", FLOAT, ["N"])],
        [info("y", FLOAT, ["N"])], [const("k", [3], np.float32)]))


def loop():
    """n times: total += x, stops early at total > 20; every total is collected."""
    body = helper.make_graph(
        [helper.make_node("Add", ["total_in", "x"], ["total_out"]),
         helper.make_node("ReduceMax", ["total_out"], ["largest"], keepdims=0),
         helper.make_node("LessOrEqual", ["largest", "limit"], ["again"]),
         helper.make_node("Identity", ["total_out"], ["row"])],
        "body", [info("i", INT64, []), info("go", BOOL, []), info("total_in", FLOAT, [2])],
        [info("again", BOOL, []), info("total_out", FLOAT, [2]), info("row", FLOAT, [2])])
    node = helper.make_node("Loop", ["n", "", "start"], ["total", "rows"], "repeat", body=body)
    return model(helper.make_graph(
        [node], "loop", [info("n", INT64, []), info("x", FLOAT, [2])],
        [info("total", FLOAT, [2]), info("rows", FLOAT, ["K", 2])],
        [const("start", [0, 0], np.float32), const("limit", 20, np.float32)]))


def function():
    """A model-local function: twice(a) = a + a, used in y = twice(twice(x))."""
    body = helper.make_function("local", "Twice", ["a"], ["b"],
                                [helper.make_node("Add", ["a", "a"], ["b"])],
                                [helper.make_opsetid("", 21)])
    nodes = [helper.make_node("Twice", ["x"], ["mid"], domain="local"),
             helper.make_node("Twice", ["mid"], ["y"], domain="local")]
    m = model(helper.make_graph(nodes, "function", [info("x", FLOAT, [3])], [info("y", FLOAT, [3])]),
              functions=[body])
    m.opset_import.append(helper.make_opsetid("local", 1))
    return m


def old():
    """Operator set 6: Clip with attributes, Squeeze with axes, weights that are inputs too."""
    nodes = [helper.make_node("Clip", ["x"], ["low"], min=-1.0, max=1.0),
             helper.make_node("Squeeze", ["low"], ["thin"], axes=[0]),
             helper.make_node("Mul", ["thin", "w"], ["y"], broadcast=1)]
    return model(helper.make_graph(nodes, "old", [info("x", FLOAT, [1, 3]), info("w", FLOAT, [3])],
                                   [info("y", FLOAT, [3])], [const("w", [2, 3, 4], np.float32)]), 6)


def picked():
    """Sizes that depend on data: the elements of x above zero, and their positions."""
    nodes = [helper.make_node("Greater", ["x", "zero"], ["is_above"]),
             helper.make_node("Compress", ["x", "is_above"], ["kept"], axis=0),
             helper.make_node("NonZero", ["is_above"], ["where"]),
             helper.make_node("ReduceSum", ["kept"], ["sum"], keepdims=0)]
    return model(helper.make_graph(nodes, "picked", [info("x", FLOAT, ["N"])],
                                   [info("kept", FLOAT, ["K"]), info("where", INT64, [1, "K"]),
                                    info("sum", FLOAT, [])],
                                   [const("zero", 0, np.float32)]))


def missing():
    """Two operators that nobody has."""
    nodes = [helper.make_node("Frobnicate", ["x"], ["mid"], domain="example.org"),
             helper.make_node("Defenestrate", ["mid"], ["y"], domain="example.org")]
    m = model(helper.make_graph(nodes, "missing", [info("x", FLOAT, [2])], [info("y", FLOAT, [2])]))
    m.opset_import.append(helper.make_opsetid("example.org", 1))
    return m


def field(number, payload):
    """A length-delimited protobuf field."""
    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def unknown():
    """Metadata, documentation strings, and fields of numbers that ONNX doesn't use in the model, the
    graph and the node."""
    m = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"], "only", "says why")], "unknown",
                                [info("x", FLOAT, [2])], [info("y", FLOAT, [2])], doc_string="a graph"),
              producer_name="maker", producer_version="1.5", doc_string="a model")
    helper.set_model_props(m, {"labels": '["cat","dog"]', "author": "nobody"})
    node = m.graph.node[0].SerializeToString() + field(901, b"in the node")
    graph = onnx.GraphProto()
    graph.CopyFrom(m.graph)
    del graph.node[:]
    rest = onnx.ModelProto()
    rest.CopyFrom(m)
    rest.ClearField("graph")
    graph_bytes = field(1, node) + graph.SerializeToString() + field(902, b"in the graph")
    return rest.SerializeToString() + field(7, graph_bytes) + field(903, b"in the model")


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../data")
    for make in (branch, loop, function, old, picked, missing):
        m = make()
        if make is not missing:
            onnx.checker.check_model(m, full_check=True)
        with open(os.path.join(where, make.__name__ + ".onnx"), "wb") as f:
            f.write(m.SerializeToString(deterministic=True))
    with open(os.path.join(where, "unknown.onnx"), "wb") as f:
        f.write(unknown())


main()
