/* Encodings and line ends. */
#include "engine/data/csv/decode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"

enum { SNIFFED = 256 };

static int out_of_memory(size_t length, struct qlstm_error *error)
{
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a text of %zu bytes", length);
}

/* Whether bytes are UTF-8 throughout; 8 bytes of ASCII at a time. */
static bool is_utf8(const unsigned char *bytes, size_t length)
{
	size_t at = 0;
	while (at < length) {
		uint64_t word;
		while (at + sizeof word <= length) {
			memcpy(&word, bytes + at, sizeof word);
			if ((word & 0x8080808080808080u) != 0)
				break;
			at += sizeof word;
		}
		if (at == length)
			break;
		size_t step = utf8_character((const char *)bytes + at, length - at);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

/* Every second byte of the first ones is NUL, the others are not: letters of ASCII in UTF-16. */
static bool has_nuls_at(const unsigned char *bytes, size_t length, size_t offset)
{
	size_t n = length < SNIFFED ? length & ~(size_t)1 : SNIFFED;
	for (size_t i = 0; i < n; i++)
		if ((bytes[i] == 0) != (i % 2 == offset))
			return false;
	return n >= 4;
}

static bool has_mark(const void *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
}

static enum csv_encoding find_encoding(const unsigned char *bytes, size_t length)
{
	if (length >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe)
		return CSV_UTF16LE;
	if (length >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff)
		return CSV_UTF16BE;
	if (has_mark(bytes, length))
		return CSV_UTF8;
	if (has_nuls_at(bytes, length, 1))
		return CSV_UTF16LE;
	if (has_nuls_at(bytes, length, 0))
		return CSV_UTF16BE;
	return is_utf8(bytes, length) ? CSV_UTF8 : CSV_LATIN1;
}

static char *put(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | (code >> 6));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | (code >> 12));
		*out++ = (char)(0x80 | ((code >> 6) & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | (code >> 18));
		*out++ = (char)(0x80 | ((code >> 12) & 0x3f));
		*out++ = (char)(0x80 | ((code >> 6) & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

static int utf16_piece(const struct csv_bytes *from, size_t *at, char *out, size_t room, size_t *written,
                       struct qlstm_error *error)
{
	bool big = from->encoding == CSV_UTF16BE;
	size_t high = big ? 0 : 1, low = big ? 1 : 0, i = *at;
	const unsigned char *bytes = from->bytes;
	char *to = out;
	for (; i + 1 < from->length && (size_t)(to - out) + 4 <= room; i += 2) {
		uint32_t code = (uint32_t)bytes[i + high] << 8 | bytes[i + low];
		if (code >= 0xd800 && code < 0xe000) {
			bool more = i + 3 < from->length;
			uint32_t next = more ? (uint32_t)bytes[i + 2 + high] << 8 | bytes[i + 2 + low] : 0;
			if (code >= 0xdc00 || next < 0xdc00 || next >= 0xe000)
				return error_set(error, ERR_SYNTAX, NULL, "byte %zu: no character of UTF-16", i);
			code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
			i += 2;
		}
		if (code != 0xfeff || i > 0)
			to = put(to, code);
	}
	*at = i;
	*written = (size_t)(to - out);
	return i + 1 == from->length
	           ? error_set(error, ERR_SYNTAX, NULL, "the text is UTF-16 and ends in half a character")
	           : 0;
}

/* Windows-1252: as Latin-1 but for 0x80 to 0x9f (WHATWG Encoding, index-windows-1252). */
static const uint16_t windows[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static void latin1_piece(const struct csv_bytes *from, size_t *at, char *out, size_t room, size_t *written)
{
	const unsigned char *bytes = from->bytes;
	size_t i = *at;
	char *to = out;
	for (; i < from->length && (size_t)(to - out) + 3 <= room; i++)
		to = put(to, bytes[i] >= 0x80 && bytes[i] < 0xa0 ? windows[bytes[i] - 0x80] : bytes[i]);
	*at = i;
	*written = (size_t)(to - out);
}

static void utf8_piece(const struct csv_bytes *from, size_t *at, char *out, size_t room, size_t *written)
{
	size_t left = from->length - *at, n = left < room ? left : room;
	memcpy(out, from->bytes + *at, n);
	*at += n;
	*written = n;
}

static void replace_cr(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\r')
			text[i] = '\n';
}

int csv_decode_piece(const struct csv_bytes *from, size_t *at, char *out, size_t room, size_t *written,
                     struct qlstm_error *error)
{
	int rc = 0;
	if (from->encoding == CSV_UTF8)
		utf8_piece(from, at, out, room, written);
	else if (from->encoding == CSV_LATIN1)
		latin1_piece(from, at, out, room, written);
	else
		rc = utf16_piece(from, at, out, room, written, error);
	if (rc == 0 && from->cr_ends)
		replace_cr(out, *written);
	return rc;
}

bool csv_ends_in_cr(const struct csv_bytes *from, const struct csv_options *options)
{
	struct csv_bytes plain = *from;
	char piece[1 << 12];
	size_t at = 0, n = 0;
	bool cr = false;
	plain.cr_ends = false;
	if (options->rules == CSV_FIRST_LINE)
		return false;
	while (at < from->length && csv_decode_piece(&plain, &at, piece, sizeof piece, &n, NULL) == 0) {
		if (memchr(piece, '\n', n) != NULL)
			return false;
		cr = cr || memchr(piece, '\r', n) != NULL;
	}
	return cr;
}

/* All of it in memory. */
static int decode_foreign(const struct csv_bytes *from, struct csv_text *out, struct qlstm_error *error)
{
	size_t at = 0, more = 0;
	for (size_t i = 0; from->encoding == CSV_LATIN1 && i < from->length; i++)
		more += from->bytes[i] >= 0x80;
	size_t room = 4 + (from->encoding == CSV_LATIN1 ? from->length + 2 * more : from->length / 2 * 3);
	out->owned = malloc(room);
	if (out->owned == NULL)
		return out_of_memory(from->length, error);
	out->text = out->owned;
	return csv_decode_piece(from, &at, out->owned, room, &out->length, error);
}

/* CR alone is the end of a line where there is no LF at all. */
static int end_lines(struct csv_text *text, struct qlstm_error *error)
{
	if (memchr(text->text, '\n', text->length) != NULL || memchr(text->text, '\r', text->length) == NULL)
		return 0;
	if (text->owned == NULL) {
		text->owned = malloc(text->length + 1);
		if (text->owned == NULL)
			return out_of_memory(text->length, error);
		memcpy(text->owned, text->text, text->length);
		text->text = text->owned;
	}
	replace_cr(text->owned + (text->text - text->owned), text->length);
	return 0;
}

enum csv_encoding csv_encoding_of(const unsigned char *bytes, size_t length, const struct csv_options *options)
{
	enum csv_encoding encoding = CSV_UTF8;
	if ((options->said & CSV_SAYS_ENCODING) != 0)
		encoding = options->dialect.encoding;
	else if (options->rules != CSV_FIRST_LINE)
		encoding = find_encoding(bytes, length);
	bool turned = length >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff; /* said was "utf-16" */
	return encoding == CSV_UTF16LE && turned ? CSV_UTF16BE : encoding;
}

int csv_decode(const unsigned char *bytes, size_t length, const struct csv_options *options, struct csv_text *out,
               struct qlstm_error *error)
{
	bool old = options->rules == CSV_FIRST_LINE;
	*out = (struct csv_text){.text = (const char *)bytes, .length = length, .encoding = CSV_UTF8};
	if (length == 0)
		return 0;
	out->encoding = csv_encoding_of(bytes, length, options);
	int rc = 0;
	if (out->encoding != CSV_UTF8)
		rc = decode_foreign(&(struct csv_bytes){bytes, length, out->encoding, false}, out, error);
	if (rc == 0 && has_mark(out->text, out->length)) {
		out->text += 3;
		out->length -= 3;
	}
	if (rc == 0 && !old && out->length > 0)
		rc = end_lines(out, error);
	if (rc != 0)
		csv_text_free(out);
	return rc;
}

void csv_text_free(struct csv_text *text)
{
	free(text->owned);
	*text = (struct csv_text){0};
}
