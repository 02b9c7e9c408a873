-- Reductions with their axes as an attribute.
local t = require "support.op_cases"
local i64, count = t.i64, t.count

return {
  {
    "ReduceSum", { 1, 11 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 6, 15 } },
  },
  {
    "ReduceSum", { 1, 11 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 21 } } },
  },
  {
    "ReduceMean", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 2, 5 } },
  },
  {
    "ReduceMean", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 3.5 } } },
  },
  {
    "ReduceMax", { 1, 11, 12, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 3, 6 } },
  },
  {
    "ReduceMax", { 1, 11, 12, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 6 } } },
  },
  {
    "ReduceMax", { 18 }, "takes axes",
    inputs = { count({ 2, 3 }, "f32", 1), i64 { 0 } },
    outputs = { { { 4, 5, 6 } } },
  },
  {
    "ReduceMin", { 1, 11, 12, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 1, 4 } },
  },
  {
    "ReduceMin", { 1, 11, 12, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 1 } } },
  },
  {
    "ReduceMin", { 18 }, "takes axes",
    inputs = { count({ 2, 3 }, "f32", 1), i64 { 0 } },
    outputs = { { { 1, 2, 3 } } },
  },
  {
    "ReduceProd", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 6, 120 } },
  },
  {
    "ReduceProd", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 720 } } },
  },
  {
    "ReduceL1", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 6, 15 } },
  },
  {
    "ReduceL1", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 21 } } },
  },
  {
    "ReduceL2", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 3.7416575, 8.7749643 } },
  },
  {
    "ReduceL2", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 9.5393925 } } },
  },
  {
    "ReduceSumSquare", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 14, 77 } },
  },
  {
    "ReduceSumSquare", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 91 } } },
  },
  {
    "ReduceLogSum", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 1.7917595, 2.7080503 } },
  },
  {
    "ReduceLogSum", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 3.0445225 } } },
  },
  {
    "ReduceLogSum", { 18 }, "takes axes",
    inputs = { count({ 2, 3 }, "f32", 1), i64 { 0 } },
    outputs = { { { 1.6094379, 1.9459102, 2.1972246 } } },
  },
  {
    "ReduceLogSumExp", { 1, 11, 13 }, "takes axes",
    attrs = { axes = { 1 }, keepdims = 0 },
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { 3.4076059, 6.4076061 } },
  },
  {
    "ReduceLogSumExp", { 1, 11, 13 }, "reduces all",
    inputs = { count({ 2, 3 }, "f32", 1) },
    outputs = { { { 6.4561934 } } },
  },
  {
    "ReduceLogSumExp", { 18 }, "takes axes",
    inputs = { count({ 2, 3 }, "f32", 1), i64 { 0 } },
    outputs = { { { 4.0485873, 5.0485873, 6.0485873 } } },
  },
}
