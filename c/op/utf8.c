/* utf8: RFC 3629, and Unicode's simple case mappings of the bicameral scripts of the BMP's
** beginning. */
#include "op/utf8.h"

uint32_t pgi_utf8_next(const char *text, size_t size, size_t *at) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  const uint8_t *s = (const uint8_t *)text + *at;
  size_t left = size - *at;
  int more = s[0] < 0x80 ? 0 : s[0] < 0xC2 ? -1 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : 3;
  bool is_valid = more >= 0 && s[0] < 0xF5 && left > (size_t)more;
  uint32_t rune = is_valid && more ? s[0] & (0x3Fu >> more) : s[0];
  for (int i = 1; i <= more && is_valid; i++) {
    is_valid = (s[i] & 0xC0) == 0x80;
    rune = rune << 6 | (s[i] & 0x3Fu);
  }
  if (is_valid && more) {
    is_valid = rune >= least[more] && rune <= PG_RUNE_MAX && (rune < 0xD800 || rune > 0xDFFF);
  }
  *at += is_valid ? (size_t)more + 1 : 1;
  return is_valid ? rune : 0xFFFD;
}

int pgi_utf8_put(uint32_t rune, char out[4]) {
  if (rune < 0x80) {
    out[0] = (char)rune;
    return 1;
  }
  int n = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
  for (int i = n - 1; i > 0; i--, rune >>= 6) out[i] = (char)(0x80 | (rune & 0x3F));
  out[0] = (char)((0xF00 >> n & 0xFF) | (int)rune);
  return n;
}

/* Capitals from first to last: the small letter is `by` further; by 0: capitals and small letters
** alternate, first being a capital. */
static const struct {
  uint16_t first, last;
  int16_t by;
} cases[] = {
    {'A', 'Z', 32},      {0xC0, 0xD6, 32},   {0xD8, 0xDE, 32},   {0x100, 0x12E, 0},
    {0x132, 0x136, 0},   {0x139, 0x147, 0},  {0x14A, 0x176, 0},  {0x178, 0x178, -121},
    {0x179, 0x17D, 0},   {0x1CD, 0x1DB, 0},  {0x1DE, 0x1EE, 0},  {0x1F8, 0x21E, 0},
    {0x222, 0x232, 0},   {0x386, 0x386, 38}, {0x388, 0x38A, 37}, {0x38C, 0x38C, 64},
    {0x38E, 0x38F, 63},  {0x391, 0x3A1, 32}, {0x3A3, 0x3AB, 32}, {0x3D8, 0x3EE, 0},
    {0x400, 0x40F, 80},  {0x410, 0x42F, 32}, {0x460, 0x480, 0},  {0x48A, 0x4BE, 0},
    {0x4C1, 0x4CD, 0},   {0x4D0, 0x52E, 0},  {0x531, 0x556, 48}, {0x1E00, 0x1E94, 0},
    {0x1EA0, 0x1EFE, 0},
};

uint32_t pgi_rune_lower(uint32_t rune) {
  for (int i = 0; i < PG_COUNT(cases) && rune >= cases[i].first; i++) {
    if (rune > cases[i].last) continue;
    if (cases[i].by) return (uint32_t)((int32_t)rune + cases[i].by);
    return (rune - cases[i].first) % 2 == 0 ? rune + 1 : rune;
  }
  return rune;
}

uint32_t pgi_rune_upper(uint32_t rune) {
  if (rune == 0xB5) return 0x39C;  /* micro sign */
  if (rune == 0x3C2) return 0x3A3; /* final sigma */
  for (int i = 0; i < PG_COUNT(cases); i++) {
    uint32_t first = cases[i].first, last = cases[i].last;
    if (cases[i].by) {
      uint32_t capital = (uint32_t)((int32_t)rune - cases[i].by);
      if (capital >= first && capital <= last) return capital;
    } else if (rune > first && rune <= last + 1) {
      return (rune - first) % 2 ? rune - 1 : rune;
    }
  }
  return rune;
}
