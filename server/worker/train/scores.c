/* How good predictions are. */
#include "server/worker/train/scores.h"

#include <math.h>
#include <stdlib.h>

#include "engine/score/forecast.h"
#include "server/worker/reply.h"
#include "server/worker/train/class_scores.h"
#include "server/worker/train/word_predictions.h"

/* mean |y[t] - y[t - period]| over the rows that the training part touches. */
static double naive_of(const struct job *job, int target)
{
	size_t rows = job_row(job, job->samples.n_train - 1) + 1;
	return forecast_naive(job->table.columns[job->spec.windows.targets[target]].values, rows,
	                      job->spec.period > 0 ? (size_t)job->spec.period : 1);
}

/* Truth, prediction and last value of the samples of a part for one target; `values` has room for all three. */
static struct forecast gather(const struct predictions *p, const struct job *job, const struct job_part *part,
                              int target, double *values)
{
	size_t room = part->count, n = 0;
	bool forecasting = job->spec.task == TASK_FORECASTING;
	for (size_t i = part->first; i < part->first + part->count; i++) {
		double prediction = p->values[i * (size_t)p->width + (size_t)target];
		if (p->gaps && isnan(prediction))
			continue;
		values[n] = job_truth(job, i, target);
		values[room + n] = prediction;
		values[2 * room + n++] = forecasting ? job_last(job, i, target) : 0;
	}
	return (struct forecast){.count = n,
	                         .truth = values,
	                         .prediction = values + room,
	                         .last = forecasting ? values + 2 * room : NULL,
	                         .naive = forecasting ? naive_of(job, target) : (double)NAN};
}

static json_t *target_scores(const struct predictions *p, const struct job *job, const struct job_part *part,
                             int target)
{
	double *values = malloc((3 * part->count + 1) * sizeof *values), scores[FORECAST_SCORES];
	if (values == NULL)
		return NULL;
	struct forecast forecast = gather(p, job, part, target, values);
	forecast_scores(&forecast, scores);
	json_t *entry =
	    json_pack("{s:s, s:I}", "target", job_target_name(job, target), "samples", (json_int_t)forecast.count);
	bool whole = entry != NULL;
	for (int k = 0; k < FORECAST_SCORES; k++) {
		bool in_time = k == FORECAST_MASE || k == FORECAST_DIRECTION;
		if (!in_time || job->spec.task == TASK_FORECASTING)
			whole &= json_object_set_new(entry, forecast_score_names[k], reply_number(scores[k])) == 0;
	}
	free(values);
	if (whole)
		return entry;
	json_decref(entry);
	return NULL;
}

static json_t *part_scores(const struct predictions *p, const struct job *job, const struct job_part *part)
{
	json_t *list = json_array();
	bool classes = job->samples.shape.target != TARGET_REALS;
	for (int t = 0; list != NULL && t < job->spec.windows.n_targets; t++)
		if (json_array_append_new(list, classes ? class_scores_json(p, job, part)
		                                        : target_scores(p, job, part, t)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *scores_json(const struct predictions *p, const struct job *job)
{
	if (job->spec.task == TASK_WORDS)
		return word_predictions_metrics(p, job);
	struct job_part parts[JOB_MAX_PARTS];
	int n = job_parts(job, parts);
	json_t *scores = json_object();
	for (int k = 0; k < n; k++)
		if (json_object_set_new(scores, parts[k].name, part_scores(p, job, &parts[k])) != 0) {
			json_decref(scores);
			return NULL;
		}
	return scores;
}
