/* Inputs of a prediction, in the units of the data: from what somebody sent to numbers. */
#ifndef QLSTM_COMMON_PREDICT_INPUTS_H
#define QLSTM_COMMON_PREDICT_INPUTS_H

#include <stddef.h>

#include "engine/error.h"
#include "schema/spec.h"

/* Rows that a forecast has at most. */
#define PREDICT_MAX_AHEAD 100000

struct predict_inputs {
	size_t samples, steps, features;
	double *values; /* [samples][steps][features], owned */
	size_t ahead;   /* rows to be forecast behind them, one after the other; 0: this is one prediction of each */
};

/* {"inputs": [[[...]]], "steps": 12}: inputs [sample][time][feature], all samples of the same length. Of a forecasting
 * a sample has any number of time steps and a feature for each input column of the spec. Where rows are samples it has
 * the spec's steps, each with its part of the input columns, in their order: 64 columns in 8 steps are [8][8].
 *
 * "steps", of a forecasting, may be absent; with it inputs may be: out->ahead is set, and out->samples 0 where they are
 * (last_window.h has what is meant).
 *
 * Errors point at the place: "/inputs/3/0/2". ERR_TOO_LARGE past PREDICT_MAX_NUMBERS (predict_wire.h). `resolved` is
 * the spec of the model. */
int predict_inputs_json(const char *text, size_t length, const json_t *resolved, struct predict_inputs *out,
                        struct qlstm_error *error);

/* A table, with values, that has the input columns of the spec among its columns: by name, and where the file had no
 * names and "column_0", ... are not those of the spec, in their order. Of a forecasting windows are cut as the
 * experiment cut them: sample i is rows i .. i + window - 1, for every row that has enough behind it. Of the other
 * tasks each row is a sample. Errors name the line and the column, or of an array the row. */
int predict_inputs_table(const struct table *table, const json_t *resolved, struct predict_inputs *out,
                         struct qlstm_error *error);

/* Leaves the last sample alone, to be gone on from `ahead` rows. */
int predict_inputs_forecast(struct predict_inputs *inputs, size_t ahead, struct qlstm_error *error);

/* Room for so many numbers, uninitialised. ERR_TOO_LARGE at `pointer`. */
int predict_inputs_reserve(struct predict_inputs *out, size_t samples, size_t steps, size_t features,
                           const char *pointer, struct qlstm_error *error);

void predict_inputs_free(struct predict_inputs *inputs);

#endif
