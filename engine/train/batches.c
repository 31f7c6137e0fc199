/* Which samples a batch has. */
#include "engine/train/batches.h"

#include <stdlib.h>

#include "engine/philox.h"
#include "engine/train/buckets.h"

int batches_open(struct batches *batches, size_t samples, size_t size, bool shuffle, uint64_t seed,
                 struct qlstm_error *error)
{
	*batches = (struct batches){.samples = samples, .size = size, .shuffle = shuffle, .seed = seed};
	batches->order = malloc(2 * samples * sizeof *batches->order);
	return batches->order != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
}

void batches_close(struct batches *batches)
{
	free(batches->order);
	*batches = (struct batches){0};
}

size_t batches_in_pass(const struct batches *batches)
{
	return (batches->samples + batches->size - 1) / batches->size;
}

static void take_pass(struct batches *batches, size_t pass)
{
	if (batches->pass == pass)
		return;
	batches->pass = pass;
	if (batches->shuffle) {
		struct philox rng;
		philox_open(&rng, batches->seed, PHILOX_SHUFFLE, (uint32_t)pass);
		philox_permute(&rng, batches->order, batches->samples);
		if (batches->by_length != NULL)
			buckets_sort(batches->by_length, batches->size, batches->order, batches->samples, &rng);
		return;
	}
	for (size_t k = 0; k < batches->samples; k++)
		batches->order[k] = k;
}

struct batch batches_at(struct batches *batches, size_t place)
{
	size_t in_pass = batches_in_pass(batches), first = place % in_pass * batches->size;
	size_t left = batches->samples - first;
	take_pass(batches, place / in_pass + 1);
	return (struct batch){.pass = (int)(uint32_t)batches->pass,
	                      .order = batches->order + first,
	                      .count = left < batches->size ? left : batches->size};
}
