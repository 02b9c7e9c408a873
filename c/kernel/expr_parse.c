/* expr_parse: from the text of a formula to its steps; see expr.h.
**
** Recursive descent that emits as it goes.  An operand is a slot; temporaries come and go like a
** stack, so that the result of a step takes the place of its lowest temporary operand. */
#include <math.h>

#include "kernel/expr.h"

enum { MAX_DEPTH = 200, MAX_STEPS = 4096 };

/* Column i is i; constant i is CONSTANT + i; temporary i is TEMPORARY + i until the end, when the
** counts are known. */
enum { CONSTANT = 1 << 20, TEMPORARY = 1 << 21 };

typedef struct parser {
  pg_context *ctx;
  const char *text, *at;
  const char *const *names;
  int n_names;
  pgi_expr *e;
  int64_t steps_room, constants_room;
  int n_live; /* temporaries in use */
  int depth;
  pg_error *err;
} parser;

static pg_status fail(const parser *p, const char *where, const char *message) {
  return pgi_fail(p->err, PG_INVALID, "column %d of '%.200s': %s", (int)(where - p->text) + 1,
                  p->text, message);
}

/* ---- words ---------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_space(parser *p) {
  while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') p->at++;
}

static size_t word_size(const char *at) {
  if (!is_letter(*at)) return 0;
  size_t n = 1;
  while (is_letter(at[n]) || is_digit(at[n])) n++;
  return n;
}

static bool is_word(const char *at, size_t n, const char *word) {
  return n == strlen(word) && memcmp(at, word, n) == 0;
}

static bool take_word(parser *p, const char *word) {
  skip_space(p);
  size_t n = word_size(p->at);
  if (!is_word(p->at, n, word)) return false;
  p->at += n;
  return true;
}

static bool take(parser *p, const char *sign) {
  skip_space(p);
  size_t n = strlen(sign);
  if (strncmp(p->at, sign, n) != 0) return false;
  p->at += n;
  return true;
}

/* ---- emitting ------------------------------------------------------------------------------------- */

static pg_status new_constant(parser *p, double v, int32_t *slot) {
  if (p->e->n_constants >= MAX_STEPS) return fail(p, p->at, "too many constants");
  PG_TRY(pgi_grow(p->ctx, &p->e->constants, &p->constants_room, p->e->n_constants + 1,
                  sizeof *p->e->constants, p->err));
  *slot = CONSTANT + p->e->n_constants;
  p->e->constants[p->e->n_constants++] = v;
  return PG_OK;
}

static bool is_constant(int32_t slot) {
  return slot >= CONSTANT && slot < TEMPORARY;
}

/* An operation on constants is done now.  They are the last ones made, and go away. */
static pg_status fold(parser *p, int op, int n, const int32_t *in, int32_t *out) {
  double x[3] = {0}, y = 0;
  for (int i = 0; i < n; i++) x[i] = p->e->constants[in[i] - CONSTANT];
  if (op >= PG_X_UNARY) {
    y = pgi_unary_f64((pgi_unary)(op - PG_X_UNARY), x[0], 1, 0);
  } else {
    const pgi_expr_kernel *kernel = p->ctx->kernels[PG_K_EXPR];
    kernel->f64((pgi_expr_op)op, &x[0], &x[1], &x[2], &y, 1);
  }
  p->e->n_constants -= n;
  return new_constant(p, y, out);
}

static pg_status emit(parser *p, int op, int n, const int32_t *in, int32_t *out) {
  bool is_known = true;
  for (int i = 0; i < n; i++) is_known &= is_constant(in[i]);
  if (is_known && op != PG_X_COPY) return fold(p, op, n, in, out);
  if (p->e->n_steps >= MAX_STEPS) return fail(p, p->at, "the formula is too long");
  PG_TRY(pgi_grow(p->ctx, &p->e->steps, &p->steps_room, p->e->n_steps + 1, sizeof *p->e->steps,
                  p->err));
  pgi_expr_step *step = &p->e->steps[p->e->n_steps++];
  for (int i = 0; i < n; i++) p->n_live -= in[i] >= TEMPORARY;
  int32_t y = TEMPORARY + p->n_live++;
  *step = (pgi_expr_step){op, in[0], n > 1 ? in[1] : -1, n > 2 ? in[2] : -1, y};
  p->e->n_temporaries = PG_MAX(p->e->n_temporaries, p->n_live);
  *out = y; /* which may be in[0] */
  return PG_OK;
}

