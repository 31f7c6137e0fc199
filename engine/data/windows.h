/* Windows: scaled (inputs, target) pairs cut from a table in time order, split into a training and a test part.
 *
 * The window that begins in row k reads rows k .. k + window - 1 and predicts row k + window + horizon - 1; one begins
 * in every stride-th row. With stride 1 there are n_rows - window - horizon + 1 of them; one fewer with drop_last (the
 * published protocol: 240 points, window 4, horizon 1, 235 windows). split.h says which are trained on.
 *
 * With several horizons a window predicts a row for each, and `horizon` is the farthest: of horizons 1, 2, 3 the window
 * that begins in row 0 and has 4 rows predicts rows 4, 5 and 6. Its outputs are the targets of the first horizon, then
 * those of the second, ...: output h * n_targets + t. */
#ifndef QLSTM_DATA_WINDOWS_H
#define QLSTM_DATA_WINDOWS_H

#include <stdbool.h>

#include "engine/data/samples.h"
#include "engine/data/split.h"
#include "engine/data/table.h"

enum scaling {
	SCALING_NONE,     /* as is */
	SCALING_MINMAX,   /* to [-1, 1] */
	SCALING_STANDARD, /* zero mean, unit deviation */
	SCALING_MAX,      /* the largest magnitude is 1, 0 stays 0 */
	SCALING_ROBUST /* zero median; 1 is the distance between the quartiles, each between two values on their line */
};
enum scaling_fit { SCALING_FIT_TRAIN, SCALING_FIT_ALL }; /* rows that training windows touch; all rows */

/* Rows behind the window that are predicted at once, ascending. */
#define WINDOWS_MAX_HORIZONS 128
struct horizons {
	int count; /* 0 or 1: one, `horizon` of the configuration */
	int steps[WINDOWS_MAX_HORIZONS];
};

struct windows_config {
	int n_inputs, n_targets;
	int inputs[SAMPLES_MAX_COLUMNS], targets[SAMPLES_MAX_COLUMNS]; /* column indices */
	int window, horizon, stride;                                   /* >= 1; stride 0 is 1 */
	struct horizons horizons;
	bool drop_last;
	struct split split; /* resolved */
	enum scaling scaling;
	enum scaling_fit scaling_fit;
};

/* scaled = (raw - offset) / factor */
struct scaler {
	double offset, factor;
};

struct windows {
	int n_inputs, n_targets, steps;
	int n_horizons; /* 0: 1 */
	struct parts parts;
	double *x;     /* [samples][steps][n_inputs] */
	double *y;     /* [samples][windows_width] */
	size_t *order; /* [samples]: which window, in time order, each one is; NULL: the same */
	struct scaler input_scalers[SAMPLES_MAX_COLUMNS], target_scalers[SAMPLES_MAX_COLUMNS];
};

/* Errors point into the experiment's data part: "/inputs/0" (not numeric), "/window" (series too short), ... The
 * training and the test part each hold at least one window, else ERR_INVALID at "/window" or "/split/...". */
int windows_cut(const struct table *table, const struct windows_config *config, struct windows *out,
                struct qlstm_error *error);
void windows_free(struct windows *windows);
/* Numbers that a window predicts: its targets, once for each horizon. */
int windows_width(const struct windows *windows);
/* As samples with one row of windows_width reals; borrows `windows`. */
struct samples windows_samples(const struct windows *windows);

/* Window counts for n_rows without cutting anything. */
int windows_count(size_t n_rows, const struct windows_config *config, struct parts *out, struct qlstm_error *error);
/* The row that window `index`, in time order, predicts; of several horizons the last one. */
size_t windows_row(const struct windows_config *config, size_t index);
/* How many horizons there are, and the one that output `output` is about. */
int windows_horizons(const struct windows_config *config);
int windows_horizon(const struct windows_config *config, int output);

/* For all samples that are cut from a table: whether the chosen columns are there and numeric; and their scalers,
 * fitted on the rows given. `part` is "inputs" or "targets": errors point to /PART/POSITION. */
struct fit_rows {
	size_t count;
	const size_t *rows; /* [count]; NULL: the first ones */
};
int windows_check_columns(const struct table *table, const int *indices, int n, const char *part,
                          struct qlstm_error *error);
int windows_fit_columns(const struct table *table, const int *indices, int n, const char *part, enum scaling scaling,
                        struct fit_rows rows, struct scaler *scalers, struct qlstm_error *error);

/* Fit on values[0 .. n-1]; where all are equal the factor is 1. ERR_OUT_OF_MEMORY alone, which SCALING_ROBUST may meet.
 */
int scaler_fit(enum scaling scaling, const double *values, size_t n, struct scaler *out);
double scaler_apply(struct scaler scaler, double raw);
double scaler_invert(struct scaler scaler, double scaled);

#endif
