/* The dialect of a text. */
#include "engine/data/csv/detect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/data/csv/header.h"
#include "engine/data/csv/score.h"

enum { ALL_FORMATS = (1 << N_FORMATS) - 1, FIRST_COMMENTS = 16 };

struct search {
	const char *text, *end; /* of the head, behind the lines left out */
	size_t line;
	const struct csv_options *options;
	struct csv_dialect *dialect; /* what is known so far */
	unsigned allowed;            /* formats */
	struct score best;
	int format;
	bool instructed; /* the separator is said by a line of the text */
};

static bool says(const struct search *search, enum csv_bit bit)
{
	return (search->options->said & (unsigned)bit) != 0;
}

static const char *next_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	return newline != NULL ? newline + 1 : end;
}

const char *csv_skip_rows(const char *text, const char *end, size_t skip_rows, size_t *line)
{
	*line = 1;
	for (; skip_rows > 0 && text < end; skip_rows--, ++*line)
		text = next_line(text, end);
	return text;
}

/* --- a first line "sep=;" --- */

/* Where all that it could say is said, as of what was understood before, such a line is one of names. */
static void take_instruction(struct search *search)
{
	if (says(search, CSV_SAYS_SEPARATOR) && says(search, CSV_SAYS_SKIP_ROWS) && says(search, CSV_SAYS_HEADER))
		return;
	const char *at = search->text, *end = next_line(at, search->end), *behind = end;
	while (behind > at && strchr("\r\n\"", behind[-1]) != NULL)
		behind--;
	at += at < behind && *at == '"';
	size_t length = (size_t)(behind - at);
	if (length < 5 || length > 6 || strncasecmp(at, "sep=", 4) != 0)
		return;
	char word[3] = {at[4], length == 6 ? at[5] : '\0', '\0'};
	struct csv_options said = {0};
	if (csv_say(&said, "separator", word, NULL) != 0)
		return;
	search->dialect->skip_rows++;
	search->text = end;
	search->line++;
	if (!says(search, CSV_SAYS_SEPARATOR))
		search->dialect->separator = said.dialect.separator;
	search->instructed = true;
}

/* --- comments --- */

/* Lines that begin with the mark, and lines that do not; *leading: those at the beginning. */
static void count_marked(const struct search *search, const char *mark, size_t *marked, size_t *others, size_t *leading)
{
	size_t length = strlen(mark);
	*marked = *others = *leading = 0;
	for (const char *at = search->text; at < search->end; at = next_line(at, search->end)) {
		size_t left = (size_t)(search->end - at);
		if (*at == '\n' || *at == '\r')
			continue;
		bool found =
		    left >= length && memcmp(at, mark, length) == 0 && (left < 4 || memcmp(at, "#N/A", 4) != 0);
		*marked += found;
		*others += !found;
		*leading += found && *others == 0;
	}
}

/* '#' anywhere, where the first line has it or fewer lines have it than not; the others at the beginning alone. */
static void find_comment(struct search *search)
{
	static const char *const marks[] = {"#", "%", "//"};
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		size_t marked, others, leading;
		count_marked(search, marks[i], &marked, &others, &leading);
		if (marked == 0 || others == 0)
			continue;
		if (leading == marked || (i == 0 && (leading > 0 || marked < others))) {
			snprintf(search->dialect->comment, CSV_COMMENT_SIZE, "%s", marks[i]);
			return;
		}
	}
}

/* --- separator and numbers --- */

static unsigned allowed_formats(const struct search *search)
{
	unsigned allowed = 0;
	const struct csv_dialect *said = &search->options->dialect;
	for (int i = 0; i < N_FORMATS; i++) {
		bool fits = (!says(search, CSV_SAYS_DECIMAL) || csv_formats[i].decimal == said->decimal) &&
		            (!says(search, CSV_SAYS_THOUSANDS) || csv_formats[i].thousands == said->thousands);
		allowed |= fits ? 1U << i : 0;
	}
	return allowed;
}

