/* How good predictions are. */
#include "server/worker/train/scores.h"

#include <math.h>
#include <stdlib.h>

#include "server/worker/reply.h"
#include "server/worker/train/class_scores.h"
#include "server/worker/train/language_predictions.h"
#include "server/worker/train/text_predictions.h"
#include "server/worker/train/word_predictions.h"

/* mean |y[t] - y[t - period]| over the rows up to the last one that the training part predicts; of shuffled samples all
 * rows. */
static double naive_of(const struct job *job, int target)
{
	if (job->samples.n_train == 0) /* of a prediction */
		return NAN;
	bool shuffled = job->windows.order != NULL;
	size_t rows = shuffled ? job->table.n_rows : job_row(job, job->samples.n_train - 1) + 1;
	return forecast_naive(job_target_values(job, target), rows,
	                      job->spec.period > 0 ? (size_t)job->spec.period : 1);
}

bool scores_has(const struct job *job, int score)
{
	return job->spec.task == TASK_FORECASTING || (score != FORECAST_MASE && score != FORECAST_DIRECTION);
}

struct forecast scores_gather(const double *y, const struct job *job, const struct job_part *part, int target,
                              double *values)
{
	size_t n = part->count, width = (size_t)job->samples.shape.width;
	bool forecasting = job->spec.task == TASK_FORECASTING;
	for (size_t i = 0; i < n; i++) {
		values[i] = job_truth(job, part->first + i, target);
		values[n + i] = y[i * width + (size_t)target];
		values[2 * n + i] = forecasting ? job_last(job, part->first + i, target) : 0;
	}
	return (struct forecast){.count = n,
	                         .truth = values,
	                         .prediction = values + n,
	                         .last = forecasting ? values + 2 * n : NULL,
	                         .naive = forecasting ? naive_of(job, target) : (double)NAN};
}

/* Leaves out what has no prediction. */
static void close_gaps(struct forecast *forecast, double *values, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < forecast->count; i++) {
		if (isnan(values[room + i]))
			continue;
		for (size_t k = 0; k < 3; k++)
			values[k * room + n] = values[k * room + i];
		n++;
	}
	forecast->count = n;
}

static json_t *target_scores(const struct predictions *p, const struct job *job, const struct job_part *part,
                             int target)
{
	double *values = malloc((3 * part->count + 1) * sizeof *values), scores[FORECAST_SCORES];
	if (values == NULL)
		return NULL;
	struct forecast forecast = scores_gather(p->values + part->first * (size_t)p->width, job, part, target, values);
	if (p->gaps)
		close_gaps(&forecast, values, part->count);
	forecast_scores(&forecast, scores);
	json_t *entry =
	    json_pack("{s:s, s:I}", "target", job_target_name(job, target), "samples", (json_int_t)forecast.count);
	bool whole = entry != NULL;
	if (job_horizon(job, target) > 0)
		whole &= json_object_set_new(entry, "horizon", json_integer(job_horizon(job, target))) == 0;
	for (int k = 0; k < FORECAST_SCORES; k++)
		if (scores_has(job, k))
			whole &= json_object_set_new(entry, forecast_score_names[k], reply_number(scores[k])) == 0;
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
	for (int t = 0; list != NULL && t < job_width(job); t++)
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
	if (job->spec.task == TASK_TAGGING)
		return tag_predictions_metrics(p, job);
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return language_predictions_metrics(p, job);
	if (job->spec.task == TASK_TRANSLATION)
		return translation_predictions_metrics(p, job);
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
