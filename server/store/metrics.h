/* The history of an experiment, one row an epoch. */
#ifndef QLSTM_STORE_METRICS_H
#define QLSTM_STORE_METRICS_H

#include "engine/error.h"
#include "server/store/db.h"

/* Bytes that the text of an epoch's metrics takes at most. */
#define METRICS_JSON_SIZE 2048
/* The metric whose least value makes an epoch the best one: the second, where an epoch has it. */
#define METRIC_OF_BEST       "test_loss"
#define METRIC_OF_VALIDATION "validation_loss"

struct metric_row {
	int epoch, attempt;
	double seconds;
	const char *metrics_json; /* {"train_loss": 0.5, ...}: a number, or null, for each name */
};
/* In order of epoch, only epochs > after. *rows is the caller's (metric_rows_free). */
int metric_list(struct db *db, const char *id, int after, struct metric_row **rows, int *count,
                struct qlstm_error *error);
/* The rows, whose texts are of metric_list, and the array. */
void metric_rows_free(struct metric_row *rows, int count);

#endif
