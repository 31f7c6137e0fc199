/* What must hold of every kind of data file: with and without values the same table or the same refusal, no value that
 * is not finite, a description that is JSON. */
#ifndef QLSTM_FUZZ_DATA_FILE_H
#define QLSTM_FUZZ_DATA_FILE_H

#include "tests/fuzz/target.h"

#include <math.h>

#include "server/common/csv_json.h"
#include "server/common/data_file.h"

static inline void check_values(const struct column *column, size_t n_rows)
{
	size_t missing = 0;
	CHECK(column->numeric == (column->values != NULL));
	for (size_t row = 0; column->numeric && row < n_rows; row++)
		if (isnan(column->values[row]))
			missing++;
		else
			CHECK(isfinite(column->values[row]));
	CHECK(!column->numeric || (missing == column->missing && missing < n_rows));
}

static inline void check_same(const struct table *full, const struct table *bare)
{
	CHECK(full->n_rows == bare->n_rows && full->n_columns == bare->n_columns);
	CHECK(full->n_rows > 0 && full->n_columns > 0 && full->n_columns <= TABLE_MAX_COLUMNS);
	for (int i = 0; i < full->n_columns; i++) {
		const struct column *column = &full->columns[i], *other = &bare->columns[i];
		check_values(column, full->n_rows);
		CHECK(other->values == NULL && column->numeric == other->numeric);
		CHECK(strcmp(column->name, other->name) == 0 && strcmp(column->bad_text, other->bad_text) == 0);
		CHECK(column->bad_at == other->bad_at && column->bad_unit == other->bad_unit);
		CHECK(column->missing == other->missing && column->type == other->type);
	}
}

static inline void check_described(const struct data_file *found, const struct table *table)
{
	json_t *description = data_file_json(found, table);
	CHECK(description != NULL);
	char *text = json_dumps(description, 0);
	CHECK(text != NULL);
	free(text);
	json_decref(description);
}

/* With all that was found of a CSV text said, the same is read. */
static inline void check_said(const struct data_request *request, const uint8_t *data, size_t size,
                              const struct table *table)
{
	struct data_request said = *request;
	struct csv_options options;
	struct data_file found;
	struct table again = {0};
	struct qlstm_error error = {0};
	if (table->n_dimensions > 0)
		return;
	json_t *json = csv_dialect_json(&table->dialect);
	char *text = json_dumps(json, 0);
	CHECK(text != NULL && csv_options_read(text, &options, &error) == 0);
	free(text);
	json_decref(json);
	said.csv = &options;
	CHECK(data_file_read(data, size, &said, &found, &again, &error) == 0);
	check_same(table, &again);
	table_free(&again);
}

/* `kind`: what the bytes are declared to be, as in an upload; NULL: nothing. `csv`: what is said of them; or NULL. */
static inline int check_data_file_as(const char *kind, const struct csv_options *csv, const uint8_t *data, size_t size)
{
	struct data_request request = {.limit = 1 << 20, .values = true, .word = kind, .csv = csv};
	struct data_file found, again;
	struct table full = {0}, bare = {0};
	struct qlstm_error error = {0}, other = {0};
	request.declared.kind = kind != NULL ? data_kind_find(kind) : NULL;
	int rc = data_file_read(data, size, &request, &found, &full, &error);
	request.values = false;
	CHECK(data_file_read(data, size, &request, &again, &bare, &other) == rc);
	if (rc != 0) {
		check_refusal(&error, rc);
		CHECK(strcmp(error.message, other.message) == 0);
		CHECK(full.columns == NULL && bare.columns == NULL);
		return 0;
	}
	check_same(&full, &bare);
	check_described(&found, &full);
	check_said(&request, data, size, &full);
	table_free(&bare);
	table_free(&full);
	return 0;
}

static inline int check_data_file(const char *kind, const uint8_t *data, size_t size)
{
	return check_data_file_as(kind, NULL, data, size);
}

#endif
