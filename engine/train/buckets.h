/* Buckets: batches of samples of about the same length, so that little is padded.
 *
 * The order of an epoch is cut into pools of POOL_BATCHES batches; within a pool samples are sorted by their length, of
 * equal ones those that came first stay first; then the batches of the pool change places at random. */
#ifndef QLSTM_TRAIN_BUCKETS_H
#define QLSTM_TRAIN_BUCKETS_H

#include "engine/data/samples.h"
#include "engine/philox.h"

#define POOL_BATCHES 50

/* In place. `order` [count] with room for as many behind it; only whole batches change places, so that the last,
 * shorter batch stays the last. */
void buckets_sort(const struct samples *samples, size_t batch, size_t *order, size_t count, struct philox *rng);

#endif
