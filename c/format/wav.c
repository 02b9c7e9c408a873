/* WAV (RIFF): PCM of 8, 16, 24, 32 bits, IEEE floats of 32 and 64 bits, A-law and mu-law, also in
** WAVE_FORMAT_EXTENSIBLE.  (Multimedia Programming Interface and Data Specifications 1.0;
** ITU-T G.711.) */
#include <math.h>

#include "format/format.h"

enum {
  FORMAT_PCM = 1,
  FORMAT_FLOAT = 3,
  FORMAT_ALAW = 6,
  FORMAT_MULAW = 7,
  FORMAT_EXTENSIBLE = 0xFFFE
};

typedef struct wave {
  unsigned format, channels, bits;
  uint32_t rate;
  const uint8_t *data;
  size_t size;
} wave;

static uint32_t u16(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}
static uint32_t u32(const uint8_t *p) {
  return u16(p) | u16(p + 2) << 16;
}

static pg_status read_format(wave *w, const uint8_t *p, size_t size, pg_error *err) {
  if (size < 16) return pgi_fail(err, PG_FORMAT, "wav: the format chunk is cut off");
  w->format = u16(p);
  w->channels = u16(p + 2);
  w->rate = u32(p + 4);
  w->bits = u16(p + 14);
  /* The real format stands in the first two bytes of the sub-format's GUID. */
  if (w->format == FORMAT_EXTENSIBLE && size >= 26) w->format = u16(p + 24);
  return PG_OK;
}

/* The chunks that matter; a data chunk that claims more than there is gets what there is, as
** streams that were cut off have it. */
static pg_status find_chunks(const uint8_t *bytes, size_t size, wave *w, pg_error *err) {
  size_t at = 12;
  memset(w, 0, sizeof *w);
  if (size < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0)
    return pgi_fail(err, PG_FORMAT, "not a WAV file");
  while (size - at >= 8) {
    const uint8_t *chunk = bytes + at;
    size_t length = PG_MIN((size_t)u32(chunk + 4), size - at - 8);
    if (memcmp(chunk, "fmt ", 4) == 0) PG_TRY(read_format(w, chunk + 8, length, err));
    if (memcmp(chunk, "data", 4) == 0) {
      w->data = chunk + 8;
      w->size = length;
      break;
    }
    at += 8 + length + (length & 1);
    if (at > size) break;
  }
  if (!w->channels || !w->data) return pgi_fail(err, PG_FORMAT, "wav: no format or no data");
  return PG_OK;
}

static float alaw(uint8_t code) {
  code ^= 0x55;
  int exponent = code >> 4 & 7, mantissa = code & 15;
  int magnitude = exponent ? (mantissa * 2 + 33) << (exponent - 1) : mantissa * 2 + 1;
  return (float)(code & 0x80 ? magnitude : -magnitude) / 4096.0f;
}

static float mulaw(uint8_t code) {
  code = (uint8_t)~code;
  int magnitude = (((code & 15) * 2 + 33) << (code >> 4 & 7)) - 33;
  return (float)(code & 0x80 ? -magnitude : magnitude) / 8192.0f;
}

static float sample(const wave *w, const uint8_t *p) {
  if (w->format == FORMAT_ALAW) return alaw(*p);
  if (w->format == FORMAT_MULAW) return mulaw(*p);
  if (w->format == FORMAT_FLOAT && w->bits == 32) {
    float f;
    memcpy(&f, p, 4);
    return f;
  }
  if (w->format == FORMAT_FLOAT) {
    double d;
    memcpy(&d, p, 8);
    return (float)d;
  }
  switch (w->bits) {
    case 8:
      return (float)(*p - 128) / 128.0f;
    case 16:
      return (float)(int16_t)u16(p) / 32768.0f;
    case 24:
      return (float)((int32_t)(u16(p) << 8 | (uint32_t)p[2] << 24) >> 8) / 8388608.0f;
    default:
      return (float)((double)(int32_t)u32(p) / 2147483648.0);
  }
}

