/* What a model says of classes: from its outputs to probabilities, and from these to the class. */
#ifndef QLSTM_COMMON_CLASSES_H
#define QLSTM_COMMON_CLASSES_H

#include <stddef.h>

/* Logits to probabilities, which add up to 1, in place: exp(x_k) / sum_j exp(x_j). */
void classes_softmax(double *values, size_t n);
/* What a model that was trained with that loss says: of bce the sigmoid of each logit, divided by their sum; of others
 * classes_softmax. */
void classes_probabilities(const char *loss, double *values, size_t n);
/* The most probable class; of equal ones the first. */
int classes_likeliest(const double *probabilities, size_t n);

#endif
