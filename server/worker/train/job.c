/* Everything one training run works on. */
#include "server/worker/train/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/series.h"
#include "schema/task.h"
#include "server/common/clock.h"
#include "server/common/csv_json.h"
#include "server/common/data_file.h"
#include "server/common/file.h"
#include "server/common/predict/last_window.h"
#include "server/common/series_hash.h"
#include "server/worker/input.h"
#include "server/worker/lexicon_json.h"
#include "server/worker/scaling.h"
#include "server/worker/spec_model.h"
#include "server/worker/train/scores.h"
#include "server/worker/train/text_predictions.h"

static const size_t max_checkpoint_bytes = (size_t)4 << 30;

/* The file's kind is what its name or its bytes say. */
static int read_file(struct job *job, const struct job_data *data, struct qlstm_error *error)
{
	struct input input;
	const struct data_request wanted = {.declared = data_file_of_name(data->path),
	                                    .word = data->path,
	                                    .limit = INPUT_MAX_BYTES,
	                                    .spool = data->spool,
	                                    .values = VALUES_ALL,
	                                    .csv = &job->csv};
	struct data_file found;
	int rc = input_map(data->path, &input, error);
	if (rc != 0)
		return rc;
	sha256_hex(input.bytes, input.length, job->data_sha256);
	rc = data_file_read(input.bytes, input.length, &wanted, &found, &job->table, error);
	input_unmap(&input);
	return rc;
}

static int unknown_series(const char *name, struct qlstm_error *error)
{
	char names[512] = "";
	for (int i = 0; series_at(i) != NULL; i++) {
		size_t used = strlen(names);
		snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", series_at(i)->name);
	}
	return error_set(error, ERR_NOT_FOUND, "/data/dataset",
	                 "'%.80s' is no built-in series (%s), and no file was given with --data", name, names);
}

static int generate_series(struct job *job, const char *name, struct qlstm_error *error)
{
	const struct series *series = series_find(name);
	if (series == NULL)
		return unknown_series(name, error);
	int rc = series_table(series, &job->table, error);
	return rc == 0 ? series_sha256_hex(&job->table, job->data_sha256, error) : rc;
}

static const char *dataset_name(const struct job *job)
{
	const char *name = json_string_value(json_object_get(json_object_get(job->resolved, "data"), "dataset"));
	return name != NULL ? name : "";
}

int job_load(struct job *job, const struct job_data *data, struct qlstm_error *error)
{
	const char *name = dataset_name(job);
	if (data->path == NULL)
		return generate_series(job, name, error);
	if (series_find(name) != NULL)
		return error_set(error, ERR_CONFLICT, "/data/dataset",
		                 "'%.80s' is a built-in series: give the data of --data another name", name);
	return read_file(job, data, error);
}

static int take_words(struct job *job, struct qlstm_error *error)
{
	int rc = words_take(&job->table, &job->spec.words, &job->words, error);
	if (rc == 0)
		job->samples = words_samples(&job->words, spec_targets(&job->spec));
	else
		error_prefix(error, "/data");
	return rc;
}

static int take_streams(struct job *job, struct qlstm_error *error)
{
	const struct streams_config config = spec_streams(&job->spec);
	int rc = streams_take(&job->table, &config, &job->streams, error);
	if (rc == 0)
		job->samples = streams_samples(&job->streams);
	else
		error_prefix(error, "/data");
	return rc;
}

static int take_texts(struct job *job, struct qlstm_error *error)
{
	const struct sequences_config config = spec_text(&job->spec);
	int rc = sequences_take(&job->table, &config, &job->texts, error);
	if (rc == 0)
		job->samples = sequences_samples(&job->texts);
	else
		error_prefix(error, "/data");
	return rc;
}

static int cut_samples(struct job *job, struct qlstm_error *error)
{
	const struct records_config records = spec_records(&job->spec);
	if (job->spec.task == TASK_WORDS)
		return take_words(job, error);
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return take_streams(job, error);
	if (job->spec.task == TASK_TRANSLATION)
		return translation_take(job, error);
	if (task_has_texts(job->spec.task))
		return take_texts(job, error);
	bool windows = job->spec.task == TASK_FORECASTING;
	int rc = windows ? windows_cut(&job->table, &job->spec.windows, &job->windows, error)
	                 : records_take(&job->table, &records, &job->records, error);
	if (rc == 0)
		job->samples = windows ? windows_samples(&job->windows) : records_samples(&job->records);
	if (rc != 0)
		error_prefix(error, "/data");
	return rc;
}

