/* What an epoch is measured by, in the units of the data. */
#include "server/worker/train/epoch_scores.h"

#include <stdlib.h>

#include "server/worker/train/scores.h"
#include "server/worker/train/text_predictions.h"

#define NAMES(name)                                                                                                    \
	{                                                                                                              \
		"train_" name, "validation_" name, "test_" name                                                        \
	}

static const char *const names[FORECAST_SCORES][TRAINER_PARTS] = {
    [FORECAST_MSE] = NAMES("mse"),     [FORECAST_RMSE] = NAMES("rmse"),
    [FORECAST_MAE] = NAMES("mae"),     [FORECAST_MAPE] = NAMES("mape"),
    [FORECAST_SMAPE] = NAMES("smape"), [FORECAST_MASE] = NAMES("mase"),
    [FORECAST_R2] = NAMES("r2"),       [FORECAST_DIRECTION] = NAMES("directional_accuracy")};
_Static_assert((int)FORECAST_SCORES <= TRAINER_SCORES_MAX,
               "raise TRAINER_SCORES_MAX: an epoch's row has that much room");

static void compute(void *context, size_t first, size_t n, double *y, double *out)
{
	const struct epoch_scores *scores = context;
	const struct job *job = scores->job;
	const struct job_part part = {.first = first, .count = n};
	int width = job->samples.shape.width;
	for (size_t i = 0; i < n * (size_t)width; i++)
		y[i] = scaler_invert(job_target_scaler(job, (int)(i % (size_t)width)), y[i]);
	for (int k = 0; k < FORECAST_SCORES; k++)
		out[k] = 0;
	for (int t = 0; t < width; t++) {
		const struct forecast forecast = scores_gather(y, job, &part, t, scores->room);
		double of_target[FORECAST_SCORES];
		forecast_scores(&forecast, of_target);
		for (int k = 0, place = 0; k < FORECAST_SCORES; k++)
			if (scores_has(job, k))
				out[place++] += of_target[k] / width;
	}
}

static void compute_bleu(void *context, size_t first, size_t n, double *y, double *out)
{
	(void)y;
	const struct epoch_scores *scores = context;
	out[0] = translation_bleu(scores->job, first, n);
}

/* Of the part by which epochs are chosen. */
static void ask_for_bleu(struct epoch_scores *scores, struct job *job)
{
	enum trainer_part part = job->samples.n_validation > 0 ? TRAINER_VALIDATION : TRAINER_TEST;
	scores->asked = (struct trainer_scores){.count = 1, .asks = true, .compute = compute_bleu, .context = scores};
	scores->asked.names[0][part] = part == TRAINER_VALIDATION ? "validation_bleu" : "test_bleu";
	job->spec.training.scores = &scores->asked;
}

int epoch_scores_open(struct epoch_scores *scores, struct job *job, struct qlstm_error *error)
{
	const struct samples *samples = &job->samples;
	*scores = (struct epoch_scores){.job = job};
	if (job->spec.task == TASK_TRANSLATION)
		ask_for_bleu(scores, job);
	if (samples->shape.target != TARGET_REALS)
		return 0;
	struct job_part parts[JOB_MAX_PARTS];
	for (int k = job_parts(job, parts); k-- > 0;)
		scores->most = parts[k].count > scores->most ? parts[k].count : scores->most;
	scores->room = malloc(3 * scores->most * sizeof *scores->room);
	if (scores->room == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu samples", scores->most);
	struct trainer_scores *asked = &scores->asked;
	*asked = (struct trainer_scores){.compute = compute, .context = scores};
	for (int k = 0; k < FORECAST_SCORES; k++) {
		if (!scores_has(job, k))
			continue;
		for (int part = 0; part < TRAINER_PARTS; part++)
			asked->names[asked->count][part] = names[k][part];
		asked->count++;
	}
	job->spec.training.scores = asked;
	return 0;
}

void epoch_scores_close(struct epoch_scores *scores)
{
	free(scores->room);
	*scores = (struct epoch_scores){0};
}
