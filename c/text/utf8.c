/* UTF-8 (RFC 3629), base64 (RFC 4648), and the letters that GPT-2's vocabulary writes bytes with. */
#include "text/text.h"

size_t pgi_char_put(uint32_t c, uint8_t *out) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (uint8_t)(0xC0 | c >> 6);
    out[1] = (uint8_t)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (uint8_t)(0xE0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | c >> 18);
  out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (c & 0x3F));
  return 4;
}

/* Bytes of the character at p, of which `left` are there; 0 when it is none. */
static size_t one_size(const uint8_t *p, size_t left) {
  uint8_t a = p[0];
  size_t n = a < 0x80 ? 1 : a < 0xC2 ? 0 : a < 0xE0 ? 2 : a < 0xF0 ? 3 : a < 0xF5 ? 4 : 0;
  if (n == 0 || n > left) return 0;
  for (size_t i = 1; i < n; i++)
    if (!pgi_char_inside(p[i])) return 0;
  if (n == 3 && ((a == 0xE0 && p[1] < 0xA0) || (a == 0xED && p[1] > 0x9F))) return 0;
  if (n == 4 && ((a == 0xF0 && p[1] < 0x90) || (a == 0xF4 && p[1] > 0x8F))) return 0;
  return n;
}

size_t pgi_utf8_valid(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    uint64_t eight;
    while (i + 8 <= n && (memcpy(&eight, p + i, 8), (eight & 0x8080808080808080u) == 0)) i += 8;
    if (i == n) break;
    size_t size = one_size(p + i, n - i);
    if (size == 0) break;
    i += size;
  }
  return i;
}

int64_t pgi_utf8_count(const uint8_t *p, size_t n) {
  int64_t count = 0;
  for (size_t i = 0; i < n; i++) count += !pgi_char_inside(p[i]);
  return count;
}

/* Printable bytes stand for themselves, the others for the letters from U+0100 on, in order. */
static bool is_printable(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

uint32_t pgi_byte_letter(uint8_t byte) {
  if (is_printable(byte)) return byte;
  if (byte <= 0x20) return 0x100u + byte;
  return byte == 0xAD ? 0x143 : 0x121u + (byte - 0x7Fu);
}

int pgi_letter_byte(uint32_t letter) {
  if (letter < 0x100) return is_printable(letter) ? (int)letter : -1;
  if (letter <= 0x120) return (int)letter - 0x100;
  if (letter <= 0x142) return (int)letter - 0x121 + 0x7F;
  return letter == 0x143 ? 0xAD : -1;
}

int64_t pgi_letters_to_bytes(const char *text, size_t size, uint8_t *out) {
  int64_t n = 0;
  for (size_t i = 0, step; i < size; i += step) {
    int byte = pgi_letter_byte(pgi_char_at((const uint8_t *)text + i, &step));
    if (byte < 0) return -1;
    out[n++] = (uint8_t)byte;
  }
  return n;
}

static int base64_digit(int c) {
  return c >= 'A' && c <= 'Z'   ? c - 'A'
         : c >= 'a' && c <= 'z' ? c - 'a' + 26
         : c >= '0' && c <= '9' ? c - '0' + 52
         : c == '+'             ? 62
         : c == '/'             ? 63
                                : -1;
}

int64_t pgi_from_base64(const char *text, size_t n, uint8_t *out) {
  uint32_t bits = 0;
  int have = 0;
  int64_t size = 0;
  while (n > 0 && text[n - 1] == '=') n--;
  for (size_t i = 0; i < n; i++) {
    int digit = base64_digit((unsigned char)text[i]);
    if (digit < 0) return -1;
    bits = (bits << 6 | (uint32_t)digit) & 0xFFFFFF;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out[size++] = (uint8_t)(bits >> have);
  }
  return size;
}
