/* From the bytes of a file to the text that the reader reads: UTF-8 without a byte-order mark, lines that end in LF. */
#ifndef QLSTM_DATA_CSV_DECODE_H
#define QLSTM_DATA_CSV_DECODE_H

#include "engine/data/csv/dialect.h"

struct csv_text {
	const char *text;
	size_t length;
	char *owned; /* what `text` lies in where the bytes had to be changed; NULL where it lies in them */
	enum csv_encoding encoding;
};

/* The encoding is what `said` says, else what a byte-order mark says, else UTF-16 where every second byte of the
 * beginning is NUL, else UTF-8, else (some bytes are no UTF-8) Latin-1, of which Windows-1252 is read. Lines that end
 * in CR alone get LF. ERR_SYNTAX for half a character at the end of UTF-16 and for what its surrogates cannot be. */
int csv_decode(const unsigned char *bytes, size_t length, const struct csv_options *options, struct csv_text *out,
               struct qlstm_error *error);
void csv_text_free(struct csv_text *text);

/* The encoding that csv_decode takes. */
enum csv_encoding csv_encoding_of(const unsigned char *bytes, size_t length, const struct csv_options *options);

struct csv_bytes {
	const unsigned char *bytes;
	size_t length;
	enum csv_encoding encoding;
	bool cr_ends; /* lines end in CR alone: LF is written for it */
};
/* A piece of a text, for whoever has no memory for all of it: from byte *at on as much as has room in `out` as UTF-8,
 * without UTF-16's mark at the beginning; *at is then the first byte that had none, `length` at the end. room: 4 or
 * more. Errors as csv_decode. */
int csv_decode_piece(const struct csv_bytes *from, size_t *at, char *out, size_t room, size_t *written,
                     struct qlstm_error *error);
/* Whether csv_decode gives LF to lines of these bytes that end in CR. Reads up to the first LF. */
bool csv_ends_in_cr(const struct csv_bytes *from, const struct csv_options *options);

#endif