/* What a sample of each class counts, where that is said or to be balanced. */
static void weigh_classes(struct job *job)
{
	struct spec *spec = &job->spec;
	size_t n = (size_t)job->samples.shape.width, n_train = job->samples.n_train;
	bool classes = spec->task == TASK_CLASSIFICATION || task_has_texts(spec->task);
	if (!classes || (spec->n_class_weights == 0 && !spec->balance_classes))
		return;
	spec->training.options.class_weights = spec->class_weights;
	if (!spec->balance_classes)
		return;
	memset(spec->class_weights, 0, sizeof spec->class_weights);
	const struct sequences *texts = &job->texts;
	bool tags = spec->task == TASK_TAGGING;
	size_t rows = tags ? texts->starts[n_train] : n_train;
	for (size_t i = 0; i < rows; i++)
		spec->class_weights[tags ? (size_t)texts->classes_of.values[i] : (size_t)job_truth(job, i, 0)]++;
	for (size_t k = 0; k < n; k++)
		if (spec->class_weights[k] > 0)
			spec->class_weights[k] = (double)rows / ((double)n * spec->class_weights[k]);
}

static int build_model(struct job *job, int threads, struct qlstm_error *error)
{
	int rc = team_new(&job->team, threads, error);
	if (rc != 0)
		return rc;
	job->spec.training.team = job->team;
	rc = model_new(&job->model, &job->spec.model, error);
	if (rc != 0) {
		error_prefix(error, "/model");
		return rc;
	}
	weigh_classes(job);
	rc = epoch_scores_open(&job->scores, job, error);
	return rc == 0 ? trainer_new(&job->trainer, job->model, job->samples, &job->spec.training, error) : rc;
}

/* The columns that are read and those that are predicted. */
static int complete_data(struct job *job, struct qlstm_error *error)
{
	const struct windows_config *chosen = &job->spec.windows;
	int columns[2 * SAMPLES_MAX_COLUMNS];
	if (task_has_texts(job->spec.task))
		return 0;
	memcpy(columns, chosen->inputs, (size_t)chosen->n_inputs * sizeof *columns);
	memcpy(columns + chosen->n_inputs, chosen->targets, (size_t)chosen->n_targets * sizeof *columns);
	int rc = missing_complete(&job->table, columns, chosen->n_inputs + chosen->n_targets, job->spec.missing,
	                          &job->completed, error);
	if (rc != 0)
		error_prefix(error, "/data/missing");
	return rc;
}

/* Data, and the spec with its columns bound. */
static int attach_data(struct job *job, const struct job_data *data, struct qlstm_error *error)
{
	int rc = job_load(job, data, error);
	if (rc == 0)
		rc = spec_bind(job->resolved, &job->table, error);
	if (rc == 0)
		rc = spec_parse(job->resolved, &job->spec, error);
	if (rc == 0)
		rc = spec_columns(&job->spec, job->resolved, &job->table, error);
	if (rc == 0)
		rc = complete_data(job, error);
	if (rc == 0 && (rc = split_resolve(&job->spec.windows.split, &job->table, error)) != 0)
		error_prefix(error, "/data");
	return rc;
}

int job_read_as(struct job *job, const char *spec_path, const struct job_data *data, bool spec_alone,
                struct qlstm_error *error)
{
	*job = (struct job){0};
	int rc = csv_options_read(data->dialect, &job->csv, error);
	if (rc == 0)
		rc = spec_read(spec_path, &job->resolved, error);
	if (rc == 0 && spec_alone && data->path == NULL && series_find(dataset_name(job)) == NULL)
		rc = spec_parse(job->resolved, &job->spec, error);
	else if (rc == 0)
		rc = attach_data(job, data, error);
	if (rc != 0)
		job_close(job);
	return rc;
}

int job_read(struct job *job, const char *spec_path, const char *data_path, bool spec_alone, struct qlstm_error *error)
{
	return job_read_as(job, spec_path, &(struct job_data){.path = data_path}, spec_alone, error);
}

int job_open(struct job *job, const char *spec_path, const char *data_path, int threads, struct qlstm_error *error)
{
	return job_open_as(job, spec_path, &(struct job_data){.path = data_path}, threads, error);
}

int job_open_as(struct job *job, const char *spec_path, const struct job_data *data, int threads,
                struct qlstm_error *error)
{
	double start = clock_monotonic();
	int rc = job_read_as(job, spec_path, data, false, error);
	if (rc != 0)
		return rc;
	rc = cut_samples(job, error);
	if (rc == 0)
		rc = build_model(job, threads, error);
	if (rc == 0) {
		spec_fingerprint(job->resolved, job->data_sha256, job->fingerprint);
		if (job->fingerprint[0] == '\0')
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the spec's fingerprint");
	}
	if (rc != 0) {
		job_close(job);
		return rc;
	}
	job->load_seconds = clock_monotonic() - start;
	return 0;
}

