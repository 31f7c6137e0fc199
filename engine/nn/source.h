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

/* How many steps of sample b count. */
static inline size_t source_length(const struct source *source, size_t b)
{
	return (size_t)(source->lengths != NULL ? source->lengths[b] : source->steps);
}

#endif
