/* Factors of dropout. */
#include "engine/nn/drop_factors.h"

#include "engine/philox.h"

/* Samples that are drawn for side by side: a cache line of factors. */
enum { SIDE = 8 };

void drop_factors_draw(const struct training_context *training, int layer, double p, size_t units, size_t batch,
                       double *factors)
{
	const double both[2] = {0.0, p < 1.0 ? 1.0 / (1.0 - p) : 0.0}; /* looked up: a branch would be a guess */
	for (size_t from = 0; from < batch; from += SIDE) {
		struct philox rngs[SIDE];
		size_t n = batch - from < SIDE ? batch - from : SIDE;
		for (size_t b = 0; b < n; b++) {
			const struct philox_place place = {.layer = (uint32_t)layer,
			                                   .epoch = training->epoch,
			                                   .sample = training_sample(training, from + b)};
			philox_open_place(&rngs[b], training->seed, &place);
		}
		for (size_t k = 0; k < units; k++)
			for (size_t b = 0; b < n; b++)
				factors[k * batch + from + b] = both[(double)philox_u32(&rngs[b]) * 0x1p-32 >= p];
	}
}
