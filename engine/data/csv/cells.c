/* Text to fields. */
#include "engine/data/csv/cells.h"

#include <stdlib.h>
#include <string.h>

void scanner_open(struct scanner *scanner, const char *text, size_t length, size_t line,
                  const struct csv_dialect *dialect)
{
	*scanner = (struct scanner){.at = text,
	                            .end = text + length,
	                            .line = line,
	                            .separator = dialect->separator,
	                            .comment = dialect->comment};
}

void scanner_close(struct scanner *scanner)
{
	free(scanner->scratch);
	scanner->scratch = NULL;
	scanner->room = 0;
}

int scanner_reserve(struct scanner *scanner, size_t length, struct qlstm_error *error)
{
	if (length < scanner->room)
		return 0;
	size_t room = length < 64 ? 64 : length * 2;
	char *larger = realloc(scanner->scratch, room);
	if (larger == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a field of %zu bytes", length);
	scanner->scratch = larger;
	scanner->room = room;
	return 0;
}

static const char *skip_blanks(const struct scanner *scanner, const char *at)
{
	while (at < scanner->end && scanner_is_blank(scanner, *at))
		at++;
	return at;
}

static const char *line_end(const struct scanner *scanner, const char *at)
{
	const char *end = memchr(at, '\n', (size_t)(scanner->end - at));
	return end != NULL ? end : scanner->end;
}

/* "#N/A" at the beginning of a line is a field. */
static bool is_comment(const struct scanner *scanner, const char *at)
{
	size_t length = strlen(scanner->comment), left = (size_t)(scanner->end - at);
	if (length == 0 || left < length || memcmp(at, scanner->comment, length) != 0)
		return false;
	return left < 3 || memcmp(at, "#N/A", left < 4 ? left : 4) != 0;
}

static void pass_comment(struct scanner *scanner, const char *at)
{
	if (scanner->comments++ == 0)
		scanner->first_comment = scanner->line;
	scanner->last_comment = scanner->line;
	scanner->comment_text = at;
}

static void pass_blank(struct scanner *scanner)
{
	if (scanner->pending++ == 0)
		scanner->first_pending = scanner->line;
}

bool scanner_next(struct scanner *scanner)
{
	while (scanner->at < scanner->end) {
		const char *first = skip_blanks(scanner, scanner->at), *end;
		if (first < scanner->end && is_comment(scanner, first)) {
			pass_comment(scanner, first);
			end = line_end(scanner, first);
		} else if (first == scanner->end || *first == '\n') {
			pass_blank(scanner);
			end = first;
		} else {
			break;
		}
		scanner->line += end < scanner->end;
		scanner->at = end + (end < scanner->end);
	}
	if (scanner->at == scanner->end)
		return false;
	if (scanner->pending > 0 && scanner->blanks == 0)
		scanner->first_blank = scanner->first_pending;
	scanner->blanks += scanner->pending;
	scanner->pending = 0;
	return true;
}

/* Behind the text of a field: blanks and its separator. Where blanks separate, what follows them is the next field. */
static bool finish_field(struct scanner *scanner)
{
	const char *at = skip_blanks(scanner, scanner->at);
	if (scanner->separator != CSV_BLANKS)
		return scanner_end_field(scanner, at);
	if (at == scanner->end || *at == '\n')
		return scanner_end_field(scanner, at);
	bool blanks = at > scanner->at;
	scanner->at = at;
	scanner->record_ended = false;
	return blanks;
}

/* Up to the closing quote; "" inside stands for one quote. Without such the field is a part of the text. */
static int read_quoted(struct scanner *scanner, struct cell *cell, struct qlstm_error *error)
{
	const char *start = scanner->at + 1, *at = start;
	size_t doubled = 0;
	for (;; at++) {
		if (at == scanner->end)
			return error_set(error, ERR_SYNTAX, NULL, "line %zu: a quote opens and never closes",
			                 cell->line);
		scanner->line += *at == '\n';
		if (*at != '"')
			continue;
		if (at + 1 == scanner->end || at[1] != '"')
			break;
		doubled++;
		at++;
	}
	cell->text = start;
	cell->length = (size_t)(at - start);
	scanner->at = at + 1;
	if (doubled == 0)
		return 0;
	int rc = scanner_reserve(scanner, cell->length, error);
	if (rc != 0)
		return rc;
	char *to = scanner->scratch;
	for (const char *from = start; from < at; from++) {
		*to++ = *from;
		from += *from == '"';
	}
	cell->text = scanner->scratch;
	cell->length -= doubled;
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct cell cell_trim(struct cell cell)
{
	while (cell.length > 0 && is_space(*cell.text)) {
		cell.text++;
		cell.length--;
	}
	while (cell.length > 0 && is_space(cell.text[cell.length - 1]))
		cell.length--;
	return cell;
}

static void read_plain(struct scanner *scanner, struct cell *cell)
{
	const char *at = scanner->at;
	if (scanner->separator == CSV_BLANKS)
		while (at < scanner->end && *at != '\n' && !scanner_is_blank(scanner, *at))
			at++;
	else if (scanner->separator == CSV_NONE)
		at = line_end(scanner, at);
	else
		while (at < scanner->end && *at != scanner->separator && *at != '\n')
			at++;
	cell->text = scanner->at;
	cell->length = (size_t)(at - scanner->at);
	scanner->at = at;
	while (cell->length > 0 && scanner_is_blank(scanner, cell->text[cell->length - 1]))
		cell->length--;
}

int scanner_field(struct scanner *scanner, struct cell *cell, struct qlstm_error *error)
{
	scanner->at = skip_blanks(scanner, scanner->at);
	cell->line = scanner->line;
	if (scanner->at < scanner->end && *scanner->at == '"') {
		int rc = read_quoted(scanner, cell, error);
		if (rc != 0)
			return rc;
	} else {
		read_plain(scanner, cell);
	}
	if (finish_field(scanner))
		return 0;
	return error_set(error, ERR_SYNTAX, NULL, "line %zu: text follows a closing quote", scanner->line);
}