int job_open_fold(struct job *fold, const struct job *job, int index, int threads, struct qlstm_error *error)
{
	*fold = (struct job){.resolved = json_incref(job->resolved), .table = job->table, .borrows = true};
	int rc = spec_parse(job->resolved, &fold->spec, error);
	if (rc == 0)
		rc = spec_columns(&fold->spec, job->resolved, &job->table, error);
	fold->spec.windows.split = job->spec.windows.split;
	fold->spec.windows.split.fold = job->spec.folds;
	fold->spec.windows.split.fold.index = index;
	fold->spec.training.snapshots.count = 0;
	if (rc == 0)
		rc = cut_samples(fold, error);
	if (rc == 0)
		rc = build_model(fold, threads, error);
	if (rc != 0)
		job_close(fold);
	return rc;
}

void job_close(struct job *job)
{
	trainer_free(job->trainer);
	epoch_scores_close(&job->scores);
	model_free(job->model);
	team_free(job->team);
	windows_free(&job->windows);
	records_free(&job->records);
	words_free(&job->words);
	sequences_free(&job->texts);
	streams_free(&job->streams);
	pairs_free(&job->pairs);
	if (!job->borrows)
		table_free(&job->table);
	json_decref(job->resolved);
	*job = (struct job){0};
}

int job_resume(struct job *job, const char *path, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = file_read(path, max_checkpoint_bytes, &bytes, &length, error);
	if (rc != 0)
		return rc;
	rc = trainer_load(job->trainer, job->fingerprint, bytes, length, error);
	free(bytes);
	return rc;
}

/* Words and texts are taken as they are. */
static json_t *words_scaling(const struct job *job)
{
	static const struct scaler as_it_is = {.offset = 0, .factor = 1};
	return scaling_json(&(struct column_scaling){.n_inputs = 1,
	                                             .n_targets = 1,
	                                             .inputs = &as_it_is,
	                                             .targets = &as_it_is,
	                                             .table = &job->table,
	                                             .input_columns = job->spec.windows.inputs,
	                                             .target_columns = job->spec.windows.targets});
}

int job_width(const struct job *job)
{
	const struct windows_config *windows = &job->spec.windows;
	return job->spec.task == TASK_FORECASTING ? windows->n_targets * windows_horizons(windows) : windows->n_targets;
}

int job_horizon(const struct job *job, int target)
{
	const struct windows_config *windows = &job->spec.windows;
	bool several = job->spec.task == TASK_FORECASTING && windows_horizons(windows) > 1;
	return several ? windows_horizon(windows, target) : 0;
}

/* Each target at each horizon. */
static json_t *horizons_scaling(const struct job *job)
{
	const struct windows *windows = &job->windows;
	const struct windows_config *config = &job->spec.windows;
	struct scaler targets[SAMPLES_MAX_COLUMNS];
	int columns[SAMPLES_MAX_COLUMNS], horizons[SAMPLES_MAX_COLUMNS], width = job_width(job);
	for (int k = 0; k < width; k++) {
		targets[k] = job_target_scaler(job, k);
		columns[k] = config->targets[k % config->n_targets];
		horizons[k] = windows_horizon(config, k);
	}
	return scaling_json(&(struct column_scaling){.n_inputs = windows->n_inputs,
	                                             .n_targets = width,
	                                             .inputs = windows->input_scalers,
	                                             .targets = targets,
	                                             .table = &job->table,
	                                             .input_columns = config->inputs,
	                                             .target_columns = columns,
	                                             .horizons = horizons});
}

json_t *job_scaling(const struct job *job)
{
	if (job->spec.task == TASK_WORDS || task_has_texts(job->spec.task))
		return words_scaling(job);
	if (job_width(job) > job->spec.windows.n_targets)
		return horizons_scaling(job);
	bool cut = job->spec.task == TASK_FORECASTING;
	const struct windows *windows = &job->windows;
	const struct records *records = &job->records;
	const struct column_scaling scaling = {
	    .n_inputs = cut ? windows->n_inputs : records->n_columns,
	    .n_targets = cut ? windows->n_targets : records->n_targets,
	    .inputs = cut ? windows->input_scalers : records->input_scalers,
	    .targets = cut ? windows->target_scalers : records->target_scalers,
	    .table = &job->table,
	    .input_columns = job->spec.windows.inputs,
	    .target_columns = job->spec.windows.targets,
	};
	return scaling_json(&scaling);
}