static struct score try_separator(const struct search *search, char separator)
{
	struct csv_dialect dialect = *search->dialect;
	unsigned allowed = search->allowed;
	dialect.separator = separator;
	if ((separator == CSV_BLANKS || separator == CSV_NONE) && !says(search, CSV_SAYS_THOUSANDS))
		allowed &= ~(1U << FORMAT_POINT_BLANKS | 1U << FORMAT_COMMA_BLANKS);
	return csv_score(search->text, search->end, search->line, &dialect, allowed);
}

static int best_format(const struct search *search, const struct score *score)
{
	int best = -1;
	for (int i = 0; i < N_FORMATS; i++)
		if ((search->allowed & 1U << i) != 0 && (best < 0 || score->typed[i] > score->typed[best]))
			best = i;
	return best >= 0 ? best : FORMAT_POINT;
}

static const char candidates[] = {',', ';', '\t', '|', CSV_BLANKS};

/* What version 0.1.0 took: of , ; and tab the one that the first line holds most outside quotes, else the comma. */
static char first_line_separator(const char *text, const char *end)
{
	size_t counts[3] = {0}, best = 0;
	bool quoted = false;
	for (; text < end && (quoted || *text != '\n'); text++) {
		if (*text == '"')
			quoted = !quoted;
		for (size_t k = 0; k < 3 && !quoted; k++)
			counts[k] += *text == candidates[k];
	}
	for (size_t k = 1; k < 3; k++)
		if (counts[k] > counts[best])
			best = k;
	return candidates[best];
}

/* The first of the best; what the first line says where no field is a number or a date, and where its quotes are broken
 * and nothing else fits: then the reader says where. */
static void find_separator(struct search *search, struct score *comma, struct score *alone)
{
	*alone = try_separator(search, CSV_NONE);
	search->best = *alone;
	search->format = best_format(search, alone);
	for (size_t i = 0; i < sizeof candidates; i++) {
		struct score score = try_separator(search, candidates[i]);
		if (i == 0)
			*comma = score;
		if (score.broken || score.width < 2)
			continue;
		int format = best_format(search, &score);
		int better = csv_score_compare(&score, format, &search->best, search->format);
		if (better > 0 || (better == 0 && search->best.separator == CSV_NONE)) {
			search->best = score;
			search->format = format;
		}
	}
	struct score first = try_separator(search, first_line_separator(search->text, search->end));
	bool doubtful = search->best.separator == CSV_NONE && search->best.typed[search->format] < search->best.filled;
	if (search->best.typed[search->format] == 0 || (doubtful && first.broken))
		search->best = first;
}

/* The first field of the head that is a number in one format and not in another. */
static void find_example(const struct search *search, char separator, int in, int not_in, char out[32])
{
	struct csv_dialect dialect = *search->dialect;
	struct scanner scanner;
	struct cell cell;
	dialect.separator = separator;
	scanner_open(&scanner, search->text, (size_t)(search->end - search->text), search->line, &dialect);
	out[0] = '\0';
	while (out[0] == '\0' && scanner_next(&scanner))
		do {
			if (scanner_field(&scanner, &cell, NULL) != 0)
				break;
			cell = cell_trim(cell);
			if (number_has_format(cell.text, cell.length, csv_formats[in]) &&
			    !number_has_format(cell.text, cell.length, csv_formats[not_in]))
				snprintf(out, 32, "%.*s", cell.length < 24 ? (int)cell.length : 24, cell.text);
		} while (!scanner.record_ended && out[0] == '\0');
	scanner_close(&scanner);
}

static void without_commas(const char *text, char *out)
{
	for (; *text != '\0'; text++)
		if (*text != ',')
			*out++ = *text;
	*out = '\0';
}

/* "1,234" everywhere: thousands or decimals. */
static int refuse_groups(const struct search *search, struct qlstm_error *error)
{
	char example[32], decimal[32], whole[32];
	find_example(search, search->best.separator, FORMAT_COMMA, FORMAT_POINT, example);
	without_commas(example, whole);
	snprintf(decimal, sizeof decimal, "%s", example);
	for (char *at = decimal; *at != '\0'; at++)
		*at = *at == ',' ? '.' : *at;
	return error_set(error, ERR_INVALID, NULL,
	                 "the text can be read in two ways: '%s' is %s with decimal=, (a decimal comma), or %s with "
	                 "thousands=,; say which",
	                 example, decimal, whole);
}

