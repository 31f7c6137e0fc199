/* Probabilities of classes. */
#include "server/common/classes.h"

#include <math.h>

#include "engine/elementary/elementary.h"

void classes_softmax(double *values, size_t n)
{
	double most = values[0], sum = 0;
	for (size_t k = 1; k < n; k++)
		most = fmax(most, values[k]);
	for (size_t k = 0; k < n; k++)
		sum += values[k] = elementary_exp(values[k] - most);
	for (size_t k = 0; k < n; k++)
		values[k] /= sum;
}

int classes_likeliest(const double *probabilities, size_t n)
{
	size_t best = 0;
	for (size_t k = 1; k < n; k++)
		if (probabilities[k] > probabilities[best])
			best = k;
	return (int)best;
}
