/* The history of an experiment, one row an epoch. */
#ifndef QLSTM_STORE_METRICS_H
#define QLSTM_STORE_METRICS_H

#include <stdint.h>

#include "engine/error.h"
#include "server/store/db.h"

struct metric_row {
	int epoch, attempt;
	double train_loss, test_loss, gradient_norm, seconds; /* test_loss: NaN without test data */
};
/* In order of epoch, only epochs > after. *rows is the caller's (free). */
int metric_list(struct db *db, const char *id, int after, struct metric_row **rows, int *count,
                struct qlstm_error *error);

#endif
