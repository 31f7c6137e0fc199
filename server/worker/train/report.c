/* report.json: what a run was, and how well its model does. */
#include "server/worker/train/report.h"

#include <stdlib.h>
#include <string.h>

#include "engine/qlstm.h"
#include "schema/task.h"
#include "server/common/parameter_counts.h"
#include "server/worker/lexicon_json.h"
#include "server/worker/reply.h"
#include "server/worker/train/learning.h"
#include "server/worker/metrics_json.h"
#include "server/worker/train/scores.h"

/* NULL when out of memory, likewise below. */
static json_t *epoch_json(const struct epoch_metrics *metrics)
{
	json_t *row = json_pack("{s:i}", "epoch", metrics->epoch);
	int rc = metrics_json_add(row, metrics);
	if (json_object_set_new(row, "seconds", reply_number(metrics->seconds)) == 0 && rc == 0)
		return row;
	json_decref(row);
	return NULL;
}

static json_t *history_json(const struct trainer *trainer)
{
	const struct epoch_metrics *history = trainer_history(trainer);
	json_t *rows = json_array();
	for (int i = 0; rows != NULL && i < trainer_epochs_done(trainer); i++)
		if (json_array_append_new(rows, epoch_json(&history[i])) != 0) {
			json_decref(rows);
			return NULL;
		}
	return rows;
}

/* Losses and metrics after the last epoch, the epoch whose validation loss, else test loss, was the least, and the one
 * whose weights these are. */
static json_t *results_json(const struct job *job)
{
	const struct trainer *trainer = job->trainer;
	const char *by = trainer_best_by(trainer);
	int kept = trainer_kept_epoch(trainer, job->spec.keep);
	const struct epoch_metrics *history = trainer_history(trainer);
	int epochs = trainer_epochs_done(trainer), best = 0;
	const struct epoch_metrics *last = &history[epochs - 1];
	for (int i = 1; i < epochs; i++)
		if (epoch_metric(&history[i], by) < epoch_metric(&history[best], by))
			best = i;
	bool validated = job->samples.n_validation > 0;
	json_t *results = json_pack(
	    "{s:i, s:i, s:o, s:o, s:i, s:n}", "epochs", epochs, "kept_epoch", kept > 0 ? kept : epochs, "train_loss",
	    reply_number(epoch_metric(last, "train_loss")), "test_loss", reply_number(epoch_metric(last, "test_loss")),
	    "best_epoch", history[best].epoch, "best_test_loss");
	int rc = json_object_set_new(results, validated ? "best_validation_loss" : "best_test_loss",
	                             reply_number(epoch_metric(&history[best], by)));
	if (rc == 0 && metrics_json_add_parts(results, last) == 0)
		return results;
	json_decref(results);
	return NULL;
}

static json_t *timings_json(const struct job *job, const struct artifacts_run *run)
{
	const struct epoch_metrics *history = trainer_history(job->trainer);
	double epochs = 0;
	for (int i = 0; i < trainer_epochs_done(job->trainer); i++)
		epochs += history[i].seconds;
	return json_pack("{s:f, s:f, s:f, s:f, s:i}", "load_seconds", job->load_seconds, "train_seconds",
	                 run->train_seconds, "predict_seconds", run->predict_seconds, "epochs_seconds", epochs,
	                 "threads", team_threads(job->team));
}

/* How many samples of each class the parts have, by the class: [{"train", "test"}, ...]. */
static json_t *classes_json(const struct job *job)
{
	struct job_part parts[JOB_MAX_PARTS];
	int n_parts = job_parts(job, parts);
	size_t n = (size_t)job->samples.shape.width, *counts = calloc(n, sizeof *counts);
	json_t *classes = counts != NULL ? json_array() : NULL;
	for (size_t k = 0; classes != NULL && k < n; k++)
		json_array_append_new(classes, json_object());
	for (int p = 0; classes != NULL && p < n_parts; p++) {
		memset(counts, 0, n * sizeof *counts);
		for (size_t i = parts[p].first; i < parts[p].first + parts[p].count; i++)
			counts[(size_t)job_truth(job, i, 0)]++;
		for (size_t k = 0; k < json_array_size(classes); k++)
			if (json_object_set_new(json_array_get(classes, k), parts[p].name,
			                        json_integer((json_int_t)counts[k])) != 0)
				json_array_clear(classes);
	}
	free(counts);
	if (json_array_size(classes) == n)
		return classes;
	json_decref(classes);
	return NULL;
}

