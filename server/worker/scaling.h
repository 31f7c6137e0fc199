/* How the columns of a run were scaled: what turns numbers in the units of the data into a model's and back. It stands
 * in the weights' metadata and in report.json:
 *
 *   {"inputs": [{"column": "value", "offset": -0.99, "factor": 0.5}, ...], "targets": [...]}
 *
 * scaled = (raw - offset) / factor. There is an entry for each output of the model: of several horizons a target stands
 * there once for each, with "horizon" beside it. */
#ifndef QLSTM_WORKER_SCALING_H
#define QLSTM_WORKER_SCALING_H

#include <jansson.h>

#include "engine/data/windows.h"
#include "engine/error.h"

struct column_scaling {
	int n_inputs, n_targets;
	const struct scaler *inputs, *targets; /* borrowed */
	const struct table *table; /* whose columns they are; not of what was read back. Borrowed, as the indices */
	const int *input_columns, *target_columns;
	const int *horizons; /* of the targets; NULL: none are said */
};

/* New reference, NULL when out of memory. */
json_t *scaling_json(const struct column_scaling *scaling);
/* scaling_free it. ERR_CORRUPT for text that scaling_json did not make. */
int scaling_read(const char *text, struct column_scaling *out, struct qlstm_error *error);
void scaling_free(struct column_scaling *scaling);

#endif
