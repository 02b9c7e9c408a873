/* Equal, Less, Greater, LessOrEqual, GreaterOrEqual.  Equal takes strings too. */
#include "op/elementwise.h"

#define LOOPS(id, expr)                             \
  PG_BINARY_LOOP(id##_f32, float, uint8_t, expr)    \
  PG_BINARY_LOOP(id##_f64, double, uint8_t, expr)   \
  PG_BINARY_LOOP(id##_i32, int32_t, uint8_t, expr)  \
  PG_BINARY_LOOP(id##_i64, int64_t, uint8_t, expr)  \
  PG_BINARY_LOOP(id##_u64, uint64_t, uint8_t, expr) \
  static const pgi_binary_def def_##id = {          \
      .f32 = id##_f32,                              \
      .f64 = id##_f64,                              \
      .i32 = id##_i32,                              \
      .i64 = id##_i64,                              \
      .u64 = id##_u64,                              \
      .is_test = true,                              \
  };
LOOPS(equal, u == v)
LOOPS(less, u < v)
LOOPS(greater, u > v)
LOOPS(less_or_equal, u <= v)
LOOPS(greater_or_equal, u >= v)

/* ---- strings -------------------------------------------------------------------------------------- */

typedef struct string_job {
  const pg_string *a, *b;
  uint8_t *y;
} string_job;

static void equal_strings(void *arg, int64_t out, const int64_t *in, const int64_t *stride,
                          int64_t n) {
  const string_job *job = arg;
  for (int64_t i = 0; i < n; i++) {
    const pg_string *a = &job->a[in[0] + i * stride[0]], *b = &job->b[in[1] + i * stride[1]];
    job->y[out + i] =
        a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
  }
}

static pg_status equal_run(pgi_call *c) {
  if (c->in[0]->dtype != PG_STRING) return pgi_binary_op(c, &def_equal);
  PG_TRY(pgi_same_types(c, 0, 1));
  string_job job = {pgi_tensor_data(c->in[0]), pgi_tensor_data(c->in[1]),
                    pgi_tensor_data(c->out[0])};
  return pgi_broadcast_loop(c, c->out[0], 2, c->in, equal_strings, &job);
}

static pg_status less_run(pgi_call *c) {
  return pgi_binary_op(c, &def_less);
}
static pg_status greater_run(pgi_call *c) {
  return pgi_binary_op(c, &def_greater);
}
static pg_status less_or_equal_run(pgi_call *c) {
  return pgi_binary_op(c, &def_less_or_equal);
}
static pg_status greater_or_equal_run(pgi_call *c) {
  return pgi_binary_op(c, &def_greater_or_equal);
}

PG_OP(equal) = {
    .name = "Equal",
    .since = {1, 7, 11, 13, 19},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC | PG_T(PG_BOOL) | PG_T(PG_STRING),
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast_bool,
    .run = equal_run,
};

PG_OP(less) = {
    .name = "Less",
    .since = {1, 7, 9, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast_bool,
    .run = less_run,
};

PG_OP(greater) = {
    .name = "Greater",
    .since = {1, 7, 9, 13},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .upgrade = pgi_upgrade_binary,
    .infer = pgi_infer_broadcast_bool,
    .run = greater_run,
};

PG_OP(less_or_equal) = {
    .name = "LessOrEqual",
    .since = {12, 16},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .infer = pgi_infer_broadcast_bool,
    .run = less_or_equal_run,
};

PG_OP(greater_or_equal) = {
    .name = "GreaterOrEqual",
    .since = {12, 16},
    .in = {2, 2},
    .out = {1, 1},
    .types = PG_T_NUMERIC,
    .flags = PG_OP_ELEMENTWISE,
    .infer = pgi_infer_broadcast_bool,
    .run = greater_or_equal_run,
};
