/* What a forward pass is told when it is part of training. A layer that is random or has state needs it; to all others
 * training and evaluation are the same. */
#ifndef QLSTM_NN_TRAINING_CONTEXT_H
#define QLSTM_NN_TRAINING_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

struct training_context {
	uint64_t seed;
	uint32_t epoch;      /* from 1 */
	const size_t *order; /* sample b of the batch is sample order[b] of the data set; NULL: first + b */
	size_t first;
};

/* The index in the data set of sample b of the batch. What is drawn for a sample is a function of it, so that it does
 * not matter which slice of a batch, at which place, the sample goes through. */
static inline size_t training_sample(const struct training_context *training, size_t b)
{
	return training->order != NULL ? training->order[b] : training->first + b;
}

#endif
