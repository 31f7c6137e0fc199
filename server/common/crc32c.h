/* CRC-32C (Castagnoli; RFC 3720, section 12.1), which TFRecord files carry. */
#ifndef QLSTM_COMMON_CRC32C_H
#define QLSTM_COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t n);

#endif
