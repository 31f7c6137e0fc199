/* Baselines: a function that fills in predictions, and a row of the table, each. */
#include "server/worker/train/baselines.h"

#include <math.h>
#include <stdlib.h>

#include "engine/score/linear_fit.h"
#include "server/worker/train/language_predictions.h"
#include "server/worker/train/scores.h"
#include "server/worker/train/text_predictions.h"

/* Samples between two calls of the progress function. */
enum { CHUNK = 256 };

struct baseline_run {
	const struct job *job;
	predictions_progress_fn progress;
	void *context;
	struct predictions *out;
};

/* The value of target t for sample i. */
static double *value_at(const struct baseline_run *run, size_t i, int t)
{
	return run->out->values + i * (size_t)run->out->width + (size_t)t;
}

static int last_value(const struct baseline_run *run, struct qlstm_error *error)
{
	(void)error;
	for (size_t i = 0; i < run->out->count; i++)
		for (int t = 0; t < run->out->width; t++)
			*value_at(run, i, t) = job_last(run->job, i, t);
	return 0;
}

static int seasonal_naive(const struct baseline_run *run, struct qlstm_error *error)
{
	(void)error;
	const struct job *job = run->job;
	size_t period = (size_t)job->spec.period;
	run->out->gaps = true;
	for (size_t i = 0; i < run->out->count; i++)
		for (int t = 0; t < run->out->width; t++) {
			size_t horizon = (size_t)windows_horizon(&job->spec.windows, t);
			size_t back = (horizon + period - 1) / period * period;
			*value_at(run, i, t) = job_before(job, i, t, back);
		}
	return 0;
}

static int mean(const struct baseline_run *run, struct qlstm_error *error)
{
	(void)error;
	size_t n_train = run->job->samples.n_train;
	for (int t = 0; t < run->out->width; t++) {
		double sum = 0;
		for (size_t i = 0; i < n_train; i++)
			sum += job_truth(run->job, i, t) / (double)n_train;
		for (size_t i = 0; i < run->out->count; i++)
			*value_at(run, i, t) = sum;
	}
	return 0;
}

static int majority_class(const struct baseline_run *run, struct qlstm_error *error)
{
	(void)error;
	size_t n_train = run->job->samples.n_train, width = (size_t)run->out->width;
	double *first = run->out->values;
	for (size_t i = 0; i < n_train; i++)
		first[(size_t)job_truth(run->job, i, 0)] += 1 / (double)n_train;
	for (size_t i = 1; i < run->out->count; i++)
		for (size_t k = 0; k < width; k++)
			run->out->values[i * width + k] = first[k];
	return 0;
}

/* It opens the predictions itself: a row for each token. */
static int most_frequent_tag(const struct baseline_run *run, struct qlstm_error *error)
{
	predictions_free(run->out);
	return tag_predictions_most_frequent(run->out, run->job, error);
}

static int count_tokens(const struct baseline_run *run, int order, struct qlstm_error *error)
{
	predictions_free(run->out);
	return language_predictions_count(run->out, run->job, order, error);
}

static int unigram(const struct baseline_run *run, struct qlstm_error *error)
{
	return count_tokens(run, 1, error);
}

static int bigram(const struct baseline_run *run, struct qlstm_error *error)
{
	return count_tokens(run, 2, error);
}

static int trigram(const struct baseline_run *run, struct qlstm_error *error)
{
	return count_tokens(run, 3, error);
}

static int check_stop(const struct baseline_run *run, size_t done, struct qlstm_error *error)
{
	if (done % CHUNK != 0 || run->progress == NULL || run->progress(run->context, done, run->out->count) == 0)
		return 0;
	return error_set(error, ERR_CANCELLED, NULL, "stopped while fitting a baseline");
}

