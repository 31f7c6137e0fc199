/* The history of an experiment. */
#include "server/store/metrics.h"

#include <stdlib.h>

#include "server/store/rows.h"

static void free_row(void *row)
{
	free((char *)((struct metric_row *)row)->metrics_json);
}

void metric_rows_free(struct metric_row *rows, int count)
{
	for (int i = 0; i < count; i++)
		free_row(&rows[i]);
	free(rows);
}

static int read_row(struct db *db, void *row, struct qlstm_error *error)
{
	struct metric_row *metric = row;
	char *text = NULL;
	int rc = column_copy(db, 0, &text, error);
	*metric = (struct metric_row){.epoch = (int)db_int(db, 1),
	                              .attempt = (int)db_int(db, 2),
	                              .seconds = db_real(db, 3),
	                              .metrics_json = text};
	return rc;
}

int metric_list(struct db *db, const char *id, int after, struct metric_row **rows, int *count,
                struct qlstm_error *error)
{
	static const struct row_type type = {sizeof **rows, read_row, free_row};
	void *list = NULL;
	db_query(db, "SELECT metrics_json, epoch, attempt, seconds FROM epoch_metric"
	             " WHERE experiment_id = :id AND epoch > :after ORDER BY epoch");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":after", after);
	int rc = rows_read(db, &type, &list, count, error);
	if (rc == 0)
		*rows = list;
	return rc;
}
