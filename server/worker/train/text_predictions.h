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
int text_predictions_csv(const struct predictions *predictions, const struct job *job, char **text, size_t *length,
                         struct qlstm_error *error);

/* Of tagging, of each part: [{"target", "texts", "samples" (tokens), "accuracy", "balanced_accuracy", "cross_entropy",
 * "precision", "recall", "f1" (means over the tags), "unknown" (the share of tokens that are not in the vocabulary),
 * "accuracy_unknown" (of those), "by_class": [{"class", "support", "precision", "recall", "f1"}]}]; null is what is not
 * defined. */
json_t *tag_predictions_metrics(const struct predictions *predictions, const struct job *job);

#endif
