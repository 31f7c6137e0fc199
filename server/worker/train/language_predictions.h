/* What a language model says of the tokens of the validation and the test part, and what counts of the training part
 * say of them (engine/language/ngram.h). Called by predictions.h, scores.h and baselines.h where the task is
 * language_model. */
#ifndef QLSTM_WORKER_LANGUAGE_PREDICTIONS_H
#define QLSTM_WORKER_LANGUAGE_PREDICTIONS_H

#include "server/worker/train/predictions.h"

/* A row for each token of the two parts, in their order: values [count][LANGUAGE_WIDTH]. The first token of a part is
 * predicted by nothing: its TRUTH is NaN. */
enum {
	LANGUAGE_CLASS,       /* the most probable token; -1: not known */
	LANGUAGE_PROBABILITY, /* its probability */
	LANGUAGE_TRUTH,       /* that of the token that is there */
	LANGUAGE_WIDTH
};

int language_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress,
                                 void *context, struct qlstm_error *error);
/* The same by counts of tokens alone (order 1), of pairs and of triples. */
int language_predictions_count(struct predictions *out, const struct job *job, int order, struct qlstm_error *error);

/* part,index (of the token in its part),token,probability,token_predicted,probability_predicted. */
void language_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out);
/* Of each of the two parts: [{"target", "samples" (tokens predicted), "cross_entropy" (nats a token), "perplexity" (its
 * exponential), "bits_per_character", "accuracy", "unknown" (share of tokens that are not in the vocabulary)}]. */
json_t *language_predictions_metrics(const struct predictions *predictions, const struct job *job);

#endif
