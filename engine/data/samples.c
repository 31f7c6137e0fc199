/* Samples: what is the same for all implementations. */
#include "engine/data/samples.h"

#include <math.h>

size_t samples_train_count(double fraction, size_t count)
{
	/* Both the fraction and the product are rounded, each by at most 2^-53 of itself. */
	double product = fraction * (double)count, nearest = round(product);
	return (size_t)(fabs(product - nearest) <= 4e-16 * product ? nearest : product);
}

int samples_steps(const struct samples *samples, const size_t *order, size_t first, size_t count)
{
	size_t longest = samples->length == NULL ? (size_t)samples->shape.steps : 1;
	for (size_t b = 0; samples->length != NULL && b < count; b++) {
		size_t length = samples->length(samples->self, samples_at(order, first, b));
		longest = length > longest ? length : longest;
	}
	return (int)longest;
}

size_t samples_count_rows(const struct samples *samples, const size_t *order, size_t first, size_t count)
{
	if (samples->count_rows != NULL)
		return samples->count_rows(samples->self, order, first, count);
	return count * samples_frames(&samples->shape);
}

void samples_transpose(const double *from, size_t size, const size_t *order, size_t first, size_t count, double *to)
{
	for (size_t b = 0; b < count; b++) {
		const double *sample = from + samples_at(order, first, b) * size;
		for (size_t k = 0; k < size; k++)
			to[k * count + b] = sample[k];
	}
}
