/* The properties of a dialect, by name. */
#include "engine/data/csv/dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/utf8.h"

enum { MAX_SKIP = 1000000, MAX_HEADER = 9 };

struct word {
	const char *word;
	int value;
};

static const struct word separators[] = {
    {",", ','},        {";", ';'},         {"tab", '\t'},  {"|", '|'},          {"blanks", ' '}, {"none", CSV_NONE},
    {"comma", ','},    {"semicolon", ';'}, {"\t", '\t'},   {"\\t", '\t'},       {"bar", '|'},    {"pipe", '|'},
    {" ", CSV_BLANKS}, {"blank", ' '},     {"space", ' '}, {"whitespace", ' '}, {"", CSV_NONE},  {NULL, 0}};
static const struct word decimals[] = {{".", '.'}, {",", ','}, {"point", '.'}, {"comma", ','}, {NULL, 0}};
static const struct word thousands[] = {{",", ','},     {".", '.'},     {"'", '\''},    {"blank", ' '},
                                        {"none", 0},    {"comma", ','}, {"point", '.'}, {"apostrophe", '\''},
                                        {"space", ' '}, {" ", ' '},     {"", 0},        {NULL, 0}};
static const struct word encodings[] = {{"utf-8", CSV_UTF8},          {"utf-16le", CSV_UTF16LE},
                                        {"utf-16be", CSV_UTF16BE},    {"latin-1", CSV_LATIN1},
                                        {"utf8", CSV_UTF8},           {"utf-16", CSV_UTF16LE},
                                        {"utf16", CSV_UTF16LE},       {"latin1", CSV_LATIN1},
                                        {"iso-8859-1", CSV_LATIN1},   {"iso-8859-15", CSV_LATIN1},
                                        {"windows-1252", CSV_LATIN1}, {"cp1252", CSV_LATIN1},
                                        {"ascii", CSV_UTF8},          {NULL, 0}};
static const struct word flags[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}, {"yes", 1}, {"no", 0}, {NULL, 0}};

static const struct word symbol_forms[] = {
    {"one_hot", CSV_ONE_HOT}, {"index", CSV_INDEX}, {"positions", CSV_POSITIONS}, {NULL, 0}};

static const struct word text_forms[] = {{"labelled", TEXTS_LABELLED}, {"pairs", TEXTS_PAIRS},
                                         {"tagged", TEXTS_TAGGED},     {"lines", TEXTS_LINES},
                                         {"labeled", TEXTS_LABELLED},  {NULL, 0}};

static const struct word *find_word(const struct word *words, const char *text)
{
	for (; words->word != NULL; words++)
		if (strcasecmp(words->word, text) == 0)
			return words;
	return NULL;
}

/* The first word of a value is the one that it is written by. */
static const char *word_of(const struct word *words, int value)
{
	for (; words->word != NULL; words++)
		if (words->value == value)
			return words->word;
	return "";
}

static int read_char(const struct word *words, const char *text, char *out)
{
	const struct word *word = find_word(words, text);
	if (word == NULL)
		return ERR_INVALID;
	*out = (char)word->value;
	return 0;
}

static int read_count(const char *text, long most, long *out)
{
	char *end = NULL;
	if (*text < '0' || *text > '9')
		return ERR_INVALID;
	*out = strtol(text, &end, 10);
	return *end == '\0' && *out <= most ? 0 : ERR_INVALID;
}

static int set_separator(struct csv_dialect *dialect, const char *text)
{
	return read_char(separators, text, &dialect->separator);
}

static int set_decimal(struct csv_dialect *dialect, const char *text)
{
	return read_char(decimals, text, &dialect->decimal);
}

static int set_thousands(struct csv_dialect *dialect, const char *text)
{
	return read_char(thousands, text, &dialect->thousands);
}

/* "true" leaves open how many lines there are; a number says it. */
static int set_header(struct csv_dialect *dialect, const char *text)
{
	long lines = 0;
	if (read_count(text, MAX_HEADER, &lines) == 0) {
		dialect->header_lines = (int)lines;
		return 0;
	}
	const struct word *word = find_word(flags, text);
	if (word == NULL)
		return ERR_INVALID;
	dialect->header_lines = word->value != 0 ? -1 : 0;
	return 0;
}

static int set_skip_rows(struct csv_dialect *dialect, const char *text)
{
	long rows = 0;
	if (read_count(text, MAX_SKIP, &rows) != 0)
		return ERR_INVALID;
	dialect->skip_rows = (size_t)rows;
	return 0;
}

static int set_comment(struct csv_dialect *dialect, const char *text)
{
	size_t length = strlen(text);
	if (length >= CSV_COMMENT_SIZE || strpbrk(text, "\r\n\"") != NULL)
		return ERR_INVALID;
	memcpy(dialect->comment, text, length + 1);
	return 0;
}

