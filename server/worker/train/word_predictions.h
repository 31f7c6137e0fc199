/* What a model of words says at every scored position: probabilities of words, beside the truth. Called by
 * predictions.h where the task is words. */
#ifndef QLSTM_WORKER_WORD_PREDICTIONS_H
#define QLSTM_WORKER_WORD_PREDICTIONS_H

#include "server/worker/train/predictions.h"

/* As predictions_compute: a row for each scored step. */
int word_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                             struct qlstm_error *error);
/* part, index (of the sequence), position (of the target in it), then the target's column, NAME_predicted (the most
 * probable word), NAME_probability_0, ..., and the row of the data as in every predictions.csv. */
void word_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out);
/* {"train": [{"target", "accuracy", "cross_entropy"}], "test": [...]} as of a classification: the share of positions at
 * which the most probable word is the target, and the mean of -log of the target's probability. */
json_t *word_predictions_metrics(const struct predictions *predictions, const struct job *job);

#endif
