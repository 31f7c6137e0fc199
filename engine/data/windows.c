/* Windows: counting, scaling, cutting. */
#include "engine/data/windows.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
	double low, high, mean;
};

static struct range range_of(const double *values, size_t n)
{
	struct range range = {.low = values[0], .high = values[0]};
	for (size_t i = 0; i < n; i++) {
		range.low = fmin(range.low, values[i]);
		range.high = fmax(range.high, values[i]);
		range.mean += values[i] / (double)n;
	}
	return range;
}

static double deviation(const double *values, size_t n, double mean)
{
	double squares = 0;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	return sqrt(squares / (double)n);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The value below which that share of the sorted ones lies, on the line between its neighbours. */
static double quantile(const double *sorted, size_t n, double share)
{
	double place = share * (double)(n - 1);
	size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
	return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

static int fit_robust(const double *values, size_t n, struct scaler *out)
{
	double *sorted = malloc(n * sizeof *sorted);
	if (sorted == NULL)
		return ERR_OUT_OF_MEMORY;
	memcpy(sorted, values, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_value);
	*out = (struct scaler){.offset = quantile(sorted, n, 0.5),
	                       .factor = quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25)};
	free(sorted);
	return 0;
}

int scaler_fit(enum scaling scaling, const double *values, size_t n, struct scaler *out)
{
	*out = (struct scaler){.offset = 0, .factor = 1};
	if (scaling == SCALING_NONE || n == 0)
		return 0;
	struct range range = range_of(values, n);
	int rc = 0;
	if (scaling == SCALING_MAX)
		*out = (struct scaler){.factor = fmax(fabs(range.low), fabs(range.high))};
	else if (range.low == range.high)
		*out = (struct scaler){.offset = range.low, .factor = 1};
	else if (scaling == SCALING_STANDARD)
		*out = (struct scaler){.offset = range.mean, .factor = deviation(values, n, range.mean)};
	else if (scaling == SCALING_ROBUST)
		rc = fit_robust(values, n, out);
	else
		*out = (struct scaler){.offset = 0.5 * range.low + 0.5 * range.high,
		                       .factor = 0.5 * range.high - 0.5 * range.low};
	if (out->factor == 0) /* the spread is lost in rounding, or more than half of the values are equal */
		out->factor = 1;
	return rc;
}

double scaler_apply(struct scaler scaler, double raw)
{
	return (raw - scaler.offset) / scaler.factor;
}

double scaler_invert(struct scaler scaler, double scaled)
{
	return scaled * scaler.factor + scaler.offset;
}

static size_t stride_of(const struct windows_config *config)
{
	return config->stride > 1 ? (size_t)config->stride : 1;
}

size_t windows_row(const struct windows_config *config, size_t index)
{
	return index * stride_of(config) + (size_t)config->window + (size_t)config->horizon - 1;
}

int windows_horizons(const struct windows_config *config)
{
	return config->horizons.count > 1 ? config->horizons.count : 1;
}

int windows_horizon(const struct windows_config *config, int output)
{
	return config->horizons.count > 1 ? config->horizons.steps[output / config->n_targets] : config->horizon;
}

int windows_width(const struct windows *windows)
{
	return windows->n_targets * (windows->n_horizons > 1 ? windows->n_horizons : 1);
}

/* How many windows there are. */
static int count_windows(size_t n_rows, const struct windows_config *config, size_t *out, struct qlstm_error *error)
{
	if (config->window < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/window", "window is %d, it must be at least 1",
		                 config->window);
	if (config->horizon < 1)
		return error_set(error, ERR_OUT_OF_RANGE, "/horizon", "horizon is %d, it must be at least 1",
		                 config->horizon);

	/* Rows that one window takes, and those without which there are no two of them. */
	size_t span = (size_t)config->window + (size_t)config->horizon, stride = stride_of(config);
	size_t needed = span + stride * (1 + (size_t)config->drop_last);
	if (n_rows < needed)
		return error_set(
		    error, ERR_INVALID, "/window",
		    "%zu rows are too few: window %d and horizon %d need at least %zu, for one training and "
		    "one test window",
		    n_rows, config->window, config->horizon, needed);
	*out = (n_rows - span) / stride + 1 - config->drop_last;
	return 0;
}

/* Windows nearer to one another than that share rows. */
static struct split split_of(const struct windows_config *config)
{
	struct split split = config->split;
	size_t span = (size_t)config->window + (size_t)config->horizon - 1;
	split.fold.gap = split.shuffle ? 0 : span / stride_of(config);
	return split;
}

int windows_count(size_t n_rows, const struct windows_config *config, struct parts *out, struct qlstm_error *error)
{
	const struct split split = split_of(config);
	size_t count = 0;
	int rc = count_windows(n_rows, config, &count, error);
	if (rc != 0)
		return rc;
	const struct split_rows rows = {.first = windows_row(config, 0), .stride = stride_of(config)};
	return split_parts(&split, count, rows, "window", out, error);
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

/* The values of those rows, in `room` where they do not stand together already. */
static const double *pick(const double *values, struct fit_rows rows, double *room)
{
	for (size_t i = 0; rows.rows != NULL && i < rows.count; i++)
		room[i] = values[rows.rows[i]];
	return rows.rows != NULL ? room : values;
}

int windows_fit_columns(const struct table *table, const int *indices, int n, const char *part, enum scaling scaling,
                        struct fit_rows rows, struct scaler *scalers, struct qlstm_error *error)
{
	double *room = malloc((rows.rows != NULL ? rows.count : 0) * sizeof *room + 1);
	int rc = room == NULL ? ERR_OUT_OF_MEMORY : 0;
	for (int i = 0; rc == 0 && i < n; i++) {
		const struct column *column = &table->columns[indices[i]];
		rc = scaler_fit(scaling, pick(column->values, rows, room), rows.count, &scalers[i]);
		if (rc != 0 || (isfinite(scalers[i].offset) && isfinite(scalers[i].factor)))
			continue;
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/%s/%d", part, i);
		rc =
		    error_set(error, ERR_INVALID, pointer, "column '%s' holds values too large to scale", column->name);
	}
	free(room);
	return rc == ERR_OUT_OF_MEMORY ? error_set(error, rc, "/scaling", "out of memory for scaling") : rc;
}

static int allocate(struct windows *windows, struct qlstm_error *error)
{
	size_t count = parts_count(&windows->parts); /* at least two: windows_count */
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): the analyzer does not see that promise */
	windows->x = calloc(count, (size_t)windows->steps * (size_t)windows->n_inputs * sizeof(double));
	windows->y = calloc(count, (size_t)windows_width(windows) * sizeof(double));
	if (windows->x == NULL || windows->y == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "/window", "out of memory for %zu windows of %d steps",
		                 count, windows->steps);
	return 0;
}

static void fill(struct windows *windows, const struct table *table, const struct windows_config *config)
{
	size_t count = parts_count(&windows->parts), steps = (size_t)windows->steps;
	int width = windows_width(windows);
	double *x = windows->x, *y = windows->y;
	for (size_t i = 0; i < count; i++) {
		size_t row = windows_row(config, windows->order != NULL ? windows->order[i] : i);
		size_t first = row + 1 - (size_t)config->horizon - steps;
		for (size_t t = 0; t < steps; t++)
			for (int k = 0; k < config->n_inputs; k++)
				*x++ = scaler_apply(windows->input_scalers[k],
				                    table->columns[config->inputs[k]].values[first + t]);
		for (int k = 0; k < width; k++) {
			int t = k % config->n_targets;
			size_t at = row + (size_t)windows_horizon(config, k) - (size_t)config->horizon;
			*y++ = scaler_apply(windows->target_scalers[t], table->columns[config->targets[t]].values[at]);
		}
	}
}

/* The rows that training windows touch, each once: where those stand together the first ones. *rows is the caller's. */
static int touched_rows(const struct windows *windows, const struct windows_config *config, size_t n_rows,
                        struct fit_rows *out, struct qlstm_error *error)
{
	size_t span = (size_t)config->window + (size_t)config->horizon, n_train = windows->parts.train;
	*out = (struct fit_rows){.count = windows_row(config, n_train - 1) + 1};
	if (windows->order == NULL)
		return 0;
	bool *touched = calloc(n_rows, sizeof *touched);
	size_t *rows = malloc(n_rows * sizeof *rows);
	*out = (struct fit_rows){.rows = rows};
	for (size_t i = 0; touched != NULL && i < n_train; i++)
		for (size_t k = 0; k < span; k++)
			touched[windows_row(config, windows->order[i]) - k] = true;
	for (size_t row = 0; touched != NULL && rows != NULL && row < n_rows; row++)
		if (touched[row])
			rows[out->count++] = row;
	free(touched);
	if (out->count > 0)
		return 0;
	free(rows);
	*out = (struct fit_rows){0};
	return error_set(error, ERR_OUT_OF_MEMORY, "/split/shuffle", "out of memory for %zu rows", n_rows);
}

static int fit(struct windows *windows, const struct table *table, const struct windows_config *config,
               struct qlstm_error *error)
{
	struct fit_rows rows = {.count = table->n_rows};
	int rc = 0;
	if (config->scaling_fit == SCALING_FIT_TRAIN)
		rc = touched_rows(windows, config, table->n_rows, &rows, error);
	if (rc == 0)
		rc = windows_fit_columns(table, config->inputs, config->n_inputs, "inputs", config->scaling, rows,
		                         windows->input_scalers, error);
	if (rc == 0)
		rc = windows_fit_columns(table, config->targets, config->n_targets, "targets", config->scaling, rows,
		                         windows->target_scalers, error);
	free((void *)(uintptr_t)rows.rows);
	return rc;
}

int windows_cut(const struct table *table, const struct windows_config *config, struct windows *out,
                struct qlstm_error *error)
{
	int rc = windows_check_columns(table, config->inputs, config->n_inputs, "inputs", error);
	if (rc == 0)
		rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	if (rc != 0)
		return rc;
	struct windows windows = {.n_inputs = config->n_inputs,
	                          .n_targets = config->n_targets,
	                          .steps = config->window,
	                          .n_horizons = config->horizons.count};
	rc = windows_count(table->n_rows, config, &windows.parts, error);
	if (rc != 0)
		return rc;
	const struct split split = split_of(config);
	size_t count = 0;
	rc = count_windows(table->n_rows, config, &count, error);
	if (rc == 0)
		rc = split_order(&split, count, &windows.order, error);
	if (rc == 0)
		rc = fit(&windows, table, config, error);
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
	free(windows->order);
	*windows = (struct windows){0};
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct windows *windows = self;
	size_t frame = (size_t)windows->steps * (size_t)windows->n_inputs;
	samples_transpose(windows->x, frame, order, first, count, out->x);
	samples_transpose(windows->y, (size_t)windows_width(windows), order, first, count, out->target);
}

struct samples windows_samples(const struct windows *windows)
{
	return (struct samples){
	    .shape = {.steps = windows->steps, .n_inputs = windows->n_inputs, .width = windows_width(windows)},
	    .n_train = windows->parts.train,
	    .n_validation = windows->parts.validation,
	    .n_test = windows->parts.test,
	    .self = windows,
	    .gather = gather};
}
