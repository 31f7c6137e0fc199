/* Texts of documents: a look for how tagged lines are laid out, then line by line. */
#include "engine/data/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/text/vocabulary.h"
#include "engine/utf8.h"

struct piece {
	const char *at;
	size_t length;
};

struct reader {
	const char *at, *end; /* what is left */
	size_t line;
	enum csv_texts form;
	bool by_token; /* of tagged texts: a token a line */
	struct table *table;
	int values;
	struct vocabulary labels; /* or tags */
	size_t n_tokens;          /* of tagged texts */
	char *parts[2];           /* of the sentence that is read token by token */
	size_t used[2], room[2];
	size_t first_line; /* of that sentence */
	struct qlstm_error *error;
};

static const char *const columns[][2] = {[TEXTS_LABELLED] = {"label", "text"},
                                         [TEXTS_PAIRS] = {"source", "target"},
                                         [TEXTS_TAGGED] = {"tokens", "tags"},
                                         [TEXTS_LINES] = {"text", NULL}};

const char *documents_column(enum csv_texts form, int index)
{
	return form != TEXTS_NONE && index >= 0 && index < 2 ? columns[form][index] : NULL;
}

static int refuse(const struct reader *reader, const char *what)
{
	error_set(reader->error, ERR_SYNTAX, NULL, "line %zu: %s", reader->line, what);
	return ERR_SYNTAX;
}

