/* The folds of a run: trained, scored, and what they say together. */
#include "server/worker/train/folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/worker/reply.h"
#include "server/worker/train/scores.h"

struct run {
	const struct job *job;
	int threads;
	predictions_progress_fn progress;
	void *context;
	size_t done, count; /* epochs of all folds */
};

static int on_batch(void *context, int epoch, size_t batch, size_t n_batches)
{
	struct run *run = context;
	(void)epoch, (void)batch, (void)n_batches;
	return run->progress(run->context, run->done, run->count);
}

static int on_prediction(void *context, size_t done, size_t count)
{
	struct run *run = context;
	(void)done, (void)count;
	return run->progress(run->context, run->done, run->count);
}

static int train(struct run *run, struct job *fold, struct qlstm_error *error)
{
	size_t before = run->done;
	int rc = 0;
	while (rc == 0 && !trainer_has_stopped(fold->trainer)) {
		struct epoch_metrics metrics;
		rc = trainer_epoch(fold->trainer, on_batch, run, &metrics, error);
		run->done += rc == 0;
	}
	run->done = before + (size_t)fold->spec.training.epochs;
	return rc;
}

/* [{"train_loss", "test_loss"}, ...] */
static json_t *history_json(const struct trainer *trainer)
{
	const struct epoch_metrics *history = trainer_history(trainer);
	json_t *rows = json_array();
	for (int i = 0; rows != NULL && i < trainer_epochs_done(trainer); i++) {
		json_t *row =
		    json_pack("{s:o, s:o}", "train_loss", reply_number(epoch_metric(&history[i], "train_loss")),
		              "test_loss", reply_number(epoch_metric(&history[i], "test_loss")));
		if (json_array_append_new(rows, row) != 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

/* What is said of a fold that is trained. New reference. */
static json_t *result_json(const struct job *fold, int index, const struct predictions *predictions)
{
	const struct trainer *trainer = fold->trainer;
	const struct epoch_metrics *last = &trainer_history(trainer)[trainer_epochs_done(trainer) - 1];
	int kept = trainer_kept_epoch(trainer, fold->spec.keep);
	return json_pack("{s:i, s:I, s:I, s:I, s:i, s:i, s:o, s:o, s:o, s:o}", "fold", index, "train",
	                 (json_int_t)fold->samples.n_train, "validation", (json_int_t)fold->samples.n_validation,
	                 "test", (json_int_t)fold->samples.n_test, "epochs", last->epoch, "kept_epoch",
	                 kept > 0 ? kept : last->epoch, "train_loss", reply_number(epoch_metric(last, "train_loss")),
	                 "test_loss", reply_number(epoch_metric(last, "test_loss")), "metrics",
	                 scores_json(predictions, fold), "history", history_json(trainer));
}

static int score(struct run *run, struct job *fold, int index, json_t **out, struct qlstm_error *error)
{
	struct predictions predictions;
	if (!trainer_take(fold->trainer, fold->spec.keep))
		trainer_take(fold->trainer, TRAINER_LAST);
	int rc = predictions_compute(&predictions, fold, on_prediction, run, error);
	if (rc != 0)
		return rc;
	*out = result_json(fold, index, &predictions);
	predictions_free(&predictions);
	return *out != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a fold");
}

/* Faults of the fold's own numbers, which end it and no other one. */
static bool is_its_own(int code)
{
	return code == ERR_NOT_FINITE || code == ERR_INVALID;
}

static int run_fold(struct run *run, int index, json_t **out, struct qlstm_error *error)
{
	struct qlstm_error problem = {0};
	struct job *fold = malloc(sizeof *fold); /* too large for a stack frame */
	if (fold == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a fold");
	int rc = job_open_fold(fold, run->job, index, run->threads, &problem);
	if (rc == 0) {
		rc = train(run, fold, &problem);
		if (rc == 0)
			rc = score(run, fold, index, out, &problem);
		job_close(fold);
	}
	free(fold);
	if (rc == 0)
		return 0;
	if (!is_its_own(rc))
		return error_set(error, rc, problem.pointer, "fold %d: %s", index, problem.message);
	*out = json_pack("{s:i, s:s}", "fold", index, "error", problem.message);
	return *out != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a fold");
}

/* The metrics of target t of a fold's test part; NULL: it has none. */
static const json_t *test_scores(const json_t *folds, size_t fold, size_t t)
{
	const json_t *metrics = json_object_get(json_array_get(folds, fold), "metrics");
	return json_array_get(json_object_get(metrics, "test"), t);
}

/* Mean and deviation of one number over the folds that have it. */
static int summarise(const json_t *folds, size_t t, const char *name, json_t *means, json_t *deviations)
{
	double sum = 0, squares = 0;
	int n = 0;
	for (size_t k = 0; k < json_array_size(folds); k++) {
		const json_t *value = json_object_get(test_scores(folds, k, t), name);
		sum += json_number_value(value);
		n += json_is_number(value);
	}
	double mean = n > 0 ? sum / n : (double)NAN;
	for (size_t k = 0; k < json_array_size(folds); k++) {
		const json_t *value = json_object_get(test_scores(folds, k, t), name);
		if (json_is_number(value))
			squares += (json_number_value(value) - mean) * (json_number_value(value) - mean);
	}
	double deviation = n > 1 ? sqrt(squares / (n - 1)) : (double)NAN;
	int rc = json_object_set_new(means, name, reply_number(mean));
	return rc == 0 ? json_object_set_new(deviations, name, reply_number(deviation)) : rc;
}

/* Of target t over all folds; `like` is what one of them says. NULL when out of memory. */
static json_t *target_summary(const json_t *folds, size_t t, const json_t *like)
{
	json_t *means = json_object(), *deviations = json_object(), *value;
	const char *name;
	int rc = 0, n = 0;
	json_object_foreach((json_t *)(uintptr_t)like, name,
	                    value) if (rc == 0 && (json_is_number(value) || json_is_null(value)) &&
	                               strcmp(name, "samples") != 0 && strcmp(name, "horizon") != 0) rc =
	    summarise(folds, t, name, means, deviations);
	for (size_t k = 0; k < json_array_size(folds); k++)
		n += test_scores(folds, k, t) != NULL;
	json_t *entry = json_pack("{s:O?, s:O*, s:i, s:o, s:o}", "target", json_object_get(like, "target"), "horizon",
	                          json_object_get(like, "horizon"), "folds", n, "mean", means, "deviation", deviations);
	if (rc == 0)
		return entry;
	json_decref(entry);
	return NULL;
}

static json_t *summary_json(const json_t *folds)
{
	json_t *list = json_array();
	const json_t *like = NULL;
	for (size_t k = 0; like == NULL && k < json_array_size(folds); k++)
		like = json_object_get(json_object_get(json_array_get(folds, k), "metrics"), "test");
	for (size_t t = 0; t < json_array_size(like); t++)
		if (json_array_append_new(list, target_summary(folds, t, json_array_get(like, t))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int folds_run(const struct job *job, int threads, predictions_progress_fn progress, void *context, json_t **out,
              struct qlstm_error *error)
{
	const struct fold *asked = &job->spec.folds;
	struct run run = {.job = job,
	                  .threads = threads,
	                  .progress = progress,
	                  .context = context,
	                  .count = (size_t)asked->count * (size_t)job->spec.training.epochs};
	*out = NULL;
	if (asked->count == 0)
		return 0;
	json_t *folds = json_array();
	int rc = 0;
	for (int i = 1; rc == 0 && i <= asked->count; i++) {
		json_t *fold = NULL;
		rc = run_fold(&run, i, &fold, error);
		if (rc == 0 && json_array_append_new(folds, fold) != 0)
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a fold");
	}
	*out = json_pack("{s:s, s:i, s:o, s:o}", "method", asked->method == FOLD_ROLLING ? "rolling_origin" : "k_fold",
	                 "count", asked->count, "folds", folds, "test", summary_json(folds));
	return *out == NULL && rc == 0 ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the folds") : rc;
}