static json_t *side_json(const struct pairs *pairs, enum pairs_side side)
{
	const struct pairs_texts *texts = &pairs->sides[side];
	size_t unknown = 0;
	for (size_t k = 0; k < texts->tokens.count; k++)
		unknown += texts->tokens.values[k] == LEXICON_UNKNOWN;
	return json_pack("{s:I, s:I, s:I}", "vocabulary", (json_int_t)vocabulary_size(&texts->lexicon.words), "tokens",
	                 (json_int_t)texts->tokens.count, "unknown", (json_int_t)unknown);
}

json_t *report_text_json(const struct job *job)
{
	const struct sequences *texts = &job->texts;
	const struct streams *streams = &job->streams;
	size_t unknown = 0;
	for (size_t k = 0; k < streams->tokens.count; k++)
		unknown += streams->tokens.values[k] == LEXICON_UNKNOWN;
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "vocabulary",
		                 (json_int_t)vocabulary_size(&streams->lexicon.words), "tokens",
		                 (json_int_t)streams->tokens.count, "unknown", (json_int_t)unknown, "tokens_train",
		                 (json_int_t)streams->parts[0].count, "tokens_validation",
		                 (json_int_t)streams->parts[1].count, "tokens_test",
		                 (json_int_t)streams->parts[2].count);
	if (job->spec.task == TASK_TRANSLATION)
		return json_pack("{s:o, s:o, s:i, s:I}", "source", side_json(&job->pairs, PAIRS_SOURCE), "target",
		                 side_json(&job->pairs, PAIRS_TARGET), "longest", job->pairs.steps, "shortened",
		                 (json_int_t)job->pairs.cut);
	for (size_t k = 0; k < texts->tokens.count; k++)
		unknown += texts->tokens.values[k] == LEXICON_UNKNOWN;
	return json_pack("{s:I, s:I, s:I, s:i, s:I, s:o}", "vocabulary",
	                 (json_int_t)vocabulary_size(&texts->lexicon.words), "tokens", (json_int_t)texts->tokens.count,
	                 "unknown", (json_int_t)unknown, "longest", texts->steps, "shortened", (json_int_t)texts->cut,
	                 "labels", vocabulary_json(&texts->labels));
}

/* What was trained on: parts, rows, hash. */
static json_t *data_json(const struct job *job)
{
	struct job_part parts[JOB_MAX_PARTS];
	int n = job_parts(job, parts);
	json_t *data = json_pack("{s:s, s:s, s:I}", "dataset", job->spec.dataset, "sha256", job->data_sha256, "rows",
	                         (json_int_t)job->table.n_rows);
	bool whole = true;
	for (int k = 0; k < n; k++)
		whole &= json_object_set_new(data, parts[k].name, json_integer((json_int_t)parts[k].count)) == 0;
	whole &= json_object_set_new(data, "completed", json_integer((json_int_t)job->completed)) == 0;
	if (task_has_texts(job->spec.task))
		whole &= json_object_set_new(data, "text", report_text_json(job)) == 0;
	if (job->spec.task == TASK_CLASSIFICATION)
		whole &= json_object_set_new(data, "classes", classes_json(job)) == 0;
	if (whole)
		return data;
	json_decref(data);
	return NULL;
}

json_t *report_json(struct job *job, const struct predictions *predictions, const struct artifacts_run *run)
{
	const struct parameter_counts counts = parameter_counts(model_params(job->model));
	json_t *engine = json_pack("{s:s, s:s, s:s, s:i, s:s}", "version", QLSTM_VERSION, "plan",
	                           model_plan_kind(job->model), "isa", plan_isa(), "arithmetic", QLSTM_ARITHMETIC,
	                           "arithmetic_before", trainer_arithmetic_before(job->trainer));
	json_t *model = parameter_counts_json(&counts, "parameters");
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:s*, s:s, s:i, s:o, s:o, s:O?, s:O*, s:o, s:o, s:o}", "engine",
	                 engine, "model", model, "data", data_json(job), "scaling", job_scaling(job), "seed",
	                 (json_int_t)job->spec.training.seed, "init_sha256",
	                 run->init_sha256[0] != '\0' ? run->init_sha256 : NULL, "fingerprint", job->fingerprint,
	                 "resumed_from", run->resumed_from, "results", results_json(job), "metrics",
	                 scores_json(predictions, job), "baselines", run->baselines, "folds", run->folds, "gradients",
	                 learning_json(job), "timings", timings_json(job, run), "history", history_json(job->trainer));
}
