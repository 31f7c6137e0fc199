/* What a model on texts says: of tagging at every token, of text_classification of every text. Called by predictions.h
 * and scores.h where the task is such a one. */
#ifndef QLSTM_WORKER_TEXT_PREDICTIONS_H
#define QLSTM_WORKER_TEXT_PREDICTIONS_H

#include "server/worker/train/predictions.h"

/* Of tagging a row for each token: values [count][TAGGED_WIDTH]; places: which token of all it is, in their order. */
enum { TAGGED_CLASS, TAGGED_PROBABILITY, TAGGED_TRUTH, TAGGED_WIDTH }; /* TRUTH: the probability of the true class */

int tag_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                            struct qlstm_error *error);
/* The tag that each token has most often in the training part, of unknown ones the most frequent tag. */
int tag_predictions_most_frequent(struct predictions *out, const struct job *job, struct qlstm_error *error);

/* Of tagging: part,index,position,token,tags,tags_predicted,probability,row. Of text_classification: part, index, the
 * label, NAME_predicted, NAME_probability_LABEL for each label, row. Names are as the data have them. */
void text_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out);

/* Of tagging, of each part: [{"target", "texts", "samples" (tokens), "accuracy", "balanced_accuracy", "cross_entropy",
 * "precision", "recall", "f1" (means over the tags), "unknown" (the share of tokens that are not in the vocabulary),
 * "accuracy_unknown" (of those), "by_class": [{"class", "support", "precision", "recall", "f1"}]}]; null is what is not
 * defined. */
json_t *tag_predictions_metrics(const struct predictions *predictions, const struct job *job);

/* What a model that translates says to the sources of the validation and the test part, by beam search with the spec's
 * width and length penalty (engine/decode/beam.h); translation_predictions.c. */

/* The pairs of a job's table, and its samples. Errors point into the spec. */
int translation_take(struct job *job, struct qlstm_error *error);

/* A row for each sample behind the training part, in their order; the tokens stand behind these. */
enum { TRANSLATION_COUNT, TRANSLATION_LOG_PROBABILITY, TRANSLATION_TOKENS };

int translation_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress,
                                    void *context, struct qlstm_error *error);

/* BLEU of what the model says greedily to samples first .. first + n - 1; NaN where it has no finite output. */
double translation_bleu(const struct job *job, size_t first, size_t n);

/* part,index,SOURCE,TARGET,TARGET_predicted,log_probability,row; the names are those of the columns. */
void translation_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out);

/* Of each of the two parts: [{"target", "samples" (texts), "bleu", "brevity_penalty", "precisions" (of sequences of 1
 * to 4 tokens, percent), "length_ratio" (tokens said to tokens of the references), "exact" (the share of texts that are
 * the reference)}]. BLEU is that of engine/score/bleu.h: sacrebleu's, tokenised by 13a; with data.lowercase references
 * are in lower case too. */
json_t *translation_predictions_metrics(const struct predictions *predictions, const struct job *job);

#endif
