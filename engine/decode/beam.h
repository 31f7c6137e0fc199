/* Beam search: the target that a model with a decoder says to a source.
 *
 * A hypothesis is a beginning of a target; its score is the sum of the logarithms of its tokens' probabilities. At each
 * step every hypothesis is followed by every token; of these candidates the best `width` that are no ends go on, and an
 * end among the best `width` of all finishes its hypothesis. A sentence is done when `width` hypotheses are finished,
 * or after `length` steps. What is said is the finished one with the largest
 *
 *     score / ((5 + tokens) / 6)^length_penalty      tokens: with the end (Wu et al. 2016)
 *
 * and where none is finished the best that is not. Of equal candidates the one of the better hypothesis, then of the
 * smaller token, comes first; of equally good finished ones the earlier: the same input gives the same output. Width 1
 * is greedy search. Example: width 4, length_penalty 0.6. */
#ifndef QLSTM_DECODE_BEAM_H
#define QLSTM_DECODE_BEAM_H

#include <stdint.h>

#include "engine/error.h"
#include "engine/nn/model.h"

#define BEAM_WIDTH_MOST 16

struct beam_config {
	int width;             /* 1 to BEAM_WIDTH_MOST */
	double length_penalty; /* 0: none */
	int length;            /* tokens said at most, the end among them; above 0 */
	int begin, end;        /* tokens: what the decoder reads first; what ends a target */
	int first, known;      /* the others that may be said: first .. known - 1 */
};

struct beam_sources {
	const double *x;    /* [steps][count] tokens */
	const int *lengths; /* [count], 1 to steps */
	int steps;
	size_t count;
};

struct beam_said {
	int32_t *tokens;         /* [count][length], without begin and end */
	size_t *lengths;         /* [count] */
	double *log_probability; /* [count]: the score; of a finished one with its end */
};

/* Into what the caller provides. Reserves the model for count * width samples. ERR_OUT_OF_MEMORY, as model_reserve, and
 * ERR_INVALID where the model has no finite output. */
int beam_search(struct model *model, const struct beam_config *config, const struct beam_sources *sources,
                const struct beam_said *said, struct qlstm_error *error);

#endif
