/* The batches of training: which samples each of them has, pass after pass over the training part. In the order of the
 * samples, or shuffled anew for every pass. The last batch of a pass is what is left, so it may be smaller. */
#ifndef QLSTM_TRAIN_BATCHES_H
#define QLSTM_TRAIN_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/data/samples.h"
#include "engine/error.h"

struct batches {
	size_t samples; /* of the training part */
	size_t size;    /* of a batch */
	bool shuffle;
	uint64_t seed;
	const struct samples *by_length; /* batches of about the same length (buckets.h); borrowed; NULL: of any */
	size_t *order;                   /* [samples] of the pass at hand, with room for as many behind it */
	size_t pass;                     /* which that is, from 1; 0: none yet */
};

struct batch {
	int pass;            /* from 1; 1 again after 2^32 - 1 */
	const size_t *order; /* [count] the samples; borrowed until batches_at is asked about another pass */
	size_t count;
};

/* batches_close after it, whatever it returns. */
int batches_open(struct batches *batches, size_t samples, size_t size, bool shuffle, uint64_t seed,
                 struct qlstm_error *error);
void batches_close(struct batches *batches);

/* Batches in a pass over the training part. */
size_t batches_in_pass(const struct batches *batches);
/* Batch number `place`, from 0, of the whole training. A function of what batches_open was given and of `place` alone.
 */
struct batch batches_at(struct batches *batches, size_t place);

#endif
