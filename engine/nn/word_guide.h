/* What a layer that draws outside training is told of a batch beside its inputs: for which samples it draws, and, of
 * one that measures words, on which words its outcomes are to be postselected. Whoever runs a pass sets it
 * (model_guide); without one every outcome is drawn, for samples 0, 1, ... and seed 0. */
#ifndef QLSTM_NN_WORD_GUIDE_H
#define QLSTM_NN_WORD_GUIDE_H

#include <stddef.h>
#include <stdint.h>

struct word_guide {
	/* [steps][batch]; a step's word, as in rows of words (engine/rows.h), likewise the mask. In training every step
	 * is postselected on its word, otherwise those whose row is not ROW_DRAWN; where the layer says that it
	 * measures (struct qrnn_config), always those of ROW_GIVEN alone. */
	const double *words, *mask; /* NULL: the samples are none of words */
	double *outcomes;           /* [steps][batch]: the words that were postselected or drawn; NULL: not wanted */
	uint64_t seed;              /* of draws, which are functions of it, the sample and the step */
	const size_t *order;        /* sample b of the batch is sample order[b] of the data set; NULL: first + b */
	size_t first;
};

#endif
