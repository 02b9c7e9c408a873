/* core.nms, core.ctc_greedy, core.ctc_beam.  Indices and classes count from 1 on the Lua side; the
** conversion is in lua/perigee/post.lua. */
#include "bind/bind.h"
#include "post/post.h"

/* nms(boxes, scores, classes or nil, kind, iou, min_score, sigma, max_boxes)
** -> indices (0-based), boxes, scores */
static int nms(lua_State *L) {
  static const char *const kinds[] = {"hard", "linear", "gaussian", "weighted", NULL};
  pg_tensor *boxes = pgi_lua_check_tensor(L, 1), *scores = pgi_lua_check_tensor(L, 2);
  pg_tensor *classes = lua_isnoneornil(L, 3) ? NULL : pgi_lua_check_tensor(L, 3);
  pgi_nms_options o = {
      .kind = (pgi_nms_kind)luaL_checkoption(L, 4, "hard", kinds),
      .iou = (float)luaL_checknumber(L, 5),
      .min_score = (float)luaL_checknumber(L, 6),
      .sigma = (float)luaL_checknumber(L, 7),
      .max_boxes = luaL_checkinteger(L, 8),
  };
  pgi_lua_argcheck(L, o.sigma > 0, 7, "sigma must be positive");
  pg_tensor *indices = pgi_lua_new_tensor(L), *out_boxes = pgi_lua_new_tensor(L);
  pg_tensor *out_scores = pgi_lua_new_tensor(L);
  pg_error err;
  if (pgi_nms(pgi_lua_context(L), boxes, scores, classes, &o, indices, out_boxes, out_scores,
              &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  return 3;
}

/* ctc_greedy(logits, blank) -> labels, steps (0-based), confidence */
static int ctc_greedy(lua_State *L) {
  pg_tensor *logits = pgi_lua_check_tensor(L, 1);
  int64_t blank = luaL_checkinteger(L, 2);
  pg_tensor *labels = pgi_lua_new_tensor(L), *steps = pgi_lua_new_tensor(L);
  double confidence;
  pg_error err;
  if (pgi_ctc_greedy(pgi_lua_context(L), logits, blank, labels, steps, &confidence, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_pushnumber(L, confidence);
  return 3;
}

/* ctc_beam(logits, blank, width) -> labels, confidence */
static int ctc_beam(lua_State *L) {
  pg_tensor *logits = pgi_lua_check_tensor(L, 1);
  int64_t blank = luaL_checkinteger(L, 2), width = luaL_checkinteger(L, 3);
  pg_tensor *labels = pgi_lua_new_tensor(L);
  double confidence;
  pg_error err;
  if (pgi_ctc_beam(pgi_lua_context(L), logits, blank, width, labels, &confidence, &err) != PG_OK)
    return pgi_lua_fail_or_raise(L, &err);
  lua_pushnumber(L, confidence);
  return 2;
}

void pgi_lua_open_post(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"nms", nms}, {"ctc_greedy", ctc_greedy}, {"ctc_beam", ctc_beam}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