static int set_encoding(struct csv_dialect *dialect, const char *text)
{
	const struct word *word = find_word(encodings, text);
	if (word == NULL)
		return ERR_INVALID;
	dialect->encoding = (enum csv_encoding)word->value;
	return 0;
}

static int set_missing(struct csv_dialect *dialect, const char *text)
{
	size_t length = strlen(text);
	if (length >= CSV_MISSING_SIZE || strpbrk(text, "\r\n") != NULL)
		return ERR_INVALID;
	memcpy(dialect->missing, text, length + 1);
	return 0;
}

static int set_flag(bool *flag, const char *text)
{
	const struct word *word = find_word(flags, text);
	if (word == NULL)
		return ERR_INVALID;
	*flag = word->value != 0;
	return 0;
}

static int set_names_in_comment(struct csv_dialect *dialect, const char *text)
{
	return set_flag(&dialect->names_in_comment, text);
}

static int set_turned(struct csv_dialect *dialect, const char *text)
{
	return set_flag(&dialect->turned, text);
}

/* "found" leaves the alphabet open. */
static int set_symbols(struct csv_dialect *dialect, const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length >= sizeof dialect->symbols)
		return ERR_INVALID;
	dialect->is_symbols = true;
	memcpy(dialect->symbols, strcmp(text, "found") == 0 ? "" : text, strcmp(text, "found") == 0 ? 1 : length + 1);
	return 0;
}

static int set_labels(struct csv_dialect *dialect, const char *text)
{
	size_t length = strlen(text);
	if (length >= sizeof dialect->labels)
		return ERR_INVALID;
	memcpy(dialect->labels, text, length + 1);
	return 0;
}

static int set_symbols_as(struct csv_dialect *dialect, const char *text)
{
	const struct word *word = find_word(symbol_forms, text);
	if (word == NULL)
		return ERR_INVALID;
	dialect->symbols_as = (enum csv_symbols_as)word->value;
	return 0;
}

static int set_pad(struct csv_dialect *dialect, const char *text)
{
	return set_flag(&dialect->pad, text);
}

static void get_symbols(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->symbols);
}

static void get_labels(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->labels);
}

static void get_symbols_as(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", word_of(symbol_forms, (int)dialect->symbols_as));
}

static void get_pad(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->pad ? "true" : "false");
}

static int set_sheet(struct csv_dialect *dialect, const char *text)
{
	size_t length = strlen(text);
	if (length >= sizeof dialect->sheet)
		return ERR_INVALID;
	memcpy(dialect->sheet, text, length + 1);
	return 0;
}

static void get_sheet(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->sheet);
}

static int set_text(struct csv_dialect *dialect, const char *text)
{
	const struct word *word = find_word(text_forms, text);
	if (word == NULL)
		return ERR_INVALID;
	dialect->texts = (enum csv_texts)word->value;
	return 0;
}

static void get_text(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", word_of(text_forms, (int)dialect->texts));
}

static void get_separator(const struct csv_dialect *dialect, char *out)
{
	const char *word = dialect->separator == '\t' ? "\t" : csv_separator_word(dialect->separator);
	snprintf(out, CSV_PROPERTY_SIZE, "%s", word);
}

static void get_decimal(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%c", dialect->decimal);
}

static void get_thousands(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", word_of(thousands, dialect->thousands));
}

static void get_header(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%d", dialect->header_lines);
}

static void get_skip_rows(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%zu", dialect->skip_rows);
}

static void get_comment(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->comment);
}

static void get_encoding(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", word_of(encodings, (int)dialect->encoding));
}

static void get_missing(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->missing);
}

static void get_names_in_comment(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->names_in_comment ? "true" : "false");
}

static void get_turned(const struct csv_dialect *dialect, char *out)
{
	snprintf(out, CSV_PROPERTY_SIZE, "%s", dialect->turned ? "true" : "false");
}

