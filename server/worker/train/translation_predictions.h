/* What a model that translates says to the sources of the validation and the test part, by beam search with the spec's
 * width and length penalty (engine/decode/beam.h). Called by predictions.h and scores.h where the task is translation. */
#ifndef QLSTM_WORKER_TRANSLATION_PREDICTIONS_H
#define QLSTM_WORKER_TRANSLATION_PREDICTIONS_H

#include "server/worker/train/predictions.h"

/* A row for each sample behind the training part, in their order; the tokens stand behind these. */
enum { TRANSLATION_COUNT, TRANSLATION_LOG_PROBABILITY, TRANSLATION_TOKENS };

int translation_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress,
                                    void *context, struct qlstm_error *error);

/* part,index,SOURCE,TARGET,TARGET_predicted,log_probability,row; the names are those of the columns. */
int translation_predictions_csv(const struct predictions *predictions, const struct job *job, char **text,
                                size_t *length, struct qlstm_error *error);

/* Of each of the two parts: [{"target", "samples" (texts), "bleu", "brevity_penalty", "precisions" (of sequences of 1 to 4
 * tokens, percent), "length_ratio" (tokens said to tokens of the references), "exact" (the share of texts that are the
 * reference)}]. BLEU is that of engine/score/bleu.h: sacrebleu's, tokenised by 13a; with data.lowercase references are in
 * lower case too. */
json_t *translation_predictions_metrics(const struct predictions *predictions, const struct job *job);

#endif
