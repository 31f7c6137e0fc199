/* The history of an experiment. */
#include "server/store/metrics.h"

#include <stdlib.h>

#include "server/store/rows.h"

void metric_rows_free(struct metric_row *rows, int count)
{
	for (int i = 0; i < count; i++)
		free((char *)rows[i].metrics_json);
	free(rows);
}

int metric_list(struct db *db, const char *id, int after, struct metric_row **rows, int *count,
                struct qlstm_error *error)
{
	struct metric_row *list = NULL;
	int n = 0, rc = 0;
	db_query(db, "SELECT metrics_json, epoch, attempt, seconds FROM epoch_metric"
	             " WHERE experiment_id = :id AND epoch > :after ORDER BY epoch");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":after", after);
	while (rc == 0 && db_step(db) > 0) {
		char *text = NULL;
		rc = rows_grow((void **)&list, n, sizeof *list, error);
		if (rc == 0)
			rc = column_copy(db, 0, &text, error);
		if (rc == 0)
			list[n++] = (struct metric_row){.epoch = (int)db_int(db, 1),
			                                .attempt = (int)db_int(db, 2),
			                                .seconds = db_real(db, 3),
			                                .metrics_json = text};
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc != 0) {
		metric_rows_free(list, n);
		return rc;
	}
	*rows = list;
	*count = n;
	return 0;
}
