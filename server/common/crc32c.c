/* CRC-32C, bit by bit: its files are small. */
#include "server/common/crc32c.h"

uint32_t crc32c(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82F63B78) : 0);
	}
	return ~crc;
}
