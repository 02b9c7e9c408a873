-- Trees: nodes in arrays, scores summed.
local t = require "support.op_cases" (_ENV)
local f64, f32, i64, u8, with, nan = t.f64, t.f32, t.i64, t.u8, t.with, t.nan

local nodes = {
  nodes_treeids = { 0, 0, 0, 0, 0 }, nodes_nodeids = { 0, 1, 2, 3, 4 },
  nodes_featureids = { 0, 1, 0, 0, 0 },
  nodes_modes = { "BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF" },
  nodes_values = { 1.0, 0.0, 0.0, 0.0, 0.0 }, nodes_truenodeids = { 1, 2, 0, 0, 0 },
  nodes_falsenodeids = { 4, 3, 0, 0, 0 }, nodes_missing_value_tracks_true = { 0, 0, 0, 0, 0 },
}
local targets = {
  n_targets = 1, target_treeids = { 0, 0, 0 }, target_nodeids = { 2, 3, 4 },
  target_ids = { 0, 0, 0 }, target_weights = { 10.0, 20.0, 30.0 },
}
local two_trees = {
  nodes_treeids = { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1 },
  nodes_nodeids = { 0, 1, 2, 3, 4, 0, 1, 2, 3, 4 },
  nodes_featureids = { 0, 1, 0, 0, 0, 0, 1, 0, 0, 0 },
  nodes_modes = {
    "BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "BRANCH_LEQ", "LEAF",
    "LEAF", "LEAF",
  },
  nodes_values = { 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0 },
  nodes_truenodeids = { 1, 2, 0, 0, 0, 1, 2, 0, 0, 0 },
  nodes_falsenodeids = { 4, 3, 0, 0, 0, 4, 3, 0, 0, 0 },
  nodes_missing_value_tracks_true = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
}
local two_targets = {
  n_targets = 1, target_treeids = { 0, 0, 0, 1, 1, 1 }, target_nodeids = { 2, 3, 4, 2, 3, 4 },
  target_ids = { 0, 0, 0, 0, 0, 0 }, target_weights = { 10.0, 20.0, 30.0, 1.0, 2.0, 3.0 },
}
local classes = {
  class_treeids = { 0, 0, 0, 0 }, class_nodeids = { 2, 3, 3, 4 }, class_ids = { 0, 0, 1, 2 },
  class_weights = { 1.0, 0.25, 0.75, 1.0 },
}
local tree = {
  n_targets = 1, tree_roots = { 0 }, nodes_featureids = { 0, 1 }, nodes_modes = u8 { 0, 0 },
  nodes_splits = f32 { 1, 0 }, nodes_truenodeids = { 1, 0 }, nodes_trueleafs = { 0, 1 },
  nodes_falsenodeids = { 2, 1 }, nodes_falseleafs = { 1, 1 }, leaf_targetids = { 0, 0, 0 },
  leaf_weights = f32 { 10, 20, 30 },
}