static int check_groups(const struct search *search, struct qlstm_error *error)
{
	const struct score *best = &search->best;
	unsigned both = 1U << FORMAT_COMMA | 1U << FORMAT_COMMA_GROUPS;
	size_t typed = best->typed[FORMAT_COMMA];
	if ((search->allowed & both) != both || typed != best->typed[FORMAT_COMMA_GROUPS] ||
	    typed <= best->typed[FORMAT_POINT] || typed < best->typed[search->format])
		return 0;
	return refuse_groups(search, error);
}

/* What the digits behind the commas say of "12,5" in each line, by which the line is one number with decimals or two
 * fields. Decimals have one length, or no zero at their end; whole numbers have no zero in front. */
struct behind {
	size_t length;
	bool uneven, zero_at_end, zero_in_front;
};

static struct behind look_behind(const struct search *search)
{
	struct csv_dialect dialect = *search->dialect;
	struct behind behind = {0};
	struct scanner scanner;
	struct cell cell;
	dialect.separator = CSV_NONE;
	scanner_open(&scanner, search->text, (size_t)(search->end - search->text), search->line, &dialect);
	while (scanner_next(&scanner) && scanner_field(&scanner, &cell, NULL) == 0) {
		const char *comma = memchr(cell.text, ',', cell.length);
		size_t n = comma != NULL ? (size_t)(cell.text + cell.length - comma) - 1 : 0;
		if (n == 0 || strchr("0123456789", comma[1]) == NULL)
			continue;
		behind.uneven = behind.uneven || (behind.length != 0 && behind.length != n);
		behind.length = n;
		behind.zero_at_end = behind.zero_at_end || (n > 1 && comma[n] == '0');
		behind.zero_in_front = behind.zero_in_front || (n > 1 && comma[1] == '0');
	}
	scanner_close(&scanner);
	return behind;
}

static int refuse_two(const struct search *search, struct qlstm_error *error)
{
	char example[32], first[32], decimal[80];
	find_example(search, CSV_NONE, FORMAT_COMMA, FORMAT_POINT, example);
	snprintf(first, sizeof first, "%s", example);
	char *comma = strchr(first, ',');
	if (comma != NULL)
		*comma = '\0';
	snprintf(decimal, sizeof decimal, "%s.%s", first, comma != NULL ? comma + 1 : "");
	return error_set(error, ERR_INVALID, NULL,
	                 "the text can be read in two ways: as 2 columns, %s | %s in the first row (say "
	                 "separator=,), or as 1 column with a decimal comma, %s (say decimal=,)",
	                 first, comma != NULL ? comma + 1 : "", decimal);
}

static bool is_said_for_commas(const struct search *search)
{
	const struct csv_dialect *said = &search->options->dialect;
	return (says(search, CSV_SAYS_DECIMAL) && said->decimal == ',') ||
	       (says(search, CSV_SAYS_THOUSANDS) && said->thousands == ',');
}

static void take(struct search *search, const struct score *score)
{
	search->best = *score;
	search->format = best_format(search, score);
}

/* A comma between two whole numbers in most lines. Two names over them say that they are two; the digits may say it
 * too; a first line without a comma says that they are one. */
static int check_two(struct search *search, const struct score *comma, const struct score *alone,
                     struct qlstm_error *error)
{
	int format = best_format(search, alone);
	bool both = comma->width == 2 && !comma->broken && comma->before == 0 && alone->filled > 0 &&
	            alone->typed[format] == alone->filled;
	if (!both || (search->best.separator != ',' && search->best.separator != CSV_NONE))
		return 0;
	if (is_said_for_commas(search)) {
		take(search, alone);
		return 0;
	}
	struct behind behind = look_behind(search);
	if (csv_formats[format].decimal != ',' || says(search, CSV_SAYS_DECIMAL) || behind.length == 0)
		return 0;
	struct csv_dialect dialect = *search->dialect;
	dialect.separator = ',';
	bool named = csv_first_is_text(search->text, search->end, search->line, &dialect);
	bool decimals = !behind.uneven || !behind.zero_at_end;
	bool padded = behind.zero_in_front && !behind.uneven;
	if (decimals && (!named || padded))
		return refuse_two(search, error);
	take(search, comma);
	return 0;
}

