/* What names the bytes of a built-in data set. */
#ifndef QLSTM_SERVER_COMMON_SERIES_HASH_H
#define QLSTM_SERVER_COMMON_SERIES_HASH_H

#include "engine/data/table.h"
#include "engine/error.h"

/* SHA-256 in hex of its columns, one behind the other, as little-endian float64. */
int series_sha256_hex(const struct table *table, char out[65], struct qlstm_error *error);

#endif
