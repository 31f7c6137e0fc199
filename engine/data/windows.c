/* Windows: counting, scaling, cutting. */
#include "engine/data/windows.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct scaler scaler_fit(enum scaling scaling, const double *values, size_t n)
{
	struct scaler identity = {.offset = 0, .factor = 1};
	if (scaling == SCALING_NONE || n == 0)
		return identity;
	double low = values[0], high = values[0], mean = 0, squares = 0;
	for (size_t i = 0; i < n; i++) {
		low = fmin(low, values[i]);
		high = fmax(high, values[i]);
		mean += values[i] / (double)n;
	}
	if (low == high)
		return (struct scaler){.offset = low, .factor = 1};

	struct scaler scaler = {.offset = 0.5 * low + 0.5 * high, .factor = 0.5 * high - 0.5 * low};
	if (scaling == SCALING_STANDARD) {
		for (size_t i = 0; i < n; i++)
			squares += (values[i] - mean) * (values[i] - mean);
		scaler = (struct scaler){.offset = mean, .factor = sqrt(squares / (double)n)};
	}
	if (scaler.factor == 0) /* the spread is lost in rounding */
		scaler.factor = 1;
	return scaler;
}

double scaler_apply(struct scaler scaler, double raw)
{
	return (raw - scaler.offset) / scaler.factor;
}

double scaler_invert(struct scaler scaler, double scaled)
{
	return scaled * scaler.factor + scaler.offset;
}

int windows_count(size_t n_rows, const struct windows_config *config, size_t *n_train, size_t *n_test,
                  struct qlstm_error *error)
{
	if (config->window < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/window", "window is %d, it must be at least 1",
		                 config->window);
	if (config->horizon < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/horizon", "horizon is %d, it must be at least 1",
		                 config->horizon);
	if (!(config->train_fraction > 0 && config->train_fraction < 1))
		return error_set(error, ERR_OUT_OF_RANGE, "/split/train", "train is %g, it must lie between 0 and 1",
		                 config->train_fraction);

	/* Rows that one window takes, and those without which there are no two of them. */
	size_t span = (size_t)config->window + (size_t)config->horizon;
	size_t needed = span + 1 + config->drop_last;
	if (n_rows < needed)
		return error_set(
		    error, ERR_INVALID, "/window",
		    "%zu rows are too few: window %d and horizon %d need at least %zu, for one training and "
		    "one test window",
		    n_rows, config->window, config->horizon, needed);
	size_t count = n_rows - span + 1 - config->drop_last;
	size_t train = samples_train_count(config->train_fraction, count);
	if (train == 0 || train >= count)
		return error_set(error, ERR_INVALID, "/split/train",
		                 "train %g of %zu windows leaves no %s window: at least one of each is needed",
		                 config->train_fraction, count, train == 0 ? "training" : "test");
	*n_train = train;
	*n_test = count - train;
	return 0;
}

/* `part` is "inputs" or "targets": a member of the experiment's data part. */
static int check_column(const struct table *table, int index, const char *part, int position, struct qlstm_error *error)
{
	char pointer[32];
	snprintf(pointer, sizeof pointer, "/%s/%d", part, position);
	if (index < 0 || index >= table->n_columns)
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "there is no column %d, the table has %d", index,
		                 table->n_columns);
	const struct column *column = &table->columns[index];
	if (column->values != NULL && column->missing == 0)
		return 0;
	char place[COLUMN_PLACE_SIZE];
	column_place(column, place);
	if (column->values != NULL)
		return error_set(error, ERR_INVALID, pointer, "column '%s' has no value in %s, which holds '%s'",
		                 column->name, place, column->bad_text);
	if (column->bad_text[0] == '\0')
		return error_set(error, ERR_INVALID, pointer, "column '%s' is not numeric: %s holds no value",
		                 column->name, place);
	return error_set(error, ERR_INVALID, pointer, "column '%s' is not numeric: %s holds '%s'", column->name, place,
	                 column->bad_text);
}

