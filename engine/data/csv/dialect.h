/* How a CSV text is written: what stands between fields, how numbers look, which lines are no rows.
 *
 * Each property has a name and a text, as a query parameter says it ("decimal=,") and as it is kept ({"decimal": ","}):
 * csv_say reads one, csv_property gives one back. What is not said is found from the text (detect.h). */
#ifndef QLSTM_DATA_CSV_DIALECT_H
#define QLSTM_DATA_CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

#define CSV_BLANKS        ' '  /* as a separator: one or more blanks and tabs */
#define CSV_NONE          '\0' /* as a separator: each line is one field; as thousands: none */
#define CSV_MISSING_SIZE  256
#define CSV_COMMENT_SIZE  4
#define CSV_PROPERTY_SIZE 256 /* bytes of a property's text */

enum csv_encoding { CSV_UTF8, CSV_UTF16LE, CSV_UTF16BE, CSV_LATIN1 };

/* What a text of symbols becomes (engine/data/symbols.h). */
enum csv_symbols_as { CSV_ONE_HOT, CSV_INDEX, CSV_POSITIONS };

/* What the lines of a text of words are (engine/data/documents.h); NONE: the file is no such text. */
enum csv_texts { TEXTS_NONE, TEXTS_LABELLED, TEXTS_PAIRS, TEXTS_TAGGED, TEXTS_LINES };

struct csv_dialect {
	enum csv_encoding encoding;
	char separator;                 /* , ; tab | CSV_BLANKS CSV_NONE */
	char decimal;                   /* . or , */
	char thousands;                 /* . , ' blank CSV_NONE; a blank also stands for U+00A0 and U+202F */
	char comment[CSV_COMMENT_SIZE]; /* lines that begin with it are left out; "": none */
	size_t skip_rows;               /* lines left out at the start, before all else */
	int header_lines;               /* the first of them holds the names; 0: none */
	bool names_in_comment;          /* the last comment before the rows holds the names */
	bool turned;                    /* the rows are taken from the last to the first: their times fall */
	char missing[CSV_MISSING_SIZE]; /* further words for "no value", with commas between: "-999,off" */
	bool is_symbols; /* it is a text of symbols; the rest holds for these alone, and none of the above
	                    but encoding and skip_rows for them */
	char symbols[CSV_MISSING_SIZE]; /* the alphabet; "": what is found */
	char labels[CSV_MISSING_SIZE];  /* the labels in the order of their classes, with commas between; "": as symbols
	                                 */
	enum csv_symbols_as symbols_as;
	char sheet[CSV_MISSING_SIZE]; /* of a spreadsheet: the one that is read; "": the first, and of other files */
	bool pad;                     /* shorter sequences begin with steps of zeros */
	enum csv_texts texts; /* not NONE: a text of words; the rest but encoding and skip_rows says nothing then */
};

/* What to do where the text leaves a choice. */
enum csv_rules {
	CSV_STRICT,    /* refuse, and name the readings */
	CSV_LENIENT,   /* take the first reading, in the order of the rows: for a few rows of a known shape */
	CSV_FIRST_LINE /* as version 0.1.0 read all files: the separator that the first line holds most, no comments, a
	                  header unless all of the first line are numbers */
};

/* What is said of a text. {0}: nothing. */
struct csv_options {
	unsigned said;              /* bits of the properties that `dialect` holds (enum csv_bit) */
	struct csv_dialect dialect; /* header_lines -1: there is a header, of how many lines is to be found */
	enum csv_rules rules;
};

enum csv_bit {
	CSV_SAYS_SEPARATOR = 1,
	CSV_SAYS_DECIMAL = 2,
	CSV_SAYS_THOUSANDS = 4,
	CSV_SAYS_HEADER = 8,
	CSV_SAYS_SKIP_ROWS = 16,
	CSV_SAYS_COMMENT = 32,
	CSV_SAYS_ENCODING = 64,
	CSV_SAYS_MISSING = 128,
	CSV_SAYS_NAMES_IN_COMMENT = 256,
	CSV_SAYS_TURNED = 512,
	CSV_SAYS_SYMBOLS = 1024,
	CSV_SAYS_LABELS = 2048,
	CSV_SAYS_SYMBOLS_AS = 4096,
	CSV_SAYS_PAD = 8192,
	CSV_SAYS_SHEET = 16384,
	CSV_SAYS_TEXT = 32768
};

/* The name of property `index`, NULL past the end; *asked: it may be said in a request, others are kept alone. */
const char *csv_property_name(int index, bool *asked);
/* Its text in a dialect: ";", "1", "false", "utf-8". False where it says nothing there: symbols of numbers. */
bool csv_property(const struct csv_dialect *dialect, int index, char out[CSV_PROPERTY_SIZE]);
/* Says one property by its name: "separator" is ";" or "semicolon". ERR_INVALID with what is allowed;
 * ERR_UNKNOWN_FIELD. */
int csv_say(struct csv_options *options, const char *name, const char *text, struct qlstm_error *error);

/* ";" or, of what does not show, a word: "tab", "blanks", "none". Borrowed. */
const char *csv_separator_word(char separator);

/* Whether a field stands for "no value": empty, ?, NA, N/A, NaN, null, none, nil, -, ., #N/A, ... or one of `more`. */
bool csv_is_missing(const char *text, size_t length, const char *more);

#endif
