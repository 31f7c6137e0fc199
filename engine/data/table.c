/* Tables of named columns. */
#include "engine/data/table.h"

#include <stdlib.h>
#include <string.h>

void table_free(struct table *table)
{
	for (int i = 0; table->columns != NULL && i < table->n_columns; i++) {
		free(table->columns[i].values);
		free(table->columns[i].name);
	}
	free(table->columns);
	*table = (struct table){0};
}

/* The number written in digits, or -1 when it is not one or not below `limit`. */
static int parse_index(const char *text, int limit)
{
	long long index = 0;
	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		index = index * 10 + (*text - '0');
		if (index >= limit)
			return -1;
	}
	return (int)index;
}

int table_column(const struct table *table, const char *name_or_index)
{
	for (int i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, name_or_index) == 0)
			return i;
	return parse_index(name_or_index, table->n_columns);
}
