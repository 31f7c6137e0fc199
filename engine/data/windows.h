/* Windows: scaled (inputs, target) pairs cut from a table in time order, split into a training and a test part.
 *
 * Window i reads rows i .. i + window - 1 and predicts row i + window + horizon - 1. There are
 * n_rows - window - horizon + 1 of them, one fewer with drop_last (the published protocol: 240 points, window 4,
 * horizon 1, 235 windows). The first samples_train_count(train_fraction, count) are the training part, the rest the
 * test part. */
#ifndef QLSTM_DATA_WINDOWS_H
#define QLSTM_DATA_WINDOWS_H

#include <stdbool.h>

#include "engine/data/samples.h"
#include "engine/data/table.h"

enum scaling { SCALING_NONE, SCALING_MINMAX, SCALING_STANDARD }; /* as is; to [-1, 1]; zero mean, unit deviation */
enum scaling_fit { SCALING_FIT_TRAIN, SCALING_FIT_ALL };         /* rows that training windows touch; all rows */

struct windows_config {
	int n_inputs, n_targets;
	int inputs[SAMPLES_MAX_COLUMNS], targets[SAMPLES_MAX_COLUMNS]; /* column indices */
	int window, horizon;                                           /* >= 1 */
	bool drop_last;
	double train_fraction; /* 0 < f < 1 */
	enum scaling scaling;
	enum scaling_fit scaling_fit;
};

/* scaled = (raw - offset) / factor */
struct scaler {
	double offset, factor;
};

struct windows {
	int n_inputs, n_targets, steps;
	size_t n_train, n_test;
	double *x; /* [n_train + n_test][steps][n_inputs] */
	double *y; /* [n_train + n_test][n_targets] */
	struct scaler input_scalers[SAMPLES_MAX_COLUMNS], target_scalers[SAMPLES_MAX_COLUMNS];
};

/* Errors point into the experiment's data part: "/inputs/0" (not numeric), "/window" (series too short), ... The
 * training and the test part each hold at least one window, else ERR_INVALID at "/window" or "/split/train". */
int windows_cut(const struct table *table, const struct windows_config *config, struct windows *out,
                struct qlstm_error *error);
void windows_free(struct windows *windows);
/* As samples with one row of n_targets reals; borrows `windows`. */
struct samples windows_samples(const struct windows *windows);

/* Window counts for n_rows without cutting anything. */
int windows_count(size_t n_rows, const struct windows_config *config, size_t *n_train, size_t *n_test,
                  struct qlstm_error *error);

/* For all samples that are cut from a table: whether the chosen columns are there and numeric; and their scalers,
 * fitted on rows 0 .. fit_rows - 1. `part` is "inputs" or "targets": errors point to /PART/POSITION. */
int windows_check_columns(const struct table *table, const int *indices, int n, const char *part,
                          struct qlstm_error *error);
int windows_fit_columns(const struct table *table, const int *indices, int n, const char *part, enum scaling scaling,
                        size_t fit_rows, struct scaler *scalers, struct qlstm_error *error);

/* Fit on values[0 .. n-1]; a constant column scales with factor 1. */
struct scaler scaler_fit(enum scaling scaling, const double *values, size_t n);
double scaler_apply(struct scaler scaler, double raw);
double scaler_invert(struct scaler scaler, double scaled);

#endif