static pg_status emit1(parser *p, int op, int32_t *x) {
  return emit(p, op, 1, x, x);
}

static pg_status emit2(parser *p, int op, int32_t a, int32_t b, int32_t *out) {
  return emit(p, op, 2, (int32_t[]){a, b}, out);
}

/* ---- numbers and names ---------------------------------------------------------------------------- */

/* Not strtod: that one minds the locale.  Exact to 15 digits, else within a unit in the last place. */
static pg_status number(parser *p, int32_t *out) {
  const char *start = p->at;
  long double v = 0;
  int scale = 0, digits = 0, exponent = 0;
  bool is_negative = false;
  for (; is_digit(*p->at); p->at++, digits++) v = v * 10 + (*p->at - '0');
  if (*p->at == '.')
    for (p->at++; is_digit(*p->at); p->at++, digits++, scale--) v = v * 10 + (*p->at - '0');
  if (digits == 0 || digits > 400) return fail(p, start, "malformed number");
  if (*p->at == 'e' || *p->at == 'E') {
    p->at++;
    if (*p->at == '+' || *p->at == '-') is_negative = *p->at++ == '-';
    if (!is_digit(*p->at)) return fail(p, start, "malformed number");
    for (; is_digit(*p->at); p->at++)
      if (exponent < 10000) exponent = exponent * 10 + (*p->at - '0');
  }
  if (is_letter(*p->at) || *p->at == '.') return fail(p, start, "malformed number");
  scale += is_negative ? -exponent : exponent;
  if (v != 0) v = scale < 0 ? v / powl(10, -scale) : v * powl(10, scale);
  return new_constant(p, (double)v, out);
}

static pg_status or_level(parser *p, int32_t *out);

typedef struct function {
  const char *name;
  int n_args; /* 0: two or more */
  int op;
} function;

static const function functions[] = {
    {"abs", 1, PG_X_UNARY + PG_ABS},
    {"acos", 1, PG_X_UNARY + PG_ACOS},
    {"acosh", 1, PG_X_UNARY + PG_ACOSH},
    {"asin", 1, PG_X_UNARY + PG_ASIN},
    {"asinh", 1, PG_X_UNARY + PG_ASINH},
    {"atan", 1, PG_X_UNARY + PG_ATAN},
    {"atanh", 1, PG_X_UNARY + PG_ATANH},
    {"ceil", 1, PG_X_UNARY + PG_CEIL},
    {"clamp", 3, PG_X_MAX},
    {"cos", 1, PG_X_UNARY + PG_COS},
    {"cosh", 1, PG_X_UNARY + PG_COSH},
    {"erf", 1, PG_X_UNARY + PG_ERF},
    {"exp", 1, PG_X_UNARY + PG_EXP},
    {"floor", 1, PG_X_UNARY + PG_FLOOR},
    {"gelu", 1, PG_X_UNARY + PG_GELU},
    {"log", 1, PG_X_UNARY + PG_LOG},
    {"log10", 1, PG_X_UNARY + PG_LOG},
    {"log2", 1, PG_X_UNARY + PG_LOG},
    {"max", 0, PG_X_MAX},
    {"min", 0, PG_X_MIN},
    {"mish", 1, PG_X_UNARY + PG_MISH},
    {"pow", 2, PG_X_POW},
    {"relu", 1, PG_X_UNARY + PG_RELU},
    {"round", 1, PG_X_UNARY + PG_ROUND},
    {"sigmoid", 1, PG_X_UNARY + PG_SIGMOID},
    {"sign", 1, PG_X_UNARY + PG_SIGN},
    {"silu", 1, PG_X_UNARY + PG_SWISH},
    {"sin", 1, PG_X_UNARY + PG_SIN},
    {"sinh", 1, PG_X_UNARY + PG_SINH},
    {"softplus", 1, PG_X_UNARY + PG_SOFTPLUS},
    {"sqrt", 1, PG_X_UNARY + PG_SQRT},
    {"tan", 1, PG_X_UNARY + PG_TAN},
    {"tanh", 1, PG_X_UNARY + PG_TANH},
    {"where", 3, PG_X_WHERE},
};

static pg_status finish_call(parser *p, const function *f, int32_t *args, int32_t *out) {
  PG_TRY(emit(p, f->op, f->op == PG_X_MAX && f->n_args == 3 ? 2 : f->n_args, args, out));
  int32_t factor;
  if (strcmp(f->name, "log2") == 0)
    PG_TRY(new_constant(p, 1.4426950408889634074, &factor));
  else if (strcmp(f->name, "log10") == 0)
    PG_TRY(new_constant(p, 0.43429448190325182765, &factor));
  else
    return PG_OK;
  return emit2(p, PG_X_MUL, *out, factor, out);
}

