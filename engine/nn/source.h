/* What a decoder looks back at: the outputs of the layers before it, of a sentence that is translated one for each of
 * its tokens. One for a model. The model says which tokens the decoder reads and how long the sentences are; the
 * decoder (layer/decoder.c) what it looks at, and the attention layers behind it (layer/attention.c) hand their
 * gradients back there. */
#ifndef QLSTM_NN_SOURCE_H
#define QLSTM_NN_SOURCE_H

#include <stddef.h>

struct source {
	int decoder;          /* index of the layer, -1: the model has none */
	int steps;            /* of `values` */
	const int *lengths;   /* [batch]: the steps that count, the first ones; NULL: all */
	const double *given;  /* [frames][batch]: the tokens that the decoder reads */
	const double *values; /* [steps][width][batch] */
	double *gradient;     /* as values; zero before the backward pass */
};

/* What a recurrent layer before a decoder hands over to one of its kind behind it, [rows][batch] by what the latter
 * carries (carry.h): its state at each sample's own end, with which the other begins, and the gradient on it. */
struct handover {
	double *state, *gradient;
};

/* How many steps of sample b count. */
static inline size_t source_length(const struct source *source, size_t b)
{
	return (size_t)(source->lengths != NULL ? source->lengths[b] : source->steps);
}

#endif
