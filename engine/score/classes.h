/* How well classes are told: a confusion matrix, what follows from it, and the area under a ROC curve. Definitions are
 * scikit-learn's; where it divides by zero the value here is NaN, and an average counts it as 0, as there. */
#ifndef QLSTM_SCORE_CLASSES_H
#define QLSTM_SCORE_CLASSES_H

#include <stddef.h>

#include "engine/error.h"

/* n classes; counts [truth][prediction]. */
struct confusion {
	size_t n;
	size_t *counts;
};

/* Zeros. confusion_free it. */
int confusion_new(struct confusion *out, size_t n, struct qlstm_error *error);
void confusion_free(struct confusion *confusion);
void confusion_add(struct confusion *confusion, size_t truth, size_t prediction);

/* Of class k against all others: precision = true / predicted, recall = true / there, f1 = their harmonic mean,
 * specificity = other ones told as others / other ones. */
struct class_scores {
	double precision, recall, f1, specificity;
	size_t support; /* samples of the class */
};
struct class_scores confusion_class(const struct confusion *confusion, size_t k);

/* Over all: accuracy; balanced_accuracy, the mean recall of the classes that there are samples of; the others are means
 * over the classes that are there or predicted. */
struct confusion_scores {
	double accuracy, balanced_accuracy, precision, recall, f1, specificity;
};
struct confusion_scores confusion_scores(const struct confusion *confusion);

/* The probability that a sample of class k is given more of `scores` than one of another class, equal ones count half:
 * the area under the ROC curve. `scores` [count][width], of which column k is taken; truth [count]. NaN where one of
 * the two sides has no sample. Costs a sort. */
int classes_roc_auc(const double *scores, const size_t *truth, size_t count, size_t width, size_t k, double *out,
                    struct qlstm_error *error);

#endif
