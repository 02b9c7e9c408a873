/* core.image_*: pictures.  Options, colours by name and chaining are lua/perigee/image.lua.
**
** What files hold is nil, message, code; sizes and names that are wrong raise. */
#include "bind/bind.h"
#include "format/format.h"
#include "image/image.h"

/* Pushes out (already on the stack), or fails. */
static int give(lua_State *L, pg_status status, const pg_tensor *out, const pg_error *err) {
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, err);
  pgi_lua_nudge(L, pg_tensor_bytes(out));
  return 1;
}

static int threads(void) {
  return pgi_cpu_count();
}

/* A number for all channels, or a table of one a channel. */
static void read_values(lua_State *L, int arg, float otherwise, float values[4]) {
  for (int c = 0; c < 4; c++) values[c] = otherwise;
  if (lua_isnoneornil(L, arg)) return;
  if (lua_isnumber(L, arg)) {
    for (int c = 0; c < 4; c++) values[c] = (float)lua_tonumber(L, arg);
    return;
  }
  luaL_checktype(L, arg, LUA_TTABLE);
  for (int c = 0; c < 4; c++) {
    if (lua_geti(L, arg, c + 1) != LUA_TNIL) {
      luaL_argcheck(L, lua_isnumber(L, -1), arg, "expected numbers");
      values[c] = (float)lua_tonumber(L, -1);
    }
    lua_pop(L, 1);
  }
}

static pgi_color check_color(lua_State *L, int arg) {
  pgi_color color = {{0}};
  read_values(L, arg, 0, color.value);
  return color;
}

static pgi_space check_space(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  pgi_space space;
  if (!pgi_space_from_name(name, &space))
    luaL_argerror(L, arg, lua_pushfstring(L, "unknown colour space '%s'", name));
  return space;
}

/* ---- files -------------------------------------------------------------------------------------- */

/* image_read(path, deep) -> Tensor u8 (or u16) [H,W,C] */
static int image_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bool deep = lua_toboolean(L, 2);
  pg_context *ctx = pgi_lua_context(L);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  if (pgi_image_read(ctx, path, deep, out, &err) != PG_OK) return pgi_lua_fail(L, &err);
  return give(L, PG_OK, out, &err);
}

/* image_decode(bytes, deep) */
static int image_decode(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  bool deep = lua_toboolean(L, 2);
  pg_context *ctx = pgi_lua_context(L);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  if (pgi_picture_read(ctx, bytes, size, deep, out, &err) != PG_OK) return pgi_lua_fail(L, &err);
  return give(L, PG_OK, out, &err);
}

/* image_write(tensor, path, quality) -> true */
static int image_write(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  const char *path = luaL_checkstring(L, 2);
  lua_Integer quality = luaL_optinteger(L, 3, 0);
  luaL_argcheck(L, quality >= 0 && quality <= 100, 3, "expected a quality of 1 to 100");
  pg_error err;
  if (pgi_image_write(t, path, (int)quality, &err) != PG_OK) return pgi_lua_fail_or_raise(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* ---- geometry ----------------------------------------------------------------------------------- */

/* image_resize(tensor, height, width, filter) */
static int image_resize(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int64_t height = luaL_checkinteger(L, 2), width = luaL_checkinteger(L, 3);
  const char *filter = luaL_checkstring(L, 4);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_resize(t, height, width, filter, threads(), out, &err), out, &err);
}

/* image_crop(tensor, x, y, width, height) */
static int image_crop(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int64_t x = luaL_checkinteger(L, 2), y = luaL_checkinteger(L, 3);
  int64_t width = luaL_checkinteger(L, 4), height = luaL_checkinteger(L, 5);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_crop(t, x, y, width, height, out, &err), out, &err);
}

/* image_pad(tensor, left, top, right, bottom, border, fill) */
static int image_pad(lua_State *L) {
  static const char *const borders[] = {"constant", "edge", "reflect", NULL};
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_margins m = {.left = luaL_checkinteger(L, 2),
                   .top = luaL_checkinteger(L, 3),
                   .right = luaL_checkinteger(L, 4),
                   .bottom = luaL_checkinteger(L, 5)};
  pgi_border border = (pgi_border)luaL_checkoption(L, 6, "constant", borders);
  pgi_color fill = check_color(L, 7);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_pad(t, &m, border, &fill, out, &err), out, &err);
}

