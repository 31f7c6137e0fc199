/* Inputs of a prediction, in the units of the data: from the text that somebody sent to numbers. */
#ifndef QLSTM_COMMON_PREDICT_INPUTS_H
#define QLSTM_COMMON_PREDICT_INPUTS_H

#include <stddef.h>

#include "engine/error.h"
#include "schema/spec.h"

struct predict_inputs {
	size_t samples, steps, features;
	double *values; /* [samples][steps][features], owned */
};

/* {"inputs": [[[...]]]}, [sample][time][feature], all samples of the same length; `features` numbers a time step.
 * Errors point at the place: "/inputs/3/0/2". ERR_TOO_LARGE past PREDICT_MAX_NUMBERS (predict_wire.h). */
int predict_inputs_json(const char *text, size_t length, size_t features, struct predict_inputs *out,
                        struct qlstm_error *error);

/* CSV with the input columns of the spec among its columns, by name (without a header: in their order). Windows are cut
 * as the experiment cut them: sample i is rows i .. i + window - 1, for every row that has enough behind it. Errors
 * name the line and the column. */
int predict_inputs_csv(const char *text, size_t length, const json_t *resolved, struct predict_inputs *out,
                       struct qlstm_error *error);

void predict_inputs_free(struct predict_inputs *inputs);

#endif
