-- ai.onnx.ml: LabelEncoder of strings only, trees as lists of nodes.
local t = require "support.op_cases"
local i64 = t.i64

return {
  {
    "ai.onnx.ml:LabelEncoder", { 1 },
    attrs = { classes_strings = { "a", "b", "c" }, default_int64 = -7 },
    inputs = { { "b", "z", "a" } },
    outputs = { i64 { 1, -7, 0 } },
  },
  {
    "ai.onnx.ml:LabelEncoder", { 1 },
    attrs = { classes_strings = { "a", "b", "c" }, default_string = "?" },
    inputs = { i64 { 2, 9, 0 } },
    outputs = { { "c", "?", "a" } },
  },
  {
    "ai.onnx.ml:LabelEncoder", { 2 },
    attrs = { keys_strings = { "a", "b" }, values_floats = { 0.5, 1.5 }, default_float = -2.0 },
    inputs = { { "b", "z" } },
    outputs = { { 1.5, -2 } },
  },
  {
    "ai.onnx.ml:LabelEncoder", { 2 },
    attrs = { keys_int64s = { 1, 2 }, values_strings = { "x", "y" } },
    inputs = { i64 { 2, 3 } },
    outputs = { { "y", "_Unused" } },
  },
  {
    "ai.onnx.ml:TreeEnsembleRegressor", { 1, 3 },
    attrs = { n_targets = 1, nodes_treeids = { 0, 0, 0 }, nodes_nodeids = { 0, 1, 2 },
    nodes_featureids = { 0, 0, 0 }, nodes_values = { 1.5, 0.0, 0.0 }, nodes_modes = { "BRANCH_LEQ",
    "LEAF", "LEAF" }, nodes_truenodeids = { 1, 0, 0 }, nodes_falsenodeids = { 2, 0, 0 },
    target_treeids = { 0, 0 }, target_nodeids = { 1, 2 }, target_ids = { 0, 0 }, target_weights = {
    10.0, 20.0 } },
    inputs = { { { 1 }, { 2 } } },
    outputs = { { { 10 }, { 20 } } },
  },
  {
    "ai.onnx.ml:TreeEnsembleRegressor", { 1 },
    attrs = { n_targets = 1, nodes_treeids = { 0, 0, 0 }, nodes_nodeids = { 0, 1, 2 },
    nodes_featureids = { 0, 0, 0 }, nodes_values = { 1.5, 0.0, 0.0 }, nodes_modes = { "BRANCH_LEQ",
    "LEAF", "LEAF" }, nodes_truenodeids = { 1, 0, 0 }, nodes_falsenodeids = { 2, 0, 0 },
    target_treeids = { 0, 0 }, target_nodeids = { 1, 2 }, target_ids = { 0, 0 }, target_weights = {
    10.0, 20.0 }, base_values = { 0.5 } },
    inputs = { { { 1 }, { 2 } } },
    outputs = { { { 10.5 }, { 20.5 } } },
  },
  {
    "ai.onnx.ml:TreeEnsembleClassifier", { 1, 3 },
    attrs = { nodes_treeids = { 0, 0, 0 }, nodes_nodeids = { 0, 1, 2 }, nodes_featureids = { 0, 0, 0
    }, nodes_values = { 1.5, 0.0, 0.0 }, nodes_modes = { "BRANCH_LEQ", "LEAF", "LEAF" },
    nodes_truenodeids = { 1, 0, 0 }, nodes_falsenodeids = { 2, 0, 0 }, class_treeids = { 0, 0 },
    class_nodeids = { 1, 2 }, class_ids = { 0, 2 }, class_weights = { 1.0, 1.0 }, classlabels_int64s
    = { 3, 4, 5 } },
    inputs = { { { 1 }, { 2 } } },
    outputs = { i64 { 3, 5 }, { { 1, 0, 0 }, { 0, 0, 1 } } },
  },
}
