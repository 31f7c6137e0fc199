/* A trained model applied to a data set. */
#include "server/worker/predict/application.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/plan.h"
#include "engine/qlstm.h"
#include "schema/choose.h"
#include "schema/task.h"
#include "server/common/classes.h"
#include "server/common/clock.h"
#include "server/common/csv_json.h"
#include "server/common/file.h"
#include "server/common/parameter_counts.h"
#include "server/worker/predict/text_application.h"
#include "server/worker/spec_model.h"
#include "server/worker/train/report.h"
#include "server/worker/train/scores.h"

/* Samples between two calls of the progress function. */
enum { CHUNK = 1024 };

static bool forecasts(const struct application *a)
{
	return a->predictor.spec.task == TASK_FORECASTING;
}

static bool reads_texts(const struct application *a)
{
	return task_has_texts(a->predictor.spec.task);
}

static const json_t *data_of(const struct application *a)
{
	return json_object_get(a->predictor.resolved, "data");
}

/* Another column, without a value in any row: nothing is known of that target. */
static int add_unknown(struct table *table, const char *name, int *index, struct qlstm_error *error)
{
	int rc = table_add_column(table, name, error);
	double *values = rc == 0 ? malloc((table->n_rows + 1) * sizeof *values) : NULL;
	if (values == NULL)
		return rc != 0 ? rc : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the targets");
	*index = table->n_columns - 1;
	table->columns[*index].values = values;
	for (size_t row = 0; row < table->n_rows; row++)
		values[row] = NAN;
	return 0;
}

static int find_targets(struct application *a, struct qlstm_error *error)
{
	const json_t *names = json_object_get(data_of(a), "targets");
	struct table *table = &a->job.table;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(names); i++) {
		const json_t *item = json_array_get(names, i);
		char *number = json_is_integer(item) ? json_dumps(item, JSON_ENCODE_ANY) : NULL;
		int index = choose_index(table, item);
		if (index < 0 || table->columns[index].values == NULL)
			rc = add_unknown(table, number != NULL ? number : json_string_value(item), &index, error);
		a->job.spec.windows.targets[i] = index;
		free(number);
	}
	return rc;
}

/* The data's columns, and what is missing in those that the model reads. */
static int bind(struct application *a, struct qlstm_error *error)
{
	struct job *job = &a->job;
	const char *dataset = json_string_value(json_object_get(json_object_get(job->resolved, "data"), "dataset"));
	job->spec = a->predictor.spec;
	snprintf(job->spec.dataset, sizeof job->spec.dataset, "%s", dataset != NULL ? dataset : "");
	struct windows_config *windows = &job->spec.windows;
	windows->stride = 1;
	int rc = spec_bind_inputs(a->predictor.resolved, &job->table, windows->inputs, error);
	if (rc == 0 && (rc = missing_complete(&job->table, windows->inputs, windows->n_inputs, job->spec.missing,
	                                      &job->completed, error)) != 0)
		error_prefix(error, "/data/missing");
	return rc == 0 ? find_targets(a, error) : rc;
}

static int count_samples(struct application *a, struct qlstm_error *error)
{
	struct job *job = &a->job;
	const struct spec *spec = &job->spec;
	size_t rows = job->table.n_rows, takes = forecasts(a) ? (size_t)spec->windows.window : 1;
	if (rows < takes)
		return error_set(error, ERR_INVALID, "/data/dataset", "the data set has %zu rows; a window takes %zu",
		                 rows, takes);
	a->steps = (size_t)spec_steps(spec);
	a->features = (size_t)spec->model.n_inputs;
	a->count = rows - takes + 1;
	size_t ahead = forecasts(a) ? (size_t)spec->windows.horizon : 0;
	a->known = a->count > ahead ? a->count - ahead : 0;
	job->samples.shape = (struct samples_shape){.steps = (int)a->steps,
	                                            .n_inputs = (int)a->features,
	                                            .target = spec->classes > 0 ? TARGET_CLASSES : TARGET_REALS,
	                                            .width = (int)predictor_width(&a->predictor)};
	job->samples.n_test = a->known;
	return 0;
}

