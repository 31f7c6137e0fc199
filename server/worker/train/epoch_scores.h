/* What an epoch is measured by beside its loss, in the units of the data: the errors of engine/score/forecast.h for
 * each part, of several targets their mean. mase and directional_accuracy are of forecasts alone; classes and words
 * have none of these. Of a translation BLEU (validation_bleu, without such a part test_bleu) of what the model says
 * greedily. */
#ifndef QLSTM_WORKER_EPOCH_SCORES_H
#define QLSTM_WORKER_EPOCH_SCORES_H

#include "engine/error.h"
#include "engine/train/trainer.h"

struct job;

struct epoch_scores {
	const struct job *job;
	struct trainer_scores asked;
	double *room; /* [3][samples of the largest part] */
	size_t most;  /* that */
};

/* Enters itself into the job's trainer_config where the task has such scores. The job, with its samples, outlives it
 * and is not moved. */
int epoch_scores_open(struct epoch_scores *scores, struct job *job, struct qlstm_error *error);
void epoch_scores_close(struct epoch_scores *scores); /* {0}: nothing */

#endif
