/* CSV text to fields (RFC 4180): quotes, which may hold separators and line ends, blanks around fields that do not
 * count, lines that are no records. */
#ifndef QLSTM_DATA_CSV_CELLS_H
#define QLSTM_DATA_CSV_CELLS_H

#include "engine/data/csv/dialect.h"

/* One field: borrowed, until the next one is read. */
struct cell {
	const char *text; /* without its quotes and blanks around them; those inside stay. No NUL at its end */
	size_t length;
	size_t line; /* where it begins, from 1 */
};

struct scanner {
	const char *at, *end;
	size_t line; /* of `at`, from 1 */
	char separator;
	const char *comment; /* lines that begin with it are no records; "": none */
	bool record_ended;   /* the last field read was the last of its record */
	/* Lines passed over since the beginning. */
	size_t comments, first_comment, last_comment; /* how many, and their lines */
	size_t blanks, first_blank;                   /* blank lines between records, and the first of them */
	size_t pending, first_pending;                /* blank lines behind the last record */
	const char *comment_text;                     /* the last comment line */
	char *scratch;                                /* for fields with quotes inside; room for every one */
	size_t room;
};

/* `text` as csv_decode gives it, `line` the number of its first line. */
void scanner_open(struct scanner *scanner, const char *text, size_t length, size_t line,
                  const struct csv_dialect *dialect);
void scanner_close(struct scanner *scanner);

/* Goes to the beginning of the next record; false: there is none. */
bool scanner_next(struct scanner *scanner);
/* Reads a field of it. ERR_SYNTAX with the line: an open quote, text behind a closing one. */
int scanner_field(struct scanner *scanner, struct cell *cell, struct qlstm_error *error);
/* Without blanks at either end: those inside quotes do not count in a number. */
struct cell cell_trim(struct cell cell);
/* Room for `length` bytes and a NUL in scanner->scratch. */
int scanner_reserve(struct scanner *scanner, size_t length, struct qlstm_error *error);

static inline bool scanner_is_blank(const struct scanner *scanner, char c)
{
	return c == ' ' || c == '\r' || (c == '\t' && scanner->separator != '\t');
}

/* Whether a field that was read up to `at` ends there; then the scanner goes on behind its separator. Blanks in front
 * of the separator have been passed over. */
static inline bool scanner_end_field(struct scanner *scanner, const char *at)
{
	if (at == scanner->end || *at == '\n') {
		scanner->record_ended = true;
		scanner->line += at != scanner->end;
		scanner->at = at + (at != scanner->end);
		return true;
	}
	if (*at != scanner->separator || scanner->separator == CSV_NONE)
		return false;
	scanner->record_ended = false;
	scanner->at = at + 1;
	return true;
}

#endif
