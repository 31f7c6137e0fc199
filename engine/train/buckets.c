/* Buckets by length. */
#include "engine/train/buckets.h"

#include <string.h>

/* Merge sort from `order` by way of `room`: stable, and without memory of its own. */
static void sort(const struct samples *samples, size_t *order, size_t count, size_t *room)
{
	for (size_t width = 1; width < count; width *= 2) {
		for (size_t start = 0; start < count; start += 2 * width) {
			size_t middle = start + width < count ? start + width : count;
			size_t end = start + 2 * width < count ? start + 2 * width : count, a = start, b = middle;
			for (size_t k = start; k < end; k++) {
				bool first = b == end || (a < middle && samples->length(samples->self, order[a]) <=
				                                            samples->length(samples->self, order[b]));
				room[k] = first ? order[a++] : order[b++];
			}
		}
		memcpy(order, room, count * sizeof *order);
	}
}

/* Whole batches change places. */
static void mix(size_t *order, size_t batches, size_t batch, size_t *room, struct philox *rng)
{
	for (size_t k = batches; k > 1; k--) {
		size_t other = philox_below(rng, (uint32_t)k);
		memcpy(room, order + (k - 1) * batch, batch * sizeof *order);
		memmove(order + (k - 1) * batch, order + other * batch, batch * sizeof *order);
		memcpy(order + other * batch, room, batch * sizeof *order);
	}
}

void buckets_sort(const struct samples *samples, size_t batch, size_t *order, size_t count, struct philox *rng)
{
	size_t pool = POOL_BATCHES * batch;
	for (size_t first = 0; first < count; first += pool) {
		size_t n = count - first < pool ? count - first : pool;
		sort(samples, order + first, n, order + count);
		mix(order + first, n / batch, batch, order + count, rng);
	}
}
