#include "session/session.h"
pg_status pgi_tensor_map(pg_context *ctx, int threads, const char *text, const char *const *names, const pg_tensor *const *in, int n, pg_dtype dtype, pg_tensor *out, pg_error *err);
pg_status pgi_tensor_map(pg_context *ctx, int threads, const char *text, const char *const *names, const pg_tensor *const *in, int n, pg_dtype dtype, pg_tensor *out, pg_error *err){(void)ctx;(void)threads;(void)text;(void)names;(void)in;(void)n;(void)dtype;(void)out;return pgi_fail(err,PG_UNSUPPORTED,"map");}