/* After the opening parenthesis.  min, max and clamp work on their arguments as they come. */
static pg_status call(parser *p, const char *start, const function *f, int32_t *out) {
  int32_t args[3];
  int n = 0;
  bool is_more = !take(p, ")");
  for (; is_more; n++) {
    if (f->n_args > 0 && n >= f->n_args) break;
    PG_TRY(or_level(p, &args[f->n_args == 0 && n > 0 ? 1 : n]));
    if (f->n_args == 0 && n > 0) PG_TRY(emit2(p, f->op, args[0], args[1], &args[0]));
    if (is_word(f->name, strlen(f->name), "clamp") && n > 0)
      PG_TRY(emit2(p, n == 1 ? PG_X_MAX : PG_X_MIN, args[0], args[n], &args[0]));
    is_more = take(p, ",");
    if (!is_more && !take(p, ")")) return fail(p, p->at, "expected ',' or ')'");
  }
  if (is_more || (f->n_args > 0 ? n != f->n_args : n < 2)) {
    char message[80];
    pgi_text text = {message, sizeof message, 0};
    if (f->n_args == 0)
      pgi_text_add(&text, "%s takes two arguments or more", f->name);
    else
      pgi_text_add(&text, "%s takes %d argument%s", f->name, f->n_args, f->n_args > 1 ? "s" : "");
    return fail(p, start, message);
  }
  *out = args[0];
  if (f->n_args == 0 || is_word(f->name, strlen(f->name), "clamp")) return PG_OK;
  return finish_call(p, f, args, out);
}

static pg_status name(parser *p, int32_t *out) {
  static const struct {
    const char *name;
    double value;
  } constants[] = {{"pi", 3.14159265358979323846},
                   {"e", 2.71828182845904523536},
                   {"inf", INFINITY},
                   {"nan", NAN}};
  const char *start = p->at;
  size_t n = word_size(start);
  p->at += n;
  skip_space(p);
  if (*p->at == '(') {
    p->at++;
    for (int i = 0; i < PG_COUNT(functions); i++)
      if (is_word(start, n, functions[i].name)) return call(p, start, &functions[i], out);
    return fail(p, start, "there is no such function");
  }
  for (int i = 0; i < p->n_names; i++) {
    if (!is_word(start, n, p->names[i])) continue;
    *out = i;
    return PG_OK;
  }
  for (int i = 0; i < PG_COUNT(constants); i++)
    if (is_word(start, n, constants[i].name)) return new_constant(p, constants[i].value, out);
  return fail(p, start, "unknown name");
}

/* ---- levels --------------------------------------------------------------------------------------- */

static pg_status primary(parser *p, int32_t *out) {
  skip_space(p);
  if (is_digit(*p->at) || *p->at == '.') return number(p, out);
  if (is_letter(*p->at)) return name(p, out);
  const char *start = p->at;
  if (!take(p, "("))
    return fail(p, start, *start ? "expected a number, a name or '('" : "the formula ends early");
  PG_TRY(or_level(p, out));
  return take(p, ")") ? PG_OK : fail(p, p->at, "expected ')'");
}

static pg_status unary_level(parser *p, int32_t *out);

static pg_status power_level(parser *p, int32_t *out) {
  PG_TRY(primary(p, out));
  if (!take(p, "^")) return PG_OK;
  int32_t exponent;
  PG_TRY(unary_level(p, &exponent));
  return emit2(p, PG_X_POW, *out, exponent, out);
}

/* Every way down to a deeper level comes through here. */
static pg_status unary_level(parser *p, int32_t *out) {
  if (p->depth >= MAX_DEPTH) return fail(p, p->at, "the formula is nested too deeply");
  p->depth++;
  if (take(p, "-")) {
    PG_TRY(unary_level(p, out));
    PG_TRY(emit1(p, PG_X_UNARY + PG_NEG, out));
  } else if (take_word(p, "not")) {
    PG_TRY(unary_level(p, out));
    PG_TRY(emit1(p, PG_X_NOT, out));
  } else {
    PG_TRY(power_level(p, out));
  }
  p->depth--;
  return PG_OK;
}

