"""Writes the models in spec/data/op: operators with subgraphs, optional and map types, which the graph
API can't build.  usage: make_op_models.py [DIR], with the package onnx."""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL, STRING = (TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL,
                              TensorProto.STRING)
node = helper.make_node


def info(name, kind=FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def const(name, values, dtype):
    return numpy_helper.from_array(np.array(values, dtype), name)


def graph(nodes, inputs, outputs, constants=(), name="body"):
    return helper.make_graph(nodes, name, inputs, outputs, list(constants))


def model(g, opset=21, **domains):
    sets = [helper.make_opsetid("", opset)]
    sets += [helper.make_opsetid(k.replace("_", "."), v) for k, v in domains.items()]
    return helper.make_model(g, opset_imports=sets, ir_version=10)


def if_shapes():
    """y = flag ? x : [x, x], n = its length; an If within an If, with x from outside of both."""
    inner = graph([node("Concat", ["x", "x"], ["twice"], axis=0)], [], [info("twice")])
    same = graph([node("Identity", ["x"], ["same"])], [], [info("same")])
    then = graph([node("Identity", ["x"], ["a"]), node("Shape", ["a"], ["na"])], [],
                 [info("a"), info("na", INT64)])
    other = graph([node("Not", ["flag"], ["always"]),
                   node("If", ["always"], ["b"], then_branch=inner, else_branch=same),
                   node("Shape", ["b"], ["nb"])], [], [info("b"), info("nb", INT64)])
    return model(graph([node("If", ["flag"], ["y", "n"], then_branch=then, else_branch=other)],
                       [info("flag", BOOL, []), info("x", FLOAT, ["N"])],
                       [info("y", FLOAT, ["M"]), info("n", INT64, [1])]))


def if_outputs():
    """A branch that gives one result too few."""
    then = graph([node("Neg", ["x"], ["a"])], [], [info("a")])
    other = graph([node("Neg", ["x"], ["b"]), node("Abs", ["x"], ["c"])], [],
                  [info("b"), info("c")])
    return model(graph([node("If", ["flag"], ["y", "z"], then_branch=then, else_branch=other)],
                       [info("flag", BOOL, []), info("x", FLOAT, [1])], [info("y"), info("z")]))


def loop_for(opset=21):
    """n times (all when absent: cond decides): a doubles while below limit; collects [i, a]."""
    body = graph([node("Add", ["a", "a"], ["a_out"]),
                  node("Less", ["a_out", "limit"], ["cond_out"]),
                  node("Cast", ["i"], ["i_float"], to=FLOAT),
                  node("Concat", ["i_float_1", "a_out_1"], ["row"], axis=0)],
                 [info("i", INT64, []), info("cond", BOOL, []), info("a", FLOAT, [])],
                 [info("cond_out", BOOL, []), info("a_out", FLOAT, []), info("row", FLOAT, [2])],
                 [const("one", [1], np.int64)])
    body.node.insert(3, node("Reshape", ["i_float", "one"], ["i_float_1"]))
    body.node.insert(4, node("Reshape", ["a_out", "one"], ["a_out_1"]))
    return model(graph([node("Loop", ["n", "go", "start"], ["last", "rows"], body=body)],
                       [info("n", INT64, []), info("go", BOOL, []), info("start", FLOAT, []),
                        info("limit", FLOAT, [])],
                       [info("last", FLOAT, []), info("rows", FLOAT, ["K", 2])]), opset)


def loop_sequence():
    """Collects i * x into a sequence, n times, and joins it."""
    seq = helper.make_tensor_sequence_value_info
    body = graph([node("Cast", ["i"], ["k"], to=FLOAT), node("Mul", ["k", "x"], ["part"]),
                  node("SequenceInsert", ["s", "part"], ["s_out"]),
                  node("Identity", ["cond"], ["cond_out"])],
                 [info("i", INT64, []), info("cond", BOOL, []), seq("s", FLOAT, None)],
                 [info("cond_out", BOOL, []), seq("s_out", FLOAT, None)])
    return model(graph([node("SequenceEmpty", [], ["none"]),
                        node("Loop", ["n", "", "none"], ["all"], body=body),
                        node("ConcatFromSequence", ["all"], ["y"], axis=0)],
                       [info("n", INT64, []), info("x", FLOAT, [2])], [info("y", FLOAT, ["K"])]))


def scan_sum():
    """Running sums of rows, and a copy of the rows, which goes in at the end of axis 1."""
    body = graph([node("Add", ["sum", "row"], ["sum_out"]), node("Identity", ["sum_out"], ["so_far"]),
                  node("Mul", ["row", "other"], ["product"])],
                 [info("sum", FLOAT, [2]), info("row", FLOAT, [2]), info("other", FLOAT, [2])],
                 [info("sum_out", FLOAT, [2]), info("so_far", FLOAT, [2]),
                  info("product", FLOAT, [2])])
    return model(graph([node("Scan", ["start", "rows", "columns"], ["total", "sums", "products"],
                             body=body, num_scan_inputs=2, scan_input_directions=[0, 1],
                             scan_input_axes=[0, 1], scan_output_directions=[1, 0],
                             scan_output_axes=[0, -1])],
                       [info("start", FLOAT, [2]), info("rows", FLOAT, ["T", 2]),
                        info("columns", FLOAT, [2, "T"])],
                       [info("total", FLOAT, [2]), info("sums", FLOAT, ["T", 2]),
                        info("products", FLOAT, [2, "T"])]))


def scan_batched():
    """Opset 8: a batch in front, lengths of sequences as input 0."""
    body = graph([node("Add", ["sum", "x"], ["sum_out"]), node("Identity", ["sum_out"], ["y"])],
                 [info("sum", FLOAT, []), info("x", FLOAT, [])],
                 [info("sum_out", FLOAT, []), info("y", FLOAT, [])])
    return model(graph([node("Scan", ["lengths", "start", "x"], ["total", "y"], body=body,
                             num_scan_inputs=1)],
                       [info("lengths", INT64, [2]), info("start", FLOAT, [2]),
                        info("x", FLOAT, [2, "T"])],
                       [info("total", FLOAT, [2]), info("y", FLOAT, [2, "T"])]), 8)


def sequence_map():
    """Each of three tensors plus k and plus its partner in a second sequence."""
    seq = helper.make_tensor_sequence_value_info
    body = graph([node("Add", ["e", "k_in"], ["sum"]), node("Add", ["sum", "f"], ["out"]),
                  node("Shape", ["e"], ["size"])],
                 [info("e"), info("k_in"), info("f")], [info("out"), info("size", INT64)])
    return model(graph([node("SequenceConstruct", ["a", "b"], ["s"]),
                        node("SequenceConstruct", ["b", "a"], ["t"]),
                        node("SequenceMap", ["s", "k", "t"], ["y", "sizes"], body=body)],
                       [info("a", FLOAT, ["N"]), info("b", FLOAT, ["M"]), info("k", FLOAT, [1])],
                       [seq("y", FLOAT, None), seq("sizes", INT64, None)]))


def optional():
    """An optional of a type and nothing in it."""
    kind = helper.make_tensor_type_proto(FLOAT, [2])
    return model(graph([node("Optional", [], ["o"], type=kind),
                        node("OptionalHasElement", ["o"], ["has"])],
                       [], [info("has", BOOL, [])]))


def optional_get():
    """Takes out what is not there."""
    kind = helper.make_tensor_type_proto(FLOAT, [2])
    return model(graph([node("Optional", [], ["o"], type=kind),
                        node("OptionalGetElement", ["o"], ["y"])], [], [info("y", FLOAT, [2])]))


def flex_attention():
    """Scores masked by an addend, probabilities halved."""
    score = graph([node("Add", ["s", "mask"], ["s_out"])], [info("s")], [info("s_out")])
    prob = graph([node("Mul", ["p", "half"], ["p_out"])], [info("p")], [info("p_out")],
                 [const("half", 0.5, np.float32)])
    return model(graph([node("FlexAttention", ["q", "k", "v"], ["y"], domain="ai.onnx.preview",
                             scale=1.0, score_mod=score, prob_mod=prob),
                        node("FlexAttention", ["q", "k", "v"], ["plain"],
                             domain="ai.onnx.preview")],
                       [info("q", FLOAT, [1, 1, 2, 2]), info("k", FLOAT, [1, 1, 2, 2]),
                        info("v", FLOAT, [1, 1, 2, 2]), info("mask", FLOAT, [2, 2])],
                       [info("y", FLOAT, [1, 1, 2, 2]), info("plain", FLOAT, [1, 1, 2, 2])]),
                 ai_onnx_preview=1)


def map_input(key, value):
    kind = helper.make_map_type_proto(key, helper.make_tensor_type_proto(value, []))
    return helper.make_value_info("x", kind)


def cast_map():
    """Dense and sparse columns of a map from integers."""
    nodes = [node("CastMap", ["x"], ["dense"], domain="ai.onnx.ml"),
             node("CastMap", ["x"], ["sparse"], domain="ai.onnx.ml", map_form="SPARSE", max_map=5,
                  cast_to="TO_INT64")]
    return model(graph(nodes, [map_input(INT64, FLOAT)],
                       [info("dense", FLOAT, [1, "N"]), info("sparse", INT64, [1, 5])]),
                 ai_onnx_ml=1)


def dict_vectorizer():
    """Numbers of a map from strings, in the order of a vocabulary."""
    nodes = [node("DictVectorizer", ["x"], ["y"], domain="ai.onnx.ml",
                  string_vocabulary=["a", "c", "b", "z"])]
    return model(graph(nodes, [map_input(STRING, FLOAT)], [info("y", FLOAT, [4])]),
                 ai_onnx_ml=1)


MODELS = {f.__name__: f for f in (
    if_shapes, if_outputs, loop_for, loop_sequence, scan_sum, scan_batched, sequence_map, optional,
    optional_get, flex_attention, cast_map, dict_vectorizer)}
MODELS["loop_old"] = lambda: loop_for(1 + 9)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "data", "op")
    os.makedirs(folder, exist_ok=True)
    for name, make in MODELS.items():
        onnx.save(make(), os.path.join(folder, name + ".onnx"))


if __name__ == "__main__":
    main()
