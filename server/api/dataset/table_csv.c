/* A data set as a table and as CSV. */
#include "server/api/dataset/table_csv.h"

#include <math.h>
#include <string.h>

#include "engine/number.h"
#include "server/api/uploaded.h"

#define MOST_CELLS ((size_t)32 << 20) /* of one data set: it is held in memory */

/* Quoted where the reader would take it apart. */
static void write_field(struct text *out, const char *text)
{
	if (*text != '\0' && strpbrk(text, ",;\"\r\n\t#") == NULL && *text != ' ') {
		text_write(out, text, strlen(text));
		return;
	}
	text_write(out, "\"", 1);
	for (; *text != '\0'; text++)
		text_write(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	text_write(out, "\"", 1);
}

/* The time of the rows first, where there is one, then what is numeric. Text has no values to show. */
void table_csv_write(const struct table *table, struct text *out)
{
	bool times = table->times.there && table->times.starts != NULL, first = !times;
	if (times)
		write_field(out, table->columns[table->times.column].name);
	for (int k = 0; k < table->n_columns; k++) {
		if (table->columns[k].values == NULL)
			continue;
		text_write(out, ",", first ? 0 : 1);
		write_field(out, table->columns[k].name);
		first = false;
	}
	text_write(out, "\n", 1);
	for (size_t i = 0; i < table->n_rows; i++) {
		first = !times;
		if (times)
			write_field(out, table_time(table, i));
		for (int k = 0; k < table->n_columns; k++) {
			char number[NUMBER_SIZE];
			const double *values = table->columns[k].values;
			if (values == NULL)
				continue;
			text_write(out, ",", first ? 0 : 1);
			if (!isnan(values[i]))
				text_write(out, number, (size_t)number_text(number, values[i]));
			first = false;
		}
		text_write(out, "\n", 1);
	}
}

int table_csv_read(struct api *api, const struct catalog_entry *entry, struct table *table, struct qlstm_error *error)
{
	if (entry->series != NULL)
		return series_table(entry->series, table, error);
	int rc = uploaded_table(api, &entry->row, VALUES_NONE, table, error);
	size_t cells = rc == 0 ? table->n_rows * (size_t)table->n_columns : 0;
	if (rc == 0)
		table_free(table);
	if (cells > MOST_CELLS)
		return error_set(error, ERR_TOO_LARGE, NULL,
		                 "the data set has %zu values; at most %zu are taken together", cells, MOST_CELLS);
	return rc == 0 ? uploaded_table(api, &entry->row, VALUES_ALL, table, error) : rc;
}