int windows_check_columns(const struct table *table, const int *indices, int n, const char *part,
                          struct qlstm_error *error)
{
	if (n < 1 || n > SAMPLES_MAX_COLUMNS) {
		char pointer[16];
		snprintf(pointer, sizeof pointer, "/%s", part);
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%d columns are chosen, 1 to %d are allowed", n,
		                 SAMPLES_MAX_COLUMNS);
	}
	for (int i = 0; i < n; i++) {
		int rc = check_column(table, indices[i], part, i, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int windows_fit_columns(const struct table *table, const int *indices, int n, const char *part, enum scaling scaling,
                        size_t fit_rows, struct scaler *scalers, struct qlstm_error *error)
{
	for (int i = 0; i < n; i++) {
		const struct column *column = &table->columns[indices[i]];
		scalers[i] = scaler_fit(scaling, column->values, fit_rows);
		if (isfinite(scalers[i].offset) && isfinite(scalers[i].factor))
			continue;
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/%s/%d", part, i);
		return error_set(error, ERR_INVALID, pointer, "column '%s' holds values too large to scale",
		                 column->name);
	}
	return 0;
}

static int allocate(struct windows *windows, struct qlstm_error *error)
{
	size_t count = windows->n_train + windows->n_test; /* at least two: windows_count */
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): the analyzer does not see that promise */
	windows->x = calloc(count, (size_t)windows->steps * (size_t)windows->n_inputs * sizeof(double));
	windows->y = calloc(count, (size_t)windows->n_targets * sizeof(double));
	if (windows->x == NULL || windows->y == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "/window", "out of memory for %zu windows of %d steps",
		                 count, windows->steps);
	return 0;
}

static void fill(struct windows *windows, const struct table *table, const struct windows_config *config)
{
	size_t count = windows->n_train + windows->n_test;
	size_t steps = (size_t)windows->steps, ahead = steps + (size_t)config->horizon - 1;
	double *x = windows->x, *y = windows->y;
	for (size_t i = 0; i < count; i++) {
		for (size_t t = 0; t < steps; t++)
			for (int k = 0; k < config->n_inputs; k++)
				*x++ = scaler_apply(windows->input_scalers[k],
				                    table->columns[config->inputs[k]].values[i + t]);
		for (int k = 0; k < config->n_targets; k++)
			*y++ = scaler_apply(windows->target_scalers[k],
			                    table->columns[config->targets[k]].values[i + ahead]);
	}
}

int windows_cut(const struct table *table, const struct windows_config *config, struct windows *out,
                struct qlstm_error *error)
{
	int rc = windows_check_columns(table, config->inputs, config->n_inputs, "inputs", error);
	if (rc == 0)
		rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	if (rc != 0)
		return rc;
	struct windows windows = {
	    .n_inputs = config->n_inputs, .n_targets = config->n_targets, .steps = config->window};
	rc = windows_count(table->n_rows, config, &windows.n_train, &windows.n_test, error);
	if (rc != 0)
		return rc;

	size_t fit_rows = table->n_rows;
	if (config->scaling_fit == SCALING_FIT_TRAIN)
		fit_rows = windows.n_train - 1 + (size_t)config->window + (size_t)config->horizon;
	rc = windows_fit_columns(table, config->inputs, config->n_inputs, "inputs", config->scaling, fit_rows,
	                         windows.input_scalers, error);
	if (rc == 0)
		rc = windows_fit_columns(table, config->targets, config->n_targets, "targets", config->scaling,
		                         fit_rows, windows.target_scalers, error);
	if (rc == 0)
		rc = allocate(&windows, error);
	if (rc != 0) {
		windows_free(&windows);
		return rc;
	}
	fill(&windows, table, config);
	*out = windows;
	return 0;
}

void windows_free(struct windows *windows)
{
	free(windows->x);
	free(windows->y);
	*windows = (struct windows){0};
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct windows *windows = self;
	size_t frame = (size_t)windows->steps * (size_t)windows->n_inputs;
	samples_transpose(windows->x, frame, order, first, count, out->x);
	samples_transpose(windows->y, (size_t)windows->n_targets, order, first, count, out->target);
}

struct samples windows_samples(const struct windows *windows)
{
	return (struct samples){
	    .shape = {.steps = windows->steps, .n_inputs = windows->n_inputs, .width = windows->n_targets},
	    .n_train = windows->n_train,
	    .n_test = windows->n_test,
	    .self = windows,
	    .gather = gather};
}