/* image_letterbox(tensor, height, width, filter, fill) -> Tensor, scale, x, y */
static int image_letterbox(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  int64_t height = luaL_checkinteger(L, 2), width = luaL_checkinteger(L, 3);
  const char *filter = luaL_checkstring(L, 4);
  pgi_color fill = check_color(L, 5);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pgi_placement where = {0};
  pg_error err;
  pg_status status =
      pgi_image_letterbox(t, height, width, filter, &fill, threads(), out, &where, &err);
  if (status != PG_OK) return give(L, status, out, &err);
  give(L, status, out, &err);
  lua_pushnumber(L, where.scale);
  lua_pushinteger(L, where.dx);
  lua_pushinteger(L, where.dy);
  return 4;
}

/* image_flip(tensor, is_horizontal) */
static int image_flip(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_flip(t, lua_toboolean(L, 2), out, &err), out, &err);
}

/* image_rotate(tensor, degrees, expand, is_nearest, fill) */
static int image_rotate(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_rotation r = {.degrees = luaL_checknumber(L, 2),
                    .expand = lua_toboolean(L, 3),
                    .is_nearest = lua_toboolean(L, 4),
                    .fill = check_color(L, 5)};
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_rotate(t, &r, threads(), out, &err), out, &err);
}

/* ---- colours ------------------------------------------------------------------------------------ */

/* image_color(tensor, from, to, "pil"|"cv") */
static int image_color(lua_State *L) {
  static const char *const grays[] = {"pil", "cv", NULL};
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_space from = check_space(L, 2), to = check_space(L, 3);
  pgi_gray gray = (pgi_gray)luaL_checkoption(L, 4, "pil", grays);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_color(t, from, to, gray, out, &err), out, &err);
}

/* image_compose(tensor, color) */
static int image_compose(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_color over = check_color(L, 2);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_compose(t, &over, out, &err), out, &err);
}

/* image_cast(tensor, dtype) */
static int image_cast(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pg_dtype dtype = pgi_lua_check_dtype(L, 2);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_cast(t, dtype, out, &err), out, &err);
}

/* ---- into networks and back ----------------------------------------------------------------------- */

/* Arguments first..first+4: scale, mean, std, layout, dtype. */
static pgi_normal check_normal(lua_State *L, int first) {
  pgi_normal n;
  pgi_normal_init(&n);
  n.scale = (float)luaL_optnumber(L, first, 1);
  read_values(L, first + 1, 0, n.mean);
  read_values(L, first + 2, 1, n.std);
  const char *layout = luaL_checkstring(L, first + 3);
  if (!pgi_layout_from_name(layout, &n.layout))
    luaL_argerror(
        L, first + 3,
        lua_pushfstring(L, "unknown layout '%s' (known: NCHW, NHWC, CHW, HWC, HW)", layout));
  n.dtype = pgi_lua_check_dtype(L, first + 4);
  return n;
}

/* image_to_tensor(tensor, scale, mean, std, layout, dtype) */
static int image_to_tensor(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_normal n = check_normal(L, 2);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_to_tensor(t, &n, threads(), out, &err), out, &err);
}

/* image_from_tensor(tensor, scale, mean, std, layout, "u8"|"f32") */
static int image_from_tensor(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_normal n = check_normal(L, 2);
  pg_tensor *out = pgi_lua_new_tensor(L);
  pg_error err;
  return give(L, pgi_image_from_tensor(t, &n, out, &err), out, &err);
}

/* ---- drawing: in place; returns the tensor ---------------------------------------------------------- */

/* Arguments first..first+3: color, alpha, thickness (0: filled), antialias. */
static pgi_pen check_pen(lua_State *L, int first) {
  return (pgi_pen){.color = check_color(L, first),
                   .alpha = (float)luaL_optnumber(L, first + 1, 1),
                   .thickness = luaL_optnumber(L, first + 2, 0),
                   .is_antialiased = lua_toboolean(L, first + 3)};
}

static int drawn(lua_State *L, pg_status status, const pg_error *err) {
  if (status != PG_OK) return pgi_lua_fail_or_raise(L, err);
  lua_settop(L, 1);
  return 1;
}

