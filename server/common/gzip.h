/* gzip (RFC 1952) unpacked in memory. zlib is met in gzip.c alone. */
#ifndef QLSTM_COMMON_GZIP_H
#define QLSTM_COMMON_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

bool gzip_sniff(const unsigned char *bytes, size_t length);

/* All members of the stream, one after the other; *out (malloc, a NUL byte behind it) is the caller's. ERR_TOO_LARGE as
 * soon as there are more than `limit` bytes: no more than those are ever held, however far the stream would unpack.
 * ERR_SYNTAX with the byte of the packed data where it is damaged, ends too early, or has something else behind it. */
int gzip_unpack(const unsigned char *bytes, size_t length, size_t limit, unsigned char **out, size_t *out_length,
                struct qlstm_error *error);

/* The same into an open file, from where it stands: nothing but a buffer is held in memory. ERR_DISK_FULL, ERR_IO where
 * it cannot be written. */
int gzip_unpack_file(const unsigned char *bytes, size_t length, size_t limit, int fd, size_t *out_length,
                     struct qlstm_error *error);

/* The CRC-32 of gzip and ZIP. */
unsigned long gzip_checksum(const unsigned char *bytes, size_t length);

#endif