-- The tree of all cases: x[0] <= 1 and (x[1] <= 0: node 2, else node 3), else node 4.
t.cases("ai.onnx.ml:TreeEnsembleRegressor", {
  {
    "follows branches",
    attrs = with(nodes, targets), inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 20 }, { 30 } } },
  },
  {
    "adds base values",
    attrs = with(nodes, targets, { base_values = { 0.5 } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10.5 }, { 20.5 }, { 30.5 } } },
  },
  {
    "takes one vote of a leaf for one target",
    attrs = with(nodes, {
      n_targets = 1, target_treeids = { 0, 0, 0, 0, 0 }, target_nodeids = { 2, 2, 3, 4, 4 },
      target_ids = { 0, 0, 0, 0, 0 }, target_weights = { 10.0, 10.0, 20.0, 30.0, 30.0 },
    }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 20 }, { 30 } } },
  },
  {
    "joins two trees by SUM",
    attrs = with(two_trees, two_targets, { aggregate_function = "SUM" }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 12 }, { 23 }, { 33 } } },
  },
  {
    "joins two trees by AVERAGE",
    attrs = with(two_trees, two_targets, { aggregate_function = "AVERAGE" }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 6 }, { 11.5 }, { 16.5 } } },
  },
  {
    "joins two trees by MIN",
    attrs = with(two_trees, two_targets, { aggregate_function = "MIN" }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 2 }, { 3 }, { 3 } } },
  },
  {
    "joins two trees by MAX",
    attrs = with(two_trees, two_targets, { aggregate_function = "MAX" }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 20 }, { 30 } } },
  },
  {
    "takes several targets",
    attrs = with(
      nodes,
      {
        n_targets = 2, target_treeids = { 0, 0, 0, 0 }, target_nodeids = { 2, 3, 4, 4 },
        target_ids = { 0, 1, 0, 1 }, target_weights = { 10.0, 20.0, 30.0, 40.0 },
      }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10, 0 }, { 0, 20 }, { 30, 40 } } },
  },
  {
    "applies LOGISTIC",
    attrs = with(
      nodes, targets, { target_weights = { 0.0, 1.0, -2.0 }, post_transform = "LOGISTIC" }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 0.5 }, { 0.7310586 }, { 0.1192029 } } },
  },
  {
    "takes BRANCH_LT",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_LT", "BRANCH_LT", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 30 }, { 30 } } },
  },
  {
    "takes BRANCH_GTE",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_GTE", "BRANCH_GTE", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 30 }, { 10 }, { 10 } } },
  },
  {
    "takes BRANCH_GT",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_GT", "BRANCH_GT", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 30 }, { 30 }, { 20 } } },
  },
  {
    "takes BRANCH_EQ",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_EQ", "BRANCH_EQ", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 30 }, { 20 }, { 30 } } },
  },
  {
    "takes BRANCH_NEQ",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_NEQ", "BRANCH_NEQ", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 30 }, { 20 } } },
  },
  {
    "sends NaN the false way",
    attrs = with(nodes, targets), inputs = { { { nan, 0 } } },
    outputs = { { { 30 } } },
  },
  {
    "sends NaN the true way with nodes_missing_value_tracks_true",
    attrs = with(nodes, targets, { nodes_missing_value_tracks_true = { 1, 0, 0, 0, 0 } }),
    inputs = { { { nan, 0 } } },
    outputs = { { { 10 } } },
  },
  {
    "takes i64",
    attrs = with(nodes, targets), inputs = { i64 { { 0, -1 } } },
    outputs = { { { 10 } } },
  },
  {
    "refuses nodes in a circle",
    attrs = with(nodes, targets, { nodes_truenodeids = { 1, 0, 0, 0, 0 } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } }, error = "in a circle",
  },
  {
    "refuses a feature that is not there",
    attrs = with(nodes, targets), inputs = { { { 0 } } },
    error = "X: expected at least 2 features, got 1",
  },
  {
    "refuses an unknown mode",
    attrs = with(
      nodes, targets, { nodes_modes = { "BRANCH_ABOUT", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF" } }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } }, error = "nodes_modes",
  },
  {
    "refuses other counts",
    attrs = with(nodes, targets, { nodes_featureids = { 0, 1 } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } }, error = "nodes_featureids",
  },
})

t.cases("ai.onnx.ml:TreeEnsembleClassifier", {
  {
    "takes the class with the highest score",
    attrs = with(nodes, classes, { classlabels_int64s = { 5, 6, 7 } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { i64 { 5, 6, 7 }, { { 1, 0, 0 }, { 0.25, 0.75, 0 }, { 0, 0, 1 } } },
  },
  {
    "gives strings",
    attrs = with(nodes, classes, { classlabels_strings = { "a", "b", "c" } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { "a", "b", "c" }, { { 1, 0, 0 }, { 0.25, 0.75, 0 }, { 0, 0, 1 } } },
  },
  {
    "applies SOFTMAX",
    attrs = with(
      nodes, classes, { classlabels_int64s = { 5, 6, 7 }, post_transform = "SOFTMAX" }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = {
      i64 { 5, 6, 7 },
      {
        { 0.5761169, 0.2119416, 0.2119416 }, { 0.291756, 0.4810243, 0.2272198 },
        { 0.2119416, 0.2119416, 0.5761169 },
      },
    },
  },
  {
    "has the rest for the other of two classes",
    attrs = with(
      nodes,
      {
        class_treeids = { 0, 0, 0 }, class_nodeids = { 2, 3, 4 }, class_ids = { 0, 0, 0 },
        class_weights = { 0.25, 0.75, 0.5 }, classlabels_int64s = { 0, 1 },
      }
    ),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { i64 { 0, 1, 0 }, { { 0.75, 0.25 }, { 0.25, 0.75 }, { 0.5, 0.5 } } },
  },
  {
    "needs labels",
    attrs = with(nodes, classes), inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } }, n_outputs = 2,
    error = "class",
  },
})

-- Version 5 keeps leaves apart: trueleafs and falseleafs say which list an id means.
t.cases("ai.onnx.ml:TreeEnsemble", {
  {
    "follows branches",
    attrs = tree, inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { { { 10 }, { 20 }, { 30 } } },
  },
  {
    "takes f64",
    attrs = with(tree, { nodes_splits = f64 { 1, 0 }, leaf_weights = f64 { 10, 20, 30 } }),
    inputs = { f64 { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } },
    outputs = { f64 { { 10 }, { 20 }, { 30 } } },
  },
  {
    "tests membership in sets",
    attrs = {
      n_targets = 1, tree_roots = { 0 }, nodes_featureids = { 0 }, nodes_modes = u8 { 6 },
      nodes_splits = f32 { 0 }, membership_values = f32 { 1, 3, nan }, nodes_truenodeids = { 0 },
      nodes_trueleafs = { 1 }, nodes_falsenodeids = { 1 }, nodes_falseleafs = { 1 },
      leaf_targetids = { 0, 0 }, leaf_weights = f32 { 10, 20 },
    },
    inputs = { { { 1 }, { 2 }, { 3 } } },
    outputs = { { { 10 }, { 20 }, { 10 } } },
  },
  {
    "refuses a leaf that is not there",
    attrs = with(tree, { nodes_falsenodeids = { 9, 1 } }),
    inputs = { { { 0, -1 }, { 1, 0.5 }, { 2, 0 } } }, error = "9",
  },
})
