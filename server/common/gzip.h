/* gzip (RFC 1952) unpacked, in memory or to the disk. zlib is met in gzip.c alone. */
#ifndef QLSTM_COMMON_GZIP_H
#define QLSTM_COMMON_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"
#include "server/common/spool.h"

bool gzip_sniff(const unsigned char *bytes, size_t length);

/* All members of the stream, one after the other; *out (malloc, a NUL byte behind it) is the caller's. ERR_TOO_LARGE as
 * soon as there are more than `limit` bytes: no more than those are ever held, however far the stream would unpack.
 * ERR_SYNTAX with the byte of the packed data where it is damaged, ends too early, or has something else behind it. */
int gzip_unpack(const unsigned char *bytes, size_t length, size_t limit, unsigned char **out, size_t *out_length,
                struct qlstm_error *error);

/* The same to the end of an open spool: nothing but a buffer is held in memory. Also what spool_write answers, as soon
 * as the disk has no room for more. */
int gzip_unpack_spool(const unsigned char *bytes, size_t length, size_t limit, struct spool *spool,
                      struct qlstm_error *error);

/* The CRC-32 of gzip and ZIP. */
unsigned long gzip_checksum(const unsigned char *bytes, size_t length);

#endif