json_t *job_lexicon(const struct job *job)
{
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return lexicon_json(&job->streams.lexicon, NULL);
	if (job->spec.task == TASK_TRANSLATION)
		return lexicon_json_pair(&job->pairs.sides[PAIRS_SOURCE].lexicon,
		                         &job->pairs.sides[PAIRS_TARGET].lexicon);
	return task_has_texts(job->spec.task) ? lexicon_json(&job->texts.lexicon, &job->texts.labels) : NULL;
}

static json_t *row_json(const struct job *job, size_t row)
{
	const struct windows_config *windows = &job->spec.windows;
	json_t *values = json_array();
	for (int k = 0; values != NULL && k < windows->n_inputs; k++)
		if (json_array_append_new(values, json_real(job->table.columns[windows->inputs[k]].values[row])) != 0) {
			json_decref(values);
			return NULL;
		}
	return values;
}

json_t *job_last_window(const struct job *job, bool *failed)
{
	const struct windows_config *windows = &job->spec.windows;
	size_t n = (size_t)windows->window, rows = job->table.n_rows;
	*failed = false;
	if (job->spec.task != TASK_FORECASTING || n > rows || n > LAST_WINDOW_MAX / (size_t)windows->n_inputs)
		return NULL;
	json_t *values = json_array();
	for (size_t row = rows - n; !*failed && row < rows; row++)
		*failed = json_array_append_new(values, row_json(job, row)) != 0;
	const char *time = table_time(&job->table, rows - 1);
	json_t *window = json_pack("{s:I, s:s*, s:o}", "row", (json_int_t)table_row(&job->table, rows - 1), "time",
	                           time[0] != '\0' ? time : NULL, "values", values);
	*failed |= window == NULL;
	return window;
}

struct scaler job_target_scaler(const struct job *job, int target)
{
	return job->spec.task == TASK_FORECASTING ? job->windows.target_scalers[target % job->windows.n_targets]
	                                          : job->records.target_scalers[target];
}

size_t job_row(const struct job *job, size_t index)
{
	bool windows = job->spec.task == TASK_FORECASTING;
	const size_t *order = windows                              ? job->windows.order
	                      : job->spec.task == TASK_TRANSLATION ? job->pairs.order
	                      : task_has_texts(job->spec.task)     ? job->texts.order
	                                                           : job->records.order;
	size_t sample = order != NULL ? order[index] : index;
	return windows ? windows_row(&job->spec.windows, sample) : sample;
}

size_t job_target_row(const struct job *job, size_t index, int target)
{
	const struct windows_config *windows = &job->spec.windows;
	size_t row = job_row(job, index);
	if (job->spec.task != TASK_FORECASTING)
		return row;
	return row + (size_t)windows_horizon(windows, target) - (size_t)windows->horizon;
}

static const struct column *target_column(const struct job *job, int target)
{
	const struct windows_config *windows = &job->spec.windows;
	return &job->table.columns[windows->targets[target % windows->n_targets]];
}

const double *job_target_values(const struct job *job, int target)
{
	return target_column(job, target)->values;
}

double job_truth(const struct job *job, size_t index, int target)
{
	if (task_has_texts(job->spec.task))
		return job->texts.classes_of.values[index];
	return target_column(job, target)->values[job_target_row(job, index, target)];
}

const char *job_target_name(const struct job *job, int target)
{
	return target_column(job, target)->name;
}

double job_last(const struct job *job, size_t index, int target)
{
	size_t row = job_row(job, index) - (size_t)job->spec.windows.horizon;
	return target_column(job, target)->values[row];
}

double job_before(const struct job *job, size_t index, int target, size_t back)
{
	size_t row = job_target_row(job, index, target);
	return row >= back ? target_column(job, target)->values[row - back] : (double)NAN;
}

const double *job_inputs(const struct job *job, size_t index)
{
	const struct samples_shape *shape = &job->samples.shape;
	size_t size = (size_t)shape->steps * (size_t)shape->n_inputs;
	return (job->spec.task == TASK_FORECASTING ? job->windows.x : job->records.x) + index * size;
}

const double *job_targets(const struct job *job, size_t index)
{
	size_t size = (size_t)job_width(job);
	return (job->spec.task == TASK_FORECASTING ? job->windows.y : job->records.y) + index * size;
}

int job_parts(const struct job *job, struct job_part out[JOB_MAX_PARTS])
{
	const struct samples *samples = &job->samples;
	const size_t counts[] = {samples->n_train, samples->n_validation, samples->n_test};
	static const char *const names[] = {"train", "validation", "test"};
	size_t first = 0;
	int n = 0;
	for (size_t k = 0; k < JOB_MAX_PARTS; first += counts[k++])
		if (counts[k] > 0)
			out[n++] = (struct job_part){.name = names[k], .first = first, .count = counts[k]};
	return n;
}
