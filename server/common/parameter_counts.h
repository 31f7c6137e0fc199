/* How many numbers a model learns, as the API, reports and the worker's tools say it. */
#ifndef QLSTM_COMMON_PARAMETER_COUNTS_H
#define QLSTM_COMMON_PARAMETER_COUNTS_H

#include <jansson.h>

#include "engine/nn/params.h"

struct parameter_counts {
	json_int_t quantum, classical; /* angles of circuits; all others */
};

struct parameter_counts parameter_counts(const struct params *params);

/* {"parameters": 211, "quantum": 32, "classical": 179}; `sum` is the name of the first. New reference, NULL when out of
 * memory. */
json_t *parameter_counts_json(const struct parameter_counts *counts, const char *sum);

#endif
