/* A trained model applied to the texts of a data set. */
#include "server/worker/predict/text_application.h"

#include <math.h>
#include <stdio.h>

#include "server/worker/train/language_predictions.h"
#include "server/worker/train/scores.h"
#include "server/worker/train/text_predictions.h"
#include "server/worker/weights.h"

/* Where a row of predictions has a number that any model has, if it is finite, and rows in front that have none. */
struct probability {
	size_t column, skipped;
};

static struct probability probability_of(enum task task)
{
	if (task == TASK_TAGGING)
		return (struct probability){.column = TAGGED_PROBABILITY};
	if (task == TASK_LANGUAGE_MODEL)
		return (struct probability){.column = LANGUAGE_PROBABILITY, .skipped = 1};
	if (task == TASK_TRANSLATION)
		return (struct probability){.column = TRANSLATION_LOG_PROBABILITY};
	return (struct probability){0};
}

/* The data's columns; one without texts stands for a target that the data do not have. */
static int bind_texts(struct application *a, int *target, struct qlstm_error *error)
{
	struct job *job = &a->job;
	struct sequences_config *text = &job->spec.text;
	const json_t *data = json_object_get(a->predictor.resolved, "data");
	const json_t *name = json_array_get(json_object_get(data, "targets"), 0);
	job->spec.windows.split = (struct split){0};
	int rc = spec_bind_texts(a->predictor.resolved, &job->table, &text->input, target, error);
	if (rc == 0 && *target < 0)
		rc = table_add_column(&job->table, json_is_string(name) ? json_string_value(name) : "", error);
	text->target = *target >= 0 ? *target : job->table.n_columns - 1;
	job->spec.windows.inputs[0] = text->input;
	job->spec.windows.targets[0] = text->target;
	return rc;
}

/* By the lexicons of the weights. */
static int read_texts(struct application *a, int target, struct qlstm_error *error)
{
	struct job *job = &a->job;
	struct predictor *p = &a->predictor;
	int rc = 0;
	if (job->spec.task == TASK_LANGUAGE_MODEL) {
		const struct streams_config config = spec_streams(&job->spec);
		rc = streams_read(&job->table, &config, &p->lexicon, &job->streams, error);
		if (rc == 0)
			job->samples = streams_samples(&job->streams);
		job->spec.training.batch_size = job->streams.streams;
	} else if (job->spec.task == TASK_TRANSLATION) {
		struct pairs_config config = spec_pairs(&job->spec);
		struct lexicon *lexicons[PAIRS_SIDES] = {[PAIRS_SOURCE] = &p->lexicon, [PAIRS_TARGET] = &p->target};
		config.columns[PAIRS_TARGET] = target;
		rc = pairs_read(&job->table, &config, lexicons, &job->pairs, error);
		if (rc == 0)
			job->samples = pairs_samples(&job->pairs);
	} else {
		struct sequences_config config = spec_text(&job->spec);
		config.target = target;
		rc = sequences_read(&job->table, &config, &p->lexicon, &p->labels, &job->texts, error);
		if (rc == 0)
			job->samples = sequences_samples(&job->texts);
	}
	if (rc != 0)
		error_prefix(error, "/data");
	return rc;
}

int text_application_open(struct application *a, const char *weights_path, struct qlstm_error *error)
{
	struct job *job = &a->job;
	const char *dataset = json_string_value(json_object_get(json_object_get(job->resolved, "data"), "dataset"));
	int target = -1;
	job->spec = a->predictor.spec;
	snprintf(job->spec.dataset, sizeof job->spec.dataset, "%s", dataset != NULL ? dataset : "");
	int rc = bind_texts(a, &target, error);
	if (rc == 0)
		rc = read_texts(a, target, error);
	if (rc != 0)
		return rc;
	job->model = a->predictor.model;
	job->spec.training.scores = NULL;
	rc = trainer_new(&job->trainer, job->model, job->samples, &job->spec.training, error);
	if (rc == 0) /* a trainer begins with weights of its seed */
		rc = weights_load(weights_path, model_params(job->model), error);
	a->count = a->known = job->table.n_rows;
	return rc;
}

int text_application_compute(struct application *a, predictions_progress_fn progress, void *context,
                             struct qlstm_error *error)
{
	const struct probability at = probability_of(a->job.spec.task);
	int rc = predictions_compute(&a->said, &a->job, progress, context, error);
	for (size_t k = at.skipped; rc == 0 && k < a->said.count; k++)
		if (!isfinite(a->said.values[k * (size_t)a->said.width + at.column]))
			rc = error_set(error, ERR_INVALID, NULL, "the model has no finite output for the texts");
	return rc;
}

static bool is_known(const struct application *a)
{
	const struct job *job = &a->job;
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return true;
	if (job->table.columns[job->spec.text.target].texts == NULL)
		return false;
	for (size_t k = 0; k < job->texts.classes_of.count; k++)
		if (job->texts.classes_of.values[k] == SEQUENCES_UNKNOWN)
			return false;
	return true;
}

json_t *text_application_metrics(const struct application *a)
{
	return is_known(a) ? scores_json(&a->said, &a->job) : json_null();
}