static int no_memory(const struct reader *reader)
{
	return error_set(reader->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for texts");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct piece trim(struct piece piece)
{
	while (piece.length > 0 && is_blank(piece.at[piece.length - 1]))
		piece.length--;
	while (piece.length > 0 && is_blank(*piece.at)) {
		piece.at++;
		piece.length--;
	}
	return piece;
}

static bool next_line(struct reader *reader, struct piece *out)
{
	if (reader->at >= reader->end)
		return false;
	const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	*out = (struct piece){reader->at, (size_t)((end != NULL ? end : reader->end) - reader->at)};
	reader->at = end != NULL ? end + 1 : reader->end;
	reader->line++;
	while (out->length > 0 && out->at[out->length - 1] == '\r')
		out->length--;
	return true;
}

static void rewind_to(struct reader *reader, const struct csv_text *text, size_t skip)
{
	struct piece line;
	reader->at = text->text;
	reader->end = text->text + text->length;
	reader->line = 0;
	while (skip-- > 0 && next_line(reader, &line))
		;
}

/* The two fields of a line; of labelled ones further tabs belong to the text. */
static int split(const struct reader *reader, struct piece line, struct piece fields[2])
{
	const char *tab = memchr(line.at, '\t', line.length);
	if (tab == NULL)
		return refuse(reader, "there is no tab between the two fields");
	size_t first = (size_t)(tab - line.at);
	fields[0] = trim((struct piece){line.at, first});
	fields[1] = trim((struct piece){tab + 1, line.length - first - 1});
	if (fields[0].length == 0 || fields[1].length == 0)
		return refuse(reader, fields[0].length == 0 ? "nothing stands before the tab"
		                                            : "nothing stands behind the tab");
	if (reader->form != TEXTS_LABELLED && memchr(fields[1].at, '\t', fields[1].length) != NULL)
		return refuse(reader, "more than one tab; two fields are expected");
	return 0;
}

/* Whether every field of a tagged text is one token. */
static int find_layout(struct reader *reader)
{
	struct piece line, fields[2];
	reader->by_token = true;
	while (next_line(reader, &line)) {
		if (trim(line).length == 0)
			continue;
		int rc = split(reader, line, fields);
		if (rc != 0)
			return rc;
		if (memchr(fields[0].at, ' ', fields[0].length) != NULL)
			reader->by_token = false;
	}
	return 0;
}

/* Where something is kept of a field that there is no room for: the first rows, cut. */
static void preview(struct table *table, int column, struct piece field)
{
	if (table->n_rows >= TABLE_PREVIEW_ROWS || table->preview == NULL)
		return;
	struct preview_cell *cell = &table->preview[table->n_rows * (size_t)table->n_columns + (size_t)column];
	cell->type = COLUMN_TEXT;
	snprintf(cell->text, sizeof cell->text, "%.*s",
	         (int)(field.length < sizeof cell->text ? field.length : sizeof cell->text), field.at);
	cell->text[utf8_cut(cell->text, sizeof cell->text - 1)] = '\0';
	utf8_clean(cell->text);
}

/* A row of the table. */
static int add_row(struct reader *reader, const struct piece fields[2])
{
	struct table *table = reader->table;
	int rc = 0;
	for (int k = 0; rc == 0 && k < 2 && k < table->n_columns; k++) {
		preview(table, k, fields[k]);
		if (table->columns[k].texts != NULL)
			rc = texts_add(table->columns[k].texts, fields[k].at, fields[k].length, reader->error);
	}
	table->n_rows++;
	return rc;
}

static int append(struct reader *reader, int part, struct piece piece)
{
	size_t needed = reader->used[part] + piece.length + 2;
	if (needed > reader->room[part]) {
		char *longer = realloc(reader->parts[part], 2 * needed);
		if (longer == NULL)
			return no_memory(reader);
		reader->parts[part] = longer;
		reader->room[part] = 2 * needed;
	}
	if (reader->used[part] > 0)
		reader->parts[part][reader->used[part]++] = ' ';
	memcpy(reader->parts[part] + reader->used[part], piece.at, piece.length);
	reader->used[part] += piece.length;
	return 0;
}

static int end_sentence(struct reader *reader)
{
	const struct piece fields[2] = {{reader->parts[0], reader->used[0]}, {reader->parts[1], reader->used[1]}};
	if (reader->used[0] == 0)
		return 0;
	reader->used[0] = reader->used[1] = 0;
	return add_row(reader, fields);
}

static bool next_token(struct piece *left, struct piece *token)
{
	*left = trim(*left);
	const char *end = left->length > 0 ? memchr(left->at, ' ', left->length) : NULL;
	token->at = left->at;
	token->length = end != NULL ? (size_t)(end - left->at) : left->length;
	left->at += token->length;
	left->length -= token->length;
	return token->length > 0;
}

/* Tokens and tags of a line into the sentence. */
static int take_tagged(struct reader *reader, struct piece line)
{
	struct piece fields[2], tokens[2];
	int rc = split(reader, line, fields);
	while (rc == 0) {
		bool token = next_token(&fields[0], &tokens[0]), tag = next_token(&fields[1], &tokens[1]);
		if (!token && !tag)
			break;
		if (token != tag)
			return refuse(reader,
			              token ? "there are fewer tags than tokens" : "there are more tags than tokens");
		rc = append(reader, 0, tokens[0]);
		if (rc == 0)
			rc = append(reader, 1, tokens[1]);
		reader->n_tokens++;
		if (rc == 0 && vocabulary_add(&reader->labels, tokens[1].at, tokens[1].length, 1) < 0)
			rc = no_memory(reader);
	}
	return rc == 0 && !reader->by_token ? end_sentence(reader) : rc;
}

static int take_line(struct reader *reader, struct piece line)
{
	struct piece fields[2] = {line, {NULL, 0}};
	if (reader->form == TEXTS_LINES)
		return add_row(reader, fields);
	if (trim(line).length == 0)
		return reader->by_token ? end_sentence(reader) : 0;
	if (reader->form == TEXTS_TAGGED)
		return take_tagged(reader, line);
	int rc = split(reader, line, fields);
	if (rc == 0 && reader->form == TEXTS_LABELLED &&
	    vocabulary_add(&reader->labels, fields[0].at, fields[0].length, 1) < 0)
		rc = no_memory(reader);
	return rc == 0 ? add_row(reader, fields) : rc;
}

static int add_columns(struct reader *reader)
{
	struct table *table = reader->table;
	const char *name;
	for (int k = 0; (name = documents_column(reader->form, k)) != NULL; k++) {
		int rc = table_add_column(table, name, reader->error);
		if (rc != 0)
			return rc;
		struct column *column = &table->columns[k];
		column->numeric = false;
		column->type = COLUMN_TEXT;
		column->bad_unit = PLACE_LINE;
		column->bad_at = 1;
		snprintf(column->bad_text, sizeof column->bad_text, "a text");
		if (values_read(reader->values, k) && (column->texts = calloc(1, sizeof *column->texts)) == NULL)
			return no_memory(reader);
	}
	table->preview = calloc(TABLE_PREVIEW_ROWS * (size_t)table->n_columns, sizeof *table->preview);
	return table->preview != NULL ? 0 : no_memory(reader);
}

static void note(const struct reader *reader)
{
	size_t n = vocabulary_size(&reader->labels);
	struct table *table = reader->table;
	if (reader->form == TEXTS_TAGGED)
		table_note(table, "%zu sentences, %s, of %zu tokens; %zu different tags", table->n_rows,
		           reader->by_token ? "a token a line" : "each a line", reader->n_tokens, n);
	else if (reader->form == TEXTS_LABELLED)
		table_note(table, "%zu texts; %zu different labels", table->n_rows, n);
	else
		table_note(table, "%zu %s", table->n_rows, reader->form == TEXTS_PAIRS ? "pairs of texts" : "lines");
}

static int read_lines(struct reader *reader, const struct csv_text *text, size_t skip)
{
	struct piece line;
	const char *nul = memchr(text->text, '\0', text->length);
	rewind_to(reader, text, skip);
	int rc = nul != NULL ? error_set(reader->error, ERR_SYNTAX, NULL, "byte %zu is NUL: this is no text",
	                                 (size_t)(nul - text->text))
	                     : 0;
	if (rc == 0 && reader->form == TEXTS_TAGGED)
		rc = find_layout(reader);
	if (rc == 0)
		rc = add_columns(reader);
	rewind_to(reader, text, skip);
	while (rc == 0 && next_line(reader, &line))
		rc = take_line(reader, line);
	if (rc == 0)
		rc = end_sentence(reader);
	struct table *table = reader->table;
	if (rc == 0 && table->n_rows == 0)
		rc = error_set(reader->error, ERR_SYNTAX, NULL, "there are no rows: the text is empty");
	table->n_preview = table->n_rows < TABLE_PREVIEW_ROWS ? table->n_rows : TABLE_PREVIEW_ROWS;
	return rc;
}

int documents_read(const struct csv_text *text, const struct csv_options *options, int values, struct table *table,
                   struct qlstm_error *error)
{
	struct reader reader = {.form = options->dialect.texts, .table = table, .values = values, .error = error};
	table->dialect = (struct csv_dialect){.texts = options->dialect.texts,
	                                      .skip_rows = options->dialect.skip_rows,
	                                      .encoding = text->encoding,
	                                      .decimal = '.'};
	int rc = read_lines(&reader, text, options->dialect.skip_rows);
	if (rc == 0)
		note(&reader);
	vocabulary_free(&reader.labels);
	free(reader.parts[0]);
	free(reader.parts[1]);
	return rc;
}
