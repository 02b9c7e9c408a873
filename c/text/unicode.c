/* Facts about characters, gathered from utf8proc (its C interface of version 2): categories, canonical
** classes, decompositions, and from those the pairs that compose. */
#include "text/text.h"

enum { COMPAT = 1 << 2, COMPOSE = 1 << 3, DECOMPOSE = 1 << 4, STABLE = 1 << 1 };
enum {
  CN,
  LU,
  LL,
  LT,
  LM,
  LO,
  MN,
  MC,
  ME,
  ND,
  NL,
  NO,
  PC,
  PD,
  PS,
  PE,
  PI,
  PF,
  PO,
  SM,
  SC,
  SK,
  SO,
  ZS,
  ZL,
  ZP,
  CC,
  CF,
  CS,
  CO
};
enum { LAST_NAMED = 0x32400, TAGS = 0xE0000, TAGS_END = 0xE0200, PRIVATE = 0xF0000 };
enum {
  HANGUL = 0xAC00,
  HANGUL_END = 0xD7A4,
  V_FIRST = 0x1161,
  V_END = 0x1176,
  T_FIRST = 0x11A8,
  T_END = 0x11C3
};
enum { MAX_PARTS = 32 };

typedef int64_t normalize_fn(int32_t *buffer, int64_t n, int options);

static bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/* As in the published code of BERT. */
static bool is_cjk(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* Symbols with the property Other_Alphabetic. */
static bool is_letter_symbol(uint32_t c) {
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

static uint32_t from_category(uint32_t c, int category) {
  uint32_t f = 0;
  switch (category) {
    case LU:
    case LT:
      f = PG_U_UPPER;
      break;
    case LL:
      f = PG_U_LOWER;
      break;
    case LM:
    case LO:
      f = PG_U_OTHER;
      break;
    case MN:
      f = PG_U_MARK | PG_U_MN;
      break;
    case MC:
    case ME:
      f = PG_U_MARK;
      break;
    case ND:
    case NL:
    case NO:
      f = PG_U_NUMBER;
      break;
    case PC:
    case PD:
    case PS:
    case PE:
    case PI:
    case PF:
    case PO:
      f = PG_U_PUNCT;
      break;
    case CN:
      break;
    case CC:
    case CF:
    case CS:
    case CO:
      f = PG_U_OTHERS;
      break;
    default:
      break;
  }
  if ((f & (PG_U_LETTER | PG_U_MARK)) || category == ND || category == NL || category == PC ||
      is_letter_symbol(c))
    f |= PG_U_WORD;
  if (is_space(c)) f |= PG_U_SPACE;
  if (is_cjk(c)) f |= PG_U_CJK;
  if (c == 0x200C || c == 0x200D) f |= PG_U_JOINER;
  if (c == 0xFFFD) f |= PG_U_OTHERS; /* BERT drops it, too */
  if (c < 0x80 && c > 0x20 && c != 0x7F && !(f & (PG_U_LETTER | PG_U_NUMBER))) f |= PG_U_PUNCT;
  return f;
}

static bool is_itself(const int32_t *parts, int64_t n, uint32_t c) {
  return n == 1 && parts[0] == (int32_t)c;
}

static uint32_t from_forms(pgi_unicode *u, normalize_fn *normalize, uint32_t c) {
  int32_t parts[MAX_PARTS];
  int last = 0;
  uint32_t f = 0;
  bool is_mark = pgi_unicode_class(u, c) != 0;
  bool is_jamo = (c >= V_FIRST && c < V_END) || (c >= T_FIRST && c < T_END);
  bool is_hangul = c >= HANGUL && c < HANGUL_END;
  for (int compat = 0; compat < 2; compat++) {
    int64_t n =
        u->decompose((int32_t)c, parts, MAX_PARTS, DECOMPOSE | (compat ? COMPAT : 0), &last);
    if (n < 1 || n > MAX_PARTS) continue;
    if (is_mark || !is_itself(parts, n, c)) f |= compat ? PG_U_NOT_NFKD : PG_U_NOT_NFD;
    if (!is_itself(parts, n, c) && !is_hangul) n = normalize(parts, n, COMPOSE | STABLE);
    if (is_mark || is_jamo || (!is_hangul && !is_itself(parts, n, c)))
      f |= compat ? PG_U_NOT_NFKC : PG_U_NOT_NFC;
  }
  int32_t s1 = 0, s2 = 0, s3 = 0, ch = (int32_t)c;
  if (!u->is_break('a', ch, &s1) || !u->is_break(ch, 'a', &s2) || !u->is_break(ch, ch, &s3) ||
      is_hangul)
    f |= PG_U_CLUSTER;
  if (u->lower(ch) != ch) f |= PG_U_CASED;
  return f;
}

int pgi_unicode_class(const pgi_unicode *u, uint32_t c) {
  return u->property((int32_t)c)[1];
}

/* ---- pairs -------------------------------------------------------------------------------------------- */

static uint32_t pair_slot(const pgi_unicode *u, uint32_t a, uint32_t b) {
  uint64_t h = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
  uint32_t i = (uint32_t)(h >> 40) & (u->n_slots - 1);
  while (u->pairs[i].first && (u->pairs[i].first != a || u->pairs[i].second != b))
    i = (i + 1) & (u->n_slots - 1);
  return i;
}

enum { L_BASE = 0x1100, L_END = 0x1113, T_BASE = 0x11A7, T_COUNT = 28, V_COUNT = 21 };

uint32_t pgi_unicode_compose(const pgi_unicode *u, uint32_t a, uint32_t b) {
  if (a >= L_BASE && a < L_END && b >= V_FIRST && b < V_END) /* The Unicode Standard, 3.12 */
    return HANGUL + ((a - L_BASE) * V_COUNT + (b - V_FIRST)) * T_COUNT;
  if (a >= HANGUL && a < HANGUL_END && (a - HANGUL) % T_COUNT == 0 && b > T_BASE && b < T_END)
    return a + (b - T_BASE);
  return u->pairs[pair_slot(u, a, b)].whole;
}

/* c as a pair, when it is what its parts compose to. */
static void add_pair(pgi_unicode *u, normalize_fn *normalize, uint32_t c) {
  int32_t parts[MAX_PARTS], head[MAX_PARTS];
  int last = 0;
  if (c >= HANGUL && c < HANGUL_END) return;
  int64_t n = u->decompose((int32_t)c, parts, MAX_PARTS, DECOMPOSE, &last);
  if (n < 2 || n > MAX_PARTS) return;
  int32_t second = parts[n - 1];
  memcpy(head, parts, sizeof head);
  int64_t n_head = n == 2 ? 1 : normalize(head, n - 1, COMPOSE | STABLE);
  if (normalize(parts, n, COMPOSE | STABLE) != 1 || parts[0] != (int32_t)c || n_head != 1) return;
  uint32_t slot = pair_slot(u, (uint32_t)head[0], (uint32_t)second);
  u->pairs[slot] = (pgi_composition){(uint32_t)head[0], (uint32_t)second, c};
  uint32_t s = (uint32_t)second;
  u->flags[(uint32_t)u->block[s >> 8] * PG_U_BLOCK + (s & 0xFF)] |= PG_U_NOT_NFC | PG_U_NOT_NFKC;
}

/* ---- tables ------------------------------------------------------------------------------------------- */

static bool is_assigned_block(uint32_t c) {
  return c < LAST_NAMED || (c >= TAGS && c < TAGS_END);
}

/* One table of flags for each block that differs from the one before it. */
static pg_status fill(pgi_unicode *u, normalize_fn *normalize, pg_error *err) {
  int64_t capacity = 0;
  for (uint32_t b = 0; b < PG_U_BLOCKS; b++) {
    uint32_t first = b * PG_U_BLOCK, row[PG_U_BLOCK];
    PG_TRY(pgi_grow(u->ctx, &u->flags, &capacity, (int64_t)(u->n_blocks + 1) * PG_U_BLOCK,
                    sizeof *u->flags, err));
    for (uint32_t i = 0; i < PG_U_BLOCK; i++) {
      uint32_t c = first + i;
      int category = !is_assigned_block(c) && c < PRIVATE ? CN : u->property((int32_t)c)[0];
      row[i] = from_category(c, category);
      if (category != CN && category != CO && category != CS) row[i] |= from_forms(u, normalize, c);
    }
    uint32_t *to = u->flags + (size_t)u->n_blocks * PG_U_BLOCK;
    if (u->n_blocks && memcmp(to - PG_U_BLOCK, row, sizeof row) == 0) {
      u->block[b] = (uint16_t)(u->n_blocks - 1);
      continue;
    }
    memcpy(to, row, sizeof row);
    u->block[b] = (uint16_t)u->n_blocks++;
  }
  return PG_OK;
}

pg_status pgi_unicode_init(pgi_unicode *u, pg_context *ctx, pg_error *err) {
  static const char *const symbols[] = {"utf8proc_decompose_char", "utf8proc_tolower",
                                        "utf8proc_grapheme_break_stateful", "utf8proc_get_property",
                                        "utf8proc_normalize_utf32"};
  void *f[PG_COUNT(symbols)];
  *u = (pgi_unicode){.ctx = ctx, .n_slots = 4096};
  pg_status status = pgi_library_open("libutf8proc.so.2", symbols, f, PG_COUNT(symbols), err);
  if (status != PG_OK) {
    pgi_error_prefix(err, "tokenizer");
    return status;
  }
  memcpy(&u->decompose, &f[0], sizeof f[0]);
  memcpy(&u->lower, &f[1], sizeof f[1]);
  memcpy(&u->is_break, &f[2], sizeof f[2]);
  memcpy(&u->property, &f[3], sizeof f[3]);
  normalize_fn *normalize;
  memcpy(&normalize, &f[4], sizeof f[4]);
  u->pairs = pgi_alloc_zero(ctx, u->n_slots * sizeof *u->pairs);
  if (!u->pairs) return pgi_nomem(err);
  PG_TRY(fill(u, normalize, err));
  for (uint32_t c = 0xC0; c < LAST_NAMED; c++)
    if (pgi_unicode_flags(u, c) & PG_U_NOT_NFD) add_pair(u, normalize, c);
  return PG_OK;
}

void pgi_unicode_deinit(pgi_unicode *u) {
  pgi_free(u->ctx, u->flags);
  pgi_free(u->ctx, u->pairs);
  u->flags = NULL;
  u->pairs = NULL;
}
