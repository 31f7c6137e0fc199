/* What a model carries from one batch to the next: the state of each recurrent layer at the end of the batch, where the
 * next one goes on with the sequences of this one. Gradients do not go back past the beginning of a batch (truncated
 * back-propagation through time). */
#ifndef QLSTM_NN_CARRY_H
#define QLSTM_NN_CARRY_H

#include <stddef.h>

/* Borrowed by the model (model_carry). Sample b of a batch is stream first + b. */
struct carry {
	double
	    *states; /* [model_carried][streams]: read at the beginning, overwritten at the end; zeros: a fresh start */
	size_t streams, first;
};

#endif