static const struct {
	const char *name, *allowed;
	enum csv_bit bit;
	bool asked;
	int (*set)(struct csv_dialect *dialect, const char *text);
	void (*get)(const struct csv_dialect *dialect, char *out);
} properties[] = {
    {"separator", "',', ';', 'tab', '|', 'blanks' and 'none'", CSV_SAYS_SEPARATOR, true, set_separator, get_separator},
    {"decimal", "'.' and ','", CSV_SAYS_DECIMAL, true, set_decimal, get_decimal},
    {"thousands", "',', '.', an apostrophe, 'blank' and 'none'", CSV_SAYS_THOUSANDS, true, set_thousands,
     get_thousands},
    {"header", "'true', 'false' and a number of lines up to 9", CSV_SAYS_HEADER, true, set_header, get_header},
    {"skip_rows", "whole numbers from 0 to 1000000", CSV_SAYS_SKIP_ROWS, true, set_skip_rows, get_skip_rows},
    {"comment", "up to three characters", CSV_SAYS_COMMENT, true, set_comment, get_comment},
    {"encoding", "'utf-8', 'utf-16le', 'utf-16be' and 'latin-1'", CSV_SAYS_ENCODING, true, set_encoding, get_encoding},
    {"missing", "words with commas between, 255 bytes in all", CSV_SAYS_MISSING, true, set_missing, get_missing},
    {"names_in_comment", "'true' and 'false'", CSV_SAYS_NAMES_IN_COMMENT, false, set_names_in_comment,
     get_names_in_comment},
    {"turned", "'true' and 'false'", CSV_SAYS_TURNED, true, set_turned, get_turned},
    {"symbols", "an alphabet of up to 64 symbols, such as acgt, and 'found'", CSV_SAYS_SYMBOLS, true, set_symbols,
     get_symbols},
    {"labels", "labels with commas between, 255 bytes in all", CSV_SAYS_LABELS, true, set_labels, get_labels},
    {"symbols_as", "'one_hot', 'index' and 'positions'", CSV_SAYS_SYMBOLS_AS, true, set_symbols_as, get_symbols_as},
    {"pad", "'true' and 'false'", CSV_SAYS_PAD, true, set_pad, get_pad},
    {"sheet", "names of up to 255 bytes", CSV_SAYS_SHEET, true, set_sheet, get_sheet},
    {"text", "'labelled', 'pairs', 'tagged' and 'lines'", CSV_SAYS_TEXT, true, set_text, get_text},
};

enum { N_PROPERTIES = sizeof properties / sizeof properties[0] };

const char *csv_property_name(int index, bool *asked)
{
	if (index < 0 || index >= N_PROPERTIES)
		return NULL;
	*asked = properties[index].asked;
	return properties[index].name;
}

bool csv_property(const struct csv_dialect *dialect, int index, char out[CSV_PROPERTY_SIZE])
{
	const unsigned of_both = CSV_SAYS_ENCODING | CSV_SAYS_SKIP_ROWS;
	bool of_symbols = properties[index].bit >= CSV_SAYS_SYMBOLS;
	properties[index].get(dialect, out);
	if (properties[index].bit == CSV_SAYS_SHEET)
		return dialect->sheet[0] != '\0';
	if (properties[index].bit == CSV_SAYS_TEXT || dialect->texts != TEXTS_NONE)
		return dialect->texts != TEXTS_NONE &&
		       ((unsigned)properties[index].bit & (of_both | CSV_SAYS_TEXT)) != 0;
	return of_symbols == dialect->is_symbols || ((unsigned)properties[index].bit & of_both) != 0;
}

static bool is_utf8(const char *text)
{
	size_t bytes;
	for (size_t left = strlen(text); left > 0; left -= bytes, text += bytes)
		if ((bytes = utf8_character(text, left)) == 0)
			return false;
	return true;
}

int csv_say(struct csv_options *options, const char *name, const char *text, struct qlstm_error *error)
{
	if (!is_utf8(name) || !is_utf8(text))
		return error_set(error, ERR_INVALID, NULL, "what is said of CSV holds bytes that are no UTF-8");
	for (int i = 0; i < N_PROPERTIES; i++) {
		if (strcmp(properties[i].name, name) != 0)
			continue;
		if (properties[i].set(&options->dialect, text) != 0)
			return error_set(error, ERR_INVALID, NULL, "%s is '%.*s'; allowed are %s", name,
			                 (int)utf8_cut(text, 60), text, properties[i].allowed);
		options->said |= (unsigned)properties[i].bit;
		return 0;
	}
	return error_set(error, ERR_UNKNOWN_FIELD, NULL, "'%.*s' is nothing that is said of CSV",
	                 (int)utf8_cut(name, 60), name);
}

const char *csv_separator_word(char separator)
{
	return word_of(separators, separator);
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

bool csv_is_missing(const char *text, size_t length, const char *more)
{
	static const char *const words[] = {"?",       "NA",   "N/A",  "NaN",     "null",    "none",    "nil",
	                                    "-",       "--",   ".",    "..",      "#N/A",    "#NA",     "-nan",
	                                    "missing", "n.a.", "<NA>", "#VALUE!", "#DIV/0!", "#N/A N/A"};
	if (length == 0)
		return true;
	bool may_be = length <= 8 && strchr("?NnMm-.#<", *text) != NULL;
	for (size_t i = 0; may_be && i < sizeof words / sizeof words[0]; i++)
		if (is_word(text, length, words[i]))
			return true;
	for (; *more != '\0';) {
		size_t n = strcspn(more, ",");
		if (n == length && strncmp(text, more, n) == 0)
			return true;
		more += n + (more[n] == ',');
	}
	return false;
}
