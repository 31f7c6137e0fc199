/* Lines of a text of symbols. */
#include "engine/data/csv/symbol_lines.h"

#include <string.h>

static struct piece trim(struct piece piece)
{
	while (piece.length > 0 && strchr(" \t\r", piece.at[piece.length - 1]) != NULL)
		piece.length--;
	while (piece.length > 0 && strchr(" \t", *piece.at) != NULL) {
		piece.at++;
		piece.length--;
	}
	return piece;
}

/* A comma before a tab stands between fields: `+,S10,<TAB><TAB>tactag`. */
static char separator_of(struct piece line, enum csv_symbols_as as)
{
	const char *tab = memchr(line.at, '\t', line.length), *comma = memchr(line.at, ',', line.length);
	if (as == CSV_POSITIONS)
		return tab != NULL ? '\t' : '\0';
	if (comma != NULL && (tab == NULL || comma < tab))
		return ',';
	if (tab != NULL)
		return '\t';
	return memchr(line.at, ' ', line.length) != NULL ? ' ' : '\0';
}

/* Up to four fields; the fourth says that there are too many. */
static int split(struct piece line, char separator, struct piece fields[4])
{
	int n = 0;
	const char *end = line.at + line.length;
	for (const char *at = line.at; n < 4; n++) {
		const char *next = separator != '\0' ? memchr(at, separator, (size_t)(end - at)) : NULL;
		fields[n] = (struct piece){at, (size_t)((next != NULL ? next : end) - at)};
		if (separator != '\0')
			fields[n] = trim(fields[n]);
		if (next == NULL)
			return n + 1;
		at = next + 1;
		while (separator == ' ' && at < end && *at == ' ')
			at++;
	}
	return n;
}

bool symbol_lines_next(struct symbol_lines *lines, struct symbol_line *out)
{
	while (lines->at < lines->end) {
		const char *end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
		struct piece text = {lines->at, (size_t)((end != NULL ? end : lines->end) - lines->at)};
		lines->at = end != NULL ? end + 1 : lines->end;
		lines->line++;
		while (text.length > 0 && text.at[text.length - 1] == '\r')
			text.length--;
		if (trim(text).length == 0)
			continue;
		if (lines->as != CSV_POSITIONS)
			text = trim(text);
		struct piece fields[4];
		if (lines->separator == SYMBOL_SEPARATOR_UNKNOWN)
			lines->separator = separator_of(text, lines->as);
		*out = (struct symbol_line){.number = lines->line, .n_fields = split(text, lines->separator, fields)};
		out->sequence = fields[out->n_fields - 1];
		out->label = fields[0];
		return true;
	}
	return false;
}

void symbol_lines_open(struct symbol_lines *lines, const struct csv_text *text)
{
	lines->at = text->text;
	lines->end = text->text + text->length;
	lines->line = 0;
	for (size_t skip = lines->skip_rows; skip > 0 && lines->at < lines->end; skip--) {
		const char *end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
		lines->at = end != NULL ? end + 1 : lines->end;
		lines->line++;
	}
}
