/* A forecast that goes on. */
#include "server/worker/predict/forecast.h"

#include <stdlib.h>
#include <string.h>

/* Rows that a pass gives. */
static size_t block_of(const struct predictor *p)
{
	return (size_t)windows_horizons(&p->spec.windows);
}

size_t forecast_width(const struct predictor *p)
{
	return predictor_width(p) / block_of(p);
}

static const char *input_name(const struct predictor *p, int input)
{
	const json_t *list = json_object_get(p->columns, "inputs");
	const char *name = json_string_value(json_object_get(json_array_get(list, (size_t)input), "column"));
	return name != NULL ? name : "";
}

/* The target that is the same column as an input; -1: none. */
static int target_of(const struct predictor *p, int input)
{
	const json_t *targets = json_object_get(p->columns, "targets");
	for (size_t t = 0; t < forecast_width(p); t++) {
		const char *name = json_string_value(json_object_get(json_array_get(targets, t), "column"));
		if (name != NULL && strcmp(name, input_name(p, input)) == 0)
			return (int)t;
	}
	return -1;
}

static int check_horizons(const struct predictor *p, struct qlstm_error *error)
{
	const struct windows_config *windows = &p->spec.windows;
	int n = windows_horizons(windows);
	if (windows->horizon == n) /* ascending from 1 */
		return 0;
	return error_set(
	    error, ERR_CONFLICT, "/steps",
	    "the model predicts %d rows behind its window at the farthest, and not all of those between; a "
	    "forecast goes on from row to row: train it with data.horizon 1, or [1, 2, ...]",
	    windows->horizon);
}

static int check_columns(const struct predictor *p, struct qlstm_error *error)
{
	for (int i = 0; i < p->scaling.n_inputs; i++)
		if (target_of(p, i) < 0)
			return error_set(
			    error, ERR_CONFLICT, "/steps",
			    "the model reads column '%.100s' and does not predict it: behind the first "
			    "step its next window is not known; train it with all inputs among the targets",
			    input_name(p, i));
	return 0;
}

static int check_time(struct predictor *p, size_t samples, size_t steps, size_t ahead, double max_seconds,
                      struct qlstm_error *error)
{
	double seconds = 0;
	size_t passes = (ahead + block_of(p) - 1) / block_of(p);
	int batch = samples < PREDICTOR_BATCH ? (int)samples : PREDICTOR_BATCH;
	int rc = model_estimate(p->model, (int)steps, batch, &seconds, error);
	seconds *= PREDICTOR_FORWARD_SHARE * (double)passes * (double)samples / batch;
	if (rc != 0 || seconds <= max_seconds)
		return rc;
	return error_set(error, ERR_TOO_LARGE, "/steps",
	                 "%zu rows behind %zu samples of %zu steps would take about %.3g s; allowed are %.3g s", ahead,
	                 samples, steps, seconds, max_seconds);
}

int forecast_check(struct predictor *p, size_t samples, size_t steps, size_t ahead, size_t max_bytes,
                   double max_seconds, struct qlstm_error *error)
{
	if (p->spec.task != TASK_FORECASTING)
		return error_set(error, ERR_CONFLICT, "/steps",
		                 "only a forecasting goes on behind its window; this model's rows are samples");
	int rc = check_horizons(p, error);
	if (rc == 0)
		rc = check_columns(p, error);
	if (rc == 0)
		rc = predictor_check(p, samples, steps, max_bytes, max_seconds, error);
	return rc == 0 ? check_time(p, samples, steps, ahead, max_seconds, error) : rc;
}

/* The newest `rows` of what was predicted go behind the window, whose oldest rows leave it. */
static void slide(const struct predictor *p, double *window, size_t steps, const double *rows, size_t count)
{
	size_t n = (size_t)p->scaling.n_inputs, width = forecast_width(p);
	size_t kept = steps > count ? steps - count : 0, first = count > steps ? count - steps : 0;
	memmove(window, window + (steps - kept) * n, kept * n * sizeof *window);
	for (size_t row = first; row < count; row++)
		for (size_t i = 0; i < n; i++)
			window[(kept + row - first) * n + i] = rows[row * width + (size_t)target_of(p, (int)i)];
}

/* One pass for all samples: `at` rows are there, room is for `ahead`. */
static int pass(struct predictor *p, double *windows, size_t samples, size_t steps, size_t at, size_t ahead,
                double *block, double *outputs, struct qlstm_error *error)
{
	size_t rows = block_of(p), width = forecast_width(p), n = (size_t)p->scaling.n_inputs;
	size_t taken = ahead - at < rows ? ahead - at : rows;
	int rc = predictor_compute(p, windows, samples, steps, block, error);
	for (size_t b = 0; rc == 0 && b < samples; b++) {
		const double *from = block + b * rows * width;
		memcpy(outputs + (b * ahead + at) * width, from, taken * width * sizeof *outputs);
		slide(p, windows + b * steps * n, steps, from, rows);
	}
	return rc;
}

int forecast_compute(struct predictor *p, const double *inputs, size_t samples, size_t steps, size_t ahead,
                     double *outputs, struct qlstm_error *error)
{
	size_t size = samples * steps * (size_t)p->scaling.n_inputs;
	double *windows = malloc((size + samples * predictor_width(p)) * sizeof *windows);
	int rc = 0;
	if (windows == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the forecast");
	memcpy(windows, inputs, size * sizeof *windows);
	for (size_t at = 0; rc == 0 && at < ahead; at += block_of(p))
		rc = pass(p, windows, samples, steps, at, ahead, windows + size, outputs, error);
	free(windows);
	return rc;
}
