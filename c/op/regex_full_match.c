/* RegexFullMatch: which strings a pattern matches from end to end. */
#include "op/move.h"
#include "op/regex.h"

static pg_status regex_prepare(pg_context *ctx, const pgi_node *node, const pg_tensor *const *value,
                               void **prepared, pg_error *err) {
  pg_string pattern = pgi_attr_string(node, "pattern");
  pgi_regex *r = NULL;
  (void)value;
  PG_TRY(pgi_regex_new(ctx, pattern.data, pattern.size, &r, err));
  *prepared = r;
  return PG_OK;
}

static void regex_discard(pg_context *ctx, void *prepared) {
  pgi_regex_free(ctx, prepared);
}

static pg_status regex_run(pgi_call *c) {
  const pgi_regex *r = c->prepared;
  const pg_string *strings = pgi_tensor_data(c->in[0]);
  uint8_t *out = pgi_tensor_data(c->out[0]);
  void *room = pgi_call_scratch(c, pgi_regex_room(r));
  if (!room) return pgi_nomem(c->err);
  for (int64_t i = 0; i < pgi_tensor_count(c->in[0]); i++)
    out[i] = pgi_regex_matches(r, strings[i].data, strings[i].size, room);
  return PG_OK;
}

static const pgi_attr_def regex_attrs[] = {{.name = "pattern", .kind = PG_ATTR_STRING}, {0}};

PG_OP(regex_full_match) = {
    .name = "RegexFullMatch",
    .since = {20},
    .in = {1, 1},
    .out = {1, 1},
    .types = PG_T(PG_STRING),
    .attrs = regex_attrs,
    .infer = pgi_infer_same_as_bool,
    .prepare = regex_prepare,
    .discard = regex_discard,
    .run = regex_run,
};