/* In scaled numbers, as the model has them: that changes no prediction, and columns of different size are not lost. */
static int linear(const struct baseline_run *run, struct qlstm_error *error)
{
	const struct job *job = run->job;
	const struct samples_shape *shape = &job->samples.shape;
	size_t n_inputs = (size_t)shape->steps * (size_t)shape->n_inputs, width = (size_t)run->out->width;
	struct linear_fit *fit;
	int rc = linear_fit_new(&fit, n_inputs, width, error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < job->samples.n_train; i++) {
		linear_fit_add(fit, job_inputs(job, i), job_targets(job, i));
		rc = check_stop(run, i, error);
	}
	if (rc == 0)
		linear_fit_solve(fit);
	for (size_t i = 0; rc == 0 && i < run->out->count; i++) {
		linear_fit_predict(fit, job_inputs(job, i), value_at(run, i, 0));
		for (int t = 0; t < run->out->width; t++)
			*value_at(run, i, t) = scaler_invert(job_target_scaler(job, t), *value_at(run, i, t));
		rc = check_stop(run, i, error);
	}
	linear_fit_free(fit);
	return rc;
}

static bool is_seasonal(const struct job *job)
{
	return job->spec.period > 0;
}

static bool is_small(const struct job *job)
{
	double inputs = (double)job->samples.shape.steps * job->samples.shape.n_inputs;
	return (double)job->samples.n_train * inputs * inputs <= BASELINES_MAX_WORK;
}

static const struct {
	const char *name;
	enum task task;
	bool (*is_asked)(const struct job *job);    /* NULL: always */
	bool (*is_possible)(const struct job *job); /* NULL: always; else null stands in its place */
	int (*fill)(const struct baseline_run *run, struct qlstm_error *error);
} table[] = {
    {"last_value", TASK_FORECASTING, NULL, NULL, last_value},
    {"seasonal_naive", TASK_FORECASTING, is_seasonal, NULL, seasonal_naive},
    {"linear", TASK_FORECASTING, NULL, is_small, linear},
    {"mean", TASK_REGRESSION, NULL, NULL, mean},
    {"linear", TASK_REGRESSION, NULL, is_small, linear},
    {"majority_class", TASK_CLASSIFICATION, NULL, NULL, majority_class},
    {"majority_class", TASK_TEXT_CLASSIFICATION, NULL, NULL, majority_class},
    {"most_frequent_tag", TASK_TAGGING, NULL, NULL, most_frequent_tag},
    {"unigram", TASK_LANGUAGE_MODEL, NULL, NULL, unigram},
    {"kneser_ney_bigram", TASK_LANGUAGE_MODEL, NULL, NULL, bigram},
    {"kneser_ney_trigram", TASK_LANGUAGE_MODEL, NULL, NULL, trigram},
};

static int add(json_t *baselines, size_t k, const struct baseline_run *asked, struct qlstm_error *error)
{
	const struct samples *samples = &asked->job->samples;
	struct predictions out = {.count = samples_count(samples), .width = samples->shape.width};
	struct baseline_run run = *asked;
	int rc = 0;
	json_t *scores = NULL;
	if (table[k].is_possible == NULL || table[k].is_possible(run.job)) {
		/* Those of tokens make their own rows. */
		bool of_tokens = samples->shape.per_step;
		out.values = calloc(of_tokens ? 1 : out.count + 1, (size_t)out.width * sizeof(double));
		run.out = &out;
		rc = out.values == NULL ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a baseline")
		                        : table[k].fill(&run, error);
		if (rc == 0)
			scores = scores_json(&out, run.job);
		predictions_free(&out);
	} else {
		scores = json_null();
	}
	if (rc == 0 && json_object_set_new(baselines, table[k].name, scores) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a baseline");
	return rc;
}

int baselines_json(const struct job *job, predictions_progress_fn progress, void *context, json_t **out,
                   struct qlstm_error *error)
{
	const struct baseline_run run = {.job = job, .progress = progress, .context = context};
	int rc = 0;
	*out = json_object();
	for (size_t k = 0; rc == 0 && k < sizeof table / sizeof table[0]; k++)
		if (table[k].task == job->spec.task && (table[k].is_asked == NULL || table[k].is_asked(job)))
			rc = add(*out, k, &run, error);
	if (rc != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}