static pg_status product_level(parser *p, int32_t *out) {
  PG_TRY(unary_level(p, out));
  for (;;) {
    int op = take(p, "*")    ? PG_X_MUL
             : take(p, "//") ? PG_X_FLOOR_DIV
             : take(p, "/")  ? PG_X_DIV
             : take(p, "%")  ? PG_X_MOD
                             : -1;
    if (op < 0) return PG_OK;
    int32_t b;
    PG_TRY(unary_level(p, &b));
    PG_TRY(emit2(p, op, *out, b, out));
  }
}

static pg_status sum_level(parser *p, int32_t *out) {
  PG_TRY(product_level(p, out));
  for (;;) {
    int op = take(p, "+") ? PG_X_ADD : take(p, "-") ? PG_X_SUB : -1;
    if (op < 0) return PG_OK;
    int32_t b;
    PG_TRY(product_level(p, &b));
    PG_TRY(emit2(p, op, *out, b, out));
  }
}

static pg_status compare_level(parser *p, int32_t *out) {
  static const struct {
    const char *sign;
    int op;
    bool is_swapped;
  } signs[] = {{"<=", PG_X_LESS_EQUAL, false}, {">=", PG_X_LESS_EQUAL, true},
               {"==", PG_X_EQUAL, false},      {"~=", PG_X_NOT_EQUAL, false},
               {"!=", PG_X_NOT_EQUAL, false},  {"<", PG_X_LESS, false},
               {">", PG_X_LESS, true}};
  PG_TRY(sum_level(p, out));
  for (;;) {
    int k = 0;
    while (k < PG_COUNT(signs) && !take(p, signs[k].sign)) k++;
    if (k == PG_COUNT(signs)) return PG_OK;
    int32_t b;
    PG_TRY(sum_level(p, &b));
    if (signs[k].is_swapped)
      PG_TRY(emit2(p, signs[k].op, b, *out, out));
    else
      PG_TRY(emit2(p, signs[k].op, *out, b, out));
  }
}

static pg_status and_level(parser *p, int32_t *out) {
  PG_TRY(compare_level(p, out));
  while (take_word(p, "and")) {
    int32_t b;
    PG_TRY(compare_level(p, &b));
    PG_TRY(emit2(p, PG_X_AND, *out, b, out));
  }
  return PG_OK;
}

static pg_status or_level(parser *p, int32_t *out) {
  PG_TRY(and_level(p, out));
  while (take_word(p, "or")) {
    int32_t b;
    PG_TRY(and_level(p, &b));
    PG_TRY(emit2(p, PG_X_OR, *out, b, out));
  }
  return PG_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static int32_t number_slot(const pgi_expr *e, int32_t slot) {
  if (slot >= TEMPORARY) return slot - TEMPORARY + e->n_columns + e->n_constants;
  if (slot >= CONSTANT) return slot - CONSTANT + e->n_columns;
  return slot;
}

static pg_status parse(parser *p) {
  int32_t result = 0;
  PG_TRY(or_level(p, &result));
  skip_space(p);
  if (*p->at) return fail(p, p->at, "expected an operator or the end");
  if (result < TEMPORARY) PG_TRY(emit1(p, PG_X_COPY, &result)); /* a lone column or constant */
  for (int i = 0; i < p->e->n_steps; i++) {
    pgi_expr_step *s = &p->e->steps[i];
    s->a = number_slot(p->e, s->a);
    s->b = number_slot(p->e, s->b);
    s->c = number_slot(p->e, s->c);
    s->y = number_slot(p->e, s->y);
  }
  return PG_OK;
}

pg_status pgi_expr_compile(pg_context *ctx, const char *text, const char *const *names, int n_names,
                           pgi_expr **out, pg_error *err) {
  if (n_names < 0 || n_names >= CONSTANT)
    return pgi_fail(err, PG_INVALID, "expected fewer columns, got %d", n_names);
  pgi_expr *e = pgi_alloc_zero(ctx, sizeof *e);
  if (!e) return pgi_nomem(err);
  e->ctx = ctx;
  e->n_columns = n_names;
  pgi_context_retain(ctx);
  parser p = {
      .ctx = ctx, .text = text, .at = text, .names = names, .n_names = n_names, .e = e, .err = err};
  pg_status status = parse(&p);
  if (status == PG_OK)
    *out = e;
  else
    pgi_expr_free(e);
  return status;
}

void pgi_expr_free(pgi_expr *e) {
  if (!e) return;
  pg_context *ctx = e->ctx;
  pgi_free(ctx, e->constants);
  pgi_free(ctx, e->steps);
  pgi_free(ctx, e);
  pg_context_release(ctx);
}