int application_open(struct application *a, const char *spec_path, const char *weights_path,
                     const struct job_data *data, struct qlstm_error *error)
{
	double start = clock_monotonic();
	*a = (struct application){0};
	int rc = predictor_open(&a->predictor, weights_path, error);
	if (rc == 0 && a->predictor.spec.task == TASK_WORDS)
		rc = error_set(error, ERR_CONFLICT, NULL, "the model draws words, and reads no rows of a data set");
	if (rc == 0)
		rc = sha256_file(weights_path, a->weights_sha256, NULL, error);
	if (rc == 0)
		rc = csv_options_read(data->dialect, &a->job.csv, error);
	if (rc == 0)
		rc = spec_read(spec_path, &a->job.resolved, error);
	if (rc == 0)
		rc = job_load(&a->job, data, error);
	if (rc == 0 && reads_texts(a))
		rc = text_application_open(a, weights_path, error);
	else if (rc == 0 && (rc = bind(a, error)) == 0)
		rc = count_samples(a, error);
	a->load_seconds = clock_monotonic() - start;
	return rc;
}

void application_close(struct application *a)
{
	free(a->values);
	predictions_free(&a->said);
	a->job.model = NULL; /* the predictor's */
	job_close(&a->job);
	predictor_close(&a->predictor);
	*a = (struct application){0};
}

/* Number k of a sample, counted over its steps and their features, is in a window column k % features of row
 * k / features from its first; where rows are samples it is column k. */
static void cut(const struct application *a, size_t first, size_t n, double *to)
{
	const struct job *job = &a->job;
	bool windows = forecasts(a);
	for (size_t sample = first; sample < first + n; sample++)
		for (size_t k = 0; k < a->steps * a->features; k++) {
			size_t column = windows ? k % a->features : k;
			size_t row = windows ? sample + k / a->features : sample;
			*to++ = job->table.columns[job->spec.windows.inputs[column]].values[row];
		}
}

static int compute_chunk(struct application *a, size_t first, size_t n, double *inputs, struct qlstm_error *error)
{
	double *values = a->values + first * predictor_width(&a->predictor);
	cut(a, first, n, inputs);
	int rc = predictor_compute(&a->predictor, inputs, n, a->steps, values, error);
	if (rc == ERR_INVALID)
		error_set(
		    error, rc, NULL,
		    "the model has no finite output for one of the samples %zu to %zu (from 0): its numbers are too "
		    "large",
		    first, first + n - 1);
	return rc;
}

static int compute_rows(struct application *a, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error)
{
	size_t width = predictor_width(&a->predictor), most = a->count < CHUNK ? a->count : CHUNK;
	double *inputs = malloc(most * a->steps * a->features * sizeof *inputs);
	a->values = malloc(a->count * width * sizeof *a->values);
	if (inputs == NULL || a->values == NULL) {
		free(inputs);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", a->count);
	}
	int rc = 0;
	for (size_t first = 0; rc == 0 && first < a->count; first += most) {
		size_t n = a->count - first < most ? a->count - first : most;
		rc = progress(context, first, a->count) != 0
		         ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		         : compute_chunk(a, first, n, inputs, error);
	}
	free(inputs);
	return rc;
}

int application_compute(struct application *a, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error)
{
	double start = clock_monotonic();
	int rc = reads_texts(a) ? text_application_compute(a, progress, context, error)
	                        : compute_rows(a, progress, context, error);
	a->predict_seconds = clock_monotonic() - start;
	return rc;
}

/* NaN where it is not known. */
static double truth(const struct application *a, size_t i, int target)
{
	return job_target_row(&a->job, i, target) < a->job.table.n_rows ? job_truth(&a->job, i, target) : (double)NAN;
}

static void print_truth(const struct application *a, size_t i, int target, struct text *out)
{
	double value = truth(a, i, target);
	text_print(out, ",");
	if (!isnan(value))
		text_print(out, "%.17g", value);
}