static bool is_known(const wave *w) {
  switch (w->format) {
    case FORMAT_PCM:
      return w->bits == 8 || w->bits == 16 || w->bits == 24 || w->bits == 32;
    case FORMAT_FLOAT:
      return w->bits == 32 || w->bits == 64;
    case FORMAT_ALAW:
    case FORMAT_MULAW:
      return w->bits == 8;
    default:
      return false;
  }
}

pg_status pgi_wav_read(pg_context *ctx, const void *data, size_t size, pg_tensor *out,
                       int32_t *rate, pg_error *err) {
  wave w;
  PG_TRY(find_chunks(data, size, &w, err));
  if (!is_known(&w))
    return pgi_fail(err, PG_UNSUPPORTED, "wav: format %u with %u bits", w.format, w.bits);
  if (w.rate == 0 || w.rate > INT32_MAX) return pgi_fail(err, PG_FORMAT, "wav: rate %u Hz", w.rate);
  size_t step = w.bits / 8, frame = step * w.channels;
  int64_t dims[2] = {w.channels, (int64_t)(w.size / frame)};
  PG_TRY(pgi_tensor_alloc(ctx, PG_F32, 2, dims, out, err));
  float *to = pgi_tensor_data(out);
  for (int64_t c = 0; c < dims[0]; c++)
    for (int64_t i = 0; i < dims[1]; i++)
      *to++ = sample(&w, w.data + (size_t)i * frame + (size_t)c * step);
  *rate = (int32_t)w.rate;
  return PG_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static void put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8);
}
static void put32(uint8_t *p, uint32_t v) {
  put16(p, v), put16(p + 2, v >> 16);
}

static pg_status write_pcm16(pgi_writer *w, const pg_tensor *t, int32_t rate, pg_error *err) {
  uint32_t channels = (uint32_t)t->dims[0], bytes = (uint32_t)(t->dims[0] * t->dims[1] * 2);
  uint8_t head[44] = "RIFF....WAVEfmt ";
  put32(head + 4, 36 + bytes);
  put32(head + 16, 16);
  put16(head + 20, FORMAT_PCM);
  put16(head + 22, channels);
  put32(head + 24, (uint32_t)rate);
  put32(head + 28, (uint32_t)rate * channels * 2);
  put16(head + 32, channels * 2);
  put16(head + 34, 16);
  memcpy(head + 36, "data", 4);
  put32(head + 40, bytes);
  PG_TRY(pgi_writer_write(w, head, sizeof head, err));
  const float *x = pgi_tensor_data(t);
  uint8_t block[4096];
  size_t n = 0;
  for (int64_t i = 0; i < t->dims[1]; i++) {
    for (int64_t c = 0; c < t->dims[0]; c++) {
      float v = x[c * t->dims[1] + i];
      v = v >= -1 ? PG_MIN(v, 1.0f) : v < -1 ? -1 : 0; /* NaN becomes silence */
      put16(block + n, (uint32_t)(int32_t)lrintf(v * 32767.0f));
      n += 2;
      if (n < sizeof block) continue;
      PG_TRY(pgi_writer_write(w, block, n, err));
      n = 0;
    }
  }
  return pgi_writer_write(w, block, n, err);
}

pg_status pgi_wav_write(const pg_tensor *t, int32_t rate, const char *path, pg_error *err) {
  pg_tensor flat = {0};
  pgi_writer *w = NULL;
  char text[200];
  if (t->dtype != PG_F32 || t->rank != 2 || t->dims[0] < 1 || t->dims[0] > 64 || rate < 1)
    return pgi_fail(err, PG_INVALID, "wav: expected f32 [channels,samples], got %s",
                    pgi_shape_text(t->dtype, t->rank, t->dims, text, sizeof text));
  if (t->dims[1] > INT32_MAX / 2 / t->dims[0])
    return pgi_fail(err, PG_INVALID, "wav: too long for the format");
  PG_TRY(pgi_tensor_contiguous(t, &flat, err));
  pg_status status = pgi_writer_open(flat.buffer->ctx, path, &w, err);
  if (status == PG_OK) status = pgi_writer_end(w, write_pcm16(w, &flat, rate, err), err);
  pgi_tensor_clear(&flat);
  return status;
}