/* image_rectangle(tensor, x, y, width, height, pen...) */
static int image_rectangle(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_pen pen = check_pen(L, 6);
  pg_error err;
  return drawn(L,
               pgi_draw_rectangle(t, luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                                  luaL_checknumber(L, 4), luaL_checknumber(L, 5), &pen, &err),
               &err);
}

/* image_line(tensor, x1, y1, x2, y2, pen...) */
static int image_line(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_pen pen = check_pen(L, 6);
  pg_error err;
  return drawn(L,
               pgi_draw_line(t, luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                             luaL_checknumber(L, 4), luaL_checknumber(L, 5), &pen, &err),
               &err);
}

/* image_circle(tensor, x, y, radius, pen...) */
static int image_circle(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  pgi_pen pen = check_pen(L, 5);
  pg_error err;
  return drawn(L,
               pgi_draw_circle(t, luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                               luaL_checknumber(L, 4), &pen, &err),
               &err);
}

static int check_scale(lua_State *L, int arg) {
  lua_Integer scale = luaL_optinteger(L, arg, 1);
  luaL_argcheck(L, scale >= 1 && scale <= 1000, arg, "expected a scale of 1 to 1000");
  return (int)scale;
}

/* image_text(tensor, x, y, text, scale, color, alpha) */
static int image_text(lua_State *L) {
  size_t size;
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  double x = luaL_checknumber(L, 2), y = luaL_checknumber(L, 3);
  const char *text = luaL_checklstring(L, 4, &size);
  int scale = check_scale(L, 5);
  pgi_pen pen = {.color = check_color(L, 6), .alpha = (float)luaL_optnumber(L, 7, 1)};
  pg_error err;
  return drawn(L, pgi_draw_text(t, x, y, text, size, scale, &pen, &err), &err);
}

/* image_text_size(text, scale) -> width, height */
static int image_text_size(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  int64_t width, height;
  pgi_text_size(text, size, check_scale(L, 2), &width, &height);
  lua_pushinteger(L, width);
  lua_pushinteger(L, height);
  return 2;
}

/* image_preview(tensor u8 [H,W,3]) -> two pixels a character, for terminals with 24-bit colour */
static int image_preview(lua_State *L) {
  pg_tensor *t = pgi_lua_check_tensor(L, 1);
  luaL_argcheck(L, t->dtype == PG_U8 && t->rank == 3 && t->dims[2] == 3, 1, "expected u8 [H,W,3]");
  luaL_argcheck(L, pgi_tensor_is_contiguous(t), 1, "expected a contiguous tensor");
  const uint8_t *data = pgi_tensor_data(t);
  int64_t width = t->dims[1], height = t->dims[0];
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int64_t y = 0; y < height; y += 2) {
    for (int64_t x = 0; x < width; x++) {
      char text[64];
      const uint8_t *top = data + (y * width + x) * 3, *low = top + width * 3;
      pgi_text out = {text, sizeof text, 0};
      pgi_text_add(&out, "\033[38;2;%d;%d;%d", top[0], top[1], top[2]);
      if (y + 1 < height) pgi_text_add(&out, ";48;2;%d;%d;%d", low[0], low[1], low[2]);
      pgi_text_add(&out, "m\xE2\x96\x80");
      luaL_addlstring(&b, text, out.n);
    }
    luaL_addstring(&b, y + 2 < height ? "\033[0m\n" : "\033[0m");
  }
  luaL_pushresult(&b);
  return 1;
}

void pgi_lua_open_image(lua_State *L) {
  static const luaL_Reg functions[] = {{"image_read", image_read},
                                       {"image_decode", image_decode},
                                       {"image_write", image_write},
                                       {"image_resize", image_resize},
                                       {"image_crop", image_crop},
                                       {"image_pad", image_pad},
                                       {"image_letterbox", image_letterbox},
                                       {"image_flip", image_flip},
                                       {"image_rotate", image_rotate},
                                       {"image_color", image_color},
                                       {"image_compose", image_compose},
                                       {"image_cast", image_cast},
                                       {"image_to_tensor", image_to_tensor},
                                       {"image_from_tensor", image_from_tensor},
                                       {"image_rectangle", image_rectangle},
                                       {"image_line", image_line},
                                       {"image_circle", image_circle},
                                       {"image_text", image_text},
                                       {"image_text_size", image_text_size},
                                       {"image_preview", image_preview},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