static int find_numbers(struct search *search, struct qlstm_error *error)
{
	struct score comma = {.width = 0}, alone = {0};
	bool strict = search->options->rules == CSV_STRICT;
	if (says(search, CSV_SAYS_SEPARATOR) || search->instructed) {
		search->best = try_separator(search, search->dialect->separator);
		search->format = best_format(search, &search->best);
	} else {
		find_separator(search, &comma, &alone);
		int rc = strict ? check_two(search, &comma, &alone, error) : 0;
		if (rc != 0)
			return rc;
	}
	search->dialect->separator = search->best.separator;
	if (!says(search, CSV_SAYS_DECIMAL))
		search->dialect->decimal = csv_formats[search->format].decimal;
	if (!says(search, CSV_SAYS_THOUSANDS))
		search->dialect->thousands = csv_formats[search->format].thousands;
	if (search->dialect->decimal == search->dialect->thousands)
		return error_set(error, ERR_INVALID, NULL, "decimal and thousands are both '%c'",
		                 search->dialect->decimal);
	return strict && !search->best.broken ? check_groups(search, error) : 0;
}

/* --- titles --- */

static int check_title(const struct search *search, struct qlstm_error *error)
{
	const struct score *best = &search->best;
	if (best->broken || best->before == 0 || best->width < 2 || best->even < 2)
		return 0;
	size_t last = best->first_even - 1;
	return error_set(
	    error, ERR_INVALID, NULL,
	    "%s %s%s%zu look%s like a title: the first line with %zu fields, as the rows below have, is line "
	    "%zu; skip_rows=%zu leaves out what stands above it",
	    last > 1 ? "lines" : "line", last > 1 ? "1" : "", last > 1 ? "-" : "", last, last > 1 ? "" : "s",
	    best->width, best->first_even, last);
}

/* --- all --- */

static const char *head_end(const char *text, const char *end)
{
	if (end - text <= HEAD_BYTES)
		return end;
	const char *newline = memrchr(text, '\n', HEAD_BYTES);
	return newline != NULL ? newline + 1 : end;
}

static void begin(struct search *search, const char *text, size_t length)
{
	const struct csv_options *options = search->options;
	*search->dialect = options->dialect;
	if (!says(search, CSV_SAYS_SKIP_ROWS))
		search->dialect->skip_rows = 0;
	search->text = csv_skip_rows(text, text + length, search->dialect->skip_rows, &search->line);
	search->end = head_end(search->text, text + length);
	search->allowed = allowed_formats(search);
}

static int find_header(const struct search *search, struct csv_head *head, struct qlstm_error *error)
{
	int rc = csv_find_header(search->text, search->end, search->line, search->options, search->dialect, head);
	return rc == 0 ? 0 : error_set(error, rc, NULL, "out of memory for the head of a text");
}

int csv_detect(const char *text, size_t length, const struct csv_options *options, struct csv_dialect *out,
               struct csv_head *head, struct qlstm_error *error)
{
	struct search search = {.options = options, .dialect = out};
	*head = (struct csv_head){-1, -1};
	begin(&search, text, length);
	if (options->rules == CSV_FIRST_LINE) {
		*out = (struct csv_dialect){.separator = first_line_separator(text, text + length), .decimal = '.'};
		return find_header(&search, head, error);
	}
	take_instruction(&search);
	if (!says(&search, CSV_SAYS_COMMENT))
		find_comment(&search);
	int rc = find_numbers(&search, error);
	if (rc == 0 && options->rules == CSV_STRICT)
		rc = check_title(&search, error);
	return rc == 0 ? find_header(&search, head, error) : rc;
}