static void print_row(const struct application *a, size_t i, struct text *out)
{
	const struct table *table = &a->job.table;
	size_t width = predictor_width(&a->predictor), row = job_row(&a->job, i), last = table->n_rows - 1;
	const double *values = a->values + i * width;
	bool classes = a->job.samples.shape.target == TARGET_CLASSES;
	text_print(out, "test,%zu", i);
	if (classes) {
		print_truth(a, i, 0, out);
		text_print(out, ",%d", classes_likeliest(values, width));
	}
	for (size_t k = 0; k < width; k++) {
		if (!classes)
			print_truth(a, i, (int)k, out);
		text_print(out, ",%.17g", values[k]);
	}
	if (row <= last)
		predictions_line_end(out, &a->job, row);
	else
		text_print(out, ",%zu%s\n", table_row(table, last) + (row - last),
		           table->times.starts != NULL ? "," : "");
}

void application_csv(const struct application *a, struct text *out)
{
	if (reads_texts(a)) {
		predictions_csv(&a->said, &a->job, out);
		return;
	}
	text_print(out, "part,index");
	predictions_header(out, &a->job, (int)predictor_width(&a->predictor));
	for (size_t i = 0; i < a->count && !out->failed; i++)
		print_row(a, i, out);
}

/* Whether the truth of all samples is a class that the model has. */
static bool all_classes_known(const struct application *a)
{
	for (size_t i = 0; i < a->known; i++) {
		double value = truth(a, i, 0);
		if (!(value >= 0 && value < a->job.spec.classes) || floor(value) < value)
			return false;
	}
	return true;
}

/* A copy of what is predicted of the known samples, NaN where the truth is not known; *n: truths. NULL: no memory. */
static double *known_values(const struct application *a, size_t *n)
{
	size_t width = predictor_width(&a->predictor);
	double *values = malloc((a->known * width + 1) * sizeof *values);
	*n = 0;
	for (size_t k = 0; values != NULL && k < a->known * width; k++) {
		bool known = !isnan(truth(a, k / width, (int)(k % width)));
		*n += known;
		values[k] = known ? a->values[k] : (double)NAN;
	}
	return values;
}

/* Null where no sample has a truth to be compared with. */
static json_t *metrics_json(const struct application *a)
{
	size_t n = a->known;
	if (reads_texts(a))
		return text_application_metrics(a);
	struct predictions said = {
	    .count = a->known, .width = (int)predictor_width(&a->predictor), .values = a->values};
	if (a->job.samples.shape.target == TARGET_CLASSES)
		return n > 0 && all_classes_known(a) ? scores_json(&said, &a->job) : json_null();
	said.values = known_values(a, &n);
	said.gaps = true;
	json_t *scores = said.values == NULL ? NULL : n > 0 ? scores_json(&said, &a->job) : json_null();
	free(said.values);
	return scores;
}

json_t *application_report(struct application *a)
{
	const struct parameter_counts counts = parameter_counts(model_params(a->predictor.model));
	json_t *engine =
	    json_pack("{s:s, s:s, s:s, s:i}", "version", QLSTM_VERSION, "plan", model_plan_kind(a->predictor.model),
	              "isa", plan_isa(), "arithmetic", QLSTM_ARITHMETIC);
	json_t *data =
	    json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "dataset", a->job.spec.dataset, "sha256", a->job.data_sha256,
	              "rows", (json_int_t)a->job.table.n_rows, "samples", (json_int_t)a->count, "test",
	              (json_int_t)a->known, "completed", (json_int_t)a->job.completed);
	if (reads_texts(a))
		json_object_set_new(data, "text", report_text_json(&a->job));
	return json_pack("{s:o, s:o, s:s, s:o, s:O, s:o, s:{s:f, s:f}}", "engine", engine, "model",
	                 parameter_counts_json(&counts, "parameters"), "weights_sha256", a->weights_sha256, "data",
	                 data, "scaling", a->predictor.columns, "metrics", metrics_json(a), "timings", "load_seconds",
	                 a->load_seconds, "predict_seconds", a->predict_seconds);
}
