/* The history of an experiment. */
#include "server/store/metrics.h"

#include <stdlib.h>

#include "server/store/rows.h"

int metric_list(struct db *db, const char *id, int after, struct metric_row **rows, int *count,
                struct qlstm_error *error)
{
	struct metric_row *list = NULL;
	int n = 0, rc = 0;
	db_query(db, "SELECT epoch, attempt, train_loss, test_loss, gradient_norm, seconds FROM epoch_metric"
	             " WHERE experiment_id = :id AND epoch > :after ORDER BY epoch");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":after", after);
	while (rc == 0 && db_step(db) > 0) {
		rc = rows_grow((void **)&list, n, sizeof *list, error);
		if (rc == 0)
			list[n++] = (struct metric_row){
			    .epoch = (int)db_int(db, 0),
			    .attempt = (int)db_int(db, 1),
			    .train_loss = db_real(db, 2),
			    .test_loss = db_real(db, 3),
			    .gradient_norm = db_real(db, 4),
			    .seconds = db_real(db, 5),
			};
	}
	if (db_finish(db) != 0 && rc == 0)
		rc = db_error(db, error);
	if (rc != 0) {
		free(list);
		return rc;
	}
	*rows = list;
	*count = n;
	return 0;
}
