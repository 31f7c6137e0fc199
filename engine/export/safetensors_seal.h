/* A checksum inside a safetensors file that covers every byte of it: CRC-64 (ECMA-182, reflected, as in xz) of the file
 * with the checksum's own 16 digits taken as zeros. It finds any one changed bit and any changed run of up to 64 bits;
 * it is no protection against intent. */
#ifndef QLSTM_EXPORT_SAFETENSORS_SEAL_H
#define QLSTM_EXPORT_SAFETENSORS_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

/* The metadata entry to encode a file with that is to be sealed; safetensors_seal then sets its value. */
#define SAFETENSORS_SEAL_KEY   "crc64"
#define SAFETENSORS_SEAL_EMPTY "0000000000000000"

/* Writes the checksum into the encoded bytes. ERR_INVALID when they lack the entry. */
int safetensors_seal(unsigned char *bytes, size_t length);
/* 0 when the checksum holds, or when the file has none: *sealed tells which. ERR_CORRUPT. */
int safetensors_seal_check(const unsigned char *bytes, size_t length, bool *sealed, struct qlstm_error *error);

#endif
