/* A checksum inside a safetensors file. */
#include "engine/export/safetensors_seal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PREFIX = 8, DIGITS = sizeof SAFETENSORS_SEAL_EMPTY - 1 };

static const char entry[] = "\"" SAFETENSORS_SEAL_KEY "\":\"";

/* Continues a CRC; it begins as ~0, and its complement is the checksum. */
static uint64_t crc64(uint64_t crc, const void *data, size_t length)
{
	uint64_t table[256];
	for (unsigned k = 0; k < 256; k++) {
		table[k] = k;
		for (int bit = 0; bit < 8; bit++)
			table[k] = table[k] >> 1 ^ (table[k] & 1 ? 0xC96C5795D7870F42u : 0);
	}
	const unsigned char *bytes = data;
	for (size_t i = 0; i < length; i++)
		crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
	return crc;
}

/* Where the digits stand in the header, 0 when there are none. In a value the quotes of such text would be escaped. */
static size_t find_digits(const unsigned char *bytes, size_t length)
{
	uint64_t header = 0;
	if (length < PREFIX)
		return 0;
	for (int i = 0; i < PREFIX; i++)
		header |= (uint64_t)bytes[i] << (8 * i);
	size_t end = header < length - PREFIX ? PREFIX + (size_t)header : length;
	const unsigned char *found = memmem(bytes, end, entry, sizeof entry - 1);
	size_t at = found != NULL ? (size_t)(found - bytes) + sizeof entry - 1 : end;
	return at < end && end - at > DIGITS && bytes[at + DIGITS] == '"' ? at : 0;
}

static void checksum(const unsigned char *bytes, size_t length, size_t at, char digits[DIGITS + 1])
{
	uint64_t crc = crc64(UINT64_MAX, bytes, at);
	crc = crc64(crc, SAFETENSORS_SEAL_EMPTY, DIGITS);
	crc = ~crc64(crc, bytes + at + DIGITS, length - at - DIGITS);
	snprintf(digits, DIGITS + 1, "%016llx", (unsigned long long)crc);
}

int safetensors_seal(unsigned char *bytes, size_t length)
{
	char digits[DIGITS + 1];
	size_t at = find_digits(bytes, length);
	if (at == 0)
		return ERR_INVALID;
	checksum(bytes, length, at, digits);
	memcpy(bytes + at, digits, DIGITS);
	return 0;
}

int safetensors_seal_check(const unsigned char *bytes, size_t length, bool *sealed, struct qlstm_error *error)
{
	char digits[DIGITS + 1];
	size_t at = find_digits(bytes, length);
	*sealed = at != 0;
	if (at == 0)
		return 0;
	checksum(bytes, length, at, digits);
	if (memcmp(bytes + at, digits, DIGITS) == 0)
		return 0;
	return error_set(error, ERR_CORRUPT, NULL, "the file is damaged: its checksum is not that of its bytes");
}
